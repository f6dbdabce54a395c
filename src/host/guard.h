/* Anti-spoofing: what a guest may send, by its port, in the nftables bridge family.
 *
 * The table "bridge neutrino-guard" is ours alone.  For each guarded port there is a
 * chain that every frame coming in by it must pass before the bridge looks at it:
 *
 *   source MAC is the guest's own
 *   ARP: a question or an answer; sender MAC and sender IP are the guest's own (0.0.0.0
 *         for probes)
 *   IPv4: source is one of the guest's addresses, or 0.0.0.0 asking for a lease; no
 *         options but "router alert" in IGMP
 *   DHCP: only questions, at most 50 a second, with the guest's own MAC and address
 *         inside; never a server's answer
 *   IPv6: source is the guest's link-local address (from its MAC) or one of its others;
 *         neighbour discovery for these only and with its own MAC inside; never a
 *         router advertisement, a redirect or a DHCPv6 server's answer
 *   multicast: reports, never queries
 *   nothing else: no tags, no BPDU, no LLDP, no first fragment that hides what it is
 *
 * What is refused is counted: for each rule of a port, and for each reason by a named
 * counter of the table, which outlives the port (host/drops.h).  The engine compares the table as
 * nft prints it (without counters) with what is wanted and writes only chains that differ, each
 * change in one transaction, so that a port is never unguarded for a moment and a
 * restart writes nothing.  Children of the pool run nft.  Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/child.h"
#include "base/clock.h"
#include "net/network.h"

#define NT_GUARD_MAX_ADDRESSES 8

struct nt_guard_port {
    char ifname[NT_IFNAME_SIZE];
    char mac[NT_MAC_SIZE];
    char addresses[NT_GUARD_MAX_ADDRESSES][NT_IP4_SIZE];
    size_t n_addresses;
    char addresses6[NT_GUARD_MAX_ADDRESSES][NT_IP_SIZE]; /* Besides the link-local one. */
    size_t n_addresses6;
};

struct nt_guard;

/* 'children' and 'clock' are borrowed. */
struct nt_guard *nt_guard_new(struct nt_children *, const struct nt_clock *);

/* Leaves the rules in place. */
void nt_guard_free(struct nt_guard *);
NT_AUTO(nt_guard)

/* The whole of what is wanted; copied. */
void nt_guard_set(struct nt_guard *, const struct nt_guard_port *, size_t n);

/* What was set last is in the kernel; true also before the first set. */
bool nt_guard_is_settled(const struct nt_guard *);

/* Why the last attempt failed (it is tried again with back-off), or NULL. */
const char *nt_guard_error(const struct nt_guard *);

/* Changes written, how many of them repaired what others had changed, and how often the
 * kernel was read. */
struct nt_guard_stats {
    unsigned applies, repairs, failures, reads;
};
const struct nt_guard_stats *nt_guard_stats(const struct nt_guard *);

/* Reads the kernel again with the next run, and repairs; nothing when no rule of
 * nftables changed since it was known to be right. */
void nt_guard_recheck(struct nt_guard *);

/* What was set last, as commands for "nft -f -" on a host without the table.  The
 * caller frees. */
char *nt_guard_whole(const struct nt_guard *);

/* The table as text, as "nft -s list table" prints it.  Pure.  The caller frees. */
char *nt_guard_render(const struct nt_guard_port *, size_t n);

void nt_guard_run(struct nt_guard *);
void nt_guard_wait(struct nt_guard *);
