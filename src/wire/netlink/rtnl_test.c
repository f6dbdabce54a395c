#include <config.h>
#include "wire/netlink/rtnl.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "wire/netlink/ns_testing.h"

#define IP(a, b, c, d) (((uint32_t) (a) << 24) | ((b) << 16) | ((c) << 8) | (d))

static const struct nt_mac host_mac = { { 0xfe, 0x16, 0x3e, 1, 2, 3 } };
static const struct nt_mac guest_mac = { { 0xfa, 0x16, 0x3e, 1, 2, 3 } };

struct bed {
    int here, there;
    struct nt_nl *nl, *guest;
};

static int
set_up(void **state)
{
    static struct bed bed;

    bed.there = test_enter_fresh_netns();
    bed.here = test_enter_fresh_netns();
    assert_int_equal(nt_nl_open(-1, &bed.nl), 0);
    assert_int_equal(nt_nl_open(bed.there, &bed.guest), 0);
    *state = &bed;
    return 0;
}

static int
tear_down(void **state)
{
    struct bed *bed = *state;

    nt_nl_free(bed->nl);
    nt_nl_free(bed->guest);
    close(bed->here);
    close(bed->there);
    return 0;
}

static struct nt_nl_link
link_named(struct nt_nl *nl, const char *name)
{
    struct nt_nl_link link;

    assert_int_equal(nt_nl_link_get(nl, name, &link), 0);
    return link;
}

static void
missing_link_is_enodev(void **state)
{
    struct bed *bed = *state;
    struct nt_nl_link link;

    assert_int_equal(nt_nl_link_get(bed->nl, "br100", &link), -ENODEV);
    assert_int_equal(nt_nl_link_get_index(bed->nl, 999, &link), -ENODEV);
    assert_int_equal(nt_nl_link_get(bed->nl, "sixteen-letters-", &link), -EINVAL);
}

static void
bridge_is_born_without_stp_and_delay(void **state)
{
    struct bed *bed = *state;
    struct nt_nl_bridge bridge;

    assert_int_equal(nt_nl_bridge_create(bed->nl, "br100"), 0);
    assert_int_equal(nt_nl_bridge_create(bed->nl, "br100"), -EEXIST);
    struct nt_nl_link link = link_named(bed->nl, "br100");
    assert_string_equal(link.kind, "bridge");
    assert_false(link.flags & IFF_UP);
    assert_int_equal(nt_nl_bridge_get(bed->nl, link.index, &bridge), 0);
    assert_false(bridge.stp);
    assert_int_equal(bridge.forward_delay, 0);
    assert_int_equal(bridge.ageing_time, 30000);
    assert_int_equal(nt_nl_bridge_get(bed->nl, 1, &bridge), -EOPNOTSUPP);
}

static void
bridge_attributes_can_be_repaired(void **state)
{
    struct bed *bed = *state;
    struct nt_nl_bridge wrong = { .stp = true, .forward_delay = 1500, .ageing_time = 0 };
    struct nt_nl_bridge right = { .ageing_time = 30000 };
    struct nt_nl_bridge have;

    assert_int_equal(nt_nl_bridge_create(bed->nl, "br100"), 0);
    int index = link_named(bed->nl, "br100").index;
    assert_int_equal(nt_nl_bridge_set(bed->nl, index, &wrong), 0);
    assert_int_equal(nt_nl_bridge_get(bed->nl, index, &have), 0);
    assert_true(have.stp);
    assert_int_equal(nt_nl_bridge_set(bed->nl, index, &right), 0);
    assert_int_equal(nt_nl_bridge_get(bed->nl, index, &have), 0);
    assert_false(have.stp);
    assert_int_equal(have.forward_delay, 0);
    assert_int_equal(have.ageing_time, 30000);
}

static void
veth_peer_is_born_in_the_other_namespace(void **state)
{
    struct bed *bed = *state;
    struct nt_nl_veth veth = {
        .name = "vnet0",
        .mac = &host_mac,
        .peer_name = "eth0",
        .peer_mac = &guest_mac,
        .peer_netns_fd = bed->there,
        .mtu = 1400,
    };

    assert_int_equal(nt_nl_veth_create(bed->nl, &veth), 0);
    assert_int_equal(nt_nl_veth_create(bed->nl, &veth), -EEXIST);

    struct nt_nl_link outer = link_named(bed->nl, "vnet0");
    struct nt_nl_link inner = link_named(bed->guest, "eth0");
    struct nt_nl_link none;
    assert_memory_equal(&outer.mac, &host_mac, sizeof host_mac);
    assert_memory_equal(&inner.mac, &guest_mac, sizeof guest_mac);
    assert_int_equal(outer.mtu, 1400);
    assert_int_equal(inner.mtu, 1400);
    assert_string_equal(outer.kind, "veth");
    assert_int_equal(outer.peer_index, inner.index);
    assert_int_equal(inner.peer_index, outer.index);
    assert_int_equal(nt_nl_link_get(bed->nl, "eth0", &none), -ENODEV);

    assert_int_equal(nt_nl_link_delete(bed->nl, outer.index), 0);
    assert_int_equal(nt_nl_link_get(bed->guest, "eth0", &none), -ENODEV);
}

static void
link_changes_take_effect(void **state)
{
    struct bed *bed = *state;
    struct nt_nl_veth veth = { .name = "a", .peer_name = "b", .peer_netns_fd = -1 };

    assert_int_equal(nt_nl_bridge_create(bed->nl, "br100"), 0);
    assert_int_equal(nt_nl_veth_create(bed->nl, &veth), 0);
    int index = link_named(bed->nl, "a").index;
    int bridge = link_named(bed->nl, "br100").index;
    assert_int_equal(nt_nl_port_set_hairpin(bed->nl, index, true), -EOPNOTSUPP);
    assert_int_equal(nt_nl_link_set_master(bed->nl, index, bridge), 0);
    assert_int_equal(nt_nl_port_set_hairpin(bed->nl, index, true), 0);
    assert_int_equal(nt_nl_link_set_name(bed->nl, index, "vnet7"), 0);
    assert_int_equal(nt_nl_link_set_mac(bed->nl, index, &host_mac), 0);
    assert_int_equal(nt_nl_link_set_mtu(bed->nl, index, 1300), 0);
    assert_int_equal(nt_nl_link_set_up(bed->nl, index, true), 0);
    assert_int_equal(nt_nl_link_set_netns(bed->nl, link_named(bed->nl, "b").index, bed->there), 0);

    struct nt_nl_link link = link_named(bed->nl, "vnet7");
    assert_int_equal(link.master, bridge);
    assert_int_equal(link.mtu, 1300);
    assert_memory_equal(&link.mac, &host_mac, sizeof host_mac);
    assert_true(link.flags & IFF_UP);
    link_named(bed->guest, "b");

    struct nt_nl_link *ports;
    size_t n;
    assert_int_equal(nt_nl_links(bed->nl, bridge, &ports, &n), 0);
    assert_int_equal(n, 1);
    assert_string_equal(ports[0].name, "vnet7");
    free(ports);
    assert_int_equal(nt_nl_link_set_master(bed->nl, index, 0), 0);
    assert_int_equal(link_named(bed->nl, "vnet7").master, 0);
}

static void
many_links_are_listed_whole(void **state)
{
    struct bed *bed = *state;
    struct nt_nl_link *links;
    size_t n;

    for (int i = 0; i < 150; i++) {
        char name[NT_NL_NAME_SIZE];
        snprintf(name, sizeof name, "br%d", i);
        assert_int_equal(nt_nl_bridge_create(bed->nl, name), 0);
    }
    assert_int_equal(nt_nl_links(bed->nl, 0, &links, &n), 0);
    assert_true(n >= 151);
    free(links);
}

static int
bridge_up(struct nt_nl *nl, const char *name)
{
    assert_int_equal(nt_nl_bridge_create(nl, name), 0);
    int index = link_named(nl, name).index;
    assert_int_equal(nt_nl_link_set_up(nl, index, true), 0);
    return index;
}

static void
address_comes_back_as_it_was_added(void **state)
{
    struct bed *bed = *state;
    struct nt_nl_addr *addrs;
    size_t n;
    struct nt_nl_addr addr = {
        .index = bridge_up(bed->nl, "br100"),
        .local = IP(10, 0, 0, 1),
        .peer = IP(10, 0, 0, 1),
        .broadcast = IP(10, 0, 0, 255),
        .len = 24,
        .label = "br100:1",
        .metric = 50,
    };

    assert_int_equal(nt_nl_addr_add(bed->nl, &addr), 0);
    assert_int_equal(nt_nl_addr_add(bed->nl, &addr), -EEXIST);
    addr.local = addr.peer = IP(10, 0, 0, 9);
    assert_int_equal(nt_nl_addr_add(bed->nl, &addr), 0);

    assert_int_equal(nt_nl_addrs(bed->nl, addr.index, &addrs, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(addrs[0].local, IP(10, 0, 0, 1));
    assert_int_equal(addrs[0].broadcast, IP(10, 0, 0, 255));
    assert_int_equal(addrs[0].len, 24);
    assert_int_equal(addrs[0].scope, RT_SCOPE_UNIVERSE);
    assert_int_equal(addrs[0].metric, 50);
    assert_string_equal(addrs[0].label, "br100:1");
    assert_true(addrs[1].flags & IFA_F_SECONDARY);
    free(addrs);

    assert_int_equal(nt_nl_addr_del(bed->nl, &addr), 0);
    assert_int_equal(nt_nl_addr_del(bed->nl, &addr), -EADDRNOTAVAIL);
}

static void
routes_are_added_beside_and_deleted_exactly(void **state)
{
    struct bed *bed = *state;
    int a = bridge_up(bed->nl, "br1");
    int b = bridge_up(bed->nl, "br2");
    struct nt_nl_route *routes;
    size_t n;

    assert_int_equal(nt_nl_routes(bed->nl, 0, &routes, &n), 0);
    assert_int_equal(n, 0);
    free(routes);

    for (int i = 0; i < 2; i++) {
        struct nt_nl_addr addr = {
            .index = i ? b : a,
            .local = IP(10, 0, 0, 1),
            .len = 24,
        };
        struct nt_nl_route route = {
            .index = i ? b : a,
            .gateway = IP(10, 0, 0, 254),
            .metric = 100,
            .mtu = 1400,
            .protocol = RTPROT_DHCP,
        };
        assert_int_equal(nt_nl_route_add(bed->nl, &route), -ENETUNREACH);
        assert_int_equal(nt_nl_addr_add(bed->nl, &addr), 0);
        route.source = IP(10, 0, 0, 1);
        assert_int_equal(nt_nl_route_add(bed->nl, &route), 0);
        assert_int_equal(nt_nl_route_add(bed->nl, &route), -EEXIST);
    }

    assert_int_equal(nt_nl_routes(bed->nl, b, &routes, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(routes[0].len, 0);
    assert_int_equal(routes[0].gateway, IP(10, 0, 0, 254));
    assert_int_equal(routes[0].source, IP(10, 0, 0, 1));
    assert_int_equal(routes[0].metric, 100);
    assert_int_equal(routes[0].mtu, 1400);
    assert_int_equal(routes[0].protocol, RTPROT_DHCP);
    assert_int_equal(routes[1].protocol, RTPROT_KERNEL);
    assert_int_equal(routes[1].dst, IP(10, 0, 0, 0));

    assert_int_equal(nt_nl_route_del(bed->nl, &routes[0]), 0);
    assert_int_equal(nt_nl_route_del(bed->nl, &routes[0]), -ESRCH);
    free(routes);
    assert_int_equal(nt_nl_routes(bed->nl, a, &routes, &n), 0);
    assert_int_equal(n, 2);
    free(routes);
}

int
main(void)
{
    test_needs_root();

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(missing_link_is_enodev),
        T(bridge_is_born_without_stp_and_delay),
        T(bridge_attributes_can_be_repaired),
        T(veth_peer_is_born_in_the_other_namespace),
        T(link_changes_take_effect),
        T(many_links_are_listed_whole),
        T(address_comes_back_as_it_was_added),
        T(routes_are_added_beside_and_deleted_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
