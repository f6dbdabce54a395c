#include <config.h>

#include "compute/security.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "compute/plan.h"
#include "openvswitch/json.h"

#define WEB "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"
#define CLIENTS "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"
#define OTHER "cccccccc-cccc-4ccc-8ccc-cccccccccccc"

#define RULE(id, protocol, min, max, prefix, group, ethertype)                                    \
    "{\"id\": \"" id "1111111-1111-4111-8111-111111111111\", \"security_group_id\": \"" WEB "\"," \
    "\"direction\": \"ingress\", \"ethertype\": \"" ethertype "\", \"protocol\": \"" protocol     \
    "\","                                                                                         \
    "\"port_range_min\": " #min ", \"port_range_max\": " #max ","                                 \
    "\"remote_ip_prefix\": \"" prefix "\", \"remote_group_id\": " group "}"
#define NOBODY "null"
#define FROM_CLIENTS "\"" CLIENTS "\""

struct fixture {
    struct security security;
    struct nt_security_group_view group;
    struct nt_security_members members;
    struct nt_ip_text address4, address6;
};

static void
put(struct fixture *fx, const char *rules, const char *member)
{
    struct nt_security_result result = { &fx->group, 1, &fx->members, 1 };

    strcpy(fx->group.id, WEB);
    json_destroy(fx->group.rules);
    fx->group.rules = json_from_string(rules);
    assert_int_equal(fx->group.rules->type, JSON_ARRAY);
    strcpy(fx->members.group_id, CLIENTS);
    strcpy(fx->address4.text, member);
    strcpy(fx->address6.text, "fe80::f816:3eff:fe00:3");
    fx->members.addresses4 = &fx->address4;
    fx->members.addresses6 = &fx->address6;
    fx->members.n_addresses4 = fx->members.n_addresses6 = 1;
    security_put(&fx->security, &result, NULL, 0);
}

static int
set_up(void **state)
{
    struct fixture *fx = xzalloc(sizeof *fx);

    security_init(&fx->security);
    *state = fx;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *fx = *state;

    security_deinit(&fx->security);
    json_destroy(fx->group.rules);
    free(fx);
    return 0;
}

/* The lines that the groups add to the guest's chain. */
static char *
planned(const struct fixture *fx, bool ipv6, bool sets)
{
    static struct nt_uuid_text ids[] = { { WEB } };
    static struct nt_vif vif = { .mac = "fa:16:3e:2c:e8:ec", .address = "10.0.0.2" };
    static const struct guest guest = {
        .view = { .number = 9,
                  .vifs = &vif,
                  .n_vifs = 1,
                  .security_group_ids = ids,
                  .n_security_group_ids = 1 },
    };
    const struct guest *const guests[] = { &guest };
    const struct plan_options options = { .golden = true,
                                          .use_ipsets = sets,
                                          .security = &fx->security };
    AUTO(nt_iptables_want)
    want = ipv6 ? plan_chains6(guests, 1, NULL, 0, &options)
                : plan_chains(guests, 1, NULL, 0, &options);
    AUTO_FREE char *text = nt_iptables_want_dump(want);
    char *start = strstr(text, "chain nova-compute-inst-9\n");
    const char *last = ipv6 ? "--icmpv6-type 136 -j ACCEPT\n" : "-provider\n";

    assert_non_null(start);
    start = strstr(start, last) + strlen(last);
    return xmemdup0(start, strstr(start, "    -j nova-compute-sg-fallback") - start);
}

#define PLANNED(fx, ipv6, sets, wanted)                     \
    do {                                                    \
        AUTO_FREE char *planned_ = planned(fx, ipv6, sets); \
        assert_string_equal(planned_, wanted);              \
    } while (0)

static void
rules_are_written_as_iptables_prints_them(void **state)
{
    struct fixture *fx = *state;

    put(fx,
        "[" RULE("0", "tcp", 22, 22, "0.0.0.0/0", NOBODY, "IPv4") "," RULE(
            "1", "tcp", 1, 65535, "192.168.0.5/24", NOBODY,
            "IPv4") "," RULE("2", "icmp", -1, -1, "", NOBODY,
                             "IPv4") "," RULE("3", "icmp", 8, -1, "", NOBODY,
                                              "IPv4") "," RULE("4", "icmp", 3, 4, "", NOBODY,
                                                               "IPv4") "," RULE("5", "udp", 5000,
                                                                                5010, "",
                                                                                FROM_CLIENTS,
                                                                                "") "," RULE("6",
                                                                                             "", -1,
                                                                                             -1, "",
                                                                                             FROM_CLIENTS,
                                                                                             "") "," RULE("7",
                                                                                                          "icmp",
                                                                                                          128,
                                                                                                          0,
                                                                                                          "2001:db8::/32",
                                                                                                          NOBODY,
                                                                                                          "IPv6") "]",
        "10.0.0.3");
    PLANNED(fx, false, false,
            "    -p tcp -m tcp --dport 22 -j ACCEPT\n"
            "    -s 192.168.0.0/24 -p tcp -m multiport --dports 1:65535 -j ACCEPT\n"
            "    -p icmp -j ACCEPT\n"
            "    -p icmp -m icmp --icmp-type 8 -j ACCEPT\n"
            "    -p icmp -m icmp --icmp-type 3/4 -j ACCEPT\n"
            "    -s 10.0.0.3/32 -p udp -m multiport --dports 5000:5010 -j ACCEPT\n"
            "    -s 10.0.0.3/32 -j ACCEPT\n");
    PLANNED(fx, true, false,
            "    -s fe80::f816:3eff:fe00:3/128 -p udp -m multiport --dports 5000:5010 -j ACCEPT\n"
            "    -s fe80::f816:3eff:fe00:3/128 -j ACCEPT\n"
            "    -s 2001:db8::/32 -p ipv6-icmp -m icmp6 --icmpv6-type 128/0 -j ACCEPT\n");
}

static void
source_group_is_one_rule_by_its_set(void **state)
{
    struct fixture *fx = *state;

    put(fx, "[" RULE("0", "icmp", -1, -1, "", FROM_CLIENTS, "") "]", "10.0.0.3");
    PLANNED(fx, false, true,
            "    -p icmp -m set --match-set nt4-bbbbbbbb-bbbb-4bbb-8bbb-bbb src -j ACCEPT\n");
    PLANNED(fx, true, true,
            "    -p ipv6-icmp -m set --match-set nt6-bbbbbbbb-bbbb-4bbb-8bbb-bbb src -j ACCEPT\n");
}

static void
the_same_rule_stands_once(void **state)
{
    struct fixture *fx = *state;

    put(fx,
        "[" RULE("0", "tcp", 22, 22, "0.0.0.0/0", NOBODY, "IPv4") "," RULE("1", "TCP", 22, 22, "",
                                                                           NOBODY, "IPv4") "]",
        "10.0.0.3");
    PLANNED(fx, false, false, "    -p tcp -m tcp --dport 22 -j ACCEPT\n");
}

/* OSSA-2014-014, OSSA-2019-001. */
static void
wrong_rule_is_left_out_alone(void **state)
{
    struct fixture *fx = *state;

    put(fx,
        "[" RULE("0", "tcp", 22, 22, "10.0.0.0/999", NOBODY, "IPv4") "," RULE(
            "1", "47", 1, 2, "", NOBODY,
            "IPv4") "," RULE("2", "tcp", "x", 22, "", NOBODY,
                             "IPv4") ","
                                     "17, null, {}, \"x\", [1]," RULE(
                                         "3", "tcp\\n-j ACCEPT", 22, 22, "", NOBODY,
                                         "IPv4") "," RULE("4", "udp", 53, 53,
                                                          "10.0.0.0/8 -j ACCEPT", NOBODY,
                                                          "IPv4") "," RULE("5", "tcp", 80, 80, "",
                                                                           NOBODY, "IPv4") "]",
        "10.0.0.3");
    PLANNED(fx, false, false, "    -p tcp -m tcp --dport 80 -j ACCEPT\n");
}

static void
member_that_is_no_address_is_left_out(void **state)
{
    struct fixture *fx = *state;

    put(fx, "[" RULE("0", "", -1, -1, "", FROM_CLIENTS, "") "]", "10.0.0.3 -j ACCEPT");
    PLANNED(fx, false, false, "");
}

static void
what_is_missing_is_named(void **state)
{
    struct fixture *fx = *state;
    struct shash missing = SHASH_INITIALIZER(&missing);

    put(fx, "[" RULE("0", "", -1, -1, "", FROM_CLIENTS, "") "]", "10.0.0.3");
    assert_true(security_is_known(&fx->security, WEB, &missing));
    assert_false(security_is_known(&fx->security, OTHER, &missing));
    assert_non_null(shash_find(&missing, OTHER));
    shash_destroy(&missing);
}

static void
unused_groups_and_their_sources_are_forgotten(void **state)
{
    struct fixture *fx = *state;
    struct shash used = SHASH_INITIALIZER(&used);

    put(fx, "[" RULE("0", "", -1, -1, "", FROM_CLIENTS, "") "]", "10.0.0.3");
    shash_add(&used, WEB, NULL);
    assert_false(security_prune(&fx->security, &used));
    shash_clear(&used);
    assert_true(security_prune(&fx->security, &used));
    assert_null(security_find(&fx->security, WEB));
    assert_null(security_find_members(&fx->security, CLIENTS));
    shash_destroy(&used);
}

static void
the_same_answer_again_is_no_change(void **state)
{
    struct fixture *fx = *state;
    struct nt_security_result result = { &fx->group, 1, &fx->members, 1 };
    const struct nt_uuid_text gone = { WEB };
    struct nt_security_result none = { 0 };

    put(fx, "[" RULE("0", "", -1, -1, "", FROM_CLIENTS, "") "]", "10.0.0.3");
    assert_false(security_put(&fx->security, &result, NULL, 0));
    strcpy(fx->address4.text, "10.0.0.4");
    assert_true(security_put(&fx->security, &result, NULL, 0));
    assert_true(security_put(&fx->security, &none, &gone, 1));
    assert_int_equal(security_find(&fx->security, WEB)->n, 0);
}

static void
file_gives_the_same_rules_back(void **state)
{
    struct fixture *fx = *state;
    struct fixture copy = { .address4.text = "" };
    struct nt_err err = { 0 };

    put(fx, "[" RULE("0", "tcp", 80, 80, "", FROM_CLIENTS, "") "]", "10.0.0.3");

    AUTO_FREE char *text = security_to_text(&fx->security);
    security_init(&copy.security);
    assert_int_equal(security_from_text(&copy.security, text, &err), 0);
    PLANNED(&copy, false, false, "    -s 10.0.0.3/32 -p tcp -m tcp --dport 80 -j ACCEPT\n");
    assert_int_equal(security_from_text(&copy.security, "{\"groups\": 7}", &err), -1);
    security_deinit(&copy.security);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        T(rules_are_written_as_iptables_prints_them),
        T(source_group_is_one_rule_by_its_set),
        T(the_same_rule_stands_once),
        T(wrong_rule_is_left_out_alone),
        T(member_that_is_no_address_is_left_out),
        T(what_is_missing_is_named),
        T(unused_groups_and_their_sources_are_forgotten),
        T(the_same_answer_again_is_no_change),
        T(file_gives_the_same_rules_back),
    };

    return cmocka_run_group_tests_name("compute/security", tests, NULL, NULL);
}
