/* What the kernel must hold for the guests of this host, and getting it there: chains
 * of both families, the sets they name, and the anti-spoofing table.
 *
 *     plan -> sets -> chains -> (settled) -> sets that nobody names any more go
 *
 * Each is written as a difference by its own engine; what does not differ costs
 * nothing.  Outside the golden profile IPv6 is always filtered: guests reach each
 * other by their link-local addresses whether anybody configured IPv6 or not.
 * Without a working ipset each member of a source group gets a rule of its own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/err.h"
#include "compute/guest.h"
#include "compute/security.h"
#include "host/drops.h"
#include "host/guard.h"
#include "host/iptables.h"

struct rules;

struct rules_env {
    const struct nt_config *config; /* All borrowed. */
    const struct nt_clock *clock;
    struct nt_children *children;
};

/* Runs nothing before the first plan.  Fails with NT_INVALID (iptables_...). */
NT_NODISCARD int rules_new(const struct rules_env *, struct rules **out, struct nt_err *);

/* Leaves everything in the kernel. */
void rules_free(struct rules *);
NT_AUTO(rules)

/* The model; everything is borrowed for the call.  'guests' in ascending numbers. */
struct rules_model {
    const struct guest *const *guests;
    size_t n_guests;
    const char *const *bridges;
    size_t n_bridges;
    const struct security *security;
};
void rules_plan(struct rules *, const struct rules_model *);

/* The plan must be made again: this host cannot do what it was made for. */
bool rules_want_plan(const struct rules *);

/* All that was planned is in the kernel. */
bool rules_are_settled(const struct rules *);

/* Why it will not get there, or NULL while there is hope. */
const char *rules_error(const struct rules *);

/* Looks for what others changed, and repairs it; call it now and then. */
void rules_recheck(struct rules *);

/* The plan as text: input for iptables-restore and, below the line "# nft -f -", for
 * nft.  Lines that begin with "#ipset " and "#ip6 " are for ipset restore and
 * ip6tables-restore.  The caller frees. */
char *rules_text(const struct rules *);

/* For the metrics: of the IPv4 chains, and of the anti-spoofing table. */
const struct nt_iptables_stats *rules_iptables_stats(const struct rules *);
const struct nt_iptables_stats *rules_ip6tables_stats(const struct rules *); /* NULL: off. */
const struct nt_guard_stats *rules_guard_stats(const struct rules *);

/* What guests were refused, as read with the last recheck. */
const struct nt_drops_table *rules_drops(const struct rules *);

void rules_run(struct rules *);
void rules_wait(struct rules *);
