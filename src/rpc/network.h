/* What the server tells a network host (topic "network"). */
#pragma once

#include "net/network.h"
#include "rpc/method.h"

extern const struct nt_interface nt_network_host;

/* put_fixed_ip (call): answered once dnsmasq has been told, so a guest that starts
 * afterwards is served.
 * delete_fixed_ip (call): the hosts entry goes, then the lease is released with a
 * DHCPRELEASE of our own. */
struct nt_fixed_ip_args {
    char network_id[NT_UUID_SIZE];
    struct nt_host_entry entry;
};

/* put_floating_ip (call): answered once rules and address are in place.  Refused when
 * the interface is not there: then nothing has changed.
 * delete_floating_ip (call): address and rules are gone, and with them the connections
 * that used them.  Of another fixed address by now: nothing happens. */
struct nt_floating_ip_args {
    char network_id[NT_UUID_SIZE];
    struct nt_floating_entry entry;
};

/* networks_changed (fan-out): ask claim_networks again. */
struct nt_networks_changed_args {
    char reason[64];
};
