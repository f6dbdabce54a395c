/* What a network host counts: what it did for floating addresses, and repairs, which
 * is what others had changed on this host and was put right again.  Repairs of chains
 * are counted by the iptables engine, deaths of dnsmasq by its supervisor. */
#pragma once

#include <stdint.h>

struct flat_stats {
    uint64_t bridge_repairs;    /* The bridge, its port, the gateway address. */
    uint64_t address_repairs;   /* The metadata address, floating addresses. */
    uint64_t sysctl_repairs;    /* Forwarding switched off. */
    uint64_t floating_put;      /* Associations put into place for the server. */
    uint64_t floating_refused;  /* Those that were not. */
    uint64_t connections_ended; /* Deleted because their floating address went. */
};
