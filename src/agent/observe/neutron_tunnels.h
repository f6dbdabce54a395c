/* The ends of tunnels.  tunnel_sync tells the server our address, and is answered with those of
 * all others.  Each type is asked for until it succeeds, and again after each new connection:
 * who is gone by then is taken away.
 *
 * Owned by struct neutron (neutron.c). */
#pragma once

#include "agent/observe/neutron_objects.h"

struct neutron_tunnels;

struct neutron_tunnels *neutron_tunnels_new(struct neutron_shared *);
void neutron_tunnels_free(struct neutron_tunnels *);

void neutron_tunnels_sync(struct neutron_tunnels *, const char *type);

/* tunnel_update, tunnel_delete: passed on to the watcher, unless they are about ourselves. */
void neutron_tunnels_named(struct neutron_tunnels *, const char *type, const char *ip, int64_t id);
void neutron_tunnels_lost(struct neutron_tunnels *, const char *type, const char *ip);

/* All types again. */
void neutron_tunnels_ask_all(struct neutron_tunnels *, int64_t not_before);

bool neutron_tunnels_is_settled(const struct neutron_tunnels *);

/* Only while the bus is connected. */
void neutron_tunnels_run(struct neutron_tunnels *);
void neutron_tunnels_wait(struct neutron_tunnels *);
