/* Wishes: text in, claims on slots out.  flows_sync.c makes the switch follow. */
#include <config.h>

#include "agent/apply/flows.h"

#include <errno.h>
#include <string.h>

#include "agent/apply/flows_slots.h"
#include "base/hashing.h"
#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/dynamic-string.h"

NT_LOG_MODULE(flows);

/* The switch has told that somebody else did something. */
static void
edited(void *f_, const char *bridge, uint64_t cookie)
{
    struct flows *f = f_;
    struct flows_bridge *b = shash_find_data(&f->bridges, bridge);

    if (b && !flows_is_reserved(f, cookie)) {
        f->stats.n_edits++;
        b->is_edited = true;
    }
}

/* --- one set of flows ---------------------------------------------------------------------- */

static int
read_cookie(const char *text, struct flows_cookie_mask *out, struct nt_err *err)
{
    char *end = NULL;

    errno = 0;
    out->value = strtoull(text, &end, 0);
    out->mask = UINT64_MAX;
    bool is_good = end != text && !errno;
    if (is_good && *end == '/') {
        const char *mask = end + 1;
        out->mask = strtoull(mask, &end, 0);
        is_good = end != mask && !errno;
    }
    if (!is_good || *end) {
        return nt_fail(err, NT_INVALID,
                       "reserved cookie \"%s\" is no number, nor a number/mask (0x1200/0xff00)",
                       text);
    }
    out->value &= out->mask;
    return 0;
}

int
flows_new(const struct flows_options *options, struct flows **out, struct nt_err *err)
{
    AUTO(flows) f = xzalloc(sizeof *f);

    f->sw = options->sw;
    f->clock = options->clock;
    f->leaves_edits = options->leaves_edits;
    f->refused = options->refused;
    f->aux = options->aux;
    shash_init(&f->owners);
    shash_init(&f->bridges);
    ovs_list_init(&f->in_order);

    size_t n = 0;
    while (options->reserved_cookies && options->reserved_cookies[n]) {
        n++;
    }
    f->reserved = xcalloc(n + 1, sizeof *f->reserved);
    for (size_t i = 0; i < n; i++) {
        if (read_cookie(options->reserved_cookies[i], &f->reserved[i], err) < 0) {
            return -1;
        }
        f->n_reserved++;
    }
    nt_switch_on_edit(f->sw, edited, f);
    *out = TAKE(f);
    return 0;
}

static void
bridge_free(struct flows_bridge *b)
{
    struct flows_slot *slot;

    flows_sync_detach(b);
    for (size_t i = 0; i < b->n_dirty; i++) {
        if (b->dirty[i]->is_dead) {
            free(b->dirty[i]);
        }
    }
    HMAP_FOR_EACH_SAFE (slot, node, &b->slots) {
        flows_slot_free(slot);
    }
    hmap_destroy(&b->slots);
    free(b->dirty);
    free(b->name);
    free(b);
}

void
flows_free(struct flows *f)
{
    struct shash_node *node;
    struct flows_owner *owner;

    if (!f) {
        return;
    }
    nt_switch_on_edit(f->sw, NULL, NULL);
    SHASH_FOR_EACH (node, &f->bridges) {
        bridge_free(node->data);
    }
    LIST_FOR_EACH_SAFE (owner, node, &f->in_order) {
        flows_owner_free(owner);
    }
    shash_destroy(&f->bridges);
    shash_destroy(&f->owners);
    free(f->reserved);
    free(f);
}

void
flows_add_bridge(struct flows *f, const char *bridge)
{
    if (!shash_find(&f->bridges, bridge)) {
        struct flows_bridge *b = xzalloc(sizeof *b);
        b->flows = f;
        b->name = xstrdup(bridge);
        hmap_init(&b->slots);
        shash_add(&f->bridges, bridge, b);
    }
}

static struct flows_bridge *
bridge_find(const struct flows *f, const char *name)
{
    return shash_find_data(&f->bridges, name);
}

void
flows_run(struct flows *f)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &f->bridges) {
        flows_sync_run(node->data);
    }
}

void
flows_wait(struct flows *f)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &f->bridges) {
        flows_sync_wait(node->data);
    }
}

/* --- wishes -------------------------------------------------------------------------------- */

uint64_t
flows_cookie(const char *owner)
{
    uint64_t index = hash_string(owner, 0) | (uint64_t) (hash_string(owner, 1) & 0xff) << 32;

    /* The first ones are for flows that nobody wants by name. */
    return FLOWS_COOKIE_MARK << 48 | (uint64_t) FLOWS_LAYOUT << 40 | (index < 16 ? 16 : index);
}

/* The slot that a line is about, claimed; NULL when the line cannot be wanted. */
static struct flows_slot *
want_line(struct flows *f, struct flows_owner *owner, const struct plan_line *line)
{
    struct flows_bridge *b = bridge_find(f, line->bridge);
    AUTO(nt_flow) flow = NULL;
    struct nt_err err;

    if (!b) {
        nt_warn_rl("flow wanted on a bridge that is not ours", "bridge", line->bridge, "owner",
                   owner->name, "flow", line->flow, NULL);
        return NULL;
    }
    if (nt_flow_parse(line->flow, &flow, &err) < 0) {
        nt_warn_rl("planned flow is none", "bridge", line->bridge, "owner", owner->name, "flow",
                   line->flow, "why", err.msg, NULL);
        return NULL;
    }
    flow->cookie = flows_cookie(owner->name);

    struct flows_slot *slot = flows_slot_get(b, flow);
    struct flows_claim *claim = flows_slot_claim_of(slot, owner);
    bool is_again = claim && claim->round == f->round;
    if (!claim || !nt_flow_does_same(claim->flow, flow)) {
        flows_slot_claim(slot, owner, TAKE(flow));
        claim = &slot->top;
    }
    claim->round = f->round;
    return is_again ? NULL : slot;
}

void
flows_want(struct flows *f, const char *name, const struct plan *plan)
{
    struct flows_owner *owner = flows_owner_get(f, name);
    struct flows_slot **before = owner->slots;
    size_t n_before = owner->n_slots;

    owner->n_leaving++; /* Keeps it while it has nothing. */
    owner->slots = plan->n ? xcalloc(plan->n, sizeof *owner->slots) : NULL;
    owner->n_slots = 0;
    owner->n_settled = 0;
    f->round++;
    for (size_t i = 0; i < plan->n; i++) {
        struct flows_slot *slot = want_line(f, owner, &plan->lines[i]);
        if (slot) {
            owner->slots[owner->n_slots++] = slot;
        }
    }
    for (size_t i = 0; i < n_before; i++) {
        const struct flows_claim *claim = flows_slot_claim_of(before[i], owner);
        if (claim && claim->round != f->round) {
            flows_slot_give_up(before[i], owner);
        }
    }
    free(before);
    owner->n_leaving--;
    flows_owner_release(f, owner);
}

void
flows_complete(struct flows *f, const char *bridge)
{
    struct flows_bridge *b = bridge_find(f, bridge);
    struct flows_slot *slot;

    if (b && !b->is_complete) {
        b->is_complete = true;
        HMAP_FOR_EACH (slot, node, &b->slots) {
            if (!slot->top.flow) {
                flows_slot_mark(slot);
            }
        }
    }
}

bool
flows_is_complete(const struct flows *f)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &f->bridges) {
        const struct flows_bridge *b = node->data;
        if (!b->is_complete) {
            return false;
        }
    }
    return true;
}

void
flows_check(struct flows *f, const char *bridge)
{
    struct flows_bridge *b = bridge_find(f, bridge);

    if (b && b->is_known) {
        b->must_dump = b->is_check = true;
    }
}

unsigned
flows_n_looks(const struct flows *f, const char *bridge)
{
    const struct flows_bridge *b = bridge_find(f, bridge);

    return b ? b->n_looks : 0;
}

void
flows_each_installed(const struct flows *f, const char *bridge,
                     void (*each)(void *aux, const struct nt_flow *), void *aux)
{
    const struct flows_bridge *b = bridge_find(f, bridge);
    const struct flows_slot *slot;

    if (b) {
        HMAP_FOR_EACH (slot, node, &b->slots) {
            if (slot->installed) {
                each(aux, slot->installed);
            }
        }
    }
}

/* --- how far it is ------------------------------------------------------------------------- */

bool
flows_is_settled(const struct flows *f)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &f->bridges) {
        if (!flows_sync_is_settled(node->data)) {
            return false;
        }
    }
    return true;
}

bool
flows_is_settled_on(const struct flows *f, const char *bridge)
{
    const struct flows_bridge *b = bridge_find(f, bridge);

    return b && flows_sync_is_settled(b);
}

bool
flows_is_settled_for(const struct flows *f, const char *name)
{
    struct flows_owner *owner = shash_find_data(&f->owners, name);

    if (!owner) {
        return true;
    }
    while (owner->n_settled < owner->n_slots
           && flows_slot_is_settled(owner->slots[owner->n_settled])) {
        owner->n_settled++;
    }
    return owner->n_settled == owner->n_slots && !owner->n_leaving;
}

const struct flows_stats *
flows_stats(const struct flows *f)
{
    return &f->stats;
}

static void
format_owner(const struct flows_owner *owner, struct ds *out)
{
    for (size_t i = 0; i < owner->n_slots; i++) {
        struct flows_slot *slot = owner->slots[i];
        const struct flows_claim *claim = flows_slot_claim_of(slot, owner);
        enum flows_verdict verdict = flows_verdict_of(slot);
        bool is_refused = verdict == FLOW_REFUSED || verdict == FLOW_TAKEN;
        const char *state = claim != &slot->top           ? "another owner has it"
                            : is_refused                  ? "refused"
                            : flows_slot_is_settled(slot) ? "installed"
                                                          : "wanted";

        ds_put_format(out, "%s %s (%s): ", slot->bridge->name, owner->name, state);
        nt_flow_format(claim->flow, out);
        ds_put_char(out, '\n');
    }
}

void
flows_format(const struct flows *f, const char *name, struct ds *out)
{
    const struct flows_owner *owner;

    LIST_FOR_EACH (owner, node, &f->in_order) {
        if (!name || !strcmp(name, owner->name)) {
            format_owner(owner, out);
        }
    }
}

static void
format_plan_of(const struct flows_slot *slot, struct ds *out)
{
    const char *what = flows_verdict_name(flows_verdict_of(slot));

    if (what) {
        ds_put_format(out, "%s %s (%s): ", slot->bridge->name, what,
                      slot->top.owner ? slot->top.owner->name : "nobody's");
        nt_flow_format(slot->top.flow ? slot->top.flow : slot->installed, out);
        ds_put_char(out, '\n');
    }
}

void
flows_format_plan(const struct flows *f, const char *bridge, struct ds *out)
{
    const struct shash_node *node;
    const struct flows_slot *slot;

    SHASH_FOR_EACH (node, &f->bridges) {
        const struct flows_bridge *b = node->data;

        if (bridge && strcmp(bridge, b->name)) {
            continue;
        }
        if (!b->is_known) {
            ds_put_format(out, "%s is not connected, or was not asked yet\n", b->name);
        }
        HMAP_FOR_EACH (slot, node, &b->slots) {
            format_plan_of(slot, out);
        }
    }
}
