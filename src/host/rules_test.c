#include <config.h>

#include "host/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

static struct nt_cidr
cidr(const char *text)
{
    struct nt_cidr c = { 0 };

    assert_true(nt_cidr_parse(text, &c));
    return c;
}

static uint32_t
ip(const char *text)
{
    uint32_t a = 0;

    assert_true(nt_ip4_parse(text, &a));
    return a;
}

#define CHECK(EXPR, TEXT)                \
    do {                                 \
        AUTO_FREE char *got_ = (EXPR);   \
        assert_string_equal(got_, TEXT); \
    } while (0)

static void
network_rules_are_printed_as_the_kernel_prints_them(void **state)
{
    struct nt_cidr range = cidr("10.0.0.0/24"), dmz = cidr("10.128.0.0/24");
    struct nt_cidr host = cidr("192.168.56.200");

    CHECK(nt_rule_accept_tcp_to(host.ip, 8775),
          "-d 192.168.56.200/32 -p tcp -m tcp --dport 8775 -j ACCEPT");
    CHECK(nt_rule_accept_tcp_to(ip("127.0.0.1"), 8775),
          "-p tcp -m tcp --dport 8775 -m addrtype --dst-type LOCAL -j ACCEPT");
    CHECK(nt_rule_snat(&range, host.ip, NULL), "-s 10.0.0.0/24 -j SNAT --to-source 192.168.56.200");
    CHECK(nt_rule_snat(&range, host.ip, "eth1"),
          "-s 10.0.0.0/24 -o eth1 -j SNAT --to-source 192.168.56.200");
    CHECK(nt_rule_accept_between(&range, &host), "-s 10.0.0.0/24 -d 192.168.56.200/32 -j ACCEPT");
    CHECK(nt_rule_accept_between(&range, &dmz), "-s 10.0.0.0/24 -d 10.128.0.0/24 -j ACCEPT");
    CHECK(nt_rule_accept_inside(&range),
          "-s 10.0.0.0/24 -d 10.0.0.0/24 -m conntrack ! --ctstate DNAT -j ACCEPT");
    CHECK(nt_rule_metadata_dnat(host.ip, 8775), "-d 169.254.169.254/32 -p tcp -m tcp --dport 80 "
                                                "-j DNAT --to-destination 192.168.56.200:8775");
    CHECK(nt_rule_metadata_dnat(ip("127.0.0.1"), 8775),
          "-d 169.254.169.254/32 -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8775");
    CHECK(nt_rule_service("br100", "udp", 67), "-i br100 -p udp -m udp --dport 67 -j ACCEPT");
    CHECK(nt_rule_from_interface("br100", "ACCEPT"), "-i br100 -j ACCEPT");
    CHECK(nt_rule_to_interface("br100", "DROP"), "-o br100 -j DROP");
    CHECK(nt_rule_dhcp_checksum("br100"),
          "-o br100 -p udp -m udp --dport 68 -j CHECKSUM --checksum-fill");
}

static void
group_rules_are_printed_as_the_kernel_prints_them(void **state)
{
    struct nt_cidr odd = cidr("192.168.0.5/24"), member = cidr("10.0.0.3"), all = cidr("0.0.0.0/0");
    const struct {
        struct nt_rule_match match;
        const char *text;
    } table[] = {
        { { "tcp", 22, 22, &all }, "-p tcp -m tcp --dport 22 -j ACCEPT" },
        { { "tcp", 1, 65535, &odd },
          "-s 192.168.0.0/24 -p tcp -m multiport --dports 1:65535 -j ACCEPT" },
        { { "udp", 5000, 5010, &member },
          "-s 10.0.0.3/32 -p udp -m multiport --dports 5000:5010 -j ACCEPT" },
        { { "udp", -1, -1, NULL }, "-p udp -j ACCEPT" },
        { { "icmp", -1, -1, NULL }, "-p icmp -j ACCEPT" },
        { { "icmp", 8, -1, NULL }, "-p icmp -m icmp --icmp-type 8 -j ACCEPT" },
        { { "icmp", 3, 4, NULL }, "-p icmp -m icmp --icmp-type 3/4 -j ACCEPT" },
        { { "icmp", 255, -1, NULL }, "-p icmp -m icmp --icmp-type any -j ACCEPT" },
        { { NULL, -1, -1, &member }, "-s 10.0.0.3/32 -j ACCEPT" },
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(table); i++) {
        CHECK(nt_rule_match(&table[i].match, "ACCEPT"), table[i].text);
    }
    CHECK(nt_rule_accept_dhcp_server(ip("10.0.0.1")),
          "-s 10.0.0.1/32 -p udp -m udp --sport 67 --dport 68 -j ACCEPT");
    CHECK(nt_rule_jump_to_ip(ip("10.0.0.2"), "nova-compute-inst-9"),
          "-d 10.0.0.2/32 -j nova-compute-inst-9");
}

static void
masks_are_written_out(void **state)
{
    CHECK(nt_rule_canon("-s 10.0.0.3  -d 10.1.2.3/16 -j ACCEPT"),
          "-s 10.0.0.3/32 -d 10.1.0.0/16 -j ACCEPT");
    CHECK(nt_rule_canon("-s 0.0.0.0/0 -d 10.0.0.1/32 -j X"), "-d 10.0.0.1/32 -j X");
    CHECK(nt_rule_canon("-s host.example -j X"), "-s host.example -j X");
    CHECK(nt_rule_canon("-j X -s"), "-j X -s");
    CHECK(nt_rule_canon(""), "");
    CHECK(nt_rule_canon("-m comment --comment \"a  -s 10.0.0.3\" -j X"),
          "-m comment --comment \"a  -s 10.0.0.3\" -j X");
}

static void
comment_stands_before_the_target_and_is_quoted_when_needed(void **state)
{
    CHECK(nt_rule_with_comment("-i br100 -j ACCEPT", NULL), "-i br100 -j ACCEPT");
    CHECK(nt_rule_with_comment("-i br100 -j ACCEPT", "bridge-1"),
          "-i br100 -m comment --comment bridge-1 -j ACCEPT");
    CHECK(nt_rule_with_comment("-j DROP", "it's \"so\"\n"),
          "-m comment --comment \"it\\'s \\\"so\\\" \" -j DROP");
    CHECK(nt_rule_with_comment("-p tcp", "x"), "-p tcp -m comment --comment x");
}

static void
target_is_found_outside_quotes_only(void **state)
{
    char out[NT_CHAIN_NAME_MAX + 1];

    assert_true(nt_rule_target("-s 1.2.3.4/32 -j inst-1", out, sizeof out));
    assert_string_equal(out, "inst-1");
    assert_true(nt_rule_target("-m comment --comment \"a -j b\" -g c", out, sizeof out));
    assert_string_equal(out, "c");
    assert_false(nt_rule_target("-s 1.2.3.4/32", out, sizeof out));
    assert_false(nt_rule_target("-j", out, sizeof out));
    assert_false(nt_rule_target("-j a-name-that-is-longer-than-any-chain", out, sizeof out));
}

static void
plain_jump_may_carry_a_comment(void **state)
{
    assert_true(nt_rule_is_plain_jump("-j nova-filter-top", "nova-filter-top"));
    assert_true(nt_rule_is_plain_jump("-m comment --comment \"x y\" -j a", "a"));
    assert_false(nt_rule_is_plain_jump("-j nova-filter-top-2", "nova-filter-top"));
    assert_false(nt_rule_is_plain_jump("-i eth0 -j a", "a"));
    assert_false(nt_rule_is_plain_jump("", "a"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(network_rules_are_printed_as_the_kernel_prints_them),
        cmocka_unit_test(group_rules_are_printed_as_the_kernel_prints_them),
        cmocka_unit_test(masks_are_written_out),
        cmocka_unit_test(comment_stands_before_the_target_and_is_quoted_when_needed),
        cmocka_unit_test(target_is_found_outside_quotes_only),
        cmocka_unit_test(plain_jump_may_carry_a_comment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
