#include <config.h>

#include "net/vo_qos.h"

#define RPC NT_IN_RPC
#define NEED (NT_IN_RPC | NT_REQUIRED)
#define NIL (NT_IN_RPC | NT_NULL)
#define FREE_TEXT 1, 4096

#define S struct nt_vo_qos_rule
#define RULE_FIELDS                                              \
    NT_VO_HEAD(S), { "id", NT_F_UUID, NT_AT(S, id), RPC },       \
    {                                                            \
        "qos_policy_id", NT_F_UUID, NT_AT(S, qos_policy_id), RPC \
    }
#define DIRECTION                                       \
    {                                                   \
        "direction", NT_F_STR, NT_AT(S, direction), RPC \
    }

static const struct nt_field bandwidth_limit_fields[] = {
    RULE_FIELDS,
    DIRECTION,
    { "max_kbps", NT_F_INT, NT_AT(S, max_kbps), NIL },
    { "max_burst_kbps", NT_F_INT, NT_AT(S, max_burst_kbps), NIL },
    { 0 },
};
static const struct nt_field dscp_marking_fields[] = {
    RULE_FIELDS,
    { "dscp_mark", NT_F_INT, NT_AT(S, dscp_mark), RPC, 0, 63 },
    { 0 },
};
static const struct nt_field minimum_bandwidth_fields[] = {
    RULE_FIELDS,
    DIRECTION,
    { "min_kbps", NT_F_INT, NT_AT(S, min_kbps), NIL },
    { 0 },
};
static const struct nt_field minimum_packet_rate_fields[] = {
    RULE_FIELDS,
    DIRECTION,
    { "min_kpps", NT_F_INT, NT_AT(S, min_kpps), RPC },
    { 0 },
};
static const struct nt_field packet_rate_limit_fields[] = {
    RULE_FIELDS,
    DIRECTION,
    { "max_kpps", NT_F_INT, NT_AT(S, max_kpps), NIL },
    { "max_burst_kpps", NT_F_INT, NT_AT(S, max_burst_kpps), NIL },
    { 0 },
};
#undef S

#define RULE_TYPE(name, fields)                           \
    {                                                     \
        name, 1, 5, fields, sizeof(struct nt_vo_qos_rule) \
    }
const struct nt_vo_type nt_vo_qos_bandwidth_limit_type =
    RULE_TYPE("QosBandwidthLimitRule", bandwidth_limit_fields);
const struct nt_vo_type nt_vo_qos_dscp_marking_type =
    RULE_TYPE("QosDscpMarkingRule", dscp_marking_fields);
const struct nt_vo_type nt_vo_qos_minimum_bandwidth_type =
    RULE_TYPE("QosMinimumBandwidthRule", minimum_bandwidth_fields);
const struct nt_vo_type nt_vo_qos_minimum_packet_rate_type =
    RULE_TYPE("QosMinimumPacketRateRule", minimum_packet_rate_fields);
const struct nt_vo_type nt_vo_qos_packet_rate_limit_type =
    RULE_TYPE("QosPacketRateLimitRule", packet_rate_limit_fields);

static const struct nt_vo_type *const rule_types[] = {
    &nt_vo_qos_bandwidth_limit_type,   &nt_vo_qos_dscp_marking_type,
    &nt_vo_qos_minimum_bandwidth_type, &nt_vo_qos_minimum_packet_rate_type,
    &nt_vo_qos_packet_rate_limit_type, NULL,
};
NT_VO_ELEMENTS(rules, struct nt_vo_qos_rule, rule_types);

#define S struct nt_vo_qos_policy
static const struct nt_field policy_fields[] = {
    NT_VO_HEAD(S),
    { "id", NT_F_UUID, NT_AT(S, id), NEED },
    { "project_id", NT_F_TEXT, NT_AT(S, project_id), RPC, FREE_TEXT },
    { "name", NT_F_TEXT, NT_AT(S, name), RPC, FREE_TEXT },
    { "shared", NT_F_BOOL, NT_AT(S, shared), RPC },
    { "is_default", NT_F_BOOL, NT_AT(S, is_default), RPC },
    NT_ARRAY_FIELD("rules", S, rules, n_rules, rules, RPC),
    NT_VO_STANDARD_FIELDS(S),
    { 0 },
};
#undef S
const struct nt_vo_type nt_vo_qos_policy_type = { "QosPolicy", 1, 10, policy_fields,
                                                  sizeof(struct nt_vo_qos_policy) };
