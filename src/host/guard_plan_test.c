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
    "\tcounter source-MAC {\n"
    "\t}\n"
    "\n"
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
    "\t\tether saddr != fa:16:3e:2c:e8:ec counter counter name \"source-MAC\" drop\n"
    "\t\tether type 8021q counter counter name \"tag\" drop\n"
    "\t\tether type 8021ad counter counter name \"tag\" drop\n"
    "\t\tarp saddr ether != fa:16:3e:2c:e8:ec counter counter name \"ARP-sender-MAC\" drop\n"
    "\t\tarp operation != request arp operation != reply counter counter name \"ARP-operation\" "
    "drop\n"
    "\t\tarp operation request arp saddr ip 0.0.0.0 accept\n"
    "\t\tarp saddr ip 10.0.0.2 accept\n"
    "\t\tether type arp counter counter name \"ARP-sender-address\" drop\n"
    "\t\tudp sport 67 counter counter name \"DHCP-server\" drop\n"
    "\t\tudp sport 547 counter counter name \"DHCP-server\" drop\n"
    "\t\tip frag-off & 16383 != 0 udp dport 67 counter counter name \"DHCP-in-fragments\" drop\n"
    "\t\tudp dport 67 @th,288,48 != 0xfa163e2ce8ec counter counter name \"DHCP-hardware-address\" "
    "drop\n"
    "\t\tudp dport 67 @th,160,32 != 0x0 @th,160,32 != 0xa000002 counter counter name "
    "\"DHCP-client-address\" drop\n"
    "\t\tudp dport 67 limit rate over 50/second burst 100 packets counter counter name "
    "\"DHCP-rate\" drop\n"
    "\t\tether type ip igmp type membership-query counter counter name \"IGMP-query\" drop\n"
    "\t\tip hdrlength != 5 ip protocol != igmp counter counter name \"IP-options\" drop\n"
    "\t\tip hdrlength > 6 counter counter name \"IP-options\" drop\n"
    "\t\tip hdrlength 6 @nh,160,32 != 0x94040000 counter counter name \"IP-options\" drop\n"
    "\t\tip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept\n"
    "\t\tip saddr != 10.0.0.2 counter counter name \"source-address\" drop\n"
    "\t\tip frag-off & 8191 != 0 accept\n"
    "\t\tip protocol != udp accept\n"
    "\t\tip protocol udp udp sport != 67 accept\n"
    "\t\tether type ip counter counter name \"cut-short\" drop\n"
    "\t\ticmpv6 type nd-router-advert counter counter name \"IPv6-router\" drop\n"
    "\t\ticmpv6 type nd-redirect counter counter name \"IPv6-router\" drop\n"
    "\t\ticmpv6 type mld-listener-query counter counter name \"MLD-query\" drop\n"
    "\t\tip6 saddr :: ip6 hoplimit 255 icmpv6 type nd-neighbor-solicit @th,64,128 "
    "0xfe80000000000000f8163efffe2ce8ec accept\n"
    "\t\tip6 saddr :: icmpv6 type mld-listener-report accept\n"
    "\t\tip6 saddr :: icmpv6 type mld-listener-done accept\n"
    "\t\tip6 saddr :: icmpv6 type nd-router-solicit accept\n"
    "\t\tip6 saddr :: icmpv6 type mld2-listener-report accept\n"
    "\t\tip6 saddr != fe80::f816:3eff:fe2c:e8ec counter counter name \"IPv6-source-address\" drop\n"
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
    "\t\ticmpv6 type nd-router-solicit counter counter name \"neighbour-discovery\" drop\n"
    "\t\ticmpv6 type nd-neighbor-solicit counter counter name \"neighbour-discovery\" drop\n"
    "\t\ticmpv6 type nd-neighbor-advert counter counter name \"neighbour-discovery\" drop\n"
    "\t\ticmpv6 type != nd-router-advert accept\n"
    "\t\tfrag frag-off != 0 accept\n"
    "\t\tmeta l4proto != udp meta l4proto != ipv6-icmp accept\n"
    "\t\tudp sport != 547 accept\n"
    "\t\tether type ip6 counter counter name \"IPv6-cut-short\" drop\n"
    "\t\tcounter counter name \"protocol\" drop\n"
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
    nt_guard_table_want(ports, n, NULL, &want);
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
    const char *flush = strstr(text, "flush chain bridge neutrino-guard vnet0\nadd rule");
    assert_non_null(flush);
    for (const char *c = text; c < flush; c = strchr(c, '\n') + 1) {
        assert_int_equal(strncmp(c, "add counter bridge neutrino-guard ", 34), 0);
    }
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
