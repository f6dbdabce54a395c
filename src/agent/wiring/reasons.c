/* Why a port is kept off its network, said to people. */
#include <config.h>

#include <string.h>

#include "agent/wiring/wiring_impl.h"
#include "base/log.h"

NT_LOG_MODULE(wiring_reasons);

/* What carries the segment is configured here; says what is missing if not. */
bool
wiring_is_carried(const struct wiring *self, const struct model_port *port,
                  const struct nt_vo_segment *segment)
{
    if (!strcmp(segment->network_type, "local")) {
        return true;
    }
    if (!strcmp(segment->network_type, "flat") || !strcmp(segment->network_type, "vlan")) {
        if (agent_config_bridge_of(self->config, segment->physical_network)) {
            return true;
        }
        nt_warn_rl("cannot wire a port: its physical network is not in bridge_mappings", "port",
                   port->id, "physical_network", segment->physical_network, NULL);
        return false;
    }
    if (wiring_has_tunnel_type(self, segment->network_type)) {
        return true;
    }
    nt_warn_rl("cannot wire a port: its network's type is not in tunnel_types", "port", port->id,
               "network_type", segment->network_type, NULL);
    return false;
}

/* Once for each port and reason. */
void
wiring_complain(struct wiring *self, struct model_port *port, const char *why)
{
    if (port->complaint != why) {
        port->complaint = why;
        self->stats.n_unbound++;
        nt_warn("port is kept off its network", "port", port->id, "name", port->name, "why", why,
                NULL);
    }
}

const char *
wiring_why_unbound(const struct nt_vo_binding *binding)
{
    return binding ? "its binding has no segment: do bridge_mappings and tunnel_types fit its "
                     "network?"
                   : "the server has no binding of it that is in use on this host";
}
