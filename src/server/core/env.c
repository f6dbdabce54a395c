#include <config.h>

#include "server/core/env.h"

void
core_env_init(struct core_env *env, const struct nt_clock *clock, struct nt_random *random)
{
    *env = (struct core_env){
        .clock = clock,
        .random = random,
        .first_instance_number = 1,
        .fixed_ip_disassociate_timeout_s = 600,
        .create_unique_mac_address_attempts = 5,
        .service_down_time_s = 75,
        .flat_network_bridge = "br100",
        .flat_interface = "",
        .flat_network_dns = "8.8.4.4",
        .fixed_range = "",
        .num_networks = 1,
        .network_size = 256,
        .ipv6_backend = "rfc2462",
        .default_availability_zone = "nova",
        .default_floating_pool = "nova",
        .fixed_range_v6 = "",
        .quotas = {
            [QUOTA_INSTANCES] = 10,
            [QUOTA_CORES] = 20,
            [QUOTA_RAM] = 51200,
            [QUOTA_FIXED_IPS] = -1,
            [QUOTA_FLOATING_IPS] = 10,
            [QUOTA_SECURITY_GROUPS] = 10,
            [QUOTA_SECURITY_GROUP_RULES] = 20,
            [QUOTA_KEY_PAIRS] = 100,
        },
    };
}
