/* What dnsmasq of a network is to serve, from configuration, model and view. */
#pragma once

#include "base/attr.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/err.h"
#include "host/dnsmasq.h"
#include "net/network.h"

/* Everything is borrowed. */
struct flat_dhcp_env {
    const struct nt_config *config;
    struct nt_children *children;
    const struct nt_clock *clock;
    bool golden;
    const char *socket_path, *spool_path, *leases_path; /* Of lease events. */
};

/* Starts the supervision, or gives it the present configuration.  Fails as
 * nt_dnsmasq_new() does. */
NT_NODISCARD int flat_dhcp_ensure(const struct flat_dhcp_env *, const struct nt_network_view *,
                                  struct nt_dnsmasq **, struct nt_err *);

/* Hands over the hosts, and the opts that go with them. */
void flat_dhcp_put_hosts(const struct flat_dhcp_env *, const struct nt_network_view *,
                         struct nt_dnsmasq *);
