#include <config.h>

#include "agent/plan/br_phys.h"

#include <inttypes.h>
#include <string.h>

#include "agent/plan/tables.h"

void
plan_br_phys_base(struct plan *plan, const struct plan_br_phys *br)
{
    /* Whatever passes through the bridge and is not ours: it is a plain switch. */
    plan_flow(plan, br->bridge, "table=%d,priority=0,actions=NORMAL", BR_PHYS_LOCAL_SWITCHING);

    /* Frames from br-int of networks that are not on this bridge. */
    plan_flow(plan, br->bridge, "table=%d,priority=2,in_port=%" PRId64 ",actions=drop",
              BR_PHYS_LOCAL_SWITCHING, br->phy_ofport);
}

void
plan_br_phys_network(struct plan *plan, const struct plan_network *network)
{
    if (!strcmp(network->network_type, "flat")) {
        /* A frame of the network on its way out: the tag of this host goes... */
        plan_flow(plan, network->br_phys,
                  "table=%d,priority=4,in_port=%" PRId64 ",dl_vlan=%d,actions=pop_vlan,NORMAL",
                  BR_PHYS_LOCAL_SWITCHING, network->phy_ofport, network->lvlan);
    } else if (!strcmp(network->network_type, "vlan")) {
        /* ...or that of the wire comes in its place. */
        plan_flow(plan, network->br_phys,
                  "table=%d,priority=4,in_port=%" PRId64 ",dl_vlan=%d,"
                  "actions=set_field:%" PRId64 "->vlan_vid,NORMAL",
                  BR_PHYS_LOCAL_SWITCHING, network->phy_ofport, network->lvlan,
                  network->segmentation_id | PLAN_VLAN_PRESENT);
    }
}

void
plan_br_phys_queue(struct plan *plan, const struct plan_br_phys *br, int64_t queue)
{
    /* Seen for the first time: into that queue of whichever port it leaves by, then as any. */
    plan_flow(plan, br->bridge,
              "table=%d,priority=200,in_port=%" PRId64 ",pkt_mark=%" PRId64
              ",reg4=0,actions=set_queue:%" PRId64 ",load:1->NXM_NX_REG4[0],resubmit(,%d)",
              BR_PHYS_LOCAL_SWITCHING, br->phy_ofport, queue, queue, BR_PHYS_LOCAL_SWITCHING);
}
