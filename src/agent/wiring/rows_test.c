/* Rows of the switch that are not quite ours: other bridges, other agents, odd names. */
#include <config.h>

#include "agent/model/forwarding.h"
#include "agent/wiring/wiring_fixture.h"
#include "base/log.h"

/* A guest's port on any bridge; 'id' as its external_ids have it. */
static void
see_plugged(struct recorder *r, const char *bridge, const char *name, const char *id)
{
    const struct nt_ovs_port port = { .bridge = bridge,
                                      .name = name,
                                      .type = "internal",
                                      .ofport = 30,
                                      .iface_id = id,
                                      .attached_mac = "fa:16:3e:00:00:01",
                                      .n_interfaces = 1,
                                      .error = "" };

    wiring_port_seen(r->wiring, name, &port, NULL, false);
}

/* br-ex with its mark, or without; true: its ports are to be told again. */
static bool
see_external_bridge(struct recorder *r, const char *bridge_id)
{
    const struct nt_ovs_bridge bridge = { .name = "br-ex", .external_bridge_id = bridge_id };

    return wiring_bridge_seen(r->wiring, "br-ex", &bridge);
}

static void
a_port_of_an_ancillary_bridge_is_reported_and_nothing_else(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    assert_true(see_external_bridge(r, "br-ex"));
    see_plugged(r, "br-ex", w->ports[0].name, w->ports[0].id);
    settle(r);
    assert_string_equal(ds_cstr(&r->log), "up 00000000\n");
    assert_null(shash_find(&r->flows, "port 00000000-aaaa-0000-0000-000000000000"));
    assert_int_equal(w->ports[0].tag, 0); /* None was wished. */
    assert_true(wiring_is_complete(r->wiring));
    assert_int_equal(wiring_stats(r->wiring)->n_ancillary, 1);

    wiring_port_seen(r->wiring, w->ports[0].name, NULL, NULL, false);
    settle(r);
    assert_string_equal(ds_cstr(&r->log), "up 00000000\ndown 00000000\n");
}

static void
a_bridge_becomes_ancillary_and_ceases_to_be(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    assert_false(see_external_bridge(r, ""));
    see_plugged(r, "br-ex", w->ports[0].name, w->ports[0].id);
    settle(r);
    assert_string_equal(ds_cstr(&r->log), "");

    assert_true(see_external_bridge(r, "br-ex"));
    assert_false(see_external_bridge(r, "br-ex"));
    see_plugged(r, "br-ex", w->ports[0].name, w->ports[0].id);
    settle(r);
    assert_string_equal(ds_cstr(&r->log), "up 00000000\n");

    assert_true(see_external_bridge(r, "br-other"));
    see_plugged(r, "br-ex", w->ports[0].name, w->ports[0].id);
    settle(r);
    assert_string_equal(ds_cstr(&r->log), "up 00000000\ndown 00000000\n");
    assert_int_equal(w->ports[0].tag, 0);
}

static void
bridges_of_ours_are_never_ancillary(void **state)
{
    static const char *const ours[] = { "br-int", "br-tun", "br-phys" };
    struct recorder *r = *state;

    for (size_t i = 0; i < NT_ARRAY_SIZE(ours); i++) {
        const struct nt_ovs_bridge bridge = { .name = ours[i], .external_bridge_id = ours[i] };
        assert_false(wiring_bridge_seen(r->wiring, ours[i], &bridge));
    }
}

static void
an_id_that_is_too_long_is_nobodys(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;
    char id[64];

    tell(r, 0, 0, true);
    snprintf(id, sizeof id, "%s-longer", w->ports[0].id);
    for (int i = 0; i < 2; i++) {
        see_plugged(r, "br-int", w->ports[0].name, id);
        settle(r);
    }
    assert_int_equal(wiring_stats(r->wiring)->n_added, 0);
    assert_int_equal(wiring_stats(r->wiring)->n_removed, 0);
    assert_int_equal(w->ports[0].tag, 0);
    assert_string_equal(ds_cstr(&r->log), "");

    see_plugged(r, "br-int", w->ports[0].name, w->ports[0].id);
    assert_int_equal(wiring_stats(r->wiring)->n_added, 1);
}

/* --- names of tunnels ------------------------------------------------------------------------ */

/* Two addresses whose hashes begin with the same five digits. */
#define CLASH_A "10.0.3.113"
#define CLASH_B "10.0.4.162"
#define CLASH_NAME "vxl-b4993-398bb"

static bool
has_port(const struct recorder *r, const char *ip)
{
    const struct model_tunnel *tunnel = model_tunnel_find(wiring_model(r->wiring), "vxlan", ip);

    return tunnel && tunnel->ofport > 0;
}

static int
set_up_peers(void **state)
{
    set_up(state);
    struct recorder *r = *state;
    struct world *w = r->world;

    w->config.l2_population = false;
    w->config.tunnel_names_with_local_ip = true;
    return 0;
}

static void
two_tunnels_of_one_name_are_one_at_a_time(void **state)
{
    struct recorder *r = *state;

    wiring_tunnel(r->wiring, "vxlan", CLASH_A, 0);
    wiring_tunnel(r->wiring, "vxlan", CLASH_B, 0);
    settle(r);
    assert_int_equal(shash_count(&r->tunnels), 1);
    assert_non_null(shash_find(&r->tunnels, CLASH_NAME));
    assert_int_equal(wiring_stats(r->wiring)->n_refused, 1);
    assert_true(has_port(r, CLASH_A));
    assert_false(has_port(r, CLASH_B));

    /* The one without a port goes: the other one's stays. */
    wiring_tunnel_gone(r->wiring, "vxlan", CLASH_B);
    wiring_tables_told(r->wiring);
    settle(r);
    assert_null(model_tunnel_find(wiring_model(r->wiring), "vxlan", CLASH_B));
    assert_true(has_port(r, CLASH_A));
    assert_string_equal(ds_cstr(&r->log), "");

    /* The one with the port goes: the other one has it. */
    wiring_tunnel(r->wiring, "vxlan", CLASH_B, 0);
    settle(r);
    wiring_tunnel_gone(r->wiring, "vxlan", CLASH_A);
    settle(r);
    assert_null(model_tunnel_find(wiring_model(r->wiring), "vxlan", CLASH_A));
    assert_true(has_port(r, CLASH_B));
    assert_non_null(shash_find(&r->tunnels, CLASH_NAME));
    assert_string_not_equal(flows_of(r, "tunnel " CLASH_NAME), "");
}

static void
a_number_that_a_server_gives_names_the_port(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    w->config.tunnel_names_with_local_ip = false;
    wiring_tunnel(r->wiring, "vxlan", "10.0.0.2", 0);
    settle(r);
    assert_non_null(shash_find(&r->tunnels, "vxlan-0a000002"));

    wiring_tunnel(r->wiring, "vxlan", "10.0.0.2", 7);
    settle(r);
    assert_string_equal(ds_cstr(&r->log), "no port vxlan-0a000002\n");
    assert_int_equal(shash_count(&r->tunnels), 1);
    assert_non_null(shash_find(&r->tunnels, "vxlan-7"));
    assert_true(has_port(r, "10.0.0.2"));
    assert_string_equal(flows_of(r, "tunnel vxlan-0a000002"), "");
    assert_string_not_equal(flows_of(r, "tunnel vxlan-7"), "");

    /* A message without the number takes it from nobody. */
    wiring_tunnel(r->wiring, "vxlan", "10.0.0.2", 0);
    settle(r);
    assert_non_null(shash_find(&r->tunnels, "vxlan-7"));
    assert_string_equal(ds_cstr(&r->log), "no port vxlan-0a000002\n");
}

static void
a_tunnel_on_another_agents_bridge_is_left_there(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    w->config.l2_population = false;
    wiring_tables_told(r->wiring);
    see(r, "br-tun-2", "vxlan-0a000002", 5, "vxlan");
    wiring_tunnel(r->wiring, "vxlan", "10.0.0.2", 0);
    wiring_run(r->wiring);
    see(r, "br-tun-2", "vxlan-0a000002", 5, "vxlan");
    wiring_run(r->wiring);
    assert_string_equal(flows_of(r, "tunnel vxlan-0a000002"), "");

    wiring_tunnel_gone(r->wiring, "vxlan", "10.0.0.2");
    wiring_run(r->wiring);
    assert_string_equal(ds_cstr(&r->log), "");
    assert_int_equal(r->n_forgotten, 1);
}

/* --- responders ------------------------------------------------------------------------------ */

static void
a_responder_that_the_switch_refuses_is_off(void **state)
{
    static const char owner[] = "ip 22222222-0000-0000-0000-000000000000/101 10.1.0.50";
    struct recorder *r = *state;

    plug(r, 0);
    tell(r, 0, 1, true);
    settle(r);
    tell_entry(r, 0, 0, true);
    settle(r);
    assert_string_not_equal(flows_of(r, owner), "");

    /* Others' flows, and a switch that is full for now, are no matter. */
    wiring_flow_refused(r->wiring, "bridge br-tun", "the switch refused it: OFPBAC_BAD_TYPE");
    wiring_flow_refused(r->wiring, owner, "the switch refused it: OFPFMFC_TABLE_FULL");
    assert_false(wiring_has_work(r->wiring));

    wiring_flow_refused(r->wiring, owner, "the switch refused it: OFPBAC_BAD_SET_TYPE");
    settle(r);
    assert_string_equal(flows_of(r, owner), "");
    assert_null(strstr(flows_of(r, "bridge br-tun"), "arp"));
    tell_entry(r, 1, 1, true);
    settle(r);
    assert_string_equal(flows_of(r, "ip 22222222-0000-0000-0000-000000000000/101 10.1.0.51"), "");
    assert_string_not_equal(
        flows_of(r, "mac 22222222-0000-0000-0000-000000000000/101 fa:16:3e:00:01:01"), "");
}

/* --- ports without a network ------------------------------------------------------------------ */

static void
why_a_port_is_kept_off_is_told_once(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    plug(r, 0);
    for (int i = 0; i < 2; i++) {
        wiring_port_told(r->wiring, w->ports[0].id, ANSWER_GONE);
        settle(r);
    }
    assert_int_equal(wiring_stats(r->wiring)->n_unbound, 1);

    tell(r, 0, 0, true);
    ovs_strlcpy(w->told[0]->bindings[0].host, "h2", sizeof w->told[0]->bindings[0].host);
    ovs_strlcpy(w->told[0]->device_owner, "compute:nova", sizeof w->told[0]->device_owner);
    for (int i = 0; i < 2; i++) {
        wiring_port_told(r->wiring, w->ports[0].id, ANSWER_KNOWN);
        settle(r);
    }
    assert_int_equal(wiring_stats(r->wiring)->n_unbound, 2);
    assert_int_equal(w->ports[0].tag, 4095);

    tell(r, 0, 0, true);
    settle(r);
    assert_int_equal(wiring_stats(r->wiring)->n_unbound, 2);
    wiring_port_told(r->wiring, w->ports[0].id, ANSWER_GONE);
    settle(r);
    assert_int_equal(wiring_stats(r->wiring)->n_unbound, 3);
}

static void
note_request(void *text_, const struct model_port *port, bool refresh)
{
    (void) port, (void) refresh;
    ovs_strlcpy(text_, nt_log_request(), NT_REQUEST_ID_SIZE);
}

static void
a_report_tells_the_request_that_caused_it(void **state)
{
    struct recorder *r = *state;
    char request[NT_REQUEST_ID_SIZE] = "req-1", reported[NT_REQUEST_ID_SIZE] = "";
    const struct wiring_report report = { is_in, note_request, reported };

    plug(r, 0);
    wiring_run(r->wiring);
    nt_log_swap_request(request);
    tell(r, 0, 0, true);
    nt_log_swap_request(request);
    wiring_run(r->wiring);
    wiring_open_ready(r->wiring, is_in, NULL);
    see_vif(r, 0);
    wiring_run(r->wiring);
    wiring_report_ready(r->wiring, &report);
    assert_string_equal(reported, "req-1");
    assert_string_equal(nt_log_request(), "");
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define P(name) cmocka_unit_test_setup_teardown(name, set_up_peers, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_port_of_an_ancillary_bridge_is_reported_and_nothing_else),
        T(a_bridge_becomes_ancillary_and_ceases_to_be),
        T(bridges_of_ours_are_never_ancillary),
        T(an_id_that_is_too_long_is_nobodys),
        P(two_tunnels_of_one_name_are_one_at_a_time),
        P(a_number_that_a_server_gives_names_the_port),
        T(a_tunnel_on_another_agents_bridge_is_left_there),
        T(a_responder_that_the_switch_refuses_is_off),
        T(why_a_port_is_kept_off_is_told_once),
        T(a_report_tells_the_request_that_caused_it),
    };

    return cmocka_run_group_tests_name("agent/wiring/rows", tests, NULL, NULL);
}
