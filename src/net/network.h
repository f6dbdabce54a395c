/* Networks, their subnets, and fixed IPs, in Neutron's nouns.  nova-network's
 * "network" is a view of one network and its IPv4 subnet. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/random.h"
#include "net/addr.h"
#include "net/addr6.h"
#include "net/field.h"

#define NT_NAME_SIZE 256  /* Names and labels: 255 bytes. */
#define NT_IFNAME_SIZE 16 /* Linux interface names: 15 bytes. */
#define NT_HOST_SIZE 256  /* Host names. */

struct nt_network {
    char id[NT_UUID_SIZE];
    int64_t number;                /* nova-network's integer id; NETWORK_ID of dnsmasq. */
    char name[NT_NAME_SIZE];       /* The label: key of "addresses" in Nova's answers. */
    char project_id[NT_NAME_SIZE]; /* Empty: shared by all. */
    char network_type[16];         /* "flat". */
    char physical_network[64];
    int64_t segmentation_id; /* 0 for flat. */
    char bridge[NT_IFNAME_SIZE];
    char bridge_interface[NT_IFNAME_SIZE];
    bool admin_state_up;
    bool multi_host;
    char host[NT_HOST_SIZE]; /* Network host; empty until claimed. */
    int64_t mtu;             /* 0: leave the devices alone. */
    int64_t created_at, updated_at;
    int64_t revision; /* Grows with every change. */
};

struct nt_subnet {
    char id[NT_UUID_SIZE];
    char network_id[NT_UUID_SIZE];
    char cidr[NT_CIDR_SIZE];
    char gateway_ip[NT_IP4_SIZE];  /* Empty: none. */
    char dhcp_server[NT_IP4_SIZE]; /* In FlatDHCP the gateway itself. */
    char dhcp_start[NT_IP4_SIZE];
    char dns1[NT_IP4_SIZE], dns2[NT_IP4_SIZE];
    char cidr_v6[NT_CIDR6_SIZE]; /* Empty: none.  Guests' addresses are made of their MACs. */
    char gateway_v6[NT_IP_SIZE];
    char ipv6_backend[24]; /* "rfc2462" or empty: addresses made of MACs; or
                            * "account_identifier". */
    bool enable_dhcp;
    int64_t created_at, updated_at;
    int64_t revision;
};

/* A fixed IP.  Three independent ideas: associated (instance_id set), allocated
 * (in use by a live port), leased (dnsmasq said so). */
struct nt_fixed_ip {
    int64_t ip; /* Host byte order; orders and identifies. */
    char address[NT_IP4_SIZE];
    char subnet_id[NT_UUID_SIZE];
    char network_id[NT_UUID_SIZE];
    char port_id[NT_UUID_SIZE];     /* Empty: none. */
    char instance_id[NT_UUID_SIZE]; /* Empty: free or reserved. */
    char host[NT_HOST_SIZE];        /* multi_host: owner of a gateway address. */
    bool reserved, allocated, leased;
    int64_t lease_expires; /* Wall clock, ms; 0: no lease. */
    char lease_hostname[NT_NAME_SIZE];
    char client_id[128];
    int64_t generation; /* Grows each time the address changes hands. */
    int64_t updated_at;
};

struct nt_port {
    char id[NT_UUID_SIZE];
    char network_id[NT_UUID_SIZE];
    char mac_address[NT_MAC_SIZE];
    char device_id[NT_UUID_SIZE]; /* The instance. */
    char device_owner[64];        /* "compute:nova". */
    char host[NT_HOST_SIZE];      /* binding:host_id. */
    char status[16];              /* BUILD, ACTIVE, DOWN. */
    int64_t position;             /* Among the links of its instance, from 0. */
    bool admin_state_up;
    bool port_security_enabled;
    int64_t created_at, updated_at;
    int64_t revision;
};

extern const struct nt_field nt_network_fields[];
extern const struct nt_field nt_subnet_fields[];
extern const struct nt_field nt_fixed_ip_fields[];
extern const struct nt_field nt_port_fields[];

/* What a network host needs of one fixed IP. */
struct nt_host_entry {
    char address[NT_IP4_SIZE];
    char mac[NT_MAC_SIZE];
    char hostname[NT_NAME_SIZE]; /* Without domain, as the guest gets it. */
    char instance_id[NT_UUID_SIZE];
    char project_id[NT_NAME_SIZE]; /* The instance's. */
    char vif[NT_UUID_SIZE];        /* The port. */
    bool is_default;               /* The first link of its instance. */
    bool allocated;                /* False: only the lease is left. */
    bool leased;
    int64_t lease_expires;
    char lease_hostname[NT_NAME_SIZE];
    char client_id[128];
};

/* What it needs of one floating IP that is tied to a fixed IP of the network. */
struct nt_floating_entry {
    char address[NT_IP4_SIZE];
    char fixed_address[NT_IP4_SIZE];
    char interface[NT_IFNAME_SIZE]; /* Carries the address; empty: the host's public one. */
};

/* A network as its network host sees it: all it needs to run without the server. */
struct nt_network_view {
    char id[NT_UUID_SIZE];
    int64_t number;
    char name[NT_NAME_SIZE];
    char bridge[NT_IFNAME_SIZE];
    char bridge_interface[NT_IFNAME_SIZE];
    char cidr[NT_CIDR_SIZE];
    char gateway_ip[NT_IP4_SIZE];
    char dhcp_server[NT_IP4_SIZE];
    char dhcp_start[NT_IP4_SIZE];
    char dns1[NT_IP4_SIZE], dns2[NT_IP4_SIZE];
    char cidr_v6[NT_CIDR6_SIZE], gateway_v6[NT_IP_SIZE]; /* Empty: no IPv6. */
    char ipv6_backend[24];
    int64_t mtu;
    bool multi_host;
    bool shares_gateway; /* Under multi_host: other hosts carry the same gateway address. */
    char host[NT_HOST_SIZE];
    int64_t revision;
    struct nt_host_entry *entries; /* Owned; ascending addresses. */
    size_t n_entries;
    struct nt_floating_entry *floating; /* Owned; ascending addresses. */
    size_t n_floating;
};

extern const struct nt_field nt_host_entry_fields[];
extern const struct nt_field nt_floating_entry_fields[];
extern const struct nt_field nt_network_view_fields[];

void nt_network_view_clear(struct nt_network_view *);
