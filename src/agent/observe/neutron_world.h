/* The third part: an agent on the embedded bus with that server. */
#pragma once

#include "agent/observe/neutron_server_world.h"

static inline void
agent_turn(struct agent *t)
{
    neutron_wait(t->neutron);
    turn(&t->w);
    neutron_run(t->neutron);
}

#define AWAIT(t, condition) UNTIL_TURN(condition, agent_turn(t), ds_cstr(&(t)->log))

/* Everything that was said before has been heard: over one connection all is in order, and
 * a call goes there and back. */
static inline void
on_ping(void *n, const struct json *result, const struct nt_err *err)
{
    *(int *) n += 1;
}

static inline void
drain(struct agent *t)
{
    int n = 0;

    nt_bus_call(t->w.a, NT_BUS_TO("ping", NULL, "m", "1.0"), NULL, LIMIT_MS, on_ping, &n);
    AWAIT(t, n == 1);
    neutron_run(t->neutron);
}

/* What the watcher heard since the last time. */
static inline void
heard(struct agent *t, const char *wanted)
{
    assert_string_equal(ds_cstr(&t->log), wanted);
    ds_clear(&t->log);
}

#define HEARS(t, wanted)                               \
    do {                                               \
        AWAIT(t, !strcmp(ds_cstr(&(t)->log), wanted)); \
        ds_clear(&(t)->log);                           \
    } while (0)

static inline void
answer_ping(void *t, struct nt_bus_request *req)
{
    nt_bus_reply(req, NULL);
}

static inline void
start_server(struct agent *t)
{
    nt_bus_serve(t->w.hub, "q-plugin", NULL, serve_plugin, t);
    nt_bus_serve(t->w.hub, "ping", NULL, answer_ping, t);
}

static inline int
setup_agent_that(bool l2_population, void **state)
{
    static struct neutron_watcher watcher = { .port = on_port,
                                              .port_gone = on_port_gone,
                                              .network = on_network,
                                              .network_gone = on_network_gone,
                                              .qos_policy = on_policy,
                                              .qos_policy_gone = on_policy_gone,
                                              .fdb_add = on_fdb_add,
                                              .fdb_remove = on_fdb_remove,
                                              .fdb_change = on_fdb_change,
                                              .tunnel = on_tunnel,
                                              .tunnel_gone = on_tunnel_gone,
                                              .binding_activated = on_activated,
                                              .binding_deactivated = on_deactivated,
                                              .group_rules = on_group_rules,
                                              .group_members = on_group_members,
                                              .settled = on_settled };
    struct agent *t = xzalloc(sizeof *t);

    setup_peers(&t->w, false);
    ds_init(&t->log);
    watcher.aux = t;
    start_server(t);

    const struct neutron_options o = { .bus = t->w.a,
                                       .clock = &t->w.clock.up,
                                       .random = t->w.random,
                                       .host = "a",
                                       .local_ip = "10.0.0.1",
                                       .l2_population = l2_population,
                                       .has_qos = true,
                                       .batch = 2,
                                       .timeout_ms = LIMIT_MS,
                                       .max_timeout_ms = LIMIT_MS,
                                       .watcher = &watcher };
    t->neutron = neutron_new(&o);
    HEARS(t, "settled\n");
    *state = t;
    return 0;
}

static inline int
setup_agent(void **state)
{
    return setup_agent_that(true, state);
}

static inline int
setup_without_l2_population(void **state)
{
    return setup_agent_that(false, state);
}

static inline int
teardown_agent(void **state)
{
    struct agent *t = *state;

    nt_bus_free(t->w.a);
    t->w.a = NULL;
    neutron_free(t->neutron);
    for (size_t i = 0; i < t->n_held; i++) {
        nt_bus_reply(t->held[i], NULL);
    }
    teardown(&t->w);
    ds_destroy(&t->log);
    free(t);
    return 0;
}

static inline void
pass(struct agent *t, int64_t ms)
{
    t->w.clock.ahead += ms;
}

static inline void
know_p1(struct agent *t, const char *object)
{
    t->objects[0] = object;
    neutron_want_port(t->neutron, P1);
    AWAIT(t, neutron_port(t->neutron, P1));
    ds_clear(&t->log);
    t->n_pulls = 0;
}
