#include <config.h>
#include "host/netns.h"

#include <net/if.h>
#include <string.h>

#include "base/child.h"
#include "wire/netlink/ns_testing.h"
#include "wire/netlink/rtnl.h"

static void
names_are_checked(void **state)
{
    char longest[NT_NETNS_NAME_MAX + 2];
    struct nt_err err = { 0 };

    memset(longest, 'a', sizeof longest);
    longest[NT_NETNS_NAME_MAX + 1] = '\0';
    assert_false(nt_netns_name_is_valid(longest));
    longest[NT_NETNS_NAME_MAX] = '\0';
    assert_true(nt_netns_name_is_valid(longest));
    assert_true(nt_netns_name_is_valid("vm-cirros_2.a"));
    assert_false(nt_netns_name_is_valid(""));
    assert_false(nt_netns_name_is_valid("."));
    assert_false(nt_netns_name_is_valid(".."));
    assert_false(nt_netns_name_is_valid("a/b"));
    assert_false(nt_netns_name_is_valid("a b"));
    assert_int_equal(nt_netns_add("../etc", &err), -1);
    assert_int_equal(err.code, NT_INVALID);
}

static void
added_namespace_has_lo_up_and_serves_ip_netns(void **state)
{
    struct nt_err err = { 0 };
    AUTO(nt_nl) nl = NULL;
    struct nt_nl_link lo;
    int fd;

    if (nt_netns_add("nt-test-a", &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_true(nt_netns_exists("nt-test-a"));
    assert_int_equal(nt_netns_add("nt-test-a", &err), 0);
    assert_int_equal(nt_netns_open("nt-test-a", &fd, &err), 0);
    assert_int_equal(nt_nl_open(fd, &nl), 0);
    assert_int_equal(nt_nl_link_get(nl, "lo", &lo), 0);
    assert_true(lo.flags & IFF_UP);
    close(fd);

    const char *const argv[] = { "ip", "netns", "exec", "nt-test-a", "true", NULL };
    struct nt_child_opts opts = { .argv = argv, .timeout_ms = 10000 };
    if (nt_child_run_blocking(&opts, NULL, &err) < 0) {
        fail_msg("%s", err.msg);
    }

    assert_int_equal(nt_netns_delete("nt-test-a", &err), 0);
    assert_int_equal(nt_netns_delete("nt-test-a", &err), 0);
    assert_false(nt_netns_exists("nt-test-a"));
    assert_int_equal(nt_netns_open("nt-test-a", &fd, &err), -1);
    assert_int_equal(err.code, NT_NOT_FOUND);
}

static void
caller_stays_in_its_own_namespace(void **state)
{
    char before[64] = "", after[64] = "";

    assert_true(readlink("/proc/thread-self/ns/net", before, sizeof before - 1) > 0);
    assert_int_equal(nt_netns_add("nt-test-b", NULL), 0);
    assert_true(readlink("/proc/thread-self/ns/net", after, sizeof after - 1) > 0);
    assert_string_equal(before, after);
    assert_int_equal(nt_netns_delete("nt-test-b", NULL), 0);
}

static void
leftover_file_is_reused(void **state)
{
    int fd = open(NT_NETNS_DIR "/nt-test-c", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    struct nt_err err = { 0 };
    int ns;

    assert_true(fd >= 0);
    close(fd);
    assert_false(nt_netns_exists("nt-test-c"));
    assert_int_equal(nt_netns_open("nt-test-c", &ns, &err), -1);
    assert_int_equal(err.code, NT_NOT_FOUND);
    assert_int_equal(nt_netns_add("nt-test-c", &err), 0);
    assert_true(nt_netns_exists("nt-test-c"));
    assert_int_equal(nt_netns_delete("nt-test-c", &err), 0);
}

int
main(void)
{
    test_needs_root();
    test_hide_run();

    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(added_namespace_has_lo_up_and_serves_ip_netns),
        cmocka_unit_test(caller_stays_in_its_own_namespace),
        cmocka_unit_test(leftover_file_is_reused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
