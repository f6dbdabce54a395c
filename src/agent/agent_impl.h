/* What the files of the agent share. */
#pragma once

#include "agent/agent.h"
#include "agent/report/absent.h"
#include "wire/ovs/openflow.h"
#include "wire/ovs/ovsdb.h"

struct agent {
    struct agent_env env;
    const struct agent_config *config; /* Of 'env'. */

    struct nt_ovsdb *db;
    struct nt_switch *sw;
    struct bridges *bridges;
    struct unmade *unmade;
    struct flows *flows;
    struct meters *meters; /* Of the integration bridge; NULL without the qos extension. */
    struct wiring *wiring;
    struct neutron *neutron;
    struct devices *devices;
    struct absent *absent;
    struct heartbeat *heartbeat;
    struct neutron_watcher watcher;

    int64_t started_ms;
    bool has_seen;           /* Everything in the database was looked at once. */
    int64_t failed_patch_ms; /* When a patch port was first seen without a number; 0: never. */
    unsigned br_int;         /* Its OpenFlow connection; 0: none. */
    int64_t tables_told_ms;  /* When forwarding entries count as told; INT64_MAX: not under way. */
    int64_t next_check_ms;
    bool was_first_sync;
    int64_t next_scan_ms;
    bool has_dropped;         /* drop_flows_on_start is done. */
    struct wiring_stats told; /* Of the turns before. */
    bool was_connected;       /* To the broker, before. */
    bool must_compare;        /* What was reported with what the server has, once it has told. */
    unsigned n_looks;         /* Of them at the flows of br-int. */
    uint64_t n_switch_restarts;
    uint64_t n_resyncs[RESYNC_N];
    struct nt_histogram turns;
    char failure[NT_ERR_SIZE];
};

/* Fills 'to' so that wishes go to this agent's parts. */
struct wiring_to agent_wishes(struct agent *);

/* Meters, before the flows that name them. */
void agent_run_meters(struct agent *);

/* The switch's database, where the configuration says it is. */
NT_NODISCARD int agent_open_ovsdb(const struct agent_env *, struct nt_ovsdb **, struct nt_err *);

/* agent_server.c */
void agent_open_server(struct agent *);
void agent_sync_tunnels(struct agent *);    /* Asks for the other ends of tunnels. */
void agent_wait_for_tables(struct agent *); /* Until forwarding entries count as told. */

/* agent_start.c */
/* What must be there: bridges of physical networks, a patch port that is there with its number;
 * OVSDB's answer and the switch's connection, in time.  The agent ends without it. */
void agent_check_mappings(struct agent *);
void agent_check_patch(struct agent *, const char *name);
void agent_check_deadlines(struct agent *);
void agent_wait_for_patches(const struct agent *);

/* agent_facts.c */
/* Tells the wiring what the database has of a port or bridge. */
void agent_tell_port(struct wiring *, const struct nt_ovsdb *, const char *name, bool readded);
void agent_tell_bridge(struct wiring *, const struct nt_ovsdb *, const char *name);

/* agent_flows.c */
void agent_drop_flows(struct agent *); /* drop_flows_on_start */
void agent_judge_restored(struct agent *);
void agent_join_bridges(struct agent *);
void agent_complete_flows(struct agent *);
void agent_check_flows(struct agent *);
