#include <config.h>

#include "compute/compute.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hashing.h"
#include "base/log.h"
#include "base/mem.h"
#include "compute/driver.h"
#include "compute/guest.h"
#include "compute/plan.h"
#include "host/bridge.h"
#include "host/guard.h"
#include "host/iptables.h"
#include "host/sysctl.h"

#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"
#include "rpc/compute.h"
#include "rpc/conductor.h"
#include "rpc/reporter.h"

NT_LOG_MODULE(compute);

#define CALL_TIMEOUT_MS 30000
#define WATCH_INTERVAL_MS 10000
#define RETRY_MS 1000
#define CONSOLE_MAX (512 << 10)

struct compute {
    struct compute_env env;
    const char *instances_path;
    struct driver *driver;
    struct nt_iptables *iptables;
    struct nt_guard *guard;
    struct nt_rpc_service *service;
    struct hmap guests;   /* struct guest, by id. */
    struct shash bridges; /* Names, without data: ensured, or found at start. */
    bool rules_changed;   /* The plan is to be made again. */
    bool chains_ok;       /* The last plan's chains are in the kernel. */
    char chains_error[NT_ERR_SIZE];
    bool synced;       /* The server's list was worked through. */
    bool sync_pending; /* get_instances is under way. */
    struct nt_reporter *reporter;
    int64_t next_watch, next_sync; /* Monotonic. */
};

static struct guest *
find_guest(const struct compute *c, const char *id)
{
    struct guest *guest;

    HMAP_FOR_EACH_WITH_HASH (guest, node, hash_string(id, 0), &c->guests) {
        if (!strcmp(guest->view.id, id)) {
            return guest;
        }
    }
    return NULL;
}

static void
add_guest(struct compute *c, struct guest *guest, enum guest_phase phase)
{
    guest->phase = phase;
    hmap_insert(&c->guests, &guest->node, hash_string(guest->view.id, 0));
}

static void
save_guest(struct compute *c, const struct guest *guest)
{
    struct nt_err err = { 0 };

    if (guest_save(guest, c->instances_path, &err) < 0) {
        nt_error("guest not recorded; it will not survive a restart of this program", "instance",
                 guest->view.id, "why", err.msg, NULL);
    }
}

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
    struct guest *guest = find_guest(c, report->id);
    bool lost = err && (err->code == NT_UNAVAILABLE || err->code == NT_TIMEOUT);

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
    const char *state;

    switch (guest->phase) {
    case GUEST_RUNNING:
        state = "active";
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
    guest->report_at = nt_mono_ms(c->env.clock) + RETRY_MS;
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

static void
set_phase(struct guest *guest, enum guest_phase phase)
{
    guest->phase = phase;
    guest->reported = false;
    guest->report_at = 0;
}

/* Plan and apply: chains and guard. */

static int
compare_guests(const void *a_, const void *b_)
{
    const struct guest *const *a = a_;
    const struct guest *const *b = b_;

    return (*a)->view.number < (*b)->view.number ? -1 : (*a)->view.number > (*b)->view.number;
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
set_guard(struct compute *c, const struct guest *const *guests, size_t n)
{
    size_t n_ports = 0;
    struct nt_guard_port *ports;

    for (size_t i = 0; i < n; i++) {
        n_ports += guests[i]->view.n_vifs;
    }
    ports = xcalloc(n_ports + 1, sizeof *ports);
    n_ports = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < guests[i]->view.n_vifs; j++) {
            const struct nt_vif *vif = &guests[i]->view.vifs[j];
            struct nt_guard_port *port = &ports[n_ports];

            if (!*guests[i]->ifnames[j]) {
                continue;
            }
            ovs_strlcpy(port->ifname, guests[i]->ifnames[j], sizeof port->ifname);
            ovs_strlcpy(port->mac, vif->mac, sizeof port->mac);
            ovs_strlcpy(port->addresses[0], vif->address, NT_IP4_SIZE);
            port->n_addresses = *vif->address != '\0';
            n_ports++;
        }
    }
    nt_guard_set(c->guard, ports, n_ports);
    free(ports);
}

static void
plan_rules(struct compute *c)
{
    size_t n;
    const struct guest **guests = guarded_guests(c, &n);
    const struct shash_node **nodes = shash_sort(&c->bridges);
    size_t n_bridges = shash_count(&c->bridges);
    const char **bridges = xcalloc(n_bridges + 1, sizeof *bridges);
    struct plan_options options = {
        .golden = !strcmp(nt_config_str(c->env.config, "compat"), "essex"),
        .allow_same_net_traffic = nt_config_bool(c->env.config, "allow_same_net_traffic"),
    };

    for (size_t i = 0; i < n_bridges; i++) {
        bridges[i] = nodes[i]->name;
    }
    c->chains_ok = false;
    *c->chains_error = '\0';
    nt_iptables_set(c->iptables, plan_chains(guests, n, bridges, n_bridges, &options));
    if (nt_config_bool(c->env.config, "anti_spoofing")) {
        set_guard(c, guests, n);
    }
    free(bridges);
    free(nodes);
    free(guests);
    c->rules_changed = false;
}

static void
on_chains_settled(void *c_, uint64_t generation OVS_UNUSED, bool ok, const struct nt_err *err)
{
    struct compute *c = c_;

    c->chains_ok = ok && nt_iptables_is_settled(c->iptables);
    ovs_strlcpy(c->chains_error, ok ? "" : err->msg, sizeof c->chains_error);
    if (!ok) {
        nt_error("guests' chains not written", "why", err->msg, NULL);
    }
}

static bool
rules_are_settled(const struct compute *c)
{
    return !c->rules_changed && c->chains_ok && nt_guard_is_settled(c->guard);
}

/* Why the rules will not settle, or NULL while there is hope. */
static const char *
rules_error(const struct compute *c)
{
    return c->rules_changed ? NULL : *c->chains_error ? c->chains_error : nt_guard_error(c->guard);
}

/* The phases of a guest. */

static int
ensure_bridges(struct compute *c, const struct guest *guest, struct nt_err *err)
{
    for (size_t i = 0; i < guest->view.n_vifs; i++) {
        const struct nt_vif *vif = &guest->view.vifs[i];
        const char *flat = nt_config_str(c->env.config, "flat_interface");
        AUTO_FREE char *state =
            xasprintf("%s/compute-move-%s.json",
                      nt_config_str(c->env.config, "neutrino_state_path"), vif->bridge);
        struct nt_bridge_args args = {
            .bridge = vif->bridge,
            .interface = *flat ? flat : vif->bridge_interface,
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

    if (nt_mkdirs(folder, 0755, err) < 0
        || nt_file_replace_soft(console, "", 0, 0644, NULL, err) < 0
        || ensure_bridges(c, guest, err) < 0 || c->driver->class->plug(c->driver, guest, err) < 0) {
        return -1;
    }
    save_guest(c, guest);
    return 0;
}

/* A guest that cannot be built leaves nothing behind but its reason. */
static void
give_up(struct guest *guest, const struct nt_err *why)
{
    nt_error("guest not built", "instance", guest->view.id, "why", why->msg, NULL);
    ovs_strlcpy(guest->fault, why->msg, sizeof guest->fault);
    set_phase(guest, GUEST_STOP);
}

static void
phase_plug(struct compute *c, struct guest *guest)
{
    struct nt_err err = { 0 };

    if (plug(c, guest, &err) < 0) {
        give_up(guest, &err);
    } else {
        nt_info("guest plugged", "instance", guest->view.id, "namespace", guest->handle, "port",
                guest->view.n_vifs ? guest->ifnames[0] : NULL, NULL);
        set_phase(guest, GUEST_GUARD);
    }
    c->rules_changed = true;
}

/* Its rules are in the kernel before it runs. */
static void
phase_guard(struct compute *c, struct guest *guest)
{
    const char *why = rules_error(c);

    if (rules_are_settled(c)) {
        set_phase(guest, GUEST_START);
    } else if (why) {
        struct nt_err err = { .code = NT_FAULT };

        snprintf(err.msg, sizeof err.msg, "its rules are not in place: %s", why);
        give_up(guest, &err);
    }
}

static void
phase_start(struct compute *c, struct guest *guest)
{
    struct nt_err err = { 0 };

    if (c->driver->class->start(c->driver, guest, &err) < 0) {
        give_up(guest, &err);
        return;
    }
    save_guest(c, guest);
    set_phase(guest, GUEST_RUNNING);
    nt_info("guest started", "instance", guest->view.id, "namespace", guest->handle, NULL);
}

static void
phase_running(struct compute *c, struct guest *guest)
{
    if (!c->driver->class->is_running(c->driver, guest)) {
        nt_warn("guest ended by itself", "instance", guest->view.id, NULL);
        set_phase(guest, GUEST_DOWN);
    }
}

static void
phase_stop(struct compute *c, struct guest *guest)
{
    c->driver->class->stop(c->driver, guest);
    set_phase(guest, GUEST_STOPPING);
}

static void
phase_stopping(struct compute *c, struct guest *guest)
{
    struct nt_err err = { 0 };
    AUTO_FREE char *folder = guest_folder(c->instances_path, guest->view.number);

    if (c->driver->class->is_running(c->driver, guest)) {
        return;
    }
    if (c->driver->class->unplug(c->driver, guest, &err) < 0) {
        nt_error("guest's devices not removed", "instance", guest->view.id, "why", err.msg, NULL);
    }

    int rc = nt_remove_tree(folder);
    if (rc < 0 && rc != -ENOENT) {
        nt_error("guest's folder not removed", "folder", folder, "why", ovs_strerror(-rc), NULL);
    }
    set_phase(guest, GUEST_GONE);
    c->rules_changed = true;
    nt_info("guest gone", "instance", guest->view.id, NULL);
}

typedef void phase_fn(struct compute *, struct guest *);

static phase_fn *const phases[] = {
    [GUEST_PLUG] = phase_plug,         [GUEST_GUARD] = phase_guard, [GUEST_START] = phase_start,
    [GUEST_RUNNING] = phase_running,   [GUEST_DOWN] = NULL,         [GUEST_STOP] = phase_stop,
    [GUEST_STOPPING] = phase_stopping, [GUEST_GONE] = NULL,
};

static void
run_guests(struct compute *c)
{
    struct guest *guest;

    HMAP_FOR_EACH (guest, node, &c->guests) {
        enum guest_phase before;

        do {
            before = guest->phase;
            if (phases[guest->phase]) {
                phases[guest->phase](c, guest);
            }
        } while (guest->phase != before && guest->phase != GUEST_GUARD);
        report_guest(c, guest);
    }
}

/* Observe: the server. */

static void
build(struct compute *c, const struct nt_instance_view *view)
{
    struct guest *guest = find_guest(c, view->id);

    if (guest) {
        guest->reported = false;
        return;
    }
    add_guest(c, guest_new(view), GUEST_PLUG);
    nt_info("guest to be built", "instance", view->id, "name", view->name, NULL);
}

static void
terminate(struct compute *c, const char *id, int64_t number)
{
    struct guest *guest = find_guest(c, id);

    if (!guest) {
        /* Not here (any more): say so, the server waits for it. */
        struct nt_instance_view view = { .number = number };

        ovs_strlcpy(view.id, id, sizeof view.id);
        guest = guest_new(&view);
        add_guest(c, guest, GUEST_GONE);
        return;
    }
    *guest->fault = '\0';
    if (guest->phase < GUEST_STOP) {
        set_phase(guest, GUEST_STOP);
    } else {
        guest->reported = false;
    }
}

static void
handle_build(void *c, const void *args_, struct nt_bus_request *req)
{
    const struct nt_build_instance_args *args = args_;

    build(c, &args->instance);
    nt_rpc_reply(&nt_compute_host, req, NULL);
}

static void
handle_terminate(void *c, const void *args_, struct nt_bus_request *req)
{
    const struct nt_instance_args *args = args_;

    terminate(c, args->id, args->number);
    nt_rpc_reply(&nt_compute_host, req, NULL);
}

static void
handle_console(void *c_, const void *args_, struct nt_bus_request *req)
{
    struct compute *c = c_;
    const struct nt_console_args *args = args_;
    AUTO_FREE char *path = guest_file(c->instances_path, args->number, "console.log");
    struct nt_console_result result = { guest_console(path, args->length, CONSOLE_MAX) };

    nt_rpc_reply(&nt_compute_host, req, &result);
    free(result.output);
}

static const struct nt_rpc_handler handlers[] = {
    { "build_instance", handle_build },
    { "terminate_instance", handle_terminate },
    { "get_console_output", handle_console },
    { 0 },
};

/* An instance the server places here and that we have no trace of. */
static void
sync_unknown(struct compute *c, const struct nt_instance_view *view)
{
    if (!strcmp(view->task_state, "deleting")) {
        terminate(c, view->id, view->number);
    } else if (!strcmp(view->vm_state, "building")) {
        build(c, view);
    } else if (!strcmp(view->vm_state, "active")) {
        struct guest *guest = guest_new(view);

        snprintf(guest->fault, sizeof guest->fault, "host %s has no trace of it", c->env.host);
        add_guest(c, guest, GUEST_GONE);
    }
}

static void
sync_done(void *c_, const void *result_, const struct nt_err *err)
{
    struct compute *c = c_;
    const struct nt_instances_result *result = result_;
    struct shash known = SHASH_INITIALIZER(&known);
    struct guest *guest;

    c->sync_pending = false;
    if (err) {
        nt_warn("instances not fetched", "why", err->msg, NULL);
        return;
    }
    for (size_t i = 0; i < result->n_instances; i++) {
        const struct nt_instance_view *view = &result->instances[i];

        shash_add_once(&known, view->id, NULL);
        if (!find_guest(c, view->id)) {
            sync_unknown(c, view);
        } else if (!strcmp(view->task_state, "deleting")) {
            terminate(c, view->id, view->number);
        }
    }
    HMAP_FOR_EACH (guest, node, &c->guests) {
        if (!shash_find(&known, guest->view.id) && guest->phase <= GUEST_DOWN) {
            nt_warn("guest unknown to the server, kept", "instance", guest->view.id, "name",
                    guest->view.name, NULL);
        }
        guest->reported = false;
    }
    shash_destroy(&known);
    c->synced = true;
}

static void
on_bus_state(void *c_, bool connected)
{
    struct compute *c = c_;

    c->synced = false;
    c->sync_pending = false;
    c->next_sync = 0;
    nt_reporter_now(c->reporter);
    nt_info(connected ? "server connected" : "server away", NULL);
}

static void
run_sync(struct compute *c)
{
    struct nt_host_args args = { .host = "" };

    if (c->synced || c->sync_pending || !nt_bus_is_connected(c->env.bus)
        || nt_mono_ms(c->env.clock) < c->next_sync) {
        return;
    }
    c->sync_pending = true;
    c->next_sync = nt_mono_ms(c->env.clock) + RETRY_MS;
    ovs_strlcpy(args.host, c->env.host, sizeof args.host);
    nt_rpc_call(c->env.bus, NT_TO(&nt_conductor, NULL, "get_instances"), &args, CALL_TIMEOUT_MS,
                sync_done, c);
}

static void
fill_report(void *c_, struct nt_report_state_args *args)
{
    const struct compute *c = c_;
    struct sysinfo info;

    args->instances = hmap_count(&c->guests);
    args->vcpus = sysconf(_SC_NPROCESSORS_ONLN);
    if (!sysinfo(&info)) {
        args->ram_mb = (int64_t) info.totalram * info.mem_unit >> 20;
    }
}

static void
on_revived(void *c_)
{
    struct compute *c = c_;

    c->synced = false;
}

/* Observe: this host. */

/* Something else on the machine may switch off what the guests' guard hangs on. */
static void
run_watch(struct compute *c)
{
    int64_t now = nt_mono_ms(c->env.clock);
    struct nt_err err = { 0 };

    if (now < c->next_watch) {
        return;
    }
    c->next_watch = now + WATCH_INTERVAL_MS;
    if (nt_bridge_filter_ensure(&err) < 0) {
        nt_error("guests are not guarded", "why", err.msg, NULL);
    }
    nt_iptables_recheck(c->iptables);
    nt_guard_recheck(c->guard);
}

static void
adopt_folder(struct compute *c, const char *name)
{
    AUTO_FREE char *folder = nt_path_join(c->instances_path, name);
    struct nt_err err = { 0 };
    struct guest *guest;

    if (guest_load(folder, &guest, &err) < 0) {
        nt_error("guest's record not usable, left alone", "folder", folder, "why", err.msg, NULL);
        return;
    }

    /* One that has its devices but was not started yet goes on from there. */
    bool running = c->driver->class->adopt(c->driver, guest);
    add_guest(c, guest, running ? GUEST_RUNNING : guest->pid ? GUEST_DOWN : GUEST_GUARD);
    if (ensure_bridges(c, guest, &err) < 0) {
        nt_error("guest's bridge is not as it should be", "instance", guest->view.id, "why",
                 err.msg, NULL);
    }
    nt_info(running ? "guest taken up" : "guest found not running", "instance", guest->view.id,
            "namespace", guest->handle, NULL);
}

static int
adopt_guests(struct compute *c, struct nt_err *err)
{
    if (nt_mkdirs(c->instances_path, 0755, err) < 0) {
        return -1;
    }

    DIR *dir = opendir(c->instances_path);
    if (!dir) {
        return nt_fail_errno(err, errno, "cannot read %s", c->instances_path);
    }
    for (struct dirent *e; (e = readdir(dir));) {
        if (!strncmp(e->d_name, "instance-", 9)) {
            adopt_folder(c, e->d_name);
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

static struct nt_reporter *
new_reporter(struct compute *c)
{
    const struct nt_reporter_opts opts = {
        .bus = c->env.bus,
        .clock = c->env.clock,
        .interval_ms = nt_config_int(c->env.config, "report_interval") * 1000,
        .host = c->env.host,
        .binary = "neutrino-compute",
        .topic = nt_compute_host.topic,
        .fill = fill_report,
        .revived = on_revived,
        .aux = c,
    };

    return nt_reporter_new(&opts);
}

static int
start(struct compute *c, struct nt_err *err)
{
    const struct nt_config *config = c->env.config;
    enum nt_iptables_variant variant;
    struct driver_env driver_env = { config, c->env.clock, c->env.children, c->instances_path };
    AUTO_FREE char *lock = nt_path_join(nt_config_str(config, "lock_path"), "iptables.lock");

    if (check_options(c, err) < 0 || driver_new(&driver_env, &c->driver, err) < 0
        || nt_mkdirs(nt_config_str(config, "lock_path"), 0755, err) < 0
        || nt_mkdirs(nt_config_str(config, "neutrino_state_path"), 0755, err) < 0
        || nt_bridge_filter_ensure(err) < 0) {
        return -1;
    }
    if (!nt_iptables_variant_parse(nt_config_str(config, "iptables_variant"), &variant)) {
        return nt_fail(err, NT_INVALID, "%s: iptables_variant must be auto, nft or legacy",
                       nt_config_origin(config, "iptables_variant"));
    }
    c->iptables = nt_iptables_new(c->env.children, c->env.clock, variant, lock);
    nt_iptables_on_settled(c->iptables, on_chains_settled, c);
    c->guard = nt_guard_new(c->env.children, c->env.clock);
    observe_bridge(c);
    if (adopt_guests(c, err) < 0) {
        return -1;
    }
    c->rules_changed = true;
    c->reporter = new_reporter(c);
    c->service = nt_rpc_serve(c->env.bus, &nt_compute_host, c->env.host, handlers, c);
    nt_bus_on_state(c->env.bus, on_bus_state, c);
    return 0;
}

int
compute_new(const struct compute_env *env, struct compute **out, struct nt_err *err)
{
    struct compute *c = xzalloc(sizeof *c);

    c->env = *env;
    c->instances_path = nt_config_str(env->config, "instances_path");
    c->next_watch = nt_mono_ms(env->clock) + WATCH_INTERVAL_MS;
    hmap_init(&c->guests);
    shash_init(&c->bridges);
    if (start(c, err) < 0) {
        compute_free(c);
        return -1;
    }
    *out = c;
    return 0;
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
    nt_iptables_free(c->iptables);
    nt_guard_free(c->guard);
    if (c->driver) {
        c->driver->class->free(c->driver);
    }
    free(c);
}

void
compute_run(struct compute *c)
{
    run_sync(c);
    nt_reporter_run(c->reporter);
    run_watch(c);
    c->driver->class->run(c->driver);
    run_guests(c);
    if (c->rules_changed) {
        plan_rules(c);
    }
    nt_iptables_run(c->iptables);
    nt_guard_run(c->guard);
}

void
compute_wait(struct compute *c)
{
    struct guest *guest;

    c->driver->class->wait(c->driver);
    nt_iptables_wait(c->iptables);
    nt_guard_wait(c->guard);
    poll_timer_wait_until(c->next_watch);
    nt_reporter_wait(c->reporter);
    if (nt_bus_is_connected(c->env.bus) && !c->synced && !c->sync_pending) {
        poll_timer_wait_until(c->next_sync);
    }
    /* A phase that can go on, or a report that can be sent, must not wait. */
    HMAP_FOR_EACH (guest, node, &c->guests) {
        bool ready = guest->phase == GUEST_GUARD && (rules_are_settled(c) || rules_error(c));
        bool gone =
            guest->phase == GUEST_STOPPING && !c->driver->class->is_running(c->driver, guest);
        struct nt_update_instance_args args;

        if (may_report(c, guest) && state_of(guest, &args)) {
            poll_timer_wait_until(guest->report_at);
        }
        if (ready || gone || guest->phase == GUEST_PLUG) {
            poll_immediate_wake();
            return;
        }
    }
}
