#include <config.h>

#include "bus/bus.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "bus/envelope.h"
#include "bus/seen.h"
#include "bus/transport.h"
#include "openvswitch/json.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"

NT_LOG_MODULE(nt_bus);

#define DEFAULT_TIMEOUT_MS 60000

/* Between two looks at all calls in flight for those whose time is over: when a peer hangs
 * there are thousands, with a deadline in every millisecond. */
#define EXPIRY_STEP_MS 50

/* What is to be handed to its owner with the next nt_bus_run(), in the order in which
 * it came: a request must not overtake the answer that was sent before it. */
struct due {
    struct ovs_list node;
    void (*deliver)(struct due *);
};

/* A call in flight ('by_id' is set) or ended and waiting for its callback. */
struct call {
    struct due due; /* Once ended. */
    struct shash_node *by_id;
    int64_t deadline;
    char *what; /* "METHOD on TOPIC at HOST", for messages. */
    nt_bus_reply_cb *cb;
    void *aux;
    char request_id[NT_REQUEST_ID_SIZE];
    struct json *result; /* NULL with 'err'. */
    struct nt_err err;
};

struct service {
    struct ovs_list node;
    char *topic, *host, *namespace;
    bool listens; /* nt_bus_listen() */
    nt_bus_handler *handler;
    void *aux;
};

struct watcher {
    struct ovs_list node;
    void (*cb)(void *aux, bool connected);
    void *aux;
    bool told; /* What it was told last. */
};

struct nt_bus_request {
    struct due due;
    struct service *service; /* Until it was handed over. */
    struct ovs_list node;
    struct nt_bus *bus; /* NULL: freed meanwhile. */
    char *topic, *peer;
    struct json *json; /* What 'payload' borrows from. */
    struct nt_payload payload;
};

struct nt_bus {
    struct nt_bus_transport *transport;
    const struct nt_clock *clock;
    struct nt_random *random;
    char reply_q[64];
    struct shash calls;    /* In flight, by message id. */
    int64_t next_deadline; /* No call ends earlier; found anew when it is reached. */
    struct ovs_list due;   /* struct due. */
    struct ovs_list services;
    struct ovs_list watchers;
    struct ovs_list requests;
    struct nt_seen *seen;
    struct nt_bus_stats stats;
};

void
nt_bus_draw_hex(struct nt_random *random, unsigned n, char *out)
{
    uint8_t bytes[64];

    ovs_assert(n <= sizeof bytes);
    nt_random_bytes(random, "bus", bytes, n);
    for (unsigned i = 0; i < n; i++) {
        out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    out[2 * n] = '\0';
}

struct nt_bus *
nt_bus_new(struct nt_bus_transport *transport, const struct nt_clock *clock,
           struct nt_random *random)
{
    struct nt_bus *bus = xzalloc(sizeof *bus);
    char id[NT_HEX_ID_SIZE];

    bus->transport = transport;
    transport->bus = bus;
    bus->clock = clock;
    bus->random = random;
    nt_bus_draw_hex(random, 16, id);
    snprintf(bus->reply_q, sizeof bus->reply_q, "reply_%s", id);
    shash_init(&bus->calls);
    bus->next_deadline = INT64_MAX;
    ovs_list_init(&bus->due);
    ovs_list_init(&bus->services);
    ovs_list_init(&bus->watchers);
    ovs_list_init(&bus->requests);
    bus->seen = nt_seen_new();
    return bus;
}

struct nt_bus_transport *
nt_bus_transport(const struct nt_bus *bus)
{
    return bus->transport;
}

const char *
nt_bus_reply_queue(const struct nt_bus *bus)
{
    return bus->reply_q;
}

void
nt_bus_count_refused(struct nt_bus *bus)
{
    bus->stats.n_refused++;
}

/* Calls: from the caller's side. */

static void
put_due(struct nt_bus *bus, struct due *due, void (*deliver)(struct due *))
{
    due->deliver = deliver;
    ovs_list_push_back(&bus->due, &due->node);
}

static void
call_deliver(struct due *due)
{
    struct call *call = CONTAINER_OF(due, struct call, due);

    nt_log_swap_request(call->request_id);
    call->cb(call->aux, call->result, call->result ? NULL : &call->err);
    nt_log_swap_request(call->request_id);
    json_destroy(call->result);
    free(call->what);
    free(call);
}

/* Takes 'result'; exactly one of 'result' and 'err' is given. */
static void
call_end(struct nt_bus *bus, struct call *call, struct json *result, const struct nt_err *err)
{
    if (call->by_id) {
        shash_delete(&bus->calls, call->by_id);
        call->by_id = NULL;
    }
    call->result = result;
    if (err) {
        call->err = *err;
        bus->stats.n_call_errors++;
        bus->stats.n_timeouts += err->code == NT_TIMEOUT;
    }
    put_due(bus, &call->due, call_deliver);
}

/* The ids of a message, from one draw. */
struct ids {
    char msg_id[NT_HEX_ID_SIZE], unique_id[NT_HEX_ID_SIZE];
    char request_id[64]; /* "req-" and a UUID. */
};

static void
draw_ids(struct nt_bus *bus, struct ids *ids)
{
    char hex[97];

    nt_bus_draw_hex(bus->random, 48, hex);
    ovs_strlcpy(ids->msg_id, hex, sizeof ids->msg_id);
    ovs_strlcpy(ids->unique_id, hex + 32, sizeof ids->unique_id);
    if (*nt_log_request()) {
        ovs_strlcpy(ids->request_id, nt_log_request(), sizeof ids->request_id);
        return;
    }
    snprintf(ids->request_id, sizeof ids->request_id, "req-%.8s-%.4s-4%.3s-8%.3s-%.12s", hex + 64,
             hex + 72, hex + 77, hex + 81, hex + 84);
}

/* Envelopes a request and queues it.  Takes 'args'. */
static int
send_request(struct nt_bus *bus, struct nt_bus_message *msg, struct nt_request_out *req,
             struct json *args, struct nt_err *err)
{
    req->args = args;
    req->wall_ms = nt_wall_ms(bus->clock);

    struct json *body = nt_envelope_request(req);
    msg->msg_id = req->msg_id;
    msg->reply_q = req->reply_q;
    msg->body = body;

    int rc = bus->transport->class->send(bus->transport, msg, err);
    json_destroy(body);
    json_destroy(args);
    return rc;
}

void
nt_bus_call(struct nt_bus *bus, const struct nt_bus_to *to, struct json *args, int64_t timeout_ms,
            nt_bus_reply_cb *cb, void *aux)
{
    struct call *call = xzalloc(sizeof *call);
    struct ids ids;
    struct nt_err err;

    timeout_ms = timeout_ms > 0 ? timeout_ms : DEFAULT_TIMEOUT_MS;
    draw_ids(bus, &ids);
    call->deadline = nt_mono_ms(bus->clock) + timeout_ms;
    call->what = xasprintf("%s on topic %s%s%s", to->method, to->topic, to->host ? " at host " : "",
                           to->host ? to->host : "");
    call->cb = cb;
    call->aux = aux;
    ovs_strlcpy(call->request_id, nt_log_request(), sizeof call->request_id);
    bus->stats.n_calls++;
    call->by_id = shash_add(&bus->calls, ids.msg_id, call);
    bus->next_deadline = MIN(bus->next_deadline, call->deadline);

    struct nt_bus_message msg = { .topic = to->topic, .host = to->host, .timeout_ms = timeout_ms };
    struct nt_request_out req = { .method = to->method,
                                  .version = to->version,
                                  .namespace = to->namespace,
                                  .msg_id = ids.msg_id,
                                  .reply_q = bus->reply_q,
                                  .unique_id = ids.unique_id,
                                  .request_id = ids.request_id };
    if (send_request(bus, &msg, &req, args, &err) < 0) {
        nt_err_context(&err, "cannot call %s", to->method);
        call_end(bus, call, NULL, &err);
    }
}

static void
cast(struct nt_bus *bus, struct nt_bus_message *msg, const struct nt_bus_to *to, struct json *args)
{
    struct ids ids;
    struct nt_err err;

    draw_ids(bus, &ids);
    bus->stats.n_casts++;

    struct nt_request_out req = { .method = to->method,
                                  .version = to->version,
                                  .namespace = to->namespace,
                                  .unique_id = ids.unique_id,
                                  .request_id = ids.request_id };
    if (send_request(bus, msg, &req, args, &err) < 0) {
        bus->stats.n_casts_dropped++;
        nt_warn_rl("cast dropped", "topic", msg->topic, "host", msg->host ? msg->host : "-",
                   "method", to->method, "reason", err.msg, NULL);
    }
}

void
nt_bus_cast(struct nt_bus *bus, const struct nt_bus_to *to, struct json *args)
{
    struct nt_bus_message msg = { .topic = to->topic, .host = to->host };

    cast(bus, &msg, to, args);
}

void
nt_bus_fanout(struct nt_bus *bus, const struct nt_bus_to *to, struct json *args)
{
    struct nt_bus_message msg = { .topic = to->topic, .fanout = true };

    cast(bus, &msg, to, args);
}

void
nt_bus_fail_call(struct nt_bus *bus, const char *msg_id, const struct nt_err *err)
{
    struct call *call = shash_find_data(&bus->calls, msg_id);

    if (call) {
        struct nt_err e = *err;

        nt_err_context(&e, "call of %s failed", call->what);
        call_end(bus, call, NULL, &e);
    }
}

void
nt_bus_fail_calls(struct nt_bus *bus, const struct nt_err *err)
{
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, &bus->calls) {
        nt_bus_fail_call(bus, node->name, err);
    }
}

static void
receive_reply(struct nt_bus *bus, const struct nt_payload *p, const char *peer)
{
    struct call *call = shash_find_data(&bus->calls, p->msg_id);
    struct nt_err err;

    if (!call) {
        /* Its call has timed out. */
        nt_debug("late reply dropped", "peer", peer, "call", p->msg_id, NULL);
    } else if (p->failure) {
        nt_failure_parse(p->failure, &err);
        call_end(bus, call, NULL, &err);
    } else if (p->ending || p->result) {
        call_end(bus, call, p->result ? json_clone(p->result) : json_null_create(), NULL);
    }
}

static void
expire_calls(struct nt_bus *bus)
{
    int64_t now = nt_mono_ms(bus->clock);
    struct shash_node *node;

    if (now < bus->next_deadline) {
        return;
    }
    bus->next_deadline = INT64_MAX;
    SHASH_FOR_EACH_SAFE (node, &bus->calls) {
        struct call *call = node->data;

        if (call->deadline <= now) {
            struct nt_err err;

            nt_fail(&err, NT_TIMEOUT, "no answer in time: %s", call->what);
            call_end(bus, call, NULL, &err);
        } else {
            bus->next_deadline = MIN(bus->next_deadline, call->deadline);
        }
    }
    bus->next_deadline = MAX(bus->next_deadline, now + EXPIRY_STEP_MS);
}

/* Requests: from the serving side. */

static struct service *
add_service(struct nt_bus *bus, const char *topic, const char *host, nt_bus_handler *handler,
            void *aux)
{
    struct service *service = xzalloc(sizeof *service);

    service->topic = xstrdup(topic);
    service->host = nullable_xstrdup(host);
    service->namespace = xstrdup("");
    service->handler = handler;
    service->aux = aux;
    ovs_list_push_back(&bus->services, &service->node);
    return service;
}

void
nt_bus_serve(struct nt_bus *bus, const char *topic, const char *host, nt_bus_handler *handler,
             void *aux)
{
    add_service(bus, topic, host, handler, aux);
    bus->transport->class->serve(bus->transport, topic, host, false);
}

void
nt_bus_serve_namespace(struct nt_bus *bus, const char *topic, const char *host,
                       const char *namespace, nt_bus_handler *handler, void *aux)
{
    struct service *service = add_service(bus, topic, host, handler, aux);

    free(service->namespace);
    service->namespace = xstrdup(namespace ? namespace : "");
    bus->transport->class->serve(bus->transport, topic, host, false);
}

void
nt_bus_listen(struct nt_bus *bus, const char *topic, const char *host, nt_bus_handler *handler,
              void *aux)
{
    add_service(bus, topic, host, handler, aux)->listens = true;
    bus->transport->class->serve(bus->transport, topic, host, true);
}

/* Whether what came there is for that service, whatever its namespace. */
static bool
is_for(const struct service *service, const struct nt_bus_incoming *in)
{
    if (strcmp(service->topic, in->topic)) {
        return false;
    }
    if (in->host) {
        return service->host && !strcmp(service->host, in->host);
    }
    return in->fanout || !service->listens;
}

static void
request_free(struct nt_bus_request *req)
{
    if (req->bus) {
        ovs_list_remove(&req->node);
    }
    json_destroy(req->json);
    free(req->topic);
    free(req->peer);
    free(req);
}

/* Sends what ends 'req'; 'failure' wins over 'result'. */
static int
send_reply(struct nt_bus_request *req, const struct json *result, const char *failure,
           struct nt_err *err)
{
    struct nt_bus *bus = req->bus;
    char unique_id[NT_HEX_ID_SIZE];

    nt_bus_draw_hex(bus->random, 16, unique_id);

    struct json *body = nt_envelope_reply(result, failure, req->payload.msg_id, unique_id);
    struct nt_bus_message msg = { .msg_id = req->payload.msg_id,
                                  .reply_q = req->payload.reply_q,
                                  .body = body };

    int rc = bus->transport->class->reply(bus->transport, &msg, err);
    json_destroy(body);
    return rc;
}

/* Ends 'req' with a failure, whose text it takes. */
static void
end_with_failure(struct nt_bus_request *req, char *failure)
{
    struct nt_err err;

    if (req->bus) {
        req->bus->stats.n_requests_failed++;
    }
    if (req->bus && req->payload.msg_id && send_reply(req, NULL, failure, &err) < 0) {
        nt_debug("reply dropped", "peer", req->peer, "reason", err.msg, NULL);
    }
    free(failure);
    request_free(req);
}

void
nt_bus_reply_fail(struct nt_bus_request *req, const struct nt_err *err)
{
    if (!req->payload.msg_id) {
        nt_warn_rl("cast failed", "method", req->payload.method, "peer", req->peer, "reason",
                   err->msg, NULL);
    }
    end_with_failure(req, nt_failure_text(err));
}

void
nt_bus_reply_no_method(struct nt_bus_request *req)
{
    nt_warn_rl("unknown method asked for", "topic", req->topic, "method", req->payload.method,
               "peer", req->peer, NULL);
    end_with_failure(req, nt_failure_no_method(req->payload.method));
}

void
nt_bus_reply_bad_version(struct nt_bus_request *req)
{
    nt_warn_rl("unknown version asked for", "topic", req->topic, "method", req->payload.method,
               "version", req->payload.version, "peer", req->peer, NULL);
    end_with_failure(req, nt_failure_bad_version(req->payload.version, req->payload.method));
}

void
nt_bus_reply(struct nt_bus_request *req, struct json *result)
{
    struct nt_err err;

    if (req->bus && req->payload.msg_id && send_reply(req, result, NULL, &err) < 0) {
        json_destroy(result);
        nt_warn_rl("reply not sent", "method", req->payload.method, "peer", req->peer, "reason",
                   err.msg, NULL);
        nt_bus_reply_fail(req, &err);
        return;
    }
    json_destroy(result);
    request_free(req);
}

/* '*out' is NULL when only other namespaces are served; false: not even the topic. */
static bool
find_service(struct nt_bus *bus, const struct nt_bus_incoming *in, const char *namespace,
             struct service **out)
{
    struct service *service;
    bool has_topic = false;

    *out = NULL;
    LIST_FOR_EACH (service, node, &bus->services) {
        if (is_for(service, in)) {
            has_topic = true;
            if (!strcmp(service->namespace, namespace ? namespace : "")) {
                *out = service;
                break;
            }
        }
    }
    return has_topic;
}

/* Takes 'json', which 'p' borrows from. */
/* While the handler runs, log lines carry the request's id. */
static void
request_deliver(struct due *due)
{
    struct nt_bus_request *req = CONTAINER_OF(due, struct nt_bus_request, due);
    struct service *service = req->service;
    char request_id[NT_REQUEST_ID_SIZE] = "";

    if (!service) {
        struct nt_err err;

        nt_fail(&err, NT_UNAVAILABLE, "the program is stopping");
        nt_bus_reply_fail(req, &err);
        return;
    }
    if (strcmp(req->payload.request_id, "-")) {
        ovs_strlcpy(request_id, req->payload.request_id, sizeof request_id);
    }
    req->service = NULL;
    nt_log_swap_request(request_id);
    service->handler(service->aux, req);
    nt_log_swap_request(request_id);
}

static void
receive_request(struct nt_bus *bus, const struct nt_bus_incoming *in, struct json *json,
                const struct nt_payload *p)
{
    struct nt_bus_request *req = xzalloc(sizeof *req);
    struct service *service;
    bool is_served = find_service(bus, in, p->namespace, &service);

    bus->stats.n_requests++;
    req->bus = bus;
    req->topic = xstrdup(in->topic);
    req->peer = xstrdup(in->peer);
    req->json = json;
    req->payload = *p;
    ovs_list_push_back(&bus->requests, &req->node);
    if (!is_served) {
        struct nt_err err;

        nt_fail(&err, NT_UNAVAILABLE, "topic %s is not served here", in->topic);
        nt_bus_reply_fail(req, &err);
    } else if (p->method[0] == '_') {
        nt_bus_reply_no_method(req);
    } else if (!service) {
        nt_bus_reply_bad_version(req);
    } else {
        req->service = service;
        put_due(bus, &req->due, request_deliver);
    }
}

static bool
is_duplicate(struct nt_bus *bus, const struct nt_bus_incoming *in, const struct nt_payload *p)
{
    char sender[512];

    if (!p->unique_id || !*p->unique_id) {
        return false;
    }
    snprintf(sender, sizeof sender, "%s %s", in->peer, in->program);
    if (!nt_seen_repeated(bus->seen, sender, p->unique_id)) {
        return false;
    }
    nt_info_rl("duplicate message dropped", "peer", in->peer, "method", p->method, NULL);
    return true;
}

/* Tells the caller of a request that could not even be read, if it is a call. */
static void
refuse(struct nt_bus *bus, const struct nt_bus_incoming *in, const struct nt_err *err)
{
    bus->stats.n_refused++;
    nt_warn_rl("message refused", "peer", in->peer, "topic", in->topic ? in->topic : "-", "reason",
               err->msg, NULL);
    if (in->topic && in->msg_id) {
        AUTO_FREE char *failure = nt_failure_text(err);
        char unique_id[NT_HEX_ID_SIZE];

        nt_bus_draw_hex(bus->random, 16, unique_id);

        struct json *body = nt_envelope_reply(NULL, failure, in->msg_id, unique_id);
        struct nt_bus_message msg = { .msg_id = in->msg_id, .reply_q = "", .body = body };
        if (bus->transport->class->reply(bus->transport, &msg, NULL) < 0) {
            nt_debug("reply dropped", "peer", in->peer, NULL);
        }
        json_destroy(body);
    } else if (in->msg_id) {
        nt_bus_fail_call(bus, in->msg_id, err);
    }
}

static int
check_incoming(const struct nt_bus_incoming *in, const struct nt_payload *p, struct nt_err *err)
{
    if (p->is_reply != !in->topic) {
        return nt_fail(err, NT_INVALID, "message is a %s where none is due",
                       p->is_reply ? "reply" : "request");
    }
    if (in->msg_id && (!p->msg_id || strcmp(in->msg_id, p->msg_id))) {
        return nt_fail(err, NT_INVALID, "message and its frame differ in the call's id");
    }
    return 0;
}

void
nt_bus_receive(struct nt_bus *bus, const struct nt_bus_incoming *in)
{
    struct json *json = NULL;
    struct nt_payload p;
    struct nt_err err;

    if (nt_envelope_open(in->body, &json, &err) < 0 || nt_payload_parse(json, &p, &err) < 0
        || check_incoming(in, &p, &err) < 0) {
        refuse(bus, in, &err);
        json_destroy(json);
    } else if (p.is_reply) {
        receive_reply(bus, &p, in->peer);
        json_destroy(json);
    } else if (is_duplicate(bus, in, &p)) {
        json_destroy(json);
    } else {
        receive_request(bus, in, json, &p);
    }
}

const char *
nt_bus_request_topic(const struct nt_bus_request *req)
{
    return req->topic;
}

const char *
nt_bus_request_method(const struct nt_bus_request *req)
{
    return req->payload.method;
}

const char *
nt_bus_request_version(const struct nt_bus_request *req)
{
    return req->payload.version;
}

const struct json *
nt_bus_request_args(const struct nt_bus_request *req)
{
    return req->payload.args;
}

const char *
nt_bus_request_id(const struct nt_bus_request *req)
{
    return req->payload.request_id;
}

bool
nt_bus_request_is_call(const struct nt_bus_request *req)
{
    return req->payload.msg_id != NULL;
}

const char *
nt_bus_request_peer(const struct nt_bus_request *req)
{
    return req->peer;
}

const char *
nt_bus_request_context(const struct nt_bus_request *req, const char *key)
{
    return nt_payload_context(req->json, key);
}

bool
nt_bus_request_is_admin(const struct nt_bus_request *req)
{
    return nt_payload_is_admin(req->json);
}

bool
nt_bus_proves_peers(const struct nt_bus *bus)
{
    return bus->transport->class->proves_peers;
}

bool
nt_bus_request_peer_is_proved(const struct nt_bus_request *req)
{
    return !req->bus || nt_bus_proves_peers(req->bus);
}

/* The bus as a part of the loop. */

void
nt_bus_on_state(struct nt_bus *bus, void (*cb)(void *aux, bool connected), void *aux)
{
    struct watcher *w = xzalloc(sizeof *w);

    w->cb = cb;
    w->aux = aux;
    ovs_list_push_back(&bus->watchers, &w->node);
}

bool
nt_bus_is_connected(const struct nt_bus *bus)
{
    return bus->transport->class->is_connected(bus->transport);
}

static void
tell_state(struct nt_bus *bus)
{
    bool connected = nt_bus_is_connected(bus);
    struct watcher *w;

    LIST_FOR_EACH (w, node, &bus->watchers) {
        if (w->told != connected) {
            w->told = connected;
            w->cb(w->aux, connected);
        }
    }
}

static void
deliver_due(struct nt_bus *bus)
{
    struct ovs_list list;

    /* Callbacks may end further calls; those wait for the next turn. */
    ovs_list_move(&list, &bus->due);
    ovs_list_init(&bus->due);
    while (!ovs_list_is_empty(&list)) {
        struct due *due = CONTAINER_OF(ovs_list_pop_front(&list), struct due, node);

        due->deliver(due);
    }
}

void
nt_bus_run(struct nt_bus *bus)
{
    bus->transport->class->run(bus->transport);
    expire_calls(bus);
    tell_state(bus);
    deliver_due(bus);
    bus->transport->class->flush(bus->transport);
}

const struct nt_bus_stats *
nt_bus_stats(const struct nt_bus *bus)
{
    return &bus->stats;
}

size_t
nt_bus_n_pending(const struct nt_bus *bus)
{
    return shash_count(&bus->calls);
}

static bool
state_is_news(const struct nt_bus *bus)
{
    bool connected = nt_bus_is_connected(bus);
    struct watcher *w;

    LIST_FOR_EACH (w, node, &bus->watchers) {
        if (w->told != connected) {
            return true;
        }
    }
    return false;
}

void
nt_bus_wait(struct nt_bus *bus)
{
    bus->transport->class->wait(bus->transport);
    if (!ovs_list_is_empty(&bus->due) || state_is_news(bus)) {
        poll_immediate_wake();
    } else if (bus->next_deadline != INT64_MAX) {
        int64_t left = bus->next_deadline - nt_mono_ms(bus->clock);

        poll_timer_wait(MAX(left, 0));
    }
}

void
nt_bus_free(struct nt_bus *bus)
{
    if (!bus) {
        return;
    }

    struct nt_err err;
    struct nt_bus_request *req;
    struct service *service;
    struct watcher *w;

    nt_fail(&err, NT_UNAVAILABLE, "the program is stopping");
    LIST_FOR_EACH (req, node, &bus->requests) {
        req->service = NULL;
    }
    nt_bus_fail_calls(bus, &err);
    deliver_due(bus);
    bus->transport->class->flush(bus->transport);
    bus->transport->class->free(bus->transport);
    LIST_FOR_EACH_POP (req, node, &bus->requests) {
        req->bus = NULL;
    }
    LIST_FOR_EACH_POP (service, node, &bus->services) {
        free(service->topic);
        free(service->host);
        free(service->namespace);
        free(service);
    }
    LIST_FOR_EACH_POP (w, node, &bus->watchers) {
        free(w);
    }
    shash_destroy(&bus->calls);
    nt_seen_free(bus->seen);
    free(bus);
}
