/* The difference between what the kernel holds and what a program wants, as input
 * for "iptables-restore --noflush -c".
 *
 * - An own chain is edited rule by rule where the order allows it, which leaves the
 *   counters of the other rules alone; else it is declared anew, which empties
 *   just that chain, and the counters of rules that stay are written back.
 * - Own chains that are not wanted go: first the jumps to them, then the chain.
 * - In built-in and shared chains only lines that jump to our own or the shared
 *   chains are deleted or inserted; everybody else's lines stay and keep their
 *   counters.
 * - A shared chain goes with its last entry.
 * Pure and deterministic: the same two values give the same text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "host/iptables_save.h"
#include "host/iptables_want.h"
#include "openvswitch/dynamic-string.h"

/* What a host without any rules would be given, as input for iptables-restore; empty
 * when nothing is wanted.  The caller frees. */
char *nt_iptables_plan_whole(const struct nt_iptables_want *);

/* Appends each line of 'text' (may be NULL) as "#MARK LINE": a comment to
 * iptables-restore, and input for another program. */
void nt_iptables_put_marked(struct ds *out, const char *mark, const char *text);

struct nt_iptables_plan {
    char *text;       /* NULL: nothing to do.  Owned; nt_iptables_plan_deinit(). */
    bool needs_fresh; /* Counts rules of others or writes counters back, so the
                       * state must have been read just now, under the lock. */
    size_t n_edits;   /* Chains made or removed, lines added or deleted. */
};

void nt_iptables_plan_deinit(struct nt_iptables_plan *);

/* Fails with NT_UNSUPPORTED when a table cannot be edited through iptables. */
NT_NODISCARD int nt_iptables_plan(const struct nt_iptables_state *installed,
                                  const struct nt_iptables_want *, struct nt_iptables_plan *out,
                                  struct nt_err *);
