#include <config.h>

#include "server/core/quotas.h"

#include "server/core/core_test.h"

static void
make_cloud(struct core_test *t)
{
    core_test_network(t, "novanetwork", "10.0.0.0/24");
    core_test_report(t, "compute-1", "compute", true);
}

static int
check(struct core_test *t, int64_t more, int64_t used)
{
    const struct quota_wish wish = { QUOTA_SECURITY_GROUP_RULES, "demo", more, used };

    return quota_check(t->store, &t->env, &wish, &t->err);
}

static void
names_are_found_again(void **state)
{
    for (enum quota q = 0; q < QUOTA_N; q++) {
        assert_int_equal(quota_find(quota_name(q)), q);
    }
    assert_int_equal(quota_find("gold"), QUOTA_N);
}

static void
the_last_one_fits_and_the_next_does_not(void **state)
{
    struct core_test *t = *state;

    t->env.quotas[QUOTA_SECURITY_GROUP_RULES] = 5;
    CORE_OK(t, check(t, 5, 0));
    CORE_OK(t, check(t, 1, 4));
    CORE_FAILS(t, NT_EXHAUSTED, check(t, 1, 5));
    assert_string_equal(t->err.msg,
                        "Quota exceeded for security_group_rules: Requested 1, but already used 5 "
                        "of 5 security_group_rules");
    CORE_FAILS(t, NT_EXHAUSTED, check(t, 6, 0));
    CORE_FAILS(t, NT_EXHAUSTED, check(t, 1, 7)); /* The limit was lowered. */
    CORE_FAILS(t, NT_EXHAUSTED, check(t, INT64_MAX, 3));
    CORE_OK(t, check(t, 0, 7));
}

static void
a_projects_own_limit_goes_before_the_configured_one(void **state)
{
    struct core_test *t = *state;
    int64_t limit;

    CORE_OK(t, quota_set(t->store, QUOTA_SECURITY_GROUP_RULES, "demo", 1, &t->err));
    CORE_FAILS(t, NT_EXHAUSTED, check(t, 2, 0));
    CORE_OK(t, quota_set(t->store, QUOTA_SECURITY_GROUP_RULES, "demo", -1, &t->err));
    CORE_OK(t, check(t, 1000000, 0));
    CORE_FAILS(t, NT_INVALID, quota_set(t->store, QUOTA_SECURITY_GROUP_RULES, "demo", -2, &t->err));
    CORE_OK(t,
            quota_limit(t->store, &t->env, QUOTA_SECURITY_GROUP_RULES, "other", &limit, &t->err));
    assert_int_equal(limit, 20);
    CORE_OK(t, quota_reset(t->store, "demo", &t->err));
    CORE_OK(t, quota_limit(t->store, &t->env, QUOTA_SECURITY_GROUP_RULES, "demo", &limit, &t->err));
    assert_int_equal(limit, 20);
}

/* One boot of m1.tiny (512 MB, 1 VCPU, one address) fits, a second does not;.
 * than the limit, the second boot does. */
static void
expect_limit(struct core_test *t, enum quota quota, int64_t one, const char *name)
{
    char id[NT_UUID_SIZE];
    int64_t used;

    CORE_OK(t, quota_set(t->store, quota, "demo", one, &t->err));
    CORE_OK(t, core_test_try_boot(t, "a", NULL, 0, id));
    CORE_OK(t, quota_used(t->store, quota, "demo", &used, &t->err));
    assert_int_equal(used, one);
    CORE_OK(t, store_savepoint(t->store, &t->err));
    CORE_FAILS(t, NT_EXHAUSTED, core_test_try_boot(t, "b", NULL, 0, id));
    store_rollback_to(t->store);
    assert_non_null(strstr(t->err.msg, name));
    CORE_OK(t, quota_set(t->store, quota, "demo", 2 * one, &t->err));
    CORE_OK(t, core_test_try_boot(t, "b", NULL, 0, id));
}

static void
instances_are_limited(void **state)
{
    make_cloud(*state);
    expect_limit(*state, QUOTA_INSTANCES, 1, "for instances");
}

static void
cores_are_limited(void **state)
{
    make_cloud(*state);
    expect_limit(*state, QUOTA_CORES, 1, "for cores");
}

static void
memory_is_limited(void **state)
{
    make_cloud(*state);
    expect_limit(*state, QUOTA_RAM, 512, "for ram");
}

static void
fixed_addresses_are_limited(void **state)
{
    make_cloud(*state);
    expect_limit(*state, QUOTA_FIXED_IPS, 1, "for fixed_ips");
}

static void
what_is_gone_counts_no_more_and_other_projects_never(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE], other[NT_UUID_SIZE];

    make_cloud(t);
    t->env.quotas[QUOTA_INSTANCES] = 1;
    CORE_OK(t, core_test_try_boot(t, "a", NULL, 0, id));
    CORE_OK(t, instance_end(t->store, &t->env, id, &t->changes, &t->err));
    CORE_OK(t, core_test_try_boot(t, "b", NULL, 0, other));

    const struct quota_wish wish = { QUOTA_INSTANCES, "somebody", 1, QUOTA_COUNT };
    CORE_OK(t, quota_check(t->store, &t->env, &wish, &t->err));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_again),
        CORE_TEST(the_last_one_fits_and_the_next_does_not),
        CORE_TEST(a_projects_own_limit_goes_before_the_configured_one),
        CORE_TEST(instances_are_limited),
        CORE_TEST(cores_are_limited),
        CORE_TEST(memory_is_limited),
        CORE_TEST(fixed_addresses_are_limited),
        CORE_TEST(what_is_gone_counts_no_more_and_other_projects_never),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
