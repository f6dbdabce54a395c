#include <config.h>
#include "host/ip_plan.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "openvswitch/dynamic-string.h"

#define IP(a, b, c, d) (((uint32_t) (a) << 24) | ((b) << 16) | ((c) << 8) | (d))
#define ETH2 3
#define BR100 5

static struct nt_nl_addr
addr(int index, uint32_t ip, uint8_t len, const char *label)
{
    struct nt_nl_addr a = {
        .index = index,
        .local = ip,
        .peer = ip,
        .broadcast = ip | 255,
        .len = len,
    };
    snprintf(a.label, sizeof a.label, "%s", label);
    return a;
}

static struct nt_nl_route
kernel_route(int index, uint32_t dst, uint8_t len)
{
    return (struct nt_nl_route){
        .index = index,
        .dst = dst,
        .len = len,
        .protocol = RTPROT_KERNEL,
        .scope = RT_SCOPE_LINK,
    };
}

static struct nt_nl_route
gateway_route(int index, uint32_t dst, uint8_t len, uint32_t gateway)
{
    return (struct nt_nl_route){
        .index = index,
        .dst = dst,
        .len = len,
        .gateway = gateway,
        .protocol = RTPROT_STATIC,
        .metric = 100,
    };
}

/* One line per step: "+10.0.0.1/24 dev 5 label", "+route 0.0.0.0/0 via ... dev 5". */
static char *
show(struct nt_ip_plan *plan)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < plan->n; i++) {
        const struct nt_ip_step *s = &plan->steps[i];
        bool is_addr = s->op == NT_IP_ADDR_ADD || s->op == NT_IP_ADDR_DEL;
        bool is_add = s->op == NT_IP_ADDR_ADD || s->op == NT_IP_ROUTE_ADD;
        struct nt_cidr cidr = { is_addr ? s->addr.local : s->route.dst,
                                is_addr ? s->addr.len : s->route.len };
        char text[NT_CIDR_SIZE], gateway[NT_IP4_SIZE];

        nt_cidr_format(&cidr, text);
        nt_ip4_format(s->route.gateway, gateway);
        ds_put_char(&ds, is_add ? '+' : '-');
        if (is_addr) {
            ds_put_format(&ds, "%s dev %d %s%s\n", text, s->addr.index, s->addr.label,
                          s->addr.flags & IFA_F_SECONDARY ? " secondary" : "");
        } else {
            ds_put_format(&ds, "route %s via %s dev %d\n", text, gateway, s->route.index);
        }
    }
    nt_ip_plan_clear(plan);
    return ds_steal_cstr(&ds);
}

static void
check_move(const struct nt_ip_facts *from, const char *want)
{
    struct nt_ip_facts to = { .index = BR100, .name = "br100" };
    struct nt_ip_plan plan;

    nt_ip_plan_move(from, &to, &plan);
    AUTO_FREE char *have = show(&plan);
    assert_string_equal(have, want);
}

static void
move_of_nothing_is_empty(void **state)
{
    struct nt_ip_facts from = { .index = ETH2, .name = "eth2" };

    check_move(&from, "");
}

static void
move_adds_everything_before_it_takes_anything_away(void **state)
{
    struct nt_nl_addr addrs[] = { addr(ETH2, IP(192, 168, 1, 5), 24, "eth2") };
    struct nt_nl_route routes[] = {
        gateway_route(ETH2, 0, 0, IP(192, 168, 1, 1)),
        kernel_route(ETH2, IP(192, 168, 1, 0), 24),
    };
    struct nt_ip_facts from = { ETH2, "eth2", addrs, 1, routes, 2 };

    check_move(&from, "+192.168.1.5/24 dev 5 br100\n"
                      "+route 0.0.0.0/0 via 192.168.1.1 dev 5\n"
                      "-route 0.0.0.0/0 via 192.168.1.1 dev 3\n"
                      "-192.168.1.5/24 dev 3 eth2\n");
}

static void
move_keeps_order_and_labels_and_drops_flags_of_the_kernel(void **state)
{
    struct nt_nl_addr addrs[] = {
        addr(ETH2, IP(10, 1, 0, 5), 24, "eth2"),
        addr(ETH2, IP(10, 1, 0, 6), 24, "eth2:web"),
    };
    addrs[1].flags = IFA_F_SECONDARY;
    struct nt_ip_facts from = { ETH2, "eth2", addrs, 2, NULL, 0 };

    check_move(&from, "+10.1.0.5/24 dev 5 br100\n"
                      "+10.1.0.6/24 dev 5 br100:web\n"
                      "-10.1.0.6/24 dev 3 eth2:web secondary\n"
                      "-10.1.0.5/24 dev 3 eth2\n");
}

static void
move_leaves_link_local_addresses(void **state)
{
    struct nt_nl_addr addrs[] = { addr(ETH2, IP(169, 254, 7, 7), 16, "eth2") };
    struct nt_nl_route routes[] = { kernel_route(ETH2, IP(169, 254, 0, 0), 16) };
    addrs[0].scope = RT_SCOPE_LINK;
    struct nt_ip_facts from = { ETH2, "eth2", addrs, 1, routes, 1 };

    check_move(&from, "");
}

static void
move_takes_routes_to_the_gateway_first(void **state)
{
    struct nt_nl_addr addrs[] = { addr(ETH2, IP(10, 9, 9, 9), 32, "eth2") };
    struct nt_nl_route routes[] = {
        gateway_route(ETH2, 0, 0, IP(10, 9, 0, 1)),
        gateway_route(ETH2, IP(10, 9, 0, 1), 32, 0),
    };
    struct nt_ip_facts from = { ETH2, "eth2", addrs, 1, routes, 2 };

    check_move(&from, "+10.9.9.9/32 dev 5 br100\n"
                      "+route 10.9.0.1/32 via 0.0.0.0 dev 5\n"
                      "+route 0.0.0.0/0 via 10.9.0.1 dev 5\n"
                      "-route 10.9.0.1/32 via 0.0.0.0 dev 3\n"
                      "-route 0.0.0.0/0 via 10.9.0.1 dev 3\n"
                      "-10.9.9.9/32 dev 3 eth2\n");
}

static void
move_takes_prefix_routes_that_do_not_come_with_an_address(void **state)
{
    struct nt_nl_addr addrs[] = { addr(ETH2, IP(10, 1, 0, 5), 24, "eth2") };
    struct nt_nl_route routes[] = { kernel_route(ETH2, IP(10, 1, 0, 0), 24) };
    addrs[0].flags = IFA_F_NOPREFIXROUTE;
    struct nt_ip_facts from = { ETH2, "eth2", addrs, 1, routes, 1 };

    check_move(&from, "+10.1.0.5/24 dev 5 br100\n"
                      "+route 10.1.0.0/24 via 0.0.0.0 dev 5\n"
                      "-route 10.1.0.0/24 via 0.0.0.0 dev 3\n"
                      "-10.1.0.5/24 dev 3 eth2\n");
}

static void
check_first(const struct nt_ip_facts *facts, const char *want)
{
    struct nt_nl_addr wanted = addr(BR100, IP(10, 0, 0, 1), 24, "");
    struct nt_ip_plan plan;

    nt_ip_plan_first(facts, &wanted, &plan);
    AUTO_FREE char *have = show(&plan);
    assert_string_equal(have, want);
}

static void
gateway_on_an_empty_bridge_is_one_step(void **state)
{
    struct nt_ip_facts facts = { .index = BR100, .name = "br100" };

    check_first(&facts, "+10.0.0.1/24 dev 5 \n");
}

static void
gateway_that_is_first_is_left_alone(void **state)
{
    struct nt_nl_addr addrs[] = {
        addr(BR100, IP(169, 254, 0, 1), 16, "br100"),
        addr(BR100, IP(10, 0, 0, 1), 24, "br100"),
        addr(BR100, IP(192, 168, 1, 5), 24, "br100"),
    };
    addrs[0].scope = RT_SCOPE_LINK;
    struct nt_ip_facts facts = { BR100, "br100", addrs, 3, NULL, 0 };

    check_first(&facts, "");
}

static void
gateway_behind_another_address_comes_first_and_routes_come_back(void **state)
{
    struct nt_nl_addr addrs[] = {
        addr(BR100, IP(192, 168, 1, 5), 24, "br100"),
        addr(BR100, IP(10, 0, 0, 1), 24, "br100"),
    };
    struct nt_nl_route routes[] = {
        gateway_route(BR100, 0, 0, IP(192, 168, 1, 1)),
        kernel_route(BR100, IP(192, 168, 1, 0), 24),
        kernel_route(BR100, IP(10, 0, 0, 0), 24),
    };
    struct nt_ip_facts facts = { BR100, "br100", addrs, 2, routes, 3 };

    check_first(&facts, "-10.0.0.1/24 dev 5 br100\n"
                        "-192.168.1.5/24 dev 5 br100\n"
                        "+10.0.0.1/24 dev 5 \n"
                        "+192.168.1.5/24 dev 5 br100\n"
                        "+route 0.0.0.0/0 via 192.168.1.1 dev 5\n");
}

static void
gateway_with_a_wrong_broadcast_or_prefix_is_made_anew(void **state)
{
    struct nt_nl_addr addrs[] = { addr(BR100, IP(10, 0, 0, 1), 24, "br100") };
    struct nt_ip_facts facts = { BR100, "br100", addrs, 1, NULL, 0 };

    addrs[0].broadcast = 0;
    check_first(&facts, "-10.0.0.1/24 dev 5 br100\n+10.0.0.1/24 dev 5 \n");

    addrs[0] = addr(BR100, IP(10, 0, 0, 1), 16, "br100");
    check_first(&facts, "-10.0.0.1/16 dev 5 br100\n"
                        "+10.0.0.1/24 dev 5 \n"
                        "+10.0.0.1/16 dev 5 br100\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(move_of_nothing_is_empty),
        cmocka_unit_test(move_adds_everything_before_it_takes_anything_away),
        cmocka_unit_test(move_keeps_order_and_labels_and_drops_flags_of_the_kernel),
        cmocka_unit_test(move_leaves_link_local_addresses),
        cmocka_unit_test(move_takes_routes_to_the_gateway_first),
        cmocka_unit_test(move_takes_prefix_routes_that_do_not_come_with_an_address),
        cmocka_unit_test(gateway_on_an_empty_bridge_is_one_step),
        cmocka_unit_test(gateway_that_is_first_is_left_alone),
        cmocka_unit_test(gateway_behind_another_address_comes_first_and_routes_come_back),
        cmocka_unit_test(gateway_with_a_wrong_broadcast_or_prefix_is_made_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
