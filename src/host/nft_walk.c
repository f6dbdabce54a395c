#include <config.h>

#include "host/nft_walk.h"

#include <string.h>

#include "base/mem.h"
#include "net/addr.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"

#define MAX_DEPTH 32
#define MAX_STEPS 2000000 /* The kernel refuses loops; text from elsewhere may have them. */

bool
nt_nft_is_known_table(const char *family, const char *table)
{
    static const char *const shown[] = { "filter", "nat", "mangle", "raw", "security" };

    for (size_t i = 0; i < NT_ARRAY_SIZE(shown); i++) {
        if ((!strcmp(family, "ip") || !strcmp(family, "ip6")) && !strcmp(table, shown[i])) {
            return true;
        }
    }
    return !strcmp(family, "bridge") && !strcmp(table, "neutrino-guard");
}

static const struct json *
member(const struct json *json, const char *name)
{
    return json && json->type == JSON_OBJECT ? shash_find_data(json_object(json), name) : NULL;
}

static const char *
text(const struct json *json)
{
    return json && json->type == JSON_STRING ? json_string(json) : "";
}

static const char *
member_text(const struct json *json, const char *name)
{
    return text(member(json, name));
}

static size_t
n_elements(const struct json *json)
{
    return json->type == JSON_ARRAY ? json->array.n : 0;
}

static const struct json *
element(const struct json *array, size_t i)
{
    return array->array.elems[i];
}

/* Matches. */

/* What the left side of a match is, as a number or a text of the packet; false: we do
 * not know. */
struct operand {
    const char *text; /* NULL: a number. */
    bool is_address;
    long long number;
};

static bool
read_meta(const char *key, const struct nt_walk_packet *p, struct operand *out)
{
    if (!strcmp(key, "iifname") || !strcmp(key, "iif")) {
        out->text = p->in ? p->in : "";
    } else if (!strcmp(key, "oifname") || !strcmp(key, "oif")) {
        out->text = p->out ? p->out : "";
    } else if (!strcmp(key, "l4proto")) {
        out->text = p->proto;
    } else if (!strcmp(key, "nfproto")) {
        out->text = "ipv4";
    } else if (!strcmp(key, "protocol")) {
        out->text = "ip";
    } else if (!strcmp(key, "pkttype")) {
        out->text = p->is_broadcast ? "broadcast" : "host";
    } else {
        return false;
    }
    return true;
}

static bool
read_payload(const struct json *payload, const struct nt_walk_packet *p, struct operand *out)
{
    const char *protocol = member_text(payload, "protocol");
    const char *field = member_text(payload, "field");
    bool source = *field == 's';

    if (!strcmp(protocol, "ip") && (!strcmp(field, "saddr") || !strcmp(field, "daddr"))) {
        out->is_address = true;
        out->number = source ? p->src : p->dst;
    } else if (!strcmp(protocol, "ip") && !strcmp(field, "protocol")) {
        out->text = p->proto;
    } else if ((!strcmp(protocol, p->proto) || !strcmp(protocol, "th"))
               && (!strcmp(field, "sport") || !strcmp(field, "dport"))) {
        out->number = source ? p->sport : p->dport;
    } else {
        return false;
    }
    return true;
}

/* A payload of another protocol than the packet's never matches. */
static bool
is_other_protocol(const struct json *payload, const struct nt_walk_packet *p)
{
    static const char *const others[] = { "tcp",  "udp",  "ip6",  "icmpv6",
                                          "icmp", "sctp", "dccp", "udplite" };
    const char *protocol = member_text(payload, "protocol");

    for (size_t i = 0; i < NT_ARRAY_SIZE(others); i++) {
        if (!strcmp(protocol, others[i])) {
            return strcmp(protocol, p->proto) != 0;
        }
    }
    return false;
}

static bool
address_of(const struct json *json, long long *out)
{
    uint32_t ip;

    if (!json || json->type != JSON_STRING || !nt_ip4_parse(json_string(json), &ip)) {
        return false;
    }
    *out = ip;
    return true;
}

static bool
number_of(const struct json *json, bool is_address, long long *out)
{
    if (is_address) {
        return address_of(json, out);
    }
    if (!json || json->type != JSON_INTEGER) {
        return false;
    }
    *out = json_integer(json);
    return true;
}

static enum nt_walk_match
yes_or_no(bool yes)
{
    return yes ? NT_WALK_YES : NT_WALK_NO;
}

static enum nt_walk_match
match_prefix(const struct json *prefix, const struct operand *left)
{
    const struct json *bits = member(prefix, "len");
    long long base;

    if (!address_of(member(prefix, "addr"), &base) || !bits || bits->type != JSON_INTEGER
        || json_integer(bits) < 0 || json_integer(bits) > 32) {
        return NT_WALK_MAYBE;
    }
    struct nt_cidr cidr = { base, json_integer(bits) };
    return yes_or_no(nt_cidr_contains(&cidr, left->number));
}

static enum nt_walk_match
match_range(const struct json *range, const struct operand *left)
{
    long long from, to;

    if (n_elements(range) != 2 || !number_of(element(range, 0), left->is_address, &from)
        || !number_of(element(range, 1), left->is_address, &to)) {
        return NT_WALK_MAYBE;
    }
    return yes_or_no(left->number >= from && left->number <= to);
}

static bool
is_text_match(const char *pattern, const char *value)
{
    size_t n = strlen(pattern);

    return n && pattern[n - 1] == '*' ? !strncmp(pattern, value, n - 1) : !strcmp(pattern, value);
}

static enum nt_walk_match match_value(const struct json *right, const struct operand *left);

static enum nt_walk_match
match_any(const struct json *elements, const struct operand *left)
{
    enum nt_walk_match best = NT_WALK_NO;

    for (size_t i = 0; i < n_elements(elements); i++) {
        const struct json *e = element(elements, i);
        const struct json *elem = member(member(e, "elem"), "val");

        best = MAX(best, match_value(elem ? elem : e, left));
    }
    return elements->type == JSON_ARRAY ? best : NT_WALK_MAYBE;
}

static enum nt_walk_match
match_value(const struct json *right, const struct operand *left)
{
    const struct json *inner;
    long long number;

    if ((inner = member(right, "set"))) {
        return match_any(inner, left);
    }
    if (right->type == JSON_ARRAY) {
        return match_any(right, left);
    }
    if (right->type == JSON_STRING && *json_string(right) == '@') {
        return NT_WALK_MAYBE;
    }
    if (left->text) {
        return right->type == JSON_STRING ? yes_or_no(is_text_match(json_string(right), left->text))
                                          : NT_WALK_MAYBE;
    }
    if ((inner = member(right, "prefix"))) {
        return match_prefix(inner, left);
    }
    if ((inner = member(right, "range"))) {
        return match_range(inner, left);
    }
    return number_of(right, left->is_address, &number) ? yes_or_no(number == left->number)
                                                       : NT_WALK_MAYBE;
}

static enum nt_walk_match
match_expression(const struct json *match, const struct nt_walk_packet *p)
{
    const struct json *left = member(match, "left"), *right = member(match, "right");
    const struct json *meta = member(left, "meta"), *payload = member(left, "payload");
    const char *op = member_text(match, "op");
    struct operand operand = { .text = NULL };
    enum nt_walk_match m = NT_WALK_MAYBE;

    if (payload && is_other_protocol(payload, p)) {
        return NT_WALK_NO;
    }
    if (!right || (strcmp(op, "==") && strcmp(op, "!=") && strcmp(op, "in"))) {
        return NT_WALK_MAYBE;
    }
    if (!strcmp(member_text(member(left, "ct"), "key"), "state")) {
        char state[16];

        ovs_strlcpy(state, p->ctstate, sizeof state);
        for (char *c = state; *c; c++) {
            *c |= 0x20;
        }
        operand.text = state;
        m = match_value(right, &operand);
    } else if ((meta && read_meta(member_text(meta, "key"), p, &operand))
               || (payload && read_payload(payload, p, &operand))) {
        m = match_value(right, &operand);
    }
    return strcmp(op, "!=") || m == NT_WALK_MAYBE ? m : yes_or_no(m == NT_WALK_NO);
}

/* Statements that change nothing about where the packet goes. */
static bool
is_harmless(const char *name)
{
    static const char *const names[] = { "counter", "log", "comment", "mangle", "ct helper" };

    for (size_t i = 0; i < NT_ARRAY_SIZE(names); i++) {
        if (!strcmp(name, names[i])) {
            return true;
        }
    }
    return false;
}

/* Chains. */

struct walk {
    const struct json *ruleset; /* The array. */
    const struct nt_walk_packet *packet;
    const char *family, *table;
    struct nt_nft_finding *finding; /* Where to put it. */
    bool has_finding, is_doubtful;
    unsigned n_steps;
};

enum walk_end { END_BACK, END_PASSED, END_STOPPED };

static enum walk_end walk_chain(struct walk *, const char *chain, bool sure, int depth);

static void
find_it(struct walk *w, const char *chain, const struct json *rule, bool sure)
{
    const struct json *handle = member(rule, "handle");

    if (!w->has_finding || (sure && !w->finding->is_sure)) {
        *w->finding = (struct nt_nft_finding){
            .family = w->family,
            .table = w->table,
            .chain = chain,
            .handle = handle && handle->type == JSON_INTEGER ? json_integer(handle) : -1,
            .rule = rule,
            .is_sure = sure && !w->is_doubtful,
        };
        w->has_finding = true;
    }
}

/* A verdict ("drop", "jump"...) that holds, or with 'yes' false may. */
static enum walk_end
follow(struct walk *w, const struct json *rule, const char *name, const struct json *statement,
       bool sure, int depth)
{
    const char *chain = member_text(rule, "chain");

    if (!strcmp(name, "drop") || !strcmp(name, "reject")) {
        find_it(w, chain, rule, sure);
        return END_STOPPED;
    }
    if (!strcmp(name, "accept") || !strcmp(name, "queue")) {
        w->is_doubtful = w->is_doubtful || !sure;
        return END_PASSED;
    }
    if (!strcmp(name, "jump") || !strcmp(name, "goto")) {
        return walk_chain(w, member_text(statement, "target"), sure, depth + 1);
    }
    return END_BACK;
}

/* One rule: its matches, then its verdict.  '*back': return, or a goto that came back. */
static enum walk_end
walk_rule(struct walk *w, const struct json *rule, bool sure, int depth, bool *back)
{
    const struct json *expr = member(rule, "expr");
    bool yes = true;

    for (size_t i = 0; expr && i < n_elements(expr); i++) {
        const struct json *e = element(expr, i);
        const struct shash_node *node = e->type == JSON_OBJECT ? shash_first(json_object(e)) : NULL;

        if (!node) {
            continue;
        }
        if (!strcmp(node->name, "match")) {
            enum nt_walk_match m = match_expression(node->data, w->packet);

            if (m == NT_WALK_NO) {
                return END_BACK;
            }
            yes = yes && m == NT_WALK_YES;
        } else if (!strcmp(node->name, "return")) {
            *back = yes;
            w->is_doubtful = w->is_doubtful || !yes;
            return END_BACK;
        } else {
            enum walk_end end = follow(w, rule, node->name, node->data, sure && yes, depth);

            if (end != END_BACK) {
                return yes ? end : END_BACK;
            }
            if (!strcmp(node->name, "goto")) {
                *back = yes;
                return END_BACK;
            }
            /* A limit, a set, a verdict map: unknown. */
            yes = yes && (is_harmless(node->name) || !strcmp(node->name, "jump"));
        }
    }
    return END_BACK;
}

static enum walk_end
walk_chain(struct walk *w, const char *chain, bool sure, int depth)
{
    for (size_t i = 0; i < n_elements(w->ruleset) && depth < MAX_DEPTH; i++) {
        const struct json *rule = member(element(w->ruleset, i), "rule");
        bool back = false;

        if (++w->n_steps > MAX_STEPS) {
            w->is_doubtful = true;
            return END_BACK;
        }
        if (!rule || strcmp(member_text(rule, "chain"), chain)
            || strcmp(member_text(rule, "table"), w->table)
            || strcmp(member_text(rule, "family"), w->family)) {
            continue;
        }

        enum walk_end end = walk_rule(w, rule, sure, depth, &back);
        if (end != END_BACK || back) {
            return end;
        }
    }
    return END_BACK;
}

size_t
nt_nft_walk(const struct json *ruleset, const char *hook, const struct nt_walk_packet *packet,
            struct nt_nft_finding *findings, size_t max)
{
    const struct json *list = member(ruleset, "nftables");
    size_t n = 0;

    if (!list) {
        return 0;
    }
    for (size_t i = 0; i < n_elements(list) && n < max; i++) {
        const struct json *chain = member(element(list, i), "chain");
        const char *family = member_text(chain, "family"), *table = member_text(chain, "table");
        bool sees_ipv4 = !strcmp(family, "ip") || !strcmp(family, "inet");

        if (!chain || strcmp(member_text(chain, "hook"), hook)
            || (!sees_ipv4 && (strcmp(family, "bridge") || !packet->is_bridged))
            || nt_nft_is_known_table(family, table)) {
            continue;
        }

        struct walk w = { .ruleset = list,
                          .packet = packet,
                          .family = family,
                          .table = table,
                          .finding = &findings[n] };
        const char *name = member_text(chain, "name");
        if (walk_chain(&w, name, true, 0) == END_BACK
            && !strcmp(member_text(chain, "policy"), "drop")) {
            find_it(&w, name, NULL, true);
        }
        n += w.has_finding;
    }
    return n;
}
