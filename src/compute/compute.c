#include <config.h>

#include "compute/compute.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "compute/model.h"
#include "compute/power.h"
#include "host/bridge.h"
#include "host/link.h"
#include "host/sysctl.h"

#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"
#include "rpc/conductor.h"
#include "rpc/reporter.h"

NT_LOG_MODULE(compute);

#define CALL_TIMEOUT_MS 30000
#define WATCH_INTERVAL_MS 10000
#define REPORT_RETRY_MS 1000
#define REPLAN_MS 2000
#define CONSOLE_KEEP (1 << 20) /* Twice what a client is given at most. */
#define END_LIMIT_MS 3000      /* Of a guest that is deleted. */

/* Report. */

struct report {
    struct compute *compute;
    char id[NT_UUID_SIZE];
};

static void
remove_guest(struct compute *c, struct guest *guest)
{
    hmap_remove(&c->guests, &guest->node);
    guest_free(guest);
}

static void
report_done(void *report_, const void *result OVS_UNUSED, const struct nt_err *err)
{
    struct report *report = report_;
    struct compute *c = report->compute;
    struct guest *guest = model_find(c, report->id);
    /* A fault is the server's own trouble (its disk, say), and no word about the guest. */
    bool lost =
        err && (err->code == NT_UNAVAILABLE || err->code == NT_TIMEOUT || err->code == NT_FAULT);

    if (guest) {
        guest->report_pending = false;
        guest->reported = guest->reported && !lost;
        if (err && !lost) {
            nt_warn("the server does not take this guest's state; the guest is kept", "instance",
                    report->id, "why", err->msg, NULL);
        }
        if (guest->reported && guest->phase == GUEST_GONE) {
            remove_guest(c, guest);
        }
    }
    free(report);
}

static bool
state_of(const struct guest *guest, struct nt_update_instance_args *args)
{
    const char *task = power_task(guest);
    const char *state;

    switch (guest->phase) {
    case GUEST_RUNNING:
        state = "active";
        args->power_state = 1;
        break;
    case GUEST_ENDING:
        if (!task) {
            return false;
        }
        state = "";
        ovs_strlcpy(args->task_state, task, sizeof args->task_state);
        args->power_state = 1;
        break;
    case GUEST_DOWN:
        state = *guest->fault ? "error" : "stopped";
        args->power_state = 4;
        break;
    case GUEST_GONE:
        state = *guest->fault ? "error" : "deleted";
        break;
    case GUEST_PLUG:
    case GUEST_GUARD:
    case GUEST_START:
    case GUEST_STOP:
    case GUEST_STOPPING:
    default:
        return false;
    }
    ovs_strlcpy(args->vm_state, state, sizeof args->vm_state);
    ovs_strlcpy(args->fault, guest->fault, sizeof args->fault);
    args->power_generation = guest->generation;
    return true;
}

static bool
may_report(const struct compute *c, const struct guest *guest)
{
    return !guest->reported && !guest->report_pending && nt_bus_is_connected(c->env.bus);
}

static void
report_guest(struct compute *c, struct guest *guest)
{
    struct nt_update_instance_args args = { .power_state = 0 };

    if (!may_report(c, guest) || nt_mono_ms(c->env.clock) < guest->report_at
        || !state_of(guest, &args)) {
        return;
    }
    guest->report_at = nt_mono_ms(c->env.clock) + REPORT_RETRY_MS;
    ovs_strlcpy(args.host, c->env.host, sizeof args.host);
    ovs_strlcpy(args.id, guest->view.id, sizeof args.id);

    struct report *report = xzalloc(sizeof *report);
    report->compute = c;
    ovs_strlcpy(report->id, guest->view.id, sizeof report->id);
    guest->report_pending = true;
    guest->reported = true; /* Until something changes, or it gets lost. */
    nt_rpc_call(c->env.bus, NT_TO(&nt_conductor, NULL, "update_instance"), &args, CALL_TIMEOUT_MS,
                report_done, report);
}

/* Plan and apply: chains and guard. */

static int
compare_guests(const void *a_, const void *b_)
{
    const struct guest *const *a = a_;
    const struct guest *const *b = b_;

    return (*a)->view.number < (*b)->view.number ? -1 : (*a)->view.number > (*b)->view.number;
}

/* Its rules are made with all they need: it waits for this plan and no later one, however
 * many guests come after it. */
static void
note_plan(struct compute *c)
{
    struct guest *guest;

    c->plan++;
    c->planned_at = nt_mono_ms(c->env.clock);
    HMAP_FOR_EACH (guest, node, &c->guests) {
        if (guest->phase == GUEST_GUARD && !guest->plan && security_sync_has(c->security, guest)) {
            guest->plan = c->plan;
        }
    }
}

/* Guests that have devices, by number. */
static const struct guest **
guarded_guests(const struct compute *c, size_t *n)
{
    const struct guest **guests = xcalloc(hmap_count(&c->guests) + 1, sizeof *guests);
    const struct guest *guest;

    *n = 0;
    HMAP_FOR_EACH (guest, node, &c->guests) {
        if (guest->phase != GUEST_PLUG && guest->phase != GUEST_GONE) {
            guests[(*n)++] = guest;
        }
    }
    qsort(guests, *n, sizeof *guests, compare_guests);
    return guests;
}

static void
plan_rules(struct compute *c)
{
    size_t n;
    const struct guest **guests = guarded_guests(c, &n);
    const struct shash_node **nodes = shash_sort(&c->bridges);
    size_t n_bridges = shash_count(&c->bridges);
    const char **bridges = xcalloc(n_bridges + 1, sizeof *bridges);

    for (size_t i = 0; i < n_bridges; i++) {
        bridges[i] = nodes[i]->name;
    }
    security_sync_prune(c->security, guests, n);
    rules_plan(c->rules, &(struct rules_model){ guests, n, bridges, n_bridges,
                                                security_sync_view(c->security) });
    free(bridges);
    free(nodes);
    free(guests);
    c->rules_changed = false;
}

/* A plan that is on its way gets there before the next one is made; one that does not get
 * there may be what the next one puts right. */
static bool
may_plan(const struct compute *c)
{
    return rules_want_plan(c->rules) || rules_are_settled(c->rules) || rules_error(c->rules)
           || nt_mono_ms(c->env.clock) >= c->planned_at + REPLAN_MS;
}

static void
run_rules(struct compute *c)
{
    bool is_new = c->rules_changed && may_plan(c);

    if (is_new || rules_want_plan(c->rules)) {
        plan_rules(c);
        note_plan(c);
    }
    rules_run(c->rules);
    if (rules_are_settled(c->rules)) {
        c->settled_plan = c->plan;
    }
}

/* Its rules are in the kernel. */
static bool
is_guarded(const struct compute *c, const struct guest *guest)
{
    return guest->plan && guest->plan <= c->settled_plan;
}

/* Why they will not get there, or NULL while there is hope. */
static const char *
guard_error(const struct compute *c, const struct guest *guest)
{
    return guest->plan ? rules_error(c->rules) : NULL;
}

/* The phases of a guest. */

static int
ensure_bridges(struct compute *c, const struct guest *guest, struct nt_err *err)
{
    for (size_t i = 0; i < guest->view.n_vifs; i++) {
        const struct nt_vif *vif = &guest->view.vifs[i];
        const struct nt_config *config = c->env.config;
        AUTO_FREE char *state = xasprintf(
            "%s/compute-move-%s.json", nt_config_str(config, "neutrino_state_path"), vif->bridge);
        struct nt_bridge_args args = {
            .bridge = vif->bridge,
            .interface = nt_bridge_interface(vif->bridge, vif->bridge_interface,
                                             nt_config_str(config, "flat_network_bridge"),
                                             nt_config_str(config, "flat_interface")),
            .state_file = state,
            .mtu = vif->mtu,
        };

        /* Under multi_host the network host role of this machine owns the bridge. */
        if (!vif->multi_host && nt_bridge_ensure(&args, err) < 0) {
            return -1;
        }
        if (shash_add_once(&c->bridges, vif->bridge, NULL)) {
            c->rules_changed = true;
        }
    }
    return 0;
}

static int
plug(struct compute *c, struct guest *guest, struct nt_err *err)
{
    AUTO_FREE char *folder = guest_folder(c->instances_path, guest->view.number);
    AUTO_FREE char *console = guest_file(c->instances_path, guest->view.number, "console.log");

    /* What it said before it was stopped stays. */
    if (nt_mkdirs(folder, 0755, err) < 0
        || (access(console, F_OK) < 0 && nt_file_replace_soft(console, "", 0, 0644, NULL, err) < 0)
        || ensure_bridges(c, guest, err) < 0) {
        return -1;
    }
    /* Recorded before there is anything to find: what is left when this program ends in
     * between is taken up by the next one, under the same name. */
    if (!*guest->handle) {
        c->driver->class->name(c->driver, guest);
    }
    model_save(c, guest);
    if (NT_FAILPOINT("guest-plug")) {
        return nt_fail(err, NT_FAULT, "cannot plug %s (failpoint)", guest->view.name);
    }
    if (c->driver->class->plug(c->driver, guest, err) < 0) {
        return -1;
    }
    NT_CRASHPOINT("guest-plugged");
    model_save(c, guest);
    return 0;
}

/* A guest that cannot be built leaves nothing behind but its reason; one that ran before
 * stays, to be started again when the reason is gone. */
static void
give_up(struct compute *c, struct guest *guest, const struct nt_err *why)
{
    nt_error(guest->launched ? "guest not started" : "guest not built", "instance", guest->view.id,
             "why", why->msg, NULL);
    ovs_strlcpy(guest->fault, why->msg, sizeof guest->fault);
    if (guest->launched) {
        guest->wants_off = true;
        model_save(c, guest);
    }
    model_set_phase(guest, guest->launched ? GUEST_DOWN : GUEST_STOP);
}

static void
phase_plug(struct compute *c, struct guest *guest)
{
    struct nt_err err = { 0 };

    if (plug(c, guest, &err) < 0) {
        give_up(c, guest, &err);
    } else {
        nt_info("guest plugged", "instance", guest->view.id, "namespace", guest->handle, "port",
                guest->view.n_vifs ? guest->ifnames[0] : NULL, NULL);
        model_set_phase(guest, GUEST_GUARD);
    }
    model_changed(c, guest);
}

/* Its rules are in the kernel before it runs. */
static void
phase_guard(struct compute *c, struct guest *guest)
{
    const char *why = guard_error(c, guest);

    if (!guest->plan) {
        c->rules_changed |= security_sync_has(c->security, guest);
        return;
    }
    if (is_guarded(c, guest)) {
        model_set_phase(guest, GUEST_START);
    } else if (why) {
        struct nt_err err = { .code = NT_FAULT };

        snprintf(err.msg, sizeof err.msg, "its rules are not in place: %s", why);
        give_up(c, guest, &err);
    }
}

/* 0: it has what it needs to start; 1: not yet; -1. */
static int
prepare_drive(struct compute *c, const struct guest *guest, struct nt_err *err)
{
    if (!guest->view.config_drive && !nt_config_bool(c->env.config, "force_config_drive")) {
        return 0;
    }
    if (!c->driver->class->has_drives) {
        return nt_fail(err, NT_UNSUPPORTED,
                       "compute_driver %s has no config drives: only virtual machines do",
                       c->driver->class->label);
    }
    return config_drives_make(c->drives, guest, err);
}

static void
phase_start(struct compute *c, struct guest *guest)
{
    struct nt_err err = { 0 };

    if (NT_FAILPOINT("guest-start")) {
        nt_fail(&err, NT_FAULT, "cannot start %s (failpoint)", guest->view.name);
    }
    int rc = err.code ? -1 : prepare_drive(c, guest, &err);
    if (!rc) {
        rc = c->driver->class->start(c->driver, guest, &err);
    }
    if (rc < 0) {
        give_up(c, guest, &err);
        return;
    }
    if (rc) {
        return; /* Under way: asked again when the driver wakes us up. */
    }
    NT_CRASHPOINT("guest-started");
    guest->started = guest->launched = true;
    model_save(c, guest);
    model_set_phase(guest, GUEST_RUNNING);
    if (guest->asked_at) {
        nt_histogram_add(&c->start_seconds, (nt_mono_ms(c->env.clock) - guest->asked_at) / 1000.0);
    }
    nt_info("guest started", "instance", guest->view.id, "namespace", guest->handle, NULL);
}

static void
phase_running(struct compute *c, struct guest *guest)
{
    if (!c->driver->class->is_running(c->driver, guest)) {
        nt_warn("guest ended by itself", "instance", guest->view.id, NULL);
        model_set_phase(guest, GUEST_DOWN);
    }
}

static void
phase_stop(struct compute *c, struct guest *guest)
{
    NT_CRASHPOINT("guest-stop");
    config_drives_forget(c->drives, guest->view.id);
    c->driver->class->stop(c->driver, guest, END_LIMIT_MS);
    model_set_phase(guest, GUEST_STOPPING);
}

static void
phase_stopping(struct compute *c, struct guest *guest)
{
    struct nt_err err = { 0 };
    AUTO_FREE char *folder = guest_folder(c->instances_path, guest->view.number);

    if (c->driver->class->is_running(c->driver, guest)
        || nt_mono_ms(c->env.clock) < guest->retry_at) {
        return;
    }
    if (NT_FAILPOINT("guest-unplug")) {
        nt_fail(&err, NT_FAULT, "cannot unplug %s (failpoint)", guest->view.name);
    }
    if (err.code || c->driver->class->unplug(c->driver, guest, &err) < 0) {
        /* Its folder goes last: what is left would not be found without the record. */
        nt_error("guest's devices not removed, tried again", "instance", guest->view.id, "why",
                 err.msg, NULL);
        guest->retry_at = nt_mono_ms(c->env.clock) + REPORT_RETRY_MS;
        return;
    }

    NT_CRASHPOINT("guest-unplugged");

    int rc = nt_remove_tree(folder);
    if (rc < 0 && rc != -ENOENT) {
        nt_error("guest's folder not removed", "folder", folder, "why", ovs_strerror(-rc), NULL);
    }
    NT_CRASHPOINT("guest-gone");
    model_set_phase(guest, GUEST_GONE);
    c->rules_changed = true;
    nt_info("guest gone", "instance", guest->view.id, NULL);
}

typedef void phase_fn(struct compute *, struct guest *);

static phase_fn *const phases[] = {
    [GUEST_PLUG] = phase_plug,       [GUEST_GUARD] = phase_guard,       [GUEST_START] = phase_start,
    [GUEST_RUNNING] = phase_running, [GUEST_ENDING] = power_ending,     [GUEST_DOWN] = NULL,
    [GUEST_STOP] = phase_stop,       [GUEST_STOPPING] = phase_stopping, [GUEST_GONE] = NULL,
};

/* Nothing is to be done for it and nothing to be said of it: true of nearly all guests at
 * nearly all times. */
static bool
is_at_rest(struct compute *c, const struct guest *guest)
{
    return guest->reported
           && (guest->phase == GUEST_DOWN
               || (guest->phase == GUEST_RUNNING
                   && c->driver->class->is_running(c->driver, guest)));
}

static void
run_guests(struct compute *c)
{
    struct guest *guest;

    HMAP_FOR_EACH (guest, node, &c->guests) {
        enum guest_phase before;

        if (is_at_rest(c, guest)) {
            continue;
        }
        nt_log_swap_request(guest->request_id);
        do {
            before = guest->phase;
            if (phases[guest->phase]) {
                phases[guest->phase](c, guest);
            }
        } while (guest->phase != before && guest->phase != GUEST_GUARD);
        report_guest(c, guest);
        nt_log_swap_request(guest->request_id);
    }
}

/* Observe: this host. */

/* Somebody may have taken a guest's device out of its bridge, or down. */
static void
watch_ports(const struct guest *guest)
{
    for (size_t i = 0; i < guest->view.n_vifs; i++) {
        const struct nt_vif *vif = &guest->view.vifs[i];
        struct nt_err err = { 0 };
        bool repaired = false;

        if (!*guest->ifnames[i]) {
            continue;
        }
        if (nt_vif_ensure(guest->ifnames[i], vif->mac, vif->bridge, &repaired, &err) < 0) {
            /* A driver may have devices that are none of this host's. */
            nt_debug("guest's device not looked after", "instance", guest->view.id, "why", err.msg,
                     NULL);
        } else if (repaired) {
            nt_warn("guest's device put back into its bridge", "instance", guest->view.id, "device",
                    guest->ifnames[i], "bridge", vif->bridge, NULL);
        }
    }
}

static void
trim_consoles(const struct compute *c)
{
    const struct guest *guest;

    HMAP_FOR_EACH (guest, node, &c->guests) {
        AUTO_FREE char *path = guest_file(c->instances_path, guest->view.number, "console.log");

        guest_console_trim(path, CONSOLE_KEEP);
    }
}

/* Something else on the machine may switch off what the guests' guard hangs on. */
static void
run_watch(struct compute *c)
{
    int64_t now = nt_mono_ms(c->env.clock);
    const struct guest *guest;
    struct nt_err err = { 0 };

    if (now < c->next_watch) {
        return;
    }
    c->next_watch = now + WATCH_INTERVAL_MS;
    trim_consoles(c);
    if (nt_bridge_filter_ensure(&err) < 0) {
        nt_error("guests are not guarded", "why", err.msg, NULL);
    }
    rules_recheck(c->rules);
    HMAP_FOR_EACH (guest, node, &c->guests) {
        if (guest->phase == GUEST_RUNNING) {
            watch_ports(guest);
        }
    }
}

/* A guest's console without its record: this program ended before that was written, or
 * while it removed the folder.  One with anything else in it is not ours. */
static bool
is_unused_folder(const char *folder)
{
    static const char *const leftovers[] = { ".", "..", "console.log", ".console.log.tmp",
                                             ".instance.json.tmp" };
    bool unused = true;
    DIR *dir = opendir(folder);

    for (struct dirent *e; dir && (e = readdir(dir));) {
        bool known = false;

        for (size_t i = 0; i < NT_ARRAY_SIZE(leftovers); i++) {
            known |= !strcmp(e->d_name, leftovers[i]);
        }
        unused &= known;
    }
    if (dir) {
        closedir(dir);
    }
    return dir && unused;
}

/* A host that was started anew has none of them, and their names may become others'. */
static void
forget_lost_devices(struct guest *guest)
{
    for (size_t i = 0; i < guest->view.n_vifs; i++) {
        if (*guest->ifnames[i] && !nt_vif_is_there(guest->ifnames[i], guest->view.vifs[i].mac)) {
            nt_info("guest's device is not there any more", "instance", guest->view.id, "device",
                    guest->ifnames[i], NULL);
            guest->ifnames[i][0] = '\0';
        }
    }
}

static void
adopt_folder(struct compute *c, const char *name)
{
    AUTO_FREE char *folder = nt_path_join(c->instances_path, name);
    struct nt_err err = { 0 };
    struct guest *guest;

    if (is_unused_folder(folder)) {
        (void) !nt_remove_tree(folder);
        return;
    }
    if (guest_load(folder, &guest, &err) < 0) {
        nt_error("guest's record not usable, left alone", "folder", folder, "why", err.msg, NULL);
        return;
    }

    /* One that was not started yet goes on from there; its devices may be half-made. */
    bool running = c->driver->class->adopt(c->driver, guest);
    bool to_start = !guest->wants_off && (!guest->started || guest->reboot);
    if (running) {
        guest->started = guest->launched = true;
    } else if (to_start) {
        guest->started = false;
        guest->reboot = GUEST_REBOOT_NONE;
        guest->pid = guest->pid_start = 0;
    }
    if (!running) {
        forget_lost_devices(guest);
    }
    model_save(c, guest);
    model_add(c, guest, running ? GUEST_RUNNING : to_start ? GUEST_PLUG : GUEST_DOWN);
    if (running) {
        power_resume(c, guest);
    }
    if (ensure_bridges(c, guest, &err) < 0) {
        nt_error("guest's bridge is not as it should be", "instance", guest->view.id, "why",
                 err.msg, NULL);
    }
    nt_info(running ? "guest taken up" : "guest found not running", "instance", guest->view.id,
            "namespace", guest->handle, NULL);
}

/* Calls 'take' for each instance's folder. */
static int
each_folder(struct compute *c, void (*take)(struct compute *, const char *name), struct nt_err *err)
{
    DIR *dir = opendir(c->instances_path);
    if (!dir) {
        return nt_fail_errno(err, errno, "cannot read %s", c->instances_path);
    }
    for (struct dirent *e; (e = readdir(dir));) {
        if (!strncmp(e->d_name, "instance-", 9)) {
            take(c, e->d_name);
        }
    }
    closedir(dir);
    return 0;
}

/* The configured bridge of an earlier run stays let through without guests. */
static void
observe_bridge(struct compute *c)
{
    const char *bridge = nt_config_str(c->env.config, "flat_network_bridge");
    AUTO_FREE char *path = xasprintf("/sys/class/net/%s/bridge", bridge);

    if (!access(path, F_OK)) {
        shash_add_once(&c->bridges, bridge, NULL);
    }
}

/* For the plan alone: nothing is adopted or ensured. */
static void
read_record(struct compute *c, const char *name)
{
    AUTO_FREE char *folder = nt_path_join(c->instances_path, name);
    struct nt_err err = { 0 };
    struct guest *guest;

    if (guest_load(folder, &guest, &err) < 0) {
        nt_error("guest's record not usable", "folder", folder, "why", err.msg, NULL);
        return;
    }
    for (size_t i = 0; i < guest->view.n_vifs; i++) {
        shash_add_once(&c->bridges, guest->view.vifs[i].bridge, NULL);
    }
    model_add(c, guest, GUEST_RUNNING);
}

static int
check_options(const struct compute *c, struct nt_err *err)
{
    const char *firewall = nt_config_str(c->env.config, "firewall_driver");
    const char *class = strrchr(firewall, '.');

    if (strcmp(class ? class + 1 : firewall, "IptablesFirewallDriver")) {
        return nt_fail(err, NT_UNSUPPORTED,
                       "%s: firewall_driver %s is not offered, only IptablesFirewallDriver",
                       nt_config_origin(c->env.config, "firewall_driver"), firewall);
    }
    return 0;
}

static int
new_rules(struct compute *c, struct nt_err *err)
{
    const struct rules_env env = { c->env.config, c->env.clock, c->env.children };

    c->security = security_sync_new(c->env.bus, c->env.clock, c->env.host, c->security_path);
    return rules_new(&env, &c->rules, err);
}

static int
start(struct compute *c, struct nt_err *err)
{
    const struct nt_config *config = c->env.config;
    struct driver_env driver_env = { config, c->env.clock, c->env.children, c->instances_path };

    if (check_options(c, err) < 0 || driver_new(&driver_env, &c->driver, err) < 0
        || nt_mkdirs(nt_config_str(config, "lock_path"), 0755, err) < 0
        || nt_mkdirs(nt_config_str(config, "neutrino_state_path"), 0755, err) < 0
        || nt_bridge_filter_hold(nt_config_str(config, "lock_path"), &c->filter_fd, err) < 0
        || nt_bridge_filter_ensure(err) < 0 || new_rules(c, err) < 0) {
        return -1;
    }
    observe_bridge(c);
    if (nt_mkdirs(c->instances_path, 0755, err) < 0 || each_folder(c, adopt_folder, err) < 0) {
        return -1;
    }
    c->rules_changed = true;
    c->drives = config_drives_new(&(struct config_drives_env){
        c->env.bus, c->env.clock, c->env.children, c->env.host, c->instances_path });
    observe_start(c);
    return 0;
}

static struct compute *
compute_alloc(const struct compute_env *env)
{
    struct compute *c = xzalloc(sizeof *c);

    c->env = *env;
    c->filter_fd = -1;
    c->instances_path = nt_config_str(env->config, "instances_path");
    c->security_path =
        nt_path_join(nt_config_str(env->config, "neutrino_state_path"), "security-groups.json");
    c->next_watch = nt_mono_ms(env->clock) + WATCH_INTERVAL_MS;
    hmap_init(&c->guests);
    shash_init(&c->bridges);
    c->start_seconds = (struct nt_histogram) NT_SECONDS_HISTOGRAM_INITIALIZER;
    return c;
}

int
compute_plan_text(const struct compute_env *env, char **out, struct nt_err *err)
{
    AUTO(compute) c = compute_alloc(env);

    observe_bridge(c);
    if (each_folder(c, read_record, err) < 0) {
        return -1;
    }
    if (new_rules(c, err) < 0) {
        return -1;
    }
    plan_rules(c);
    *out = rules_text(c->rules);
    return 0;
}

int
compute_new(const struct compute_env *env, struct compute **out, struct nt_err *err)
{
    struct compute *c = compute_alloc(env);

    if (start(c, err) < 0) {
        compute_free(c);
        return -1;
    }
    *out = c;
    return 0;
}

void
compute_get_facts(const struct compute *c, struct compute_facts *out)
{
    const struct guest *guest;

    *out = (struct compute_facts){ .iptables = rules_iptables_stats(c->rules),
                                   .ip6tables = rules_ip6tables_stats(c->rules),
                                   .guard = rules_guard_stats(c->rules),
                                   .drops = rules_drops(c->rules),
                                   .bus = c->env.bus,
                                   .start_seconds = &c->start_seconds };
    HMAP_FOR_EACH (guest, node, &c->guests) {
        out->n_guests[guest->phase]++;
    }
}

void
compute_free(struct compute *c)
{
    if (!c) {
        return;
    }

    struct guest *guest;
    HMAP_FOR_EACH_POP (guest, node, &c->guests) {
        guest_free(guest);
    }
    hmap_destroy(&c->guests);
    shash_destroy(&c->bridges);
    nt_rpc_service_free(c->service);
    nt_reporter_free(c->reporter);
    config_drives_free(c->drives);
    rules_free(c->rules);
    security_sync_free(c->security);
    if (c->filter_fd >= 0) {
        close(c->filter_fd);
    }
    free(c->security_path);
    if (c->driver) {
        c->driver->class->free(c->driver);
    }
    free(c);
}

void
compute_run(struct compute *c)
{
    observe_run(c);
    nt_reporter_run(c->reporter);
    run_watch(c);
    c->driver->class->run(c->driver);
    security_sync_run(c->security);
    if (security_sync_take_changed(c->security)) {
        c->rules_changed = true;
    }
    run_guests(c);
    run_rules(c);
}

void
compute_wait(struct compute *c)
{
    struct guest *guest;

    c->driver->class->wait(c->driver);
    config_drives_wait(c->drives);
    rules_wait(c->rules);
    if (c->rules_changed) {
        poll_timer_wait_until(may_plan(c) ? 0 : c->planned_at + REPLAN_MS);
    }
    security_sync_wait(c->security);
    poll_timer_wait_until(c->next_watch);
    nt_reporter_wait(c->reporter);
    observe_wait(c);
    /* A phase that can go on, or a report that can be sent, must not wait. */
    HMAP_FOR_EACH (guest, node, &c->guests) {
        bool ready = guest->phase == GUEST_GUARD && (is_guarded(c, guest) || guard_error(c, guest));
        bool gone = (guest->phase == GUEST_STOPPING || guest->phase == GUEST_ENDING)
                    && !c->driver->class->is_running(c->driver, guest);
        struct nt_update_instance_args args;

        if (may_report(c, guest) && state_of(guest, &args)) {
            poll_timer_wait_until(guest->report_at);
        }
        if (gone && nt_mono_ms(c->env.clock) < guest->retry_at) {
            poll_timer_wait_until(guest->retry_at);
        } else if (ready || gone || guest->phase == GUEST_PLUG) {
            poll_immediate_wake();
            return;
        }
    }
}
