#include <config.h>

#include "net/vo_trunk.h"

#define RPC NT_IN_RPC
#define NEED (NT_IN_RPC | NT_REQUIRED)
#define FREE_TEXT 1, 4096

#define S struct nt_vo_sub_port
static const struct nt_field sub_port_fields[] = {
    NT_VO_HEAD(S),
    { "port_id", NT_F_UUID, NT_AT(S, port_id), NEED },
    { "trunk_id", NT_F_UUID, NT_AT(S, trunk_id), RPC },
    { "segmentation_type", NT_F_STR, NT_AT(S, segmentation_type), RPC },
    { "segmentation_id", NT_F_INT, NT_AT(S, segmentation_id), RPC, 0, UINT32_MAX },
    { 0 },
};
#undef S
const struct nt_vo_type nt_vo_sub_port_type = { "SubPort", 1, 0, sub_port_fields,
                                                sizeof(struct nt_vo_sub_port) };
static const struct nt_vo_type *const sub_port_types[] = { &nt_vo_sub_port_type, NULL };
NT_VO_ELEMENTS(sub_ports, struct nt_vo_sub_port, sub_port_types);

#define S struct nt_vo_trunk
static const struct nt_field trunk_fields[] = {
    NT_VO_HEAD(S),
    { "id", NT_F_UUID, NT_AT(S, id), NEED },
    { "project_id", NT_F_TEXT, NT_AT(S, project_id), RPC, FREE_TEXT },
    { "name", NT_F_TEXT, NT_AT(S, name), RPC, FREE_TEXT },
    { "port_id", NT_F_UUID, NT_AT(S, port_id), RPC },
    { "admin_state_up", NT_F_BOOL, NT_AT(S, admin_state_up), RPC },
    { "status", NT_F_STR, NT_AT(S, status), RPC },
    NT_ARRAY_FIELD("sub_ports", S, sub_ports, n_sub_ports, sub_ports, RPC),
    NT_VO_STANDARD_FIELDS(S),
    { 0 },
};
#undef S
const struct nt_vo_type nt_vo_trunk_type = { "Trunk", 1, 1, trunk_fields,
                                             sizeof(struct nt_vo_trunk) };
