/* The embedded bus: one hub inside neutrino-server, peers in the other programs.
 *
 * Frames on the stream are described in embedded_frame.h.  On the hub's own host
 * peers use a unix socket and are known by SO_PEERCRED: root or the hub's own user.
 * Elsewhere they use TCP with TLS 1.3 and the pre-shared key of the deployment (RFC
 * 8446, PSK), which proves both ends and encrypts; a peer without the key never gets
 * past the handshake.  Peers reconnect with back-off and jitter (0.1 s to 5 s).
 *
 * The key proves that a program belongs to the deployment; its name is what it says
 * in its hello.  Of two connections with the same name and program the newer stays.
 *
 * The hub routes.  A message for a topic goes to the hub's own program if that
 * serves it, else to one of the peers that do, in turn; with a host to that host's
 * peer; a fan-out to all, the sender included.  A call to a host that is not
 * connected, or that goes away before it answers, ends at once with NT_UNAVAILABLE
 * naming topic and host.  A connection is dropped when 64 MiB wait to be sent on it
 * or nothing came from it for 30 s (it is pinged after 10 s).
 *
 * Programs ignore or block SIGPIPE (nt_loop_handle_signals() does). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "bus/bus.h"

struct nt_bus_options {
    const char *name;             /* This program's host name; shown to others as the peer. */
    const char *program;          /* "neutrino-flat". */
    const struct nt_clock *clock; /* Borrowed. */
    struct nt_random *random;     /* Borrowed. */
    const char *key_file;         /* Pre-shared key: 32 to 64 bytes in hex, not readable by others
                                   * (mode 0640 at most).  Needed for TCP only; else may be NULL. */
};

/* 'unix_path' and 'tcp' ("ADDRESS:PORT" or "[ADDRESS]:PORT", no host names) may be NULL
 * or empty.  The socket file gets mode 0660; a dead one is replaced.
 * Fails with NT_INVALID (address, key) or NT_FAULT (bind, another hub is alive). */
NT_NODISCARD int nt_bus_hub_new(const struct nt_bus_options *, const char *unix_path,
                                const char *tcp, struct nt_bus **out, struct nt_err *);

/* The TCP port 'bus', which is a hub, listens on (for "ADDRESS:0"); 0: none. */
unsigned nt_bus_hub_port(const struct nt_bus *);

/* Peers connected to 'bus', which is a hub. */
size_t nt_bus_hub_n_peers(const struct nt_bus *);

/* 'endpoint': "unix:PATH" or "tcp:ADDRESS:PORT".  Connecting happens in
 * nt_bus_run(); a hub that is away is not an error. Fails with NT_INVALID. */
NT_NODISCARD int nt_bus_peer_new(const struct nt_bus_options *, const char *endpoint,
                                 struct nt_bus **out, struct nt_err *);
