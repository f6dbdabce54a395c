/* An HTTP request as a value, and the decoding of what a client wrote into its
 * first line.
 *
 * Nothing here touches a socket, so that a test or a fuzzer can make a request and
 * look at its answer: whoever makes one sets 'reply'.  A handler ends each request
 * with exactly one nt_http_reply(), at once or later; after that the request must
 * not be used.  All strings are owned by the request. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

#define NT_HTTP_MAX_SEGMENTS 24
#define NT_HTTP_MAX_QUERY 64

struct nt_http_pair {
    char *name, *value; /* Owned. */
};

/* A list of pairs in the order they came; names may repeat. */
struct nt_http_pairs {
    struct nt_http_pair *pairs;
    size_t n, allocated;
};

struct nt_http_answer {
    int status;
    const char *content_type; /* NULL without a body. */
    const char *body;         /* Copied by the transport. */
    size_t body_len;
    const struct nt_http_pairs *headers;
};

struct nt_http_request {
    char *method;                         /* "GET". */
    char *path;                           /* As it was sent, without the query. */
    char *segments[NT_HTTP_MAX_SEGMENTS]; /* Decoded; empty ones are dropped. */
    size_t n_segments;
    bool has_trailing_slash;
    struct nt_http_pairs query; /* Decoded. */
    struct nt_http_pairs headers;
    char *body; /* NUL-terminated; NULL when there is none. */
    size_t body_len;
    uint32_t peer; /* IPv4 address of the client, host byte order. */
    struct nt_http_pairs answer_headers;
    bool is_replied;
    void (*reply)(struct nt_http_request *, const struct nt_http_answer *);
};

void nt_http_request_init(struct nt_http_request *);
void nt_http_request_deinit(struct nt_http_request *);

/* Fills path, segments and query from a request target ("/a/b?c=d", or with
 * "http://host" in front).  Percent escapes must be complete; what they stand for
 * must be UTF-8 without NUL and other control characters.  '.' and '..' mean
 * nothing special.  Fails with NT_INVALID. */
NT_NODISCARD int nt_http_target_parse(struct nt_http_request *, const char *target,
                                      struct nt_err *);

/* The first value of 'name' (headers: any case), or NULL. */
const char *nt_http_query(const struct nt_http_request *, const char *name);
const char *nt_http_header(const struct nt_http_request *, const char *name);

void nt_http_pairs_add(struct nt_http_pairs *, const char *name, const char *value);
void nt_http_pairs_deinit(struct nt_http_pairs *);

/* A header of the answer; before nt_http_reply().  A value with control characters
 * is left out. */
void nt_http_answer_header(struct nt_http_request *, const char *name, const char *value);

/* Ends the request. */
void nt_http_reply(struct nt_http_request *, int status, const char *content_type, const char *body,
                   size_t len);

/* 'text' with all but letters, digits and "-._~" as percent escapes, for a path
 * segment or a query value.  The caller frees. */
char *nt_http_encode(const char *text);
