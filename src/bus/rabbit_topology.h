/* What is to exist on the broker for a program, and the options that say how.
 *
 * The exchanges and queues of each served topic, with the flags that oslo.messaging's
 * rabbit driver declares them with: where two sides differ the broker refuses. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/config.h"
#include "base/err.h"
#include "wire/amqp/amqp.h"
#include "wire/dial.h"

/* Texts are borrowed from the configuration. */
struct nt_rabbit_options {
    const char *exchange, *login_method;
    bool ssl;
    struct nt_dial_tls_options tls;
    int64_t retry_interval_ms, retry_backoff_ms, interval_max_ms, missing_consumer_ms;
    unsigned heartbeat_s, prefetch;
    int transient_ttl_ms;
    bool durable, auto_delete, mirrored, quorum, mandatory_replies;
    int delivery_limit, max_memory_length, max_memory_bytes;
};

/* Fails with NT_INVALID: options that exclude one another. */
NT_NODISCARD int nt_rabbit_options_read(const struct nt_config *, struct nt_rabbit_options *out,
                                        struct nt_err *);

/* Of the exchange and queues of topics. */
unsigned nt_rabbit_topic_flags(const struct nt_rabbit_options *);

struct nt_rabbit_topology;

/* Where a message came from, by its consumer.  'topic' NULL: the reply queue. */
struct nt_rabbit_consumer {
    char tag[16];
    const char *topic, *host;
    bool fanout;
    char *queue;
};

/* The options are borrowed. */
struct nt_rabbit_topology *nt_rabbit_topology_new(const struct nt_rabbit_options *,
                                                  const char *reply_queue);
void nt_rabbit_topology_free(struct nt_rabbit_topology *);

/* 'host' may be NULL; 'unique' ends the name of the fan-out queue; who only 'listens' has no
 * part in the topic's common queue. */
void nt_rabbit_topology_serve(struct nt_rabbit_topology *, const char *topic, const char *host,
                              const char *unique, bool listens);

/* A new connection: nothing is declared on it. */
void nt_rabbit_topology_begin(struct nt_rabbit_topology *);

/* Declares, binds and consumes what was not yet; the last request has 'token'. */
void nt_rabbit_topology_declare(struct nt_rabbit_topology *, struct nt_amqp *, unsigned channel,
                                unsigned token);

/* The same for one consumer whose queue was deleted. */
void nt_rabbit_topology_restore(struct nt_rabbit_topology *, struct nt_amqp *, unsigned channel,
                                const char *tag);

/* Deletes the program's own fan-out queues, which nobody will read any more. */
void nt_rabbit_topology_delete(struct nt_rabbit_topology *, struct nt_amqp *, unsigned channel);

/* NULL: there is none with that tag. */
const struct nt_rabbit_consumer *nt_rabbit_topology_consumer(const struct nt_rabbit_topology *,
                                                             const char *tag);
