#include <config.h>

#include "net/security_group.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"

#define DB_RPC (NT_IN_DB | NT_IN_RPC)

const struct nt_field nt_security_rule_fields[] = {
    { "id", NT_F_UUID, NT_AT(struct nt_security_rule, id), DB_RPC | NT_REQUIRED },
    { "number", NT_F_INT, NT_AT(struct nt_security_rule, number), DB_RPC },
    { "security_group_id", NT_F_UUID, NT_AT(struct nt_security_rule, security_group_id), DB_RPC },
    { "direction", NT_F_STR, NT_AT(struct nt_security_rule, direction), DB_RPC },
    { "ethertype", NT_F_STR, NT_AT(struct nt_security_rule, ethertype), DB_RPC },
    { "protocol", NT_F_STR, NT_AT(struct nt_security_rule, protocol), DB_RPC },
    { "port_range_min", NT_F_INT, NT_AT(struct nt_security_rule, port_range_min),
      DB_RPC | NT_REQUIRED },
    { "port_range_max", NT_F_INT, NT_AT(struct nt_security_rule, port_range_max),
      DB_RPC | NT_REQUIRED },
    { "remote_ip_prefix", NT_F_STR, NT_AT(struct nt_security_rule, remote_ip_prefix), DB_RPC },
    { "remote_group_id", NT_F_UUID, NT_AT(struct nt_security_rule, remote_group_id), DB_RPC },
    { "created_at", NT_F_TIME, NT_AT(struct nt_security_rule, created_at), NT_IN_DB },
    { 0 },
};

const struct nt_field nt_security_group_view_fields[] = {
    { "id", NT_F_UUID, NT_AT(struct nt_security_group_view, id), NT_IN_RPC | NT_REQUIRED },
    { "rules", NT_F_JSON, NT_AT(struct nt_security_group_view, rules), NT_IN_RPC },
    { 0 },
};

const struct nt_field nt_ip_text_fields[] = {
    { "", NT_F_STR, NT_AT(struct nt_ip_text, text), NT_IN_RPC },
    { 0 },
};

const struct nt_field nt_uuid_text_fields[] = {
    { "", NT_F_UUID, NT_AT(struct nt_uuid_text, text), NT_IN_RPC },
    { 0 },
};

const struct nt_field nt_security_members_fields[] = {
    { "group_id", NT_F_UUID, NT_AT(struct nt_security_members, group_id), NT_IN_RPC | NT_REQUIRED },
    NT_ARRAY_FIELD("addresses4", struct nt_security_members, addresses4, n_addresses4,
                   nt_ip_text_fields, NT_IN_RPC),
    NT_ARRAY_FIELD("addresses6", struct nt_security_members, addresses6, n_addresses6,
                   nt_ip_text_fields, NT_IN_RPC),
    { 0 },
};

const char *
nt_security_protocol(const char *text)
{
    static const struct {
        const char *text, *name;
    } protocols[] = {
        { "tcp", "tcp" },   { "6", "tcp" },  { "udp", "udp" },       { "17", "udp" },
        { "icmp", "icmp" }, { "1", "icmp" }, { "icmpv6", "icmpv6" }, { "ipv6-icmp", "icmpv6" },
        { "58", "icmpv6" },
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(protocols); i++) {
        if (!strcasecmp(text, protocols[i].text)) {
            return protocols[i].name;
        }
    }
    return NULL;
}

static int
normalize_source(struct nt_security_rule *rule, struct nt_err *err)
{
    char prefix6[NT_CIDR6_SIZE];
    struct nt_cidr cidr;
    bool is6;

    if (!*rule->remote_ip_prefix) {
        return 0;
    }
    if (*rule->remote_group_id) {
        return nt_fail(err, NT_INVALID, "a rule has one source: a network or a group");
    }
    if (!strchr(rule->remote_ip_prefix, '/')) {
        return nt_fail(err, NT_INVALID, "%s is not a network such as 192.168.0.0/24",
                       rule->remote_ip_prefix);
    }
    if (nt_cidr_parse(rule->remote_ip_prefix, &cidr)) {
        cidr.ip = nt_cidr_network(&cidr);
        nt_cidr_format(&cidr, rule->remote_ip_prefix);
        is6 = false;
    } else if (nt_cidr6_canon(rule->remote_ip_prefix, prefix6, NULL)) {
        ovs_strlcpy(rule->remote_ip_prefix, prefix6, sizeof rule->remote_ip_prefix);
        is6 = true;
    } else {
        return nt_fail(err, NT_INVALID, "%s is not a network such as 192.168.0.0/24",
                       rule->remote_ip_prefix);
    }

    const char *family = is6 ? "IPv6" : "IPv4";
    if (*rule->ethertype && strcmp(rule->ethertype, family)) {
        return nt_fail(err, NT_INVALID, "%s is no %s network", rule->remote_ip_prefix,
                       rule->ethertype);
    }
    ovs_strlcpy(rule->ethertype, family, sizeof rule->ethertype);
    return 0;
}

static int
normalize_protocol(struct nt_security_rule *rule, struct nt_err *err)
{
    const char *name;

    if (!*rule->protocol) {
        return 0;
    }
    name = nt_security_protocol(rule->protocol);
    if (!name) {
        return nt_fail(err, NT_INVALID, "protocol %s is not tcp, udp or icmp", rule->protocol);
    }
    if (!strcmp(name, "icmp") && !strcmp(rule->ethertype, "IPv6")) {
        name = "icmpv6";
    }
    if (!strcmp(name, "icmpv6")) {
        if (!strcmp(rule->ethertype, "IPv4")) {
            return nt_fail(err, NT_INVALID, "protocol icmpv6 needs an IPv6 source");
        }
        ovs_strlcpy(rule->ethertype, "IPv6", sizeof rule->ethertype);
    }
    ovs_strlcpy(rule->protocol, name, sizeof rule->protocol);
    return 0;
}

static int
check_ports(const struct nt_security_rule *rule, struct nt_err *err)
{
    int64_t min = rule->port_range_min, max = rule->port_range_max;

    if (!*rule->protocol) {
        return min == -1 && max == -1
                   ? 0
                   : nt_fail(err, NT_INVALID, "ports need a protocol that has them");
    }
    if (!strncmp(rule->protocol, "icmp", 4)) {
        if (min < -1 || min > 255 || max < -1 || max > 255 || (min < 0 && max >= 0)) {
            return nt_fail(err, NT_INVALID, "ICMP type %lld, code %lld: must be -1 to 255",
                           (long long) min, (long long) max);
        }
        return 0;
    }
    if (min == -1 && max == -1) {
        return 0;
    }
    if (min < 1 || max > 65535 || min > max) {
        return nt_fail(err, NT_INVALID, "ports %lld to %lld: must be 1 to 65535, in order",
                       (long long) min, (long long) max);
    }
    return 0;
}

int
nt_security_rule_normalize(struct nt_security_rule *rule, struct nt_err *err)
{
    if (!*rule->direction) {
        strcpy(rule->direction, "ingress");
    }
    if (strcmp(rule->direction, "ingress")) {
        return nt_fail(err, NT_INVALID, "direction %s is not offered, only ingress",
                       rule->direction);
    }
    if (*rule->ethertype && strcmp(rule->ethertype, "IPv4") && strcmp(rule->ethertype, "IPv6")) {
        return nt_fail(err, NT_INVALID, "ethertype %s is not IPv4 or IPv6", rule->ethertype);
    }
    if (normalize_source(rule, err) < 0 || normalize_protocol(rule, err) < 0
        || check_ports(rule, err) < 0) {
        return -1;
    }
    /* Without any source nobody means more than the family people think of. */
    if (!*rule->ethertype && !*rule->remote_group_id) {
        strcpy(rule->ethertype, "IPv4");
    }
    return 0;
}

bool
nt_security_rule_equal(const struct nt_security_rule *a, const struct nt_security_rule *b)
{
    return !strcmp(a->direction, b->direction) && !strcmp(a->ethertype, b->ethertype)
           && !strcmp(a->protocol, b->protocol) && a->port_range_min == b->port_range_min
           && a->port_range_max == b->port_range_max
           && !strcmp(a->remote_ip_prefix, b->remote_ip_prefix)
           && !strcmp(a->remote_group_id, b->remote_group_id);
}
