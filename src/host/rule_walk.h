/* What the rules of a host would do to a packet, without sending one.
 *
 * Walks chains as the kernel does, on what iptables-save printed.  A match that cannot be
 * decided from the packet's description (a set, a rate limit, a mark) makes what follows
 * uncertain: a verdict says whether it is sure.  It is for finding the rule that is in
 * the way, not for proving that none is.  Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "host/iptables_save.h"

struct nt_walk_packet {
    const char *in, *out; /* Interfaces; NULL: none (made here, or meant for here). */
    const char *proto;    /* "udp", "tcp" or "icmp". */
    uint32_t src, dst;
    uint16_t sport, dport;
    const char *ctstate; /* "NEW", "ESTABLISHED". */
    bool is_local_dst, is_broadcast, is_bridged;
};

enum nt_walk_result {
    NT_WALK_PASS, /* Goes on. */
    NT_WALK_STOP, /* Dropped or rejected. */
    NT_WALK_TURN, /* Sent elsewhere: DNAT, REDIRECT, NFQUEUE, TPROXY. */
};

struct nt_walk_verdict {
    enum nt_walk_result result;
    bool is_sure;
    const char *chain; /* Where it was decided; borrowed. */
    const char *rule;  /* Its text; NULL: the chain's policy.  Borrowed. */
};

/* Whether a match holds. */
enum nt_walk_match { NT_WALK_NO, NT_WALK_MAYBE, NT_WALK_YES };

/* Whether the packet matches a rule's text ("-i br100 -p udp -m udp --dport 67 -j DROP");
 * 'target' gets what is behind -j or -g, empty without one, and 'is_goto' which it was. */
enum nt_walk_match nt_walk_rule(const char *text, const struct nt_walk_packet *, char *target,
                                size_t size, bool *is_goto);

/* Walks the built-in chain 'chain' of a table; 'table' NULL or without it: passes. */
void nt_walk_chain(const struct nt_iptables_saved_table *table, const char *chain,
                   const struct nt_walk_packet *, struct nt_walk_verdict *out);

/* "br+" matches "br100". */
bool nt_walk_is_interface(const char *pattern, const char *name);
