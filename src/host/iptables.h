/* Keeps a program's iptables content in the kernel.
 *
 * nt_iptables_set() replaces the wanted content; changes that come while one is
 * being applied are joined.  A change costs one iptables-restore, or nothing when
 * nothing differs; the kernel is read (iptables-save) only at the start, before
 * touching chains that others use too, and after nt_iptables_recheck().  All of it
 * runs as child processes; run() never blocks.
 *
 * Programs of ours exclude each other by flock on 'lock_path', held while one
 * reads, compares and writes.  A failed attempt is repeated up to five times, with
 * growing pauses, each time from a fresh reading.  After that the callback reports
 * the failure, and the next set or recheck tries again.
 *
 * Freeing leaves the rules in the kernel.  Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "host/iptables_want.h"

struct nt_iptables;

enum nt_iptables_variant {
    NT_IPTABLES_AUTO, /* What iptables-save in PATH is. */
    NT_IPTABLES_NFT,
    NT_IPTABLES_LEGACY,
};

/* "auto", "nft", "legacy". */
NT_NODISCARD bool nt_iptables_variant_parse(const char *text, enum nt_iptables_variant *out);

/* "iptables-nft" and its kin. */
const char *nt_iptables_tool(enum nt_iptables_variant, bool is_ipv6);

struct nt_iptables_stats {
    unsigned saves;   /* iptables-save calls. */
    unsigned applies; /* Successful iptables-restore calls. */
    unsigned repairs; /* Rechecks that found foreign damage. */
    unsigned attempts_failed;
    unsigned failures; /* Changes given up. */
};

/* Everything set up to 'generation' is in the kernel, or (ok false) 'err' says why
 * not.  May call nt_iptables_set(); must not free the engine. */
typedef void nt_iptables_settled_cb(void *aux, uint64_t generation, bool ok,
                                    const struct nt_err *err);

/* 'children' and 'clock' are borrowed and outlive the engine.  The folder of
 * 'lock_path' is made when missing. */
struct nt_iptables *nt_iptables_new(struct nt_children *children, const struct nt_clock *clock,
                                    enum nt_iptables_variant, const char *lock_path);

/* The same for IPv6: ip6tables and its own tables.  The lock must be another one. */
struct nt_iptables *nt_ip6tables_new(struct nt_children *children, const struct nt_clock *clock,
                                     enum nt_iptables_variant, const char *lock_path);
void nt_iptables_free(struct nt_iptables *);
NT_AUTO(nt_iptables)

void nt_iptables_on_settled(struct nt_iptables *, nt_iptables_settled_cb *, void *aux);

/* Takes 'want'.  Returns the generation that the callback will name or exceed. */
uint64_t nt_iptables_set(struct nt_iptables *, struct nt_iptables_want *want);

/* Reads the kernel again and repairs what others changed; call it now and then.  With
 * the nft variant nothing is read while no rule of nftables changed since the last look.
 * Without a want so far it does nothing and returns 0. */
uint64_t nt_iptables_recheck(struct nt_iptables *);

/* Nothing is under way or waiting. */
bool nt_iptables_is_settled(const struct nt_iptables *);

/* The current want, or NULL; borrowed until the next set. */
const struct nt_iptables_want *nt_iptables_wanted(const struct nt_iptables *);
const struct nt_iptables_stats *nt_iptables_stats(const struct nt_iptables *);

/* "v1.8.9 (nf_tables)"; empty until known. */
const char *nt_iptables_version(const struct nt_iptables *);

void nt_iptables_run(struct nt_iptables *);
void nt_iptables_wait(struct nt_iptables *);
