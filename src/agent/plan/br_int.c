#include <config.h>

#include "agent/plan/br_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/plan/tables.h"
#include "base/mem.h"
#include "net/addr.h"
#include "net/addr6.h"
#include "openvswitch/shash.h"

void
plan_br_int_base(struct plan *plan, const struct plan_br_int *br)
{
    const char *b = br->bridge;

    /* Matches nothing that matters: an empty table tells that the switch has restarted. */
    plan_flow(plan, b, "table=%d,priority=0,actions=drop", BR_INT_CANARY);

    /* Any frame, unless a rule of its port sees it first: to its receiver. */
    plan_flow(plan, b, "table=%d,priority=0,actions=goto_table:%d", BR_INT_LOCAL_SWITCHING,
              BR_INT_PACKET_RATE_LIMIT);
    plan_flow(plan, b, "table=%d,priority=0,actions=goto_table:%d", BR_INT_PACKET_RATE_LIMIT,
              BR_INT_TRANSIENT);
    plan_flow(plan, b, "table=%d,priority=3,actions=NORMAL", BR_INT_TRANSIENT);
    plan_flow(plan, b, "table=%d,priority=3,actions=NORMAL", BR_INT_TRANSIENT_EGRESS);
    plan_flow(plan, b, "table=%d,priority=0,actions=goto_table:%d", BR_INT_LOCAL_EGRESS,
              BR_INT_PACKET_RATE_LIMIT);
    plan_flow(plan, b, "table=%d,priority=0,actions=goto_table:%d", BR_INT_LOCAL_IP,
              BR_INT_PACKET_RATE_LIMIT);

    /* ARP and neighbour advertisements that speak for an address not the port's own. */
    plan_flow(plan, b, "table=%d,priority=0,actions=drop", BR_INT_ARP_SPOOF);

    /* Anything from or to a port that is not wired. */
    plan_flow(plan, b, "table=%d,priority=65535,dl_vlan=%d,actions=drop", BR_INT_LOCAL_SWITCHING,
              PLAN_DEAD_VLAN);

    for (size_t i = 0; i < br->n_physical; i++) {
        /* From a physical network, with a tag that no network here has. */
        plan_flow(plan, b, "table=%d,priority=2,in_port=%" PRId64 ",actions=drop",
                  BR_INT_LOCAL_SWITCHING, br->physical[i].ofport);
    }

    if (!br->direct_egress) {
        return;
    }
    /* From outside: straight to the port with that MAC, so that nothing is flooded. */
    for (size_t i = 0; i < br->n_physical; i++) {
        plan_flow(plan, b, "table=%d,priority=4,in_port=%" PRId64 ",actions=goto_table:%d",
                  BR_INT_TRANSIENT, br->physical[i].ofport, BR_INT_LOCAL_MAC_DIRECT);
    }
    if (br->patch_tun_ofport > 0) {
        plan_flow(plan, b, "table=%d,priority=4,in_port=%" PRId64 ",actions=goto_table:%d",
                  BR_INT_TRANSIENT, br->patch_tun_ofport, BR_INT_LOCAL_MAC_DIRECT);
    }
    plan_flow(plan, b, "table=%d,priority=0,actions=goto_table:%d", BR_INT_LOCAL_MAC_DIRECT,
              BR_INT_TRANSIENT_EGRESS);
}

void
plan_br_int_network(struct plan *plan, const struct plan_network *network)
{
    int tag = network->lvlan | PLAN_VLAN_PRESENT;

    if (!strcmp(network->network_type, "flat")) {
        /* Untagged, from the physical bridge: it gets the network's tag on this host. */
        plan_flow(plan, network->br_int,
                  "table=%d,priority=3,in_port=%" PRId64 ",vlan_tci=0x0000/0x1fff,"
                  "actions=push_vlan:0x8100,set_field:%d->vlan_vid,goto_table:%d",
                  BR_INT_LOCAL_SWITCHING, network->int_ofport, tag, BR_INT_PACKET_RATE_LIMIT);
    } else if (!strcmp(network->network_type, "vlan")) {
        /* With the network's tag of the wire: that of this host takes its place. */
        plan_flow(plan, network->br_int,
                  "table=%d,priority=3,in_port=%" PRId64 ",dl_vlan=%" PRId64
                  ",actions=set_field:%d->vlan_vid,goto_table:%d",
                  BR_INT_LOCAL_SWITCHING, network->int_ofport, network->segmentation_id, tag,
                  BR_INT_PACKET_RATE_LIMIT);
    }
}

/* --- what a guest may claim to be ---------------------------------------------------------- */

/* What a port may use, each once: keys of the maps. */
struct allowed {
    struct shash macs, ip4, ip6;
    bool any_ip4, any_ip6; /* A network of length 0: there is nothing to forbid. */
};

static void
allow_mac(struct allowed *allowed, const char *text)
{
    char mac[NT_MAC_SIZE], link_local[NT_IP_SIZE];
    struct nt_mac m;

    if (!nt_mac_parse(text, &m)) {
        return;
    }
    nt_mac_format(&m, mac);
    nt_ip6_link_local(&m, link_local);
    shash_add_once(&allowed->macs, mac, NULL);
    shash_add_once(&allowed->ip6, link_local, NULL);
}

/* False: 'text' is nothing of IPv4. */
static bool
allow_ip4(struct allowed *allowed, const char *text)
{
    char out[NT_CIDR_SIZE];
    struct nt_cidr cidr;

    if (!nt_cidr_parse(text, &cidr)) {
        return false;
    }
    if (cidr.len == 32) {
        nt_ip4_format(cidr.ip, out);
    } else {
        cidr.ip = nt_cidr_network(&cidr);
        nt_cidr_format(&cidr, out);
    }
    allowed->any_ip4 |= cidr.len == 0;
    shash_add_once(&allowed->ip4, out, NULL);
    return true;
}

static void
allow_ip6(struct allowed *allowed, const char *text)
{
    char out[NT_CIDR6_SIZE], *slash = NULL;
    struct in6_addr ip;
    unsigned len = 128;

    if (strchr(text, '/')) {
        if (!nt_cidr6_canon(text, out, &len)) {
            return;
        }
        slash = strchr(out, '/');
        *slash = '\0';
    } else {
        ovs_strlcpy(out, text, sizeof out);
    }
    /* No neighbour is ever asked for an IPv4 address in IPv6's clothes. */
    if (!nt_ip6_parse(out, &ip) || IN6_IS_ADDR_V4MAPPED(&ip)) {
        return;
    }
    nt_ip6_format(&ip, out);
    if (len < 128) {
        snprintf(out + strlen(out), sizeof out - strlen(out), "/%u", len);
    }
    allowed->any_ip6 |= len == 0;
    shash_add_once(&allowed->ip6, out, NULL);
}

static void
allowed_init(struct allowed *allowed, const struct plan_port *port)
{
    shash_init(&allowed->macs);
    shash_init(&allowed->ip4);
    shash_init(&allowed->ip6);
    allowed->any_ip4 = allowed->any_ip6 = false;

    allow_mac(allowed, port->mac);
    for (size_t i = 0; i < port->n_addresses; i++) {
        const struct plan_address *address = &port->addresses[i];

        allow_mac(allowed, address->mac);
        if (!allow_ip4(allowed, address->ip)) {
            allow_ip6(allowed, address->ip);
        }
    }
}

static void
allowed_deinit(struct allowed *allowed)
{
    shash_destroy(&allowed->macs);
    shash_destroy(&allowed->ip4);
    shash_destroy(&allowed->ip6);
}

static void
plan_guard(struct plan *plan, const struct plan_port *port)
{
    const struct shash_node *node;
    struct allowed allowed;
    int64_t in = port->ofport;

    allowed_init(&allowed, port);

    /* From the port: only with a MAC of its own. */
    plan_flow(plan, port->bridge, "table=%d,priority=9,in_port=%" PRId64 ",actions=goto_table:%d",
              BR_INT_LOCAL_SWITCHING, in, BR_INT_MAC_SPOOF);
    SHASH_FOR_EACH (node, &allowed.macs) {
        plan_flow(plan, port->bridge,
                  "table=%d,priority=2,in_port=%" PRId64 ",dl_src=%s,actions=goto_table:%d",
                  BR_INT_MAC_SPOOF, in, node->name, BR_INT_LOCAL_EGRESS);
    }

    if (!allowed.any_ip4) {
        /* ARP from the port: only as the owner of its addresses. */
        plan_flow(plan, port->bridge,
                  "table=%d,priority=10,arp,in_port=%" PRId64 ",actions=goto_table:%d",
                  BR_INT_LOCAL_SWITCHING, in, BR_INT_ARP_SPOOF);
        SHASH_FOR_EACH (node, &allowed.ip4) {
            plan_flow(plan, port->bridge,
                      "table=%d,priority=2,arp,in_port=%" PRId64
                      ",arp_spa=%s,actions=goto_table:%d",
                      BR_INT_ARP_SPOOF, in, node->name, BR_INT_MAC_SPOOF);
        }
    }
    if (!allowed.any_ip6) {
        /* Neighbour advertisements from the port: likewise. */
        plan_flow(plan, port->bridge,
                  "table=%d,priority=10,icmp6,in_port=%" PRId64
                  ",icmp_type=136,actions=goto_table:%d",
                  BR_INT_LOCAL_SWITCHING, in, BR_INT_ARP_SPOOF);
        SHASH_FOR_EACH (node, &allowed.ip6) {
            plan_flow(plan, port->bridge,
                      "table=%d,priority=2,icmp6,in_port=%" PRId64
                      ",icmp_type=136,nd_target=%s,actions=goto_table:%d",
                      BR_INT_ARP_SPOOF, in, node->name, BR_INT_PACKET_RATE_LIMIT);
        }
    }
    allowed_deinit(&allowed);
}

/* --- the ways of a port -------------------------------------------------------------------- */

static void
plan_direct(struct plan *plan, const struct plan_port *port, const char *mac)
{
    const char *b = port->bridge;

    /* From the port: the network goes along in a register, for MACs may repeat in others. */
    plan_flow(plan, b,
              "table=%d,priority=9,in_port=%" PRId64
              ",dl_src=%s,actions=set_field:0x%x->reg6,resubmit(,%d)",
              BR_INT_TRANSIENT, port->ofport, mac, (unsigned) port->lvlan, BR_INT_LOCAL_MAC_DIRECT);

    /* To the port, from another host. */
    plan_flow(plan, b, "table=%d,priority=12,dl_vlan=%d,dl_dst=%s,actions=pop_vlan,output:%" PRId64,
              BR_INT_LOCAL_MAC_DIRECT, port->lvlan, mac, port->ofport);

    /* To the port, from one of this host. */
    plan_flow(plan, b, "table=%d,priority=12,reg6=0x%x,dl_dst=%s,actions=output:%" PRId64,
              BR_INT_LOCAL_MAC_DIRECT, (unsigned) port->lvlan, mac, port->ofport);

    if (port->egress_ofport > 0) {
        /* From the port to one receiver, who is not on this host. */
        plan_flow(plan, b,
                  "table=%d,priority=10,in_port=%" PRId64
                  ",dl_src=%s,dl_dst=00:00:00:00:00:00/01:00:00:00:00:00,"
                  "actions=mod_vlan_vid:%d,output:%" PRId64,
                  BR_INT_TRANSIENT_EGRESS, port->ofport, mac, port->lvlan, port->egress_ofport);
    }
}

static void
plan_qos(struct plan *plan, const struct plan_port *port)
{
    static const char *const protocols[] = { "ip", "ipv6" };

    /* Any IP packet from the port, seen for the first time: marked, then seen again. */
    for (size_t i = 0; port->dscp >= 0 && i < NT_ARRAY_SIZE(protocols); i++) {
        plan_flow(plan, port->bridge,
                  "table=%d,priority=65535,%s,reg2=0,in_port=%" PRId64
                  ",actions=set_field:0x1->reg2,set_field:%d->ip_dscp,resubmit:%" PRId64,
                  BR_INT_LOCAL_SWITCHING, protocols[i], port->ofport, port->dscp, port->ofport);
    }
    if (port->has_ingress_limit) {
        /* Any frame: whichever port it goes to, it takes the queue that may be limited there
         * (a port without one has no such queue).  Shared by all ports that have a limit. */
        plan_flow(plan, port->bridge,
                  "table=%d,priority=200,reg3=0,"
                  "actions=set_queue:0,load:1->NXM_NX_REG3[0],resubmit(,%d)",
                  BR_INT_LOCAL_SWITCHING, BR_INT_LOCAL_SWITCHING);
    }
    if (port->queue > 0) {
        /* Any frame from the port, seen for the first time: it says which queue physical bridges
         * are to put it into, then it is seen again. */
        plan_flow(plan, port->bridge,
                  "table=%d,priority=200,in_port=%" PRId64 ",reg4=0,actions=load:%" PRId64
                  "->NXM_NX_PKT_MARK[],load:1->NXM_NX_REG4[0],resubmit(,%d)",
                  BR_INT_LOCAL_SWITCHING, port->ofport, port->queue, BR_INT_LOCAL_SWITCHING);
    }
}

static void
plan_meters(struct plan *plan, const struct plan_port *port, const char *mac)
{
    if (port->meter_out > 0) {
        /* From the port. */
        plan_flow(plan, port->bridge,
                  "table=%d,priority=100,in_port=%" PRId64 ",dl_src=%s,actions=meter:%" PRId64
                  ",goto_table:%d",
                  BR_INT_PACKET_RATE_LIMIT, port->ofport, mac, port->meter_out, BR_INT_TRANSIENT);
    }
    if (port->meter_in > 0) {
        /* To the port, from another host. */
        plan_flow(plan, port->bridge,
                  "table=%d,priority=100,dl_vlan=%d,dl_dst=%s,actions=meter:%" PRId64
                  ",goto_table:%d",
                  BR_INT_PACKET_RATE_LIMIT, port->lvlan, mac, port->meter_in, BR_INT_TRANSIENT);
    }
}

void
plan_br_int_port(struct plan *plan, const struct plan_port *port)
{
    char mac[NT_MAC_SIZE];
    struct nt_mac m;

    if (port->is_dead) {
        /* Anything from a port that is not wired; what goes to it stops at the dead VLAN. */
        plan_flow(plan, port->bridge, "table=%d,priority=2,in_port=%" PRId64 ",actions=drop",
                  BR_INT_LOCAL_SWITCHING, port->ofport);
        return;
    }
    if (port->is_guarded) {
        plan_guard(plan, port);
    }
    plan_qos(plan, port);
    if (nt_mac_parse(port->mac, &m)) {
        nt_mac_format(&m, mac);
        plan_meters(plan, port, mac);
        if (port->direct_egress) {
            plan_direct(plan, port, mac);
        }
    }
}
