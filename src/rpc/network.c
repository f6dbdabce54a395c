#include <config.h>

#include "rpc/network.h"

static const struct nt_field fixed_ip_args[] = {
    { "network_id", NT_F_UUID, NT_AT(struct nt_fixed_ip_args, network_id),
      NT_IN_RPC | NT_REQUIRED },
    { "entry", NT_F_OBJECT, NT_AT(struct nt_fixed_ip_args, entry), NT_IN_RPC | NT_REQUIRED,
      .fields = nt_host_entry_fields },
    { 0 },
};

static const struct nt_field floating_ip_args[] = {
    { "network_id", NT_F_UUID, NT_AT(struct nt_floating_ip_args, network_id),
      NT_IN_RPC | NT_REQUIRED },
    { "entry", NT_F_OBJECT, NT_AT(struct nt_floating_ip_args, entry), NT_IN_RPC | NT_REQUIRED,
      .fields = nt_floating_entry_fields },
    { 0 },
};

static const struct nt_field networks_changed_args[] = {
    { "reason", NT_F_STR, NT_AT(struct nt_networks_changed_args, reason), NT_IN_RPC },
    { 0 },
};

static const struct nt_method methods[] = {
    { "put_fixed_ip", "1.0", fixed_ip_args, sizeof(struct nt_fixed_ip_args), NULL, 0 },
    { "delete_fixed_ip", "1.0", fixed_ip_args, sizeof(struct nt_fixed_ip_args), NULL, 0 },
    { "put_floating_ip", "1.0", floating_ip_args, sizeof(struct nt_floating_ip_args), NULL, 0 },
    { "delete_floating_ip", "1.0", floating_ip_args, sizeof(struct nt_floating_ip_args), NULL, 0 },
    { "networks_changed", "1.0", networks_changed_args, sizeof(struct nt_networks_changed_args),
      NULL, 0 },
    { 0 },
};

const struct nt_interface nt_network_host = { "network", methods };
