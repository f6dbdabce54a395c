#include <config.h>

#include "server/notify/floating.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/list.h"
#include "rpc/network.h"
#include "server/core/floating_ips.h"

NT_LOG_MODULE(notify_floating);

#define CALL_TIMEOUT_MS 10000

struct notify_floating {
    struct op_queue *ops;
    struct nt_bus *bus;
    const struct core_env *env;
    struct ovs_list flows;   /* struct flow. */
    struct ovs_list waiters; /* struct waiter. */
};

/* One change on its way. */
struct flow {
    struct ovs_list node;
    struct notify_floating *nf;
    struct nt_floating_ip_args args;
    char host[NT_HOST_SIZE];
    int64_t generation;
    char former_instance_id[NT_UUID_SIZE], former_fixed[NT_IP4_SIZE];
    bool is_restored;    /* It is back where it was. */
    struct nt_err fault; /* Why the association is undone. */
};

struct waiter {
    struct ovs_list node;
    char address[NT_IP4_SIZE];
    int64_t generation;
    notify_floating_cb *cb;
    void *aux;
};

struct notify_floating *
notify_floating_new(struct op_queue *ops, struct nt_bus *bus, const struct core_env *env)
{
    struct notify_floating *nf = xzalloc(sizeof *nf);

    nf->ops = ops;
    nf->bus = bus;
    nf->env = env;
    ovs_list_init(&nf->flows);
    ovs_list_init(&nf->waiters);
    return nf;
}

void
notify_floating_free(struct notify_floating *nf)
{
    if (nf) {
        struct nt_err err = { 0 };
        struct waiter *waiter;
        struct flow *flow;

        (void) nt_fail(&err, NT_UNAVAILABLE, "the server is being stopped");
        LIST_FOR_EACH_POP (flow, node, &nf->flows) {
            free(flow);
        }
        LIST_FOR_EACH_POP (waiter, node, &nf->waiters) {
            waiter->cb(waiter->aux, &err);
            free(waiter);
        }
        free(nf);
    }
}

void
notify_floating_wait(struct notify_floating *nf, const char *address, int64_t generation,
                     notify_floating_cb *cb, void *aux)
{
    struct waiter *waiter = xzalloc(sizeof *waiter);

    ovs_strlcpy(waiter->address, address, sizeof waiter->address);
    waiter->generation = generation;
    waiter->cb = cb;
    waiter->aux = aux;
    ovs_list_push_back(&nf->waiters, &waiter->node);
}

/* Tells who waits, and forgets the flow. */
static void
flow_end(struct flow *flow, const struct nt_err *err)
{
    struct waiter *waiter;

    LIST_FOR_EACH_SAFE (waiter, node, &flow->nf->waiters) {
        if (waiter->generation == flow->generation
            && !strcmp(waiter->address, flow->args.entry.address)) {
            ovs_list_remove(&waiter->node);
            waiter->cb(waiter->aux, err);
            free(waiter);
        }
    }
    ovs_list_remove(&flow->node);
    free(flow);
}

static int
undo(struct store *store, void *flow_, struct changes *out, struct nt_err *err)
{
    struct flow *flow = flow_;

    const struct floating_undo former = {
        .address = flow->args.entry.address,
        .generation = flow->generation,
        .former_instance_id = flow->former_instance_id,
        .former_fixed = flow->former_fixed,
    };

    return floating_ip_undo(store, flow->nf->env, &former, out, err);
}

static void
undo_done(void *flow_, const struct nt_err *err)
{
    struct flow *flow = flow_;

    if (err) {
        nt_error("failed association stays in the database", "address", flow->args.entry.address,
                 "why", err->msg, NULL);
    }
    flow_end(flow, &flow->fault);
}

static void
fail_put(struct flow *flow, const struct nt_err *err)
{
    bool is_away = err->code == NT_UNAVAILABLE || err->code == NT_TIMEOUT;

    (void) nt_fail(&flow->fault, is_away ? err->code : NT_INVALID,
                   "cannot associate floating ip %s with fixed ip %s: %s", flow->args.entry.address,
                   flow->args.entry.fixed_address, err->msg);
    if (flow->is_restored && is_away) {
        /* It has not heard of the move either, or takes the address when it is back. */
        nt_warn("network host was not told of a restored association", "address",
                flow->args.entry.address, "host", flow->host, "why", err->msg, NULL);
        flow_end(flow, &flow->fault);
        return;
    }
    nt_warn("association undone", "address", flow->args.entry.address, "host", flow->host, "why",
            err->msg, NULL);
    op_submit(flow->nf->ops, undo, flow, undo_done, flow);
}

static void
put_reply(void *flow_, const void *result OVS_UNUSED, const struct nt_err *err)
{
    struct flow *flow = flow_;

    if (err) {
        fail_put(flow, err);
    } else {
        flow_end(flow, NULL);
    }
}

static void
delete_reply(void *flow_, const void *result OVS_UNUSED, const struct nt_err *err)
{
    struct flow *flow = flow_;

    if (err) {
        nt_warn("network host was not told of the end of an association", "address",
                flow->args.entry.address, "host", flow->host, "why", err->msg, NULL);
    }
    flow_end(flow, NULL);
}

static struct flow *
flow_new(struct notify_floating *nf, const struct change *c)
{
    struct flow *flow = xzalloc(sizeof *flow);

    flow->nf = nf;
    flow->args.entry = c->floating;
    ovs_strlcpy(flow->args.network_id, c->network_id, sizeof flow->args.network_id);
    ovs_strlcpy(flow->host, c->host, sizeof flow->host);
    flow->generation = c->generation;
    ovs_strlcpy(flow->former_instance_id, c->former_instance_id, sizeof flow->former_instance_id);
    ovs_strlcpy(flow->former_fixed, c->former_fixed, sizeof flow->former_fixed);
    flow->is_restored = c->is_restored;
    ovs_list_push_back(&nf->flows, &flow->node);
    return flow;
}

void
notify_floating_change(struct notify_floating *nf, const struct change *c)
{
    struct flow *flow = flow_new(nf, c);
    bool is_put = c->kind == CHANGE_FLOATING_IP_ASSOCIATED;

    if (!*flow->host) {
        struct nt_err err = { 0 };

        (void) nt_fail(&err, NT_UNAVAILABLE, "network %s has no network host", c->network_id);
        if (is_put) {
            fail_put(flow, &err);
        } else {
            flow_end(flow, NULL);
        }
        return;
    }
    nt_rpc_call(
        nf->bus,
        NT_TO(&nt_network_host, flow->host, is_put ? "put_floating_ip" : "delete_floating_ip"),
        &flow->args, CALL_TIMEOUT_MS, is_put ? put_reply : delete_reply, flow);
}
