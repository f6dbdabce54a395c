#include <config.h>

#include "rpc/neutron/reports.h"

#define RPC NT_IN_RPC
#define NEED (NT_IN_RPC | NT_REQUIRED)

/* "agent_state" within "agent_state" is how it is. */
static const struct nt_field state_wrapper[] = {
    { "agent_state", NT_F_OBJECT, 0, sizeof(struct nt_agent_state), NEED,
      .fields = nt_agent_state_fields },
    { 0 },
};

#define S struct nt_agent_report_args
static const struct nt_field report_args[] = {
    { "agent_state", NT_F_OBJECT, NT_AT(S, state), NEED, .fields = state_wrapper },
    { "time", NT_F_STR, NT_AT(S, time), NEED },
    { 0 },
};
#undef S

static const struct nt_field report_result[] = {
    { "", NT_F_STR, NT_AT(struct nt_agent_report_result, status), RPC },
    { 0 },
};

static const struct nt_field alive_result[] = {
    { "", NT_F_BOOL, NT_AT(struct nt_alive_result, alive), NEED },
    { 0 },
};

static const struct nt_method methods[] = {
    { "report_state", "1.2", report_args, sizeof(struct nt_agent_report_args), report_result,
      sizeof(struct nt_agent_report_result) },
    { "has_alive_neutron_server", "1.2", NULL, 0, alive_result, sizeof(struct nt_alive_result) },
    { 0 },
};

/* A cast, which nobody answers. */
static const struct nt_method juno_methods[] = {
    { "report_state", "1.0", report_args, sizeof(struct nt_agent_report_args), NULL, 0 },
    { 0 },
};

#define S struct nt_resource_versions_args
static const struct nt_field resource_versions_args[] = {
    { "agent_type", NT_F_STR, NT_AT(S, agent_type), NEED },
    { "agent_host", NT_F_STR, NT_AT(S, agent_host), NEED },
    NT_MAP_FIELD("version_map", S, version_map, n_version_map, nt_pair_fields, NEED),
    { 0 },
};
#undef S

static const struct nt_method resource_versions_methods[] = {
    { "report_agent_resource_versions", "1.0", resource_versions_args,
      sizeof(struct nt_resource_versions_args), NULL, 0 },
    { 0 },
};

const struct nt_interface nt_neutron_reports = { "q-reports-plugin", methods, "1.2",
                                                 .strict = true };
const struct nt_interface nt_neutron_juno_reports = { "q-plugin", juno_methods, "1.0",
                                                      .strict = true };
const struct nt_interface nt_neutron_resource_versions = { "q-server-resource-versions",
                                                           resource_versions_methods, "1.0",
                                                           .strict = true };
