#include <config.h>
#include "host/sysctl.h"

#include <string.h>

#include "base/file.h"
#include "wire/netlink/ns_testing.h"

static int
set_up(void **state)
{
    close(test_enter_fresh_netns());
    return 0;
}

static void
check_value(const char *path, const char *want)
{
    AUTO_FREE char *text = NULL;
    size_t len;

    assert_int_equal(nt_file_read(path, 100, &text, &len), 0);
    assert_string_equal(text, want);
}

static void
forwarding_is_switched_on(void **state)
{
    check_value("/proc/sys/net/ipv4/ip_forward", "0\n");
    assert_int_equal(nt_forwarding_ensure(NULL), 0);
    assert_int_equal(nt_forwarding_ensure(NULL), 0);
    check_value("/proc/sys/net/ipv4/ip_forward", "1\n");
}

static void
bridge_filter_is_switched_on_again(void **state)
{
    const char *path = "/proc/sys/net/bridge/bridge-nf-call-iptables";

    if (access(path, F_OK)) {
        fail_msg("this test needs the kernel's module br_netfilter");
    }
    assert_int_equal(nt_file_put(path, "0"), 0);
    assert_int_equal(nt_bridge_filter_ensure(NULL), 0);
    check_value(path, "1\n");
}

static void
missing_switch_is_named(void **state)
{
    struct nt_err err = { 0 };

    assert_int_equal(nt_sysctl_ensure("net.ipv4.no_such_thing", "1", &err), -1);
    assert_int_equal(err.code, NT_NOT_FOUND);
    assert_non_null(strstr(err.msg, "net.ipv4.no_such_thing"));
}

static void
refused_value_is_a_fault(void **state)
{
    struct nt_err err = { 0 };

    assert_int_equal(nt_sysctl_ensure("net.ipv4.ip_default_ttl", "100000", &err), -1);
    assert_int_equal(err.code, NT_FAULT);
}

int
main(void)
{
    test_needs_root();

    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(forwarding_is_switched_on, set_up),
        cmocka_unit_test_setup(bridge_filter_is_switched_on_again, set_up),
        cmocka_unit_test_setup(missing_switch_is_named, set_up),
        cmocka_unit_test_setup(refused_value_is_a_fault, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
