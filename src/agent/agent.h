/* The Open vSwitch agent: its parts, put together.
 *
 *     OVSDB, neutron-server -> wiring (model, plan) -> flows, bridges -> the switch
 *                                                   -> devices, heartbeat -> neutron-server
 *
 * Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/apply/bridges.h"
#include "agent/apply/flows.h"
#include "agent/apply/meters.h"
#include "agent/apply/unmade.h"
#include "agent/model/config.h"
#include "agent/observe/neutron.h"
#include "agent/report/devices.h"
#include "agent/report/heartbeat.h"
#include "agent/wiring/wiring.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/metrics.h"
#include "base/random.h"

struct agent;
struct ds;

struct agent_env {
    const struct agent_config *config;
    const struct nt_clock *clock;
    struct nt_random *random;
    struct nt_bus *bus;
};

/* Borrows everything.  Fails with NT_FAULT when it cannot listen for the switch. */
NT_NODISCARD int agent_new(const struct agent_env *, struct agent **, struct nt_err *);
void agent_free(struct agent *); /* After the bus. */
void agent_run(struct agent *);
void agent_wait(struct agent *);

/* Why the program is to end with 1: something that was configured is not there, or the switch
 * did not answer in time after the start.  NULL: nothing of that kind. */
const char *agent_failure(const struct agent *);

/* A report has succeeded: systemd may be told that the agent is ready. */
bool agent_is_ready(const struct agent *);

/* SIGTERM: calls that are under way end soon; nothing in the switch changes. */
void agent_stop(struct agent *);

/* Looks at everything anew: objects are pulled, flows are asked, and ports are reported that the
 * server does not have as up. */
enum agent_resync { RESYNC_REVIVED, RESYNC_BROKER, RESYNC_ASKED, RESYNC_N };
extern const char *const agent_resync_names[RESYNC_N];
void agent_sync(struct agent *, enum agent_resync why);

/* For people and programs: text of what is known and wanted. */
void agent_show_ports(const struct agent *, struct ds *);
void agent_show_vlans(const struct agent *, struct ds *);
void agent_show_tunnels(const struct agent *, struct ds *);
void agent_show_flows(const struct agent *, const char *owner, struct ds *); /* NULL: all. */
/* What is not as wanted, on a bridge or everywhere (NULL). */
void agent_show_plan(const struct agent *, const char *bridge, struct ds *out);

/* What the server has told, as JSON: with the switch's own facts it is all that is needed to
 * compute the wishes anew (agent_plan_text()). */
struct json *agent_facts(const struct agent *);

/* What a fresh agent wants with those facts and the switch as it is now: sorted lines
 * "BRIDGE FLOW", "port NAME tag=N", "queue PORT-ID number=N min_kbps=R" and "uplink NAME" (it has
 * the queues).  Waits for OVSDB, at most 'timeout_ms'; writes nothing.  The caller frees. */
NT_NODISCARD int agent_plan_text(const struct agent_env *, const struct json *facts,
                                 int64_t timeout_ms, char **out, struct nt_err *);

struct agent_stats {
    const struct wiring_stats *wiring;
    const struct flows_stats *flows;
    const struct bridges_stats *bridges;
    const struct neutron_stats *neutron;
    const struct devices_stats *devices;
    const struct heartbeat_stats *heartbeat;
    const struct nt_switch_stats *sw;
    const struct nt_histogram *turns; /* Seconds, of those in which ports changed. */
    const uint64_t *n_resyncs;        /* By enum agent_resync. */
    uint64_t n_switch_restarts;
    size_t n_unmade; /* Ports of ours that the switch could not make. */
};
struct agent_stats agent_stats(const struct agent *);
