#include <config.h>

#include "wire/netlink/nft.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "netlink-socket.h"
#include "netlink.h"
#include "wire/netlink/transact.h"

static uint32_t
generation_in(const struct ofpbuf *answer)
{
    const struct nlattr *attrs[NFTA_GEN_MAX + 1];
    const uint16_t type = (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWGEN;

    if (nl_msg_nlmsghdr(answer)->nlmsg_type != type
        || !nt_nl_attrs(answer, sizeof(struct nfgenmsg), attrs, NT_ARRAY_SIZE(attrs))) {
        return 0;
    }
    return ntohl(nt_nl_u32(attrs[NFTA_GEN_ID]));
}

uint32_t
nt_nl_nft_generation(void)
{
    const struct nfgenmsg body = { .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0 };
    struct ofpbuf request, answer;
    struct nl_sock *sock;
    uint32_t generation = 0;

    /* A socket of the moment: one of a pool could be another namespace's. */
    if (nl_sock_create(NETLINK_NETFILTER, &sock)) {
        return 0;
    }
    ofpbuf_init(&request, 64);
    ofpbuf_init(&answer, NL_DUMP_BUFSIZE);
    nl_msg_put_nlmsghdr(&request, sizeof body, (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETGEN,
                        NLM_F_REQUEST);
    nl_msg_put(&request, &body, sizeof body);
    if (!nl_sock_send(sock, &request, true) && !nl_sock_recv(sock, &answer, NULL, true)) {
        generation = generation_in(&answer);
    }
    ofpbuf_uninit(&answer);
    ofpbuf_uninit(&request);
    nl_sock_destroy(sock);
    return generation;
}
