/* Requests to the server, and what is wrong in its own words. */
#pragma once

#include "base/attr.h"
#include "base/err.h"

struct cli;
struct ds;
struct json;

/* Where the services are below the server's URL. */
#define CLI_COMPUTE "/v2.1"
#define CLI_IMAGE "/image/v2"

/* Sends 'body' (may be NULL).  '*out' is the answer, an object, the caller's to
 * destroy; with 'out' NULL the answer's body does not matter.  Fails with
 * NT_NOT_FOUND after a 404, with another code after any other error. */
NT_NODISCARD int cli_rest(struct cli *, const char *method, const char *path,
                          const struct json *body, struct json **out, struct nt_err *);

/* Gets a list, page by page: 'path' may have a query, 'member' is its name in the
 * answer ("servers").  '*out' is the caller's to destroy. */
NT_NODISCARD int cli_rest_list(struct cli *, const char *path, const char *member,
                               struct json **out, struct nt_err *);

/* Appends 'text' with everything but letters, digits and "-._~" as %XX. */
void cli_put_encoded(struct ds *path, const char *text);

/* Appends "?key=value", or "&key=value" to a path with a query. */
void cli_put_query(struct ds *path, const char *key, const char *value);

/* The message in the body of an error; NULL when there is none.  The caller frees. */
char *cli_fault_message(const char *body);
