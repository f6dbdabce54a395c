/* Flows of the tunnel bridge: which tunnel a frame takes, and which network it came from. */
#pragma once

#include "agent/plan/plan.h"

struct plan_br_tun {
    const char *bridge;
    int64_t patch_int_ofport;
    bool arp_responder;
    bool nd_responder;     /* With the userspace datapath only; others refuse the flows. */
    uint64_t learn_cookie; /* Of flows that the switch learns by itself. */
};
void plan_br_tun_base(struct plan *, const struct plan_br_tun *);

/* A network in a tunnel: frames that come in, and the flood to all that have it. */
void plan_br_tun_network(struct plan *, const struct plan_network *);

/* A tunnel port: "vxlan", "gre", "geneve". */
void plan_br_tun_tunnel(struct plan *, const char *bridge, const char *type, int64_t ofport);

/* A MAC behind a tunnel, and who answers for an address there (IPv4: ARP, IPv6: neighbour
 * discovery). */
void plan_br_tun_unicast(struct plan *, const struct plan_network *, const char *mac,
                         int64_t ofport);
void plan_br_tun_arp(struct plan *, const struct plan_network *, const char *ip, const char *mac);
void plan_br_tun_nd(struct plan *, const struct plan_network *, const char *ip, const char *mac);
