/* The IPv6 side of a network: its range and gateway.  Guests' addresses follow from the
 * range and their MACs, so there is nothing to give out. */
#pragma once

#include "base/err.h"
#include "net/network.h"
#include "server/core/env.h"
#include "store/store.h"

/* Fills cidr_v6, gateway_v6 and ipv6_backend of '*subnet'.  'cidr' is empty: with use_ipv6 the next
 * free /64 of fixed_range_v6, else no IPv6.  'gateway' is empty: the range's first address. Fails
 * with NT_INVALID, NT_CONFLICT (another network has the range) or NT_EXHAUSTED. */
NT_NODISCARD int subnet_v6_choose(struct store *, const struct core_env *, const char *cidr,
                                  const char *gateway, struct nt_subnet *subnet, struct nt_err *);

/* A guest's address in 'cidr' by the subnet's ipv6_backend; false, and an empty text, when
 * there is none. */
bool subnet_v6_address(const char *cidr, const char *ipv6_backend, const char *project_id,
                       const char *mac, char out[NT_IP_SIZE]);
