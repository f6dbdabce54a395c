/* Messages that no server sends. */
#include <config.h>

#include "agent/observe/neutron.h"

#include "agent/observe/neutron_world.h"

/* All refused, each by itself, and none does any harm. */
static void
malformed_messages_are_refused_alone(void **state)
{
    static const struct {
        const char *topic, *method, *args;
    } cases[] = {
        { "neutron-vo-Port-1.7", "push", "{}" },
        { "neutron-vo-Port-1.7", "push", "{\"resource_list\": 7, \"event_type\": \"updated\"}" },
        { "neutron-vo-Port-1.7", "push", "{\"resource_list\": [], \"event_type\": []}" },
        { "neutron-vo-Port-1.7", "push", "{\"resource_list\": [], \"event_type\": \"exploded\"}" },
        { "neutron-vo-Port-1.7", "push", "{\"resource_list\": [1], \"event_type\": \"updated\"}" },
        { "neutron-vo-Port-1.7", "push",
          "{\"resource_list\": [" NETWORK(N1, "1") "], \"event_type\": \"updated\"}" },
        { "neutron-vo-Port-1.7", "push",
          "{\"resource_list\": [" FRAME("Port", "1.7", "[]") "], \"event_type\": \"updated\"}" },
        { "neutron-vo-Port-1.7", "push",
          "{\"resource_list\": [" FRAME("Port", "1.7", "{\"id\": \"x\"}") "], \"event_type\": "
                                                                          "\"updated\"}" },
        { "neutron-vo-Port-1.7", "push",
          "{\"resource_list\": [" FRAME("Port", "2.0",
                                        "{\"id\": \"" P1 "\"}") "], "
                                                                "\"event_type\": \"updated\"}" },
        { "neutron-vo-Port-1.7", "push",
          "{\"resource_list\": [" FRAME("Port", "1.7",
                                        "{\"id\": \"" P1 "\"}") "], "
                                                                "\"event_type\": \"updated\"}" },
        { "neutron-vo-Port-1.7", "pull", "{}" },
        { "q-agent-notifier-port-update", "port_update", "{\"port\": null}" },
        { "q-agent-notifier-port-update", "port_update", "{\"port\": {\"id\": 1}}" },
        { "q-agent-notifier-port-update", "port_update",
          "{\"port\": {\"id\": \"" P1 "\", \"revision_number\": 1e300}}" },
        { "q-agent-notifier-port-delete", "port_delete", "{\"port_id\": [\"" P1 "\"]}" },
        { "q-agent-notifier-network-delete", "network_delete", "{}" },
        { "q-agent-notifier-tunnel-update", "tunnel_update",
          "{\"tunnel_ip\": \"10.0.0.300\", \"tunnel_type\": \"gre\"}" },
        { "q-agent-notifier-tunnel-update", "tunnel_update",
          "{\"tunnel_ip\": \"10.0.0.3\", \"tunnel_type\": \"a\\nb\"}" },
        { "q-agent-notifier-l2population-update", "add_fdb_entries", "{\"fdb_entries\": []}" },
        { "q-agent-notifier-l2population-update", "update_fdb_entries", "{\"fdb_entries\": 1}" },
        { "q-agent-notifier-binding-activate", "binding_activate", "{\"host\": \"a\"}" },
        { "q-agent-notifier-security_group-update", "security_groups_rule_updated",
          "{\"security_groups\": {}}" },
    };
    struct agent *t = *state;

    know_p1(t, PORT(P1, "5"));
    for (size_t i = 0; i < NT_ARRAY_SIZE(cases); i++) {
        say(t, cases[i].topic, NULL, cases[i].method, cases[i].args);
    }
    nt_bus_fanout(t->w.hub, NT_BUS_TO("neutron-vo-Port-1.7", NULL, "push", "1.2"), NULL);
    nt_bus_fanout(t->w.hub, NT_BUS_TO("neutron-vo-Port-1.7", NULL, "push", "1.1"), NULL);
    drain(t);
    assert_int_equal(nt_bus_stats(t->w.a)->n_requests_failed, NT_ARRAY_SIZE(cases) + 2);
    heard(t, "");

    /* What a wanted port is now could not be read, so it is asked for. */
    t->objects[0] = PORT(P1, "6");
    pass(t, 300);
    HEARS(t, "port 1111 6\n");
    push(t, "Port", "updated", PORT(P1, "7"));
    HEARS(t, "port 1111 7\n");
}

static void
deep_nesting_is_refused_where_it_is_read(void **state)
{
    struct agent *t = *state;
    struct json *deep = json_object_create();
    struct json *args = json_object_create();

    know_p1(t, PORT(P1, "5"));
    for (int i = 0; i < 200; i++) {
        struct json *outer = json_array_create_1(deep);

        deep = outer;
    }
    json_object_put(args, "devices_to_update", deep);
    nt_bus_fanout(t->w.hub,
                  NT_BUS_TO("q-agent-notifier-security_group-update", NULL,
                            "security_groups_provider_updated", "1.1"),
                  json_deep_clone(args));
    nt_bus_fanout(t->w.hub, NT_BUS_TO("neutron-vo-Port-1.7", NULL, "push", "1.1"), args);
    drain(t);
    assert_int_equal(nt_bus_stats(t->w.a)->n_requests_failed + nt_bus_stats(t->w.a)->n_refused, 2);
    push(t, "Port", "updated", PORT(P1, "6"));
    HEARS(t, "port 1111 6\n");
}

static void
very_long_lists_are_read(void **state)
{
    enum { N = 20000 };
    struct agent *t = *state;
    struct json *list = json_array_create_empty();
    struct json *args = json_object_create();

    know_p1(t, PORT(P1, "5"));
    for (int i = 0; i < N; i++) {
        char id[NT_UUID_SIZE];

        snprintf(id, sizeof id, "00000000-0000-4000-8000-%012d", i);
        struct json *object = json_from_string(FRAME("Port", "1.7", "{}"));
        struct json *data = json_object_create();
        json_object_put_string(data, "id", i == N / 2 ? P1 : id);
        json_object_put_string(data, "network_id", N1);
        json_object_put_string(data, "mac_address", MAC);
        json_object_put(data, "revision_number", json_integer_create(i));
        json_object_put(object, "versioned_object.data", data);
        json_array_add(list, object);
    }
    json_object_put(args, "resource_list", list);
    json_object_put_string(args, "event_type", "updated");
    nt_bus_fanout(t->w.hub, NT_BUS_TO("neutron-vo-Port-1.7", NULL, "push", "1.1"), args);
    HEARS(t, "port 1111 10000\n");
    assert_int_equal(neutron_stats(t->neutron)->n_pushed_ignored, N - 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_agent, teardown_agent)
    const struct CMUnitTest tests[] = {
        TEST(malformed_messages_are_refused_alone),
        TEST(deep_nesting_is_refused_where_it_is_read),
        TEST(very_long_lists_are_read),
    };

    return cmocka_run_group_tests_name("agent/observe/neutron_hostile", tests, NULL, NULL);
}
