/* An HTTP/1.1 server over libmicrohttpd, in the style of the poll loop.
 *
 * The handler gets each request once its body is complete and ends it with
 * nt_http_reply(), within the call or later; meanwhile the connection sleeps.
 * A request that cannot be understood is answered here with {"error": {"code",
 * "message"}} and never reaches the handler: 400 for a bad target or framing, 413 for
 * a body above the limit.  Bodies and headers are never logged.  Loop thread only. */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "wire/http/request.h"

struct nt_http_server;

/* 'req' is owned by the server until its nt_http_reply(). */
typedef void nt_http_handler(void *aux, struct nt_http_request *req);

struct nt_http_limits {
    size_t max_body; /* Bytes; 0: a body is refused. */
    unsigned max_connections;
    unsigned max_per_address; /* Connections of one client address; 0: any. */
    unsigned timeout_s;       /* For a request to arrive, and for an idle connection. */
};

struct nt_http_options {
    const char *address; /* IPv4 to listen on. */
    uint16_t port;       /* 0: any, see nt_http_server_port(). */
    struct nt_http_limits limits;
    const struct nt_clock *clock; /* Borrowed. */
    nt_http_handler *handler;
    void *aux;
};

/* Limits of the REST door: 1 MiB bodies, 512 connections, 10 s. */
extern const struct nt_http_limits nt_http_default_limits;

/* Listens.  Fails with NT_INVALID (address) or NT_FAULT (cannot listen). */
NT_NODISCARD int nt_http_server_new(const struct nt_http_options *, struct nt_http_server **out,
                                    struct nt_err *);

/* Requests without an answer yet get 503; whoever holds one must let go of it
 * before. */
void nt_http_server_free(struct nt_http_server *);
NT_AUTO(nt_http_server)

uint16_t nt_http_server_port(const struct nt_http_server *);

/* Answers so far with this status, those made here included. */
uint64_t nt_http_server_n_answers(const struct nt_http_server *, int status);

/* Requests handed out and not answered yet. */
size_t nt_http_server_n_waiting(const struct nt_http_server *);

void nt_http_server_run(struct nt_http_server *);
void nt_http_server_wait(struct nt_http_server *);
