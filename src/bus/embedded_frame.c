#include <config.h>

#include "bus/embedded_frame.h"

#include <string.h>

#include "base/mem.h"
#include "bus/json_guard.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"

#define MAX_NAME 255
#define HEAD 4

static const struct json *
member(const struct json *json, const char *key)
{
    return shash_find_data(json_object(json), key);
}

static const struct json *
object_member(const struct json *json, const char *key)
{
    const struct json *value = member(json, key);

    return value && value->type == JSON_OBJECT ? value : NULL;
}

static bool
is_name(const char *text)
{
    size_t len = strlen(text);

    if (!len || len > MAX_NAME) {
        return false;
    }
    for (const char *p = text; *p; p++) {
        if ((unsigned char) *p < ' ' || *p == 0x7f) {
            return false;
        }
    }
    return true;
}

/* Reads the name 'key'; absent and null leave NULL. */
static int
get_name(const struct json *json, const char *key, bool required, const char **out,
         struct nt_err *err)
{
    const struct json *value = member(json, key);

    *out = NULL;
    if (!value || value->type == JSON_NULL) {
        return required ? nt_fail(err, NT_INVALID, "frame lacks %s", key) : 0;
    }
    if (value->type != JSON_STRING || !is_name(json_string(value))) {
        return nt_fail(err, NT_INVALID, "%s of a frame is not a name", key);
    }
    *out = json_string(value);
    return 0;
}

static int
get_int(const struct json *json, const char *key, int64_t *out, struct nt_err *err)
{
    const struct json *value = member(json, key);

    if (!value || value->type != JSON_INTEGER) {
        return nt_fail(err, NT_INVALID, "%s of a frame is not a whole number", key);
    }
    *out = json_integer(value);
    return 0;
}

static int
parse_hello(const struct json *part, const struct json *frame, struct nt_frame *out,
            struct nt_err *err)
{
    if (get_int(part, "version", &out->version, err) < 0
        || get_name(part, "name", true, &out->name, err) < 0) {
        return -1;
    }
    return get_name(part, "program", true, &out->program, err);
}

static int
parse_subscribe(const struct json *part, const struct json *frame, struct nt_frame *out,
                struct nt_err *err)
{
    if (get_name(part, "topic", true, &out->topic, err) < 0) {
        return -1;
    }
    return get_name(part, "host", false, &out->host, err);
}

static int
get_body(const struct json *frame, struct nt_frame *out, struct nt_err *err)
{
    out->body = object_member(frame, "body");
    return out->body ? 0 : nt_fail(err, NT_INVALID, "frame lacks body");
}

static int
parse_request(const struct json *part, const struct json *frame, struct nt_frame *out,
              struct nt_err *err)
{
    const struct json *from = object_member(frame, "from");
    const struct json *call = object_member(frame, "call");
    const struct json *fanout = member(part, "fanout");

    if (parse_subscribe(part, frame, out, err) < 0 || get_body(frame, out, err) < 0) {
        return -1;
    }
    if (from
        && (get_name(from, "name", false, &out->name, err) < 0
            || get_name(from, "program", false, &out->program, err) < 0)) {
        return -1;
    }
    if (call
        && (get_name(call, "id", true, &out->call, err) < 0
            || get_int(call, "timeout_ms", &out->timeout_ms, err) < 0)) {
        return -1;
    }
    out->fanout = fanout && fanout->type == JSON_TRUE;
    if (out->fanout && out->call) {
        return nt_fail(err, NT_INVALID, "frame is a call to all of a topic");
    }
    return 0;
}

static int
parse_reply(const struct json *part, const struct json *frame, struct nt_frame *out,
            struct nt_err *err)
{
    if (get_name(part, "id", true, &out->call, err) < 0) {
        return -1;
    }
    return get_body(frame, out, err);
}

static int
parse_failed(const struct json *part, const struct json *frame, struct nt_frame *out,
             struct nt_err *err)
{
    const struct json *message = member(part, "message");

    if (get_name(part, "id", true, &out->call, err) < 0
        || get_name(part, "code", true, &out->code, err) < 0) {
        return -1;
    }
    out->message = message && message->type == JSON_STRING ? json_string(message) : "";
    return 0;
}

static int
parse_nothing(const struct json *part, const struct json *frame, struct nt_frame *out,
              struct nt_err *err)
{
    return 0;
}

static const struct {
    const char *key;
    enum nt_frame_kind kind;
    int (*parse)(const struct json *part, const struct json *frame, struct nt_frame *,
                 struct nt_err *);
} kinds[] = {
    { "to", NT_FRAME_REQUEST, parse_request },
    { "reply", NT_FRAME_REPLY, parse_reply },
    { "failed", NT_FRAME_FAILED, parse_failed },
    { "hello", NT_FRAME_HELLO, parse_hello },
    { "welcome", NT_FRAME_WELCOME, parse_hello },
    { "subscribe", NT_FRAME_SUBSCRIBE, parse_subscribe },
    { "ping", NT_FRAME_PING, parse_nothing },
    { "pong", NT_FRAME_PONG, parse_nothing },
};

int
nt_frame_parse(const struct json *json, struct nt_frame *out, struct nt_err *err)
{
    struct nt_frame frame = { 0 };

    for (size_t i = 0; i < NT_ARRAY_SIZE(kinds); i++) {
        const struct json *part = object_member(json, kinds[i].key);

        if (part) {
            frame.kind = kinds[i].kind;
            if (kinds[i].parse(part, json, &frame, err) < 0) {
                return -1;
            }
            *out = frame;
            return 0;
        }
    }
    return nt_fail(err, NT_INVALID, "frame of no known kind");
}

/* Writes '"key":"value"' with what must stand before it; nothing for NULL. */
static void
put_member(struct ds *ds, const char *before, const char *key, const char *value)
{
    if (value) {
        ds_put_format(ds, "%s\"%s\":", before, key);
        json_string_escape(value, ds);
    }
}

static void
put_hello(struct ds *ds, const struct nt_frame *frame)
{
    ds_put_format(ds, "{\"%s\":{\"version\":%lld",
                  frame->kind == NT_FRAME_HELLO ? "hello" : "welcome", (long long) frame->version);
    put_member(ds, ",", "name", frame->name);
    put_member(ds, ",", "program", frame->program);
    ds_put_char(ds, '}');
}

static void
put_request(struct ds *ds, const struct nt_frame *frame)
{
    ds_put_cstr(ds, "{\"to\":{");
    put_member(ds, "", "topic", frame->topic);
    put_member(ds, ",", "host", frame->host);
    ds_put_cstr(ds, frame->fanout ? ",\"fanout\":true}" : "}");
    if (frame->name) {
        ds_put_cstr(ds, ",\"from\":{");
        put_member(ds, "", "name", frame->name);
        put_member(ds, ",", "program", frame->program);
        ds_put_char(ds, '}');
    }
    if (frame->call) {
        ds_put_cstr(ds, ",\"call\":{");
        put_member(ds, "", "id", frame->call);
        ds_put_format(ds, ",\"timeout_ms\":%lld}", (long long) frame->timeout_ms);
    }
}

static void
put_frame(struct ds *ds, const struct nt_frame *frame)
{
    switch (frame->kind) {
    case NT_FRAME_HELLO:
    case NT_FRAME_WELCOME:
        put_hello(ds, frame);
        break;
    case NT_FRAME_SUBSCRIBE:
        ds_put_cstr(ds, "{\"subscribe\":{");
        put_member(ds, "", "topic", frame->topic);
        put_member(ds, ",", "host", frame->host);
        ds_put_char(ds, '}');
        break;
    case NT_FRAME_REQUEST:
        put_request(ds, frame);
        break;
    case NT_FRAME_REPLY:
        ds_put_cstr(ds, "{\"reply\":{");
        put_member(ds, "", "id", frame->call);
        ds_put_char(ds, '}');
        break;
    case NT_FRAME_FAILED:
        ds_put_cstr(ds, "{\"failed\":{");
        put_member(ds, "", "id", frame->call);
        put_member(ds, ",", "code", frame->code);
        put_member(ds, ",", "message", frame->message);
        ds_put_char(ds, '}');
        break;
    case NT_FRAME_PING:
        ds_put_cstr(ds, "{\"ping\":{}");
        break;
    case NT_FRAME_PONG:
        ds_put_cstr(ds, "{\"pong\":{}");
        break;
    default:
        ovs_abort(0, "unknown frame kind %d", frame->kind);
    }
    if (frame->body) {
        ds_put_cstr(ds, ",\"body\":");
        json_to_ds(frame->body, 0, ds);
    }
    ds_put_char(ds, '}');
}

int
nt_frame_encode(const struct nt_frame *frame, struct nt_frame_buf **out, struct nt_err *err)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_buffer(&ds, "\0\0\0", HEAD);
    put_frame(&ds, frame);

    size_t len = ds.length - HEAD;
    if (len > NT_FRAME_MAX) {
        ds_destroy(&ds);
        return nt_fail(err, NT_TOO_LARGE, "message has %zu bytes, at most %u may be sent", len,
                       NT_FRAME_MAX);
    }
    for (int i = 0; i < HEAD; i++) {
        ds.string[i] = len >> (8 * (HEAD - 1 - i)) & 0xff;
    }

    struct nt_frame_buf *buf = xmalloc(sizeof *buf);
    buf->n_refs = 1;
    buf->len = ds.length;
    buf->data = ds_steal_cstr(&ds);
    *out = buf;
    return 0;
}

void
nt_frame_buf_drop(struct nt_frame_buf *buf)
{
    if (buf && !--buf->n_refs) {
        free(buf->data);
        free(buf);
    }
}

struct nt_frame_decoder {
    size_t max;
    unsigned n_head; /* Bytes of the length that are there. */
    size_t len;      /* As far as it was read. */
    size_t left;     /* Bytes of the text still to come. */
    struct json_parser *parser;
    struct nt_json_guard guard;
};

struct nt_frame_decoder *
nt_frame_decoder_new(size_t max)
{
    struct nt_frame_decoder *dec = xzalloc(sizeof *dec);

    dec->max = max;
    return dec;
}

void
nt_frame_decoder_free(struct nt_frame_decoder *dec)
{
    if (dec) {
        if (dec->parser) {
            json_parser_abort(dec->parser);
        }
        free(dec);
    }
}

void
nt_frame_decoder_set_max(struct nt_frame_decoder *dec, size_t max)
{
    dec->max = max;
}

/* The text is complete. */
static enum nt_frame_status
finish(struct nt_frame_decoder *dec, struct json **out, struct nt_err *err)
{
    bool too_many = dec->guard.n_values > NT_JSON_MAX_VALUES;
    struct json *json = json_parser_finish(dec->parser);

    dec->parser = NULL;
    dec->n_head = 0;
    if (json->type == JSON_OBJECT && !too_many) {
        *out = json;
        return NT_FRAME_READY;
    }
    if (too_many) {
        nt_fail(err, NT_TOO_LARGE, "frame has more than %d values", NT_JSON_MAX_VALUES);
    } else {
        nt_fail(err, NT_INVALID, "frame is not a JSON object: %.100s",
                json->type == JSON_STRING ? json_string(json) : "of another type");
    }
    json_destroy(json);
    return NT_FRAME_BAD;
}

enum nt_frame_status
nt_frame_decoder_feed(struct nt_frame_decoder *dec, const char *data, size_t len, size_t *used,
                      struct json **out, struct nt_err *err)
{
    size_t i = 0;

    while (dec->n_head < HEAD && i < len) {
        dec->len = (dec->n_head++ ? dec->len << 8 : 0) | (unsigned char) data[i++];
        if (dec->n_head == HEAD) {
            if (!dec->len || dec->len > dec->max) {
                *used = i;
                nt_fail(err, NT_TOO_LARGE, "frame of %zu bytes, allowed are 1 to %zu", dec->len,
                        dec->max);
                return NT_FRAME_REFUSED;
            }
            dec->left = dec->len;
            dec->guard = (struct nt_json_guard){ 0 };
            dec->parser = json_parser_create(JSPF_TRAILER);
        }
    }
    if (dec->n_head < HEAD) {
        *used = i;
        return NT_FRAME_MORE;
    }

    size_t n = len - i < dec->left ? len - i : dec->left;
    if (nt_json_guard_feed(&dec->guard, data + i, n) && !json_parser_is_done(dec->parser)) {
        json_parser_feed(dec->parser, data + i, n);
    }
    dec->left -= n;
    *used = i + n;
    return dec->left ? NT_FRAME_MORE : finish(dec, out, err);
}
