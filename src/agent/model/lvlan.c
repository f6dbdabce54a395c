#include <config.h>

#include "agent/model/lvlan.h"

#include <string.h>

#include "base/hashing.h"
#include "base/mem.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/shash.h"

struct lvlan {
    struct hmap_node node; /* In 'by_network'. */
    char *network_id, *segmentation;
    int lvid;
    unsigned n_holds, n_hints; /* Gone when both are 0. */
};

struct tag {
    struct ovs_list node; /* In 'unused' or 'resting' while nobody has it. */
    struct lvlan *lvlan;  /* NULL: nobody has it. */
};

struct lvlans {
    struct hmap by_network;
    struct shash hints; /* Id of a port -> struct lvlan. */
    struct tag tags[LVLAN_LAST + 1];
    struct ovs_list unused;  /* The one that was given up longest ago first. */
    struct ovs_list resting; /* Given up, but ports may still have it in the switch. */
};

struct lvlans *
lvlans_new(void)
{
    struct lvlans *lvlans = xzalloc(sizeof *lvlans);

    hmap_init(&lvlans->by_network);
    shash_init(&lvlans->hints);
    ovs_list_init(&lvlans->unused);
    ovs_list_init(&lvlans->resting);
    for (int i = LVLAN_FIRST; i <= LVLAN_LAST; i++) {
        ovs_list_push_back(&lvlans->unused, &lvlans->tags[i].node);
    }
    return lvlans;
}

static uint32_t
hash_of(const char *network_id, const char *segmentation)
{
    return hash_string(segmentation, hash_string(network_id, 0));
}

static struct lvlan *
find(const struct lvlans *lvlans, const char *network_id, const char *segmentation)
{
    struct lvlan *lvlan;

    HMAP_FOR_EACH_WITH_HASH (lvlan, node, hash_of(network_id, segmentation), &lvlans->by_network) {
        if (!strcmp(lvlan->network_id, network_id) && !strcmp(lvlan->segmentation, segmentation)) {
            return lvlan;
        }
    }
    return NULL;
}

static struct lvlan *
add(struct lvlans *lvlans, const char *network_id, const char *segmentation, int lvid)
{
    struct lvlan *lvlan = xzalloc(sizeof *lvlan);

    lvlan->network_id = xstrdup(network_id);
    lvlan->segmentation = xstrdup(segmentation);
    lvlan->lvid = lvid;
    lvlans->tags[lvid].lvlan = lvlan;
    ovs_list_remove(&lvlans->tags[lvid].node);
    hmap_insert(&lvlans->by_network, &lvlan->node, hash_of(network_id, segmentation));
    return lvlan;
}

static void
remove_lvlan(struct lvlans *lvlans, struct lvlan *lvlan)
{
    struct tag *tag = &lvlans->tags[lvlan->lvid];

    tag->lvlan = NULL;
    ovs_list_push_back(&lvlans->resting, &tag->node);
    hmap_remove(&lvlans->by_network, &lvlan->node);
    free(lvlan->network_id);
    free(lvlan->segmentation);
    free(lvlan);
}

static void
remove_unused(struct lvlans *lvlans, struct lvlan *lvlan)
{
    if (!lvlan->n_holds && !lvlan->n_hints) {
        remove_lvlan(lvlans, lvlan);
    }
}

void
lvlans_free(struct lvlans *lvlans)
{
    if (!lvlans) {
        return;
    }
    for (int i = LVLAN_FIRST; i <= LVLAN_LAST; i++) {
        if (lvlans->tags[i].lvlan) {
            remove_lvlan(lvlans, lvlans->tags[i].lvlan);
        }
    }
    hmap_destroy(&lvlans->by_network);
    shash_destroy(&lvlans->hints);
    free(lvlans);
}

/* 0: none is unused. */
static int
unused_lvid(const struct lvlans *lvlans)
{
    if (ovs_list_is_empty(&lvlans->unused)) {
        return 0;
    }
    return CONTAINER_OF(ovs_list_front(&lvlans->unused), struct tag, node) - lvlans->tags;
}

int
lvlans_hold(struct lvlans *lvlans, const char *network_id, const char *segmentation,
            struct nt_err *err)
{
    struct lvlan *lvlan = find(lvlans, network_id, segmentation);

    if (!lvlan) {
        int lvid = unused_lvid(lvlans);
        if (!lvid) {
            return nt_fail(err, NT_EXHAUSTED,
                           "no local VLAN for network %s (segmentation id %s): all of %d to %d "
                           "are taken by networks with ports on this host",
                           network_id, segmentation, LVLAN_FIRST, LVLAN_LAST);
        }
        lvlan = add(lvlans, network_id, segmentation, lvid);
    }
    lvlan->n_holds++;
    return lvlan->lvid;
}

void
lvlans_drop(struct lvlans *lvlans, const char *network_id, const char *segmentation)
{
    struct lvlan *lvlan = find(lvlans, network_id, segmentation);

    if (lvlan && lvlan->n_holds) {
        lvlan->n_holds--;
        remove_unused(lvlans, lvlan);
    }
}

int
lvlans_find(const struct lvlans *lvlans, const char *network_id, const char *segmentation)
{
    const struct lvlan *lvlan = find(lvlans, network_id, segmentation);

    return lvlan && lvlan->n_holds ? lvlan->lvid : 0;
}

void
lvlans_unhint(struct lvlans *lvlans, const char *port_id)
{
    struct lvlan *lvlan = shash_find_and_delete(&lvlans->hints, port_id);

    if (lvlan) {
        lvlan->n_hints--;
        remove_unused(lvlans, lvlan);
    }
}

bool
lvlans_hint(struct lvlans *lvlans, const char *port_id, const char *network_id,
            const char *segmentation, int lvid)
{
    lvlans_unhint(lvlans, port_id);

    struct lvlan *lvlan = find(lvlans, network_id, segmentation);
    if (lvid < LVLAN_FIRST || lvid > LVLAN_LAST || lvlans->tags[lvid].lvlan != lvlan) {
        return false;
    }
    if (!lvlan) {
        lvlan = add(lvlans, network_id, segmentation, lvid);
    }
    lvlan->n_hints++;
    shash_add(&lvlans->hints, port_id, lvlan);
    return true;
}

int
lvlans_move(struct lvlans *lvlans, const char *network_id, const char *old_segmentation,
            const char *new_segmentation)
{
    struct lvlan *lvlan = find(lvlans, network_id, old_segmentation);

    if (!lvlan || !strcmp(old_segmentation, new_segmentation)) {
        return lvlan ? lvlan->lvid : 0;
    }
    if (find(lvlans, network_id, new_segmentation)) {
        return 0;
    }
    hmap_remove(&lvlans->by_network, &lvlan->node);
    free(lvlan->segmentation);
    lvlan->segmentation = xstrdup(new_segmentation);
    hmap_insert(&lvlans->by_network, &lvlan->node, hash_of(network_id, new_segmentation));
    return lvlan->lvid;
}

bool
lvlans_rested(struct lvlans *lvlans)
{
    bool some = !ovs_list_is_empty(&lvlans->resting);

    ovs_list_push_back_all(&lvlans->unused, &lvlans->resting);
    return some;
}

size_t
lvlans_n(const struct lvlans *lvlans)
{
    return hmap_count(&lvlans->by_network);
}
