/* What an agent reports about itself. */
#pragma once

#include "net/network.h"
#include "net/vo.h"

/* A name and a text: bridge mappings, versions of objects. */
struct nt_pair {
    char key[NT_NAME_SIZE];
    char *value;
};
extern const struct nt_field nt_pair_fields[]; /* Element of a map. */

struct nt_agent_state {
    struct nt_seen seen;
    char binary[64]; /* "neutron-openvswitch-agent". */
    char host[NT_HOST_SIZE];
    char topic[64];      /* "N/A". */
    char agent_type[64]; /* "Open vSwitch agent". */
    bool start_flag;     /* Absent unless true. */
    char uuid[NT_UUID_SIZE];
    char *availability_zone;           /* DHCP and L3 agents. */
    struct nt_pair *resource_versions; /* "Port" -> "1.7"; absent when empty. */
    size_t n_resource_versions;
    struct json *configurations; /* An object; each type of agent has its own. */
};
extern const struct nt_field nt_agent_state_fields[];

/* 'configurations' of an Open vSwitch agent. */
struct nt_ovs_configurations {
    struct nt_seen seen;
    struct nt_pair *bridge_mappings;
    size_t n_bridge_mappings;
    char integration_bridge[NT_IFNAME_SIZE];
    struct nt_text *tunnel_types;
    size_t n_tunnel_types;
    char tunneling_ip[NT_IP_SIZE];
    bool l2_population, arp_responder_enabled, enable_distributed_routing;
    bool log_agent_heartbeats, ovs_hybrid_plug, baremetal_smartnic, in_distributed_mode;
    struct nt_text *extensions;
    size_t n_extensions;
    char datapath_type[16];
    struct nt_text *datapath_types, *iface_types; /* ovs_capabilities. */
    size_t n_datapath_types, n_iface_types;
    char *vhostuser_socket_dir;
    int64_t devices;

    /* For nova's placement of bandwidth and packets; objects. */
    struct json *bandwidths, *inventory_defaults;
    struct json *packet_processing_without_direction, *packet_processing_with_direction;
    struct json *packet_processing_inventory_defaults, *hypervisors;
};
extern const struct nt_field nt_ovs_configurations_fields[];
