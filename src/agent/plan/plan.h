/* What a plan is: wanted flows, as text, by bridge and owner.
 *
 * A planner is a pure function: it is given values and appends lines.  A line is a flow as
 * ovs-ofctl writes it, ports as numbers.  The owner is the thing that a flow is for
 * ("port 5f2c...", "network 81aa.../100"): flows are wanted and given up by owner, and it is
 * the provenance that operators are told. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct plan_line {
    const char *bridge; /* Borrowed from the planner's input. */
    char *flow;         /* Owned. */
};

struct plan {
    struct plan_line *lines;
    size_t n, allocated;
};

void plan_init(struct plan *);
void plan_deinit(struct plan *);
void plan_clear(struct plan *);

void plan_flow(struct plan *, const char *bridge, const char *format, ...) NT_PRINTF(3, 4);

/* Numbers of local VLANs. */
#define PLAN_DEAD_VLAN 4095

/* A network on this host: its local VLAN and what carries it. */
struct plan_network {
    int lvlan;
    const char *network_type; /* flat, vlan, vxlan, gre, geneve, local. */
    int64_t segmentation_id;  /* 0 for flat and local. */

    /* flat and vlan: the patch ports of its physical bridge. */
    const char *br_int, *br_phys;
    int64_t int_ofport, phy_ofport;

    /* Tunnels. */
    const char *br_tun;
    int64_t patch_int_ofport;
    const int64_t *flood_ofports; /* Ascending. */
    size_t n_flood_ofports;
};
