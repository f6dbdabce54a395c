#include <config.h>

#include "rpc/neutron/plugin.h"

#define RPC NT_IN_RPC
#define NEED (NT_IN_RPC | NT_REQUIRED)
#define OPT (NT_IN_RPC | NT_NULL | NT_ABSENT)

#define S struct nt_tunnel_sync_args
static const struct nt_field tunnel_sync_args[] = {
    NT_SEEN_FIELD(S, seen),
    { "tunnel_ip", NT_F_IP, NT_AT(S, tunnel_ip), NEED },
    { "tunnel_type", NT_F_STR, NT_AT(S, tunnel_type), NEED },
    { "host", NT_F_STR, NT_AT(S, host), OPT },
    { 0 },
};
#undef S

#define S struct nt_tunnel
static const struct nt_field tunnel_fields[] = {
    NT_SEEN_FIELD(S, seen),
    { "ip_address", NT_F_IP, NT_AT(S, ip_address), NEED },
    { "udp_port", NT_F_INT, NT_AT(S, udp_port), OPT, 0, 65535 },
    { "id", NT_F_INT, NT_AT(S, id), OPT, 0, UINT32_MAX },
    { "host", NT_F_STR, NT_AT(S, host), RPC | NT_NULL },
    { 0 },
};
#undef S

static const struct nt_field tunnel_sync_result[] = {
    NT_ARRAY_FIELD("tunnels", struct nt_tunnel_sync_result, tunnels, n_tunnels, tunnel_fields, RPC),
    { 0 },
};

#define S struct nt_device_args
#define WHO_ASKS(struct_)                                    \
    { "agent_id", NT_F_STR, NT_AT(struct_, agent_id), OPT }, \
    {                                                        \
        "host", NT_F_STR, NT_AT(struct_, host), OPT          \
    }
static const struct nt_field device_args[] = {
    NT_SEEN_FIELD(S, seen),
    NT_DEVICE_FIELD(S, device),
    WHO_ASKS(S),
    { 0 },
};
static const struct nt_field device_up_args[] = {
    NT_SEEN_FIELD(S, seen),
    NT_DEVICE_FIELD(S, device),
    WHO_ASKS(S),
    { "refresh_tunnels", NT_F_BOOL, NT_AT(S, refresh_tunnels), OPT },
    { "agent_restarted", NT_F_BOOL, NT_AT(S, refresh_tunnels), OPT },
    { 0 },
};
#undef S

#define S struct nt_devices_args
static const struct nt_field devices_args[] = {
    NT_SEEN_FIELD(S, seen),
    NT_ARRAY_FIELD("devices", S, devices, n_devices, nt_device_name_fields, NEED),
    WHO_ASKS(S),
    { 0 },
};
#undef S

#define S struct nt_details_list_result
static const struct nt_field details_list_result[] = {
    NT_ARRAY_FIELD("", S, devices, n_devices, nt_device_details_fields, RPC),
    { 0 },
};
static const struct nt_field details_and_failed_result[] = {
    NT_ARRAY_FIELD("devices", S, devices, n_devices, nt_device_details_fields, RPC),
    NT_ARRAY_FIELD("failed_devices", S, failed_devices, n_failed_devices, nt_device_name_fields,
                   RPC),
    { 0 },
};
#undef S

#define S struct nt_network_details_args
static const struct nt_field network_details_args[] = {
    NT_SEEN_FIELD(S, seen),
    { "network", NT_F_UUID, NT_AT(S, network), NEED },
    WHO_ASKS(S),
    { 0 },
};
#undef S

static const struct nt_field device_down_fields[] = {
    NT_DEVICE_FIELD(struct nt_device_down, device),
    { "exists", NT_F_BOOL, NT_AT(struct nt_device_down, exists), NEED },
    { 0 },
};

#define S struct nt_device_list_args
static const struct nt_field device_list_args[] = {
    NT_SEEN_FIELD(S, seen),
    NT_ARRAY_FIELD("devices_up", S, devices_up, n_devices_up, nt_device_name_fields, RPC | NT_NULL),
    NT_ARRAY_FIELD("devices_down", S, devices_down, n_devices_down, nt_device_name_fields,
                   RPC | NT_NULL),
    WHO_ASKS(S),
    { "refresh_tunnels", NT_F_BOOL, NT_AT(S, refresh_tunnels), RPC },
    { "agent_restarted", NT_F_BOOL, NT_AT(S, agent_restarted), OPT },
    { 0 },
};
#undef S

#define S struct nt_device_list_result
static const struct nt_field device_list_result[] = {
    NT_ARRAY_FIELD("devices_up", S, devices_up, n_devices_up, nt_device_name_fields, RPC),
    NT_ARRAY_FIELD("failed_devices_up", S, failed_devices_up, n_failed_devices_up,
                   nt_device_name_fields, RPC),
    NT_ARRAY_FIELD("devices_down", S, devices_down, n_devices_down, device_down_fields, RPC),
    NT_ARRAY_FIELD("failed_devices_down", S, failed_devices_down, n_failed_devices_down,
                   nt_device_name_fields, RPC),
    { 0 },
};
#undef S

static const struct nt_field vnic_type_args[] = {
    { "vnic_type", NT_F_STR, NT_AT(struct nt_vnic_type_args, vnic_type), NEED },
    { "host", NT_F_STR, NT_AT(struct nt_vnic_type_args, host), NEED },
    { 0 },
};
static const struct nt_field port_records_result[] = {
    NT_ARRAY_FIELD("", struct nt_port_records, ports, n_ports, nt_port_record_fields, RPC),
    { 0 },
};

static const struct nt_method methods[] = {
    { "tunnel_sync", "1.4", tunnel_sync_args, sizeof(struct nt_tunnel_sync_args),
      tunnel_sync_result, sizeof(struct nt_tunnel_sync_result) },
    { "get_device_details", "1.9", device_args, sizeof(struct nt_device_args),
      nt_device_details_fields, sizeof(struct nt_device_details) },
    { "get_devices_details_list", "1.9", devices_args, sizeof(struct nt_devices_args),
      details_list_result, sizeof(struct nt_details_list_result) },
    { "get_devices_details_list_and_failed_devices", "1.5", devices_args,
      sizeof(struct nt_devices_args), details_and_failed_result,
      sizeof(struct nt_details_list_result) },
    { "get_network_details", "1.6", network_details_args, sizeof(struct nt_network_details_args),
      nt_network_dict_fields, sizeof(struct nt_network_dict) },
    { "update_device_up", "1.9", device_up_args, sizeof(struct nt_device_args), NULL, 0 },
    { "update_device_down", "1.9", device_args, sizeof(struct nt_device_args), device_down_fields,
      sizeof(struct nt_device_down) },
    { "update_device_list", "1.9", device_list_args, sizeof(struct nt_device_list_args),
      device_list_result, sizeof(struct nt_device_list_result) },
    { "get_ports_by_vnic_type_and_host", "1.7", vnic_type_args, sizeof(struct nt_vnic_type_args),
      port_records_result, sizeof(struct nt_port_records) },
    { 0 },
};

const struct nt_interface nt_neutron_plugin = { "q-plugin", methods, "1.9", .strict = true };
