#include <config.h>

#include "host/bridge_rules.h"

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
    static const struct nt_shared_gateway rules[] = {
        { "eth2", "10.0.0.1" },
        { "eth3", "10.1.0.1" },
    };
    AUTO_FREE char *text = nt_bridge_rules_text(
        &(struct nt_bridge_want){ .shared = rules, .n_shared = NT_ARRAY_SIZE(rules) });

    assert_string_equal(text, "table bridge neutrino-flat {\n"
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
guest_with_a_floating_address_is_routed_by_this_host(void **state OVS_UNUSED)
{
    static const struct nt_bridge_redirect redirects[] = {
        { "10.0.0.5", "10.0.0.0/24", "08:00:27:8f:87:fa" },
    };
    AUTO_FREE char *text =
        nt_bridge_rules_text(&(struct nt_bridge_want){ .redirects = redirects, .n_redirects = 1 });

    assert_string_equal(text, "table bridge neutrino-flat {\n"
                              "\tchain prerouting {\n"
                              "\t\ttype filter hook prerouting priority dstnat; policy accept;\n"
                              "\t\tip saddr 10.0.0.5 ip daddr != 10.0.0.0/24"
                              " ether daddr set 08:00:27:8f:87:fa meta pkttype set host\n"
                              "\t}\n"
                              "}\n");
}

static void
nothing_shared_is_no_table(void **state OVS_UNUSED)
{
    AUTO_FREE char *text = nt_bridge_rules_text(&(struct nt_bridge_want){ .n_shared = 0 });

    assert_string_equal(text, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_drops_the_address_and_dhcp_towards_other_hosts),
        cmocka_unit_test(guest_with_a_floating_address_is_routed_by_this_host),
        cmocka_unit_test(nothing_shared_is_no_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
