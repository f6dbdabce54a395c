/* Who asks: credentials from a file, and the tokens given out for them.
 *
 * The file has lines "USER PASSWORD PROJECT ROLE" (ROLE admin or member), blank
 * lines and lines that begin with '#'.  Passwords and tokens are kept as SHA-256
 * only and compared in constant time; neither is ever logged. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "net/network.h"
#include "wire/http/request.h"

struct auth;

struct identity {
    char user[NT_NAME_SIZE];
    char project[NT_NAME_SIZE];
    bool is_admin;
};

#define AUTH_TOKEN_SIZE 65
#define AUTH_TOKEN_LIFE_MS (24LL * 3600 * 1000)

/* Fails with NT_INVALID ("FILE:LINE: ..."; also when others may read the file) or
 * NT_FAULT (unreadable). */
NT_NODISCARD int auth_new(const char *path, const struct nt_clock *, struct nt_random *,
                          struct auth **out, struct nt_err *);
void auth_free(struct auth *);
NT_AUTO(auth)

/* On failure nothing changes. */
NT_NODISCARD int auth_reload(struct auth *, struct nt_err *);

/* Who a request is from: "Authorization: Basic", else X-Auth-Token (a token, or
 * base64 of USER:PASSWORD).  Fails with NT_UNAUTHORIZED. */
NT_NODISCARD int auth_request(struct auth *, const struct nt_http_request *, struct identity *out,
                              struct nt_err *);

/* Fail with NT_UNAUTHORIZED. */
NT_NODISCARD int auth_password(struct auth *, const char *user, const char *password,
                               struct identity *out, struct nt_err *);
NT_NODISCARD int auth_token(struct auth *, const char *token, struct identity *out,
                            struct nt_err *);

/* Calls 'take' for every user of the file, in no order. */
void auth_each(const struct auth *, void (*take)(void *aux, const struct identity *), void *aux);

/* A fresh token; '*expires_at' is wall clock. */
void auth_issue(struct auth *, const struct identity *, char token[AUTH_TOKEN_SIZE],
                int64_t *expires_at);
