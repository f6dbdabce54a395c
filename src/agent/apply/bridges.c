#include <config.h>

#include "agent/apply/bridges.h"

#include <string.h>

#include "agent/apply/bridges_wish.h"
#include "base/hashing.h"
#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(bridges);

/* Each turn the dirty wishes are ensured and go out as one transaction.  A wish stays dirty
 * until "ensure" says that it is so, which is when the copy of the database shows it.
 *
 * A refused transaction says not which of its wishes was to blame, and nobody shall wait for
 * that one: the next transaction has half as many wishes, down to one, which is then given a
 * pause of its own. */
#define MIN_PAUSE_MS 1000
#define MAX_PAUSE_MS 30000

/* So often a wish is sent without being so afterwards before it is given pauses, too. */
#define MAX_SENT 3

/* So many repairs of one thing soon after each other are done at once, later ones after a
 * pause: somebody is at it who will not give up either. */
#define MAX_REPAIRS 5
#define CALM_MS 10000

#define QUEUES_NAME "minimum bandwidth"

struct bridges {
    struct nt_ovsdb *db; /* Borrowed. */
    const struct nt_clock *clock;
    bool leaves_edits;
    struct hmap wishes;
    struct ovs_list dirty[WISH_N_GROUPS];
    size_t n_waiting;
    unsigned connection;
    size_t batch;      /* At most so many wishes in a transaction. */
    size_t n_in_batch; /* Of the transaction that was sent last. */
    bool is_sent;
    bool is_complete; /* Lost limits may be removed, */
    bool is_swept;    /* ...and have been. */
    uint64_t first_committed, first_failed, n_failed;
    char *problem; /* Told last. */
    struct bridges_stats stats;
};

struct bridges *
bridges_new(struct nt_ovsdb *db, const struct nt_clock *clock, bool leaves_edits)
{
    struct bridges *b = xzalloc(sizeof *b);

    b->db = db;
    b->clock = clock;
    b->leaves_edits = leaves_edits;
    b->batch = SIZE_MAX;
    b->first_committed = nt_ovsdb_n_committed(db);
    b->first_failed = b->n_failed = nt_ovsdb_n_failed(db);
    hmap_init(&b->wishes);
    for (size_t i = 0; i < WISH_N_GROUPS; i++) {
        ovs_list_init(&b->dirty[i]);
    }
    return b;
}

static uint32_t
hash_name(enum wish_group group, const char *name)
{
    return hash_string(name, group);
}

static struct wish *
find(const struct bridges *b, enum wish_group group, const char *name)
{
    struct wish *w;

    HMAP_FOR_EACH_WITH_HASH (w, node, hash_name(group, name), &b->wishes) {
        if (w->group == group && !strcmp(w->name, name)) {
            return w;
        }
    }
    return NULL;
}

static void
set_state(struct bridges *b, struct wish *w, enum wish_state state)
{
    if (w->state == state) {
        return;
    }
    if (w->state == WISH_DIRTY) {
        ovs_list_remove(&w->dirty);
    }
    b->n_waiting -= w->state == WISH_WAITING;
    b->n_waiting += state == WISH_WAITING;
    w->state = state;
    if (state == WISH_DIRTY) {
        ovs_list_push_back(&b->dirty[w->group], &w->dirty);
    }
}

static void
drop(struct bridges *b, struct wish *w)
{
    b->stats.n_differing -= w->differs;
    set_state(b, w, WISH_SETTLED);
    hmap_remove(&b->wishes, &w->node);
    wish_free(w);
}

void
bridges_free(struct bridges *b)
{
    if (b) {
        struct wish *w;

        HMAP_FOR_EACH_SAFE (w, node, &b->wishes) {
            drop(b, w);
        }
        hmap_destroy(&b->wishes);
        free(b->problem);
        free(b);
    }
}

/* --- wishes ----------------------------------------------------------------------------- */

static struct wish *
get(struct bridges *b, enum wish_group group, const char *name)
{
    struct wish *w = find(b, group, name);

    if (!w) {
        w = wish_new(group, name);
        hmap_insert(&b->wishes, &w->node, hash_name(group, name));
        ovs_list_push_back(&b->dirty[group], &w->dirty);
    }
    return w;
}

static const char *
group_name(const struct wish *w)
{
    static const char *const names[] = { "bridge", "port", "limit of port", "queues of" };

    return names[w->group];
}

static void
set_differing(struct bridges *b, struct wish *w, bool differs)
{
    b->stats.n_differing += differs;
    b->stats.n_differing -= w->differs;
    if (differs && !w->differs) {
        nt_warn("changed by somebody else and left so", "what", group_name(w), "name", w->name,
                NULL);
    }
    w->differs = differs;
}

static void
tell_repair(struct bridges *b, const struct wish *w)
{
    b->stats.n_repaired++;
    nt_info_rl("changed by somebody else, changed back", "what", group_name(w), "name", w->name,
               NULL);
}

/* What differs from a new wish is nobody's fault. */
static void
wish_anew(struct bridges *b, struct wish *w)
{
    set_differing(b, w, false);
    w->was_settled = false;
    w->n_sent = 0;
    w->retry_at = 0;
    w->pause_ms = 0;
    set_state(b, w, WISH_DIRTY);
}

void
bridges_want_bridge(struct bridges *b, const struct nt_ovs_bridge_want *want)
{
    struct wish *w = get(b, WISH_BRIDGE, want->name);

    if (wish_set_bridge(w, want)) {
        wish_anew(b, w);
    }
}

void
bridges_want_port(struct bridges *b, const struct nt_ovs_port_want *want)
{
    struct wish *w = get(b, WISH_PORT, want->name);
    bool was_removed = w->was_settled && w->port.type && !nt_ovsdb_port(b->db, want->name);

    if (wish_set_port(w, want)) {
        if (was_removed) {
            tell_repair(b, w);
        }
        wish_anew(b, w);
    }
}

void
bridges_want_qos(struct bridges *b, const char *port, int64_t max_kbps, int64_t burst_kb)
{
    struct wish *w = get(b, WISH_QOS, port);

    if (wish_set_qos(w, max_kbps, burst_kb)) {
        wish_anew(b, w);
    }
}

/* There is one such wish, since all queues are in one row. */
static struct wish *
get_queues(struct bridges *b)
{
    return get(b, WISH_QUEUES, QUEUES_NAME);
}

void
bridges_want_queue(struct bridges *b, const char *port_id, const struct nt_ovs_queue *want)
{
    struct wish *w = get_queues(b);

    if (wish_set_queue(w, port_id, want)) {
        wish_anew(b, w);
    }
}

void
bridges_want_uplink(struct bridges *b, const char *name, bool is_one)
{
    struct wish *w = get_queues(b);

    if (wish_set_uplink(w, name, is_one)) {
        wish_anew(b, w);
    }
}

void
bridges_want_no_port(struct bridges *b, const char *name)
{
    struct wish *w = get(b, WISH_PORT, name);

    if (wish_set_no_port(w)) {
        wish_anew(b, w);
    }
}

void
bridges_forget_port(struct bridges *b, const char *name)
{
    struct wish *port = find(b, WISH_PORT, name);
    struct wish *qos = find(b, WISH_QOS, name);

    if (port) {
        drop(b, port);
    }
    if (qos && nt_ovsdb_port(b->db, name)) {
        drop(b, qos);
    } else if (qos) {
        /* The rows of a limit outlive their port, unlike its own. */
        bridges_want_qos(b, name, 0, 0);
    }
}

void
bridges_complete(struct bridges *b)
{
    struct wish *w = get_queues(b);

    b->is_complete = true;
    if (wish_set_whole(w)) {
        wish_anew(b, w);
    }
}

/* --- changes told ----------------------------------------------------------------------- */

static void
look_again(struct bridges *b, enum wish_group group, const char *name)
{
    struct wish *w = find(b, group, name);

    if (w) {
        set_state(b, w, WISH_DIRTY);
    }
}

void
bridges_port_changed(struct bridges *b, const char *name)
{
    const struct wish *queues = find(b, WISH_QUEUES, QUEUES_NAME);

    look_again(b, WISH_PORT, name);
    look_again(b, WISH_QOS, name);
    if (queues && shash_find(&queues->queues.uplinks, name)) {
        look_again(b, WISH_QUEUES, QUEUES_NAME);
    }
}

void
bridges_bridge_changed(struct bridges *b, const char *name)
{
    struct wish *w;

    look_again(b, WISH_BRIDGE, name);
    if (b->n_waiting > 0) {
        HMAP_FOR_EACH (w, node, &b->wishes) {
            if (w->state == WISH_WAITING && w->port.bridge && !strcmp(w->port.bridge, name)) {
                set_state(b, w, WISH_DIRTY);
            }
        }
    }
}

/* --- running ---------------------------------------------------------------------------- */

/* Somebody else's row stays, whatever it is good for. */
static void
tell_taken_uplinks(struct bridges *b, struct wish *w)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &w->queues.uplinks) {
        if (!nt_ovsdb_has_other_qos(b->db, node->name)) {
            node->data = NULL;
        } else if (!node->data && !shash_is_empty(&w->queues.queues)) {
            node->data = (void *) "told";
            nt_warn("port has a QoS row of somebody else's: minimum bandwidths do not hold there",
                    "name", node->name, NULL);
        }
    }
}

static bool
ensure(struct bridges *b, struct wish *w)
{
    switch (w->group) {
    case WISH_BRIDGE:
        return nt_ovsdb_ensure_bridge(b->db, &w->bridge);
    case WISH_QOS:
        return nt_ovsdb_ensure_qos(b->db, w->name, w->max_kbps, w->burst_kb);
    case WISH_QUEUES:
        tell_taken_uplinks(b, w);
        return nt_ovsdb_ensure_queues(b->db, &w->queues);
    case WISH_PORT:
    case WISH_N_GROUPS:
    default:
        return w->is_once ? nt_ovsdb_ensure_no_port(b->db, w->name)
                          : nt_ovsdb_ensure_port(b->db, &w->port);
    }
}

static bool
is_bridge_coming(const struct bridges *b, const char *name)
{
    const struct wish *w = name ? find(b, WISH_BRIDGE, name) : NULL;

    return name && (nt_ovsdb_bridge(b->db, name) || (w && w->bridge.may_create));
}

/* Agents on one switch name the port of a tunnel to the same host alike, unless they are told
 * otherwise.  Returns the bridge of the other agent's port; NULL: the name is ours. */
static const char *
taken_by(const struct bridges *b, const struct wish *w)
{
    const struct nt_ovs_port *port = nt_ovsdb_port(b->db, w->name);

    if (w->group != WISH_PORT || !w->port.type || !port || !strcmp(port->bridge, w->port.bridge)) {
        return NULL;
    }
    for (const struct nt_ovs_kv *kv = w->port.options; kv && kv->key; kv++) {
        const char *other = nt_ovsdb_interface_option(b->db, w->name, kv->key);
        if (!strcmp(kv->key, "local_ip") && other && strcmp(kv->value, other) != 0) {
            return port->bridge;
        }
    }
    return NULL;
}

/* It is made when the other one goes. */
static void
yield_name(struct bridges *b, struct wish *w, const char *bridge)
{
    set_state(b, w, WISH_WAITING);
    if (!w->problem) {
        nt_error("another agent's tunnel has the name; where several agents share a switch, "
                 "each needs tunnel_names_with_local_ip = true",
                 "name", w->name, "bridge", bridge, NULL);
        w->problem = xstrdup("taken");
    }
}

/* Whether it takes somebody else to make what the wish is about. */
static bool
must_wait(const struct bridges *b, const struct wish *w)
{
    const struct nt_ovs_port *port = nt_ovsdb_port(b->db, w->name);

    switch (w->group) {
    case WISH_BRIDGE:
        return !w->bridge.may_create && !nt_ovsdb_bridge(b->db, w->name);
    case WISH_QOS:
        return w->max_kbps != 0 && !port;
    case WISH_QUEUES:
        return false;
    case WISH_PORT:
    case WISH_N_GROUPS:
    default:
        if (w->is_once) {
            return false;
        }
        if (!w->port.type) {
            return !port || (w->port.bridge && strcmp(port->bridge, w->port.bridge) != 0);
        }
        return !is_bridge_coming(b, w->port.bridge);
    }
}

static void
settle(struct bridges *b, struct wish *w)
{
    if (w->problem) {
        nt_info("is as wanted again", "what", group_name(w), "name", w->name, NULL);
        free(w->problem);
        w->problem = NULL;
    }
    if (w->is_once) {
        drop(b, w);
        return;
    }
    w->was_settled = true;
    w->n_sent = 0;
    w->pause_ms = 0;
    w->retry_at = 0;
    set_state(b, w, WISH_SETTLED);
}

static void
pause_wish(struct bridges *b, struct wish *w, const char *why)
{
    w->pause_ms = w->pause_ms ? MIN(w->pause_ms * 2, MAX_PAUSE_MS) : MIN_PAUSE_MS;
    w->retry_at = nt_mono_ms(b->clock) + w->pause_ms;
    if (!w->problem || strcmp(w->problem, why) != 0) {
        nt_error("is not as wanted", "what", group_name(w), "name", w->name, "why", why, NULL);
        free(w->problem);
        w->problem = xstrdup(why);
    }
}

/* Somebody changed what was settled.  False: not to be repaired before a pause is over. */
static bool
may_repair(struct bridges *b, struct wish *w)
{
    int64_t now = nt_mono_ms(b->clock);

    if (now - w->repair_at > CALM_MS) {
        w->n_repairs = 0;
    }
    if (w->n_repairs >= MAX_REPAIRS && now - w->repair_at < MIN_PAUSE_MS) {
        w->retry_at = w->repair_at + MIN_PAUSE_MS;
        return false;
    }
    return true;
}

static void
note_repair(struct bridges *b, struct wish *w)
{
    w->repair_at = nt_mono_ms(b->clock);
    w->n_repairs++;
    w->was_settled = false;
    tell_repair(b, w);
}

/* Returns whether the wish went into the transaction. */
static bool
serve(struct bridges *b, struct wish *w)
{
    const char *other = taken_by(b, w);

    if (other) {
        w->was_settled = false;
        yield_name(b, w, other);
        return false;
    }
    if (w->was_settled && !may_repair(b, w)) {
        return false;
    }
    if (w->n_sent >= MAX_SENT) {
        w->n_sent = 0;
        pause_wish(b, w, "the switch's database has it otherwise again and again");
        return false;
    }
    if (ensure(b, w)) {
        settle(b, w);
        return false;
    }
    if (must_wait(b, w)) {
        w->was_settled = false;
        set_state(b, w, WISH_WAITING);
        return false;
    }
    if (w->was_settled) {
        note_repair(b, w);
    }
    w->n_sent++;
    w->is_sent = true;
    return true;
}

/* Compares what was settled before and may be otherwise now, and writes nothing. */
static void
only_look(struct bridges *b)
{
    struct wish *w;

    nt_ovsdb_commit(b->db); /* What others of us have written. */
    if (nt_ovsdb_is_busy(b->db)) {
        return;
    }
    for (size_t i = 0; i < WISH_N_GROUPS; i++) {
        LIST_FOR_EACH_SAFE (w, dirty, &b->dirty[i]) {
            if (w->was_settled) {
                set_differing(b, w, !ensure(b, w));
                set_state(b, w, WISH_SETTLED);
            }
        }
    }
    nt_ovsdb_discard(b->db);
}

static struct wish *
find_sent(struct bridges *b)
{
    struct wish *w;

    for (size_t i = 0; i < WISH_N_GROUPS; i++) {
        LIST_FOR_EACH (w, dirty, &b->dirty[i]) {
            if (w->is_sent) {
                return w;
            }
        }
    }
    return NULL;
}

/* The transaction was refused, or lost a race. */
static void
blame(struct bridges *b)
{
    const char *why = nt_ovsdb_last_error(b->db);

    if (!b->problem || strcmp(b->problem, why) != 0) {
        nt_warn("the switch's database refused a change", "why", why, NULL);
        free(b->problem);
        b->problem = xstrdup(why);
    }
    if (b->n_in_batch > 1) {
        b->batch = b->n_in_batch / 2;
    } else {
        struct wish *w = find_sent(b);

        if (w) {
            pause_wish(b, w, why);
        }
    }
}

/* Looks how the last transaction ended. */
static void
look_back(struct bridges *b)
{
    uint64_t n_failed = nt_ovsdb_n_failed(b->db);
    bool is_refused = n_failed != b->n_failed;
    unsigned connection = nt_ovsdb_connection(b->db);
    struct wish *w;

    b->n_failed = n_failed;
    b->stats.n_transactions = nt_ovsdb_n_committed(b->db) - b->first_committed;
    b->stats.n_failed = n_failed - b->first_failed;
    if (connection != b->connection) {
        /* Nothing is known of what was on its way. */
        b->connection = connection;
        b->is_swept = false;
        b->batch = SIZE_MAX;
        HMAP_FOR_EACH (w, node, &b->wishes) {
            set_state(b, w, WISH_DIRTY);
            w->n_sent = 0;
            w->retry_at = 0;
        }
    } else if (is_refused) {
        blame(b);
    } else if (b->is_sent && b->batch != SIZE_MAX) {
        b->batch = b->batch < SIZE_MAX / 2 ? b->batch * 2 : SIZE_MAX;
    }
    if (b->is_sent) {
        for (size_t i = 0; i < WISH_N_GROUPS; i++) {
            LIST_FOR_EACH (w, dirty, &b->dirty[i]) {
                w->n_sent -= w->is_sent && is_refused;
                w->is_sent = false;
            }
        }
    }
    b->is_sent = false;
}

static bool
must_sweep(const struct bridges *b)
{
    return b->is_complete && !b->is_swept && bridges_is_settled(b);
}

void
bridges_run(struct bridges *b)
{
    int64_t now = nt_mono_ms(b->clock);
    struct wish *w;

    if (!nt_ovsdb_is_ready(b->db) || nt_ovsdb_is_busy(b->db)) {
        return;
    }
    look_back(b);
    if (b->leaves_edits) {
        only_look(b);
    }
    b->n_in_batch = 0;
    for (size_t i = 0; i < WISH_N_GROUPS; i++) {
        LIST_FOR_EACH_SAFE (w, dirty, &b->dirty[i]) {
            if (b->n_in_batch >= b->batch) {
                break;
            }
            if (w->retry_at <= now && !(b->leaves_edits && w->was_settled)) {
                b->n_in_batch += serve(b, w);
            }
        }
    }
    b->is_sent = b->n_in_batch > 0;
    if (must_sweep(b)) {
        b->is_swept = nt_ovsdb_ensure_no_lost_limits(b->db);
    }
    nt_ovsdb_commit(b->db);
}

void
bridges_wait(struct bridges *b)
{
    const struct wish *w;

    /* The end of a transaction wakes by itself. */
    if (!nt_ovsdb_is_ready(b->db) || nt_ovsdb_is_busy(b->db)) {
        return;
    }
    for (size_t i = 0; i < WISH_N_GROUPS; i++) {
        LIST_FOR_EACH (w, dirty, &b->dirty[i]) {
            if (w->retry_at == 0) {
                poll_immediate_wake();
                return;
            }
            poll_timer_wait_until(w->retry_at);
        }
    }
    if (must_sweep(b)) {
        poll_immediate_wake();
    }
}

bool
bridges_is_settled(const struct bridges *b)
{
    for (size_t i = 0; i < WISH_N_GROUPS; i++) {
        if (!ovs_list_is_empty(&b->dirty[i])) {
            return false;
        }
    }
    return b->n_waiting == 0;
}

bool
bridges_are_ports_written(const struct bridges *b)
{
    return ovs_list_is_empty(&b->dirty[WISH_PORT]);
}

bool
bridges_is_port_settled(const struct bridges *b, const char *name)
{
    const struct wish *port = find(b, WISH_PORT, name);
    const struct wish *qos = find(b, WISH_QOS, name);

    return (!port || port->state == WISH_SETTLED) && (!qos || qos->state == WISH_SETTLED);
}

const struct bridges_stats *
bridges_stats(const struct bridges *b)
{
    return &b->stats;
}

void
bridges_format_plan(const struct bridges *b, struct ds *out)
{
    const struct wish *w;

    HMAP_FOR_EACH (w, node, &b->wishes) {
        const char *state = w->differs                 ? "left as others changed it"
                            : w->state == WISH_DIRTY   ? "write"
                            : w->state == WISH_WAITING ? "waits until it is there"
                                                       : NULL;

        if (state) {
            ds_put_format(out, "%s %s: %s%s%s\n", group_name(w), w->name, state,
                          w->problem ? ", " : "", w->problem ? w->problem : "");
        }
    }
}
