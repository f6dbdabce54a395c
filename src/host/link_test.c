#include <config.h>
#include "host/link.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "host/bridge.h"
#include "wire/netlink/ns_testing.h"

#define GUEST_MAC "fa:16:3e:2c:e8:ec"

static const struct nt_mac guest_mac = { { 0xfa, 0x16, 0x3e, 0x2c, 0xe8, 0xec } };
static const struct nt_mac host_mac = { { 0xfe, 0x16, 0x3e, 0x2c, 0xe8, 0xec } };

struct bed {
    int here, guest;
    struct nt_vif_plug_args args;
};

static int
set_up(void **state)
{
    static struct bed bed;
    struct nt_bridge_args bridge = { .bridge = "br100" };

    bed.guest = test_enter_fresh_netns();
    bed.here = test_enter_fresh_netns();
    assert_int_equal(nt_bridge_ensure(&bridge, NULL), 0);
    bed.args = (struct nt_vif_plug_args){
        .mac = guest_mac,
        .bridge = "br100",
        .netns_fd = bed.guest,
        .hairpin = true,
    };
    *state = &bed;
    return 0;
}

static int
tear_down(void **state)
{
    struct bed *bed = *state;

    close(bed->here);
    close(bed->guest);
    return 0;
}

static void
plug(const struct nt_vif_plug_args *args, const char *want)
{
    char name[NT_NL_NAME_SIZE];
    struct nt_err err = { 0 };

    if (nt_vif_plug(args, name, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_string_equal(name, want);
}

static struct nt_nl_link
link_named(const char *name)
{
    struct nt_nl_link link;
    struct nt_err err = { 0 };

    if (nt_link_get(name, &link, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return link;
}

static void
vnet_name_is_the_lowest_free_one(void **state)
{
    struct nt_nl_link links[] = {
        { .name = "vnet0" },
        { .name = "vnet3" },
        { .name = "eth0" },
        { .name = "vnet1" },
    };
    char name[NT_NL_NAME_SIZE];

    nt_vnet_name(NULL, 0, name);
    assert_string_equal(name, "vnet0");
    nt_vnet_name(links, 4, name);
    assert_string_equal(name, "vnet2");
}

static void
plugged_vif_looks_like_the_golden_one(void **state)
{
    struct bed *bed = *state;

    bed->args.mtu = 1450;
    plug(&bed->args, "vnet0");

    struct nt_nl_link vnet = link_named("vnet0");
    assert_memory_equal(&vnet.mac, &host_mac, sizeof host_mac);
    assert_int_equal(vnet.master, link_named("br100").index);
    assert_int_equal(vnet.mtu, 1450);
    assert_true(vnet.flags & IFF_UP);

    test_enter(bed->guest);
    struct nt_nl_link eth0 = link_named("eth0");
    test_enter(bed->here);
    assert_memory_equal(&eth0.mac, &guest_mac, sizeof guest_mac);
    assert_int_equal(eth0.mtu, 1450);
    assert_false(eth0.flags & IFF_UP);
}

static void
second_plug_takes_the_pair_over(void **state)
{
    struct bed *bed = *state;

    plug(&bed->args, "vnet0");
    int index = link_named("vnet0").index;
    bed->args.mtu = 1400;
    bed->args.guest_up = true;
    plug(&bed->args, "vnet0");
    assert_int_equal(link_named("vnet0").index, index);
    assert_int_equal(link_named("vnet0").mtu, 1400);

    test_enter(bed->guest);
    struct nt_nl_link eth0 = link_named("eth0");
    test_enter(bed->here);
    assert_int_equal(eth0.mtu, 1400);
    assert_true(eth0.flags & IFF_UP);
}

static void
pair_that_leads_elsewhere_is_replaced(void **state)
{
    struct bed *bed = *state;
    int other = test_enter_fresh_netns();
    struct nt_vif_plug_args args = bed->args;

    test_enter(bed->here);
    args.netns_fd = other;
    plug(&args, "vnet0");
    plug(&bed->args, "vnet0");
    test_enter(other);
    assert_int_equal(nt_link_get("eth0", &(struct nt_nl_link){ 0 }, NULL), -1);
    test_enter(bed->guest);
    link_named("eth0");
    test_enter(bed->here);
    close(other);
}

static void
guest_with_another_interface_is_a_conflict(void **state)
{
    struct bed *bed = *state;
    struct nt_vif_plug_args args = bed->args;
    char name[NT_NL_NAME_SIZE];
    struct nt_err err = { 0 };

    plug(&bed->args, "vnet0");
    args.mac.b[5]++;
    assert_int_equal(nt_vif_plug(&args, name, &err), -1);
    assert_int_equal(err.code, NT_CONFLICT);

    args.guest_name = "eth1";
    plug(&args, "vnet1");
}

static void
plug_into_a_missing_bridge_is_not_found(void **state)
{
    struct bed *bed = *state;
    char name[NT_NL_NAME_SIZE];
    struct nt_err err = { 0 };

    bed->args.bridge = "br999";
    assert_int_equal(nt_vif_plug(&bed->args, name, &err), -1);
    assert_int_equal(err.code, NT_NOT_FOUND);
    assert_string_equal(err.msg, "cannot plug fa:16:3e:2c:e8:ec: no interface br999");
}

static void
port_that_was_taken_out_or_down_is_repaired(void **state)
{
    struct bed *bed = *state;
    AUTO(nt_nl) nl = NULL;
    bool repaired = true;

    plug(&bed->args, "vnet0");
    assert_true(nt_vif_is_there("vnet0", GUEST_MAC));
    assert_false(nt_vif_is_there("vnet1", GUEST_MAC));
    assert_false(nt_vif_is_there("vnet0", "fa:16:3e:99:99:99"));
    assert_int_equal(nt_vif_ensure("vnet0", GUEST_MAC, "br100", &repaired, NULL), 0);
    assert_false(repaired);

    assert_int_equal(nt_nl_open(-1, &nl), 0);
    assert_int_equal(nt_nl_link_set_master(nl, link_named("vnet0").index, 0), 0);
    assert_int_equal(nt_vif_ensure("vnet0", GUEST_MAC, "br100", &repaired, NULL), 0);
    assert_true(repaired);
    assert_int_equal(link_named("vnet0").master, link_named("br100").index);
    assert_int_equal(nt_nl_link_set_up(nl, link_named("vnet0").index, false), 0);
    assert_int_equal(nt_vif_ensure("vnet0", GUEST_MAC, "br100", &repaired, NULL), 0);
    assert_true(repaired);
    assert_true(link_named("vnet0").flags & IFF_UP);
}

static void
device_that_is_no_guests_is_left_alone(void **state)
{
    struct bed *bed = *state;
    struct nt_err err = { 0 };
    bool repaired = false;

    plug(&bed->args, "vnet0");
    assert_int_equal(nt_vif_ensure("vnet0", "fa:16:3e:99:99:99", "br100", &repaired, &err), -1);
    assert_int_equal(err.code, NT_NOT_FOUND);
    err = (struct nt_err){ 0 };
    assert_int_equal(nt_vif_ensure("vnet7", GUEST_MAC, "br100", &repaired, &err), -1);
    assert_int_equal(err.code, NT_NOT_FOUND);
}

static void
unplug_frees_name_and_guest_and_may_be_repeated(void **state)
{
    struct bed *bed = *state;
    struct nt_nl_link link;

    plug(&bed->args, "vnet0");
    assert_int_equal(nt_link_find_by_mac(&host_mac, &link, NULL), 0);
    assert_string_equal(link.name, "vnet0");
    assert_int_equal(nt_vif_unplug("vnet0", NULL), 0);
    assert_int_equal(nt_vif_unplug("vnet0", NULL), 0);
    assert_int_equal(nt_link_find_by_mac(&host_mac, &link, NULL), -1);
    plug(&bed->args, "vnet0");

    struct nt_nl_link *ports;
    size_t n;
    assert_int_equal(nt_link_list("br100", &ports, &n, NULL), 0);
    assert_int_equal(n, 1);
    free(ports);
}

static void
metadata_address_is_put_on_lo_once(void **state)
{
    struct nt_cidr first;

    assert_int_equal(nt_link_ensure_up("lo", NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(nt_addr_ensure("lo", "169.254.169.254/32", RT_SCOPE_LINK, NULL), 0);
    }

    AUTO(nt_nl) nl = NULL;
    struct nt_nl_addr *addrs;
    size_t n;
    assert_int_equal(nt_nl_open(-1, &nl), 0);
    assert_int_equal(nt_nl_addrs(nl, 1, &addrs, &n), 0);
    assert_int_equal(n, 2);
    assert_int_equal(addrs[1].local, 0xa9fea9fe);
    assert_int_equal(addrs[1].scope, RT_SCOPE_LINK);
    assert_int_equal(addrs[1].len, 32);
    free(addrs);
    assert_int_equal(nt_addr_first("lo", &first, NULL), -1);
    assert_int_equal(nt_addr_ensure("lo", "169.254.169", RT_SCOPE_LINK, NULL), -1);
}

int
main(void)
{
    test_needs_root();

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vnet_name_is_the_lowest_free_one),
        T(plugged_vif_looks_like_the_golden_one),
        T(second_plug_takes_the_pair_over),
        T(pair_that_leads_elsewhere_is_replaced),
        T(guest_with_another_interface_is_a_conflict),
        T(plug_into_a_missing_bridge_is_not_found),
        T(port_that_was_taken_out_or_down_is_repaired),
        T(device_that_is_no_guests_is_left_alone),
        T(unplug_frees_name_and_guest_and_may_be_repeated),
        T(metadata_address_is_put_on_lo_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
