/* The compute role: guests of this host, from the server's word to a running guest
 * behind its own chain, and back.
 *
 *     bus (build, terminate, console) -> model (guests) -> plan (chains, guard)
 *       -> apply (iptables, nft, links, driver) -> report (update_instance)
 *
 * At start it takes up the guests whose records it finds, before it has spoken to
 * the server: rules that are right stay untouched, running guests run on.  When the
 * bus comes up it asks for its instances and does what was missed.  A guest the
 * server does not know is kept and named in the log: an old backup of the database
 * must not cost anybody a guest. */
#pragma once

#include "base/child.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/err.h"
#include "base/metrics.h"
#include "bus/bus.h"
#include "compute/guest.h"
#include "host/drops.h"
#include "host/guard.h"
#include "host/iptables.h"

struct compute;

struct compute_env {
    const struct nt_config *config; /* All borrowed. */
    const struct nt_clock *clock;
    struct nt_children *children;
    struct nt_bus *bus;
    const char *host;
};

/* Fails with the reason when guests could not be guarded here (bridge-nf-call-iptables),
 * or with NT_UNSUPPORTED, NT_INVALID or NT_FAULT. */
NT_NODISCARD int compute_new(const struct compute_env *, struct compute **out, struct nt_err *);
/* What the guests' records and the configuration want in the kernel: input for
 * iptables-restore and, below the line "# nft -f -", for nft; touches nothing.  The
 * caller frees '*out'. */
NT_NODISCARD int compute_plan_text(const struct compute_env *, char **out, struct nt_err *);

/* What there is to count, for compute/metrics.c; borrowed. */
struct compute_facts {
    const struct nt_iptables_stats *iptables, *ip6tables; /* The second may be NULL. */
    const struct nt_guard_stats *guard;
    const struct nt_drops_table *drops;
    const struct nt_bus *bus;
    const struct nt_histogram *start_seconds; /* From build_instance to a running guest. */
    size_t n_guests[GUEST_GONE + 1];          /* By phase. */
};
void compute_get_facts(const struct compute *, struct compute_facts *out);

void compute_free(struct compute *);
NT_AUTO(compute)

void compute_run(struct compute *);
void compute_wait(struct compute *);
