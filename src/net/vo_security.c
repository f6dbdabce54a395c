#include <config.h>

#include "net/vo_security.h"

#define RPC NT_IN_RPC
#define NEED (NT_IN_RPC | NT_REQUIRED)
#define NIL (NT_IN_RPC | NT_NULL)
#define FREE_TEXT 1, 4096

#define S struct nt_vo_security_rule
static const struct nt_field rule_fields[] = {
    NT_VO_HEAD(S),
    { "id", NT_F_UUID, NT_AT(S, id), NEED },
    { "project_id", NT_F_TEXT, NT_AT(S, project_id), NIL, FREE_TEXT },
    { "security_group_id", NT_F_UUID, NT_AT(S, security_group_id), RPC },
    { "remote_group_id", NT_F_UUID, NT_AT(S, remote_group_id), NIL },
    { "direction", NT_F_STR, NT_AT(S, direction), NIL },
    { "ethertype", NT_F_STR, NT_AT(S, ethertype), NIL },
    { "protocol", NT_F_STR, NT_AT(S, protocol), NIL },
    { "port_range_min", NT_F_INT, NT_AT(S, port_range_min), NIL, 0, 65535 },
    { "port_range_max", NT_F_INT, NT_AT(S, port_range_max), NIL, 0, 65535 },
    { "remote_ip_prefix", NT_F_NET, NT_AT(S, remote_ip_prefix), NIL },
    { "remote_address_group_id", NT_F_UUID, NT_AT(S, remote_address_group_id), NIL },
    { "normalized_cidr", NT_F_NET, NT_AT(S, normalized_cidr), NIL },
    NT_VO_STANDARD_FIELDS(S),
    { 0 },
};
#undef S
const struct nt_vo_type nt_vo_security_rule_type = { "SecurityGroupRule", 1, 2, rule_fields,
                                                     sizeof(struct nt_vo_security_rule) };
static const struct nt_vo_type *const rule_types[] = { &nt_vo_security_rule_type, NULL };
NT_VO_ELEMENTS(rules, struct nt_vo_security_rule, rule_types);

#define S struct nt_vo_security_group
static const struct nt_field group_fields[] = {
    NT_VO_HEAD(S),
    { "id", NT_F_UUID, NT_AT(S, id), NEED },
    { "name", NT_F_TEXT, NT_AT(S, name), NIL, FREE_TEXT },
    { "project_id", NT_F_TEXT, NT_AT(S, project_id), NIL, FREE_TEXT },
    { "shared", NT_F_BOOL, NT_AT(S, shared), NIL },
    { "stateful", NT_F_BOOL, NT_AT(S, stateful), RPC },
    { "is_default", NT_F_BOOL, NT_AT(S, is_default), RPC },
    NT_ARRAY_FIELD("rules", S, rules, n_rules, rules, NIL),
    NT_VO_STANDARD_FIELDS(S),
    { 0 },
};
#undef S
const struct nt_vo_type nt_vo_security_group_type = { "SecurityGroup", 1, 5, group_fields,
                                                      sizeof(struct nt_vo_security_group) };

#define S struct nt_vo_address_association
static const struct nt_field association_fields[] = {
    NT_VO_HEAD(S),
    { "address", NT_F_NET, NT_AT(S, address), RPC },
    { "address_group_id", NT_F_UUID, NT_AT(S, address_group_id), RPC },
    { 0 },
};
#undef S
const struct nt_vo_type nt_vo_address_association_type = {
    "AddressAssociation", 1, 0, association_fields, sizeof(struct nt_vo_address_association)
};
static const struct nt_vo_type *const association_types[] = { &nt_vo_address_association_type,
                                                              NULL };
NT_VO_ELEMENTS(associations, struct nt_vo_address_association, association_types);

#define S struct nt_vo_address_group
static const struct nt_field address_group_fields[] = {
    NT_VO_HEAD(S),
    { "id", NT_F_UUID, NT_AT(S, id), NEED },
    { "name", NT_F_TEXT, NT_AT(S, name), NIL, FREE_TEXT },
    { "project_id", NT_F_TEXT, NT_AT(S, project_id), RPC, FREE_TEXT },
    { "shared", NT_F_BOOL, NT_AT(S, shared), RPC },
    NT_ARRAY_FIELD("addresses", S, addresses, n_addresses, associations, NIL),
    NT_VO_STANDARD_FIELDS(S),
    { 0 },
};
#undef S
const struct nt_vo_type nt_vo_address_group_type = { "AddressGroup", 1, 2, address_group_fields,
                                                     sizeof(struct nt_vo_address_group) };
