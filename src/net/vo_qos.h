/* QoS policies as an agent sees them. */
#pragma once

#include "net/vo.h"

extern const struct nt_vo_type nt_vo_qos_policy_type;

/* The kinds of rules; 'vo.type' says which one it is. */
extern const struct nt_vo_type nt_vo_qos_bandwidth_limit_type, nt_vo_qos_dscp_marking_type,
    nt_vo_qos_minimum_bandwidth_type, nt_vo_qos_minimum_packet_rate_type,
    nt_vo_qos_packet_rate_limit_type;

struct nt_vo_qos_rule {
    struct nt_vo vo;
    char id[NT_UUID_SIZE];
    char qos_policy_id[NT_UUID_SIZE];
    char direction[16];               /* ingress, egress; of a minimum packet rate also any. */
    int64_t max_kbps, max_burst_kbps; /* QosBandwidthLimitRule. */
    int64_t dscp_mark;                /* QosDscpMarkingRule. */
    int64_t min_kbps;                 /* QosMinimumBandwidthRule. */
    int64_t min_kpps;                 /* QosMinimumPacketRateRule. */
    int64_t max_kpps, max_burst_kpps; /* QosPacketRateLimitRule. */
};

struct nt_vo_qos_policy {
    struct nt_vo vo;
    char id[NT_UUID_SIZE];
    char *project_id, *name;
    bool shared, is_default;
    struct nt_vo_qos_rule *rules;
    size_t n_rules;
    struct nt_vo_standard standard;
};
