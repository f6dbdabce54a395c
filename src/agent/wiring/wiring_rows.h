/* The second part: who records the wishes, and those of rows.  A wished tag is in the switch at
 * once. */
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
record_queue(void *self_, const char *port_id, const struct nt_ovs_queue *queue)
{
    struct recorder *self = self_;
    int i = world_port(self->world, port_id);

    if (i >= 0) {
        self->world->ports[i].queue = *queue;
    }
}

static inline void
record_uplink(void *self, const char *name, bool is_one)
{
    ds_put_format(&((struct recorder *) self)->log, "%suplink %s\n", is_one ? "" : "no ", name);
}
