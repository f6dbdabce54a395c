#include <config.h>

#include "flat/leases.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "flat/releases.h"
#include "flat/reports.h"
#include "host/dhcp_release.h"
#include "host/lease.h"
#include "rpc/conductor.h"

NT_LOG_MODULE(leases);

struct leases {
    struct leases_options options;
    struct nt_lease_server *server;
    struct reports *reports;
    struct releases *releases;
    uint64_t n_given, n_ended;
    bool is_confirmed; /* The server named our networks since this program started. */
};

/* What every report names. */
static struct nt_lease_args
report_args(const struct leases *l, const char *network_id, const char *address, const char *mac)
{
    struct nt_lease_args args = { .lease_expires = 0 };

    ovs_strlcpy(args.host, l->options.host, sizeof args.host);
    ovs_strlcpy(args.network_id, network_id, sizeof args.network_id);
    ovs_strlcpy(args.address, address, sizeof args.address);
    ovs_strlcpy(args.mac, mac, sizeof args.mac);
    return args;
}

static void
add_report(struct leases *l, const struct flat_network *network, const struct nt_lease_event *ev)
{
    struct nt_lease_args args = report_args(l, network->view.id, ev->ip, ev->mac);

    args.lease_expires = ev->expires_ms;
    ovs_strlcpy(args.hostname, ev->hostname, sizeof args.hostname);
    ovs_strlcpy(args.client_id, ev->client_id, sizeof args.client_id);
    reports_add(l->reports, ev->action == NT_LEASE_DEL, &args);
}

static void
note_lease(struct nt_host_entry *entry, const struct nt_lease_event *ev)
{
    entry->leased = true;
    entry->lease_expires = ev->expires_ms;
    ovs_strlcpy(entry->lease_hostname, ev->hostname, sizeof entry->lease_hostname);
    ovs_strlcpy(entry->client_id, ev->client_id, sizeof entry->client_id);
}

static struct nt_lease_name
lease_name(const char *address, const char *mac)
{
    struct nt_lease_name lease;

    ovs_strlcpy(lease.address, address, sizeof lease.address);
    ovs_strlcpy(lease.mac, mac, sizeof lease.mac);
    return lease;
}

static void
lease_ended(struct flat_network *network, struct nt_host_entry *entry, const char *mac)
{
    if (entry && !strcmp(entry->mac, mac)) {
        entry->leased = false;
        if (!entry->allocated) {
            flat_entry_remove(network, entry);
        }
    }
}

/* Without force_dhcp_release a lease ends by itself. */
static void
release_lease(struct leases *l, const char *network_id, const struct nt_lease_name *lease,
              bool is_known)
{
    if (nt_config_bool(l->options.config, "force_dhcp_release")) {
        releases_send(l->releases, network_id, lease, is_known);
    }
}

/* Its guest went while dnsmasq was answering it.  Without the server's word an unknown
 * lease may be that of a guest. */
static bool
is_of_nobody(const struct leases *l, const struct nt_host_entry *entry, const char *mac)
{
    return entry && !strcmp(entry->mac, mac) ? !entry->allocated : l->is_confirmed;
}

static void
on_lease_event(void *l_, const struct nt_lease_event *ev)
{
    struct leases *l = l_;
    struct flat_network *network = flat_model_network_number(l->options.model, ev->network_number);
    struct nt_host_entry *entry = network ? flat_entry(network, ev->ip) : NULL;
    struct nt_lease_name lease = lease_name(ev->ip, ev->mac);

    if (!network) {
        nt_warn_rl("lease event of a network that is not here", "address", ev->ip, NULL);
        return;
    }
    l->n_given += ev->action == NT_LEASE_ADD;
    l->n_ended += ev->action == NT_LEASE_DEL;
    nt_info(ev->action == NT_LEASE_ADD ? "lease" : "release", "network", network->view.name,
            "instance", entry && *entry->instance_id ? entry->instance_id : NULL, "address", ev->ip,
            "mac", ev->mac, "name", *ev->hostname ? ev->hostname : NULL, NULL);
    if (ev->action == NT_LEASE_DEL) {
        releases_over(l->releases, network->view.id, &lease);
        lease_ended(network, entry, ev->mac);
    } else if (entry && !strcmp(entry->mac, ev->mac)) {
        note_lease(entry, ev);
    }
    add_report(l, network, ev);
    if (ev->action == NT_LEASE_ADD && is_of_nobody(l, entry, ev->mac)) {
        release_lease(l, network->view.id, &lease, true);
    }
}

static void
list_leases(void *l_, int64_t network_number, struct ds *out)
{
    struct leases *l = l_;
    const struct flat_network *network =
        flat_model_network_number(l->options.model, network_number);

    for (size_t i = 0; network && i < network->view.n_entries; i++) {
        nt_lease_list_line(out, &network->view.entries[i], nt_wall_ms(l->options.clock),
                           nt_config_int(l->options.config, "dhcp_lease_time"));
    }
}

static const struct nt_lease_server_ops lease_ops = { on_lease_event, list_leases };

/* dnsmasq said nothing to several releases: what it would have said is done. */
static void
release_given_up(void *l_, const char *network_id, const struct nt_lease_name *lease)
{
    struct leases *l = l_;
    struct flat_network *network = flat_model_network(l->options.model, network_id);
    struct nt_lease_args args = report_args(l, network_id, lease->address, lease->mac);

    lease_ended(network, flat_entry(network, lease->address), lease->mac);
    reports_add(l->reports, true, &args);
}

static void
start_releases(struct leases *l)
{
    const struct releases_options options = {
        .model = l->options.model,
        .clock = l->options.clock,
        .random = l->options.random,
        .send = nt_dhcp_release_send,
        .is_serving = l->options.is_serving,
        .given_up = release_given_up,
        .aux = l,
    };

    l->releases = releases_new(&options);
}

/* The server does not know whose lease this is, or its guest is gone. */
static void
forget_lease(void *l_, const char *network_id, const struct nt_lease_name *lease)
{
    struct leases *l = l_;
    struct flat_network *network = flat_model_network(l->options.model, network_id);

    if (network && nt_config_bool(l->options.config, "force_dhcp_release")) {
        nt_warn("lease of nobody given back", "address", lease->address, "mac", lease->mac, NULL);
        lease_ended(network, flat_entry(network, lease->address), lease->mac);
        l->options.changed(l->options.aux);
        release_lease(l, network_id, lease, true);
    }
}

static void
reports_changed(void *l_)
{
    struct leases *l = l_;

    l->options.changed(l->options.aux);
}

static void
start_reports(struct leases *l)
{
    const struct reports_options options = {
        .model = l->options.model,
        .bus = l->options.bus,
        .clock = l->options.clock,
        .host = l->options.host,
        .sync_interval_ms = nt_config_int(l->options.config, "periodic_interval") * 1000,
        .changed = reports_changed,
        .forget = forget_lease,
        .aux = l,
    };

    l->reports = reports_new(&options);
}

void
leases_release(struct leases *l, const struct nt_fixed_ip_args *args)
{
    const struct flat_network *network = flat_model_network(l->options.model, args->network_id);
    const struct nt_host_entry *entry = network ? flat_entry(network, args->entry.address) : NULL;
    struct nt_lease_name lease = lease_name(args->entry.address, args->entry.mac);

    /* An entry that is still there has a lease. */
    release_lease(l, args->network_id, &lease,
                  entry && !entry->allocated && !strcmp(entry->mac, args->entry.mac));
}

void
leases_release_unused(struct leases *l, bool is_confirmed)
{
    const struct flat_network *network;

    l->is_confirmed |= is_confirmed;
    LIST_FOR_EACH (network, node, &l->options.model->networks) {
        for (size_t i = 0; i < network->view.n_entries; i++) {
            const struct nt_host_entry *entry = &network->view.entries[i];

            if (entry->leased && !entry->allocated) {
                struct nt_lease_name lease = lease_name(entry->address, entry->mac);

                release_lease(l, network->view.id, &lease, true);
            }
        }
    }
}

int
leases_new(const struct leases_options *options, struct leases **out, struct nt_err *err)
{
    const struct nt_lease_server_opts server = { options->socket_path, options->spool_path };
    AUTO(leases) l = xzalloc(sizeof *l);

    l->options = *options;
    start_reports(l);
    start_releases(l);
    if (nt_lease_server_new(&server, &lease_ops, l, &l->server, err) < 0) {
        return -1;
    }
    *out = TAKE(l);
    return 0;
}

void
leases_free(struct leases *l)
{
    if (l) {
        nt_lease_server_free(l->server);
        reports_free(l->reports);
        releases_free(l->releases);
        free(l);
    }
}

void
leases_restart(struct leases *l)
{
    reports_restart(l->reports);
}

bool
leases_are_settled(const struct leases *l)
{
    return reports_are_settled(l->reports);
}

uint64_t
leases_n_given(const struct leases *l)
{
    return l->n_given;
}

uint64_t
leases_n_ended(const struct leases *l)
{
    return l->n_ended;
}

size_t
leases_n_releases_waiting(const struct leases *l)
{
    return releases_n_waiting(l->releases);
}

void
leases_run(struct leases *l, bool is_saved)
{
    nt_lease_server_run(l->server);
    reports_run(l->reports, is_saved);
    releases_run(l->releases);
}

void
leases_wait(struct leases *l, bool is_saved)
{
    nt_lease_server_wait(l->server);
    reports_wait(l->reports, is_saved);
    releases_wait(l->releases);
}
