#include <config.h>

#include "agent/plan/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/plan/br_int.h"
#include "agent/plan/br_phys.h"
#include "agent/plan/br_tun.h"
#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "wire/ovs/flow.h"

/* The flows of tests/golden/agent are what these tests plan, and what the test of
 * tests/compat/plan_flows.py puts on a real switch beside those of the stock agent. */

#define GOLDEN NT_SOURCE_DIR "/tests/golden/agent/"

static int
compare_lines(const void *a, const void *b)
{
    return strcmp(((const struct plan_line *) a)->flow, ((const struct plan_line *) b)->flow);
}

/* Sorted: the order in which flows are wanted means nothing. */
static void
check_golden(struct plan *plan, const char *name)
{
    struct ds found = DS_EMPTY_INITIALIZER;
    char path[512], wanted[65536];

    qsort(plan->lines, plan->n, sizeof *plan->lines, compare_lines);
    for (size_t i = 0; i < plan->n; i++) {
        ds_put_format(&found, "%s\n", plan->lines[i].flow);
    }

    snprintf(path, sizeof path, GOLDEN "%s", name);
    FILE *file = fopen(path, "r");
    if (!file) {
        fail_msg("cannot open %s", path);
    }
    wanted[fread(wanted, 1, sizeof wanted - 1, file)] = '\0';
    fclose(file);
    if (strcmp(ds_cstr(&found), wanted)) {
        print_message("planned for %s:\n", name);
        for (size_t i = 0; i < plan->n; i++) {
            print_message("%s\n", plan->lines[i].flow);
        }
    }
    assert_string_equal(ds_cstr(&found), wanted);

    ds_destroy(&found);
    plan_deinit(plan);
}

static const struct plan_patch patches[] = { { 1 }, { 7 } };

/* --- br-int --------------------------------------------------------------------------------- */

static void
br_int_base_is_that_of_the_stock_agent(void **state)
{
    struct plan plan;

    plan_init(&plan);
    plan_br_int_base(&plan, &(struct plan_br_int){ .bridge = "br-int",
                                                   .physical = patches,
                                                   .n_physical = 2,
                                                   .patch_tun_ofport = 2 });
    check_golden(&plan, "br-int-base.flows");
}

static const struct plan_network vlan = { .lvlan = 2,
                                          .network_type = "vlan",
                                          .segmentation_id = 321,
                                          .br_int = "br-int",
                                          .br_phys = "br-phys",
                                          .int_ofport = 1,
                                          .phy_ofport = 2 };
static const struct plan_network flat = { .lvlan = 4094,
                                          .network_type = "flat",
                                          .br_int = "br-int",
                                          .br_phys = "br-phys",
                                          .int_ofport = 1,
                                          .phy_ofport = 2 };

/* Its frames go nowhere else. */
static const struct plan_network local = {
    .lvlan = 3, .network_type = "local", .br_int = "br-int", .br_phys = "br-phys"
};

static void
vlan_and_flat_come_in_by_the_physical_bridge(void **state)
{
    struct plan plan;

    plan_init(&plan);
    plan_br_int_network(&plan, &vlan);
    plan_br_int_network(&plan, &flat);
    plan_br_int_network(&plan, &local);
    check_golden(&plan, "br-int-networks.flows");
}

static void
guests_speak_for_their_own_addresses_only(void **state)
{
    static const struct plan_address one[] = {
        { "fa:16:3e:00:00:03", "10.21.0.125" },     { "fa:16:3e:00:00:03", "fd00:21::125" },
        { "FA:16:3E:00:00:03", "10.9.0.7/24" },     /* Host bits are none of a network. */
        { "fa:16:3e:00:00:99", "FD00:9:0:0::/64" }, /* A pair with a MAC of its own. */
        { "fa:16:3e:00:00:99", "10.21.0.125" },     /* Known already. */
    };
    static const struct plan_address two[] = {
        { "fa:16:3e:00:00:04", "10.22.0.139" },
        { "fa:16:3e:00:00:04", "0.0.0.0/0" },
    };
    static const struct plan_address three[] = {
        { "fa:16:3e:00:00:05", "10.22.0.140" },
        { "fa:16:3e:00:00:05", "::/0" },
    };
    struct plan plan;

    plan_init(&plan);
    plan_br_int_port(&plan, &(struct plan_port){ .bridge = "br-int",
                                                 .ofport = 3,
                                                 .lvlan = 1,
                                                 .is_guarded = true,
                                                 .mac = "fa:16:3e:00:00:03",
                                                 .addresses = one,
                                                 .n_addresses = 5,
                                                 .dscp = -1 });
    plan_br_int_port(&plan, &(struct plan_port){ .bridge = "br-int",
                                                 .ofport = 4,
                                                 .lvlan = 1,
                                                 .is_guarded = true,
                                                 .mac = "fa:16:3e:00:00:04",
                                                 .addresses = two,
                                                 .n_addresses = 2,
                                                 .dscp = -1 });
    plan_br_int_port(&plan, &(struct plan_port){ .bridge = "br-int",
                                                 .ofport = 5,
                                                 .lvlan = 1,
                                                 .is_guarded = true,
                                                 .mac = "fa:16:3e:00:00:05",
                                                 .addresses = three,
                                                 .n_addresses = 2,
                                                 .dscp = -1 });
    /* Without an address: no ARP at all. */
    plan_br_int_port(&plan, &(struct plan_port){ .bridge = "br-int",
                                                 .ofport = 6,
                                                 .lvlan = 1,
                                                 .is_guarded = true,
                                                 .mac = "fa:16:3e:00:00:06",
                                                 .dscp = -1 });
    check_golden(&plan, "br-int-guard.flows");
}

static void
unusable_addresses_are_left_out_alone(void **state)
{
    static const struct plan_address bad[] = {
        { "fa:16:3e:00:00:03", "10.0.0.3" },
        { "fa:16:3e:00:00:03", "::ffff:10.0.0.4" },
        { "fa:16:3e:00:00:03", "::ffff:10.0.0.0/120" },
        { "fa:16:3e:00:00:03", "10.0.0.5/33" },
        { "fa:16:3e:00:00:03", "fe80::1%eth0" },
        { "fa:16:3e:00:00:03", "fd00::/129" },
        { "fa:16:3e:00:00:03", "10.0.0.6,actions=NORMAL" },
        { "fa:16:3e:00:00:03", "" },
        { "", "10.0.0.7" },
        { "not a mac", "fd00::7" },
    };
    static const struct plan_address good[] = {
        { "fa:16:3e:00:00:03", "10.0.0.3" },
        { "fa:16:3e:00:00:03", "10.0.0.7" },
        { "fa:16:3e:00:00:03", "fd00::7" },
    };
    struct plan_port port = {
        .bridge = "br-int", .ofport = 3, .is_guarded = true, .mac = "fa:16:3e:00:00:03", .dscp = -1
    };
    struct plan found, wanted;

    plan_init(&found);
    plan_init(&wanted);
    port.addresses = bad;
    port.n_addresses = NT_ARRAY_SIZE(bad);
    plan_br_int_port(&found, &port);
    port.addresses = good;
    port.n_addresses = NT_ARRAY_SIZE(good);
    plan_br_int_port(&wanted, &port);

    qsort(found.lines, found.n, sizeof *found.lines, compare_lines);
    qsort(wanted.lines, wanted.n, sizeof *wanted.lines, compare_lines);
    assert_int_equal(found.n, wanted.n);
    for (size_t i = 0; i < found.n; i++) {
        assert_string_equal(found.lines[i].flow, wanted.lines[i].flow);
    }
    plan_deinit(&found);
    plan_deinit(&wanted);
}

static void
nothing_leaves_a_dead_port(void **state)
{
    static const struct plan_address address = { "fa:16:3e:00:00:03", "10.0.0.3" };
    struct plan plan;

    plan_init(&plan);
    plan_br_int_port(&plan, &(struct plan_port){ .bridge = "br-int",
                                                 .ofport = 3,
                                                 .lvlan = PLAN_DEAD_VLAN,
                                                 .is_dead = true,
                                                 .is_guarded = true,
                                                 .mac = "fa:16:3e:00:00:03",
                                                 .addresses = &address,
                                                 .n_addresses = 1,
                                                 .direct_egress = true,
                                                 .dscp = 10 });
    assert_int_equal(plan.n, 1);
    assert_string_equal(plan.lines[0].bridge, "br-int");
    assert_string_equal(plan.lines[0].flow, "table=0,priority=2,in_port=3,actions=drop");
    plan_deinit(&plan);
}

static void
unguarded_port_needs_no_flow(void **state)
{
    struct plan plan;

    plan_init(&plan);
    plan_br_int_port(
        &plan,
        &(struct plan_port){
            .bridge = "br-int", .ofport = 3, .lvlan = 1, .mac = "fa:16:3e:00:00:03", .dscp = -1 });
    assert_int_equal(plan.n, 0);
    plan_deinit(&plan);
}

static void
direct_egress_knows_each_port(void **state)
{
    struct plan_port port = { .bridge = "br-int",
                              .ofport = 3,
                              .lvlan = 1,
                              .mac = "fa:16:3e:00:00:03",
                              .direct_egress = true,
                              .egress_ofport = 2,
                              .dscp = -1 };
    struct plan plan;

    plan_init(&plan);
    plan_br_int_base(&plan, &(struct plan_br_int){ .bridge = "br-int",
                                                   .physical = patches,
                                                   .n_physical = 2,
                                                   .patch_tun_ofport = 2,
                                                   .direct_egress = true });
    plan_br_int_port(&plan, &port);
    /* A port of a flat network: it has no way out of its own. */
    port.ofport = 4;
    port.lvlan = 2;
    port.mac = "fa:16:3e:00:00:04";
    port.egress_ofport = 0;
    plan_br_int_port(&plan, &port);
    check_golden(&plan, "br-int-direct.flows");
}

static void
qos_marks_queues_and_meters(void **state)
{
    struct plan plan;

    plan_init(&plan);
    plan_br_int_port(&plan, &(struct plan_port){ .bridge = "br-int",
                                                 .ofport = 3,
                                                 .lvlan = 1,
                                                 .mac = "fa:16:3e:00:00:03",
                                                 .dscp = 26,
                                                 .has_ingress_limit = true,
                                                 .meter_in = 5,
                                                 .meter_out = 6,
                                                 .queue = 3 });
    check_golden(&plan, "br-int-qos.flows");
}

/* --- br-phys -------------------------------------------------------------------------------- */

static void
br_phys_is_that_of_the_stock_agent(void **state)
{
    struct plan plan;

    plan_init(&plan);
    plan_br_phys_base(&plan, &(struct plan_br_phys){ "br-phys", 2 });
    plan_br_phys_queue(&plan, &(struct plan_br_phys){ "br-phys", 2 }, 3);
    plan_br_phys_network(&plan, &vlan);
    plan_br_phys_network(&plan, &flat);
    plan_br_phys_network(&plan, &local);
    check_golden(&plan, "br-phys.flows");
}

/* --- br-tun --------------------------------------------------------------------------------- */

static const int64_t two_tunnels[] = { 2, 3 };
static const struct plan_network vxlan = { .lvlan = 1,
                                           .network_type = "vxlan",
                                           .segmentation_id = 0x1464,
                                           .br_tun = "br-tun",
                                           .patch_int_ofport = 1,
                                           .flood_ofports = two_tunnels,
                                           .n_flood_ofports = 2 };

static void
br_tun_is_that_of_the_stock_agent(void **state)
{
    static const int64_t one_tunnel[] = { 4 };
    const struct plan_network gre = { .lvlan = 5,
                                      .network_type = "gre",
                                      .segmentation_id = 4294967295,
                                      .br_tun = "br-tun",
                                      .flood_ofports = one_tunnel,
                                      .n_flood_ofports = 1 };
    const struct plan_network geneve = {
        .lvlan = 6, .network_type = "geneve", .segmentation_id = 1, .br_tun = "br-tun"
    };
    struct plan plan;

    plan_init(&plan);
    plan_br_tun_base(&plan, &(struct plan_br_tun){ .bridge = "br-tun",
                                                   .patch_int_ofport = 1,
                                                   .arp_responder = true,
                                                   .learn_cookie = 0x6e74010000000001 });
    plan_br_tun_tunnel(&plan, "br-tun", "vxlan", 2);
    plan_br_tun_tunnel(&plan, "br-tun", "vxlan", 3);
    plan_br_tun_tunnel(&plan, "br-tun", "gre", 4);
    plan_br_tun_tunnel(&plan, "br-tun", "geneve", 5);
    plan_br_tun_network(&plan, &vxlan);
    plan_br_tun_network(&plan, &gre);
    plan_br_tun_network(&plan, &geneve);
    plan_br_tun_unicast(&plan, &vxlan, "fa:16:3e:df:4b:41", 2);
    plan_br_tun_unicast(&plan, &gre, "FA:16:3E:7D:BA:93", 4);
    plan_br_tun_unicast(&plan, &vxlan, "no mac", 2);
    plan_br_tun_arp(&plan, &vxlan, "10.1.0.200", "fa:16:3e:df:4b:41");
    plan_br_tun_arp(&plan, &vxlan, "fd00::1", "fa:16:3e:df:4b:41");
    plan_br_tun_arp(&plan, &vxlan, "10.1.0.201", "no mac");
    check_golden(&plan, "br-tun.flows");
}

static void
without_arp_responder_questions_are_flooded(void **state)
{
    struct plan plan;

    plan_init(&plan);
    plan_br_tun_base(&plan, &(struct plan_br_tun){ .bridge = "br-tun",
                                                   .patch_int_ofport = 1,
                                                   .learn_cookie = 0x6e74010000000001 });
    check_golden(&plan, "br-tun-plain.flows");
}

static void
nd_responder_answers_solicitations(void **state)
{
    struct plan plan;

    plan_init(&plan);
    plan_br_tun_base(&plan, &(struct plan_br_tun){ .bridge = "br-tun",
                                                   .patch_int_ofport = 1,
                                                   .nd_responder = true,
                                                   .learn_cookie = 0x6e74010000000001 });
    plan_br_tun_nd(&plan, &vxlan, "FD00:0::200", "fa:16:3e:df:4b:41");
    plan_br_tun_nd(&plan, &vxlan, "10.1.0.200", "fa:16:3e:df:4b:41");
    plan_br_tun_nd(&plan, &vxlan, "ff02::1", "fa:16:3e:df:4b:41");
    plan_br_tun_nd(&plan, &vxlan, "::", "fa:16:3e:df:4b:41");
    check_golden(&plan, "br-tun-nd.flows");
}

/* The flow in 'plan' that begins with 'start'. */
static const char *
flow_of(const struct plan *plan, const char *start)
{
    for (size_t i = 0; i < plan->n; i++) {
        if (!strncmp(plan->lines[i].flow, start, strlen(start))) {
            return plan->lines[i].flow;
        }
    }
    fail_msg("no flow %s", start);
    return NULL;
}

static size_t
n_outputs(const char *flow)
{
    size_t n = 0;

    while ((flow = strstr(flow, "output:"))) {
        flow++;
        n++;
    }
    return n;
}

static void
flood_to_many_tunnels_is_split(void **state)
{
    enum { N = 2500 };
    struct plan_network network = vxlan;
    int64_t ofports[N];
    struct plan plan;

    for (int i = 0; i < N; i++) {
        ofports[i] = 100 + i;
    }
    network.flood_ofports = ofports;

    /* What fits stays in the flow that the stock agent would have. */
    plan_init(&plan);
    network.n_flood_ofports = 1000;
    plan_br_tun_network(&plan, &network);
    assert_int_equal(plan.n, 2);
    assert_int_equal(n_outputs(flow_of(&plan, "table=22,priority=1,dl_vlan=1,")), 1000);
    plan_clear(&plan);

    network.n_flood_ofports = N;
    plan_br_tun_network(&plan, &network);
    assert_int_equal(plan.n, 4);
    const char *first = flow_of(&plan, "table=22,priority=1,dl_vlan=1,");
    const char *second = flow_of(&plan, "table=23,priority=1,reg6=0x1,reg7=0x1,");
    const char *third = flow_of(&plan, "table=23,priority=1,reg6=0x1,reg7=0x2,");
    assert_int_equal(n_outputs(first) + n_outputs(second) + n_outputs(third), N);
    assert_non_null(strstr(first, ",set_field:0x1->reg7,resubmit(,23),output:100,"));
    assert_non_null(strstr(second, "actions=set_field:0x2->reg7,resubmit(,23),output:"));
    assert_null(strstr(third, "resubmit"));
    assert_non_null(strstr(third, ",output:2599"));
    plan_deinit(&plan);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(br_int_base_is_that_of_the_stock_agent),
        cmocka_unit_test(vlan_and_flat_come_in_by_the_physical_bridge),
        cmocka_unit_test(guests_speak_for_their_own_addresses_only),
        cmocka_unit_test(unusable_addresses_are_left_out_alone),
        cmocka_unit_test(nothing_leaves_a_dead_port),
        cmocka_unit_test(unguarded_port_needs_no_flow),
        cmocka_unit_test(direct_egress_knows_each_port),
        cmocka_unit_test(qos_marks_queues_and_meters),
        cmocka_unit_test(br_phys_is_that_of_the_stock_agent),
        cmocka_unit_test(br_tun_is_that_of_the_stock_agent),
        cmocka_unit_test(without_arp_responder_questions_are_flooded),
        cmocka_unit_test(nd_responder_answers_solicitations),
        cmocka_unit_test(flood_to_many_tunnels_is_split),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
