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

/* A table's content.  Chain bodies are lines as nft prints them, without
 * indentation and counters' values. */
struct nt_guard_table {
    bool exists;
    struct shash chains;   /* Name to body (char *, owned). */
    struct shash elements; /* Ports in the map, without data. */
};

void nt_guard_table_init(struct nt_guard_table *);
void nt_guard_table_clear(struct nt_guard_table *);
void nt_guard_table_swap(struct nt_guard_table *, struct nt_guard_table *);

/* Reads what "nft -s list table" printed; any text is taken as well as it goes. */
void nt_guard_table_parse(const char *text, struct nt_guard_table *out);

/* The content that 'ports' want. */
void nt_guard_table_want(const struct nt_guard_port *ports, size_t n, struct nt_guard_table *out);

/* The commands for "nft -f -", one transaction; NULL when nothing differs.  The
 * caller frees. */
char *nt_guard_diff(const struct nt_guard_table *installed, const struct nt_guard_table *want);
