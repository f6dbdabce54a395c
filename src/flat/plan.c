#include <config.h>

#include "flat/plan.h"

#include "base/mem.h"
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

/* Guests of 'range' on their way out.  To the metadata service, the DMZ and each
 * other they keep their own address; everything else leaves as the host. */
static void
plan_range(struct nt_iptables_want *want, const struct nt_cidr *range, const struct flat_options *o)
{
    struct nt_iptables_chain *postrouting = nat(want, NETWORK "-POSTROUTING");
    struct nt_cidr metadata = { o->metadata_host, 32 };

    if (o->routing_source_ip) {
        nt_iptables_rule_take(nat(want, NETWORK "-snat"),
                              nt_rule_snat(range, o->routing_source_ip, o->snat_out_interface));
    }
    nt_iptables_rule_take(postrouting, nt_rule_accept_between(range, &metadata));
    for (size_t i = 0; i < o->n_dmz; i++) {
        nt_iptables_rule_take(postrouting, nt_rule_accept_between(range, &o->dmz[i]));
    }
    nt_iptables_rule_take(postrouting, nt_rule_accept_inside(range));
}

/* Guests' packets that the host routes, in and out of the bridge. */
static void
plan_forward(struct nt_iptables_want *want, const char *bridge)
{
    nt_iptables_rule_take(filter(want, NETWORK "-FORWARD"),
                          nt_rule_from_interface(bridge, "ACCEPT"));
    nt_iptables_rule_take(filter(want, NETWORK "-FORWARD"), nt_rule_to_interface(bridge, "ACCEPT"));
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
    struct nt_cidr range;

    if (nt_cidr_parse(network->cidr, &range)) {
        plan_range(want, &range, o);
    }
    plan_forward(want, network->bridge);
    plan_dnsmasq(want, network->bridge);
    if (!o->golden) {
        plan_checksum(want, network->bridge);
    }
}

struct nt_iptables_want *
flat_plan_chains(const struct nt_network_view *const *networks, size_t n,
                 const struct flat_options *o)
{
    struct nt_iptables_want *want = nt_iptables_want_new(o->golden ? NULL : "neutrino-flat");

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
        plan_range(want, &o->fixed_range, o);
    }
    for (size_t i = 0; i < n; i++) {
        plan_network(want, networks[i], o);
    }
    return want;
}
