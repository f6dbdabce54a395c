/* One gateway address on several hosts of one wire (share_dhcp_address).
 *
 * Each host answers its own guests alone: on the interface towards the others, ARP that
 * asks for the address or speaks for it is dropped both ways, and so is DHCP that the
 * bridge would pass on.  The rules are the table "bridge neutrino-shared" of nftables,
 * compared as "nft -s list table" prints it and replaced in one transaction.  Children of
 * the pool run nft.  Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/child.h"
#include "base/clock.h"
#include "net/network.h"

struct nt_shared_gateway_rule {
    char interface[NT_IFNAME_SIZE]; /* Towards the other hosts. */
    char address[NT_IP4_SIZE];
};

struct nt_shared_gateway;

/* 'children' and 'clock' are borrowed. */
struct nt_shared_gateway *nt_shared_gateway_new(struct nt_children *, const struct nt_clock *);

/* Leaves the rules in place. */
void nt_shared_gateway_free(struct nt_shared_gateway *);
NT_AUTO(nt_shared_gateway)

/* The whole of what is wanted; n 0: no table. */
void nt_shared_gateway_set(struct nt_shared_gateway *, const struct nt_shared_gateway_rule *,
                           size_t n);

/* What was set last is in the kernel. */
bool nt_shared_gateway_is_settled(const struct nt_shared_gateway *);

/* Reads the kernel again with the next run, and repairs. */
void nt_shared_gateway_recheck(struct nt_shared_gateway *);

/* The table's text; "" for no rules.  Pure.  The caller frees. */
char *nt_shared_gateway_text(const struct nt_shared_gateway_rule *, size_t n);

void nt_shared_gateway_run(struct nt_shared_gateway *);
void nt_shared_gateway_wait(struct nt_shared_gateway *);
