#include <config.h>

#include "wire/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/child.h"
#include "base/mem.h"
#include "openvswitch/poll-loop.h"

#define MAX_ADDRESSES 8
#define LOOKUP_MS 10000
#define CONNECT_MS 5000

enum state {
    LOOKUP,
    CONNECT,
    HANDSHAKE,
    UP,
    FAILED,
};

struct address {
    struct sockaddr_storage addr;
    socklen_t len;
};

struct nt_dial_tls {
    SSL_CTX *ctx;
    bool verify;
};

struct nt_dial {
    enum state state;
    char *host;
    unsigned port;
    struct nt_dial_tls *tls;
    const struct nt_clock *clock;
    struct nt_children *children; /* While looking up. */
    struct address addresses[MAX_ADDRESSES];
    size_t n_addresses, next;
    int fd;
    SSL *ssl;
    short wants; /* What a step is waiting for: POLLIN, POLLOUT. */
    bool write_wants_read;
    int64_t deadline;  /* Of the step under way. */
    struct nt_err err; /* Why the last address failed. */
};

/* TLS. */

static const char *
tls_reason(void)
{
    unsigned long code = ERR_get_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    return reason ? reason : "connection closed";
}

static bool
is_given(const char *file)
{
    return file && *file;
}

static int
load_files(SSL_CTX *ctx, const struct nt_dial_tls_options *options, struct nt_err *err)
{
    if (is_given(options->authority_file)) {
        if (!SSL_CTX_load_verify_locations(ctx, options->authority_file, NULL)) {
            return nt_fail(err, NT_INVALID, "cannot read certificates of authorities from %s: %s",
                           options->authority_file, tls_reason());
        }
    } else if (!SSL_CTX_set_default_verify_paths(ctx)) {
        return nt_fail(err, NT_INVALID, "no certificates of authorities: %s", tls_reason());
    }
    if (is_given(options->certificate_file)
        && SSL_CTX_use_certificate_chain_file(ctx, options->certificate_file) != 1) {
        return nt_fail(err, NT_INVALID, "cannot read certificate %s: %s", options->certificate_file,
                       tls_reason());
    }
    if (is_given(options->key_file)
        && SSL_CTX_use_PrivateKey_file(ctx, options->key_file, SSL_FILETYPE_PEM) != 1) {
        return nt_fail(err, NT_INVALID, "cannot read key %s: %s", options->key_file, tls_reason());
    }
    return 0;
}

int
nt_dial_tls_new(const struct nt_dial_tls_options *options, struct nt_dial_tls **out,
                struct nt_err *err)
{
    AUTO(nt_dial_tls) tls = xzalloc(sizeof *tls);

    ERR_clear_error();
    tls->verify = options->verify;
    tls->ctx = SSL_CTX_new(TLS_client_method());
    if (!tls->ctx || !SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION)) {
        return nt_fail(err, NT_FAULT, "cannot set up TLS: %s", tls_reason());
    }
    /* The output buffer grows between attempts, and moves. */
    SSL_CTX_set_mode(tls->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_verify(tls->ctx, tls->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    if (load_files(tls->ctx, options, err) < 0) {
        return -1;
    }
    *out = TAKE(tls);
    return 0;
}

void
nt_dial_tls_free(struct nt_dial_tls *tls)
{
    if (tls) {
        SSL_CTX_free(tls->ctx);
        free(tls);
    }
}

/* The session, which accepts only a certificate for the host's name or address. */
static SSL *
new_session(const struct nt_dial *d)
{
    SSL *ssl = SSL_new(d->tls->ctx);
    uint8_t binary[sizeof(struct in6_addr)];
    bool is_address =
        inet_pton(AF_INET, d->host, binary) == 1 || inet_pton(AF_INET6, d->host, binary) == 1;
    bool ok = ssl && SSL_set_fd(ssl, d->fd);

    if (ok && is_address) {
        ok = !d->tls->verify || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), d->host);
    } else if (ok) {
        ok = SSL_set_tlsext_host_name(ssl, d->host)
             && (!d->tls->verify || SSL_set1_host(ssl, d->host));
    }
    if (!ok) {
        ovs_abort(0, "out of memory for TLS");
    }
    SSL_set_connect_state(ssl);
    return ssl;
}

/* Looking up. */

static void
add_address(struct nt_dial *d, const char *text)
{
    struct address *a = &d->addresses[d->n_addresses];
    struct sockaddr_in *in4 = (struct sockaddr_in *) &a->addr;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *) &a->addr;

    if (d->n_addresses == MAX_ADDRESSES) {
        return;
    }
    memset(a, 0, sizeof *a);
    if (inet_pton(AF_INET, text, &in4->sin_addr) == 1) {
        in4->sin_family = AF_INET;
        in4->sin_port = htons(d->port);
        a->len = sizeof *in4;
    } else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(d->port);
        a->len = sizeof *in6;
    } else {
        return;
    }
    d->n_addresses++;
}

/* getent prints each address several times, once per kind of socket. */
static void
looked_up(void *d_, const struct nt_child_result *result)
{
    struct nt_dial *d = d_;
    char *save = NULL;

    for (char *line = strtok_r(result->out, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        line[strcspn(line, " \t")] = '\0';
        if (strstr(line + strlen(line) + 1, "STREAM")) {
            add_address(d, line);
        }
    }
    d->state = CONNECT;
    if (!d->n_addresses) {
        nt_fail(&d->err, NT_UNAVAILABLE, "no address for host %.200s", d->host);
    }
}

static void
look_up(struct nt_dial *d)
{
    const char *const argv[] = { "getent", "ahosts", d->host, NULL };
    const struct nt_child_opts opts = { .argv = argv, .timeout_ms = LOOKUP_MS };
    struct nt_child *child;

    add_address(d, d->host);
    if (d->n_addresses) {
        d->state = CONNECT;
        return;
    }
    d->children = nt_children_new(d->clock);
    if (nt_child_start(d->children, &opts, looked_up, d, &child, &d->err) < 0) {
        d->state = CONNECT;
    }
}

struct nt_dial *
nt_dial_new(const char *host, unsigned port, struct nt_dial_tls *tls, const struct nt_clock *clock)
{
    struct nt_dial *d = xzalloc(sizeof *d);

    d->state = LOOKUP;
    d->host = xstrdup(host);
    d->port = port;
    d->tls = tls;
    d->clock = clock;
    d->fd = -1;
    look_up(d);
    return d;
}

static void
hang_up(struct nt_dial *d)
{
    if (d->ssl) {
        ERR_clear_error();
        if (d->state == UP) {
            SSL_shutdown(d->ssl);
        }
        SSL_free(d->ssl);
        d->ssl = NULL;
    }
    if (d->fd >= 0) {
        close(d->fd);
        d->fd = -1;
    }
}

void
nt_dial_free(struct nt_dial *d)
{
    if (d) {
        hang_up(d);
        nt_children_free(d->children);
        free(d->host);
        free(d);
    }
}

/* Connecting. */

/* Gives this address up. */
static void NT_PRINTF(2, 3) give_up(struct nt_dial *d, const char *fmt, ...)
{
    va_list args;
    char why[200];

    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    nt_fail(&d->err, NT_UNAVAILABLE, "%s", why);
    hang_up(d);
    d->state = CONNECT;
}

static void
begin_connect(struct nt_dial *d)
{
    const struct address *a = &d->addresses[d->next++];
    int one = 1;

    d->fd = socket(a->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (d->fd < 0) {
        give_up(d, "cannot make a socket: %s", strerror(errno));
        return;
    }
    setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(d->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    d->deadline = nt_mono_ms(d->clock) + CONNECT_MS;
    d->wants = POLLOUT;
    if (connect(d->fd, (const struct sockaddr *) &a->addr, a->len) < 0 && errno != EINPROGRESS) {
        give_up(d, "%s", strerror(errno));
    }
}

static bool
is_ready(const struct nt_dial *d)
{
    struct pollfd p = { .fd = d->fd, .events = d->wants };

    return poll(&p, 1, 0) > 0;
}

static void
end_connect(struct nt_dial *d)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0) {
        error = errno;
    }
    if (error) {
        give_up(d, "%s", strerror(error));
    } else if (d->tls) {
        d->state = HANDSHAKE;
        d->ssl = new_session(d);
        d->deadline = nt_mono_ms(d->clock) + CONNECT_MS;
    } else {
        d->state = UP;
    }
}

/* What OpenSSL waits for, or 0 when it failed. */
static short
tls_wants(const struct nt_dial *d, int rc)
{
    switch (SSL_get_error(d->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        return POLLIN;
    case SSL_ERROR_WANT_WRITE:
        return POLLOUT;
    default:
        return 0;
    }
}

static void
handshake(struct nt_dial *d)
{
    ERR_clear_error();

    int rc = SSL_do_handshake(d->ssl);
    if (rc == 1) {
        d->state = UP;
        return;
    }
    d->wants = tls_wants(d, rc);
    if (d->wants) {
        return;
    }

    long verified = SSL_get_verify_result(d->ssl);
    if (verified != X509_V_OK) {
        give_up(d, "its certificate is not accepted: %s", X509_verify_cert_error_string(verified));
    } else {
        give_up(d, "TLS handshake: %s", tls_reason());
    }
}

/* One step; false when there is nothing to do before something happens. */
static bool
step(struct nt_dial *d)
{
    if (d->state == CONNECT && d->fd < 0) {
        if (d->next == d->n_addresses) {
            d->state = FAILED;
            return false;
        }
        begin_connect(d);
        return true;
    }
    if (!is_ready(d)) {
        if (nt_mono_ms(d->clock) < d->deadline) {
            return false;
        }
        give_up(d, d->state == CONNECT ? "no answer" : "no TLS handshake in time");
        return true;
    }
    if (d->state == CONNECT) {
        end_connect(d);
    } else {
        handshake(d);
    }
    return true;
}

int
nt_dial_run(struct nt_dial *d, struct nt_err *err)
{
    if (d->state == LOOKUP) {
        nt_children_run(d->children);
    }
    while ((d->state == CONNECT || d->state == HANDSHAKE) && step(d)) {
    }
    if (d->state == FAILED) {
        *err = d->err;
        return -1;
    }
    return d->state == UP;
}

void
nt_dial_set_user_timeout(struct nt_dial *d, unsigned ms)
{
    setsockopt(d->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
}

/* Using. */

static ssize_t
ended(struct nt_err *err, const char *why)
{
    return nt_fail(err, NT_UNAVAILABLE, "%s", why);
}

/* The end of an OpenSSL call that moved nothing. */
static ssize_t
tls_moved(struct nt_dial *d, int rc, bool writing, struct nt_err *err)
{
    int error = errno;
    short wants = tls_wants(d, rc);

    if (wants) {
        d->write_wants_read = writing && wants == POLLIN;
        return 0;
    }
    if (SSL_get_error(d->ssl, rc) == SSL_ERROR_SYSCALL && error) {
        return ended(err, strerror(error));
    }
    return ended(err, tls_reason());
}

ssize_t
nt_dial_read(struct nt_dial *d, void *buf, size_t size, struct nt_err *err)
{
    if (d->ssl) {
        ERR_clear_error();
        errno = 0;

        int n = SSL_read(d->ssl, buf, MIN(size, INT_MAX));
        return n > 0 ? n : tls_moved(d, n, false, err);
    }

    ssize_t n = recv(d->fd, buf, size, 0);
    if (n > 0) {
        return n;
    }
    if (!n) {
        return ended(err, "closed by the other side");
    }
    return errno == EAGAIN || errno == EINTR ? 0 : ended(err, strerror(errno));
}

ssize_t
nt_dial_write(struct nt_dial *d, const void *data, size_t len, struct nt_err *err)
{
    if (d->ssl) {
        ERR_clear_error();
        errno = 0;
        d->write_wants_read = false;

        int n = SSL_write(d->ssl, data, MIN(len, INT_MAX));
        return n > 0 ? n : tls_moved(d, n, true, err);
    }

    ssize_t n = send(d->fd, data, len, MSG_NOSIGNAL);
    if (n >= 0) {
        return n;
    }
    return errno == EAGAIN || errno == EINTR ? 0 : ended(err, strerror(errno));
}

void
nt_dial_wait(struct nt_dial *d, bool wants_write)
{
    switch (d->state) {
    case LOOKUP:
        nt_children_wait(d->children);
        break;
    case CONNECT:
    case HANDSHAKE:
        if (d->fd < 0) {
            poll_immediate_wake();
        } else {
            int64_t left = d->deadline - nt_mono_ms(d->clock);

            poll_fd_wait(d->fd, d->wants);
            poll_timer_wait(MAX(left, 0));
        }
        break;
    case UP:
        if (d->ssl && SSL_pending(d->ssl)) {
            poll_immediate_wake();
        }
        poll_fd_wait(d->fd, wants_write && !d->write_wants_read ? POLLIN | POLLOUT : POLLIN);
        break;
    case FAILED:
    default:
        poll_immediate_wake();
    }
}

void
nt_dial_block(struct nt_dial *d, bool wants_write, int ms)
{
    struct pollfd p = { .fd = d->fd, .events = wants_write ? POLLIN | POLLOUT : POLLIN };

    if (d->state == UP) {
        poll(&p, 1, ms);
    }
}
