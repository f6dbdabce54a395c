/* IP sets: one kernel set per security group and family, so that a rule speaks of all
 * members at once and a new member costs one entry instead of a rule per chain.
 *
 * The engine owns the sets whose names begin with "nt4-" (hash:net family inet) and
 * "nt6-" (inet6) and leaves all others alone.  It reads the kernel at the start, after
 * a failure and for a recheck ("ipset save"), and writes differences ("ipset
 * restore"), sets in use first of all: rules that name a set can only be made once
 * it is there, and a set goes only when no rule names it any more.  So:
 *
 *     nt_ipsets_set()  ->  is ready  ->  the rules are written  ->  nt_ipsets_sweep()
 *
 * Children of the pool run ipset.  Freeing leaves the sets.  Loop thread only. */
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/child.h"
#include "base/clock.h"
#include "host/ipset_table.h"

struct nt_ipsets;

/* 'children' and 'clock' are borrowed. */
struct nt_ipsets *nt_ipsets_new(struct nt_children *, const struct nt_clock *);
void nt_ipsets_free(struct nt_ipsets *);
NT_AUTO(nt_ipsets)

/* Takes the content of 'want' and leaves it empty. */
void nt_ipsets_set(struct nt_ipsets *, struct nt_ipset_table *want);

/* The sets that are wanted are in the kernel, with all that belongs into them. */
bool nt_ipsets_is_ready(const struct nt_ipsets *);

/* Why the last attempt failed (it is tried again with back-off), or NULL. */
const char *nt_ipsets_error(const struct nt_ipsets *);

/* No rule names a set that is not wanted: they may go. */
void nt_ipsets_sweep(struct nt_ipsets *);

/* Reads the kernel again with the next run, and repairs. */
void nt_ipsets_recheck(struct nt_ipsets *);

struct nt_ipsets_stats {
    unsigned saves, restores, repairs, failures;
};
const struct nt_ipsets_stats *nt_ipsets_stats(const struct nt_ipsets *);

void nt_ipsets_run(struct nt_ipsets *);
void nt_ipsets_wait(struct nt_ipsets *);
