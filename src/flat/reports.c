#include <config.h>

#include "flat/reports.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(reports);

#define CALL_TIMEOUT_MS 30000
#define RETRY_MS 1000
#define MAX_REPEATS 3
#define MAX_FAULTS 300

struct reports {
    struct reports_options options;
    int64_t next_event; /* Monotonic, as the rest. */
    int64_t next_sync;
    size_t n_syncing;    /* Comparisons under way. */
    bool sync_failed;    /* One of those under way. */
    bool has_given_back; /* The same: a lease of nobody. */
    unsigned n_repeats;  /* Comparisons that followed such ones at once. */
    bool is_synced;      /* Since the last restart. */
    unsigned round;      /* Of restarts: an answer of an earlier one does not count. */
};

struct reports *
reports_new(const struct reports_options *options)
{
    struct reports *r = xzalloc(sizeof *r);

    r->options = *options;
    return r;
}

void
reports_free(struct reports *r)
{
    free(r);
}

void
reports_add(struct reports *r, bool is_release, const struct nt_lease_args *args)
{
    flat_report_add(r->options.model, is_release, args);
    r->options.changed(r->options.aux);
}

void
reports_restart(struct reports *r)
{
    r->next_event = r->next_sync = 0;
    r->n_syncing = 0;
    r->is_synced = false;
    r->round++;
}

bool
reports_are_settled(const struct reports *r)
{
    return r->is_synced && !r->options.model->n_reports;
}

static int64_t
now_ms(const struct reports *r)
{
    return nt_mono_ms(r->options.clock);
}

static bool
can_be_tried_again(const struct nt_err *err)
{
    return err && (err->code == NT_UNAVAILABLE || err->code == NT_TIMEOUT);
}

/* A fault is the server's own trouble (its disk, say) and no word about the lease; but one
 * report that always meets it must not keep the others for ever. */
static bool
is_passing_fault(const struct nt_err *err, struct lease_report *report)
{
    return err && err->code == NT_FAULT && ++report->n_faults < MAX_FAULTS;
}

/* Events. */

struct event_call {
    struct reports *reports;
    struct lease_report *report;
};

static void
event_done(void *call_, const void *result OVS_UNUSED, const struct nt_err *err)
{
    struct event_call *call = call_;
    struct reports *r = call->reports;

    if (can_be_tried_again(err) || is_passing_fault(err, call->report)) {
        flat_report_again(r->options.model, call->report);
        r->next_event = now_ms(r) + RETRY_MS;
    } else {
        if (err) {
            nt_warn("the server does not take a lease", "address", call->report->args.address,
                    "why", err->msg, NULL);
        }
        flat_report_remove(r->options.model, call->report);
        r->options.changed(r->options.aux);
    }
    free(call);
}

/* The first event that may go now, or NULL. */
static struct lease_report *
next_event(const struct reports *r, bool is_saved)
{
    struct lease_report *report;

    LIST_FOR_EACH (report, node, &r->options.model->reports) {
        if (!report->is_sent) {
            return is_saved || report->is_release ? report : NULL;
        }
    }
    return NULL;
}

static void
send_event(struct reports *r, struct lease_report *report)
{
    struct event_call *call = xmalloc(sizeof *call);

    call->reports = r;
    call->report = report;
    report->is_sent = true;
    nt_rpc_call(
        r->options.bus,
        NT_TO(&nt_conductor, NULL, report->is_release ? "release_fixed_ip" : "lease_fixed_ip"),
        &report->args, CALL_TIMEOUT_MS, event_done, call);
}

static void
send_events(struct reports *r, bool is_saved)
{
    struct lease_report *report;

    LIST_FOR_EACH (report, node, &r->options.model->reports) {
        if (!report->is_sent) {
            if (!is_saved && !report->is_release) {
                break;
            }
            send_event(r, report);
        }
    }
}

/* Comparisons. */

struct sync_call {
    struct reports *reports;
    unsigned round;
    char network_id[NT_UUID_SIZE];
};

static void
sync_over(struct reports *r)
{
    int64_t now = now_ms(r);

    /* A lease that was given back is compared once more, and soon: dnsmasq says nothing
     * when it did not have it.  More than once, because a view of the networks that was
     * under way may have brought it back. */
    r->n_repeats = r->has_given_back && r->n_repeats < MAX_REPEATS ? r->n_repeats + 1 : 0;
    r->next_sync = now + (r->sync_failed || r->n_repeats ? RETRY_MS : r->options.sync_interval_ms);
    r->is_synced |= !r->sync_failed;
}

static void
sync_done(void *call_, const void *result_, const struct nt_err *err)
{
    struct sync_call *call = call_;
    struct reports *r = call->reports;
    const struct nt_sync_leases_result *result = result_;

    r->has_given_back |= !err && result->n_forget;
    for (size_t i = 0; !err && i < result->n_forget; i++) {
        r->options.forget(r->options.aux, call->network_id, &result->forget[i]);
    }
    if (err) {
        /* A network that is not ours any more: claiming says so too. */
        nt_info_rl("leases not compared", "network", call->network_id, "why", err->msg, NULL);
    }
    if (call->round == r->round) {
        r->sync_failed |= can_be_tried_again(err);
        if (!--r->n_syncing) {
            sync_over(r);
        }
    }
    free(call);
}

static void
send_leases(struct reports *r, const struct nt_network_view *view)
{
    struct nt_sync_leases_args args = { .host = "" };
    struct sync_call *call = xzalloc(sizeof *call);

    args.leases = xcalloc(view->n_entries + 1, sizeof *args.leases);
    for (size_t i = 0; i < view->n_entries; i++) {
        const struct nt_host_entry *entry = &view->entries[i];

        if (entry->leased) {
            struct nt_lease *lease = &args.leases[args.n_leases++];

            ovs_strlcpy(lease->address, entry->address, sizeof lease->address);
            ovs_strlcpy(lease->mac, entry->mac, sizeof lease->mac);
            lease->lease_expires = entry->lease_expires;
            ovs_strlcpy(lease->hostname, entry->lease_hostname, sizeof lease->hostname);
            ovs_strlcpy(lease->client_id, entry->client_id, sizeof lease->client_id);
        }
    }
    ovs_strlcpy(args.host, r->options.host, sizeof args.host);
    ovs_strlcpy(args.network_id, view->id, sizeof args.network_id);
    *call = (struct sync_call){ .reports = r, .round = r->round };
    ovs_strlcpy(call->network_id, view->id, sizeof call->network_id);
    nt_rpc_call(r->options.bus, NT_TO(&nt_conductor, NULL, "sync_leases"), &args, CALL_TIMEOUT_MS,
                sync_done, call);
    free(args.leases);
}

static bool
can_sync(const struct reports *r)
{
    return !r->n_syncing && !r->options.model->n_reports;
}

static void
sync_all(struct reports *r)
{
    const struct flat_network *network;

    /* Counted first: an answer may come from inside the call. */
    r->n_syncing = ovs_list_size(&r->options.model->networks);
    r->sync_failed = r->has_given_back = false;
    if (!r->n_syncing) {
        sync_over(r);
    }
    LIST_FOR_EACH (network, node, &r->options.model->networks) {
        send_leases(r, &network->view);
    }
}

void
reports_run(struct reports *r, bool is_saved)
{
    int64_t now = now_ms(r);

    if (!nt_bus_is_connected(r->options.bus)) {
        return;
    }
    if (now >= r->next_event) {
        send_events(r, is_saved);
    }
    if (is_saved && now >= r->next_sync && can_sync(r)) {
        sync_all(r);
    }
}

void
reports_wait(struct reports *r, bool is_saved)
{
    if (!nt_bus_is_connected(r->options.bus)) {
        return;
    }
    if (next_event(r, is_saved)) {
        poll_timer_wait_until(r->next_event);
    }
    if (is_saved && can_sync(r)) {
        poll_timer_wait_until(r->next_sync);
    }
}
