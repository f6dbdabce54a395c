/* The life of an object:
 *
 *   UNKNOWN  wanted; nobody has said anything yet
 *   KNOWN    'vo' is what is known
 *   MISSING  a pull was answered without it
 *   DELETED  the server said so
 *
 * Beside that it may be due (in 'due', asked for at 'not_before' at the earliest) and asked
 * (its pull is in flight: 'pull' is that one's number).  An answer only concerns those that
 * still have its number: who was dropped, deleted or due again after a new connection
 * meanwhile has not.  A push for what is MISSING is not believed, it makes the object due.
 *
 * A pull that fails makes its objects due again after a pause that grows with each failure
 * in a row.  They are then asked in smaller pulls, each half of the last, so that one object
 * that the server cannot answer for ends up alone. */
#include <config.h>

#include "agent/observe/neutron_objects.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"
#include "rpc/neutron/pull.h"

NT_LOG_MODULE(neutron_objects);

/* Pulls in flight, of all kinds: the server has few workers for many agents. */
#define MAX_CALLS 4

/* So long after "it has changed" what it is now is usually pushed. */
#define LOOK_MS 300

#define TOMBSTONES 256

/* Ids that one line of the log names. */
#define MAX_NAMED 20

enum state { UNKNOWN, KNOWN, MISSING, DELETED };

struct object {
    struct shash_node *by_id; /* Its name is the id. */
    struct ovs_list node;     /* In 'due' while 'is_due'. */
    enum state state;
    struct nt_vo *vo;
    uint64_t pull;      /* Number of the pull that asks for it; 0: none. */
    int64_t not_before; /* While due. */
    unsigned n_failed;  /* In a row. */
    bool is_askable;    /* Otherwise the id is none of neutron's. */
    bool is_due;
    bool is_look;    /* Due only because it was said to have changed. */
    bool was_pushed; /* Since it was asked for. */
    bool is_owed;    /* Counted in 'n_owed'. */
    bool is_missed;  /* It was known, and the last answer was without it. */
    bool is_refused; /* Its last answer was not readable, and that is logged. */
};

struct neutron_objects {
    const struct neutron_kind *kind;
    struct neutron_shared *shared;
    struct shash all;
    struct ovs_list due;
    size_t n_asked;
    uint64_t n_pulls; /* Numbers them. */

    char tombstones[TOMBSTONES][NT_UUID_SIZE]; /* A ring. */
    size_t n_tombstones;

    /* Objects that were replaced; whoever called may still look at them. */
    struct nt_vo **buried;
    size_t n_buried, allocated_buried;
};

/* A pull in flight. */
struct pull {
    struct neutron_objects *all;
    uint64_t number;
    unsigned connection;
    struct nt_uuid_text *ids;
    size_t n;
};

struct neutron_objects *
neutron_objects_new(const struct neutron_kind *kind, struct neutron_shared *shared)
{
    struct neutron_objects *all = xzalloc(sizeof *all);

    all->kind = kind;
    all->shared = shared;
    shash_init(&all->all);
    ovs_list_init(&all->due);
    return all;
}

static void
empty_graves(struct neutron_objects *all)
{
    while (all->n_buried) {
        nt_vo_free(all->buried[--all->n_buried]);
    }
}

static void
bury(struct neutron_objects *all, struct nt_vo *vo)
{
    if (vo) {
        if (all->n_buried == all->allocated_buried) {
            all->buried = x2nrealloc(all->buried, &all->allocated_buried, sizeof *all->buried);
        }
        all->buried[all->n_buried++] = vo;
    }
}

static int64_t
now_ms(const struct neutron_objects *all)
{
    return nt_mono_ms(all->shared->o.clock);
}

static struct object *
find(const struct neutron_objects *all, const char *id)
{
    return shash_find_data(&all->all, id);
}

/* Being due, asked, and owed. */

static void
not_due(struct object *o)
{
    if (o->is_due) {
        ovs_list_remove(&o->node);
        o->is_due = o->is_look = false;
    }
}

static void
make_due(struct neutron_objects *all, struct object *o, int64_t not_before)
{
    if (!o->is_due) {
        ovs_list_push_back(&all->due, &o->node);
        o->is_due = true;
    }
    o->is_look = false;
    o->not_before = not_before;
}

static void
not_asked(struct neutron_objects *all, struct object *o)
{
    if (o->pull) {
        o->pull = 0;
        all->n_asked--;
    }
}

static void
not_owed(struct neutron_objects *all, struct object *o)
{
    if (o->is_owed) {
        o->is_owed = false;
        all->shared->n_owed--;
    }
}

static void
owe(struct neutron_objects *all, struct object *o)
{
    if (!o->is_owed && all->shared->is_settling) {
        o->is_owed = true;
        all->shared->n_owed++;
    }
}

static void
answered(struct neutron_objects *all, struct object *o)
{
    not_asked(all, o);
    not_owed(all, o);
    o->n_failed = 0;
    o->is_refused = false;
}

static void
failed(struct neutron_objects *all, struct object *o)
{
    not_asked(all, o);
    o->n_failed++;
    make_due(all, o, now_ms(all) + nt_patience_pause_ms(all->shared->o.random, o->n_failed));
}

void
neutron_objects_ask_all(struct neutron_objects *all, int64_t not_before)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &all->all) {
        struct object *o = node->data;

        not_asked(all, o);
        make_due(all, o, not_before);
        owe(all, o);
        o->n_failed = 0;
    }
}

/* Interest. */

/* A UUID as the server writes it. */
static bool
is_askable(const char *id)
{
    for (const char *p = id; *p; p++) {
        if (isupper((unsigned char) *p)) {
            return false;
        }
    }
    return nt_is_uuid(id);
}

void
neutron_objects_want(struct neutron_objects *all, const char *id)
{
    if (!find(all, id)) {
        struct object *o = xzalloc(sizeof *o);

        o->by_id = shash_add(&all->all, id, o);
        o->is_askable = is_askable(id);
        make_due(all, o, 0);
        owe(all, o);
    }
}

static void
remember_deleted(struct neutron_objects *all, const char *id)
{
    ovs_strlcpy(all->tombstones[all->n_tombstones++ % TOMBSTONES], id, NT_UUID_SIZE);
}

static bool
was_deleted(const struct neutron_objects *all, const char *id)
{
    for (size_t i = 0; i < MIN(all->n_tombstones, TOMBSTONES); i++) {
        if (!strcmp(all->tombstones[i], id)) {
            return true;
        }
    }
    return false;
}

void
neutron_objects_drop(struct neutron_objects *all, const char *id)
{
    struct object *o = find(all, id);

    if (o) {
        if (o->state == DELETED) {
            remember_deleted(all, id);
        }
        not_due(o);
        not_asked(all, o);
        not_owed(all, o);
        bury(all, o->vo);
        shash_delete(&all->all, o->by_id);
        free(o);
    }
}

void
neutron_objects_free(struct neutron_objects *all)
{
    if (all) {
        struct shash_node *node;

        SHASH_FOR_EACH_SAFE (node, &all->all) {
            neutron_objects_drop(all, node->name);
        }
        shash_destroy(&all->all);
        empty_graves(all);
        free(all->buried);
        free(all);
    }
}

const struct nt_vo *
neutron_objects_get(const struct neutron_objects *all, const char *id)
{
    const struct object *o = find(all, id);

    return o ? o->vo : NULL;
}

/* What is learned.  Nothing of 'o' may be used after these: a callback may have dropped it. */

/* -1: it does not say. */
static int64_t
revision_of(const struct neutron_objects *all, const struct nt_vo *vo)
{
    const struct nt_vo_standard *standard =
        ALIGNED_CAST(const struct nt_vo_standard *, (const char *) vo + all->kind->standard);

    return nt_vo_is_set(vo, "revision_number") ? standard->revision_number : -1;
}

static bool
is_same(const struct nt_vo *a, const struct nt_vo *b)
{
    struct json *json_a = nt_vo_json(a);
    struct json *json_b = nt_vo_json(b);
    bool same = json_equal(json_a, json_b);

    json_destroy(json_a);
    json_destroy(json_b);
    return same;
}

/* A whole object of this kind. */
static int
read_object(const struct neutron_objects *all, const struct json *json, const char *what,
            struct nt_vo **out, struct nt_err *err)
{
    AUTO(nt_vo) vo = NULL;

    if (nt_neutron_object_read(all->kind->type, json, what, &vo, err) < 0) {
        return -1;
    }
    for (const char *const *field = all->kind->needs; *field; field++) {
        if (!nt_vo_is_set(vo, *field)) {
            return nt_fail(err, NT_INVALID, "%s.%s is missing", what, *field);
        }
    }
    *out = TAKE(vo);
    return 0;
}

/* Takes 'vo', and tells if it is news.  False: what is known is newer. */
static bool
learn(struct neutron_objects *all, struct object *o, struct nt_vo *vo)
{
    if (o->vo) {
        int64_t known = revision_of(all, o->vo), revision = revision_of(all, vo);
        bool is_older = revision >= 0 && revision < known;

        if (is_older || is_same(o->vo, vo)) {
            nt_vo_free(vo);
            return !is_older;
        }
        bury(all, o->vo);
    }
    o->vo = vo;
    o->state = KNOWN;
    all->kind->put(all->shared->o.watcher, vo);
    return true;
}

static void
lose(struct neutron_objects *all, struct object *o, enum state state)
{
    bool is_news = o->state == KNOWN || o->state == UNKNOWN;

    o->state = state;
    bury(all, TAKE(o->vo));
    if (is_news) {
        AUTO_FREE char *id = xstrdup(o->by_id->name);

        all->kind->gone(all->shared->o.watcher, id);
    }
}

static void delete (struct neutron_objects *all, struct object *o)
{
    answered(all, o);
    not_due(o);
    lose(all, o, DELETED);
}

/* Pushes, and the older notifications. */

static void
take_push(struct neutron_objects *all, struct object *o, struct nt_vo *vo)
{
    bool is_deleted =
        o->state == DELETED || (o->state == UNKNOWN && was_deleted(all, o->by_id->name));

    if (is_deleted || o->state == MISSING) {
        nt_vo_free(vo);
        all->shared->stats.n_pushed_ignored++;
        if (!is_deleted) {
            make_due(all, o, 0);
        }
        return;
    }
    if (o->is_look) {
        not_due(o);
    }
    o->was_pushed = true;
    if (!learn(all, o, vo)) {
        all->shared->stats.n_pushed_ignored++;
    }
}

int
neutron_objects_push(struct neutron_objects *all, const struct json *json, const char *what,
                     bool deleted, struct nt_err *err)
{
    char id[NT_UUID_SIZE];
    struct nt_vo *vo = NULL;

    if (nt_neutron_object_id(all->kind->type, json, what, id, err) < 0) {
        return -1;
    }

    struct object *o = find(all, id);
    if (!o) {
        all->shared->stats.n_pushed_ignored++;
        return 0;
    }
    all->shared->stats.n_pushes++;
    if (deleted) {
        delete (all, o);
        return 0;
    }
    if (read_object(all, json, what, &vo, err) < 0) {
        neutron_objects_changed(all, id, 0);
        return -1;
    }
    take_push(all, o, vo);
    return 0;
}

void
neutron_objects_changed(struct neutron_objects *all, const char *id, int64_t revision)
{
    struct object *o = find(all, id);
    bool is_known = o && o->vo && revision > 0 && revision <= revision_of(all, o->vo);

    if (o && o->state != DELETED && !o->is_due && !is_known) {
        make_due(all, o, now_ms(all) + LOOK_MS);
        o->is_look = true;
    }
}

void
neutron_objects_deleted(struct neutron_objects *all, const char *id)
{
    struct object *o = find(all, id);

    if (o) {
        delete (all, o);
    }
}

/* Pulls. */

static struct object *
find_asked(const struct pull *pull, const char *id)
{
    struct object *o = find(pull->all, id);

    return o && o->pull == pull->number ? o : NULL;
}

static void
refuse(struct neutron_objects *all, struct object *o, const struct nt_err *err)
{
    all->shared->stats.n_refused++;
    failed(all, o);
    if (!o->is_refused) {
        o->is_refused = true;
        nt_warn_rl("object refused; it is asked for again", "type", all->kind->type->name, "id",
                   o->by_id->name, "why", err->msg, NULL);
    }
}

/* Which of the two is newer, their revisions do not tell. */
static bool
is_in_doubt(const struct neutron_objects *all, const struct object *o, const struct nt_vo *vo)
{
    return o->was_pushed && o->vo && revision_of(all, vo) == revision_of(all, o->vo)
           && !is_same(o->vo, vo);
}

static void
take_pulled(struct neutron_objects *all, struct object *o, struct nt_vo *vo)
{
    all->shared->stats.n_pulled++;
    answered(all, o);
    if (is_in_doubt(all, o, vo)) {
        nt_vo_free(vo);
        make_due(all, o, 0);
        return;
    }
    if (o->is_missed) {
        o->is_missed = false;
        nt_info("the server knows it again", "type", all->kind->type->name, "id", o->by_id->name,
                NULL);
    }
    if (!learn(all, o, vo)) {
        nt_debug("pulled object is older than what was pushed", "type", all->kind->type->name,
                 NULL);
    }
}

/* What an answer is without, for the operator. */
struct difference {
    struct ds ids;
    size_t n;
};

static void
note(struct difference *difference, const struct object *o)
{
    if (difference->n++ < MAX_NAMED) {
        ds_put_format(&difference->ids, "%s%s", difference->n > 1 ? "," : "", o->by_id->name);
    }
}

/* Frees what was noted. */
static void
tell_difference(const struct neutron_objects *all, struct difference *difference, const char *what)
{
    char n[24];

    if (difference->n) {
        snprintf(n, sizeof n, "%zu", difference->n);
        nt_warn(what, "type", all->kind->type->name, "n", n, "ids", ds_cstr(&difference->ids),
                NULL);
    }
    ds_destroy(&difference->ids);
}

static void
take_missing(struct neutron_objects *all, struct object *o, struct difference *missed,
             struct difference *lost)
{
    answered(all, o);
    if (o->was_pushed) {
        /* It was made while the question was on its way; or this is not true any more. */
        make_due(all, o, 0);
    } else if (o->state == KNOWN && !o->is_missed) {
        /* A server on an old backup, or a replica that lags, shall not end what runs. */
        o->is_missed = true;
        all->shared->stats.n_missed++;
        note(missed, o);
        make_due(all, o, now_ms(all) + NEUTRON_MISSED_MS);
    } else {
        if (o->state == KNOWN) {
            all->shared->stats.n_lost++;
            note(lost, o);
        }
        lose(all, o, MISSING);
    }
}

/* One object of an answer.  False: it is not even known which one it is. */
static bool
take_one(const struct pull *pull, const struct json *json, const char *what)
{
    struct neutron_objects *all = pull->all;
    struct nt_vo *vo = NULL;
    char id[NT_UUID_SIZE];
    struct nt_err err;

    if (nt_neutron_object_id(all->kind->type, json, what, id, &err) < 0) {
        all->shared->stats.n_refused++;
        nt_warn_rl("part of an answer refused", "type", all->kind->type->name, "why", err.msg,
                   NULL);
        return false;
    }

    struct object *o = find_asked(pull, id);
    if (!o) {
        return true;
    }
    if (read_object(all, json, what, &vo, &err) < 0) {
        refuse(all, o, &err);
    } else {
        take_pulled(all, o, vo);
    }
    return true;
}

static void
take_answer(const struct pull *pull, const struct json *list)
{
    struct difference missed = { DS_EMPTY_INITIALIZER, 0 }, lost = { DS_EMPTY_INITIALIZER, 0 };
    bool is_complete = true;

    for (size_t i = 0; i < json_array(list)->n; i++) {
        char what[48];

        snprintf(what, sizeof what, "result[%zu]", i);
        is_complete = take_one(pull, json_array(list)->elems[i], what) && is_complete;
    }
    for (size_t i = 0; i < pull->n; i++) {
        struct object *o = find_asked(pull, pull->ids[i].text);

        if (o && is_complete) {
            take_missing(pull->all, o, &missed, &lost);
        } else if (o) {
            failed(pull->all, o);
        }
    }
    tell_difference(pull->all, &missed,
                    "the server does not know what it knew: left as it is until asked once more");
    tell_difference(pull->all, &lost,
                    "the server has said twice that it does not know what it knew: taken away");
}

static void
take_failure(const struct pull *pull, const struct nt_err *err)
{
    struct neutron_objects *all = pull->all;
    char n[24];

    all->shared->stats.n_failures++;
    snprintf(n, sizeof n, "%zu", pull->n);
    nt_warn_rl("objects not fetched; they are asked for again", "type", all->kind->type->name, "n",
               n, "why", err->msg, NULL);
    for (size_t i = 0; i < pull->n; i++) {
        struct object *o = find_asked(pull, pull->ids[i].text);

        if (o) {
            failed(all, o);
        }
    }
}

static void
pull_ended(void *pull_, const struct json *result, const struct nt_err *err)
{
    struct pull *pull = pull_;
    struct neutron_shared *shared = pull->all->shared;
    struct nt_err wrong;

    if (pull->connection == shared->connection) {
        shared->n_calls--;
    }
    nt_patience_note(&shared->patience, err);
    if (!err && result->type != JSON_ARRAY) {
        nt_fail(&wrong, NT_FAULT, "the answer of bulk_pull is not a list");
        err = &wrong;
    }
    if (err) {
        take_failure(pull, err);
    } else {
        take_answer(pull, result);
    }
    free(pull->ids);
    free(pull);
}

/* How many may be in one pull with 'o'. */
static size_t
batch_with(const struct neutron_objects *all, const struct object *o)
{
    return MAX(1, all->shared->o.batch >> MIN(o->n_failed, 16));
}

/* Moves what can be asked at once from 'due' to a pull of its own; NULL: nothing. */
static struct pull *
collect(struct neutron_objects *all, int64_t now)
{
    struct pull *pull = xzalloc(sizeof *pull);
    size_t batch = SIZE_MAX;
    struct object *o, *next;

    pull->all = all;
    pull->connection = all->shared->connection;
    pull->number = ++all->n_pulls;
    pull->ids = xcalloc(MAX(1, all->shared->o.batch), sizeof *pull->ids);
    LIST_FOR_EACH_SAFE (o, next, node, &all->due) {
        if (!o->is_askable || o->not_before > now || o->pull || pull->n >= batch_with(all, o)) {
            continue;
        }
        batch = MIN(batch, batch_with(all, o));
        ovs_strlcpy(pull->ids[pull->n++].text, o->by_id->name, NT_UUID_SIZE);
        not_due(o);
        o->pull = pull->number;
        o->was_pushed = false;
        all->n_asked++;
        if (pull->n >= batch) {
            break;
        }
    }
    if (!pull->n) {
        free(pull->ids);
        free(TAKE(pull));
    }
    return pull;
}

/* What is no UUID is no object, whatever the server would make of it. */
static void
answer_nonsense(struct neutron_objects *all)
{
    struct object *o, *next;

    LIST_FOR_EACH_SAFE (o, next, node, &all->due) {
        if (!o->is_askable) {
            not_due(o);
            answered(all, o);
            lose(all, o, MISSING);
            return; /* The list may have changed; the rest follows. */
        }
    }
}

void
neutron_objects_run(struct neutron_objects *all)
{
    int64_t now = now_ms(all);
    struct pull *pull;

    empty_graves(all);
    answer_nonsense(all);
    while (all->shared->n_calls < MAX_CALLS && (pull = collect(all, now))) {
        all->shared->n_calls++;
        all->shared->stats.n_pulls++;
        nt_neutron_pull(all->shared->o.bus,
                        &(struct nt_neutron_question){ all->kind->type, pull->ids, pull->n },
                        all->shared->patience.timeout_ms, pull_ended, pull);
    }
}

void
neutron_objects_wait(struct neutron_objects *all)
{
    struct object *o;

    if (all->shared->n_calls >= MAX_CALLS) {
        return;
    }
    LIST_FOR_EACH (o, node, &all->due) {
        if (!o->pull) {
            poll_timer_wait_until(o->not_before);
        }
    }
}

bool
neutron_objects_is_settled(const struct neutron_objects *all)
{
    return !all->n_asked && ovs_list_is_empty(&all->due);
}
