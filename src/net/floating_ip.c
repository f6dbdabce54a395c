#include <config.h>

#include "net/floating_ip.h"

#define DB NT_IN_DB

const struct nt_field nt_floating_ip_fields[] = {
    { "address", NT_F_IP4, NT_AT(struct nt_floating_ip, address), DB },
    { "ip", NT_F_INT, NT_AT(struct nt_floating_ip, ip), DB },
    { "number", NT_F_INT, NT_AT(struct nt_floating_ip, number), DB },
    { "pool", NT_F_STR, NT_AT(struct nt_floating_ip, pool), DB },
    { "interface", NT_F_STR, NT_AT(struct nt_floating_ip, interface), DB },
    { "project_id", NT_F_STR, NT_AT(struct nt_floating_ip, project_id), DB },
    { "port_id", NT_F_UUID, NT_AT(struct nt_floating_ip, port_id), DB },
    { "network_id", NT_F_UUID, NT_AT(struct nt_floating_ip, network_id), DB },
    { "instance_id", NT_F_UUID, NT_AT(struct nt_floating_ip, instance_id), DB },
    { "fixed_address", NT_F_IP4, NT_AT(struct nt_floating_ip, fixed_address), DB },
    { "host", NT_F_STR, NT_AT(struct nt_floating_ip, host), DB },
    { "auto_assigned", NT_F_BOOL, NT_AT(struct nt_floating_ip, auto_assigned), DB },
    { "generation", NT_F_INT, NT_AT(struct nt_floating_ip, generation), DB },
    { "created_at", NT_F_TIME, NT_AT(struct nt_floating_ip, created_at), DB },
    { "updated_at", NT_F_TIME, NT_AT(struct nt_floating_ip, updated_at), DB },
    { 0 },
};
