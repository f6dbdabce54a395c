/* Wishes of the wiring, handed to the parts that carry them out. */
#include <config.h>

#include "agent/agent_impl.h"

static void
want_flows(void *self_, const char *owner, const struct plan *plan)
{
    struct agent *self = self_;

    flows_want(self->flows, owner, plan);
}

static void
want_bridge(void *self_, const struct nt_ovs_bridge_want *want)
{
    struct agent *self = self_;

    flows_add_bridge(self->flows, want->name);
    bridges_want_bridge(self->bridges, want);
}

static void
want_port(void *self_, const struct nt_ovs_port_want *want)
{
    struct agent *self = self_;

    bridges_want_port(self->bridges, want);
}

static void
want_no_port(void *self_, const char *name)
{
    struct agent *self = self_;

    bridges_want_no_port(self->bridges, name);
}

static void
forget_port(void *self_, const char *name)
{
    struct agent *self = self_;

    bridges_forget_port(self->bridges, name);
}

static void
want_qos(void *self_, const char *port, int64_t max_kbps, int64_t burst_kb)
{
    struct agent *self = self_;

    bridges_want_qos(self->bridges, port, max_kbps, burst_kb);
}

static void
want_meter(void *self_, const struct nt_meter *meter)
{
    struct agent *self = self_;

    meters_want(self->meters, meter);
}

static void
want_queue(void *self_, const char *port_id, const struct nt_ovs_queue *queue)
{
    struct agent *self = self_;

    bridges_want_queue(self->bridges, port_id, queue);
}

static void
want_uplink(void *self_, const char *name, bool is_one)
{
    struct agent *self = self_;

    bridges_want_uplink(self->bridges, name, is_one);
}

void
agent_run_meters(struct agent *self)
{
    char *const *reserved = self->config->reserved_cookies;
    const char *bridge = self->config->integration_bridge;

    if (!self->meters) {
        return;
    }
    /* Flows of others may name meters of theirs. */
    if (wiring_is_complete(self->wiring) && (!reserved || !reserved[0])) {
        meters_complete(self->meters);
    }
    if (meters_run(self->meters, flows_is_settled_on(self->flows, bridge))) {
        flows_check(self->flows, bridge);
    }
    if (meters_are_refused(self->meters)) {
        wiring_no_meters(self->wiring);
    }
}

static void
interest(void *self_, const char *id, bool wanted)
{
    struct agent *self = self_;

    (wanted ? neutron_want_port : neutron_drop_port)(self->neutron, id);
}

static void
network_interest(void *self_, const char *id, bool wanted)
{
    struct agent *self = self_;

    (wanted ? neutron_want_network : neutron_drop_network)(self->neutron, id);
}

static void
policy_interest(void *self_, const char *id, bool wanted)
{
    struct agent *self = self_;

    (wanted ? neutron_want_qos_policy : neutron_drop_qos_policy)(self->neutron, id);
}

static const struct nt_vo_port *
vo_port(void *self_, const char *id)
{
    const struct agent *self = self_;

    return neutron_port(self->neutron, id);
}

static const struct nt_vo_network *
vo_network(void *self_, const char *id)
{
    const struct agent *self = self_;

    return neutron_network(self->neutron, id);
}

static const struct nt_vo_qos_policy *
vo_policy(void *self_, const char *id)
{
    const struct agent *self = self_;

    return neutron_qos_policy(self->neutron, id);
}

static void
device_is_down(void *self_, const char *id)
{
    struct agent *self = self_;

    devices_down(self->devices, id);
}

static void
see_port(void *self_, const char *name)
{
    struct agent *self = self_;

    agent_tell_port(self->wiring, self->db, name, false);
}

struct wiring_to
agent_wishes(struct agent *self)
{
    return (struct wiring_to){
        .flows = want_flows,
        .bridge = want_bridge,
        .port = want_port,
        .no_port = want_no_port,
        .forget_port = forget_port,
        .qos = want_qos,
        .meter = want_meter,
        .queue = want_queue,
        .uplink = want_uplink,
        .interest = interest,
        .network_interest = network_interest,
        .policy_interest = policy_interest,
        .vo_port = vo_port,
        .vo_network = vo_network,
        .vo_policy = vo_policy,
        .device_down = device_is_down,
        .see_port = see_port,
        .aux = self,
    };
}
