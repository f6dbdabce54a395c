#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "ovsdb-idl.h"
#include "wire/ovs/ovsdb_impl.h"

/* --- controllers ------------------------------------------------------------------------ */

#define CONNECTION_MODE "out-of-band"

/* Rows of ours say so: one with another target is left from an earlier configuration, and the
 * switch would try it for ever.  Rows of others are left. */
static const struct nt_ovs_kv mark[] = { { "owner", "neutrino-agent" }, { NULL, NULL } };

static const struct ovsrec_controller *
find_controller(const struct ovsrec_bridge *row, const char *target)
{
    for (size_t i = 0; i < row->n_controller; i++) {
        if (!strcmp(row->controller[i]->target, target)) {
            return row->controller[i];
        }
    }
    return NULL;
}

/* The switch knocks again after so long at most, and not after its usual 8 s, when we were away. */
static const int64_t max_backoff_ms = 1000;

static void
set_controller(const struct ovsrec_controller *row, int64_t probe_ms)
{
    ovsrec_controller_set_connection_mode(row, CONNECTION_MODE);
    ovsrec_controller_set_inactivity_probe(row, &probe_ms, 1);
    ovsrec_controller_set_max_backoff(row, &max_backoff_ms, 1);
}

static bool
is_controller_so(const struct ovsrec_controller *row, int64_t probe_ms)
{
    return row->connection_mode && !strcmp(row->connection_mode, CONNECTION_MODE)
           && row->n_inactivity_probe == 1 && *row->inactivity_probe == probe_ms
           && row->n_max_backoff == 1 && *row->max_backoff == max_backoff_ms
           && nt_ovsdb_has_pairs(&row->external_ids, mark);
}

static void
make_controller(struct nt_ovsdb *db, const struct ovsrec_bridge *bridge,
                const struct nt_ovs_bridge_want *want)
{
    struct ovsrec_controller *row = ovsrec_controller_insert(db->open);
    struct smap ids = SMAP_INITIALIZER(&ids);

    smap_add(&ids, mark->key, mark->value);
    ovsrec_controller_set_external_ids(row, &ids);
    smap_destroy(&ids);
    ovsrec_controller_set_target(row, want->controller);
    set_controller(row, want->inactivity_probe_ms);
    ovsrec_bridge_update_controller_addvalue(bridge, row);
}

/* True: none of ours is there that is not wanted. */
static bool
drop_controllers(struct nt_ovsdb *db, const struct ovsrec_bridge *bridge,
                 const struct nt_ovs_bridge_want *want)
{
    bool is_so = true;

    for (size_t i = 0; i < bridge->n_controller; i++) {
        const struct ovsrec_controller *row = bridge->controller[i];
        bool is_wanted = want->controller && !strcmp(row->target, want->controller);
        bool is_named = want->no_controller && !strcmp(row->target, want->no_controller);

        if (!is_wanted && (is_named || nt_ovsdb_has_pairs(&row->external_ids, mark))) {
            is_so = false;
            if (nt_ovsdb_begin(db)) {
                ovsrec_bridge_update_controller_delvalue(bridge, row);
            }
        }
    }
    return is_so;
}

bool
nt_ovsdb_ensure_controller(struct nt_ovsdb *db, const struct ovsrec_bridge *bridge,
                           const struct nt_ovs_bridge_want *want)
{
    if (!want->controller && !want->no_controller) {
        return true;
    }

    bool is_so = drop_controllers(db, bridge, want);
    const struct ovsrec_controller *row =
        want->controller ? find_controller(bridge, want->controller) : NULL;

    if (!want->controller || (row && is_controller_so(row, want->inactivity_probe_ms))) {
        return is_so;
    }
    if (!nt_ovsdb_begin(db)) {
        return false;
    }
    if (row) {
        set_controller(row, want->inactivity_probe_ms);
        nt_ovsdb_put_pairs(&row->header_, &ovsrec_controller_col_external_ids, &row->external_ids,
                           mark);
    } else {
        make_controller(db, bridge, want);
    }
    return false;
}

/* --- managers --------------------------------------------------------------------------- */

bool
nt_ovsdb_ensure_manager(struct nt_ovsdb *db, const char *target, int inactivity_probe_ms)
{
    const struct ovsrec_open_vswitch *root = ovsrec_open_vswitch_first(db->idl);
    const struct ovsrec_manager *row = NULL;
    int64_t probe_ms = inactivity_probe_ms;

    for (size_t i = 0; root && !row && i < root->n_manager_options; i++) {
        if (!strcmp(root->manager_options[i]->target, target)) {
            row = root->manager_options[i];
        }
    }
    if (row && row->n_inactivity_probe == 1 && *row->inactivity_probe == probe_ms) {
        return true;
    }
    if (nt_ovsdb_begin(db)) {
        if (!row) {
            struct ovsrec_manager *made = ovsrec_manager_insert(db->open);

            ovsrec_manager_set_target(made, target);
            ovsrec_open_vswitch_update_manager_options_addvalue(nt_ovsdb_root(db), made);
            row = made;
        }
        ovsrec_manager_set_inactivity_probe(row, &probe_ms, 1);
    }
    return false;
}

/* --- limits ----------------------------------------------------------------------------- */

static bool
is_qos_of(const struct ovsrec_qos *row, const char *port)
{
    const char *id = smap_get(&row->external_ids, "id");
    const char *kind = smap_get(&row->external_ids, "_type");

    return id && kind && !strcmp(id, port) && !strcmp(kind, NT_OVSDB_LIMIT);
}

bool
nt_ovsdb_is_qos_used(const struct nt_ovsdb *db, const struct ovsrec_qos *row)
{
    const struct ovsrec_port *port;

    OVSREC_PORT_FOR_EACH(port, db->idl)
    {
        if (port->qos == row) {
            return true;
        }
    }
    return false;
}

/* Whether another QoS row than 'but' (NULL: any) refers to it. */
static bool
is_queue_used(const struct nt_ovsdb *db, const struct ovsrec_queue *row,
              const struct ovsrec_qos *but)
{
    const struct ovsrec_qos *qos;

    OVSREC_QOS_FOR_EACH(qos, db->idl)
    {
        for (size_t i = 0; qos != but && i < qos->n_queues; i++) {
            if (qos->value_queues[i] == row) {
                return true;
            }
        }
    }
    return false;
}

void
nt_ovsdb_drop_queues(struct nt_ovsdb *db, struct ovsrec_queue *const *rows, size_t n,
                     const struct ovsrec_qos *but)
{
    for (size_t i = 0; i < n; i++) {
        bool is_done = is_queue_used(db, rows[i], but);

        for (size_t j = 0; j < i && !is_done; j++) {
            is_done = rows[j] == rows[i];
        }
        if (!is_done) {
            ovsrec_queue_delete(rows[i]);
        }
    }
}

static void
delete_qos(struct nt_ovsdb *db, const struct ovsrec_qos *row)
{
    nt_ovsdb_drop_queues(db, row->value_queues, row->n_queues, row);
    ovsrec_qos_delete(row);
}

void
nt_ovsdb_drop_qos(struct nt_ovsdb *db, const struct ovsrec_port *port)
{
    const struct ovsrec_qos *row = port->qos;

    if (row && is_qos_of(row, port->name)) {
        ovsrec_port_set_qos(port, NULL);
        delete_qos(db, row);
    }
}

/* A row stays behind when somebody else removes the port, or makes it anew. */
static const struct ovsrec_qos *
find_lost_qos(const struct nt_ovsdb *db, const char *port)
{
    const struct ovsrec_qos *row;

    OVSREC_QOS_FOR_EACH(row, db->idl)
    {
        if (is_qos_of(row, port)) {
            return row;
        }
    }
    return NULL;
}

static bool
drop_lost_qos(struct nt_ovsdb *db, const char *port)
{
    const struct ovsrec_qos *row = find_lost_qos(db, port);

    if (row && nt_ovsdb_begin(db)) {
        delete_qos(db, row);
    }
    return !row;
}

static bool
is_queue_so(const struct ovsrec_qos *qos, const char *rate, const char *burst)
{
    if (qos->n_queues != 1 || qos->key_queues[0] != 0) {
        return false;
    }

    const struct smap *config = &qos->value_queues[0]->other_config;

    return !strcmp(smap_get_def(config, "max-rate", ""), rate)
           && !strcmp(smap_get_def(config, "burst", ""), burst);
}

static bool
has_keys(const struct smap *ids, const char *const *keys, const char *kind_key)
{
    for (; *keys; keys++) {
        if (!smap_get(ids, *keys)) {
            return false;
        }
    }

    const char *kind = smap_get_def(ids, kind_key, "");
    return !strcmp(kind, NT_OVSDB_LIMIT) || !strcmp(kind, NT_OVSDB_MINIMUM);
}

static bool
is_lost_qos(const struct nt_ovsdb *db, const struct ovsrec_qos *row)
{
    static const char *const keys[] = { "id", NULL };

    return has_keys(&row->external_ids, keys, "_type") && !nt_ovsdb_is_qos_used(db, row);
}

static bool
is_lost_queue(const struct nt_ovsdb *db, const struct ovsrec_queue *row)
{
    static const char *const keys[] = { "port", "queue-num", NULL };

    return has_keys(&row->external_ids, keys, "type") && !is_queue_used(db, row, NULL);
}

/* Queues in a later turn, when those that referred to them are gone. */
bool
nt_ovsdb_ensure_no_lost_limits(struct nt_ovsdb *db)
{
    const struct ovsrec_qos *qos, *next_qos;
    const struct ovsrec_queue *queue, *next_queue;
    bool is_so = true;

    OVSREC_QOS_FOR_EACH_SAFE(qos, next_qos, db->idl)
    {
        if (is_lost_qos(db, qos)) {
            is_so = false;
            if (nt_ovsdb_begin(db)) {
                ovsrec_qos_delete(qos);
            }
        }
    }
    if (!is_so) {
        return false;
    }
    OVSREC_QUEUE_FOR_EACH_SAFE(queue, next_queue, db->idl)
    {
        if (is_lost_queue(db, queue)) {
            is_so = false;
            if (nt_ovsdb_begin(db)) {
                ovsrec_queue_delete(queue);
            }
        }
    }
    return is_so;
}

struct ovsrec_queue *
nt_ovsdb_make_queue(struct nt_ovsdb *db, const char *kind, const char *port, int64_t number)
{
    struct ovsrec_queue *row = ovsrec_queue_insert(db->open);
    struct smap ids = SMAP_INITIALIZER(&ids);

    smap_add(&ids, "port", port);
    smap_add(&ids, "type", kind);
    smap_add_format(&ids, "queue-num", "%" PRId64, number);
    ovsrec_queue_set_external_ids(row, &ids);
    smap_destroy(&ids);
    return row;
}

struct ovsrec_qos *
nt_ovsdb_make_qos(struct nt_ovsdb *db, const char *kind, const char *id)
{
    struct ovsrec_qos *row = ovsrec_qos_insert(db->open);
    struct smap ids = SMAP_INITIALIZER(&ids);
    struct smap config = SMAP_INITIALIZER(&config);

    smap_add(&ids, "id", id);
    smap_add(&ids, "_type", kind);
    smap_add(&config, "max-rate", NT_OVSDB_MAX_RATE);
    ovsrec_qos_set_type(row, NT_OVSDB_QOS_TYPE);
    ovsrec_qos_set_external_ids(row, &ids);
    ovsrec_qos_set_other_config(row, &config);
    smap_destroy(&ids);
    smap_destroy(&config);
    return row;
}

static void
write_limit(struct nt_ovsdb *db, const struct ovsrec_port *port, const char *rate,
            const char *burst)
{
    bool is_ours = port->qos && is_qos_of(port->qos, port->name);
    const struct ovsrec_qos *qos = is_ours ? port->qos : find_lost_qos(db, port->name);
    struct ovsrec_queue *queue;
    struct smap config = SMAP_INITIALIZER(&config);
    int64_t number = 0;

    if (!qos) {
        qos = nt_ovsdb_make_qos(db, NT_OVSDB_LIMIT, port->name);
    }
    queue = qos->n_queues == 1 ? CONST_CAST(struct ovsrec_queue *, qos->value_queues[0])
                               : nt_ovsdb_make_queue(db, NT_OVSDB_LIMIT, port->name, 0);
    smap_add(&config, "max-rate", rate);
    smap_add(&config, "burst", burst);
    ovsrec_queue_set_other_config(queue, &config);
    smap_destroy(&config);

    if (qos->n_queues > 1) {
        nt_ovsdb_drop_queues(db, qos->value_queues, qos->n_queues, qos);
    }
    ovsrec_qos_set_queues(qos, &number, &queue, 1);
    ovsrec_port_set_qos(port, qos);
}

bool
nt_ovsdb_ensure_qos(struct nt_ovsdb *db, const char *port, int64_t max_kbps, int64_t burst_kb)
{
    const struct nt_ovsdb_port_copy *p = nt_ovsdb_find_port(db, port);
    char rate[32], burst[32];

    if (!p) {
        return max_kbps == 0 && drop_lost_qos(db, port);
    }

    const struct ovsrec_qos *qos = p->row->qos;
    bool is_ours = qos && is_qos_of(qos, port);

    if (max_kbps == 0) {
        if (is_ours && nt_ovsdb_begin(db)) {
            nt_ovsdb_drop_qos(db, p->row);
        }
        return !is_ours;
    }
    snprintf(rate, sizeof rate, "%" PRId64, max_kbps * 1000);
    snprintf(burst, sizeof burst, "%" PRId64, burst_kb * 1000);
    if (is_ours && is_queue_so(qos, rate, burst)) {
        return true;
    }
    if (!sset_contains(&db->touched_ports, port) && nt_ovsdb_begin(db)) {
        write_limit(db, p->row, rate, burst);
    }
    return false;
}
