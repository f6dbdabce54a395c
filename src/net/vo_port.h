/* A port as an agent sees it: with its addresses, where it is bound, and the segment that
 * carries it there. */
#pragma once

#include "net/security_group.h"
#include "net/vo.h"

extern const struct nt_vo_type nt_vo_port_type, nt_vo_segment_type, nt_vo_binding_type,
    nt_vo_binding_level_type, nt_vo_allocation_type, nt_vo_address_pair_type,
    nt_vo_port_security_type;

/* NetworkSegment: what carries a network. */
struct nt_vo_segment {
    struct nt_vo vo;
    char id[NT_UUID_SIZE];
    char network_id[NT_UUID_SIZE];
    char *name;
    char network_type[32];     /* flat, vlan, vxlan, gre, geneve, local. */
    char physical_network[65]; /* Null for tunnels. */
    int64_t segmentation_id;   /* Null for flat. */
    bool is_dynamic;
    int64_t segment_index;
    struct nt_text *hosts;
    size_t n_hosts;
    struct nt_vo_standard standard;
};

/* IPAllocation: a fixed IP. */
struct nt_vo_allocation {
    struct nt_vo vo;
    char port_id[NT_UUID_SIZE];
    char subnet_id[NT_UUID_SIZE];
    char network_id[NT_UUID_SIZE];
    char ip_address[NT_IP_SIZE];
};

struct nt_vo_address_pair {
    struct nt_vo vo;
    char port_id[NT_UUID_SIZE];
    char mac_address[NT_MAC_SIZE];
    char ip_address[NT_CIDR6_SIZE]; /* An address or a network. */
};

/* PortBinding; with a router DistributedPortBinding. */
struct nt_vo_binding {
    struct nt_vo vo;
    char port_id[NT_UUID_SIZE];
    char host[NT_HOST_SIZE];
    struct json *profile; /* An object. */
    char vif_type[64];    /* ovs, unbound, binding_failed. */
    struct json *vif_details;
    char vnic_type[64]; /* normal. */
    char status[16];    /* ACTIVE, INACTIVE. */
    char router_id[NT_UUID_SIZE];
};

struct nt_vo_binding_level {
    struct nt_vo vo;
    char port_id[NT_UUID_SIZE];
    char host[NT_HOST_SIZE];
    int64_t level;
    char driver[65];
    struct nt_vo_segment segment;
    char segment_id[NT_UUID_SIZE];
};

/* PortSecurity and NetworkPortSecurity. */
struct nt_vo_port_security {
    struct nt_vo vo;
    char id[NT_UUID_SIZE];
    bool port_security_enabled;
};

struct nt_vo_dhcp_opt {
    struct nt_vo vo;
    char id[NT_UUID_SIZE];
    char port_id[NT_UUID_SIZE];
    char *opt_name, *opt_value;
    int64_t ip_version;
};

struct nt_vo_port_dns {
    struct nt_vo vo;
    char port_id[NT_UUID_SIZE];
    char *current_dns_name, *current_dns_domain;
    char *previous_dns_name, *previous_dns_domain;
    char *dns_name, *dns_domain;
};

struct nt_vo_data_plane_status {
    struct nt_vo vo;
    char port_id[NT_UUID_SIZE];
    char data_plane_status[16];
};

struct nt_vo_port {
    struct nt_vo vo;
    char id[NT_UUID_SIZE];
    char *project_id, *name;
    char network_id[NT_UUID_SIZE];
    char mac_address[NT_MAC_SIZE];
    bool admin_state_up;
    char *device_id;
    char device_owner[256];
    char status[16]; /* DOWN, BUILD, ACTIVE. */
    struct nt_vo_address_pair *allowed_address_pairs;
    size_t n_allowed_address_pairs;
    struct nt_vo_binding *bindings;
    size_t n_bindings;
    struct nt_vo_binding_level *binding_levels;
    size_t n_binding_levels;
    struct nt_vo_data_plane_status data_plane_status;
    struct nt_vo_dhcp_opt *dhcp_options;
    size_t n_dhcp_options;
    struct nt_vo_binding *distributed_bindings;
    size_t n_distributed_bindings;
    struct nt_vo_port_dns dns;
    struct nt_vo_allocation *fixed_ips;
    size_t n_fixed_ips;
    struct nt_vo_port_security security;
    struct nt_uuid_text *security_group_ids;
    size_t n_security_group_ids;
    char qos_policy_id[NT_UUID_SIZE], qos_network_policy_id[NT_UUID_SIZE];
    char *numa_affinity_policy, *device_profile;
    struct nt_vo_standard standard;
};

/* The binding on 'host', the active one if there are two; NULL without. */
const struct nt_vo_binding *nt_vo_port_binding(const struct nt_vo_port *, const char *host);

/* The binding by which 'host' wires the port once it is plugged there: the active one, whichever
 * host that is of; with a guest's port only that of 'host', or while the guest migrates.  NULL:
 * it is not to be wired. */
const struct nt_vo_binding *nt_vo_port_binding_for(const struct nt_vo_port *, const char *host);

/* Another host has the active binding instead of 'host', which has one, too. */
bool nt_vo_port_has_left(const struct nt_vo_port *, const char *host);

/* The segment that carries the port on 'host': that of its deepest level there, without one
 * that of the deepest level; NULL when it is not bound. */
const struct nt_vo_segment *nt_vo_port_segment(const struct nt_vo_port *, const char *host);

/* A port without the extension's object is guarded. */
bool nt_vo_port_is_guarded(const struct nt_vo_port *);
