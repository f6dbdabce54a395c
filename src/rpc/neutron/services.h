/* The least of neutron's other services: trunks, DVR, and the DHCP, L3 and metadata
 * agents.  Their networks, ports and routers travel as they are, in JSON. */
#pragma once

#include "net/port_dict.h"
#include "rpc/method.h"
#include "rpc/neutron/notify.h"

extern const struct nt_interface nt_neutron_trunk;    /* Topic and namespace trunk. */
extern const struct nt_interface nt_neutron_dvr;      /* q-plugin */
extern const struct nt_interface nt_neutron_dhcp;     /* q-plugin: what DHCP agents ask. */
extern const struct nt_interface nt_neutron_metadata; /* q-plugin: what metadata agents ask. */
extern const struct nt_interface nt_neutron_l3;       /* q-l3-plugin */
extern const struct nt_interface nt_dhcp_agent;       /* What they are told. */
extern const struct nt_interface nt_l3_agent;

/* An answer that is passed through. */
struct nt_json_result {
    struct json *value;
};

/* update_subport_bindings: plain dictionaries, other than the objects that are pushed.
 * Answered with the ports by trunk. */
struct nt_sub_port_dict {
    char port_id[NT_UUID_SIZE], trunk_id[NT_UUID_SIZE];
    char segmentation_type[16];
    int64_t segmentation_id;
};
struct nt_sub_ports_args {
    struct nt_sub_port_dict *subports;
    size_t n_subports;
};
struct nt_trunk_ports {
    char trunk_id[NT_UUID_SIZE];
    struct nt_port_record *ports;
    size_t n_ports;
};
struct nt_trunk_ports_result {
    struct nt_trunk_ports *trunks;
    size_t n_trunks;
};

/* update_trunk_status */
struct nt_trunk_status_args {
    char trunk_id[NT_UUID_SIZE];
    char status[16];
};

/* get_dvr_mac_address_by_host and others that say only where. */
struct nt_host_only_args {
    char host[NT_HOST_SIZE];
};
struct nt_dvr_macs_result {
    struct nt_dvr_mac *macs;
    size_t n_macs;
};
/* get_ports_on_host_by_subnet, get_subnet_for_dvr */
struct nt_dvr_subnet_args {
    struct nt_seen seen;
    char host[NT_HOST_SIZE];
    char subnet[NT_UUID_SIZE];
    struct json *fixed_ips;
};

/* get_active_networks_info */
struct nt_active_networks_args {
    struct nt_seen seen;
    char host[NT_HOST_SIZE];
    bool enable_dhcp_filter;
};
struct nt_network_info_args {
    struct nt_seen seen;
    char network_id[NT_UUID_SIZE];
    char host[NT_HOST_SIZE];
};
/* create_dhcp_port, update_dhcp_port, get_dhcp_port; release_dhcp_port. */
struct nt_dhcp_port_args {
    struct nt_seen seen;
    char port_id[NT_UUID_SIZE], network_id[NT_UUID_SIZE];
    char *device_id;
    char host[NT_HOST_SIZE];
    struct json *port;
};
struct nt_port_ids_args {
    struct nt_uuid_text *port_ids;
    size_t n_port_ids;
};
/* get_ports, get_networks */
struct nt_filters_args {
    struct nt_seen seen;
    struct json *filters, *fields;
    char host[NT_HOST_SIZE];
};

/* All of nt_dhcp_agent, some of nt_l3_agent: {resource: {...} or RESOURCE_id, ...}. */
struct nt_payload_args {
    struct json *payload;
};

/* sync_routers, routers_updated */
struct nt_routers_args {
    struct nt_seen seen;
    char host[NT_HOST_SIZE];
    struct json *router_ids, *routers, *data; /* Lists of ids, or null. */
    char operation[64];
};
struct nt_router_id_args {
    char router_id[NT_UUID_SIZE];
};
struct nt_fip_statuses_args {
    char router_id[NT_UUID_SIZE];
    struct json *fip_statuses; /* Floating IP's id -> status. */
};
