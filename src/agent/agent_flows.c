/* What is installed: what of it is trusted, looked at, and taken away. */
#include <config.h>

#include <stdio.h>

#include "agent/agent_impl.h"
#include "agent/model/owner.h"
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

/* Ports keep what they had before our start only if the switch had kept its flows. */
void
agent_look_at_first_flows(struct agent *self)
{
    char owner[MODEL_OWNER_SIZE];

    snprintf(owner, sizeof owner, "bridge %s", self->config->integration_bridge);
    if (self->knows_flows || !wiring_is_set_up(self->wiring) || !self->br_int
        || !flows_is_settled_for(self->flows, owner)) {
        return;
    }
    self->knows_flows = true;
    if (!flows_stats(self->flows)->n_adopted) {
        wiring_forget_restored(self->wiring);
    }
}

/* What nobody wants may go, once everything is wanted that will be. */
void
agent_complete_flows(struct agent *self)
{
    const struct agent_config *config = self->config;

    if (wiring_is_complete(self->wiring)) {
        each_plain_bridge(self, flows_complete);
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

    /* About 5.6 microseconds a flow. */
    int64_t cost_ms = (int64_t) flows_stats(self->flows)->n_wanted / 180;
    self->next_check_ms = now + MIN(MAX(cost_ms * CHECK_SHARE, CHECK_MIN_MS), CHECK_MAX_MS);
}
