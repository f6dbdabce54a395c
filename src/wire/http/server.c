#include <config.h>

#include "wire/http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/addr.h"
#include "openvswitch/json.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(http);

/* How a request lives.
 *
 * libmicrohttpd calls on_uri() with the request line, then on_request() several
 * times: once with the headers, once per piece of the body, once at its end.  At
 * the end the request goes to the handler.  If the answer is not there when the
 * handler returns, the connection is suspended; nt_http_reply() stores the answer
 * and resumes it, and on_request() is called once more to queue it.
 *
 * libmicrohttpd ends connections that are silent for too long, but one that sends
 * a byte now and then never is.  So each connection also has a point in time by
 * which its request must be complete, or its answer taken; past it the socket is
 * shut down, which libmicrohttpd sees as the client's leaving. */

enum phase {
    PHASE_IDLE,      /* Nothing of a request yet. */
    PHASE_RECEIVING, /* Request line seen, not complete. */
    PHASE_HANDLED,   /* With the handler: no limit of ours. */
    PHASE_SENDING,   /* Answer queued. */
};

struct conn {
    struct ovs_list node; /* In server's 'conns'. */
    int fd;               /* libmicrohttpd's. */
    enum phase phase;
    int64_t since; /* When 'phase' began. */
};

struct request {
    struct nt_http_request up; /* First: what the handler sees. */
    struct ovs_list node;      /* In server's 'requests'. */
    struct nt_http_server *server;
    struct MHD_Connection *mhd; /* NULL when it is gone. */
    struct nt_err target_err;   /* Why the target was refused, if it was. */
    struct MHD_Response *response;
    int status;
    size_t allocated; /* Of the body. */
    bool has_headers, is_handled, is_suspended, is_dead, is_queued, too_large;
};

struct nt_http_server {
    struct MHD_Daemon *daemon;
    struct nt_http_limits limits;
    const struct nt_clock *clock;
    nt_http_handler *handler;
    void *aux;
    int epoll_fd;
    uint16_t port;
    int64_t next_sweep;
    struct ovs_list conns, requests;
    size_t n_waiting;
    bool has_resumed;        /* Since the last MHD_run(); the library tells no one of those. */
    uint64_t n_answers[500]; /* By status, from 100. */
};

const struct nt_http_limits nt_http_default_limits = {
    .max_body = 1024 * 1024,
    .max_connections = 512,
    .max_per_address = 256,
    .timeout_s = 10,
};

/* A body that goes on beyond its limit is read and thrown away this many times the
 * limit, so that the client hears 413; then the connection is cut. */
#define DRAIN_FACTOR 4

/* How long a client may take over one answer. */
#define SEND_LIMIT_MS 60000

static struct conn *
conn_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

static void
enter_phase(struct nt_http_server *server, struct MHD_Connection *mhd, enum phase phase)
{
    struct conn *conn = conn_of(mhd);

    if (conn) {
        conn->phase = phase;
        conn->since = nt_mono_ms(server->clock);
    }
}

static void
on_connection(void *aux, struct MHD_Connection *mhd, void **context,
              enum MHD_ConnectionNotificationCode code)
{
    struct nt_http_server *server = aux;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
        struct conn *conn = xzalloc(sizeof *conn);

        conn->fd = info ? info->connect_fd : -1;
        conn->since = nt_mono_ms(server->clock);
        ovs_list_push_back(&server->conns, &conn->node);
        *context = conn;
    } else if (*context) {
        struct conn *conn = *context;

        ovs_list_remove(&conn->node);
        free(conn);
        *context = NULL;
    }
}

static void
request_free(struct request *req)
{
    ovs_list_remove(&req->node);
    if (req->response) {
        MHD_destroy_response(req->response);
    }
    nt_http_request_deinit(&req->up);
    free(req);
}

static void
request_reply(struct nt_http_request *up, const struct nt_http_answer *answer)
{
    struct request *req = (struct request *) up;

    NT_CRASHPOINT("http-reply");
    if (answer->status >= 100 && answer->status < 600) {
        req->server->n_answers[answer->status - 100]++;
    }
    if (req->is_handled) {
        req->server->n_waiting--;
    }
    if (req->is_dead) {
        request_free(req);
        return;
    }

    /* The library takes a pointer to non-const but copies. */
    char *body = (char *) (answer->body_len ? answer->body : "");
    req->response = MHD_create_response_from_buffer(answer->body_len, body, MHD_RESPMEM_MUST_COPY);
    req->status = answer->status;
    if (answer->content_type) {
        MHD_add_response_header(req->response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->content_type);
    }
    for (size_t i = 0; answer->headers && i < answer->headers->n; i++) {
        MHD_add_response_header(req->response, answer->headers->pairs[i].name,
                                answer->headers->pairs[i].value);
    }
    if (req->is_suspended) {
        req->is_suspended = false;
        req->server->has_resumed = true;
        MHD_resume_connection(req->mhd);
    }
}

/* {"error": {"code": STATUS, "message": TEXT}}: clients of every door can read it. */
static void
refuse(struct request *req, int status, const char *text)
{
    struct json *error = json_object_create();
    struct json *outer = json_object_create();

    json_object_put(error, "code", json_integer_create(status));
    json_object_put_string(error, "message", text);
    json_object_put(outer, "error", error);

    AUTO_FREE char *body = json_to_string(outer, JSSF_SORT);
    json_destroy(outer);
    nt_http_reply(&req->up, status, "application/json", body, strlen(body));
}

static void *
on_uri(void *aux, const char *uri, struct MHD_Connection *mhd)
{
    struct nt_http_server *server = aux;
    struct request *req = xzalloc(sizeof *req);

    nt_http_request_init(&req->up);
    req->up.reply = request_reply;
    req->server = server;
    req->mhd = mhd;
    ovs_list_push_back(&server->requests, &req->node);
    if (nt_http_target_parse(&req->up, uri, &req->target_err) == 0) {
        req->target_err.code = NT_OK;
    }
    enter_phase(server, mhd, PHASE_RECEIVING);
    return req;
}

static void
on_completed(void *aux, struct MHD_Connection *mhd, void **context,
             enum MHD_RequestTerminationCode code)
{
    struct nt_http_server *server = aux;
    struct request *req = *context;

    enter_phase(server, mhd, PHASE_IDLE);
    if (!req) {
        return;
    }
    *context = NULL;
    if (req->is_handled && !req->up.is_replied) {
        /* The client left; the handler still holds the request. */
        req->is_dead = true;
        req->mhd = NULL;
        return;
    }
    request_free(req);
}

static enum MHD_Result
add_header(void *aux, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct request *req = aux;

    nt_http_pairs_add(&req->up.headers, name, value ? value : "");
    return MHD_YES;
}

static uint32_t
peer_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    if (!info || !info->client_addr || info->client_addr->sa_family != AF_INET) {
        return 0;
    }
    return ntohl(((const struct sockaddr_in *) (const void *) info->client_addr)->sin_addr.s_addr);
}

/* What is wrong with the framing the headers announce; NULL: nothing.  A body with
 * two lengths is the classic way to make two readers see different requests. */
static const char *
framing_fault(const struct nt_http_request *up)
{
    unsigned n_lengths = 0, n_codings = 0;

    for (size_t i = 0; i < up->headers.n; i++) {
        const struct nt_http_pair *h = &up->headers.pairs[i];

        if (!strcasecmp(h->name, "content-length")) {
            n_lengths++;
            if (!h->value[0] || h->value[strspn(h->value, "0123456789")]) {
                return "bad Content-Length";
            }
        } else if (!strcasecmp(h->name, "transfer-encoding")) {
            n_codings++;
            if (strcasecmp(h->value, "chunked")) {
                return "unknown Transfer-Encoding";
            }
        }
    }
    return n_lengths + n_codings > 1 ? "more than one body length" : NULL;
}

/* The headers are there.  An answer given here cuts the body off and closes. */
static void
check_headers(struct request *req, const char *method)
{
    req->has_headers = true;
    req->up.method = xstrdup(method);
    req->up.peer = peer_of(req->mhd);
    MHD_get_connection_values(req->mhd, MHD_HEADER_KIND, add_header, req);

    const char *fault = framing_fault(&req->up);
    const char *length = nt_http_header(&req->up, "content-length");

    if (fault) {
        nt_http_answer_header(&req->up, MHD_HTTP_HEADER_CONNECTION, "close");
        refuse(req, MHD_HTTP_BAD_REQUEST, fault);
    } else if (length && strtoull(length, NULL, 10) > req->server->limits.max_body) {
        nt_http_answer_header(&req->up, MHD_HTTP_HEADER_CONNECTION, "close");
        refuse(req, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too large");
    }
}

/* Adds a piece of the body.  False: enough is enough, cut the connection. */
static bool
take_piece(struct request *req, const char *data, size_t len)
{
    size_t max = req->server->limits.max_body;

    if (req->too_large || req->up.body_len + len > max) {
        req->too_large = true;
        req->up.body_len += len;
        return req->up.body_len <= DRAIN_FACTOR * (max + 4096);
    }
    while (req->up.body_len + len + 1 > req->allocated) {
        req->up.body = x2nrealloc(req->up.body, &req->allocated, 1);
        if (req->allocated < 1024) {
            req->allocated = 1024;
            req->up.body = xrealloc(req->up.body, req->allocated);
        }
    }
    memcpy(req->up.body + req->up.body_len, data, len);
    req->up.body_len += len;
    req->up.body[req->up.body_len] = '\0';
    return true;
}

static void
dispatch(struct request *req)
{
    struct nt_http_server *server = req->server;

    if (req->target_err.code) {
        refuse(req, MHD_HTTP_BAD_REQUEST, req->target_err.msg);
        return;
    }
    if (req->too_large) {
        refuse(req, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too large");
        return;
    }
    req->is_handled = true;
    server->n_waiting++;
    enter_phase(server, req->mhd, PHASE_HANDLED);
    server->handler(server->aux, &req->up);
}

static enum MHD_Result
queue_answer(struct request *req, struct MHD_Connection *mhd)
{
    req->is_queued = true;
    enter_phase(req->server, mhd, PHASE_SENDING);
    return MHD_queue_response(mhd, req->status, req->response);
}

static enum MHD_Result
on_request(void *aux, struct MHD_Connection *mhd, const char *url, const char *method,
           const char *version, const char *data, size_t *data_len, void **context)
{
    struct request *req = *context;

    if (!req || req->is_queued) {
        return req ? MHD_YES : MHD_NO;
    }
    if (!req->has_headers) {
        check_headers(req, method);
        return req->response ? queue_answer(req, mhd) : MHD_YES;
    }
    if (*data_len) {
        bool ok = take_piece(req, data, *data_len);
        *data_len = 0;
        return ok ? MHD_YES : MHD_NO;
    }
    if (!req->up.is_replied && !req->is_handled) {
        dispatch(req);
    }
    if (req->response) {
        return queue_answer(req, mhd);
    }
    req->is_suspended = true;
    MHD_suspend_connection(mhd);
    return MHD_YES;
}

/* Paths are decoded by nt_http_target_parse(), from the raw target. */
static size_t
keep_escapes(void *aux, struct MHD_Connection *mhd, char *s)
{
    return strlen(s);
}

static void
log_mhd(void *aux, const char *fmt, va_list args)
{
    char line[256];

    /* The format is the library's own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    vsnprintf(line, sizeof line, fmt, args);
#pragma GCC diagnostic pop
    line[strcspn(line, "\r\n")] = '\0';
    nt_debug("libmicrohttpd", "text", line, NULL);
}

static int
listen_at(const char *address, uint16_t port, uint16_t *bound, struct nt_err *err)
{
    struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(port) };
    socklen_t len = sizeof sin;
    uint32_t ip;
    int on = 1;

    if (!nt_ip4_parse(address, &ip)) {
        return nt_fail(err, NT_INVALID, "cannot listen on '%s': not an IPv4 address", address);
    }
    sin.sin_addr.s_addr = htonl(ip);

    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0
        || bind(fd, (struct sockaddr *) &sin, sizeof sin) < 0 || listen(fd, 511) < 0
        || getsockname(fd, (struct sockaddr *) &sin, &len) < 0) {
        int error = errno;

        if (fd >= 0) {
            close(fd);
        }
        return nt_fail_errno(err, error, "cannot listen on %s:%u", address, port);
    }
    *bound = ntohs(sin.sin_port);
    return fd;
}

static struct MHD_Daemon *
start_daemon(struct nt_http_server *server, int fd)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;

    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, log_mhd, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, on_uri, server,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, server, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
        MHD_OPTION_CONNECTION_LIMIT, server->limits.max_connections,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, server->limits.max_per_address,
        MHD_OPTION_CONNECTION_TIMEOUT, server->limits.timeout_s, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_END);
}

int
nt_http_server_new(const struct nt_http_options *options, struct nt_http_server **out,
                   struct nt_err *err)
{
    uint16_t port = 0;
    int fd = listen_at(options->address, options->port, &port, err);

    if (fd < 0) {
        return -1;
    }

    struct nt_http_server *server = xzalloc(sizeof *server);
    server->limits = options->limits;
    server->clock = options->clock;
    server->handler = options->handler;
    server->aux = options->aux;
    server->port = port;
    ovs_list_init(&server->conns);
    ovs_list_init(&server->requests);
    server->daemon = start_daemon(server, fd);

    const union MHD_DaemonInfo *info =
        server->daemon ? MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info) {
        if (server->daemon) {
            MHD_stop_daemon(server->daemon);
        } else {
            close(fd);
        }
        free(server);
        return nt_fail(err, NT_FAULT, "cannot start the HTTP server on %s:%u", options->address,
                       port);
    }
    server->epoll_fd = info->epoll_fd;
    *out = server;
    return 0;
}

void
nt_http_server_free(struct nt_http_server *server)
{
    struct request *req, *next;

    if (!server) {
        return;
    }
    LIST_FOR_EACH_SAFE (req, next, node, &server->requests) {
        if (req->is_handled && !req->up.is_replied) {
            refuse(req, MHD_HTTP_SERVICE_UNAVAILABLE, "the server stops");
        }
    }
    MHD_stop_daemon(server->daemon);
    free(server);
}

uint16_t
nt_http_server_port(const struct nt_http_server *server)
{
    return server->port;
}

uint64_t
nt_http_server_n_answers(const struct nt_http_server *server, int status)
{
    return status >= 100 && status < 600 ? server->n_answers[status - 100] : 0;
}

size_t
nt_http_server_n_waiting(const struct nt_http_server *server)
{
    return server->n_waiting;
}

static bool
is_overdue(const struct nt_http_server *server, const struct conn *conn, int64_t now)
{
    switch (conn->phase) {
    case PHASE_IDLE:
    case PHASE_RECEIVING:
        return now - conn->since > server->limits.timeout_s * 1000;
    case PHASE_SENDING:
        return now - conn->since > SEND_LIMIT_MS;
    case PHASE_HANDLED:
        break;
    }
    return false;
}

static void
sweep(struct nt_http_server *server)
{
    int64_t now = nt_mono_ms(server->clock);
    struct conn *conn;

    if (now < server->next_sweep) {
        return;
    }
    server->next_sweep = now + 1000;
    LIST_FOR_EACH (conn, node, &server->conns) {
        if (conn->fd >= 0 && is_overdue(server, conn, now)) {
            shutdown(conn->fd, SHUT_RDWR);
            conn->fd = -1;
        }
    }
}

void
nt_http_server_run(struct nt_http_server *server)
{
    server->has_resumed = false;
    MHD_run(server->daemon);
    sweep(server);
}

void
nt_http_server_wait(struct nt_http_server *server)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;

    poll_fd_wait(server->epoll_fd, POLLIN);
    if (MHD_get_timeout(server->daemon, &timeout_ms) == MHD_YES) {
        poll_timer_wait(timeout_ms);
    }
    if (server->has_resumed) {
        poll_immediate_wake();
    }
    if (!ovs_list_is_empty(&server->conns)) {
        poll_timer_wait(1000);
    }
}
