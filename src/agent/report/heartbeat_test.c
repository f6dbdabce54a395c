#include <config.h>

#include "agent/report/heartbeat.h"

#include "bus/embedded_world.h"
#include "bus/late_random.h"
#include "rpc/neutron/reports.h"

struct agent {
    struct world w;
    struct late_random late;
    struct nt_rpc_service *service;
    struct heartbeat *heartbeat;
    struct agent_config config;
    int n_alive, n_revived;

    /* The server. */
    bool is_away;
    const char *status;
    int n_asked, n_reports;
    struct nt_agent_report_args last;
    bool had_versions, had_start_flag;
    char *configurations, uuids[2][NT_UUID_SIZE];
};

static void
handle_alive(void *t_, const void *args, struct nt_bus_request *req)
{
    struct agent *t = t_;
    const struct nt_alive_result result = { true };
    struct nt_err err;

    t->n_asked++;
    if (t->is_away) {
        nt_fail(&err, NT_FAULT, "the database is away");
        nt_bus_reply_fail(req, &err);
    } else {
        nt_rpc_reply(&nt_neutron_reports, req, &result);
    }
}

static void
handle_report(void *t_, const void *args_, struct nt_bus_request *req)
{
    struct agent *t = t_;
    const struct nt_agent_report_args *args = args_;
    struct nt_agent_report_result result = { "" };
    struct nt_err err;

    t->last = *args;
    t->had_versions = args->state.n_resource_versions > 0;
    t->had_start_flag = args->state.start_flag;
    free(t->configurations);
    t->configurations = json_to_string(args->state.configurations, JSSF_SORT);
    ovs_strlcpy(t->uuids[t->n_reports++ % 2], args->state.uuid, NT_UUID_SIZE);
    if (t->is_away) {
        nt_fail(&err, NT_FAULT, "the database is away");
        nt_bus_reply_fail(req, &err);
    } else {
        ovs_strlcpy(result.status, t->status, sizeof result.status);
        nt_rpc_reply(&nt_neutron_reports, req, &result);
    }
}

static const struct nt_rpc_handler handlers[] = {
    { "has_alive_neutron_server", handle_alive },
    { "report_state", handle_report },
    { 0 },
};

static void
on_alive(void *t_)
{
    struct agent *t = t_;

    t->n_alive++;
}

static void
on_revived(void *t_)
{
    struct agent *t = t_;

    t->n_revived++;
}

static int64_t
noon(const struct nt_clock *clock)
{
    return 1769860800123; /* 2026-01-31 12:00 and 123 ms. */
}

static void
start(struct agent *t)
{
    const struct heartbeat_options o = { .bus = t->w.a,
                                         .clock = &t->w.clock.up,
                                         .random = late_random(&t->late, t->w.random),
                                         .config = &t->config,
                                         .alive = on_alive,
                                         .revived = on_revived,
                                         .aux = t };

    t->heartbeat = heartbeat_new(&o);
}

static int
setup_agent(void **state)
{
    static struct agent_mapping mappings[] = { { (char *) "physnet1", (char *) "br-phys" } };
    static char *types[] = { (char *) "vxlan", (char *) "gre", NULL };
    static char *extensions[] = { (char *) "qos", NULL };
    struct agent *t = xzalloc(sizeof *t);

    setup_peers(&t->w, false);
    t->w.clock.up.wall_ms = noon;
    t->status = "alive";
    t->service = nt_rpc_serve(t->w.hub, &nt_neutron_reports, NULL, handlers, t);
    t->config = (struct agent_config){ .host = (char *) "a",
                                       .integration_bridge = (char *) "br-int",
                                       .local_ip = (char *) "172.30.0.11",
                                       .mappings = mappings,
                                       .n_mappings = 1,
                                       .datapath_type = (char *) "netdev",
                                       .vhostuser_socket_dir = (char *) "/var/run/openvswitch",
                                       .tunnel_types = types,
                                       .n_tunnel_types = 2,
                                       .l2_population = true,
                                       .arp_responder = true,
                                       .extensions = extensions,
                                       .report_interval_ms = 30000 };
    *state = t;
    return 0;
}

static int
teardown_agent(void **state)
{
    struct agent *t = *state;

    nt_bus_free(t->w.a);
    t->w.a = NULL;
    heartbeat_free(t->heartbeat);
    teardown(&t->w);
    nt_rpc_service_free(t->service);
    free(t->configurations);
    free(t);
    return 0;
}

static void
one_turn(struct agent *t)
{
    heartbeat_run(t->heartbeat);
    heartbeat_wait(t->heartbeat);
    turn(&t->w);
}

#define AWAIT(t, condition) UNTIL_TURN(condition, one_turn(t), "")

/* Until report 'n' was sent and answered. */
static void
await_report(struct agent *t, int n)
{
    AWAIT(t, t->n_reports == n);
    for (int i = 0; i < 3; i++) {
        one_turn(t);
    }
    assert_int_equal(t->n_reports, n);
}

static void
first_report_says_everything(void **state)
{
    static const char *const datapaths[] = { "netdev", "system", NULL };
    static const char *const ifaces[] = { "vxlan", NULL };
    struct agent *t = *state;
    const struct heartbeat_facts facts = { .n_devices = 5,
                                           .datapath_types = datapaths,
                                           .iface_types = ifaces };

    start(t);
    heartbeat_set(t->heartbeat, &facts);
    assert_false(heartbeat_is_known(t->heartbeat));
    await_report(t, 1);
    assert_int_equal(t->n_alive, 1);
    assert_true(heartbeat_is_known(t->heartbeat));
    assert_string_equal(t->last.state.binary, "neutron-openvswitch-agent");
    assert_string_equal(t->last.state.agent_type, "Open vSwitch agent");
    assert_string_equal(t->last.state.topic, "N/A");
    assert_string_equal(t->last.state.host, "a");
    assert_string_equal(t->last.time, "2026-01-31T12:00:00.123000");
    assert_true(nt_is_uuid(t->uuids[0]));
    assert_int_equal(t->last.state.n_resource_versions, 15);
    assert_string_equal(
        t->configurations,
        "{\"arp_responder_enabled\":true,\"baremetal_smartnic\":false,\"bridge_mappings\":"
        "{\"physnet1\":\"br-phys\"},\"datapath_type\":\"netdev\",\"devices\":5,"
        "\"enable_distributed_routing\":false,\"extensions\":[\"qos\"],"
        "\"in_distributed_mode\":false,\"integration_bridge\":\"br-int\",\"l2_population\":true,"
        "\"log_agent_heartbeats\":false,\"ovs_capabilities\":{\"datapath_types\":[\"netdev\","
        "\"system\"],\"iface_types\":[\"vxlan\"]},\"ovs_hybrid_plug\":false,"
        "\"resource_provider_bandwidths\":{},\"resource_provider_hypervisors\":{},"
        "\"resource_provider_inventory_defaults\":{\"allocation_ratio\":1,\"min_unit\":1,"
        "\"reserved\":0,\"step_size\":1},"
        "\"resource_provider_packet_processing_inventory_defaults\":{\"allocation_ratio\":1,"
        "\"min_unit\":1,\"reserved\":0,\"step_size\":1},"
        "\"resource_provider_packet_processing_with_direction\":{},"
        "\"resource_provider_packet_processing_without_direction\":{},"
        "\"tunnel_types\":[\"vxlan\",\"gre\"],\"tunneling_ip\":\"172.30.0.11\","
        "\"vhostuser_socket_dir\":\"/var/run/openvswitch\"}");
}

static void
start_flag_stays_until_a_report_after_the_first_sync(void **state)
{
    struct agent *t = *state;

    start(t);
    await_report(t, 1);
    assert_true(t->had_start_flag && t->had_versions);
    t->w.clock.ahead += 30000;
    await_report(t, 2);
    assert_true(t->had_start_flag && !t->had_versions);
    assert_string_not_equal(t->uuids[0], t->uuids[1]);
    heartbeat_first_sync_done(t->heartbeat);
    t->w.clock.ahead += 30000;
    await_report(t, 3);
    assert_true(t->had_start_flag);
    t->w.clock.ahead += 30000;
    await_report(t, 4);
    assert_false(t->had_start_flag);

    /* An OVS restart: at once, and with the flag until it has arrived. */
    t->is_away = true;
    heartbeat_switch_restarted(t->heartbeat);
    await_report(t, 5);
    assert_true(t->had_start_flag);
    t->is_away = false;
    t->w.clock.ahead += 30000;
    await_report(t, 6);
    assert_true(t->had_start_flag);
    t->w.clock.ahead += 30000;
    await_report(t, 7);
    assert_false(t->had_start_flag);
}

static void
server_is_waited_for(void **state)
{
    struct agent *t = *state;

    t->is_away = true;
    start(t);
    for (int i = 1; i <= 3; i++) {
        AWAIT(t, t->n_asked == i);
        for (int j = 0; j < 3; j++) {
            one_turn(t);
        }
        t->w.clock.ahead += 10000;
    }
    assert_int_equal(t->n_alive, 0);
    assert_int_equal(t->n_reports, 0);
    t->is_away = false;
    await_report(t, 1);
    assert_int_equal(t->n_alive, 1);
}

static void
revived_agent_is_told(void **state)
{
    struct agent *t = *state;

    t->status = "new";
    start(t);
    await_report(t, 1);
    assert_int_equal(t->n_revived, 0);
    t->status = "revived";
    t->w.clock.ahead += 30000;
    await_report(t, 2);
    assert_int_equal(t->n_revived, 1);
    t->status = ""; /* The report is older than the server: null. */
    t->w.clock.ahead += 30000;
    await_report(t, 3);
    assert_int_equal(t->n_revived, 1);
}

static void
dead_switch_is_not_reported(void **state)
{
    struct agent *t = *state;
    struct heartbeat_facts facts = { .switch_is_dead = true };

    start(t);
    await_report(t, 1);
    heartbeat_set(t->heartbeat, &facts);
    t->w.clock.ahead += 60000;
    await_report(t, 1);
    facts.switch_is_dead = false;
    heartbeat_set(t->heartbeat, &facts);
    await_report(t, 2);
}

static void
interval_of_zero_reports_nothing(void **state)
{
    struct agent *t = *state;

    t->config.report_interval_ms = 0;
    start(t);
    AWAIT(t, t->n_alive == 1);
    t->w.clock.ahead += 60000;
    await_report(t, 0);
    assert_false(heartbeat_is_known(t->heartbeat));
}

static void
failed_report_is_repeated_after_a_new_connection(void **state)
{
    struct agent *t = *state;

    start(t);
    await_report(t, 1);
    t->is_away = true;
    t->w.clock.ahead += 30000;
    await_report(t, 2);
    t->is_away = false;
    nt_bus_free(t->w.hub);
    nt_rpc_service_free(t->service);
    t->w.hub = NULL;
    AWAIT(t, !nt_bus_is_connected(t->w.a));
    start_hub(&t->w, NULL);
    t->service = nt_rpc_serve(t->w.hub, &nt_neutron_reports, NULL, handlers, t);

    /* All agents are back at once: each draws a pause. */
    AWAIT(t, nt_bus_is_connected(t->w.a));
    for (int i = 0; i < 5; i++) {
        one_turn(t);
    }
    assert_int_equal(t->n_reports, 2);
    t->w.clock.ahead += 2000;
    await_report(t, 3);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_agent, teardown_agent)
    const struct CMUnitTest tests[] = {
        TEST(first_report_says_everything),
        TEST(start_flag_stays_until_a_report_after_the_first_sync),
        TEST(server_is_waited_for),
        TEST(revived_agent_is_told),
        TEST(dead_switch_is_not_reported),
        TEST(interval_of_zero_reports_nothing),
        TEST(failed_report_is_repeated_after_a_new_connection),
    };

    return cmocka_run_group_tests_name("agent/report/heartbeat", tests, NULL, NULL);
}
