#include <config.h>

#include "server/core/provider_rules.h"

#include "server/core/core_test.h"
#include "server/core/security_rules.h"

static struct nt_security_rule
rule_of(const char *protocol, int64_t min, int64_t max, const char *cidr)
{
    struct nt_security_rule rule = { .port_range_min = min, .port_range_max = max };

    strcpy(rule.protocol, protocol);
    strcpy(rule.remote_ip_prefix, cidr);
    return rule;
}

static void
made_and_listed_in_one_written_form(void **state)
{
    struct core_test *t = *state;
    struct nt_security_rule rule = rule_of("TCP", 25, 25, "10.1.2.3/8");
    struct rows rows;

    CORE_OK(t, provider_rule_create(t->store, &t->env, &rule, &t->changes, &t->err));
    assert_int_equal(t->changes.at[t->changes.n - 1].kind, CHANGE_SECURITY_RULES);
    assert_string_equal(t->changes.at[t->changes.n - 1].security_group_id, NT_PROVIDER_GROUP);
    CORE_OK(t, provider_rule_list(t->store, &rows, &t->err));
    assert_int_equal(rows.n, 1);

    const struct nt_security_rule *listed = ROW(const struct nt_security_rule, &rows, 0);
    assert_string_equal(listed->protocol, "tcp");
    assert_string_equal(listed->remote_ip_prefix, "10.0.0.0/8");
    assert_string_equal(listed->ethertype, "IPv4");
    assert_true(nt_security_rule_equal(listed, &rule));
    rows_clear(&rows);

    CORE_OK(t, provider_rule_delete(t->store, rule.id, &t->changes, &t->err));
    CORE_FAILS(t, NT_NOT_FOUND, provider_rule_delete(t->store, rule.id, &t->changes, &t->err));
}

static void
wrong_and_equal_ones_are_refused(void **state)
{
    struct core_test *t = *state;
    static const struct {
        const char *protocol, *cidr;
        int64_t min, max;
        int code;
    } cases[] = {
        { "", "10.0.0.0/8", -1, -1, NT_INVALID },    { "tcp", "", 1, 1, NT_INVALID },
        { "sctp", "10.0.0.0/8", 1, 1, NT_INVALID },  { "tcp", "10.0.0.0/8", 2, 1, NT_INVALID },
        { "icmp", "10.0.0.0/8", -1, 4, NT_INVALID }, { "tcp", "10.0.0.0/8", 7, 7, NT_CONFLICT },
    };
    struct nt_security_rule first = rule_of("6", 7, 7, "10.9.9.9/8");

    CORE_OK(t, provider_rule_create(t->store, &t->env, &first, &t->changes, &t->err));
    for (size_t i = 0; i < NT_ARRAY_SIZE(cases); i++) {
        struct nt_security_rule rule =
            rule_of(cases[i].protocol, cases[i].min, cases[i].max, cases[i].cidr);

        CORE_FAILS(t, cases[i].code,
                   provider_rule_create(t->store, &t->env, &rule, &t->changes, &t->err));
    }
}

static void
there_is_an_end_to_them(void **state)
{
    struct core_test *t = *state;
    struct nt_security_rule rule;

    for (int i = 1; i <= PROVIDER_RULES_MAX; i++) {
        rule = rule_of("udp", i, i, "10.0.0.0/8");
        CORE_OK(t, provider_rule_create(t->store, &t->env, &rule, &t->changes, &t->err));
    }
    rule = rule_of("tcp", 1, 1, "10.0.0.0/8");
    CORE_FAILS(t, NT_EXHAUSTED,
               provider_rule_create(t->store, &t->env, &rule, &t->changes, &t->err));
}

static void
every_compute_host_is_told_also_without_guests(void **state)
{
    struct core_test *t = *state;
    struct nt_security_rule rule = rule_of("tcp", 25, 25, "0.0.0.0/0");
    const struct nt_uuid_text asked[] = { { NT_PROVIDER_GROUP } };
    const struct nt_uuid_text other[] = { { "99999999-9999-4999-8999-999999999999" } };
    struct shash hosts = SHASH_INITIALIZER(&hosts);
    struct nt_security_result result;

    core_test_report(t, "compute-1", "compute", true);
    core_test_report(t, "compute-2", "compute", true);
    core_test_report(t, "controller-1", "network", true);
    CORE_OK(t, provider_rule_create(t->store, &t->env, &rule, &t->changes, &t->err));
    CORE_OK(t, security_hosts_in_group(t->store, NT_PROVIDER_GROUP, &hosts, &t->err));
    assert_int_equal(shash_count(&hosts), 2);
    assert_false(shash_find(&hosts, "controller-1"));
    shash_destroy(&hosts);

    CORE_OK(t, security_of_host(t->store, "compute-1", NULL, 0, &result, &t->err));
    assert_int_equal(result.n_groups, 1);
    assert_string_equal(result.groups[0].id, NT_PROVIDER_GROUP);
    security_result_clear(&result);
    CORE_OK(t, security_of_host(t->store, "compute-1", asked, 1, &result, &t->err));
    assert_int_equal(result.n_groups, 1);
    security_result_clear(&result);
    CORE_OK(t, security_of_host(t->store, "compute-1", other, 1, &result, &t->err));
    assert_int_equal(result.n_groups, 0);
    security_result_clear(&result);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(made_and_listed_in_one_written_form),
        CORE_TEST(wrong_and_equal_ones_are_refused),
        CORE_TEST(there_is_an_end_to_them),
        CORE_TEST(every_compute_host_is_told_also_without_guests),
    };

    return cmocka_run_group_tests_name("server/core/provider_rules", tests, NULL, NULL);
}
