#include <config.h>

#include "net/security_group.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#define GROUP "11111111-1111-4111-8111-111111111111"

static struct nt_security_rule
rule(const char *protocol, int min, int max, const char *prefix)
{
    struct nt_security_rule r = { .port_range_min = min, .port_range_max = max };

    snprintf(r.protocol, sizeof r.protocol, "%s", protocol);
    snprintf(r.remote_ip_prefix, sizeof r.remote_ip_prefix, "%s", prefix);
    return r;
}

static void
same_protocol_in_any_spelling_is_one_rule(void **state)
{
    static const char *const spellings[] = { "tcp", "TCP", "Tcp", "tCp", "6" };
    struct nt_security_rule first = rule("tcp", 22, 22, "0.0.0.0/0");

    assert_int_equal(nt_security_rule_normalize(&first, NULL), 0);
    assert_string_equal(first.ethertype, "IPv4");
    for (size_t i = 0; i < NT_ARRAY_SIZE(spellings); i++) {
        struct nt_security_rule r = rule(spellings[i], 22, 22, "0.0.0.0/0");

        assert_int_equal(nt_security_rule_normalize(&r, NULL), 0);
        assert_true(nt_security_rule_equal(&first, &r));
    }
}

static void
source_gets_its_written_form(void **state)
{
    static const char *const cases[][3] = {
        { "192.168.0.5/24", "192.168.0.0/24", "IPv4" },
        { "0.0.0.0/0", "0.0.0.0/0", "IPv4" },
        { "10.0.0.1/32", "10.0.0.1/32", "IPv4" },
        { "2001:DB8:0:0::5/32", "2001:db8::/32", "IPv6" },
        { "2001:db8::1/127", "2001:db8::/127", "IPv6" },
        { "::/0", "::/0", "IPv6" },
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(cases); i++) {
        struct nt_security_rule r = rule("tcp", 1, 65535, cases[i][0]);

        assert_int_equal(nt_security_rule_normalize(&r, NULL), 0);
        assert_string_equal(r.remote_ip_prefix, cases[i][1]);
        assert_string_equal(r.ethertype, cases[i][2]);
    }
}

static void
icmp_of_an_ipv6_source_is_icmpv6(void **state)
{
    struct nt_security_rule r = rule("ICMP", 128, -1, "2001:db8::/32");

    assert_int_equal(nt_security_rule_normalize(&r, NULL), 0);
    assert_string_equal(r.protocol, "icmpv6");
}

static void
rule_from_a_group_speaks_of_both_families(void **state)
{
    struct nt_security_rule r = rule("", -1, -1, "");

    strcpy(r.remote_group_id, GROUP);
    assert_int_equal(nt_security_rule_normalize(&r, NULL), 0);
    assert_string_equal(r.ethertype, "");
}

static void
wrong_rules_are_refused(void **state)
{
    static const struct {
        const char *protocol;
        int min, max;
        const char *prefix;
    } cases[] = {
        { "gre", -1, -1, "0.0.0.0/0" },
        { "tcp", 0, 22, "0.0.0.0/0" },
        { "tcp", 22, 21, "0.0.0.0/0" },
        { "udp", 1, 65536, "0.0.0.0/0" },
        { "tcp", -1, 22, "0.0.0.0/0" },
        { "icmp", 256, -1, "0.0.0.0/0" },
        { "icmp", -2, -1, "0.0.0.0/0" },
        { "icmp", -1, 4, "0.0.0.0/0" },
        { "tcp", 22, 22, "0.0.0.0" },
        { "tcp", 22, 22, "0.0.0.0/33" },
        { "tcp", 22, 22, "10.0.0.0/-1" },
        { "tcp", 22, 22, "10.0.0/8" },
        { "tcp", 22, 22, "2001:db8::/129" },
        { "tcp", 22, 22, "2001:db8::/" },
        { "tcp", 22, 22, "10.0.0.0/8 -j" },
        { "icmpv6", -1, -1, "10.0.0.0/8" },
        { "", 22, 22, "0.0.0.0/0" },
        { "tcp", 22, 22, "::ffff:1.2.3.4/0x10" },
        { "tcp", 22, 22, "/8" },
        { "-6", 22, 22, "0.0.0.0/0" },
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(cases); i++) {
        struct nt_security_rule r =
            rule(cases[i].protocol, cases[i].min, cases[i].max, cases[i].prefix);
        struct nt_err err = { 0 };

        if (!nt_security_rule_normalize(&r, &err)) {
            fail_msg("case %zu was taken", i);
        }
        assert_int_equal(err.code, NT_INVALID);
    }
}

/* Only four protocols have rules; the others never come with ports or without. */
static void
every_protocol_number_is_known_or_refused(void **state)
{
    for (int number = 0; number < 256; number++) {
        char text[8];
        bool known = number == 1 || number == 6 || number == 17 || number == 58;

        snprintf(text, sizeof text, "%d", number);
        for (int port = -1; port < 65536; port += 4369) {
            struct nt_security_rule r = rule(text, port, port, "");
            int rc = nt_security_rule_normalize(&r, NULL);

            assert_true(rc == 0 || rc == -1);
            if (!known) {
                assert_int_equal(rc, -1);
            } else if (port == -1) {
                assert_int_equal(rc, 0);
            }
        }
    }
}

static void
link_local_address_is_made_of_the_mac(void **state)
{
    struct nt_mac mac;
    char text[NT_IP_SIZE];

    assert_true(nt_mac_parse("fa:16:3e:2c:e8:ec", &mac));
    nt_ip6_link_local(&mac, text);
    assert_string_equal(text, "fe80::f816:3eff:fe2c:e8ec");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_protocol_in_any_spelling_is_one_rule),
        cmocka_unit_test(source_gets_its_written_form),
        cmocka_unit_test(icmp_of_an_ipv6_source_is_icmpv6),
        cmocka_unit_test(rule_from_a_group_speaks_of_both_families),
        cmocka_unit_test(wrong_rules_are_refused),
        cmocka_unit_test(every_protocol_number_is_known_or_refused),
        cmocka_unit_test(link_local_address_is_made_of_the_mac),
    };

    return cmocka_run_group_tests_name("net/security_group", tests, NULL, NULL);
}
