/* Kernel switches of the calling thread's network namespace. */
#pragma once

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"

/* Sets 'name' ("net.ipv4.ip_forward") to 'value' unless it has it, and reads it
 * back.  Fails with NT_NOT_FOUND (the kernel has no such switch) or NT_FAULT. */
NT_NODISCARD int nt_sysctl_ensure(const char *name, const char *value, struct nt_err *);

/* net.ipv4.ip_forward=1: the host routes for its guests. */
NT_NODISCARD int nt_forwarding_ensure(struct nt_err *);

/* net.bridge.bridge-nf-call-iptables=1: bridged frames pass the FORWARD chain, which
 * is all that guards the guests.  Loads br_netfilter when it is a module (blocks for
 * modprobe: at start only).  Fails with NT_UNSUPPORTED or NT_FAULT. */
NT_NODISCARD int nt_bridge_filter_ensure(struct nt_err *);

/* Says that a program here needs that switch, for as long as '*fd' is open (the caller's to
 * close, close-on-exec).  'lock_path' is the folder of lock files; it is there.
 * Fails with NT_FAULT. */
NT_NODISCARD int nt_bridge_filter_hold(const char *lock_path, int *fd, struct nt_err *);

/* net.bridge.bridge-nf-call-iptables=0, unless a program holds it.  On a host that only
 * routes for guests, filtered bridge frames are translated before they are routed, and
 * those that would have to go back by the port they came from are lost.  '*changed' tells
 * whether it was on; a kernel without the switch is as good.  Fails with NT_FAULT. */
NT_NODISCARD int nt_bridge_filter_off(const char *lock_path, bool *changed, struct nt_err *);
