#include <config.h>

#include "net/vo_network.h"

#define RPC NT_IN_RPC
#define NEED (NT_IN_RPC | NT_REQUIRED)
#define NIL (NT_IN_RPC | NT_NULL)
#define FREE_TEXT 1, 4096

#define S struct nt_vo_port_security
static const struct nt_field network_security_fields[] = {
    NT_VO_HEAD(S),
    { "id", NT_F_UUID, NT_AT(S, id), RPC },
    { "port_security_enabled", NT_F_BOOL, NT_AT(S, port_security_enabled), RPC },
    { 0 },
};
#undef S
const struct nt_vo_type nt_vo_network_security_type = { "NetworkPortSecurity", 1, 0,
                                                        network_security_fields,
                                                        sizeof(struct nt_vo_port_security) };
static const struct nt_vo_type *const security_types[] = { &nt_vo_network_security_type, NULL };
static const struct nt_vo_type *const segment_types[] = { &nt_vo_segment_type, NULL };
NT_VO_ELEMENTS(segments, struct nt_vo_segment, segment_types);

#define S struct nt_vo_network
static const struct nt_field network_fields[] = {
    NT_VO_HEAD(S),
    { "id", NT_F_UUID, NT_AT(S, id), NEED },
    { "project_id", NT_F_TEXT, NT_AT(S, project_id), NIL, FREE_TEXT },
    { "name", NT_F_TEXT, NT_AT(S, name), NIL, FREE_TEXT },
    { "status", NT_F_STR, NT_AT(S, status), NIL },
    { "admin_state_up", NT_F_BOOL, NT_AT(S, admin_state_up), NIL },
    { "vlan_transparent", NT_F_BOOL, NT_AT(S, vlan_transparent), NIL },
    NT_ARRAY_FIELD("availability_zone_hints", S, availability_zone_hints, n_availability_zone_hints,
                   nt_text_fields, NIL),
    { "shared", NT_F_BOOL, NT_AT(S, shared), RPC },
    { "mtu", NT_F_INT, NT_AT(S, mtu), RPC, 0, 65536 },
    { "security", NT_F_VO, NT_AT(S, security), NIL, .types = security_types },
    NT_ARRAY_FIELD("segments", S, segments, n_segments, segments, NIL),
    { "dns_domain", NT_F_TEXT, NT_AT(S, dns_domain), NIL, FREE_TEXT },
    { "qos_policy_id", NT_F_UUID, NT_AT(S, qos_policy_id), NIL },
    NT_VO_STANDARD_FIELDS(S),
    { 0 },
};
#undef S
const struct nt_vo_type nt_vo_network_type = { "Network", 1, 1, network_fields,
                                               sizeof(struct nt_vo_network) };

#define S struct nt_vo_pool
static const struct nt_field pool_fields[] = {
    NT_VO_HEAD(S),
    { "id", NT_F_UUID, NT_AT(S, id), RPC },
    { "subnet_id", NT_F_UUID, NT_AT(S, subnet_id), RPC },
    { "start", NT_F_IP, NT_AT(S, start), RPC },
    { "end", NT_F_IP, NT_AT(S, end), RPC },
    { 0 },
};
#undef S
static const struct nt_vo_type pool_type = { "IPAllocationPool", 1, 0, pool_fields,
                                             sizeof(struct nt_vo_pool) };
static const struct nt_vo_type *const pool_types[] = { &pool_type, NULL };
NT_VO_ELEMENTS(pools, struct nt_vo_pool, pool_types);

#define S struct nt_vo_name_server
static const struct nt_field name_server_fields[] = {
    NT_VO_HEAD(S),
    { "address", NT_F_IP, NT_AT(S, address), RPC },
    { "subnet_id", NT_F_UUID, NT_AT(S, subnet_id), RPC },
    { "order", NT_F_INT, NT_AT(S, order), RPC },
    { 0 },
};
#undef S
static const struct nt_vo_type name_server_type = { "DNSNameServer", 1, 0, name_server_fields,
                                                    sizeof(struct nt_vo_name_server) };
static const struct nt_vo_type *const name_server_types[] = { &name_server_type, NULL };
NT_VO_ELEMENTS(name_servers, struct nt_vo_name_server, name_server_types);

#define S struct nt_vo_route
static const struct nt_field route_fields[] = {
    NT_VO_HEAD(S),
    { "subnet_id", NT_F_UUID, NT_AT(S, subnet_id), RPC },
    { "destination", NT_F_NET, NT_AT(S, destination), RPC },
    { "nexthop", NT_F_IP, NT_AT(S, nexthop), RPC },
    { 0 },
};
#undef S
static const struct nt_vo_type route_type = { "Route", 1, 0, route_fields,
                                              sizeof(struct nt_vo_route) };
static const struct nt_vo_type *const route_types[] = { &route_type, NULL };
NT_VO_ELEMENTS(routes, struct nt_vo_route, route_types);

#define S struct nt_vo_subnet
static const struct nt_field subnet_fields[] = {
    NT_VO_HEAD(S),
    { "id", NT_F_UUID, NT_AT(S, id), NEED },
    { "project_id", NT_F_TEXT, NT_AT(S, project_id), NIL, FREE_TEXT },
    { "name", NT_F_TEXT, NT_AT(S, name), NIL, FREE_TEXT },
    { "network_id", NT_F_UUID, NT_AT(S, network_id), RPC },
    { "segment_id", NT_F_UUID, NT_AT(S, segment_id), NIL },
    { "subnetpool_id", NT_F_TEXT, NT_AT(S, subnetpool_id), NIL, FREE_TEXT },
    { "ip_version", NT_F_INT, NT_AT(S, ip_version), RPC, 4, 6 },
    { "cidr", NT_F_NET, NT_AT(S, cidr), RPC },
    { "gateway_ip", NT_F_IP, NT_AT(S, gateway_ip), NIL },
    NT_ARRAY_FIELD("allocation_pools", S, allocation_pools, n_allocation_pools, pools, NIL),
    { "enable_dhcp", NT_F_BOOL, NT_AT(S, enable_dhcp), NIL },
    { "shared", NT_F_BOOL, NT_AT(S, shared), NIL },
    NT_ARRAY_FIELD("dns_nameservers", S, dns_nameservers, n_dns_nameservers, name_servers, NIL),
    { "dns_publish_fixed_ip", NT_F_BOOL, NT_AT(S, dns_publish_fixed_ip), NIL },
    NT_ARRAY_FIELD("host_routes", S, host_routes, n_host_routes, routes, NIL),
    { "ipv6_ra_mode", NT_F_STR, NT_AT(S, ipv6_ra_mode), NIL },
    { "ipv6_address_mode", NT_F_STR, NT_AT(S, ipv6_address_mode), NIL },
    NT_ARRAY_FIELD("service_types", S, service_types, n_service_types, nt_text_fields, NIL),
    NT_VO_STANDARD_FIELDS(S),
    { 0 },
};
#undef S
const struct nt_vo_type nt_vo_subnet_type = { "Subnet", 1, 1, subnet_fields,
                                              sizeof(struct nt_vo_subnet) };
