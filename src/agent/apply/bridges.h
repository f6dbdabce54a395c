/* Makes bridges and ports of the switch what they are wanted to be: one transaction a turn,
 * only with what differs.  What somebody else changes later is changed back and counted. */
#pragma once

#include "base/clock.h"
#include "wire/ovs/ovsdb.h"

struct bridges;

/* 'leaves_edits': what others change is counted and left. */
struct bridges *bridges_new(struct nt_ovsdb *, const struct nt_clock *, bool leaves_edits);
void bridges_free(struct bridges *);
NT_AUTO(bridges)
void bridges_run(struct bridges *); /* After nt_ovsdb_run() and all wishes of the turn. */
void bridges_wait(struct bridges *);

/* Wishes are copied and replace those of the same name. */
void bridges_want_bridge(struct bridges *, const struct nt_ovs_bridge_want *);
void bridges_want_port(struct bridges *, const struct nt_ovs_port_want *);
void bridges_want_qos(struct bridges *, const char *port, int64_t max_kbps, int64_t burst_kb);
void bridges_want_queue(struct bridges *, const char *port_id, const struct nt_ovs_queue *);
void bridges_want_uplink(struct bridges *, const char *name, bool is_one);
void bridges_want_no_port(struct bridges *, const char *name); /* It is removed. */
void bridges_forget_port(struct bridges *, const char *name);  /* No wish any more. */

/* Every port has its wishes now: rows of limits that no port has are removed, once, and queues that
 * nobody wants, from now on. */
void bridges_complete(struct bridges *);

/* Something may be different now (told by nt_ovsdb_changes()). */
void bridges_port_changed(struct bridges *, const char *name);
void bridges_bridge_changed(struct bridges *, const char *name);

/* Whether all wishes (that of the port) are in the database, confirmed. */
bool bridges_is_settled(const struct bridges *);
bool bridges_are_ports_written(const struct bridges *); /* Those that are there. */
bool bridges_is_port_settled(const struct bridges *, const char *name);

/* For people: wishes that are not (yet) so, and why. */
struct ds;
void bridges_format_plan(const struct bridges *, struct ds *out);

struct bridges_stats {
    uint64_t n_transactions, n_failed, n_repaired;
    uint64_t n_differing; /* Left as others made them. */
};
const struct bridges_stats *bridges_stats(const struct bridges *);
