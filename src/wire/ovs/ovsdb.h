/* The switch's database (Open_vSwitch schema, RFC 7047) as values of our own.
 *
 * A copy of the columns we need is kept up to date by the server's notifications; one
 * transaction per turn carries what shall be different.  "ensure" functions write only
 * what is not so yet, so they may be called again and again; while a transaction is under
 * way nothing can be written (nt_ovsdb_is_busy()), and what was not written is to be ensured
 * again after it.
 *
 * Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "openvswitch/shash.h"

struct nt_ovsdb;

struct nt_ovsdb_options {
    const char *remote;                      /* "unix:PATH", "tcp:127.0.0.1:6640", "ssl:...". */
    const char *ssl_key, *ssl_cert, *ssl_ca; /* NULL unless ssl. */
    int probe_interval_s;                    /* 0: a silent server is waited for. */
    const struct nt_clock *clock;
};
NT_NODISCARD int nt_ovsdb_new(const struct nt_ovsdb_options *, struct nt_ovsdb **, struct nt_err *);
void nt_ovsdb_free(struct nt_ovsdb *);
NT_AUTO(nt_ovsdb)

/* Where the database is best reached: TCP on this machine, which only a Manager row opens, is
 * given up for db.sock in 'run_dir' where that may be used.  The caller frees.  'why', unless NULL:
 * what keeps this program from a socket that is there; the caller frees; NULL without. */
char *nt_ovsdb_near(const char *remote, const char *run_dir, char **why);

/* run() takes in what the server told; then look at the changes, ensure, and commit(). */
void nt_ovsdb_run(struct nt_ovsdb *);
void nt_ovsdb_wait(struct nt_ovsdb *);

/* Whether the copy is complete and the connection lives.  The number changes with each new
 * connection (0: none). */
bool nt_ovsdb_is_ready(const struct nt_ovsdb *);
unsigned nt_ovsdb_connection(const struct nt_ovsdb *);

struct nt_ovs_kv {
    const char *key, *value; /* A NULL value in what is ensured: the key must not be there. */
};

/* --- what is there; borrowed until the next nt_ovsdb_run() -------------------------------- */

struct nt_ovs_bridge {
    const char *name;
    const char *datapath_id; /* 16 hex digits; "" until the switch has made it. */
    const char *datapath_type, *fail_mode;
    const char *external_bridge_id; /* external_ids:bridge-id, "" without. */
};

struct nt_ovs_port {
    const char *bridge, *name;
    const char *type;     /* Of its interface: "", internal, patch, vxlan... */
    int64_t ofport;       /* 0: not assigned yet; -1: the switch could not. */
    int tag;              /* 0: none. */
    const char *iface_id; /* external_ids of the interface; "" without. */
    const char *attached_mac;
    bool skip_cleanup;   /* external_ids:skip_cleanup is there. */
    size_t n_interfaces; /* Above 1: a bond; the fields above are of its first. */
    const char *error;   /* Interface.error; "" without. */
};

const struct nt_ovs_bridge *nt_ovsdb_bridge(const struct nt_ovsdb *, const char *name);
const struct nt_ovs_port *nt_ovsdb_port(const struct nt_ovsdb *, const char *name);

/* All of them, in no order; 'bridge' NULL: of every bridge. */
void nt_ovsdb_each_bridge(const struct nt_ovsdb *,
                          void (*)(void *aux, const struct nt_ovs_bridge *), void *aux);
void nt_ovsdb_each_port(const struct nt_ovsdb *, const char *bridge,
                        void (*)(void *aux, const struct nt_ovs_port *), void *aux);

/* Values of maps; NULL when the key is not there. */
const char *nt_ovsdb_port_other_config(const struct nt_ovsdb *, const char *port, const char *key);
const char *nt_ovsdb_interface_option(const struct nt_ovsdb *, const char *port, const char *key);

/* Names of ports and bridges that came, went or changed since the last call, each once (a
 * port that went and came back within a turn is told once, with 'readded'); after a new
 * connection all that is there and all that was.  Cheap in what did not change. */
struct nt_ovsdb_changes {
    void (*bridge)(void *aux, const char *name);
    void (*port)(void *aux, const char *name, bool readded);
    void *aux;
};
void nt_ovsdb_changes(struct nt_ovsdb *, const struct nt_ovsdb_changes *);

/* Open_vSwitch: datapath_types and iface_types, NULL-terminated; ovs_version. */
const char *const *nt_ovsdb_datapath_types(const struct nt_ovsdb *);
const char *const *nt_ovsdb_iface_types(const struct nt_ovsdb *);
const char *nt_ovsdb_switch_version(const struct nt_ovsdb *);

/* --- what shall be there ------------------------------------------------------------------- */

struct nt_ovs_bridge_want {
    const char *name;
    const char *datapath_type;            /* "system" is written as "". */
    const char *const *protocols;         /* Added to those that are there; NULL-terminated. */
    const char *fail_mode;                /* "secure" */
    const char *controller;               /* "tcp:127.0.0.1:6633"; the row is marked as ours. */
    const char *no_controller;            /* Removed, and all of ours that are not wanted. */
    int inactivity_probe_ms;              /* Of the controller, out-of-band, max_backoff 1 s. */
    const struct nt_ovs_kv *other_config; /* Merged; ends with a NULL key. */
    int mcast_snooping;                   /* 0, 1; -1: left alone. */
    bool may_create;
};

struct nt_ovs_port_want {
    const char *bridge, *name;
    const char *type; /* Made with that type when missing; NULL: somebody else's port, only
                       * changed where it is there. */
    int tag;          /* -1: left alone; 0: none.  Setting it also clears vlan_mode and trunks. */
    const struct nt_ovs_kv *options;      /* Of the interface; exactly these when 'type' is set. */
    const struct nt_ovs_kv *other_config; /* Of the port; merged. */
    const struct nt_ovs_kv *external_ids; /* Of the interface; merged. */
    int64_t policing_kbps, policing_burst_kb; /* ingress_policing_*; -1: left alone. */
};

/* True when it is so already; false when the change went into this turn's transaction (or
 * could not: busy, or a port of somebody else's that is not there). */
bool nt_ovsdb_ensure_bridge(struct nt_ovsdb *, const struct nt_ovs_bridge_want *);
bool nt_ovsdb_ensure_port(struct nt_ovsdb *, const struct nt_ovs_port_want *);
bool nt_ovsdb_ensure_no_port(struct nt_ovsdb *, const char *name);
bool nt_ovsdb_ensure_no_bridge(struct nt_ovsdb *, const char *name);

/* A Manager row with that target, so that other programs can connect ("ptcp:6640:127.0.0.1"). */
bool nt_ovsdb_ensure_manager(struct nt_ovsdb *, const char *target, int inactivity_probe_ms);

/* Ingress limit of a port: a linux-htb QoS row with queue 0, marked as the port's in
 * external_ids (spec: id=PORT, _type=bandwidth_limit); 0: none.  Rows of others are left. */
bool nt_ovsdb_ensure_qos(struct nt_ovsdb *, const char *port, int64_t max_kbps, int64_t burst_kb);

/* Minimum bandwidths: one linux-htb QoS row that all uplinks share, with a queue for each port that
 * has one (spec: external_ids of the QoS row _type=minimum_bandwidth, of a queue type, port=ID and
 * queue-num).  Uplinks that are not there, or have a row of somebody else's, are left out; so are
 * others' queues in that row. */
struct nt_ovs_queue {
    int64_t number, min_kbps;
};
struct nt_ovs_queues {
    struct shash queues;  /* Port id -> struct nt_ovs_queue; each has a number of its own. */
    struct shash uplinks; /* Names of ports. */
    bool is_whole;        /* Queues of other ports go, and the row from other ports. */
};
bool nt_ovsdb_ensure_queues(struct nt_ovsdb *, const struct nt_ovs_queues *);

/* Whether a port has a QoS row that is none of these. */
bool nt_ovsdb_has_other_qos(const struct nt_ovsdb *, const char *port);

/* Deletes rows so marked, as limits' and queues', that nobody refers to: those of ports that went
 * while nobody looked. */
bool nt_ovsdb_ensure_no_lost_limits(struct nt_ovsdb *);

/* The switch goes through its configuration once more (next_cfg, as after any ovs-vsctl): what it
 * could not make is tried again.  True when that went into this turn's transaction. */
bool nt_ovsdb_reconfigure(struct nt_ovsdb *);

/* What was ensured and not sent yet is forgotten. */
void nt_ovsdb_discard(struct nt_ovsdb *);

/* Sends what was ensured since run() as one transaction.  Its end is told from a later
 * nt_ovsdb_run(); what fails is logged by its users and simply ensured again. */
void nt_ovsdb_commit(struct nt_ovsdb *);
bool nt_ovsdb_is_busy(const struct nt_ovsdb *);

/* Counts transactions that ended well, and those that did not; the last error. */
uint64_t nt_ovsdb_n_committed(const struct nt_ovsdb *);
uint64_t nt_ovsdb_n_failed(const struct nt_ovsdb *);
const char *nt_ovsdb_last_error(const struct nt_ovsdb *);
