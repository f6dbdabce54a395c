#include <config.h>

#include "agent/observe/neutron.h"

#include "agent/observe/neutron_world.h"

static void
wanted_objects_are_pulled_in_batches(void **state)
{
    struct agent *t = *state;

    t->objects[0] = PORT(P1, "5");
    t->objects[1] = PORT(P3, "6");
    t->objects[2] = NETWORK(N1, "1");
    neutron_want_port(t->neutron, P1);
    neutron_want_port(t->neutron, P1);
    neutron_want_port(t->neutron, P2);
    neutron_want_port(t->neutron, P3);
    neutron_want_network(t->neutron, N1);
    assert_false(neutron_is_settled(t->neutron));
    AWAIT(t, neutron_is_settled(t->neutron));
    heard(t, "port 1111 5\nport 2222 gone\nport 3333 6\nnetwork 9999 mtu 1450\n");
    assert_int_equal(t->n_pulls, 3);
    assert_int_equal(neutron_port(t->neutron, P3)->standard.revision_number, 6);
    assert_null(neutron_port(t->neutron, P2));
    assert_int_equal(neutron_network(t->neutron, N1)->mtu, 1450);
    assert_int_equal(neutron_stats(t->neutron)->n_pulled, 3);
}

static void
newer_revision_wins_whichever_way_it_came(void **state)
{
    struct agent *t = *state;

    know_p1(t, PORT(P1, "5"));
    push(t, "Port", "updated", PORT(P1, "4"));
    push(t, "Port", "updated", PORT(P1, "5"));
    drain(t);
    heard(t, "");
    push(t, "Port", "updated", PORT(P1, "7"));
    drain(t);
    heard(t, "port 1111 7\n");

    /* The answer says 5, which is older than what was pushed. */
    neutron_resync(t->neutron);
    HEARS(t, "settled\n");
    assert_int_equal(neutron_port(t->neutron, P1)->standard.revision_number, 7);
    t->objects[0] = PORT(P1, "8");
    neutron_resync(t->neutron);
    HEARS(t, "port 1111 8\nsettled\n");
}

static void
unwanted_objects_are_dropped_by_their_id(void **state)
{
    struct agent *t = *state;

    know_p1(t, PORT(P1, "5"));

    /* Only the id of the first is looked at. */
    push(t, "Port", "updated",
         FRAME("Port", "9.9", "{\"id\": \"" P2 "\", \"mac_address\": 7}") ", " PORT(P1, "6"));
    push(t, "Network", "updated", NETWORK(N1, "1"));
    drain(t);
    heard(t, "port 1111 6\n");
    assert_int_equal(neutron_stats(t->neutron)->n_refused, 0);
    assert_int_equal(neutron_stats(t->neutron)->n_pushed_ignored, 2);
    neutron_drop_port(t->neutron, P1);
    assert_null(neutron_port(t->neutron, P1));
    push(t, "Port", "updated", PORT(P1, "7"));
    drain(t);
    heard(t, "");
}

static void
deleted_object_is_brought_back_by_a_later_answer_alone(void **state)
{
    struct agent *t = *state;

    know_p1(t, PORT(P1, "5"));
    push(t, "Port", "deleted", FRAME("Port", "1.7", "{\"id\": \"" P1 "\"}"));
    push(t, "Port", "updated", PORT(P1, "6"));
    drain(t);
    heard(t, "port 1111 gone\n");
    assert_null(neutron_port(t->neutron, P1));
    assert_true(neutron_is_settled(t->neutron));

    /* Nor after it was dropped and is wanted again. */
    neutron_drop_port(t->neutron, P1);
    neutron_want_port(t->neutron, P1);
    t->holds = true;
    AWAIT(t, t->n_held == 1);
    push(t, "Port", "updated", PORT(P1, "6"));
    drain(t);
    heard(t, "");
    answer_held(t);
    HEARS(t, "port 1111 5\n");
}

static void
answer_to_a_question_from_before_the_deletion_is_ignored(void **state)
{
    struct agent *t = *state;

    t->objects[0] = PORT(P1, "5");
    t->holds = true;
    neutron_want_port(t->neutron, P1);
    AWAIT(t, t->n_held == 1);
    say(t, "q-agent-notifier-port-delete", NULL, "port_delete", "{\"port_id\": \"" P1 "\"}");
    drain(t);
    heard(t, "port 1111 gone\n");
    answer_held(t);
    drain(t);
    heard(t, "");
    assert_true(neutron_is_settled(t->neutron));
}

/* A server on an old backup, or a replica that lags. */
static void
known_object_is_lost_by_two_answers(void **state)
{
    struct agent *t = *state;

    t->objects[0] = PORT(P1, "5");
    t->objects[1] = PORT(P2, "5");
    neutron_want_port(t->neutron, P1);
    neutron_want_port(t->neutron, P2);
    AWAIT(t, neutron_is_settled(t->neutron));
    ds_clear(&t->log);
    t->objects[0] = NULL;
    neutron_resync(t->neutron);
    AWAIT(t, neutron_stats(t->neutron)->n_missed == 2);
    for (int i = 0; i < 5; i++) {
        agent_turn(t);
    }
    heard(t, "settled\n");
    assert_non_null(neutron_port(t->neutron, P1));
    assert_int_equal(t->n_pulls, 2);

    /* It has one of them after all. */
    t->objects[0] = PORT(P1, "5");
    t->objects[1] = NULL;
    t->w.clock.ahead += 5000;
    AWAIT(t, neutron_is_settled(t->neutron));
    heard(t, "port 2222 gone\n");
    assert_int_equal(neutron_stats(t->neutron)->n_lost, 1);

    /* Which begins anew for the other. */
    t->objects[0] = NULL;
    neutron_resync(t->neutron);
    AWAIT(t, neutron_stats(t->neutron)->n_missed == 3);
    assert_non_null(neutron_port(t->neutron, P1));
    t->w.clock.ahead += 5000;
    HEARS(t, "settled\nport 1111 gone\n");
    assert_int_equal(neutron_stats(t->neutron)->n_lost, 2);
}

static void
push_for_what_was_missing_leads_to_a_look(void **state)
{
    struct agent *t = *state;

    neutron_want_port(t->neutron, P1);
    HEARS(t, "port 1111 gone\n");
    push(t, "Port", "updated", PORT(P1, "1"));
    drain(t);
    AWAIT(t, neutron_is_settled(t->neutron));
    heard(t, "");
    assert_int_equal(t->n_pulls, 2);
    t->objects[0] = PORT(P1, "2");
    push(t, "Port", "updated", PORT(P1, "1"));
    HEARS(t, "port 1111 2\n");
}

static void
push_during_a_question_that_finds_nothing_has_it_put_again(void **state)
{
    struct agent *t = *state;

    t->holds = true;
    neutron_want_port(t->neutron, P1);
    AWAIT(t, t->n_held == 1);
    push(t, "Port", "updated", PORT(P1, "1"));
    HEARS(t, "port 1111 1\n");
    answer_held(t);
    t->objects[0] = PORT(P1, "1");
    AWAIT(t, t->n_pulls == 2 && neutron_is_settled(t->neutron));
    heard(t, "");
    assert_non_null(neutron_port(t->neutron, P1));
}

#define POLICY(name)           \
    FRAME("QosPolicy", "1.10", \
          "{\"id\": \"" P1 "\", \"name\": \"" name "\", \"revision_number\": 2, \"rules\": []}")

/* A policy whose rules changed is pushed with the revision it had before. */
static void
push_during_a_question_is_not_undone_by_an_answer_as_old(void **state)
{
    struct agent *t = *state;

    t->objects[0] = POLICY("old");
    t->holds = true;
    neutron_want_qos_policy(t->neutron, P1);
    AWAIT(t, t->n_held == 1);
    push(t, "QosPolicy", "updated", POLICY("new"));
    HEARS(t, "policy 1111\n");
    answer_held(t);
    t->objects[0] = POLICY("new");
    AWAIT(t, t->n_pulls == 2 && neutron_is_settled(t->neutron));
    heard(t, "");
    assert_string_equal(neutron_qos_policy(t->neutron, P1)->name, "new");
}

#define PORT_UPDATE(id, more)                                                                      \
    "{\"port\": {\"id\": \"" id "\", \"some\": [\"thing\"]" more "}, \"network_type\": \"vlan\", " \
    "\"segmentation_id\": 100, \"physical_network\": \"physnet1\"}"

static void
older_notifications_lead_to_a_look_unless_a_push_comes(void **state)
{
    struct agent *t = *state;

    know_p1(t, PORT(P1, "5"));
    t->objects[0] = PORT(P1, "6");

    /* A server that pushes: the notification alone asks for nothing. */
    say(t, "q-agent-notifier-port-update", NULL, "port_update", PORT_UPDATE(P1, ""));
    drain(t);
    assert_false(neutron_is_settled(t->neutron));
    push(t, "Port", "updated", PORT(P1, "6"));
    drain(t);
    heard(t, "port 1111 6\n");
    assert_true(neutron_is_settled(t->neutron));
    say(t, "q-agent-notifier-port-update", NULL, "port_update",
        PORT_UPDATE(P1, ", \"revision_number\": 6"));
    say(t, "q-agent-notifier-port-update", NULL, "port_update", PORT_UPDATE(P2, ""));
    drain(t);
    assert_true(neutron_is_settled(t->neutron));
    assert_int_equal(t->n_pulls, 0);

    /* One that does not. */
    t->objects[0] = PORT(P1, "7");
    say(t, "q-agent-notifier-port-update", NULL, "port_update",
        PORT_UPDATE(P1, ", \"revision_number\": 7"));
    drain(t);
    pass(t, 300);
    HEARS(t, "port 1111 7\n");
    assert_int_equal(t->n_pulls, 1);
}

static void
a_look_keeps_what_is_known(void **state)
{
    struct agent *t = *state;

    neutron_look_at_port(t->neutron, P2); /* Nobody wants it. */
    know_p1(t, PORT(P1, "5"));
    t->objects[0] = PORT(P1, "6");
    neutron_look_at_port(t->neutron, P1);
    drain(t);
    assert_false(neutron_is_settled(t->neutron));
    assert_int_equal(neutron_port(t->neutron, P1)->standard.revision_number, 5);
    pass(t, 300);
    HEARS(t, "port 1111 6\n");
    assert_int_equal(t->n_pulls, 1);
}

static void
older_notifications_of_networks_are_heard(void **state)
{
    struct agent *t = *state;

    t->objects[0] = NETWORK(N1, "1");
    neutron_want_network(t->neutron, N1);
    HEARS(t, "network 9999 mtu 1450\n");
    t->objects[0] =
        FRAME("Network", "1.1", "{\"id\": \"" N1 "\", \"revision_number\": 2, \"mtu\": 9000}");
    say(t, "q-agent-notifier-network-update", NULL, "network_update",
        "{\"network\": {\"id\": \"" N1 "\", \"name\": \"n\"}}");
    drain(t);
    pass(t, 300);
    HEARS(t, "network 9999 mtu 9000\n");
    say(t, "q-agent-notifier-network-delete", NULL, "network_delete",
        "{\"network_id\": \"" N1 "\"}");
    HEARS(t, "network 9999 gone\n");
    assert_null(neutron_network(t->neutron, N1));
}

/* Juno's: no revisions, no pushes, versions of then. */
static void
notifications_of_juno_are_taken(void **state)
{
    static const struct {
        const char *topic, *method, *version, *args;
    } said[] = {
        { "q-agent-notifier-port-update", "port_update", "1.1",
          "{\"port\": {\"id\": \"" P1 "\", \"status\": \"DOWN\", \"binding:host_id\": \"a\", "
          "\"allowed_address_pairs\": [], \"extra_dhcp_opts\": [], \"device_owner\": \"\", "
          "\"binding:profile\": {}, \"fixed_ips\": [{\"subnet_id\": \"" N1 "\", "
          "\"ip_address\": \"10.0.0.2\"}], \"security_groups\": [], \"name\": \"\", "
          "\"admin_state_up\": true, \"network_id\": \"" N1 "\", \"tenant_id\": \"t\", "
          "\"binding:vif_details\": {\"port_filter\": true}, \"mac_address\": \"" MAC "\"}, "
          "\"network_type\": \"gre\", \"segmentation_id\": 1, \"physical_network\": null}" },
        { "q-agent-notifier-tunnel-update", "tunnel_update", "1.0",
          "{\"tunnel_ip\": \"10.0.0.3\", \"tunnel_type\": \"gre\"}" },
        { "q-agent-notifier-security_group-update", "security_groups_member_updated", "1.1",
          "{\"security_groups\": [\"" P2 "\"]}" },
        { "q-agent-notifier-network-delete", "network_delete", "1.0",
          "{\"network_id\": \"" N1 "\"}" },
    };
    struct agent *t = *state;

    t->objects[1] = NETWORK(N1, "1");
    neutron_want_network(t->neutron, N1);
    know_p1(t, PORT(P1, "5"));
    AWAIT(t, neutron_is_settled(t->neutron));
    ds_clear(&t->log);
    t->objects[0] = PORT(P1, "6");
    for (size_t i = 0; i < NT_ARRAY_SIZE(said); i++) {
        nt_bus_fanout(t->w.hub, NT_BUS_TO(said[i].topic, NULL, said[i].method, said[i].version),
                      json_from_string(said[i].args));
    }
    drain(t);
    heard(t, "tunnel gre 10.0.0.3\nmembers 2222 1\nnetwork 9999 gone\n");
    pass(t, 300);
    HEARS(t, "port 1111 6\n");
    assert_int_equal(nt_bus_stats(t->w.a)->n_requests_failed, 0);
}

static void
failed_pulls_are_repeated_in_smaller_ones(void **state)
{
    struct agent *t = *state;

    t->objects[0] = PORT(P1, "1");
    t->objects[1] = PORT(P2, "1");
    t->fails = true;
    neutron_want_port(t->neutron, P1);
    neutron_want_port(t->neutron, P2);
    AWAIT(t, neutron_stats(t->neutron)->n_failures == 1);
    assert_int_equal(t->n_ids, 2);
    for (int i = 0; i < 5; i++) {
        agent_turn(t);
    }
    assert_int_equal(t->n_pulls, 1); /* Not before a pause of half a second. */
    t->fails = false;
    pass(t, 1000);
    AWAIT(t, neutron_is_settled(t->neutron));
    assert_int_equal(t->n_pulls, 3);
    assert_int_equal(t->n_ids, 1);
    heard(t, "port 1111 1\nport 2222 1\n");
}

static void
one_bad_object_does_not_spoil_an_answer(void **state)
{
    struct agent *t = *state;

    t->objects[0] = FRAME("Port", "1.7", "{\"id\": \"" P1 "\", \"mac_address\": 9}");
    t->objects[1] = PORT(P2, "1");
    neutron_want_port(t->neutron, P1);
    neutron_want_port(t->neutron, P2);
    HEARS(t, "port 2222 1\n");
    assert_int_equal(neutron_stats(t->neutron)->n_refused, 1);
    assert_false(neutron_is_settled(t->neutron));
    pass(t, 1000);
    AWAIT(t, neutron_stats(t->neutron)->n_refused == 2);
    t->objects[0] = PORT(P1, "3");
    pass(t, 2000);
    HEARS(t, "port 1111 3\n");
    assert_true(neutron_is_settled(t->neutron));

    /* Of what has no id nobody knows which one it is: nothing is said to be gone. */
    neutron_want_port(t->neutron, P3);
    t->answer = "[{}]";
    AWAIT(t, neutron_stats(t->neutron)->n_refused == 3);
    drain(t);
    heard(t, "");
    t->answer = "{\"a\": 1}";
    pass(t, 1000);
    AWAIT(t, neutron_stats(t->neutron)->n_failures == 1);
    heard(t, "");
}

static void
after_a_new_connection_all_is_asked_again(void **state)
{
    struct agent *t = *state;

    know_p1(t, PORT(P1, "1"));
    neutron_sync_tunnels(t->neutron, "vxlan");
    HEARS(t, "tunnel vxlan 10.0.0.2\n");
    nt_bus_free(t->w.hub);
    t->w.hub = NULL;
    AWAIT(t, !nt_bus_is_connected(t->w.a));
    assert_false(neutron_is_settled(t->neutron));
    neutron_want_port(t->neutron, P2);
    t->objects[0] = PORT(P1, "9");
    t->objects[1] = PORT(P2, "1");
    start_hub(&t->w, NULL);
    start_server(t);
    AWAIT(t, neutron_is_settled(t->neutron));
    assert_true(strstr(ds_cstr(&t->log), "tunnel vxlan 10.0.0.2\n"));
    assert_true(strstr(ds_cstr(&t->log), "port 1111 9\nport 2222 1\n"));
    assert_true(strstr(ds_cstr(&t->log), "settled\n"));
    assert_int_equal(t->n_syncs, 2);
}

static void
tunnels_are_synchronised_until_it_succeeds(void **state)
{
    struct agent *t = *state;

    t->fails = true;
    neutron_sync_tunnels(t->neutron, "vxlan");
    AWAIT(t, neutron_stats(t->neutron)->n_failures == 1);
    assert_false(neutron_is_settled(t->neutron));
    t->fails = false;
    pass(t, 1000);
    HEARS(t, "tunnel vxlan 10.0.0.2\n");
    assert_true(neutron_is_settled(t->neutron));

    say(t, "q-agent-notifier-tunnel-update", NULL, "tunnel_update",
        "{\"tunnel_ip\": \"10.0.0.1\", \"tunnel_type\": \"vxlan\"}");
    say(t, "q-agent-notifier-tunnel-update", NULL, "tunnel_update",
        "{\"tunnel_ip\": \"10.0.0.3\", \"tunnel_type\": \"gre\"}");
    say(t, "q-agent-notifier-tunnel-delete", NULL, "tunnel_delete",
        "{\"tunnel_ip\": \"10.0.0.2\", \"tunnel_type\": \"vxlan\"}");
    drain(t);
    heard(t, "tunnel gre 10.0.0.3\ntunnel vxlan 10.0.0.2 gone\n");
}

#define SYNC(ends) "{\"tunnels\": [" ends "]}"
#define END(ip) "{\"ip_address\": \"10.0.0." ip "\"}"
#define TUNNEL(ip) "{\"tunnel_ip\": \"10.0.0." ip "\", \"tunnel_type\": \"vxlan\"}"

static void
say_tunnel(struct agent *t, const char *method, const char *args)
{
    const char *topic = !strcmp(method, "tunnel_update") ? "q-agent-notifier-tunnel-update"
                                                         : "q-agent-notifier-tunnel-delete";

    say(t, topic, NULL, method, args);
    drain(t);
}

static void
end_points_have_the_numbers_a_server_before_juno_gives(void **state)
{
    struct agent *t = *state;

    t->tunnels = SYNC("{\"ip_address\": \"10.0.0.2\", \"id\": 7}, " END("3"));
    neutron_sync_tunnels(t->neutron, "vxlan");
    HEARS(t, "tunnel vxlan 10.0.0.2 number 7\ntunnel vxlan 10.0.0.3\n");
    say_tunnel(t, "tunnel_update",
               "{\"tunnel_ip\": \"10.0.0.4\", \"tunnel_type\": \"vxlan\", \"tunnel_id\": 8}");
    heard(t, "tunnel vxlan 10.0.0.4 number 8\n");
    say_tunnel(t, "tunnel_update",
               "{\"tunnel_ip\": \"10.0.0.5\", \"tunnel_type\": \"vxlan\", \"tunnel_id\": -1}");
    heard(t, "");
}

static void
end_point_missing_in_two_answers_is_gone(void **state)
{
    struct agent *t = *state;

    t->tunnels = SYNC(END("2") ", " END("3") ", " END("4"));
    neutron_sync_tunnels(t->neutron, "vxlan");
    HEARS(t, "tunnel vxlan 10.0.0.2\ntunnel vxlan 10.0.0.3\ntunnel vxlan 10.0.0.4\n");

    /* Said by nobody: the connection was away. */
    t->tunnels = SYNC(END("2") ", " END("4"));
    neutron_sync_tunnels(t->neutron, "vxlan");
    HEARS(t, "tunnel vxlan 10.0.0.2\ntunnel vxlan 10.0.0.4\n");
    assert_false(neutron_is_settled(t->neutron));
    assert_int_equal(t->n_syncs, 2);

    /* A replica that lagged: the second answer has 4 again. */
    t->tunnels = SYNC(END("2"));
    pass(t, 5000);
    HEARS(t, "tunnel vxlan 10.0.0.2\ntunnel vxlan 10.0.0.3 gone\n");
    t->tunnels = SYNC(END("2") ", " END("4"));
    pass(t, 5000);
    HEARS(t, "tunnel vxlan 10.0.0.2\ntunnel vxlan 10.0.0.4\n");
    assert_true(neutron_is_settled(t->neutron));
    assert_int_equal(t->n_syncs, 4);
}

static void
end_point_announced_while_the_answer_is_on_its_way_stays(void **state)
{
    struct agent *t = *state;

    t->tunnels = SYNC(END("2"));
    neutron_sync_tunnels(t->neutron, "vxlan");
    HEARS(t, "tunnel vxlan 10.0.0.2\n");

    /* Both times the answer is from before the announcement. */
    for (int i = 0; i < 2; i++) {
        t->holds = true;
        neutron_sync_tunnels(t->neutron, "vxlan");
        AWAIT(t, t->n_held == 1);
        say_tunnel(t, "tunnel_update", TUNNEL("9"));
        heard(t, "tunnel vxlan 10.0.0.9\n");
        answer_held(t);
        HEARS(t, "tunnel vxlan 10.0.0.2\n");
        assert_true(neutron_is_settled(t->neutron));
    }
}

static void
end_point_taken_away_while_the_answer_is_on_its_way_stays_away(void **state)
{
    struct agent *t = *state;

    t->tunnels = SYNC(END("2") ", " END("3"));
    neutron_sync_tunnels(t->neutron, "vxlan");
    HEARS(t, "tunnel vxlan 10.0.0.2\ntunnel vxlan 10.0.0.3\n");
    t->holds = true;
    neutron_sync_tunnels(t->neutron, "vxlan");
    AWAIT(t, t->n_held == 1);
    say_tunnel(t, "tunnel_delete", TUNNEL("3"));
    heard(t, "tunnel vxlan 10.0.0.3 gone\n");

    /* The answer is older, so it is asked once more. */
    answer_held(t);
    t->tunnels = SYNC(END("2"));
    HEARS(t, "tunnel vxlan 10.0.0.2\ntunnel vxlan 10.0.0.2\n");
    assert_true(neutron_is_settled(t->neutron));
    assert_int_equal(t->n_syncs, 3);
}

static void
with_l2_population_no_end_point_is_missed(void **state)
{
    struct agent *t = *state;

    neutron_sync_tunnels(t->neutron, "vxlan");
    HEARS(t, "tunnel vxlan 10.0.0.2\n");
    t->tunnels = SYNC(END("3"));
    neutron_sync_tunnels(t->neutron, "vxlan");
    HEARS(t, "tunnel vxlan 10.0.0.3\n");
    assert_true(neutron_is_settled(t->neutron));
}

#define FDB(ip, entries, more)                                                                     \
    "{\"fdb_entries\": {\"" N1 "\": {\"segment_id\": 77, \"network_type\": \"vxlan\", \"ports\": " \
    "{\"" ip "\": [" entries "]}}}" more "}"
#define FLOOD "[\"00:00:00:00:00:00\", \"0.0.0.0\"]"
#define ENTRY "[\"" MAC "\", \"10.1.0.5\"]"

static void
forwarding_entries_are_passed_on_in_order(void **state)
{
    struct agent *t = *state;
    const char *topic = "q-agent-notifier-l2population-update";

    neutron_want_port(t->neutron, P1);
    HEARS(t, "port 1111 gone\n");
    say(t, topic, "a", "add_fdb_entries", FDB("10.0.0.2", FLOOD ", " ENTRY, ""));
    say(t, topic, NULL, "remove_fdb_entries", FDB("10.0.0.2", ENTRY, ", \"host\": \"a\""));
    say(t, topic, NULL, "add_fdb_entries", FDB("10.0.0.4", ENTRY, ", \"host\": \"b\""));
    say(t, topic, NULL, "add_fdb_entries", FDB("10.0.0.3", ENTRY, ", \"host\": null"));
    say(t, topic, NULL, "add_fdb_entries", FDB("nowhere", ENTRY, ""));
    say(t, topic, NULL, "add_fdb_entries", FDB("10.0.0.9", "[\"x\", \"10.1.0.5\"]", ""));
    say(t, topic, NULL, "update_fdb_entries",
        "{\"fdb_entries\": {\"chg_ip\": {\"" N1 "\": {\"10.0.0.3\": {\"before\": [[\"" MAC
        "\", \"10.1.0.5\"]], \"after\": [[\"" MAC "\", \"10.1.0.6\"]]}}}}}");
    drain(t);
    heard(t, "add 9999 10.0.0.2:2\nremove 9999 10.0.0.2:1\nadd 9999 10.0.0.3:1\n"
             "change 9999 10.0.0.3 10.1.0.5 to 10.1.0.6\n");
    assert_int_equal(nt_bus_stats(t->w.a)->n_requests_failed, 2);
}

static void
bindings_and_groups_are_passed_on(void **state)
{
    struct agent *t = *state;
    const char *groups = "q-agent-notifier-security_group-update";

    drain(t);
    say(t, "q-agent-notifier-binding-deactivate", NULL, "binding_deactivate",
        "{\"port_id\": \"" P1 "\", \"host\": \"a\", \"network_id\": \"" N1 "\"}");
    say(t, "q-agent-notifier-binding-activate", NULL, "binding_activate",
        "{\"port_id\": \"" P1 "\", \"host\": \"b\"}");
    say(t, groups, NULL, "security_groups_rule_updated", "{\"security_groups\": [\"" P2 "\"]}");
    say(t, groups, NULL, "security_groups_member_updated",
        "{\"security_groups\": [\"" P3 "\", \"" P2 "\"]}");
    say(t, groups, NULL, "security_groups_provider_updated", "{}");
    drain(t);
    heard(t, "port 1111 leaves a\nport 1111 moves to b\nrules 2222 1\nmembers 3333 2\nrules  0\n");
}

static void
policies_are_kept_like_ports(void **state)
{
    struct agent *t = *state;

    t->objects[0] = POLICY("q");
    neutron_want_qos_policy(t->neutron, P1);
    HEARS(t, "policy 1111\n");
    assert_string_equal(neutron_qos_policy(t->neutron, P1)->name, "q");
    push(t, "QosPolicy", "deleted", FRAME("QosPolicy", "1.10", "{\"id\": \"" P1 "\"}"));
    HEARS(t, "policy 1111 gone\n");
}

static void
ids_that_are_none_are_not_asked_for(void **state)
{
    struct agent *t = *state;

    neutron_want_port(t->neutron, "tap-of-mine");
    neutron_want_port(t->neutron, "AAAAAAAA-1111-4111-8111-111111111111");
    AWAIT(t, neutron_is_settled(t->neutron));
    assert_int_equal(t->n_pulls, 0);
    assert_true(strstr(ds_cstr(&t->log), "port tap- gone\n"));
    assert_true(strstr(ds_cstr(&t->log), "port AAAA gone\n"));
}

static void
callbacks_may_drop_what_they_are_told_of(void **state)
{
    struct agent *t = *state;

    t->drops = true;
    t->objects[0] = PORT(P1, "1");
    neutron_want_port(t->neutron, P1);
    neutron_want_port(t->neutron, P2);
    neutron_want_port(t->neutron, "nonsense");
    AWAIT(t, neutron_is_settled(t->neutron));
    assert_null(neutron_port(t->neutron, P1));
    neutron_want_port(t->neutron, P1);
    AWAIT(t, neutron_is_settled(t->neutron));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_agent, teardown_agent)
#define TEST_OF_ENDS(name) \
    cmocka_unit_test_setup_teardown(name, setup_without_l2_population, teardown_agent)
    const struct CMUnitTest tests[] = {
        TEST(wanted_objects_are_pulled_in_batches),
        TEST(newer_revision_wins_whichever_way_it_came),
        TEST(unwanted_objects_are_dropped_by_their_id),
        TEST(deleted_object_is_brought_back_by_a_later_answer_alone),
        TEST(answer_to_a_question_from_before_the_deletion_is_ignored),
        TEST(known_object_is_lost_by_two_answers),
        TEST(push_for_what_was_missing_leads_to_a_look),
        TEST(push_during_a_question_that_finds_nothing_has_it_put_again),
        TEST(push_during_a_question_is_not_undone_by_an_answer_as_old),
        TEST(older_notifications_lead_to_a_look_unless_a_push_comes),
        TEST(a_look_keeps_what_is_known),
        TEST(older_notifications_of_networks_are_heard),
        TEST(notifications_of_juno_are_taken),
        TEST(failed_pulls_are_repeated_in_smaller_ones),
        TEST(one_bad_object_does_not_spoil_an_answer),
        TEST(after_a_new_connection_all_is_asked_again),
        TEST(tunnels_are_synchronised_until_it_succeeds),
        TEST_OF_ENDS(end_points_have_the_numbers_a_server_before_juno_gives),
        TEST_OF_ENDS(end_point_missing_in_two_answers_is_gone),
        TEST_OF_ENDS(end_point_announced_while_the_answer_is_on_its_way_stays),
        TEST_OF_ENDS(end_point_taken_away_while_the_answer_is_on_its_way_stays_away),
        TEST(with_l2_population_no_end_point_is_missed),
        TEST(forwarding_entries_are_passed_on_in_order),
        TEST(bindings_and_groups_are_passed_on),
        TEST(policies_are_kept_like_ports),
        TEST(ids_that_are_none_are_not_asked_for),
        TEST(callbacks_may_drop_what_they_are_told_of),
    };

    return cmocka_run_group_tests_name("agent/observe/neutron", tests, NULL, NULL);
}
