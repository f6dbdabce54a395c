/* The switch is made to follow: one dump per connection, then differences.
 *
 *     no connection -> dump -> known: a bundle of what differs, again and again
 *                        ^                |
 *                        +-- flows_check -+
 *
 * What is to be done with a flow is decided in flows_verdict.c; here it is sent.
 *
 * One request at a time is under way for a bridge.  What is sent counts as installed at
 * once, under a mark; a bundle is all or nothing, so when it is refused what stood there
 * before is put back.  The change that was refused is left out of the next bundle; bundles
 * get smaller while there are refusals, so that a plan with many bad flows costs no square
 * of them, and a refusal that names no change ends at a bundle of one. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/apply/flows_slots.h"
#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(flows_sync);

/* One bundle: what vswitchd does in some ten milliseconds. */
#define MAX_CHUNK 8192

/* After a dump that failed without the connection ending. */
#define RETRY_MS 1000

/* After an edit by others all flows are asked for, with such a pause since the last time: it is
 * a multiple of what that took. */
#define LOOK_SHARE 20
#define LOOK_MIN_MS 1000
#define LOOK_MAX_MS 8000

/* A change under way. */
struct item {
    struct flows_slot *slot;
    struct nt_flow *before; /* Owned: what an addition replaces. */
    bool is_add;
};

struct flows_request {
    struct flows_bridge *bridge; /* NULL: it is not ours any more. */
    struct item *items;          /* Of a bundle; a dump has none. */
    size_t n;
};

static void
request_end(struct flows_request *r)
{
    for (size_t i = 0; i < r->n; i++) {
        nt_flow_free(r->items[i].before);
    }
    free(r->items);
    free(r);
}

static struct flows_request *
request_new(struct flows_bridge *b, size_t n)
{
    struct flows_request *r = xzalloc(sizeof *r);

    r->bridge = b;
    r->items = n ? xcalloc(n, sizeof *r->items) : NULL;
    b->request = r;
    return r;
}

void
flows_sync_detach(struct flows_bridge *b)
{
    if (b->request) {
        b->request->bridge = NULL;
        b->request = NULL;
    }
}

/* --- what is there ------------------------------------------------------------------------- */

static void
dumped_flow(void *aux, const struct nt_flow *flow)
{
    struct flows_request *r = aux;
    struct flows_bridge *b = r->bridge;

    if (!b || (flows_is_learned(flow) && !flows_slot_find(b, flow))) {
        return;
    }
    struct flows_slot *slot = flows_slot_get(b, flow);
    slot->is_seen = true;
    flows_slot_see(slot, flow);
}

/* How many flows are left as others made them. */
static void
count_differing(struct flows_bridge *b, size_t n_left)
{
    char n[24];

    if (n_left != b->n_differing) {
        snprintf(n, sizeof n, "%zu", n_left);
        nt_warn("flows are not as wanted and left so", "bridge", b->name, "n", n, NULL);
        b->flows->stats.n_differing += n_left - b->n_differing;
        b->n_differing = n_left;
    }
}

/* What the dump did not show is not there, and it is known what others have made. */
static void
end_look(struct flows_bridge *b)
{
    struct flows_slot *slot;
    size_t n_left = 0;

    HMAP_FOR_EACH_SAFE (slot, node, &b->slots) {
        if (!slot->is_seen) {
            flows_slot_see(slot, NULL);
        }
        n_left += slot->is_left;
        slot->is_seen = slot->is_refused = false;
        flows_slot_release(slot);
    }
    count_differing(b, n_left);
}

/* A dump that came to no end has shown nothing. */
static void
forget_dump(struct flows_bridge *b)
{
    struct flows_slot *slot;

    HMAP_FOR_EACH (slot, node, &b->slots) {
        slot->is_seen = false;
    }
}

/* Everything is looked at, in the order it was wanted. */
static void
mark_all(struct flows_bridge *b)
{
    const struct flows_owner *owner;
    struct flows_slot *slot;

    LIST_FOR_EACH (owner, node, &b->flows->in_order) {
        for (size_t i = 0; i < owner->n_slots; i++) {
            if (owner->slots[i]->bridge == b) {
                flows_slot_mark(owner->slots[i]);
            }
        }
    }
    HMAP_FOR_EACH (slot, node, &b->slots) {
        if (!slot->top.flow) {
            flows_slot_mark(slot);
        }
    }
}

/* While somebody goes on editing, asking takes at most this part of the time. */
static void
look_later(struct flows_bridge *b)
{
    int64_t now = nt_mono_ms(b->flows->clock);
    int64_t pause = (now - b->asked_ms) * LOOK_SHARE;

    b->next_look_ms = now + MIN(MAX(pause, LOOK_MIN_MS), LOOK_MAX_MS);
}

static void
dump_done(void *aux, const struct nt_err *err)
{
    struct flows_request *r = aux;
    struct flows_bridge *b = r->bridge;

    if (b) {
        b->request = NULL;
        if (err) {
            forget_dump(b);
            b->retry_ms = nt_mono_ms(b->flows->clock) + RETRY_MS;
            nt_warn_rl("flows of the bridge are not known", "bridge", b->name, "why", err->msg,
                       NULL);
        } else {
            end_look(b);
            look_later(b);
            b->n_looks++;
            b->is_known = true;
            b->must_dump = b->is_check = false;
            b->retry_ms = 0;
            mark_all(b);
        }
    }
    request_end(r);
}

static void
dump(struct flows_bridge *b)
{
    struct flows_request *r = request_new(b, 0);
    const struct nt_switch_dump to = { .flow = dumped_flow, .done = dump_done, .aux = r };
    struct nt_err err;

    b->is_edited = false; /* What comes now is news again. */
    b->asked_ms = nt_mono_ms(b->flows->clock);
    if (nt_switch_dump(b->flows->sw, b->name, &to, &err) < 0) {
        dump_done(r, &err);
    }
}

/* --- what is to change --------------------------------------------------------------------- */

static void
log_refused(struct flows_slot *slot, const char *why)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    if (slot->is_told) {
        return;
    }
    slot->is_told = true;
    slot->bridge->flows->stats.n_refused++;
    nt_flow_format(slot->top.flow, &text);
    nt_warn_rl("flow refused", "bridge", slot->bridge->name, "owner", slot->top.owner->name, "flow",
               ds_cstr(&text), "why", why, NULL);
    ds_destroy(&text);
}

/* Nothing is to be sent for it. */
static void
let_be(struct flows_slot *slot, enum flows_verdict verdict)
{
    if (verdict == FLOW_TAKEN) {
        log_refused(slot, "a flow with a reserved cookie is in its place");
    } else if (verdict == FLOW_RIGHT) {
        flows_slot_adopt(slot);
    }
    flows_slot_release(slot);
}

/* Later tables first, so that what leads into a pipeline comes when the rest is there. */
static int
by_table(const void *a_, const void *b_)
{
    const struct nt_flow *a = (*(struct flows_slot *const *) a_)->top.flow;
    const struct nt_flow *b = (*(struct flows_slot *const *) b_)->top.flow;

    return a->table != b->table ? b->table - a->table : b->priority - a->priority;
}

/* Goes through what is marked: additions to 'adds', removals to 'removals', the rest is as
 * it should be. */
static void
sort_out(struct flows_bridge *b, struct flows_slot **adds, size_t *n_adds,
         struct flows_slot **removals, size_t *n_removals)
{
    *n_adds = *n_removals = 0;
    for (size_t i = 0; i < b->n_dirty; i++) {
        struct flows_slot *slot = b->dirty[i];

        slot->is_dirty = false;
        if (slot->is_dead) {
            free(slot);
            continue;
        }
        enum flows_verdict verdict = flows_verdict_of(slot);
        if (verdict == FLOW_ADD || verdict == FLOW_REPLACE) {
            adds[(*n_adds)++] = slot;
        } else if (verdict == FLOW_REMOVE) {
            removals[(*n_removals)++] = slot;
        } else {
            let_be(slot, verdict);
        }
    }
    b->n_dirty = 0;
    if (*n_adds > b->chunk) {
        qsort(adds, *n_adds, sizeof(struct flows_slot *), by_table);
    }
}

static void
put_item(struct flows_request *r, struct nt_flow_mod *mod, struct flows_slot *slot, bool is_add)
{
    struct item *item = &r->items[r->n++];

    slot->is_busy = true;
    *item = (struct item){ .slot = slot, .is_add = is_add };
    *mod = (struct nt_flow_mod){ .command = is_add ? NT_FLOW_ADD : NT_FLOW_DELETE,
                                 .flow = is_add ? slot->top.flow : slot->installed };
    if (is_add) {
        item->before = slot->installed ? nt_flow_clone(slot->installed) : NULL;
        flows_slot_set_installed(slot, slot->top.flow);
    }
}

static void
item_made(struct flows_bridge *b, struct item *item)
{
    struct flows_slot *slot = item->slot;

    slot->is_busy = slot->is_foreign = false;
    if (item->is_add) {
        b->flows->stats.n_added++;
    } else {
        b->flows->stats.n_removed++;
        flows_slot_set_installed(slot, NULL);
    }
    if (slot->top.flow && !slot->installed) {
        flows_slot_mark(slot);
    }
    flows_slot_release(slot);
}

static void
item_not_made(struct item *item)
{
    struct flows_slot *slot = item->slot;

    slot->is_busy = false;
    if (item->is_add) {
        flows_slot_set_installed(slot, item->before);
        item->before = NULL;
    }
    flows_slot_mark(slot);
}

static void
bundle_done(void *aux, const struct nt_err *err, size_t failed)
{
    struct flows_request *r = aux;
    struct flows_bridge *b = r->bridge;

    if (!b) {
        request_end(r);
        return;
    }
    b->request = NULL;
    if (!err) {
        b->chunk = MIN(b->chunk * 2, MAX_CHUNK);
        for (size_t i = 0; i < r->n; i++) {
            item_made(b, &r->items[i]);
        }
        request_end(r);
        return;
    }

    bool is_refused = err->code != NT_UNAVAILABLE;
    if (is_refused && r->n == 1) {
        failed = 0;
    }
    if (is_refused && failed < r->n) {
        struct flows_slot *slot = r->items[failed].slot;
        if (!r->items[failed].is_add) {
            /* Nothing is wrong with the flow then: what is there is asked again. */
            b->must_dump = true;
            b->retry_ms = nt_mono_ms(b->flows->clock) + RETRY_MS;
        } else if (slot->top.flow == slot->installed) {
            slot->is_refused = true;
            log_refused(slot, err->msg);
            if (b->flows->refused) {
                b->flows->refused(b->flows->aux, slot->top.owner->name, err->msg);
            }
        }
    }
    for (size_t i = 0; i < r->n; i++) {
        item_not_made(&r->items[i]);
    }
    if (is_refused) {
        b->chunk = MAX(r->n / 2, 1);
    }
    request_end(r);
}

/* One bundle of what is marked; what has no place in it stays marked. */
static void
send_changes(struct flows_bridge *b)
{
    AUTO_FREE struct flows_slot **adds = xcalloc(b->n_dirty, sizeof *adds);
    AUTO_FREE struct flows_slot **removals = xcalloc(b->n_dirty, sizeof *removals);
    size_t n_adds, n_removals;
    struct nt_err err;

    sort_out(b, adds, &n_adds, removals, &n_removals);
    if (!n_adds && !n_removals) {
        return;
    }

    /* Removals wait until the last addition is on its way. */
    size_t n = MIN(n_adds, b->chunk);
    size_t n_away = n == n_adds ? MIN(n_removals, b->chunk - n) : 0;
    AUTO_FREE struct nt_flow_mod *mods = xcalloc(n + n_away, sizeof *mods);
    struct flows_request *r = request_new(b, n + n_away);
    for (size_t i = 0; i < n; i++) {
        put_item(r, &mods[i], adds[i], true);
    }
    for (size_t i = 0; i < n_away; i++) {
        put_item(r, &mods[n + i], removals[i], false);
    }
    for (size_t i = n; i < n_adds; i++) {
        flows_slot_mark(adds[i]);
    }
    for (size_t i = n_away; i < n_removals; i++) {
        flows_slot_mark(removals[i]);
    }
    const struct nt_switch_bundle bundle = {
        .mods = mods, .n = r->n, .done = bundle_done, .aux = r
    };
    if (nt_switch_bundle(b->flows->sw, b->name, &bundle, &err) < 0) {
        bundle_done(r, &err, r->n);
    }
}

/* --- a turn -------------------------------------------------------------------------------- */

static void
see_connection(struct flows_bridge *b, unsigned connection)
{
    struct flows_owner *owner;

    b->connection = connection;
    b->is_known = b->is_check = false;
    b->must_dump = connection != 0;
    b->chunk = MAX_CHUNK;
    b->retry_ms = 0;
    LIST_FOR_EACH (owner, node, &b->flows->in_order) {
        owner->n_settled = 0;
    }
}

void
flows_sync_run(struct flows_bridge *b)
{
    unsigned connection = nt_switch_connection(b->flows->sw, b->name);
    int64_t now = nt_mono_ms(b->flows->clock);

    if (connection != b->connection) {
        see_connection(b, connection);
    }
    if (!connection || b->request || now < b->retry_ms) {
        return;
    }
    if (b->is_edited && b->is_known && now >= b->next_look_ms) {
        b->must_dump = b->is_check = true;
    }
    if (b->must_dump) {
        dump(b);
    } else if (b->is_known && b->n_dirty) {
        send_changes(b);
    }
}

void
flows_sync_wait(struct flows_bridge *b)
{
    unsigned connection = nt_switch_connection(b->flows->sw, b->name);

    if (connection != b->connection) {
        poll_immediate_wake();
    } else if (connection && !b->request && (b->must_dump || (b->is_known && b->n_dirty))) {
        poll_timer_wait_until(b->retry_ms);
    } else if (connection && !b->request && b->is_edited && b->is_known) {
        poll_timer_wait_until(b->next_look_ms);
    }
}

bool
flows_sync_is_settled(const struct flows_bridge *b)
{
    bool is_quiet = !b->n_dirty && (!b->request || !b->request->n);

    return is_quiet && (b->is_known || !b->n_claimed);
}
