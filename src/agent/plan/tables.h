/* Numbers of the OpenFlow tables, those of the stock agent: whoever looks at a host knows
 * them, and either agent takes over the flows of the other. */
#pragma once

enum br_int_table {
    BR_INT_LOCAL_SWITCHING = 0,
    BR_INT_CANARY = 23,
    BR_INT_ARP_SPOOF = 24,
    BR_INT_MAC_SPOOF = 25,
    BR_INT_LOCAL_EGRESS = 30,
    BR_INT_LOCAL_IP = 31,
    BR_INT_PACKET_RATE_LIMIT = 59,
    BR_INT_TRANSIENT = 60,
    BR_INT_LOCAL_MAC_DIRECT = 61,
    BR_INT_TRANSIENT_EGRESS = 62,
};

enum br_tun_table {
    BR_TUN_LOCAL_SWITCHING = 0,
    BR_TUN_PATCH_LV_TO_TUN = 2,
    BR_TUN_GRE_TUN_TO_LV = 3,
    BR_TUN_VXLAN_TUN_TO_LV = 4,
    BR_TUN_GENEVE_TUN_TO_LV = 6,
    BR_TUN_LEARN_FROM_TUN = 10,
    BR_TUN_UCAST_TO_TUN = 20,
    BR_TUN_ARP_RESPONDER = 21,
    BR_TUN_FLOOD_TO_TUN = 22,

    /* Ours. */
    BR_TUN_FLOOD_MORE = 23,   /* Tunnels for which one flow of FLOOD_TO_TUN has no room. */
    BR_TUN_ND_RESPONDER = 24, /* Second half of an answer to a neighbour solicitation. */
};

enum br_phys_table { BR_PHYS_LOCAL_SWITCHING = 0 };

/* OXM_OF_VLAN_VID: the bit that says that there is a tag. */
#define PLAN_VLAN_PRESENT 0x1000
