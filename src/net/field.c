#include <config.h>

#include "net/field.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "net/addr.h"
#include "net/text.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"

#define MAX_ARRAY 100000

/* Beside the bits of enum nt_field_use: unknown keys of this object are refused. */
#define STRICT (1u << 31)

static int parse_object(const struct nt_field *, unsigned use, const struct json *,
                        const char *what, void *obj, struct nt_err *);

/* A table of one nameless field: an array's elements are values, not objects. */
static bool
is_plain(const struct nt_field *fields)
{
    return fields->name && !*fields->name;
}

static void *
member(const struct nt_field *f, const void *obj)
{
    return (char *) CONST_CAST(void *, obj) + f->offset;
}

const struct nt_field *
nt_field_find(const struct nt_field *fields, const char *name)
{
    for (; fields->name; fields++) {
        if (!strcmp(fields->name, name)) {
            return fields;
        }
    }
    return NULL;
}

bool
nt_is_uuid(const char *s)
{
    for (int i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? s[i] != '-' : !isxdigit((unsigned char) s[i])) {
            return false;
        }
    }
    return !s[36];
}

void
nt_time_format(int64_t wall_ms, char out[NT_TIME_SIZE])
{
    time_t t = wall_ms / 1000;
    struct tm tm;

    gmtime_r(&t, &tm);
    strftime(out, NT_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static int
parse_time(const char *text, int64_t *out)
{
    struct tm tm = { 0 };
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

    if (!end) {
        return -1;
    }
    if (*end == '.') {
        end += 1 + strspn(end + 1, "0123456789");
    }
    if (*end == 'Z') {
        end++;
    }
    if (*end) {
        return -1;
    }
    *out = (int64_t) timegm(&tm) * 1000;
    return 0;
}

static const char *
json_kind(const struct json *json)
{
    switch (json->type) {
    case JSON_NULL:
        return "null";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_STRING:
        return "a text";
    case JSON_N_TYPES:
    case JSON_SERIALIZED_OBJECT:
    default:
        return "something else";
    }
}

static int
wrong_type(const char *path, const char *wanted, const struct json *json, struct nt_err *err)
{
    return nt_fail(err, NT_INVALID, "%s must be %s, not %s", path, wanted, json_kind(json));
}

/* Checks a text's length and characters.  'multiline' allows tab and line ends. */
static int
check_text(const char *path, const char *text, size_t max, bool multiline, struct nt_err *err)
{
    size_t len = strlen(text);

    if (len > max) {
        return nt_fail(err, NT_INVALID, "%s is too long: %zu bytes, at most %zu", path, len, max);
    }
    if (!nt_is_utf8(text, len)) {
        return nt_fail(err, NT_INVALID, "%s is not valid UTF-8", path);
    }
    for (const char *p = text; *p; p++) {
        unsigned char c = *p;

        if (c == 0x7f || (c < ' ' && !(multiline && (c == '\n' || c == '\r' || c == '\t')))) {
            return nt_fail(err, NT_INVALID, "%s has a control character (0x%02x)", path, c);
        }
    }
    return 0;
}

static int
parse_str(const struct nt_field *f, const struct json *json, const char *path, char *out,
          struct nt_err *err)
{
    if (json->type != JSON_STRING) {
        return wrong_type(path, "a text", json, err);
    }

    const char *text = json_string(json);
    if (check_text(path, text, f->size - 1, false, err) < 0) {
        return -1;
    }
    ovs_strlcpy(out, text, f->size);
    return 0;
}

static bool
address_is_valid(enum nt_field_type type, char *text)
{
    struct nt_mac mac;
    struct nt_cidr cidr;
    uint32_t ip;

    switch (type) {
    case NT_F_UUID:
        for (char *p = text; *p; p++) {
            *p = tolower((unsigned char) *p);
        }
        return nt_is_uuid(text);
    case NT_F_MAC:
        if (!nt_mac_parse(text, &mac)) {
            return false;
        }
        nt_mac_format(&mac, text);
        return true;
    case NT_F_IP4:
        return nt_ip4_parse(text, &ip);
    case NT_F_CIDR:
        return strchr(text, '/') && nt_cidr_parse(text, &cidr);
    default:
        return false;
    }
}

/* A UUID, MAC, IPv4 address or CIDR; an empty text means none. */
static int
parse_address(const struct nt_field *f, const struct json *json, const char *path, char *out,
              struct nt_err *err)
{
    static const char *const wanted[] = {
        [NT_F_UUID] = "a UUID",
        [NT_F_MAC] = "a MAC address such as fa:16:3e:00:00:01",
        [NT_F_IP4] = "an IPv4 address such as 10.0.0.2",
        [NT_F_CIDR] = "an IPv4 network such as 10.0.0.0/24",
    };
    char buf[64];

    if (json->type != JSON_STRING) {
        return wrong_type(path, wanted[f->type], json, err);
    }
    if (strlen(json_string(json)) >= f->size) {
        return nt_fail(err, NT_INVALID, "%s is too long for %s", path, wanted[f->type]);
    }
    ovs_strlcpy(buf, json_string(json), sizeof buf);
    if (*buf && !address_is_valid(f->type, buf)) {
        return nt_fail(err, NT_INVALID, "%s is not %s", path, wanted[f->type]);
    }
    ovs_strlcpy(out, buf, f->size);
    return 0;
}

static int
parse_int(const struct nt_field *f, const struct json *json, const char *path, int64_t *out,
          struct nt_err *err)
{
    if (json->type != JSON_INTEGER) {
        return wrong_type(path, "a whole number", json, err);
    }

    long long v = json_integer(json);
    if ((f->min || f->max) && (v < f->min || v > f->max)) {
        return nt_fail(err, NT_INVALID, "%s is %lld, must be %lld to %lld", path, v, f->min,
                       f->max);
    }
    *out = v;
    return 0;
}

static int
parse_bool(const struct json *json, unsigned use, const char *path, bool *out, struct nt_err *err)
{
    if (json->type == JSON_TRUE || json->type == JSON_FALSE) {
        *out = json->type == JSON_TRUE;
        return 0;
    }
    if (use & (NT_IN_RPC | NT_IN_DB) && json->type == JSON_INTEGER
        && (json_integer(json) == 0 || json_integer(json) == 1)) {
        *out = json_integer(json);
        return 0;
    }
    return wrong_type(path, "true or false", json, err);
}

static int
parse_time_field(const struct json *json, const char *path, int64_t *out, struct nt_err *err)
{
    if (json->type == JSON_INTEGER) {
        *out = json_integer(json);
        return 0;
    }
    if (json->type != JSON_STRING || parse_time(json_string(json), out) < 0) {
        return nt_fail(err, NT_INVALID, "%s is not a time such as 2026-01-31T12:00:00Z", path);
    }
    return 0;
}

static int
parse_text(const struct nt_field *f, const struct json *json, const char *path, char **out,
           struct nt_err *err)
{
    if (json->type != JSON_STRING) {
        return wrong_type(path, "a text", json, err);
    }
    if (check_text(path, json_string(json), f->max ? f->max : 65535, true, err) < 0) {
        return -1;
    }
    free(*out);
    *out = xstrdup(json_string(json));
    return 0;
}

static int parse_field(const struct nt_field *, unsigned use, const struct json *, const char *path,
                       void *obj, struct nt_err *);

/* One element of an array: an object, or a plain value. */
static int
parse_element(const struct nt_field *fields, unsigned use, const struct json *json,
              const char *path, void *element, struct nt_err *err)
{
    return is_plain(fields) ? parse_field(fields, use, json, path, element, err)
                            : parse_object(fields, use, json, path, element, err);
}

/* '*n' is raised element by element, so that a failure leaves what clear needs. */
static int
parse_array(const struct nt_field *f, unsigned use, const struct json *json, const char *path,
            void *obj, struct nt_err *err)
{
    void **items = member(f, obj);
    size_t *n = (size_t *) ((char *) obj + f->n_offset);

    if (json->type != JSON_ARRAY) {
        return wrong_type(path, "a list", json, err);
    }
    if (json_array(json)->n > MAX_ARRAY) {
        return nt_fail(err, NT_INVALID, "%s has more than %d items", path, MAX_ARRAY);
    }
    if (!json_array(json)->n) {
        return 0;
    }
    *items = xcalloc(json_array(json)->n, f->size);
    for (size_t i = 0; i < json_array(json)->n; i++) {
        char sub[256];

        snprintf(sub, sizeof sub, "%s[%zu]", path, i);
        *n = i + 1;
        if (parse_element(f->fields, use, json_array(json)->elems[i], sub,
                          (char *) *items + i * f->size, err)
            < 0) {
            return -1;
        }
    }
    return 0;
}

static int
parse_field(const struct nt_field *f, unsigned use, const struct json *json, const char *path,
            void *obj, struct nt_err *err)
{
    void *m = member(f, obj);

    switch (f->type) {
    case NT_F_STR:
        return parse_str(f, json, path, m, err);
    case NT_F_TEXT:
        return parse_text(f, json, path, m, err);
    case NT_F_UUID:
    case NT_F_MAC:
    case NT_F_IP4:
    case NT_F_CIDR:
        return parse_address(f, json, path, m, err);
    case NT_F_INT:
        return parse_int(f, json, path, m, err);
    case NT_F_BOOL:
        return parse_bool(json, use, path, m, err);
    case NT_F_TIME:
        return parse_time_field(json, path, m, err);
    case NT_F_OBJECT:
        return parse_object(f->fields, use, json, path, m, err);
    case NT_F_ARRAY:
        return parse_array(f, use, json, path, obj, err);
    case NT_F_JSON:
        json_destroy(*(struct json **) m);
        *(struct json **) m = json_deep_clone(json);
        return 0;
    default:
        return nt_fail(err, NT_FAULT, "%s: no such field type", path);
    }
}

static bool
is_missing(const struct nt_field *f, const struct json *json)
{
    return !json || json->type == JSON_NULL
           || (json->type == JSON_STRING && !*json_string(json) && f->type != NT_F_TEXT);
}

static int
refuse_unknown_keys(const struct nt_field *fields, unsigned use, const struct json *json,
                    const char *what, struct nt_err *err)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, json_object(json)) {
        const struct nt_field *f = nt_field_find(fields, node->name);

        if (!f || !(f->use & use)) {
            return nt_fail(err, NT_INVALID, "%s.%.100s is not a known field", what, node->name);
        }
    }
    return 0;
}

static int
parse_object(const struct nt_field *fields, unsigned use, const struct json *json, const char *what,
             void *obj, struct nt_err *err)
{
    bool strict = use & STRICT;

    use &= ~STRICT;
    if (!json || json->type != JSON_OBJECT) {
        return nt_fail(err, NT_INVALID, "%s must be an object, not %s", what,
                       json ? json_kind(json) : "missing");
    }
    if (strict && refuse_unknown_keys(fields, use, json, what, err) < 0) {
        return -1;
    }
    for (const struct nt_field *f = fields; f->name; f++) {
        char path[256];

        if (!(f->use & use)) {
            continue;
        }

        const struct json *value = shash_find_data(json_object(json), f->name);
        snprintf(path, sizeof path, "%s%s%s", what, *what ? "." : "", f->name);
        if (is_missing(f, value)) {
            if (f->use & NT_REQUIRED && use & (NT_IN_CREATE | NT_IN_RPC)) {
                return nt_fail(err, NT_INVALID, "%s is missing", path);
            }
            if (!value || value->type == JSON_NULL) {
                continue;
            }
        }
        if (parse_field(f, use, value, path, obj, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int
nt_fields_parse(const struct nt_field *fields, unsigned use, const struct json *json,
                const char *what, void *obj, struct nt_err *err)
{
    return parse_object(fields, use, json, what, obj, err);
}

int
nt_fields_parse_strict(const struct nt_field *fields, unsigned use, const struct json *json,
                       const char *what, void *obj, struct nt_err *err)
{
    return parse_object(fields, use | STRICT, json, what, obj, err);
}

static struct json *field_json(const struct nt_field *, unsigned use, const void *obj);

static struct json *
array_json(const struct nt_field *f, unsigned use, const void *obj)
{
    const char *items = *(const char *const *) member(f, obj);
    size_t n = *(const size_t *) ((const char *) obj + f->n_offset);
    struct json **elems = n ? xmalloc(n * sizeof *elems) : NULL;

    for (size_t i = 0; i < n; i++) {
        const char *item = items + i * f->size;

        elems[i] = is_plain(f->fields) ? field_json(f->fields, use, item)
                                       : nt_fields_json(f->fields, use, item);
    }
    return json_array_create(elems, n);
}

static struct json *
time_json(int64_t t, unsigned use)
{
    char text[NT_TIME_SIZE];

    if (!t) {
        return json_null_create();
    }
    if (!(use & (NT_IN_READ | NT_IN_CREATE | NT_IN_UPDATE))) {
        return json_integer_create(t);
    }
    nt_time_format(t, text);
    return json_string_create(text);
}

static struct json *
field_json(const struct nt_field *f, unsigned use, const void *obj)
{
    const void *m = member(f, obj);
    const char *text;

    switch (f->type) {
    case NT_F_STR:
        return json_string_create(m);
    case NT_F_TEXT:
        text = *(const char *const *) m;
        return text ? json_string_create(text) : json_null_create();
    case NT_F_UUID:
    case NT_F_MAC:
    case NT_F_IP4:
    case NT_F_CIDR:
        text = m;
        return *text ? json_string_create(text) : json_null_create();
    case NT_F_INT:
        return json_integer_create(*(const int64_t *) m);
    case NT_F_BOOL:
        return json_boolean_create(*(const bool *) m);
    case NT_F_TIME:
        return time_json(*(const int64_t *) m, use);
    case NT_F_OBJECT:
        return nt_fields_json(f->fields, use, m);
    case NT_F_ARRAY:
        return array_json(f, use, obj);
    case NT_F_JSON: {
        const struct json *json = *(struct json *const *) m;

        return json ? json_deep_clone(json) : json_null_create();
    }
    default:
        return json_null_create();
    }
}

struct json *
nt_fields_json(const struct nt_field *fields, unsigned use, const void *obj)
{
    struct json *json = json_object_create();

    for (const struct nt_field *f = fields; f->name; f++) {
        if (f->use & use) {
            json_object_put(json, f->name, field_json(f, use, obj));
        }
    }
    return json;
}

void
nt_fields_clear(const struct nt_field *fields, void *obj)
{
    for (const struct nt_field *f = fields; f->name; f++) {
        void *m = member(f, obj);

        if (f->type == NT_F_TEXT) {
            free(*(char **) m);
            *(char **) m = NULL;
        } else if (f->type == NT_F_JSON) {
            json_destroy(*(struct json **) m);
            *(struct json **) m = NULL;
        } else if (f->type == NT_F_OBJECT) {
            nt_fields_clear(f->fields, m);
        } else if (f->type == NT_F_ARRAY) {
            size_t *n = (size_t *) ((char *) obj + f->n_offset);
            char *items = *(char **) m;

            for (size_t i = 0; i < *n; i++) {
                nt_fields_clear(f->fields, items + i * f->size);
            }
            free(items);
            *(char **) m = NULL;
            *n = 0;
        } else {
            memset(m, 0, f->size);
        }
    }
}

static void
copy_array(const struct nt_field *f, void *dst, const void *src)
{
    size_t n = *(const size_t *) ((const char *) src + f->n_offset);
    const char *from = *(const char *const *) member(f, src);
    char *to = n ? xcalloc(n, f->size) : NULL;

    for (size_t i = 0; i < n; i++) {
        nt_fields_copy(f->fields, to + i * f->size, from + i * f->size);
    }
    *(char **) member(f, dst) = to;
    *(size_t *) ((char *) dst + f->n_offset) = n;
}

void
nt_fields_copy(const struct nt_field *fields, void *dst, const void *src)
{
    for (const struct nt_field *f = fields; f->name; f++) {
        void *to = member(f, dst);
        const void *from = member(f, src);

        if (f->type == NT_F_TEXT) {
            const char *text = *(const char *const *) from;

            *(char **) to = text ? xstrdup(text) : NULL;
        } else if (f->type == NT_F_JSON) {
            struct json *json = *(struct json *const *) from;

            *(struct json **) to = json ? json_deep_clone(json) : NULL;
        } else if (f->type == NT_F_OBJECT) {
            nt_fields_copy(f->fields, to, from);
        } else if (f->type == NT_F_ARRAY) {
            copy_array(f, dst, src);
        } else {
            memcpy(to, from, f->size);
        }
    }
}
