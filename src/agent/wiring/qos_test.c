/* What QoS policies mean for ports, and which of them the server is asked for. */
#include <config.h>

#include "agent/wiring/wiring_facts.h"

#define OWNER_0 "port 00000000-aaaa-0000-0000-000000000000"
#define QUEUE_0 "queue 00000000-aaaa-0000-0000-000000000000"
#define POLICY_A "aaaaaaaa-0000-0000-0000-000000000000"
#define POLICY_B "bbbbbbbb-0000-0000-0000-000000000000"

/* Two policies with an egress limit and a mark each, known when 'policies' of the world have
 * them; the ports are on a network that is known. */
struct scene {
    struct world w;
    struct recorder r;
    struct nt_vo_qos_rule rules[2][2];
    struct nt_vo_qos_policy policies[2];
    struct nt_vo_network network;
};

static int
set_up(void **state)
{
    static const char *const ids[] = { POLICY_A, POLICY_B };
    struct scene *s = xzalloc(sizeof *s);

    *state = s;
    world_init(&s->w);
    s->w.config.has_qos = true;
    recorder_init(&s->r, &s->w);
    for (int i = 0; i < 2; i++) {
        s->rules[i][0].vo.type = &nt_vo_qos_bandwidth_limit_type;
        strcpy(s->rules[i][0].direction, "egress");
        s->rules[i][0].max_kbps = 1000 * (i + 1);
        s->rules[i][1].vo.type = &nt_vo_qos_dscp_marking_type;
        s->rules[i][1].dscp_mark = 10 + i;
        strcpy(s->policies[i].id, ids[i]);
        s->policies[i].rules = s->rules[i];
        s->policies[i].n_rules = 2;
    }
    strcpy(s->network.id, networks[0]);
    see_bridges(&s->r);
    return 0;
}

static int
tear_down(void **state)
{
    struct scene *s = *state;

    recorder_deinit(&s->r);
    s->w.network = NULL; /* Not its own. */
    world_deinit(&s->w);
    free(s);
    return 0;
}

/* Tells the port with that policy of its own. */
static void
tell_policy(struct scene *s, int port, const char *id)
{
    tell(&s->r, port, 0, true);
    ovs_strlcpy(s->w.told[port]->qos_policy_id, id, NT_UUID_SIZE);
    settle(&s->r);
}

static void
know(struct scene *s, int policy)
{
    s->w.policies[policy] = &s->policies[policy];
    wiring_policy_told(s->r.wiring, s->policies[policy].id);
    settle(&s->r);
}

static void
a_policy_is_of_interest_while_a_port_has_it(void **state)
{
    struct scene *s = *state;

    plug(&s->r, 0);
    plug(&s->r, 1);
    tell_policy(s, 0, POLICY_A);
    tell_policy(s, 1, POLICY_A);
    assert_non_null(strstr(ds_cstr(&s->r.log), "policy aaaaaaaa\n"));
    ds_clear(&s->r.log);
    tell_policy(s, 0, POLICY_B);
    assert_non_null(strstr(ds_cstr(&s->r.log), "policy bbbbbbbb\n"));
    assert_null(strstr(ds_cstr(&s->r.log), "dropped"));

    tell_policy(s, 1, "");
    assert_non_null(strstr(ds_cstr(&s->r.log), "policy aaaaaaaa dropped\n"));
    s->w.ports[0].is_plugged = false;
    see_vif(&s->r, 0);
    settle(&s->r);
    assert_non_null(strstr(ds_cstr(&s->r.log), "policy bbbbbbbb dropped\n"));
}

static void
limits_stay_until_the_policy_is_known(void **state)
{
    struct scene *s = *state;

    plug(&s->r, 0);
    tell_policy(s, 0, POLICY_A);
    assert_int_equal(s->w.ports[0].policing, -1);
    assert_false(wiring_is_complete(s->r.wiring));

    know(s, 0);
    assert_int_equal(s->w.ports[0].policing, 1000);
    assert_int_equal(s->w.ports[0].policing_burst, 800);
    assert_int_equal(s->w.ports[0].limit, 0);
    assert_non_null(strstr(flows_of(&s->r, OWNER_0), "set_field:10->ip_dscp"));
    assert_true(wiring_is_complete(s->r.wiring));

    /* The server does not have it any more. */
    s->w.policies[0] = NULL;
    wiring_policy_told(s->r.wiring, POLICY_A);
    settle(&s->r);
    assert_int_equal(s->w.ports[0].policing, 0);
    assert_null(strstr(flows_of(&s->r, OWNER_0), "ip_dscp"));
    assert_true(wiring_is_complete(s->r.wiring));
}

static void
a_network_is_right_about_its_policy(void **state)
{
    struct scene *s = *state;

    s->w.policies[0] = &s->policies[0];
    s->w.policies[1] = &s->policies[1];
    plug(&s->r, 0);
    tell(&s->r, 0, 0, true);
    ovs_strlcpy(s->w.told[0]->qos_network_policy_id, POLICY_A, NT_UUID_SIZE);
    settle(&s->r);
    assert_int_equal(s->w.ports[0].policing, 1000);

    strcpy(s->network.qos_policy_id, POLICY_B);
    s->w.network = &s->network;
    wiring_network_told(s->r.wiring, s->network.id);
    settle(&s->r);
    assert_int_equal(s->w.ports[0].policing, 2000);

    /* A policy of its own overrides it, the network's own ports are not limited. */
    tell_policy(s, 0, POLICY_A);
    assert_int_equal(s->w.ports[0].policing, 1000);
    tell(&s->r, 0, 0, true);
    ovs_strlcpy(s->w.told[0]->device_owner, "network:dhcp", sizeof s->w.told[0]->device_owner);
    settle(&s->r);
    assert_int_equal(s->w.ports[0].policing, 0);
    tell(&s->r, 0, 0, true);
    ovs_strlcpy(s->w.told[0]->device_owner, "network:router_gateway",
                sizeof s->w.told[0]->device_owner);
    settle(&s->r);
    assert_int_equal(s->w.ports[0].policing, 2000);
}

static void
a_port_that_is_over_has_no_limits(void **state)
{
    struct scene *s = *state;

    s->w.policies[0] = &s->policies[0];
    plug(&s->r, 0);
    tell_policy(s, 0, POLICY_A);
    assert_int_equal(s->w.ports[0].policing, 1000);

    /* Down for a while: nothing passes, and the limit is there when it is up again. */
    tell(&s->r, 0, 0, false);
    settle(&s->r);
    assert_int_equal(s->w.ports[0].tag, 4095);
    assert_int_equal(s->w.ports[0].policing, 1000);

    wiring_port_told(s->r.wiring, s->w.ports[0].id, ANSWER_GONE);
    settle(&s->r);
    assert_int_equal(s->w.ports[0].policing, 0);
    assert_int_equal(s->w.ports[0].limit, 0);
}

static void
a_packet_rate_is_a_meter_of_the_smallest_free_number(void **state)
{
    struct scene *s = *state;

    s->rules[0][1].vo.type = &nt_vo_qos_packet_rate_limit_type;
    strcpy(s->rules[0][1].direction, "ingress");
    s->rules[0][1].max_kpps = 3;
    s->rules[0][1].max_burst_kpps = 1;
    s->w.policies[0] = &s->policies[0];
    plug(&s->r, 0);
    plug(&s->r, 1);
    tell_policy(s, 0, POLICY_A);
    tell_policy(s, 1, POLICY_A);
    assert_non_null(strstr(ds_cstr(&s->r.log), "meter 1 3000/1000\n"));
    assert_non_null(strstr(ds_cstr(&s->r.log), "meter 2 3000/1000\n"));
    assert_non_null(strstr(flows_of(&s->r, OWNER_0), "meter:1"));
    ds_clear(&s->r.log);

    tell_policy(s, 0, "");
    assert_non_null(strstr(ds_cstr(&s->r.log), "meter 1 0/0\n"));
    assert_null(strstr(flows_of(&s->r, OWNER_0), "meter"));
    ds_clear(&s->r.log);
    tell_policy(s, 0, POLICY_A);
    assert_non_null(strstr(ds_cstr(&s->r.log), "meter 1 3000/1000\n"));

    s->w.ports[1].is_plugged = false;
    see_vif(&s->r, 1);
    settle(&s->r);
    assert_non_null(strstr(ds_cstr(&s->r.log), "meter 2 0/0\n"));

    /* A switch that has none: the port works, unlimited. */
    wiring_no_meters(s->r.wiring);
    settle(&s->r);
    assert_null(strstr(flows_of(&s->r, OWNER_0), "meter"));
}

/* The first policy is a minimum bandwidth. */
static void
make_minimum(struct scene *s, const char *direction)
{
    s->rules[0][0] = (struct nt_vo_qos_rule){ .min_kbps = 3000 };
    s->rules[0][0].vo.type = &nt_vo_qos_minimum_bandwidth_type;
    strcpy(s->rules[0][0].direction, direction);
    s->policies[0].n_rules = 1;
    s->w.policies[0] = &s->policies[0];
}

static void
assert_queue(struct scene *s, int64_t number, const char *flow)
{
    assert_int_equal(s->w.ports[0].queue.number, number);
    assert_string_equal(flows_of(&s->r, QUEUE_0), flow);
    assert_int_equal(strstr(flows_of(&s->r, OWNER_0), "->NXM_NX_PKT_MARK[]") != NULL,
                     *flow != '\0');
}

#define QUEUE_FLOW(n)                                                                            \
    "br-phys table=0,priority=200,in_port=2,pkt_mark=" n ",reg4=0,actions=set_queue:" n ",load:" \
    "1->NXM_NX_REG4[0],resubmit(,0)\n"

static void
a_minimum_bandwidth_is_a_queue_of_the_port_s_number(void **state)
{
    struct scene *s = *state;

    make_minimum(s, "egress");
    plug(&s->r, 0);
    tell_policy(s, 0, POLICY_A);
    assert_int_equal(s->w.ports[0].queue.min_kbps, 3000);
    assert_queue(s, 10, QUEUE_FLOW("10"));

    s->w.ports[0].ofport = 20;
    see_vif(&s->r, 0);
    settle(&s->r);
    assert_queue(s, 20, QUEUE_FLOW("20"));

    /* Down for a while, then up again, then without a rule. */
    tell(&s->r, 0, 0, false);
    settle(&s->r);
    assert_queue(s, 0, "");
    tell_policy(s, 0, POLICY_A);
    assert_queue(s, 20, QUEUE_FLOW("20"));
    s->w.policies[1] = &s->policies[1];
    tell_policy(s, 0, POLICY_B);
    assert_queue(s, 0, "");

    tell_policy(s, 0, POLICY_A);
    assert_queue(s, 20, QUEUE_FLOW("20"));
    s->w.ports[0].is_plugged = false;
    see_vif(&s->r, 0);
    settle(&s->r);
    assert_queue(s, 0, "");
}

static void
a_minimum_of_what_comes_in_is_nothing_for_the_switch(void **state)
{
    struct scene *s = *state;

    make_minimum(s, "ingress");
    plug(&s->r, 0);
    tell_policy(s, 0, POLICY_A);
    assert_queue(s, -1, ""); /* Not a word. */
}

static void
devices_on_physical_bridges_are_uplinks(void **state)
{
    struct scene *s = *state;

    see(&s->r, "br-phys", "br-phys", 65534, "internal");
    see(&s->r, "br-int", "veth0", 7, "");
    see(&s->r, "br-tun", "eth1", 7, "");
    assert_string_equal(ds_cstr(&s->r.log), "");
    see(&s->r, "br-phys", "eth0", 7, "");
    see(&s->r, "br-phys", "eth0", 8, "");
    assert_string_equal(ds_cstr(&s->r.log), "uplink eth0\n");

    /* A fresh one hears of it, too. */
    ds_clear(&s->r.log);
    wiring_dirty_all(s->r.wiring);
    settle(&s->r);
    assert_string_equal(ds_cstr(&s->r.log), "uplink eth0\n");

    ds_clear(&s->r.log);
    see(&s->r, "br-other", "eth0", 8, "");
    assert_string_equal(ds_cstr(&s->r.log), "no uplink eth0\n");
    see(&s->r, "br-phys", "eth0", 8, "");
    wiring_port_seen(s->r.wiring, "eth0", NULL, NULL, false);
    assert_string_equal(ds_cstr(&s->r.log), "no uplink eth0\nuplink eth0\nno uplink eth0\n");
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_policy_is_of_interest_while_a_port_has_it),
        T(limits_stay_until_the_policy_is_known),
        T(a_network_is_right_about_its_policy),
        T(a_port_that_is_over_has_no_limits),
        T(a_packet_rate_is_a_meter_of_the_smallest_free_number),
        T(a_minimum_bandwidth_is_a_queue_of_the_port_s_number),
        T(a_minimum_of_what_comes_in_is_nothing_for_the_switch),
        T(devices_on_physical_bridges_are_uplinks),
    };

    return cmocka_run_group_tests_name("agent/wiring/qos", tests, NULL, NULL);
}
