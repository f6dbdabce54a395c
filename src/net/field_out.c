#include <config.h>

#include <string.h>

#include "base/mem.h"
#include "net/field_impl.h"
#include "net/vo.h"
#include "openvswitch/json.h"

static struct json *field_json(const struct nt_field *, unsigned use, const void *obj);

static struct json *
array_json(const struct nt_field *f, unsigned use, const void *obj)
{
    const char *items = *(const char *const *) nt_field_member(f, obj);
    size_t n = *(const size_t *) ((const char *) obj + f->n_offset);
    struct json **elems = n ? xmalloc(n * sizeof *elems) : NULL;

    for (size_t i = 0; i < n; i++) {
        const char *item = items + i * f->size;

        elems[i] = nt_field_is_plain(f->fields) ? field_json(f->fields, use, item)
                                                : nt_fields_json(f->fields, use, item);
    }
    return json_array_create(elems, n);
}

/* The part after the key. */
static struct json *
map_value_json(const struct nt_field *fields, unsigned use, const void *element)
{
    const struct nt_field *rest = nt_map_key(fields) + 1;

    return nt_field_is_plain(rest) ? field_json(rest, use, element)
                                   : nt_fields_json(fields, use, element);
}

static struct json *
map_json(const struct nt_field *f, unsigned use, const void *obj)
{
    const char *items = *(const char *const *) nt_field_member(f, obj);
    size_t n = *(const size_t *) ((const char *) obj + f->n_offset);
    const struct nt_field *key = nt_map_key(f->fields);
    struct json *json = json_object_create();

    for (size_t i = 0; i < n; i++) {
        const char *item = items + i * f->size;

        json_object_put(json, nt_field_member(key, item), map_value_json(f->fields, use, item));
    }
    return json;
}

/* Whether 'f' holds nothing that could be anything but null. */
static bool
holds_nothing(const struct nt_field *f, const void *obj)
{
    const void *m = nt_field_member(f, obj);

    switch (f->type) {
    case NT_F_STR:
    case NT_F_UUID:
    case NT_F_MAC:
    case NT_F_IP4:
    case NT_F_CIDR:
    case NT_F_IP:
    case NT_F_NET:
        return !*(const char *) m;
    case NT_F_TEXT:
    case NT_F_JSON:
    case NT_F_JSON_TEXT:
    case NT_F_VO_ANY:
        return !*(const void *const *) m;
    case NT_F_TIME:
    case NT_F_STAMP:
        return !*(const int64_t *) m;
    case NT_F_VO:
        return !((const struct nt_vo *) m)->type;
    case NT_F_INT:
    case NT_F_BOOL:
    case NT_F_OBJECT:
    case NT_F_ARRAY:
    case NT_F_TUPLE:
    case NT_F_MAP:
    case NT_F_SEEN:
    default:
        return false;
    }
}

/* Nothing at all: also no number, no elements, not true. */
static bool
is_empty(const struct nt_field *f, const void *obj)
{
    switch (f->type) {
    case NT_F_INT:
        return !*(const int64_t *) nt_field_member(f, obj);
    case NT_F_BOOL:
        return !*(const bool *) nt_field_member(f, obj);
    case NT_F_ARRAY:
    case NT_F_MAP:
        return !*(const size_t *) ((const char *) obj + f->n_offset);
    default:
        return holds_nothing(f, obj);
    }
}

/* Whether a struct that remembers has no value for 'f'. */
static bool
is_unset(const struct nt_field *fields, const struct nt_field *f, const void *obj)
{
    const struct nt_seen *seen = nt_field_seen(fields, obj);

    if (!seen) {
        return false;
    }
    return seen->set ? !(seen->set & nt_field_bit(fields, f))
                     : f->use & NT_ABSENT && is_empty(f, obj);
}

static bool
is_null(const struct nt_field *fields, const struct nt_field *f, const void *obj)
{
    const struct nt_seen *seen = nt_field_seen(fields, obj);

    if (!seen) {
        return false;
    }
    return seen->set ? seen->null & nt_field_bit(fields, f)
                     : f->use & NT_NULL && holds_nothing(f, obj);
}

static struct json *
stamp_json(int64_t t)
{
    char text[NT_TIME_SIZE];

    nt_time_format(t, text);
    return json_string_create(text);
}

/* A value of which it is known that it is not null: empty addresses and the time 0 are
 * what they are. */
static struct json *
value_json(const struct nt_field *f, unsigned use, const void *obj)
{
    if (nt_field_is_address(f)) {
        return json_string_create(nt_field_member(f, obj));
    }
    if (f->type == NT_F_STAMP) {
        return stamp_json(*(const int64_t *) nt_field_member(f, obj));
    }
    return field_json(f, use, obj);
}

static struct json *
member_json(const struct nt_field *fields, const struct nt_field *f, unsigned use, const void *obj)
{
    const struct nt_seen *seen = nt_field_seen(fields, obj);

    if (is_null(fields, f, obj)) {
        return json_null_create();
    }
    return seen && seen->set ? value_json(f, use, obj) : field_json(f, use, obj);
}

static struct json *
tuple_json(const struct nt_field *f, unsigned use, const void *m)
{
    const struct nt_field *first = nt_tuple_first(f->fields);
    struct json *list;

    if (f->min && is_unset(f->fields, first + 1, m)) {
        return member_json(f->fields, first, use, m);
    }
    list = json_array_create_empty();
    for (const struct nt_field *part = first; part->name; part++) {
        if (!is_unset(f->fields, part, m)) {
            json_array_add(list, member_json(f->fields, part, use, m));
        }
    }
    return list;
}

static struct json *
json_text_json(const struct json *json)
{
    return json ? json_string_create_nocopy(json_to_string(json, JSSF_SORT)) : json_null_create();
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
    const void *m = nt_field_member(f, obj);
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
    case NT_F_IP:
    case NT_F_NET:
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
    case NT_F_STAMP:
        return *(const int64_t *) m ? stamp_json(*(const int64_t *) m) : json_null_create();
    case NT_F_JSON_TEXT:
        return json_text_json(*(struct json *const *) m);
    case NT_F_TUPLE:
        return tuple_json(f, use, m);
    case NT_F_MAP:
        return map_json(f, use, obj);
    case NT_F_VO:
        return nt_vo_json(m);
    case NT_F_VO_ANY:
        return nt_vo_json(*(struct nt_vo *const *) m);
    case NT_F_SEEN:
    default:
        return json_null_create();
    }
}

struct json *
nt_fields_json(const struct nt_field *fields, unsigned use, const void *obj)
{
    if (nt_field_is_plain(fields)) {
        return field_json(fields, use, obj);
    }

    struct json *json = json_object_create();
    for (const struct nt_field *f = fields; f->name; f++) {
        if (f->use & use && !is_unset(fields, f, obj)) {
            json_object_put(json, f->name, member_json(fields, f, use, obj));
        }
    }
    return json;
}

void
nt_fields_clear(const struct nt_field *fields, void *obj)
{
    for (const struct nt_field *f = fields; f->name; f++) {
        void *m = nt_field_member(f, obj);

        if (f->type == NT_F_TEXT) {
            free(*(char **) m);
            *(char **) m = NULL;
        } else if (f->type == NT_F_JSON || f->type == NT_F_JSON_TEXT) {
            json_destroy(*(struct json **) m);
            *(struct json **) m = NULL;
        } else if (f->type == NT_F_OBJECT || f->type == NT_F_TUPLE) {
            nt_fields_clear(f->fields, m);
        } else if (f->type == NT_F_VO) {
            nt_vo_clear_in(m);
        } else if (f->type == NT_F_VO_ANY) {
            nt_vo_free(*(struct nt_vo **) m);
            *(struct nt_vo **) m = NULL;
        } else if (f->type == NT_F_ARRAY || f->type == NT_F_MAP) {
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
    const char *from = *(const char *const *) nt_field_member(f, src);
    char *to = n ? xcalloc(n, f->size) : NULL;

    for (size_t i = 0; i < n; i++) {
        nt_fields_copy(f->fields, to + i * f->size, from + i * f->size);
    }
    *(char **) nt_field_member(f, dst) = to;
    *(size_t *) ((char *) dst + f->n_offset) = n;
}

void
nt_fields_copy(const struct nt_field *fields, void *dst, const void *src)
{
    for (const struct nt_field *f = fields; f->name; f++) {
        void *to = nt_field_member(f, dst);
        const void *from = nt_field_member(f, src);

        if (f->type == NT_F_TEXT) {
            const char *text = *(const char *const *) from;

            *(char **) to = text ? xstrdup(text) : NULL;
        } else if (f->type == NT_F_JSON || f->type == NT_F_JSON_TEXT) {
            struct json *json = *(struct json *const *) from;

            *(struct json **) to = json ? json_deep_clone(json) : NULL;
        } else if (f->type == NT_F_OBJECT || f->type == NT_F_TUPLE) {
            nt_fields_copy(f->fields, to, from);
        } else if (f->type == NT_F_VO) {
            memset(to, 0, f->size);
            nt_vo_copy_in(to, from);
        } else if (f->type == NT_F_VO_ANY) {
            *(struct nt_vo **) to = nt_vo_clone(*(struct nt_vo *const *) from);
        } else if (f->type == NT_F_ARRAY || f->type == NT_F_MAP) {
            copy_array(f, dst, src);
        } else {
            memcpy(to, from, f->size);
        }
    }
}

static const struct nt_field *
find_own(const struct nt_field *fields, const char *name)
{
    const struct nt_field *f = nt_field_find(fields, name);

    ovs_assert(f && fields->type == NT_F_SEEN);
    return f;
}

bool
nt_field_is_set(const struct nt_field *fields, const void *obj, const char *name)
{
    return !is_unset(fields, find_own(fields, name), obj);
}

bool
nt_field_is_null(const struct nt_field *fields, const void *obj, const char *name)
{
    return is_null(fields, find_own(fields, name), obj);
}

void
nt_field_mark(const struct nt_field *fields, void *obj, const char *name)
{
    uint64_t bit = nt_field_bit(fields, find_own(fields, name));

    nt_field_seen(fields, obj)->set |= bit;
    nt_field_seen(fields, obj)->null &= ~bit;
}

void
nt_field_mark_null(const struct nt_field *fields, void *obj, const char *name)
{
    uint64_t bit = nt_field_bit(fields, find_own(fields, name));

    nt_field_seen(fields, obj)->set |= bit;
    nt_field_seen(fields, obj)->null |= bit;
}

void
nt_fields_mark_all(const struct nt_field *fields, void *obj)
{
    struct nt_seen all = { 0, 0 };

    *nt_field_seen(fields, obj) = all;
    for (const struct nt_field *f = fields + 1; f->name; f++) {
        uint64_t bit = nt_field_bit(fields, f);

        all.set |= is_unset(fields, f, obj) ? 0 : bit;
        all.null |= is_null(fields, f, obj) ? bit : 0;
    }
    all.set |= 1;
    *nt_field_seen(fields, obj) = all;
}
