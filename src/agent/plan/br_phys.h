/* Flows of the bridge of a physical network. */
#pragma once

#include "agent/plan/plan.h"

struct plan_br_phys {
    const char *bridge;
    int64_t phy_ofport; /* Of phy-BRIDGE. */
};
void plan_br_phys_base(struct plan *, const struct plan_br_phys *);

/* Frames of a flat or vlan network on their way out. */
void plan_br_phys_network(struct plan *, const struct plan_network *);

/* Frames from br-int that are marked with the number of a queue. */
void plan_br_phys_queue(struct plan *, const struct plan_br_phys *, int64_t queue);
