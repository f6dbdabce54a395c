/* The agent's state report: every interval, and at once after a start or an OVS restart.
 *
 * The first one waits until the server answers (has_alive_neutron_server), for ever, with a
 * warning each time.  While the switch is dead no report is sent, so that the server sees it. */
#pragma once

#include "agent/model/config.h"
#include "base/clock.h"
#include "base/random.h"
#include "bus/bus.h"

struct heartbeat;

struct heartbeat_options {
    struct nt_bus *bus;
    const struct nt_clock *clock;
    struct nt_random *random;
    const struct agent_config *config;
    void (*alive)(void *aux);   /* The server has answered for the first time. */
    void (*revived)(void *aux); /* It had given us up: synchronise everything. */
    void *aux;
};
struct heartbeat *heartbeat_new(const struct heartbeat_options *);
void heartbeat_free(struct heartbeat *); /* After the bus. */
NT_AUTO(heartbeat)
void heartbeat_run(struct heartbeat *);
void heartbeat_wait(struct heartbeat *);

/* What is reported. */
struct heartbeat_facts {
    size_t n_devices;
    const char *const *datapath_types, *const *iface_types; /* NULL-terminated; may be NULL. */
    bool switch_is_dead;
};
void heartbeat_set(struct heartbeat *, const struct heartbeat_facts *); /* Copied. */

/* start_flag: until a report has succeeded after the agent had wired everything. */
void heartbeat_first_sync_done(struct heartbeat *);
void heartbeat_switch_restarted(struct heartbeat *); /* Reports at once. */
bool heartbeat_is_known(const struct heartbeat *);   /* A report has succeeded. */
struct heartbeat_stats {
    uint64_t n_reports, n_failed; /* Ended well, and not. */
    int64_t last_ms;              /* Monotonic time of the last that did; 0: none. */
};
const struct heartbeat_stats *heartbeat_stats(const struct heartbeat *);

void heartbeat_cap_timeout(struct heartbeat *, int64_t timeout_ms);
