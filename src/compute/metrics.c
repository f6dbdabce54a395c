#include <config.h>

#include "compute/metrics.h"

#include "base/metrics.h"
#include "compute/compute.h"
#include "host/metrics.h"

static const char *const phase_names[] = {
    [GUEST_PLUG] = "to_plug",      [GUEST_GUARD] = "to_guard", [GUEST_START] = "to_start",
    [GUEST_RUNNING] = "running",   [GUEST_DOWN] = "down",      [GUEST_STOP] = "to_stop",
    [GUEST_STOPPING] = "stopping", [GUEST_GONE] = "gone",
};

void
compute_metrics(void *compute, struct ds *out)
{
    struct compute_facts facts;

    compute_get_facts(compute, &facts);
    nt_metric(out, "neutrino_guests", "gauge", "Guests of this host, by state.");
    for (size_t i = 0; i < NT_ARRAY_SIZE(phase_names); i++) {
        nt_metric_value(out, "neutrino_guests", facts.n_guests[i], "state", phase_names[i], NULL);
    }
    nt_metric_histogram(out, "neutrino_guest_start_seconds",
                        "From the server's word until the guest runs.", facts.start_seconds);
    nt_iptables_metrics(facts.iptables, facts.ip6tables, out);
    nt_guard_metrics(facts.guard, out);
    nt_drops_metrics(facts.drops, out);
    nt_bus_metrics(facts.bus, out);
}
