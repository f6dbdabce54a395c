#include <config.h>

#include "agent/apply/flows_slots.h"

#include <string.h>

#include "base/mem.h"

/* What tells a slot's match; NULL: nothing holds it any more. */
static const struct nt_flow *
key_of(const struct flows_slot *slot)
{
    return slot->top.flow ? slot->top.flow : slot->installed;
}

struct flows_slot *
flows_slot_find(const struct flows_bridge *b, const struct nt_flow *flow)
{
    struct flows_slot *slot;

    HMAP_FOR_EACH_WITH_HASH (slot, node, nt_flow_hash(flow), &b->slots) {
        const struct nt_flow *key = key_of(slot);
        if (key && nt_flow_is_same(key, flow)) {
            return slot;
        }
    }
    return NULL;
}

struct flows_slot *
flows_slot_get(struct flows_bridge *b, const struct nt_flow *flow)
{
    struct flows_slot *slot = flows_slot_find(b, flow);

    if (!slot) {
        slot = xzalloc(sizeof *slot);
        slot->bridge = b;
        hmap_insert(&b->slots, &slot->node, nt_flow_hash(flow));
    }
    return slot;
}

void
flows_slot_release(struct flows_slot *slot)
{
    if (slot->top.owner || slot->installed || slot->is_busy || slot->is_dead) {
        return;
    }
    hmap_remove(&slot->bridge->slots, &slot->node);
    if (slot->is_dirty) {
        slot->is_dead = true;
    } else {
        free(slot);
    }
}

void
flows_slot_mark(struct flows_slot *slot)
{
    struct flows_bridge *b = slot->bridge;

    for (struct flows_claim *c = &slot->top; c && c->owner; c = c->next) {
        c->owner->n_settled = 0;
    }
    if (!slot->is_dirty) {
        if (b->n_dirty == b->allocated_dirty) {
            b->dirty = x2nrealloc(b->dirty, &b->allocated_dirty, sizeof *b->dirty);
        }
        slot->is_dirty = true;
        b->dirty[b->n_dirty++] = slot;
    }
}

/* Nothing is to be done, nor under way. */
static bool
is_at_rest(const struct flows_slot *slot)
{
    return slot->is_left
           || (!slot->is_dirty && !slot->is_busy && flows_verdict_of(slot) == FLOW_RIGHT);
}

bool
flows_slot_is_settled(const struct flows_slot *slot)
{
    return slot->bridge->is_known && slot->top.flow && is_at_rest(slot);
}

/* --- what is installed --------------------------------------------------------------------- */

static bool
is_shared(const struct flows_slot *slot, const struct nt_flow *flow)
{
    for (const struct flows_claim *c = &slot->top; c && c->owner; c = c->next) {
        if (c->flow == flow) {
            return true;
        }
    }
    return false;
}

/* The owner of what was given up is told that it is gone. */
static void
drop_leaver(struct flows_slot *slot)
{
    struct flows_owner *owner = slot->top.owner;

    if (owner && !slot->top.flow) {
        slot->top.owner = NULL;
        owner->n_leaving--;
        flows_owner_release(slot->bridge->flows, owner);
    }
}

void
flows_slot_set_installed(struct flows_slot *slot, struct nt_flow *flow)
{
    struct nt_flow *before = slot->installed;

    if (before == flow) {
        return;
    }
    slot->bridge->flows->stats.n_installed += (flow != NULL) - (before != NULL);
    slot->installed = flow;
    if (before && !is_shared(slot, before)) {
        nt_flow_free(before);
    }
    if (!flow) {
        drop_leaver(slot);
    }
}

/* The bytes of the claim are used when they are the same.  A foreign owner's cookie must stay
 * known. */
static void
take_installed(struct flows_slot *slot, const struct nt_flow *flow)
{
    const struct nt_flow *now = slot->installed;
    struct nt_flow *wanted = slot->top.flow;

    if (!flow) {
        flows_slot_set_installed(slot, NULL);
    } else if (wanted && nt_flow_does_same(wanted, flow)
               && !flows_is_reserved(slot->bridge->flows, flow->cookie)) {
        flows_slot_set_installed(slot, wanted);
    } else if (!now || now->cookie != flow->cookie || !nt_flow_does_same(now, flow)) {
        flows_slot_set_installed(slot, nt_flow_clone(flow));
    }
}

/* Where nothing was to be done and now there is, others have been. */
void
flows_slot_see(struct flows_slot *slot, const struct nt_flow *flow)
{
    const struct flows_bridge *b = slot->bridge;
    bool was_at_rest = is_at_rest(slot);

    slot->is_left = false;
    slot->is_foreign = flow && (slot->is_foreign || !slot->installed);
    take_installed(slot, flow);
    if (b->is_check && was_at_rest && flows_verdict_of(slot) != FLOW_RIGHT) {
        slot->is_left = b->flows->leaves_edits;
        b->flows->stats.n_repaired += slot->top.flow && !slot->is_left;
    }
}

void
flows_slot_adopt(struct flows_slot *slot)
{
    if (slot->top.flow) {
        slot->bridge->flows->stats.n_adopted += slot->is_foreign;
        slot->is_foreign = false;
        take_installed(slot, slot->installed);
    } else {
        drop_leaver(slot);
    }
}

/* --- claims -------------------------------------------------------------------------------- */

struct flows_claim *
flows_slot_claim_of(struct flows_slot *slot, const struct flows_owner *owner)
{
    for (struct flows_claim *c = &slot->top; c && c->owner; c = c->next) {
        if (c->owner == owner && c->flow) {
            return c;
        }
    }
    return NULL;
}

static void
count(struct flows_slot *slot, int by)
{
    slot->bridge->n_claimed += (size_t) by;
    slot->bridge->flows->stats.n_wanted += (uint64_t) by;
}

/* Takes a claim out of the list and frees its flow, unless that is installed: then the slot
 * has it. */
static void
unlink_claim(struct flows_slot *slot, struct flows_owner *owner)
{
    struct nt_flow *flow = NULL;

    if (slot->top.owner == owner) {
        struct flows_claim *next = slot->top.next;
        flow = slot->top.flow;
        slot->top = next ? *next : (struct flows_claim){ 0 };
        free(next);
    } else {
        struct flows_claim *before = &slot->top;
        while (before->next->owner != owner) {
            before = before->next;
        }
        struct flows_claim *c = before->next;
        flow = c->flow;
        before->next = c->next;
        free(c);
    }
    if (flow != slot->installed) {
        nt_flow_free(flow);
    }
}

/* Also when it was refused, or left. */
static void
try_again(struct flows_slot *slot)
{
    slot->is_refused = slot->is_told = slot->is_left = false;
    flows_slot_mark(slot);
}

void
flows_slot_claim(struct flows_slot *slot, struct flows_owner *owner, struct nt_flow *flow)
{
    bool was_wanted = slot->top.flow;

    drop_leaver(slot);
    if (flows_slot_claim_of(slot, owner)) {
        unlink_claim(slot, owner);
    }
    if (slot->top.owner) {
        slot->top.next = xmemdup(&slot->top, sizeof slot->top);
    }
    if (!was_wanted) {
        count(slot, 1);
    }
    slot->top.owner = owner;
    slot->top.flow = flow;
    try_again(slot);
}

void
flows_slot_give_up(struct flows_slot *slot, struct flows_owner *owner)
{
    owner->n_settled = 0;
    if (slot->top.owner == owner) {
        try_again(slot);
    }
    unlink_claim(slot, owner);
    if (slot->top.owner) {
        return;
    }
    count(slot, -1);
    if (slot->installed) {
        slot->top.owner = owner;
        owner->n_leaving++;
    }
    flows_slot_release(slot);
}

void
flows_slot_free(struct flows_slot *slot)
{
    while (slot->top.owner) {
        unlink_claim(slot, slot->top.owner);
    }
    nt_flow_free(slot->installed);
    free(slot);
}

/* --- owners -------------------------------------------------------------------------------- */

struct flows_owner *
flows_owner_get(struct flows *f, const char *name)
{
    struct flows_owner *owner = shash_find_data(&f->owners, name);

    if (!owner) {
        owner = xzalloc(sizeof *owner + strlen(name) + 1);
        memcpy(owner->name, name, strlen(name) + 1);
        shash_add(&f->owners, name, owner);
        ovs_list_push_back(&f->in_order, &owner->node);
    }
    return owner;
}

void
flows_owner_release(struct flows *f, struct flows_owner *owner)
{
    if (!owner->n_slots && !owner->n_leaving) {
        ovs_list_remove(&owner->node);
        shash_find_and_delete(&f->owners, owner->name);
        flows_owner_free(owner);
    }
}

void
flows_owner_free(struct flows_owner *owner)
{
    free(owner->slots);
    free(owner);
}
