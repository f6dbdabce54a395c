#include <config.h>

#include "server/rest/faults.h"

#include "openvswitch/json.h"

static const struct fault faults[NT_N_CODES] = {
    [NT_OK] = { 500, "computeFault", "Internal Server Error" },
    [NT_INVALID] = { 400, "badRequest", "Bad Request" },
    [NT_UNAUTHORIZED] = { 401, "unauthorized", "Unauthorized" },
    [NT_FORBIDDEN] = { 403, "forbidden", "Forbidden" },
    [NT_NOT_FOUND] = { 404, "itemNotFound", "Not Found" },
    [NT_CONFLICT] = { 409, "conflictingRequest", "Conflict" },
    [NT_EXHAUSTED] = { 403, "overLimit", "Forbidden" },
    [NT_TOO_LARGE] = { 413, "overLimit", "Content Too Large" },
    [NT_UNSUPPORTED] = { 400, "badRequest", "Bad Request" },
    [NT_TIMEOUT] = { 504, "computeFault", "Gateway Timeout" },
    [NT_UNAVAILABLE] = { 503, "serviceUnavailable", "Service Unavailable" },
    [NT_FAULT] = { 500, "computeFault", "Internal Server Error" },
};

const struct fault fault_method_not_allowed = { 405, "badMethod", "Method Not Allowed" };
const struct fault fault_not_implemented = { 501, "notImplemented", "Not Implemented" };
const struct fault fault_not_acceptable = { 406, "computeFault", "Not Acceptable" };

const struct fault *
fault_of(enum nt_code code)
{
    return &faults[code < NT_N_CODES ? code : NT_FAULT];
}

struct json *
fault_json(const struct fault *fault, enum service service, const char *message)
{
    struct json *body = json_object_create();
    struct json *outer = json_object_create();

    json_object_put_string(body, "message", message);
    switch (service) {
    case SERVICE_IMAGE:
        json_object_put_format(body, "code", "%d %s", fault->status, fault->title);
        json_object_put_string(body, "title", fault->title);
        json_destroy(outer);
        return body;
    case SERVICE_IDENTITY:
        json_object_put(body, "code", json_integer_create(fault->status));
        json_object_put_string(body, "title", fault->title);
        json_object_put(outer, "error", body);
        return outer;
    case SERVICE_ROOT:
    case SERVICE_COMPUTE:
        break;
    }
    json_object_put(body, "code", json_integer_create(fault->status));
    json_object_put(outer, fault->key, body);
    return outer;
}
