/* What this host refused its guests, by reason: read back from the kernel now and then.
 *
 * Reasons are the named counters of the anti-spoofing table (host/guard.h) and
 * "connections": packets of guests that hold more of them than they may, from the chain of
 * that name in each family's filter table.  Reading runs children of the pool, one after
 * the other; values stay until the next reading.  Loop thread only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/child.h"

#define NT_DROPS_CHAIN "nova-compute-flood"
#define NT_DROPS_MAX 32

struct nt_drops_value {
    char reason[32];
    uint64_t packets;
};

struct nt_drops_table {
    struct nt_drops_value values[NT_DROPS_MAX]; /* As the kernel lists them. */
    size_t n;
};

/* Adds what "nft list counters" printed; any text is taken as well as it goes. */
void nt_drops_parse_nft(const char *text, struct nt_drops_table *);

/* Adds the packets of the rules that drop, of what "iptables -v -S CHAIN" printed. */
void nt_drops_parse_iptables(const char *text, struct nt_drops_table *);

struct nt_drops;

/* 'iptables' and 'ip6tables' are the programs to ask; NULL: that family has no limit of
 * connections.  All borrowed. */
struct nt_drops *nt_drops_new(struct nt_children *, const char *iptables, const char *ip6tables);
void nt_drops_free(struct nt_drops *);
NT_AUTO(nt_drops)

/* Starts a reading, unless one is under way. */
void nt_drops_read(struct nt_drops *);

/* What was read last; empty before the first reading. */
const struct nt_drops_table *nt_drops_get(const struct nt_drops *);

/* The commands that a reading runs, for those who read at once: number 'i' from 0, NULL
 * behind the last. */
const char *const *nt_drops_command(const struct nt_drops *, size_t i);

/* Adds the output of command 'i'. */
void nt_drops_parse(size_t i, const char *text, struct nt_drops_table *);
