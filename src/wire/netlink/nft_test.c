#include <config.h>

#include "wire/netlink/nft.h"

#include "base/child.h"
#include "wire/netlink/ns_testing.h"

static int
set_up(void **state)
{
    test_enter_fresh_netns();
    return 0;
}

static void
run(const char *const *argv)
{
    const struct nt_child_opts opts = { .argv = argv, .timeout_ms = 20000 };
    struct nt_err err = { 0 };

    if (nt_child_run_blocking(&opts, NULL, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

#define COMMAND(...) run((const char *const[]){ __VA_ARGS__, NULL })

static void
reading_leaves_it_and_each_transaction_is_one_more(void **state)
{
    uint32_t first = nt_nl_nft_generation();

    assert_int_not_equal(first, 0);
    COMMAND("nft", "list", "ruleset");
    COMMAND("iptables-nft-save");
    assert_int_equal(nt_nl_nft_generation(), first);

    COMMAND("nft", "add", "table", "bridge", "a");
    assert_int_equal(nt_nl_nft_generation(), first + 1);
    COMMAND("nft", "add chain bridge a b; add rule bridge a b drop; add set bridge a c "
                   "{ type ipv4_addr; }");
    assert_int_equal(nt_nl_nft_generation(), first + 2);
    COMMAND("nft", "add", "element", "bridge", "a", "c", "{ 192.0.2.1 }");
    assert_int_equal(nt_nl_nft_generation(), first + 3);
    COMMAND("nft", "flush", "chain", "bridge", "a", "b");
    assert_int_equal(nt_nl_nft_generation(), first + 4);
}

static void
iptables_of_the_nft_variant_counts_and_the_legacy_one_does_not(void **state)
{
    uint32_t first = nt_nl_nft_generation();

    COMMAND("iptables-legacy", "-A", "INPUT", "-j", "DROP");
    assert_int_equal(nt_nl_nft_generation(), first);
    COMMAND("iptables-nft", "-A", "INPUT", "-j", "DROP");

    uint32_t second = nt_nl_nft_generation();

    assert_true(second > first);
    COMMAND("iptables-nft", "-D", "INPUT", "1");
    assert_true(nt_nl_nft_generation() > second);
}

static void
each_namespace_has_its_own(void **state)
{
    COMMAND("nft", "add", "table", "bridge", "a");
    COMMAND("nft", "add", "table", "bridge", "b");

    uint32_t here = nt_nl_nft_generation();

    test_enter_fresh_netns();
    assert_true(nt_nl_nft_generation() < here);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(reading_leaves_it_and_each_transaction_is_one_more, set_up),
        cmocka_unit_test_setup(iptables_of_the_nft_variant_counts_and_the_legacy_one_does_not,
                               set_up),
        cmocka_unit_test_setup(each_namespace_has_its_own, set_up),
    };

    test_needs_root();
    return cmocka_run_group_tests_name("wire/netlink/nft", tests, NULL, NULL);
}
