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
#include "bus/bus.h"

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
void compute_free(struct compute *);
NT_AUTO(compute)

void compute_run(struct compute *);
void compute_wait(struct compute *);
