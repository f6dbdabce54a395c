/* Where lease events arrive: the daemon's end of what host/lease_msg.h describes.
 *
 * Binds a datagram socket that only root can send to, reports each event once and
 * answers the helper, hands out lease lists, and takes in the events that the helper
 * left in the spool directory while nobody listened: at the start, and whenever it
 * had to leave one later.  An event from the spool that is older than one already
 * reported for the same address is dropped.  Loop thread only. */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "host/lease_msg.h"
#include "net/network.h"
#include "openvswitch/dynamic-string.h"

struct nt_lease_server;

struct nt_lease_server_opts {
    const char *socket_path;
    const char *spool_dir;
};

/* Called from nt_lease_server_run(). */
struct nt_lease_server_ops {
    /* An add or del; the helper is answered when this returns. */
    void (*on_event)(void *aux, const struct nt_lease_event *);

    /* Appends the leases of a network, nt_lease_list_line() each. */
    void (*list_leases)(void *aux, int64_t network_number, struct ds *out);
};

/* Makes the directories that are missing, mode 0700.  A socket left by an earlier run is
 * replaced; one that a living process serves is NT_CONFLICT.  Otherwise NT_FAULT. */
NT_NODISCARD int nt_lease_server_new(const struct nt_lease_server_opts *,
                                     const struct nt_lease_server_ops *, void *aux,
                                     struct nt_lease_server **out, struct nt_err *);
void nt_lease_server_free(struct nt_lease_server *);
NT_AUTO(nt_lease_server)

void nt_lease_server_run(struct nt_lease_server *);
void nt_lease_server_wait(struct nt_lease_server *);

/* One line of the answer to init.  dnsmasq does not report renewals in a form that is
 * kept, so that the true expiry may be later than the entry's: the line says the later
 * of that and 'now_ms' plus the lease time.  Nothing is appended for an entry that is
 * not leased or that cannot stand in a line. */
void nt_lease_list_line(struct ds *out, const struct nt_host_entry *, int64_t now_ms,
                        int lease_time_s);

/* The same for the snapshot file. */
void nt_lease_snapshot_line(struct ds *out, int64_t network_number, int lease_time_s,
                            const struct nt_host_entry *);

/* Replaces the snapshot file by 'text', the lines of all networks.  Fails with NT_FAULT. */
NT_NODISCARD int nt_lease_snapshot_write(const char *path, const char *text, struct nt_err *);
