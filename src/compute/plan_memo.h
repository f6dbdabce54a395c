/* What was planned for each guest in one family, so that a change plans anew only the
 * guests it concerns: the plan is still made of all of them each time, but of one
 * that did not change its finished chain is taken.
 *
 * A guest is known by its version (compute/guest.h); one without is not remembered.
 * Holds its chains; other wants may hold them too. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "host/iptables_want.h"

struct plan_memo;

/* One guest's own chain, and the rules that lead to it. */
struct plan_part {
    struct nt_iptables_chain *chain;
    char **jumps;
    size_t n_jumps;
};

/* What besides the guest its chain is made of. */
struct plan_memo_key {
    bool golden, allow_same_net_traffic, use_ipsets;
    uint64_t groups_version, members_version;
};

struct plan_memo *plan_memo_new(void);
void plan_memo_free(struct plan_memo *);
NT_AUTO(plan_memo)

/* A plan begins.  With another key than the last one everything is forgotten. */
void plan_memo_begin(struct plan_memo *, const struct plan_memo_key *);

/* NULL: not known.  Borrowed until the plan ends. */
const struct plan_part *plan_memo_find(struct plan_memo *, uint64_t version);

/* Holds 'chain' and copies 'jumps'. */
void plan_memo_put(struct plan_memo *, uint64_t version, struct nt_iptables_chain *chain,
                   char *const *jumps, size_t n_jumps);

/* The plan is made: what it did not ask for is forgotten. */
void plan_memo_end(struct plan_memo *);
