/* The guard's table as text: what is wanted, what nft says there is, and the
 * commands between the two.  Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "host/guard.h"
#include "openvswitch/shash.h"

#define NT_GUARD_TABLE "bridge neutrino-guard"
#define NT_GUARD_BASE "prerouting" /* The chain that hangs in the bridge. */

/* A chain's content: lines as nft prints them, without indentation and counters'
 * values.  Tables that have the same one share it. */
struct nt_guard_chain {
    unsigned n_refs;
    struct nt_guard_port port; /* Whose it is; without a name: read from the kernel. */
    char *body;
};

/* A table's content. */
struct nt_guard_table {
    bool exists;
    struct shash chains;   /* Name to struct nt_guard_chain. */
    struct shash elements; /* Ports in the map, without data. */
};

void nt_guard_table_init(struct nt_guard_table *);
void nt_guard_table_clear(struct nt_guard_table *);

/* Forgets a chain, as if the table had not had it. */
void nt_guard_table_forget(struct nt_guard_table *, const char *chain);

/* Reads what "nft -s list table" printed; any text is taken as well as it goes. */
void nt_guard_table_parse(const char *text, struct nt_guard_table *out);

/* The content that 'ports' want.  Chains of ports that are in 'before' (NULL: nothing)
 * with the same data are those of 'before'. */
void nt_guard_table_want(const struct nt_guard_port *ports, size_t n,
                         const struct nt_guard_table *before, struct nt_guard_table *out);

/* The commands for "nft -f -", one transaction; NULL when nothing differs.  The
 * caller frees. */
char *nt_guard_diff(const struct nt_guard_table *installed, const struct nt_guard_table *want);
