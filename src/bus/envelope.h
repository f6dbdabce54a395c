/* The oslo.messaging envelope 2.0: requests, replies and failures as JSON.
 *
 * On the wire a message is {"oslo.version": "2.0", "oslo.message": TEXT} where TEXT
 * is the payload as JSON; a body without both keys is the payload itself.  Pure
 * functions. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct json;

#define NT_HEX_ID_SIZE 33

/* What a request says.  'msg_id' and 'reply_q' are NULL for a cast. */
struct nt_request_out {
    const char *method, *version;
    const struct json *args; /* Borrowed; NULL: no arguments. */
    const char *msg_id, *reply_q;
    const char *unique_id;
    const char *request_id; /* "req-UUID", for the context. */
    const char *namespace;  /* NULL: none. */
    int64_t wall_ms;        /* Now; the context has it. */
};

/* The caller destroys the result. */
struct json *nt_envelope_request(const struct nt_request_out *);

/* A reply: 'failure' (from nt_failure_text()) or, when that is NULL, 'result' (NULL: null). */
struct json *nt_envelope_reply(const struct json *result, const char *failure, const char *msg_id,
                               const char *unique_id);

/* Unwraps 'body' into '*payload', an object the caller destroys.
 * Fails with NT_INVALID or, for another major version, NT_UNSUPPORTED. */
NT_NODISCARD int nt_envelope_open(const struct json *body, struct json **payload, struct nt_err *);

/* A payload taken apart.  Everything is borrowed from its JSON. */
struct nt_payload {
    bool is_reply;
    const char *msg_id;    /* NULL: cast. */
    const char *unique_id; /* NULL: none given. */

    /* Requests. */
    const char *method, *version, *namespace; /* 'version' defaults to "1.0". */
    const char *reply_q;
    const char *request_id;  /* "-" when there is none. */
    const struct json *args; /* An object or NULL. */

    /* Replies. */
    const struct json *result;
    const char *failure; /* NULL: success. */
    bool ending;
};

/* Fails with NT_INVALID. */
NT_NODISCARD int nt_payload_parse(const struct json *payload, struct nt_payload *out,
                                  struct nt_err *);

/* "_context_KEY" of a request, if it is a text; and whether it says is_admin. */
const char *nt_payload_context(const struct json *payload, const char *key);
bool nt_payload_is_admin(const struct json *payload);

/* The text of "failure" for an error of ours; the caller frees. */
char *nt_failure_text(const struct nt_err *);

/* The same for the errors of the dispatcher, which have names others rely on. */
char *nt_failure_no_method(const char *method);
char *nt_failure_bad_version(const char *version, const char *method);

/* What a failure means here: the code of our own ones, else NT_FAULT with class
 * and message. */
void nt_failure_parse(const char *text, struct nt_err *out);
