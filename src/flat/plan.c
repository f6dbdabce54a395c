#include <config.h>

#include "flat/plan.h"

#include <string.h>

#include "base/mem.h"
#include "host/nat_rules.h"
#include "host/rules.h"

#define NETWORK "nova-network"
#define API "nova-api"

static struct nt_iptables_chain *
filter(struct nt_iptables_want *want, const char *name)
{
    return nt_iptables_chain(want, NT_IPTABLES_FILTER, name);
}

static struct nt_iptables_chain *
nat(struct nt_iptables_want *want, const char *name)
{
    return nt_iptables_chain(want, NT_IPTABLES_NAT, name);
}

/* Guests of 'range' on their way out leave as the host.  Those of a network with a gateway
 * of its own are not routed here, but for what force_snat_range names. */
static void
plan_snat(struct nt_iptables_want *want, const struct nt_cidr *range, bool is_external,
          const struct flat_options *o)
{
    struct nt_iptables_chain *snat = nat(want, NETWORK "-snat");

    if (!o->routing_source_ip) {
        return;
    }
    if (!is_external) {
        nt_iptables_rule_take(snat,
                              nt_rule_snat(range, o->routing_source_ip, o->snat_out_interface));
        return;
    }
    for (size_t i = 0; i < o->n_force_snat; i++) {
        nt_iptables_rule_take(snat,
                              nt_rule_snat_towards(range, &o->force_snat[i], o->routing_source_ip));
    }
}

/* To the metadata service, the DMZ and each other guests keep their own address. */
static void
plan_range(struct nt_iptables_want *want, const struct nt_cidr *range, bool is_external,
           const struct flat_options *o)
{
    struct nt_iptables_chain *postrouting = nat(want, NETWORK "-POSTROUTING");
    struct nt_cidr metadata = { o->metadata_host, 32 };

    plan_snat(want, range, is_external, o);
    nt_iptables_rule_take(postrouting, nt_rule_accept_between(range, &metadata));
    for (size_t i = 0; i < o->n_dmz; i++) {
        nt_iptables_rule_take(postrouting, nt_rule_accept_between(range, &o->dmz[i]));
    }
    nt_iptables_rule_take(postrouting, nt_rule_accept_inside(range));
}

/* Guests' packets that the host routes, in and out of the bridge. */
static void
plan_forward(struct nt_iptables_want *want, const struct nt_network_view *network,
             const struct flat_options *o)
{
    struct nt_iptables_chain *forward = filter(want, NETWORK "-FORWARD");
    const char *bridge = network->bridge;
    const char *drop = o->drop ? o->drop : "DROP";
    const char *target = "ACCEPT";

    if (!o->golden && !*network->gateway_ip) {
        target = drop;
    } else if (!o->golden && o->limits_forward) {
        for (size_t i = 0; i < o->n_forward; i++) {
            nt_iptables_rule_take(forward,
                                  nt_rule_between_interfaces(bridge, o->forward[i], "ACCEPT"));
            nt_iptables_rule_take(forward,
                                  nt_rule_between_interfaces(o->forward[i], bridge, "ACCEPT"));
        }
        nt_iptables_rule_take(forward, nt_rule_between_interfaces(bridge, bridge, "ACCEPT"));
        target = drop;
    }
    nt_iptables_rule_take(forward, nt_rule_from_interface(bridge, target));
    nt_iptables_rule_take(forward, nt_rule_to_interface(bridge, target));
}

/* Guests asking dnsmasq for a lease or a name. */
static void
plan_dnsmasq(struct nt_iptables_want *want, const char *bridge)
{
    static const struct {
        const char *proto;
        uint16_t port;
    } services[] = { { "udp", 67 }, { "tcp", 67 }, { "udp", 53 }, { "tcp", 53 } };

    for (size_t i = 0; i < NT_ARRAY_SIZE(services); i++) {
        nt_iptables_rule_take(filter(want, NETWORK "-INPUT"),
                              nt_rule_service(bridge, services[i].proto, services[i].port));
    }
}

/* Guests with offloading interfaces drop DHCP answers with a partial checksum. */
static void
plan_checksum(struct nt_iptables_want *want, const char *bridge)
{
    nt_iptables_rule_take(nt_iptables_chain(want, NT_IPTABLES_MANGLE, NETWORK "-POSTROUTING"),
                          nt_rule_dhcp_checksum(bridge));
}

static void
plan_network(struct nt_iptables_want *want, const struct nt_network_view *network,
             const struct flat_options *o)
{
    bool is_external = *network->gateway_ip && *network->dhcp_server
                       && strcmp(network->gateway_ip, network->dhcp_server);
    struct nt_cidr range;

    if (nt_cidr_parse(network->cidr, &range)) {
        plan_range(want, &range, is_external && !o->golden, o);
    }
    plan_forward(want, network, o);
    plan_dnsmasq(want, network->bridge);
    if (!o->golden) {
        plan_checksum(want, network->bridge);
    }
}

const char *
flat_floating_interface(const struct nt_floating_entry *entry, const struct flat_options *o)
{
    const char *name = *entry->interface ? entry->interface : o->public_interface;

    return name && *name ? name : NULL;
}

/* Packets to the floating address go to the guest, those of the guest leave with it. */
static void
plan_floating(struct nt_iptables_want *want, const struct nt_floating_entry *entry,
              const struct flat_options *o)
{
    struct nt_iptables_chain *float_snat = nat(want, NETWORK "-float-snat");
    uint32_t floating, fixed;

    if (!nt_ip4_parse(entry->address, &floating) || !nt_ip4_parse(entry->fixed_address, &fixed)) {
        return;
    }
    nt_iptables_rule_take(nat(want, NETWORK "-PREROUTING"), nt_rule_dnat(floating, fixed));
    nt_iptables_rule_take(nat(want, NETWORK "-OUTPUT"), nt_rule_dnat(floating, fixed));
    if (o->golden) {
        nt_iptables_rule_take(float_snat, nt_rule_snat_guest(fixed, floating, NULL));
        return;
    }
    nt_iptables_rule_take(float_snat, nt_rule_snat_hairpin(fixed, floating));
    nt_iptables_rule_take(float_snat,
                          nt_rule_snat_guest(fixed, floating, flat_floating_interface(entry, o)));
    nt_iptables_rule_take(nat(want, NETWORK "-POSTROUTING"),
                          nt_rule_snat_redirected(fixed, floating));
}

struct nt_iptables_want *
flat_plan_chains(const struct nt_network_view *const *networks, size_t n,
                 const struct flat_options *o)
{
    struct nt_iptables_want *want = nt_iptables_want_new(o->golden ? NULL : "neutrino-flat");

    nt_iptables_want_top_regex(want, o->top_regex);
    nt_iptables_want_bottom_regex(want, o->bottom_regex);
    nt_iptables_role_init(want, NETWORK, NT_IPTABLES_RANK_NETWORK);
    nt_iptables_role_init(want, API, NT_IPTABLES_RANK_API);
    if (!o->golden) {
        nt_iptables_role_mangle(want, NETWORK, NT_IPTABLES_RANK_NETWORK);
    }

    /* The metadata service, asked by guests after the redirection below. */
    nt_iptables_rule_take(filter(want, API "-INPUT"),
                          nt_rule_accept_tcp_to(o->metadata_host, o->metadata_port));
    nt_iptables_rule_take(nat(want, NETWORK "-PREROUTING"),
                          nt_rule_metadata_dnat(o->metadata_host, o->metadata_port));
    if (o->has_fixed_range) {
        plan_range(want, &o->fixed_range, false, o);
    }
    for (size_t i = 0; i < n; i++) {
        plan_network(want, networks[i], o);
    }
    /* After all ACCEPTs: a guest asks for its metadata with its own address. */
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < networks[i]->n_floating; j++) {
            plan_floating(want, &networks[i]->floating[j], o);
        }
    }
    return want;
}

struct nt_iptables_want *
flat_plan_chains6(const struct nt_network_view *const *networks, size_t n,
                  const struct flat_options *o)
{
    struct nt_iptables_want *want = nt_iptables_want_new(o->golden ? NULL : "neutrino-flat");

    nt_iptables_want_top_regex(want, o->top_regex);
    nt_iptables_want_bottom_regex(want, o->bottom_regex);
    nt_iptables_role_init_filter(want, NETWORK, NT_IPTABLES_RANK_NETWORK);
    for (size_t i = 0; i < n; i++) {
        if (*networks[i]->cidr_v6) {
            /* Solicitations: without them no guest finds its router. */
            nt_iptables_rule_take(filter(want, NETWORK "-INPUT"),
                                  xasprintf("-i %s -p ipv6-icmp -j ACCEPT", networks[i]->bridge));
            plan_forward(want, networks[i], o);
        }
    }
    return want;
}
