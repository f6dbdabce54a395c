#include <config.h>

#include "compute/metrics.h"

#include "base/metrics.h"
#include "compute/compute.h"
#include "host/metrics.h"

/* A switch, so that the compiler misses a name and not the reader of the metrics. */
static const char *
phase_name(enum guest_phase phase)
{
    switch (phase) {
    case GUEST_PLUG:
        return "to_plug";
    case GUEST_GUARD:
        return "to_guard";
    case GUEST_START:
        return "to_start";
    case GUEST_RUNNING:
        return "running";
    case GUEST_ENDING:
        return "ending";
    case GUEST_DOWN:
        return "down";
    case GUEST_STOP:
        return "to_stop";
    case GUEST_STOPPING:
        return "stopping";
    case GUEST_GONE:
        return "gone";
    }
    return "";
}

void
compute_metrics(void *compute, struct ds *out)
{
    struct compute_facts facts;

    compute_get_facts(compute, &facts);
    nt_metric(out, "neutrino_guests", "gauge", "Guests of this host, by state.");
    for (size_t i = 0; i < NT_ARRAY_SIZE(facts.n_guests); i++) {
        nt_metric_value(out, "neutrino_guests", facts.n_guests[i], "state",
                        phase_name((enum guest_phase) i), NULL);
    }
    nt_metric_histogram(out, "neutrino_guest_start_seconds",
                        "From the server's word until the guest runs.", facts.start_seconds);
    nt_iptables_metrics(facts.iptables, facts.ip6tables, out);
    nt_guard_metrics(facts.guard, out);
    nt_drops_metrics(facts.drops, out);
    nt_bus_metrics(facts.bus, out);
}
