#include <config.h>

#include "bus/envelope.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "bus/json_guard.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"

#define MAX_TEXT 255
#define OWN_MODULE "neutrino"
#define DISPATCHER_MODULE "oslo_messaging.rpc.dispatcher"

static const struct json *
member(const struct json *json, const char *key)
{
    const struct json *value = shash_find_data(json_object(json), key);

    return value && value->type != JSON_NULL ? value : NULL;
}

static const char *
text_member(const struct json *json, const char *key)
{
    const struct json *value = member(json, key);

    return value && value->type == JSON_STRING ? json_string(value) : NULL;
}

static void
put_member(struct ds *ds, const char *key, const char *value)
{
    ds_put_format(ds, "\"%s\":", key);
    if (value) {
        json_string_escape(value, ds);
    } else {
        ds_put_cstr(ds, "null");
    }
}

/* Takes the payload's text. */
static struct json *
wrap(struct ds *text)
{
    struct json *body = json_object_create();

    json_object_put_string(body, "oslo.version", "2.0");
    json_object_put(body, "oslo.message", json_string_create_nocopy(ds_steal_cstr(text)));
    return body;
}

/* Every field of an administrator's context, as programs of the original send it: some
 * receivers take the absence of one for an error. */
static void
put_context(struct ds *ds, const struct nt_request_out *req)
{
    static const char *const null_fields[] = {
        "user",          "project_id",        "system_scope", "project",   "domain",
        "user_domain",   "project_domain",    "auth_token",   "user_id",   "tenant_id",
        "resource_uuid", "global_request_id", "tenant_name",  "user_name", "project_name",
    };
    time_t seconds = req->wall_ms / 1000;
    struct tm tm;
    char stamp[64];
    size_t n;

    for (size_t i = 0; i < NT_ARRAY_SIZE(null_fields); i++) {
        ds_put_format(ds, ",\"_context_%s\":null", null_fields[i]);
    }
    gmtime_r(&seconds, &tm);
    n = strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", &tm);
    snprintf(stamp + n, sizeof stamp - n, ".%06d", (int) (req->wall_ms % 1000) * 1000);
    ds_put_cstr(ds, ",\"_context_is_admin\":true,\"_context_read_only\":false"
                    ",\"_context_show_deleted\":false,\"_context_roles\":[]"
                    ",\"_context_is_admin_project\":true"
                    ",\"_context_user_identity\":\"- - - - -\",");
    put_member(ds, "_context_timestamp", stamp);
    ds_put_char(ds, ',');
    put_member(ds, "_context_request_id", req->request_id);
}

struct json *
nt_envelope_request(const struct nt_request_out *req)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_char(&ds, '{');
    put_member(&ds, "method", req->method);
    ds_put_char(&ds, ',');
    put_member(&ds, "version", req->version);
    if (req->namespace) {
        ds_put_char(&ds, ',');
        put_member(&ds, "namespace", req->namespace);
    }
    ds_put_cstr(&ds, ",\"args\":");
    if (req->args) {
        json_to_ds(req->args, 0, &ds);
    } else {
        ds_put_cstr(&ds, "{}");
    }
    if (req->msg_id) {
        ds_put_char(&ds, ',');
        put_member(&ds, "_msg_id", req->msg_id);
        ds_put_char(&ds, ',');
        put_member(&ds, "_reply_q", req->reply_q);
        ds_put_cstr(&ds, ",\"_timeout\":null");
    }
    ds_put_char(&ds, ',');
    put_member(&ds, "_unique_id", req->unique_id);
    put_context(&ds, req);
    ds_put_char(&ds, '}');
    return wrap(&ds);
}

struct json *
nt_envelope_reply(const struct json *result, const char *failure, const char *msg_id,
                  const char *unique_id)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&ds, "{\"result\":");
    if (result && !failure) {
        json_to_ds(result, 0, &ds);
    } else {
        ds_put_cstr(&ds, "null");
    }
    ds_put_char(&ds, ',');
    put_member(&ds, "failure", failure);
    ds_put_cstr(&ds, ",\"ending\":true,");
    put_member(&ds, "_msg_id", msg_id);
    ds_put_char(&ds, ',');
    put_member(&ds, "_unique_id", unique_id);
    ds_put_char(&ds, '}');
    return wrap(&ds);
}

static int
open_text(const char *text, struct json **payload, struct nt_err *err)
{
    struct nt_json_guard guard = { 0 };

    if (!nt_json_guard_feed(&guard, text, strlen(text))) {
        return nt_fail(err, NT_INVALID, "message has more than %d values", NT_JSON_MAX_VALUES);
    }

    struct json *json = json_from_string(text);
    if (json->type != JSON_OBJECT) {
        nt_fail(err, NT_INVALID, "message is not a JSON object: %.100s",
                json->type == JSON_STRING ? json_string(json) : "of another type");
        json_destroy(json);
        return -1;
    }
    *payload = json;
    return 0;
}

int
nt_envelope_open(const struct json *body, struct json **payload, struct nt_err *err)
{
    if (body->type != JSON_OBJECT) {
        return nt_fail(err, NT_INVALID, "message is not a JSON object");
    }

    const struct json *version = member(body, "oslo.version");
    const struct json *message = member(body, "oslo.message");
    if (!version || !message) {
        *payload = json_clone(body);
        return 0;
    }
    if (version->type != JSON_STRING || message->type != JSON_STRING) {
        return nt_fail(err, NT_INVALID, "envelope is malformed");
    }
    if (strncmp(json_string(version), "2.", 2)) {
        return nt_fail(err, NT_UNSUPPORTED, "envelope has version %.20s, known is 2.0",
                       json_string(version));
    }
    return open_text(json_string(message), payload, err);
}

/* Reads a short text; absent and null leave '*out' as it is. */
static int
get_text(const struct json *payload, const char *key, const char **out, struct nt_err *err)
{
    const struct json *value = member(payload, key);

    if (!value) {
        return 0;
    }
    if (value->type != JSON_STRING) {
        return nt_fail(err, NT_INVALID, "%s of a message is not a text", key);
    }

    const char *text = json_string(value);
    if (strlen(text) > MAX_TEXT) {
        return nt_fail(err, NT_INVALID, "%s of a message is too long", key);
    }
    for (const char *p = text; *p; p++) {
        if (iscntrl((unsigned char) *p)) {
            return nt_fail(err, NT_INVALID, "%s of a message has a control character", key);
        }
    }
    *out = text;
    return 0;
}

static int
parse_request(const struct json *json, struct nt_payload *out, struct nt_err *err)
{
    const struct json *args = member(json, "args");

    out->version = "1.0";
    out->request_id = "-";
    if (get_text(json, "method", &out->method, err) < 0
        || get_text(json, "version", &out->version, err) < 0
        || get_text(json, "namespace", &out->namespace, err) < 0
        || get_text(json, "_reply_q", &out->reply_q, err) < 0
        || get_text(json, "_context_request_id", &out->request_id, err) < 0) {
        return -1;
    }
    if (!*out->method) {
        return nt_fail(err, NT_INVALID, "message has an empty method");
    }
    if (out->msg_id && !out->reply_q) {
        return nt_fail(err, NT_INVALID, "call of %s does not say where to reply", out->method);
    }
    if (args && args->type != JSON_OBJECT) {
        return nt_fail(err, NT_INVALID, "args of %s is not an object", out->method);
    }
    out->args = args;
    return 0;
}

static int
parse_reply(const struct json *json, struct nt_payload *out, struct nt_err *err)
{
    const struct json *failure = member(json, "failure");
    const struct json *ending = member(json, "ending");

    if (!out->msg_id) {
        return nt_fail(err, NT_INVALID, "message is neither request nor reply");
    }
    if (failure && failure->type != JSON_STRING) {
        return nt_fail(err, NT_INVALID, "failure of a reply is not a text");
    }
    out->is_reply = true;
    out->result = member(json, "result");
    out->failure = failure ? json_string(failure) : NULL;
    out->ending = !ending || ending->type == JSON_TRUE;
    return 0;
}

int
nt_payload_parse(const struct json *json, struct nt_payload *out, struct nt_err *err)
{
    struct nt_payload p = { 0 };

    if (get_text(json, "_msg_id", &p.msg_id, err) < 0
        || get_text(json, "_unique_id", &p.unique_id, err) < 0
        || (member(json, "method") ? parse_request : parse_reply)(json, &p, err) < 0) {
        return -1;
    }
    *out = p;
    return 0;
}

const char *
nt_payload_context(const struct json *payload, const char *key)
{
    char name[64];

    snprintf(name, sizeof name, "_context_%s", key);
    return text_member(payload, name);
}

bool
nt_payload_is_admin(const struct json *payload)
{
    const struct json *value = member(payload, "_context_is_admin");

    return value && value->type == JSON_TRUE;
}

/* 'code' NULL: no kwargs. */
static char *
failure_text(const char *module, const char *class, const char *code, const char *message)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_char(&ds, '{');
    put_member(&ds, "class", class);
    ds_put_char(&ds, ',');
    put_member(&ds, "module", module);
    ds_put_char(&ds, ',');
    put_member(&ds, "message", message);
    ds_put_cstr(&ds, ",\"tb\":[],\"args\":[");
    json_string_escape(message, &ds);
    ds_put_cstr(&ds, "],\"kwargs\":{");
    if (code) {
        put_member(&ds, "code", code);
    }
    ds_put_cstr(&ds, "}}");
    return ds_steal_cstr(&ds);
}

char *
nt_failure_text(const struct nt_err *err)
{
    const char *code = nt_code_name(err->code);
    char class[64];
    size_t n = 0;

    /* not_found -> NotFound. */
    for (const char *p = code; *p && n < sizeof class - 1; p++) {
        if (*p != '_') {
            bool first = p == code || p[-1] == '_';

            class[n++] = first ? toupper((unsigned char) *p) : *p;
        }
    }
    class[n] = '\0';
    return failure_text(OWN_MODULE, class, code, err->msg);
}

char *
nt_failure_no_method(const char *method)
{
    char message[512];

    snprintf(message, sizeof message, "Endpoint does not support RPC method %.255s", method);
    return failure_text(DISPATCHER_MODULE, "NoSuchMethod", NULL, message);
}

char *
nt_failure_bad_version(const char *version, const char *method)
{
    char message[512];

    snprintf(message, sizeof message,
             "Endpoint does not support RPC version %.100s. Attempted method: %.255s", version,
             method);
    return failure_text(DISPATCHER_MODULE, "UnsupportedVersion", NULL, message);
}

static const struct {
    const char *class;
    enum nt_code code;
} foreign[] = {
    { "NoSuchMethod", NT_UNSUPPORTED },
    { "UnsupportedVersion", NT_UNSUPPORTED },
    { "MessagingTimeout", NT_TIMEOUT },
};

/* Messages of others may have line ends; ours are one line. */
static void
flatten(char *text)
{
    for (; *text; text++) {
        if (iscntrl((unsigned char) *text)) {
            *text = ' ';
        }
    }
}

static void
read_failure(const struct json *json, struct nt_err *out)
{
    const struct json *kwargs = member(json, "kwargs");
    const char *class = text_member(json, "class");
    const char *message = text_member(json, "message");
    const char *module = text_member(json, "module");
    const char *code = kwargs && kwargs->type == JSON_OBJECT ? text_member(kwargs, "code") : NULL;

    class = class ? class : "Exception";
    message = message ? message : "";
    if (code && module && !strcmp(module, OWN_MODULE)) {
        enum nt_code c = nt_code_from_name(code);

        nt_fail(out, c == NT_OK ? NT_FAULT : c, "%s", message);
        return;
    }
    for (size_t i = 0; i < NT_ARRAY_SIZE(foreign); i++) {
        if (!strcmp(class, foreign[i].class)) {
            nt_fail(out, foreign[i].code, "%s", message);
            return;
        }
    }
    nt_fail(out, NT_FAULT, "%.100s: %s", class, message);
}

void
nt_failure_parse(const char *text, struct nt_err *out)
{
    struct json *json = NULL;

    if (open_text(text, &json, NULL) < 0) {
        nt_fail(out, NT_FAULT, "%s", text);
    } else {
        read_failure(json, out);
        json_destroy(json);
    }
    flatten(out->msg);
}
