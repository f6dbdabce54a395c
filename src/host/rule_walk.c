#include <config.h>

#include "host/rule_walk.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/addr.h"

#define MAX_WORD 256
#define MAX_DEPTH 32
#define MAX_STEPS 200000 /* The kernel refuses loops; text from elsewhere may have them. */

/* The next word of a rule, quotes taken off; false at the end. */
static bool
next_word(const char **pos, char *out)
{
    const char *p = *pos + strspn(*pos, " ");
    bool quoted = *p == '"';
    size_t n = 0;

    if (!*p) {
        return false;
    }
    for (p += quoted; *p && (quoted ? *p != '"' : *p != ' '); p++) {
        if (*p == '\\' && p[1]) {
            p++;
        }
        if (n < MAX_WORD - 1) {
            out[n++] = *p;
        }
    }
    out[n] = '\0';
    *pos = p + (quoted && *p == '"');
    return true;
}

bool
nt_walk_is_interface(const char *pattern, const char *name)
{
    size_t n = strlen(pattern);

    if (!name) {
        return false;
    }
    return n && pattern[n - 1] == '+' ? !strncmp(pattern, name, n - 1) : !strcmp(pattern, name);
}

static enum nt_walk_match
yes_or_no(bool yes)
{
    return yes ? NT_WALK_YES : NT_WALK_NO;
}

/* An address, network or "ADDRESS/NETMASK". */
static enum nt_walk_match
match_address(const char *text, uint32_t ip)
{
    struct nt_cidr cidr;
    uint32_t base, mask;
    const char *slash = strchr(text, '/');

    if (nt_cidr_parse(text, &cidr)) {
        return yes_or_no(nt_cidr_contains(&cidr, ip));
    }
    if (nt_ip4_parse(text, &base)) {
        return yes_or_no(base == ip);
    }
    if (slash && slash - text < NT_IP4_SIZE && nt_ip4_parse(slash + 1, &mask)) {
        char address[NT_IP4_SIZE];

        ovs_strlcpy(address, text, slash - text + 1);
        if (nt_ip4_parse(address, &base)) {
            return yes_or_no((base & mask) == (ip & mask));
        }
    }
    return NT_WALK_MAYBE;
}

static enum nt_walk_match
match_proto(const char *text, const char *proto)
{
    static const char *const numbers[] = { "1", "icmp", "6", "tcp", "17", "udp" };

    for (size_t i = 0; i < NT_ARRAY_SIZE(numbers); i += 2) {
        if (!strcmp(text, numbers[i])) {
            text = numbers[i + 1];
        }
    }
    return yes_or_no(!strcmp(text, "all") || !strcmp(text, "0") || !strcasecmp(text, proto));
}

/* "67", "67:68", "53,67:68". */
static enum nt_walk_match
match_ports(const char *text, uint16_t port)
{
    while (*text) {
        char *end;
        unsigned long from = *text == ':' ? 0 : strtoul(text, &end, 10), to = from;

        if (*text == ':') {
            end = (char *) text;
        } else if (end == text) {
            return NT_WALK_MAYBE;
        }
        if (*end == ':') {
            to = isdigit((unsigned char) end[1]) ? strtoul(end + 1, &end, 10) : (end++, 65535);
        }
        if (port >= from && port <= to) {
            return NT_WALK_YES;
        }
        if (*end && *end != ',') {
            return NT_WALK_MAYBE;
        }
        text = end + (*end == ',');
    }
    return NT_WALK_NO;
}

/* One of "NEW,ESTABLISHED". */
static enum nt_walk_match
match_list(const char *list, const char *word)
{
    size_t n = strlen(word);

    for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',') {
        if (strcspn(p, ",") == n && !strncasecmp(p, word, n)) {
            return NT_WALK_YES;
        }
    }
    return NT_WALK_NO;
}

static enum nt_walk_match
match_dst_type(const char *list, const struct nt_walk_packet *p)
{
    bool unicast = !p->is_local_dst && !p->is_broadcast;

    return yes_or_no((p->is_local_dst && match_list(list, "LOCAL") == NT_WALK_YES)
                     || (p->is_broadcast && match_list(list, "BROADCAST") == NT_WALK_YES)
                     || (unicast && match_list(list, "UNICAST") == NT_WALK_YES));
}

/* An option with one value; MAYBE when we do not know it. */
static enum nt_walk_match
match_option(const char *name, const char *value, const struct nt_walk_packet *p)
{
    if (!strcmp(name, "-i")) {
        return yes_or_no(nt_walk_is_interface(value, p->in));
    }
    if (!strcmp(name, "-o")) {
        return yes_or_no(nt_walk_is_interface(value, p->out));
    }
    if (!strcmp(name, "-s")) {
        return match_address(value, p->src);
    }
    if (!strcmp(name, "-d")) {
        return match_address(value, p->dst);
    }
    if (!strcmp(name, "-p")) {
        return match_proto(value, p->proto);
    }
    if (!strcmp(name, "--sport") || !strcmp(name, "--sports")) {
        return match_ports(value, p->sport);
    }
    if (!strcmp(name, "--dport") || !strcmp(name, "--dports")) {
        return match_ports(value, p->dport);
    }
    if (!strcmp(name, "--ports")) {
        return MAX(match_ports(value, p->sport), match_ports(value, p->dport));
    }
    if (!strcmp(name, "--ctstate") || !strcmp(name, "--state")) {
        return match_list(value, p->ctstate);
    }
    if (!strcmp(name, "--dst-type")) {
        return match_dst_type(value, p);
    }
    return NT_WALK_MAYBE;
}

/* Matches that decide nothing by themselves: their options do. */
static bool
is_plain_module(const char *name)
{
    static const char *const names[] = { "tcp",   "udp",       "icmp",      "comment",
                                         "state", "conntrack", "multiport", "addrtype" };

    for (size_t i = 0; i < NT_ARRAY_SIZE(names); i++) {
        if (!strcmp(name, names[i])) {
            return true;
        }
    }
    return false;
}

enum nt_walk_match
nt_walk_rule(const char *text, const struct nt_walk_packet *packet, char *target, size_t size,
             bool *is_goto)
{
    char word[MAX_WORD], value[MAX_WORD];
    enum nt_walk_match all = NT_WALK_YES;
    bool negated = false;

    *target = '\0';
    *is_goto = false;
    while (next_word(&text, word)) {
        if (!strcmp(word, "!")) {
            negated = true;
            continue;
        }
        if (*word != '-') {
            continue; /* A further value of an option we do not know. */
        }
        if (!strcmp(word, "-j") || !strcmp(word, "-g")) {
            *is_goto = word[1] == 'g';
            if (next_word(&text, value)) {
                ovs_strlcpy(target, value, size);
            }
            break;
        }

        enum nt_walk_match m = NT_WALK_MAYBE;
        if (!strcmp(word, "-m") || !strcmp(word, "--comment")) {
            bool known = next_word(&text, value) && (word[1] == '-' || is_plain_module(value));

            m = known ? NT_WALK_YES : NT_WALK_MAYBE;
        } else {
            const char *before = text;

            /* An option without a value is one we do not know. */
            if (next_word(&text, value) && *value != '-') {
                m = match_option(word, value, packet);
            } else {
                text = before;
            }
            m = !negated || m == NT_WALK_MAYBE ? m : yes_or_no(m == NT_WALK_NO);
        }
        negated = false;
        all = MIN(all, m);
    }
    return all;
}

static bool
is_one_of(const char *word, const char *const *words)
{
    for (; *words; words++) {
        if (!strcmp(word, *words)) {
            return true;
        }
    }
    return false;
}

/* False: the target ends nothing (a log, a mark, a chain). */
static bool
ends_walk(const char *target, enum nt_walk_result *out)
{
    static const char *const stops[] = { "DROP", "REJECT", "TARPIT", NULL };
    static const char *const turns[] = { "DNAT", "REDIRECT", "QUEUE",      "NFQUEUE", "TPROXY",
                                         "SNAT", "NETMAP",   "MASQUERADE", NULL };

    *out = is_one_of(target, stops)   ? NT_WALK_STOP
           : is_one_of(target, turns) ? NT_WALK_TURN
                                      : NT_WALK_PASS;
    return *out != NT_WALK_PASS || !strcmp(target, "ACCEPT");
}

struct walk {
    const struct nt_iptables_saved_table *table;
    const struct nt_walk_packet *packet;
    struct nt_walk_verdict decided;
    struct nt_walk_verdict maybe; /* The first drop that is not sure; chain NULL: none. */
    bool is_doubtful;             /* What is not sure may have let it pass. */
    unsigned n_steps;
};

/* Whether a chain decided, or handed the packet back. */
enum walk_end { END_BACK, END_DECIDED };

static enum walk_end
end_walk(struct walk *w, const struct nt_walk_verdict *v)
{
    if (v->is_sure) {
        w->decided = *v;
    } else if (v->result != NT_WALK_STOP) {
        w->is_doubtful = true;
    } else if (!w->maybe.chain) {
        w->maybe = *v;
    }
    return END_DECIDED;
}

/* 'sure' false: the packet may not have come here. */
static enum walk_end
walk_rules(struct walk *w, const struct nt_iptables_saved_chain *chain, bool sure, int depth)
{
    for (size_t i = 0; i < chain->n_rules && depth < MAX_DEPTH; i++) {
        const char *text = chain->rules[i].text;
        char target[MAX_WORD];
        bool is_goto;
        enum nt_walk_match m = nt_walk_rule(text, w->packet, target, sizeof target, &is_goto);
        bool yes = m == NT_WALK_YES;
        enum walk_end end = END_BACK;
        struct nt_walk_verdict v = { .is_sure = sure && yes, .chain = chain->name, .rule = text };
        const struct nt_iptables_saved_chain *next;

        if (++w->n_steps > MAX_STEPS) {
            w->is_doubtful = true;
            return END_BACK;
        }
        if (m == NT_WALK_NO) {
            continue;
        }
        if (ends_walk(target, &v.result)) {
            end = end_walk(w, &v);
        } else if (!strcmp(target, "RETURN")) {
            is_goto = true;
            w->is_doubtful = w->is_doubtful || !yes;
        } else if ((next = nt_iptables_saved_chain_find(w->table, target))) {
            end = walk_rules(w, next, sure && yes, depth + 1);
        } else {
            is_goto = false;
        }
        if (yes && (end == END_DECIDED || is_goto)) {
            return end;
        }
    }
    return END_BACK;
}

void
nt_walk_chain(const struct nt_iptables_saved_table *table, const char *name,
              const struct nt_walk_packet *packet, struct nt_walk_verdict *out)
{
    const struct nt_iptables_saved_chain *chain =
        table ? nt_iptables_saved_chain_find(table, name) : NULL;
    struct walk w = { .table = table, .packet = packet };

    *out = (struct nt_walk_verdict){ .result = NT_WALK_PASS, .is_sure = true };
    if (!chain) {
        return;
    }
    if (walk_rules(&w, chain, true, 0) == END_BACK) {
        w.decided = (struct nt_walk_verdict){
            .result = chain->policy_drops ? NT_WALK_STOP : NT_WALK_PASS,
            .is_sure = true,
            .chain = chain->name,
        };
    }
    if (w.decided.result != NT_WALK_STOP && w.maybe.chain) {
        *out = w.maybe;
        return;
    }
    *out = w.decided;
    out->is_sure = !w.is_doubtful;
}
