/* Networks and subnets as an agent sees them. */
#pragma once

#include "net/vo_port.h"

extern const struct nt_vo_type nt_vo_network_type, nt_vo_subnet_type, nt_vo_network_security_type;

struct nt_vo_network {
    struct nt_vo vo;
    char id[NT_UUID_SIZE];
    char *project_id, *name;
    char status[16];
    bool admin_state_up;
    bool vlan_transparent;
    struct nt_text *availability_zone_hints;
    size_t n_availability_zone_hints;
    bool shared;
    int64_t mtu;
    struct nt_vo_port_security security; /* NetworkPortSecurity: what new ports get. */
    struct nt_vo_segment *segments;
    size_t n_segments;
    char *dns_domain;
    char qos_policy_id[NT_UUID_SIZE];
    struct nt_vo_standard standard;
};

struct nt_vo_pool {
    struct nt_vo vo;
    char id[NT_UUID_SIZE];
    char subnet_id[NT_UUID_SIZE];
    char start[NT_IP_SIZE], end[NT_IP_SIZE];
};

struct nt_vo_name_server {
    struct nt_vo vo;
    char address[NT_IP_SIZE];
    char subnet_id[NT_UUID_SIZE];
    int64_t order;
};

struct nt_vo_route {
    struct nt_vo vo;
    char subnet_id[NT_UUID_SIZE];
    char destination[NT_CIDR6_SIZE];
    char nexthop[NT_IP_SIZE];
};

struct nt_vo_subnet {
    struct nt_vo vo;
    char id[NT_UUID_SIZE];
    char *project_id, *name;
    char network_id[NT_UUID_SIZE];
    char segment_id[NT_UUID_SIZE];
    char *subnetpool_id;
    int64_t ip_version;
    char cidr[NT_CIDR6_SIZE];
    char gateway_ip[NT_IP_SIZE]; /* Null: none. */
    struct nt_vo_pool *allocation_pools;
    size_t n_allocation_pools;
    bool enable_dhcp, shared;
    struct nt_vo_name_server *dns_nameservers;
    size_t n_dns_nameservers;
    bool dns_publish_fixed_ip;
    struct nt_vo_route *host_routes;
    size_t n_host_routes;
    char ipv6_ra_mode[32], ipv6_address_mode[32]; /* slaac, dhcpv6-stateful, ... */
    struct nt_text *service_types;
    size_t n_service_types;
    struct nt_vo_standard standard;
};
