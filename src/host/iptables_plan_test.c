#include <config.h>

#include "host/iptables_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"

#define FILTER NT_IPTABLES_FILTER

static struct nt_iptables_state *
load(const char *text)
{
    struct nt_iptables_state *state = nt_iptables_state_new();
    struct nt_err err = { 0 };

    if (nt_iptables_state_load(state, text, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return state;
}

/* Plans, applies the plan to 'state' and proves that nothing is left to do. */
static struct nt_iptables_plan
converge(struct nt_iptables_state *state, const struct nt_iptables_want *want)
{
    struct nt_iptables_plan plan, again;
    struct nt_err err = { 0 };

    assert_int_equal(nt_iptables_plan(state, want, &plan, &err), 0);
    if (plan.text && nt_iptables_state_load(state, plan.text, &err) < 0) {
        fail_msg("%s in\n%s", err.msg, plan.text);
    }
    assert_int_equal(nt_iptables_plan(state, want, &again, &err), 0);
    if (again.text) {
        fail_msg("not settled after\n%sbut\n%s", plan.text, again.text);
    }
    return plan;
}

static void
converges_to(struct nt_iptables_state *state, const struct nt_iptables_want *want, const char *text)
{
    struct nt_iptables_plan plan = converge(state, want);

    if (text) {
        assert_non_null(plan.text);
        assert_string_equal(plan.text, text);
    } else {
        assert_null(plan.text);
    }
    nt_iptables_plan_deinit(&plan);
}

/* The rules of one chain of the filter table, one per line. */
static char *
list(const struct nt_iptables_state *state, const char *table, const char *chain)
{
    const struct nt_iptables_saved_chain *c =
        nt_iptables_saved_chain_find(nt_iptables_state_table(state, table), chain);
    struct ds s = DS_EMPTY_INITIALIZER;

    assert_non_null(c);
    for (size_t i = 0; i < c->n_rules; i++) {
        ds_put_format(&s, "%s\n", c->rules[i].text);
    }
    return ds_steal_cstr(&s);
}

#define CHECK_LIST(STATE, TABLE, CHAIN, TEXT)                 \
    do {                                                      \
        AUTO_FREE char *got_ = list((STATE), (TABLE), CHAIN); \
        assert_string_equal(got_, TEXT);                      \
    } while (0)

static struct nt_iptables_want *
one_chain(const char *const *rules)
{
    struct nt_iptables_want *want = nt_iptables_want_new(NULL);

    nt_iptables_role_claim(want, "nova-compute", NT_IPTABLES_RANK_COMPUTE);

    struct nt_iptables_chain *chain = nt_iptables_chain(want, FILTER, "nova-compute-inst-1");

    for (; *rules; rules++) {
        nt_iptables_rule(chain, *rules);
    }
    return want;
}

#define ONE_CHAIN(...) one_chain((const char *const[]){ __VA_ARGS__, NULL })
#define INST1 "*filter\n:nova-compute-inst-1 - [0:0]\n"

static void
first_plan_makes_everything_and_the_second_nothing(void **arg)
{
    AUTO(nt_iptables_want) want = nt_iptables_want_new(NULL);
    AUTO(nt_iptables_state) state = nt_iptables_state_new();

    nt_iptables_role_init(want, "nova-compute", NT_IPTABLES_RANK_COMPUTE);
    converges_to(state, want,
                 "*filter\n"
                 ":nova-compute-local - [0:0]\n"
                 ":nova-compute-INPUT - [0:0]\n"
                 ":nova-compute-OUTPUT - [0:0]\n"
                 ":nova-compute-FORWARD - [0:0]\n"
                 ":nova-filter-top - [0:0]\n"
                 "[0:0] -A FORWARD -j nova-filter-top\n"
                 "[0:0] -A FORWARD -j nova-compute-FORWARD\n"
                 "[0:0] -A OUTPUT -j nova-filter-top\n"
                 "[0:0] -A OUTPUT -j nova-compute-OUTPUT\n"
                 "[0:0] -A nova-filter-top -j nova-compute-local\n"
                 "[0:0] -A INPUT -j nova-compute-INPUT\n"
                 "COMMIT\n"
                 "*nat\n"
                 ":nova-compute-PREROUTING - [0:0]\n"
                 ":nova-compute-OUTPUT - [0:0]\n"
                 ":nova-compute-POSTROUTING - [0:0]\n"
                 ":nova-compute-snat - [0:0]\n"
                 ":nova-compute-float-snat - [0:0]\n"
                 ":nova-postrouting-bottom - [0:0]\n"
                 "[0:0] -A nova-compute-snat -j nova-compute-float-snat\n"
                 "[0:0] -A PREROUTING -j nova-compute-PREROUTING\n"
                 "[0:0] -A OUTPUT -j nova-compute-OUTPUT\n"
                 "[0:0] -A POSTROUTING -j nova-compute-POSTROUTING\n"
                 "[0:0] -A POSTROUTING -j nova-postrouting-bottom\n"
                 "[0:0] -A nova-postrouting-bottom -j nova-compute-snat\n"
                 "COMMIT\n");
    converges_to(state, want, NULL);
}

static void
one_changed_rule_is_one_edit_and_needs_no_reading(void **arg)
{
    AUTO(nt_iptables_state)
    state = load(INST1 "[5:500] -A nova-compute-inst-1 -s 10.0.0.1/32 -j A\n"
                       "[6:600] -A nova-compute-inst-1 -j C\n"
                       "[7:700] -A nova-compute-inst-1 -j DROP\n"
                       "COMMIT\n");
    AUTO(nt_iptables_want) want = ONE_CHAIN("-s 10.0.0.1 -j A", "-j B", "-j DROP");
    struct nt_iptables_plan plan = converge(state, want);

    assert_string_equal(plan.text, "*filter\n"
                                   "-D nova-compute-inst-1 -j C\n"
                                   "[0:0] -I nova-compute-inst-1 2 -j B\n"
                                   "COMMIT\n");
    assert_false(plan.needs_fresh);
    nt_iptables_plan_deinit(&plan);
}

static void
reordered_chain_is_declared_anew_with_its_counters(void **arg)
{
    AUTO(nt_iptables_state)
    state = load(INST1 "[5:500] -A nova-compute-inst-1 -j A\n"
                       "[6:600] -A nova-compute-inst-1 -j B\n"
                       "COMMIT\n");
    AUTO(nt_iptables_want) want = ONE_CHAIN("-j B", "-j A", "-j NEW");
    struct nt_iptables_plan plan = converge(state, want);

    assert_string_equal(plan.text, INST1 "[6:600] -A nova-compute-inst-1 -j B\n"
                                         "[5:500] -A nova-compute-inst-1 -j A\n"
                                         "[0:0] -A nova-compute-inst-1 -j NEW\n"
                                         "COMMIT\n");
    assert_true(plan.needs_fresh);
    nt_iptables_plan_deinit(&plan);
}

static void
stray_copies_of_a_rule_go_and_the_order_stays(void **arg)
{
    static const char *const bodies[] = {
        "XYX", "XXY", "XYXY", "YX", "YXY", "X", "", "ZXY", "XZYX"
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(bodies); i++) {
        struct ds s = DS_EMPTY_INITIALIZER;

        ds_put_cstr(&s, INST1);
        for (const char *p = bodies[i]; *p; p++) {
            ds_put_format(&s, "-A nova-compute-inst-1 -j %c\n", *p);
        }
        ds_put_cstr(&s, "COMMIT\n");

        AUTO(nt_iptables_state) state = load(ds_cstr(&s));
        AUTO(nt_iptables_want) want = ONE_CHAIN("-j X", "-j Y");
        struct nt_iptables_plan plan = converge(state, want);

        CHECK_LIST(state, "filter", "nova-compute-inst-1", "-j X\n-j Y\n");
        nt_iptables_plan_deinit(&plan);
        ds_destroy(&s);
    }
}

static void
unwanted_chain_goes_after_the_jumps_to_it(void **arg)
{
    AUTO(nt_iptables_state)
    state = load("*filter\n"
                 ":INPUT ACCEPT [0:0]\n"
                 ":theirs - [0:0]\n"
                 ":nova-compute-inst-1 - [0:0]\n"
                 ":nova-compute-inst-10 - [0:0]\n"
                 ":nova-compute-local - [0:0]\n"
                 "-A INPUT -j nova-compute-inst-10\n"
                 "-A theirs -j nova-compute-inst-10\n"
                 "-A theirs -j nova-compute-inst-1\n"
                 "-A nova-compute-local -d 10.0.0.2/32 -j nova-compute-inst-1\n"
                 "-A nova-compute-local -d 10.0.0.3/32 -j nova-compute-inst-10\n"
                 "COMMIT\n");
    AUTO(nt_iptables_want) want = nt_iptables_want_new(NULL);

    nt_iptables_role_claim(want, "nova-compute", NT_IPTABLES_RANK_COMPUTE);
    nt_iptables_chain(want, FILTER, "nova-compute-inst-1");
    nt_iptables_rule(nt_iptables_chain(want, FILTER, "nova-compute-local"),
                     "-d 10.0.0.2 -j nova-compute-inst-1");
    converges_to(state, want,
                 "*filter\n"
                 "-D nova-compute-local -d 10.0.0.3/32 -j nova-compute-inst-10\n"
                 "-D INPUT -j nova-compute-inst-10\n"
                 "-D theirs -j nova-compute-inst-10\n"
                 "-F nova-compute-inst-10\n"
                 "-X nova-compute-inst-10\n"
                 "COMMIT\n");
}

static void
a_longer_program_name_is_another_program(void **arg)
{
    AUTO(nt_iptables_state)
    state = load("*filter\n"
                 ":INPUT ACCEPT [0:0]\n"
                 ":nova-api-metadata-INPUT - [0:0]\n"
                 ":nova-api-metadata-local - [0:0]\n"
                 ":nova-apix-INPUT - [0:0]\n"
                 ":nova-api-old - [0:0]\n"
                 "-A INPUT -j nova-api-metadata-INPUT\n"
                 "-A nova-api-metadata-INPUT -j ACCEPT\n"
                 "COMMIT\n");
    AUTO(nt_iptables_want) want = nt_iptables_want_new(NULL);

    nt_iptables_role_claim(want, "nova-api", NT_IPTABLES_RANK_API);
    converges_to(state, want, "*filter\n-F nova-api-old\n-X nova-api-old\nCOMMIT\n");
}

static void
roles_stand_in_order_of_rank_whoever_starts_last(void **arg)
{
    static const char *const names[] = { "nova-network", "nova-compute", "nova-api" };
    static const int orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                                     { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

    for (size_t i = 0; i < NT_ARRAY_SIZE(orders); i++) {
        AUTO(nt_iptables_state)
        state = load("*filter\n"
                     ":FORWARD ACCEPT [0:0]\n"
                     "[4:4] -A FORWARD -j THEIRS\n"
                     "COMMIT\n");

        for (int j = 0; j < 3; j++) {
            AUTO(nt_iptables_want) want = nt_iptables_want_new(NULL);
            int role = orders[i][j];

            nt_iptables_role_init(want, names[role], (unsigned) role);

            struct nt_iptables_plan plan = converge(state, want);

            nt_iptables_plan_deinit(&plan);
        }
        CHECK_LIST(state, "filter", "FORWARD",
                   "-j nova-filter-top\n-j nova-network-FORWARD\n-j nova-compute-FORWARD\n"
                   "-j nova-api-FORWARD\n-j THEIRS\n");
        CHECK_LIST(state, "filter", "nova-filter-top",
                   "-j nova-network-local\n-j nova-compute-local\n-j nova-api-local\n");
        CHECK_LIST(state, "nat", "POSTROUTING",
                   "-j nova-network-POSTROUTING\n-j nova-compute-POSTROUTING\n"
                   "-j nova-api-POSTROUTING\n-j nova-postrouting-bottom\n");
    }
}

static void
our_lines_move_back_above_a_foreign_one_with_their_counters(void **arg)
{
    AUTO(nt_iptables_state)
    state = load("*mangle\n"
                 ":POSTROUTING ACCEPT [0:0]\n"
                 ":nova-network-POSTROUTING - [0:0]\n"
                 "[1:1] -A POSTROUTING -j THEIRS\n"
                 "[5:50] -A POSTROUTING -j nova-network-POSTROUTING\n"
                 "[2:2] -A POSTROUTING -j THEIRS\n"
                 "COMMIT\n");
    AUTO(nt_iptables_want) want = nt_iptables_want_new(NULL);

    nt_iptables_role_mangle(want, "nova-network", NT_IPTABLES_RANK_NETWORK);

    struct nt_iptables_plan plan = converge(state, want);

    assert_string_equal(plan.text, "*mangle\n"
                                   "-D POSTROUTING -j nova-network-POSTROUTING\n"
                                   "[5:50] -I POSTROUTING 1 -j nova-network-POSTROUTING\n"
                                   "COMMIT\n");
    assert_true(plan.needs_fresh);
    nt_iptables_plan_deinit(&plan);
}

static void
releasing_all_roles_leaves_nothing_and_other_programs_alone(void **arg)
{
    AUTO(nt_iptables_state) state = nt_iptables_state_new();
    AUTO(nt_iptables_want) compute = nt_iptables_want_new("neutrino-compute");
    AUTO(nt_iptables_want) network = nt_iptables_want_new(NULL);
    AUTO(nt_iptables_want) no_compute = nt_iptables_want_new(NULL);
    AUTO(nt_iptables_want) no_network = nt_iptables_want_new(NULL);
    struct nt_iptables_plan plan;

    nt_iptables_role_init(compute, "nova-compute", NT_IPTABLES_RANK_COMPUTE);
    nt_iptables_role_init(network, "nova-network", NT_IPTABLES_RANK_NETWORK);
    nt_iptables_role_claim(no_compute, "nova-compute", NT_IPTABLES_RANK_COMPUTE);
    nt_iptables_role_claim(no_network, "nova-network", NT_IPTABLES_RANK_NETWORK);

    plan = converge(state, network);
    nt_iptables_plan_deinit(&plan);

    AUTO_FREE char *before = list(state, "filter", "FORWARD");

    plan = converge(state, compute);
    nt_iptables_plan_deinit(&plan);
    converges_to(state, network, NULL);
    plan = converge(state, no_compute);
    nt_iptables_plan_deinit(&plan);
    CHECK_LIST(state, "filter", "FORWARD", before);
    plan = converge(state, no_network);
    nt_iptables_plan_deinit(&plan);
    CHECK_LIST(state, "filter", "FORWARD", "");
    assert_null(nt_iptables_saved_chain_find(nt_iptables_state_table(state, "filter"),
                                             NT_IPTABLES_FILTER_TOP));
}

static void
table_that_iptables_cannot_show_is_refused(void **arg)
{
    AUTO(nt_iptables_state) state = load("# Table `filter' is incompatible, use 'nft' tool.\n");
    AUTO(nt_iptables_want) want = ONE_CHAIN("-j DROP");
    struct nt_iptables_plan plan;
    struct nt_err err = { 0 };

    assert_int_equal(nt_iptables_plan(state, want, &plan, &err), -1);
    assert_int_equal(err.code, NT_UNSUPPORTED);
}

static void
wants_are_compared_and_printed(void **arg)
{
    AUTO(nt_iptables_want) a = ONE_CHAIN("-j X", "-j X", "-s 10.0.0.7/24 -j Y");
    AUTO(nt_iptables_want) b = ONE_CHAIN("-j X", "-s 10.0.0.0/24 -j Y");
    AUTO(nt_iptables_want) c = ONE_CHAIN("-j X");
    AUTO(nt_iptables_want) noted = nt_iptables_want_new("neutrino");
    AUTO_FREE char *text = nt_iptables_want_dump(a);

    assert_true(nt_iptables_want_equal(a, b));
    assert_false(nt_iptables_want_equal(a, c));
    assert_string_equal(text, "owner nova-compute 1\n"
                              "*filter\n"
                              "chain nova-compute-inst-1\n"
                              "    -j X\n"
                              "    -s 10.0.0.0/24 -j Y\n"
                              "*nat\n*mangle\n");

    nt_iptables_role_claim(noted, "nova-api-metadata", 0);
    nt_iptables_rule_note(nt_iptables_chain(noted, NT_IPTABLES_NAT, "nova-api-metadat-snat"), "why",
                          "-j X");

    AUTO_FREE char *noted_text = nt_iptables_want_dump(noted);

    assert_non_null(strstr(noted_text, "    -m comment --comment \"neutrino: why\" -j X\n"));
}

static struct nt_iptables_want *
many_instances(int n)
{
    struct nt_iptables_want *want = nt_iptables_want_new(NULL);

    nt_iptables_role_init(want, "nova-compute", NT_IPTABLES_RANK_COMPUTE);

    struct nt_iptables_chain *local = nt_iptables_chain(want, FILTER, "nova-compute-local");

    for (int i = 0; i < n; i++) {
        char name[32], text[96];

        snprintf(name, sizeof name, "nova-compute-inst-%d", i);
        snprintf(text, sizeof text, "-d 10.0.%d.%d/32 -j %s", i / 250, i % 250 + 1, name);
        nt_iptables_rule(local, text);

        struct nt_iptables_chain *chain = nt_iptables_chain(want, FILTER, name);

        for (int j = 0; j < 10; j++) {
            snprintf(text, sizeof text, "-s 10.1.%d.%d/32 -j ACCEPT", i / 250, j);
            nt_iptables_rule(chain, text);
        }
    }
    return want;
}

static void
one_more_instance_among_a_thousand_is_a_small_plan(void **arg)
{
    AUTO(nt_iptables_state) state = nt_iptables_state_new();
    AUTO(nt_iptables_want) before = many_instances(1000);
    AUTO(nt_iptables_want) after = many_instances(1001);
    struct nt_iptables_plan plan = converge(state, before);
    size_t full = plan.n_edits;

    nt_iptables_plan_deinit(&plan);

    struct nt_err err = { 0 };
    assert_int_equal(nt_iptables_plan(state, after, &plan, &err), 0);
    assert_true(full > 11000);
    assert_int_equal(plan.n_edits, 12);
    assert_false(plan.needs_fresh);
    nt_iptables_plan_deinit(&plan);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_plan_makes_everything_and_the_second_nothing),
        cmocka_unit_test(one_changed_rule_is_one_edit_and_needs_no_reading),
        cmocka_unit_test(reordered_chain_is_declared_anew_with_its_counters),
        cmocka_unit_test(stray_copies_of_a_rule_go_and_the_order_stays),
        cmocka_unit_test(unwanted_chain_goes_after_the_jumps_to_it),
        cmocka_unit_test(a_longer_program_name_is_another_program),
        cmocka_unit_test(roles_stand_in_order_of_rank_whoever_starts_last),
        cmocka_unit_test(our_lines_move_back_above_a_foreign_one_with_their_counters),
        cmocka_unit_test(releasing_all_roles_leaves_nothing_and_other_programs_alone),
        cmocka_unit_test(table_that_iptables_cannot_show_is_refused),
        cmocka_unit_test(wants_are_compared_and_printed),
        cmocka_unit_test(one_more_instance_among_a_thousand_is_a_small_plan),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
