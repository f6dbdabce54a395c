/* The bridge of a flat network, and the gateway address on it.
 *
 * Everything is idempotent: what is right already is left alone, so that a
 * restarted program disturbs no packet.  Runs in the calling thread's network
 * namespace, under a lock that all programs of that namespace share; takes
 * milliseconds. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "net/addr.h"

struct nt_bridge_args {
    const char *bridge;
    const char *interface;  /* Becomes its port; NULL or empty: none. */
    const char *state_file; /* For the move of addresses (ip_plan.h); NULL: without. */
    uint32_t mtu;           /* Of the bridge; 0: leave it alone. */
    uint32_t keep_ip;       /* Refuse an interface that carries this address: the one the
                             * management connection uses.  0: move whatever is there. */
};

/* The interface of a network's bridge: 'flat' (flat_interface) is that of 'flat_bridge'
 * (flat_network_bridge); another bridge has the network's 'own', if it names one.  One of
 * the arguments; empty: none. */
const char *nt_bridge_interface(const char *bridge, const char *own, const char *flat_bridge,
                                const char *flat);

/* The bridge is there, without STP and without forward delay, up before it gets its
 * port; the interface is its port, up, and gave it its global IPv4 addresses and its
 * routes; the bridge's MAC is fixed to the interface's, so that guests which come
 * and go never change it.
 * Fails with NT_NOT_FOUND (no such interface), NT_CONFLICT (the name is no bridge,
 * the interface belongs to another one or carries 'keep_ip'), NT_INVALID or NT_FAULT. */
NT_NODISCARD int nt_bridge_ensure(const struct nt_bridge_args *, struct nt_err *);

struct nt_gateway_args {
    const char *bridge;
    const char *gateway;    /* "10.0.0.1". */
    const char *cidr;       /* Its network: "10.0.0.0/24"; gives prefix and broadcast. */
    const char *state_file; /* May be the one of nt_bridge_ensure(). */
};

/* The gateway is the bridge's first global address (dnsmasq answers from that one);
 * others follow in their order, with their routes.
 * Fails with NT_NOT_FOUND (no such bridge), NT_INVALID or NT_FAULT. */
NT_NODISCARD int nt_gateway_ensure(const struct nt_gateway_args *, struct nt_err *);
