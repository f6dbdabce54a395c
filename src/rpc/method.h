/* The contract between programs: one table per interface, compiled by both ends.
 *
 * A method's arguments and result are structs with field tables, so that nobody
 * above this layer touches JSON, and a malformed message is refused with the path
 * of the field, alone. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "bus/bus.h"
#include "net/field.h"

struct nt_method {
    const char *name;
    const char *version;         /* Sent. */
    const struct nt_field *args; /* Ends with a nameless field. */
    size_t args_size;
    const struct nt_field *result; /* NULL: null. */
    size_t result_size;
};

struct nt_interface {
    const char *topic;
    const struct nt_method *methods; /* Ends with a NULL name. */
    const char *accepts;             /* Served up to this minor version; NULL: each method's own. */
    const char *namespace;           /* NULL: none. */
    bool strict;                     /* Arguments that a method does not have are refused. */
};

/* 'result' is borrowed for the callback and NULL with 'err', and for a method that
 * has no result.  An answer that does not fit the table is NT_FAULT. */
typedef void nt_rpc_reply_cb(void *aux, const void *result, const struct nt_err *err);

/* Where a call goes, and what it is. */
struct nt_rpc_to {
    const struct nt_interface *iface;
    const char *host;   /* NULL: whoever serves it.  Fan-out: not looked at. */
    const char *method; /* Must be in the table (asserted). */
};

#define NT_TO(iface, host, method) \
    &(const struct nt_rpc_to)      \
    {                              \
        iface, host, method        \
    }

/* Sends 'args' (borrowed, encoded at once; NULL for a method without any).  The
 * callback may be NULL. */
void nt_rpc_call(struct nt_bus *, const struct nt_rpc_to *, const void *args, int64_t timeout_ms,
                 nt_rpc_reply_cb *, void *aux);
void nt_rpc_cast(struct nt_bus *, const struct nt_rpc_to *, const void *args);
void nt_rpc_fanout(struct nt_bus *, const struct nt_rpc_to *, const void *args);

/* Handlers by name, in a table that ends with a NULL name.  'args' is borrowed for
 * the call.  The handler, or whoever it hands 'req' to, ends the request with
 * nt_rpc_reply() or nt_bus_reply_fail(). */
struct nt_rpc_handler {
    const char *method;
    void (*handle)(void *aux, const void *args, struct nt_bus_request *req);
};

struct nt_rpc_service;

struct nt_rpc_service *nt_rpc_serve(struct nt_bus *, const struct nt_interface *, const char *host,
                                    const struct nt_rpc_handler *, void *aux);

/* The same, but only what goes to all of the topic, and with 'host' to that host. */
struct nt_rpc_service *nt_rpc_listen(struct nt_bus *, const struct nt_interface *, const char *host,
                                     const struct nt_rpc_handler *, void *aux);

/* After the bus is freed. */
void nt_rpc_service_free(struct nt_rpc_service *);
NT_AUTO(nt_rpc_service)

/* Ends a request with the method's result struct (NULL when it has none). */
void nt_rpc_reply(const struct nt_interface *, struct nt_bus_request *, const void *result);

/* The codec alone.  decode_args() reads the arguments of a message ('json' may be NULL:
 * none) into '*out', zeroed memory that the caller gives back with args_free() in
 * any case.  Fails with NT_INVALID, naming "METHOD.ARGUMENT".  result_decode() is the same
 * for an answer. */
struct json *nt_args_json(const struct nt_method *, const void *args);
struct json *nt_result_json(const struct nt_method *, const void *result);
NT_NODISCARD int nt_args_decode(const struct nt_interface *, const struct nt_method *,
                                const struct json *, void **out, struct nt_err *);
NT_NODISCARD int nt_result_decode(const struct nt_method *, const struct json *, void **out,
                                  struct nt_err *);
void nt_args_free(const struct nt_method *, void *args);
void nt_result_free(const struct nt_method *, void *result);

/* Whether a call of version 'asked' may be served by that method of ours. */
bool nt_method_serves(const struct nt_interface *, const struct nt_method *, const char *asked);

const struct nt_method *nt_method_find(const struct nt_interface *, const char *name);
