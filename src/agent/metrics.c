#include <config.h>

#include "agent/metrics.h"

#include "agent/agent.h"
#include "base/metrics.h"
#include "bus/bus.h"

static void
put_ports(const struct wiring_stats *stats, struct ds *out)
{
    static const char name[] = "neutrino_agent_ports_total";

    nt_metric(out, name, "counter", "Guests' ports that came, changed or went.");
    nt_metric_value(out, name, stats->n_added, "what", "added", NULL);
    nt_metric_value(out, name, stats->n_updated, "what", "updated", NULL);
    nt_metric_value(out, name, stats->n_removed, "what", "removed", NULL);
    nt_metric_gauge(out, "neutrino_agent_bound_ports", "Ports that are in their network.",
                    stats->n_bound);
    nt_metric_counter(out, "neutrino_agent_ancillary_ports_total",
                      "Ports seen on other bridges, which are only reported.", stats->n_ancillary);
    nt_metric_counter(out, "neutrino_agent_dead_ports_total",
                      "Times a port was put on the dead VLAN.", stats->n_dead);
    nt_metric_counter(out, "neutrino_agent_unbound_ports_total",
                      "Ports plugged here that the server has not bound here, or does not know.",
                      stats->n_unbound);
    nt_metric_counter(out, "neutrino_agent_plans_total", "Plans that were made.", stats->n_planned);
    nt_metric_counter(out, "neutrino_agent_refused_facts_total",
                      "What the server or the switch told that could not be used.",
                      stats->n_refused);
}

static void
put_turns(const struct agent_stats *stats, struct ds *out)
{
    static const char name[] = "neutrino_agent_resyncs_total";

    nt_metric_histogram(out, "neutrino_agent_turn_seconds",
                        "What turns of the loop took in which ports changed.", stats->turns);
    nt_metric(out, name, "counter",
              "Times everything was synchronised: the server had given the agent up (revived), the "
              "broker was away (broker), or by the command sync (asked).");
    for (size_t i = 0; i < RESYNC_N; i++) {
        nt_metric_value(out, name, stats->n_resyncs[i], "reason", agent_resync_names[i], NULL);
    }
}

static void
put_flows(const struct flows_stats *stats, struct ds *out)
{
    static const char gauge[] = "neutrino_agent_flows";
    static const char counter[] = "neutrino_agent_flow_changes_total";

    nt_metric(out, gauge, "gauge",
              "Flows on this agent's bridges; differing: changed by others and left so (repair is "
              "off).");
    nt_metric_value(out, gauge, stats->n_wanted, "state", "wanted", NULL);
    nt_metric_value(out, gauge, stats->n_installed, "state", "installed", NULL);
    nt_metric_value(out, gauge, stats->n_differing, "state", "differing", NULL);
    nt_metric(
        out, counter, "counter",
        "Flows that were added or removed, found in place (adopted), changed by others (edited) "
        "and put right (repaired), or refused by the switch.");
    nt_metric_value(out, counter, stats->n_added, "what", "added", NULL);
    nt_metric_value(out, counter, stats->n_removed, "what", "removed", NULL);
    nt_metric_value(out, counter, stats->n_adopted, "what", "adopted", NULL);
    nt_metric_value(out, counter, stats->n_edits, "what", "edited", NULL);
    nt_metric_value(out, counter, stats->n_repaired, "what", "repaired", NULL);
    nt_metric_value(out, counter, stats->n_refused, "what", "refused", NULL);
}

static void
put_switch(const struct nt_switch_stats *stats, uint64_t n_restarts, struct ds *out)
{
    static const char name[] = "neutrino_agent_openflow_total";

    nt_metric(out, name, "counter", "What went over OpenFlow connections.");
    nt_metric_value(out, name, stats->n_connections, "what", "connections", NULL);
    nt_metric_value(out, name, stats->n_dumps, "what", "dumps", NULL);
    nt_metric_value(out, name, stats->n_dumped_flows, "what", "dumped_flows", NULL);
    nt_metric_value(out, name, stats->n_bundles, "what", "bundles", NULL);
    nt_metric_value(out, name, stats->n_flow_mods, "what", "flow_mods", NULL);
    nt_metric_value(out, name, stats->n_errors, "what", "errors", NULL);
    nt_metric_counter(out, "neutrino_agent_switch_restarts_total",
                      "Times the switch was found without its flows.", n_restarts);
}

static void
put_database(const struct bridges_stats *stats, size_t n_unmade, struct ds *out)
{
    static const char name[] = "neutrino_agent_ovsdb_transactions_total";

    nt_metric(out, name, "counter", "Transactions of the switch's database.");
    nt_metric_value(out, name, stats->n_transactions, "result", "sent", NULL);
    nt_metric_value(out, name, stats->n_failed, "result", "failed", NULL);
    nt_metric_counter(out, "neutrino_agent_ovsdb_repairs_total",
                      "What others changed of bridges and ports and was put right.",
                      stats->n_repaired);
    nt_metric_gauge(out, "neutrino_agent_ovsdb_differing",
                    "Bridges and ports that others have changed and that are left so (repair is "
                    "off).",
                    stats->n_differing);
    nt_metric_gauge(out, "neutrino_agent_unmade_ports",
                    "Ports of tunnels and patches that the switch could not make; it is asked "
                    "again.",
                    n_unmade);
}

static void
put_server(const struct neutron_stats *neutron, const struct devices_stats *devices,
           const struct heartbeat_stats *heartbeat, struct ds *out)
{
    static const char objects[] = "neutrino_agent_objects_total";
    static const char reports[] = "neutrino_agent_device_reports_total";
    static const char failed[] = "neutrino_agent_rpc_failures_total";

    nt_metric(out, objects, "counter",
              "Objects of neutron-server: pulled, pushed, pushed but of no interest, refused "
              "because they are malformed, known but missing from an answer, or then believed "
              "to be gone (lost).");
    nt_metric_value(out, objects, neutron->n_pulled, "what", "pulled", NULL);
    nt_metric_value(out, objects, neutron->n_pushes, "what", "pushed", NULL);
    nt_metric_value(out, objects, neutron->n_pushed_ignored, "what", "ignored", NULL);
    nt_metric_value(out, objects, neutron->n_refused, "what", "refused", NULL);
    nt_metric_value(out, objects, neutron->n_missed, "what", "missed", NULL);
    nt_metric_value(out, objects, neutron->n_lost, "what", "lost", NULL);
    nt_metric(out, reports, "counter", "Devices reported to neutron-server.");
    nt_metric_value(out, reports, devices->n_up, "state", "up", NULL);
    nt_metric_value(out, reports, devices->n_down, "state", "down", NULL);
    nt_metric(out, failed, "counter", "Calls of neutron-server that failed, and are repeated.");
    nt_metric_value(out, failed, neutron->n_failures, "call", "bulk_pull", NULL);
    nt_metric_value(out, failed, devices->n_failed, "call", "update_device_list", NULL);
    nt_metric_value(out, failed, heartbeat->n_failed, "call", "report_state", NULL);
    nt_metric_counter(out, "neutrino_agent_state_reports_total",
                      "State reports that neutron-server has taken.", heartbeat->n_reports);
}

void
agent_metrics(void *metered_, struct ds *out)
{
    const struct agent_metered *metered = metered_;
    const struct agent_stats stats = agent_stats(metered->agent);

    nt_metric_gauge(out, "neutrino_agent_ready", "Whether a report has succeeded.",
                    agent_is_ready(metered->agent));
    put_ports(stats.wiring, out);
    put_turns(&stats, out);
    put_flows(stats.flows, out);
    put_switch(stats.sw, stats.n_switch_restarts, out);
    put_database(stats.bridges, stats.n_unmade, out);
    put_server(stats.neutron, stats.devices, stats.heartbeat, out);
    if (stats.heartbeat->last_ms) {
        nt_metric_gauge(out, "neutrino_agent_state_report_age_seconds",
                        "Time since the last of them.",
                        (nt_mono_ms(metered->clock) - stats.heartbeat->last_ms) / 1e3);
    }
    nt_bus_metrics(metered->bus, out);
}
