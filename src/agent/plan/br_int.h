/* Flows of the integration bridge: between guests' ports and what carries their networks. */
#pragma once

#include "agent/plan/plan.h"

/* One end of the patch towards a physical bridge. */
struct plan_patch {
    int64_t ofport;
};

struct plan_br_int {
    const char *bridge;
    const struct plan_patch *physical; /* int-BRIDGE of each mapping. */
    size_t n_physical;
    int64_t patch_tun_ofport; /* 0: no tunnels. */
    bool direct_egress;       /* explicitly_egress_direct. */
};
void plan_br_int_base(struct plan *, const struct plan_br_int *);

/* Frames of a flat or vlan network that come in from its physical bridge. */
void plan_br_int_network(struct plan *, const struct plan_network *);

/* An address that a port may use: a fixed IP or an allowed address pair. */
struct plan_address {
    const char *mac;
    const char *ip; /* "10.0.0.3", "10.9.0.0/24", "fd00::1"; "" with a MAC alone. */
};

struct plan_port {
    const char *bridge;
    int64_t ofport;
    int lvlan;
    bool is_dead;    /* On the dead VLAN: nothing leaves. */
    bool is_guarded; /* Port security is on, and it is not the network's own port. */
    const char *mac;
    const struct plan_address *addresses; /* Fixed IPs (with 'mac') and allowed address pairs. */
    size_t n_addresses;

    /* explicitly_egress_direct */
    bool direct_egress;
    int64_t egress_ofport; /* patch-tun or int-BRIDGE; 0: none (flat, local). */

    /* QoS. */
    int dscp; /* -1: none. */
    bool has_ingress_limit;
    int64_t meter_in, meter_out; /* Packet rate; 0: none. */
    int64_t queue;               /* On physical bridges, of its minimum bandwidth; 0: none. */
};
void plan_br_int_port(struct plan *, const struct plan_port *);
