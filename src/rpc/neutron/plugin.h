/* What agents ask of neutron-server about their devices (topic q-plugin). */
#pragma once

#include "net/agent_state.h"
#include "net/port_dict.h"
#include "rpc/method.h"

extern const struct nt_interface nt_neutron_plugin;

/* tunnel_sync: who else has tunnels of that type; the caller is among them. */
struct nt_tunnel_sync_args {
    struct nt_seen seen;
    char tunnel_ip[NT_IP_SIZE];
    char tunnel_type[32];
    char host[NT_HOST_SIZE]; /* Juno's agents do not say. */
};
struct nt_tunnel {
    struct nt_seen seen;
    char ip_address[NT_IP_SIZE];
    char host[NT_HOST_SIZE];
    int64_t udp_port; /* vxlan only. */
    int64_t id;       /* Servers before Juno number them; 0: not said. */
};
struct nt_tunnel_sync_result {
    struct nt_tunnel *tunnels;
    size_t n_tunnels;
};

/* get_device_details, update_device_up, update_device_down. */
struct nt_device_args {
    struct nt_seen seen;
    struct nt_device_name device;
    char agent_id[NT_NAME_SIZE]; /* "ovs-agent-HOST". */
    char host[NT_HOST_SIZE];
    bool refresh_tunnels; /* update_device_up; "agent_restarted" before 1.8. */
};

/* get_devices_details_list and ..._and_failed_devices. */
struct nt_devices_args {
    struct nt_seen seen;
    struct nt_device_name *devices;
    size_t n_devices;
    char agent_id[NT_NAME_SIZE];
    char host[NT_HOST_SIZE];
};
struct nt_details_list_result {
    struct nt_device_details *devices;
    size_t n_devices;
    struct nt_device_name *failed_devices;
    size_t n_failed_devices;
};

struct nt_network_details_args {
    struct nt_seen seen;
    char network[NT_UUID_SIZE];
    char agent_id[NT_NAME_SIZE];
    char host[NT_HOST_SIZE];
};

/* 'exists' is true of an unknown device, too. */
struct nt_device_down {
    struct nt_device_name device;
    bool exists;
};

/* update_device_list: at most 20 devices at a time are usual. */
struct nt_device_list_args {
    struct nt_seen seen;
    struct nt_device_name *devices_up, *devices_down;
    size_t n_devices_up, n_devices_down;
    char agent_id[NT_NAME_SIZE];
    char host[NT_HOST_SIZE];
    bool refresh_tunnels;
    bool agent_restarted; /* Its name before 1.8; only read. */
};
struct nt_device_list_result {
    struct nt_device_name *devices_up, *failed_devices_up, *failed_devices_down;
    size_t n_devices_up, n_failed_devices_up, n_failed_devices_down;
    struct nt_device_down *devices_down;
    size_t n_devices_down;
};

/* get_ports_by_vnic_type_and_host. */
struct nt_vnic_type_args {
    char vnic_type[64];
    char host[NT_HOST_SIZE];
};
struct nt_port_records {
    struct nt_port_record *ports;
    size_t n_ports;
};
