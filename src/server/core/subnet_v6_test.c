#include <config.h>

#include "server/core/subnet_v6.h"

#include "server/core/core_test.h"

static int
choose(struct core_test *t, const char *cidr, const char *gateway, struct nt_subnet *out)
{
    *out = (struct nt_subnet){ .id = "" };
    return subnet_v6_choose(t->store, &t->env, cidr, gateway, out, &t->err);
}

static void
without_a_wish_or_the_option_there_is_none(void **state)
{
    struct core_test *t = *state;
    struct nt_subnet subnet;

    t->env.fixed_range_v6 = "fd00::/48";
    CORE_OK(t, choose(t, "", "", &subnet));
    assert_string_equal(subnet.cidr_v6, "");
    CORE_FAILS(t, NT_INVALID, choose(t, "", "fd00::1", &subnet));
}

static void
wish_is_put_right_and_its_first_address_is_the_gateway(void **state)
{
    struct core_test *t = *state;
    struct nt_subnet subnet;

    CORE_OK(t, choose(t, "2001:DB8:0:7::5/64", "", &subnet));
    assert_string_equal(subnet.cidr_v6, "2001:db8:0:7::/64");
    assert_string_equal(subnet.gateway_v6, "2001:db8:0:7::1");
    CORE_OK(t, choose(t, "fd00::/64", "fd00::fe", &subnet));
    assert_string_equal(subnet.gateway_v6, "fd00::fe");
}

static void
what_guests_cannot_make_addresses_of_is_refused(void **state)
{
    struct core_test *t = *state;
    struct nt_subnet subnet;

    CORE_FAILS(t, NT_INVALID, choose(t, "fd00::/48", "", &subnet));
    CORE_FAILS(t, NT_INVALID, choose(t, "fe80::/64", "", &subnet));
    CORE_FAILS(t, NT_INVALID, choose(t, "ff02::/64", "", &subnet));
    CORE_FAILS(t, NT_INVALID, choose(t, "10.0.0.0/24", "", &subnet));
    CORE_FAILS(t, NT_INVALID, choose(t, "fd00::/64", "fd01::1", &subnet));
    CORE_FAILS(t, NT_INVALID, choose(t, "fd00::/64", "fd00::", &subnet));
}

static void
each_network_gets_the_next_free_range_of_the_option(void **state)
{
    struct core_test *t = *state;
    struct network_create taken = {
        .multi_host = -1, .name = "own", .cidr = "10.5.0.0/24", .cidr_v6 = "fd00:0:0:1::/64"
    };
    struct network_row row;
    struct nt_subnet subnet;

    t->env.use_ipv6 = true;
    t->env.fixed_range_v6 = "fd00::/48";
    assert_string_equal(core_test_network(t, "a", "10.0.0.0/24").subnet.cidr_v6, "fd00::/64");
    CORE_OK(t, network_create(t->store, &t->env, &taken, &row, &t->changes, &t->err));
    assert_string_equal(core_test_network(t, "b", "10.1.0.0/24").subnet.cidr_v6, "fd00:0:0:2::/64");
    CORE_FAILS(t, NT_CONFLICT, choose(t, "fd00::/64", "", &subnet));
}

static void
range_of_the_option_can_be_used_up(void **state)
{
    struct core_test *t = *state;
    struct nt_subnet subnet;

    t->env.use_ipv6 = true;
    t->env.fixed_range_v6 = "fd00::/64";
    core_test_network(t, "a", "10.0.0.0/24");
    CORE_FAILS(t, NT_EXHAUSTED, choose(t, "", "", &subnet));
}

static void
server_shows_the_address_its_guest_makes(void **state)
{
    struct core_test *t = *state;
    struct instance_info info;
    char id[NT_UUID_SIZE];

    t->env.use_ipv6 = true;
    t->env.fixed_range_v6 = "fd00::/48";
    core_test_report(t, "compute-1", "compute", true);
    core_test_network(t, "novanetwork", "10.0.0.0/24");
    core_test_boot(t, "cirros", id);
    CORE_OK(t, instance_info_load(t->store, NULL, id, &info, &t->err));
    assert_int_equal(info.n_addresses, 2);
    assert_int_equal(info.addresses[0].version, 4);
    assert_int_equal(info.addresses[1].version, 6);
    /* fa:16:3e:... with its universal bit turned: f8:16:3e:ff:fe:... */
    assert_int_equal(strncmp(info.addresses[1].address, "fd00::f816:3eff:fe", 18), 0);
    instance_info_clear(&info);
}

static void
address_by_account_is_of_project_and_mac(void **state)
{
    char text[NT_IP_SIZE];

    /* SHA-1 of "fake" begins with c053ecf9. */
    assert_true(subnet_v6_address("2001:db8::/64", "account_identifier", "fake",
                                  "fa:16:3e:2c:e8:ec", text));
    assert_string_equal(text, "2001:db8::c053:ecf9:ff2c:e8ec");
    assert_true(subnet_v6_address("2001:db8::/64", "", "fake", "fa:16:3e:2c:e8:ec", text));
    assert_string_equal(text, "2001:db8::f816:3eff:fe2c:e8ec");
    assert_false(subnet_v6_address("", "account_identifier", "fake", "fa:16:3e:2c:e8:ec", text));
    assert_string_equal(text, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(without_a_wish_or_the_option_there_is_none),
        CORE_TEST(wish_is_put_right_and_its_first_address_is_the_gateway),
        CORE_TEST(what_guests_cannot_make_addresses_of_is_refused),
        CORE_TEST(each_network_gets_the_next_free_range_of_the_option),
        CORE_TEST(range_of_the_option_can_be_used_up),
        CORE_TEST(address_by_account_is_of_project_and_mac),
        CORE_TEST(server_shows_the_address_its_guest_makes),
    };

    return cmocka_run_group_tests_name("server/core/subnet_v6", tests, NULL, NULL);
}
