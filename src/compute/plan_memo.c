#include <config.h>

#include "compute/plan_memo.h"

#include <string.h>

#include "base/hashing.h"
#include "base/mem.h"
#include "openvswitch/hmap.h"

struct known {
    struct hmap_node node; /* By version. */
    uint64_t version;
    unsigned turn; /* Of the plan that asked for it last. */
    struct plan_part part;
};

struct plan_memo {
    struct hmap guests; /* struct known. */
    struct plan_memo_key key;
    unsigned turn;
    size_t n_used; /* In this turn. */
};

struct plan_memo *
plan_memo_new(void)
{
    struct plan_memo *memo = xzalloc(sizeof *memo);

    hmap_init(&memo->guests);
    return memo;
}

static void
forget(struct plan_memo *memo, struct known *known)
{
    hmap_remove(&memo->guests, &known->node);
    for (size_t i = 0; i < known->part.n_jumps; i++) {
        free(known->part.jumps[i]);
    }
    free(known->part.jumps);
    nt_iptables_chain_drop(known->part.chain);
    free(known);
}

/* 'all', or those that the plan under way did not ask for. */
static void
forget_guests(struct plan_memo *memo, bool all)
{
    struct known *known;

    HMAP_FOR_EACH_SAFE (known, node, &memo->guests) {
        if (all || known->turn != memo->turn) {
            forget(memo, known);
        }
    }
}

void
plan_memo_free(struct plan_memo *memo)
{
    if (memo) {
        forget_guests(memo, true);
        hmap_destroy(&memo->guests);
        free(memo);
    }
}

static bool
keys_equal(const struct plan_memo_key *a, const struct plan_memo_key *b)
{
    return a->golden == b->golden && a->allow_same_net_traffic == b->allow_same_net_traffic
           && a->use_ipsets == b->use_ipsets && a->groups_version == b->groups_version
           && a->members_version == b->members_version;
}

void
plan_memo_begin(struct plan_memo *memo, const struct plan_memo_key *key)
{
    if (!keys_equal(&memo->key, key)) {
        forget_guests(memo, true);
        memo->key = *key;
    }
    memo->turn++;
    memo->n_used = 0;
}

const struct plan_part *
plan_memo_find(struct plan_memo *memo, uint64_t version)
{
    struct known *known;

    HMAP_FOR_EACH_WITH_HASH (known, node, hash_uint64(version), &memo->guests) {
        if (known->version == version) {
            known->turn = memo->turn;
            memo->n_used++;
            return &known->part;
        }
    }
    return NULL;
}

void
plan_memo_put(struct plan_memo *memo, uint64_t version, struct nt_iptables_chain *chain,
              char *const *jumps, size_t n_jumps)
{
    if (!version) {
        return;
    }

    struct known *known = xzalloc(sizeof *known);

    known->version = version;
    known->turn = memo->turn;
    known->part.chain = nt_iptables_chain_hold(chain);
    known->part.n_jumps = n_jumps;
    known->part.jumps = xcalloc(n_jumps ? n_jumps : 1, sizeof *known->part.jumps);
    for (size_t i = 0; i < n_jumps; i++) {
        known->part.jumps[i] = xstrdup(jumps[i]);
    }
    hmap_insert(&memo->guests, &known->node, hash_uint64(version));
    memo->n_used++;
}

void
plan_memo_end(struct plan_memo *memo)
{
    if (memo->n_used < hmap_count(&memo->guests)) {
        forget_guests(memo, false);
    }
}
