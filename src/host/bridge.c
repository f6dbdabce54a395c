#include <config.h>
#include "host/bridge.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/mem.h"
#include "host/ip_plan.h"
#include "wire/netlink/rtnl.h"

#define DEFAULT_AGEING 30000 /* The kernel's own: 300 s in hundredths. */

/* A handle, and the lock of the namespace it works in. */
struct session {
    struct nt_nl *nl;
    int lock_fd;
};

/* The namespace itself is the lock file: every program that works on the same links
 * sees the same one, whatever its file system looks like. */
static int
session_begin(struct session *s, struct nt_err *err)
{
    s->lock_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (s->lock_fd < 0) {
        return nt_fail_errno(err, errno, "cannot open the network namespace");
    }
    while (flock(s->lock_fd, LOCK_EX)) {
        if (errno != EINTR) {
            int error = errno;
            close(s->lock_fd);
            return nt_fail_errno(err, error, "cannot lock the network namespace");
        }
    }

    int error = nt_nl_open(-1, &s->nl);
    if (error) {
        close(s->lock_fd);
        return nt_fail_errno(err, -error, "cannot open rtnetlink");
    }
    return 0;
}

static void
session_end(struct session *s)
{
    nt_nl_free(s->nl);
    close(s->lock_fd);
}

static int
get_or_create(struct nt_nl *nl, const char *name, struct nt_nl_link *out, struct nt_err *err)
{
    int error = nt_nl_link_get(nl, name, out);

    if (error == -ENODEV) {
        error = nt_nl_bridge_create(nl, name);
        if (!error || error == -EEXIST) {
            error = nt_nl_link_get(nl, name, out);
        }
    }
    if (error == -EINVAL) {
        return nt_fail(err, NT_INVALID, "cannot create bridge '%s': not an interface name", name);
    }
    if (error) {
        return nt_fail_errno(err, -error, "cannot create bridge %s", name);
    }
    if (strcmp(out->kind, "bridge")) {
        return nt_fail(err, NT_CONFLICT, "cannot create bridge %s: the name belongs to a %s", name,
                       out->kind[0] ? out->kind : "network card");
    }
    return 0;
}

static int
ensure_settings(struct nt_nl *nl, const struct nt_nl_link *bridge, struct nt_err *err)
{
    struct nt_nl_bridge have;
    int error = nt_nl_bridge_get(nl, bridge->index, &have);

    if (!error && (have.stp || have.forward_delay || !have.ageing_time)) {
        struct nt_nl_bridge want = {
            .ageing_time = have.ageing_time ? have.ageing_time : DEFAULT_AGEING,
        };
        error = nt_nl_bridge_set(nl, bridge->index, &want);
    }
    if (!error && !(bridge->flags & IFF_UP)) {
        error = nt_nl_link_set_up(nl, bridge->index, true);
    }
    return error ? nt_fail_errno(err, -error, "cannot set up bridge %s", bridge->name) : 0;
}

/* Reads a number that the kernel gives only in /sys; -1 when it cannot be had there. */
static int
read_link_attr(const char *link, const char *attr)
{
    AUTO_FREE char *path = xasprintf("/sys/class/net/%s/%s", link, attr);
    AUTO_FREE char *text = NULL;
    size_t len;

    return nt_file_read(path, 64, &text, &len) ? -1 : atoi(text);
}

/* Whether the MAC was set by somebody, rather than made up or taken from a port.  A
 * /sys of another namespace tells nothing. */
static bool
mac_is_fixed(const struct nt_nl_link *link)
{
    return read_link_attr(link->name, "ifindex") == link->index
           && read_link_attr(link->name, "addr_assign_type") == 3; /* NET_ADDR_SET */
}

static bool
same_mac(const struct nt_mac *a, const struct nt_mac *b)
{
    return !memcmp(a->b, b->b, sizeof a->b);
}

static int
check_port(const struct nt_nl_link *bridge, const struct nt_nl_link *port,
           const struct nt_ip_facts *facts, uint32_t keep_ip, struct nt_err *err)
{
    if (port->index == bridge->index) {
        return nt_fail(err, NT_INVALID, "cannot add %s to itself", port->name);
    }
    if (port->master && port->master != bridge->index) {
        return nt_fail(err, NT_CONFLICT, "cannot add %s to bridge %s: it is a port of another one",
                       port->name, bridge->name);
    }
    for (size_t i = 0; keep_ip && i < facts->n_addrs; i++) {
        if (facts->addrs[i].local == keep_ip) {
            char text[NT_IP4_SIZE];

            nt_ip4_format(keep_ip, text);
            return nt_fail(err, NT_CONFLICT,
                           "cannot add %s to bridge %s: it carries %s, the address this host is "
                           "managed by",
                           port->name, bridge->name, text);
        }
    }
    return 0;
}

static int
add_port(struct nt_nl *nl, const struct nt_nl_link *bridge, const struct nt_nl_link *port,
         struct nt_err *err)
{
    bool is_member = port->master == bridge->index;
    int error = 0;

    if (!is_member || !same_mac(&bridge->mac, &port->mac) || !mac_is_fixed(bridge)) {
        error = nt_nl_link_set_mac(nl, bridge->index, &port->mac);
    }
    if (!error && !is_member) {
        error = nt_nl_link_set_master(nl, port->index, bridge->index);
    }
    if (!error && !(port->flags & IFF_UP)) {
        error = nt_nl_link_set_up(nl, port->index, true);
    }
    return error
               ? nt_fail_errno(err, -error, "cannot add %s to bridge %s", port->name, bridge->name)
               : 0;
}

/* Makes 'port' a port of the bridge and carries 'plan' out. */
static int
join(struct nt_nl *nl, const struct nt_nl_link *bridge, const struct nt_nl_link *port,
     const struct nt_ip_plan *plan, const char *state_file, struct nt_err *err)
{
    if (add_port(nl, bridge, port, err) < 0) {
        return -1;
    }
    if (nt_ip_plan_apply_safely(nl, plan, state_file, err) < 0) {
        return nt_err_context(err, "cannot move the addresses of %s to %s", port->name,
                              bridge->name);
    }
    return 0;
}

static int
ensure_port(struct nt_nl *nl, const struct nt_nl_link *bridge, const struct nt_bridge_args *args,
            struct nt_err *err)
{
    struct nt_nl_link port;
    int error = nt_nl_link_get(nl, args->interface, &port);

    if (error == -ENODEV || error == -EINVAL) {
        return nt_fail(err, NT_NOT_FOUND, "no interface %s", args->interface);
    }

    struct nt_ip_facts from = { 0 };
    struct nt_ip_facts to = { .index = bridge->index };
    ovs_strlcpy(to.name, bridge->name, sizeof to.name);
    if (!error) {
        error = nt_ip_observe(nl, &port, &from);
    }
    if (error) {
        return nt_fail_errno(err, -error, "cannot look at interface %s", args->interface);
    }

    struct nt_ip_plan plan;
    nt_ip_plan_move(&from, &to, &plan);
    int result = check_port(bridge, &port, &from, args->keep_ip, err);
    if (!result) {
        result = join(nl, bridge, &port, &plan, args->state_file, err);
    }
    nt_ip_plan_clear(&plan);
    nt_ip_facts_clear(&from);
    return result;
}

/* A bridge without an interface keeps the MAC it was born with. */
static int
fix_mac(struct nt_nl *nl, const struct nt_nl_link *bridge, struct nt_err *err)
{
    int error = mac_is_fixed(bridge) ? 0 : nt_nl_link_set_mac(nl, bridge->index, &bridge->mac);

    return error ? nt_fail_errno(err, -error, "cannot set the MAC of %s", bridge->name) : 0;
}

static int
ensure_bridge(struct nt_nl *nl, const struct nt_bridge_args *args, struct nt_err *err)
{
    struct nt_nl_link bridge;

    if (get_or_create(nl, args->bridge, &bridge, err) < 0 || ensure_settings(nl, &bridge, err) < 0
        || nt_ip_resume(nl, args->state_file, err) < 0) {
        return -1;
    }
    bool has_port = args->interface && args->interface[0];
    if ((has_port ? ensure_port(nl, &bridge, args, err) : fix_mac(nl, &bridge, err)) < 0) {
        return -1;
    }
    nt_ip_finish(args->state_file);

    if (args->mtu && args->mtu != bridge.mtu) {
        int error = nt_nl_link_set_mtu(nl, bridge.index, args->mtu);
        if (error) {
            return nt_fail_errno(err, -error, "cannot set the MTU of %s to %u", args->bridge,
                                 args->mtu);
        }
    }
    return 0;
}

const char *
nt_bridge_interface(const char *bridge, const char *own, const char *flat_bridge, const char *flat)
{
    return *flat && (!*own || !strcmp(bridge, flat_bridge)) ? flat : own;
}

int
nt_bridge_ensure(const struct nt_bridge_args *args, struct nt_err *err)
{
    struct session s;

    if (session_begin(&s, err) < 0) {
        return -1;
    }
    int result = NT_FAILPOINT("bridge-ensure")
                     ? nt_fail_errno(err, ENOBUFS, "cannot make bridge %s", args->bridge)
                     : ensure_bridge(s.nl, args, err);
    session_end(&s);
    return result;
}

static int
parse_gateway(const struct nt_gateway_args *args, struct nt_nl_addr *out, struct nt_err *err)
{
    struct nt_cidr cidr;
    uint32_t ip;

    if (!nt_ip4_parse(args->gateway, &ip)) {
        return nt_fail(err, NT_INVALID, "gateway '%s' is not an IPv4 address", args->gateway);
    }
    if (!nt_cidr_parse(args->cidr, &cidr) || !nt_cidr_contains(&cidr, ip)) {
        return nt_fail(err, NT_INVALID, "gateway %s is not in network '%s'", args->gateway,
                       args->cidr);
    }
    *out = (struct nt_nl_addr){
        .local = ip,
        .peer = ip,
        .broadcast = nt_cidr_broadcast(&cidr),
        .len = cidr.len,
        .scope = RT_SCOPE_UNIVERSE,
    };
    return 0;
}

static int
put_first(struct nt_nl *nl, const struct nt_nl_link *link, struct nt_nl_addr *wanted,
          const char *state_file, struct nt_err *err)
{
    struct nt_ip_facts facts;
    struct nt_ip_plan plan;
    int error = nt_ip_observe(nl, link, &facts);

    if (error) {
        return nt_fail_errno(err, -error, "cannot read the addresses of %s", link->name);
    }
    wanted->index = link->index;
    nt_ip_plan_first(&facts, wanted, &plan);
    int result = nt_ip_plan_apply_safely(nl, &plan, state_file, err);
    nt_ip_plan_clear(&plan);
    nt_ip_facts_clear(&facts);
    return result;
}

static int
ensure_gateway(struct nt_nl *nl, const struct nt_gateway_args *args, struct nt_err *err)
{
    struct nt_nl_addr wanted;
    struct nt_nl_link link;

    if (parse_gateway(args, &wanted, err) < 0) {
        return -1;
    }
    int error = nt_nl_link_get(nl, args->bridge, &link);
    if (error) {
        return error == -ENODEV ? nt_fail(err, NT_NOT_FOUND, "no bridge %s", args->bridge)
                                : nt_fail_errno(err, -error, "cannot look at %s", args->bridge);
    }
    if (nt_ip_resume(nl, args->state_file, err) < 0
        || put_first(nl, &link, &wanted, args->state_file, err) < 0) {
        return nt_err_context(err, "cannot put gateway %s on %s", args->gateway, args->bridge);
    }
    nt_ip_finish(args->state_file);
    return 0;
}

int
nt_gateway_ensure(const struct nt_gateway_args *args, struct nt_err *err)
{
    struct session s;

    if (session_begin(&s, err) < 0) {
        return -1;
    }
    int result = NT_FAILPOINT("gateway-set")
                     ? nt_fail_errno(err, ENOBUFS, "cannot set address %s", args->gateway)
                     : ensure_gateway(s.nl, args, err);
    session_end(&s);
    return result;
}
