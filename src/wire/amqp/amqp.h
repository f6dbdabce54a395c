/* One connection of AMQP 0-9-1, from the client's side: bytes in, bytes out, events.
 *
 * There is no socket and no clock in here; the owner feeds what it received, writes what
 * nt_amqp_output() shows, and calls nt_amqp_tick() when nt_amqp_deadline() says.  The
 * codec of methods and properties is librabbitmq's; its own connection object, which
 * blocks and keeps memory for each channel number that the other side makes up, is not
 * used.
 *
 *   header sent -> start -> tune -> open -> OPEN -> close sent -> over
 *
 * Requests of a channel are answered in order, so they may be sent without waiting for
 * one another; each ends with NT_AMQP_DONE and its token, or all with the channel.  The
 * owner keeps consuming and publishing on different channels.
 *
 * What comes is not trusted: frames have a limit, method and header frames a smaller one
 * (nested tables are decoded by recursion), bodies above 'max_body' are read past without
 * being kept, and whatever is out of place ends the connection with a reason. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

#define NT_AMQP_N_CHANNELS 4 /* 1 to 3 may be used. */
#define NT_AMQP_MAX_NAME 255

struct nt_amqp;

struct nt_amqp_options {
    const char *mechanism; /* "AMQPLAIN", "PLAIN" or "EXTERNAL". */
    const char *user, *password, *vhost;
    const char *name;     /* Shown by the broker: "PROGRAM:PID:UUID". */
    unsigned heartbeat_s; /* 0: none. */
    size_t max_body;
};

enum nt_amqp_kind {
    NT_AMQP_OPENED,         /* Channels may be opened. */
    NT_AMQP_DONE,           /* channel, token. */
    NT_AMQP_DELIVERED,      /* channel, tag, consumer, exchange, routing_key, body, size. */
    NT_AMQP_TOO_LARGE,      /* The same with 'size' above max_body, and no body. */
    NT_AMQP_RETURNED,       /* channel, exchange, routing_key, code, text.  Nobody to deliver to. */
    NT_AMQP_CONFIRMED,      /* channel, tag, multiple. */
    NT_AMQP_REJECTED,       /* channel, tag, multiple: the broker could not take it. */
    NT_AMQP_CANCELLED,      /* channel, consumer: its queue is gone. */
    NT_AMQP_CHANNEL_CLOSED, /* channel, code, text; token of the oldest request, or 0. */
    NT_AMQP_BLOCKED,        /* text: the broker is short of something. */
    NT_AMQP_UNBLOCKED,
    NT_AMQP_CLOSED, /* code, text; code 0: as asked for.  Nothing comes after it. */
};

/* Texts end with NUL, have no control characters, and are borrowed for the callback. */
struct nt_amqp_event {
    enum nt_amqp_kind kind;
    unsigned channel, code;
    bool multiple;
    uint64_t tag;
    unsigned token;
    const char *consumer, *exchange, *routing_key, *text;
    const char *body;
    uint64_t size;
};

typedef void nt_amqp_event_cb(void *aux, const struct nt_amqp_event *);

/* Options are copied.  Fails with NT_INVALID (a name that is too long, an unknown
 * mechanism). */
NT_NODISCARD int nt_amqp_new(const struct nt_amqp_options *, int64_t now, nt_amqp_event_cb *,
                             void *aux, struct nt_amqp **out, struct nt_err *);
void nt_amqp_free(struct nt_amqp *);
NT_AUTO(nt_amqp)

/* Takes bytes that were received; events come from here.  A failure (NT_FAULT) ends the
 * connection: nothing more is taken. */
NT_NODISCARD int nt_amqp_feed(struct nt_amqp *, const void *, size_t, int64_t now, struct nt_err *);

/* What is to be written, and that 'n' bytes of it were. */
size_t nt_amqp_output(const struct nt_amqp *, const void **data);
void nt_amqp_sent(struct nt_amqp *, size_t n, int64_t now);

/* Heartbeats.  Fails with NT_TIMEOUT when nothing came for the agreed time: feed first. */
NT_NODISCARD int nt_amqp_tick(struct nt_amqp *, int64_t now, struct nt_err *);
int64_t nt_amqp_deadline(const struct nt_amqp *); /* INT64_MAX: none. */

bool nt_amqp_is_open(const struct nt_amqp *);

/* Requests.  'token' comes back with NT_AMQP_DONE.  Names have at most NT_AMQP_MAX_NAME
 * bytes.  A channel that is not open takes none: they are dropped. */

struct nt_amqp_queue {
    const char *name;
    bool durable, auto_delete, quorum;
    int expires_ms;                                          /* 0: never. */
    int delivery_limit, max_memory_length, max_memory_bytes; /* Quorum only; 0: none. */
    bool mirrored;                                           /* x-ha-policy. */
};

void nt_amqp_channel_open(struct nt_amqp *, unsigned channel, unsigned token);
bool nt_amqp_channel_is_open(const struct nt_amqp *, unsigned channel);
void nt_amqp_exchange_declare(struct nt_amqp *, unsigned channel, const char *name,
                              const char *type, unsigned flags, unsigned token);
#define NT_AMQP_DURABLE 1u
#define NT_AMQP_AUTO_DELETE 2u

void nt_amqp_queue_declare(struct nt_amqp *, unsigned channel, const struct nt_amqp_queue *,
                           unsigned token);
void nt_amqp_queue_bind(struct nt_amqp *, unsigned channel, const char *queue, const char *exchange,
                        const char *routing_key, unsigned token);
void nt_amqp_queue_delete(struct nt_amqp *, unsigned channel, const char *queue, unsigned token);
void nt_amqp_consume(struct nt_amqp *, unsigned channel, const char *queue, const char *tag,
                     unsigned token);
void nt_amqp_qos(struct nt_amqp *, unsigned channel, unsigned prefetch, unsigned token);
void nt_amqp_confirm_select(struct nt_amqp *, unsigned channel, unsigned token);

void nt_amqp_ack(struct nt_amqp *, unsigned channel, uint64_t tag);

struct nt_amqp_message {
    const char *exchange, *routing_key;
    bool mandatory;
    int64_t expiration_ms; /* 0: none. */
    const char *body;
    size_t size;
};

/* The message's tag for NT_AMQP_CONFIRMED: 1 for the first of the channel, and so on.
 * 0: the channel is not open. */
uint64_t nt_amqp_publish(struct nt_amqp *, unsigned channel, const struct nt_amqp_message *);

/* Orderly end: NT_AMQP_CLOSED with code 0 follows. */
void nt_amqp_close(struct nt_amqp *);
