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

struct json *
nt_args_json(const struct nt_method *m, const void *args)
{
    return m->args ? nt_fields_json(m->args, NT_IN_RPC, args) : NULL;
}

struct json *
nt_result_json(const struct nt_method *m, const void *result)
{
    return m->result && result ? nt_fields_json(m->result, NT_IN_RPC, result) : NULL;
}

static void
release(const struct nt_field *fields, void *obj)
{
    if (obj && fields) {
        nt_fields_clear(fields, obj);
    }
    free(obj);
}

void
nt_args_free(const struct nt_method *m, void *args)
{
    release(m->args, args);
}

void
nt_result_free(const struct nt_method *m, void *result)
{
    release(m->result, result);
}

/* A method without arguments has a table without fields. */
static const struct nt_field no_fields[] = { { 0 } };

int
nt_args_decode(const struct nt_interface *iface, const struct nt_method *m, const struct json *json,
               void **out, struct nt_err *err)
{
    const struct nt_field *fields = m->args ? m->args : no_fields;
    struct json *none = json ? NULL : json_object_create();

    *out = xzalloc(m->args_size ? m->args_size : 1);
    int rc = (iface->strict ? nt_fields_parse_strict : nt_fields_parse)(
        fields, NT_IN_RPC, json ? json : none, m->name, *out, err);

    json_destroy(none);
    return rc;
}

int
nt_result_decode(const struct nt_method *m, const struct json *json, void **out, struct nt_err *err)
{
    *out = xzalloc(m->result_size ? m->result_size : 1);
    return m->result ? nt_fields_parse(m->result, NT_IN_RPC, json, "result", *out, err) : 0;
}

static void
deliver_result(const struct pending *p, const struct json *json)
{
    struct nt_err err;
    void *result;

    if (nt_result_decode(p->method, json, &result, &err) < 0) {
        /* The other side's mistake, not that of whoever asked for this. */
        err.code = NT_FAULT;
        nt_err_context(&err, "malformed answer of %s.%s", p->iface->topic, p->method->name);
        p->cb(p->aux, NULL, &err);
    } else {
        p->cb(p->aux, result, NULL);
    }
    nt_result_free(p->method, result);
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
    nt_bus_call(bus, &where, nt_args_json(m, args), timeout_ms, take_reply, p);
}

void
nt_rpc_cast(struct nt_bus *bus, const struct nt_rpc_to *to, const void *args)
{
    const struct nt_method *m = method_get(to->iface, to->method);
    struct nt_bus_to where = bus_to(to, m);

    nt_bus_cast(bus, &where, nt_args_json(m, args));
}

void
nt_rpc_fanout(struct nt_bus *bus, const struct nt_rpc_to *to, const void *args)
{
    const struct nt_method *m = method_get(to->iface, to->method);
    struct nt_bus_to where = bus_to(to, m);

    nt_bus_fanout(bus, &where, nt_args_json(m, args));
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

bool
nt_method_serves(const struct nt_interface *iface, const struct nt_method *m, const char *asked)
{
    return version_is_served(asked, iface->accepts ? iface->accepts : m->version);
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
    if (!nt_method_serves(service->iface, m, nt_bus_request_version(req))) {
        nt_bus_reply_bad_version(req);
        return;
    }
    if (nt_args_decode(service->iface, m, nt_bus_request_args(req), &args, &err) < 0) {
        nt_bus_reply_fail(req, &err);
    } else {
        h->handle(service->aux, args, req);
    }
    nt_args_free(m, args);
}

static struct nt_rpc_service *
service_new(const struct nt_interface *iface, const struct nt_rpc_handler *handlers, void *aux)
{
    struct nt_rpc_service *service = xmalloc(sizeof *service);

    /* A handler for a method that is in no table would never be called. */
    for (const struct nt_rpc_handler *h = handlers; h->method; h++) {
        method_get(iface, h->method);
    }
    service->iface = iface;
    service->handlers = handlers;
    service->aux = aux;
    return service;
}

struct nt_rpc_service *
nt_rpc_serve(struct nt_bus *bus, const struct nt_interface *iface, const char *host,
             const struct nt_rpc_handler *handlers, void *aux)
{
    struct nt_rpc_service *service = service_new(iface, handlers, aux);

    nt_bus_serve(bus, iface->topic, host, handle, service);
    return service;
}

struct nt_rpc_service *
nt_rpc_listen(struct nt_bus *bus, const struct nt_interface *iface, const char *host,
              const struct nt_rpc_handler *handlers, void *aux)
{
    struct nt_rpc_service *service = service_new(iface, handlers, aux);

    nt_bus_listen(bus, iface->topic, host, handle, service);
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

    nt_bus_reply(req, nt_result_json(m, result));
}
