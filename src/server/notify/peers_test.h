/* The network host and the compute host that tests of the server speak to: they write
 * down what they are told.  Only for tests; see notify_test.h. */
#pragma once

#include "bus/embedded.h"
#include "rpc/compute.h"
#include "rpc/conductor.h"
#include "rpc/network.h"
#include "server/core/core_test.h"
#include "server/notify/notify.h"
#include "server/op.h"

#define NETWORK_HOST "controller-1"
#define COMPUTE_HOST "compute-1"

struct peer {
    struct nt_bus *bus;
    struct nt_rpc_service *service;
};

struct hosts_test {
    struct core_test *core;
    struct store *reader;
    struct op_queue *ops;
    struct nt_bus *hub;
    struct notify *notify;
    char path[128], endpoint[160];
    struct peer network, compute;

    char heard[1024];     /* "put 10.0.0.2;build;" */
    enum nt_code refuses; /* What the network host says to put_fixed_ip; NT_OK: yes. */
    bool holds;           /* It does not answer put_fixed_ip at all. */
    struct nt_bus_request *held;
    struct nt_instance_view built; /* What build_instance brought last. */
    char instance_id[NT_UUID_SIZE];
    struct network_row net;

    int n_replies; /* Of hosts_test_call(). */
    struct nt_err reply;
};

static inline void
hosts_test_hear(struct hosts_test *t, const char *what, const char *which)
{
    size_t len = strlen(t->heard);

    snprintf(t->heard + len, sizeof t->heard - len, "%s%s%s;", what, *which ? " " : "", which);
}

static inline void
hosts_test_put(void *t_, const void *args_, struct nt_bus_request *req)
{
    struct hosts_test *t = t_;
    const struct nt_fixed_ip_args *args = args_;
    struct nt_err err = { .code = t->refuses, .msg = "told to refuse" };

    hosts_test_hear(t, "put", args->entry.address);
    if (t->holds) {
        t->held = req;
    } else if (t->refuses) {
        nt_bus_reply_fail(req, &err);
    } else {
        nt_rpc_reply(&nt_network_host, req, NULL);
    }
}

static inline void
hosts_test_delete(void *t, const void *args_, struct nt_bus_request *req)
{
    const struct nt_fixed_ip_args *args = args_;

    hosts_test_hear(t, "delete", args->entry.address);
    nt_rpc_reply(&nt_network_host, req, NULL);
}

static inline void
hosts_test_networks(void *t, const void *args_, struct nt_bus_request *req)
{
    const struct nt_networks_changed_args *args = args_;

    hosts_test_hear(t, "changed", args->reason);
    nt_rpc_reply(&nt_network_host, req, NULL);
}

static inline void
hosts_test_build(void *t_, const void *args_, struct nt_bus_request *req)
{
    struct hosts_test *t = t_;
    const struct nt_build_instance_args *args = args_;

    hosts_test_hear(t, "build", "");
    nt_instance_view_clear(&t->built);
    nt_fields_copy(nt_instance_view_fields, &t->built, &args->instance);
    nt_rpc_reply(&nt_compute_host, req, NULL);
}

static inline void
hosts_test_terminate(void *t, const void *args OVS_UNUSED, struct nt_bus_request *req)
{
    hosts_test_hear(t, "terminate", "");
    nt_rpc_reply(&nt_compute_host, req, NULL);
}

static const struct nt_rpc_handler hosts_test_network_handlers[] = {
    { "put_fixed_ip", hosts_test_put },
    { "delete_fixed_ip", hosts_test_delete },
    { "networks_changed", hosts_test_networks },
    { 0 },
};

static const struct nt_rpc_handler hosts_test_compute_handlers[] = {
    { "build_instance", hosts_test_build },
    { "terminate_instance", hosts_test_terminate },
    { 0 },
};

static inline struct peer
hosts_test_peer(struct hosts_test *t, const char *name, const struct nt_interface *interface,
                const struct nt_rpc_handler *handlers)
{
    const struct nt_bus_options opts = {
        .name = name, .program = "test", .clock = &t->core->clock, .random = t->core->random
    };
    struct peer peer;

    CORE_OK(t->core, nt_bus_peer_new(&opts, t->endpoint, &peer.bus, &t->core->err));
    peer.service = nt_rpc_serve(peer.bus, interface, name, handlers, t);
    return peer;
}

static inline void
hosts_test_peer_end(struct peer *peer)
{
    nt_bus_free(peer->bus);
    nt_rpc_service_free(peer->service);
    *peer = (struct peer){ NULL, NULL };
}
