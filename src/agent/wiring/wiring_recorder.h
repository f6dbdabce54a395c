/* The second part: who records the wishes.  A wished tag is in the switch at once. */
#pragma once

#include "agent/wiring/wiring_world.h"

/* Who records the wishes. */
struct recorder {
    struct world *world;
    struct wiring *wiring;
    struct shash flows; /* Owner -> text. */
    struct shash tunnels;
    struct ds log, patches;
    size_t n_forgotten, n_port_wishes;
    const char *bad_bridge; /* Takes no flows; NULL: none. */
};

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
record_port(void *self_, const struct nt_ovs_port_want *want)
{
    struct recorder *self = self_;

    for (int i = 0; i < N_PORTS; i++) {
        if (strcmp(self->world->ports[i].name, want->name)) {
            continue;
        }
        self->n_port_wishes++;
        self->world->ports[i].tag = want->tag;
        if (want->policing_kbps >= 0) {
            self->world->ports[i].policing = want->policing_kbps;
            self->world->ports[i].policing_burst = want->policing_burst_kb;
        }
        for (const struct nt_ovs_kv *kv = want->other_config; kv && kv->key; kv++) {
            char *to = !strcmp(kv->key, "net_uuid")          ? self->world->ports[i].net_uuid
                       : !strcmp(kv->key, "segmentation_id") ? self->world->ports[i].segmentation
                       : !strcmp(kv->key, "tag")             ? self->world->ports[i].memory_tag
                       : !strcmp(kv->key, "neutrino_guards") ? self->world->ports[i].guards
                                                             : NULL;
            if (to) {
                strcpy(to, kv->value ? kv->value : "None");
            }
        }
        return;
    }
    if (want->type && !strcmp(want->type, "patch")) {
        ds_put_format(&self->patches, "%s to %s\n", want->name, want->options[0].value);
    } else if (want->type) {
        shash_add_once(&self->tunnels, want->name, NULL);
    }
}

static inline void
record_no_port(void *self_, const char *name)
{
    struct recorder *self = self_;

    shash_find_and_delete(&self->tunnels, name);
    ds_put_format(&self->log, "no port %s\n", name);
}

static inline void
record_forgotten(void *self_, const char *name)
{
    struct recorder *self = self_;

    (void) name;
    self->n_forgotten++;
}

static inline void
record_down(void *self_, const char *id)
{
    struct recorder *self = self_;

    ds_put_format(&self->log, "down %.8s\n", id);
}

static inline void
record_qos(void *self_, const char *port, int64_t kbps, int64_t burst)
{
    struct recorder *self = self_;

    (void) burst;
    for (int i = 0; i < N_PORTS; i++) {
        if (!strcmp(self->world->ports[i].name, port)) {
            self->world->ports[i].limit = kbps;
        }
    }
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

    for (int i = 0; i < N_PORTS; i++) {
        if (!strcmp(self->world->ports[i].id, id)) {
            return self->world->told[i];
        }
    }
    return NULL;
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
