#include <config.h>

#include "agent/report/absent.h"

#include "bus/embedded_world.h"
#include "openvswitch/dynamic-string.h"
#include "rpc/neutron/plugin.h"

#define A "aaaaaaaa-0000-0000-0000-000000000001"
#define B "bbbbbbbb-0000-0000-0000-000000000002"
#define PORT(id, status, host, vif, owner)                                                    \
    "{\"id\": \"" id "\", \"status\": \"" status "\", \"binding:host_id\": \"" host           \
    "\", \"binding:vif_type\": \"" vif "\", \"device_owner\": \"" owner "\", \"fixed_ips\": " \
    "[]}"

struct asker {
    struct world w;
    struct nt_rpc_service *service;
    struct absent *absent;
    const char *records; /* What the server has; NULL: its database is away. */
    const char *plugged;
    struct ds downs;
    unsigned n_asked;
};

static void
tell(void *t_, const void *args_, struct nt_bus_request *req)
{
    struct asker *t = t_;
    const struct nt_vnic_type_args *args = args_;
    struct nt_err err;

    t->n_asked++;
    assert_string_equal(args->vnic_type, "normal");
    assert_string_equal(args->host, "a");
    if (t->records) {
        nt_bus_reply(req, json_from_string(t->records));
    } else {
        nt_fail(&err, NT_FAULT, "the database is away");
        nt_bus_reply_fail(req, &err);
    }
}

static const struct nt_rpc_handler handlers[] = {
    { "get_ports_by_vnic_type_and_host", tell },
    { 0 },
};

static const struct nt_rpc_handler other_handlers[] = { { "get_device_details", tell }, { 0 } };

static bool
is_plugged(void *t_, const char *id)
{
    const struct asker *t = t_;

    return t->plugged && !strcmp(t->plugged, id);
}

static void
note_down(void *t_, const char *id)
{
    struct asker *t = t_;

    ds_put_format(&t->downs, "%.8s ", id);
}

static int
setup_with(const struct nt_rpc_handler *served, void **state)
{
    struct asker *t = xzalloc(sizeof *t);

    setup_peers(&t->w, false);
    ds_init(&t->downs);
    t->service = nt_rpc_serve(t->w.hub, &nt_neutron_plugin, NULL, served, t);

    const struct absent_options o = { .bus = t->w.a,
                                      .clock = &t->w.clock.up,
                                      .random = t->w.random,
                                      .host = "a",
                                      .timeout_ms = LIMIT_MS,
                                      .is_plugged = is_plugged,
                                      .down = note_down,
                                      .aux = t };
    t->absent = absent_new(&o);
    nt_bus_run(t->w.a);
    *state = t;
    return 0;
}

static int
setup_asker(void **state)
{
    return setup_with(handlers, state);
}

static int
setup_without_call(void **state)
{
    return setup_with(other_handlers, state);
}

static int
teardown_asker(void **state)
{
    struct asker *t = *state;

    nt_bus_free(t->w.a);
    t->w.a = NULL;
    absent_free(t->absent);
    teardown(&t->w);
    nt_rpc_service_free(t->service);
    ds_destroy(&t->downs);
    free(t);
    return 0;
}

static void
one_turn(struct asker *t)
{
    absent_run(t->absent);
    absent_wait(t->absent);
    turn(&t->w);
}

#define AWAIT(t, condition) UNTIL_TURN(condition, one_turn(t), "")

static void
port_that_is_up_and_not_here_is_told_down(void **state)
{
    struct asker *t = *state;

    t->records = "[" PORT(A, "ACTIVE", "a", "ovs",
                          "compute:nova") ", " PORT(B, "ACTIVE", "a", "ovs", "compute:nova") "]";
    t->plugged = B;
    one_turn(t);
    assert_int_equal(t->n_asked, 0); /* The switch was not looked at yet. */
    absent_ask(t->absent);
    AWAIT(t, absent_is_settled(t->absent));
    assert_string_equal(ds_cstr(&t->downs), "aaaaaaaa ");
}

static void
ports_that_are_not_ours_to_judge_are_left_alone(void **state)
{
    struct asker *t = *state;

    t->records = "[" PORT(A, "DOWN", "a", "ovs", "compute:nova") ", " PORT(
        A, "ACTIVE", "b", "ovs", "compute:nova") ", " PORT(A, "ACTIVE", "a", "bridge",
                                                           "compute:nova") ", " PORT(A, "ACTIVE",
                                                                                     "a", "ovs",
                                                                                     "trunk:"
                                                                                     "subport") "]";
    absent_ask(t->absent);
    AWAIT(t, absent_is_settled(t->absent));
    assert_string_equal(ds_cstr(&t->downs), "");
}

static void
server_without_that_call_is_not_asked_again(void **state)
{
    struct asker *t = *state;

    absent_ask(t->absent);
    AWAIT(t, absent_is_settled(t->absent));
    assert_int_equal(t->n_asked, 0);
}

static void
server_that_fails_is_asked_again(void **state)
{
    struct asker *t = *state;

    absent_ask(t->absent);
    AWAIT(t, t->n_asked == 1);
    t->records = "[" PORT(A, "ACTIVE", "a", "ovs", "compute:nova") "]";
    AWAIT(t, absent_is_settled(t->absent));
    assert_int_equal(t->n_asked, 2);
    assert_string_equal(ds_cstr(&t->downs), "aaaaaaaa ");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(port_that_is_up_and_not_here_is_told_down, setup_asker,
                                        teardown_asker),
        cmocka_unit_test_setup_teardown(ports_that_are_not_ours_to_judge_are_left_alone,
                                        setup_asker, teardown_asker),
        cmocka_unit_test_setup_teardown(server_without_that_call_is_not_asked_again,
                                        setup_without_call, teardown_asker),
        cmocka_unit_test_setup_teardown(server_that_fails_is_asked_again, setup_asker,
                                        teardown_asker),
    };

    return cmocka_run_group_tests_name("agent/report/absent", tests, NULL, NULL);
}
