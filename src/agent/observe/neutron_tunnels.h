/* tunnel_sync: tells the server our tunnel address, and hears those of all others.  Each type is
 * asked for until it succeeds, and again after each new connection.
 *
 * Owned by struct neutron (neutron.c). */
#pragma once

#include "agent/observe/neutron_objects.h"

struct neutron_tunnels;

struct neutron_tunnels *neutron_tunnels_new(struct neutron_shared *);
void neutron_tunnels_free(struct neutron_tunnels *);

void neutron_tunnels_sync(struct neutron_tunnels *, const char *type);

/* All types again. */
void neutron_tunnels_ask_all(struct neutron_tunnels *, int64_t not_before);

bool neutron_tunnels_is_settled(const struct neutron_tunnels *);

/* Only while the bus is connected. */
void neutron_tunnels_run(struct neutron_tunnels *);
void neutron_tunnels_wait(struct neutron_tunnels *);
