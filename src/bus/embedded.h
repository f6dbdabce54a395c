/* The embedded bus: one hub inside neutrino-server, peers in the other programs.
 *
 * Frames on the stream: 4 bytes length (big endian, at most 16 MiB), then one JSON
 * object.  On the hub's own host peers use a unix socket and are known by
 * SO_PEERCRED: root, the hub's own user, or a configured gid.  Elsewhere they use
 * TCP with TLS 1.3 and the pre-shared key of the deployment (RFC 8446, PSK), which
 * proves both ends and encrypts; a peer without the key never gets past the
 * handshake.  Peers reconnect with back-off and jitter (0.1 s to 5 s). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "bus/bus.h"

struct nt_bus_options {
    const char *name;      /* This program's host name; shown to others as the peer. */
    const char *program;   /* "neutrino-flat". */
    const struct nt_clock *clock;   /* Borrowed. */
    struct nt_random *random;       /* Borrowed. */
    const char *key_file;  /* Pre-shared key: 32 bytes or more in hex, mode 0600.  May be
                            * NULL or empty on a hub that listens on no TCP address. */
};

/* 'unix_path' and 'tcp' ("ADDRESS:PORT") may be NULL.  An existing dead socket file
 * is replaced.  Fails with NT_INVALID (address, key) or NT_FAULT (bind). */
NT_NODISCARD int nt_bus_hub_new(const struct nt_bus_options *, const char *unix_path,
                                const char *tcp, struct nt_bus **out, struct nt_err *);

/* 'endpoint': "unix:PATH" or "tcp:ADDRESS:PORT".  Connecting happens in
 * nt_bus_run(); a hub that is away is not an error. Fails with NT_INVALID. */
NT_NODISCARD int nt_bus_peer_new(const struct nt_bus_options *, const char *endpoint,
                                 struct nt_bus **out, struct nt_err *);
