/* Which rules the guests of this host need: pure, from the model.  What a memo gives
 * is what would be planned. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "compute/guest.h"
#include "compute/plan_memo.h"
#include "compute/security.h"
#include "host/ipset_table.h"
#include "host/iptables_want.h"

struct plan_options {
    bool golden; /* compat=essex: nothing the 2012 release had not. */
    bool allow_same_net_traffic;
    bool use_ipsets;                      /* Else one rule per member of a source group. */
    long long connections;                /* That one guest may open at a time; 0: any number. */
    const char *drop;                     /* Target of what is refused; NULL: DROP. */
    const char *top_regex, *bottom_regex; /* Of iptables_...; NULL: none. */
    const struct security *security;      /* NULL: no group lets anything in. */
    struct plan_memo *memo;               /* Of this family's last plan; NULL: none. */
};

/* 'guests' in ascending numbers; 'bridges' are those whose traffic is let through.
 * Comments outside the golden profile name the instance a chain belongs to. */
struct nt_iptables_want *plan_chains(const struct guest *const *guests, size_t n_guests,
                                     const char *const *bridges, size_t n_bridges,
                                     const struct plan_options *);

/* The same for IPv6: the filter table only. */
struct nt_iptables_want *plan_chains6(const struct guest *const *guests, size_t n_guests,
                                      const char *const *bridges, size_t n_bridges,
                                      const struct plan_options *);

/* The sets that those rules name; '*out' is overwritten. */
void plan_sets(const struct guest *const *guests, size_t n_guests, const struct plan_options *,
               struct nt_ipset_table *out);
