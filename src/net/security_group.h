/* Security group rules, in Neutron's nouns: what may come in to the members of a
 * group.  Nova's "group rules" are a view of them.
 *
 * A rule speaks of one family, or, when its source is a group and nobody said which
 * (ethertype empty), of both. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "net/addr6.h"
#include "net/field.h"
#include "net/network.h"

struct nt_security_rule {
    char id[NT_UUID_SIZE];
    int64_t number; /* Orders the rules of a group. */
    char security_group_id[NT_UUID_SIZE];
    char direction[16];                 /* "ingress". */
    char ethertype[8];                  /* "IPv4", "IPv6", or empty. */
    char protocol[16];                  /* "tcp", "udp", "icmp", "icmpv6"; empty: any. */
    int64_t port_range_min;             /* ICMP: type.  -1: any. */
    int64_t port_range_max;             /* ICMP: code.  -1: any. */
    char remote_ip_prefix[64];          /* Empty: anywhere, or: */
    char remote_group_id[NT_UUID_SIZE]; /* Members of this group. */
    int64_t created_at;
};

extern const struct nt_field nt_security_rule_fields[];

/* Rules of the operator travel as those of a group with this id, which nobody is a member
 * of: they refuse instead of letting in, and hold for every guest before its groups do. */
#define NT_PROVIDER_GROUP "00000000-0000-0000-0000-000000000000"

/* What a compute host must know of a group.  The rules are taken one by one, so
 * that a bad one harms nobody else: each element is an object of
 * nt_security_rule_fields. */
struct nt_security_group_view {
    char id[NT_UUID_SIZE];
    struct json *rules; /* Owned; an array. */
};
extern const struct nt_field nt_security_group_view_fields[];

struct nt_ip_text {
    char text[NT_IP_SIZE];
};
extern const struct nt_field nt_ip_text_fields[]; /* A plain value. */

struct nt_uuid_text {
    char text[NT_UUID_SIZE];
};
extern const struct nt_field nt_uuid_text_fields[]; /* A plain value. */

/* The addresses of a group's members. */
struct nt_security_members {
    char group_id[NT_UUID_SIZE];
    struct nt_ip_text *addresses4, *addresses6; /* Owned. */
    size_t n_addresses4, n_addresses6;
};
extern const struct nt_field nt_security_members_fields[];

/* Puts a rule into its one written form, or refuses it: protocol in lower case and
 * by name (6 is tcp), ports and ICMP types in range, host bits of the source cleared,
 * the family filled in.  The same rule said in two ways becomes equal.
 * Fails with NT_INVALID. */
NT_NODISCARD int nt_security_rule_normalize(struct nt_security_rule *, struct nt_err *);

/* True when two normalized rules allow the same. */
bool nt_security_rule_equal(const struct nt_security_rule *, const struct nt_security_rule *);

/* "tcp" for "TCP", "Tcp" and "6"; NULL when 'text' is no protocol with rules. */
const char *nt_security_protocol(const char *text);
