/* Door 1: the REST API, as a handler for an HTTP server.
 *
 * Serves the compute API (under /v2.1, /v2/PROJECT, /compute/v2.1), the image API
 * (/image, and below the compute base) and the small part of the identity API that
 * clients need to sign in (/identity).  Writers go through the operation queue and
 * are answered after the commit; readers read the reader store.
 *
 * Order of the end: the sources of the hooks, op_queue_free(), rest_free(),
 * nt_http_server_free().  Loop thread only. */
#pragma once

#include "base/attr.h"
#include "base/err.h"
#include "server/core/env.h"
#include "server/op.h"
#include "store/store.h"
#include "wire/http/request.h"

struct nt_instance;
struct rest;

/* Ends a rest_console; exactly one of 'output' and 'err' is non-NULL. */
typedef void rest_console_done(void *done_aux, const char *output, const struct nt_err *err);

/* Fetches the last 'length' lines (0: all) of an instance's console from its compute
 * host.  'instance' is borrowed for the call.  Must end with one call of 'done', at
 * once or later. */
typedef void rest_console(void *aux, const struct nt_instance *instance, int64_t length,
                          rest_console_done *done, void *done_aux);

/* Tells when the network host has dealt with a change of a floating address that an
 * operation just made: 'done' is called once, later; 'err' NULL: it has.  To be called
 * from the operation's end. */
typedef void rest_floating_done(void *done_aux, const struct nt_err *err);
typedef void rest_floating_wait(void *aux, const char *address, int64_t generation,
                                rest_floating_done *done, void *done_aux);

struct nt_ssh_pair;

/* Ends a rest_make_key; exactly one of 'pair' and 'err' is non-NULL, both borrowed. */
typedef void rest_make_key_done(void *done_aux, const struct nt_ssh_pair *pair,
                                const struct nt_err *err);

/* Makes a new SSH key pair.  Must end with one call of 'done', at once or later. */
typedef void rest_make_key(void *aux, rest_make_key_done *done, void *done_aux);

/* Everything is borrowed and must outlive the result. */
struct rest_options {
    struct op_queue *ops;
    struct store *reader;
    const struct core_env *env;
    const char *credentials_file;
    rest_console *console;
    void *console_aux;
    rest_make_key *make_key;
    void *make_key_aux;
    rest_floating_wait *floating_wait; /* NULL: nobody to wait for. */
    void *floating_aux;
};

/* Reads the credentials.  Fails with NT_INVALID, naming file and line, or
 * NT_FAULT. */
NT_NODISCARD int rest_new(const struct rest_options *, struct rest **out, struct nt_err *);
void rest_free(struct rest *);
NT_AUTO(rest)

/* Reads the credentials again; on failure the old ones stay.  Tokens of users who
 * are gone end. */
NT_NODISCARD int rest_reload(struct rest *, struct nt_err *);

/* An nt_http_handler; 'aux' is the struct rest. */
void rest_handle(void *rest, struct nt_http_request *);
