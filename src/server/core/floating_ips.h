/* Floating IPs: from the pool to a project, from there to a fixed IP, and back.
 *
 *     POOL -allocate-> project's -associate-> tied to a fixed IP
 *     POOL <-deallocate- project's <-disassociate- tied to a fixed IP
 *
 * An administrator makes and removes the rows.  Writers run inside an operation
 * (server/op.h).  'project_id' is who asks, NULL for an administrator, who may do
 * everything; an address of another project is NT_FORBIDDEN, or NT_NOT_FOUND where only
 * its id was given.  The network host that has an address is told by the changes; the
 * generation of the last change is in the row. */
#pragma once

#include "base/err.h"
#include "net/floating_ip.h"
#include "net/instance.h"
#include "server/core/changes.h"
#include "server/core/env.h"
#include "store/row.h"

extern const struct table floating_ips_table; /* struct nt_floating_ip */

/* Makes a row for each host address of 'range' ("192.168.56.224/28"), or for the one
 * address.  'pool' empty or NULL: the default one; 'interface' the same: the one
 * that is public on the network host.  '*n' is how many.
 * Fails with NT_INVALID or NT_CONFLICT (an address is there already). */
NT_NODISCARD int floating_ips_create(struct store *, const struct core_env *,
                                     const struct nt_floating_ip *wish, const char *range,
                                     size_t *n, struct nt_err *);

/* Removes the rows of 'range'.  Fails with NT_INVALID, NT_NOT_FOUND (none of them is
 * there) or NT_CONFLICT (a project has one). */
NT_NODISCARD int floating_ips_delete(struct store *, const char *range, size_t *n, struct nt_err *);

/* Rows in ascending order of their addresses (struct nt_floating_ip).  NULL members do
 * not filter. */
struct floating_filter {
    const char *project_id, *host, *instance_id;
};
NT_NODISCARD int floating_ip_list(struct store *, const struct floating_filter *, struct rows *out,
                                  struct nt_err *);

/* Names of the pools, ascending: the caller frees each and '*out'. */
NT_NODISCARD int floating_ip_pools(struct store *, char ***out, size_t *n, struct nt_err *);

/* By Nova's number.  Fails with NT_NOT_FOUND. */
NT_NODISCARD int floating_ip_get(struct store *, const char *project_id, int64_t number,
                                 struct nt_floating_ip *out, struct nt_err *);

/* Takes the lowest free address of the pool (empty or NULL: the default one).
 * Fails with NT_EXHAUSTED (the project's quota) or NT_NOT_FOUND (the pool has none). */
NT_NODISCARD int floating_ip_allocate(struct store *, const struct core_env *,
                                      const char *project_id, const char *pool,
                                      struct nt_floating_ip *out, struct nt_err *);

/* Gives back the one with the number 'row->number'; an association ends first.  '*row'
 * becomes the row as it was left.
 * Change: FLOATING_IP_DISASSOCIATED if it was associated. */
NT_NODISCARD int floating_ip_deallocate(struct store *, const struct core_env *,
                                        const char *project_id, struct nt_floating_ip *row,
                                        struct changes *, struct nt_err *);

/* Ties it to the instance's fixed address 'fixed' (NULL or empty: its first one); one
 * that is tied already moves.  'project_id' may be NULL as above.
 * Fails with NT_NOT_FOUND (no such address), NT_FORBIDDEN (not this project's),
 * NT_INVALID (the instance has no such fixed address).
 * Changes: FLOATING_IP_DISASSOCIATED if it moves, then FLOATING_IP_ASSOCIATED. */
struct floating_associate {
    const char *project_id, *address;
    const char *instance_id, *fixed;
};
NT_NODISCARD int floating_ip_associate(struct store *, const struct core_env *,
                                       const struct floating_associate *,
                                       struct nt_floating_ip *out, struct changes *,
                                       struct nt_err *);

/* Unties it.  With 'instance_id' (may be NULL) only if it is that instance's:
 * NT_CONFLICT otherwise.  Change: FLOATING_IP_DISASSOCIATED. */
NT_NODISCARD int floating_ip_disassociate(struct store *, const struct core_env *,
                                          const struct floating_associate *,
                                          struct nt_floating_ip *out, struct changes *,
                                          struct nt_err *);

/* The network host could not: if it is still at 'generation' it goes back to where it
 * moved from, when that is still there; else it is untied, and given back if it was
 * assigned by itself.
 * Changes: FLOATING_IP_DISASSOCIATED, then FLOATING_IP_ASSOCIATED if it went back. */
struct floating_undo {
    const char *address;
    int64_t generation;
    const char *former_instance_id, *former_fixed; /* Empty: it was not tied before. */
};
NT_NODISCARD int floating_ip_undo(struct store *, const struct core_env *,
                                  const struct floating_undo *, struct changes *, struct nt_err *);

/* The port ends: its addresses are untied, those assigned by themselves given back. */
NT_NODISCARD int floating_ips_leave_port(struct store *, const struct core_env *,
                                         const char *port_id, struct changes *, struct nt_err *);

/* With the option auto_assign_floating_ip: takes one from the default pool and ties it
 * to the first fixed address.  An instance without address gets none. */
NT_NODISCARD int floating_ip_auto_assign(struct store *, const struct core_env *,
                                         const struct nt_instance *, struct changes *,
                                         struct nt_err *);

/* What the network host needs, ascending.  The caller frees the array. */
NT_NODISCARD int floating_entries(struct store *, const char *network_id, const char *host,
                                  struct nt_floating_entry **out, size_t *n, struct nt_err *);
