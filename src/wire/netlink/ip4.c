#include <config.h>
#include "wire/netlink/rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "netlink.h"
#include "wire/netlink/transact.h"

/* A growing array of addresses or routes of one link (index 0: of all). */
struct list {
    int index;
    void *items;
    size_t n, allocated;
};

static void
list_clear(void *list_)
{
    struct list *list = list_;
    list->n = 0;
}

static void
put_ip4(struct ofpbuf *request, uint16_t type, uint32_t ip)
{
    nl_msg_put_be32(request, type, htonl(ip));
}

static int
finish(struct nt_nl *nl, struct ofpbuf *request)
{
    int error = nt_nl_transact(nl, request, NULL);
    ofpbuf_uninit(request);
    return error;
}

/* Runs the dump 'request' into 'list' through 'each' and releases the request. */
static int
finish_list(struct nt_nl *nl, struct ofpbuf *request, struct list *list,
            void (*each)(void *, const struct ofpbuf *))
{
    struct nt_nl_dump dump = { .each = each, .restart = list_clear, .aux = list };
    int error = nt_nl_dump(nl, request, &dump);

    ofpbuf_uninit(request);
    if (error) {
        free(list->items);
    }
    return error;
}

static bool
parse_addr(const struct ofpbuf *msg, struct nt_nl_addr *out)
{
    const struct nlattr *attrs[IFA_RT_PRIORITY + 1];

    if (nl_msg_nlmsghdr(msg)->nlmsg_type != RTM_NEWADDR
        || !nt_nl_attrs(msg, sizeof(struct ifaddrmsg), attrs, NT_ARRAY_SIZE(attrs))) {
        return false;
    }

    const struct ifaddrmsg *body = ofpbuf_at_assert(msg, NLMSG_HDRLEN, sizeof *body);
    if (body->ifa_family != AF_INET) {
        return false;
    }
    *out = (struct nt_nl_addr){
        .index = (int) body->ifa_index,
        .local = nt_nl_ip4(attrs[IFA_LOCAL]),
        .peer = nt_nl_ip4(attrs[IFA_ADDRESS]),
        .broadcast = nt_nl_ip4(attrs[IFA_BROADCAST]),
        .len = body->ifa_prefixlen,
        .scope = body->ifa_scope,
        .flags = attrs[IFA_FLAGS] ? nt_nl_u32(attrs[IFA_FLAGS]) : body->ifa_flags,
        .metric = nt_nl_u32(attrs[IFA_RT_PRIORITY]),
    };
    nt_nl_text(attrs[IFA_LABEL], out->label, sizeof out->label);
    return true;
}

static void
add_addr_to_list(void *list_, const struct ofpbuf *msg)
{
    struct list *list = list_;
    struct nt_nl_addr addr;

    if (!parse_addr(msg, &addr) || (list->index && addr.index != list->index)) {
        return;
    }
    if (list->n == list->allocated) {
        list->items = x2nrealloc(list->items, &list->allocated, sizeof addr);
    }
    ((struct nt_nl_addr *) list->items)[list->n++] = addr;
}

int
nt_nl_addrs(struct nt_nl *nl, int index, struct nt_nl_addr **out, size_t *n)
{
    struct list list = { .index = index };
    struct ifaddrmsg body = { .ifa_family = AF_INET, .ifa_index = (uint32_t) index };
    struct ofpbuf request;

    ofpbuf_init(&request, 0);
    nt_nl_begin(&request, RTM_GETADDR, NLM_F_DUMP, &body, sizeof body);
    int error = finish_list(nl, &request, &list, add_addr_to_list);
    if (error) {
        return error;
    }
    *out = list.items;
    *n = list.n;
    return 0;
}

static void
begin_addr(struct ofpbuf *request, uint16_t type, uint16_t flags, const struct nt_nl_addr *addr)
{
    struct ifaddrmsg body = {
        .ifa_family = AF_INET,
        .ifa_prefixlen = addr->len,
        .ifa_scope = addr->scope,
        .ifa_index = (uint32_t) addr->index,
    };

    ofpbuf_init(request, 0);
    nt_nl_begin(request, type, NLM_F_ACK | flags, &body, sizeof body);
    put_ip4(request, IFA_LOCAL, addr->local);
    put_ip4(request, IFA_ADDRESS, addr->peer ? addr->peer : addr->local);
}

int
nt_nl_addr_add(struct nt_nl *nl, const struct nt_nl_addr *addr)
{
    struct ofpbuf request;

    begin_addr(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, addr);
    if (addr->broadcast) {
        put_ip4(&request, IFA_BROADCAST, addr->broadcast);
    }
    if (addr->label[0]) {
        nl_msg_put_string(&request, IFA_LABEL, addr->label);
    }
    if (addr->flags & IFA_F_NOPREFIXROUTE) {
        nl_msg_put_u32(&request, IFA_FLAGS, IFA_F_NOPREFIXROUTE);
    }
    if (addr->metric) {
        nl_msg_put_u32(&request, IFA_RT_PRIORITY, addr->metric);
    }
    return finish(nl, &request);
}

int
nt_nl_addr_del(struct nt_nl *nl, const struct nt_nl_addr *addr)
{
    struct ofpbuf request;

    begin_addr(&request, RTM_DELADDR, 0, addr);
    return finish(nl, &request);
}

static uint32_t
route_mtu(const struct nlattr *metrics)
{
    const struct nlattr *attrs[RTAX_MTU + 1];

    if (!metrics) {
        return 0;
    }
    nt_nl_nested(metrics, attrs, NT_ARRAY_SIZE(attrs));
    return nt_nl_u32(attrs[RTAX_MTU]);
}

static bool
parse_route(const struct ofpbuf *msg, struct nt_nl_route *out)
{
    const struct nlattr *attrs[RTA_TABLE + 1];

    if (nl_msg_nlmsghdr(msg)->nlmsg_type != RTM_NEWROUTE
        || !nt_nl_attrs(msg, sizeof(struct rtmsg), attrs, NT_ARRAY_SIZE(attrs))) {
        return false;
    }

    const struct rtmsg *body = ofpbuf_at_assert(msg, NLMSG_HDRLEN, sizeof *body);
    uint32_t table = attrs[RTA_TABLE] ? nt_nl_u32(attrs[RTA_TABLE]) : body->rtm_table;
    if (body->rtm_family != AF_INET || table != RT_TABLE_MAIN || body->rtm_type != RTN_UNICAST
        || (body->rtm_flags & RTM_F_CLONED) || !attrs[RTA_OIF]) {
        return false;
    }
    *out = (struct nt_nl_route){
        .index = (int) nt_nl_u32(attrs[RTA_OIF]),
        .dst = nt_nl_ip4(attrs[RTA_DST]),
        .gateway = nt_nl_ip4(attrs[RTA_GATEWAY]),
        .source = nt_nl_ip4(attrs[RTA_PREFSRC]),
        .metric = nt_nl_u32(attrs[RTA_PRIORITY]),
        .mtu = route_mtu(attrs[RTA_METRICS]),
        .len = body->rtm_dst_len,
        .scope = body->rtm_scope,
        .protocol = body->rtm_protocol,
        .tos = body->rtm_tos,
        .onlink = (body->rtm_flags & RTNH_F_ONLINK) != 0,
    };
    return true;
}

static void
add_route_to_list(void *list_, const struct ofpbuf *msg)
{
    struct list *list = list_;
    struct nt_nl_route route;

    if (!parse_route(msg, &route) || (list->index && route.index != list->index)) {
        return;
    }
    if (list->n == list->allocated) {
        list->items = x2nrealloc(list->items, &list->allocated, sizeof route);
    }
    ((struct nt_nl_route *) list->items)[list->n++] = route;
}

int
nt_nl_routes(struct nt_nl *nl, int index, struct nt_nl_route **out, size_t *n)
{
    struct list list = { .index = index };
    struct rtmsg body = { .rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN };
    struct ofpbuf request;

    ofpbuf_init(&request, 0);
    nt_nl_begin(&request, RTM_GETROUTE, NLM_F_DUMP, &body, sizeof body);
    int error = finish_list(nl, &request, &list, add_route_to_list);
    if (error == -ENOENT) {
        /* The main table is made with its first route. */
        list.items = NULL;
        list.n = 0;
    } else if (error) {
        return error;
    }
    *out = list.items;
    *n = list.n;
    return 0;
}

static void
begin_route(struct ofpbuf *request, uint16_t type, uint16_t flags, const struct nt_nl_route *route)
{
    struct rtmsg body = {
        .rtm_family = AF_INET,
        .rtm_dst_len = route->len,
        .rtm_tos = route->tos,
        .rtm_table = RT_TABLE_MAIN,
        .rtm_protocol = route->protocol,
        .rtm_scope = route->scope,
        .rtm_type = RTN_UNICAST,
        .rtm_flags = route->onlink ? RTNH_F_ONLINK : 0,
    };

    ofpbuf_init(request, 0);
    nt_nl_begin(request, type, NLM_F_ACK | flags, &body, sizeof body);
    if (route->len) {
        put_ip4(request, RTA_DST, route->dst);
    }
    if (route->gateway) {
        put_ip4(request, RTA_GATEWAY, route->gateway);
    }
    if (route->source) {
        put_ip4(request, RTA_PREFSRC, route->source);
    }
    nl_msg_put_u32(request, RTA_OIF, (uint32_t) route->index);
    if (route->metric) {
        nl_msg_put_u32(request, RTA_PRIORITY, route->metric);
    }
}

int
nt_nl_route_add(struct nt_nl *nl, const struct nt_nl_route *route)
{
    struct ofpbuf request;

    begin_route(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, route);
    if (route->mtu) {
        size_t metrics = nl_msg_start_nested(&request, RTA_METRICS);
        nl_msg_put_u32(&request, RTAX_MTU, route->mtu);
        nl_msg_end_nested(&request, metrics);
    }
    return finish(nl, &request);
}

int
nt_nl_route_del(struct nt_nl *nl, const struct nt_nl_route *route)
{
    struct ofpbuf request;

    begin_route(&request, RTM_DELROUTE, 0, route);
    return finish(nl, &request);
}
