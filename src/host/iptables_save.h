/* What iptables-save printed, as a value: tables, chains, rules with counters.
 *
 * The parser also takes the text we give to iptables-restore (-I, -D, -F, -X), so
 * that after a successful restore the same text brings the value up to date and
 * the kernel need not be read again.  Rules are kept as text, exactly as printed
 * after "-A CHAIN ".
 *
 * The state owns everything below it; pointers handed out are valid until the
 * next load.  Pure; no input or output. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "openvswitch/shash.h"

struct nt_iptables_counters {
    uint64_t packets, bytes;
};

struct nt_iptables_saved_rule {
    char *text;
    struct nt_iptables_counters counters;
};

struct nt_iptables_saved_chain {
    char *name;
    bool is_builtin;   /* Has a policy; cannot be removed. */
    bool policy_drops; /* What no rule decides is dropped. */
    struct nt_iptables_saved_rule *rules;
    size_t n_rules, allocated;
};

struct nt_iptables_saved_table {
    char *name;
    bool is_foreign;                         /* Holds nftables rules that iptables cannot show. */
    struct shash by_name;                    /* Of "struct nt_iptables_saved_chain". */
    struct nt_iptables_saved_chain **chains; /* In the order of the text. */
    size_t n_chains, allocated;
};

struct nt_iptables_state {
    struct shash tables; /* Of "struct nt_iptables_saved_table". */
};

struct nt_iptables_state *nt_iptables_state_new(void);
void nt_iptables_state_free(struct nt_iptables_state *);
NT_AUTO(nt_iptables_state)

/* Adds 'text' (NUL-terminated) to what is there.  Fails with NT_INVALID, naming the
 * line; then the state is to be thrown away. */
NT_NODISCARD int nt_iptables_state_load(struct nt_iptables_state *, const char *text,
                                        struct nt_err *);

/* NULL when there is none. */
struct nt_iptables_saved_table *nt_iptables_state_table(const struct nt_iptables_state *,
                                                        const char *name);
struct nt_iptables_saved_chain *nt_iptables_saved_chain_find(const struct nt_iptables_saved_table *,
                                                             const char *name);
