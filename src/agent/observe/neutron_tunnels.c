#include <config.h>

#include "agent/observe/neutron_tunnels.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"
#include "rpc/neutron/plugin.h"

NT_LOG_MODULE(neutron_tunnels);

struct tunnel_type {
    struct ovs_list node;
    struct neutron_tunnels *all;
    char name[32];
    bool is_due;
    uint64_t call; /* Number of the call in flight; 0: none. */
    int64_t not_before;
    unsigned n_failed; /* In a row. */
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
            free(type);
        }
        free(all);
    }
}

void
neutron_tunnels_sync(struct neutron_tunnels *all, const char *name)
{
    struct tunnel_type *type;

    LIST_FOR_EACH (type, node, &all->types) {
        if (!strcmp(type->name, name)) {
            type->is_due = true;
            return;
        }
    }
    type = xzalloc(sizeof *type);
    type->all = all;
    ovs_strlcpy(type->name, name, sizeof type->name);
    type->is_due = true;
    ovs_list_push_back(&all->types, &type->node);
}

void
neutron_tunnels_ask_all(struct neutron_tunnels *all, int64_t not_before)
{
    struct tunnel_type *type;

    LIST_FOR_EACH (type, node, &all->types) {
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

static void
answered(struct tunnel_type *type, const struct nt_tunnel_sync_result *result)
{
    const struct neutron_options *o = &type->all->shared->o;

    type->n_failed = 0;
    type->not_before = 0;
    for (size_t i = 0; o->watcher->tunnel && i < result->n_tunnels; i++) {
        if (strcmp(result->tunnels[i].ip_address, o->local_ip)) {
            o->watcher->tunnel(o->watcher->aux, type->name, result->tunnels[i].ip_address);
        }
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
