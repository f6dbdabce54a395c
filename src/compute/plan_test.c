#include <config.h>

#include "compute/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static struct nt_vif cirros_vif = {
    .mac = "fa:16:3e:2c:e8:ec",
    .address = "10.0.0.2",
    .cidr = "10.0.0.0/24",
    .dhcp_server = "10.0.0.1",
    .bridge = "br100",
};

static const struct guest cirros = {
    .view = { .id = "99999999-9999-4999-8999-999999999999",
              .number = 9,
              .vifs = &cirros_vif,
              .n_vifs = 1 },
};

static struct nt_vif other_vifs[] = {
    { .address = "10.0.0.3", .cidr = "10.0.0.0/24", .dhcp_server = "10.0.0.1" },
    { .address = "10.1.0.3", .cidr = "10.1.0.0/16", .dhcp_server = "10.1.0.1" },
};

static const struct guest other = {
    .view = { .id = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa",
              .number = 10,
              .vifs = other_vifs,
              .n_vifs = 2 },
};

static void
check(size_t n_guests, size_t n_bridges, const struct plan_options *options, const char *wanted)
{
    const struct guest *const guests[] = { &cirros, &other };
    const char *const bridges[] = { "br100", "br200" };
    AUTO(nt_iptables_want) want = plan_chains(guests, n_guests, bridges, n_bridges, options);
    AUTO_FREE char *text = nt_iptables_want_dump(want);

    assert_string_equal(text, wanted);
}

static void
golden_profile_is_that_of_the_listing(void **state)
{
    const struct plan_options o = { .golden = true, .allow_same_net_traffic = true };

    check(1, 1, &o,
          "owner nova-compute 1\n"
          "*filter\n"
          "hook FORWARD 0 -j nova-filter-top\n"
          "hook OUTPUT 0 -j nova-filter-top\n"
          "hook nova-filter-top 1001 -j nova-compute-local\n"
          "hook INPUT 1001 -j nova-compute-INPUT\n"
          "hook OUTPUT 1001 -j nova-compute-OUTPUT\n"
          "hook FORWARD 1001 -j nova-compute-FORWARD\n"
          "chain nova-compute-local\n"
          "    -d 10.0.0.2/32 -j nova-compute-inst-9\n"
          "chain nova-compute-INPUT\n"
          "chain nova-compute-OUTPUT\n"
          "chain nova-compute-FORWARD\n"
          "    -i br100 -j ACCEPT\n"
          "    -o br100 -j ACCEPT\n"
          "chain nova-compute-provider\n"
          "chain nova-compute-sg-fallback\n"
          "    -j DROP\n"
          "chain nova-compute-inst-9\n"
          "    -m state --state INVALID -j DROP\n"
          "    -m state --state RELATED,ESTABLISHED -j ACCEPT\n"
          "    -j nova-compute-provider\n"
          "    -s 10.0.0.1/32 -p udp -m udp --sport 67 --dport 68 -j ACCEPT\n"
          "    -s 10.0.0.0/24 -j ACCEPT\n"
          "    -j nova-compute-sg-fallback\n"
          "*nat\n"
          "hook PREROUTING 1001 -j nova-compute-PREROUTING\n"
          "hook OUTPUT 1001 -j nova-compute-OUTPUT\n"
          "hook POSTROUTING 1001 -j nova-compute-POSTROUTING\n"
          "hook nova-postrouting-bottom 1001 -j nova-compute-snat\n"
          "hook POSTROUTING 2000 -j nova-postrouting-bottom\n"
          "chain nova-compute-PREROUTING\n"
          "chain nova-compute-OUTPUT\n"
          "chain nova-compute-POSTROUTING\n"
          "chain nova-compute-snat\n"
          "    -j nova-compute-float-snat\n"
          "chain nova-compute-float-snat\n"
          "*mangle\n");
}

static void
default_profile_has_comments_and_lets_first_dhcp_requests_through(void **state)
{
    const struct plan_options o = { .allow_same_net_traffic = true };

    check(
        2, 2, &o,
        "owner nova-compute 1\n"
        "*filter\n"
        "hook FORWARD 0 -m comment --comment neutrino-compute -j nova-filter-top\n"
        "hook OUTPUT 0 -m comment --comment neutrino-compute -j nova-filter-top\n"
        "hook nova-filter-top 1001 -m comment --comment neutrino-compute -j nova-compute-local\n"
        "hook INPUT 1001 -m comment --comment neutrino-compute -j nova-compute-INPUT\n"
        "hook OUTPUT 1001 -m comment --comment neutrino-compute -j nova-compute-OUTPUT\n"
        "hook FORWARD 1001 -m comment --comment neutrino-compute -j nova-compute-FORWARD\n"
        "chain nova-compute-local\n"
        "    -d 10.0.0.2/32 -m comment --comment \"neutrino-compute: instance "
        "99999999-9999-4999-8999-999999999999\" -j nova-compute-inst-9\n"
        "    -d 10.0.0.3/32 -m comment --comment \"neutrino-compute: instance "
        "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa\" -j nova-compute-inst-10\n"
        "    -d 10.1.0.3/32 -m comment --comment \"neutrino-compute: instance "
        "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa\" -j nova-compute-inst-10\n"
        "chain nova-compute-INPUT\n"
        "    -s 0.0.0.0/32 -d 255.255.255.255/32 -p udp -m udp --sport 68 --dport 67 -m comment "
        "--comment neutrino-compute -j ACCEPT\n"
        "chain nova-compute-OUTPUT\n"
        "chain nova-compute-FORWARD\n"
        "    -i br100 -m comment --comment neutrino-compute -j ACCEPT\n"
        "    -o br100 -m comment --comment neutrino-compute -j ACCEPT\n"
        "    -i br200 -m comment --comment neutrino-compute -j ACCEPT\n"
        "    -o br200 -m comment --comment neutrino-compute -j ACCEPT\n"
        "    -s 0.0.0.0/32 -d 255.255.255.255/32 -p udp -m udp --sport 68 --dport 67 -m comment "
        "--comment neutrino-compute -j ACCEPT\n"
        "chain nova-compute-provider\n"
        "chain nova-compute-sg-fallback\n"
        "    -m comment --comment neutrino-compute -j DROP\n"
        "chain nova-compute-inst-9\n"
        "    -m state --state INVALID -m comment --comment neutrino-compute -j DROP\n"
        "    -m state --state RELATED,ESTABLISHED -m comment --comment neutrino-compute -j ACCEPT\n"
        "    -m comment --comment neutrino-compute -j nova-compute-provider\n"
        "    -s 10.0.0.1/32 -p udp -m udp --sport 67 --dport 68 -m comment --comment "
        "neutrino-compute -j ACCEPT\n"
        "    -s 10.0.0.0/24 -m comment --comment neutrino-compute -j ACCEPT\n"
        "    -m comment --comment neutrino-compute -j nova-compute-sg-fallback\n"
        "chain nova-compute-inst-10\n"
        "    -m state --state INVALID -m comment --comment neutrino-compute -j DROP\n"
        "    -m state --state RELATED,ESTABLISHED -m comment --comment neutrino-compute -j ACCEPT\n"
        "    -m comment --comment neutrino-compute -j nova-compute-provider\n"
        "    -s 10.0.0.1/32 -p udp -m udp --sport 67 --dport 68 -m comment --comment "
        "neutrino-compute -j ACCEPT\n"
        "    -s 10.1.0.1/32 -p udp -m udp --sport 67 --dport 68 -m comment --comment "
        "neutrino-compute -j ACCEPT\n"
        "    -s 10.0.0.0/24 -m comment --comment neutrino-compute -j ACCEPT\n"
        "    -s 10.1.0.0/16 -m comment --comment neutrino-compute -j ACCEPT\n"
        "    -m comment --comment neutrino-compute -j nova-compute-sg-fallback\n"
        "*nat\n"
        "hook PREROUTING 1001 -m comment --comment neutrino-compute -j nova-compute-PREROUTING\n"
        "hook OUTPUT 1001 -m comment --comment neutrino-compute -j nova-compute-OUTPUT\n"
        "hook POSTROUTING 1001 -m comment --comment neutrino-compute -j nova-compute-POSTROUTING\n"
        "hook nova-postrouting-bottom 1001 -m comment --comment neutrino-compute -j "
        "nova-compute-snat\n"
        "hook POSTROUTING 2000 -m comment --comment neutrino-compute -j nova-postrouting-bottom\n"
        "chain nova-compute-PREROUTING\n"
        "chain nova-compute-OUTPUT\n"
        "chain nova-compute-POSTROUTING\n"
        "chain nova-compute-snat\n"
        "    -m comment --comment neutrino-compute -j nova-compute-float-snat\n"
        "chain nova-compute-float-snat\n"
        "*mangle\n");
}

static void
host_without_guests_keeps_its_bridge_open(void **state)
{
    const struct plan_options o = { .allow_same_net_traffic = false };

    check(
        0, 1, &o,
        "owner nova-compute 1\n"
        "*filter\n"
        "hook FORWARD 0 -m comment --comment neutrino-compute -j nova-filter-top\n"
        "hook OUTPUT 0 -m comment --comment neutrino-compute -j nova-filter-top\n"
        "hook nova-filter-top 1001 -m comment --comment neutrino-compute -j nova-compute-local\n"
        "hook INPUT 1001 -m comment --comment neutrino-compute -j nova-compute-INPUT\n"
        "hook OUTPUT 1001 -m comment --comment neutrino-compute -j nova-compute-OUTPUT\n"
        "hook FORWARD 1001 -m comment --comment neutrino-compute -j nova-compute-FORWARD\n"
        "chain nova-compute-local\n"
        "chain nova-compute-INPUT\n"
        "chain nova-compute-OUTPUT\n"
        "chain nova-compute-FORWARD\n"
        "    -i br100 -m comment --comment neutrino-compute -j ACCEPT\n"
        "    -o br100 -m comment --comment neutrino-compute -j ACCEPT\n"
        "chain nova-compute-provider\n"
        "chain nova-compute-sg-fallback\n"
        "    -m comment --comment neutrino-compute -j DROP\n"
        "*nat\n"
        "hook PREROUTING 1001 -m comment --comment neutrino-compute -j nova-compute-PREROUTING\n"
        "hook OUTPUT 1001 -m comment --comment neutrino-compute -j nova-compute-OUTPUT\n"
        "hook POSTROUTING 1001 -m comment --comment neutrino-compute -j nova-compute-POSTROUTING\n"
        "hook nova-postrouting-bottom 1001 -m comment --comment neutrino-compute -j "
        "nova-compute-snat\n"
        "hook POSTROUTING 2000 -m comment --comment neutrino-compute -j nova-postrouting-bottom\n"
        "chain nova-compute-PREROUTING\n"
        "chain nova-compute-OUTPUT\n"
        "chain nova-compute-POSTROUTING\n"
        "chain nova-compute-snat\n"
        "    -m comment --comment neutrino-compute -j nova-compute-float-snat\n"
        "chain nova-compute-float-snat\n"
        "*mangle\n");
}

static void
neighbours_are_shut_out_when_configured(void **state)
{
    const struct plan_options with = { .golden = true, .allow_same_net_traffic = true };
    const struct plan_options without = { .golden = true };
    const struct guest *const guests[] = { &other };
    AUTO(nt_iptables_want) a = plan_chains(guests, 1, NULL, 0, &with);
    AUTO(nt_iptables_want) b = plan_chains(guests, 1, NULL, 0, &without);
    AUTO_FREE char *a_text = nt_iptables_want_dump(a);
    AUTO_FREE char *b_text = nt_iptables_want_dump(b);

    assert_non_null(strstr(a_text, "    -s 10.0.0.0/24 -j ACCEPT\n    -s 10.1.0.0/16 -j ACCEPT\n"));
    assert_null(strstr(b_text, "-s 10.0.0.0/24"));
    assert_null(strstr(b_text, "-s 10.1.0.0/16"));
    assert_non_null(strstr(b_text, "-s 10.1.0.1/32 -p udp -m udp --sport 67 --dport 68 -j ACCEPT"));
}

static void
connections_are_counted_in_a_chain_of_their_own(void **state)
{
    const struct plan_options o = { .connections = 500, .drop = "REJECT" };
    const struct guest *const guests[] = { &other };
    AUTO(nt_iptables_want) want = plan_chains(guests, 1, NULL, 0, &o);
    AUTO(nt_iptables_want) want6 = plan_chains6(guests, 1, NULL, 0, &o);
    AUTO_FREE char *text = nt_iptables_want_dump(want);
    AUTO_FREE char *text6 = nt_iptables_want_dump(want6);
    static const char local[] = "chain nova-compute-local\n"
                                "    -m physdev --physdev-in vnet+ -m conntrack --ctstate NEW "
                                "-m comment --comment neutrino-compute -j nova-compute-flood\n";

    assert_non_null(strstr(text, local));
    assert_non_null(strstr(text6, local));
    assert_non_null(strstr(text, "chain nova-compute-flood\n"
                                 "    -m connlimit --connlimit-above 500 --connlimit-mask 32 "
                                 "--connlimit-saddr -m comment --comment neutrino-compute "
                                 "-j DROP\n"));
    assert_non_null(strstr(text6, "--connlimit-mask 128 "));
    assert_non_null(strstr(text, "chain nova-compute-sg-fallback\n"
                                 "    -m comment --comment neutrino-compute -j REJECT\n"));
}

/* What the memo gives is what would be planned without it, whatever changed. */
static void
check_memo(struct plan_memo *memo, struct guest *const *guests, size_t n, bool ipv6)
{
    struct security security;
    struct plan_options o = { .allow_same_net_traffic = true, .security = &security };

    security_init(&security);

    AUTO(nt_iptables_want)
    fresh =
        (ipv6 ? plan_chains6 : plan_chains)((const struct guest *const *) guests, n, NULL, 0, &o);
    o.memo = memo;
    AUTO(nt_iptables_want)
    remembered =
        (ipv6 ? plan_chains6 : plan_chains)((const struct guest *const *) guests, n, NULL, 0, &o);
    AUTO_FREE char *wanted = nt_iptables_want_dump(fresh);
    AUTO_FREE char *text = nt_iptables_want_dump(remembered);

    assert_string_equal(text, wanted);
    security_deinit(&security);
}

static const struct nt_iptables_chain *
chain_of(struct plan_memo *memo, struct guest *const *guests, size_t n, const char *name)
{
    const struct plan_options o = { .golden = true, .memo = memo };
    AUTO(nt_iptables_want)
    want = plan_chains((const struct guest *const *) guests, n, NULL, 0, &o);

    return shash_find_data(&want->tables[NT_IPTABLES_FILTER].by_name, name);
}

static void
memo_plans_as_if_it_were_not_there(void **state)
{
    AUTO(plan_memo) memo = plan_memo_new();
    AUTO(plan_memo) memo6 = plan_memo_new();
    struct nt_vif vif = cirros_vif;
    struct guest a = cirros, b = other;
    struct guest *const both[] = { &a, &b }, *const second[] = { &b };

    a.view.vifs = &vif;
    a.version = 1;
    b.version = 2;
    for (int round = 0; round < 2; round++) {
        check_memo(memo, both, 2, false);
        check_memo(memo6, both, 2, true);
    }

    /* A guest that changed, one that is gone, and one that came back. */
    ovs_strlcpy(vif.address, "10.0.0.77", sizeof vif.address);
    a.version = 3;
    check_memo(memo, both, 2, false);
    check_memo(memo6, both, 2, true);
    check_memo(memo, second, 1, false);
    check_memo(memo, both, 2, false);
    /* Without a version nothing is remembered. */
    ovs_strlcpy(vif.address, "10.0.0.78", sizeof vif.address);
    a.version = 0;
    check_memo(memo, both, 2, false);
    ovs_strlcpy(vif.address, "10.0.0.79", sizeof vif.address);
    check_memo(memo, both, 2, false);
}

static void
unchanged_guest_keeps_its_chain(void **state)
{
    AUTO(plan_memo) memo = plan_memo_new();
    struct guest a = cirros, b = other;
    struct guest *const both[] = { &a, &b };

    a.version = 1;
    b.version = 2;

    const struct nt_iptables_chain *first = chain_of(memo, both, 2, "nova-compute-inst-9");
    const struct nt_iptables_chain *second = chain_of(memo, both, 2, "nova-compute-inst-10");

    b.version = 3;
    assert_ptr_equal(chain_of(memo, both, 2, "nova-compute-inst-9"), first);
    assert_ptr_not_equal(chain_of(memo, both, 2, "nova-compute-inst-10"), second);
}

/* One chain for both, as without the memo; the server does not send such a thing. */
static void
two_guests_of_one_number_share_their_chain(void **state)
{
    AUTO(plan_memo) memo = plan_memo_new();
    struct guest a = cirros, b = other;
    struct guest *const both[] = { &a, &b };

    b.view.number = a.view.number;
    a.version = 1;
    b.version = 2;
    check_memo(memo, both, 2, false);
    check_memo(memo, both, 2, false);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_profile_is_that_of_the_listing),
        cmocka_unit_test(default_profile_has_comments_and_lets_first_dhcp_requests_through),
        cmocka_unit_test(host_without_guests_keeps_its_bridge_open),
        cmocka_unit_test(neighbours_are_shut_out_when_configured),
        cmocka_unit_test(connections_are_counted_in_a_chain_of_their_own),
        cmocka_unit_test(memo_plans_as_if_it_were_not_there),
        cmocka_unit_test(unchanged_guest_keeps_its_chain),
        cmocka_unit_test(two_guests_of_one_number_share_their_chain),
    };

    return cmocka_run_group_tests_name("compute/plan", tests, NULL, NULL);
}
