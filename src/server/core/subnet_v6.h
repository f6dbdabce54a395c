/* The IPv6 side of a network: its range and gateway.  Guests make their addresses of the
 * range and their MACs, so there is nothing to give out. */
#pragma once

#include "base/err.h"
#include "net/network.h"
#include "server/core/env.h"
#include "store/store.h"

/* Fills cidr_v6 and gateway_v6 of '*subnet'.  'cidr' is empty: with use_ipv6 the next free
 * /64 of fixed_range_v6, else no IPv6.  'gateway' is empty: the range's first address.
 * Fails with NT_INVALID, NT_CONFLICT (another network has the range) or NT_EXHAUSTED. */
NT_NODISCARD int subnet_v6_choose(struct store *, const struct core_env *, const char *cidr,
                                  const char *gateway, struct nt_subnet *subnet, struct nt_err *);
