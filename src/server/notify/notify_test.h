/* What tests of notify and of the answers to hosts share: a real database, operations,
 * a hub, and two peers that stand for a network host and a compute host (peers_test.h).
 * All in one loop; time moves a millisecond in each turn.  Only for tests. */
#pragma once

#include "openvswitch/poll-loop.h"
#include "server/notify/peers_test.h"

#define LIMIT_TURNS 20000

static inline void
hosts_test_turn(struct hosts_test *t)
{
    struct nt_bus *const buses[] = { t->hub, t->network.bus, t->compute.bus };

    t->core->now++;
    for (size_t i = 0; i < NT_ARRAY_SIZE(buses); i++) {
        if (buses[i]) {
            nt_bus_run(buses[i]);
        }
    }
    if (t->notify) {
        notify_run(t->notify);
    }
    op_queue_run(t->ops);
    for (size_t i = 0; i < NT_ARRAY_SIZE(buses); i++) {
        if (buses[i]) {
            nt_bus_wait(buses[i]);
        }
    }
    op_queue_wait(t->ops);
    poll_timer_wait(1);
    poll_block();
}

#define HOSTS_TEST_UNTIL(t, condition)                                    \
    do {                                                                  \
        for (int turn_ = 0; !(condition); turn_++) {                      \
            if (turn_ > LIMIT_TURNS) {                                    \
                fail_msg("never: %s (heard %s)", #condition, (t)->heard); \
            }                                                             \
            hosts_test_turn(t);                                           \
        }                                                                 \
    } while (0)

static inline void
hosts_test_replied(void *t_, const void *result OVS_UNUSED, const struct nt_err *err)
{
    struct hosts_test *t = t_;

    t->n_replies++;
    t->reply = err ? *err : (struct nt_err){ 0 };
}

/* Until the hub can reach 'topic' at 'host', by a method that changes nothing there. */
static inline void
hosts_test_connect_network(struct hosts_test *t)
{
    const struct nt_networks_changed_args args = { .reason = "hello" };

    t->network = hosts_test_peer(t, NETWORK_HOST, &nt_network_host, hosts_test_network_handlers);
    do {
        t->n_replies = 0;
        nt_rpc_call(t->hub, NT_TO(&nt_network_host, NETWORK_HOST, "networks_changed"), &args, 60000,
                    hosts_test_replied, t);
        HOSTS_TEST_UNTIL(t, t->n_replies);
    } while (t->reply.code);
}

static inline void
hosts_test_connect_compute(struct hosts_test *t)
{
    const struct nt_instance_args args = { .id = "99999999-9999-4999-8999-999999999999",
                                           .number = 99 };

    t->compute = hosts_test_peer(t, COMPUTE_HOST, &nt_compute_host, hosts_test_compute_handlers);
    do {
        t->n_replies = 0;
        nt_rpc_call(t->hub, NT_TO(&nt_compute_host, COMPUTE_HOST, "terminate_instance"), &args,
                    60000, hosts_test_replied, t);
        HOSTS_TEST_UNTIL(t, t->n_replies);
    } while (t->reply.code);
}

/* A server with network 10.0.0.0/24 of NETWORK_HOST; no peer is there yet. */
static inline int
hosts_test_setup(void **state)
{
    struct hosts_test *t = xzalloc(sizeof *t);
    void *core;

    core_test_setup(&core);
    t->core = core;
    t->net = core_test_network(t->core, "novanetwork", "10.0.0.0/24");
    CORE_OK(t->core, network_claim(t->core->store, &t->core->env, NETWORK_HOST,
                                   t->net.network.bridge, &t->core->changes, &t->core->err));
    core_test_report(t->core, COMPUTE_HOST, "compute", true);
    CORE_OK(t->core, store_commit(t->core->store, &t->core->err));
    CORE_OK(t->core, store_open_reader(t->core->url, &t->reader, &t->core->err));
    t->ops = op_queue_new(t->core->store);

    snprintf(t->path, sizeof t->path, "%s/bus.sock", t->core->dir);
    snprintf(t->endpoint, sizeof t->endpoint, "unix:%s", t->path);
    const struct nt_bus_options opts = {
        .name = "server", .program = "test", .clock = &t->core->clock, .random = t->core->random
    };
    CORE_OK(t->core, nt_bus_hub_new(&opts, t->path, NULL, &t->hub, &t->core->err));
    t->notify = notify_new(t->reader, t->ops, t->hub, &t->core->env);
    *state = t;
    return 0;
}

static inline int
hosts_test_teardown(void **state)
{
    struct hosts_test *t = *state;
    void *core = t->core;

    if (t->held) {
        nt_rpc_reply(&nt_network_host, t->held, NULL);
    }
    hosts_test_peer_end(&t->network);
    hosts_test_peer_end(&t->compute);
    op_queue_run(t->ops);
    nt_bus_free(t->hub);
    op_queue_on_changes(t->ops, NULL, NULL);
    op_queue_free(t->ops);
    notify_free(t->notify);
    nt_instance_view_clear(&t->built);
    store_free(t->reader);
    core_test_teardown(&core);
    free(t);
    return 0;
}

/* Operations. */

static inline int
hosts_test_op_boot(struct store *store, void *t_, struct changes *out, struct nt_err *err)
{
    struct hosts_test *t = t_;
    const struct instance_create wish = {
        .name = "cirros",
        .project_id = "demo",
        .user_id = "joe",
        .flavor_id = "1",
        .image_id = t->core->image_id,
    };
    struct nt_instance instance;

    if (instance_create(store, &t->core->env, &wish, &instance, out, err) < 0) {
        return -1;
    }
    strcpy(t->instance_id, instance.id);
    nt_instance_clear(&instance);
    return 0;
}

static inline int
hosts_test_op_delete(struct store *store, void *t_, struct changes *out, struct nt_err *err)
{
    struct hosts_test *t = t_;

    return instance_delete(store, &t->core->env, NULL, t->instance_id, out, err);
}

static inline void
hosts_test_submit(struct hosts_test *t, op_fn *fn)
{
    op_submit(t->ops, fn, t, NULL, NULL);
}

/* "building spawning", "gone" ... of the instance booted last, as committed. */
static inline const char *
hosts_test_state(struct hosts_test *t)
{
    static char text[64];
    struct nt_instance instance;

    if (instance_get(t->reader, NULL, t->instance_id, &instance, &t->core->err) < 0) {
        return "gone";
    }
    snprintf(text, sizeof text, "%s %s", instance.vm_state, instance.task_state);
    nt_instance_clear(&instance);
    return text;
}

#define HOSTS_TEST_UNTIL_STATE(t, wanted) HOSTS_TEST_UNTIL(t, !strcmp(hosts_test_state(t), wanted))

#define HOSTS_TEST(name) \
    cmocka_unit_test_setup_teardown(name, hosts_test_setup, hosts_test_teardown)
