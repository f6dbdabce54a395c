/* An end point that is in no answer any more is gone, though nobody said so: that was said while
 * the connection was away.  Three things stand against taking it away too soon:
 *
 *   an answer may be older than what is announced while it is on its way: who was announced
 *   since the question was put stays, who was taken away since does not come back, and the
 *   question is put again;
 *   a replica of the database may lag: it has to be missing twice, NEUTRON_MISSED_MS apart;
 *   with l2 population the answer says nothing about who is needed: nothing is compared. */
#include <config.h>

#include "agent/observe/neutron_tunnels.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"
#include "rpc/neutron/plugin.h"

NT_LOG_MODULE(neutron_tunnels);

struct tunnel_type {
    struct ovs_list node;
    struct neutron_tunnels *all;
    char name[32];
    bool is_due;
    uint64_t call; /* Number of the call in flight; 0: none. */
    int64_t not_before;
    unsigned n_failed;  /* In a row. */
    struct shash peers; /* Address -> struct peer. */
};

/* An end point at the other side.  "Since" is since the last question was put. */
struct peer {
    bool is_told;   /* By the answer that is being read. */
    bool is_named;  /* Announced since. */
    bool is_lost;   /* Taken away since; forgotten with the next question. */
    bool is_missed; /* The last answer was without it. */
};

struct neutron_tunnels {
    struct neutron_shared *shared;
    struct nt_patience patience;
    struct ovs_list types;
    uint64_t n_calls; /* Numbers them. */
};

/* Outlives 'type' no more than the bus does. */
struct call {
    struct tunnel_type *type;
    uint64_t number;
};

struct neutron_tunnels *
neutron_tunnels_new(struct neutron_shared *shared)
{
    struct neutron_tunnels *all = xzalloc(sizeof *all);

    all->shared = shared;
    nt_patience_init(&all->patience, shared->o.timeout_ms, shared->o.max_timeout_ms);
    ovs_list_init(&all->types);
    return all;
}

void
neutron_tunnels_free(struct neutron_tunnels *all)
{
    if (all) {
        struct tunnel_type *type;

        LIST_FOR_EACH_POP (type, node, &all->types) {
            shash_destroy_free_data(&type->peers);
            free(type);
        }
        free(all);
    }
}

static struct tunnel_type *
find(const struct neutron_tunnels *all, const char *name)
{
    struct tunnel_type *type;

    LIST_FOR_EACH (type, node, &all->types) {
        if (!strcmp(type->name, name)) {
            return type;
        }
    }
    return NULL;
}

void
neutron_tunnels_sync(struct neutron_tunnels *all, const char *name)
{
    struct tunnel_type *type = find(all, name);

    if (!type) {
        type = xzalloc(sizeof *type);
        type->all = all;
        ovs_strlcpy(type->name, name, sizeof type->name);
        shash_init(&type->peers);
        ovs_list_push_back(&all->types, &type->node);
    }
    type->is_due = true;
}

void
neutron_tunnels_ask_all(struct neutron_tunnels *all, int64_t not_before)
{
    struct tunnel_type *type;
    struct shash_node *peer;

    LIST_FOR_EACH (type, node, &all->types) {
        SHASH_FOR_EACH (peer, &type->peers) {
            ((struct peer *) peer->data)->is_missed = false;
        }
        type->is_due = true;
        type->call = 0;
        type->n_failed = 0;
        type->not_before = not_before;
    }
}

static void
failed(struct tunnel_type *type, const struct nt_err *err)
{
    const struct neutron_shared *shared = type->all->shared;

    type->is_due = true;
    type->n_failed++;
    type->not_before =
        nt_mono_ms(shared->o.clock) + nt_patience_pause_ms(shared->o.random, type->n_failed);
    nt_warn_rl("tunnels not synchronised; asked for again", "type", type->name, "why", err->msg,
               NULL);
}

static struct peer *
peer_put(struct tunnel_type *type, const char *ip)
{
    struct peer *peer = shash_find_data(&type->peers, ip);

    if (!peer) {
        peer = xzalloc(sizeof *peer);
        shash_add(&type->peers, ip, peer);
    }
    return peer;
}

static void
peer_remove(struct tunnel_type *type, struct shash_node *node)
{
    free(node->data);
    shash_delete(&type->peers, node);
}

static bool
is_own(const struct neutron_tunnels *all, const char *ip)
{
    return !strcmp(ip, all->shared->o.local_ip);
}

void
neutron_tunnels_named(struct neutron_tunnels *all, const char *name, const char *ip, int64_t id)
{
    const struct neutron_watcher *watcher = all->shared->o.watcher;
    struct tunnel_type *type = find(all, name);

    if (is_own(all, ip)) {
        return; /* The server tells everybody, the one it is about included. */
    }
    if (type) {
        struct peer *peer = peer_put(type, ip);
        peer->is_named = true;
        peer->is_lost = false;
    }
    watcher->tunnel(watcher->aux, name, ip, id);
}

void
neutron_tunnels_lost(struct neutron_tunnels *all, const char *name, const char *ip)
{
    const struct neutron_watcher *watcher = all->shared->o.watcher;
    struct tunnel_type *type = find(all, name);

    if (is_own(all, ip)) {
        return;
    }
    if (type) {
        struct peer *peer = peer_put(type, ip);
        peer->is_named = false;
        peer->is_lost = true;
    }
    watcher->tunnel_gone(watcher->aux, name, ip);
}

/* What was said before the question that is put now is known to who answers it. */
static void
forget_since(struct tunnel_type *type)
{
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, &type->peers) {
        struct peer *peer = node->data;

        if (peer->is_lost) {
            peer_remove(type, node);
        } else {
            peer->is_named = peer->is_told = false;
        }
    }
}

static void
ask_again(struct tunnel_type *type, int64_t pause_ms)
{
    type->is_due = true;
    type->not_before = nt_mono_ms(type->all->shared->o.clock) + pause_ms;
}

/* Takes away who is missing for the second time. */
static void
look_for_missing(struct tunnel_type *type)
{
    const struct neutron_watcher *watcher = type->all->shared->o.watcher;
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, &type->peers) {
        struct peer *peer = node->data;

        if (peer->is_lost) {
            continue;
        }
        if (peer->is_told || peer->is_named) {
            peer->is_missed = false;
        } else if (!peer->is_missed) {
            peer->is_missed = true;
            ask_again(type, NEUTRON_MISSED_MS);
        } else {
            nt_info("the server does not know a tunnel's end any more", "type", type->name,
                    "remote_ip", node->name, NULL);
            watcher->tunnel_gone(watcher->aux, type->name, node->name);
            peer_remove(type, node);
        }
    }
}

static void
answered(struct tunnel_type *type, const struct nt_tunnel_sync_result *result)
{
    const struct neutron_options *o = &type->all->shared->o;

    type->n_failed = 0;
    type->not_before = 0;
    for (size_t i = 0; o->watcher->tunnel && i < result->n_tunnels; i++) {
        const struct nt_tunnel *told = &result->tunnels[i];

        if (is_own(type->all, told->ip_address)) {
            continue;
        }

        struct peer *peer = peer_put(type, told->ip_address);
        peer->is_told = true;
        if (peer->is_lost) {
            ask_again(type, 0);
        } else {
            o->watcher->tunnel(o->watcher->aux, type->name, told->ip_address, told->id);
        }
    }
    if (o->watcher->tunnel_gone && !o->l2_population) {
        look_for_missing(type);
    }
}

static void
sync_ended(void *call_, const void *result, const struct nt_err *err)
{
    AUTO_FREE struct call *call = call_;
    struct tunnel_type *type = call->type;

    nt_patience_note(&type->all->patience, err);
    if (type->call != call->number) {
        return; /* Of an earlier connection. */
    }
    type->call = 0;
    if (err) {
        type->all->shared->stats.n_failures++;
        failed(type, err);
    } else {
        answered(type, result);
    }
}

static void
ask(struct tunnel_type *type)
{
    struct neutron_tunnels *all = type->all;
    const struct neutron_options *o = &all->shared->o;
    struct nt_tunnel_sync_args args = { 0 };
    struct call *call = xmalloc(sizeof *call);

    ovs_strlcpy(args.tunnel_ip, o->local_ip, sizeof args.tunnel_ip);
    ovs_strlcpy(args.tunnel_type, type->name, sizeof args.tunnel_type);
    ovs_strlcpy(args.host, o->host, sizeof args.host);
    forget_since(type);
    type->is_due = false;
    type->call = ++all->n_calls;
    *call = (struct call){ type, type->call };
    nt_rpc_call(o->bus, NT_TO(&nt_neutron_plugin, NULL, "tunnel_sync"), &args,
                all->patience.timeout_ms, sync_ended, call);
}

void
neutron_tunnels_run(struct neutron_tunnels *all)
{
    int64_t now = nt_mono_ms(all->shared->o.clock);
    struct tunnel_type *type;

    LIST_FOR_EACH (type, node, &all->types) {
        if (type->is_due && !type->call && type->not_before <= now) {
            ask(type);
        }
    }
}

void
neutron_tunnels_wait(struct neutron_tunnels *all)
{
    struct tunnel_type *type;

    LIST_FOR_EACH (type, node, &all->types) {
        if (type->is_due && !type->call) {
            poll_timer_wait_until(type->not_before);
        }
    }
}

bool
neutron_tunnels_is_settled(const struct neutron_tunnels *all)
{
    const struct tunnel_type *type;

    LIST_FOR_EACH (type, node, &all->types) {
        if (type->is_due || type->call) {
            return false;
        }
    }
    return true;
}
