#include <config.h>

#include "host/nft_walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "openvswitch/json.h"

/* As nft 1.0.6 prints it:
 *
 *     table inet fw {
 *         set bad { type ipv4_addr; elements = { 1.2.3.4 } }
 *         chain in { type filter hook input priority 0; policy drop;
 *             ct state established,related accept
 *             iifname "lo" accept
 *             iifname "br100" jump guests
 *             limit rate 3/minute log prefix "x"
 *             reject with icmpx admin-prohibited
 *         }
 *         chain guests {
 *             udp dport { 53, 1000-2000 } accept
 *             ip saddr @bad drop
 *             meta l4proto udp udp dport 67 counter drop
 *             ip daddr 10.0.0.0/24 ip protocol tcp tcp dport vmap { 22 : drop }
 *         }
 *         chain forwarding { type filter hook forward priority 0; policy accept;
 *             iifname "br*" oifname != "eth1" drop
 *             ip saddr 10.0.0.0/24 tcp dport 25 drop
 *         }
 *     } */
static const char ruleset_text[] =
    "{\"nftables\": ["
    "{\"table\": {\"family\": \"inet\", \"name\": \"fw\", \"handle\": 1}},"
    "{\"set\": {\"family\": \"inet\", \"name\": \"bad\", \"table\": \"fw\", \"type\": "
    "\"ipv4_addr\", \"handle\": 4, \"elem\": [\"1.2.3.4\"]}},"
    "{\"chain\": {\"family\": \"inet\", \"table\": \"fw\", \"name\": \"in\", \"handle\": 1, "
    "\"type\": \"filter\", \"hook\": \"input\", \"prio\": 0, \"policy\": \"drop\"}},"
    "{\"chain\": {\"family\": \"inet\", \"table\": \"fw\", \"name\": \"guests\", \"handle\": 2}},"
    "{\"chain\": {\"family\": \"inet\", \"table\": \"fw\", \"name\": \"forwarding\", \"handle\": "
    "3, \"type\": \"filter\", \"hook\": \"forward\", \"prio\": 0, \"policy\": \"accept\"}},"
    "{\"rule\": {\"family\": \"inet\", \"table\": \"fw\", \"chain\": \"in\", \"handle\": 5, "
    "\"expr\": [{\"match\": {\"op\": \"in\", \"left\": {\"ct\": {\"key\": \"state\"}}, \"right\": "
    "[\"established\", \"related\"]}}, {\"accept\": null}]}},"
    "{\"rule\": {\"family\": \"inet\", \"table\": \"fw\", \"chain\": \"in\", \"handle\": 6, "
    "\"expr\": [{\"match\": {\"op\": \"==\", \"left\": {\"meta\": {\"key\": \"iifname\"}}, "
    "\"right\": \"lo\"}}, {\"accept\": null}]}},"
    "{\"rule\": {\"family\": \"inet\", \"table\": \"fw\", \"chain\": \"in\", \"handle\": 7, "
    "\"expr\": [{\"match\": {\"op\": \"==\", \"left\": {\"meta\": {\"key\": \"iifname\"}}, "
    "\"right\": \"br100\"}}, {\"jump\": {\"target\": \"guests\"}}]}},"
    "{\"rule\": {\"family\": \"inet\", \"table\": \"fw\", \"chain\": \"in\", \"handle\": 8, "
    "\"expr\": [{\"limit\": {\"rate\": 3, \"burst\": 5, \"per\": \"minute\"}}, {\"log\": "
    "{\"prefix\": \"x\"}}]}},"
    "{\"rule\": {\"family\": \"inet\", \"table\": \"fw\", \"chain\": \"in\", \"handle\": 9, "
    "\"expr\": [{\"reject\": {\"type\": \"icmpx\", \"expr\": \"admin-prohibited\"}}]}},"
    "{\"rule\": {\"family\": \"inet\", \"table\": \"fw\", \"chain\": \"guests\", \"handle\": 11, "
    "\"expr\": [{\"match\": {\"op\": \"==\", \"left\": {\"payload\": {\"protocol\": \"udp\", "
    "\"field\": \"dport\"}}, \"right\": {\"set\": [53, {\"range\": [1000, 2000]}]}}}, {\"accept\": "
    "null}]}},"
    "{\"rule\": {\"family\": \"inet\", \"table\": \"fw\", \"chain\": \"guests\", \"handle\": 12, "
    "\"expr\": [{\"match\": {\"op\": \"==\", \"left\": {\"payload\": {\"protocol\": \"ip\", "
    "\"field\": \"saddr\"}}, \"right\": \"@bad\"}}, {\"drop\": null}]}},"
    "{\"rule\": {\"family\": \"inet\", \"table\": \"fw\", \"chain\": \"guests\", \"handle\": 13, "
    "\"expr\": [{\"match\": {\"op\": \"==\", \"left\": {\"payload\": {\"protocol\": \"udp\", "
    "\"field\": \"dport\"}}, \"right\": 67}}, {\"counter\": {\"packets\": 0, \"bytes\": 0}}, "
    "{\"drop\": null}]}},"
    "{\"rule\": {\"family\": \"inet\", \"table\": \"fw\", \"chain\": \"guests\", \"handle\": 15, "
    "\"expr\": [{\"match\": {\"op\": \"==\", \"left\": {\"payload\": {\"protocol\": \"ip\", "
    "\"field\": \"daddr\"}}, \"right\": {\"prefix\": {\"addr\": \"10.0.0.0\", \"len\": 24}}}}, "
    "{\"match\": {\"op\": \"==\", \"left\": {\"payload\": {\"protocol\": \"ip\", \"field\": "
    "\"protocol\"}}, \"right\": \"tcp\"}}, {\"vmap\": {\"key\": {\"payload\": {\"protocol\": "
    "\"tcp\", \"field\": \"dport\"}}, \"data\": {\"set\": [[22, {\"drop\": null}]]}}}]}},"
    "{\"rule\": {\"family\": \"inet\", \"table\": \"fw\", \"chain\": \"forwarding\", \"handle\": "
    "16, \"expr\": [{\"match\": {\"op\": \"==\", \"left\": {\"meta\": {\"key\": \"iifname\"}}, "
    "\"right\": \"br*\"}}, {\"match\": {\"op\": \"!=\", \"left\": {\"meta\": {\"key\": "
    "\"oifname\"}}, \"right\": \"eth1\"}}, {\"drop\": null}]}},"
    "{\"rule\": {\"family\": \"inet\", \"table\": \"fw\", \"chain\": \"forwarding\", \"handle\": "
    "17, \"expr\": [{\"match\": {\"op\": \"==\", \"left\": {\"payload\": {\"protocol\": \"ip\", "
    "\"field\": \"saddr\"}}, \"right\": {\"prefix\": {\"addr\": \"10.0.0.0\", \"len\": 24}}}}, "
    "{\"match\": {\"op\": \"==\", \"left\": {\"payload\": {\"protocol\": \"tcp\", \"field\": "
    "\"dport\"}}, \"right\": 25}}, {\"drop\": null}]}}"
    "]}";

static const struct nt_walk_packet dhcp = {
    .in = "br100",
    .proto = "udp",
    .src = 0,
    .dst = 0xffffffff,
    .sport = 68,
    .dport = 67,
    .ctstate = "NEW",
};

static size_t
walk(const char *hook, const struct nt_walk_packet *packet, struct nt_nft_finding *found)
{
    struct json *ruleset = json_from_string(ruleset_text);
    struct nt_nft_finding findings[4];

    assert_int_equal(ruleset->type, JSON_OBJECT);

    size_t n = nt_nft_walk(ruleset, hook, packet, findings, 4);
    if (n) {
        *found = findings[0];
        found->family = found->table = NULL;
        found->rule = NULL;
        found->chain = !strcmp(findings[0].chain, "guests") ? "guests"
                       : !strcmp(findings[0].chain, "in")   ? "in"
                                                            : "forwarding";
    }
    json_destroy(ruleset);
    return n;
}

static void
a_rule_that_drops_dhcp_is_found_in_the_chain_jumped_to(void **state)
{
    struct nt_nft_finding found;

    assert_int_equal(walk("input", &dhcp, &found), 1);
    assert_string_equal(found.chain, "guests");
    assert_int_equal(found.handle, 13);
    assert_false(walk("output", &dhcp, &found));
}

static void
a_sure_rejection_wins_over_what_a_set_may_drop(void **state)
{
    struct nt_walk_packet other = dhcp;
    struct nt_nft_finding found;

    other.dport = 99;
    other.in = "br100";
    assert_int_equal(walk("input", &other, &found), 1);
    assert_string_equal(found.chain, "in");
    assert_int_equal(found.handle, 9);

    other.dport = 53;
    assert_int_equal(walk("input", &other, &found), 0);
}

static void
an_acceptance_before_ends_the_walk(void **state)
{
    struct nt_walk_packet dns = dhcp;
    struct nt_nft_finding found;

    dns.in = "lo";
    assert_int_equal(walk("input", &dns, &found), 0);
    dns.in = "eth1";
    dns.ctstate = "ESTABLISHED";
    assert_int_equal(walk("input", &dns, &found), 0);
}

static void
interfaces_addresses_and_ports_are_compared(void **state)
{
    struct nt_walk_packet p = { .in = "br100",
                                .out = "eth1",
                                .proto = "tcp",
                                .src = 0x0a000002,
                                .dst = 0x01010101,
                                .sport = 4000,
                                .dport = 80,
                                .ctstate = "NEW" };
    struct nt_nft_finding found;

    assert_int_equal(walk("forward", &p, &found), 0);
    p.dport = 25;
    assert_int_equal(walk("forward", &p, &found), 1);
    assert_int_equal(found.handle, 17);
    p.out = "eth2";
    assert_int_equal(walk("forward", &p, &found), 1);
    assert_int_equal(found.handle, 16);
    p.in = "eth1";
    p.src = 0x0b000001;
    assert_int_equal(walk("forward", &p, &found), 0);
}

static void
tables_of_iptables_and_our_guard_are_known(void **state)
{
    assert_true(nt_nft_is_known_table("ip", "filter"));
    assert_true(nt_nft_is_known_table("bridge", "neutrino-guard"));
    assert_false(nt_nft_is_known_table("inet", "filter"));
    assert_false(nt_nft_is_known_table("ip", "fw"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_that_drops_dhcp_is_found_in_the_chain_jumped_to),
        cmocka_unit_test(a_sure_rejection_wins_over_what_a_set_may_drop),
        cmocka_unit_test(an_acceptance_before_ends_the_walk),
        cmocka_unit_test(interfaces_addresses_and_ports_are_compared),
        cmocka_unit_test(tables_of_iptables_and_our_guard_are_known),
    };

    return cmocka_run_group_tests_name("host/nft_walk", tests, NULL, NULL);
}
