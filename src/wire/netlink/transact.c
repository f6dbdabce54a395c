#include <config.h>
#include "wire/netlink/transact.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/mem.h"
#include "netlink-socket.h"
#include "netlink.h"

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

#define MAX_DUMPS 10 /* Attempts at a dump free of concurrent changes. */

struct nt_nl {
    struct nl_sock *sock;
};

/* libopenvswitch shares a pool of sockets between its callers; each stays in the
 * namespace it was made in, so a handle here has a socket of its own. */
static int
create_socket(struct nl_sock **sock)
{
    int error = nl_sock_create(NETLINK_ROUTE, sock);
    if (error) {
        return -error;
    }

    /* Lets the kernel filter dumps; an older kernel ignores the filters, and every
     * reader here filters again. */
    int one = 1;
    (void) setsockopt(nl_sock_fd(*sock), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof one);
    return 0;
}

static int
create_socket_in(int netns_fd, struct nl_sock **sock)
{
    int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (home < 0) {
        return -errno;
    }

    int error;
    if (setns(netns_fd, CLONE_NEWNET)) {
        error = -errno;
    } else {
        error = create_socket(sock);
        if (setns(home, CLONE_NEWNET)) {
            /* Going on in somebody else's network would configure the wrong host. */
            abort();
        }
    }
    close(home);
    return error;
}

int
nt_nl_open(int netns_fd, struct nt_nl **out)
{
    struct nl_sock *sock;
    int error = netns_fd < 0 ? create_socket(&sock) : create_socket_in(netns_fd, &sock);
    if (error) {
        return error;
    }

    struct nt_nl *nl = xmalloc(sizeof *nl);
    nl->sock = sock;
    *out = nl;
    return 0;
}

void
nt_nl_free(struct nt_nl *nl)
{
    if (nl) {
        nl_sock_destroy(nl->sock);
        free(nl);
    }
}

void
nt_nl_begin(struct ofpbuf *request, uint16_t type, uint16_t flags, const void *body, size_t size)
{
    nl_msg_put_nlmsghdr(request, size, type, NLM_F_REQUEST | flags);
    nl_msg_put(request, body, size);
}

int
nt_nl_transact(struct nt_nl *nl, struct ofpbuf *request, struct ofpbuf **reply)
{
    if (!reply && NT_FAILPOINT("netlink-send")) {
        return -ENOBUFS;
    }

    int error = nl_sock_send(nl->sock, request, true);
    if (error) {
        return -error;
    }

    uint32_t seq = nl_msg_nlmsghdr(request)->nlmsg_seq;
    struct ofpbuf *answer = ofpbuf_new(NL_DUMP_BUFSIZE);
    do {
        error = nl_sock_recv(nl->sock, answer, NULL, true);
    } while (!error && nl_msg_nlmsghdr(answer)->nlmsg_seq != seq);

    int kernel_error;
    if (!error && nl_msg_nlmsgerr(answer, &kernel_error, NULL)) {
        error = kernel_error;
        if (!error && reply) {
            error = EPROTO;
        }
    }
    if (!reply) {
        NT_CRASHPOINT("netlink-done");
    }
    if (!error && reply) {
        *reply = answer;
    } else {
        ofpbuf_delete(answer);
    }
    return -error;
}

/* Handles one message of a dump.  Returns 1 at its end, 0 to go on, negative errno. */
static int
dump_message(const struct nt_nl_dump *dump, uint32_t seq, struct ofpbuf *msg, bool *interrupted)
{
    const struct nlmsghdr *header = nl_msg_nlmsghdr(msg);
    if (header->nlmsg_seq != seq) {
        return 0;
    }
    *interrupted |= (header->nlmsg_flags & NLM_F_DUMP_INTR) != 0;

    int error;
    if (nl_msg_nlmsgerr(msg, &error, NULL)) {
        return error ? -error : 1;
    }
    if (header->nlmsg_type == NLMSG_DONE) {
        const int *status = ofpbuf_at(msg, NLMSG_HDRLEN, sizeof *status);
        return status && *status < 0 ? *status : 1;
    }
    dump->each(dump->aux, msg);
    return 0;
}

static int
dump_once(struct nt_nl *nl, struct ofpbuf *request, const struct nt_nl_dump *dump,
          bool *interrupted)
{
    int error = nl_sock_send(nl->sock, request, true);
    if (error) {
        return -error;
    }

    uint32_t seq = nl_msg_nlmsghdr(request)->nlmsg_seq;
    struct ofpbuf buffer;
    ofpbuf_init(&buffer, NL_DUMP_BUFSIZE);
    int status = 0;
    while (status == 0) {
        status = -nl_sock_recv(nl->sock, &buffer, NULL, true);

        struct ofpbuf rest = buffer;
        struct ofpbuf msg;
        while (status == 0 && rest.size && nl_msg_next(&rest, &msg)) {
            status = dump_message(dump, seq, &msg, interrupted);
        }
    }
    ofpbuf_uninit(&buffer);
    return status < 0 ? status : 0;
}

int
nt_nl_dump(struct nt_nl *nl, struct ofpbuf *request, const struct nt_nl_dump *dump)
{
    for (int i = 0; i < MAX_DUMPS; i++) {
        bool interrupted = false;

        dump->restart(dump->aux);
        int error = dump_once(nl, request, dump, &interrupted);
        if (error || !interrupted) {
            return error;
        }
    }
    return -EAGAIN;
}

static bool
collect_attrs(const struct nlattr *first, size_t size, const struct nlattr *attrs[], size_t n)
{
    memset(attrs, 0, n * sizeof *attrs);

    const struct nlattr *nla;
    size_t left;
    NL_ATTR_FOR_EACH (nla, left, first, size) {
        int type = nl_attr_type(nla);
        if ((size_t) type < n) {
            attrs[type] = nla;
        }
    }
    return left == 0;
}

bool
nt_nl_attrs(const struct ofpbuf *msg, size_t size, const struct nlattr *attrs[], size_t n)
{
    size_t start = NLMSG_HDRLEN + NLMSG_ALIGN(size);

    if (msg->size < start) {
        return false;
    }
    return collect_attrs(ofpbuf_at_assert(msg, start, 0), msg->size - start, attrs, n);
}

bool
nt_nl_nested(const struct nlattr *nla, const struct nlattr *attrs[], size_t n)
{
    return collect_attrs(nl_attr_get(nla), nl_attr_get_size(nla), attrs, n);
}

uint32_t
nt_nl_u32(const struct nlattr *nla)
{
    return nla && nl_attr_get_size(nla) == sizeof(uint32_t) ? nl_attr_get_u32(nla) : 0;
}

uint32_t
nt_nl_ip4(const struct nlattr *nla)
{
    return ntohl(nt_nl_u32(nla));
}

uint8_t
nt_nl_u8(const struct nlattr *nla)
{
    return nla && nl_attr_get_size(nla) == sizeof(uint8_t) ? nl_attr_get_u8(nla) : 0;
}

void
nt_nl_text(const struct nlattr *nla, char *out, size_t size)
{
    size_t len = nla ? strnlen(nl_attr_get(nla), nl_attr_get_size(nla)) : 0;

    if (len >= size) {
        len = size - 1;
    }
    if (len) {
        memcpy(out, nl_attr_get(nla), len);
    }
    out[len] = '\0';
}
