/* What a network host does to frames that pass its bridge, besides bridging them.
 *
 * One gateway address on several hosts of one wire (share_dhcp_address): each host answers
 * its own guests alone.  On the interface towards the others, ARP that asks for the address
 * or speaks for it is dropped both ways, and so is DHCP that the bridge would pass on.
 *
 * A guest with a floating address whose router is elsewhere: what it sends beyond its
 * network goes up to this host, wherever it was addressed to, so that it leaves with its
 * floating address.
 *
 * The rules are the table "bridge neutrino-flat" of nftables, compared as "nft -s list
 * table" prints it and replaced in one transaction.  Children of the pool run nft.  Loop
 * thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/child.h"
#include "base/clock.h"
#include "net/network.h"

struct nt_shared_gateway {
    char interface[NT_IFNAME_SIZE]; /* Towards the other hosts. */
    char address[NT_IP4_SIZE];
};

struct nt_bridge_redirect {
    char fixed_address[NT_IP4_SIZE]; /* The guest's. */
    char cidr[NT_CIDR_SIZE];         /* Of its network. */
    char mac[NT_MAC_SIZE];           /* The bridge's. */
};

/* The whole of what is wanted; borrowed for the call. */
struct nt_bridge_want {
    const struct nt_shared_gateway *shared;
    size_t n_shared;
    const struct nt_bridge_redirect *redirects;
    size_t n_redirects;
};

struct nt_bridge_rules;

/* 'children' and 'clock' are borrowed. */
struct nt_bridge_rules *nt_bridge_rules_new(struct nt_children *, const struct nt_clock *);

/* Leaves the rules in place. */
void nt_bridge_rules_free(struct nt_bridge_rules *);
NT_AUTO(nt_bridge_rules)

/* Nothing wanted: no table. */
void nt_bridge_rules_set(struct nt_bridge_rules *, const struct nt_bridge_want *);

/* What was set last is in the kernel. */
bool nt_bridge_rules_is_settled(const struct nt_bridge_rules *);

/* Reads the kernel again with the next run, and repairs. */
void nt_bridge_rules_recheck(struct nt_bridge_rules *);

/* The table's text; "" for no rules.  Pure.  The caller frees. */
char *nt_bridge_rules_text(const struct nt_bridge_want *);

void nt_bridge_rules_run(struct nt_bridge_rules *);
void nt_bridge_rules_wait(struct nt_bridge_rules *);
