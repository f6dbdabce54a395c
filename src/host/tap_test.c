/* With the kernel, in a network namespace of the test's own.  Needs root and
 * /dev/net/tun. */
#include <config.h>

#include "host/tap.h"

#include <net/if.h>
#include <string.h>

#include "host/link.h"
#include "wire/netlink/ns_testing.h"

static const struct nt_tap_plug_args args = { .mac = { { 0xfa, 0x16, 0x3e, 0x2c, 0xe8, 0xec } },
                                              .bridge = "br100",
                                              .mtu = 1450 };

static int
set_up(void **state)
{
    struct nt_nl *nl;

    test_enter_fresh_netns();
    assert_int_equal(nt_nl_open(-1, &nl), 0);
    assert_int_equal(nt_nl_bridge_create(nl, "br100"), 0);
    nt_nl_free(nl);
    *state = NULL;
    return 0;
}

static void
a_tap_is_a_port_of_the_bridge(void **state)
{
    static const unsigned char host_mac[] = { 0xfe, 0x16, 0x3e, 0x2c, 0xe8, 0xec };
    char name[NT_NL_NAME_SIZE], again[NT_NL_NAME_SIZE];
    struct nt_nl_link link, bridge;

    assert_int_equal(nt_tap_plug(&args, name, NULL), 0);
    assert_string_equal(name, "vnet0");
    assert_int_equal(nt_link_get(name, &link, NULL), 0);
    assert_int_equal(nt_link_get("br100", &bridge, NULL), 0);
    assert_string_equal(link.kind, "tun");
    assert_memory_equal(link.mac.b, host_mac, 6);
    assert_int_equal(link.master, bridge.index);
    assert_int_equal(link.mtu, 1450);
    assert_true(link.flags & IFF_UP);

    assert_int_equal(nt_tap_plug(&args, again, NULL), 0);
    assert_string_equal(again, name);
}

static void
what_was_changed_is_put_right(void **state)
{
    char name[NT_NL_NAME_SIZE];
    struct nt_nl_link link;
    struct nt_nl *nl;

    assert_int_equal(nt_tap_plug(&args, name, NULL), 0);
    assert_int_equal(nt_link_get(name, &link, NULL), 0);
    assert_int_equal(nt_nl_open(-1, &nl), 0);
    assert_int_equal(nt_nl_link_set_master(nl, link.index, 0), 0);
    assert_int_equal(nt_nl_link_set_up(nl, link.index, false), 0);
    nt_nl_free(nl);

    assert_int_equal(nt_tap_plug(&args, name, NULL), 0);
    assert_int_equal(nt_link_get(name, &link, NULL), 0);
    assert_true(link.master && link.flags & IFF_UP);
}

static void
without_its_bridge_nothing_is_left(void **state)
{
    struct nt_tap_plug_args other = args;
    char name[NT_NL_NAME_SIZE];
    struct nt_nl_link link;
    struct nt_err err = { 0 };

    other.bridge = "br999";
    assert_int_equal(nt_tap_plug(&other, name, &err), -1);
    assert_int_equal(err.code, NT_NOT_FOUND);
    assert_int_equal(nt_link_get("vnet0", &link, NULL), -1);
}

static void
another_link_with_its_mac_is_left_alone(void **state)
{
    static const struct nt_mac mac = { { 0xfe, 0x16, 0x3e, 0x2c, 0xe8, 0xec } };
    const struct nt_nl_veth veth = {
        .name = "theirs", .mac = &mac, .peer_name = "peer", .peer_netns_fd = -1
    };
    char name[NT_NL_NAME_SIZE];
    struct nt_err err = { 0 };
    struct nt_nl *nl;

    assert_int_equal(nt_nl_open(-1, &nl), 0);
    assert_int_equal(nt_nl_veth_create(nl, &veth), 0);
    nt_nl_free(nl);
    assert_int_equal(nt_tap_plug(&args, name, &err), -1);
    assert_int_equal(err.code, NT_CONFLICT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_tap_is_a_port_of_the_bridge, set_up),
        cmocka_unit_test_setup(what_was_changed_is_put_right, set_up),
        cmocka_unit_test_setup(without_its_bridge_nothing_is_left, set_up),
        cmocka_unit_test_setup(another_link_with_its_mac_is_left_alone, set_up),
    };

    test_needs_root();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
