#include <config.h>

#include "rpc/conductor.h"

#define RPC NT_IN_RPC
#define NEED (NT_IN_RPC | NT_REQUIRED)

static const struct nt_field report_state_args[] = {
    { "host", NT_F_STR, NT_AT(struct nt_report_state_args, host), NEED },
    { "binary", NT_F_STR, NT_AT(struct nt_report_state_args, binary), NEED },
    { "topic", NT_F_STR, NT_AT(struct nt_report_state_args, topic), NEED },
    { "start_flag", NT_F_BOOL, NT_AT(struct nt_report_state_args, start_flag), RPC },
    { "instances", NT_F_INT, NT_AT(struct nt_report_state_args, instances), RPC },
    { "ram_mb", NT_F_INT, NT_AT(struct nt_report_state_args, ram_mb), RPC },
    { "vcpus", NT_F_INT, NT_AT(struct nt_report_state_args, vcpus), RPC },
    { 0 },
};

static const struct nt_field report_state_result[] = {
    { "status", NT_F_STR, NT_AT(struct nt_report_state_result, status), NEED },
    { 0 },
};

static const struct nt_field claim_networks_args[] = {
    { "host", NT_F_STR, NT_AT(struct nt_claim_networks_args, host), NEED },
    { "bridge", NT_F_STR, NT_AT(struct nt_claim_networks_args, bridge), RPC },
    { 0 },
};

static const struct nt_field networks_result[] = {
    NT_ARRAY_FIELD("networks", struct nt_networks_result, networks, n_networks,
                   nt_network_view_fields, RPC),
    { 0 },
};

static const struct nt_field lease_args[] = {
    { "host", NT_F_STR, NT_AT(struct nt_lease_args, host), NEED },
    { "network_id", NT_F_UUID, NT_AT(struct nt_lease_args, network_id), NEED },
    { "address", NT_F_IP4, NT_AT(struct nt_lease_args, address), NEED },
    { "mac", NT_F_MAC, NT_AT(struct nt_lease_args, mac), NEED },
    { "lease_expires", NT_F_TIME, NT_AT(struct nt_lease_args, lease_expires), RPC },
    { "hostname", NT_F_STR, NT_AT(struct nt_lease_args, hostname), RPC },
    { "client_id", NT_F_STR, NT_AT(struct nt_lease_args, client_id), RPC },
    { 0 },
};

static const struct nt_field lease_fields[] = {
    { "address", NT_F_IP4, NT_AT(struct nt_lease, address), NEED },
    { "mac", NT_F_MAC, NT_AT(struct nt_lease, mac), NEED },
    { "lease_expires", NT_F_TIME, NT_AT(struct nt_lease, lease_expires), RPC },
    { "hostname", NT_F_STR, NT_AT(struct nt_lease, hostname), RPC },
    { "client_id", NT_F_STR, NT_AT(struct nt_lease, client_id), RPC },
    { 0 },
};

static const struct nt_field sync_leases_args[] = {
    { "host", NT_F_STR, NT_AT(struct nt_sync_leases_args, host), NEED },
    { "network_id", NT_F_UUID, NT_AT(struct nt_sync_leases_args, network_id), NEED },
    NT_ARRAY_FIELD("leases", struct nt_sync_leases_args, leases, n_leases, lease_fields, RPC),
    { 0 },
};

static const struct nt_field lease_name_fields[] = {
    { "address", NT_F_IP4, NT_AT(struct nt_lease_name, address), NEED },
    { "mac", NT_F_MAC, NT_AT(struct nt_lease_name, mac), NEED },
    { 0 },
};

static const struct nt_field sync_leases_result[] = {
    NT_ARRAY_FIELD("forget", struct nt_sync_leases_result, forget, n_forget, lease_name_fields,
                   RPC),
    { 0 },
};

static const struct nt_field host_args[] = {
    { "host", NT_F_STR, NT_AT(struct nt_host_args, host), NEED },
    { 0 },
};

static const struct nt_field instances_result[] = {
    NT_ARRAY_FIELD("instances", struct nt_instances_result, instances, n_instances,
                   nt_instance_view_fields, RPC),
    { 0 },
};

static const struct nt_field get_security_args[] = {
    { "host", NT_F_STR, NT_AT(struct nt_get_security_args, host), NEED },
    NT_ARRAY_FIELD("groups", struct nt_get_security_args, groups, n_groups, nt_uuid_text_fields,
                   RPC),
    { 0 },
};

static const struct nt_field security_result[] = {
    NT_ARRAY_FIELD("groups", struct nt_security_result, groups, n_groups,
                   nt_security_group_view_fields, RPC),
    NT_ARRAY_FIELD("members", struct nt_security_result, members, n_members,
                   nt_security_members_fields, RPC),
    { 0 },
};

static const struct nt_field get_config_drive_args[] = {
    { "host", NT_F_STR, NT_AT(struct nt_get_config_drive_args, host), NEED },
    { "id", NT_F_UUID, NT_AT(struct nt_get_config_drive_args, id), NEED },
    { 0 },
};

static const struct nt_field config_file_fields[] = {
    { "path", NT_F_STR, NT_AT(struct nt_config_file, path), NEED },
    { "content", NT_F_TEXT, NT_AT(struct nt_config_file, content), RPC, .max = 1 << 20 },
    { 0 },
};

static const struct nt_field config_drive_result[] = {
    NT_ARRAY_FIELD("files", struct nt_config_drive_result, files, n_files, config_file_fields, RPC),
    { 0 },
};

void
nt_config_drive_result_clear(struct nt_config_drive_result *result)
{
    nt_fields_clear(config_drive_result, result);
}

static const struct nt_field update_instance_args[] = {
    { "host", NT_F_STR, NT_AT(struct nt_update_instance_args, host), NEED },
    { "id", NT_F_UUID, NT_AT(struct nt_update_instance_args, id), NEED },
    { "vm_state", NT_F_STR, NT_AT(struct nt_update_instance_args, vm_state), RPC },
    { "task_state", NT_F_STR, NT_AT(struct nt_update_instance_args, task_state), RPC },
    { "power_state", NT_F_INT, NT_AT(struct nt_update_instance_args, power_state), RPC },
    { "power_generation", NT_F_INT, NT_AT(struct nt_update_instance_args, power_generation), RPC },
    { "fault", NT_F_STR, NT_AT(struct nt_update_instance_args, fault), RPC },
    { 0 },
};

static const struct nt_method methods[] = {
    { "report_state", "1.0", report_state_args, sizeof(struct nt_report_state_args),
      report_state_result, sizeof(struct nt_report_state_result) },
    { "claim_networks", "1.0", claim_networks_args, sizeof(struct nt_claim_networks_args),
      networks_result, sizeof(struct nt_networks_result) },
    { "lease_fixed_ip", "1.0", lease_args, sizeof(struct nt_lease_args), NULL, 0 },
    { "release_fixed_ip", "1.0", lease_args, sizeof(struct nt_lease_args), NULL, 0 },
    { "sync_leases", "1.0", sync_leases_args, sizeof(struct nt_sync_leases_args),
      sync_leases_result, sizeof(struct nt_sync_leases_result) },
    { "get_instances", "1.0", host_args, sizeof(struct nt_host_args), instances_result,
      sizeof(struct nt_instances_result) },
    { "get_security", "1.0", get_security_args, sizeof(struct nt_get_security_args),
      security_result, sizeof(struct nt_security_result) },
    { "get_config_drive", "1.0", get_config_drive_args, sizeof(struct nt_get_config_drive_args),
      config_drive_result, sizeof(struct nt_config_drive_result) },
    { "update_instance", "1.0", update_instance_args, sizeof(struct nt_update_instance_args), NULL,
      0 },
    { 0 },
};

const struct nt_interface nt_conductor = { "conductor", methods };
