#include <config.h>

#include "net/field.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "net/addr6.h"
#include "net/field_impl.h"
#include "net/text.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"

#define MAX_ARRAY 100000
#define MAX_JSON_DEPTH 16
#define LAST_YEAR 9999

/* Beside the bits of enum nt_field_use: unknown keys of this object are refused. */
#define STRICT (1u << 31)

static int parse_object(const struct nt_field *, unsigned use, const struct json *,
                        const char *what, void *obj, struct nt_err *);

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

bool
nt_time_parse(const char *text, int64_t *wall_ms)
{
    struct tm tm = { 0 };
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

    if (!end) {
        return false;
    }
    if (*end == '.') {
        end += 1 + strspn(end + 1, "0123456789");
    }
    if (*end == 'Z') {
        end++;
    }
    if (*end) {
        return false;
    }
    *wall_ms = (int64_t) timegm(&tm) * 1000;
    return tm.tm_year <= LAST_YEAR - 1900; /* A leap second may lead out of it. */
}

const char *
nt_json_kind(const struct json *json)
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

int
nt_field_wrong_type(const char *path, const char *wanted, const struct json *json,
                    struct nt_err *err)
{
    return nt_fail(err, NT_INVALID, "%s must be %s, not %s", path, wanted, nt_json_kind(json));
}

enum text_kind {
    ONE_LINE,
    LINES, /* Tab and line ends too. */
    ANY_CHARACTER,
};

/* Checks a text's length and characters. */
static int
check_text(const char *path, const char *text, size_t max, enum text_kind kind, struct nt_err *err)
{
    size_t len = strlen(text);

    if (len > max) {
        return nt_fail(err, NT_INVALID, "%s is too long: %zu bytes, at most %zu", path, len, max);
    }
    if (!nt_is_utf8(text, len)) {
        return nt_fail(err, NT_INVALID, "%s is not valid UTF-8", path);
    }
    for (const char *p = text; *p && kind != ANY_CHARACTER; p++) {
        unsigned char c = *p;

        if (c == 0x7f || (c < ' ' && !(kind == LINES && (c == '\n' || c == '\r' || c == '\t')))) {
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
        return nt_field_wrong_type(path, "a text", json, err);
    }

    const char *text = json_string(json);
    if (check_text(path, text, f->size - 1, ONE_LINE, err) < 0) {
        return -1;
    }
    ovs_strlcpy(out, text, f->size);
    return 0;
}

static bool
address_is_valid(enum nt_field_type type, char *text)
{
    struct nt_mac mac;
    char canon[NT_CIDR6_SIZE];
    struct nt_cidr cidr;
    struct in6_addr ip6;
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
    case NT_F_IP:
        return nt_ip4_parse(text, &ip) || nt_ip6_parse(text, &ip6);
    case NT_F_NET:
        return nt_cidr_parse(text, &cidr) || nt_ip6_parse(text, &ip6)
               || nt_cidr6_canon(text, canon, NULL);
    default:
        return false;
    }
}

/* A UUID, MAC, address or network; an empty text means none. */
static int
parse_address(const struct nt_field *f, const struct json *json, const char *path, char *out,
              struct nt_err *err)
{
    static const char *const wanted[] = {
        [NT_F_UUID] = "a UUID",
        [NT_F_MAC] = "a MAC address such as fa:16:3e:00:00:01",
        [NT_F_IP4] = "an IPv4 address such as 10.0.0.2",
        [NT_F_CIDR] = "an IPv4 network such as 10.0.0.0/24",
        [NT_F_IP] = "an IP address",
        [NT_F_NET] = "an IP address or network",
    };
    char buf[64];

    if (json->type != JSON_STRING) {
        return nt_field_wrong_type(path, wanted[f->type], json, err);
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
        return nt_field_wrong_type(path, "a whole number", json, err);
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
    return nt_field_wrong_type(path, "true or false", json, err);
}

static int
parse_time_field(const struct json *json, const char *path, int64_t *out, struct nt_err *err)
{
    if (json->type == JSON_INTEGER) {
        *out = json_integer(json);
        return 0;
    }
    if (json->type != JSON_STRING || !nt_time_parse(json_string(json), out)) {
        return nt_fail(err, NT_INVALID, "%s is not a time such as 2026-01-31T12:00:00Z", path);
    }
    return 0;
}

static int
parse_text(const struct nt_field *f, const struct json *json, const char *path, char **out,
           struct nt_err *err)
{
    if (json->type != JSON_STRING) {
        return nt_field_wrong_type(path, "a text", json, err);
    }
    if (check_text(path, json_string(json), f->max ? f->max : 65535, f->min ? ANY_CHARACTER : LINES,
                   err)
        < 0) {
        return -1;
    }
    free(*out);
    *out = xstrdup(json_string(json));
    return 0;
}

static int parse_field(const struct nt_field *, unsigned use, const struct json *, const char *path,
                       void *obj, struct nt_err *);

static bool
is_empty_address(const struct nt_field *f, const struct json *json)
{
    return nt_field_is_address(f) && json->type == JSON_STRING && !*json_string(json);
}

/* A value of a list or a map that is no object.  There, no address is none. */
static int
parse_plain_element(const struct nt_field *f, unsigned use, const struct json *json,
                    const char *path, void *element, struct nt_err *err)
{
    return is_empty_address(f, json) ? nt_fail(err, NT_INVALID, "%s is empty", path)
                                     : parse_field(f, use, json, path, element, err);
}

/* One element of an array: an object, or a plain value. */
static int
parse_element(const struct nt_field *fields, unsigned use, const struct json *json,
              const char *path, void *element, struct nt_err *err)
{
    return nt_field_is_plain(fields) ? parse_plain_element(fields, use, json, path, element, err)
                                     : parse_object(fields, use, json, path, element, err);
}

/* Room for element 'i' of '*items', zeroed.  It grows as elements are read, so that a
 * list of much that is nothing costs nothing. */
static void *
grow(const struct nt_field *f, void **items, size_t i, size_t n_total)
{
    size_t have = i && !(i & (i - 1)) ? i : 0; /* A power of two: full. */

    if (!i || have) {
        size_t room = MIN(n_total, have ? have * 2 : 1);

        *items = xrealloc(*items, room * f->size);
    }

    void *element = (char *) *items + i * f->size;
    memset(element, 0, f->size);
    return element;
}

static int
check_count(const char *path, size_t n, struct nt_err *err)
{
    return n > MAX_ARRAY ? nt_fail(err, NT_INVALID, "%s has more than %d items", path, MAX_ARRAY)
                         : 0;
}

/* '*n' is raised element by element, so that a failure leaves what clear needs. */
static int
parse_array(const struct nt_field *f, unsigned use, const struct json *json, const char *path,
            void *obj, struct nt_err *err)
{
    void **items = nt_field_member(f, obj);
    size_t *n = (size_t *) ((char *) obj + f->n_offset);

    if (json->type != JSON_ARRAY) {
        return nt_field_wrong_type(path, "a list", json, err);
    }

    size_t n_total = json_array(json)->n;
    if (check_count(path, n_total, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n_total; i++) {
        void *element = grow(f, items, i, n_total);
        char sub[256];

        snprintf(sub, sizeof sub, "%s[%zu]", path, i);
        *n = i + 1;
        if (parse_element(f->fields, use, json_array(json)->elems[i], sub, element, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
parse_map_entry(const struct nt_field *fields, unsigned use, const struct shash_node *node,
                const char *path, void *element, struct nt_err *err)
{
    const struct nt_field *key = nt_map_key(fields);
    struct json *name = json_string_create(node->name);
    char sub[256];

    snprintf(sub, sizeof sub, "a key of %s", path);
    int rc = parse_field(key, use, name, sub, element, err);
    json_destroy(name);
    if (rc < 0) {
        return -1;
    }

    snprintf(sub, sizeof sub, "%s.%.60s", path, node->name);
    return nt_field_is_plain(key + 1) ? parse_element(key + 1, use, node->data, sub, element, err)
                                      : parse_object(fields, use, node->data, sub, element, err);
}

/* In the order of the keys, so that the same message is the same struct. */
static int
parse_map(const struct nt_field *f, unsigned use, const struct json *json, const char *path,
          void *obj, struct nt_err *err)
{
    void **items = nt_field_member(f, obj);
    size_t *n = (size_t *) ((char *) obj + f->n_offset);

    if (json->type != JSON_OBJECT) {
        return nt_field_wrong_type(path, "an object", json, err);
    }

    size_t n_total = shash_count(json_object(json));
    if (check_count(path, n_total, err) < 0) {
        return -1;
    }

    AUTO_FREE const struct shash_node **nodes = shash_sort(json_object(json));
    for (size_t i = 0; i < n_total; i++) {
        void *element = grow(f, items, i, n_total);

        *n = i + 1;
        if (parse_map_entry(f->fields, use, nodes[i], path, element, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static bool
is_missing(const struct nt_field *f, const struct json *json)
{
    return !json || json->type == JSON_NULL
           || (json->type == JSON_STRING && !*json_string(json) && f->type != NT_F_TEXT);
}

/* What is being filled: a struct and its table. */
struct into {
    const struct nt_field *fields;
    void *obj;
};

/* The table's first bit, its own, says that the rest are those of a message: an object
 * without any field is not one that nobody marked. */
static void
note_read(const struct nt_field *fields, void *obj)
{
    struct nt_seen *seen = nt_field_seen(fields, obj);

    if (seen) {
        seen->set |= 1;
    }
}

/* One value of an object or a tuple; null and absent are told apart in 'seen'. */
static int
parse_member(const struct into *into, const struct nt_field *f, unsigned use,
             const struct json *value, const char *path, struct nt_err *err)
{
    struct nt_seen *seen = nt_field_seen(into->fields, into->obj);
    uint64_t bit = seen ? nt_field_bit(into->fields, f) : 0;

    if (is_missing(f, value)) {
        if (f->use & NT_REQUIRED && use & (NT_IN_CREATE | NT_IN_RPC)) {
            return nt_fail(err, NT_INVALID, "%s is missing", path);
        }
        if (!value) {
            return 0;
        }
    }
    if (seen) {
        seen->set |= bit;
    }
    if (value->type != JSON_NULL) {
        return parse_field(f, use, value, path, into->obj, err);
    }
    if (seen && !(f->use & NT_NULL)) {
        return nt_fail(err, NT_INVALID, "%s must not be null", path);
    }
    if (seen) {
        seen->null |= bit;
    }
    return 0;
}

static int
parse_tuple(const struct nt_field *f, unsigned use, const struct json *json, const char *path,
            void *m, struct nt_err *err)
{
    const struct nt_field *first = nt_tuple_first(f->fields);
    const struct into into = { f->fields, m };
    size_t i = 0;

    if (f->min && json->type == JSON_STRING) {
        return parse_member(&into, first, use, json, path, err);
    }
    if (json->type != JSON_ARRAY) {
        return nt_field_wrong_type(path, "a list", json, err);
    }
    note_read(f->fields, m);
    for (const struct nt_field *part = first; part->name; part++, i++) {
        const struct json *value = i < json_array(json)->n ? json_array(json)->elems[i] : NULL;
        char sub[256];

        snprintf(sub, sizeof sub, "%s[%zu] (%s)", path, i, part->name);
        if (parse_member(&into, part, use, value, sub, err) < 0) {
            return -1;
        }
    }
    if (json_array(json)->n > i) {
        return nt_fail(err, NT_INVALID, "%s has more than %zu items", path, i);
    }
    return 0;
}

/* Whether 'json' is at most 'depth' lists and objects deep. */
static bool
is_shallow(const struct json *json, unsigned depth)
{
    const struct shash_node *node;

    if (json->type == JSON_ARRAY) {
        for (size_t i = 0; i < json_array(json)->n; i++) {
            if (!depth || !is_shallow(json_array(json)->elems[i], depth - 1)) {
                return false;
            }
        }
    } else if (json->type == JSON_OBJECT) {
        SHASH_FOR_EACH (node, json_object(json)) {
            if (!depth || !is_shallow(node->data, depth - 1)) {
                return false;
            }
        }
    }
    return true;
}

static int
parse_json(const struct json *json, const char *path, struct json **out, struct nt_err *err)
{
    if (!is_shallow(json, MAX_JSON_DEPTH)) {
        return nt_fail(err, NT_INVALID, "%s is nested more than %d deep", path, MAX_JSON_DEPTH);
    }
    json_destroy(*out);
    *out = json_deep_clone(json);
    return 0;
}

/* An object as JSON within a text; an empty text is an empty object. */
static int
parse_json_text(const struct nt_field *f, const struct json *json, const char *path,
                struct json **out, struct nt_err *err)
{
    size_t max = f->max ? f->max : 65535;

    if (json->type != JSON_STRING) {
        return nt_field_wrong_type(path, "a text", json, err);
    }
    if (strlen(json_string(json)) > max) {
        return nt_fail(err, NT_INVALID, "%s is too long: more than %zu bytes", path, max);
    }

    struct json *inner =
        *json_string(json) ? json_from_string(json_string(json)) : json_object_create();
    int rc = inner->type == JSON_OBJECT
                 ? parse_json(inner, path, out, err)
                 : nt_fail(err, NT_INVALID, "%s is not an object in a text", path);

    json_destroy(inner);
    return rc;
}

static int
parse_stamp(const struct json *json, const char *path, int64_t *out, struct nt_err *err)
{
    if (json->type != JSON_STRING || !nt_time_parse(json_string(json), out)) {
        return nt_fail(err, NT_INVALID, "%s is not a time such as 2026-01-31T12:00:00Z", path);
    }
    return 0;
}

static int
parse_field(const struct nt_field *f, unsigned use, const struct json *json, const char *path,
            void *obj, struct nt_err *err)
{
    void *m = nt_field_member(f, obj);

    switch (f->type) {
    case NT_F_STR:
        return parse_str(f, json, path, m, err);
    case NT_F_TEXT:
        return parse_text(f, json, path, m, err);
    case NT_F_UUID:
    case NT_F_MAC:
    case NT_F_IP4:
    case NT_F_CIDR:
    case NT_F_IP:
    case NT_F_NET:
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
        return parse_json(json, path, m, err);
    case NT_F_STAMP:
        return parse_stamp(json, path, m, err);
    case NT_F_JSON_TEXT:
        return parse_json_text(f, json, path, m, err);
    case NT_F_TUPLE:
        return parse_tuple(f, use, json, path, m, err);
    case NT_F_MAP:
        return parse_map(f, use, json, path, obj, err);
    case NT_F_VO:
        return nt_vo_parse_in(f->types, use, json, path, m, err);
    case NT_F_VO_ANY:
        return nt_vo_parse_new(f->types, use, json, path, m, err);
    case NT_F_SEEN:
    default:
        return nt_fail(err, NT_FAULT, "%s: no such field type", path);
    }
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
    const struct into into = { fields, obj };
    bool strict = use & STRICT;

    use &= ~STRICT;
    if (!json || json->type != JSON_OBJECT) {
        return nt_fail(err, NT_INVALID, "%s must be an object, not %s", what,
                       json ? nt_json_kind(json) : "missing");
    }
    if (strict && refuse_unknown_keys(fields, use, json, what, err) < 0) {
        return -1;
    }
    note_read(fields, obj);
    for (const struct nt_field *f = fields; f->name; f++) {
        char path[256];

        if (!(f->use & use)) {
            continue;
        }

        const struct json *value = shash_find_data(json_object(json), f->name);
        snprintf(path, sizeof path, "%s%s%s", what, *what ? "." : "", f->name);
        if (parse_member(&into, f, use, value, path, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int
nt_fields_parse_at(const struct nt_field *fields, unsigned use, const struct json *json,
                   const char *path, void *obj, struct nt_err *err)
{
    return parse_object(fields, use, json, path, obj, err);
}

/* A plain value, where null is none. */
static int
parse_plain(const struct nt_field *f, unsigned use, const struct json *json, const char *what,
            void *obj, struct nt_err *err)
{
    if (!json || json->type == JSON_NULL) {
        return f->use & NT_REQUIRED ? nt_fail(err, NT_INVALID, "%s is missing", what) : 0;
    }
    return parse_field(f, use & ~STRICT, json, what, obj, err);
}

int
nt_fields_parse(const struct nt_field *fields, unsigned use, const struct json *json,
                const char *what, void *obj, struct nt_err *err)
{
    return nt_field_is_plain(fields) ? parse_plain(fields, use, json, what, obj, err)
                                     : parse_object(fields, use, json, what, obj, err);
}

int
nt_fields_parse_strict(const struct nt_field *fields, unsigned use, const struct json *json,
                       const char *what, void *obj, struct nt_err *err)
{
    return parse_object(fields, use | STRICT, json, what, obj, err);
}
