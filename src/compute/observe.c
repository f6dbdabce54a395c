#include <config.h>

#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "compute/model.h"
#include "compute/power.h"
#include "openvswitch/poll-loop.h"
#include "rpc/compute.h"
#include "rpc/conductor.h"

NT_LOG_MODULE(compute_observe);

/* What the server says: guests to build and to end, groups that changed, and after
 * each reconnection the list of what should be here. */

#define CALL_TIMEOUT_MS 30000
#define RETRY_MS 1000
#define CONSOLE_MAX (512 << 10)

static void
build(struct compute *c, const struct nt_instance_view *view)
{
    struct guest *guest = model_find(c, view->id);

    if (guest) {
        guest->reported = false;
        return;
    }
    guest = guest_new(view);
    guest->asked_at = nt_mono_ms(c->env.clock);
    ovs_strlcpy(guest->request_id, nt_log_request(), sizeof guest->request_id);
    model_add(c, guest, GUEST_PLUG);
    nt_info("guest to be built", "instance", view->id, "name", view->name, NULL);
}

static void
terminate(struct compute *c, const char *id, int64_t number)
{
    struct guest *guest = model_find(c, id);

    if (!guest) {
        /* Not here (any more): say so, the server waits for it. */
        struct nt_instance_view view = { .number = number };

        ovs_strlcpy(view.id, id, sizeof view.id);
        guest = guest_new(&view);
        model_add(c, guest, GUEST_GONE);
        return;
    }
    *guest->fault = '\0';
    ovs_strlcpy(guest->request_id, nt_log_request(), sizeof guest->request_id);
    if (guest->phase < GUEST_STOP) {
        model_set_phase(guest, GUEST_STOP);
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

/* One that is not here is looked for in the server's list, and reported. */
static void
power(struct compute *c, const struct nt_power_args *args, const char *task_state)
{
    struct guest *guest = model_find(c, args->id);

    if (guest) {
        power_wish(c, guest, task_state, args->generation);
    } else {
        c->synced = false;
    }
}

static void
handle_stop(void *c, const void *args, struct nt_bus_request *req)
{
    power(c, args, "powering-off");
    nt_rpc_reply(&nt_compute_host, req, NULL);
}

static void
handle_start(void *c, const void *args, struct nt_bus_request *req)
{
    power(c, args, "powering-on");
    nt_rpc_reply(&nt_compute_host, req, NULL);
}

static void
handle_reboot(void *c, const void *args_, struct nt_bus_request *req)
{
    const struct nt_power_args *args = args_;

    power(c, args, args->hard ? "rebooting_hard" : "rebooting");
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

/* Rules of groups, or the addresses of members, changed. */
static void
handle_security_groups(void *c_, const void *args_, struct nt_bus_request *req)
{
    struct compute *c = c_;
    const struct nt_security_groups_args *args = args_;

    security_sync_refresh(c->security, args->security_groups, args->n_security_groups);
    nt_rpc_reply(&nt_compute_host, req, NULL);
}

static void
set_groups(struct compute *c, struct guest *guest, const struct nt_uuid_text *ids, size_t n)
{
    struct nt_instance_view *view = &guest->view;

    if (n == view->n_security_group_ids
        && (!n || !memcmp(ids, view->security_group_ids, n * sizeof *ids))) {
        return;
    }
    free(view->security_group_ids);
    view->security_group_ids = n ? xmemdup(ids, n * sizeof *ids) : NULL;
    view->n_security_group_ids = n;
    model_changed(c, guest);
    /* Asks for those it does not know; until then they let nothing in. */
    (void) security_sync_has(c->security, guest);
    if (guest->phase != GUEST_PLUG && guest->phase != GUEST_GONE) {
        model_save(c, guest);
    }
}

static void
handle_instance_groups(void *c_, const void *args_, struct nt_bus_request *req)
{
    struct compute *c = c_;
    const struct nt_instance_groups_args *args = args_;
    struct guest *guest = model_find(c, args->id);

    if (guest) {
        set_groups(c, guest, args->security_groups, args->n_security_groups);
    }
    nt_rpc_reply(&nt_compute_host, req, NULL);
}

static const struct nt_rpc_handler handlers[] = {
    { "build_instance", handle_build },
    { "terminate_instance", handle_terminate },
    { "stop_instance", handle_stop },
    { "start_instance", handle_start },
    { "reboot_instance", handle_reboot },
    { "get_console_output", handle_console },
    { "security_groups_rule_updated", handle_security_groups },
    { "security_groups_member_updated", handle_security_groups },
    { "refresh_instance_security_rules", handle_instance_groups },
    { 0 },
};

/* An instance the server places here and that we have no trace of. */
static void
sync_unknown(struct compute *c, const struct nt_instance_view *view)
{
    if (!strcmp(view->task_state, "deleting")) {
        terminate(c, view->id, view->number);
    } else if (!strcmp(view->vm_state, "building") && !strcmp(view->task_state, "spawning")) {
        /* Not while "networking": its network host has not been told, and may refuse. */
        build(c, view);
    } else if (!strcmp(view->vm_state, "active") || !strcmp(view->vm_state, "stopped")) {
        struct guest *guest = guest_new(view);

        snprintf(guest->fault, sizeof guest->fault, "host %s has no trace of it", c->env.host);
        model_add(c, guest, GUEST_GONE);
    }
}

struct sync_call {
    struct compute *compute;
    unsigned round;
};

static void
take_instances(struct compute *c, const struct nt_instances_result *result)
{
    struct shash known = SHASH_INITIALIZER(&known);
    struct guest *guest;

    for (size_t i = 0; i < result->n_instances; i++) {
        const struct nt_instance_view *view = &result->instances[i];

        shash_add_once(&known, view->id, NULL);
        if (!model_find(c, view->id)) {
            sync_unknown(c, view);
        } else if (!strcmp(view->task_state, "deleting")) {
            terminate(c, view->id, view->number);
        } else {
            struct guest *known_here = model_find(c, view->id);

            set_groups(c, known_here, view->security_group_ids, view->n_security_group_ids);
            power_wish(c, known_here, view->task_state, view->power_generation);
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
}

static void
sync_done(void *call_, const void *result, const struct nt_err *err)
{
    struct sync_call *call = call_;
    struct compute *c = call->compute;

    if (call->round != c->sync_round) {
        /* Over a broker it may come after that of a later one: it is older than what was
         * built and deleted since. */
        free(call);
        return;
    }
    free(call);
    c->sync_pending = false;
    if (err) {
        nt_warn("instances not fetched", "why", err->msg, NULL);
        return;
    }
    take_instances(c, result);
    c->synced = true;
}

/* Asks again, also when an answer is still to come. */
static void
sync_again(struct compute *c)
{
    c->synced = false;
    c->sync_pending = false;
    c->next_sync = 0;
    c->sync_round++;
}

static void
on_bus_state(void *c_, bool connected)
{
    struct compute *c = c_;

    sync_again(c);
    security_sync_all(c->security);
    nt_reporter_now(c->reporter);
    nt_info(connected ? "server connected" : "server away", NULL);
}

void
observe_run(struct compute *c)
{
    struct nt_host_args args = { .host = "" };

    if (c->synced || c->sync_pending || !nt_bus_is_connected(c->env.bus)
        || nt_mono_ms(c->env.clock) < c->next_sync) {
        return;
    }

    struct sync_call *call = xmalloc(sizeof *call);
    *call = (struct sync_call){ c, c->sync_round };
    c->sync_pending = true;
    c->next_sync = nt_mono_ms(c->env.clock) + RETRY_MS;
    ovs_strlcpy(args.host, c->env.host, sizeof args.host);
    nt_rpc_call(c->env.bus, NT_TO(&nt_conductor, NULL, "get_instances"), &args, CALL_TIMEOUT_MS,
                sync_done, call);
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

    sync_again(c);
    security_sync_all(c->security);
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

void
observe_start(struct compute *c)
{
    c->reporter = new_reporter(c);
    c->service = nt_rpc_serve(c->env.bus, &nt_compute_host, c->env.host, handlers, c);
    nt_bus_on_state(c->env.bus, on_bus_state, c);
}

void
observe_wait(struct compute *c)
{
    if (nt_bus_is_connected(c->env.bus) && !c->synced && !c->sync_pending) {
        poll_timer_wait_until(c->next_sync);
    }
}
