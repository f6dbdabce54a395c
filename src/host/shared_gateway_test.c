#include <config.h>

#include "host/shared_gateway.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"

static void
table_drops_the_address_and_dhcp_towards_other_hosts(void **state OVS_UNUSED)
{
    static const struct nt_shared_gateway_rule rules[] = {
        { "eth2", "10.0.0.1" },
        { "eth3", "10.1.0.1" },
    };
    AUTO_FREE char *text = nt_shared_gateway_text(rules, NT_ARRAY_SIZE(rules));

    assert_string_equal(text, "table bridge neutrino-shared {\n"
                              "\tchain input {\n"
                              "\t\ttype filter hook input priority filter; policy accept;\n"
                              "\t\tiifname \"eth2\" arp daddr ip 10.0.0.1 drop\n"
                              "\t\tiifname \"eth3\" arp daddr ip 10.1.0.1 drop\n"
                              "\t}\n"
                              "\n"
                              "\tchain output {\n"
                              "\t\ttype filter hook output priority filter; policy accept;\n"
                              "\t\toifname \"eth2\" arp saddr ip 10.0.0.1 drop\n"
                              "\t\toifname \"eth3\" arp saddr ip 10.1.0.1 drop\n"
                              "\t}\n"
                              "\n"
                              "\tchain forward {\n"
                              "\t\ttype filter hook forward priority filter; policy accept;\n"
                              "\t\tiifname \"eth2\" udp dport 67-68 drop\n"
                              "\t\toifname \"eth2\" udp dport 67-68 drop\n"
                              "\t\tiifname \"eth3\" udp dport 67-68 drop\n"
                              "\t\toifname \"eth3\" udp dport 67-68 drop\n"
                              "\t}\n"
                              "}\n");
}

static void
nothing_shared_is_no_table(void **state OVS_UNUSED)
{
    AUTO_FREE char *text = nt_shared_gateway_text(NULL, 0);

    assert_string_equal(text, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_drops_the_address_and_dhcp_towards_other_hosts),
        cmocka_unit_test(nothing_shared_is_no_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
