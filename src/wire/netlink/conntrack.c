#include <config.h>

#include "wire/netlink/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/failpoint.h"
#include "base/mem.h"
#include "netlink-socket.h"
#include "netlink.h"
#include "wire/netlink/transact.h"

/* Requests to delete what was found.  A connection is named to the kernel by its
 * original tuple and zone, as they came. */
struct found {
    struct ofpbuf **requests;
    size_t n, allocated;
};

static void
begin(struct ofpbuf *request, uint8_t type, uint16_t flags)
{
    const struct nfgenmsg body = { .nfgen_family = AF_INET, .version = NFNETLINK_V0 };

    nl_msg_put_nlmsghdr(request, sizeof body, (NFNL_SUBSYS_CTNETLINK << 8) | type,
                        NLM_F_REQUEST | flags);
    nl_msg_put(request, &body, sizeof body);
}

/* Whether a CTA_TUPLE_* speaks of the address. */
static bool
tuple_has(const struct nlattr *tuple, uint32_t ip)
{
    const struct nlattr *parts[CTA_TUPLE_MAX + 1], *ips[CTA_IP_MAX + 1];

    if (!tuple || !nt_nl_nested(tuple, parts, NT_ARRAY_SIZE(parts)) || !parts[CTA_TUPLE_IP]
        || !nt_nl_nested(parts[CTA_TUPLE_IP], ips, NT_ARRAY_SIZE(ips))) {
        return false;
    }
    return (ips[CTA_IP_V4_SRC] && nt_nl_ip4(ips[CTA_IP_V4_SRC]) == ip)
           || (ips[CTA_IP_V4_DST] && nt_nl_ip4(ips[CTA_IP_V4_DST]) == ip);
}

static void
add_request(struct found *found, const struct nlattr *attrs[])
{
    struct ofpbuf *request = ofpbuf_new(256);

    begin(request, IPCTNL_MSG_CT_DELETE, NLM_F_ACK);
    nl_msg_put_unspec(request, CTA_TUPLE_ORIG | NLA_F_NESTED, nl_attr_get(attrs[CTA_TUPLE_ORIG]),
                      nl_attr_get_size(attrs[CTA_TUPLE_ORIG]));
    if (attrs[CTA_ZONE]) {
        nl_msg_put_unspec(request, CTA_ZONE, nl_attr_get(attrs[CTA_ZONE]),
                          nl_attr_get_size(attrs[CTA_ZONE]));
    }
    if (found->n == found->allocated) {
        found->requests = x2nrealloc(found->requests, &found->allocated, sizeof *found->requests);
    }
    found->requests[found->n++] = request;
}

/* Reads the table.  Deleting while reading would make the kernel skip entries. */
static int
collect(uint32_t ip, struct found *found)
{
    struct ofpbuf request, buffer, reply;
    struct nl_dump dump;

    ofpbuf_init(&request, 64);
    ofpbuf_init(&buffer, NL_DUMP_BUFSIZE);
    begin(&request, IPCTNL_MSG_CT_GET, 0);
    nl_dump_start(&dump, NETLINK_NETFILTER, &request);
    while (nl_dump_next(&dump, &reply, &buffer)) {
        const struct nlattr *attrs[CTA_MAX + 1];

        if (nt_nl_attrs(&reply, sizeof(struct nfgenmsg), attrs, NT_ARRAY_SIZE(attrs))
            && attrs[CTA_TUPLE_ORIG]
            && (tuple_has(attrs[CTA_TUPLE_ORIG], ip) || tuple_has(attrs[CTA_TUPLE_REPLY], ip))) {
            add_request(found, attrs);
        }
    }

    int error = nl_dump_done(&dump);
    ofpbuf_uninit(&buffer);
    ofpbuf_uninit(&request);
    return -error;
}

int
nt_nl_conntrack_delete(uint32_t ip, size_t *n)
{
    struct found found = { .n = 0 };
    size_t n_deleted = 0;

    if (NT_FAILPOINT("connections-end")) {
        return -ENOBUFS;
    }

    int error = collect(ip, &found);

    for (size_t i = 0; i < found.n; i++) {
        int rc = error ? error : -nl_transact(NETLINK_NETFILTER, found.requests[i], NULL);

        n_deleted += !rc;
        if (rc && rc != -ENOENT) {
            error = rc; /* One that ended by itself is as good. */
        }
        ofpbuf_delete(found.requests[i]);
    }
    free(found.requests);
    if (n) {
        *n = n_deleted;
    }
    return error == -EPROTONOSUPPORT || error == -EOPNOTSUPP ? 0 : error;
}
