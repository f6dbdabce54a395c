/* What a network host wants for its networks: pure, from model and options. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/iptables_want.h"
#include "net/addr.h"
#include "net/network.h"

struct flat_options {
    bool golden; /* compat=essex: nothing the 2012 release had not. */
    bool has_fixed_range;
    struct nt_cidr fixed_range; /* Rules for it come first. */
    uint32_t routing_source_ip; /* 0: no SNAT. */
    uint32_t metadata_host;
    uint16_t metadata_port;
    const struct nt_cidr *dmz; /* Borrowed, as the rest. */
    size_t n_dmz;
    const char *snat_out_interface; /* NULL: SNAT whatever the way out. */
};

/* The chains of the roles nova-network and nova-api, in one. */
struct nt_iptables_want *flat_plan_chains(const struct nt_network_view *const *networks, size_t n,
                                          const struct flat_options *);
