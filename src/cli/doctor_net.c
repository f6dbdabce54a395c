#include <config.h>

#include "cli/doctor.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "host/link.h"
#include "net/addr.h"

/* How the kernel says that an address was set and not inherited (NET_ADDR_SET). */
#define ADDRESS_SET 3
#define METADATA_IP 0xa9fea9fe

static bool
has_switch(const char *name, const char *value)
{
    AUTO_FREE char *path = xasprintf("/proc/sys/net/%s", name);
    AUTO_FREE char *text = doctor_read(path);

    return text && !strcmp(text, value);
}

static void
check_switches(struct doctor *d)
{
    if (d->is_network) {
        doctor_check(d, "forwarding", has_switch("ipv4/ip_forward", "1"),
                     xstrdup("net.ipv4.ip_forward is off: guests reach nothing outside"),
                     xstrdup("sysctl -w net.ipv4.ip_forward=1"));
    }
    if (!d->is_compute) {
        return;
    }
    bool module = !access("/proc/sys/net/bridge", F_OK);
    doctor_check(d, "br_netfilter", module,
                 xstrdup("the kernel does not filter bridged frames: guests are not guarded"),
                 xstrdup("modprobe br_netfilter"));
    if (module) {
        doctor_check(d, "bridge-nf-call-iptables",
                     has_switch("bridge/bridge-nf-call-iptables", "1"),
                     xstrdup("bridged frames pass no rules: guests are not guarded"),
                     xstrdup("sysctl -w net.bridge.bridge-nf-call-iptables=1"));
    }
}

/* Attribute 'name' of a link; NULL: none.  The caller frees. */
static char *
attribute(const char *link, const char *name)
{
    AUTO_FREE char *path = xasprintf("/sys/class/net/%s/%s", link, name);

    return doctor_read(path);
}

static bool
is_up(const struct nt_nl_link *link)
{
    return link->flags & IFF_UP;
}

static void
check_port(struct doctor *d, const struct doctor_network *n, const struct nt_nl_link *bridge)
{
    AUTO_FREE char *check = xasprintf("bridge %s: port %s", n->bridge, n->interface);
    struct nt_nl_link port;

    if (nt_link_get(n->interface, &port, NULL) < 0) {
        doctor_say(d, check, DOCTOR_FAIL, xasprintf("there is no interface %s", n->interface),
                   xstrdup("neutrino config explain flat_interface"));
    } else if (port.master != bridge->index) {
        doctor_say(d, check, DOCTOR_FAIL,
                   xasprintf("%s is not a port of %s: guests are cut off from other hosts",
                             n->interface, n->bridge),
                   xasprintf("ip link set %s master %s up", n->interface, n->bridge));
    } else {
        doctor_check(d, check, is_up(&port), xasprintf("%s is down", n->interface),
                     xasprintf("ip link set %s up", n->interface));
    }

    AUTO_FREE char *mac_check = xasprintf("bridge %s: MAC", n->bridge);
    AUTO_FREE char *wanted = attribute(n->interface, "address");
    AUTO_FREE char *assigned = attribute(n->bridge, "addr_assign_type");
    AUTO_FREE char *has = attribute(n->bridge, "address");
    if (wanted && has) {
        bool pinned = !strcmp(wanted, has) && assigned && atoi(assigned) == ADDRESS_SET;

        doctor_check(d, mac_check, pinned,
                     strcmp(wanted, has)
                         ? xasprintf("%s has %s instead of its port's %s", n->bridge, has, wanted)
                         : xasprintf("%s may change its MAC when a guest comes or goes", n->bridge),
                     xasprintf("ip link set %s address %s", n->bridge, wanted));
    }
}

static void
check_gateway(struct doctor *d, const struct doctor_network *n)
{
    AUTO_FREE char *check = xasprintf("bridge %s: gateway address", n->bridge);
    struct nt_cidr first, range;
    uint32_t wanted;
    char address[NT_IP4_SIZE], cidr[NT_CIDR_SIZE];

    if (!d->is_network || !nt_ip4_parse(n->dhcp_server, &wanted)
        || !nt_cidr_parse(n->cidr, &range)) {
        return;
    }
    if (nt_addr_first(n->bridge, &first, NULL) < 0) {
        doctor_say(
            d, check, DOCTOR_FAIL, xasprintf("%s has no address", n->bridge),
            xasprintf("ip addr add %s/%u brd + dev %s", n->dhcp_server, range.len, n->bridge));
        return;
    }
    nt_ip4_format(first.ip, address);
    nt_cidr_format(&first, cidr);
    doctor_check(d, check, first.ip == wanted,
                 xasprintf("the first address of %s is %s, not %s: dnsmasq answers from the wrong "
                           "one",
                           n->bridge, address, n->dhcp_server),
                 xasprintf("ip addr del %s dev %s", cidr, n->bridge));
}

static void
check_bridge(struct doctor *d, const struct doctor_network *n)
{
    AUTO_FREE char *check = xasprintf("bridge %s", n->bridge);
    const char *owner = d->is_network ? "neutrino-flat" : "neutrino-compute";
    struct nt_nl_link bridge;

    if (nt_link_get(n->bridge, &bridge, NULL) < 0 || strcmp(bridge.kind, "bridge")) {
        doctor_say(d, check, DOCTOR_FAIL, xasprintf("there is no bridge %s", n->bridge),
                   xasprintf("systemctl restart %s", owner));
        return;
    }
    doctor_check(d, check, is_up(&bridge), xasprintf("%s is down", n->bridge),
                 xasprintf("ip link set %s up", n->bridge));
    if (*n->interface) {
        check_port(d, n, &bridge);
    }
    check_gateway(d, n);
}

static bool
has_address(const char *link, uint32_t ip)
{
    struct ifaddrs *all = NULL;
    bool found = false;

    if (getifaddrs(&all) < 0) {
        return false;
    }
    for (const struct ifaddrs *a = all; a && !found; a = a->ifa_next) {
        if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET && !strcmp(a->ifa_name, link)) {
            const struct sockaddr_in *sin = (const void *) a->ifa_addr;

            found = ntohl(sin->sin_addr.s_addr) == ip;
        }
    }
    freeifaddrs(all);
    return found;
}

static void
check_metadata_address(struct doctor *d)
{
    if (d->is_network) {
        doctor_check(d, "metadata address", has_address("lo", METADATA_IP),
                     xstrdup("169.254.169.254 is not on lo: guests without a route to it wait for "
                             "their metadata"),
                     xstrdup("ip addr add 169.254.169.254/32 dev lo scope link"));
    }
}

void
doctor_links(struct doctor *d)
{
    check_switches(d);
    for (size_t i = 0; i < d->n_networks; i++) {
        check_bridge(d, &d->networks[i]);
    }
    check_metadata_address(d);
}

/* dnsmasq and the lease socket. */

/* Whether the argument list 'command' (NULs between) has 'wanted'. */
static bool
has_argument(const char *command, size_t len, const char *wanted)
{
    for (const char *p = command; p < command + len; p += strlen(p) + 1) {
        if (!strcmp(p, wanted)) {
            return true;
        }
    }
    return false;
}

/* The first argument that is missing; NULL: none.  The caller frees. */
static char *
missing_argument(const struct doctor *d, const struct doctor_network *n, const char *command,
                 size_t len)
{
    const char *networks = nt_config_str(d->config, "networks_path");
    char *wanted[] = {
        xasprintf("--listen-address=%s", n->dhcp_server),
        xasprintf("--pid-file=%s/nova-%s.pid", networks, n->bridge),
        xasprintf("--conf-file=%s", nt_config_str(d->config, "dnsmasq_config_file")),
        xasprintf("--dhcp-script=%s", nt_config_str(d->config, "dhcpbridge")),
        xstrdup("--bind-interfaces"),
        xstrdup("--leasefile-ro"),
        xstrdup("--except-interface=lo"),
    };
    char *missing = NULL;

    for (size_t i = 0; i < NT_ARRAY_SIZE(wanted); i++) {
        if (!missing && !has_argument(command, len, wanted[i])) {
            missing = xstrdup(wanted[i]);
        }
        free(wanted[i]);
    }
    return missing;
}

static void
check_dnsmasq(struct doctor *d, const struct doctor_network *n)
{
    AUTO_FREE char *check = xasprintf("dnsmasq of %s", n->bridge);
    AUTO_FREE char *pid_file =
        xasprintf("%s/nova-%s.pid", nt_config_str(d->config, "networks_path"), n->bridge);
    AUTO_FREE char *pid = doctor_read(pid_file);
    AUTO_FREE char *path = xasprintf("/proc/%s/cmdline", pid ? pid : "-");
    AUTO_FREE char *command = NULL;
    size_t len = 0;

    if (!pid || nt_file_read(path, 1 << 16, &command, &len) < 0 || !strstr(command, "dnsmasq")) {
        doctor_say(d, check, DOCTOR_FAIL,
                   xasprintf("no dnsmasq serves %s: guests get no address", n->bridge),
                   xstrdup("systemctl restart neutrino-flat"));
        return;
    }

    AUTO_FREE char *missing = missing_argument(d, n, command, len);
    doctor_check(d, check, !missing,
                 xasprintf("process %s was started without %s", pid, missing ? missing : ""),
                 xasprintf("kill %s  # neutrino-flat starts it again as it should be", pid));
}

/* Connecting a datagram socket sends nothing, but fails when nobody listens. */
static void
check_lease_socket(struct doctor *d)
{
    AUTO_FREE char *path =
        nt_path_join(nt_config_str(d->config, "neutrino_state_path"), "lease.sock");
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    ovs_strlcpy(sun.sun_path, path, sizeof sun.sun_path);
    bool ok = fd >= 0 && !connect(fd, (const struct sockaddr *) &sun, sizeof sun);
    int error = errno;
    doctor_check(d, "lease socket", ok, xasprintf("%s: %s", path, ovs_strerror(error)),
                 xstrdup("systemctl restart neutrino-flat"));
    if (fd >= 0) {
        close(fd);
    }
}

void
doctor_services(struct doctor *d)
{
    if (!d->is_network) {
        return;
    }
    for (size_t i = 0; i < d->n_networks; i++) {
        check_dnsmasq(d, &d->networks[i]);
    }
    check_lease_socket(d);
}
