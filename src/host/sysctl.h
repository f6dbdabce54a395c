/* Kernel switches of the calling thread's network namespace. */
#pragma once

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
