#include <config.h>

#include "host/drops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void
counters_are_read_by_name(void **state)
{
    struct nt_drops_table t = { .n = 0 };

    nt_drops_parse_nft("table bridge neutrino-guard {\n"
                       "\tcounter source-MAC {\n\t\tpackets 17 bytes 1000\n\t}\n"
                       "\tcounter ARP-operation {\n\t\tpackets 0 bytes 0\n\t}\n"
                       "}\n",
                       &t);
    assert_int_equal(t.n, 2);
    assert_string_equal(t.values[0].reason, "source-MAC");
    assert_int_equal(t.values[0].packets, 17);
    assert_string_equal(t.values[1].reason, "ARP-operation");
    assert_int_equal(t.values[1].packets, 0);
}

static void
both_families_are_added_up(void **state)
{
    struct nt_drops_table t = { .n = 0 };
    static const char text[] = "-N nova-compute-flood\n"
                               "-A nova-compute-flood -m connlimit --connlimit-above 10 "
                               "--connlimit-mask 32 --connlimit-saddr -c 12 720 -j DROP\n";

    nt_drops_parse_iptables(text, &t);
    nt_drops_parse_iptables(text, &t);
    assert_int_equal(t.n, 1);
    assert_string_equal(t.values[0].reason, "connections");
    assert_int_equal(t.values[0].packets, 24);
}

static void
other_text_counts_nothing(void **state)
{
    struct nt_drops_table t = { .n = 0 };

    nt_drops_parse_nft("counter counter counter x { packets", &t);
    nt_drops_parse_iptables("-A x -c\n-N -c 1 2\n -c 3 4", &t);
    assert_int_equal(t.n, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_are_read_by_name),
        cmocka_unit_test(both_families_are_added_up),
        cmocka_unit_test(other_text_counts_nothing),
    };

    return cmocka_run_group_tests_name("host/drops", tests, NULL, NULL);
}
