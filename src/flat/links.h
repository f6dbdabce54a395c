/* The links and switches of a network host: bridge, port, gateway, forwarding. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/config.h"
#include "base/err.h"
#include "net/network.h"

/* The network's interface towards other hosts, "" for none; borrowed from both. */
const char *flat_interface(const struct nt_config *, const struct nt_network_view *);

/* What an ensure found otherwise than it should be, and put right. */
struct flat_links_found {
    bool bridge;  /* The bridge, its port or their addresses. */
    bool gateway; /* The bridge's first address was another one. */
};

/* Bridge, port and gateway of a network; 'my_ip' must not move.  Fails as
 * nt_bridge_ensure() does. */
NT_NODISCARD int flat_links_ensure(const struct nt_config *, uint32_t my_ip,
                                   const struct nt_network_view *, struct flat_links_found *,
                                   struct nt_err *);

/* Whether guests are plugged into the network's bridge on this very host. */
bool flat_has_guests(const struct nt_config *, const struct nt_network_view *);

/* The network's IPv6 range.  False when it has none. */
NT_NODISCARD bool flat_ipv6_prefix(const struct nt_network_view *, struct in6_addr *prefix,
                                   uint8_t *len);

/* The IPv6 gateway's address is on the bridge.  Fails with NT_INVALID, NT_NOT_FOUND or
 * NT_FAULT. */
NT_NODISCARD int flat_gateway_v6_ensure(const struct nt_network_view *, struct nt_err *);

struct flat_host_found {
    bool forwarding; /* Was off. */
    bool metadata;   /* The metadata address was missing. */
};

/* Forwarding, and the metadata address on lo. */
NT_NODISCARD int flat_host_ensure(bool use_ipv6, struct flat_host_found *, struct nt_err *);
