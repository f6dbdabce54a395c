/* What is installed: what of it is trusted, looked at, and taken away. */
#include <config.h>

#include <stdio.h>

#include "agent/agent_impl.h"
#include "agent/plan/tables.h"
#include "base/mem.h"

/* Installed flows are looked at so often at least... */
#define CHECK_MIN_MS 10000
/* ...and more seldom when that takes longer: it shall cost at most this part of the time. */
#define CHECK_SHARE 2000
#define CHECK_MAX_MS 600000

/* --- the start ------------------------------------------------------------------------------ */

/* br-int and those of physical networks; the tunnel bridge has rules of its own. */
static void
each_plain_bridge(struct agent *self, void (*act)(struct flows *, const char *bridge))
{
    act(self->flows, self->config->integration_bridge);
    for (size_t i = 0; i < self->config->n_mappings; i++) {
        act(self->flows, self->config->mappings[i].bridge);
    }
}

/* drop_flows_on_start: nothing of what was there is kept for what may come. */
void
agent_drop_flows(struct agent *self)
{
    const struct agent_config *config = self->config;

    if (!config->drop_flows_on_start || self->has_dropped || !wiring_is_set_up(self->wiring)) {
        return;
    }
    self->has_dropped = true;
    wiring_forget_restored(self->wiring);
    each_plain_bridge(self, flows_complete);
    if (agent_config_has_tunnels(config)) {
        flows_complete(self->flows, config->tunnel_bridge);
    }
}

/* Numbers from here on are no ports. */
#define MAX_OFPORT 0xff00

struct found {
    bool has_flows[MAX_OFPORT];
    bool is_there[MAX_OFPORT];
    bool has_canary;
};

static void
found_flow(void *found_, const struct nt_flow *flow)
{
    struct found *found = found_;
    uint32_t in_port = nt_flow_in_port(flow);

    found->has_canary = found->has_canary || flow->table == BR_INT_CANARY;
    if (in_port < MAX_OFPORT) {
        found->has_flows[in_port] = true;
    }
}

static void
found_port(void *found_, const struct nt_ovs_port *port)
{
    struct found *found = found_;

    if (port->ofport > 0 && port->ofport < MAX_OFPORT) {
        found->is_there[port->ofport] = true;
    }
}

static bool
has_flows(void *found_, int64_t ofport)
{
    const struct found *found = found_;

    return ofport > 0 && ofport < MAX_OFPORT && found->has_flows[ofport];
}

static bool
is_odd(const struct found *found)
{
    for (size_t i = 1; i < MAX_OFPORT; i++) {
        if (found->has_flows[i] && !found->is_there[i]) {
            return true;
        }
    }
    return false;
}

/* Ports keep what they had before our start if the switch has kept it: decided before the base
 * flows are in, with which a port that has no guards could send what it likes. */
void
agent_judge_restored(struct agent *self)
{
    const char *bridge = self->config->integration_bridge;
    unsigned n_looks = flows_n_looks(self->flows, bridge);

    if (!self->has_seen || n_looks == self->n_looks) {
        return;
    }
    self->n_looks = n_looks;
    if (!wiring_has_restored(self->wiring)) {
        return;
    }

    AUTO_FREE struct found *found = xzalloc(sizeof *found);
    flows_each_installed(self->flows, bridge, found_flow, found);
    nt_ovsdb_each_port(self->db, bridge, found_port, found);
    const struct wiring_installed installed = {
        .has_flows = has_flows,
        .is_kept = found->has_canary,
        .is_odd = is_odd(found),
        .aux = found,
    };
    wiring_judge_restored(self->wiring, &installed);
    if (nt_ovsdb_is_ready(self->db) && !*self->failure) {
        wiring_run(self->wiring);
    }
}

/* What nobody wants may go, once everything is wanted that will be. */
void
agent_complete_flows(struct agent *self)
{
    const struct agent_config *config = self->config;

    /* To find it out takes a look at every port. */
    if (flows_is_complete(self->flows)) {
        return;
    }
    if (wiring_is_complete(self->wiring)) {
        each_plain_bridge(self, flows_complete);
        if (config->has_qos) {
            bridges_complete(self->bridges);
        }
    }
    if (agent_config_has_tunnels(config) && wiring_is_tunnel_complete(self->wiring)) {
        flows_complete(self->flows, config->tunnel_bridge);
    }
}

/* --- later ---------------------------------------------------------------------------------- */

static bool
is_settled_on(void *self_, const char *bridge)
{
    const struct agent *self = self_;

    return flows_is_settled_on(self->flows, bridge);
}

void
agent_join_bridges(struct agent *self)
{
    wiring_join_ready(self->wiring, is_settled_on, self);
}

/* What others change in our bridges is found by looking, now and then. */
void
agent_check_flows(struct agent *self)
{
    int64_t now = nt_mono_ms(self->env.clock);
    const struct agent_config *config = self->config;

    if (now < self->next_check_ms || !self->was_first_sync) {
        return;
    }
    each_plain_bridge(self, flows_check);
    if (agent_config_has_tunnels(config)) {
        flows_check(self->flows, config->tunnel_bridge);
    }
    if (self->meters && config->repairs) {
        meters_doubt(self->meters);
    }

    /* About 5.6 microseconds a flow. */
    int64_t cost_ms = (int64_t) flows_stats(self->flows)->n_wanted / 180;
    self->next_check_ms = now + MIN(MAX(cost_ms * CHECK_SHARE, CHECK_MIN_MS), CHECK_MAX_MS);
}
