#include <config.h>

#include "net/port_dict.h"

#define RPC NT_IN_RPC
#define NEED (NT_IN_RPC | NT_REQUIRED)
/* Python's dictionaries have null wherever there is nothing. */
#define NIL (NT_IN_RPC | NT_NULL)
#define OPT (NT_IN_RPC | NT_NULL | NT_ABSENT)
#define FREE_TEXT 1, 4096

static const struct nt_field ip_of_subnet_fields[] = {
    { "subnet_id", NT_F_UUID, NT_AT(struct nt_ip_of_subnet, subnet_id), RPC },
    { "ip_address", NT_F_IP, NT_AT(struct nt_ip_of_subnet, ip_address), NEED },
    { 0 },
};

const struct nt_field nt_mac_and_ip_fields[] = {
    { "mac_address", NT_F_MAC, NT_AT(struct nt_mac_and_ip, mac_address), RPC },
    { "ip_address", NT_F_NET, NT_AT(struct nt_mac_and_ip, ip_address), NEED },
    { 0 },
};

const struct nt_field nt_device_name_parts[] = {
    NT_SEEN_FIELD(struct nt_device_name, seen),
    { "device", NT_F_STR, NT_AT(struct nt_device_name, name), NEED },
    { "pci_slot", NT_F_STR, NT_AT(struct nt_device_name, pci_slot), OPT },
    { 0 },
};
const struct nt_field nt_device_name_fields[] = {
    { "", NT_F_TUPLE, 0, sizeof(struct nt_device_name), NEED, 1, .fields = nt_device_name_parts },
    { 0 },
};
/* The REST view of a port; a table's first lines say the rest. */
#define PORT_DICT_FIELDS(S)                                                                    \
    { "id", NT_F_UUID, NT_AT(S, port.id), NEED },                                              \
        { "network_id", NT_F_UUID, NT_AT(S, port.network_id), OPT },                           \
        { "tenant_id", NT_F_TEXT, NT_AT(S, port.tenant_id), OPT, FREE_TEXT },                  \
        { "project_id", NT_F_TEXT, NT_AT(S, port.project_id), OPT, FREE_TEXT },                \
        { "name", NT_F_TEXT, NT_AT(S, port.name), OPT, FREE_TEXT },                            \
        { "description", NT_F_TEXT, NT_AT(S, port.description), OPT, FREE_TEXT },              \
        { "mac_address", NT_F_MAC, NT_AT(S, port.mac_address), OPT },                          \
        { "admin_state_up", NT_F_BOOL, NT_AT(S, port.admin_state_up), NIL },                   \
        { "status", NT_F_STR, NT_AT(S, port.status), OPT },                                    \
        { "device_id", NT_F_TEXT, NT_AT(S, port.device_id), OPT, FREE_TEXT },                  \
        { "device_owner", NT_F_STR, NT_AT(S, port.device_owner), NIL },                        \
        { "standard_attr_id", NT_F_INT, NT_AT(S, port.standard_attr_id), OPT },                \
        NT_ARRAY_FIELD("allowed_address_pairs", S, port.allowed_address_pairs,                 \
                       port.n_allowed_address_pairs, nt_mac_and_ip_fields, NIL),               \
        NT_ARRAY_FIELD("security_groups", S, port.security_groups, port.n_security_groups,     \
                       nt_uuid_text_fields, NIL),                                              \
        { "binding:vnic_type", NT_F_STR, NT_AT(S, port.vnic_type), OPT },                      \
        { "binding:vif_type", NT_F_STR, NT_AT(S, port.vif_type), OPT },                        \
        { "binding:host_id", NT_F_STR, NT_AT(S, port.host), NIL },                             \
        { "binding:profile", NT_F_JSON, NT_AT(S, port.profile), OPT },                         \
        { "binding:vif_details", NT_F_JSON, NT_AT(S, port.vif_details), OPT },                 \
        { "port_security_enabled", NT_F_BOOL, NT_AT(S, port.port_security_enabled), NIL },     \
        { "propagate_uplink_status", NT_F_BOOL, NT_AT(S, port.propagate_uplink_status), OPT }, \
        { "qos_policy_id", NT_F_UUID, NT_AT(S, port.qos_policy_id), NIL },                     \
        { "qos_network_policy_id", NT_F_UUID, NT_AT(S, port.qos_network_policy_id), NIL },     \
        { "dns_name", NT_F_TEXT, NT_AT(S, port.dns_name), OPT, FREE_TEXT },                    \
        { "dns_domain", NT_F_TEXT, NT_AT(S, port.dns_domain), OPT, FREE_TEXT },                \
        { "dns_assignment", NT_F_JSON, NT_AT(S, port.dns_assignment), OPT },                   \
        { "data_plane_status", NT_F_TEXT, NT_AT(S, port.data_plane_status), OPT, FREE_TEXT },  \
        { "ip_allocation", NT_F_TEXT, NT_AT(S, port.ip_allocation), OPT, FREE_TEXT },          \
        { "extra_dhcp_opts", NT_F_JSON, NT_AT(S, port.extra_dhcp_opts), OPT },                 \
        { "resource_request", NT_F_JSON, NT_AT(S, port.resource_request), OPT },               \
        { "trunk_details", NT_F_JSON, NT_AT(S, port.trunk_details), OPT },                     \
        { "tags", NT_F_JSON, NT_AT(S, port.tags), OPT },                                       \
        { "created_at", NT_F_STAMP, NT_AT(S, port.created_at), OPT },                          \
        { "updated_at", NT_F_STAMP, NT_AT(S, port.updated_at), OPT },                          \
    {                                                                                          \
        "revision_number", NT_F_INT, NT_AT(S, port.revision_number), OPT                       \
    }

const struct nt_field nt_port_record_fields[] = {
    NT_SEEN_FIELD(struct nt_port_record, seen),
    PORT_DICT_FIELDS(struct nt_port_record),
    NT_ARRAY_FIELD("fixed_ips", struct nt_port_record, fixed_ips, n_fixed_ips, ip_of_subnet_fields,
                   NIL),
    { 0 },
};

#define S struct nt_rule_dict
const struct nt_field nt_rule_dict_fields[] = {
    NT_SEEN_FIELD(S, seen),
    { "security_group_id", NT_F_UUID, NT_AT(S, security_group_id), OPT },
    { "direction", NT_F_STR, NT_AT(S, direction), NEED },
    { "ethertype", NT_F_STR, NT_AT(S, ethertype), OPT },
    { "stateful", NT_F_BOOL, NT_AT(S, stateful), RPC },
    { "protocol", NT_F_STR, NT_AT(S, protocol), OPT },
    { "port_range_min", NT_F_INT, NT_AT(S, port_range_min), OPT, 0, 65535 },
    { "port_range_max", NT_F_INT, NT_AT(S, port_range_max), OPT, 0, 65535 },
    { "source_port_range_min", NT_F_INT, NT_AT(S, source_port_range_min), OPT, 0, 65535 },
    { "source_port_range_max", NT_F_INT, NT_AT(S, source_port_range_max), OPT, 0, 65535 },
    { "source_ip_prefix", NT_F_NET, NT_AT(S, source_ip_prefix), OPT },
    { "dest_ip_prefix", NT_F_NET, NT_AT(S, dest_ip_prefix), OPT },
    { "remote_group_id", NT_F_UUID, NT_AT(S, remote_group_id), OPT },
    { "remote_address_group_id", NT_F_UUID, NT_AT(S, remote_address_group_id), OPT },
    { 0 },
};
#undef S

#define S struct nt_guarded_port
const struct nt_field nt_guarded_port_fields[] = {
    NT_SEEN_FIELD(S, seen),
    { "device id", NT_F_STR, NT_AT(S, key), 0 },
    PORT_DICT_FIELDS(S),
    NT_ARRAY_FIELD("fixed_ips", S, fixed_ips, n_fixed_ips, nt_ip_text_fields, NIL),
    NT_ARRAY_FIELD("security_group_rules", S, security_group_rules, n_security_group_rules,
                   nt_rule_dict_fields, RPC),
    NT_ARRAY_FIELD("security_group_source_groups", S, security_group_source_groups,
                   n_security_group_source_groups, nt_uuid_text_fields, RPC),
    NT_ARRAY_FIELD("security_group_remote_address_groups", S, security_group_remote_address_groups,
                   n_security_group_remote_address_groups, nt_uuid_text_fields, RPC),
    NT_DEVICE_FIELD(S, device),
    { 0 },
};
#undef S

#define S struct nt_member_ip
static const struct nt_field member_ip_parts[] = {
    NT_SEEN_FIELD(S, seen),
    { "ip", NT_F_NET, NT_AT(S, ip), NEED },
    { "mac", NT_F_MAC, NT_AT(S, mac), NIL },
    { 0 },
};
static const struct nt_field member_ip_fields[] = {
    { "", NT_F_TUPLE, 0, sizeof(S), NEED, 1, .fields = member_ip_parts },
    { 0 },
};
#undef S

#define S struct nt_member_ips
static const struct nt_field member_ips_fields[] = {
    NT_SEEN_FIELD(S, seen),
    { "group id", NT_F_UUID, NT_AT(S, group_id), 0 },
    NT_ARRAY_FIELD("IPv4", S, ipv4, n_ipv4, member_ip_fields, RPC | NT_ABSENT),
    NT_ARRAY_FIELD("IPv6", S, ipv6, n_ipv6, member_ip_fields, RPC | NT_ABSENT),
    { 0 },
};
#undef S

#define S struct nt_group_rules
static const struct nt_field group_rules_fields[] = {
    { "group id", NT_F_UUID, NT_AT(S, group_id), 0 },
    NT_ARRAY_FIELD("", S, rules, n_rules, nt_rule_dict_fields, RPC),
    { 0 },
};
#undef S

#define S struct nt_security_info
const struct nt_field nt_security_info_fields[] = {
    NT_MAP_FIELD("devices", S, devices, n_devices, nt_guarded_port_fields, RPC),
    NT_MAP_FIELD("security_groups", S, security_groups, n_security_groups, group_rules_fields, RPC),
    NT_MAP_FIELD("sg_member_ips", S, sg_member_ips, n_sg_member_ips, member_ips_fields, RPC),
    { 0 },
};
#undef S

#define S struct nt_device_details
const struct nt_field nt_device_details_fields[] = {
    NT_SEEN_FIELD(S, seen),
    NT_DEVICE_FIELD(S, device),
    { "network_id", NT_F_UUID, NT_AT(S, network_id), OPT },
    { "port_id", NT_F_UUID, NT_AT(S, port_id), OPT },
    { "mac_address", NT_F_MAC, NT_AT(S, mac_address), OPT },
    { "admin_state_up", NT_F_BOOL, NT_AT(S, admin_state_up), NIL },
    { "network_type", NT_F_STR, NT_AT(S, network_type), OPT },
    { "segmentation_id", NT_F_INT, NT_AT(S, segmentation_id), NIL, 0, UINT32_MAX },
    { "physical_network", NT_F_STR, NT_AT(S, physical_network), NIL },
    { "mtu", NT_F_INT, NT_AT(S, mtu), OPT, 0, 65536 },
    NT_ARRAY_FIELD("fixed_ips", S, fixed_ips, n_fixed_ips, ip_of_subnet_fields, NIL),
    { "device_owner", NT_F_STR, NT_AT(S, device_owner), NIL },
    NT_ARRAY_FIELD("allowed_address_pairs", S, allowed_address_pairs, n_allowed_address_pairs,
                   nt_mac_and_ip_fields, NIL),
    { "port_security_enabled", NT_F_BOOL, NT_AT(S, port_security_enabled), NIL },
    { "qos_policy_id", NT_F_UUID, NT_AT(S, qos_policy_id), NIL },
    { "qos_network_policy_id", NT_F_UUID, NT_AT(S, qos_network_policy_id), NIL },
    { "network_qos_policy_id", NT_F_UUID, NT_AT(S, network_qos_policy_id), OPT },
    { "profile", NT_F_JSON, NT_AT(S, profile), NIL },
    { "propagate_uplink_status", NT_F_BOOL, NT_AT(S, propagate_uplink_status), NIL },
    { "no_active_binding", NT_F_BOOL, NT_AT(S, no_active_binding), RPC | NT_ABSENT },
    { 0 },
};
#undef S

#define S struct nt_network_dict
const struct nt_field nt_network_dict_fields[] = {
    NT_SEEN_FIELD(S, seen),
    { "id", NT_F_UUID, NT_AT(S, id), NEED },
    { "tenant_id", NT_F_TEXT, NT_AT(S, tenant_id), OPT, FREE_TEXT },
    { "project_id", NT_F_TEXT, NT_AT(S, project_id), OPT, FREE_TEXT },
    { "name", NT_F_TEXT, NT_AT(S, name), OPT, FREE_TEXT },
    { "description", NT_F_TEXT, NT_AT(S, description), OPT, FREE_TEXT },
    { "dns_domain", NT_F_TEXT, NT_AT(S, dns_domain), OPT, FREE_TEXT },
    { "admin_state_up", NT_F_BOOL, NT_AT(S, admin_state_up), NIL },
    { "shared", NT_F_BOOL, NT_AT(S, shared), NIL },
    { "router:external", NT_F_BOOL, NT_AT(S, router_external), NIL },
    { "vlan_transparent", NT_F_BOOL, NT_AT(S, vlan_transparent), OPT },
    { "port_security_enabled", NT_F_BOOL, NT_AT(S, port_security_enabled), NIL },
    { "mtu", NT_F_INT, NT_AT(S, mtu), OPT, 0, 65536 },
    { "standard_attr_id", NT_F_INT, NT_AT(S, standard_attr_id), OPT },
    { "status", NT_F_STR, NT_AT(S, status), NIL },
    NT_ARRAY_FIELD("subnets", S, subnets, n_subnets, nt_uuid_text_fields, NIL),
    { "availability_zone_hints", NT_F_JSON, NT_AT(S, availability_zone_hints), OPT },
    { "availability_zones", NT_F_JSON, NT_AT(S, availability_zones), OPT },
    { "segments", NT_F_JSON, NT_AT(S, segments), OPT },
    { "tags", NT_F_JSON, NT_AT(S, tags), OPT },
    { "ipv4_address_scope", NT_F_UUID, NT_AT(S, ipv4_address_scope), NIL },
    { "ipv6_address_scope", NT_F_UUID, NT_AT(S, ipv6_address_scope), NIL },
    { "qos_policy_id", NT_F_UUID, NT_AT(S, qos_policy_id), NIL },
    { "provider:network_type", NT_F_STR, NT_AT(S, network_type), OPT },
    { "provider:physical_network", NT_F_STR, NT_AT(S, physical_network), NIL },
    { "provider:segmentation_id", NT_F_INT, NT_AT(S, segmentation_id), NIL, 0, UINT32_MAX },
    { "created_at", NT_F_STAMP, NT_AT(S, created_at), OPT },
    { "updated_at", NT_F_STAMP, NT_AT(S, updated_at), OPT },
    { "revision_number", NT_F_INT, NT_AT(S, revision_number), OPT },
    { 0 },
};
#undef S
