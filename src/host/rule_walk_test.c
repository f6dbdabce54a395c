#include <config.h>

#include "host/rule_walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/addr.h"

static const struct nt_walk_packet dhcp = {
    .in = "br100",
    .proto = "udp",
    .sport = 68,
    .dport = 67,
    .dst = 0xffffffff,
    .ctstate = "NEW",
    .is_broadcast = true,
};

static const struct nt_walk_packet outward = {
    .in = "br100",
    .out = "eth1",
    .proto = "tcp",
    .src = 0x0a000002,
    .dst = 0xcb007101,
    .sport = 40000,
    .dport = 80,
    .ctstate = "NEW",
};

static enum nt_walk_match
match(const char *text, const struct nt_walk_packet *packet)
{
    char target[64];
    bool is_goto;

    return nt_walk_rule(text, packet, target, sizeof target, &is_goto);
}

static void
a_rule_matches_by_what_the_packet_is(void **state)
{
    static const struct {
        const char *text;
        enum nt_walk_match dhcp, outward;
    } rows[] = {
        { "-j DROP", NT_WALK_YES, NT_WALK_YES },
        { "-i br100 -j DROP", NT_WALK_YES, NT_WALK_YES },
        { "-i br+ -j DROP", NT_WALK_YES, NT_WALK_YES },
        { "! -i br100 -j DROP", NT_WALK_NO, NT_WALK_NO },
        { "-o eth1 -j DROP", NT_WALK_NO, NT_WALK_YES },
        { "-i eth2 -j DROP", NT_WALK_NO, NT_WALK_NO },
        { "-p udp -m udp --dport 67 -j DROP", NT_WALK_YES, NT_WALK_NO },
        { "-p udp -m udp --dport 67:68 -j DROP", NT_WALK_YES, NT_WALK_NO },
        { "-p udp -m udp --sport 1024:65535 -j DROP", NT_WALK_NO, NT_WALK_NO },
        { "-p tcp -m multiport --dports 22,80,443 -j DROP", NT_WALK_NO, NT_WALK_YES },
        { "-p tcp -m tcp ! --dport 80 -j DROP", NT_WALK_NO, NT_WALK_NO },
        { "-s 10.0.0.0/24 -j DROP", NT_WALK_NO, NT_WALK_YES },
        { "! -s 10.0.0.0/24 -j DROP", NT_WALK_YES, NT_WALK_NO },
        { "-s 10.0.0.0/255.255.255.0 -j DROP", NT_WALK_NO, NT_WALK_YES },
        { "-d 255.255.255.255/32 -j DROP", NT_WALK_YES, NT_WALK_NO },
        { "-m conntrack --ctstate RELATED,ESTABLISHED -j DROP", NT_WALK_NO, NT_WALK_NO },
        { "-m state --state INVALID,NEW -j DROP", NT_WALK_YES, NT_WALK_YES },
        { "-m addrtype --dst-type BROADCAST -j DROP", NT_WALK_YES, NT_WALK_NO },
        { "-m comment --comment \"a -j ACCEPT b\" -p udp -j DROP", NT_WALK_YES, NT_WALK_NO },
        { "-m limit --limit 3/min -j DROP", NT_WALK_MAYBE, NT_WALK_MAYBE },
        { "-i eth9 -m limit --limit 3/min -j DROP", NT_WALK_NO, NT_WALK_NO },
        { "-m set --match-set blocked src -j DROP", NT_WALK_MAYBE, NT_WALK_MAYBE },
        { "-m physdev --physdev-is-bridged -j DROP", NT_WALK_MAYBE, NT_WALK_MAYBE },
        { "-m mark --mark 0x1 -p tcp -j DROP", NT_WALK_NO, NT_WALK_MAYBE },
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(rows); i++) {
        assert_int_equal(match(rows[i].text, &dhcp), rows[i].dhcp);
        assert_int_equal(match(rows[i].text, &outward), rows[i].outward);
    }
}

/* What 'rules' of the table filter do to a packet in 'chain'. */
struct wanted {
    enum nt_walk_result result;
    bool is_sure;
    const char *where, *rule; /* Of NT_WALK_STOP. */
};

static const struct wanted passes = { NT_WALK_PASS, true, NULL, NULL };

static void
expect(const char *rules, const char *chain, const struct nt_walk_packet *packet,
       const struct wanted *wanted)
{
    AUTO(nt_iptables_state) s = nt_iptables_state_new();
    struct nt_walk_verdict v;
    struct nt_err err = { 0 };

    assert_int_equal(nt_iptables_state_load(s, rules, &err), 0);
    nt_walk_chain(nt_iptables_state_table(s, "filter"), chain, packet, &v);
    assert_int_equal(v.result, wanted->result);
    assert_int_equal(v.is_sure, wanted->is_sure);
    if (wanted->result == NT_WALK_STOP) {
        assert_string_equal(v.chain, wanted->where);
        assert_int_equal(v.rule == NULL, wanted->rule == NULL);
        if (wanted->rule) {
            assert_string_equal(v.rule, wanted->rule);
        }
    }
}

static void
the_rule_in_the_way_is_named_through_chains(void **state)
{
    expect(
        "*filter\n:INPUT ACCEPT [0:0]\n:a - [0:0]\n:b - [0:0]\n"
        "-A INPUT -p udp -j a\n-A INPUT -j ACCEPT\n-A a -p tcp -j DROP\n-A a -i br100 -g b\n"
        "-A b -m comment --comment \"no dhcp\" -p udp -m udp --dport 67 -j REJECT\nCOMMIT\n",
        "INPUT", &dhcp,
        &(struct wanted){ NT_WALK_STOP, true, "b",
                          "-m comment --comment \"no dhcp\" -p udp -m udp --dport 67 -j REJECT" });
}

static void
what_was_accepted_before_is_not_dropped_later(void **state)
{
    expect("*filter\n:FORWARD DROP [0:0]\n:ours - [0:0]\n-A FORWARD -j ours\n"
           "-A FORWARD -j DROP\n-A ours -i br100 -j ACCEPT\nCOMMIT\n",
           "FORWARD", &outward, &passes);
}

static void
a_policy_drops_what_no_rule_decides(void **state)
{
    const char *rules = "*filter\n:FORWARD DROP [0:0]\n:x - [0:0]\n-A FORWARD -j x\n"
                        "-A FORWARD -i eth7 -j ACCEPT\n-A x -j RETURN\n-A x -j ACCEPT\nCOMMIT\n";

    expect(rules, "FORWARD", &outward, &(struct wanted){ NT_WALK_STOP, true, "FORWARD", NULL });
    expect(rules, "INPUT", &outward, &passes);
}

static void
what_cannot_be_decided_makes_a_verdict_unsure(void **state)
{
    expect(
        "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m set --match-set bad src -j DROP\n"
        "-A FORWARD -j ACCEPT\nCOMMIT\n",
        "FORWARD", &outward,
        &(struct wanted){ NT_WALK_STOP, false, "FORWARD", "-m set --match-set bad src -j DROP" });
    expect("*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m set --match-set good src -j ACCEPT\n"
           "COMMIT\n",
           "FORWARD", &outward, &(struct wanted){ NT_WALK_STOP, false, "FORWARD", NULL });
    expect("*filter\n:FORWARD ACCEPT [0:0]\n:y - [0:0]\n"
           "-A FORWARD -m set --match-set some src -j y\n-A y -i br100 -j DROP\nCOMMIT\n",
           "FORWARD", &outward, &(struct wanted){ NT_WALK_STOP, false, "y", "-i br100 -j DROP" });
}

static void
chains_that_jump_in_a_circle_end(void **state)
{
    expect("*filter\n:FORWARD ACCEPT [0:0]\n:x - [0:0]\n:y - [0:0]\n-A FORWARD -j x\n"
           "-A x -j y\n-A y -j x\nCOMMIT\n",
           "FORWARD", &outward, &passes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_matches_by_what_the_packet_is),
        cmocka_unit_test(the_rule_in_the_way_is_named_through_chains),
        cmocka_unit_test(what_was_accepted_before_is_not_dropped_later),
        cmocka_unit_test(a_policy_drops_what_no_rule_decides),
        cmocka_unit_test(what_cannot_be_decided_makes_a_verdict_unsure),
        cmocka_unit_test(chains_that_jump_in_a_circle_end),
    };

    return cmocka_run_group_tests_name("host/rule_walk", tests, NULL, NULL);
}
