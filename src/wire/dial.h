/* A TCP connection being made, then used: the name looked up, each of its addresses tried
 * in turn, TLS on top when wanted.  Nothing blocks.
 *
 *   looking up -> connecting -> TLS handshake -> up
 *
 * A name that is no address is looked up by a child (getent ahosts), since the C library
 * has no call for it that returns at once.  With TLS the other side proves by its
 * certificate that it has the name, unless 'verify' is off.  Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"

struct nt_dial;
struct nt_dial_tls;

struct nt_dial_tls_options {
    const char *authority_file;              /* NULL or empty: the system's. */
    const char *certificate_file, *key_file; /* Our own; NULL or empty: none. */
    bool verify;
};

/* Fails with NT_INVALID, naming the file. */
NT_NODISCARD int nt_dial_tls_new(const struct nt_dial_tls_options *, struct nt_dial_tls **out,
                                 struct nt_err *);
void nt_dial_tls_free(struct nt_dial_tls *);
NT_AUTO(nt_dial_tls)

/* 'tls' may be NULL and is borrowed, as is 'clock'. */
struct nt_dial *nt_dial_new(const char *host, unsigned port, struct nt_dial_tls *tls,
                            const struct nt_clock *);
void nt_dial_free(struct nt_dial *);
NT_AUTO(nt_dial)

/* 1: up; 0: under way.  Fails with NT_UNAVAILABLE once no address is left. */
NT_NODISCARD int nt_dial_run(struct nt_dial *, struct nt_err *);

/* Kernel limits on silence: unacknowledged data for 'ms' ends the connection. */
void nt_dial_set_user_timeout(struct nt_dial *, unsigned ms);

/* Only when up.  Bytes, or 0 when it would block.  Fail with NT_UNAVAILABLE, also when the
 * other side has closed. */
NT_NODISCARD ssize_t nt_dial_read(struct nt_dial *, void *, size_t, struct nt_err *);
NT_NODISCARD ssize_t nt_dial_write(struct nt_dial *, const void *, size_t, struct nt_err *);

/* 'wants_write': there are bytes to be written. */
void nt_dial_wait(struct nt_dial *, bool wants_write);

/* For those that end: blocks until something can be done, 'ms' at most. */
void nt_dial_block(struct nt_dial *, bool wants_write, int ms);
