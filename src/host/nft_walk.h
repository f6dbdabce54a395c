/* The same as host/rule_walk.h for native nftables, on what 'nft -a -j list ruleset'
 * printed: which rule of a table that is not ours is in a packet's way.  Pure. */
#pragma once

#include "host/rule_walk.h"

struct json;

struct nt_nft_finding {
    const char *family, *table, *chain; /* Borrowed from the ruleset. */
    long long handle;                   /* Of the rule; -1: the chain's policy. */
    const struct json *rule;            /* NULL with the policy. */
    bool is_sure;
};

/* Whether a table is one that iptables shows, or our guard. */
bool nt_nft_is_known_table(const char *family, const char *table);

/* Walks each base chain on 'hook' ("input", "forward"...) of tables that are not known,
 * and appends what stops the packet: at most one finding per base chain, 'max' in all.
 * Returns how many. */
size_t nt_nft_walk(const struct json *ruleset, const char *hook, const struct nt_walk_packet *,
                   struct nt_nft_finding *, size_t max);
