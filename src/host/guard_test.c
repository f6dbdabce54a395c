/* The engine against the kernel, in a network namespace of the test's own: br100 with
 * the ports vnet0, vnet1 and vnet2, whose other ends g0, g1 and g2 stand for guests.
 * Frames are sent raw into g0 and looked for on g1.  Needs root, nft and ip. */
#include <config.h>

#include "host/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "host/guard_plan.h"
#include "openvswitch/poll-loop.h"

#define LIMIT_MS 20000
#define MAC_0 "\xfa\x16\x3e\x00\x00\x0a"
#define MAC_1 "\xfa\x16\x3e\x00\x00\x0b"
#define OTHER_MAC "\xfa\x16\x3e\x00\x00\xee"
#define ALL_MAC "\xff\xff\xff\xff\xff\xff"
#define FE80_0 "\xfe\x80\0\0\0\0\0\0\xf8\x16\x3e\xff\xfe\0\0\x0a"
#define FE80_1 "\xfe\x80\0\0\0\0\0\0\xf8\x16\x3e\xff\xfe\0\0\x0b"
#define IP_0 0x0a000002
#define IP_1 0x0a000003
#define OTHER_IP 0x0a0000ee
#define ALL_IP 0xffffffff

static const struct nt_guard_port ports[] = {
    { "vnet0", "fa:16:3e:00:00:0a", { "10.0.0.2" }, 1 },
    { "vnet1", "fa:16:3e:00:00:0b", { "10.0.0.3" }, 1 },
};

struct bed {
    struct nt_children *children;
    struct nt_guard *guard;
    int g0, g1; /* Packet sockets. */
};

struct frame {
    uint8_t b[512];
    size_t n;
};

static char *
run(const char *const *argv)
{
    struct nt_child_opts opts = { .argv = argv, .timeout_ms = LIMIT_MS };
    struct nt_err err = { 0 };
    char *out = NULL;

    if (nt_child_run_blocking(&opts, &out, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return out;
}

#define COMMAND(...) free(run((const char *const[]){ __VA_ARGS__, NULL }))
#define TABLE "bridge", "neutrino-guard"

static int
packet_socket(const char *ifname)
{
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));
    struct sockaddr_ll sll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };

    assert_true(fd >= 0);
    sll.sll_ifindex = if_nametoindex(ifname);
    assert_int_equal(bind(fd, (struct sockaddr *) &sll, sizeof sll), 0);
    return fd;
}

static void
add_port(const char *vnet, const char *guest)
{
    COMMAND("ip", "link", "add", vnet, "type", "veth", "peer", "name", guest);
    COMMAND("ip", "link", "set", vnet, "master", "br100", "up");
    COMMAND("ip", "link", "set", guest, "up");
}

static struct nt_guard *
new_guard(struct bed *bed)
{
    nt_guard_free(bed->guard);
    bed->guard = nt_guard_new(bed->children, nt_clock_system());
    return bed->guard;
}

static int
set_up(void **state)
{
    static struct bed bed;

    bed = (struct bed){ .children = nt_children_new(nt_clock_system()) };
    assert_int_equal(unshare(CLONE_NEWNET), 0);
    assert_int_equal(nt_file_put("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"), 0);
    COMMAND("ip", "link", "add", "br100", "type", "bridge", "forward_delay", "0");
    COMMAND("ip", "link", "set", "br100", "up");
    add_port("vnet0", "g0");
    add_port("vnet1", "g1");
    add_port("vnet2", "g2");
    bed.g0 = packet_socket("g0");
    bed.g1 = packet_socket("g1");
    new_guard(&bed);
    *state = &bed;
    return 0;
}

static int
tear_down(void **state)
{
    struct bed *bed = *state;

    nt_guard_free(bed->guard);
    nt_children_free(bed->children);
    close(bed->g0);
    close(bed->g1);
    return 0;
}

static void
settle(struct bed *bed)
{
    int64_t limit = nt_mono_ms(nt_clock_system()) + LIMIT_MS;

    do {
        nt_children_run(bed->children);
        nt_guard_run(bed->guard);
        if (nt_mono_ms(nt_clock_system()) > limit) {
            fail_msg("not settled: %s", nt_guard_error(bed->guard));
        }
        nt_guard_wait(bed->guard);
        nt_children_wait(bed->children);
        poll_timer_wait(100);
        poll_block();
        nt_children_run(bed->children);
        nt_guard_run(bed->guard);
    } while (!nt_guard_is_settled(bed->guard) || nt_guard_error(bed->guard));
}

/* Until the kernel was read again and repaired. */
static void
recheck(struct bed *bed)
{
    unsigned before = nt_guard_stats(bed->guard)->applies;
    int64_t limit = nt_mono_ms(nt_clock_system()) + LIMIT_MS;

    nt_guard_recheck(bed->guard);
    while (nt_guard_stats(bed->guard)->applies == before) {
        assert_true(nt_mono_ms(nt_clock_system()) < limit);
        settle(bed);
    }
}

static void
set(struct bed *bed, const struct nt_guard_port *wanted, size_t n)
{
    nt_guard_set(bed->guard, wanted, n);
    assert_false(nt_guard_is_settled(bed->guard));
    settle(bed);
}

static char *
list_table(void)
{
    return run((const char *const[]){ "nft", "-s", "list", "table", TABLE, NULL });
}

/* Nothing is to be done to get from what the kernel has to what 'wanted' want. */
static void
check_installed(const struct nt_guard_port *wanted, size_t n)
{
    AUTO_FREE char *text = list_table();
    struct nt_guard_table installed, want;

    nt_guard_table_parse(text, &installed);
    nt_guard_table_want(wanted, n, NULL, &want);

    AUTO_FREE char *commands = nt_guard_diff(&installed, &want);
    nt_guard_table_clear(&installed);
    nt_guard_table_clear(&want);
    if (commands) {
        fail_msg("missing: %s\nin: %s", commands, text);
    }
}

/* Packets that the rules of vnet0 dropped for this reason. */
static int
dropped(const char *reason)
{
    AUTO_FREE char *text =
        run((const char *const[]){ "nft", "list", "chain", TABLE, "vnet0", NULL });
    AUTO_FREE char *quoted = xasprintf("name \"%s\"", reason);
    int n_rules = 0, n_packets = 0;
    char *saved;

    for (char *line = strtok_r(text, "\n", &saved); line; line = strtok_r(NULL, "\n", &saved)) {
        char *counter = strstr(line, "counter packets ");

        if (counter && strstr(line, quoted)) {
            n_rules++;
            n_packets += atoi(counter + strlen("counter packets "));
        }
    }
    assert_true(n_rules > 0);
    return n_packets;
}

static void
put(struct frame *f, const void *bytes, size_t n)
{
    memcpy(f->b + f->n, bytes, n);
    f->n += n;
}

static void
put16(struct frame *f, uint16_t value)
{
    value = htons(value);
    put(f, &value, 2);
}

static void
put32(struct frame *f, uint32_t value)
{
    value = htonl(value);
    put(f, &value, 4);
}

static struct frame
ether(const char *dst, const char *src, uint16_t type)
{
    struct frame f = { .n = 0 };

    put(&f, dst, 6);
    put(&f, src, 6);
    put16(&f, type);
    return f;
}

static void
put_udp4(struct frame *f, uint32_t src, uint32_t dst, uint16_t sport, uint16_t dport)
{
    size_t start = f->n;
    uint32_t sum = 0;

    put(f, "\x45\0\0\x24\0\0\0\0\x40\x11\0\0", 12);
    put32(f, src);
    put32(f, dst);
    for (size_t i = start; i < f->n; i += 2) {
        sum += f->b[i] << 8 | f->b[i + 1];
    }
    sum = ~((sum & 0xffff) + (sum >> 16));
    f->b[start + 10] = sum >> 8;
    f->b[start + 11] = sum;
    put16(f, sport);
    put16(f, dport);
    put16(f, 16);
    put16(f, 0);
    put(f, "payload.", 8);
}

static struct frame
udp4(const char *src_mac, uint32_t src, uint32_t dst, uint16_t sport, uint16_t dport)
{
    struct frame f = ether(dst == ALL_IP ? ALL_MAC : MAC_1, src_mac, ETH_P_IP);

    put_udp4(&f, src, dst, sport, dport);
    return f;
}

static struct frame
arp(const char *src_mac, const char *sender_mac, uint32_t sender)
{
    struct frame f = ether(ALL_MAC, src_mac, ETH_P_ARP);

    put(&f, "\0\1\x08\0\6\4\0\1", 8);
    put(&f, sender_mac, 6);
    put32(&f, sender);
    put(&f, "\0\0\0\0\0\0", 6);
    put32(&f, IP_1);
    return f;
}

/* 'next' is the protocol, 'payload' begins with what names the kind. */
static struct frame
ip6(uint8_t next, const void *payload, size_t n)
{
    struct frame f = ether("\x33\x33\0\0\0\1", MAC_0, ETH_P_IPV6);

    put(&f, "\x60\0\0\0", 4);
    put16(&f, n);
    put(&f, &next, 1);
    put(&f, "\xff", 1);
    put(&f, "\xfe\x80\0\0\0\0\0\0\xf8\x16\x3e\xff\xfe\0\0\x0a", 16);
    put(&f, "\xff\2\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    put(&f, payload, n);
    return f;
}

static void
send_frame(int fd, const struct frame *f)
{
    assert_int_equal(send(fd, f->b, f->n, 0), f->n);
}

static bool
is_same(const struct frame *a, const struct frame *b)
{
    return a->n == b->n && !memcmp(a->b, b->b, a->n);
}

/* Whether 'f', sent into g0, comes out at g1.  A frame nobody refuses is sent after it:
 * when that has come, 'f' will not. */
static bool
passes(struct bed *bed, const struct frame *f)
{
    static uint16_t port = 10000;
    struct frame last = udp4(MAC_0, 0, ALL_IP, 68, 67), got;
    bool seen = false;

    /* Told from the others by a number in the payload. */
    last.b[last.n - 2] = ++port >> 8;
    last.b[last.n - 1] = port;
    send_frame(bed->g0, f);
    send_frame(bed->g0, &last);
    for (;;) {
        struct pollfd pfd = { .fd = bed->g1, .events = POLLIN };

        assert_int_equal(poll(&pfd, 1, LIMIT_MS), 1);
        got.n = recv(bed->g1, got.b, sizeof got.b, 0);
        seen |= is_same(&got, f);
        if (is_same(&got, &last)) {
            return seen;
        }
    }
}

#define PASSES(bed, frame_expr)                   \
    do {                                          \
        struct frame frame_ = frame_expr;         \
                                                  \
        if (!passes(bed, &frame_)) {              \
            fail_msg("dropped: %s", #frame_expr); \
        }                                         \
    } while (0)

#define DROPPED(bed, reason, frame_expr)                \
    do {                                                \
        struct frame frame_ = frame_expr;               \
        int before_ = dropped(reason);                  \
                                                        \
        if (passes(bed, &frame_)) {                     \
            fail_msg("let through: %s", #frame_expr);   \
        }                                               \
        assert_int_equal(dropped(reason), before_ + 1); \
    } while (0)

static void
kernel_prints_what_was_wanted_and_a_restart_writes_nothing(void **state)
{
    struct bed *bed = *state;

    set(bed, ports, 2);
    check_installed(ports, 2);
    assert_int_equal(nt_guard_stats(bed->guard)->applies, 1);

    new_guard(bed);
    set(bed, ports, 2);
    assert_int_equal(nt_guard_stats(bed->guard)->applies, 0);
    assert_int_equal(nt_guard_stats(bed->guard)->failures, 0);
    assert_null(nt_guard_error(bed->guard));
}

static void
own_traffic_passes(void **state)
{
    struct bed *bed = *state;

    set(bed, ports, 2);
    PASSES(bed, udp4(MAC_0, IP_0, IP_1, 1000, 2000));
    PASSES(bed, udp4(MAC_0, IP_0, IP_1, 68, 67));
    PASSES(bed, udp4(MAC_0, 0, ALL_IP, 68, 67));
    PASSES(bed, arp(MAC_0, MAC_0, IP_0));
    PASSES(bed, arp(MAC_0, MAC_0, 0));
    PASSES(bed, ip6(17, "\3\xe8\7\xd0\0\x8\0\0", 8));
    PASSES(bed, ip6(58, "\x87\0\0\0\0\0\0\0" FE80_1, 24));
    PASSES(bed, ip6(58, "\x87\0\0\0\0\0\0\0" FE80_1 "\1\1" MAC_0, 32));
    PASSES(bed, ip6(58, "\x88\0\0\0\0\0\0\0" FE80_0 "\2\1" MAC_0, 32));
    PASSES(bed, ip6(58, "\x80\0\0\0\0\1\0\1", 8));
    assert_int_equal(dropped("source-address"), 0);
    assert_int_equal(dropped("protocol"), 0);
}

static void
forged_addresses_are_dropped_and_counted(void **state)
{
    struct bed *bed = *state;

    set(bed, ports, 2);
    DROPPED(bed, "source-MAC", udp4(OTHER_MAC, IP_0, IP_1, 1000, 2000));
    DROPPED(bed, "source-MAC", arp(OTHER_MAC, MAC_0, IP_0));
    DROPPED(bed, "source-address", udp4(MAC_0, OTHER_IP, IP_1, 1000, 2000));
    DROPPED(bed, "source-address", udp4(MAC_0, IP_1, IP_1, 1000, 2000));
    DROPPED(bed, "source-address", udp4(MAC_0, 0, ALL_IP, 1000, 67));
    DROPPED(bed, "ARP-sender-address", arp(MAC_0, MAC_0, OTHER_IP));
    DROPPED(bed, "ARP-sender-address", arp(MAC_0, MAC_0, IP_1));
    DROPPED(bed, "ARP-sender-MAC", arp(MAC_0, OTHER_MAC, IP_0));
    DROPPED(bed, "ARP-sender-MAC", arp(MAC_0, OTHER_MAC, 0));
}

static void
forged_neighbour_discovery_is_dropped_and_counted(void **state)
{
    struct bed *bed = *state;

    set(bed, ports, 2);
    DROPPED(bed, "neighbour-discovery", ip6(58, "\x88\0\0\0\0\0\0\0" FE80_1 "\2\1" MAC_0, 32));
    DROPPED(bed, "neighbour-discovery", ip6(58, "\x88\0\0\0\0\0\0\0" FE80_0 "\2\1" OTHER_MAC, 32));
    DROPPED(bed, "neighbour-discovery", ip6(58, "\x87\0\0\0\0\0\0\0" FE80_1 "\1\1" OTHER_MAC, 32));
    DROPPED(bed, "neighbour-discovery", ip6(58, "\x87\0\0\0\0\0\0\0", 8));
    DROPPED(bed, "MLD-query", ip6(58, "\x82\0\0\0\0\0\0\0", 8));
    DROPPED(bed, "IPv6-cut-short", ip6(58, "", 0));
}

static void
servers_and_routers_among_guests_are_dropped_and_counted(void **state)
{
    struct bed *bed = *state;

    set(bed, ports, 2);
    DROPPED(bed, "DHCP-server", udp4(MAC_0, IP_0, IP_1, 67, 68));
    DROPPED(bed, "DHCP-server", udp4(MAC_0, 0, ALL_IP, 67, 68));
    DROPPED(bed, "DHCP-server", ip6(17, "\2\x23\2\x22\0\x8\0\0", 8));
    DROPPED(bed, "IPv6-router", ip6(58, "\x86\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16));
    DROPPED(bed, "IPv6-router", ip6(58, "\x89\0\0\0\0\0\0\0", 8));
}

/* With one option, four bytes. */
static struct frame
ip4_with_option(uint8_t protocol, const char *option)
{
    struct frame f = ether(MAC_1, MAC_0, ETH_P_IP);
    size_t start = f.n;
    uint32_t sum = 0;

    put(&f, "\x46\0\0\x20\0\0\0\0\x01", 9);
    put(&f, &protocol, 1);
    put16(&f, 0);
    put32(&f, IP_0);
    put32(&f, IP_1);
    put(&f, option, 4);
    put(&f, "\x16\0\0\0\xe0\0\0\5", 8);
    for (size_t i = start; i < start + 24; i += 2) {
        sum += f.b[i] << 8 | f.b[i + 1];
    }
    sum = ~((sum & 0xffff) + (sum >> 16));
    f.b[start + 10] = sum >> 8;
    f.b[start + 11] = sum;
    return f;
}

static void
ip_options_are_dropped_but_for_reports_of_memberships(void **state)
{
    struct bed *bed = *state;

    set(bed, ports, 2);
    DROPPED(bed, "IP-options", ip4_with_option(17, "\x94\4\0\0"));
    DROPPED(bed, "IP-options", ip4_with_option(1, "\x83\3\4\0"));
    DROPPED(bed, "IP-options", ip4_with_option(2, "\x83\3\4\0"));
    PASSES(bed, ip4_with_option(2, "\x94\4\0\0"));
    PASSES(bed, ip4_with_option(2, "\x94\4\0\0"));
}

static struct frame
other_protocol(const char *dst, uint16_t type)
{
    struct frame f = ether(dst, MAC_0, type);

    put(&f, "0123456789012345678901234567890123456789012345", 46);
    return f;
}

static struct frame
tagged(void)
{
    struct frame f = ether(MAC_1, MAC_0, ETH_P_8021Q);

    put16(&f, 5);
    put16(&f, ETH_P_IP);
    put_udp4(&f, OTHER_IP, IP_1, 1000, 2000);
    return f;
}

static struct frame
tagged_own(void)
{
    struct frame f = ether(MAC_1, MAC_0, ETH_P_8021Q);

    put16(&f, 5);
    put16(&f, ETH_P_IP);
    put_udp4(&f, IP_0, IP_1, 1000, 2000);
    return f;
}

static void
other_protocols_are_dropped_and_counted(void **state)
{
    struct bed *bed = *state;

    set(bed, ports, 2);
    DROPPED(bed, "protocol", other_protocol(MAC_1, 0x88b5));
    DROPPED(bed, "protocol", other_protocol(MAC_1, ETH_P_MPLS_UC));
    DROPPED(bed, "protocol", other_protocol(ALL_MAC, ETH_P_PPP_DISC));
}

static void
tags_are_dropped(void **state)
{
    struct bed *bed = *state;
    struct frame forged = tagged(), own = tagged_own();

    /* The kernel takes the tag off the frame that arrives, so the counter tells. */
    set(bed, ports, 2);
    passes(bed, &forged);
    assert_int_equal(dropped("tag"), 1);
    passes(bed, &own);
    assert_int_equal(dropped("tag"), 2);
}

static void
restart_and_change_of_another_port_leave_counters(void **state)
{
    struct bed *bed = *state;
    struct nt_guard_port changed[] = { ports[0], ports[1] };

    set(bed, ports, 2);
    DROPPED(bed, "source-address", udp4(MAC_0, OTHER_IP, IP_1, 1000, 2000));
    new_guard(bed);
    set(bed, ports, 2);
    assert_int_equal(dropped("source-address"), 1);

    strcpy(changed[1].addresses[0], "10.0.0.33");
    set(bed, changed, 2);
    assert_int_equal(nt_guard_stats(bed->guard)->applies, 1);
    assert_int_equal(dropped("source-address"), 1);
    check_installed(changed, 2);
}

static void
changed_address_replaces_the_old_one(void **state)
{
    struct bed *bed = *state;
    struct nt_guard_port changed = ports[0];

    set(bed, ports, 2);
    strcpy(changed.addresses[0], "10.0.0.238");
    strcpy(changed.addresses[1], "10.0.0.9");
    changed.n_addresses = 2;
    set(bed, &changed, 1);
    PASSES(bed, udp4(MAC_0, OTHER_IP, IP_1, 1000, 2000));
    PASSES(bed, udp4(MAC_0, 0x0a000009, IP_1, 1000, 2000));
    PASSES(bed, arp(MAC_0, MAC_0, 0x0a000009));
    DROPPED(bed, "source-address", udp4(MAC_0, IP_0, IP_1, 1000, 2000));
}

static void
what_others_did_is_repaired_by_a_recheck(void **state)
{
    struct bed *bed = *state;

    set(bed, ports, 2);
    COMMAND("nft", "flush", "chain", TABLE, "vnet0");
    recheck(bed);
    check_installed(ports, 2);

    COMMAND("nft", "delete", "table", TABLE);
    recheck(bed);
    check_installed(ports, 2);

    COMMAND("nft", "flush", "chain", TABLE, "prerouting");
    recheck(bed);
    check_installed(ports, 2);

    COMMAND("nft", "delete", "element", TABLE, "ports", "{ \"vnet0\" }");
    recheck(bed);
    check_installed(ports, 2);

    COMMAND("nft", "add", "chain", TABLE, "theirs");
    recheck(bed);
    check_installed(ports, 2);
    assert_int_equal(nt_guard_stats(bed->guard)->repairs, 5);
    assert_int_equal(nt_guard_stats(bed->guard)->failures, 0);
    DROPPED(bed, "source-address", udp4(MAC_0, OTHER_IP, IP_1, 1000, 2000));
}

static void
port_that_others_let_through_is_guarded_again(void **state)
{
    struct bed *bed = *state;

    set(bed, ports, 2);
    COMMAND("nft", "delete", "element", TABLE, "ports", "{ \"vnet0\" }");
    COMMAND("nft", "add", "element", TABLE, "ports", "{ \"vnet0\" : accept }");
    recheck(bed);
    check_installed(ports, 2);
    assert_null(nt_guard_error(bed->guard));
    DROPPED(bed, "source-address", udp4(MAC_0, OTHER_IP, IP_1, 1000, 2000));
}

static void
recheck_of_what_is_right_writes_nothing(void **state)
{
    struct bed *bed = *state;

    set(bed, ports, 2);
    nt_guard_recheck(bed->guard);
    assert_true(nt_guard_is_settled(bed->guard));
    settle(bed);
    settle(bed);
    assert_int_equal(nt_guard_stats(bed->guard)->applies, 1);
    assert_int_equal(nt_guard_stats(bed->guard)->repairs, 0);
}

static void
recheck_reads_only_when_rules_of_nftables_changed(void **state)
{
    struct bed *bed = *state;
    const struct nt_guard_stats *stats = nt_guard_stats(bed->guard);

    set(bed, ports, 1);
    set(bed, ports, 2);
    assert_int_equal(stats->reads, 1);
    for (int i = 0; i < 3; i++) {
        nt_guard_recheck(bed->guard);
        settle(bed);
    }
    assert_int_equal(stats->reads, 1);

    /* Not at our table, but that a number cannot tell. */
    COMMAND("nft", "add", "table", "bridge", "theirs");
    for (int i = 0; i < 3; i++) {
        nt_guard_recheck(bed->guard);
        settle(bed);
    }
    assert_int_equal(stats->reads, 2);

    /* Between two writes of ours: the second does not hide it. */
    COMMAND("nft", "flush", "chain", TABLE, "vnet0");
    set(bed, ports, 1);
    set(bed, ports, 2);
    recheck(bed);
    assert_int_equal(stats->reads, 3);
    assert_int_equal(stats->applies, 5);
    check_installed(ports, 2);
}

static void
removed_port_is_free_and_its_chain_gone(void **state)
{
    struct bed *bed = *state;

    set(bed, ports, 2);
    set(bed, &ports[1], 1);
    check_installed(&ports[1], 1);
    PASSES(bed, udp4(OTHER_MAC, OTHER_IP, IP_1, 1000, 2000));
    set(bed, NULL, 0);
    check_installed(NULL, 0);
}

static void
changes_in_quick_succession_end_with_the_last(void **state)
{
    struct bed *bed = *state;

    nt_guard_set(bed->guard, ports, 1);
    nt_guard_run(bed->guard);
    nt_guard_set(bed->guard, NULL, 0);
    nt_guard_run(bed->guard);
    set(bed, ports, 2);
    check_installed(ports, 2);
    nt_guard_set(bed->guard, ports, 1);
    nt_guard_run(bed->guard);
    set(bed, &ports[1], 1);
    check_installed(&ports[1], 1);
}

static void
what_nft_refuses_is_an_error_until_it_is_right(void **state)
{
    struct bed *bed = *state;
    struct nt_guard_port wrong = ports[0];
    int64_t limit = nt_mono_ms(nt_clock_system()) + LIMIT_MS;

    set(bed, ports, 2);
    strcpy(wrong.mac, "not a MAC");
    nt_guard_set(bed->guard, &wrong, 1);
    while (!nt_guard_error(bed->guard)) {
        assert_true(nt_mono_ms(nt_clock_system()) < limit);
        nt_guard_run(bed->guard);
        nt_children_wait(bed->children);
        poll_timer_wait(100);
        poll_block();
        nt_children_run(bed->children);
    }
    assert_false(nt_guard_is_settled(bed->guard));
    check_installed(ports, 2);

    set(bed, ports, 1);
    check_installed(ports, 1);
    assert_null(nt_guard_error(bed->guard));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(kernel_prints_what_was_wanted_and_a_restart_writes_nothing),
        T(own_traffic_passes),
        T(forged_addresses_are_dropped_and_counted),
        T(forged_neighbour_discovery_is_dropped_and_counted),
        T(servers_and_routers_among_guests_are_dropped_and_counted),
        T(ip_options_are_dropped_but_for_reports_of_memberships),
        T(other_protocols_are_dropped_and_counted),
        T(tags_are_dropped),
        T(restart_and_change_of_another_port_leave_counters),
        T(changed_address_replaces_the_old_one),
        T(what_others_did_is_repaired_by_a_recheck),
        T(port_that_others_let_through_is_guarded_again),
        T(recheck_of_what_is_right_writes_nothing),
        T(recheck_reads_only_when_rules_of_nftables_changed),
        T(removed_port_is_free_and_its_chain_gone),
        T(changes_in_quick_succession_end_with_the_last),
        T(what_nft_refuses_is_an_error_until_it_is_right),
    };

    return cmocka_run_group_tests_name("host/guard", tests, NULL, NULL);
}
