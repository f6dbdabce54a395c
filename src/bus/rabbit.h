/* The bus over RabbitMQ, as oslo.messaging's rabbit driver speaks it.
 *
 * One connection carries everything, on two channels: 1 consumes, 2 publishes with
 * confirms.  Exchanges, queues, flags and properties are those of the driver, so that
 * either side may be a program of others:
 *
 *   topic T       exchange 'exchange' (topic), queues T (not for who only listens) and T.HOST,
 *                 keys likewise
 *   fan-out       exchange T_fanout (fanout, auto-delete), queue T_fanout_HEX that expires
 *   replies       default exchange, queue reply_HEX that expires; one per program
 *
 * A request is acknowledged when it is taken from the socket, before anybody looks at it.
 * What is published is kept until the broker confirms it and published again after a
 * reconnection, under the same unique id, by which receivers know repetitions.  A call for
 * which there is no queue (yet) is published again until its time is over.  So casts,
 * and calls under way, outlive a lost connection; a call made without a connection fails
 * at once.  A message for a host that is away waits in its queue.  Peers are not proved:
 * the broker's user may say anything (docs/security.md).
 *
 * Hosts of the URL are shuffled once and tried in turn; after a round without success the
 * pause grows from 'retry_interval_s' by 'retry_backoff_s' to 'interval_max_s', with
 * jitter.  Queues that are deleted and exchanges that vanish are made again. */
#pragma once

#include <stddef.h>

#include "base/attr.h"
#include "base/config.h"
#include "base/err.h"
#include "bus/embedded.h"

/* What waits to be sent or confirmed, in bytes; beyond it sending fails. */
#define NT_RABBIT_MAX_QUEUE (64u << 20)

/* Reads what 'config', of nt_options, says about the broker: transport_url,
 * control_exchange and the section [oslo_messaging_rabbit].  Connecting happens in
 * nt_bus_run(); a broker that is away is not an error.  Fails with NT_INVALID: options
 * that are wrong, or files that cannot be read. */
NT_NODISCARD int nt_bus_rabbit_new(const struct nt_bus_options *, const struct nt_config *,
                                   struct nt_bus **out, struct nt_err *);

/* Bytes that wait to be sent or confirmed, and messages that were published again. */
size_t nt_bus_rabbit_queued(const struct nt_bus *);
