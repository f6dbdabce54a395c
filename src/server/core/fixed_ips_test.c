#include <config.h>

#include "server/core/fixed_ips.h"

#include "server/core/core_test.h"
#include "server/core/ports.h"

static void
make_cloud(struct core_test *t)
{
    core_test_network(t, "novanetwork", "10.0.0.0/24");
    CORE_OK(t, network_claim(t->store, &t->env, "controller-1", "br100", &t->changes, &t->err));
    core_test_report(t, "compute-1", "compute", true);
}

static struct fixed_ip_info
look(struct core_test *t, const char *address)
{
    struct fixed_ip_info info;

    CORE_OK(t, fixed_ip_get(t->store, &t->env, address, &info, &t->err));
    assert_string_equal(info.address, address);
    return info;
}

static void
expect(struct core_test *t, const char *address, enum fixed_ip_state state, const char *reason)
{
    struct fixed_ip_info info = look(t, address);

    assert_string_equal(fixed_ip_state_name(info.state), fixed_ip_state_name(state));
    assert_string_equal(info.reason, reason);
}

static void
lease_it(struct core_test *t, const char *instance_id)
{
    struct nt_lease_args args = { .host = "controller-1", .lease_expires = t->now + 120000 };
    struct nt_fixed_ip row;
    struct rows ports;

    CORE_OK(t, ports_of_instance(t->store, instance_id, &ports, &t->err));
    const struct nt_port *port = ROW(const struct nt_port, &ports, 0);
    strcpy(args.network_id, port->network_id);
    strcpy(args.mac, port->mac_address);
    strcpy(args.address, "10.0.0.2");
    CORE_OK(t, ipam_lease(t->store, &t->env, &args, &t->changes, &t->err));
    assert_true(ipam_get(t->store, args.network_id, "10.0.0.2", &row, &t->err) > 0);
    rows_clear(&ports);
}

static void
each_address_says_why_it_is_not_free(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];

    make_cloud(t);
    core_test_boot(t, "a", id);
    AUTO_FREE char *in_use = xasprintf("in use by instance %s", id);
    expect(t, "10.0.0.0", FIXED_IP_RESERVED, "the network's own address");
    expect(t, "10.0.0.1", FIXED_IP_RESERVED, "the gateway");
    expect(t, "10.0.0.2", FIXED_IP_ALLOCATED, in_use);
    expect(t, "10.0.0.3", FIXED_IP_FREE, "");
    expect(t, "10.0.0.255", FIXED_IP_RESERVED, "the broadcast address");

    lease_it(t, id);
    assert_true(look(t, "10.0.0.2").is_leased);
    assert_string_equal(look(t, "10.0.0.2").host, "compute-1");
    assert_string_equal(look(t, "10.0.0.2").hostname, "a");
    CORE_OK(t, instance_end(t->store, &t->env, id, &t->changes, &t->err));
    expect(t, "10.0.0.2", FIXED_IP_LEASED,
           "unused since 2023-11-14T22:13:20Z, leased until 2023-11-14T22:15:20Z");
    t->now += 121000;
    expect(t, "10.0.0.2", FIXED_IP_WAITING,
           "waiting for release since 2023-11-14T22:13:20Z, at the latest until "
           "2023-11-14T22:23:20Z");
    CORE_OK(t, ipam_sweep(t->store, &t->env, NULL, &t->changes, &t->err));
    expect(t, "10.0.0.2", FIXED_IP_FREE, "");
}

static void
unknown_addresses_are_not_found(void **state)
{
    struct core_test *t = *state;
    struct fixed_ip_info info;

    make_cloud(t);
    CORE_FAILS(t, NT_NOT_FOUND, fixed_ip_get(t->store, &t->env, "10.0.1.1", &info, &t->err));
    CORE_FAILS(t, NT_INVALID, fixed_ip_get(t->store, &t->env, "10.0.0", &info, &t->err));
    CORE_FAILS(t, NT_INVALID, fixed_ip_get(t->store, &t->env, "", &info, &t->err));
    CORE_FAILS(t, NT_NOT_FOUND, fixed_ip_set_reserved(t->store, "10.0.1.1", true, &t->err));
}

static void
what_is_set_aside_is_not_given_out(void **state)
{
    struct core_test *t = *state;
    struct instance_network wanted = { "", "10.0.0.2" };
    struct network_row row;
    char id[NT_UUID_SIZE];

    make_cloud(t);
    CORE_OK(t, network_find(t->store, "novanetwork", &row, &t->err));
    strcpy(wanted.network_id, row.network.id);
    CORE_OK(t, fixed_ip_set_reserved(t->store, "10.0.0.2", true, &t->err));
    CORE_OK(t, fixed_ip_set_reserved(t->store, "10.0.0.2", true, &t->err));
    expect(t, "10.0.0.2", FIXED_IP_RESERVED, "set aside");
    CORE_OK(t, store_savepoint(t->store, &t->err));
    CORE_FAILS(t, NT_CONFLICT, core_test_try_boot(t, "wish", &wanted, 1, id));
    store_rollback_to(t->store);
    core_test_boot(t, "a", id);
    expect(t, "10.0.0.2", FIXED_IP_RESERVED, "set aside");
    assert_int_equal(look(t, "10.0.0.3").state, FIXED_IP_ALLOCATED);

    CORE_OK(t, fixed_ip_set_reserved(t->store, "10.0.0.2", false, &t->err));
    CORE_OK(t, fixed_ip_set_reserved(t->store, "10.0.0.99", false, &t->err));
    expect(t, "10.0.0.2", FIXED_IP_FREE, "");
    CORE_OK(t, core_test_try_boot(t, "wish", &wanted, 1, id));
    assert_int_equal(look(t, "10.0.0.2").state, FIXED_IP_ALLOCATED);
}

static void
an_address_in_use_is_set_aside_for_afterwards(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];

    make_cloud(t);
    core_test_boot(t, "a", id);
    CORE_OK(t, fixed_ip_set_reserved(t->store, "10.0.0.2", true, &t->err));
    assert_int_equal(look(t, "10.0.0.2").state, FIXED_IP_ALLOCATED);
    assert_true(look(t, "10.0.0.2").is_reserved);
    CORE_OK(t, instance_end(t->store, &t->env, id, &t->changes, &t->err));
    expect(t, "10.0.0.2", FIXED_IP_RESERVED, "set aside");
}

static void
the_networks_own_addresses_stay_its_own(void **state)
{
    struct core_test *t = *state;

    make_cloud(t);
    CORE_FAILS(t, NT_CONFLICT, fixed_ip_set_reserved(t->store, "10.0.0.1", false, &t->err));
    CORE_FAILS(t, NT_CONFLICT, fixed_ip_set_reserved(t->store, "10.0.0.255", true, &t->err));
}

/* The addresses of a list, joined by blanks. */
static void
expect_list(struct core_test *t, const struct fixed_ip_filter *filter, const char *want)
{
    AUTO_FREE struct fixed_ip_info *list = NULL;
    char text[1024] = "";
    size_t n = 0;

    CORE_OK(t, fixed_ip_list(t->store, &t->env, filter, &list, &n, &t->err));
    for (size_t i = 0; i < n; i++) {
        strcat(text, i ? " " : "");
        strcat(text, list[i].address);
    }
    assert_string_equal(text, want);
}

static void
lists_are_ascending_over_all_networks_and_come_in_pages(void **state)
{
    struct core_test *t = *state;
    struct network_row second = core_test_network(t, "second", "10.0.0.0/30");
    char id[NT_UUID_SIZE];

    core_test_network(t, "first", "9.0.0.0/8");
    core_test_report(t, "compute-1", "compute", true);
    core_test_boot(t, "a", id);
    expect_list(t, &(struct fixed_ip_filter){ .limit = 99 },
                "9.0.0.0 9.0.0.1 9.0.0.2 9.255.255.255 10.0.0.0 10.0.0.1 10.0.0.2 10.0.0.3");
    expect_list(t, &(struct fixed_ip_filter){ .limit = 3 }, "9.0.0.0 9.0.0.1 9.0.0.2");
    expect_list(t, &(struct fixed_ip_filter){ .limit = 3, .after = "9.0.0.2" },
                "9.255.255.255 10.0.0.0 10.0.0.1");
    expect_list(t, &(struct fixed_ip_filter){ .limit = 3, .after = "9.0.0.2", .with_free = true },
                "9.0.0.3 9.0.0.4 9.0.0.5");
    expect_list(t, &(struct fixed_ip_filter){ .limit = 3, .after = "10.0.0.3" }, "");
    expect_list(
        t,
        &(struct fixed_ip_filter){ .limit = 9, .with_free = true, .network_id = second.network.id },
        "10.0.0.0 10.0.0.1 10.0.0.2 10.0.0.3");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(each_address_says_why_it_is_not_free),
        CORE_TEST(unknown_addresses_are_not_found),
        CORE_TEST(what_is_set_aside_is_not_given_out),
        CORE_TEST(an_address_in_use_is_set_aside_for_afterwards),
        CORE_TEST(the_networks_own_addresses_stay_its_own),
        CORE_TEST(lists_are_ascending_over_all_networks_and_come_in_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
