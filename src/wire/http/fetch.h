/* Asynchronous HTTP requests over libcurl, in the style of the poll loop.
 *
 * Each request ends with one callback from nt_http_fetch_run(): with a status, or with
 * an error when no complete answer came (NT_UNAVAILABLE, NT_TIMEOUT, NT_TOO_LARGE), or
 * NT_INVALID for a URL that is none.
 * Connections are kept and reused.  Redirects are not followed and proxies of the
 * environment are not used.  URLs must have a numeric host: looking up a name would
 * block.  Loop thread only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "wire/http/request.h"

struct nt_http_fetch;

struct nt_http_fetch_limits {
    long connect_ms, total_ms;
    size_t max_answer; /* Bytes of a body. */
    long max_connections;
};

/* Borrowed for the callback. */
struct nt_http_fetched {
    int status;
    const char *content_type; /* NULL without one. */
    const char *body;
    size_t body_len;
};

/* Exactly one of 'answer' and 'err' is non-NULL. */
typedef void nt_http_fetch_cb(void *aux, const struct nt_http_fetched *answer,
                              const struct nt_err *err);

/* Borrowed for the call. */
struct nt_http_fetch_request {
    const char *method; /* "GET", "HEAD" or "POST". */
    const char *url;
    const struct nt_http_pairs *headers;
    const char *body; /* NULL: none. */
    size_t body_len;
};

struct nt_http_fetch *nt_http_fetch_new(const struct nt_http_fetch_limits *);

/* Requests under way end with NT_UNAVAILABLE before this returns, as do those that their
 * callbacks start. */
void nt_http_fetch_free(struct nt_http_fetch *);
NT_AUTO(nt_http_fetch)

void nt_http_fetch_start(struct nt_http_fetch *, const struct nt_http_fetch_request *,
                         nt_http_fetch_cb *, void *aux);

void nt_http_fetch_run(struct nt_http_fetch *);
void nt_http_fetch_wait(struct nt_http_fetch *);
