/* OpenFlow connections to the bridges of one switch.
 *
 * As a stock deployment is set up, the switch connects to us: we listen where the bridges'
 * controllers point to, and a connection is known by the datapath id it tells.  Otherwise
 * (no listen address) we connect to each bridge's management socket, RUNDIR/BRIDGE.mgmt.
 *
 * OpenFlow 1.4, or 1.3 where a bridge offers no more.  Flows go in atomic bundles, dumps come
 * in pieces; nothing blocks, and callbacks come from nt_switch_run() and nt_switch_free() only.
 * Each request gets its callback: a connection that ends fails what was under way on it with
 * NT_UNAVAILABLE.
 *
 * Loop thread only. */
#pragma once

#include "base/clock.h"
#include "wire/ovs/flow.h"

struct nt_switch; /* The connections. */

struct nt_switch_options {
    const char *listen;    /* "ptcp:6633:127.0.0.1"; NULL: management sockets. */
    const char *run_dir;   /* Of ovs-vswitchd, for management sockets. */
    int probe_interval_s;  /* An idle connection is asked whether it lives. */
    int request_timeout_s; /* One dump or bundle; the connection is dropped then. */
    const struct nt_clock *clock;
};

/* Fails with NT_FAULT when it cannot listen.  Strings are copied. */
NT_NODISCARD int nt_switch_new(const struct nt_switch_options *, struct nt_switch **,
                               struct nt_err *);
void nt_switch_free(struct nt_switch *);
NT_AUTO(nt_switch)
void nt_switch_run(struct nt_switch *);
void nt_switch_wait(struct nt_switch *);

/* The bridges to keep a connection with; the datapath id as OVSDB has it (16 hex digits; ""
 * or NULL: not known yet).  Connections of other bridges are closed. */
void nt_switch_want(struct nt_switch *, const char *bridge, const char *datapath_id);

/* 0: no connection; otherwise a number that each new connection changes: what was known
 * about the bridge's flows is then to be asked again. */
unsigned nt_switch_connection(const struct nt_switch *, const char *bridge);

/* Streams all flows of a bridge: 'flow' once for each (borrowed for the call), then 'done'
 * with NULL or the error.  Fails with NT_UNAVAILABLE without a connection, and NT_CONFLICT
 * when one is under way. */
struct nt_switch_dump {
    void (*flow)(void *aux, const struct nt_flow *);
    void (*done)(void *aux, const struct nt_err *err);
    void *aux;
};
NT_NODISCARD int nt_switch_dump(struct nt_switch *, const char *bridge,
                                const struct nt_switch_dump *, struct nt_err *);

/* Sends changes as one atomic bundle, in that order, and a barrier behind it; 'done' is
 * called with NULL when the switch has them all, or with the first error and the place of
 * the change that it is for (n: not known); then none of them was made.  Changes are encoded
 * at once.  Any number of bundles may be under way; they are carried out in order. */
typedef void nt_switch_done(void *aux, const struct nt_err *err, size_t failed);
struct nt_switch_bundle {
    const struct nt_flow_mod *mods; /* Borrowed for the call. */
    size_t n;
    nt_switch_done *done;
    void *aux;
};
NT_NODISCARD int nt_switch_bundle(struct nt_switch *, const char *bridge,
                                  const struct nt_switch_bundle *, struct nt_err *);

/* 'edited' is called for each flow that somebody else has added, changed or removed on a bridge
 * (those that run out by themselves are nobody's), and with cookie 0 when the switch could not
 * tell all of them. */
typedef void nt_switch_edited(void *aux, const char *bridge, uint64_t cookie);
void nt_switch_on_edit(struct nt_switch *, nt_switch_edited *, void *aux);

/* Meters with one band, which drops what is above 'pps' packets a second. */
struct nt_meter {
    uint32_t id;
    uint32_t pps, burst; /* 'pps' 0: a meter of another kind. */
};

/* Tells all meters of a bridge; 'done' as above.  Fails with NT_UNAVAILABLE without a
 * connection. */
struct nt_switch_meters {
    void (*meter)(void *aux, const struct nt_meter *);
    void (*done)(void *aux, const struct nt_err *err);
    void *aux;
};
NT_NODISCARD int nt_switch_meters(struct nt_switch *, const char *bridge,
                                  const struct nt_switch_meters *, struct nt_err *);

/* Changes one meter, before whatever is asked later; 'done' with NULL or the error.  A meter
 * that goes takes the flows along that name it.  Fails with NT_UNAVAILABLE. */
enum nt_meter_command { NT_METER_ADD, NT_METER_MODIFY, NT_METER_DELETE };
struct nt_meter_mod {
    enum nt_meter_command command;
    struct nt_meter meter;
    void (*done)(void *aux, const struct nt_err *err);
    void *aux;
};
NT_NODISCARD int nt_switch_meter(struct nt_switch *, const char *bridge,
                                 const struct nt_meter_mod *, struct nt_err *);

struct nt_switch_stats {
    uint64_t n_connections, n_dumps, n_dumped_flows;
    uint64_t n_bundles, n_flow_mods, n_errors;
};
const struct nt_switch_stats *nt_switch_stats(const struct nt_switch *);
