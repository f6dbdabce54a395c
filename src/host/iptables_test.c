/* The engine against the kernel, once with nftables and once with the legacy
 * variant.  Each test runs in a network namespace of its own, so it needs root. */
#include <config.h>

#include "host/iptables.h"

#include <inttypes.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "host/rules.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/poll-loop.h"

#define FILTER NT_IPTABLES_FILTER
#define NAT NT_IPTABLES_NAT
#define LIMIT_MS 20000

enum role { NETWORK, COMPUTE, API };

struct env {
    enum nt_iptables_variant variant;
    struct nt_children *children;
    char dir[64];
    char *lock;
    bool ok;
    uint64_t generation;
    char reason[256];
};

static struct env nft = { .variant = NT_IPTABLES_NFT };
static struct env legacy = { .variant = NT_IPTABLES_LEGACY };

static int
setup(void **state)
{
    struct env *env = *state;

    assert_int_equal(unshare(CLONE_NEWNET), 0);
    strcpy(env->dir, "/tmp/nt-test-ipt-XXXXXX");
    assert_non_null(mkdtemp(env->dir));
    env->lock = nt_path_join(env->dir, "run/iptables.lock");
    env->children = nt_children_new(nt_clock_system());
    return 0;
}

static int
teardown(void **state)
{
    struct env *env = *state;

    nt_children_free(env->children);
    free(env->lock);
    assert_int_equal(nt_remove_tree(env->dir), 0);
    return 0;
}

static char *
run(const char *const *argv, const char *input)
{
    struct nt_child_opts opts = {
        .argv = argv, .input = input, .input_len = input ? strlen(input) : 0, .timeout_ms = LIMIT_MS
    };
    struct nt_err err = { 0 };
    char *out = NULL;

    if (nt_child_run_blocking(&opts, &out, &err) < 0) {
        fail_msg("%s: %s", argv[0], err.msg);
    }
    return out;
}

static const char *
tool(const struct env *env, const char *nft_name, const char *legacy_name)
{
    return env->variant == NT_IPTABLES_NFT ? nft_name : legacy_name;
}

static char *
list(const struct env *env, const char *table)
{
    const char *argv[] = { tool(env, "iptables-nft", "iptables-legacy"), "-t", table, "-S", NULL };

    return run(argv, NULL);
}

static void
restore(const struct env *env, const char *text)
{
    const char *argv[] = { tool(env, "iptables-nft-restore", "iptables-legacy-restore"),
                           "--noflush", "-c", NULL };

    free(run(argv, text));
}

/* The saved text has 'line', counters and all. */
static bool
saved_has(const struct env *env, const char *line)
{
    const char *argv[] = { tool(env, "iptables-nft-save", "iptables-legacy-save"), "-c", NULL };
    AUTO_FREE char *text = run(argv, NULL);
    AUTO_FREE char *whole = xasprintf("\n%s\n", line);

    return strstr(text, whole) != NULL;
}

static char *
golden(const char *name)
{
    /* The path of this file is relative to where the compiler ran; run by hand, it
     * may be the top of the tree. */
    static const char *const roots[] = { "", "../../tests/golden/iptables",
                                         "tests/golden/iptables" };
    AUTO_FREE char *here = xstrdup(__FILE__);

    *strrchr(here, '/') = '\0';
    for (size_t i = 1; i < NT_ARRAY_SIZE(roots); i++) {
        AUTO_FREE char *folder = i == 1 ? nt_path_join(here, roots[i]) : xstrdup(roots[i]);
        AUTO_FREE char *path = nt_path_join(folder, name);
        char *text;
        size_t len;

        if (!nt_file_read(path, 1 << 20, &text, &len)) {
            return text;
        }
    }
    fail_msg("no golden file %s", name);
    return NULL;
}

static void
check_listing(const struct env *env, const char *table, const char *name)
{
    AUTO_FREE char *got = list(env, table);
    AUTO_FREE char *wanted = golden(name);

    assert_string_equal(got, wanted);
}

static void
settled(void *aux, uint64_t generation, bool ok, const struct nt_err *err)
{
    struct env *env = aux;

    env->generation = generation;
    env->ok = ok;
    ovs_strlcpy(env->reason, ok ? "" : err->msg, sizeof env->reason);
}

static struct nt_iptables *
engine(struct env *env)
{
    struct nt_iptables *ipt =
        nt_iptables_new(env->children, nt_clock_system(), env->variant, env->lock);

    nt_iptables_on_settled(ipt, settled, env);
    return ipt;
}

static void
settle(struct env *env, struct nt_iptables *const *ipts, size_t n)
{
    int64_t limit = nt_mono_ms(nt_clock_system()) + LIMIT_MS;

    for (;;) {
        bool is_done = true;

        nt_children_run(env->children);
        for (size_t i = 0; i < n; i++) {
            nt_iptables_run(ipts[i]);
            is_done = is_done && nt_iptables_is_settled(ipts[i]);
        }
        if (is_done) {
            return;
        }
        assert_true(nt_mono_ms(nt_clock_system()) < limit);
        nt_children_wait(env->children);
        for (size_t i = 0; i < n; i++) {
            nt_iptables_wait(ipts[i]);
        }
        poll_timer_wait_until(limit);
        poll_block();
    }
}

static void
apply(struct env *env, struct nt_iptables *ipt, struct nt_iptables_want *want)
{
    uint64_t generation = nt_iptables_set(ipt, want);

    settle(env, &ipt, 1);
    if (!env->ok) {
        fail_msg("%s", env->reason);
    }
    assert_true(env->generation == generation);
}

/* A program started anew: it reads once, and says whether it had to write. */
static bool
apply_as_new_program(struct env *env, struct nt_iptables_want *want)
{
    AUTO(nt_iptables) ipt = engine(env);

    apply(env, ipt, want);
    assert_int_equal(nt_iptables_stats(ipt)->saves, 1);
    return nt_iptables_stats(ipt)->applies > 0;
}

static struct nt_iptables_chain *
chain(struct nt_iptables_want *want, enum nt_iptables_table table, const char *name)
{
    return nt_iptables_chain(want, table, name);
}

static struct nt_cidr
cidr(const char *text)
{
    struct nt_cidr c = { 0 };

    assert_true(nt_cidr_parse(text, &c));
    return c;
}

static void
add_network(struct nt_iptables_want *want)
{
    struct nt_cidr range = cidr("10.0.0.0/24"), dmz = cidr("10.128.0.0/24");
    struct nt_cidr host = cidr("192.168.56.200/32");

    nt_iptables_role_init(want, "nova-network", NT_IPTABLES_RANK_NETWORK);

    struct nt_iptables_chain *post = chain(want, NAT, "nova-network-POSTROUTING");
    struct nt_iptables_chain *forward = chain(want, FILTER, "nova-network-FORWARD");
    struct nt_iptables_chain *input = chain(want, FILTER, "nova-network-INPUT");

    nt_iptables_rule_take(chain(want, NAT, "nova-network-snat"),
                          nt_rule_snat(&range, host.ip, NULL));
    nt_iptables_rule_take(post, nt_rule_accept_between(&range, &host));
    nt_iptables_rule_take(post, nt_rule_accept_between(&range, &dmz));
    nt_iptables_rule_take(post, nt_rule_accept_inside(&range));
    nt_iptables_rule_take(chain(want, NAT, "nova-network-PREROUTING"),
                          nt_rule_metadata_dnat(host.ip, 8775));
    nt_iptables_rule_take(forward, nt_rule_from_interface("br100", "ACCEPT"));
    nt_iptables_rule_take(forward, nt_rule_to_interface("br100", "ACCEPT"));
    for (int port = 67; port >= 53; port -= 14) {
        nt_iptables_rule_take(input, nt_rule_service("br100", "udp", (uint16_t) port));
        nt_iptables_rule_take(input, nt_rule_service("br100", "tcp", (uint16_t) port));
    }
}

static void
add_api(struct nt_iptables_want *want)
{
    nt_iptables_role_init(want, "nova-api", NT_IPTABLES_RANK_API);
    nt_iptables_rule_take(chain(want, FILTER, "nova-api-INPUT"),
                          nt_rule_accept_tcp_to(cidr("192.168.56.200").ip, 8775));
}

static void
add_instance(struct nt_iptables_want *want, int number, const char *address)
{
    AUTO_FREE char *name = xasprintf("nova-compute-inst-%d", number);
    struct nt_iptables_chain *inst = chain(want, FILTER, name);
    struct nt_cidr range = cidr("10.0.0.0/24");

    nt_iptables_rule_take(chain(want, FILTER, "nova-compute-local"),
                          nt_rule_jump_to_ip(cidr(address).ip, name));
    nt_iptables_rule(inst, NT_RULE_DROP_INVALID);
    nt_iptables_rule(inst, NT_RULE_ACCEPT_ESTABLISHED);
    nt_iptables_rule(inst, "-j nova-compute-provider");
    nt_iptables_rule_take(inst, nt_rule_accept_dhcp_server(cidr("10.0.0.1").ip));
    nt_iptables_rule_take(inst, nt_rule_accept_from(&range));
    nt_iptables_rule(inst, "-j nova-compute-sg-fallback");
}

static void
add_compute(struct nt_iptables_want *want)
{
    nt_iptables_role_init(want, "nova-compute", NT_IPTABLES_RANK_COMPUTE);
    nt_iptables_rule(chain(want, FILTER, "nova-compute-sg-fallback"), "-j DROP");
    nt_iptables_rule(chain(want, FILTER, "nova-compute-FORWARD"), "-i br100 -j ACCEPT");
    nt_iptables_rule(chain(want, FILTER, "nova-compute-FORWARD"), "-o br100 -j ACCEPT");
    chain(want, FILTER, "nova-compute-provider");
}

static struct nt_iptables_want *
network_host(void)
{
    struct nt_iptables_want *want = nt_iptables_want_new(NULL);

    add_network(want);
    add_api(want);
    return want;
}

static struct nt_iptables_want *
compute_host(void)
{
    struct nt_iptables_want *want = nt_iptables_want_new(NULL);

    add_compute(want);
    add_instance(want, 9, "10.0.0.2");
    return want;
}

static struct nt_iptables_want *
one_role(enum role role)
{
    struct nt_iptables_want *want = nt_iptables_want_new(NULL);

    if (role == NETWORK) {
        add_network(want);
    } else if (role == COMPUTE) {
        add_compute(want);
    } else {
        add_api(want);
    }
    return want;
}

static void
network_host_gives_the_golden_listings_and_a_restart_writes_nothing(void **state)
{
    struct env *env = *state;
    AUTO(nt_iptables) ipt = engine(env);

    apply(env, ipt, network_host());
    check_listing(env, "filter", "G5-controller-filter.txt");
    check_listing(env, "nat", "G6-controller-nat.txt");
    assert_int_equal(nt_iptables_stats(ipt)->applies, 1);

    apply(env, ipt, network_host());
    assert_int_equal(nt_iptables_stats(ipt)->applies, 1);
    assert_int_equal(nt_iptables_stats(ipt)->saves, 1);
    assert_false(apply_as_new_program(env, network_host()));
    check_listing(env, "filter", "G5-controller-filter.txt");
    check_listing(env, "nat", "G6-controller-nat.txt");
}

static void
compute_host_gives_the_golden_listing(void **state)
{
    struct env *env = *state;

    assert_true(apply_as_new_program(env, compute_host()));
    check_listing(env, "filter", "G14-compute-filter.txt");
    assert_false(apply_as_new_program(env, compute_host()));
}

/* As three programs that start in different orders, in fresh namespaces. */
static void
order_of_starting_makes_no_difference(void **state)
{
    static const enum role orders[][3] = { { NETWORK, API, COMPUTE },
                                           { API, NETWORK, COMPUTE },
                                           { COMPUTE, API, NETWORK },
                                           { API, COMPUTE, NETWORK } };
    struct env *env = *state;
    AUTO_FREE char *filter = NULL;
    AUTO_FREE char *nat = NULL;

    for (size_t i = 0; i < NT_ARRAY_SIZE(orders); i++) {
        assert_int_equal(unshare(CLONE_NEWNET), 0);
        for (int j = 0; j < 3; j++) {
            assert_true(apply_as_new_program(env, one_role(orders[i][j])));
        }
        for (int j = 0; j < 3; j++) {
            assert_false(apply_as_new_program(env, one_role(orders[i][j])));
        }

        AUTO_FREE char *this_filter = list(env, "filter");
        AUTO_FREE char *this_nat = list(env, "nat");

        if (filter) {
            assert_string_equal(this_filter, filter);
            assert_string_equal(this_nat, nat);
        } else {
            filter = TAKE(this_filter);
            nat = TAKE(this_nat);
        }
    }
}

static void
network_and_api_in_both_orders_give_the_golden_listings(void **state)
{
    struct env *env = *state;

    apply_as_new_program(env, one_role(NETWORK));
    apply_as_new_program(env, one_role(API));
    check_listing(env, "filter", "G5-controller-filter.txt");

    assert_int_equal(unshare(CLONE_NEWNET), 0);
    apply_as_new_program(env, one_role(API));
    apply_as_new_program(env, one_role(NETWORK));
    check_listing(env, "filter", "G5-controller-filter.txt");
    check_listing(env, "nat", "G6-controller-nat.txt");
}

/* The last rule of a chain in "iptables -S". */
static void
last_rule_is(const struct env *env, const char *table, const char *name, const char *rule)
{
    AUTO_FREE char *text = list(env, table);
    AUTO_FREE char *start = xasprintf("-A %s ", name);
    AUTO_FREE char *wanted = xasprintf("-A %s %s", name, rule);
    const char *last = "";

    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        last = strncmp(line, start, strlen(start)) ? last : line;
    }
    assert_string_equal(last, wanted);
}

static void
foreign_rules_stay_below_ours_with_their_counters(void **state)
{
    static const struct {
        const char *table, *chain;
    } hosts[] = { { "filter", "INPUT" },   { "filter", "FORWARD" }, { "filter", "OUTPUT" },
                  { "nat", "PREROUTING" }, { "nat", "OUTPUT" },     { "nat", "POSTROUTING" } };
    const char *foreign = "-s 172.16.5.0/24 -j ACCEPT";
    struct env *env = *state;

    for (size_t i = 0; i < NT_ARRAY_SIZE(hosts); i++) {
        AUTO_FREE char *text = xasprintf("*%s\n[%zu:777] -A %s %s\nCOMMIT\n", hosts[i].table, i + 3,
                                         hosts[i].chain, foreign);

        restore(env, text);
    }

    AUTO(nt_iptables) ipt = engine(env);

    apply(env, ipt, network_host());
    for (size_t i = 0; i < NT_ARRAY_SIZE(hosts); i++) {
        AUTO_FREE char *line = xasprintf("[%zu:777] -A %s %s", i + 3, hosts[i].chain, foreign);

        last_rule_is(env, hosts[i].table, hosts[i].chain, foreign);
        assert_true(saved_has(env, line));
    }

    /* One that somebody puts on top sinks below ours; ours keep their counters. */
    restore(env, "*filter\n[5:5] -I INPUT 1 -s 172.16.6.0/24 -j DROP\n"
                 "-D INPUT -j nova-api-INPUT\n[9:99] -I INPUT 3 -j nova-api-INPUT\nCOMMIT\n");
    nt_iptables_recheck(ipt);
    settle(env, &ipt, 1);
    assert_true(env->ok);
    assert_int_equal(nt_iptables_stats(ipt)->repairs, 1);
    assert_true(saved_has(env, "[9:99] -A INPUT -j nova-api-INPUT\n"
                               "[5:5] -A INPUT -s 172.16.6.0/24 -j DROP\n"
                               "[3:777] -A INPUT -s 172.16.5.0/24 -j ACCEPT"));
}

static void
counters_of_unchanged_rules_survive_a_change(void **state)
{
    struct env *env = *state;
    AUTO(nt_iptables) ipt = engine(env);

    apply(env, ipt, compute_host());
    restore(env, "*filter\n"
                 "-D nova-compute-inst-9 -s 10.0.0.0/24 -j ACCEPT\n"
                 "[12:1200] -I nova-compute-inst-9 5 -s 10.0.0.0/24 -j ACCEPT\n"
                 "-D nova-compute-local -d 10.0.0.2/32 -j nova-compute-inst-9\n"
                 "[34:3400] -A nova-compute-local -d 10.0.0.2/32 -j nova-compute-inst-9\n"
                 "COMMIT\n");

    struct nt_iptables_want *want = compute_host();

    add_instance(want, 10, "10.0.0.3");
    nt_iptables_rule(chain(want, FILTER, "nova-compute-inst-9"), "-p icmp -j ACCEPT");
    apply(env, ipt, want);
    assert_true(saved_has(env, "[12:1200] -A nova-compute-inst-9 -s 10.0.0.0/24 -j ACCEPT"));
    assert_true(
        saved_has(env, "[34:3400] -A nova-compute-local -d 10.0.0.2/32 -j nova-compute-inst-9"));
    assert_true(saved_has(env, "[0:0] -A nova-compute-inst-9 -p icmp -j ACCEPT"));
    assert_int_equal(nt_iptables_stats(ipt)->saves, 1);

    /* Another order needs the chain declared anew: a fresh reading saves the counters. */
    want = nt_iptables_want_new(NULL);
    add_compute(want);
    nt_iptables_rule(chain(want, FILTER, "nova-compute-inst-9"), "-s 10.0.0.0/24 -j ACCEPT");
    nt_iptables_rule(chain(want, FILTER, "nova-compute-inst-9"), NT_RULE_DROP_INVALID);
    apply(env, ipt, want);
    assert_true(saved_has(env, "[12:1200] -A nova-compute-inst-9 -s 10.0.0.0/24 -j ACCEPT\n"
                               "[0:0] -A nova-compute-inst-9 -m state --state INVALID -j DROP"));
}

static void
chains_whose_names_begin_alike_are_not_mixed_up(void **state)
{
    struct env *env = *state;
    AUTO(nt_iptables) ipt = engine(env);
    struct nt_iptables_want *want = nt_iptables_want_new(NULL);

    add_compute(want);
    add_instance(want, 1, "10.0.0.2");
    add_instance(want, 10, "10.0.0.3");
    apply(env, ipt, want);
    want = nt_iptables_want_new(NULL);
    add_compute(want);
    add_instance(want, 10, "10.0.0.3");
    apply(env, ipt, want);
    assert_true(saved_has(env, ":nova-compute-inst-10 - [0:0]"));
    assert_true(
        saved_has(env, "[0:0] -A nova-compute-local -d 10.0.0.3/32 -j nova-compute-inst-10"));
    assert_false(saved_has(env, ":nova-compute-inst-1 - [0:0]"));

    restore(env, "*filter\n:nova-api-metadata-INPUT - [0:0]\n"
                 "[1:2] -A nova-api-metadata-INPUT -s 10.9.0.0/16 -j ACCEPT\n"
                 "[3:4] -A INPUT -j nova-api-metadata-INPUT\nCOMMIT\n");
    apply_as_new_program(env, one_role(API));
    want = nt_iptables_want_new(NULL);
    nt_iptables_role_claim(want, "nova-api", NT_IPTABLES_RANK_API);
    apply_as_new_program(env, want);
    assert_false(saved_has(env, ":nova-api-INPUT - [0:0]"));
    assert_true(saved_has(env, "[1:2] -A nova-api-metadata-INPUT -s 10.9.0.0/16 -j ACCEPT"));
    assert_true(saved_has(env, "[3:4] -A INPUT -j nova-api-metadata-INPUT"));
}

static void
flush(struct env *env, const char *table)
{
    const char *ipt = tool(env, "iptables-nft", "iptables-legacy");
    const char *empty[] = { ipt, "-t", table, "-F", NULL };
    const char *remove[] = { ipt, "-t", table, "-X", NULL };

    free(run(empty, NULL));
    free(run(remove, NULL));
}

static void
recheck_repairs_a_flush(void **state)
{
    struct env *env = *state;
    AUTO(nt_iptables) ipt = engine(env);

    apply(env, ipt, network_host());
    flush(env, "filter");
    flush(env, "nat");
    nt_iptables_recheck(ipt);
    settle(env, &ipt, 1);
    check_listing(env, "filter", "G5-controller-filter.txt");
    check_listing(env, "nat", "G6-controller-nat.txt");
    assert_int_equal(nt_iptables_stats(ipt)->repairs, 1);

    nt_iptables_recheck(ipt);
    settle(env, &ipt, 1);
    assert_int_equal(nt_iptables_stats(ipt)->repairs, 1);
    assert_int_equal(nt_iptables_stats(ipt)->applies, 2);
}

static void
recheck_of_the_nft_variant_reads_only_what_may_have_changed(void **state)
{
    struct env *env = *state;
    AUTO(nt_iptables) ipt = engine(env);

    apply(env, ipt, network_host());
    nt_iptables_recheck(ipt);
    settle(env, &ipt, 1);

    bool is_nft = strstr(nt_iptables_version(ipt), "nf_tables");
    unsigned saves = nt_iptables_stats(ipt)->saves;

    assert_true(nt_iptables_recheck(ipt) > 0);
    assert_int_equal(nt_iptables_is_settled(ipt), is_nft);
    settle(env, &ipt, 1);
    assert_int_equal(nt_iptables_stats(ipt)->saves - saves, !is_nft);

    flush(env, "nat");
    nt_iptables_recheck(ipt);
    settle(env, &ipt, 1);
    assert_int_equal(nt_iptables_stats(ipt)->repairs, 1);
    check_listing(env, "nat", "G6-controller-nat.txt");
}

static void
change_after_an_unseen_flush_reads_again_and_repairs(void **state)
{
    struct env *env = *state;
    AUTO(nt_iptables) ipt = engine(env);
    struct nt_iptables_want *want = compute_host();

    add_instance(want, 10, "10.0.0.3");
    apply(env, ipt, want);
    flush(env, "filter");
    apply(env, ipt, compute_host());
    check_listing(env, "filter", "G14-compute-filter.txt");
    assert_int_equal(nt_iptables_stats(ipt)->attempts_failed, 1);
    assert_int_equal(nt_iptables_stats(ipt)->failures, 0);
}

/* All forms of host/rules.h, with comments that need quoting: if the kernel printed
 * one of them in another way, the second program would write. */
static struct nt_iptables_want *
every_form(void)
{
    struct nt_iptables_want *want = nt_iptables_want_new("neutrino-test");
    struct nt_cidr range = cidr("10.0.0.0/24"), odd = cidr("192.168.0.5/24");
    uint32_t host = cidr("192.168.56.200").ip, local = cidr("127.0.0.1").ip;
    const struct nt_rule_match matches[] = {
        { "tcp", 22, 22, NULL },  { "tcp", 1, 65535, &odd }, { "udp", 5000, 5010, &range },
        { "udp", -1, -1, NULL },  { "icmp", -1, -1, NULL },  { "icmp", 8, -1, NULL },
        { "icmp", 3, 4, &range }, { "icmp", 255, -1, NULL }, { NULL, -1, -1, &odd },
    };

    add_network(want);
    add_compute(want);
    add_api(want);
    add_instance(want, 9, "10.0.0.2");
    nt_iptables_role_mangle(want, "nova-network", NT_IPTABLES_RANK_NETWORK);
    nt_iptables_rule_take(chain(want, NT_IPTABLES_MANGLE, "nova-network-POSTROUTING"),
                          nt_rule_dhcp_checksum("br100"));
    nt_iptables_rule_take(chain(want, NAT, "nova-network-snat"),
                          nt_rule_snat(&range, host, "eth1"));
    nt_iptables_rule_take(chain(want, NAT, "nova-network-PREROUTING"),
                          nt_rule_metadata_dnat(local, 8775));
    nt_iptables_rule_take(chain(want, FILTER, "nova-api-INPUT"),
                          nt_rule_accept_tcp_to(local, 8775));
    nt_iptables_rule(chain(want, FILTER, "nova-compute-INPUT"), NT_RULE_DHCP_REQUEST);
    for (size_t i = 0; i < NT_ARRAY_SIZE(matches); i++) {
        AUTO_FREE char *text = nt_rule_match(&matches[i], "ACCEPT");

        nt_iptables_rule_note(chain(want, FILTER, "nova-compute-inst-9"), "it's a \"rule\" \\",
                              text);
    }
    return want;
}

static void
every_rule_form_is_printed_by_the_kernel_as_we_write_it(void **state)
{
    struct env *env = *state;

    assert_true(apply_as_new_program(env, every_form()));
    assert_false(apply_as_new_program(env, every_form()));
    assert_true(saved_has(env, "[0:0] -A FORWARD -m comment --comment neutrino-test "
                               "-j nova-filter-top"));

    /* A program that writes no comments takes the shared jumps as they are. */
    apply_as_new_program(env, compute_host());
    assert_true(saved_has(env, "[0:0] -A FORWARD -m comment --comment neutrino-test "
                               "-j nova-filter-top"));
    assert_true(saved_has(env, "[0:0] -A FORWARD -j nova-compute-FORWARD"));
}

/* Every form with a comment, and as many plain rules: taking the forms out again is
 * done by "-D", which must find each of them. */
static struct nt_iptables_want *
forms_and_padding(bool with_forms)
{
    struct nt_iptables_want *want = nt_iptables_want_new(NULL);
    struct nt_iptables_want *forms = every_form();
    const struct nt_iptables_want_table *table = &forms->tables[FILTER];

    nt_iptables_role_claim(want, "nova-compute", NT_IPTABLES_RANK_COMPUTE);

    struct nt_iptables_chain *all = chain(want, FILTER, "nova-compute-all");

    for (size_t i = 0; with_forms && i < table->n_chains; i++) {
        for (size_t j = 0; j < table->chains[i]->n_rules; j++) {
            if (!strstr(table->chains[i]->rules[j], "-j nova-")) {
                nt_iptables_rule(all, table->chains[i]->rules[j]);
            }
        }
    }
    for (int i = 0; i < 100; i++) {
        nt_iptables_rule_take(all, xasprintf("-s 10.3.0.%d -j DROP", i));
    }
    nt_iptables_want_free(forms);
    return want;
}

static void
every_rule_form_can_be_deleted(void **state)
{
    struct env *env = *state;
    AUTO(nt_iptables) ipt = engine(env);

    apply(env, ipt, forms_and_padding(true));
    apply(env, ipt, forms_and_padding(false));
    assert_int_equal(nt_iptables_stats(ipt)->attempts_failed, 0);
    assert_false(apply_as_new_program(env, forms_and_padding(false)));
}

static void
changes_in_quick_succession_are_joined(void **state)
{
    struct env *env = *state;
    AUTO(nt_iptables) ipt = engine(env);
    uint64_t last = 0;

    for (int i = 0; i < 20; i++) {
        struct nt_iptables_want *want = compute_host();

        add_instance(want, 10 + i, "10.0.0.3");
        last = nt_iptables_set(ipt, want);
        nt_children_run(env->children);
        nt_iptables_run(ipt);
    }
    settle(env, &ipt, 1);
    assert_true(env->ok);
    assert_true(env->generation == last);
    /* On a busy machine a write may end while changes still come. */
    assert_in_range(nt_iptables_stats(ipt)->applies, 1, 10);
    assert_true(saved_has(env, ":nova-compute-inst-29 - [0:0]"));
    assert_false(saved_has(env, ":nova-compute-inst-28 - [0:0]"));
}

static void
programs_at_the_same_time_take_turns(void **state)
{
    struct env *env = *state;
    struct nt_iptables *ipts[] = { engine(env), engine(env), engine(env) };

    for (int i = 0; i < 3; i++) {
        nt_iptables_set(ipts[i], one_role((enum role) i));
    }
    settle(env, ipts, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(nt_iptables_stats(ipts[i])->attempts_failed, 0);
        assert_int_equal(nt_iptables_stats(ipts[i])->applies, 1);
        nt_iptables_free(ipts[i]);
    }
    for (int i = 0; i < 3; i++) {
        assert_false(apply_as_new_program(env, one_role((enum role) i)));
    }
}

static void
rule_the_kernel_refuses_is_reported_and_the_next_change_works(void **state)
{
    struct env *env = *state;
    AUTO(nt_iptables) ipt = engine(env);
    struct nt_iptables_want *want = compute_host();

    nt_iptables_rule(chain(want, FILTER, "nova-compute-inst-9"), "-j no-such-chain");
    nt_iptables_set(ipt, want);
    settle(env, &ipt, 1);
    assert_false(env->ok);
    assert_non_null(strstr(env->reason, "iptables-restore: exit status"));
    assert_int_equal(nt_iptables_stats(ipt)->attempts_failed, 5);
    assert_int_equal(nt_iptables_stats(ipt)->failures, 1);

    apply(env, ipt, compute_host());
    check_listing(env, "filter", "G14-compute-filter.txt");
}

static struct nt_iptables_want *
many_instances(int n)
{
    struct nt_iptables_want *want = nt_iptables_want_new(NULL);

    add_compute(want);
    for (int i = 0; i < n; i++) {
        AUTO_FREE char *name = xasprintf("nova-compute-inst-%d", i);
        AUTO_FREE char *address = xasprintf("10.0.%d.%d", i / 250, i % 250 + 2);

        add_instance(want, i, address);
        for (int port = 1; port <= 4; port++) {
            struct nt_rule_match match = { "tcp", port, port, NULL };

            nt_iptables_rule_take(chain(want, FILTER, name), nt_rule_match(&match, "ACCEPT"));
        }
    }
    return want;
}

static void
one_more_instance_among_a_thousand_is_one_small_write(void **state)
{
    const struct nt_clock *clock = nt_clock_system();
    struct env *env = *state;
    AUTO(nt_iptables) ipt = engine(env);
    int64_t start = nt_mono_ms(clock);

    apply(env, ipt, many_instances(1000));

    int64_t all = nt_mono_ms(clock);

    apply(env, ipt, many_instances(1001));

    int64_t one = nt_mono_ms(clock);

    print_message("1000 instances in %" PRId64 " ms, one more in %" PRId64 " ms\n", all - start,
                  one - all);
    assert_int_equal(nt_iptables_stats(ipt)->saves, 1);
    assert_int_equal(nt_iptables_stats(ipt)->applies, 2);
    assert_true(saved_has(env, ":nova-compute-inst-1000 - [0:0]"));
}

static void
auto_variant_names_what_it_found(void **state)
{
    struct env *env = *state;
    AUTO(nt_iptables)
    ipt = nt_iptables_new(env->children, nt_clock_system(), NT_IPTABLES_AUTO, env->lock);

    nt_iptables_on_settled(ipt, settled, env);
    apply(env, ipt, compute_host());
    assert_true(strstr(nt_iptables_version(ipt), "(nf_tables)")
                || strstr(nt_iptables_version(ipt), "(legacy)"));
}

#define BOTH(TEST)                                        \
    { #TEST " (nft)", TEST, setup, teardown, &nft },      \
    {                                                     \
#TEST " (legacy)", TEST, setup, teardown, &legacy \
    }

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(network_host_gives_the_golden_listings_and_a_restart_writes_nothing),
        BOTH(compute_host_gives_the_golden_listing),
        BOTH(order_of_starting_makes_no_difference),
        BOTH(network_and_api_in_both_orders_give_the_golden_listings),
        BOTH(foreign_rules_stay_below_ours_with_their_counters),
        BOTH(counters_of_unchanged_rules_survive_a_change),
        BOTH(chains_whose_names_begin_alike_are_not_mixed_up),
        BOTH(recheck_repairs_a_flush),
        BOTH(recheck_of_the_nft_variant_reads_only_what_may_have_changed),
        BOTH(change_after_an_unseen_flush_reads_again_and_repairs),
        BOTH(every_rule_form_is_printed_by_the_kernel_as_we_write_it),
        BOTH(every_rule_form_can_be_deleted),
        BOTH(changes_in_quick_succession_are_joined),
        BOTH(programs_at_the_same_time_take_turns),
        BOTH(rule_the_kernel_refuses_is_reported_and_the_next_change_works),
        BOTH(one_more_instance_among_a_thousand_is_one_small_write),
        cmocka_unit_test_prestate_setup_teardown(auto_variant_names_what_it_found, setup, teardown,
                                                 &nft),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
