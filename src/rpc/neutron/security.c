#include <config.h>

#include "rpc/neutron/security.h"

#define RPC NT_IN_RPC
#define NEED (NT_IN_RPC | NT_REQUIRED)
#define OPT (NT_IN_RPC | NT_NULL | NT_ABSENT)

#define S struct nt_security_devices_args
static const struct nt_field rules_args[] = {
    NT_SEEN_FIELD(S, seen),
    NT_ARRAY_FIELD("devices", S, devices, n_devices, nt_device_name_fields, NEED),
    { 0 },
};
static const struct nt_field info_args[] = {
    NT_SEEN_FIELD(S, seen),
    NT_ARRAY_FIELD("devices", S, devices, n_devices, nt_device_name_fields, NEED),
    { "call_version", NT_F_STR, NT_AT(S, call_version), OPT },
    { 0 },
};
#undef S

static const struct nt_field rules_result[] = {
    NT_MAP_FIELD("", struct nt_guarded_ports, ports, n_ports, nt_guarded_port_fields, RPC),
    { 0 },
};

static const struct nt_method methods[] = {
    { "security_group_rules_for_devices", "1.1", rules_args,
      sizeof(struct nt_security_devices_args), rules_result, sizeof(struct nt_guarded_ports) },
    { "security_group_info_for_devices", "1.3", info_args, sizeof(struct nt_security_devices_args),
      nt_security_info_fields, sizeof(struct nt_security_info) },
    { 0 },
};

const struct nt_interface nt_neutron_security = { "q-plugin", methods, "1.3", .strict = true };
