/* IP sets as values: what is wanted, what ipset says there is, and the commands
 * between the two.  Pure. */
#pragma once

#include <stdbool.h>

#include "openvswitch/shash.h"

#define NT_IPSET_NAME_SIZE 32

/* The name of a group's set: "nt4-" or "nt6-" and as much of its id as fits. */
void nt_ipset_name(const char *group_id, bool ipv6, char out[NT_IPSET_NAME_SIZE]);

struct nt_ipset_table {
    struct shash sets; /* By name; each a "struct shash" of addresses, without data. */
};

void nt_ipset_table_init(struct nt_ipset_table *);
void nt_ipset_table_clear(struct nt_ipset_table *);

/* Makes the set when missing, and adds the address (NULL: none), in its written form. */
void nt_ipset_table_add(struct nt_ipset_table *, const char *set, const char *address);

/* Reads what "ipset save" printed; sets of others are passed over. */
void nt_ipset_table_parse(const char *text, struct nt_ipset_table *out);

/* Does what the commands for "ipset restore" do. */
void nt_ipset_table_apply(struct nt_ipset_table *, const char *commands);

/* What "ipset restore -exist" needs to make 'want' of 'installed', but for the sets
 * that are not wanted any more; NULL: nothing.  The caller frees. */
char *nt_ipset_diff(const struct nt_ipset_table *installed, const struct nt_ipset_table *want);

/* The commands that remove those; NULL: none.  The caller frees. */
char *nt_ipset_leftovers(const struct nt_ipset_table *installed, const struct nt_ipset_table *want);
