/* What is wanted and what is installed, match by match; for flows*.c alone.
 *
 * A slot is one match (table, priority, fields) of one bridge.  Claims on it are those who
 * want a flow there, the newest first: the top one counts.  Beside them stands what the
 * switch has.  Wanted bytes that are installed are not kept twice: 'installed' then points
 * to the flow of one of the claims, and is the slot's own otherwise.
 *
 * A slot lives as long as it has a claim or an installed flow, or a bundle has it under way. */
#pragma once

#include "agent/apply/flows.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/shash.h"

struct flows_slot;
struct flows_bridge;

struct flows_owner {
    struct ovs_list node; /* In the order they came. */
    struct flows_slot **slots;
    size_t n_slots;
    size_t n_leaving; /* Flows it has given up that are still installed. */
    size_t n_settled; /* So many of 'slots' are known to be settled. */
    char name[];
};

struct flows_claim {
    struct flows_owner *owner; /* NULL: no claim. */
    struct nt_flow *flow;      /* Owned; NULL: the owner has given it up, it is to go. */
    struct flows_claim *next;
    uint32_t round; /* Of flows_want(), that it was last wanted in. */
};

struct flows_slot {
    struct hmap_node node;
    struct flows_bridge *bridge;
    struct flows_claim top;
    struct nt_flow *installed;
    bool is_seen : 1;    /* By the dump under way. */
    bool is_dirty : 1;   /* Stands in the bridge's list of what to look at. */
    bool is_busy : 1;    /* A bundle has it. */
    bool is_dead : 1;    /* Freed when that list is gone through. */
    bool is_refused : 1; /* The switch does not take what is wanted. */
    bool is_told : 1;    /* Why what is wanted is not there was logged. */
    bool is_foreign : 1; /* Installed, found there and not adopted. */
    bool is_left : 1;    /* Others have changed it; until it is wanted anew. */
};

struct flows_request;

struct flows_bridge {
    struct flows *flows;
    char *name;
    struct hmap slots;
    struct flows_slot **dirty;
    size_t n_dirty, allocated_dirty;
    size_t n_claimed; /* Slots with a wanted flow. */

    unsigned connection;
    unsigned n_looks; /* Dumps that came to an end. */
    bool must_dump, is_known, is_check, is_complete;
    bool is_edited;                 /* By others, since it was last asked. */
    int64_t asked_ms, next_look_ms; /* Of the dump under way; no sooner after an edit. */
    size_t n_differing;             /* Slots that were left, by the last dump. */
    int64_t retry_ms;               /* After a failure; 0: at once. */
    size_t chunk;                   /* Changes in a bundle, at most. */
    struct flows_request *request;  /* Under way. */
};

struct flows_cookie_mask {
    uint64_t value, mask;
};

struct flows {
    struct nt_switch *sw;
    const struct nt_clock *clock;
    void (*refused)(void *aux, const char *owner, const char *why);
    void *aux;
    struct flows_cookie_mask *reserved;
    size_t n_reserved;
    struct shash owners, bridges;
    struct ovs_list in_order; /* Of the owners. */
    uint32_t round;
    bool leaves_edits;
    struct flows_stats stats;
};

/* --- what is to be done with a slot: flows_verdict.c ---------------------------------------- */

enum flows_verdict {
    FLOW_RIGHT, /* It is as it shall be. */
    FLOW_ADD,
    FLOW_REPLACE,
    FLOW_REMOVE,
    FLOW_EARLY,   /* Nobody wants it, but not everything is wanted yet. */
    FLOW_REFUSED, /* By the switch. */
    FLOW_TAKEN,   /* What is there has a reserved cookie. */
    FLOW_LEFT,    /* Others have changed it. */
    FLOW_N_VERDICTS,
};
enum flows_verdict flows_verdict_of(const struct flows_slot *);
const char *flows_verdict_name(enum flows_verdict); /* For people; NULL: nothing is to be said. */

bool flows_is_reserved(const struct flows *, uint64_t cookie);

/* Flows that the switch learned go by themselves, and are none of ours to want. */
bool flows_is_learned(const struct nt_flow *);

/* --- slots --------------------------------------------------------------------------------- */

struct flows_slot *flows_slot_find(const struct flows_bridge *, const struct nt_flow *);

/* Of a flow that is about to be claimed or is installed. */
struct flows_slot *flows_slot_get(struct flows_bridge *, const struct nt_flow *);

/* Frees it if nothing holds it. */
void flows_slot_release(struct flows_slot *);
void flows_slot_mark(struct flows_slot *); /* To be looked at. */
bool flows_slot_is_settled(const struct flows_slot *);

/* 'flow' is the slot's from now on, or that of one of its claims; NULL: nothing. */
void flows_slot_set_installed(struct flows_slot *, struct nt_flow *);

/* A dump shows 'flow' there; NULL: nothing.  What others have done is counted, or left. */
void flows_slot_see(struct flows_slot *, const struct nt_flow *flow);

/* It is right: what was found is adopted, and what was given up is no matter any more. */
void flows_slot_adopt(struct flows_slot *);

/* Takes 'flow', in place of what the owner wanted there before. */
void flows_slot_claim(struct flows_slot *, struct flows_owner *, struct nt_flow *);
struct flows_claim *flows_slot_claim_of(struct flows_slot *, const struct flows_owner *);
void flows_slot_give_up(struct flows_slot *, struct flows_owner *);

/* Only together with all other slots of the bridge. */
void flows_slot_free(struct flows_slot *);

/* --- owners -------------------------------------------------------------------------------- */

struct flows_owner *flows_owner_get(struct flows *, const char *name);

/* Frees it if it wants nothing and nothing of it is left. */
void flows_owner_release(struct flows *, struct flows_owner *);
void flows_owner_free(struct flows_owner *);

/* --- the switch: flows_sync.c -------------------------------------------------------------- */

void flows_sync_run(struct flows_bridge *);
void flows_sync_wait(struct flows_bridge *);
bool flows_sync_is_settled(const struct flows_bridge *);

/* What is under way does not concern the bridge any more. */
void flows_sync_detach(struct flows_bridge *);
