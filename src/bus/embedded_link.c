#include <config.h>

#include "bus/embedded_link.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "bus/embedded_tls.h"
#include "openvswitch/json.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(nt_bus_link);

/* What one link may take of one turn. */
#define READ_BUDGET (64u << 10)
#define WRITE_BUDGET (256u << 10)

/* As much as one TLS record holds.  A write that OpenSSL wants repeated must find
 * the same bytes again: they are always gathered from the head of the queue, which
 * only grows. */
#define CHUNK 16384

/* Deadlines are looked at this often at most. */
#define TICK_MS 1000

enum state {
    CONNECTING,
    HANDSHAKE,
    OPEN,
    DEAD,
};

struct nt_link {
    struct ovs_list node;       /* In 'all' or 'dead'. */
    struct ovs_list ready_node; /* In 'ready': to be read though no event may come. */
    struct ovs_list dirty_node; /* In 'dirty': to be written. */
    bool is_ready, is_dirty;
    struct nt_links *links;
    void *aux;
    enum state state;
    int fd;
    SSL *ssl;
    struct nt_epoll_fd *watch;
    char *who;
    char reason[256]; /* Why it died. */
    struct nt_frame_decoder *decoder;

    struct nt_frame_buf **queue; /* Ring: 'n' entries from 'head' on, 'done' bytes of the first. */
    size_t size, head, n, done;
    size_t queued; /* Bytes in the queue. */

    bool accepted;
    int64_t born, last_rx, pinged; /* 'pinged': 0 when not since 'last_rx'. */
};

struct nt_links {
    const struct nt_clock *clock;
    const struct nt_link_events *events;
    struct nt_epoll *epoll;
    struct ovs_list all, dead, ready, dirty;
    int64_t next_tick;
    struct nt_frame_buf *ping, *pong;
};

static struct nt_frame_buf *
control_frame(enum nt_frame_kind kind)
{
    struct nt_frame frame = { .kind = kind };
    struct nt_frame_buf *buf = NULL;

    if (nt_frame_encode(&frame, &buf, NULL) < 0) {
        ovs_abort(0, "control frame too large");
    }
    return buf;
}

struct nt_links *
nt_links_new(const struct nt_clock *clock, const struct nt_link_events *events)
{
    struct nt_links *links = xzalloc(sizeof *links);

    links->clock = clock;
    links->events = events;
    links->epoll = nt_epoll_new();
    ovs_list_init(&links->all);
    ovs_list_init(&links->dead);
    ovs_list_init(&links->ready);
    ovs_list_init(&links->dirty);
    links->next_tick = INT64_MAX;
    links->ping = control_frame(NT_FRAME_PING);
    links->pong = control_frame(NT_FRAME_PONG);
    return links;
}

struct nt_epoll *
nt_links_epoll(struct nt_links *links)
{
    return links->epoll;
}

const char *
nt_link_who(const struct nt_link *link)
{
    return link->who;
}

static void
set_ready(struct nt_link *link, bool ready)
{
    if (ready && !link->is_ready) {
        ovs_list_push_back(&link->links->ready, &link->ready_node);
    } else if (!ready && link->is_ready) {
        ovs_list_remove(&link->ready_node);
    }
    link->is_ready = ready;
}

static void
set_dirty(struct nt_link *link, bool dirty)
{
    if (dirty && !link->is_dirty) {
        ovs_list_push_back(&link->links->dirty, &link->dirty_node);
    } else if (!dirty && link->is_dirty) {
        ovs_list_remove(&link->dirty_node);
    }
    link->is_dirty = dirty;
}

void
nt_link_close(struct nt_link *link, const char *fmt, ...)
{
    va_list args;

    if (link->state == DEAD) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(link->reason, sizeof link->reason, fmt, args);
    va_end(args);
    link->state = DEAD;
    set_ready(link, false);
    set_dirty(link, false);
    nt_epoll_remove(link->watch);
    link->watch = NULL;
    ovs_list_remove(&link->node);
    ovs_list_push_back(&link->links->dead, &link->node);
}

static void
link_free(struct nt_link *link)
{
    set_ready(link, false);
    set_dirty(link, false);
    nt_epoll_remove(link->watch);
    if (link->ssl) {
        ERR_clear_error();
        if (link->state == OPEN) {
            SSL_shutdown(link->ssl);
        }
        SSL_free(link->ssl);
    }
    shutdown(link->fd, SHUT_WR);
    close(link->fd);
    for (size_t i = 0; i < link->n; i++) {
        nt_frame_buf_drop(link->queue[(link->head + i) % link->size]);
    }
    free(link->queue);
    nt_frame_decoder_free(link->decoder);
    free(link->who);
    free(link);
}

void
nt_links_free(struct nt_links *links)
{
    if (links) {
        struct nt_link *link;

        nt_links_flush(links);
        LIST_FOR_EACH_POP (link, node, &links->all) {
            link_free(link);
        }
        nt_epoll_free(links->epoll);
        nt_frame_buf_drop(links->ping);
        nt_frame_buf_drop(links->pong);
        free(links);
    }
}

/* Sending. */

static void
queue_grow(struct nt_link *link)
{
    size_t size = link->size ? 2 * link->size : 8;
    struct nt_frame_buf **queue = xmalloc(size * sizeof *queue);

    for (size_t i = 0; i < link->n; i++) {
        queue[i] = link->queue[(link->head + i) % link->size];
    }
    free(link->queue);
    link->queue = queue;
    link->size = size;
    link->head = 0;
}

void
nt_link_send(struct nt_link *link, struct nt_frame_buf *buf)
{
    if (link->state == DEAD) {
        return;
    }
    if (link->queued + buf->len > NT_LINK_MAX_QUEUE) {
        nt_link_close(link, "does not read: %zu bytes wait to be sent", link->queued);
        return;
    }
    NT_CRASHPOINT("bus-send");
    if (link->n == link->size) {
        queue_grow(link);
    }
    link->queue[(link->head + link->n++) % link->size] = buf;
    link->queued += buf->len;
    buf->n_refs++;
    if (link->state == OPEN) {
        set_dirty(link, true);
    }
}

int
nt_link_send_frame(struct nt_link *link, const struct nt_frame *frame, struct nt_err *err)
{
    struct nt_frame_buf *buf = NULL;

    if (nt_frame_encode(frame, &buf, err) < 0) {
        return -1;
    }
    nt_link_send(link, buf);
    nt_frame_buf_drop(buf);
    return 0;
}

/* Copies up to CHUNK bytes from the head of the queue. */
static size_t
gather(const struct nt_link *link, char chunk[CHUNK])
{
    size_t skip = link->done;
    size_t len = 0;

    for (size_t i = 0; i < link->n && len < CHUNK; i++) {
        const struct nt_frame_buf *buf = link->queue[(link->head + i) % link->size];
        size_t n = MIN(buf->len - skip, CHUNK - len);

        memcpy(chunk + len, buf->data + skip, n);
        len += n;
        skip = 0;
    }
    return len;
}

static void
consume(struct nt_link *link, size_t len)
{
    link->queued -= len;
    link->done += len;
    while (link->n && link->done >= link->queue[link->head]->len) {
        link->done -= link->queue[link->head]->len;
        nt_frame_buf_drop(link->queue[link->head]);
        link->head = (link->head + 1) % link->size;
        link->n--;
    }
}

/* What 'rc' of an OpenSSL call asks for, as events; 0 and the link dead: failed. */
static unsigned
tls_wants(struct nt_link *link, int rc, const char *doing)
{
    int e = errno;

    switch (SSL_get_error(link->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        return EPOLLIN;
    case SSL_ERROR_WANT_WRITE:
        return EPOLLIN | EPOLLOUT;
    case SSL_ERROR_ZERO_RETURN:
        nt_link_close(link, "closed by the other side");
        return 0;
    case SSL_ERROR_SYSCALL:
        nt_link_close(link, "%s: %s", doing, e ? strerror(e) : "connection closed");
        ERR_clear_error();
        return 0;
    default:
        nt_link_close(link, "%s: %s", doing, nt_tls_error());
        return 0;
    }
}

/* Bytes written, 0 when it would block; dead when it failed. */
static size_t
write_some(struct nt_link *link, const char *data, size_t len)
{
    if (link->ssl) {
        ERR_clear_error();
        errno = 0;

        int n = SSL_write(link->ssl, data, len);
        if (n > 0) {
            return n;
        }

        unsigned events = tls_wants(link, n, "cannot send");
        if (link->state != DEAD) {
            nt_epoll_set(link->watch, events);
        }
        return 0;
    }

    ssize_t n = send(link->fd, data, len, MSG_NOSIGNAL);
    if (n > 0) {
        return n;
    }
    if (errno != EAGAIN && errno != EINTR) {
        nt_link_close(link, "cannot send: %s", strerror(errno));
    } else {
        nt_epoll_set(link->watch, EPOLLIN | EPOLLOUT);
    }
    return 0;
}

/* Stays dirty when the budget is used up before the queue is. */
static void
link_flush(struct nt_link *link)
{
    char chunk[CHUNK];
    size_t total = 0;

    while (link->n && total < WRITE_BUDGET) {
        NT_CRASHPOINT("bus-flush");

        size_t n = write_some(link, chunk, gather(link, chunk));

        if (link->state == DEAD) {
            return;
        }
        if (!n) {
            set_dirty(link, false);
            return;
        }
        NT_CRASHPOINT("bus-flushed");
        consume(link, n);
        total += n;
    }
    if (!link->n) {
        set_dirty(link, false);
    }
}

/* Receiving. */

static void
take_frame(struct nt_link *link, const struct json *json)
{
    struct nt_frame frame;
    struct nt_err err;

    if (nt_frame_parse(json, &frame, &err) < 0) {
        nt_warn_rl("frame refused", "from", link->who, "reason", err.msg, NULL);
    } else if (frame.kind == NT_FRAME_PING) {
        nt_link_send(link, link->links->pong);
    } else if (frame.kind != NT_FRAME_PONG) {
        link->links->events->frame(link, &frame, link->aux);
    }
}

static void
take_bytes(struct nt_link *link, const char *data, size_t len)
{
    link->last_rx = nt_mono_ms(link->links->clock);
    link->pinged = 0;
    while (len && link->state == OPEN) {
        struct json *json = NULL;
        struct nt_err err;
        size_t used = 0;

        switch (nt_frame_decoder_feed(link->decoder, data, len, &used, &json, &err)) {
        case NT_FRAME_READY:
            take_frame(link, json);
            json_destroy(json);
            break;
        case NT_FRAME_BAD:
            nt_warn_rl("frame refused", "from", link->who, "reason", err.msg, NULL);
            break;
        case NT_FRAME_REFUSED:
            nt_link_close(link, "%s", err.msg);
            break;
        case NT_FRAME_MORE:
        default:
            break;
        }
        data += used;
        len -= used;
    }
}

/* Bytes read, 0 when there are none; dead at the end or on failure. */
static size_t
read_some(struct nt_link *link, char *buf, size_t size)
{
    if (link->ssl) {
        ERR_clear_error();
        errno = 0;

        int n = SSL_read(link->ssl, buf, size);
        if (n > 0) {
            return n;
        }

        unsigned events = tls_wants(link, n, "cannot receive");
        if (events & EPOLLOUT) {
            nt_epoll_set(link->watch, events);
        }
        return 0;
    }

    ssize_t n = recv(link->fd, buf, size, 0);
    if (n > 0) {
        return n;
    }
    if (!n) {
        nt_link_close(link, "closed by the other side");
    } else if (errno != EAGAIN && errno != EINTR) {
        nt_link_close(link, "cannot receive: %s", strerror(errno));
    }
    return 0;
}

static void
link_read(struct nt_link *link)
{
    char buf[CHUNK];
    size_t total = 0;

    while (link->state == OPEN && total < READ_BUDGET) {
        size_t n = read_some(link, buf, sizeof buf);

        if (!n) {
            return;
        }
        take_bytes(link, buf, n);
        total += n;
        if (!link->ssl && n < sizeof buf) {
            /* The rest, if any, raises its own event. */
            return;
        }
    }
    /* OpenSSL may hold bytes for which the kernel raises no event. */
    if (link->state == OPEN) {
        set_ready(link, true);
    }
}

/* Coming up. */

static void
link_open(struct nt_link *link)
{
    link->state = OPEN;
    nt_epoll_set(link->watch, EPOLLIN);
    link->links->events->opened(link, link->aux);
    if (link->state == OPEN) {
        set_dirty(link, link->n > 0);
        set_ready(link, true);
    }
}

static void
link_handshake(struct nt_link *link)
{
    ERR_clear_error();
    errno = 0;

    int rc = SSL_do_handshake(link->ssl);
    if (rc == 1) {
        if (nt_tls_is_proved(link->ssl)) {
            link_open(link);
        } else {
            nt_link_close(link, "TLS handshake: key not proved");
        }
        return;
    }

    unsigned events = tls_wants(link, rc, "TLS handshake");
    if (link->state != DEAD) {
        nt_epoll_set(link->watch, events);
    }
}

/* connect(2) has ended, or there was none to wait for. */
static void
link_connected(struct nt_link *link)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0) {
        error = errno;
    }
    if (error) {
        nt_link_close(link, "cannot connect: %s", strerror(error));
    } else if (link->ssl) {
        link->state = HANDSHAKE;
        link_handshake(link);
    } else {
        link_open(link);
    }
}

static void
link_run(struct nt_link *link)
{
    switch (link->state) {
    case CONNECTING:
        link_connected(link);
        break;
    case HANDSHAKE:
        link_handshake(link);
        break;
    case OPEN:
        link_read(link);
        break;
    case DEAD:
    default:
        break;
    }
}

static void
link_event(void *link_, unsigned events)
{
    struct nt_link *link = link_;

    if (link->state == OPEN && events & EPOLLOUT) {
        nt_epoll_set(link->watch, EPOLLIN);
        set_dirty(link, link->n > 0);
    }
    if (link->state != OPEN || events & ~EPOLLOUT) {
        link_run(link);
    }
}

struct nt_link *
nt_link_new(struct nt_links *links, int fd, SSL *ssl, bool connecting, const char *who, void *aux)
{
    struct nt_link *link = xzalloc(sizeof *link);

    link->links = links;
    link->aux = aux;
    link->fd = fd;
    link->ssl = ssl;
    link->who = xstrdup(who);
    link->state = CONNECTING;
    link->decoder = nt_frame_decoder_new(NT_FRAME_MAX_STRANGER);
    link->born = nt_mono_ms(links->clock);
    link->last_rx = link->born;
    ovs_list_push_back(&links->all, &link->node);
    link->watch = nt_epoll_add(links->epoll, fd, connecting ? EPOLLOUT : 0, link_event, link);
    if (!connecting) {
        set_ready(link, true);
    }
    links->next_tick = MIN(links->next_tick, link->born + NT_LINK_STRANGER_MS);
    return link;
}

void
nt_link_accept(struct nt_link *link)
{
    link->accepted = true;
    nt_frame_decoder_set_max(link->decoder, NT_FRAME_MAX);
}

/* Deadlines. */

/* Acts on what is due; returns when to look again. */
static int64_t
link_tick(struct nt_link *link, int64_t now)
{
    if (!link->accepted) {
        if (now - link->born >= NT_LINK_STRANGER_MS) {
            nt_link_close(link, "%s in time",
                          link->state == OPEN         ? "no hello"
                          : link->state == CONNECTING ? "not connected"
                                                      : "no TLS handshake");
        }
        return link->born + NT_LINK_STRANGER_MS;
    }
    if (now - link->last_rx < NT_LINK_PING_MS) {
        return link->last_rx + NT_LINK_PING_MS;
    }
    /* Silent only counts once it was asked: this program may have stood still. */
    if (!link->pinged) {
        link->pinged = now;
        nt_link_send(link, link->links->ping);
    }

    int64_t dead =
        MAX(link->pinged + NT_LINK_DEAD_MS - NT_LINK_PING_MS, link->last_rx + NT_LINK_DEAD_MS);
    if (now >= dead) {
        nt_link_close(link, "silent for %lld s", (long long) (now - link->last_rx) / 1000);
    }
    return dead;
}

static void
tick(struct nt_links *links)
{
    int64_t now = nt_mono_ms(links->clock);
    int64_t next = INT64_MAX;
    struct nt_link *link;

    if (now < links->next_tick) {
        return;
    }
    LIST_FOR_EACH_SAFE (link, node, &links->all) {
        next = MIN(next, link_tick(link, now));
    }
    links->next_tick = ovs_list_is_empty(&links->all) ? INT64_MAX : MAX(next, now + TICK_MS);
}

static void
reap(struct nt_links *links)
{
    struct nt_link *link;

    /* 'closed' may send on other links, and kill them. */
    LIST_FOR_EACH_POP (link, node, &links->dead) {
        links->events->closed(link, link->reason, link->aux);
        ovs_list_init(&link->node);
        link_free(link);
    }
}

static void
run_ready(struct nt_links *links)
{
    size_t n = ovs_list_size(&links->ready);

    while (n-- && !ovs_list_is_empty(&links->ready)) {
        struct nt_link *link =
            CONTAINER_OF(ovs_list_front(&links->ready), struct nt_link, ready_node);

        set_ready(link, false);
        link_run(link);
    }
}

void
nt_links_run(struct nt_links *links)
{
    run_ready(links);
    nt_epoll_run(links->epoll);
    tick(links);
    reap(links);
}

void
nt_links_flush(struct nt_links *links)
{
    struct nt_link *link;

    LIST_FOR_EACH_SAFE (link, dirty_node, &links->dirty) {
        link_flush(link);
    }
    reap(links);
}

void
nt_links_wait(struct nt_links *links)
{
    nt_epoll_wait(links->epoll);
    if (!ovs_list_is_empty(&links->ready) || !ovs_list_is_empty(&links->dirty)
        || !ovs_list_is_empty(&links->dead)) {
        poll_immediate_wake();
    } else if (links->next_tick != INT64_MAX) {
        int64_t left = links->next_tick - nt_mono_ms(links->clock);

        poll_timer_wait(MAX(left, 0));
    }
}
