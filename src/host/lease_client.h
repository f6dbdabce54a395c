/* The helper's side of a lease event: what neutrino-dhcpbridge does once it knows
 * what dnsmasq told it.  Blocks (at most NT_LEASE_WAIT_MS on the daemon); needs
 * nothing but the C library, because it runs once per event. */
#pragma once

#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "host/lease_msg.h"

#define NT_LEASE_WAIT_MS 1000

/* Paths from the environment; NULL or empty: not given. */
struct nt_lease_paths {
    const char *socket;   /* The daemon's, unix datagram. */
    const char *spool;    /* Directory. */
    const char *snapshot; /* File. */
};

/* Hands an add or del to the daemon, or puts it into the spool when the daemon does
 * not take it.  Fails with NT_INVALID when the daemon refuses it, NT_FAULT when it
 * could be left nowhere. */
NT_NODISCARD int nt_lease_tell(const struct nt_lease_paths *, const struct nt_lease_event *,
                               struct nt_err *);

/* Writes the network's leases to 'out': the daemon's answer, or the snapshot's.  No
 * snapshot means no leases.  Fails with NT_FAULT. */
NT_NODISCARD int nt_lease_list(const struct nt_lease_paths *, const struct nt_lease_event *,
                               FILE *out, struct nt_err *);
