/* The peer's side of the embedded bus: one link to the hub, made again and again.
 *
 *   waiting --(next_try)--> connecting --(link open)--> hello sent
 *     ^                                                     |
 *     +------------- link closed, back-off <---- welcome: connected
 *
 * The topics served are subscribed with each welcome.  Without a connection calls
 * fail and casts are dropped; nothing is kept for later, since whoever is served
 * fetches its state when the connection is back. */
#include <config.h>

#include "bus/embedded.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "bus/embedded_address.h"
#include "bus/embedded_link.h"
#include "bus/embedded_tls.h"
#include "bus/transport.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(nt_bus_peer);

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000

/* A connection that lasted this long clears the back-off. */
#define STABLE_MS 5000

struct subscription {
    struct ovs_list node;
    char *topic, *host;
};

struct peer {
    struct nt_bus_transport up;
    char *name, *program, *endpoint;
    const struct nt_clock *clock;
    struct nt_random *random;
    struct nt_address address;
    struct nt_tls *tls; /* NULL: unix socket. */
    struct nt_links *links;
    struct nt_link *link;
    bool welcomed;
    int64_t welcomed_at, next_try, backoff;
    struct ovs_list subscriptions;
};

static struct peer *
peer_cast(const struct nt_bus_transport *up)
{
    return CONTAINER_OF(up, struct peer, up);
}

/* Small frames of our own making always fit. */
static void
send_control(struct peer *peer, const struct nt_frame *frame)
{
    struct nt_err err;

    if (nt_link_send_frame(peer->link, frame, &err) < 0) {
        nt_link_close(peer->link, "%s", err.msg);
    }
}

static void
subscribe(struct peer *peer, const struct subscription *sub)
{
    struct nt_frame frame = { .kind = NT_FRAME_SUBSCRIBE, .topic = sub->topic, .host = sub->host };

    send_control(peer, &frame);
}

static void
link_opened(struct nt_link *link, void *aux)
{
    struct peer *peer = aux;
    struct nt_frame frame = { .kind = NT_FRAME_HELLO,
                              .version = NT_FRAME_VERSION,
                              .name = peer->name,
                              .program = peer->program };

    send_control(peer, &frame);
}

static void
take_welcome(struct peer *peer, const struct nt_frame *frame)
{
    struct subscription *sub;

    if (frame->version != NT_FRAME_VERSION) {
        nt_link_close(peer->link, "hub speaks version %lld of the protocol, not %d",
                      (long long) frame->version, NT_FRAME_VERSION);
        return;
    }
    nt_link_accept(peer->link);
    peer->welcomed = true;
    peer->welcomed_at = nt_mono_ms(peer->clock);
    LIST_FOR_EACH (sub, node, &peer->subscriptions) {
        subscribe(peer, sub);
    }
    nt_info("bus connected", "endpoint", peer->endpoint, "hub", frame->name, NULL);
}

static void
link_frame(struct nt_link *link, const struct nt_frame *frame, void *aux)
{
    struct peer *peer = aux;
    struct nt_bus_incoming in = { .topic = frame->topic,
                                  .host = frame->host,
                                  .fanout = frame->fanout,
                                  .msg_id = frame->call,
                                  .peer = frame->name ? frame->name : "",
                                  .program = frame->program ? frame->program : "",
                                  .body = frame->body };
    struct nt_err err;

    if (!peer->welcomed) {
        if (frame->kind == NT_FRAME_WELCOME) {
            take_welcome(peer, frame);
        } else {
            nt_link_close(link, "hub did not begin with a welcome");
        }
        return;
    }
    switch (frame->kind) {
    case NT_FRAME_REQUEST:
    case NT_FRAME_REPLY:
        nt_bus_receive(peer->up.bus, &in);
        break;
    case NT_FRAME_FAILED:
        nt_fail(&err, nt_code_from_name(frame->code), "%s", frame->message);
        nt_bus_fail_call(peer->up.bus, frame->call, &err);
        break;
    case NT_FRAME_HELLO:
    case NT_FRAME_WELCOME:
    case NT_FRAME_SUBSCRIBE:
    case NT_FRAME_PING:
    case NT_FRAME_PONG:
    default:
        nt_warn_rl("frame of a kind that only peers send", "from", peer->endpoint, NULL);
    }
}

static void
schedule(struct peer *peer)
{
    uint32_t r;

    nt_random_bytes(peer->random, "bus", &r, sizeof r);
    peer->next_try = nt_mono_ms(peer->clock) + peer->backoff / 2 + r % (peer->backoff / 2);
    peer->backoff = MIN(2 * peer->backoff, BACKOFF_MAX_MS);
}

static void
link_closed(struct nt_link *link, const char *reason, void *aux)
{
    struct peer *peer = aux;
    struct nt_err err;

    peer->link = NULL;
    if (!peer->welcomed) {
        nt_warn_rl("bus not connected", "endpoint", peer->endpoint, "reason", reason, NULL);
    } else {
        nt_warn_rl("bus connection lost", "endpoint", peer->endpoint, "reason", reason, NULL);
        if (nt_mono_ms(peer->clock) - peer->welcomed_at >= STABLE_MS) {
            peer->backoff = BACKOFF_MIN_MS;
        }
        peer->welcomed = false;
        nt_fail(&err, NT_UNAVAILABLE, "connection to %s lost: %s", peer->endpoint, reason);
        nt_bus_fail_calls(peer->up.bus, &err);
    }
    schedule(peer);
}

static const struct nt_link_events peer_events = { link_opened, link_frame, link_closed };

static int
open_socket(const struct nt_address *address, bool *connecting)
{
    int fd = socket(address->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -errno;
    }
    if (address->addr.ss_family != AF_UNIX) {
        nt_address_tune(fd);
    }
    *connecting = false;
    if (connect(fd, (const struct sockaddr *) &address->addr, address->len) < 0) {
        int e = errno;

        if (e != EINPROGRESS) {
            close(fd);
            return -e;
        }
        *connecting = true;
    }
    return fd;
}

static void
try_connect(struct peer *peer)
{
    bool connecting;
    int fd = open_socket(&peer->address, &connecting);

    if (fd < 0) {
        nt_warn_rl("bus not connected", "endpoint", peer->endpoint, "reason", strerror(-fd), NULL);
        schedule(peer);
        return;
    }

    SSL *ssl = peer->tls ? nt_tls_session(peer->tls, fd) : NULL;
    peer->link = nt_link_new(peer->links, fd, ssl, connecting, peer->endpoint, peer);
}

static int
not_connected(const struct peer *peer, struct nt_err *err)
{
    return nt_fail(err, NT_UNAVAILABLE, "not connected to %s", peer->endpoint);
}

static int
peer_send(struct nt_bus_transport *up, const struct nt_bus_message *msg, struct nt_err *err)
{
    struct peer *peer = peer_cast(up);
    struct nt_frame frame = { .kind = NT_FRAME_REQUEST,
                              .topic = msg->topic,
                              .host = msg->host,
                              .fanout = msg->fanout,
                              .call = msg->msg_id,
                              .timeout_ms = msg->timeout_ms,
                              .body = msg->body };

    if (!peer->welcomed) {
        return not_connected(peer, err);
    }
    return nt_link_send_frame(peer->link, &frame, err);
}

static int
peer_reply(struct nt_bus_transport *up, const struct nt_bus_message *msg, struct nt_err *err)
{
    struct peer *peer = peer_cast(up);
    struct nt_frame frame = { .kind = NT_FRAME_REPLY, .call = msg->msg_id, .body = msg->body };

    if (!peer->welcomed) {
        return not_connected(peer, err);
    }
    return nt_link_send_frame(peer->link, &frame, err);
}

static void
peer_serve(struct nt_bus_transport *up, const char *topic, const char *host, bool listens)
{
    struct peer *peer = peer_cast(up);
    struct subscription *sub = xzalloc(sizeof *sub);

    sub->topic = xstrdup(topic);
    sub->host = nullable_xstrdup(host);
    ovs_list_push_back(&peer->subscriptions, &sub->node);
    if (peer->welcomed) {
        subscribe(peer, sub);
    }
}

static bool
peer_is_connected(const struct nt_bus_transport *up)
{
    return peer_cast(up)->welcomed;
}

static void
peer_run(struct nt_bus_transport *up)
{
    struct peer *peer = peer_cast(up);

    if (!peer->link && nt_mono_ms(peer->clock) >= peer->next_try) {
        try_connect(peer);
    }
    nt_links_run(peer->links);
}

static void
peer_flush(struct nt_bus_transport *up)
{
    nt_links_flush(peer_cast(up)->links);
}

static void
peer_wait(struct nt_bus_transport *up)
{
    struct peer *peer = peer_cast(up);

    nt_links_wait(peer->links);
    if (!peer->link) {
        int64_t left = peer->next_try - nt_mono_ms(peer->clock);

        poll_timer_wait(MAX(left, 0));
    }
}

static void
peer_free(struct nt_bus_transport *up)
{
    struct peer *peer = peer_cast(up);
    struct subscription *sub;

    nt_links_free(peer->links);
    LIST_FOR_EACH_POP (sub, node, &peer->subscriptions) {
        free(sub->topic);
        free(sub->host);
        free(sub);
    }
    nt_tls_free(peer->tls);
    free(peer->name);
    free(peer->program);
    free(peer->endpoint);
    free(peer);
}

static const struct nt_bus_transport_class peer_class = {
    peer_send, peer_reply, peer_serve, peer_is_connected, peer_run, peer_flush,
    peer_wait, peer_free,  true,
};

int
nt_bus_peer_new(const struct nt_bus_options *options, const char *endpoint, struct nt_bus **out,
                struct nt_err *err)
{
    AUTO(nt_tls) tls = NULL;
    struct nt_address address;

    if (!strncmp(endpoint, "unix:", 5)) {
        if (nt_address_unix(endpoint + 5, &address, err) < 0) {
            return -1;
        }
    } else if (!strncmp(endpoint, "tcp:", 4)) {
        if (nt_address_tcp(endpoint + 4, &address, err) < 0
            || nt_tls_new(options->key_file, false, &tls, err) < 0) {
            return -1;
        }
    } else {
        return nt_fail(err, NT_INVALID,
                       "bus endpoint \"%s\" is neither unix:PATH nor tcp:ADDRESS:PORT", endpoint);
    }

    struct peer *peer = xzalloc(sizeof *peer);

    peer->up.class = &peer_class;
    peer->name = xstrdup(options->name);
    peer->program = xstrdup(options->program);
    peer->endpoint = xstrdup(endpoint);
    peer->clock = options->clock;
    peer->random = options->random;
    peer->address = address;
    peer->tls = TAKE(tls);
    peer->links = nt_links_new(options->clock, &peer_events);
    peer->backoff = BACKOFF_MIN_MS;
    peer->next_try = 0;
    ovs_list_init(&peer->subscriptions);
    *out = nt_bus_new(&peer->up, options->clock, options->random);
    return 0;
}
