#include <config.h>

#include "base/metrics.h"

#include "bus/bus.h"

void
nt_bus_metrics(const struct nt_bus *bus, struct ds *out)
{
    const struct nt_bus_stats *stats = nt_bus_stats(bus);

    nt_metric_gauge(out, "neutrino_bus_connected", "1 while the bus can be used.",
                    nt_bus_is_connected(bus));
    nt_metric_gauge(out, "neutrino_bus_calls_pending", "Calls that wait for their answer.",
                    nt_bus_n_pending(bus));
    nt_metric_counter(out, "neutrino_bus_calls_total", "Calls made.", stats->n_calls);
    nt_metric_counter(out, "neutrino_bus_call_errors_total", "Calls that ended with a failure.",
                      stats->n_call_errors);
    nt_metric_counter(out, "neutrino_bus_call_timeouts_total", "Of those, how many had no answer.",
                      stats->n_timeouts);
    nt_metric_counter(out, "neutrino_bus_casts_total", "Casts and fan-outs sent.", stats->n_casts);
    nt_metric_counter(out, "neutrino_bus_casts_dropped_total", "Casts that could not be sent.",
                      stats->n_casts_dropped);
    nt_metric_counter(out, "neutrino_bus_requests_total", "Requests received.", stats->n_requests);
    nt_metric_counter(out, "neutrino_bus_requests_failed_total",
                      "Requests answered with a failure.", stats->n_requests_failed);
    nt_metric_counter(out, "neutrino_bus_messages_refused_total",
                      "Messages that could not be understood.", stats->n_refused);
}
