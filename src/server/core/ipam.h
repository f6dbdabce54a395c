/* Fixed addresses: who has which, from allocation to reuse.
 *
 *     FREE -allocate-> ALLOCATED -lease-> ALLOCATED+LEASED -unuse-> LEASED -release-> FREE
 *
 * unuse of an address that is not leased goes to FREE at once.  A LEASED address
 * stays with its instance and port until dnsmasq tells of the release or the
 * timeout passes, so nobody else gets it while the old guest may still send.
 *
 * Free addresses have no row before their first use.  A new address is the lowest
 * one never used; after that the one freed longest ago.  Claims are atomic: a
 * unique index for new rows, a compare-and-set for old ones. */
#pragma once

#include "base/err.h"
#include "net/network.h"
#include "rpc/conductor.h"
#include "server/core/changes.h"
#include "server/core/env.h"
#include "store/row.h"

extern const struct table fixed_ips_table; /* struct nt_fixed_ip */

/* True for addresses the network keeps for itself. */
bool ipam_is_reserved(const struct nt_subnet *, uint32_t ip);

/* An address for a port; everything is borrowed for the call. */
struct ipam_wish {
    const struct nt_subnet *subnet; /* Of the port's network. */
    const struct nt_port *port;
    const char *address; /* Empty or NULL: any. */
};

/* Claims an address for the port and its instance.  Fails with NT_EXHAUSTED (nothing
 * is free), NT_INVALID (the wanted one is no address of the network, or reserved) or
 * NT_CONFLICT (it is in use).  Makes no change record: the instance's hostname is not
 * known here. */
NT_NODISCARD int ipam_allocate(struct store *, const struct core_env *, const struct ipam_wish *,
                               struct nt_fixed_ip *out, struct nt_err *);

/* The port is no longer in use; its address follows the diagram above.
 * Changes: FIXED_IP_UNUSED, then FIXED_IP_FREED if it was not leased. */
NT_NODISCARD int ipam_unuse(struct store *, const struct core_env *, const char *port_id,
                            struct changes *, struct nt_err *);

/* dnsmasq gave out or renewed a lease.  An address nobody is associated with, or
 * another MAC than its port's, is logged and ignored (success).  Fails with
 * NT_NOT_FOUND (network) or NT_FORBIDDEN (the network is not args->host's).
 * Change: FIXED_IP_LEASED. */
NT_NODISCARD int ipam_lease(struct store *, const struct core_env *, const struct nt_lease_args *,
                            struct changes *, struct nt_err *);

/* A lease ended.  Ignored as above; so is a MAC that is not the present owner's, so a
 * late release cannot strip a new owner.  Change: FIXED_IP_FREED when the address
 * was no longer allocated. */
NT_NODISCARD int ipam_release(struct store *, const struct core_env *, const struct nt_lease_args *,
                              struct changes *, struct nt_err *);

/* After the network host was told of FIXED_IP_UNUSED: frees the port's address if by
 * now it is not leased.  No port or address of that id is fine. */
NT_NODISCARD int ipam_settle(struct store *, const struct core_env *, const char *port_id,
                             struct changes *, struct nt_err *);

/* Appends FIXED_IP_UNUSED for each address that waits for its release, for a server that
 * does not know whom it had told before it ended. */
NT_NODISCARD int ipam_unused(struct store *, struct changes *, struct nt_err *);

/* Frees addresses that wait for a release longer than the configured time.
 * '*n' (may be NULL) is how many.  Changes: FIXED_IP_FREED. */
NT_NODISCARD int ipam_sweep(struct store *, const struct core_env *, size_t *n, struct changes *,
                            struct nt_err *);

/* Appends a change of 'kind' with the address of 'port_id', its network host and its
 * entry.  A port without address adds nothing. */
NT_NODISCARD int ipam_add_change(struct store *, const char *port_id, enum change_kind,
                                 struct changes *, struct nt_err *);

/* The same for all ports of an instance, in their order. */
NT_NODISCARD int ipam_add_changes(struct store *, const char *instance_id, enum change_kind,
                                  struct changes *, struct nt_err *);

/* What the network host needs: allocated or leased addresses, ascending; with 'host'
 * (may be NULL) those of its own guests.  The caller frees the array. */
NT_NODISCARD int ipam_entries(struct store *, const char *network_id, const char *host,
                              struct nt_host_entry **out, size_t *n, struct nt_err *);

/* Under multi_host each host is gateway and DHCP server of its own guests, with an
 * address of its own.  claim() takes one if it has none (NT_EXHAUSTED); address()
 * returns 1, 0 when it has none, or -1. */
NT_NODISCARD int ipam_claim_for_host(struct store *, const struct core_env *,
                                     const struct nt_subnet *, const char *host, struct nt_err *);
NT_NODISCARD int ipam_host_address(struct store *, const char *network_id, const char *host,
                                   char out[NT_IP4_SIZE], struct nt_err *);

/* The row of an address of a network; 1, 0 when it was never used, or -1. */
NT_NODISCARD int ipam_get(struct store *, const char *network_id, const char *address,
                          struct nt_fixed_ip *out, struct nt_err *);

/* Rows of a network (NULL: of all), ascending (struct nt_fixed_ip). */
NT_NODISCARD int ipam_list(struct store *, const char *network_id, struct rows *out,
                           struct nt_err *);
