#include <config.h>

#include "server/core/network_carve.h"

#include "server/core/core_test.h"

static void
put(struct network_carving *c, const char *cidr, int64_t n, int64_t size)
{
    *c = (struct network_carving){ .num_networks = n, .network_size = size };
    c->wish.multi_host = -1;
    strcpy(c->wish.name, "net");
    strcpy(c->wish.cidr, cidr);
}

/* "LABEL CIDR" of each, with blanks between; the caller frees. */
static char *
carve(struct core_test *t, const char *cidr, int64_t n, int64_t size, int *capped)
{
    struct network_carving c;
    struct network_carved made;
    char *text = xstrdup("");

    put(&c, cidr, n, size);
    CORE_OK(t, networks_carve(t->store, &t->env, &c, &made, &t->changes, &t->err));
    *capped = made.capped;
    for (size_t i = 0; i < made.list.n; i++) {
        char *longer = xasprintf("%s%s%s %s", text, i ? " " : "", made.list.at[i].network.name,
                                 made.list.at[i].subnet.cidr);

        free(text);
        text = longer;
    }
    network_list_clear(&made.list);
    return text;
}

static void
check_carved(struct core_test *t, const char *cidr, int64_t n, int64_t size, const char *wanted)
{
    int capped;
    AUTO_FREE char *text = carve(t, cidr, n, size, &capped);

    assert_string_equal(text, wanted);
}

static void
a_range_of_its_own_is_one_network(void **state)
{
    check_carved(*state, "10.0.0.0/16", 0, 0, "net 10.0.0.0/16");
}

static void
several_are_cut_in_order_and_numbered(void **state)
{
    check_carved(*state, "10.0.0.0/16", 3, 256,
                 "net_0 10.0.0.0/24 net_1 10.0.1.0/24 net_2 10.0.2.0/24");
}

static void
without_a_size_the_range_is_divided(void **state)
{
    check_carved(*state, "10.0.0.0/24", 4, 0,
                 "net_0 10.0.0.0/26 net_1 10.0.0.64/26 net_2 10.0.0.128/26 net_3 10.0.0.192/26");
    check_carved(*state, "10.0.1.0/24", 3, 0,
                 "net_0 10.0.1.0/26 net_1 10.0.1.64/26 net_2 10.0.1.128/26");
}

static void
a_size_is_rounded_up(void **state)
{
    check_carved(*state, "10.0.0.0/24", 2, 20, "net_0 10.0.0.0/27 net_1 10.0.0.32/27");
}

static void
what_would_be_too_large_is_capped_and_told(void **state)
{
    struct core_test *t = *state;
    int capped;
    AUTO_FREE char *two = carve(t, "10.0.0.0/16", 2, 0, &capped);

    assert_string_equal(two, "net_0 10.0.0.0/24 net_1 10.0.1.0/24");
    assert_int_equal(capped, 24);

    t->env.fixed_range = "10.1.0.0/16";
    AUTO_FREE char *fixed = carve(t, "", 0, 0, &capped);
    assert_string_equal(fixed, "net 10.1.0.0/24");
    assert_int_equal(capped, 24);

    t->env.network_size = 64;
    t->env.network_size_is_set = true;
    AUTO_FREE char *set = carve(t, "10.2.0.0/16", 0, 0, &capped);
    assert_string_equal(set, "net 10.2.0.0/26");
    assert_int_equal(capped, 26);

    AUTO_FREE char *named = carve(t, "10.3.0.0/16", 0, 65536, &capped);
    assert_string_equal(named, "net 10.3.0.0/16");
    assert_int_equal(capped, 0);
}

static void
options_say_how_many_and_where_from(void **state)
{
    struct core_test *t = *state;

    t->env.fixed_range = "10.0.0.0/22";
    t->env.num_networks = 2;
    check_carved(t, "", 0, 0, "net_0 10.0.0.0/24 net_1 10.0.1.0/24");
}

static void
what_is_there_already_is_passed_over(void **state)
{
    struct core_test *t = *state;

    core_test_network(t, "old", "10.0.1.0/24");
    check_carved(t, "10.0.0.0/22", 3, 256, "net_0 10.0.0.0/24 net_1 10.0.2.0/24 net_2 10.0.3.0/24");
}

static void
what_does_not_fit_is_refused_whole(void **state)
{
    struct core_test *t = *state;
    static const struct {
        const char *cidr;
        int64_t n, size;
        int code;
        const char *words;
    } cases[] = {
        { "", 0, 0, NT_INVALID, "cidr is missing" },
        { "10.0.0.0/24", 3, 128, NT_INVALID, "does not hold 3 networks of 128" },
        { "10.0.0.0/24", 0, 512, NT_INVALID, "does not hold 1 networks of 512" },
        { "10.0.0.0/24", 2000, 4, NT_INVALID, "num_networks" },
        { "10.0.0.0/24", 1, 2, NT_INVALID, "network_size" },
        { "10.9.0.0/24", 0, 0, NT_CONFLICT, "already in use" },
        { "10.9.0.0/22", 4, 256, NT_CONFLICT, "already in use" },
        { "10.9.0.0/23", 2, 128, NT_CONFLICT, "overlaps" },
        { "10.9.0.0/16", 1, 65536, NT_CONFLICT, "overlaps" },
    };

    core_test_network(t, "old", "10.9.0.0/24");
    for (size_t i = 0; i < NT_ARRAY_SIZE(cases); i++) {
        struct network_carving c;
        struct network_carved made;

        put(&c, cases[i].cidr, cases[i].n, cases[i].size);
        CORE_FAILS(t, cases[i].code,
                   networks_carve(t->store, &t->env, &c, &made, &t->changes, &t->err));
        if (!strstr(t->err.msg, cases[i].words)) {
            fail_msg("case %zu: %s", i, t->err.msg);
        }
    }
}

static void
what_only_one_can_have_is_refused_for_several(void **state)
{
    struct core_test *t = *state;
    struct network_carving c;
    struct network_carved made;

    put(&c, "10.0.0.0/16", 2, 256);
    strcpy(c.wish.gateway_ip, "10.0.0.1");
    CORE_FAILS(t, NT_INVALID, networks_carve(t->store, &t->env, &c, &made, &t->changes, &t->err));
    assert_non_null(strstr(t->err.msg, "gateway"));
}

static void
mtu_of_the_option_where_none_is_named(void **state)
{
    struct core_test *t = *state;
    struct network_create wish = { .name = "b", .cidr = "10.1.0.0/24", .mtu = 9000 };
    struct network_row row;

    t->env.network_device_mtu = 1400;
    assert_int_equal(core_test_network(t, "a", "10.0.0.0/24").network.mtu, 1400);
    CORE_OK(t, network_create(t->store, &t->env, &wish, &row, &t->changes, &t->err));
    assert_int_equal(row.network.mtu, 9000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(a_range_of_its_own_is_one_network),
        CORE_TEST(several_are_cut_in_order_and_numbered),
        CORE_TEST(without_a_size_the_range_is_divided),
        CORE_TEST(a_size_is_rounded_up),
        CORE_TEST(what_would_be_too_large_is_capped_and_told),
        CORE_TEST(options_say_how_many_and_where_from),
        CORE_TEST(what_is_there_already_is_passed_over),
        CORE_TEST(what_does_not_fit_is_refused_whole),
        CORE_TEST(what_only_one_can_have_is_refused_for_several),
        CORE_TEST(mtu_of_the_option_where_none_is_named),
    };

    return cmocka_run_group_tests_name("core/network_carve", tests, NULL, NULL);
}
