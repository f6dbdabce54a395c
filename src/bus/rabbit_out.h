/* What is to be published on the bus over RabbitMQ, until the broker has confirmed it.
 *
 *   waiting --published--> unconfirmed --confirmed--> gone
 *      ^                       |  \--returned: no queue for it--> retried: a call while it may
 *      |                       |        take, a reply for a while; then its queue is dead
 *      +-- connection lost ----+
 *
 * The list owns its messages.  It knows nothing of sockets. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "openvswitch/list.h"
#include "openvswitch/shash.h"
#include "wire/amqp/amqp.h"

struct nt_rabbit_message {
    struct ovs_list node;
    char *exchange, *routing_key, *body;
    size_t size;
    bool fanout;    /* 'exchange' is to be declared as one. */
    bool mandatory; /* Returned when there is no queue for it. */
    bool is_call;   /* Otherwise, if it is mandatory, a reply. */
    bool was_returned;
    int64_t queued_at, timeout_ms; /* Calls: not sent after that; 0: whenever. */
    int64_t retry_at, give_up_at;  /* Once returned. */
    unsigned n_refused;            /* How often the broker closed the channel because of it. */
    uint64_t tag;                  /* While unconfirmed. */
};

struct nt_rabbit_out {
    struct ovs_list waiting, unconfirmed, returned;
    size_t n_unconfirmed;
    size_t bytes;      /* Of all three. */
    struct shash dead; /* Queues that are gone: until when (int64_t, owned). */
};

void nt_rabbit_out_init(struct nt_rabbit_out *);
void nt_rabbit_out_deinit(struct nt_rabbit_out *);

/* Queues a message whose 'body' it takes.  Fails with NT_UNAVAILABLE when 'max' bytes wait
 * already; the body is then freed. */
NT_NODISCARD int nt_rabbit_out_put(struct nt_rabbit_out *, const struct nt_rabbit_message *,
                                   size_t max, struct nt_err *);

/* The next message to publish, or NULL; those that are too late are dropped. */
struct nt_rabbit_message *nt_rabbit_out_next(struct nt_rabbit_out *, int64_t now);

/* It was published under 'tag'. */
void nt_rabbit_out_published(struct nt_rabbit_out *, struct nt_rabbit_message *, uint64_t tag);

/* Up to 'tag', or that one alone.  Not 'ok': they are published again. */
void nt_rabbit_out_confirmed(struct nt_rabbit_out *, uint64_t tag, bool multiple, bool ok);

/* The oldest unconfirmed message with that key came back: it is published again every
 * 0.25 s, a reply until 'patience_ms' after its first return. */
void nt_rabbit_out_returned(struct nt_rabbit_out *, const char *routing_key, int64_t now,
                            int64_t patience_ms);

/* Nothing that is unconfirmed counts as published any more. */
void nt_rabbit_out_again(struct nt_rabbit_out *);

/* Puts back what is due.  What is too old goes, and its queue is dead for the next 60 s. */
void nt_rabbit_out_retry(struct nt_rabbit_out *, int64_t now);
bool nt_rabbit_out_is_dead(struct nt_rabbit_out *, const char *queue, int64_t now);
int64_t nt_rabbit_out_deadline(const struct nt_rabbit_out *); /* INT64_MAX: none. */

void nt_rabbit_out_drop(struct nt_rabbit_out *, struct nt_rabbit_message *);
