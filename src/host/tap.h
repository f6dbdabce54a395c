/* The host's end of a virtual machine's link: a persistent tap device that is a port of
 * the guest's bridge before the machine that will use it exists, so that it is guarded
 * before it can send.
 *
 * Works in the calling thread's network namespace and is idempotent. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "net/addr.h"
#include "wire/netlink/rtnl.h"

struct nt_tap_plug_args {
    struct nt_mac mac; /* The guest's. */
    const char *bridge;
    uint32_t mtu; /* 0: the kernel's choice. */
};

/* Makes vnetN with the guest's MAC but for a first byte fe, a port of the bridge, up, in
 * hairpin mode where the kernel has it.  A tap an earlier run made for this MAC is taken
 * over.  'name' tells its name.
 * Fails with NT_NOT_FOUND (no such bridge), NT_CONFLICT (a link that is no tap has the
 * MAC) or NT_FAULT. */
NT_NODISCARD int nt_tap_plug(const struct nt_tap_plug_args *, char name[NT_NL_NAME_SIZE],
                             struct nt_err *);

/* Brings a port that somebody else made (libvirt) to the same. */
NT_NODISCARD int nt_tap_adjust(const char *name, const struct nt_tap_plug_args *, struct nt_err *);
