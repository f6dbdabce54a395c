#include <config.h>

#include "rpc/method.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/json.h"

struct nt_rpc_service {
    const struct nt_interface *iface;
    const struct nt_rpc_handler *handlers;
    void *aux;
};

/* A call that waits for its reply. */
struct pending {
    const struct nt_interface *iface;
    const struct nt_method *method;
    nt_rpc_reply_cb *cb;
    void *aux;
};

const struct nt_method *
nt_method_find(const struct nt_interface *iface, const char *name)
{
    for (const struct nt_method *m = iface->methods; m->name; m++) {
        if (!strcmp(m->name, name)) {
            return m;
        }
    }
    return NULL;
}

/* Our own programs ask only for what their table has. */
static const struct nt_method *
method_get(const struct nt_interface *iface, const char *name)
{
    const struct nt_method *m = nt_method_find(iface, name);

    if (!m) {
        ovs_abort(0, "interface %s has no method %s", iface->topic, name);
    }
    return m;
}

static struct json *
encode_args(const struct nt_method *m, const void *args)
{
    return m->args ? nt_fields_json(m->args, NT_IN_RPC, args) : NULL;
}

static void
deliver_result(const struct pending *p, const struct json *json)
{
    AUTO_FREE void *result = xzalloc(p->method->result_size);
    struct nt_err err;

    if (nt_fields_parse(p->method->result, NT_IN_RPC, json, "result", result, &err) < 0) {
        /* The other side's mistake, not that of whoever asked for this. */
        err.code = NT_FAULT;
        nt_err_context(&err, "malformed answer of %s.%s", p->iface->topic, p->method->name);
        p->cb(p->aux, NULL, &err);
    } else {
        p->cb(p->aux, result, NULL);
    }
    nt_fields_clear(p->method->result, result);
}

static void
take_reply(void *pending_, const struct json *json, const struct nt_err *err)
{
    AUTO_FREE struct pending *p = pending_;

    if (err) {
        p->cb(p->aux, NULL, err);
    } else if (p->method->result) {
        deliver_result(p, json);
    } else {
        p->cb(p->aux, NULL, NULL);
    }
}

static void
ignore_reply(void *aux, const void *result, const struct nt_err *err)
{
}

static struct nt_bus_to
bus_to(const struct nt_rpc_to *to, const struct nt_method *m)
{
    return (struct nt_bus_to){ to->iface->topic, to->host, m->name, m->version };
}

void
nt_rpc_call(struct nt_bus *bus, const struct nt_rpc_to *to, const void *args, int64_t timeout_ms,
            nt_rpc_reply_cb *cb, void *aux)
{
    const struct nt_method *m = method_get(to->iface, to->method);
    struct nt_bus_to where = bus_to(to, m);
    struct pending *p = xmalloc(sizeof *p);

    p->iface = to->iface;
    p->method = m;
    p->cb = cb ? cb : ignore_reply;
    p->aux = aux;
    nt_bus_call(bus, &where, encode_args(m, args), timeout_ms, take_reply, p);
}

void
nt_rpc_cast(struct nt_bus *bus, const struct nt_rpc_to *to, const void *args)
{
    const struct nt_method *m = method_get(to->iface, to->method);
    struct nt_bus_to where = bus_to(to, m);

    nt_bus_cast(bus, &where, encode_args(m, args));
}

void
nt_rpc_fanout(struct nt_bus *bus, const struct nt_rpc_to *to, const void *args)
{
    const struct nt_method *m = method_get(to->iface, to->method);
    struct nt_bus_to where = bus_to(to, m);

    nt_bus_fanout(bus, &where, encode_args(m, args));
}

/* Same major, and a minor that we have. */
static bool
version_is_served(const char *asked, const char *ours)
{
    unsigned asked_major, asked_minor, major, minor;
    char end;

    return sscanf(asked, "%3u.%3u%c", &asked_major, &asked_minor, &end) == 2
           && sscanf(ours, "%3u.%3u", &major, &minor) == 2 && asked_major == major
           && asked_minor <= minor;
}

static const struct nt_rpc_handler *
handler_find(const struct nt_rpc_service *service, const char *method)
{
    for (const struct nt_rpc_handler *h = service->handlers; h->method; h++) {
        if (!strcmp(h->method, method)) {
            return h;
        }
    }
    return NULL;
}

/* Zeroed memory for the arguments, filled from the request.  Fails with NT_INVALID;
 * '*out' is to be cleared and freed in any case. */
static int
decode_args(const struct nt_method *m, const struct json *json, void **out, struct nt_err *err)
{
    *out = xzalloc(m->args_size ? m->args_size : 1);
    if (!m->args) {
        return 0;
    }
    if (json) {
        return nt_fields_parse(m->args, NT_IN_RPC, json, m->name, *out, err);
    }

    struct json *none = json_object_create();
    int rc = nt_fields_parse(m->args, NT_IN_RPC, none, m->name, *out, err);

    json_destroy(none);
    return rc;
}

static void
handle(void *service_, struct nt_bus_request *req)
{
    struct nt_rpc_service *service = service_;
    const char *name = nt_bus_request_method(req);
    const struct nt_method *m = nt_method_find(service->iface, name);
    const struct nt_rpc_handler *h = handler_find(service, name);
    struct nt_err err;
    void *args = NULL;

    if (!m || !h) {
        nt_bus_reply_no_method(req);
        return;
    }
    if (!version_is_served(nt_bus_request_version(req), m->version)) {
        nt_bus_reply_bad_version(req);
        return;
    }
    if (decode_args(m, nt_bus_request_args(req), &args, &err) < 0) {
        nt_bus_reply_fail(req, &err);
    } else {
        h->handle(service->aux, args, req);
    }
    if (m->args) {
        nt_fields_clear(m->args, args);
    }
    free(args);
}

struct nt_rpc_service *
nt_rpc_serve(struct nt_bus *bus, const struct nt_interface *iface, const char *host,
             const struct nt_rpc_handler *handlers, void *aux)
{
    struct nt_rpc_service *service = xmalloc(sizeof *service);

    /* A handler for a method that is in no table would never be called. */
    for (const struct nt_rpc_handler *h = handlers; h->method; h++) {
        method_get(iface, h->method);
    }
    service->iface = iface;
    service->handlers = handlers;
    service->aux = aux;
    nt_bus_serve(bus, iface->topic, host, handle, service);
    return service;
}

void
nt_rpc_service_free(struct nt_rpc_service *service)
{
    free(service);
}

void
nt_rpc_reply(const struct nt_interface *iface, struct nt_bus_request *req, const void *result)
{
    const struct nt_method *m = method_get(iface, nt_bus_request_method(req));

    nt_bus_reply(req, m->result && result ? nt_fields_json(m->result, NT_IN_RPC, result) : NULL);
}
