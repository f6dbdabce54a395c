#include <config.h>

#include "host/ra.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "host/link.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(host_ra);

/* Seconds and milliseconds; RFC 4861, section 6.2.1. */
#define ROUTER_LIFETIME_S 30
#define VALID_LIFETIME_S 86400
#define PREFERRED_LIFETIME_S 14400
#define MIN_INTERVAL_MS 3000
#define MAX_INTERVAL_MS 10000
#define MIN_ANSWER_MS 500
#define HOP_LIMIT 64 /* For guests to send with. */
#define MAX_PER_RUN 64

static const struct in6_addr all_nodes = { { { 0xff, 0x02, [15] = 0x01 } } };
static const struct in6_addr all_routers = { { { 0xff, 0x02, [15] = 0x02 } } };

struct nt_ra {
    const struct nt_clock *clock;
    struct nt_random *random;
    char name[NT_NL_NAME_SIZE];
    struct nt_ra_args args;
    int index;
    int fd;
    int64_t next; /* Monotonic, as the other. */
    int64_t last;
};

static void
put16(uint8_t *at, uint16_t value)
{
    value = htons(value);
    memcpy(at, &value, sizeof value);
}

static void
put32(uint8_t *at, uint32_t value)
{
    value = htonl(value);
    memcpy(at, &value, sizeof value);
}

static size_t
put_prefix(const struct nt_ra_args *args, uint8_t *at)
{
    at[0] = ND_OPT_PREFIX_INFORMATION;
    at[1] = 4; /* Units of 8 bytes. */
    at[2] = args->prefix_len;
    at[3] = ND_OPT_PI_FLAG_ONLINK | (args->not_auto ? 0 : ND_OPT_PI_FLAG_AUTO);
    put32(at + 4, VALID_LIFETIME_S);
    put32(at + 8, PREFERRED_LIFETIME_S);
    memcpy(at + 16, &args->prefix, sizeof args->prefix);
    return 32;
}

size_t
nt_ra_build(const struct nt_ra_args *args, const struct nt_mac *router, uint8_t out[NT_RA_MAX])
{
    size_t n = 16;

    memset(out, 0, NT_RA_MAX);
    out[0] = ND_ROUTER_ADVERT;
    out[4] = HOP_LIMIT;
    put16(out + 6, ROUTER_LIFETIME_S);

    out[n] = ND_OPT_SOURCE_LINKADDR;
    out[n + 1] = 1;
    memcpy(out + n + 2, router->b, sizeof router->b);
    n += 8;
    if (args->mtu) {
        out[n] = ND_OPT_MTU;
        out[n + 1] = 1;
        put32(out + n + 4, args->mtu);
        n += 8;
    }
    return n + put_prefix(args, out + n);
}

bool
nt_ra_is_solicitation(const uint8_t *message, size_t len, int hop_limit)
{
    if (hop_limit != 255 || len < 8 || message[0] != ND_ROUTER_SOLICIT || message[1]) {
        return false;
    }
    /* Options: none of length 0, none beyond the end. */
    for (size_t at = 8; at < len; at += message[at + 1] * 8) {
        if (len - at < 8 || !message[at + 1] || message[at + 1] * 8u > len - at) {
            return false;
        }
    }
    return true;
}

static int
set_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) ? -errno : 0;
}

/* A socket that belongs to the interface, sees solicitations only, and sends with the
 * hop limit that receivers insist on.  Negative errno. */
static int
open_socket(const char *interface, int index)
{
    const struct ipv6_mreq group = { all_routers, (unsigned) index };
    struct icmp6_filter filter;
    int error = 0;
    int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);

    if (fd < 0) {
        return -errno;
    }
    ICMP6_FILTER_SETBLOCKALL(&filter);
    ICMP6_FILTER_SETPASS(ND_ROUTER_SOLICIT, &filter);
    if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, strlen(interface) + 1)
        || setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter)
        || setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &group, sizeof group)) {
        error = -errno;
    }
    error = error ? error : set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255);
    error = error ? error : set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
    error = error ? error : set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, index);
    error = error ? error : set_option(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
    if (error) {
        close(fd);
        return error;
    }
    return fd;
}

int
nt_ra_new(const struct nt_ra_args *args, const struct nt_clock *clock, struct nt_random *random,
          struct nt_ra **out, struct nt_err *err)
{
    struct nt_nl_link link;

    if (nt_link_get(args->interface, &link, err) < 0) {
        return -1;
    }

    int fd = open_socket(args->interface, link.index);
    if (fd < 0) {
        return nt_fail_errno(err, -fd, "cannot advertise a router on %s", args->interface);
    }

    struct nt_ra *ra = xzalloc(sizeof *ra);
    ra->clock = clock;
    ra->random = random;
    ra->args = *args;
    ra->args.interface = ra->name;
    ra->index = link.index;
    ra->fd = fd;
    ra->last = INT64_MIN / 2;
    ovs_strlcpy(ra->name, args->interface, sizeof ra->name);
    *out = ra;
    return 0;
}

void
nt_ra_free(struct nt_ra *ra)
{
    if (ra) {
        close(ra->fd);
        free(ra);
    }
}

bool
nt_ra_serves(const struct nt_ra *ra, const struct nt_ra_args *args)
{
    struct nt_nl_link link;

    return !strcmp(ra->name, args->interface) && ra->args.mtu == args->mtu
           && ra->args.not_auto == args->not_auto && ra->args.prefix_len == args->prefix_len
           && !memcmp(&ra->args.prefix, &args->prefix, sizeof args->prefix)
           && nt_link_get(ra->name, &link, NULL) >= 0 && link.index == ra->index;
}

static void
send_one(struct nt_ra *ra)
{
    const struct sockaddr_in6 to = {
        .sin6_family = AF_INET6,
        .sin6_addr = all_nodes,
        .sin6_scope_id = (uint32_t) ra->index,
    };
    uint8_t message[NT_RA_MAX];
    struct nt_nl_link link;
    struct nt_err err = { 0 };
    uint16_t spread;

    if (nt_link_get(ra->name, &link, &err) >= 0) {
        size_t n = nt_ra_build(&ra->args, &link.mac, message);

        if (sendto(ra->fd, message, n, 0, (const struct sockaddr *) &to, sizeof to) < 0) {
            (void) nt_fail_errno(&err, errno, "cannot send on %s", ra->name);
        }
    }
    if (err.code) {
        nt_warn_rl("router not advertised", "interface", ra->name, "why", err.msg, NULL);
    }
    nt_random_bytes(ra->random, "ra", &spread, sizeof spread);
    ra->last = nt_mono_ms(ra->clock);
    ra->next = ra->last + MIN_INTERVAL_MS + spread % (MAX_INTERVAL_MS - MIN_INTERVAL_MS);
}

/* Takes one message off the socket.  False when there is none. */
static bool
receive(struct nt_ra *ra, bool *is_asked)
{
    uint8_t message[1500], control[CMSG_SPACE(sizeof(int))];
    struct iovec iov = { message, sizeof message };
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof control,
    };
    ssize_t n = recvmsg(ra->fd, &msg, 0);
    int hop_limit = -1;

    if (n < 0) {
        return false;
    }
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT) {
            memcpy(&hop_limit, CMSG_DATA(c), sizeof hop_limit);
        }
    }
    *is_asked |= nt_ra_is_solicitation(message, (size_t) n, hop_limit);
    return true;
}

void
nt_ra_run(struct nt_ra *ra)
{
    int64_t now = nt_mono_ms(ra->clock);
    bool is_asked = false;

    for (int i = 0; i < MAX_PER_RUN && receive(ra, &is_asked); i++) {
    }
    if (is_asked) {
        ra->next = MIN(ra->next, MAX(now, ra->last + MIN_ANSWER_MS));
    }
    if (now >= ra->next) {
        send_one(ra);
    }
}

void
nt_ra_wait(struct nt_ra *ra)
{
    poll_fd_wait(ra->fd, POLLIN);
    poll_timer_wait_until(ra->next);
}
