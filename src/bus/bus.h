/* Call, cast and fan-out between programs, whatever carries them.
 *
 * A bus is either the embedded one (hub in neutrino-server, peers elsewhere; see
 * embedded.h) or a broker; users of this header cannot tell.  Messages have the
 * oslo.messaging envelope 2.0 (envelope.h).  Everything is asynchronous: callbacks
 * come from nt_bus_run(), never from inside the call that asked.  Loop thread only.
 *
 * A message carries the id of the request that it is sent for (base/log.h), or a new one;
 * handlers and callbacks run under that id.
 *
 * Delivery is at most once after receipt, as with oslo.messaging: a cast to a host
 * that is away is lost, so every receiver also fetches its state when its
 * connection comes (back) up.  What a broker does otherwise (rabbit.h): a message for a
 * host that is away waits in its queue, so it may come late and after a newer one that went
 * another way; a call to it ends with NT_TIMEOUT, not at once with NT_UNAVAILABLE; calls
 * under way outlive a connection that is made anew in time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct json;
struct nt_bus;
struct nt_bus_request;

/* Answer of a call.  Exactly one is non-NULL; both are borrowed for the callback.
 * 'err' may be NT_TIMEOUT, NT_UNAVAILABLE, or what the other side failed with. */
typedef void nt_bus_reply_cb(void *aux, const struct json *result, const struct nt_err *err);

/* A message for a served topic.  The handler (or whoever it hands 'req' to) must
 * end it with nt_bus_reply() or nt_bus_reply_fail(), also for casts. */
typedef void nt_bus_handler(void *aux, struct nt_bus_request *req);

/* Where a message goes.  Strings are borrowed for the call. */
struct nt_bus_to {
    const char *topic;
    const char *host; /* NULL: whoever serves the topic.  Fan-out: not looked at. */
    const char *method;
    const char *version;   /* "1.0". */
    const char *namespace; /* NULL: none, as for nearly all methods. */
};

#define NT_BUS_TO(topic, host, method, version) \
    &(const struct nt_bus_to)                   \
    {                                           \
        topic, host, method, version            \
    }

/* 'args' is consumed and may be NULL (no arguments).  A call that cannot be sent ends
 * with NT_UNAVAILABLE, or NT_TOO_LARGE, from nt_bus_run(); a cast that cannot be sent
 * is dropped with a log line. */
void nt_bus_call(struct nt_bus *, const struct nt_bus_to *, struct json *args, int64_t timeout_ms,
                 nt_bus_reply_cb *, void *aux);
void nt_bus_cast(struct nt_bus *, const struct nt_bus_to *, struct json *args);
void nt_bus_fanout(struct nt_bus *, const struct nt_bus_to *, struct json *args);

/* Receives what is sent to 'topic', to 'topic' at 'host', and to all of 'topic'.
 * 'host' may be NULL; otherwise it is the name this program told the bus. */
void nt_bus_serve(struct nt_bus *, const char *topic, const char *host, nt_bus_handler *,
                  void *aux);

/* The same for methods of a namespace; nt_bus_serve() is for those of none.  A topic may be
 * served once for each. */
void nt_bus_serve_namespace(struct nt_bus *, const char *topic, const char *host,
                            const char *namespace, nt_bus_handler *, void *aux);

/* Receives only what is sent to all of 'topic' and, with 'host', to that host.  Over a broker
 * that saves the queues which nobody would ever write to. */
void nt_bus_listen(struct nt_bus *, const char *topic, const char *host, nt_bus_handler *,
                   void *aux);

/* The request; strings are borrowed until it is ended. */
const char *nt_bus_request_topic(const struct nt_bus_request *);
const char *nt_bus_request_method(const struct nt_bus_request *);
const char *nt_bus_request_version(const struct nt_bus_request *);
const struct json *nt_bus_request_args(const struct nt_bus_request *);
const char *nt_bus_request_id(const struct nt_bus_request *); /* "req-UUID" or "-". */
bool nt_bus_request_is_call(const struct nt_bus_request *);

/* For whom it is sent, as its sender says: "project_id", "user_id"...; NULL: not said. */
const char *nt_bus_request_context(const struct nt_bus_request *, const char *key);
bool nt_bus_request_is_admin(const struct nt_bus_request *);

/* Who sent it, as the transport proved it ("compute-1"); empty when unknown. */
const char *nt_bus_request_peer(const struct nt_bus_request *);

/* Whether the transport proves who sends.  Over a broker nobody proves anything:
 * there the peer is empty, and a sender is who it says in its message. */
bool nt_bus_proves_peers(const struct nt_bus *);
bool nt_bus_request_peer_is_proved(const struct nt_bus_request *);

/* Ends a request.  'result' is consumed and may be NULL (null).  A request may be
 * ended after its bus was freed; then nobody is told. */
void nt_bus_reply(struct nt_bus_request *, struct json *result);
void nt_bus_reply_fail(struct nt_bus_request *, const struct nt_err *);

/* Ends a request for a method that is not served, or not in that version; the
 * caller gets NT_UNSUPPORTED. */
void nt_bus_reply_no_method(struct nt_bus_request *);
void nt_bus_reply_bad_version(struct nt_bus_request *);

/* The callback is told when the bus becomes usable and when it is lost; the first
 * time from the next nt_bus_run(), if it is usable then.  There may be several. */
void nt_bus_on_state(struct nt_bus *, void (*cb)(void *aux, bool connected), void *aux);
bool nt_bus_is_connected(const struct nt_bus *);

struct ds;

struct nt_bus_stats {
    uint64_t n_calls, n_call_errors, n_timeouts; /* From the caller's side. */
    uint64_t n_casts, n_casts_dropped;
    uint64_t n_requests, n_requests_failed; /* From the serving side. */
    uint64_t n_refused;                     /* Messages that were not understood. */
};
const struct nt_bus_stats *nt_bus_stats(const struct nt_bus *);

/* Calls in flight. */
size_t nt_bus_n_pending(const struct nt_bus *);

/* Appends all of that for monitoring (base/metrics.h). */
void nt_bus_metrics(const struct nt_bus *, struct ds *out);

/* Outstanding calls end with NT_UNAVAILABLE before this returns; those callbacks
 * must not use the bus.  Not to be called from a callback of the bus. */
void nt_bus_free(struct nt_bus *);
NT_AUTO(nt_bus)

void nt_bus_run(struct nt_bus *);
void nt_bus_wait(struct nt_bus *);
