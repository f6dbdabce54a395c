/* Telling the server of leases.
 *
 * Each event goes as it comes, in order, and again until the server confirms it; but
 * a lease not before it is in our snapshot, so that after a crash we never know less
 * than we told.  (A release need not wait: somebody may want the address.)  After each
 * (re)connection, and from time to time, all leases of each network are compared with the server's
 * (sync_leases): what either side lost is settled, and the leases that are nobody's come back
 * through 'forget'.  Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "bus/bus.h"
#include "flat/model.h"
#include "rpc/conductor.h"

struct reports;

/* Everything is borrowed and must outlive the result. */
struct reports_options {
    struct flat_model *model;
    struct nt_bus *bus;
    const struct nt_clock *clock;
    const char *host;
    int64_t sync_interval_ms;

    /* The model changed and is to be saved. */
    void (*changed)(void *aux);

    /* Nobody has this lease: dnsmasq should not have it either. */
    void (*forget)(void *aux, const char *network_id, const struct nt_lease_name *);
    void *aux;
};

struct reports *reports_new(const struct reports_options *);

/* After the bus is freed. */
void reports_free(struct reports *);
NT_AUTO(reports)

/* An event to be told. */
void reports_add(struct reports *, bool is_release, const struct nt_lease_args *);

/* The connection changed: try again at once, and compare everything. */
void reports_restart(struct reports *);

/* True if the server knows what we know, so that its view of our networks can be
 * taken. */
bool reports_are_settled(const struct reports *);

/* 'is_saved': the snapshot is what the model is. */
void reports_run(struct reports *, bool is_saved);
void reports_wait(struct reports *, bool is_saved);
