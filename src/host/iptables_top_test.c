#include <config.h>

#include "host/iptables_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#define SAVED                                    \
    "*filter\n"                                  \
    ":INPUT ACCEPT [0:0]\n"                      \
    ":FORWARD ACCEPT [0:0]\n"                    \
    ":OUTPUT ACCEPT [0:0]\n"                     \
    "[1:1] -A INPUT -s 192.0.2.1/32 -j DROP\n"   \
    "[2:2] -A INPUT -s 192.0.2.2/32 -j ACCEPT\n" \
    "[3:3] -A INPUT -s 192.0.2.3/32 -j DROP\n"   \
    "COMMIT\n"

/* What is done to INPUT with that option; the caller frees. */
static char *
plan_with(const char *regex, const char *bottom)
{
    AUTO(nt_iptables_state) state = nt_iptables_state_new();
    AUTO(nt_iptables_want) want = nt_iptables_want_new(NULL);
    struct nt_iptables_plan plan = { .text = NULL };
    struct nt_err err = { 0 };
    char *found = NULL;

    assert_int_equal(nt_iptables_state_load(state, SAVED, &err), 0);
    nt_iptables_want_top_regex(want, regex);
    nt_iptables_want_bottom_regex(want, bottom);
    nt_iptables_role_init_filter(want, "nova-network", NT_IPTABLES_RANK_NETWORK);
    assert_int_equal(nt_iptables_plan(state, want, &plan, &err), 0);
    assert_non_null(plan.text);

    const char *line = strstr(plan.text, "INPUT 1 -j nova-network-INPUT");
    line = line ? line : strstr(plan.text, "INPUT 3 -j nova-network-INPUT");
    line = line ? line : strstr(plan.text, "INPUT -j nova-network-INPUT");
    assert_non_null(line);
    found = xmemdup0(line, strcspn(line, "\n"));
    nt_iptables_plan_deinit(&plan);
    return found;
}

static void
our_jump_comes_first_without_the_option(void **state)
{
    AUTO_FREE char *none = plan_with(NULL, NULL);
    AUTO_FREE char *other = plan_with("-A OUTPUT", NULL);
    AUTO_FREE char *wrong = plan_with("(", NULL);

    assert_string_equal(none, "INPUT 1 -j nova-network-INPUT");
    assert_string_equal(other, none);
    assert_string_equal(wrong, none);
}

static void
lines_up_to_the_last_match_stay_above(void **state)
{
    AUTO_FREE char *text = plan_with("-A INPUT .* -j ACCEPT", NULL);

    assert_string_equal(text, "INPUT 3 -j nova-network-INPUT");
}

static void
match_counts_from_the_start_of_the_line(void **state)
{
    AUTO_FREE char *text = plan_with("INPUT .* -j ACCEPT", NULL);

    assert_string_equal(text, "INPUT 1 -j nova-network-INPUT");
}

static void
lines_behind_one_that_stays_below_are_not_raised(void **state)
{
    AUTO_FREE char *first = plan_with("-A INPUT .* -j ACCEPT", "-A INPUT -s 192.0.2.1/32 ");
    AUTO_FREE char *last = plan_with("-A INPUT .* -j ACCEPT", "-A INPUT -s 192.0.2.3/32 ");
    AUTO_FREE char *wrong = plan_with("-A INPUT .* -j ACCEPT", "(");

    assert_string_equal(first, "INPUT 1 -j nova-network-INPUT");
    assert_string_equal(last, "INPUT 3 -j nova-network-INPUT");
    assert_string_equal(wrong, last);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_jump_comes_first_without_the_option),
        cmocka_unit_test(lines_up_to_the_last_match_stay_above),
        cmocka_unit_test(lines_behind_one_that_stays_below_are_not_raised),
        cmocka_unit_test(match_counts_from_the_start_of_the_line),
    };

    return cmocka_run_group_tests_name("host/iptables_top", tests, NULL, NULL);
}
