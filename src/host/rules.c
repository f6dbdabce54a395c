#include <config.h>

#include "host/rules.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"

#define LOOPBACK_FIRST 0x7f000000u
#define LOOPBACK_MASK 0xff000000u

static bool
is_loopback(uint32_t ip)
{
    return (ip & LOOPBACK_MASK) == LOOPBACK_FIRST;
}

static void
put_net(struct ds *s, const char *option, const struct nt_cidr *cidr)
{
    if (!cidr || cidr->len == 0) {
        return;
    }

    struct nt_cidr net = { .ip = nt_cidr_network(cidr), .len = cidr->len };
    char text[NT_CIDR_SIZE];

    nt_cidr_format(&net, text);
    ds_put_format(s, "%s %s ", option, text);
}

static void
put_host(struct ds *s, const char *option, uint32_t ip)
{
    struct nt_cidr host = { .ip = ip, .len = 32 };

    put_net(s, option, &host);
}

static void
put_ip(struct ds *s, uint32_t ip)
{
    char text[NT_IP4_SIZE];

    nt_ip4_format(ip, text);
    ds_put_cstr(s, text);
}

char *
nt_rule_from_interface(const char *dev, const char *target)
{
    return xasprintf("-i %s -j %s", dev, target);
}

char *
nt_rule_to_interface(const char *dev, const char *target)
{
    return xasprintf("-o %s -j %s", dev, target);
}

char *
nt_rule_service(const char *dev, const char *proto, uint16_t port)
{
    return xasprintf("-i %s -p %s -m %s --dport %u -j ACCEPT", dev, proto, proto, port);
}

char *
nt_rule_accept_tcp_to(uint32_t host, uint16_t port)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    if (!is_loopback(host)) {
        put_host(&s, "-d", host);
    }
    ds_put_format(&s, "-p tcp -m tcp --dport %u ", port);
    if (is_loopback(host)) {
        ds_put_cstr(&s, "-m addrtype --dst-type LOCAL ");
    }
    ds_put_cstr(&s, "-j ACCEPT");
    return ds_steal_cstr(&s);
}

char *
nt_rule_accept_between(const struct nt_cidr *src, const struct nt_cidr *dst)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    put_net(&s, "-s", src);
    put_net(&s, "-d", dst);
    ds_put_cstr(&s, "-j ACCEPT");
    return ds_steal_cstr(&s);
}

char *
nt_rule_accept_from(const struct nt_cidr *src)
{
    return nt_rule_accept_between(src, NULL);
}

char *
nt_rule_accept_inside(const struct nt_cidr *range)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    put_net(&s, "-s", range);
    put_net(&s, "-d", range);
    ds_put_cstr(&s, "-m conntrack ! --ctstate DNAT -j ACCEPT");
    return ds_steal_cstr(&s);
}

char *
nt_rule_snat(const struct nt_cidr *range, uint32_t source, const char *out_dev)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    put_net(&s, "-s", range);
    if (out_dev) {
        ds_put_format(&s, "-o %s ", out_dev);
    }
    ds_put_cstr(&s, "-j SNAT --to-source ");
    put_ip(&s, source);
    return ds_steal_cstr(&s);
}

char *
nt_rule_metadata_dnat(uint32_t host, uint16_t port)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&s, "-d 169.254.169.254/32 -p tcp -m tcp --dport 80 ");
    if (is_loopback(host)) {
        ds_put_format(&s, "-j REDIRECT --to-ports %u", port);
    } else {
        ds_put_cstr(&s, "-j DNAT --to-destination ");
        put_ip(&s, host);
        ds_put_format(&s, ":%u", port);
    }
    return ds_steal_cstr(&s);
}

char *
nt_rule_dhcp_checksum(const char *dev)
{
    return xasprintf("-o %s -p udp -m udp --dport 68 -j CHECKSUM --checksum-fill", dev);
}

char *
nt_rule_accept_dhcp_server(uint32_t server)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    put_host(&s, "-s", server);
    ds_put_cstr(&s, "-p udp -m udp --sport 67 --dport 68 -j ACCEPT");
    return ds_steal_cstr(&s);
}

char *
nt_rule_jump_to_ip(uint32_t ip, const char *chain)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    put_host(&s, "-d", ip);
    ds_put_format(&s, "-j %s", chain);
    return ds_steal_cstr(&s);
}

char *
nt_rule_jump_to_ip6(const char *ip, const char *chain)
{
    return xasprintf("-d %s/128 -j %s", ip, chain);
}

static void
put_icmp_type(struct ds *s, int type, int code)
{
    if (type < 0) {
        return;
    }
    /* Type 255 is iptables' own number for "every type". */
    if (type == 255) {
        ds_put_cstr(s, "-m icmp --icmp-type any ");
    } else if (code < 0) {
        ds_put_format(s, "-m icmp --icmp-type %d ", type);
    } else {
        ds_put_format(s, "-m icmp --icmp-type %d/%d ", type, code);
    }
}

static void
put_icmp6_type(struct ds *s, int type, int code)
{
    if (type < 0) {
        return;
    }
    ds_put_format(s, "-m icmp6 --icmpv6-type %d", type);
    if (code >= 0) {
        ds_put_format(s, "/%d", code);
    }
    ds_put_char(s, ' ');
}

static void
put_ports(struct ds *s, const char *proto, int from, int to)
{
    if (from < 0) {
        return;
    }
    if (from == to) {
        ds_put_format(s, "-m %s --dport %d ", proto, from);
    } else {
        ds_put_format(s, "-m multiport --dports %d:%d ", from, to);
    }
}

char *
nt_rule_match(const struct nt_rule_match *m, const char *target)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    bool is_icmp6 = m->proto && !strcmp(m->proto, "icmpv6");

    put_net(&s, "-s", m->src);
    if (m->src6 && strcmp(m->src6, "::/0")) {
        ds_put_format(&s, "-s %s ", m->src6);
    }
    if (m->proto) {
        ds_put_format(&s, "-p %s ", is_icmp6 ? "ipv6-icmp" : m->proto);
    }
    if (m->src_set) {
        ds_put_format(&s, "-m set --match-set %s src ", m->src_set);
    }
    if (is_icmp6) {
        put_icmp6_type(&s, m->from, m->to);
    } else if (m->proto && !strcmp(m->proto, "icmp")) {
        put_icmp_type(&s, m->from, m->to);
    } else if (m->proto) {
        put_ports(&s, m->proto, m->from, m->to);
    }
    ds_put_format(&s, "-j %s", target);
    return ds_steal_cstr(&s);
}

/* Words of a rule: a quoted string, blanks and escapes included, is one word. */
struct word {
    const char *start;
    size_t len;
};

static bool
next_word(const char **pos, struct word *w)
{
    const char *p = *pos;

    while (*p == ' ') {
        p++;
    }
    if (!*p) {
        return false;
    }

    bool is_quoted = false;

    w->start = p;
    while (*p && (is_quoted || *p != ' ')) {
        if (*p == '\\' && p[1]) {
            p++;
        } else if (*p == '"') {
            is_quoted = !is_quoted;
        }
        p++;
    }
    w->len = (size_t) (p - w->start);
    *pos = p;
    return true;
}

static bool
word_is(const struct word *w, const char *text)
{
    return w->len == strlen(text) && !memcmp(w->start, text, w->len);
}

static void
put_word(struct ds *s, const struct word *w)
{
    if (s->length) {
        ds_put_char(s, ' ');
    }
    ds_put_buffer(s, w->start, w->len);
}

/* The address word after -s or -d.  A mask that is no prefix length, a name or a
 * list is left alone. */
static void
put_address(struct ds *s, const struct word *option, const struct word *value)
{
    AUTO_FREE char *text = xmemdup0(value->start, value->len);
    struct nt_cidr cidr;

    if (!nt_cidr_parse(text, &cidr)) {
        put_word(s, option);
        put_word(s, value);
        return;
    }
    if (cidr.len == 0) {
        return;
    }

    char canon[NT_CIDR_SIZE];

    cidr.ip = nt_cidr_network(&cidr);
    nt_cidr_format(&cidr, canon);
    put_word(s, option);
    ds_put_format(s, " %s", canon);
}

char *
nt_rule_canon(const char *text)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    struct word w, value;

    while (next_word(&text, &w)) {
        if ((word_is(&w, "-s") || word_is(&w, "-d")) && next_word(&text, &value)) {
            put_address(&s, &w, &value);
        } else {
            put_word(&s, &w);
        }
    }
    return ds_steal_cstr(&s);
}

/* Where the target begins: at -j or -g, or at the end. */
static const char *
find_target(const char *text, struct word *option)
{
    const char *pos = text;

    while (next_word(&pos, option)) {
        if (word_is(option, "-j") || word_is(option, "-g")) {
            return option->start;
        }
    }
    return NULL;
}

static void
put_comment(struct ds *s, const char *comment)
{
    static const char plain[] = "_-0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t len = strnlen(comment, NT_RULE_COMMENT_MAX);
    bool is_plain = strspn(comment, plain) >= len;

    ds_put_cstr(s, "-m comment --comment ");
    if (!is_plain) {
        ds_put_char(s, '"');
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char) comment[i];

        if (strchr("\"\\'", c) && c) {
            ds_put_char(s, '\\');
        }
        ds_put_char(s, c < ' ' || c == 127 ? ' ' : (char) c);
    }
    if (!is_plain) {
        ds_put_char(s, '"');
    }
}

char *
nt_rule_with_comment(const char *text, const char *comment)
{
    if (!comment || !comment[0]) {
        return xstrdup(text);
    }

    struct ds s = DS_EMPTY_INITIALIZER;
    struct word option;
    const char *target = find_target(text, &option);
    size_t before = target ? (size_t) (target - text) : strlen(text);

    ds_put_buffer(&s, text, before);
    if (before && text[before - 1] != ' ') {
        ds_put_char(&s, ' ');
    }
    put_comment(&s, comment);
    if (target) {
        ds_put_format(&s, " %s", target);
    }
    return ds_steal_cstr(&s);
}

bool
nt_rule_target(const char *text, char *out, size_t size)
{
    struct word w;
    const char *pos = find_target(text, &w);

    if (!pos) {
        return false;
    }
    pos += w.len;
    if (!next_word(&pos, &w) || w.len >= size) {
        return false;
    }
    memcpy(out, w.start, w.len);
    out[w.len] = '\0';
    return true;
}

bool
nt_rule_is_plain_jump(const char *text, const char *chain)
{
    struct word w;

    while (next_word(&text, &w)) {
        if (word_is(&w, "-j")) {
            return next_word(&text, &w) && word_is(&w, chain) && !next_word(&text, &w);
        }
        if (word_is(&w, "-m") && next_word(&text, &w) && word_is(&w, "comment")
            && next_word(&text, &w) && word_is(&w, "--comment") && next_word(&text, &w)) {
            continue;
        }
        return false;
    }
    return false;
}
