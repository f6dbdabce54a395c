/* What neutron-server knows and tells, as seen by an agent.
 *
 * Objects are pulled in batches (bulk_pull with lists of ids) when somebody wants them, and
 * then kept up to date by what the server pushes: the newer revision wins, whichever way it
 * came.  Objects nobody wants are dropped as soon as their id is read.  The older family of
 * notifications (port_update and so on) only leads to a look at the object, unless a push
 * comes within a moment; port_delete and network_delete are believed.
 *
 * After each new connection to the broker all wanted objects are asked for again, since
 * what was pushed meanwhile is lost.  What fails is asked again, with a pause that grows (and
 * shrinks again) and a jitter; a malformed message or object is refused alone.
 *
 * Callbacks come from the bus's run() and from neutron_run(); they may want and drop
 * anything.  Loop thread only. */
#pragma once

#include "base/clock.h"
#include "base/random.h"
#include "bus/bus.h"
#include "net/fdb.h"
#include "net/vo_network.h"
#include "net/vo_port.h"
#include "net/vo_qos.h"

struct neutron; /* Neutron-server, from here. */

struct neutron_watcher {
    /* A wanted object has a new revision; borrowed for the call, and later by
     * neutron_port() and so on. */
    void (*port)(void *aux, const struct nt_vo_port *);
    void (*port_gone)(void *aux, const char *id); /* Deleted, or never there; said once. */
    void (*network)(void *aux, const struct nt_vo_network *);
    void (*network_gone)(void *aux, const char *id);
    void (*qos_policy)(void *aux, const struct nt_vo_qos_policy *);
    void (*qos_policy_gone)(void *aux, const char *id);

    /* In the order in which they come; entries behind 'local_ip' are among them. */
    void (*fdb_add)(void *aux, const struct nt_fdb_network *, size_t n);
    void (*fdb_remove)(void *aux, const struct nt_fdb_network *, size_t n);
    void (*fdb_change)(void *aux, const struct nt_fdb_network_change *, size_t n);

    /* tunnel_update, tunnel_delete, tunnel_sync; never of 'local_ip'.  'id' is the server's
     * number of it, 0 when it says none. */
    void (*tunnel)(void *aux, const char *type, const char *ip, int64_t id);
    void (*tunnel_gone)(void *aux, const char *type, const char *ip);

    void (*binding_activated)(void *aux, const char *port_id, const char *host);
    void (*binding_deactivated)(void *aux, const char *port_id, const char *host);

    /* Groups whose rules or members changed; n = 0: any.  May be NULL, as those of bindings:
     * then nobody listens. */
    void (*group_rules)(void *aux, const struct nt_uuid_text *ids, size_t n);
    void (*group_members)(void *aux, const struct nt_uuid_text *ids, size_t n);

    /* All objects wanted at the time of a (re)connection have been answered. */
    void (*settled)(void *aux);
    void *aux;
};

/* Texts are borrowed. */
struct neutron_options {
    struct nt_bus *bus; /* Borrowed. */
    const struct nt_clock *clock;
    struct nt_random *random;
    const char *host;
    const char *local_ip; /* "": no tunnels. */
    bool l2_population, has_qos;
    int batch; /* Ids in one bulk_pull. */
    int64_t timeout_ms, max_timeout_ms;
    const struct neutron_watcher *watcher; /* Borrowed. */
};
struct neutron *neutron_new(const struct neutron_options *);
void neutron_free(struct neutron *); /* After the bus. */
NT_AUTO(neutron)
void neutron_run(struct neutron *);
void neutron_wait(struct neutron *);

/* Interest, counted by nobody: wanting twice is the same as once.  An id that is no UUID is
 * answered as one that is not there. */
void neutron_want_port(struct neutron *, const char *id);
void neutron_want_network(struct neutron *, const char *id);
void neutron_want_qos_policy(struct neutron *, const char *id);
void neutron_drop_port(struct neutron *, const char *id);
void neutron_drop_network(struct neutron *, const char *id);
void neutron_drop_qos_policy(struct neutron *, const char *id);

/* Something may have changed: the port is asked for, if it is wanted, unless a push comes within
 * a moment.  What is known stays known meanwhile. */
void neutron_look_at_port(struct neutron *, const char *id);

/* What is known; NULL: nothing (yet).  Borrowed until it is dropped or a callback for it. */
const struct nt_vo_port *neutron_port(const struct neutron *, const char *id);
const struct nt_vo_network *neutron_network(const struct neutron *, const char *id);
const struct nt_vo_qos_policy *neutron_qos_policy(const struct neutron *, const char *id);

/* Pulls everything again (after "revived"). */
void neutron_resync(struct neutron *);

/* tunnel_sync for a type, until it succeeds; its answer comes by 'tunnel', and by 'tunnel_gone'
 * when somebody is missing in it. */
void neutron_sync_tunnels(struct neutron *, const char *type);

/* Whether nothing is asked for and unanswered. */
bool neutron_is_settled(const struct neutron *);

struct neutron_stats {
    uint64_t n_pulls, n_pulled;          /* Calls, objects they brought. */
    uint64_t n_pushes, n_pushed_ignored; /* Of wanted objects; unwanted, or old news. */
    uint64_t n_refused, n_failures;      /* Objects not readable; calls that failed. */
    uint64_t n_missed, n_lost; /* Known ones missing from an answer; believed to be gone. */
};
const struct neutron_stats *neutron_stats(const struct neutron *);
