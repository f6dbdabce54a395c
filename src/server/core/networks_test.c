#include <config.h>

#include "server/core/core_test.h"

static void
addresses_of_the_network_itself_are_chosen_and_reserved(void **state)
{
    struct core_test *t = *state;
    struct network_row row = core_test_network(t, "novanetwork", "10.0.0.0/24");

    assert_string_equal(row.subnet.cidr, "10.0.0.0/24");
    assert_string_equal(row.subnet.gateway_ip, "10.0.0.1");
    assert_string_equal(row.subnet.dhcp_server, "10.0.0.1");
    assert_string_equal(row.subnet.dhcp_start, "10.0.0.2");
    assert_string_equal(row.subnet.dns1, "8.8.4.4");
    assert_string_equal(row.network.bridge, "br100");
    assert_string_equal(row.network.host, "");
    assert_int_equal(row.network.number, 1);
    assert_true(ipam_is_reserved(&row.subnet, 0x0a000000));
    assert_true(ipam_is_reserved(&row.subnet, 0x0a000001));
    assert_true(ipam_is_reserved(&row.subnet, 0x0a0000ff));
    assert_false(ipam_is_reserved(&row.subnet, 0x0a000002));
    assert_int_equal(t->changes.n, 1);
    assert_int_equal(t->changes.at[0].kind, CHANGE_NETWORK_CREATED);
}

static void
a_large_network_makes_no_rows(void **state)
{
    struct core_test *t = *state;
    struct rows rows;

    core_test_network(t, "big", "10.0.0.0/8");
    CORE_OK(t, ipam_list(t->store, NULL, &rows, &t->err));
    assert_int_equal(rows.n, 0);
    rows_clear(&rows);
}

static void
dhcp_starts_after_a_gateway_that_is_not_the_first(void **state)
{
    struct core_test *t = *state;
    struct network_create wish = {
        .name = "n", .cidr = "10.0.0.7/29", .gateway_ip = "10.0.0.6", .multi_host = -1
    };
    struct network_row row;

    CORE_OK(t, network_create(t->store, &t->env, &wish, &row, &t->changes, &t->err));
    assert_string_equal(row.subnet.cidr, "10.0.0.0/29");
    assert_string_equal(row.subnet.dhcp_server, "10.0.0.6");
    assert_string_equal(row.subnet.dhcp_start, "10.0.0.1");
}

static void
wrong_wishes_are_refused(void **state)
{
    struct core_test *t = *state;
    static const struct {
        struct network_create wish;
        const char *names; /* The message names it. */
    } cases[] = {
        { { .cidr = "10.0.0.0/24" }, "label" },
        { { .name = "n" }, "cidr" },
        { { .name = "n", .cidr = "10.0.0/24" }, "10.0.0/24" },
        { { .name = "n", .cidr = "10.0.0.0/31" }, "/31" },
        { { .name = "n", .cidr = "10.0.0.0/7" }, "/7" },
        { { .name = "n", .cidr = "127.0.0.0/24" }, "127" },
        { { .name = "n", .cidr = "169.254.0.0/16" }, "169.254" },
        { { .name = "n", .cidr = "10.0.0.0/24", .gateway_ip = "10.0.1.1" }, "gateway_ip" },
        { { .name = "n", .cidr = "10.0.0.0/24", .gateway_ip = "10.0.0.255" }, "gateway_ip" },
        { { .name = "n", .cidr = "10.0.0.0/24", .gateway_ip = "x" }, "gateway_ip" },
        { { .name = "n", .cidr = "10.0.0.0/24", .dhcp_server = "10.0.0.0" }, "dhcp_server" },
        { { .name = "n", .cidr = "10.0.0.0/24", .dns1 = "dns" }, "dns1" },
        { { .name = "n", .cidr = "10.0.0.0/24", .bridge = "a/b" }, "bridge" },
        { { .name = "n", .cidr = "10.0.0.0/24", .bridge_interface = "a b" }, "bridge_interface" },
        { { .name = "n", .cidr = "10.0.0.0/24", .id = "x" }, "id" },
        { { .name = "n", .cidr = "10.0.0.0/24", .mtu = 5 }, "mtu" },
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(cases); i++) {
        struct network_row row;

        CORE_FAILS(t, NT_INVALID,
                   network_create(t->store, &t->env, &cases[i].wish, &row, &t->changes, &t->err));
        assert_non_null(strstr(t->err.msg, cases[i].names));
    }
    assert_int_equal(t->changes.n, 0);
}

static void
a_network_needs_a_bridge(void **state)
{
    struct core_test *t = *state;
    struct network_create wish = { .name = "n", .cidr = "10.0.0.0/24" };
    struct network_row row;

    t->env.flat_network_bridge = "";
    CORE_FAILS(t, NT_INVALID, network_create(t->store, &t->env, &wish, &row, &t->changes, &t->err));
    assert_non_null(strstr(t->err.msg, "bridge"));
}

static void
overlapping_ranges_are_refused_in_both_directions(void **state)
{
    struct core_test *t = *state;
    static const char *const overlapping[] = { "10.0.0.0/24", "10.0.0.128/25", "10.0.0.0/16" };

    core_test_network(t, "a", "10.0.0.0/24");
    for (size_t i = 0; i < NT_ARRAY_SIZE(overlapping); i++) {
        struct network_create wish = { .name = "b" };
        struct network_row row;

        strcpy(wish.cidr, overlapping[i]);
        CORE_FAILS(t, NT_CONFLICT,
                   network_create(t->store, &t->env, &wish, &row, &t->changes, &t->err));
    }
    core_test_network(t, "b", "10.0.1.0/24");
}

static void
a_given_id_is_used_once(void **state)
{
    struct core_test *t = *state;
    struct network_create wish = { .name = "a",
                                   .cidr = "10.0.0.0/24",
                                   .id = "11111111-1111-4111-8111-111111111111" };
    struct network_row row;

    CORE_OK(t, network_create(t->store, &t->env, &wish, &row, &t->changes, &t->err));
    assert_string_equal(row.network.id, wish.id);
    strcpy(wish.cidr, "10.0.1.0/24");
    CORE_FAILS(t, NT_CONFLICT,
               network_create(t->store, &t->env, &wish, &row, &t->changes, &t->err));
}

static void
networks_are_found_by_id_and_by_label(void **state)
{
    struct core_test *t = *state;
    struct network_row a = core_test_network(t, "a", "10.0.0.0/24");
    struct network_row found;
    struct network_list list;

    core_test_network(t, "b", "10.0.1.0/24");
    core_test_network(t, "b", "10.0.2.0/24");
    CORE_OK(t, network_find(t->store, "a", &found, &t->err));
    assert_string_equal(found.network.id, a.network.id);
    CORE_OK(t, network_find(t->store, a.network.id, &found, &t->err));
    assert_string_equal(found.subnet.cidr, "10.0.0.0/24");
    CORE_FAILS(t, NT_CONFLICT, network_find(t->store, "b", &found, &t->err));
    CORE_FAILS(t, NT_NOT_FOUND, network_find(t->store, "c", &found, &t->err));
    CORE_OK(t, network_list_load(t->store, NULL, &list, &t->err));
    assert_int_equal(list.n, 3);
    assert_string_equal(list.at[2].subnet.cidr, "10.0.2.0/24");
    network_list_clear(&list);
}

static void
only_the_first_claim_of_a_network_counts(void **state)
{
    struct core_test *t = *state;
    struct network_row row = core_test_network(t, "a", "10.0.0.0/24");

    changes_clear(&t->changes);
    CORE_OK(t, network_claim(t->store, &t->env, "x", "br200", &t->changes, &t->err));
    CORE_OK(t, network_claim(t->store, &t->env, "x", "", &t->changes, &t->err));
    assert_int_equal(t->changes.n, 0);
    CORE_OK(t, network_claim(t->store, &t->env, "controller-1", "br100", &t->changes, &t->err));
    CORE_OK(t, network_claim(t->store, &t->env, "controller-2", "br100", &t->changes, &t->err));
    assert_int_equal(t->changes.n, 1);
    assert_int_equal(t->changes.at[0].kind, CHANGE_NETWORK_CLAIMED);
    assert_string_equal(t->changes.at[0].host, "controller-1");
    CORE_OK(t, network_get(t->store, row.network.id, &row, &t->err));
    assert_string_equal(row.network.host, "controller-1");
}

static void
a_view_has_the_addresses_in_use_in_order(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];
    struct nt_network_view *views;
    size_t n;

    core_test_network(t, "novanetwork", "10.0.0.0/24");
    CORE_OK(t, network_claim(t->store, &t->env, "controller-1", "br100", &t->changes, &t->err));
    core_test_report(t, "compute-1", "compute", true);
    core_test_boot(t, "Web_1", id);
    core_test_boot(t, "db", id);
    CORE_OK(t, network_views_of_host(t->store, "controller-1", "br100", &views, &n, &t->err));
    assert_int_equal(n, 1);
    assert_string_equal(views[0].cidr, "10.0.0.0/24");
    assert_string_equal(views[0].host, "controller-1");
    assert_int_equal(views[0].n_entries, 2);
    assert_string_equal(views[0].entries[0].address, "10.0.0.2");
    assert_string_equal(views[0].entries[0].hostname, "web-1");
    assert_memory_equal(views[0].entries[0].mac, "fa:16:3e:", 9);
    assert_true(views[0].entries[0].allocated);
    assert_false(views[0].entries[0].leased);
    assert_string_equal(views[0].entries[1].address, "10.0.0.3");
    assert_string_equal(views[0].entries[1].instance_id, id);
    nt_network_view_clear(&views[0]);
    free(views);
    CORE_OK(t, network_views_of_host(t->store, "other", "br100", &views, &n, &t->err));
    assert_int_equal(n, 0);
    free(views);
}

static void
a_network_in_use_or_owned_is_not_deleted(void **state)
{
    struct core_test *t = *state;
    struct network_create wish = { .name = "owned", .cidr = "10.0.1.0/24", .project_id = "demo" };
    struct network_row used = core_test_network(t, "used", "10.0.0.0/24");
    const struct network_modify free_it = { .project_id = "", .mtu = -1 };
    struct network_row owned;
    struct rows rows;
    char id[NT_UUID_SIZE];

    core_test_report(t, "compute-1", "compute", true);
    core_test_boot(t, "a", id);
    CORE_OK(t, network_create(t->store, &t->env, &wish, &owned, &t->changes, &t->err));
    changes_clear(&t->changes);
    CORE_FAILS(t, NT_CONFLICT, network_delete(t->store, used.network.id, &t->changes, &t->err));
    CORE_FAILS(t, NT_CONFLICT, network_delete(t->store, owned.network.id, &t->changes, &t->err));
    CORE_FAILS(t, NT_NOT_FOUND, network_delete(t->store, "none", &t->changes, &t->err));
    assert_int_equal(t->changes.n, 0);

    CORE_OK(t, instance_end(t->store, &t->env, id, &t->changes, &t->err));
    CORE_OK(t, network_modify(t->store, &t->env, owned.network.id, &free_it, &t->changes, &t->err));
    CORE_OK(t, network_delete(t->store, used.network.id, &t->changes, &t->err));
    CORE_OK(t, network_delete(t->store, owned.network.id, &t->changes, &t->err));
    assert_int_equal(core_test_count(t, CHANGE_NETWORK_DELETED), 2);
    CORE_OK(t, ipam_list(t->store, NULL, &rows, &t->err));
    assert_int_equal(rows.n, 0);
    rows_clear(&rows);
}

static void
what_a_network_is_changed_to(void **state)
{
    struct core_test *t = *state;
    struct network_row row = core_test_network(t, "novanetwork", "10.0.0.0/24");
    struct network_modify wish = { .host = "controller-2", .dns1 = "9.9.9.9", .mtu = -1 };
    char id[NT_UUID_SIZE];

    strcpy(id, row.network.id);
    CORE_FAILS(t, NT_INVALID, network_modify(t->store, &t->env, id, &wish, &t->changes, &t->err));
    core_test_report(t, "controller-2", "network", true);
    changes_clear(&t->changes);
    CORE_OK(t, network_modify(t->store, &t->env, id, &wish, &t->changes, &t->err));
    assert_int_equal(core_test_count(t, CHANGE_NETWORK_UPDATED), 1);
    assert_string_equal(t->changes.at[0].host, "controller-2");
    CORE_OK(t, network_get(t->store, id, &row, &t->err));
    assert_string_equal(row.network.host, "controller-2");
    assert_string_equal(row.subnet.dns1, "9.9.9.9");
    assert_string_equal(row.network.name, "novanetwork");
    assert_int_equal(row.network.revision, 2);

    wish = (struct network_modify){ .host = "", .project_id = "demo", .dns1 = "", .mtu = 1400 };
    CORE_OK(t, network_modify(t->store, &t->env, id, &wish, &t->changes, &t->err));
    CORE_OK(t, network_get(t->store, id, &row, &t->err));
    assert_string_equal(row.network.host, "");
    assert_string_equal(row.network.project_id, "demo");
    assert_string_equal(row.subnet.dns1, "");
    assert_int_equal(row.network.mtu, 1400);

    /* Free again: the next host that asks has it. */
    CORE_OK(t, network_claim(t->store, &t->env, "controller-1", "br100", &t->changes, &t->err));
    CORE_OK(t, network_get(t->store, id, &row, &t->err));
    assert_string_equal(row.network.host, "controller-1");
}

static void
wrong_changes_are_refused(void **state)
{
    struct core_test *t = *state;
    struct network_row row = core_test_network(t, "novanetwork", "10.0.0.0/24");
    const struct network_modify wrong[] = {
        { .name = "", .mtu = -1 },
        { .dns1 = "x", .mtu = -1 },
        { .dns2 = "1.2.3", .mtu = -1 },
        { .mtu = 67 },
        { .mtu = 65536 },
    };
    const struct network_modify nothing = { .mtu = -1 };

    for (size_t i = 0; i < NT_ARRAY_SIZE(wrong); i++) {
        CORE_FAILS(
            t, NT_INVALID,
            network_modify(t->store, &t->env, row.network.id, &wrong[i], &t->changes, &t->err));
    }
    CORE_FAILS(t, NT_NOT_FOUND,
               network_modify(t->store, &t->env, "none", &nothing, &t->changes, &t->err));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(addresses_of_the_network_itself_are_chosen_and_reserved),
        CORE_TEST(a_large_network_makes_no_rows),
        CORE_TEST(dhcp_starts_after_a_gateway_that_is_not_the_first),
        CORE_TEST(wrong_wishes_are_refused),
        CORE_TEST(a_network_needs_a_bridge),
        CORE_TEST(overlapping_ranges_are_refused_in_both_directions),
        CORE_TEST(a_given_id_is_used_once),
        CORE_TEST(networks_are_found_by_id_and_by_label),
        CORE_TEST(only_the_first_claim_of_a_network_counts),
        CORE_TEST(a_view_has_the_addresses_in_use_in_order),
        CORE_TEST(a_network_in_use_or_owned_is_not_deleted),
        CORE_TEST(what_a_network_is_changed_to),
        CORE_TEST(wrong_changes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
