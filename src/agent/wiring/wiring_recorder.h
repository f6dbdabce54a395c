/* The third part: what becomes of other wishes, and what is known. */
#pragma once

#include "agent/wiring/wiring_rows.h"

static inline void
record_flows(void *self_, const char *owner, const struct plan *plan)
{
    struct recorder *self = self_;
    struct ds text = DS_EMPTY_INITIALIZER;

    free(shash_find_and_delete(&self->flows, owner));
    for (size_t i = 0; i < plan->n; i++) {
        ds_put_format(&text, "%s %s\n", plan->lines[i].bridge, plan->lines[i].flow);
    }
    if (plan->n) {
        shash_add(&self->flows, owner, ds_steal_cstr(&text));
    }
    ds_destroy(&text);
}

static inline void
record_down(void *self_, const char *id)
{
    struct recorder *self = self_;

    ds_put_format(&self->log, "down %.8s\n", id);
}

static inline void
record_meter(void *self_, const struct nt_meter *meter)
{
    struct recorder *self = self_;

    ds_put_format(&self->log, "meter %u %u/%u\n", (unsigned) meter->id, (unsigned) meter->pps,
                  (unsigned) meter->burst);
}

static inline void
record_policy(void *self_, const char *id, bool wanted)
{
    struct recorder *self = self_;

    ds_put_format(&self->log, "policy %.8s%s\n", id, wanted ? "" : " dropped");
}

static inline const struct nt_vo_port *
known_port(void *self_, const char *id)
{
    struct recorder *self = self_;
    int i = world_port(self->world, id);

    return i < 0 ? NULL : self->world->told[i];
}

static inline const struct nt_vo_network *
known_network(void *self_, const char *id)
{
    const struct nt_vo_network *network = ((struct recorder *) self_)->world->network;

    return network && !strcmp(network->id, id) ? network : NULL;
}

static inline const struct nt_vo_qos_policy *
known_policy(void *self, const char *id)
{
    return world_policy(((struct recorder *) self)->world, id);
}

static void see_named(void *self, const char *name);

static inline bool
is_bridge_in(void *self_, const char *bridge)
{
    struct recorder *self = self_;

    return !self->bad_bridge || strcmp(self->bad_bridge, bridge);
}

static inline void
recorder_init(struct recorder *self, struct world *world)
{
    const struct wiring_to to = {
        .flows = record_flows,
        .bridge = record_bridge,
        .port = record_port,
        .no_port = record_no_port,
        .forget_port = record_forgotten,
        .qos = record_qos,
        .meter = record_meter,
        .queue = record_queue,
        .uplink = record_uplink,
        .interest = ignore_interest,
        .network_interest = ignore_interest,
        .policy_interest = record_policy,
        .vo_port = known_port,
        .vo_network = known_network,
        .vo_policy = known_policy,
        .device_down = record_down,
        .see_port = see_named,
        .aux = self,
    };

    memset(self, 0, sizeof *self);
    self->world = world;
    shash_init(&self->flows);
    shash_init(&self->tunnels);
    self->wiring = wiring_new(&world->config, &to);
}

static inline void
recorder_deinit(struct recorder *self)
{
    wiring_free(self->wiring);
    shash_destroy_free_data(&self->flows);
    shash_destroy(&self->tunnels);
    ds_destroy(&self->log);
    ds_destroy(&self->patches);
}
