/* What a network host wants for its networks: pure, from model and options. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/iptables_want.h"
#include "net/addr.h"
#include "net/network.h"

/* Everything is borrowed. */
struct flat_options {
    bool golden; /* compat=essex: nothing the 2012 release had not. */
    bool has_fixed_range;
    struct nt_cidr fixed_range; /* Rules for it come first. */
    uint32_t routing_source_ip; /* 0: no SNAT. */
    uint32_t metadata_host;
    uint16_t metadata_port;
    const struct nt_cidr *dmz;
    size_t n_dmz;
    const struct nt_cidr *force_snat; /* Where guests of a network with a gateway of its own */
    size_t n_force_snat;              /* get the host's address all the same. */
    const char *snat_out_interface;   /* NULL: SNAT whatever the way out. */
    const char *public_interface;     /* Of floating addresses that name none; NULL: unknown. */
    bool limits_forward;              /* forward_bridge_interface is not "all" but: */
    const char *const *forward;
    size_t n_forward;
    const char *drop;                     /* iptables_drop_action; NULL: DROP. */
    const char *top_regex, *bottom_regex; /* Of iptables_...; NULL: none. */
    bool use_ipv6;
};

/* The chains of the roles nova-network and nova-api, in one. */
struct nt_iptables_want *flat_plan_chains(const struct nt_network_view *const *networks, size_t n,
                                          const struct flat_options *);

/* The same for IPv6: what the host itself must let in for its guests to find it, and what
 * it routes.  Nothing is translated. */
struct nt_iptables_want *flat_plan_chains6(const struct nt_network_view *const *networks, size_t n,
                                           const struct flat_options *);

/* The interface that carries a floating address; NULL: none is known. */
const char *flat_floating_interface(const struct nt_floating_entry *, const struct flat_options *);
