#include <config.h>
#include "wire/netlink/rtnl.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "netlink.h"
#include "wire/netlink/transact.h"

static bool
name_is_valid(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len < NT_NL_NAME_SIZE;
}

static bool
parse_link(const struct ofpbuf *msg, struct nt_nl_link *out)
{
    const struct nlattr *attrs[IFLA_LINKINFO + 1];

    if (nl_msg_nlmsghdr(msg)->nlmsg_type != RTM_NEWLINK
        || !nt_nl_attrs(msg, sizeof(struct ifinfomsg), attrs, NT_ARRAY_SIZE(attrs))) {
        return false;
    }

    const struct ifinfomsg *body = ofpbuf_at_assert(msg, NLMSG_HDRLEN, sizeof *body);
    struct nt_nl_link link = {
        .index = body->ifi_index,
        .flags = body->ifi_flags,
        .mtu = nt_nl_u32(attrs[IFLA_MTU]),
        .master = (int) nt_nl_u32(attrs[IFLA_MASTER]),
        .operstate = nt_nl_u8(attrs[IFLA_OPERSTATE]),
        .peer_index = (int) nt_nl_u32(attrs[IFLA_LINK]),
    };
    nt_nl_text(attrs[IFLA_IFNAME], link.name, sizeof link.name);
    if (attrs[IFLA_ADDRESS] && nl_attr_get_size(attrs[IFLA_ADDRESS]) == sizeof link.mac.b) {
        memcpy(link.mac.b, nl_attr_get(attrs[IFLA_ADDRESS]), sizeof link.mac.b);
    }
    if (attrs[IFLA_LINKINFO]) {
        const struct nlattr *info[IFLA_INFO_KIND + 1];
        nt_nl_nested(attrs[IFLA_LINKINFO], info, NT_ARRAY_SIZE(info));
        nt_nl_text(info[IFLA_INFO_KIND], link.kind, sizeof link.kind);
    }
    *out = link;
    return true;
}

static int
get_message(struct nt_nl *nl, int index, const char *name, struct ofpbuf **reply)
{
    struct ifinfomsg body = { .ifi_family = AF_UNSPEC, .ifi_index = index };
    struct ofpbuf request;

    ofpbuf_init(&request, 0);
    nt_nl_begin(&request, RTM_GETLINK, 0, &body, sizeof body);
    if (name) {
        nl_msg_put_string(&request, IFLA_IFNAME, name);
    }
    int error = nt_nl_transact(nl, &request, reply);
    ofpbuf_uninit(&request);
    return error;
}

static int
get_link(struct nt_nl *nl, int index, const char *name, struct nt_nl_link *out)
{
    struct ofpbuf *reply;
    int error = get_message(nl, index, name, &reply);

    if (!error) {
        error = parse_link(reply, out) ? 0 : -EPROTO;
        ofpbuf_delete(reply);
    }
    return error;
}

int
nt_nl_link_get(struct nt_nl *nl, const char *name, struct nt_nl_link *out)
{
    return name_is_valid(name) ? get_link(nl, 0, name, out) : -EINVAL;
}

int
nt_nl_link_get_index(struct nt_nl *nl, int index, struct nt_nl_link *out)
{
    return index > 0 ? get_link(nl, index, NULL, out) : -ENODEV;
}

struct link_list {
    int master;
    struct nt_nl_link *links;
    size_t n, allocated;
};

static void
link_list_clear(struct link_list *list)
{
    list->n = 0;
}

static void
link_list_add(struct link_list *list, const struct ofpbuf *msg)
{
    struct nt_nl_link link;

    if (!parse_link(msg, &link) || (list->master && link.master != list->master)) {
        return;
    }
    if (list->n == list->allocated) {
        list->links = x2nrealloc(list->links, &list->allocated, sizeof *list->links);
    }
    list->links[list->n++] = link;
}

int
nt_nl_links(struct nt_nl *nl, int master, struct nt_nl_link **out, size_t *n)
{
    struct link_list list = { .master = master };
    struct nt_nl_dump dump = {
        .each = (void (*)(void *, const struct ofpbuf *)) link_list_add,
        .restart = (void (*)(void *)) link_list_clear,
        .aux = &list,
    };
    struct ifinfomsg body = { .ifi_family = AF_UNSPEC };
    struct ofpbuf request;

    ofpbuf_init(&request, 0);
    nt_nl_begin(&request, RTM_GETLINK, NLM_F_DUMP, &body, sizeof body);
    if (master) {
        nl_msg_put_u32(&request, IFLA_MASTER, master);
    }
    int error = nt_nl_dump(nl, &request, &dump);
    ofpbuf_uninit(&request);
    if (error) {
        free(list.links);
        return error;
    }
    *out = list.links;
    *n = list.n;
    return 0;
}

static int
finish(struct nt_nl *nl, struct ofpbuf *request)
{
    int error = nt_nl_transact(nl, request, NULL);
    ofpbuf_uninit(request);
    return error;
}

static void
begin_change(struct ofpbuf *request, uint16_t type, uint16_t flags, int index)
{
    struct ifinfomsg body = { .ifi_family = AF_UNSPEC, .ifi_index = index };

    ofpbuf_init(request, 0);
    nt_nl_begin(request, type, NLM_F_ACK | flags, &body, sizeof body);
}

int
nt_nl_link_delete(struct nt_nl *nl, int index)
{
    struct ofpbuf request;

    begin_change(&request, RTM_DELLINK, 0, index);
    return finish(nl, &request);
}

int
nt_nl_link_set_up(struct nt_nl *nl, int index, bool up)
{
    struct ifinfomsg body = {
        .ifi_family = AF_UNSPEC,
        .ifi_index = index,
        .ifi_flags = up ? IFF_UP : 0,
        .ifi_change = IFF_UP,
    };
    struct ofpbuf request;

    ofpbuf_init(&request, 0);
    nt_nl_begin(&request, RTM_NEWLINK, NLM_F_ACK, &body, sizeof body);
    return finish(nl, &request);
}

int
nt_nl_link_set_mac(struct nt_nl *nl, int index, const struct nt_mac *mac)
{
    struct ofpbuf request;

    begin_change(&request, RTM_NEWLINK, 0, index);
    nl_msg_put_unspec(&request, IFLA_ADDRESS, mac->b, sizeof mac->b);
    return finish(nl, &request);
}

int
nt_nl_link_set_mtu(struct nt_nl *nl, int index, uint32_t mtu)
{
    struct ofpbuf request;

    begin_change(&request, RTM_NEWLINK, 0, index);
    nl_msg_put_u32(&request, IFLA_MTU, mtu);
    return finish(nl, &request);
}

int
nt_nl_link_set_name(struct nt_nl *nl, int index, const char *name)
{
    struct ofpbuf request;

    if (!name_is_valid(name)) {
        return -EINVAL;
    }
    begin_change(&request, RTM_NEWLINK, 0, index);
    nl_msg_put_string(&request, IFLA_IFNAME, name);
    return finish(nl, &request);
}

int
nt_nl_link_set_netns(struct nt_nl *nl, int index, int netns_fd)
{
    struct ofpbuf request;

    begin_change(&request, RTM_NEWLINK, 0, index);
    nl_msg_put_u32(&request, IFLA_NET_NS_FD, netns_fd);
    return finish(nl, &request);
}

int
nt_nl_link_set_master(struct nt_nl *nl, int index, int master)
{
    struct ofpbuf request;

    begin_change(&request, RTM_NEWLINK, 0, index);
    nl_msg_put_u32(&request, IFLA_MASTER, master);
    return finish(nl, &request);
}

int
nt_nl_port_set_hairpin(struct nt_nl *nl, int index, bool on)
{
    struct ifinfomsg body = { .ifi_family = AF_BRIDGE, .ifi_index = index };
    struct ofpbuf request;

    ofpbuf_init(&request, 0);
    nt_nl_begin(&request, RTM_SETLINK, NLM_F_ACK, &body, sizeof body);
    size_t port = nl_msg_start_nested(&request, IFLA_PROTINFO | NLA_F_NESTED);
    nl_msg_put_u8(&request, IFLA_BRPORT_MODE, on);
    nl_msg_end_nested(&request, port);
    return finish(nl, &request);
}

static void
put_end(struct ofpbuf *request, const char *name, const struct nt_mac *mac, uint32_t mtu)
{
    nl_msg_put_string(request, IFLA_IFNAME, name);
    if (mac) {
        nl_msg_put_unspec(request, IFLA_ADDRESS, mac->b, sizeof mac->b);
    }
    if (mtu) {
        nl_msg_put_u32(request, IFLA_MTU, mtu);
    }
}

int
nt_nl_veth_create(struct nt_nl *nl, const struct nt_nl_veth *veth)
{
    if (!name_is_valid(veth->name) || !name_is_valid(veth->peer_name)) {
        return -EINVAL;
    }

    struct ofpbuf request;
    begin_change(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
    put_end(&request, veth->name, veth->mac, veth->mtu);

    size_t info = nl_msg_start_nested(&request, IFLA_LINKINFO);
    nl_msg_put_string(&request, IFLA_INFO_KIND, "veth");
    size_t data = nl_msg_start_nested(&request, IFLA_INFO_DATA);
    size_t peer = nl_msg_start_nested(&request, VETH_INFO_PEER);
    /* IFF_UP is not asked for here: the kernel refuses it with ENOTCONN, since the
     * peer is set up before the two ends know each other. */
    struct ifinfomsg body = { .ifi_family = AF_UNSPEC };
    nl_msg_put(&request, &body, sizeof body);
    put_end(&request, veth->peer_name, veth->peer_mac, veth->mtu);
    if (veth->peer_netns_fd >= 0) {
        nl_msg_put_u32(&request, IFLA_NET_NS_FD, veth->peer_netns_fd);
    }
    nl_msg_end_nested(&request, peer);
    nl_msg_end_nested(&request, data);
    nl_msg_end_nested(&request, info);
    return finish(nl, &request);
}

int
nt_nl_bridge_create(struct nt_nl *nl, const char *name)
{
    if (!name_is_valid(name)) {
        return -EINVAL;
    }

    struct ofpbuf request;
    begin_change(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
    nl_msg_put_string(&request, IFLA_IFNAME, name);
    size_t info = nl_msg_start_nested(&request, IFLA_LINKINFO);
    nl_msg_put_string(&request, IFLA_INFO_KIND, "bridge");
    size_t data = nl_msg_start_nested(&request, IFLA_INFO_DATA);
    nl_msg_put_u32(&request, IFLA_BR_FORWARD_DELAY, 0);
    nl_msg_put_u32(&request, IFLA_BR_STP_STATE, 0);
    nl_msg_end_nested(&request, data);
    nl_msg_end_nested(&request, info);
    return finish(nl, &request);
}

static bool
parse_bridge(const struct ofpbuf *msg, struct nt_nl_bridge *out)
{
    const struct nlattr *attrs[IFLA_LINKINFO + 1];
    const struct nlattr *info[IFLA_INFO_DATA + 1];
    const struct nlattr *data[IFLA_BR_STP_STATE + 1];
    char kind[NT_NL_NAME_SIZE];

    if (!nt_nl_attrs(msg, sizeof(struct ifinfomsg), attrs, NT_ARRAY_SIZE(attrs))
        || !attrs[IFLA_LINKINFO]) {
        return false;
    }
    nt_nl_nested(attrs[IFLA_LINKINFO], info, NT_ARRAY_SIZE(info));
    nt_nl_text(info[IFLA_INFO_KIND], kind, sizeof kind);
    if (strcmp(kind, "bridge") || !info[IFLA_INFO_DATA]) {
        return false;
    }
    nt_nl_nested(info[IFLA_INFO_DATA], data, NT_ARRAY_SIZE(data));
    out->stp = nt_nl_u32(data[IFLA_BR_STP_STATE]) != 0;
    out->forward_delay = nt_nl_u32(data[IFLA_BR_FORWARD_DELAY]);
    out->ageing_time = nt_nl_u32(data[IFLA_BR_AGEING_TIME]);
    return true;
}

int
nt_nl_bridge_get(struct nt_nl *nl, int index, struct nt_nl_bridge *out)
{
    struct ofpbuf *reply;
    int error = get_message(nl, index, NULL, &reply);

    if (!error) {
        error = parse_bridge(reply, out) ? 0 : -EOPNOTSUPP;
        ofpbuf_delete(reply);
    }
    return error;
}

/* STP has a message of its own, first: while it is on, the kernel refuses a
 * forward delay below two seconds, and it reads the delay before the switch. */
int
nt_nl_bridge_set(struct nt_nl *nl, int index, const struct nt_nl_bridge *bridge)
{
    const struct {
        uint16_t type;
        uint32_t value;
    } values[] = {
        { IFLA_BR_STP_STATE, bridge->stp },
        { IFLA_BR_FORWARD_DELAY, bridge->forward_delay },
        { IFLA_BR_AGEING_TIME, bridge->ageing_time },
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(values); i++) {
        struct ofpbuf request;

        begin_change(&request, RTM_NEWLINK, 0, index);
        size_t info = nl_msg_start_nested(&request, IFLA_LINKINFO);
        nl_msg_put_string(&request, IFLA_INFO_KIND, "bridge");
        size_t data = nl_msg_start_nested(&request, IFLA_INFO_DATA);
        nl_msg_put_u32(&request, values[i].type, values[i].value);
        nl_msg_end_nested(&request, data);
        nl_msg_end_nested(&request, info);
        int error = finish(nl, &request);
        if (error) {
            return error;
        }
    }
    return 0;
}
