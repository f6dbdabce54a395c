#include <config.h>
#include "host/link.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/log.h"

NT_LOG_MODULE(host_link);

#define GUEST_NAME "eth0"
#define NAME_ATTEMPTS 20 /* Others (libvirt) take vnet names at the same time. */

static int
open_here(struct nt_nl **nl, struct nt_err *err)
{
    int error = nt_nl_open(-1, nl);
    return error ? nt_fail_errno(err, -error, "cannot open rtnetlink") : 0;
}

static int
get(struct nt_nl *nl, const char *name, struct nt_nl_link *out, struct nt_err *err)
{
    int error = nt_nl_link_get(nl, name, out);

    if (error == -ENODEV || error == -EINVAL) {
        return nt_fail(err, NT_NOT_FOUND, "no interface %s", name);
    }
    return error ? nt_fail_errno(err, -error, "cannot look at interface %s", name) : 0;
}

int
nt_link_get(const char *name, struct nt_nl_link *out, struct nt_err *err)
{
    AUTO(nt_nl) nl = NULL;

    return open_here(&nl, err) < 0 ? -1 : get(nl, name, out, err);
}

static bool
same_mac(const struct nt_mac *a, const struct nt_mac *b)
{
    return !memcmp(a->b, b->b, sizeof a->b);
}

/* 1 when a link has the MAC, 0 when none has, negative errno.  Bridges do not count:
 * they share a port's MAC. */
static int
find_by_mac(struct nt_nl *nl, const struct nt_mac *mac, struct nt_nl_link *out)
{
    AUTO_FREE struct nt_nl_link *links = NULL;
    size_t n = 0;
    int error = nt_nl_links(nl, 0, &links, &n);

    if (error) {
        return error;
    }
    for (size_t i = 0; i < n; i++) {
        if (same_mac(&links[i].mac, mac) && strcmp(links[i].kind, "bridge")) {
            *out = links[i];
            return 1;
        }
    }
    return 0;
}

int
nt_link_find_by_mac(const struct nt_mac *mac, struct nt_nl_link *out, struct nt_err *err)
{
    AUTO(nt_nl) nl = NULL;

    if (open_here(&nl, err) < 0) {
        return -1;
    }
    int found = find_by_mac(nl, mac, out);
    if (found < 0) {
        return nt_fail_errno(err, -found, "cannot list the interfaces");
    }
    if (!found) {
        char text[NT_MAC_SIZE];

        nt_mac_format(mac, text);
        return nt_fail(err, NT_NOT_FOUND, "no interface with MAC %s", text);
    }
    return 0;
}

int
nt_link_list(const char *bridge, struct nt_nl_link **out, size_t *n, struct nt_err *err)
{
    AUTO(nt_nl) nl = NULL;
    struct nt_nl_link master = { 0 };

    if (open_here(&nl, err) < 0 || (bridge && get(nl, bridge, &master, err) < 0)) {
        return -1;
    }
    int error = nt_nl_links(nl, master.index, out, n);
    return error ? nt_fail_errno(err, -error, "cannot list the interfaces") : 0;
}

int
nt_link_ensure_up(const char *name, struct nt_err *err)
{
    AUTO(nt_nl) nl = NULL;
    struct nt_nl_link link;

    if (open_here(&nl, err) < 0 || get(nl, name, &link, err) < 0) {
        return -1;
    }
    int error = link.flags & IFF_UP ? 0 : nt_nl_link_set_up(nl, link.index, true);
    return error ? nt_fail_errno(err, -error, "cannot bring %s up", name) : 0;
}

int
nt_link_delete(const char *name, struct nt_err *err)
{
    AUTO(nt_nl) nl = NULL;
    struct nt_nl_link link;

    if (open_here(&nl, err) < 0) {
        return -1;
    }
    int error = nt_nl_link_get(nl, name, &link);
    if (!error) {
        error = nt_nl_link_delete(nl, link.index);
    }
    return error && error != -ENODEV ? nt_fail_errno(err, -error, "cannot delete %s", name) : 0;
}

static int
parse_addr(const char *text, uint8_t scope, struct nt_nl_addr *out, struct nt_err *err)
{
    struct nt_cidr cidr;

    if (!nt_cidr_parse(text, &cidr)) {
        return nt_fail(err, NT_INVALID, "'%s' is not an IPv4 address", text);
    }
    *out = (struct nt_nl_addr){
        .local = cidr.ip,
        .peer = cidr.ip,
        .len = cidr.len,
        .scope = scope,
    };
    return 0;
}

int
nt_addr_put(const char *name, const char *text, uint8_t scope, bool *added, struct nt_err *err)
{
    AUTO(nt_nl) nl = NULL;
    struct nt_nl_link link;
    struct nt_nl_addr addr;

    if (parse_addr(text, scope, &addr, err) < 0 || open_here(&nl, err) < 0
        || get(nl, name, &link, err) < 0) {
        return -1;
    }
    addr.index = link.index;

    int error = nt_nl_addr_add(nl, &addr);
    *added = !error;
    return error && error != -EEXIST ? nt_fail_errno(err, -error, "cannot add %s to %s", text, name)
                                     : 0;
}

int
nt_addr_ensure(const char *name, const char *text, uint8_t scope, struct nt_err *err)
{
    bool added;

    return nt_addr_put(name, text, scope, &added, err);
}

int
nt_addr_delete(const char *name, const char *text, struct nt_err *err)
{
    AUTO(nt_nl) nl = NULL;
    struct nt_nl_link link;
    struct nt_nl_addr addr;

    if (parse_addr(text, RT_SCOPE_UNIVERSE, &addr, err) < 0 || open_here(&nl, err) < 0) {
        return -1;
    }

    int error = nt_nl_link_get(nl, name, &link);
    if (!error) {
        addr.index = link.index;
        error = nt_nl_addr_del(nl, &addr);
    }
    return error && error != -ENODEV && error != -EADDRNOTAVAIL
               ? nt_fail_errno(err, -error, "cannot delete %s from %s", text, name)
               : 0;
}

int
nt_default_link(char name[NT_NL_NAME_SIZE], struct nt_err *err)
{
    AUTO(nt_nl) nl = NULL;
    AUTO_FREE struct nt_nl_route *routes = NULL;
    const struct nt_nl_route *best = NULL;
    struct nt_nl_link link;
    size_t n = 0;

    if (open_here(&nl, err) < 0) {
        return -1;
    }

    int error = nt_nl_routes(nl, 0, &routes, &n);
    for (size_t i = 0; !error && i < n; i++) {
        if (!routes[i].len && (!best || routes[i].metric < best->metric)) {
            best = &routes[i];
        }
    }
    if (!error && !best) {
        return nt_fail(err, NT_NOT_FOUND, "there is no default route");
    }
    if (!error) {
        error = nt_nl_link_get_index(nl, best->index, &link);
    }
    if (error) {
        return nt_fail_errno(err, -error, "cannot read the routes");
    }
    ovs_strlcpy(name, link.name, NT_NL_NAME_SIZE);
    return 0;
}

int
nt_addr_first(const char *name, struct nt_cidr *out, struct nt_err *err)
{
    AUTO(nt_nl) nl = NULL;
    AUTO_FREE struct nt_nl_addr *addrs = NULL;
    struct nt_nl_link link;
    size_t n = 0;

    if (open_here(&nl, err) < 0 || get(nl, name, &link, err) < 0) {
        return -1;
    }
    int error = nt_nl_addrs(nl, link.index, &addrs, &n);
    if (error) {
        return nt_fail_errno(err, -error, "cannot read the addresses of %s", name);
    }
    for (size_t i = 0; i < n; i++) {
        if (addrs[i].scope == RT_SCOPE_UNIVERSE) {
            *out = (struct nt_cidr){ .ip = addrs[i].local, .len = addrs[i].len };
            return 0;
        }
    }
    return nt_fail(err, NT_NOT_FOUND, "interface %s has no IPv4 address", name);
}

static bool
has_name(const struct nt_nl_link *links, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(links[i].name, name)) {
            return true;
        }
    }
    return false;
}

void
nt_vnet_name(const struct nt_nl_link *links, size_t n, char out[NT_NL_NAME_SIZE])
{
    unsigned number = 0;

    do {
        snprintf(out, NT_NL_NAME_SIZE, "vnet%u", number++);
    } while (has_name(links, n, out));
}

static int
next_vnet_name(struct nt_nl *nl, char out[NT_NL_NAME_SIZE])
{
    AUTO_FREE struct nt_nl_link *links = NULL;
    size_t n = 0;
    int error = nt_nl_links(nl, 0, &links, &n);

    if (!error) {
        nt_vnet_name(links, n, out);
    }
    return error;
}

int
nt_next_vnet_name(char out[NT_NL_NAME_SIZE], struct nt_err *err)
{
    AUTO(nt_nl) nl = NULL;

    if (open_here(&nl, err) < 0) {
        return -1;
    }
    int error = next_vnet_name(nl, out);
    return error ? nt_fail_errno(err, -error, "cannot list the interfaces") : 0;
}

/* Creates the pair under the next free name.  Negative errno. */
static int
create_pair(struct nt_nl *nl, const struct nt_vif_plug_args *args, const struct nt_mac *host_mac,
            struct nt_nl_link *out)
{
    char name[NT_NL_NAME_SIZE];
    struct nt_nl_veth veth = {
        .name = name,
        .mac = host_mac,
        .peer_name = args->guest_name ? args->guest_name : GUEST_NAME,
        .peer_mac = &args->mac,
        .peer_netns_fd = args->netns_fd,
        .mtu = args->mtu,
    };
    int error = 0;

    for (int i = 0; i < NAME_ATTEMPTS; i++) {
        error = next_vnet_name(nl, name);
        if (!error) {
            error = nt_nl_veth_create(nl, &veth);
        }
        if (error != -EEXIST) {
            break;
        }
    }
    return error ? error : nt_nl_link_get(nl, name, out);
}

/* Finds the pair of an earlier run or makes one.  'guest' is a handle of the guest's
 * namespace. */
static int
find_or_create_pair(struct nt_nl *nl, struct nt_nl *guest, const struct nt_vif_plug_args *args,
                    struct nt_nl_link *out, struct nt_err *err)
{
    const char *guest_name = args->guest_name ? args->guest_name : GUEST_NAME;
    struct nt_mac host_mac = nt_mac_host_end(&args->mac);
    struct nt_nl_link inner;

    int error = nt_nl_link_get(guest, guest_name, &inner);
    bool has_inner = !error;
    if (error && error != -ENODEV) {
        return nt_fail_errno(err, -error, "cannot look at the guest's %s", guest_name);
    }
    int found = find_by_mac(nl, &host_mac, out);
    if (found < 0) {
        return nt_fail_errno(err, -found, "cannot list the interfaces");
    }
    bool is_pair = found && has_inner && inner.peer_index == out->index
                   && out->peer_index == inner.index && same_mac(&inner.mac, &args->mac);
    if (is_pair) {
        return 0;
    }
    if (has_inner) {
        return nt_fail(err, NT_CONFLICT, "the guest has another %s already", guest_name);
    }
    if (found && strcmp(out->kind, "veth")) {
        return nt_fail(err, NT_CONFLICT, "%s has the MAC meant for the host's end", out->name);
    }
    error = found ? nt_nl_link_delete(nl, out->index) : 0;
    if (!error || error == -ENODEV) {
        error = create_pair(nl, args, &host_mac, out);
    }
    return error ? nt_fail_errno(err, -error, "cannot create a link pair") : 0;
}

/* Brings both ends to what is asked for.  Negative errno. */
static int
set_up_pair(struct nt_nl *nl, struct nt_nl *guest, const struct nt_vif_plug_args *args,
            const struct nt_nl_link *link, int bridge)
{
    int error = 0;

    if (args->mtu && link->mtu != args->mtu) {
        error = nt_nl_link_set_mtu(nl, link->index, args->mtu);
        if (!error) {
            error = nt_nl_link_set_mtu(guest, link->peer_index, args->mtu);
        }
    }
    if (!error && link->master != bridge) {
        error = nt_nl_link_set_master(nl, link->index, bridge);
    }
    if (!error && args->hairpin && nt_nl_port_set_hairpin(nl, link->index, true)) {
        nt_warn("cannot set hairpin mode", "link", link->name, NULL);
    }
    if (!error && !(link->flags & IFF_UP)) {
        error = nt_nl_link_set_up(nl, link->index, true);
    }
    if (!error && args->guest_up) {
        error = nt_nl_link_set_up(guest, link->peer_index, true);
    }
    return error;
}

int
nt_vif_plug(const struct nt_vif_plug_args *args, char name[NT_NL_NAME_SIZE], struct nt_err *err)
{
    AUTO(nt_nl) nl = NULL;
    AUTO(nt_nl) guest = NULL;
    struct nt_nl_link bridge, link;
    char mac[NT_MAC_SIZE];

    nt_mac_format(&args->mac, mac);
    if (open_here(&nl, err) < 0 || get(nl, args->bridge, &bridge, err) < 0) {
        return nt_err_context(err, "cannot plug %s", mac);
    }
    int error = nt_nl_open(args->netns_fd, &guest);
    if (error) {
        return nt_fail_errno(err, -error, "cannot plug %s: cannot enter the guest's namespace",
                             mac);
    }
    if (find_or_create_pair(nl, guest, args, &link, err) < 0) {
        return nt_err_context(err, "cannot plug %s", mac);
    }
    error = set_up_pair(nl, guest, args, &link, bridge.index);
    if (error) {
        return nt_fail_errno(err, -error, "cannot plug %s: cannot make %s a port of %s", mac,
                             link.name, args->bridge);
    }
    ovs_strlcpy(name, link.name, NT_NL_NAME_SIZE);
    return 0;
}

/* The host's end of the guest with that MAC. */
static int
get_vif(struct nt_nl *nl, const char *name, const char *guest_mac, struct nt_nl_link *out,
        struct nt_err *err)
{
    struct nt_nl_link link;
    struct nt_mac mac, host_mac;

    if (!nt_mac_parse(guest_mac, &mac)) {
        return nt_fail(err, NT_INVALID, "'%s' is not a MAC address", guest_mac);
    }
    if (get(nl, name, &link, err) < 0) {
        return -1;
    }
    host_mac = nt_mac_host_end(&mac);
    if (!same_mac(&link.mac, &host_mac)) {
        return nt_fail(err, NT_NOT_FOUND, "%s is not the host's end of %s", name, guest_mac);
    }
    *out = link;
    return 0;
}

bool
nt_vif_is_there(const char *name, const char *guest_mac)
{
    AUTO(nt_nl) nl = NULL;
    struct nt_nl_link link;
    struct nt_err err;

    return !open_here(&nl, &err) && !get_vif(nl, name, guest_mac, &link, &err);
}

int
nt_vif_ensure(const char *name, const char *guest_mac, const char *bridge, bool *repaired,
              struct nt_err *err)
{
    AUTO(nt_nl) nl = NULL;
    struct nt_nl_link link, master;

    if (open_here(&nl, err) < 0 || get_vif(nl, name, guest_mac, &link, err) < 0
        || get(nl, bridge, &master, err) < 0) {
        return -1;
    }

    bool is_port = link.master == master.index;
    bool is_up = link.flags & IFF_UP;
    int error = is_port ? 0 : nt_nl_link_set_master(nl, link.index, master.index);

    if (!error && !is_port && nt_nl_port_set_hairpin(nl, link.index, true)) {
        nt_warn("cannot set hairpin mode", "link", name, NULL);
    }
    if (!error && !is_up) {
        error = nt_nl_link_set_up(nl, link.index, true);
    }
    if (error) {
        return nt_fail_errno(err, -error, "cannot make %s a port of %s", name, bridge);
    }
    *repaired = !is_port || !is_up;
    return 0;
}

int
nt_vif_unplug(const char *name, struct nt_err *err)
{
    return nt_link_delete(name, err);
}
