/* What carries a bus: the seam between bus.c and embedded.h (or a broker).
 *
 * bus.c knows calls, deadlines, duplicates, handlers and the envelope; a transport
 * knows connections and where topics are served.  The bus owns its transport and
 * drives it; the transport reports through the functions at the end, from run()
 * only.  Nothing here blocks, and sending only queues. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "bus/bus.h"

struct json;
struct nt_bus_transport;

/* Everything is borrowed for the call. */
struct nt_bus_message {
    const char *topic, *host; /* Requests; 'host' may be NULL. */
    bool fanout;
    const char *msg_id;      /* Calls and replies. */
    const char *reply_q;     /* Where replies to this call go; replies: this one goes there. */
    int64_t timeout_ms;      /* Calls. */
    const struct json *body; /* Enveloped. */
};

struct nt_bus_transport_class {
    /* Queues a request.  Fails with NT_UNAVAILABLE (nobody there) or NT_TOO_LARGE. */
    int (*send)(struct nt_bus_transport *, const struct nt_bus_message *, struct nt_err *);

    /* Queues a reply.  Fails likewise. */
    int (*reply)(struct nt_bus_transport *, const struct nt_bus_message *, struct nt_err *);

    /* From now on the bus serves 'topic', as 'host' (may be NULL).  With 'listens' nothing
     * is for it that is for anybody who serves the topic. */
    void (*serve)(struct nt_bus_transport *, const char *topic, const char *host, bool listens);

    bool (*is_connected)(const struct nt_bus_transport *);
    void (*run)(struct nt_bus_transport *);   /* Receives. */
    void (*flush)(struct nt_bus_transport *); /* Writes what is queued. */
    void (*wait)(struct nt_bus_transport *);
    void (*free)(struct nt_bus_transport *);
    bool proves_peers; /* 'peer' of what comes is the truth. */
};

/* Comes first in the struct of each transport. */
struct nt_bus_transport {
    const struct nt_bus_transport_class *class;
    struct nt_bus *bus; /* Set by nt_bus_new(). */
};

/* Takes the transport. */
struct nt_bus *nt_bus_new(struct nt_bus_transport *, const struct nt_clock *, struct nt_random *);

struct nt_bus_transport *nt_bus_transport(const struct nt_bus *);

/* Name of the queue that answers to this bus's calls come to. */
const char *nt_bus_reply_queue(const struct nt_bus *);

/* One more message that could not be understood; the transport has said why. */
void nt_bus_count_refused(struct nt_bus *);

/* A message came: a request for 'topic', or a reply (then 'topic' is NULL). */
struct nt_bus_incoming {
    const char *topic, *host;
    bool fanout;
    const char *msg_id;  /* As the transport knows it, to be compared; may be NULL. */
    const char *peer;    /* Name the transport proved, or "". */
    const char *program; /* Of the peer, or "". */
    const struct json *body;
};
void nt_bus_receive(struct nt_bus *, const struct nt_bus_incoming *);

/* Ends one call, or all of them, with 'err'. */
void nt_bus_fail_call(struct nt_bus *, const char *msg_id, const struct nt_err *);
void nt_bus_fail_calls(struct nt_bus *, const struct nt_err *);

/* 'n' bytes of the kernel in hex ('out' holds 2 * n + 1), apart from the draws
 * that tests fix. */
void nt_bus_draw_hex(struct nt_random *, unsigned n, char *out);
