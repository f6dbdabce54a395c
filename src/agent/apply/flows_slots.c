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

bool
flows_slot_is_settled(const struct flows_slot *slot)
{
    return slot->bridge->is_known && !slot->is_dirty && !slot->is_busy && !slot->is_refused
           && slot->top.flow && slot->installed
           && nt_flow_does_same(slot->top.flow, slot->installed);
}

/* --- what is installed --------------------------------------------------------------------- */

bool
flows_slot_is_shared(const struct flows_slot *slot, const struct nt_flow *flow)
{
    for (const struct flows_claim *c = &slot->top; c && c->owner; c = c->next) {
        if (c->flow == flow) {
            return true;
        }
    }
    return false;
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
    if (before && !flows_slot_is_shared(slot, before)) {
        nt_flow_free(before);
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

void
flows_slot_drop_leaver(struct flows_slot *slot)
{
    struct flows_owner *owner = slot->top.owner;

    if (owner && !slot->top.flow) {
        slot->top.owner = NULL;
        owner->n_leaving--;
        flows_owner_release(slot->bridge->flows, owner);
    }
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

void
flows_slot_claim(struct flows_slot *slot, struct flows_owner *owner, struct nt_flow *flow)
{
    bool was_wanted = slot->top.flow;

    flows_slot_drop_leaver(slot);
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
    slot->is_refused = slot->is_told = false;
    flows_slot_mark(slot);
}

void
flows_slot_give_up(struct flows_slot *slot, struct flows_owner *owner)
{
    owner->n_settled = 0;
    if (slot->top.owner == owner) {
        slot->is_refused = slot->is_told = false;
        flows_slot_mark(slot);
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
