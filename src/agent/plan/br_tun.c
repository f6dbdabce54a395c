#include <config.h>

#include "agent/plan/br_tun.h"

#include <inttypes.h>
#include <string.h>

#include "agent/plan/tables.h"
#include "base/mem.h"
#include "net/addr.h"
#include "net/addr6.h"
#include "openvswitch/dynamic-string.h"
#include "wire/ovs/flow.h"

/* Where frames go that came in by a tunnel of that type; 0: no type of tunnels. */
static int
table_of_type(const char *type)
{
    static const struct {
        const char *type;
        int table;
    } types[] = {
        { "gre", BR_TUN_GRE_TUN_TO_LV },
        { "vxlan", BR_TUN_VXLAN_TUN_TO_LV },
        { "geneve", BR_TUN_GENEVE_TUN_TO_LV },
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(types); i++) {
        if (!strcmp(types[i].type, type)) {
            return types[i].table;
        }
    }
    return 0;
}

/* From br-int: who may know the way to the receiver. */
static void
plan_from_guests(struct plan *plan, const struct plan_br_tun *br)
{
    const char *b = br->bridge;

    /* Any frame of a guest on this host. */
    plan_flow(plan, b, "table=%d,priority=1,in_port=%" PRId64 ",actions=goto_table:%d",
              BR_TUN_LOCAL_SWITCHING, br->patch_int_ofport, BR_TUN_PATCH_LV_TO_TUN);

    if (br->arp_responder) {
        /* "Who has": answered here when the address is known. */
        plan_flow(plan, b, "table=%d,priority=1,arp,dl_dst=ff:ff:ff:ff:ff:ff,actions=goto_table:%d",
                  BR_TUN_PATCH_LV_TO_TUN, BR_TUN_ARP_RESPONDER);
    }
    if (br->nd_responder) {
        /* The same in IPv6, sent to the group that the address belongs to. */
        plan_flow(plan, b,
                  "table=%d,priority=1,icmp6,icmp_type=135,icmp_code=0,"
                  "dl_dst=33:33:ff:00:00:00/ff:ff:ff:00:00:00,actions=goto_table:%d",
                  BR_TUN_PATCH_LV_TO_TUN, BR_TUN_ARP_RESPONDER);

        /* Without the asker's MAC, as a host asks whether an address is free that it wants:
         * for the owner to answer. */
        plan_flow(plan, b,
                  "table=%d,priority=2,icmp6,icmp_type=135,icmp_code=0,"
                  "nd_sll=00:00:00:00:00:00,actions=goto_table:%d",
                  BR_TUN_ARP_RESPONDER, BR_TUN_FLOOD_TO_TUN);
    }

    /* To one receiver. */
    plan_flow(plan, b,
              "table=%d,priority=0,dl_dst=00:00:00:00:00:00/01:00:00:00:00:00,"
              "actions=goto_table:%d",
              BR_TUN_PATCH_LV_TO_TUN, BR_TUN_UCAST_TO_TUN);

    /* To all or to a group. */
    plan_flow(plan, b,
              "table=%d,priority=0,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,"
              "actions=goto_table:%d",
              BR_TUN_PATCH_LV_TO_TUN, BR_TUN_FLOOD_TO_TUN);

    /* To a receiver of whom no tunnel is known. */
    plan_flow(plan, b, "table=%d,priority=0,actions=goto_table:%d", BR_TUN_UCAST_TO_TUN,
              BR_TUN_FLOOD_TO_TUN);

    if (br->arp_responder || br->nd_responder) {
        /* A question to which nobody here knows the answer. */
        plan_flow(plan, b, "table=%d,priority=0,actions=goto_table:%d", BR_TUN_ARP_RESPONDER,
                  BR_TUN_FLOOD_TO_TUN);
    }

    /* A network without other hosts. */
    plan_flow(plan, b, "table=%d,priority=0,actions=drop", BR_TUN_FLOOD_TO_TUN);
}

void
plan_br_tun_base(struct plan *plan, const struct plan_br_tun *br)
{
    static const int by_type[] = { BR_TUN_GRE_TUN_TO_LV, BR_TUN_VXLAN_TUN_TO_LV,
                                   BR_TUN_GENEVE_TUN_TO_LV };
    const char *b = br->bridge;

    /* A port that is no tunnel of ours. */
    plan_flow(plan, b, "table=%d,priority=0,actions=drop", BR_TUN_LOCAL_SWITCHING);

    plan_from_guests(plan, br);

    /* From a tunnel, of a network that is not on this host. */
    for (size_t i = 0; i < NT_ARRAY_SIZE(by_type); i++) {
        plan_flow(plan, b, "table=%d,priority=0,actions=drop", by_type[i]);
    }

    /* From a tunnel, its network's tag put on: for some minutes its sender is behind that
     * tunnel.  Then it goes to the guests. */
    plan_flow(plan, b,
              "table=%d,priority=1,actions=learn(table=%d,hard_timeout=300,priority=1,"
              "cookie=0x%" PRIx64 ",NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],"
              "load:0->NXM_OF_VLAN_TCI[],load:NXM_NX_TUN_ID[]->NXM_NX_TUN_ID[],"
              "output:OXM_OF_IN_PORT[]),output:%" PRId64,
              BR_TUN_LEARN_FROM_TUN, BR_TUN_UCAST_TO_TUN, br->learn_cookie, br->patch_int_ofport);
}

/* --- flooding ------------------------------------------------------------------------------ */

/* Bytes of OpenFlow 1.4: the instruction's head with what comes before and behind the list
 * of outputs, and one output. */
#define FLOOD_AROUND 128
#define FLOOD_OUTPUT 16
#define FLOOD_PER_FLOW ((NT_FLOW_MAX_INSTRUCTIONS - FLOOD_AROUND) / FLOOD_OUTPUT)

/* What a frame for everybody needs before it goes into tunnels, and the other flows: first, since
 * a switch that has 64 kB of actions for the datapath together enters no further table. */
static void
put_flood_head(struct ds *actions, const struct plan_network *network, size_t i, size_t n_flows)
{
    if (i == 0) {
        ds_put_format(actions, "pop_vlan,set_field:0x%" PRIx64 "->tun_id,",
                      network->segmentation_id);
        if (n_flows > 1) {
            ds_put_format(actions, "set_field:0x%x->reg6,", (unsigned) network->lvlan);
        }
    }
    if (i + 1 < n_flows) {
        ds_put_format(actions, "set_field:0x%zx->reg7,resubmit(,%d),", i + 1, BR_TUN_FLOOD_MORE);
    }
}

/* A frame to all that have the network.  As many tunnels as a flow has room for; the rest
 * is in flows of another table, told apart by registers: the network's tag is gone there. */
static void
plan_flood(struct plan *plan, const struct plan_network *network)
{
    size_t n_flows = (network->n_flood_ofports + FLOOD_PER_FLOW - 1) / FLOOD_PER_FLOW;

    for (size_t i = 0; i < n_flows; i++) {
        struct ds actions = DS_EMPTY_INITIALIZER;
        size_t end = MIN((i + 1) * FLOOD_PER_FLOW, network->n_flood_ofports);

        put_flood_head(&actions, network, i, n_flows);
        for (size_t j = i * FLOOD_PER_FLOW; j < end; j++) {
            ds_put_format(&actions, "output:%" PRId64 ",", network->flood_ofports[j]);
        }
        ds_chomp(&actions, ',');

        if (i == 0) {
            plan_flow(plan, network->br_tun, "table=%d,priority=1,dl_vlan=%d,actions=%s",
                      BR_TUN_FLOOD_TO_TUN, network->lvlan, ds_cstr(&actions));
        } else {
            plan_flow(plan, network->br_tun, "table=%d,priority=1,reg6=0x%x,reg7=0x%zx,actions=%s",
                      BR_TUN_FLOOD_MORE, (unsigned) network->lvlan, i, ds_cstr(&actions));
        }
        ds_destroy(&actions);
    }
}

void
plan_br_tun_network(struct plan *plan, const struct plan_network *network)
{
    int table = table_of_type(network->network_type);

    if (!table) {
        return;
    }

    /* A frame of the network that came in by a tunnel gets the tag of this host. */
    plan_flow(plan, network->br_tun,
              "table=%d,priority=1,tun_id=0x%" PRIx64
              ",actions=push_vlan:0x8100,set_field:%d->vlan_vid,goto_table:%d",
              table, network->segmentation_id, network->lvlan | PLAN_VLAN_PRESENT,
              BR_TUN_LEARN_FROM_TUN);
    plan_flood(plan, network);
}

void
plan_br_tun_tunnel(struct plan *plan, const char *bridge, const char *type, int64_t ofport)
{
    int table = table_of_type(type);

    if (table) {
        /* A frame from the host at the other end: its key says of which network it is. */
        plan_flow(plan, bridge, "table=%d,priority=1,in_port=%" PRId64 ",actions=goto_table:%d",
                  BR_TUN_LOCAL_SWITCHING, ofport, table);
    }
}

void
plan_br_tun_unicast(struct plan *plan, const struct plan_network *network, const char *mac_text,
                    int64_t ofport)
{
    char mac[NT_MAC_SIZE];
    struct nt_mac m;

    if (!nt_mac_parse(mac_text, &m)) {
        return;
    }
    nt_mac_format(&m, mac);

    /* A frame to a guest of whom the server has told where it is. */
    plan_flow(plan, network->br_tun,
              "table=%d,priority=2,dl_vlan=%d,dl_dst=%s,"
              "actions=pop_vlan,set_field:0x%" PRIx64 "->tun_id,output:%" PRId64,
              BR_TUN_UCAST_TO_TUN, network->lvlan, mac, network->segmentation_id, ofport);
}

/* --- answering for others ------------------------------------------------------------------ */

void
plan_br_tun_arp(struct plan *plan, const struct plan_network *network, const char *ip_text,
                const char *mac_text)
{
    char mac[NT_MAC_SIZE], ip[NT_IP4_SIZE];
    struct nt_mac m;
    uint32_t address;

    if (!nt_mac_parse(mac_text, &m) || !nt_ip4_parse(ip_text, &address)) {
        return;
    }
    nt_mac_format(&m, mac);
    nt_ip4_format(address, ip);

    /* "Who has IP": the question is turned into its answer and goes back. */
    plan_flow(plan, network->br_tun,
              "table=%d,priority=1,arp,dl_vlan=%d,arp_tpa=%s,"
              "actions=set_field:2->arp_op,move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],"
              "move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],set_field:%s->arp_sha,"
              "set_field:%s->arp_spa,move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],"
              "set_field:%s->eth_src,IN_PORT",
              BR_TUN_ARP_RESPONDER, network->lvlan, ip, mac, ip, mac);
}

/* RFC 4861, 4.4: solicited; the answer holds from now on; and sent by a router, for who hears
 * that a router is none any more takes its routes away, and being taken for one does not hurt. */
#define NA_FLAGS UINT32_C(0xe0000000)

void
plan_br_tun_nd(struct plan *plan, const struct plan_network *network, const char *ip_text,
               const char *mac_text)
{
    char mac[NT_MAC_SIZE], ip[NT_IP_SIZE];
    struct nt_mac m;
    struct in6_addr address;

    if (!nt_mac_parse(mac_text, &m) || !nt_ip6_parse(ip_text, &address)
        || IN6_IS_ADDR_MULTICAST(&address) || IN6_IS_ADDR_UNSPECIFIED(&address)) {
        return;
    }
    nt_mac_format(&m, mac);
    nt_ip6_format(&address, ip);

    /* "Who has IP": the question becomes an answer, its option "my MAC" becomes "the MAC"... */
    plan_flow(plan, network->br_tun,
              "table=%d,priority=1,icmp6,dl_vlan=%d,icmp_type=135,icmp_code=0,nd_target=%s,"
              "actions=set_field:136->icmpv6_type,set_field:2->nd_options_type,"
              "set_field:%" PRIu32 "->nd_reserved,goto_table:%d",
              BR_TUN_ARP_RESPONDER, network->lvlan, ip, NA_FLAGS, BR_TUN_ND_RESPONDER);

    /* ...and only an answer may be given the MAC, so that is done here.  It goes back. */
    plan_flow(plan, network->br_tun,
              "table=%d,priority=1,icmp6,dl_vlan=%d,icmp_type=136,icmp_code=0,nd_target=%s,"
              "actions=set_field:%s->nd_tll,move:NXM_NX_IPV6_SRC[]->NXM_NX_IPV6_DST[],"
              "set_field:%s->ipv6_src,move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],"
              "set_field:%s->eth_src,IN_PORT",
              BR_TUN_ND_RESPONDER, network->lvlan, ip, mac, ip, mac);
}
