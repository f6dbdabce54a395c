/* What neutron-server tells agents (topics q-agent-notifier-...), by fan-out; only
 * add_fdb_entries also goes to one host.
 *
 * A Zed server sends the older family (port_update and so on) beside the pushes of
 * rpc/neutron/resources.h; Juno's sends only the older one. */
#pragma once

#include "net/fdb.h"
#include "net/port_dict.h"
#include "rpc/method.h"

extern const struct nt_interface nt_notify_port_update, nt_notify_port_delete,
    nt_notify_network_update, nt_notify_network_delete, nt_notify_tunnel_update,
    nt_notify_tunnel_delete, nt_notify_security_group, nt_notify_l2population, nt_notify_dvr,
    nt_notify_binding_activate, nt_notify_binding_deactivate;

/* port_update: names the port; what it says about it may be old already. */
struct nt_port_update_args {
    struct nt_seen seen;
    struct nt_port_record port;
    char network_type[32], physical_network[65];
    int64_t segmentation_id;
};

/* port_delete */
struct nt_port_id_args {
    char port_id[NT_UUID_SIZE];
};

/* network_update, network_delete */
struct nt_network_update_args {
    struct nt_network_dict network;
};
struct nt_network_id_args {
    char network_id[NT_UUID_SIZE];
};

/* tunnel_update, tunnel_delete */
struct nt_tunnel_args {
    struct nt_seen seen;
    char tunnel_ip[NT_IP_SIZE];
    char tunnel_type[32];
    int64_t tunnel_id; /* Servers before Juno number them; 0: not said. */
};

/* security_groups_rule_updated: rules came or went.  security_groups_member_updated: a
 * port joined, left or changed its address.  security_groups_provider_updated (before
 * Zed, without arguments): refresh everything. */
struct nt_group_ids_args {
    struct nt_uuid_text *security_groups;
    size_t n_security_groups;
};
struct nt_provider_updated_args {
    struct json *devices_to_update; /* Some versions name them. */
};

/* add_fdb_entries, remove_fdb_entries; update_fdb_entries. */
struct nt_fdb_args {
    struct nt_seen seen;
    struct nt_fdb_network *networks;
    size_t n_networks;
    char host[NT_HOST_SIZE]; /* Very old servers only. */
};
struct nt_fdb_changes {
    struct nt_fdb_network_change *networks; /* chg_ip */
    size_t n_networks;
};
struct nt_fdb_update_args {
    struct nt_seen seen;
    struct nt_fdb_changes changes;
    char host[NT_HOST_SIZE];
};

/* dvr_mac_address_update */
struct nt_dvr_mac {
    char host[NT_HOST_SIZE];
    char mac_address[NT_MAC_SIZE];
};
extern const struct nt_field nt_dvr_mac_fields[];
struct nt_dvr_macs_args {
    struct nt_dvr_mac *dvr_macs;
    size_t n_dvr_macs;
};

/* binding_activate; binding_deactivate names the network too. */
struct nt_binding_args {
    char port_id[NT_UUID_SIZE];
    char host[NT_HOST_SIZE];
    char network_id[NT_UUID_SIZE];
};
