#include <config.h>

#include "agent/report/devices.h"

#include "bus/embedded_world.h"
#include "bus/late_random.h"
#include "openvswitch/dynamic-string.h"
#include "rpc/neutron/plugin.h"

struct reporter {
    struct world w;
    struct late_random late;
    struct nt_rpc_service *service;
    struct devices *devices;
    struct ds no_table;
    struct ds calls; /* "up a b; down c; refresh" and so on, one in each line. */

    /* The server. */
    bool fails, holds;
    const char *refuses; /* A device. */
    bool forgets;        /* Its answers name no device. */
    const char *breaks;  /* A device that no call with it survives. */
    struct nt_bus_request *held[8];
    size_t n_held;
};

static struct json *
put_names(struct ds *ds, const struct nt_device_name *names, size_t n, const char *refuses,
          bool taken)
{
    struct json *list = json_array_create_empty();

    for (size_t i = 0; i < n; i++) {
        if ((refuses && !strcmp(refuses, names[i].name)) != taken) {
            json_array_add(list, json_string_create(names[i].name));
        }
        if (taken) {
            ds_put_format(ds, " %s", names[i].name);
        }
    }
    return list;
}

static bool
has(const struct nt_device_name *names, size_t n, const char *name)
{
    for (size_t i = 0; name && i < n; i++) {
        if (!strcmp(names[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* The real server's answer. */
static struct json *
answer(struct reporter *t, const struct nt_device_list_args *args)
{
    struct json *result = json_object_create();
    struct json *down = json_array_create_empty();
    struct ds unused = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&t->calls, "up");
    json_object_put(result, "devices_up",
                    put_names(&t->calls, args->devices_up, args->n_devices_up, t->refuses, true));
    ds_put_cstr(&t->calls, " down");
    json_destroy(put_names(&t->calls, args->devices_down, args->n_devices_down, t->refuses, true));
    json_object_put(result, "failed_devices_up",
                    put_names(&unused, args->devices_up, args->n_devices_up, t->refuses, false));
    json_object_put(
        result, "failed_devices_down",
        put_names(&unused, args->devices_down, args->n_devices_down, t->refuses, false));
    for (size_t i = 0; i < args->n_devices_down; i++) {
        if (!has(&args->devices_down[i], 1, t->refuses)) {
            struct json *one = json_object_create();

            json_object_put_string(one, "device", args->devices_down[i].name);
            json_object_put(one, "exists", json_boolean_create(true));
            json_array_add(down, one);
        }
    }
    json_object_put(result, "devices_down", down);
    ds_put_cstr(&t->calls, args->refresh_tunnels ? " refresh\n" : "\n");
    return result;
}

static void
handle_list(void *t_, const void *args_, struct nt_bus_request *req)
{
    struct reporter *t = t_;
    const struct nt_device_list_args *args = args_;
    struct nt_err err;

    assert_string_equal(args->host, "a");
    assert_string_equal(args->agent_id, "ovs-agent-a");

    struct json *result = answer(t, args);
    if (t->fails || has(args->devices_up, args->n_devices_up, t->breaks)) {
        nt_fail(&err, NT_FAULT, "the database is away");
        nt_bus_reply_fail(req, &err);
    } else if (t->holds) {
        assert_true(t->n_held < NT_ARRAY_SIZE(t->held));
        t->held[t->n_held++] = req;
    } else if (t->forgets) {
        nt_bus_reply(req, json_object_create());
    } else {
        nt_bus_reply(req, TAKE(result));
    }
    json_destroy(result);
}

static const struct nt_rpc_handler handlers[] = {
    { "update_device_list", handle_list },
    { 0 },
};

static void
note_no_table(void *t_, const char *id)
{
    struct reporter *t = t_;

    ds_put_format(&t->no_table, "%s ", id);
}

static int
setup_reporter(void **state)
{
    struct reporter *t = xzalloc(sizeof *t);

    setup_peers(&t->w, false);
    ds_init(&t->calls);
    ds_init(&t->no_table);
    t->service = nt_rpc_serve(t->w.hub, &nt_neutron_plugin, NULL, handlers, t);

    const struct devices_options o = { .bus = t->w.a,
                                       .clock = &t->w.clock.up,
                                       .random = late_random(&t->late, t->w.random),
                                       .host = "a",
                                       .batch = 3,
                                       .timeout_ms = LIMIT_MS,
                                       .max_timeout_ms = LIMIT_MS,
                                       .no_table = note_no_table,
                                       .aux = t };
    t->devices = devices_new(&o);
    nt_bus_run(t->w.a);
    *state = t;
    return 0;
}

static int
teardown_reporter(void **state)
{
    struct reporter *t = *state;

    nt_bus_free(t->w.a);
    t->w.a = NULL;
    devices_free(t->devices);
    for (size_t i = 0; i < t->n_held; i++) {
        nt_bus_reply(t->held[i], NULL);
    }
    teardown(&t->w);
    nt_rpc_service_free(t->service);
    ds_destroy(&t->calls);
    ds_destroy(&t->no_table);
    free(t);
    return 0;
}

static void
one_turn(struct reporter *t)
{
    devices_run(t->devices);
    devices_wait(t->devices);
    turn(&t->w);
}

#define AWAIT(t, condition) UNTIL_TURN(condition, one_turn(t), ds_cstr(&(t)->calls))

static void
called(struct reporter *t, const char *wanted)
{
    assert_string_equal(ds_cstr(&t->calls), wanted);
    ds_clear(&t->calls);
}

static void
devices_of_one_turn_go_in_batches(void **state)
{
    struct reporter *t = *state;

    devices_up(t->devices, "a", false);
    devices_up(t->devices, "b", true);
    devices_up(t->devices, "c", false);
    devices_down(t->devices, "d");
    devices_up(t->devices, "e", false);
    devices_up(t->devices, "f", true);
    assert_int_equal(devices_n_waiting(t->devices), 6);
    AWAIT(t, devices_is_settled(t->devices));
    called(t, "up a c down d\nup b f down refresh\nup e down\n");
    assert_int_equal(devices_stats(t->devices)->n_up, 5);
    assert_int_equal(devices_stats(t->devices)->n_down, 1);
    assert_int_equal(devices_stats(t->devices)->n_calls, 3);
}

static void
what_is_due_is_what_can_be_sent(void **state)
{
    struct reporter *t = *state;

    assert_false(devices_is_due(t->devices));
    devices_up(t->devices, "a", false);
    assert_true(devices_is_due(t->devices));
    devices_run(t->devices); /* It is on its way. */
    assert_false(devices_is_due(t->devices));

    t->refuses = "b";
    devices_up(t->devices, "b", false);
    AWAIT(t, devices_stats(t->devices)->n_failed == 1);
    assert_false(devices_is_due(t->devices)); /* After a pause. */
    assert_int_equal(devices_n_waiting(t->devices), 1);
}

static void
last_wish_counts(void **state)
{
    struct reporter *t = *state;

    devices_up(t->devices, "a", true);
    devices_down(t->devices, "a");
    devices_down(t->devices, "b");
    devices_up(t->devices, "b", false);
    AWAIT(t, devices_is_settled(t->devices));
    called(t, "up down a b\nup b down\n");

    /* Also while it is on its way. */
    t->holds = true;
    devices_up(t->devices, "a", false);
    AWAIT(t, t->n_held == 1);
    devices_down(t->devices, "a");
    one_turn(t);
    assert_int_equal(t->n_held, 1);
    t->holds = false;
    nt_bus_reply(t->held[--t->n_held], json_from_string("{\"devices_up\": [\"a\"]}"));
    AWAIT(t, devices_is_settled(t->devices));
    called(t, "up a down\nup down a\n");
}

/* nova waits for a port that comes back, which it has to leave for. */
static void
device_that_goes_and_comes_is_said_to(void **state)
{
    struct reporter *t = *state;

    devices_down(t->devices, "a");
    devices_up(t->devices, "a", true);
    AWAIT(t, devices_is_settled(t->devices));
    called(t, "up down a\nup a down refresh\n");

    /* Also while an up of before, or that down, is on its way. */
    t->holds = true;
    devices_up(t->devices, "b", false);
    AWAIT(t, t->n_held == 1);
    devices_down(t->devices, "b");
    devices_up(t->devices, "b", false);
    nt_bus_reply(t->held[--t->n_held], json_from_string("{\"devices_up\": [\"b\"]}"));
    AWAIT(t, t->n_held == 1);
    devices_up(t->devices, "b", false);
    one_turn(t);
    t->holds = false;
    nt_bus_reply(t->held[--t->n_held],
                 json_from_string("{\"devices_down\": [{\"device\": \"b\", \"exists\": true}]}"));
    AWAIT(t, devices_is_settled(t->devices));
    called(t, "up b down\nup down b\nup b down\n");

    /* A server that cannot take the down hears of the up. */
    t->refuses = "c";
    devices_down(t->devices, "c");
    devices_up(t->devices, "c", false);
    for (uint64_t i = 1; i <= 5; i++) {
        AWAIT(t, devices_stats(t->devices)->n_failed == i);
        t->w.clock.ahead += 40000;
    }
    t->refuses = NULL;
    AWAIT(t, devices_is_settled(t->devices));
    assert_non_null(strstr(ds_cstr(&t->calls), "\nup c down\n"));
}

/* What is given up is not known any more; whoever wanted a table with it is told. */
static void
device_given_up_is_forgotten(void **state)
{
    struct reporter *t = *state;

    t->refuses = "a";
    devices_up(t->devices, "a", true);
    for (uint64_t i = 1; i <= 5; i++) {
        assert_string_equal(ds_cstr(&t->no_table), "");
        AWAIT(t, devices_stats(t->devices)->n_failed == i);
        t->w.clock.ahead += 40000;
    }
    assert_string_equal(ds_cstr(&t->no_table), "a ");
    assert_int_equal(devices_n_waiting(t->devices), 0);
    devices_down(t->devices, "a");
    for (uint64_t i = 6; i <= 10; i++) {
        AWAIT(t, devices_stats(t->devices)->n_failed == i);
        t->w.clock.ahead += 40000;
    }
    assert_string_equal(ds_cstr(&t->no_table), "a ");
    assert_int_equal(devices_n_waiting(t->devices), 0);
}

static void
refused_device_is_tried_five_times(void **state)
{
    struct reporter *t = *state;

    t->refuses = "b";
    devices_up(t->devices, "a", false);
    devices_up(t->devices, "b", false);
    for (uint64_t i = 1; i <= 5; i++) {
        AWAIT(t, devices_stats(t->devices)->n_failed == i);
        t->w.clock.ahead += 40000;
    }
    assert_true(devices_is_settled(t->devices));
    called(t, "up a b down\nup b down\nup b down\nup b down\nup b down\n");

    /* Another wish begins anew. */
    t->refuses = NULL;
    devices_up(t->devices, "b", false);
    AWAIT(t, devices_is_settled(t->devices));
    called(t, "up b down\n");
    t->forgets = true;
    devices_down(t->devices, "c");
    AWAIT(t, devices_stats(t->devices)->n_failed == 6);
    assert_false(devices_is_settled(t->devices));
}

static void
failed_call_is_repeated_without_holding_up_others(void **state)
{
    struct reporter *t = *state;

    t->breaks = "b";
    devices_up(t->devices, "a", false);
    devices_up(t->devices, "b", false);
    devices_up(t->devices, "c", false);
    AWAIT(t, ds_last(&t->calls) == '\n');
    for (int i = 0; i < 3; i++) {
        one_turn(t);
    }
    devices_up(t->devices, "d", false);
    AWAIT(t, devices_stats(t->devices)->n_up == 1);
    called(t, "up a b c down\nup d down\n");
    t->w.clock.ahead += 1000;
    AWAIT(t, devices_stats(t->devices)->n_up == 3);
    assert_int_equal(devices_n_waiting(t->devices), 1);
    called(t, "up a down\nup b down\nup c down\n");
    t->breaks = NULL;
    t->w.clock.ahead += 2000;
    AWAIT(t, devices_is_settled(t->devices));
    assert_int_equal(devices_stats(t->devices)->n_failed, 0);
}

static void
lost_connection_has_everything_said_again(void **state)
{
    struct reporter *t = *state;

    t->holds = true;
    devices_up(t->devices, "a", true);
    AWAIT(t, t->n_held == 1);
    nt_bus_free(t->w.hub);
    nt_rpc_service_free(t->service);
    t->w.hub = NULL;
    nt_bus_reply(t->held[--t->n_held], NULL);
    t->holds = false;
    AWAIT(t, !nt_bus_is_connected(t->w.a));
    devices_up(t->devices, "b", false);
    start_hub(&t->w, NULL);
    t->service = nt_rpc_serve(t->w.hub, &nt_neutron_plugin, NULL, handlers, t);
    AWAIT(t, nt_bus_is_connected(t->w.a));
    ds_clear(&t->calls);
    for (int i = 0; i < 5; i++) {
        one_turn(t); /* Others were cut off as well: nobody goes at once. */
    }
    called(t, "");
    t->w.clock.ahead += 2000;
    AWAIT(t, devices_is_settled(t->devices));
    assert_int_equal(devices_stats(t->devices)->n_up, 2);
    assert_true(strstr(ds_cstr(&t->calls), "up b down\n"));
}

static void
name_with_no_room_is_ignored(void **state)
{
    struct reporter *t = *state;
    char name[100];

    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    devices_down(t->devices, name);
    assert_true(devices_is_settled(t->devices));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_reporter, teardown_reporter)
    const struct CMUnitTest tests[] = {
        TEST(devices_of_one_turn_go_in_batches),
        TEST(what_is_due_is_what_can_be_sent),
        TEST(last_wish_counts),
        TEST(device_that_goes_and_comes_is_said_to),
        TEST(device_given_up_is_forgotten),
        TEST(refused_device_is_tried_five_times),
        TEST(failed_call_is_repeated_without_holding_up_others),
        TEST(lost_connection_has_everything_said_again),
        TEST(name_with_no_room_is_ignored),
    };

    return cmocka_run_group_tests_name("agent/report/devices", tests, NULL, NULL);
}
