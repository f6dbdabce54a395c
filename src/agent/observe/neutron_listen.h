/* What an agent listens to: both families of the server's notifications.
 *
 * Fan-outs only, and forwarding entries that are for this host; each topic costs a queue on
 * the broker, so those that lead to nothing here are left out (no tunnels, no QoS, a callback
 * that is NULL).
 *
 * Owned by struct neutron (neutron.c). */
#pragma once

#include "agent/observe/neutron_objects.h"
#include "agent/observe/neutron_tunnels.h"

struct neutron_listen;

/* Everything is borrowed; 'policies' may be NULL. */
struct neutron_listeners {
    struct neutron_shared *shared;
    struct neutron_objects *ports, *networks, *policies;
    struct neutron_tunnels *tunnels;
};

struct neutron_listen *neutron_listen_new(const struct neutron_listeners *);
void neutron_listen_free(struct neutron_listen *); /* After the bus. */
