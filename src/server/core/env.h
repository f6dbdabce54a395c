/* What the core needs besides the database: time, chance, and the configured
 * values its rules speak of.  Everything is borrowed and outlives the core. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/random.h"

/* What a project may have only so much of (quotas.h). */
enum quota {
    QUOTA_INSTANCES,
    QUOTA_CORES,
    QUOTA_RAM, /* MB. */
    QUOTA_FIXED_IPS,
    QUOTA_FLOATING_IPS,
    QUOTA_SECURITY_GROUPS,
    QUOTA_SECURITY_GROUP_RULES, /* Of one group. */
    QUOTA_KEY_PAIRS,            /* Of one user. */
    QUOTA_N
};

struct core_env {
    const struct nt_clock *clock;
    struct nt_random *random;
    int64_t first_instance_number;
    int64_t fixed_ip_disassociate_timeout_s;
    int64_t create_unique_mac_address_attempts;
    int64_t service_down_time_s;        /* A host silent for longer is away. */
    const char *flat_network_bridge;    /* Default bridge of a new network. */
    const char *flat_interface;         /* Default bridge_interface; may be empty. */
    const char *flat_network_dns;       /* Default dns1; may be empty. */
    const char *fixed_range;            /* Default range of new networks; may be empty. */
    int64_t num_networks, network_size; /* Of network_carve.h. */
    bool network_size_is_set;
    int64_t network_device_mtu; /* Default of a new network; 0: none. */
    const char *ipv6_backend;   /* How guests of new networks get their IPv6 addresses. */
    bool multi_host;            /* Default of a new network. */
    bool share_dhcp_address;    /* Its hosts have no address each. */
    const char *default_availability_zone;
    bool auto_assign_floating_ip;      /* Each new instance gets one. */
    const char *default_floating_pool; /* Of a wish that names none. */
    bool use_ipv6;
    const char *fixed_range_v6; /* Default IPv6 range of a new network. */
    int64_t quotas[QUOTA_N];    /* Of a project without limits of its own; -1: none. */
};

/* The documented defaults around 'clock' and 'random'. */
void core_env_init(struct core_env *, const struct nt_clock *, struct nt_random *);

static inline int64_t
core_now(const struct core_env *env)
{
    return nt_wall_ms(env->clock);
}
