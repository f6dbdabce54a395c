#include <config.h>

#include "host/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "host/link.h"

NT_LOG_MODULE(host_tap);

#define TUN_DEVICE "/dev/net/tun"
#define NAME_ATTEMPTS 20 /* Others (libvirt) take vnet names at the same time. */

/* Makes a tap that stays when nobody has it open; last, so that one without its MAC, which
 * nobody would find again, ends with this program.  Negative errno; -EBUSY: the name was
 * taken meanwhile. */
static int
create(const char *name, const struct nt_mac *mac)
{
    struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_TUN_EXCL };
    struct ifreq hw = { .ifr_hwaddr.sa_family = ARPHRD_ETHER };
    int fd = open(TUN_DEVICE, O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        return -errno;
    }
    ovs_strlcpy(ifr.ifr_name, name, sizeof ifr.ifr_name);
    memcpy(hw.ifr_hwaddr.sa_data, mac->b, sizeof mac->b);

    int rc = ioctl(fd, TUNSETIFF, &ifr) < 0 || ioctl(fd, SIOCSIFHWADDR, &hw) < 0
                     || ioctl(fd, TUNSETPERSIST, 1L) < 0
                 ? -errno
                 : 0;
    close(fd);
    return rc;
}

static int
create_free_name(const struct nt_mac *mac, char name[NT_NL_NAME_SIZE], struct nt_err *err)
{
    int rc = -EBUSY;

    for (int i = 0; i < NAME_ATTEMPTS && (rc == -EBUSY || rc == -EEXIST); i++) {
        if (nt_next_vnet_name(name, err) < 0) {
            return -1;
        }
        rc = create(name, mac);
    }
    return rc ? nt_fail_errno(err, -rc, "cannot create tap %s by " TUN_DEVICE, name) : 0;
}

static int
adjust(struct nt_nl *nl, const struct nt_nl_link *link, const struct nt_tap_plug_args *args,
       int bridge)
{
    struct nt_mac mac = nt_mac_host_end(&args->mac);
    int error = 0;

    if (memcmp(&link->mac, &mac, sizeof mac)) {
        error = nt_nl_link_set_mac(nl, link->index, &mac);
    }
    if (!error && args->mtu && link->mtu != args->mtu) {
        error = nt_nl_link_set_mtu(nl, link->index, args->mtu);
    }
    if (!error && link->master != bridge) {
        error = nt_nl_link_set_master(nl, link->index, bridge);
    }
    if (!error && nt_nl_port_set_hairpin(nl, link->index, true)) {
        nt_warn("cannot set hairpin mode", "link", link->name, NULL);
    }
    if (!error && !(link->flags & IFF_UP)) {
        error = nt_nl_link_set_up(nl, link->index, true);
    }
    return error;
}

int
nt_tap_adjust(const char *name, const struct nt_tap_plug_args *args, struct nt_err *err)
{
    AUTO(nt_nl) nl = NULL;
    struct nt_nl_link bridge, link;

    if (nt_link_get(args->bridge, &bridge, err) < 0 || nt_link_get(name, &link, err) < 0) {
        return nt_err_context(err, "cannot plug %s", name);
    }

    int error = nt_nl_open(-1, &nl);
    if (!error) {
        error = adjust(nl, &link, args, bridge.index);
    }
    return error ? nt_fail_errno(err, -error, "cannot make %s a port of %s", name, args->bridge)
                 : 0;
}

int
nt_tap_plug(const struct nt_tap_plug_args *args, char name[NT_NL_NAME_SIZE], struct nt_err *err)
{
    struct nt_mac mac = nt_mac_host_end(&args->mac);
    struct nt_nl_link link;
    struct nt_err none = { 0 };
    bool is_new = nt_link_find_by_mac(&mac, &link, &none) < 0;

    if (is_new && none.code != NT_NOT_FOUND) {
        *err = none;
        return -1;
    }
    if (!is_new && strcmp(link.kind, "tun")) {
        return nt_fail(err, NT_CONFLICT, "%s has the MAC meant for the host's end", link.name);
    }
    if (is_new && create_free_name(&mac, link.name, err) < 0) {
        return -1;
    }
    if (nt_tap_adjust(link.name, args, err) < 0) {
        struct nt_err ignored;

        if (is_new) {
            (void) !nt_link_delete(link.name, &ignored);
        }
        return -1;
    }
    ovs_strlcpy(name, link.name, NT_NL_NAME_SIZE);
    return 0;
}
