/* Lease events as bytes: what dnsmasq tells its script, and the datagram in which
 * the script (neutrino-dhcpbridge) tells the network host's daemon.
 *
 * A message is text, one "key=value" per line, each line ended by a newline, at
 * most NT_LEASE_MSG_MAX bytes:
 *
 *     action=add            init, add or del
 *     network=1             NETWORK_ID: the network's number
 *     mac=fa:16:3e:2c:e8:ec
 *     ip=10.0.0.2
 *     expires=1343696565    seconds since 1970 UTC; add only
 *     hostname=cirros       absent: unknown
 *     client_id=01:fa:...   absent: unknown, or too long to keep
 *     time=1343696445123    when dnsmasq said so; ms since 1970 UTC
 *
 * Unknown keys are skipped; a key may come once.  An event that could not be
 * delivered is kept as one such message in a file of the spool directory.
 *
 * The answer is "ok\n" or "error TEXT\n".  To init it carries one descriptor: an
 * anonymous file with one line per lease, as dnsmasq wants them:
 *
 *     EXPIRY MAC IP HOSTNAME CLIENTID      '*' for an unknown one of the last two
 *
 * The snapshot file, read when the daemon is away, has the same lines with
 * "NETWORK_ID LEASE_TIME_S " in front.
 *
 * These functions are pure, need nothing but the C library, and trust no input. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "net/addr.h"

#define NT_LEASE_MSG_MAX 1024
#define NT_LEASE_HOSTNAME_SIZE 256
#define NT_LEASE_CLIENT_ID_SIZE 128

enum nt_lease_action {
    NT_LEASE_NONE, /* Nothing to tell: old, and whatever dnsmasq invents next. */
    NT_LEASE_INIT, /* dnsmasq starts and asks for its leases. */
    NT_LEASE_ADD,
    NT_LEASE_DEL, /* Released or expired. */
};

struct nt_lease_event {
    enum nt_lease_action action;
    int64_t network_number;
    char mac[NT_MAC_SIZE]; /* Lower case. */
    char ip[NT_IP4_SIZE];
    char hostname[NT_LEASE_HOSTNAME_SIZE];   /* Without domain.  Empty: unknown. */
    char client_id[NT_LEASE_CLIENT_ID_SIZE]; /* "01:fa:...".  Empty: unknown. */
    int64_t expires_ms;                      /* Wall clock; 0: not told. */
    int64_t time_ms;                         /* Wall clock; when it happened. */
};

/* Reads the script's arguments (argv[1] is the action) and environment.  An action
 * without effect here is NT_LEASE_NONE, whatever the rest holds.  'time_ms' is left
 * to the caller.  Fails with NT_INVALID, naming what is wrong. */
NT_NODISCARD int nt_lease_parse_call(int argc, const char *const *argv,
                                     const char *(*env)(void *aux, const char *name), void *aux,
                                     struct nt_lease_event *out, struct nt_err *);

/* Writes the message, returns its length.  '*ev' must be valid. */
size_t nt_lease_encode(const struct nt_lease_event *ev, char out[NT_LEASE_MSG_MAX]);

/* Reads a message of 'len' bytes (no NUL needed).  Fails with NT_INVALID. */
NT_NODISCARD int nt_lease_decode(const char *msg, size_t len, struct nt_lease_event *out,
                                 struct nt_err *);

/* True if the text may stand in a lease line: a host name, or hex pairs with ':'. */
bool nt_lease_is_hostname(const char *);
bool nt_lease_is_client_id(const char *);
