/* One REST request while it is served.
 *
 * A handler gets a call and ends it, at once or later, with exactly one of
 * call_reply(), call_reply_json(), call_reply_text() and call_fail(), which free it. */
#pragma once

#include "server/rest/auth.h"
#include "server/rest/rest.h"
#include "server/rest/router.h"

struct json;

struct rest {
    struct rest_options options;
    struct auth *auth;
    struct nt_random *ids; /* For request ids: the configured source's uuids are meant for
                            * resources. */
};

struct call {
    struct rest *rest;
    struct nt_http_request *http;
    struct match match;
    struct identity who;
    char request_id[48]; /* "req-UUID". */
};

/* What a reader of one thing passes to the core: NULL (everything) for an
 * administrator. */
const char *call_project(const struct call *);

/* "http://HOST:PORT" as the client wrote it. */
char *call_host_url(const struct call *);

/* The same and the base of the service: what links begin with.  The caller frees
 * both. */
char *call_base_url(const struct call *);

/* The body, which must be a JSON object; the caller destroys '*out'.
 * Fails with NT_INVALID. */
NT_NODISCARD int call_body(const struct call *, struct json **out, struct nt_err *);

/* The value of 'key' in the body, which must be an object: "server" of {"server":
 * {...}}.  '*body' is the caller's to destroy and keeps '*out' alive.
 * Fails with NT_INVALID. */
NT_NODISCARD int call_body_member(const struct call *, const char *key, struct json **body,
                                  const struct json **out, struct nt_err *);

/* A whole number of the query; '*out' untouched when it is not there.
 * Fails with NT_INVALID. */
NT_NODISCARD int call_query_int(const struct call *, const char *name, int64_t min, int64_t max,
                                int64_t *out, struct nt_err *);

void call_reply(struct call *, int status);

/* 'json' is consumed. */
void call_reply_json(struct call *, int status, struct json *json);

/* 'body' is JSON as text already. */
void call_reply_text(struct call *, int status, const char *body);

/* The message of a NT_FAULT goes to the log instead of the client. */
void call_fail(struct call *, const struct nt_err *);

/* For op_submit(): nothing is to be said but 202, or 204, or why not. */
void call_accepted(void *call, const struct nt_err *);
void call_deleted(void *call, const struct nt_err *);

/* {"key": value}, consumed. */
struct json *wrap(const char *key, struct json *value);

/* NULL and "" are null. */
struct json *text_or_null(const char *text);

/* "2026-01-31T12:00:00Z"; "2026-01-31T12:00:00.000000", and null for 0. */
void put_time(struct json *, const char *key, int64_t at);
void put_time_us(struct json *, const char *key, int64_t at);

/* [{"rel": "self", "href": BASE/COLLECTION/ID}, {"rel": "bookmark", ...}] */
struct json *call_links(const struct call *, const char *collection, const char *id);
