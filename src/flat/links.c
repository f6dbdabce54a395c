#include <config.h>

#include "flat/links.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "host/bridge.h"
#include "host/link.h"
#include "host/sysctl.h"
#include "wire/netlink/ip6.h"

#define METADATA_ADDRESS "169.254.169.254/32"

/* What of a network's links others may have changed. */
struct facts {
    struct nt_nl_link bridge, port;
    struct nt_cidr first; /* Address of the bridge. */
};

static void
observe(const char *bridge, const char *interface, struct facts *out)
{
    memset(out, 0, sizeof *out);
    (void) !nt_link_get(bridge, &out->bridge, NULL);
    (void) !(*interface && nt_link_get(interface, &out->port, NULL));
    (void) !nt_addr_first(bridge, &out->first, NULL);
}

const char *
flat_interface(const struct nt_config *config, const struct nt_network_view *view)
{
    return nt_bridge_interface(view->bridge, view->bridge_interface,
                               nt_config_str(config, "flat_network_bridge"),
                               nt_config_str(config, "flat_interface"));
}

static bool
same_link(const struct nt_nl_link *a, const struct nt_nl_link *b)
{
    return a->index == b->index && a->master == b->master && a->mtu == b->mtu
           && (a->flags & IFF_UP) == (b->flags & IFF_UP)
           && !memcmp(&a->mac, &b->mac, sizeof a->mac);
}

int
flat_links_ensure(const struct nt_config *config, uint32_t my_ip,
                  const struct nt_network_view *view, struct flat_links_found *found,
                  struct nt_err *err)
{
    const char *interface = flat_interface(config, view);
    AUTO_FREE char *state = xasprintf("%s/flat-move-%s.json",
                                      nt_config_str(config, "neutrino_state_path"), view->bridge);
    const struct nt_bridge_args bridge = {
        .bridge = view->bridge,
        .interface = interface,
        .state_file = state,
        .mtu = view->mtu,
        .keep_ip = my_ip,
    };
    const struct nt_gateway_args gateway = {
        .bridge = view->bridge,
        .gateway = view->dhcp_server,
        .cidr = view->cidr,
        .state_file = state,
    };
    struct facts before, after;

    observe(view->bridge, interface, &before);
    if (nt_bridge_ensure(&bridge, err) < 0 || nt_gateway_ensure(&gateway, err) < 0) {
        return -1;
    }
    observe(view->bridge, interface, &after);
    found->gateway = memcmp(&before.first, &after.first, sizeof before.first) != 0;
    found->bridge = found->gateway || !same_link(&before.bridge, &after.bridge)
                    || !same_link(&before.port, &after.port);
    return 0;
}

bool
flat_has_guests(const struct nt_config *config, const struct nt_network_view *view)
{
    const char *interface = flat_interface(config, view);
    AUTO_FREE struct nt_nl_link *ports = NULL;
    size_t n = 0;

    if (nt_link_list(view->bridge, &ports, &n, NULL) < 0) {
        return true; /* Nobody knows. */
    }
    for (size_t i = 0; i < n; i++) {
        if (strcmp(ports[i].name, interface)) {
            return true;
        }
    }
    return false;
}

bool
flat_ipv6_prefix(const struct nt_network_view *view, struct in6_addr *prefix, uint8_t *len)
{
    char text[NT_CIDR6_SIZE];
    unsigned bits = 0;

    if (!nt_cidr6_canon(view->cidr_v6, text, &bits)) {
        return false;
    }
    text[strcspn(text, "/")] = '\0';
    *len = bits;
    return nt_ip6_parse(text, prefix);
}

int
flat_gateway_v6_ensure(const struct nt_network_view *view, struct nt_err *err)
{
    AUTO(nt_nl) nl = NULL;
    struct in6_addr address, prefix;
    struct nt_nl_link link;
    uint8_t len;

    if (!*view->gateway_v6) {
        return 0;
    }
    if (!flat_ipv6_prefix(view, &prefix, &len) || !nt_ip6_parse(view->gateway_v6, &address)) {
        return nt_fail(err, NT_INVALID, "gateway %s is not an IPv6 address", view->gateway_v6);
    }
    if (nt_link_get(view->bridge, &link, err) < 0) {
        return -1;
    }

    int error = nt_nl_open(-1, &nl);
    if (!error) {
        error = nt_nl_addr6_add(nl, link.index, &address, len);
    }
    return error && error != -EEXIST ? nt_fail_errno(err, -error, "cannot put gateway %s on %s",
                                                     view->gateway_v6, view->bridge)
                                     : 0;
}

static bool
is_on(const char *path)
{
    AUTO_FREE char *text = NULL;

    return nt_file_read(path, 64, &text, NULL) < 0 || text[0] == '1';
}

int
flat_host_ensure(bool use_ipv6, struct flat_host_found *found, struct nt_err *err)
{
    found->forwarding = !is_on("/proc/sys/net/ipv4/ip_forward");
    found->metadata = false;
    if (nt_forwarding_ensure(err) < 0
        || (use_ipv6 && nt_sysctl_ensure("net.ipv6.conf.all.forwarding", "1", err) < 0)) {
        return -1;
    }
    return nt_addr_put("lo", METADATA_ADDRESS, RT_SCOPE_LINK, &found->metadata, err);
}
