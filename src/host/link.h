/* Links of this host by what they are for: found, brought up, given an address, and
 * the pair of ends that plugs a guest into a bridge.
 *
 * Everything works in the calling thread's network namespace, takes microseconds
 * to a few milliseconds, and is idempotent. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "net/addr.h"
#include "wire/netlink/rtnl.h"

/* Fails with NT_NOT_FOUND or NT_FAULT. */
NT_NODISCARD int nt_link_get(const char *name, struct nt_nl_link *out, struct nt_err *);

/* The link with that MAC; never a bridge, which has its port's. */
NT_NODISCARD int nt_link_find_by_mac(const struct nt_mac *, struct nt_nl_link *out,
                                     struct nt_err *);

/* All links, or with 'bridge' (may be NULL) its ports.  The caller frees '*out'. */
NT_NODISCARD int nt_link_list(const char *bridge, struct nt_nl_link **out, size_t *n,
                              struct nt_err *);

NT_NODISCARD int nt_link_ensure_up(const char *name, struct nt_err *);

/* Deletes the link; one that is not there is fine.  Fails with NT_FAULT. */
NT_NODISCARD int nt_link_delete(const char *name, struct nt_err *);

/* The address "169.254.169.254/32" of the given scope (RT_SCOPE_LINK...) is on the
 * link, without broadcast.  Fails with NT_NOT_FOUND, NT_INVALID or NT_FAULT. */
NT_NODISCARD int nt_addr_ensure(const char *link, const char *cidr, uint8_t scope, struct nt_err *);

/* The same; '*added' tells whether it was missing. */
NT_NODISCARD int nt_addr_put(const char *link, const char *cidr, uint8_t scope, bool *added,
                             struct nt_err *);

/* Takes a global address away.  Neither it nor the link being there is fine.  Fails with
 * NT_INVALID or NT_FAULT. */
NT_NODISCARD int nt_addr_delete(const char *link, const char *cidr, struct nt_err *);

/* The link of the default route, that of the lowest metric.  Fails with NT_NOT_FOUND or
 * NT_FAULT. */
NT_NODISCARD int nt_default_link(char name[NT_NL_NAME_SIZE], struct nt_err *);

/* The first global IPv4 address of the link.  Fails with NT_NOT_FOUND or NT_FAULT. */
NT_NODISCARD int nt_addr_first(const char *link, struct nt_cidr *out, struct nt_err *);

/* "vnetN" with the lowest N that none of the links has. */
void nt_vnet_name(const struct nt_nl_link *, size_t n, char out[NT_NL_NAME_SIZE]);

/* The same among the links of this namespace.  Fails with NT_FAULT. */
NT_NODISCARD int nt_next_vnet_name(char out[NT_NL_NAME_SIZE], struct nt_err *);

struct nt_vif_plug_args {
    struct nt_mac mac; /* The guest's. */
    const char *bridge;
    int netns_fd;           /* The guest's network namespace. */
    const char *guest_name; /* Its interface there; NULL: "eth0". */
    uint32_t mtu;           /* Both ends; 0: the kernel's choice. */
    bool hairpin;           /* Tried; a kernel without it is no error. */
    bool guest_up;          /* Bring the guest's end up as well, if it does not itself. */
};

/* Plugs a guest in: its interface on one end, vnetN on the other, a port of the
 * bridge, up, with the guest's MAC but for a first byte fe.  A pair that an earlier
 * run made for this MAC and namespace is taken over, one that leads elsewhere is
 * replaced.  'name' tells the host's end.
 * Fails with NT_NOT_FOUND (no such bridge), NT_CONFLICT (the guest has another
 * interface of that name, or a link that is no veth has the MAC) or NT_FAULT. */
NT_NODISCARD int nt_vif_plug(const struct nt_vif_plug_args *, char name[NT_NL_NAME_SIZE],
                             struct nt_err *);

/* The host's end of a guest with that MAC is there under that name. */
bool nt_vif_is_there(const char *name, const char *guest_mac);

/* It is up and a port of the bridge; '*repaired' tells that it was not.  Fails with
 * NT_NOT_FOUND (it or the bridge is not there) or NT_FAULT. */
NT_NODISCARD int nt_vif_ensure(const char *name, const char *guest_mac, const char *bridge,
                               bool *repaired, struct nt_err *);

/* Removes both ends; fine when they are gone.  Fails with NT_FAULT. */
NT_NODISCARD int nt_vif_unplug(const char *name, struct nt_err *);
