#include <config.h>

#include "wire/netlink/ip6.h"

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "netlink.h"
#include "wire/netlink/transact.h"

int
nt_nl_addr6_add(struct nt_nl *nl, int index, const struct in6_addr *address, uint8_t len)
{
    const struct ifaddrmsg body = {
        .ifa_family = AF_INET6,
        .ifa_prefixlen = len,
        .ifa_scope = RT_SCOPE_UNIVERSE,
        .ifa_index = (uint32_t) index,
    };
    struct ofpbuf request;

    ofpbuf_init(&request, 0);
    nt_nl_begin(&request, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &body, sizeof body);
    nl_msg_put_unspec(&request, IFA_LOCAL, address, sizeof *address);
    nl_msg_put_unspec(&request, IFA_ADDRESS, address, sizeof *address);

    int error = nt_nl_transact(nl, &request, NULL);
    ofpbuf_uninit(&request);
    return error;
}
