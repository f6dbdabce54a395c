#include <config.h>

#include "flat/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"

static const struct nt_network_view novanetwork = {
    .number = 1,
    .name = "novanetwork",
    .bridge = "br100",
    .cidr = "10.0.0.0/24",
    .gateway_ip = "10.0.0.1",
    .dhcp_server = "10.0.0.1",
};

static const struct nt_network_view second = {
    .number = 2,
    .name = "second",
    .bridge = "br200",
    .cidr = "10.1.0.0/16",
    .gateway_ip = "10.1.0.1",
    .dhcp_server = "10.1.0.1",
};

static const struct nt_cidr dmz = { 0x0a800000, 24 };

/* The deployment of the golden listings. */
static const struct flat_options golden = {
    .golden = true,
    .has_fixed_range = true,
    .fixed_range = { 0x0a000000, 24 },
    .routing_source_ip = 0xc0a838c8,
    .metadata_host = 0xc0a838c8,
    .metadata_port = 8775,
    .dmz = &dmz,
    .n_dmz = 1,
};

/* What of the dump of 'want' begins with "*TABLE", up to the next table.  The caller
 * frees. */
static char *
dump(struct nt_iptables_want *want, const char *table)
{
    AUTO_FREE char *text = nt_iptables_want_dump(want);
    AUTO_FREE char *head = xasprintf("*%s\n", table);
    char *start = strstr(text, head);

    assert_non_null(start);
    start += strlen(head);

    char *end = strstr(start, "\n*");
    return xmemdup0(start, end ? (size_t) (end + 1 - start) : strlen(start));
}

static void
check(const struct flat_options *o, size_t n, const char *table, const char *wanted)
{
    const struct nt_network_view *const networks[] = { &novanetwork, &second };
    AUTO(nt_iptables_want) want = flat_plan_chains(networks, n, o);
    AUTO_FREE char *text = dump(want, table);

    assert_string_equal(text, wanted);
}

static void
golden_filter_is_that_of_the_listing(void **state)
{
    check(&golden, 1, "filter",
          "hook FORWARD 0 -j nova-filter-top\n"
          "hook OUTPUT 0 -j nova-filter-top\n"
          "hook nova-filter-top 1000 -j nova-network-local\n"
          "hook INPUT 1000 -j nova-network-INPUT\n"
          "hook OUTPUT 1000 -j nova-network-OUTPUT\n"
          "hook FORWARD 1000 -j nova-network-FORWARD\n"
          "hook nova-filter-top 1002 -j nova-api-local\n"
          "hook INPUT 1002 -j nova-api-INPUT\n"
          "hook OUTPUT 1002 -j nova-api-OUTPUT\n"
          "hook FORWARD 1002 -j nova-api-FORWARD\n"
          "chain nova-network-local\n"
          "chain nova-network-INPUT\n"
          "    -i br100 -p udp -m udp --dport 67 -j ACCEPT\n"
          "    -i br100 -p tcp -m tcp --dport 67 -j ACCEPT\n"
          "    -i br100 -p udp -m udp --dport 53 -j ACCEPT\n"
          "    -i br100 -p tcp -m tcp --dport 53 -j ACCEPT\n"
          "chain nova-network-OUTPUT\n"
          "chain nova-network-FORWARD\n"
          "    -i br100 -j ACCEPT\n"
          "    -o br100 -j ACCEPT\n"
          "chain nova-api-local\n"
          "chain nova-api-INPUT\n"
          "    -d 192.168.56.200/32 -p tcp -m tcp --dport 8775 -j ACCEPT\n"
          "chain nova-api-OUTPUT\n"
          "chain nova-api-FORWARD\n");
}

static void
golden_nat_is_that_of_the_listing(void **state)
{
    check(&golden, 1, "nat",
          "hook PREROUTING 1000 -j nova-network-PREROUTING\n"
          "hook OUTPUT 1000 -j nova-network-OUTPUT\n"
          "hook POSTROUTING 1000 -j nova-network-POSTROUTING\n"
          "hook nova-postrouting-bottom 1000 -j nova-network-snat\n"
          "hook PREROUTING 1002 -j nova-api-PREROUTING\n"
          "hook OUTPUT 1002 -j nova-api-OUTPUT\n"
          "hook POSTROUTING 1002 -j nova-api-POSTROUTING\n"
          "hook nova-postrouting-bottom 1002 -j nova-api-snat\n"
          "hook POSTROUTING 2000 -j nova-postrouting-bottom\n"
          "chain nova-network-PREROUTING\n"
          "    -d 169.254.169.254/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination "
          "192.168.56.200:8775\n"
          "chain nova-network-OUTPUT\n"
          "chain nova-network-POSTROUTING\n"
          "    -s 10.0.0.0/24 -d 192.168.56.200/32 -j ACCEPT\n"
          "    -s 10.0.0.0/24 -d 10.128.0.0/24 -j ACCEPT\n"
          "    -s 10.0.0.0/24 -d 10.0.0.0/24 -m conntrack ! --ctstate DNAT -j ACCEPT\n"
          "chain nova-network-snat\n"
          "    -j nova-network-float-snat\n"
          "    -s 10.0.0.0/24 -j SNAT --to-source 192.168.56.200\n"
          "chain nova-network-float-snat\n"
          "chain nova-api-PREROUTING\n"
          "chain nova-api-OUTPUT\n"
          "chain nova-api-POSTROUTING\n"
          "chain nova-api-snat\n"
          "    -j nova-api-float-snat\n"
          "chain nova-api-float-snat\n");
}

static void
golden_profile_has_no_mangle_rules(void **state)
{
    check(&golden, 1, "mangle", "");
}

/* Today's profile: two networks, SNAT only towards eth1, comments, checksums. */
static struct flat_options
latest(void)
{
    struct flat_options o = golden;

    o.golden = o.has_fixed_range = false;
    o.n_dmz = 0;
    o.snat_out_interface = "eth1";
    return o;
}

static void
default_filter_lets_both_networks_through(void **state)
{
    struct flat_options o = latest();

    check(&o, 2, "filter",
          "hook FORWARD 0 -m comment --comment neutrino-flat -j nova-filter-top\n"
          "hook OUTPUT 0 -m comment --comment neutrino-flat -j nova-filter-top\n"
          "hook nova-filter-top 1000 -m comment --comment neutrino-flat -j nova-network-local\n"
          "hook INPUT 1000 -m comment --comment neutrino-flat -j nova-network-INPUT\n"
          "hook OUTPUT 1000 -m comment --comment neutrino-flat -j nova-network-OUTPUT\n"
          "hook FORWARD 1000 -m comment --comment neutrino-flat -j nova-network-FORWARD\n"
          "hook nova-filter-top 1002 -m comment --comment neutrino-flat -j nova-api-local\n"
          "hook INPUT 1002 -m comment --comment neutrino-flat -j nova-api-INPUT\n"
          "hook OUTPUT 1002 -m comment --comment neutrino-flat -j nova-api-OUTPUT\n"
          "hook FORWARD 1002 -m comment --comment neutrino-flat -j nova-api-FORWARD\n"
          "chain nova-network-local\n"
          "chain nova-network-INPUT\n"
          "    -i br100 -p udp -m udp --dport 67 -m comment --comment neutrino-flat -j ACCEPT\n"
          "    -i br100 -p tcp -m tcp --dport 67 -m comment --comment neutrino-flat -j ACCEPT\n"
          "    -i br100 -p udp -m udp --dport 53 -m comment --comment neutrino-flat -j ACCEPT\n"
          "    -i br100 -p tcp -m tcp --dport 53 -m comment --comment neutrino-flat -j ACCEPT\n"
          "    -i br200 -p udp -m udp --dport 67 -m comment --comment neutrino-flat -j ACCEPT\n"
          "    -i br200 -p tcp -m tcp --dport 67 -m comment --comment neutrino-flat -j ACCEPT\n"
          "    -i br200 -p udp -m udp --dport 53 -m comment --comment neutrino-flat -j ACCEPT\n"
          "    -i br200 -p tcp -m tcp --dport 53 -m comment --comment neutrino-flat -j ACCEPT\n"
          "chain nova-network-OUTPUT\n"
          "chain nova-network-FORWARD\n"
          "    -i br100 -m comment --comment neutrino-flat -j ACCEPT\n"
          "    -o br100 -m comment --comment neutrino-flat -j ACCEPT\n"
          "    -i br200 -m comment --comment neutrino-flat -j ACCEPT\n"
          "    -o br200 -m comment --comment neutrino-flat -j ACCEPT\n"
          "chain nova-api-local\n"
          "chain nova-api-INPUT\n"
          "    -d 192.168.56.200/32 -p tcp -m tcp --dport 8775 -m comment --comment neutrino-flat "
          "-j ACCEPT\n"
          "chain nova-api-OUTPUT\n"
          "chain nova-api-FORWARD\n");
}

static void
default_nat_translates_each_network_on_its_way_out(void **state)
{
    struct flat_options o = latest();

    check(&o, 2, "nat",
          "hook PREROUTING 1000 -m comment --comment neutrino-flat -j nova-network-PREROUTING\n"
          "hook OUTPUT 1000 -m comment --comment neutrino-flat -j nova-network-OUTPUT\n"
          "hook POSTROUTING 1000 -m comment --comment neutrino-flat -j nova-network-POSTROUTING\n"
          "hook nova-postrouting-bottom 1000 -m comment --comment neutrino-flat -j "
          "nova-network-snat\n"
          "hook PREROUTING 1002 -m comment --comment neutrino-flat -j nova-api-PREROUTING\n"
          "hook OUTPUT 1002 -m comment --comment neutrino-flat -j nova-api-OUTPUT\n"
          "hook POSTROUTING 1002 -m comment --comment neutrino-flat -j nova-api-POSTROUTING\n"
          "hook nova-postrouting-bottom 1002 -m comment --comment neutrino-flat -j nova-api-snat\n"
          "hook POSTROUTING 2000 -m comment --comment neutrino-flat -j nova-postrouting-bottom\n"
          "chain nova-network-PREROUTING\n"
          "    -d 169.254.169.254/32 -p tcp -m tcp --dport 80 -m comment --comment neutrino-flat "
          "-j DNAT --to-destination 192.168.56.200:8775\n"
          "chain nova-network-OUTPUT\n"
          "chain nova-network-POSTROUTING\n"
          "    -s 10.0.0.0/24 -d 192.168.56.200/32 -m comment --comment neutrino-flat -j ACCEPT\n"
          "    -s 10.0.0.0/24 -d 10.0.0.0/24 -m conntrack ! --ctstate DNAT -m comment --comment "
          "neutrino-flat -j ACCEPT\n"
          "    -s 10.1.0.0/16 -d 192.168.56.200/32 -m comment --comment neutrino-flat -j ACCEPT\n"
          "    -s 10.1.0.0/16 -d 10.1.0.0/16 -m conntrack ! --ctstate DNAT -m comment --comment "
          "neutrino-flat -j ACCEPT\n"
          "chain nova-network-snat\n"
          "    -m comment --comment neutrino-flat -j nova-network-float-snat\n"
          "    -s 10.0.0.0/24 -o eth1 -m comment --comment neutrino-flat -j SNAT --to-source "
          "192.168.56.200\n"
          "    -s 10.1.0.0/16 -o eth1 -m comment --comment neutrino-flat -j SNAT --to-source "
          "192.168.56.200\n"
          "chain nova-network-float-snat\n"
          "chain nova-api-PREROUTING\n"
          "chain nova-api-OUTPUT\n"
          "chain nova-api-POSTROUTING\n"
          "chain nova-api-snat\n"
          "    -m comment --comment neutrino-flat -j nova-api-float-snat\n"
          "chain nova-api-float-snat\n");
}

static void
default_mangle_fills_in_checksums_of_dhcp_answers(void **state)
{
    struct flat_options o = latest();

    check(&o, 2, "mangle",
          "hook POSTROUTING 1000 -m comment --comment neutrino-flat -j nova-network-POSTROUTING\n"
          "chain nova-network-POSTROUTING\n"
          "    -o br100 -p udp -m udp --dport 68 -m comment --comment neutrino-flat -j CHECKSUM "
          "--checksum-fill\n"
          "    -o br200 -p udp -m udp --dport 68 -m comment --comment neutrino-flat -j CHECKSUM "
          "--checksum-fill\n");
}

static void
host_without_networks_serves_its_fixed_range_and_metadata(void **state)
{
    struct flat_options o = golden;

    o.n_dmz = 0;
    o.routing_source_ip = 0;
    AUTO(nt_iptables_want) want = flat_plan_chains(NULL, 0, &o);
    AUTO_FREE char *filter = dump(want, "filter");
    AUTO_FREE char *nat = dump(want, "nat");

    assert_null(strstr(filter, "br100"));
    assert_non_null(strstr(filter, "--dport 8775 -j ACCEPT"));
    assert_non_null(strstr(nat, "-d 169.254.169.254/32"));
    assert_non_null(strstr(nat, "-s 10.0.0.0/24 -d 192.168.56.200/32 -j ACCEPT"));
    assert_null(strstr(nat, "SNAT"));
}

static struct nt_floating_entry floating = { "192.168.56.225", "10.0.0.2", "" };

/* The rules that speak of 'word' in the chains of the network with a floating address. */
static char *
rules_with(const struct nt_network_view *base, const struct flat_options *o, const char *table,
           const char *word)
{
    struct nt_network_view view = *base;
    const struct nt_network_view *const networks[] = { &view };

    view.floating = &floating;
    view.n_floating = 1;

    AUTO(nt_iptables_want) want = flat_plan_chains(networks, 1, o);
    AUTO_FREE char *text = dump(want, table);
    struct ds out = DS_EMPTY_INITIALIZER;
    char *save = NULL;

    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (!strncmp(line, "chain", 5)) {
            continue;
        }
        if (strstr(line, word)) {
            ds_put_format(&out, "%s\n", line + strspn(line, " "));
        }
    }
    return ds_steal_cstr(&out);
}

static void
golden_floating_address_has_the_three_rules_of_2012(void **state)
{
    AUTO_FREE char *text = rules_with(&novanetwork, &golden, "nat", "192.168.56.225");

    assert_string_equal(text, "-d 192.168.56.225/32 -j DNAT --to-destination 10.0.0.2\n"
                              "-d 192.168.56.225/32 -j DNAT --to-destination 10.0.0.2\n"
                              "-s 10.0.0.2/32 -j SNAT --to-source 192.168.56.225\n");
}

static void
floating_address_leaves_by_its_interface_and_comes_back_to_its_guest(void **state)
{
    struct flat_options o = golden;

    o.golden = false;
    o.public_interface = "eth1";
    AUTO_FREE char *text = rules_with(&novanetwork, &o, "nat", "225");

#define C " -m comment --comment neutrino-flat "
    assert_string_equal(
        text, "-d 192.168.56.225/32" C "-j DNAT --to-destination 10.0.0.2\n"
              "-d 192.168.56.225/32" C "-j DNAT --to-destination 10.0.0.2\n"
              "-s 10.0.0.2/32 -m conntrack --ctstate DNAT" C "-j SNAT --to-source 192.168.56.225\n"
              "-s 10.0.0.2/32 -d 10.0.0.2/32" C "-j SNAT --to-source 192.168.56.225\n"
              "-s 10.0.0.2/32 -o eth1" C "-j SNAT --to-source 192.168.56.225\n");
}

static void
network_with_a_gateway_of_its_own_is_translated_only_where_forced(void **state)
{
    static const struct nt_cidr forced = { 0x0a090000, 16 };
    struct nt_network_view external = novanetwork;
    struct flat_options o = golden;

    strcpy(external.gateway_ip, "10.0.0.254");
    o.golden = o.has_fixed_range = false;
    o.force_snat = &forced;
    AUTO_FREE char *none = rules_with(&external, &o, "nat", "--to-source 192.168.56.200");
    assert_string_equal(none, "");
    o.n_force_snat = 1;
    AUTO_FREE char *one = rules_with(&external, &o, "nat", "--to-source 192.168.56.200");
    assert_string_equal(one,
                        "-s 10.0.0.0/24 -d 10.9.0.0/16" C "-j SNAT --to-source 192.168.56.200\n");
}

static void
forwarding_can_be_limited_to_interfaces(void **state)
{
    static const char *const names[] = { "eth1" };
    struct flat_options o = golden;

    o.golden = false;
    o.limits_forward = true;
    o.forward = names;
    o.n_forward = 1;
    o.drop = "REJECT";
    AUTO_FREE char *text = rules_with(&novanetwork, &o, "filter", "o br100");
    AUTO_FREE char *in = rules_with(&novanetwork, &o, "filter", "-i br100 -m");

    assert_string_equal(text, "-i eth1 -o br100" C "-j ACCEPT\n"
                              "-i br100 -o br100" C "-j ACCEPT\n"
                              "-o br100" C "-j REJECT\n");
    assert_string_equal(in, "-i br100" C "-j REJECT\n");
}

static void
network_without_gateway_is_not_forwarded(void **state)
{
    struct nt_network_view closed = novanetwork;
    struct flat_options o = golden;

    o.golden = false;
    closed.gateway_ip[0] = '\0';
    AUTO_FREE char *text = rules_with(&closed, &o, "filter", "-j DROP");

    assert_string_equal(text, "-i br100" C "-j DROP\n"
                              "-o br100" C "-j DROP\n");
}

static void
ipv6_chains_let_guests_find_their_router(void **state)
{
    struct nt_network_view both = novanetwork;
    const struct nt_network_view *const networks[] = { &both, &second };

    strcpy(both.cidr_v6, "fd00::/64");
    AUTO(nt_iptables_want) want = flat_plan_chains6(networks, 2, &golden);
    AUTO_FREE char *filter = dump(want, "filter");
    AUTO_FREE char *whole = nt_iptables_want_dump(want);

    assert_non_null(strstr(filter, "    -i br100 -p ipv6-icmp -j ACCEPT\n"));
    assert_non_null(strstr(filter, "    -i br100 -j ACCEPT\n"));
    assert_null(strstr(filter, "br200"));
    assert_null(strstr(whole, "snat"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_filter_is_that_of_the_listing),
        cmocka_unit_test(golden_nat_is_that_of_the_listing),
        cmocka_unit_test(golden_profile_has_no_mangle_rules),
        cmocka_unit_test(golden_floating_address_has_the_three_rules_of_2012),
        cmocka_unit_test(floating_address_leaves_by_its_interface_and_comes_back_to_its_guest),
        cmocka_unit_test(network_with_a_gateway_of_its_own_is_translated_only_where_forced),
        cmocka_unit_test(forwarding_can_be_limited_to_interfaces),
        cmocka_unit_test(network_without_gateway_is_not_forwarded),
        cmocka_unit_test(ipv6_chains_let_guests_find_their_router),
        cmocka_unit_test(default_filter_lets_both_networks_through),
        cmocka_unit_test(default_nat_translates_each_network_on_its_way_out),
        cmocka_unit_test(default_mangle_fills_in_checksums_of_dhcp_answers),
        cmocka_unit_test(host_without_networks_serves_its_fixed_range_and_metadata),
    };

    return cmocka_run_group_tests_name("flat/plan", tests, NULL, NULL);
}
