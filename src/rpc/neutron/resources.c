#include <config.h>

#include "rpc/neutron/resources.h"

#define RPC NT_IN_RPC
#define NEED (NT_IN_RPC | NT_REQUIRED)

static const struct nt_field any_object[] = {
    { "", NT_F_VO_ANY, NT_AT(struct nt_vo_ref, vo), RPC },
    { 0 },
};

#define S struct nt_pull_args
static const struct nt_field pull_args[] = {
    { "resource_type", NT_F_STR, NT_AT(S, resource_type), NEED },
    { "version", NT_F_STR, NT_AT(S, version), NEED },
    { "resource_id", NT_F_UUID, NT_AT(S, resource_id), NEED },
    { 0 },
};
#undef S

static const struct nt_field filter_fields[] = {
    { "field", NT_F_STR, NT_AT(struct nt_filter, field), 0 },
    NT_ARRAY_FIELD("", struct nt_filter, values, n_values, nt_text_fields, RPC),
    { 0 },
};

#define S struct nt_bulk_pull_args
static const struct nt_field bulk_pull_args[] = {
    { "resource_type", NT_F_STR, NT_AT(S, resource_type), NEED },
    { "version", NT_F_STR, NT_AT(S, version), NEED },
    NT_MAP_FIELD("filter_kwargs", S, filters, n_filters, filter_fields, RPC),
    { 0 },
};
#undef S

static const struct nt_field list_result[] = {
    NT_ARRAY_FIELD("", struct nt_vo_list, objects, n_objects, any_object, RPC),
    { 0 },
};

#define S struct nt_push_args
static const struct nt_field push_args[] = {
    NT_ARRAY_FIELD("resource_list", S, resource_list, n_resource_list, any_object, NEED),
    { "event_type", NT_F_STR, NT_AT(S, event_type), NEED },
    { 0 },
};
#undef S

static const struct nt_method methods[] = {
    { "pull", "1.1", pull_args, sizeof(struct nt_pull_args), any_object, sizeof(struct nt_vo_ref) },
    { "bulk_pull", "1.1", bulk_pull_args, sizeof(struct nt_bulk_pull_args), list_result,
      sizeof(struct nt_vo_list) },
    { 0 },
};

static const struct nt_method push_methods[] = {
    { "push", "1.1", push_args, sizeof(struct nt_push_args), NULL, 0 },
    { 0 },
};

const struct nt_interface nt_neutron_resources = { "q-plugin", methods, "1.1", .strict = true };

#define PUSH(type_and_version)                                              \
    {                                                                       \
        "neutron-vo-" type_and_version, push_methods, "1.1", .strict = true \
    }

/* The versions are those of the types; a test compares them. */
const struct nt_interface nt_neutron_pushes[NT_N_PUSHES] = {
    PUSH("Port-1.7"),
    PUSH("Network-1.1"),
    PUSH("Subnet-1.1"),
    PUSH("SecurityGroup-1.5"),
    PUSH("SecurityGroupRule-1.2"),
    PUSH("AddressGroup-1.2"),
    PUSH("QosPolicy-1.10"),
    PUSH("Trunk-1.1"),
    PUSH("SubPort-1.0"),
};

const struct nt_interface *
nt_neutron_push(const struct nt_vo_type *type)
{
    for (size_t i = 0; i < NT_N_PUSHES; i++) {
        if (nt_vo_types[i] == type) {
            return &nt_neutron_pushes[i];
        }
    }
    return NULL;
}
