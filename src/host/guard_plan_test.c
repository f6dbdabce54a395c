#include <config.h>

#include "host/guard_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"

static const struct nt_guard_port cirros = {
    .ifname = "vnet0",
    .mac = "fa:16:3e:2c:e8:ec",
    .addresses = { "10.0.0.2" },
    .n_addresses = 1,
};

/* As nft 1.0.6 prints it. */
static const char installed_text[] =
    "table bridge neutrino-guard {\n"
    "\tmap ports {\n"
    "\t\ttype ifname : verdict\n"
    "\t\telements = { \"vnet0\" : jump vnet0,\n"
    "\t\t\t     \"vnet1\" : jump vnet1 }\n"
    "\t}\n"
    "\n"
    "\tchain prerouting {\n"
    "\t\ttype filter hook prerouting priority dstnat; policy accept;\n"
    "\t\tiifname vmap @ports\n"
    "\t}\n"
    "\n"
    "\tchain vnet0 {\n"
    "\t\tether saddr != fa:16:3e:2c:e8:ec counter drop comment \"source MAC\"\n"
    "\t\tarp saddr ether != fa:16:3e:2c:e8:ec counter drop comment \"ARP sender MAC\"\n"
    "\t\tarp saddr ip 0.0.0.0 accept\n"
    "\t\tarp saddr ip 10.0.0.2 accept\n"
    "\t\tether type arp counter drop comment \"ARP sender address\"\n"
    "\t\tudp sport { 67, 547 } counter drop comment \"DHCP server\"\n"
    "\t\tip saddr 10.0.0.2 accept\n"
    "\t\tip saddr 0.0.0.0 udp sport 68 udp dport 67 accept\n"
    "\t\tether type ip counter drop comment \"source address\"\n"
    "\t\ticmpv6 type { nd-router-advert, nd-redirect } counter drop"
    " comment \"IPv6 router\"\n"
    "\t\tether type ip6 accept\n"
    "\t\tcounter drop comment \"protocol\"\n"
    "\t}\n"
    "\n"
    "\tchain vnet1 {\n"
    "\t\tcounter drop\n"
    "\t}\n"
    "}\n";

static char *
diff(const char *installed, const struct nt_guard_port *ports, size_t n)
{
    struct nt_guard_table have, want;

    nt_guard_table_parse(installed, &have);
    nt_guard_table_want(ports, n, &want);
    char *commands = nt_guard_diff(&have, &want);
    nt_guard_table_clear(&have);
    nt_guard_table_clear(&want);
    return commands;
}

static void
what_is_right_is_left_alone(void **state)
{
    struct nt_guard_port ports[2] = { cirros, cirros };
    AUTO_FREE char *first = NULL, *text = NULL;

    strcpy(ports[1].ifname, "vnet1");
    first = diff(installed_text, ports, 2);
    assert_non_null(first);
    assert_null(strstr(first, "chain bridge neutrino-guard vnet0"));
    assert_non_null(strstr(first, "flush chain bridge neutrino-guard vnet1\n"));
    assert_null(strstr(first, "element"));
    text = diff(installed_text, ports, 1);
    assert_string_equal(text, "delete element bridge neutrino-guard ports { \"vnet1\" }\n"
                              "delete chain bridge neutrino-guard vnet1\n");
}

static void
a_changed_chain_is_flushed_and_filled_in_one_transaction(void **state)
{
    AUTO_FREE char *damaged = xstrdup(installed_text);
    char *line = strstr(damaged, "10.0.0.2 accept");

    line[7] = '7';

    AUTO_FREE char *text = diff(damaged, &cirros, 1);
    assert_int_equal(strncmp(text, "flush chain bridge neutrino-guard vnet0\nadd rule", 48), 0);
}

static void
a_missing_table_is_made_whole(void **state)
{
    AUTO_FREE char *text = diff("", &cirros, 1);

    assert_int_equal(strncmp(text, "add table bridge neutrino-guard\n", 32), 0);
    assert_non_null(strstr(text, "add element bridge neutrino-guard ports "
                                 "{ \"vnet0\" : jump vnet0 }\n"));
}

static void
a_damaged_base_chain_means_a_new_table_in_the_same_transaction(void **state)
{
    AUTO_FREE char *damaged = xstrdup(installed_text);

    memcpy(strstr(damaged, "iifname vmap"), "oifname", 7);

    AUTO_FREE char *text = diff(damaged, &cirros, 1);
    assert_int_equal(strncmp(text, "delete table bridge neutrino-guard\nadd table", 44), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_right_is_left_alone),
        cmocka_unit_test(a_changed_chain_is_flushed_and_filled_in_one_transaction),
        cmocka_unit_test(a_missing_table_is_made_whole),
        cmocka_unit_test(a_damaged_base_chain_means_a_new_table_in_the_same_transaction),
    };

    return cmocka_run_group_tests_name("host/guard_plan", tests, NULL, NULL);
}
