/* The iptables content that one host program wants.
 *
 * A program acts in one or more roles, each with a prefix ("nova-network"), and
 * owns the chains PREFIX-NAME.  It reaches them by hooks: jumps in the built-in
 * chains and in two shared chains, nova-filter-top (before everything else) and
 * nova-postrouting-bottom (after everything else of ours).  The order of the jumps
 * is by rank, not by who started last.
 *
 * A NAME is own when it has no '-' or begins with inst-, sg- or float-.  So the
 * role nova-api never takes chains of nova-api-metadata for its own.
 *
 * A want is built from scratch for each change, then given to nt_iptables_set().
 * A chain handed out is valid as long as the want, or whoever holds it: chains that
 * are finished can be shared with the next want instead of being built again.
 * Building and comparing is pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "openvswitch/hmap.h"
#include "openvswitch/shash.h"

#define NT_IPTABLES_PREFIX_MAX 16
#define NT_IPTABLES_FILTER_TOP "nova-filter-top"
#define NT_IPTABLES_POSTROUTING_BOTTOM "nova-postrouting-bottom"

enum nt_iptables_table {
    NT_IPTABLES_FILTER,
    NT_IPTABLES_NAT,
    NT_IPTABLES_MANGLE,
    NT_IPTABLES_N_TABLES
};

enum nt_iptables_rank {
    NT_IPTABLES_RANK_NETWORK,
    NT_IPTABLES_RANK_COMPUTE,
    NT_IPTABLES_RANK_API,
};

/* Where a line of ours stands in a chain that is not ours alone: first the jumps to
 * the shared top, then roles by rank, then the shared bottom, then the others. */
enum { NT_IPTABLES_KEY_TOP = 0, NT_IPTABLES_KEY_ROLE = 1000, NT_IPTABLES_KEY_BOTTOM = 2000 };

struct nt_iptables_chain {
    char *name;
    char *comment;   /* Added to each rule; NULL: none. */
    unsigned n_refs; /* Wants it stands in, and whoever holds it. */
    char **rules;
    size_t n_rules, allocated;
    struct hmap texts; /* Each rule once; empty while there are few of them. */
};

struct nt_iptables_hook {
    char *chain; /* Built-in or shared. */
    char *text;
    unsigned key;
};

struct nt_iptables_owner {
    char prefix[NT_IPTABLES_PREFIX_MAX + 1];
    unsigned rank;
};

struct nt_iptables_want_table {
    struct shash by_name; /* Of "struct nt_iptables_chain". */
    struct nt_iptables_chain **chains;
    size_t n_chains, allocated_chains;
    struct nt_iptables_hook *hooks; /* By key, then as added. */
    size_t n_hooks, allocated_hooks;
};

struct nt_iptables_want {
    char *comment;
    char *top_regex, *bottom_regex; /* NULL: none. */
    struct nt_iptables_owner *owners;
    size_t n_owners, allocated_owners;
    struct nt_iptables_want_table tables[NT_IPTABLES_N_TABLES];
};

/* 'comment' says in each rule whose it is ("neutrino-flat"); NULL: no comments. */
struct nt_iptables_want *nt_iptables_want_new(const char *comment);
void nt_iptables_want_free(struct nt_iptables_want *);
NT_AUTO(nt_iptables_want)

/* Lines of others in built-in chains that match stay above ours, with all before them:
 * "-A CHAIN RULE" from its start, by an extended regular expression (a wrong one matches
 * nothing).  NULL or empty: none. */
void nt_iptables_want_top_regex(struct nt_iptables_want *, const char *regex);

/* Lines of others that match stay below ours, with all behind them, whatever the top
 * expression says of those. */
void nt_iptables_want_bottom_regex(struct nt_iptables_want *, const char *regex);

/* Only claims the prefix (cut to NT_IPTABLES_PREFIX_MAX characters): without
 * anything else, all its chains go away. */
void nt_iptables_role_claim(struct nt_iptables_want *, const char *prefix, unsigned rank);

/* Claims the prefix and adds what every role has in filter and nat: local, INPUT,
 * OUTPUT, FORWARD; PREROUTING, OUTPUT, POSTROUTING, snat, float-snat, and hooks. */
void nt_iptables_role_init(struct nt_iptables_want *, const char *prefix, unsigned rank);

/* The same without nat: for IPv6, where nothing is translated. */
void nt_iptables_role_init_filter(struct nt_iptables_want *, const char *prefix, unsigned rank);

/* Adds PREFIX-POSTROUTING in mangle and its hook. */
void nt_iptables_role_mangle(struct nt_iptables_want *, const char *prefix, unsigned rank);

/* The own chain of that full name, made when missing.  'name' must be own in the
 * sense above and at most NT_CHAIN_NAME_MAX characters. */
struct nt_iptables_chain *nt_iptables_chain(struct nt_iptables_want *, enum nt_iptables_table,
                                            const char *name);

/* A chain that is finished, in another want: hold it, put it into the next one of the same
 * comment, and drop it when it is not needed any more.  The want must own its name
 * and not have it already. */
struct nt_iptables_chain *nt_iptables_chain_hold(struct nt_iptables_chain *);
void nt_iptables_chain_drop(struct nt_iptables_chain *);
void nt_iptables_chain_share(struct nt_iptables_want *, enum nt_iptables_table,
                             struct nt_iptables_chain *);

/* Appends a rule; the text is what comes after "-A CHAIN ", as iptables prints it
 * (host/rules.h makes such text; masks are put right here as well).  A rule that
 * is there already is not added again.  _take frees 'text'; _note adds to the
 * want's comment, if it has one, what the rule is for. */
void nt_iptables_rule(struct nt_iptables_chain *, const char *text);
void nt_iptables_rule_take(struct nt_iptables_chain *, char *text);
void nt_iptables_rule_note(struct nt_iptables_chain *, const char *note, const char *text);

/* Appends a rule that was read from a chain of another want. */
void nt_iptables_rule_again(struct nt_iptables_chain *, const char *finished);

/* A line in a built-in or shared chain.  Its target must be an own or shared chain. */
void nt_iptables_hook(struct nt_iptables_want *, enum nt_iptables_table, const char *chain,
                      const char *text, unsigned key);

const char *nt_iptables_table_name(enum nt_iptables_table);

/* Whether 'chain' belongs to one of the want's prefixes. */
bool nt_iptables_owns(const struct nt_iptables_want *, const char *chain);

/* Where the line that jumps to 'chain' stands, when a program of ours (this one or
 * another) put it there; UINT_MAX for everybody else's chains. */
unsigned nt_iptables_key_of(const struct nt_iptables_want *, const char *chain);

bool nt_iptables_want_equal(const struct nt_iptables_want *, const struct nt_iptables_want *);

/* As text, for people and tests: "*table", hooks, chains, rules.  The caller frees. */
char *nt_iptables_want_dump(const struct nt_iptables_want *);
