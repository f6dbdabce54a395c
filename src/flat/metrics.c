#include <config.h>

#include "flat/metrics.h"

#include "base/metrics.h"
#include "flat/flat.h"
#include "host/metrics.h"

/* How many addresses are in each state. */
static void
put_addresses(const struct flat_model *model, struct ds *out)
{
    static const char name[] = "neutrino_addresses";
    const struct flat_network *network;
    size_t n_leased = 0, n_waiting = 0, n_held = 0, n_floating = 0;

    LIST_FOR_EACH (network, node, &model->networks) {
        n_floating += network->view.n_floating;
        for (size_t i = 0; i < network->view.n_entries; i++) {
            const struct nt_host_entry *entry = &network->view.entries[i];

            n_leased += entry->allocated && entry->leased;
            n_waiting += entry->allocated && !entry->leased;
            n_held += !entry->allocated;
        }
    }
    nt_metric(out, name, "gauge",
              "Fixed addresses: leased by their guest, not leased yet, or held by a lease whose "
              "guest is gone.");
    nt_metric_value(out, name, n_leased, "state", "leased", NULL);
    nt_metric_value(out, name, n_waiting, "state", "allocated", NULL);
    nt_metric_value(out, name, n_held, "state", "held", NULL);
    nt_metric_gauge(out, "neutrino_floating_addresses", "Floating addresses in place.", n_floating);
}

static void
put_stats(const struct flat_stats *stats, struct ds *out)
{
    static const char repairs[] = "neutrino_host_repairs_total";
    static const char floating[] = "neutrino_floating_changes_total";

    nt_metric(out, repairs, "counter", "What others changed on this host and was put right.");
    nt_metric_value(out, repairs, stats->bridge_repairs, "what", "bridge", NULL);
    nt_metric_value(out, repairs, stats->address_repairs, "what", "address", NULL);
    nt_metric_value(out, repairs, stats->sysctl_repairs, "what", "forwarding", NULL);
    nt_metric(out, floating, "counter", "Floating addresses the server asked to put into place.");
    nt_metric_value(out, floating, stats->floating_put, "result", "done", NULL);
    nt_metric_value(out, floating, stats->floating_refused, "result", "refused", NULL);
    nt_metric(out, "neutrino_floating_connections_ended_total", "counter",
              "Connections that ended with their floating address.");
    nt_metric_value(out, "neutrino_floating_connections_ended_total", stats->connections_ended,
                    NULL);
}

/* With multi_host alone. */
static void
put_metadata(const struct metadata_proxy_stats *stats, struct ds *out)
{
    static const char name[] = "neutrino_metadata_proxy_requests_total";

    nt_metric(out, name, "counter",
              "Guests' requests for metadata: all, answered from what is kept, or refused.");
    nt_metric_value(out, name, stats->n_asked, "what", "asked", NULL);
    nt_metric_value(out, name, stats->n_from_cache, "what", "kept", NULL);
    nt_metric_value(out, name, stats->n_refused, "what", "refused", NULL);
}

void
flat_metrics(void *flat, struct ds *out)
{
    struct flat_facts facts;

    flat_get_facts(flat, &facts);
    nt_iptables_metrics(facts.iptables, NULL, out);
    nt_dnsmasq_metrics(&facts.dnsmasq, facts.n_dnsmasq_ready, ovs_list_size(&facts.model->networks),
                       out);
    nt_metric(out, "neutrino_lease_events_total", "counter", "What dnsmasq told.");
    nt_metric_value(out, "neutrino_lease_events_total", facts.n_leases, "event", "lease", NULL);
    nt_metric_value(out, "neutrino_lease_events_total", facts.n_releases, "event", "release", NULL);
    nt_metric_gauge(out, "neutrino_lease_reports_pending",
                    "Lease events the server has not confirmed.", facts.model->n_reports);
    nt_metric_gauge(out, "neutrino_dhcp_releases_pending",
                    "Leases of guests that are gone, until dnsmasq confirms their end.",
                    facts.n_releases_waiting);
    put_addresses(facts.model, out);
    put_stats(facts.stats, out);
    if (facts.metadata) {
        put_metadata(facts.metadata, out);
    }
    nt_bus_metrics(facts.bus, out);
}
