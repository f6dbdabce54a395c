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
    "\tchain reserved {\n"
    "\t\ttype filter hook input priority filter; policy accept;\n"
    "\t\tether daddr & ff:ff:ff:ff:ff:f0 == 01:80:c2:00:00:00 iifname vmap @ports\n"
    "\t}\n"
    "\n"
    "\tchain vnet0 {\n"
    "\t\tether saddr != fa:16:3e:2c:e8:ec counter drop comment \"source MAC\"\n"
    "\t\tether type 8021q counter drop comment \"tag\"\n"
    "\t\tether type 8021ad counter drop comment \"tag\"\n"
    "\t\tarp saddr ether != fa:16:3e:2c:e8:ec counter drop comment \"ARP sender MAC\"\n"
    "\t\tarp operation != request arp operation != reply counter drop comment \"ARP operation\"\n"
    "\t\tarp operation request arp saddr ip 0.0.0.0 accept\n"
    "\t\tarp saddr ip 10.0.0.2 accept\n"
    "\t\tether type arp counter drop comment \"ARP sender address\"\n"
    "\t\tudp sport 67 counter drop comment \"DHCP server\"\n"
    "\t\tudp sport 547 counter drop comment \"DHCP server\"\n"
    "\t\tip frag-off & 16383 != 0 udp dport 67 counter drop comment \"DHCP in fragments\"\n"
    "\t\tudp dport 67 @th,288,48 != 0xfa163e2ce8ec counter drop comment \"DHCP hardware address\"\n"
    "\t\tudp dport 67 @th,160,32 != 0x0 @th,160,32 != 0xa000002 counter drop comment \"DHCP client "
    "address\"\n"
    "\t\tudp dport 67 limit rate over 50/second burst 100 packets counter drop comment \"DHCP "
    "rate\"\n"
    "\t\tether type ip igmp type membership-query counter drop comment \"IGMP query\"\n"
    "\t\tip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept\n"
    "\t\tip saddr != 10.0.0.2 counter drop comment \"source address\"\n"
    "\t\tip frag-off & 8191 != 0 accept\n"
    "\t\tip protocol != udp accept\n"
    "\t\tip protocol udp udp sport != 67 accept\n"
    "\t\tether type ip counter drop comment \"cut short\"\n"
    "\t\ticmpv6 type nd-router-advert counter drop comment \"IPv6 router\"\n"
    "\t\ticmpv6 type nd-redirect counter drop comment \"IPv6 router\"\n"
    "\t\ticmpv6 type mld-listener-query counter drop comment \"MLD query\"\n"
    "\t\tip6 saddr :: ip6 hoplimit 255 icmpv6 type nd-neighbor-solicit @th,64,128 "
    "0xfe80000000000000f8163efffe2ce8ec accept\n"
    "\t\tip6 saddr :: icmpv6 type mld-listener-report accept\n"
    "\t\tip6 saddr :: icmpv6 type mld-listener-done accept\n"
    "\t\tip6 saddr :: icmpv6 type nd-router-solicit accept\n"
    "\t\tip6 saddr :: icmpv6 type mld2-listener-report accept\n"
    "\t\tip6 saddr != fe80::f816:3eff:fe2c:e8ec counter drop comment \"IPv6 source address\"\n"
    "\t\tip6 hoplimit 255 ip6 length 24 icmpv6 type nd-neighbor-advert @th,64,128 "
    "0xfe80000000000000f8163efffe2ce8ec accept\n"
    "\t\tip6 hoplimit 255 ip6 length 32 icmpv6 type nd-neighbor-advert @th,64,128 "
    "0xfe80000000000000f8163efffe2ce8ec @th,192,64 0x201fa163e2ce8ec accept\n"
    "\t\tip6 hoplimit 255 ip6 length 24 icmpv6 type nd-neighbor-solicit accept\n"
    "\t\tip6 hoplimit 255 ip6 length 32 icmpv6 type nd-neighbor-solicit @th,192,64 "
    "0x101fa163e2ce8ec accept\n"
    "\t\tip6 hoplimit 255 ip6 length 8 icmpv6 type nd-router-solicit accept\n"
    "\t\tip6 hoplimit 255 ip6 length 16 icmpv6 type nd-router-solicit @th,64,64 0x101fa163e2ce8ec "
    "accept\n"
    "\t\ticmpv6 type nd-router-solicit counter drop comment \"neighbour discovery\"\n"
    "\t\ticmpv6 type nd-neighbor-solicit counter drop comment \"neighbour discovery\"\n"
    "\t\ticmpv6 type nd-neighbor-advert counter drop comment \"neighbour discovery\"\n"
    "\t\ticmpv6 type != nd-router-advert accept\n"
    "\t\tfrag frag-off != 0 accept\n"
    "\t\tmeta l4proto != udp meta l4proto != ipv6-icmp accept\n"
    "\t\tudp sport != 547 accept\n"
    "\t\tether type ip6 counter drop comment \"IPv6 cut short\"\n"
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
    char *line = strstr(damaged, "arp saddr ip 10.0.0.2 accept");

    line[20] = '7';

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
