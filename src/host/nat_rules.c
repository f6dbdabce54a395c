#include <config.h>

#include "host/nat_rules.h"

#include "base/mem.h"

/* A host as text, without its mask. */
struct ip_text {
    char s[NT_IP4_SIZE];
};

static struct ip_text
text_of(uint32_t ip)
{
    struct ip_text text = { "" };

    nt_ip4_format(ip, text.s);
    return text;
}

char *
nt_rule_dnat(uint32_t from, uint32_t to)
{
    return xasprintf("-d %s/32 -j DNAT --to-destination %s", text_of(from).s, text_of(to).s);
}

char *
nt_rule_snat_guest(uint32_t ip, uint32_t source, const char *out_dev)
{
    return out_dev ? xasprintf("-s %s/32 -o %s -j SNAT --to-source %s", text_of(ip).s, out_dev,
                               text_of(source).s)
                   : xasprintf("-s %s/32 -j SNAT --to-source %s", text_of(ip).s, text_of(source).s);
}

char *
nt_rule_snat_hairpin(uint32_t ip, uint32_t source)
{
    return xasprintf("-s %s/32 -d %s/32 -j SNAT --to-source %s", text_of(ip).s, text_of(ip).s,
                     text_of(source).s);
}

char *
nt_rule_snat_redirected(uint32_t ip, uint32_t source)
{
    return xasprintf("-s %s/32 -m conntrack --ctstate DNAT -j SNAT --to-source %s", text_of(ip).s,
                     text_of(source).s);
}

char *
nt_rule_snat_towards(const struct nt_cidr *range, const struct nt_cidr *to, uint32_t source)
{
    char from_text[NT_CIDR_SIZE], to_text[NT_CIDR_SIZE];
    struct nt_cidr from_net = { nt_cidr_network(range), range->len };
    struct nt_cidr to_net = { nt_cidr_network(to), to->len };

    nt_cidr_format(&from_net, from_text);
    nt_cidr_format(&to_net, to_text);
    return to->len ? xasprintf("-s %s -d %s -j SNAT --to-source %s", from_text, to_text,
                               text_of(source).s)
                   : xasprintf("-s %s -j SNAT --to-source %s", from_text, text_of(source).s);
}

char *
nt_rule_between_interfaces(const char *in, const char *out, const char *target)
{
    return xasprintf("-i %s -o %s -j %s", in, out, target);
}
