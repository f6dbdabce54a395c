/* Security groups, their rules and address groups as an agent sees them. */
#pragma once

#include "net/vo.h"

extern const struct nt_vo_type nt_vo_security_group_type, nt_vo_security_rule_type,
    nt_vo_address_group_type, nt_vo_address_association_type;

/* SecurityGroupRule.  A null range means any; with ICMP it is type and code. */
struct nt_vo_security_rule {
    struct nt_vo vo;
    char id[NT_UUID_SIZE];
    char *project_id;
    char security_group_id[NT_UUID_SIZE];
    char remote_group_id[NT_UUID_SIZE];
    char direction[16]; /* ingress, egress. */
    char ethertype[8];  /* IPv4, IPv6. */
    char protocol[16];  /* A name or a number; null: any. */
    int64_t port_range_min, port_range_max;
    char remote_ip_prefix[NT_CIDR6_SIZE];
    char remote_address_group_id[NT_UUID_SIZE];
    char normalized_cidr[NT_CIDR6_SIZE]; /* 'remote_ip_prefix' without host bits. */
    struct nt_vo_standard standard;
};

struct nt_vo_security_group {
    struct nt_vo vo;
    char id[NT_UUID_SIZE];
    char *name, *project_id;
    bool shared, stateful, is_default;
    struct nt_vo_security_rule *rules;
    size_t n_rules;
    struct nt_vo_standard standard;
};

struct nt_vo_address_association {
    struct nt_vo vo;
    char address[NT_CIDR6_SIZE];
    char address_group_id[NT_UUID_SIZE];
};

struct nt_vo_address_group {
    struct nt_vo vo;
    char id[NT_UUID_SIZE];
    char *name, *project_id;
    bool shared;
    struct nt_vo_address_association *addresses;
    size_t n_addresses;
    struct nt_vo_standard standard;
};
