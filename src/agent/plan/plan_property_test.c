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
#include "wire/ovs/flow.h"

/* Whatever a planner is given: each line is a flow, none is too long, and no owner
 * contradicts itself. */

#define N_ROUNDS 2000
#define MAX_ADDRESSES 6
#define MAX_FLOODS 3000

/* --- values ---------------------------------------------------------------------------------- */

static uint64_t seed = 0x6e657574;

static uint32_t
dice(uint32_t n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t) (seed >> 33) % n;
}

static bool
coin(void)
{
    return dice(2);
}

/* Letters that addresses and flows are made of. */
static void
junk(char *out, size_t size)
{
    static const char letters[] = "0123456789abcdefABCDEF::::....//,= %-_\n\tactionsx*[]()>";
    size_t n = dice((uint32_t) size);

    for (size_t i = 0; i < n; i++) {
        out[i] = letters[dice(sizeof letters - 1)];
    }
    out[n] = '\0';
}

static const char *
some_mac(char out[64])
{
    switch (dice(8)) {
    case 0:
        junk(out, 64);
        break;
    case 1:
        snprintf(out, 64, "FA:16:3E:%02X:%02X:%02X", dice(256), dice(256), dice(256));
        break;
    default:
        snprintf(out, 64, "fa:16:3e:00:00:%02x", dice(4));
        break;
    }
    return out;
}

static const char *
some_ip(char out[64])
{
    switch (dice(8)) {
    case 0:
        junk(out, 64);
        break;
    case 1:
        snprintf(out, 64, "10.0.%u.%u/%u", dice(256), dice(256), dice(34));
        break;
    case 2:
        snprintf(out, 64, "fd00:%x::%x/%u", dice(65536), dice(65536), dice(130));
        break;
    case 3:
        snprintf(out, 64, "::%s10.0.0.%u", coin() ? "ffff:" : "", dice(256));
        break;
    case 4:
        snprintf(out, 64, "%x::%x:%x", dice(65536), dice(65536), dice(65536));
        break;
    default:
        snprintf(out, 64, "10.0.0.%u", dice(256));
        break;
    }
    return out;
}

static int64_t
some_ofport(void)
{
    return 1 + dice(coin() ? 8 : 65000);
}

static struct plan_network
some_network(const int64_t *floods)
{
    static const char *const types[] = { "flat", "vlan", "vxlan", "gre", "geneve", "local" };
    struct plan_network network = {
        .lvlan = (int) (1 + dice(4094)),
        .network_type = types[dice(NT_ARRAY_SIZE(types))],
        .br_int = "br-int",
        .br_phys = "br-phys",
        .br_tun = "br-tun",
        .int_ofport = some_ofport(),
        .phy_ofport = some_ofport(),
        .patch_int_ofport = some_ofport(),
        .flood_ofports = floods,
        .n_flood_ofports = dice(coin() ? 4 : MAX_FLOODS),
    };

    if (!strcmp(network.network_type, "vlan")) {
        network.segmentation_id = 1 + dice(4094);
    } else if (strcmp(network.network_type, "flat") && strcmp(network.network_type, "local")) {
        network.segmentation_id = coin() ? dice(1 << 24) : UINT32_MAX;
    }
    return network;
}

/* --- the property ----------------------------------------------------------------------------- */

static void
check_line(const struct plan_line *line, struct nt_flow **flow)
{
    struct nt_err err = { 0 };

    if (nt_flow_parse(line->flow, flow, &err) < 0) {
        fail_msg("%s: %s", line->flow, err.msg);
    }
    if ((*flow)->n_instructions > NT_FLOW_MAX_INSTRUCTIONS) {
        fail_msg("%d bytes: %.200s", (*flow)->n_instructions, line->flow);
    }
}

static void
check_plan(struct plan *plan)
{
    struct nt_flow **flows = xcalloc(plan->n + 1, sizeof *flows);

    for (size_t i = 0; i < plan->n; i++) {
        check_line(&plan->lines[i], &flows[i]);
        for (size_t j = 0; j < i; j++) {
            if (!strcmp(plan->lines[i].bridge, plan->lines[j].bridge)
                && nt_flow_is_same(flows[i], flows[j])) {
                fail_msg("twice: %s and %s", plan->lines[i].flow, plan->lines[j].flow);
            }
        }
    }
    for (size_t i = 0; i < plan->n; i++) {
        nt_flow_free(flows[i]);
    }
    free(flows);
    plan_clear(plan);
}

static void
any_port_is_planned(void **unused)
{
    char macs[MAX_ADDRESSES][64], ips[MAX_ADDRESSES][64], mac[64];
    struct plan_address addresses[MAX_ADDRESSES];
    struct plan plan;

    plan_init(&plan);
    for (int round = 0; round < N_ROUNDS; round++) {
        for (size_t i = 0; i < MAX_ADDRESSES; i++) {
            addresses[i] = (struct plan_address){ some_mac(macs[i]), some_ip(ips[i]) };
        }
        plan_br_int_port(&plan, &(struct plan_port){
                                    .bridge = "br-int",
                                    .ofport = some_ofport(),
                                    .lvlan = (int) (1 + dice(4094)),
                                    .is_dead = dice(8) == 0,
                                    .is_guarded = dice(8) != 0,
                                    .mac = some_mac(mac),
                                    .addresses = addresses,
                                    .n_addresses = dice(MAX_ADDRESSES + 1),
                                    .direct_egress = coin(),
                                    .egress_ofport = coin() ? some_ofport() : 0,
                                    .dscp = (int) dice(65) - 1,
                                    .has_ingress_limit = coin(),
                                    .meter_in = coin() ? 1 + dice(1000) : 0,
                                    .meter_out = coin() ? 1 + dice(1000) : 0,
                                    .queue = coin() ? some_ofport() : 0,
                                });
        plan_br_phys_queue(&plan, &(struct plan_br_phys){ "br-phys", some_ofport() },
                           some_ofport());
        check_plan(&plan);
    }
    plan_deinit(&plan);
}

static void
any_network_is_planned(void **unused)
{
    int64_t floods[MAX_FLOODS];
    char mac[64], ip[64];
    struct plan plan;

    for (int i = 0; i < MAX_FLOODS; i++) {
        floods[i] = 60000 + i;
    }
    plan_init(&plan);
    for (int round = 0; round < N_ROUNDS / 4; round++) {
        struct plan_network network = some_network(floods);

        if (!strcmp(network.network_type, "flat") || !strcmp(network.network_type, "vlan")) {
            plan_br_int_network(&plan, &network);
            plan_br_phys_network(&plan, &network);
        } else {
            plan_br_tun_network(&plan, &network);
            plan_br_tun_tunnel(&plan, "br-tun", network.network_type, some_ofport());
        }
        check_plan(&plan);

        plan_br_tun_unicast(&plan, &network, some_mac(mac), some_ofport());
        plan_br_tun_arp(&plan, &network, some_ip(ip), some_mac(mac));
        plan_br_tun_nd(&plan, &network, some_ip(ip), some_mac(mac));
        check_plan(&plan);
    }
    plan_deinit(&plan);
}

static void
any_bridge_is_planned(void **unused)
{
    struct plan plan;

    plan_init(&plan);
    for (int round = 0; round < N_ROUNDS / 10; round++) {
        const struct plan_patch patches[] = { { 1 }, { 3 }, { 4 } };

        plan_br_int_base(&plan, &(struct plan_br_int){ .bridge = "br-int",
                                                       .physical = patches,
                                                       .n_physical = dice(4),
                                                       .patch_tun_ofport = coin() ? 2 : 0,
                                                       .direct_egress = coin() });
        plan_br_phys_base(&plan, &(struct plan_br_phys){ "br-phys", some_ofport() });
        plan_br_tun_base(&plan, &(struct plan_br_tun){ .bridge = "br-tun",
                                                       .patch_int_ofport = some_ofport(),
                                                       .arp_responder = coin(),
                                                       .nd_responder = coin(),
                                                       .learn_cookie = seed });
        check_plan(&plan);
    }
    plan_deinit(&plan);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_port_is_planned),
        cmocka_unit_test(any_network_is_planned),
        cmocka_unit_test(any_bridge_is_planned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
