#include <config.h>

#include "agent/apply/bridges_wish.h"

#include <string.h>

#include "base/mem.h"

/* Borrowed arrays of a want end with NULL; the copies are owned and written as const, as the
 * struct has them. */

static char *
copy_text(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

static bool
is_same_text(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static const struct nt_ovs_kv *
copy_pairs(const struct nt_ovs_kv *from)
{
    size_t n = 0;

    if (!from) {
        return NULL;
    }
    while (from[n].key) {
        n++;
    }

    struct nt_ovs_kv *to = xcalloc(n + 1, sizeof *to);

    for (size_t i = 0; i < n; i++) {
        to[i].key = xstrdup(from[i].key);
        to[i].value = copy_text(from[i].value);
    }
    return to;
}

static void
free_pairs(const struct nt_ovs_kv *pairs)
{
    for (const struct nt_ovs_kv *p = pairs; p && p->key; p++) {
        free(CONST_CAST(char *, p->key));
        free(CONST_CAST(char *, p->value));
    }
    free(CONST_CAST(struct nt_ovs_kv *, pairs));
}

static bool
are_same_pairs(const struct nt_ovs_kv *a, const struct nt_ovs_kv *b)
{
    if (!a || !b) {
        return a == b;
    }
    for (; a->key && b->key; a++, b++) {
        if (strcmp(a->key, b->key) != 0 || !is_same_text(a->value, b->value)) {
            return false;
        }
    }
    return !a->key && !b->key;
}

static const char *const *
copy_texts(const char *const *from)
{
    size_t n = 0;

    if (!from) {
        return NULL;
    }
    while (from[n]) {
        n++;
    }

    const char **to = xcalloc(n + 1, sizeof *to);

    for (size_t i = 0; i < n; i++) {
        to[i] = xstrdup(from[i]);
    }
    return to;
}

static void
free_texts(const char *const *texts)
{
    for (size_t i = 0; texts && texts[i]; i++) {
        free(CONST_CAST(char *, texts[i]));
    }
    free(CONST_CAST(const char **, texts));
}

static bool
are_same_texts(const char *const *a, const char *const *b)
{
    if (!a || !b) {
        return a == b;
    }
    for (; *a && *b; a++, b++) {
        if (strcmp(*a, *b) != 0) {
            return false;
        }
    }
    return !*a && !*b;
}

struct wish *
wish_new(enum wish_group group, const char *name)
{
    struct wish *w = xzalloc(sizeof *w);

    w->group = group;
    w->name = xstrdup(name);
    w->max_kbps = -1; /* Nothing is said yet. */
    shash_init(&w->queues.queues);
    shash_init(&w->queues.uplinks);
    ovs_list_init(&w->dirty);
    return w;
}

static void
clear_bridge(struct nt_ovs_bridge_want *want)
{
    free(CONST_CAST(char *, want->datapath_type));
    free_texts(want->protocols);
    free(CONST_CAST(char *, want->fail_mode));
    free(CONST_CAST(char *, want->controller));
    free(CONST_CAST(char *, want->no_controller));
    free_pairs(want->other_config);
    memset(want, 0, sizeof *want);
}

static void
clear_port(struct nt_ovs_port_want *want)
{
    free(CONST_CAST(char *, want->bridge));
    free(CONST_CAST(char *, want->type));
    free_pairs(want->options);
    free_pairs(want->other_config);
    free_pairs(want->external_ids);
    memset(want, 0, sizeof *want);
}

void
wish_free(struct wish *w)
{
    if (w) {
        clear_bridge(&w->bridge);
        clear_port(&w->port);
        shash_destroy_free_data(&w->queues.queues);
        shash_destroy(&w->queues.uplinks);
        free(w->problem);
        free(w->name);
        free(w);
    }
}

bool
wish_set_bridge(struct wish *w, const struct nt_ovs_bridge_want *want)
{
    struct nt_ovs_bridge_want *own = &w->bridge;

    if (own->name && is_same_text(own->datapath_type, want->datapath_type)
        && are_same_texts(own->protocols, want->protocols)
        && is_same_text(own->fail_mode, want->fail_mode)
        && is_same_text(own->controller, want->controller)
        && is_same_text(own->no_controller, want->no_controller)
        && own->inactivity_probe_ms == want->inactivity_probe_ms
        && are_same_pairs(own->other_config, want->other_config)
        && own->mcast_snooping == want->mcast_snooping && own->may_create == want->may_create) {
        return false;
    }

    struct nt_ovs_bridge_want copy = *want;

    copy.name = w->name;
    copy.datapath_type = copy_text(want->datapath_type);
    copy.protocols = copy_texts(want->protocols);
    copy.fail_mode = copy_text(want->fail_mode);
    copy.controller = copy_text(want->controller);
    copy.no_controller = copy_text(want->no_controller);
    copy.other_config = copy_pairs(want->other_config);
    clear_bridge(own);
    *own = copy;
    return true;
}

bool
wish_set_port(struct wish *w, const struct nt_ovs_port_want *want)
{
    struct nt_ovs_port_want *own = &w->port;

    if (own->name && is_same_text(own->bridge, want->bridge) && is_same_text(own->type, want->type)
        && own->tag == want->tag && are_same_pairs(own->options, want->options)
        && are_same_pairs(own->other_config, want->other_config)
        && are_same_pairs(own->external_ids, want->external_ids)
        && own->policing_kbps == want->policing_kbps
        && own->policing_burst_kb == want->policing_burst_kb) {
        return false;
    }

    struct nt_ovs_port_want copy = *want;

    copy.name = w->name;
    copy.bridge = copy_text(want->bridge);
    copy.type = copy_text(want->type);
    copy.options = copy_pairs(want->options);
    copy.other_config = copy_pairs(want->other_config);
    copy.external_ids = copy_pairs(want->external_ids);
    clear_port(own);
    *own = copy;
    w->is_once = false;
    return true;
}

bool
wish_set_no_port(struct wish *w)
{
    bool is_new = !w->is_once;

    clear_port(&w->port);
    w->is_once = true;
    return is_new;
}

bool
wish_set_qos(struct wish *w, int64_t max_kbps, int64_t burst_kb)
{
    if (w->max_kbps == max_kbps && w->burst_kb == burst_kb) {
        return false;
    }
    w->max_kbps = max_kbps;
    w->burst_kb = burst_kb;
    w->is_once = max_kbps == 0;
    return true;
}

static void
drop_number(struct shash *queues, int64_t number)
{
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, queues) {
        struct nt_ovs_queue *queue = node->data;
        if (queue->number == number) {
            free(queue);
            shash_delete(queues, node);
        }
    }
}

/* Of two ports with one number, the one that told it last has it: the other's number is another one
 * by now, which will be told as well. */
bool
wish_set_queue(struct wish *w, const char *port_id, const struct nt_ovs_queue *want)
{
    struct shash *queues = &w->queues.queues;
    const struct nt_ovs_queue *own = shash_find_data(queues, port_id);
    bool is_so =
        want->number ? own && own->number == want->number && own->min_kbps == want->min_kbps : !own;

    if (is_so) {
        return false;
    }
    free(shash_find_and_delete(queues, port_id));
    if (want->number) {
        drop_number(queues, want->number);
        shash_add(queues, port_id, xmemdup(want, sizeof *want));
    }
    return true;
}

bool
wish_set_uplink(struct wish *w, const char *name, bool is_one)
{
    struct shash_node *node = shash_find(&w->queues.uplinks, name);

    if (is_one == (node != NULL)) {
        return false;
    }
    if (is_one) {
        shash_add(&w->queues.uplinks, name, NULL);
    } else {
        shash_delete(&w->queues.uplinks, node);
    }
    return true;
}

bool
wish_set_whole(struct wish *w)
{
    bool is_new = !w->queues.is_whole;

    w->queues.is_whole = true;
    return is_new;
}
