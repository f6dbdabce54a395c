/* Ports and networks as dictionaries: what neutron's older calls and notifications carry
 * instead of versioned objects (net/vo_port.h), and what they make of them for agents.
 *
 * All have struct nt_seen: see net/field.h for what absent and null mean. */
#pragma once

#include "net/security_group.h"
#include "net/vo.h"

struct nt_ip_of_subnet {
    char subnet_id[NT_UUID_SIZE];
    char ip_address[NT_IP_SIZE];
};

struct nt_mac_and_ip {
    char mac_address[NT_MAC_SIZE];
    char ip_address[NT_CIDR6_SIZE]; /* An address or a network. */
};
extern const struct nt_field nt_mac_and_ip_fields[];

/* What an agent calls a port: its UUID, or the name of the interface (tap..., also cut
 * off); with a PCI slot 'name' is the MAC. */
struct nt_device_name {
    struct nt_seen seen;
    char name[64];
    char pci_slot[32];
};
extern const struct nt_field nt_device_name_fields[]; /* A plain value. */
extern const struct nt_field nt_device_name_parts[];

/* A member "device". */
#define NT_DEVICE_FIELD(struct_, member)                                         \
    {                                                                            \
        .name = "device", .type = NT_F_TUPLE, NT_AT_AS(struct_, member),         \
        .use = NT_IN_RPC | NT_REQUIRED, .min = 1, .fields = nt_device_name_parts \
    }

/* Of neutron's REST view of a port all that is not in 'fixed_ips'. */
struct nt_port_dict {
    char id[NT_UUID_SIZE];
    char network_id[NT_UUID_SIZE];
    char *tenant_id, *project_id, *name, *description;
    char mac_address[NT_MAC_SIZE];
    bool admin_state_up;
    char status[16];
    char *device_id;
    char device_owner[256];
    int64_t standard_attr_id;
    struct nt_mac_and_ip *allowed_address_pairs;
    size_t n_allowed_address_pairs;
    struct nt_uuid_text *security_groups;
    size_t n_security_groups;
    char vnic_type[64], vif_type[64], host[NT_HOST_SIZE];
    struct json *profile, *vif_details;
    bool port_security_enabled, propagate_uplink_status;
    char qos_policy_id[NT_UUID_SIZE], qos_network_policy_id[NT_UUID_SIZE];
    char *dns_name, *dns_domain, *data_plane_status, *ip_allocation;
    struct json *dns_assignment, *extra_dhcp_opts, *resource_request, *trunk_details, *tags;
    int64_t created_at, updated_at, revision_number;
};

struct nt_port_record {
    struct nt_seen seen;
    struct nt_port_dict port;
    struct nt_ip_of_subnet *fixed_ips;
    size_t n_fixed_ips;
};
extern const struct nt_field nt_port_record_fields[];

/* A rule as the older calls spell it: prefixes by direction, absent is any. */
struct nt_rule_dict {
    struct nt_seen seen;
    char security_group_id[NT_UUID_SIZE];
    char direction[16], ethertype[8], protocol[16];
    bool stateful;
    int64_t port_range_min, port_range_max;
    int64_t source_port_range_min, source_port_range_max;
    char source_ip_prefix[NT_CIDR6_SIZE], dest_ip_prefix[NT_CIDR6_SIZE];
    char remote_group_id[NT_UUID_SIZE], remote_address_group_id[NT_UUID_SIZE];
};
extern const struct nt_field nt_rule_dict_fields[];

/* A port with what guards it: an answer of security_group_rules_for_devices (rules
 * spelled out) and of security_group_info_for_devices (provider rules alone). */
struct nt_guarded_port {
    struct nt_seen seen;
    char key[64]; /* Of the map it is in. */
    struct nt_port_dict port;
    struct nt_ip_text *fixed_ips;
    size_t n_fixed_ips;
    struct nt_rule_dict *security_group_rules;
    size_t n_security_group_rules;
    struct nt_uuid_text *security_group_source_groups;
    size_t n_security_group_source_groups;
    struct nt_uuid_text *security_group_remote_address_groups;
    size_t n_security_group_remote_address_groups;
    struct nt_device_name device;
};
extern const struct nt_field nt_guarded_port_fields[];

/* Without its MAC (call below 1.3) it is written as a text alone. */
struct nt_member_ip {
    struct nt_seen seen;
    char ip[NT_CIDR6_SIZE];
    char mac[NT_MAC_SIZE];
};

/* The addresses of a group, or of an address group. */
struct nt_member_ips {
    struct nt_seen seen;
    char group_id[NT_UUID_SIZE];
    struct nt_member_ip *ipv4, *ipv6;
    size_t n_ipv4, n_ipv6;
};

struct nt_group_rules {
    char group_id[NT_UUID_SIZE];
    struct nt_rule_dict *rules;
    size_t n_rules;
};

struct nt_security_info {
    struct nt_guarded_port *devices;
    size_t n_devices;
    struct nt_group_rules *security_groups;
    size_t n_security_groups;
    struct nt_member_ips *sg_member_ips;
    size_t n_sg_member_ips;
};
extern const struct nt_field nt_security_info_fields[];

/* Answer of get_device_details and its kin.  Only 'device': not here, or not bound. */
struct nt_device_details {
    struct nt_seen seen;
    struct nt_device_name device;
    char network_id[NT_UUID_SIZE], port_id[NT_UUID_SIZE];
    char mac_address[NT_MAC_SIZE];
    bool admin_state_up;
    char network_type[32], physical_network[65];
    int64_t segmentation_id, mtu;
    struct nt_ip_of_subnet *fixed_ips;
    size_t n_fixed_ips;
    char device_owner[256];
    struct nt_mac_and_ip *allowed_address_pairs;
    size_t n_allowed_address_pairs;
    bool port_security_enabled;
    char qos_policy_id[NT_UUID_SIZE], qos_network_policy_id[NT_UUID_SIZE];
    char network_qos_policy_id[NT_UUID_SIZE]; /* Older spelling of the one before. */
    struct json *profile;
    bool propagate_uplink_status;
    bool no_active_binding; /* Bound to another host. */
};
extern const struct nt_field nt_device_details_fields[];

/* Neutron's REST view of a network. */
struct nt_network_dict {
    struct nt_seen seen;
    char id[NT_UUID_SIZE];
    char *tenant_id, *project_id, *name, *description, *dns_domain;
    bool admin_state_up, shared, router_external, vlan_transparent, port_security_enabled;
    int64_t mtu, standard_attr_id, segmentation_id;
    char status[16];
    struct nt_uuid_text *subnets;
    size_t n_subnets;
    struct json *availability_zone_hints, *availability_zones, *segments, *tags;
    char ipv4_address_scope[NT_UUID_SIZE], ipv6_address_scope[NT_UUID_SIZE];
    char qos_policy_id[NT_UUID_SIZE];
    char network_type[32], physical_network[65];
    int64_t created_at, updated_at, revision_number;
};
extern const struct nt_field nt_network_dict_fields[];
