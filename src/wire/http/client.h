/* A small HTTP client over libcurl, for command line tools: it blocks.
 *
 * Redirects are not followed and proxies of the environment are not used, so that
 * the password goes to the host of the URL alone. */
#pragma once

#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

struct nt_http_client;

struct nt_http_result {
    int status;
    char *body; /* Owned; NUL-terminated, never NULL. */
    size_t len;
};

/* 'url' is the base ("http://127.0.0.1:8774") without a final '/'.  'user' may be
 * NULL: no credentials.  Fails with NT_INVALID. */
NT_NODISCARD int nt_http_client_new(const char *url, const char *user, const char *password,
                                    struct nt_http_client **out, struct nt_err *);
void nt_http_client_free(struct nt_http_client *);
NT_AUTO(nt_http_client)

/* Asks for 'path' below the base ("/v2.1/servers", already encoded).  'json' (may
 * be NULL) is the body.  Any status is success.  Fails with NT_UNAVAILABLE (no
 * connection), NT_TIMEOUT (10 s to connect, 60 s in all) or NT_FAULT; the message
 * names the URL. */
NT_NODISCARD int nt_http_client_request(struct nt_http_client *, const char *method,
                                        const char *path, const char *json,
                                        struct nt_http_result *out, struct nt_err *);
void nt_http_result_clear(struct nt_http_result *);
