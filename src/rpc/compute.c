#include <config.h>

#include "rpc/compute.h"

#define RPC NT_IN_RPC
#define NEED (NT_IN_RPC | NT_REQUIRED)

static const struct nt_field build_instance_args[] = {
    { "instance", NT_F_OBJECT, NT_AT(struct nt_build_instance_args, instance), NEED,
      .fields = nt_instance_view_fields },
    { 0 },
};

static const struct nt_field instance_args[] = {
    { "id", NT_F_UUID, NT_AT(struct nt_instance_args, id), NEED },
    { "number", NT_F_INT, NT_AT(struct nt_instance_args, number), NEED, 1, INT32_MAX },
    { 0 },
};

static const struct nt_field power_args[] = {
    { "id", NT_F_UUID, NT_AT(struct nt_power_args, id), NEED },
    { "number", NT_F_INT, NT_AT(struct nt_power_args, number), NEED, 1, INT32_MAX },
    { "generation", NT_F_INT, NT_AT(struct nt_power_args, generation), NEED },
    { "hard", NT_F_BOOL, NT_AT(struct nt_power_args, hard), RPC },
    { 0 },
};

static const struct nt_field console_args[] = {
    { "id", NT_F_UUID, NT_AT(struct nt_console_args, id), NEED },
    { "number", NT_F_INT, NT_AT(struct nt_console_args, number), NEED, 1, INT32_MAX },
    { "length", NT_F_INT, NT_AT(struct nt_console_args, length), RPC, 0, 1000000 },
    { 0 },
};

static const struct nt_field console_result[] = {
    { "output", NT_F_TEXT, NT_AT(struct nt_console_result, output), RPC, .max = 1 << 20 },
    { 0 },
};

static const struct nt_field security_groups_args[] = {
    NT_ARRAY_FIELD("security_groups", struct nt_security_groups_args, security_groups,
                   n_security_groups, nt_uuid_text_fields, RPC),
    { 0 },
};

static const struct nt_field instance_groups_args[] = {
    { "id", NT_F_UUID, NT_AT(struct nt_instance_groups_args, id), NEED },
    NT_ARRAY_FIELD("security_groups", struct nt_instance_groups_args, security_groups,
                   n_security_groups, nt_uuid_text_fields, RPC),
    { 0 },
};

static const struct nt_method methods[] = {
    { "build_instance", "1.0", build_instance_args, sizeof(struct nt_build_instance_args), NULL,
      0 },
    { "terminate_instance", "1.0", instance_args, sizeof(struct nt_instance_args), NULL, 0 },
    { "stop_instance", "1.0", power_args, sizeof(struct nt_power_args), NULL, 0 },
    { "start_instance", "1.0", power_args, sizeof(struct nt_power_args), NULL, 0 },
    { "reboot_instance", "1.0", power_args, sizeof(struct nt_power_args), NULL, 0 },
    { "get_console_output", "1.0", console_args, sizeof(struct nt_console_args), console_result,
      sizeof(struct nt_console_result) },
    { "security_groups_rule_updated", "1.0", security_groups_args,
      sizeof(struct nt_security_groups_args), NULL, 0 },
    { "security_groups_member_updated", "1.0", security_groups_args,
      sizeof(struct nt_security_groups_args), NULL, 0 },
    { "refresh_instance_security_rules", "1.0", instance_groups_args,
      sizeof(struct nt_instance_groups_args), NULL, 0 },
    { 0 },
};

const struct nt_interface nt_compute_host = { "compute", methods };
