#include <config.h>

#include "compute/driver.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "compute/process.h"
#include "host/link.h"
#include "host/netns.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(driver_netns);

/* A guest's processes:
 *
 *     unshare (in the guest's network namespace, known by guest->pid)
 *       '- init (PID 1 of the guest's own PID namespace)
 *
 * init gets SIGTERM; what has not ended in time is killed through unshare, whose death
 * takes init along (--kill-child), and init's death everything else. */
#define AGAIN_MS 3000

struct running {
    struct ovs_list node;
    char id[NT_UUID_SIZE];
    struct nt_pidwatch *watch;
    int64_t kill_at; /* Monotonic; INT64_MAX: nobody asked it to end. */
};

struct driver_netns {
    struct driver up;
    struct driver_env env;
    struct ovs_list running;
};

static struct driver_netns *
cast(const struct driver *driver)
{
    return CONTAINER_OF(driver, struct driver_netns, up);
}

static struct running *
find(const struct driver_netns *d, const struct guest *guest)
{
    struct running *r;

    LIST_FOR_EACH (r, node, &d->running) {
        if (!strcmp(r->id, guest->view.id)) {
            return r;
        }
    }
    return NULL;
}

static void
forget(struct running *r)
{
    ovs_list_remove(&r->node);
    nt_pidwatch_free(r->watch);
    free(r);
}

static bool
watch(struct driver_netns *d, const struct guest *guest)
{
    struct nt_pidwatch *w;

    if (nt_pidwatch_new(guest->pid, &w) < 0) {
        return false;
    }

    /* One that has just ended may still be noted. */
    struct running *r = find(d, guest);
    if (r) {
        forget(r);
    }
    r = xzalloc(sizeof *r);
    ovs_strlcpy(r->id, guest->view.id, sizeof r->id);
    r->watch = w;
    r->kill_at = INT64_MAX;
    ovs_list_push_back(&d->running, &r->node);
    return true;
}

/* The one child of 'pid' (init), or 0. */
static pid_t
child_of(pid_t pid)
{
    char path[64];
    char *text = NULL;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int) pid, (int) pid);
    if (nt_file_read(path, 4096, &text, NULL) < 0) {
        return 0;
    }

    pid_t child = atoi(text);
    free(text);
    return child;
}

/* The option's prefix and the name's letters, digits and '-'; with the number behind
 * it when that is taken or nothing is left. */
static void
netns_name(struct driver *driver, struct guest *guest)
{
    const struct driver_netns *d = cast(driver);
    char base[128];
    size_t n = 0;

    for (const char *p = guest->view.name; *p && n < sizeof base - 1; p++) {
        if (isalnum((unsigned char) *p) || *p == '-') {
            base[n++] = *p;
        }
    }
    base[n] = '\0';

    const char *prefix = nt_config_str(d->env.config, "netns_prefix");
    snprintf(guest->handle, sizeof guest->handle, "%s%s", prefix, base);
    if (!n || nt_netns_exists(guest->handle)) {
        snprintf(guest->handle, sizeof guest->handle, "%s%s%s%lld", prefix, base, n ? "-" : "",
                 (long long) guest->view.number);
    }
}

static int
plug_vif(struct guest *guest, size_t i, int netns_fd, struct nt_err *err)
{
    const struct nt_vif *vif = &guest->view.vifs[i];
    char guest_name[NT_IFNAME_SIZE];
    struct nt_vif_plug_args args = {
        .bridge = vif->bridge,
        .netns_fd = netns_fd,
        .guest_name = guest_name,
        .mtu = vif->mtu,
        .hairpin = true,
    };

    snprintf(guest_name, sizeof guest_name, "eth%zu", i);
    if (!nt_mac_parse(vif->mac, &args.mac)) {
        return nt_fail(err, NT_INVALID, "port %s has no MAC address", vif->port_id);
    }
    return nt_vif_plug(&args, guest->ifnames[i], err);
}

static int
netns_unplug(struct driver *driver, struct guest *guest, struct nt_err *err)
{
    int rc = 0;

    (void) driver;
    for (size_t i = 0; i < guest->view.n_vifs; i++) {
        if (*guest->ifnames[i] && nt_vif_unplug(guest->ifnames[i], err) < 0) {
            rc = -1;
        } else {
            guest->ifnames[i][0] = '\0';
        }
    }
    if (*guest->handle && nt_netns_delete(guest->handle, err) < 0) {
        rc = -1;
    }
    return rc;
}

static int
netns_plug(struct driver *driver, struct guest *guest, struct nt_err *err)
{
    if (!*guest->handle) {
        netns_name(driver, guest);
    }
    if (nt_netns_add(guest->handle, err) < 0) {
        *guest->handle = '\0';
        return -1;
    }

    int fd = -1;
    int rc = nt_netns_open(guest->handle, &fd, err);

    for (size_t i = 0; i < guest->view.n_vifs && !rc; i++) {
        rc = plug_vif(guest, i, fd, err);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (rc) {
        struct nt_err ignored;

        (void) netns_unplug(driver, guest, &ignored);
    }
    return rc;
}

static int
netns_start(struct driver *driver, struct guest *guest, struct nt_err *err)
{
    struct driver_netns *d = cast(driver);
    AUTO_FREE char *init = nt_path_join(guest->view.image_location, "init");
    AUTO_FREE char *console = guest_file(d->env.instances_path, guest->view.number, "console.log");
    AUTO_FREE char *net = xasprintf("--net=/run/netns/%s", guest->handle);
    AUTO_FREE char *name = xasprintf("NT_GUEST_NAME=%s", guest->view.hostname);
    struct stat st;

    if (*init != '/' || stat(init, &st) < 0 || !(st.st_mode & 0100)) {
        return nt_fail(err, NT_NOT_FOUND, "image %s has no program %s", guest->view.image_name,
                       init);
    }

    const char *argv[] = { "nsenter",      net,     "--",    "unshare", "--mount",
                           "--uts",        "--ipc", "--pid", "--fork",  "--mount-proc",
                           "--kill-child", "--",    init,    NULL };
    const char *env[] = { name, NULL };
    struct nt_child_opts opts = {
        .argv = argv, .env = env, .output_file = console, .new_session = true
    };
    struct nt_child *child;

    if (nt_child_start(d->env.children, &opts, NULL, NULL, &child, err) < 0) {
        return -1;
    }
    guest->pid = nt_child_pid(child);
    guest->pid_start = process_start_time(guest->pid);
    if (!watch(d, guest)) {
        nt_child_kill(child, SIGKILL);
        return nt_fail(err, NT_FAULT, "guest %s ended at once", guest->handle);
    }
    return 0;
}

static bool
netns_is_running(struct driver *driver, const struct guest *guest)
{
    const struct running *r = find(cast(driver), guest);

    return r && !nt_pidwatch_is_dead(r->watch);
}

/* The oldest process in the guest's namespace, or 0: the guest's unshare. */
static pid_t
oldest_process(const struct guest *guest)
{
    AUTO_FREE char *name = nt_path_join(NT_NETNS_DIR, guest->handle);
    int64_t oldest = INT64_MAX;
    struct stat want, st;
    pid_t found = 0;
    DIR *dir;

    if (!*guest->handle || stat(name, &want) < 0 || !(dir = opendir("/proc"))) {
        return 0;
    }
    for (struct dirent *e; (e = readdir(dir));) {
        AUTO_FREE char *net = xasprintf("/proc/%s/ns/net", e->d_name);
        pid_t pid = atoi(e->d_name);

        if (pid > 0 && !stat(net, &st) && st.st_ino == want.st_ino && st.st_dev == want.st_dev) {
            int64_t start = process_start_time(pid);

            if (start >= 0 && start < oldest) {
                oldest = start;
                found = pid;
            }
        }
    }
    closedir(dir);
    return found;
}

/* Its process is the one that was noted, and its namespace is there.  Started and not
 * noted any more, it is found by its namespace: it must not be started twice. */
static bool
netns_adopt(struct driver *driver, struct guest *guest)
{
    if (!guest->pid) {
        guest->pid = oldest_process(guest);
        guest->pid_start = guest->pid ? process_start_time(guest->pid) : 0;
    }
    return guest->pid > 0 && guest->pid_start >= 0
           && process_start_time(guest->pid) == guest->pid_start && nt_netns_exists(guest->handle)
           && watch(cast(driver), guest);
}

static void
netns_stop(struct driver *driver, struct guest *guest, int64_t limit_ms)
{
    struct driver_netns *d = cast(driver);
    struct running *r = find(d, guest);

    if (!r || nt_pidwatch_is_dead(r->watch)) {
        return;
    }
    if (r->kill_at == INT64_MAX && limit_ms > 0) {
        pid_t init = child_of(guest->pid);

        if (init > 0) {
            kill(init, SIGTERM);
        }
    }
    if (limit_ms <= 0) {
        nt_pidwatch_signal(r->watch, SIGKILL);
    }
    r->kill_at = MIN(r->kill_at, nt_mono_ms(d->env.clock) + (limit_ms > 0 ? limit_ms : AGAIN_MS));
}

static void
netns_run(struct driver *driver)
{
    struct driver_netns *d = cast(driver);
    int64_t now = nt_mono_ms(d->env.clock);
    struct running *r;

    LIST_FOR_EACH_SAFE (r, node, &d->running) {
        if (nt_pidwatch_is_dead(r->watch)) {
            forget(r);
        } else if (now >= r->kill_at) {
            nt_warn("guest did not end in time, killed", "instance", r->id, NULL);
            nt_pidwatch_signal(r->watch, SIGKILL);
            r->kill_at = now + AGAIN_MS;
        }
    }
}

static void
netns_wait(struct driver *driver)
{
    const struct running *r;

    LIST_FOR_EACH (r, node, &cast(driver)->running) {
        nt_pidwatch_wait(r->watch);
        if (r->kill_at != INT64_MAX) {
            poll_timer_wait_until(r->kill_at);
        }
    }
}

static void
netns_free(struct driver *driver)
{
    struct driver_netns *d = cast(driver);
    struct running *r;

    LIST_FOR_EACH_SAFE (r, node, &d->running) {
        forget(r);
    }
    free(d);
}

static const struct driver_class netns_class = {
    .label = "netns",
    .name = netns_name,
    .plug = netns_plug,
    .start = netns_start,
    .adopt = netns_adopt,
    .stop = netns_stop,
    .is_running = netns_is_running,
    .unplug = netns_unplug,
    .run = netns_run,
    .wait = netns_wait,
    .free = netns_free,
};

struct driver *
driver_netns_new(const struct driver_env *env)
{
    struct driver_netns *d = xzalloc(sizeof *d);

    d->up.class = &netns_class;
    d->env = *env;
    ovs_list_init(&d->running);
    return &d->up;
}
