/* Which connection is which bridge's.
 *
 * A switch that connects is asked who it is; a bridge is wanted by datapath id, which OVSDB
 * may tell later than the switch connects.  So a connection of nobody is kept only while
 * some bridge's id is not known. */
#include <config.h>

#include "wire/ovs/openflow.h"

#include <errno.h>
#include <string.h>

#include "base/hashing.h"
#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/shash.h"
#include "openvswitch/vconn.h"
#include "wire/ovs/openflow_conn.h"

NT_LOG_MODULE(switches);

/* Connections that nobody has a bridge for yet; more are not taken. */
#define MAX_STRANGERS 32

struct bridge {
    char *name;
    uint64_t datapath_id; /* 0: not known. */
    struct nt_conn *conn; /* Borrowed from the list; NULL: none. */
};

struct nt_switch {
    struct nt_conn_context context;
    struct pvconn *listener; /* NULL: management sockets. */
    char *run_dir;
    struct ovs_list conns; /* Of struct nt_conn. */
    struct shash bridges;  /* Of struct bridge. */
    nt_switch_edited *edited;
    void *edited_aux;
};

static struct bridge *
bridge_of(const struct nt_switch *sw, const struct nt_conn *conn)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &sw->bridges) {
        struct bridge *b = node->data;
        if (b->conn == conn) {
            return b;
        }
    }
    return NULL;
}

static void
edited(void *sw_, const struct nt_conn *conn, uint64_t cookie)
{
    struct nt_switch *sw = sw_;
    const struct bridge *b = bridge_of(sw, conn);

    if (b && sw->edited) {
        sw->edited(sw->edited_aux, b->name, cookie);
    }
}

int
nt_switch_new(const struct nt_switch_options *options, struct nt_switch **out, struct nt_err *err)
{
    AUTO(nt_switch) sw = xzalloc(sizeof *sw);

    sw->context.probe_interval_s = options->probe_interval_s;
    sw->context.request_timeout_s = options->request_timeout_s;
    sw->context.clock = options->clock;
    sw->context.edited = edited;
    sw->context.aux = sw;
    nt_flow_codec_init(&sw->context.codec);
    sw->run_dir = nullable_xstrdup(options->run_dir);
    ovs_list_init(&sw->conns);
    shash_init(&sw->bridges);

    if (options->listen) {
        uint32_t versions = (1u << OFP13_VERSION) | (1u << OFP14_VERSION);
        int error = pvconn_open(options->listen, versions, 0, &sw->listener);
        if (error) {
            return nt_fail_errno(
                err, error, "cannot listen for the switch at %s%s", options->listen,
                error == EADDRINUSE ? " (another agent runs, or of_listen_port is taken)" : "");
        }
    }
    *out = TAKE(sw);
    return 0;
}

/* Takes a connection away from its bridge; it is freed in the next turn. */
static void
doom(struct bridge *b)
{
    if (b->conn) {
        b->conn->is_doomed = true;
        b->conn = NULL;
    }
}

void
nt_switch_free(struct nt_switch *sw)
{
    struct shash_node *node;

    if (!sw) {
        return;
    }
    SHASH_FOR_EACH (node, &sw->bridges) {
        doom(((struct bridge *) node->data));
    }
    while (!ovs_list_is_empty(&sw->conns)) {
        struct nt_conn *conn = CONTAINER_OF(ovs_list_front(&sw->conns), struct nt_conn, node);
        ovs_list_remove(&conn->node);
        nt_conn_free(conn);
    }
    SHASH_FOR_EACH (node, &sw->bridges) {
        struct bridge *b = node->data;
        free(b->name);
    }
    shash_destroy_free_data(&sw->bridges);
    pvconn_close(sw->listener);
    nt_flow_codec_deinit(&sw->context.codec);
    free(sw->run_dir);
    free(sw);
}

/* --- connections find their bridges --------------------------------------------------------- */

/* The bridge with that id; NULL: none, and '*is_open' when one of unknown id may be it. */
static struct bridge *
bridge_by_id(const struct nt_switch *sw, uint64_t datapath_id, bool *is_open)
{
    struct shash_node *node;

    *is_open = false;
    SHASH_FOR_EACH (node, &sw->bridges) {
        struct bridge *b = node->data;
        if (b->datapath_id && b->datapath_id == datapath_id) {
            return b;
        }
        *is_open = *is_open || !b->datapath_id;
    }
    return NULL;
}

/* A connection that said who it is becomes its bridge's, in place of an older one: the
 * switch has started anew and its old connection was not seen to end. */
static void
assign(struct nt_switch *sw, struct nt_conn *conn)
{
    bool is_open;

    if (!conn->number || conn->is_doomed || conn->is_ours || bridge_of(sw, conn)) {
        return;
    }
    struct bridge *b = bridge_by_id(sw, conn->datapath_id, &is_open);
    if (b) {
        doom(b);
        b->conn = conn;
        nt_info("bridge connected", "bridge", b->name, NULL);
    } else if (!is_open) {
        char id[17];
        snprintf(id, sizeof id, "%016llx", (unsigned long long) conn->datapath_id);
        nt_info_rl("connection of a bridge that is not ours closed", "datapath_id", id, NULL);
        conn->is_doomed = true;
    }
}

static size_t
n_strangers(const struct nt_switch *sw)
{
    const struct nt_conn *conn;
    size_t n = 0;

    LIST_FOR_EACH (conn, node, &sw->conns) {
        n += !conn->is_ours && !bridge_of(sw, conn);
    }
    return n;
}

static void
accept_all(struct nt_switch *sw)
{
    struct vconn *vconn;

    for (int i = 0; i < 16 && sw->listener && !pvconn_accept(sw->listener, &vconn); i++) {
        if (n_strangers(sw) >= MAX_STRANGERS) {
            vconn_close(vconn);
            nt_warn_rl("too many connections that do not say who they are", NULL);
        } else {
            ovs_list_push_back(&sw->conns, &nt_conn_accepted(&sw->context, vconn)->node);
        }
    }
}

static void
bury_doomed(struct nt_switch *sw)
{
    struct nt_conn *conn;

    LIST_FOR_EACH_SAFE (conn, node, &sw->conns) {
        if (conn->is_doomed) {
            struct bridge *b = bridge_of(sw, conn);
            if (b) {
                b->conn = NULL;
                nt_info("bridge disconnected", "bridge", b->name, NULL);
            }
            ovs_list_remove(&conn->node);
            nt_conn_free(conn);
        }
    }
}

void
nt_switch_run(struct nt_switch *sw)
{
    struct nt_conn *conn;

    accept_all(sw);
    LIST_FOR_EACH (conn, node, &sw->conns) {
        if (!conn->is_doomed) {
            nt_conn_run(conn);
            assign(sw, conn);
        }
    }
    bury_doomed(sw);
}

void
nt_switch_wait(struct nt_switch *sw)
{
    struct nt_conn *conn;

    if (sw->listener) {
        pvconn_wait(sw->listener);
    }
    LIST_FOR_EACH (conn, node, &sw->conns) {
        nt_conn_wait(conn);
    }
}

/* --- bridges ------------------------------------------------------------------------------- */

static uint64_t
id_from_text(const char *text)
{
    return text && strlen(text) == 16 ? strtoull(text, NULL, 16) : 0;
}

void
nt_switch_want(struct nt_switch *sw, const char *bridge, const char *datapath_id)
{
    struct bridge *b = shash_find_data(&sw->bridges, bridge);
    uint64_t id = id_from_text(datapath_id);

    if (!b) {
        b = xzalloc(sizeof *b);
        b->name = xstrdup(bridge);
        shash_add(&sw->bridges, bridge, b);
        if (!sw->listener) {
            AUTO_FREE char *target = xasprintf("unix:%s/%s.mgmt", sw->run_dir, bridge);
            b->conn = nt_conn_to(&sw->context, target);
            ovs_list_push_back(&sw->conns, &b->conn->node);
        }
    }
    if (sw->listener && b->conn && b->conn->datapath_id != id) {
        doom(b);
    }
    if (b->datapath_id != id) {
        struct nt_conn *conn;
        b->datapath_id = id;
        LIST_FOR_EACH (conn, node, &sw->conns) {
            assign(sw, conn);
        }
    }
}

/* --- requests ------------------------------------------------------------------------------ */

static struct nt_conn *
conn_for(const struct nt_switch *sw, const char *bridge)
{
    const struct bridge *b = shash_find_data(&sw->bridges, bridge);

    return b && b->conn && b->conn->number && !b->conn->is_doomed ? b->conn : NULL;
}

unsigned
nt_switch_connection(const struct nt_switch *sw, const char *bridge)
{
    const struct nt_conn *conn = conn_for(sw, bridge);

    return conn ? conn->number : 0;
}

int
nt_switch_dump(struct nt_switch *sw, const char *bridge, const struct nt_switch_dump *dump,
               struct nt_err *err)
{
    struct nt_conn *conn = conn_for(sw, bridge);

    if (!conn) {
        return nt_fail(err, NT_UNAVAILABLE, "bridge %s is not connected", bridge);
    }
    if (nt_conn_is_dumping(conn)) {
        return nt_fail(err, NT_CONFLICT, "flows of bridge %s are being asked for", bridge);
    }
    nt_conn_dump(conn, dump);
    return 0;
}

int
nt_switch_bundle(struct nt_switch *sw, const char *bridge, const struct nt_switch_bundle *bundle,
                 struct nt_err *err)
{
    struct nt_conn *conn = conn_for(sw, bridge);

    if (!conn) {
        return nt_fail(err, NT_UNAVAILABLE, "bridge %s is not connected", bridge);
    }
    nt_conn_bundle(conn, bundle);
    return 0;
}

void
nt_switch_on_edit(struct nt_switch *sw, nt_switch_edited *call, void *aux)
{
    sw->edited = call;
    sw->edited_aux = aux;
}

int
nt_switch_meters(struct nt_switch *sw, const char *bridge, const struct nt_switch_meters *to,
                 struct nt_err *err)
{
    struct nt_conn *conn = conn_for(sw, bridge);

    if (!conn) {
        return nt_fail(err, NT_UNAVAILABLE, "bridge %s is not connected", bridge);
    }
    nt_conn_meters(conn, to);
    return 0;
}

int
nt_switch_meter(struct nt_switch *sw, const char *bridge, const struct nt_meter_mod *mod,
                struct nt_err *err)
{
    struct nt_conn *conn = conn_for(sw, bridge);

    if (!conn) {
        return nt_fail(err, NT_UNAVAILABLE, "bridge %s is not connected", bridge);
    }
    nt_conn_meter(conn, mod);
    return 0;
}

const struct nt_switch_stats *
nt_switch_stats(const struct nt_switch *sw)
{
    return &sw->context.stats;
}
