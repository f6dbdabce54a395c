/* What the files of ovsdb share; for them alone.
 *
 *   ovsdb.c          connection, transaction
 *   ovsdb_copy.c     the copy by name, kept up from what the IDL tracked; changes
 *   ovsdb_want.c     bridges and ports that shall be there
 *   ovsdb_rows.c     Controller and Manager rows; QoS and Queue rows of limits
 *   ovsdb_queues.c   those of minimum bandwidths
 *
 * The IDL's rows are looked at between two runs only: a complete reload frees them without
 * telling, so the copy drops every row pointer before it takes in a reload. */
#pragma once

#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/shash.h"
#include "openvswitch/uuid.h"
#include "smap.h"
#include "sset.h"
#include "vswitch-idl.h"
#include "wire/ovs/ovsdb.h"

/* What ports and bridges of the copy begin with. */
struct nt_ovsdb_name {
    struct hmap_node node;
    struct ovs_list changed; /* Alone: nothing to tell. */
    char *name;
    struct uuid told; /* Row of which was told last; zero: it was not there. */
};

struct nt_ovsdb_bridge_copy {
    struct nt_ovsdb_name head;
    const struct ovsrec_bridge *row; /* NULL: gone, but that is not told yet. */
    struct uuid uuid;
    struct ovs_list ports; /* Of nt_ovsdb_port_copy. */
    struct nt_ovs_bridge values;
    char *datapath_id, *datapath_type, *fail_mode, *external_bridge_id;
};

struct nt_ovsdb_port_copy {
    struct nt_ovsdb_name head;
    const struct ovsrec_port *row; /* NULL: gone, but that is not told yet. */
    struct uuid uuid;
    struct nt_ovsdb_bridge_copy *bridge; /* NULL: of none, so it is not there for anybody. */
    struct ovs_list in_bridge;
    unsigned walk; /* The last walk over a bridge's ports that met it. */
    struct nt_ovs_port values;
    char *type, *iface_id, *attached_mac, *error;
    struct smap other_config, options;
};

struct nt_ovsdb {
    struct ovsdb_idl *idl;

    enum { NT_OVSDB_DOWN, NT_OVSDB_LOADING, NT_OVSDB_READY } state;
    unsigned connection; /* Counts. */
    unsigned down_seqno; /* Of the IDL when there was no connection. */
    unsigned seen_seqno;

    struct hmap bridges, ports; /* The copy, by name. */
    struct ovs_list changed_bridges, changed_ports;
    unsigned walk;
    char **datapath_types, **iface_types; /* NULL-terminated. */
    char *switch_version;

    struct ovsdb_idl_txn *open;   /* Of this turn. */
    struct ovsdb_idl_txn *flying; /* Sent, not answered. */
    struct shash made_bridges;    /* Rows that 'open' makes, by name. */
    struct sset touched_ports;    /* Names that 'open' makes or removes. */
    uint64_t n_committed, n_failed;
    char *last_error;
};

/* --- ovsdb.c --------------------------------------------------------------------------- */

/* Begins this turn's transaction if there is none; false when nothing can be written now. */
bool nt_ovsdb_begin(struct nt_ovsdb *);

/* The one row of Open_vSwitch, made where it is missing; within a transaction. */
const struct ovsrec_open_vswitch *nt_ovsdb_root(struct nt_ovsdb *);

/* --- ovsdb_copy.c ---------------------------------------------------------------------- */

void nt_ovsdb_copy_init(struct nt_ovsdb *);
void nt_ovsdb_copy_deinit(struct nt_ovsdb *);

/* Columns that are looked at; before the first run. */
void nt_ovsdb_watch_columns(struct ovsdb_idl *);

/* Takes in what the IDL tracked since the last time; 'reloaded': everything is looked at, and
 * told as changed. */
void nt_ovsdb_take_in(struct nt_ovsdb *, bool reloaded);

/* NULL when it is not there. */
struct nt_ovsdb_bridge_copy *nt_ovsdb_find_bridge(const struct nt_ovsdb *, const char *name);
struct nt_ovsdb_port_copy *nt_ovsdb_find_port(const struct nt_ovsdb *, const char *name);

/* The interface that stands for a port: of a bond one that is plugged by somebody, else the
 * first by name.  NULL: it has none. */
const struct ovsrec_interface *nt_ovsdb_interface_of(const struct ovsrec_port *);

/* --- ovsdb_want.c ---------------------------------------------------------------------- */

/* Whether the map has all these already. */
bool nt_ovsdb_has_pairs(const struct smap *, const struct nt_ovs_kv *);

/* Changes single keys of a map column, whatever others write into it meanwhile. */
void nt_ovsdb_put_pairs(const struct ovsdb_idl_row *, const struct ovsdb_idl_column *,
                        const struct smap *have, const struct nt_ovs_kv *);

/* --- ovsdb_rows.c ---------------------------------------------------------------------- */

/* True: it is so already. */
bool nt_ovsdb_ensure_controller(struct nt_ovsdb *, const struct ovsrec_bridge *,
                                const struct nt_ovs_bridge_want *);

/* The stock agent's own marks, so that either agent finds the rows of the other one. */
#define NT_OVSDB_LIMIT "bandwidth_limit"
#define NT_OVSDB_MINIMUM "minimum_bandwidth"
#define NT_OVSDB_QOS_TYPE "linux-htb"
#define NT_OVSDB_MAX_RATE "34359738367" /* Bits a second: what the whole port may send. */

/* Marked rows, empty, within a transaction. */
struct ovsrec_qos *nt_ovsdb_make_qos(struct nt_ovsdb *, const char *kind, const char *id);
struct ovsrec_queue *nt_ovsdb_make_queue(struct nt_ovsdb *, const char *kind, const char *port,
                                         int64_t number);

/* Whether some port refers to it. */
bool nt_ovsdb_is_qos_used(const struct nt_ovsdb *, const struct ovsrec_qos *);

/* Deletes queues that no QoS row but 'but' refers to, within a transaction; each may be named
 * several times. */
void nt_ovsdb_drop_queues(struct nt_ovsdb *, struct ovsrec_queue *const *, size_t n,
                          const struct ovsrec_qos *but);

/* Deletes our QoS row of a port and its queues, within a transaction. */
void nt_ovsdb_drop_qos(struct nt_ovsdb *, const struct ovsrec_port *);
