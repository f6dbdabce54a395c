/* Minimum bandwidths: the queues of one QoS row, which all uplinks share. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "ovsdb-idl.h"
#include "wire/ovs/ovsdb_impl.h"

/* The stock agent's is another one at each start, so that it does not find its own row again. */
static const struct nt_ovs_kv row_marks[] = {
    { "id", "neutrino-agent" },
    { "_type", NT_OVSDB_MINIMUM },
    { NULL, NULL },
};
static const struct nt_ovs_kv row_config[] = {
    { "max-rate", NT_OVSDB_MAX_RATE },
    { NULL, NULL },
};

/* --- what is there ------------------------------------------------------------------------ */

static bool
is_marked(const struct ovsrec_qos *row)
{
    return !strcmp(smap_get_def(&row->external_ids, "_type", ""), NT_OVSDB_MINIMUM);
}

/* Of which port a queue is; NULL: it is somebody else's. */
static const char *
port_of(const struct ovsrec_queue *row)
{
    bool is_ours = !strcmp(smap_get_def(&row->external_ids, "type", ""), NT_OVSDB_MINIMUM);

    return is_ours ? smap_get(&row->external_ids, "port") : NULL;
}

static bool
has_others(const struct ovsrec_qos *row)
{
    for (size_t i = 0; i < row->n_queues; i++) {
        if (!port_of(row->value_queues[i])) {
            return true;
        }
    }
    return false;
}

bool
nt_ovsdb_has_other_qos(const struct nt_ovsdb *db, const char *port)
{
    const struct nt_ovsdb_port_copy *p = nt_ovsdb_find_port(db, port);

    return p && p->row->qos && !is_marked(p->row->qos);
}

/* NULL: it is not there, or taken. */
static const struct ovsrec_port *
find_uplink(const struct nt_ovsdb *db, const char *name)
{
    const struct nt_ovsdb_port_copy *p = nt_ovsdb_find_port(db, name);

    return p && !nt_ovsdb_has_other_qos(db, name) ? p->row : NULL;
}

static bool
has_uplink(const struct nt_ovsdb *db, const struct nt_ovs_queues *want)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &want->uplinks) {
        if (find_uplink(db, node->name)) {
            return true;
        }
    }
    return false;
}

/* That of an uplink, whichever agent has made it, or ours that was left by uplinks that went. */
static const struct ovsrec_qos *
find_row(const struct nt_ovsdb *db, const struct nt_ovs_queues *want)
{
    const struct shash_node *node;
    const struct ovsrec_qos *row;

    SHASH_FOR_EACH (node, &want->uplinks) {
        const struct ovsrec_port *port = find_uplink(db, node->name);
        if (port && port->qos) {
            return port->qos;
        }
    }
    OVSREC_QOS_FOR_EACH(row, db->idl)
    {
        if (nt_ovsdb_has_pairs(&row->external_ids, row_marks) && !nt_ovsdb_is_qos_used(db, row)) {
            return row;
        }
    }
    return NULL;
}

/* --- queues ------------------------------------------------------------------------------- */

/* What a queue's columns shall have. */
struct columns {
    char number[24], rate[24];
    struct nt_ovs_kv ids[4], config[3];
};

static void
columns_init(struct columns *self, const char *port_id, const struct nt_ovs_queue *want)
{
    snprintf(self->number, sizeof self->number, "%" PRId64, want->number);
    snprintf(self->rate, sizeof self->rate, "%" PRId64, want->min_kbps * 1000);
    self->ids[0] = (struct nt_ovs_kv){ "port", port_id };
    self->ids[1] = (struct nt_ovs_kv){ "type", NT_OVSDB_MINIMUM };
    self->ids[2] = (struct nt_ovs_kv){ "queue-num", self->number };
    self->ids[3] = (struct nt_ovs_kv){ NULL, NULL };
    self->config[0] = (struct nt_ovs_kv){ "min-rate", self->rate };
    self->config[1] = (struct nt_ovs_kv){ "max-rate", NT_OVSDB_MAX_RATE };
    self->config[2] = (struct nt_ovs_kv){ NULL, NULL };
}

static bool
is_queue_so(const struct ovsrec_queue *row, const char *port_id, const struct nt_ovs_queue *want)
{
    struct columns columns;

    columns_init(&columns, port_id, want);
    return nt_ovsdb_has_pairs(&row->external_ids, columns.ids)
           && nt_ovsdb_has_pairs(&row->other_config, columns.config);
}

static bool
are_queues_so(const struct ovsrec_qos *row, const struct nt_ovs_queues *want)
{
    size_t n_so = 0;

    for (size_t i = 0; i < row->n_queues; i++) {
        const char *id = port_of(row->value_queues[i]);
        const struct nt_ovs_queue *wanted = id ? shash_find_data(&want->queues, id) : NULL;
        bool is_so = wanted && row->key_queues[i] == wanted->number
                     && is_queue_so(row->value_queues[i], id, wanted);

        if (id && !is_so && (wanted || want->is_whole)) {
            return false;
        }
        n_so += is_so;
    }
    return n_so == shash_count(&want->queues);
}

static bool
is_number_wanted(const struct nt_ovs_queues *want, int64_t number)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &want->queues) {
        const struct nt_ovs_queue *queue = node->data;
        if (queue->number == number) {
            return true;
        }
    }
    return false;
}

/* A QoS row's queues while they are put together, and what has to go. */
struct draft {
    int64_t *numbers;
    struct ovsrec_queue **rows, **lost;
    size_t n, n_lost;
    struct shash found; /* Port id -> row that the port goes on with. */
};

static void
draft_init(struct draft *self, const struct ovsrec_qos *row, const struct nt_ovs_queues *want)
{
    size_t n_max = row->n_queues + shash_count(&want->queues);

    *self = (struct draft){
        .numbers = xcalloc(n_max, sizeof *self->numbers),
        .rows = xcalloc(n_max, sizeof(struct ovsrec_queue *)),
        .lost = xcalloc(n_max, sizeof(struct ovsrec_queue *)),
    };
    shash_init(&self->found);
}

static void
draft_deinit(struct draft *self)
{
    free(self->numbers);
    free(self->rows);
    free(self->lost);
    shash_destroy(&self->found);
}

static void
draft_add(struct draft *self, int64_t number, struct ovsrec_queue *row)
{
    self->numbers[self->n] = number;
    self->rows[self->n++] = row;
}

/* Queues of ports that are not wished (yet) stay, unless their number is another one's now. */
static void
sort_out(struct draft *self, const struct ovsrec_qos *row, const struct nt_ovs_queues *want)
{
    for (size_t i = 0; i < row->n_queues; i++) {
        struct ovsrec_queue *queue = row->value_queues[i];
        const char *id = port_of(queue);
        bool is_wanted = id && shash_find(&want->queues, id);

        if (is_wanted && shash_add_once(&self->found, id, queue)) {
            continue;
        }
        if (!is_wanted && !(id && want->is_whole) && !is_number_wanted(want, row->key_queues[i])) {
            draft_add(self, row->key_queues[i], queue);
        } else if (id && shash_find_data(&self->found, id) != queue) {
            self->lost[self->n_lost++] = queue;
        }
    }
}

static struct ovsrec_queue *
make_queue(struct nt_ovsdb *db, const char *port_id, const struct nt_ovs_queue *want)
{
    struct ovsrec_queue *row = nt_ovsdb_make_queue(db, NT_OVSDB_MINIMUM, port_id, want->number);
    struct smap config = SMAP_INITIALIZER(&config);

    smap_add_format(&config, "min-rate", "%" PRId64, want->min_kbps * 1000);
    smap_add(&config, "max-rate", NT_OVSDB_MAX_RATE);
    ovsrec_queue_set_other_config(row, &config);
    smap_destroy(&config);
    return row;
}

static void
change_queue(const struct ovsrec_queue *row, const char *port_id, const struct nt_ovs_queue *want)
{
    struct columns columns;

    columns_init(&columns, port_id, want);
    nt_ovsdb_put_pairs(&row->header_, &ovsrec_queue_col_external_ids, &row->external_ids,
                       columns.ids);
    nt_ovsdb_put_pairs(&row->header_, &ovsrec_queue_col_other_config, &row->other_config,
                       columns.config);
}

static void
write_queues(struct nt_ovsdb *db, const struct ovsrec_qos *row, const struct nt_ovs_queues *want)
{
    const struct shash_node *node;
    struct draft draft;

    draft_init(&draft, row, want);
    sort_out(&draft, row, want);
    SHASH_FOR_EACH (node, &want->queues) {
        const struct nt_ovs_queue *wanted = node->data;
        struct ovsrec_queue *queue = shash_find_data(&draft.found, node->name);

        if (queue) {
            change_queue(queue, node->name, wanted);
        } else {
            queue = make_queue(db, node->name, wanted);
        }
        draft_add(&draft, wanted->number, queue);
    }
    ovsrec_qos_set_queues(row, draft.numbers, draft.rows, draft.n);
    nt_ovsdb_drop_queues(db, draft.lost, draft.n_lost, row);
    draft_deinit(&draft);
}

/* --- the row ------------------------------------------------------------------------------ */

/* Whether uplinks have the row, and no others; they do afterwards when 'may_write'. */
static bool
place(const struct nt_ovsdb *db, const struct ovsrec_qos *row, const struct nt_ovs_queues *want,
      bool may_write)
{
    const struct shash_node *node;
    const struct ovsrec_port *port;
    bool is_so = true;

    SHASH_FOR_EACH (node, &want->uplinks) {
        port = find_uplink(db, node->name);
        if (port && port->qos != row) {
            is_so = false;
            if (may_write) {
                ovsrec_port_set_qos(port, row);
            }
        }
    }
    OVSREC_PORT_FOR_EACH(port, db->idl)
    {
        if (want->is_whole && port->qos == row && !shash_find(&want->uplinks, port->name)) {
            is_so = false;
            if (may_write) {
                ovsrec_port_set_qos(port, NULL);
            }
        }
    }
    return is_so;
}

static bool
is_row_so(const struct ovsrec_qos *row)
{
    return !strcmp(row->type, NT_OVSDB_QOS_TYPE)
           && nt_ovsdb_has_pairs(&row->external_ids, row_marks)
           && nt_ovsdb_has_pairs(&row->other_config, row_config);
}

static void
write_row(const struct ovsrec_qos *row)
{
    ovsrec_qos_set_type(row, NT_OVSDB_QOS_TYPE);
    nt_ovsdb_put_pairs(&row->header_, &ovsrec_qos_col_external_ids, &row->external_ids, row_marks);
    nt_ovsdb_put_pairs(&row->header_, &ovsrec_qos_col_other_config, &row->other_config, row_config);
}

static void
drop_row(struct nt_ovsdb *db, const struct ovsrec_qos *row)
{
    const struct ovsrec_port *port;

    OVSREC_PORT_FOR_EACH(port, db->idl)
    {
        if (port->qos == row) {
            ovsrec_port_set_qos(port, NULL);
        }
    }
    nt_ovsdb_drop_queues(db, row->value_queues, row->n_queues, row);
    ovsrec_qos_delete(row);
}

static void
write_all(struct nt_ovsdb *db, const struct ovsrec_qos *row, const struct nt_ovs_queues *want)
{
    if (!row) {
        row = nt_ovsdb_make_qos(db, NT_OVSDB_MINIMUM, row_marks->value);
    } else if (!is_row_so(row)) {
        write_row(row);
    }
    if (!are_queues_so(row, want)) {
        write_queues(db, row, want);
    }
    place(db, row, want, true);
}

bool
nt_ovsdb_ensure_queues(struct nt_ovsdb *db, const struct nt_ovs_queues *want)
{
    const struct ovsrec_qos *row = find_row(db, want);
    bool is_used = !shash_is_empty(&want->queues) && has_uplink(db, want);
    bool is_so;

    if (!is_used && row && !has_others(row)) {
        is_so = !want->is_whole;
        if (!is_so && nt_ovsdb_begin(db)) {
            drop_row(db, row);
        }
        return is_so;
    }
    if (!is_used && !row) {
        return true;
    }
    is_so = row && is_row_so(row) && are_queues_so(row, want) && place(db, row, want, false);
    if (!is_so && nt_ovsdb_begin(db)) {
        write_all(db, row, want);
    }
    return is_so;
}
