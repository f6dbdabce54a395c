/* Leases as dnsmasq has them against leases as the database has them.
 *
 * Events are confirmed one by one, so the two differ only when one side lost what it
 * knew: a database restored from a copy, a row changed by hand.  dnsmasq is right
 * about what it gave out; the database is right about who may have it. */
#pragma once

#include "base/err.h"
#include "rpc/conductor.h"
#include "server/core/changes.h"
#include "server/core/env.h"
#include "store/store.h"

/* Makes the rows of a network agree with the leases of its host: one that the owner's
 * row lacks is noted, one that dnsmasq does not have is over, as by ipam_release().
 * Leases nobody should have come back in '*out'; the caller frees out->forget.
 * Fails with NT_NOT_FOUND (network) or NT_FORBIDDEN (the network is not args->host's).
 * Changes: FIXED_IP_LEASED, FIXED_IP_FREED. */
NT_NODISCARD int lease_sync(struct store *, const struct core_env *,
                            const struct nt_sync_leases_args *, struct nt_sync_leases_result *out,
                            struct changes *, struct nt_err *);
