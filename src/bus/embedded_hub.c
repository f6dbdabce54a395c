/* The hub of the embedded bus: accepts peers and routes.
 *
 * A call in progress is a 'struct transit': who made it and who is to answer, each
 * a peer or this program itself.  Only that one's reply is taken, and it goes to
 * that caller, whatever the message says.  When either goes away its transits end;
 * a caller that is still there is told with a FAILED frame.
 *
 * A TCP connection is a stranger until its hello: few of them are allowed at once,
 * and while there are too many the hub leaves newcomers to the kernel's queue. */
#include <config.h>

#include "bus/embedded.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "bus/embedded_address.h"
#include "bus/embedded_link.h"
#include "bus/embedded_listen.h"
#include "bus/embedded_routes.h"
#include "bus/embedded_tls.h"
#include "bus/transport.h"
#include "openvswitch/json.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"

NT_LOG_MODULE(nt_bus_hub);

#define MAX_STRANGERS 64
#define STRANGER_PATIENCE_MS 500 /* When there are too many, one this old must go. */
#define ACCEPTS_PER_TURN 32
#define MAX_SUBSCRIPTIONS 256 /* Per peer. */
#define MAX_TRANSITS 10000    /* Per caller. */
#define MAX_CALL_MS (3600 * 1000)
#define TRANSIT_SLACK_MS 1000 /* The caller's own clock ends a call first. */
#define EXPIRY_STEP_MS 50     /* Between two looks at all of them. */

/* A connection; 'name' is NULL until the hello. */
struct conn {
    struct ovs_list node; /* In 'conns' of the hub. */
    struct hub *hub;
    struct nt_link *link;
    struct nt_server server;
    struct shash_node *by_name; /* In 'peers' of the hub, after the hello. */
    char *name, *program;
    struct ovs_list asked; /* Transits it made, by 'caller_node'. */
    struct ovs_list asks;  /* Transits it is to answer, by 'callee_node'. */
    size_t n_asked;
    struct ovs_list stranger_node; /* In 'strangers' of the hub while 'is_stranger'. */
    bool is_stranger;
    int64_t born;
};

struct transit {
    struct ovs_list caller_node, callee_node;
    struct shash_node *by_id;
    struct conn *caller, *callee; /* NULL: this program. */
    char *topic, *host;           /* For messages. */
    int64_t deadline;
};

/* A message of this program to itself, kept until the next turn. */
struct own_message {
    struct ovs_list node;
    char *topic, *host, *msg_id; /* 'topic' NULL: reply. */
    bool fanout;
    struct json *body;
};

struct listener {
    struct hub *hub;
    int fd; /* -1: none. */
    struct nt_epoll_fd *watch;
    bool is_tcp;
};

struct hub {
    struct nt_bus_transport up;
    char *name, *program, *unix_path;
    const struct nt_clock *clock;
    struct nt_tls *tls;
    struct nt_links *links;
    struct listener unix_listener, tcp_listener;
    struct nt_routes *routes;
    struct nt_server self;
    struct ovs_list conns;
    struct shash peers;        /* struct conn, by "PROGRAM NAME". */
    struct ovs_list strangers; /* Oldest first. */
    size_t n_strangers;
    bool is_full; /* The TCP listener is not watched. */
    struct shash transits;
    int64_t next_deadline;
    struct ovs_list own_asked, own_asks; /* Transits of this program. */
    struct ovs_list own_messages;
};

static struct hub *
hub_cast(const struct nt_bus_transport *up)
{
    return CONTAINER_OF(up, struct hub, up);
}

/* Transits. */

static void
transit_free(struct hub *hub, struct transit *t)
{
    shash_delete(&hub->transits, t->by_id);
    ovs_list_remove(&t->caller_node);
    ovs_list_remove(&t->callee_node);
    if (t->caller) {
        t->caller->n_asked--;
    }
    free(t->topic);
    free(t->host);
    free(t);
}

static void
tell_failed(struct hub *hub, struct conn *caller, const char *id, const struct nt_err *why)
{
    struct nt_frame frame = {
        .kind = NT_FRAME_FAILED, .call = id, .code = nt_code_name(why->code), .message = why->msg
    };
    struct nt_err err;

    if (!caller) {
        nt_bus_fail_call(hub->up.bus, id, why);
    } else if (nt_link_send_frame(caller->link, &frame, &err) < 0) {
        nt_link_close(caller->link, "%s", err.msg);
    }
}

/* 'msg' is a call; fails when it cannot be taken in. */
static int
transit_new(struct hub *hub, struct conn *caller, struct conn *callee,
            const struct nt_bus_message *msg, struct nt_err *err)
{
    int64_t timeout = MIN(MAX(msg->timeout_ms, 1), MAX_CALL_MS);

    if (caller && caller->n_asked >= MAX_TRANSITS) {
        return nt_fail(err, NT_EXHAUSTED, "more than %d calls of %s wait for an answer",
                       MAX_TRANSITS, caller->name);
    }

    struct transit *t = xzalloc(sizeof *t);

    t->by_id = shash_add(&hub->transits, msg->msg_id, t);
    t->caller = caller;
    t->callee = callee;
    t->topic = xstrdup(msg->topic);
    t->host = nullable_xstrdup(msg->host);
    t->deadline = nt_mono_ms(hub->clock) + timeout + TRANSIT_SLACK_MS;
    hub->next_deadline = MIN(hub->next_deadline, t->deadline);
    ovs_list_push_back(caller ? &caller->asked : &hub->own_asked, &t->caller_node);
    ovs_list_push_back(callee ? &callee->asks : &hub->own_asks, &t->callee_node);
    if (caller) {
        caller->n_asked++;
    }
    return 0;
}

static void
expire_transits(struct hub *hub)
{
    int64_t now = nt_mono_ms(hub->clock);
    struct shash_node *node;

    if (now < hub->next_deadline) {
        return;
    }
    hub->next_deadline = INT64_MAX;
    SHASH_FOR_EACH_SAFE (node, &hub->transits) {
        struct transit *t = node->data;

        if (t->deadline <= now) {
            transit_free(hub, t);
        } else {
            hub->next_deadline = MIN(hub->next_deadline, t->deadline);
        }
    }
    hub->next_deadline = MAX(hub->next_deadline, now + EXPIRY_STEP_MS);
}

/* Messages to this program itself. */

static void
own_message_put(struct hub *hub, const struct nt_bus_message *msg)
{
    struct own_message *own = xzalloc(sizeof *own);

    own->topic = nullable_xstrdup(msg->topic);
    own->host = nullable_xstrdup(msg->host);
    own->msg_id = nullable_xstrdup(msg->msg_id);
    own->fanout = msg->fanout;
    own->body = json_clone(msg->body);
    ovs_list_push_back(&hub->own_messages, &own->node);
}

static void
own_message_free(struct own_message *own)
{
    free(own->topic);
    free(own->host);
    free(own->msg_id);
    json_destroy(own->body);
    free(own);
}

static void
deliver_own(struct hub *hub)
{
    size_t n = ovs_list_size(&hub->own_messages);

    while (n--) {
        struct own_message *own =
            CONTAINER_OF(ovs_list_pop_front(&hub->own_messages), struct own_message, node);
        struct nt_bus_incoming in = { .topic = own->topic,
                                      .host = own->host,
                                      .fanout = own->fanout,
                                      .msg_id = own->msg_id,
                                      .peer = hub->name,
                                      .program = hub->program,
                                      .body = own->body };

        nt_bus_receive(hub->up.bus, &in);
        own_message_free(own);
    }
}

/* Routing.  'from' is NULL for what this program sends. */

static void
deliver(struct hub *hub, struct conn *from, const struct nt_bus_message *msg)
{
    struct nt_bus_incoming in = { .topic = msg->topic,
                                  .host = msg->host,
                                  .fanout = msg->fanout,
                                  .msg_id = msg->msg_id,
                                  .body = msg->body };

    if (!from) {
        own_message_put(hub, msg);
        return;
    }
    in.peer = from->name;
    in.program = from->program;
    nt_bus_receive(hub->up.bus, &in);
}

static int
encode_request(struct hub *hub, struct conn *from, const struct nt_bus_message *msg,
               struct nt_frame_buf **out, struct nt_err *err)
{
    struct nt_frame frame = { .kind = NT_FRAME_REQUEST,
                              .name = from ? from->name : hub->name,
                              .program = from ? from->program : hub->program,
                              .topic = msg->topic,
                              .host = msg->host,
                              .fanout = msg->fanout,
                              .call = msg->msg_id,
                              .timeout_ms = msg->timeout_ms,
                              .body = msg->body };

    return nt_frame_encode(&frame, out, err);
}

struct fanout {
    struct hub *hub;
    struct nt_frame_buf *buf;
};

static void
fanout_one(struct nt_server *server, void *aux)
{
    struct fanout *fanout = aux;

    if (server != &fanout->hub->self) {
        nt_link_send(CONTAINER_OF(server, struct conn, server)->link, fanout->buf);
    }
}

static int
route_fanout(struct hub *hub, struct conn *from, const struct nt_bus_message *msg,
             struct nt_err *err)
{
    struct fanout fanout = { .hub = hub };

    if (encode_request(hub, from, msg, &fanout.buf, err) < 0) {
        return -1;
    }
    nt_routes_each(hub->routes, msg->topic, fanout_one, &fanout);
    nt_frame_buf_drop(fanout.buf);
    if (nt_routes_has(hub->routes, &hub->self, msg->topic, NULL)) {
        deliver(hub, from, msg);
    }
    return 0;
}

static struct nt_server *
find_server(struct hub *hub, const struct nt_bus_message *msg)
{
    return nt_routes_has(hub->routes, &hub->self, msg->topic, msg->host)
               ? &hub->self
               : nt_routes_next(hub->routes, msg->topic, msg->host);
}

static int
route(struct hub *hub, struct conn *from, const struct nt_bus_message *msg, struct nt_err *err)
{
    if (msg->fanout) {
        return route_fanout(hub, from, msg, err);
    }
    if (msg->msg_id && shash_find(&hub->transits, msg->msg_id)) {
        /* A repetition; the first one is going to be answered. */
        nt_info_rl("repeated call dropped", "from", from ? from->name : hub->name, "topic",
                   msg->topic, NULL);
        return 0;
    }

    struct nt_server *server = find_server(hub, msg);
    struct conn *to =
        server && server != &hub->self ? CONTAINER_OF(server, struct conn, server) : NULL;
    struct nt_frame_buf *buf = NULL;

    if (!server) {
        return nt_fail(err, NT_UNAVAILABLE, "nobody serves topic %s%s%s", msg->topic,
                       msg->host ? " at host " : "", msg->host ? msg->host : "");
    }
    if ((to && encode_request(hub, from, msg, &buf, err) < 0)
        || (msg->msg_id && transit_new(hub, from, to, msg, err) < 0)) {
        nt_frame_buf_drop(buf);
        return -1;
    }
    if (to) {
        nt_link_send(to->link, buf);
        nt_frame_buf_drop(buf);
    } else {
        deliver(hub, from, msg);
    }
    return 0;
}

static int
route_reply(struct hub *hub, struct conn *from, const struct nt_bus_message *msg,
            struct nt_err *err)
{
    struct transit *t = shash_find_data(&hub->transits, msg->msg_id);

    if (!t || t->callee != from) {
        return nt_fail(err, NT_NOT_FOUND, "nobody waits for this reply");
    }
    if (t->caller) {
        struct nt_frame frame = { .kind = NT_FRAME_REPLY, .call = msg->msg_id, .body = msg->body };

        /* A reply that is too large leaves the call open for one that says so. */
        if (nt_link_send_frame(t->caller->link, &frame, err) < 0) {
            return -1;
        }
    } else {
        deliver(hub, from, msg);
    }
    transit_free(hub, t);
    return 0;
}

/* Peers. */

/* The peer is not to be reached from now on; its link may live a little longer. */
static void
conn_detach(struct conn *conn, const char *reason)
{
    struct hub *hub = conn->hub;
    struct transit *t;

    if (conn->is_stranger) {
        ovs_list_remove(&conn->stranger_node);
        conn->is_stranger = false;
        hub->n_strangers--;
    }
    if (conn->by_name) {
        shash_delete(&hub->peers, conn->by_name);
        conn->by_name = NULL;
    }
    nt_routes_remove(hub->routes, &conn->server);
    LIST_FOR_EACH_SAFE (t, caller_node, &conn->asked) {
        transit_free(hub, t);
    }
    LIST_FOR_EACH_SAFE (t, callee_node, &conn->asks) {
        struct nt_err err;

        nt_fail(&err, NT_UNAVAILABLE, "%s, who serves topic %s%s%s, was lost: %s", conn->name,
                t->topic, t->host ? " at host " : "", t->host ? t->host : "", reason);
        tell_failed(hub, t->caller, t->by_id->name, &err);
        transit_free(hub, t);
    }
}

static void
conn_free(struct conn *conn)
{
    ovs_list_remove(&conn->node);
    free(conn->name);
    free(conn->program);
    free(conn);
}

static void
take_hello(struct conn *conn, const struct nt_frame *hello)
{
    struct hub *hub = conn->hub;
    struct nt_frame welcome = { .kind = NT_FRAME_WELCOME,
                                .version = NT_FRAME_VERSION,
                                .name = hub->name,
                                .program = hub->program };
    struct nt_err err;

    if (hello->version != NT_FRAME_VERSION) {
        nt_link_close(conn->link, "peer speaks version %lld of the protocol, not %d",
                      (long long) hello->version, NT_FRAME_VERSION);
        return;
    }

    AUTO_FREE char *key = xasprintf("%s %s", hello->program, hello->name);
    struct conn *old = shash_find_data(&hub->peers, key);
    if (old) {
        conn_detach(old, "replaced by a newer connection");
        nt_link_close(old->link, "replaced by a newer connection");
    }
    if (conn->is_stranger) {
        ovs_list_remove(&conn->stranger_node);
        conn->is_stranger = false;
        hub->n_strangers--;
    }
    conn->name = xstrdup(hello->name);
    conn->program = xstrdup(hello->program);
    conn->by_name = shash_add(&hub->peers, key, conn);
    nt_link_accept(conn->link);
    if (nt_link_send_frame(conn->link, &welcome, &err) < 0) {
        nt_link_close(conn->link, "%s", err.msg);
        return;
    }
    nt_info_rl("peer connected", "name", conn->name, "program", conn->program, "from",
               nt_link_who(conn->link), NULL);
}

static void
take_subscribe(struct conn *conn, const struct nt_frame *frame)
{
    if (frame->host && strcmp(frame->host, conn->name)) {
        nt_warn_rl("subscription for another host refused", "peer", conn->name, "topic",
                   frame->topic, "host", frame->host, NULL);
    } else if (conn->server.n_entries >= MAX_SUBSCRIPTIONS) {
        nt_warn_rl("too many subscriptions", "peer", conn->name, NULL);
    } else {
        nt_routes_add(conn->hub->routes, &conn->server, frame->topic, frame->host);
    }
}

static void
take_request(struct conn *conn, const struct nt_frame *frame)
{
    struct nt_bus_message msg = { .topic = frame->topic,
                                  .host = frame->host,
                                  .fanout = frame->fanout,
                                  .msg_id = frame->call,
                                  .timeout_ms = frame->timeout_ms,
                                  .body = frame->body };
    struct nt_err err;

    if (route(conn->hub, conn, &msg, &err) < 0) {
        if (msg.msg_id) {
            tell_failed(conn->hub, conn, msg.msg_id, &err);
        } else {
            nt_warn_rl("cast dropped", "from", conn->name, "topic", msg.topic, "host",
                       msg.host ? msg.host : "-", "reason", err.msg, NULL);
        }
    }
}

static void
take_reply(struct conn *conn, const struct nt_frame *frame)
{
    struct nt_bus_message msg = { .msg_id = frame->call, .body = frame->body };
    struct nt_err err;

    if (route_reply(conn->hub, conn, &msg, &err) < 0) {
        /* Its caller has given up, or is gone. */
        nt_debug("reply dropped", "from", conn->name, "reason", err.msg, NULL);
    }
}

static void
link_opened(struct nt_link *link, void *aux)
{
}

static void
link_frame(struct nt_link *link, const struct nt_frame *frame, void *aux)
{
    struct conn *conn = aux;

    if (!conn->name) {
        if (frame->kind == NT_FRAME_HELLO) {
            take_hello(conn, frame);
        } else {
            nt_link_close(link, "did not begin with a hello");
        }
        return;
    }
    switch (frame->kind) {
    case NT_FRAME_SUBSCRIBE:
        take_subscribe(conn, frame);
        break;
    case NT_FRAME_REQUEST:
        take_request(conn, frame);
        break;
    case NT_FRAME_REPLY:
        take_reply(conn, frame);
        break;
    case NT_FRAME_HELLO:
    case NT_FRAME_WELCOME:
    case NT_FRAME_FAILED:
    case NT_FRAME_PING:
    case NT_FRAME_PONG:
    default:
        nt_warn_rl("frame of a kind that is not due", "from", conn->name, NULL);
    }
}

static void
link_closed(struct nt_link *link, const char *reason, void *aux)
{
    struct conn *conn = aux;

    if (conn->name) {
        nt_info_rl("peer lost", "name", conn->name, "program", conn->program, "reason", reason,
                   NULL);
    } else {
        nt_warn_rl("connection refused", "from", nt_link_who(link), "reason", reason, NULL);
    }
    conn_detach(conn, reason);
    conn_free(conn);
}

static const struct nt_link_events hub_events = { link_opened, link_frame, link_closed };

/* Listening. */

static void
conn_new(struct hub *hub, int fd, bool is_tcp, const char *who)
{
    struct conn *conn = xzalloc(sizeof *conn);
    SSL *ssl = is_tcp ? nt_tls_session(hub->tls, fd) : NULL;

    ovs_list_push_back(&hub->conns, &conn->node);
    conn->hub = hub;
    conn->born = nt_mono_ms(hub->clock);
    nt_server_init(&conn->server);
    ovs_list_init(&conn->asked);
    ovs_list_init(&conn->asks);
    conn->is_stranger = is_tcp;
    if (is_tcp) {
        ovs_list_push_back(&hub->strangers, &conn->stranger_node);
        hub->n_strangers++;
    }
    conn->link = nt_link_new(hub->links, fd, ssl, false, who, conn);
}

/* False when no more may come in for now. */
static bool
accept_one(struct hub *hub, struct listener *listener)
{
    struct nt_address address = { .len = sizeof address.addr };
    char who[NT_ADDRESS_SIZE] = "unix socket";
    struct nt_err err;
    int fd = accept4(listener->fd, (struct sockaddr *) &address.addr, &address.len,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            nt_warn_rl("cannot accept a connection", "reason", strerror(errno), NULL);
        }
        return errno == ECONNABORTED || errno == EINTR;
    }
    if (listener->is_tcp) {
        nt_address_format(&address, who);
        nt_address_tune(fd);
    } else if (nt_listen_check_peer(fd, &err) < 0) {
        nt_warn_rl("connection refused", "from", who, "reason", err.msg, NULL);
        close(fd);
        return true;
    }
    conn_new(hub, fd, listener->is_tcp, who);
    return true;
}

static void
set_full(struct hub *hub, bool full)
{
    if (hub->is_full != full) {
        hub->is_full = full;
        nt_epoll_set(hub->tcp_listener.watch, full ? 0 : EPOLLIN);
    }
}

static void
listener_event(void *listener_, unsigned events)
{
    struct listener *listener = listener_;
    struct hub *hub = listener->hub;

    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        if (listener->is_tcp && hub->n_strangers >= MAX_STRANGERS) {
            set_full(hub, true);
            return;
        }
        if (!accept_one(hub, listener)) {
            return;
        }
    }
}

static struct conn *
oldest_stranger(const struct hub *hub)
{
    return CONTAINER_OF(ovs_list_front(&hub->strangers), struct conn, stranger_node);
}

/* Makes room: those who prove themselves leave by that, of the others the oldest. */
static void
run_strangers(struct hub *hub)
{
    int64_t limit = nt_mono_ms(hub->clock) - STRANGER_PATIENCE_MS;

    if (!hub->is_full) {
        return;
    }
    while (hub->n_strangers >= MAX_STRANGERS && oldest_stranger(hub)->born <= limit) {
        struct conn *conn = oldest_stranger(hub);

        conn_detach(conn, "too many strangers");
        nt_link_close(conn->link, "too many connections that prove nothing");
    }
    set_full(hub, hub->n_strangers >= MAX_STRANGERS);
}

/* The transport. */

static int
hub_send(struct nt_bus_transport *up, const struct nt_bus_message *msg, struct nt_err *err)
{
    return route(hub_cast(up), NULL, msg, err);
}

static int
hub_reply(struct nt_bus_transport *up, const struct nt_bus_message *msg, struct nt_err *err)
{
    return route_reply(hub_cast(up), NULL, msg, err);
}

static void
hub_serve(struct nt_bus_transport *up, const char *topic, const char *host, bool listens)
{
    struct hub *hub = hub_cast(up);

    nt_routes_add(hub->routes, &hub->self, topic, host);
}

static bool
hub_is_connected(const struct nt_bus_transport *up)
{
    return true;
}

static void
hub_run(struct nt_bus_transport *up)
{
    struct hub *hub = hub_cast(up);

    deliver_own(hub);
    nt_links_run(hub->links);
    run_strangers(hub);
    expire_transits(hub);
}

static void
hub_flush(struct nt_bus_transport *up)
{
    nt_links_flush(hub_cast(up)->links);
}

static void
hub_wait(struct nt_bus_transport *up)
{
    struct hub *hub = hub_cast(up);
    int64_t now = nt_mono_ms(hub->clock);

    nt_links_wait(hub->links);
    if (!ovs_list_is_empty(&hub->own_messages)) {
        poll_immediate_wake();
    }
    if (hub->is_full) {
        poll_timer_wait(STRANGER_PATIENCE_MS / 10);
    }
    if (hub->next_deadline != INT64_MAX) {
        poll_timer_wait(MAX(hub->next_deadline - now, 0));
    }
}

static void
close_all(struct hub *hub)
{
    struct conn *conn;

    nt_links_flush(hub->links);
    LIST_FOR_EACH (conn, node, &hub->conns) {
        nt_link_close(conn->link, "the hub is stopping");
    }
    /* Reaps them. */
    nt_links_flush(hub->links);
}

static void
hub_free(struct nt_bus_transport *up)
{
    struct hub *hub = hub_cast(up);
    struct own_message *own;
    struct transit *t;

    nt_epoll_remove(hub->unix_listener.watch);
    nt_epoll_remove(hub->tcp_listener.watch);
    close_all(hub);
    nt_links_free(hub->links);
    if (hub->unix_listener.fd >= 0) {
        nt_listen_close_unix(hub->unix_path, hub->unix_listener.fd);
    }
    if (hub->tcp_listener.fd >= 0) {
        close(hub->tcp_listener.fd);
    }
    LIST_FOR_EACH_SAFE (t, caller_node, &hub->own_asked) {
        transit_free(hub, t);
    }
    LIST_FOR_EACH_POP (own, node, &hub->own_messages) {
        own_message_free(own);
    }
    nt_routes_remove(hub->routes, &hub->self);
    nt_routes_free(hub->routes);
    shash_destroy(&hub->peers);
    shash_destroy(&hub->transits);
    nt_tls_free(hub->tls);
    free(hub->name);
    free(hub->program);
    free(hub->unix_path);
    free(hub);
}

static const struct nt_bus_transport_class hub_class = {
    hub_send, hub_reply, hub_serve, hub_is_connected, hub_run, hub_flush, hub_wait, hub_free, true,
};

static struct hub *
hub_alloc(const struct nt_bus_options *options)
{
    struct hub *hub = xzalloc(sizeof *hub);

    hub->up.class = &hub_class;
    hub->name = xstrdup(options->name);
    hub->program = xstrdup(options->program);
    hub->clock = options->clock;
    hub->unix_listener = (struct listener){ .hub = hub, .fd = -1 };
    hub->tcp_listener = (struct listener){ .hub = hub, .fd = -1, .is_tcp = true };
    hub->routes = nt_routes_new();
    nt_server_init(&hub->self);
    ovs_list_init(&hub->conns);
    shash_init(&hub->peers);
    ovs_list_init(&hub->strangers);
    shash_init(&hub->transits);
    hub->next_deadline = INT64_MAX;
    ovs_list_init(&hub->own_asked);
    ovs_list_init(&hub->own_asks);
    ovs_list_init(&hub->own_messages);
    hub->links = nt_links_new(options->clock, &hub_events);
    return hub;
}

static void
watch(struct listener *listener)
{
    listener->watch = nt_epoll_add(nt_links_epoll(listener->hub->links), listener->fd, EPOLLIN,
                                   listener_event, listener);
}

static int
hub_listen(struct hub *hub, const struct nt_bus_options *options, const char *unix_path,
           const char *tcp, struct nt_err *err)
{
    if (tcp && *tcp) {
        if (nt_tls_new(options->key_file, true, &hub->tls, err) < 0
            || nt_listen_tcp(tcp, &hub->tcp_listener.fd, err) < 0) {
            return -1;
        }
        watch(&hub->tcp_listener);
    }
    if (unix_path && *unix_path) {
        hub->unix_path = xstrdup(unix_path);
        if (nt_listen_unix(unix_path, &hub->unix_listener.fd, err) < 0) {
            return -1;
        }
        watch(&hub->unix_listener);
    }
    return 0;
}

int
nt_bus_hub_new(const struct nt_bus_options *options, const char *unix_path, const char *tcp,
               struct nt_bus **out, struct nt_err *err)
{
    struct hub *hub = hub_alloc(options);

    if (hub_listen(hub, options, unix_path, tcp, err) < 0) {
        hub_free(&hub->up);
        return -1;
    }
    *out = nt_bus_new(&hub->up, options->clock, options->random);
    return 0;
}

unsigned
nt_bus_hub_port(const struct nt_bus *bus)
{
    const struct hub *hub = hub_cast(nt_bus_transport(bus));

    return hub->tcp_listener.fd >= 0 ? nt_listen_port(hub->tcp_listener.fd) : 0;
}

size_t
nt_bus_hub_n_peers(const struct nt_bus *bus)
{
    return shash_count(&hub_cast(nt_bus_transport(bus))->peers);
}
