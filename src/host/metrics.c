#include <config.h>

#include "host/metrics.h"

#include "base/metrics.h"
#include "openvswitch/dynamic-string.h"

struct iptables_metric {
    const char *name, *help;
    size_t offset; /* Of the counter. */
};

static const struct iptables_metric iptables_metrics[] = {
    { "neutrino_iptables_saves_total", "Times the kernel's rules were read.",
      offsetof(struct nt_iptables_stats, saves) },
    { "neutrino_iptables_applies_total", "Changes of rules written.",
      offsetof(struct nt_iptables_stats, applies) },
    { "neutrino_iptables_repairs_total", "Times rules of ours that others changed were repaired.",
      offsetof(struct nt_iptables_stats, repairs) },
    { "neutrino_iptables_attempts_failed_total", "Attempts that failed and were repeated.",
      offsetof(struct nt_iptables_stats, attempts_failed) },
    { "neutrino_iptables_failures_total", "Changes given up.",
      offsetof(struct nt_iptables_stats, failures) },
};

static double
counter_of(const struct nt_iptables_stats *stats, const struct iptables_metric *m)
{
    return *(const unsigned *) (const void *) ((const char *) stats + m->offset);
}

void
nt_iptables_metrics(const struct nt_iptables_stats *v4, const struct nt_iptables_stats *v6,
                    struct ds *out)
{
    for (size_t i = 0; i < NT_ARRAY_SIZE(iptables_metrics); i++) {
        const struct iptables_metric *m = &iptables_metrics[i];

        nt_metric(out, m->name, "counter", m->help);
        nt_metric_value(out, m->name, counter_of(v4, m), "family", "ipv4", NULL);
        if (v6) {
            nt_metric_value(out, m->name, counter_of(v6, m), "family", "ipv6", NULL);
        }
    }
}

void
nt_guard_metrics(const struct nt_guard_stats *stats, struct ds *out)
{
    nt_metric_counter(out, "neutrino_guard_applies_total", "Changes of the guard written.",
                      stats->applies);
    nt_metric_counter(out, "neutrino_guard_repairs_total",
                      "Of those, how many repaired what others had changed.", stats->repairs);
    nt_metric_counter(out, "neutrino_guard_failures_total", "Changes that could not be written.",
                      stats->failures);
    nt_metric_counter(out, "neutrino_guard_reads_total", "Readings of the kernel's table.",
                      stats->reads);
}

void
nt_drops_metrics(const struct nt_drops_table *drops, struct ds *out)
{
    static const char name[] = "neutrino_guard_dropped_packets_total";

    nt_metric(out, name, "counter", "Packets of guests that were refused, by reason.");
    for (size_t i = 0; i < drops->n; i++) {
        nt_metric_value(out, name, drops->values[i].packets, "reason", drops->values[i].reason,
                        NULL);
    }
}

void
nt_dnsmasq_metrics(const struct nt_dnsmasq_stats *stats, size_t n_running, size_t n, struct ds *out)
{
    nt_metric_gauge(out, "neutrino_networks", "Networks of this host.", n);
    nt_metric_gauge(out, "neutrino_dnsmasq_running", "Networks whose dnsmasq runs.", n_running);
    nt_metric_counter(out, "neutrino_dnsmasq_starts_total", "Starts of dnsmasq.", stats->n_starts);
    nt_metric_counter(out, "neutrino_dnsmasq_adopted_total", "Found running and kept.",
                      stats->n_adopted);
    nt_metric_counter(out, "neutrino_dnsmasq_deaths_total", "Ends without being told to.",
                      stats->n_deaths);
    nt_metric_counter(out, "neutrino_dnsmasq_reloads_total", "Times told to read its hosts again.",
                      stats->n_reloads);
}
