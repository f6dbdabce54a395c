#include <config.h>

#include "net/vo.h"

#include <stdio.h>

#include "base/mem.h"
#include "net/field_impl.h"
#include "net/vo_network.h"
#include "net/vo_port.h"
#include "net/vo_qos.h"
#include "net/vo_security.h"
#include "net/vo_trunk.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"

#define NAMESPACE "versionedobjects"

const struct nt_field nt_text_fields[] = {
    { "", NT_F_TEXT, NT_AT(struct nt_text, text), NT_IN_RPC, 1, 4096 },
    { 0 },
};

const struct nt_vo_type *const nt_vo_types[] = {
    &nt_vo_port_type,          &nt_vo_network_type,
    &nt_vo_subnet_type,        &nt_vo_security_group_type,
    &nt_vo_security_rule_type, &nt_vo_address_group_type,
    &nt_vo_qos_policy_type,    &nt_vo_trunk_type,
    &nt_vo_sub_port_type,      NULL,
};

static const struct nt_vo_type *
find_type(const struct nt_vo_type *const *types, const char *name)
{
    for (; *types; types++) {
        if (!strcmp((*types)->name, name)) {
            return *types;
        }
    }
    return NULL;
}

const struct nt_vo_type *
nt_vo_type_find(const char *name)
{
    return find_type(nt_vo_types, name);
}

void
nt_vo_topic(const struct nt_vo_type *type, char out[NT_VO_TOPIC_SIZE])
{
    snprintf(out, NT_VO_TOPIC_SIZE, "neutron-vo-%s-%u.%u", type->name, type->major, type->minor);
}

struct nt_vo *
nt_vo_new(const struct nt_vo_type *type)
{
    struct nt_vo *vo = xzalloc(type->size);

    vo->type = type;
    vo->minor = type->minor;
    return vo;
}

void
nt_vo_clear_in(struct nt_vo *vo)
{
    if (vo->type) {
        size_t size = vo->type->size;

        nt_fields_clear(vo->type->fields, vo);
        memset(vo, 0, size);
    }
}

void
nt_vo_free(struct nt_vo *vo)
{
    if (vo) {
        nt_vo_clear_in(vo);
        free(vo);
    }
}

void
nt_vo_copy_in(struct nt_vo *dst, const struct nt_vo *src)
{
    dst->type = src->type;
    if (src->type) {
        dst->minor = src->minor;
        nt_fields_copy(src->type->fields, dst, src);
    }
}

struct nt_vo *
nt_vo_clone(const struct nt_vo *vo)
{
    struct nt_vo *copy = vo ? nt_vo_new(vo->type) : NULL;

    if (copy) {
        nt_vo_copy_in(copy, vo);
    }
    return copy;
}

void
nt_vo_complete(struct nt_vo *vo, const struct nt_vo_type *type)
{
    vo->type = type;
    vo->minor = type->minor;
    nt_fields_mark_all(type->fields, vo);
}

/* The text of one of the frame's keys; NULL when there is none. */
static const char *
frame_text(const struct json *json, const char *key)
{
    const struct json *value = shash_find_data(json_object(json), key);

    return value && value->type == JSON_STRING ? json_string(value) : NULL;
}

static int
check_version(const struct nt_vo_type *type, const char *text, const char *path, unsigned *minor,
              struct nt_err *err)
{
    unsigned major;
    char end;

    if (!text || sscanf(text, "%4u.%4u%c", &major, minor, &end) != 2) {
        return nt_fail(err, NT_INVALID, "%s.versioned_object.version is not a version such as 1.0",
                       path);
    }
    if (major != type->major) {
        return nt_fail(err, NT_UNSUPPORTED, "%s is %s of version %u.%u, not %u.x", path, type->name,
                       major, *minor, type->major);
    }
    *minor = MIN(*minor, type->minor);
    return 0;
}

/* Looks at the frame alone. */
static int
open_frame(const struct nt_vo_type *const *types, const struct json *json, const char *path,
           const struct nt_vo_type **type, unsigned *minor, struct nt_err *err)
{
    if (json->type != JSON_OBJECT) {
        return nt_field_wrong_type(path, "a versioned object", json, err);
    }

    const char *name = frame_text(json, "versioned_object.name");
    const char *namespace = frame_text(json, "versioned_object.namespace");
    if (!name) {
        return nt_fail(err, NT_INVALID, "%s has no versioned_object.name", path);
    }
    *type = find_type(types, name);
    if (!*type) {
        return nt_fail(err, NT_INVALID, "%s is a %.60s, must be a %s", path, name,
                       types[0] ? types[0]->name : "nothing");
    }
    if (!namespace || strcmp(namespace, NAMESPACE)) {
        return nt_fail(err, NT_INVALID, "%s.versioned_object.namespace is not %s", path, NAMESPACE);
    }
    return check_version(*type, frame_text(json, "versioned_object.version"), path, minor, err);
}

static int
fill(struct nt_vo *vo, unsigned use, const struct json *json, const char *path, struct nt_err *err)
{
    const struct json *data = shash_find_data(json_object(json), "versioned_object.data");

    if (!data) {
        return nt_fail(err, NT_INVALID, "%s has no versioned_object.data", path);
    }
    return nt_fields_parse_at(vo->type->fields, use, data, path, vo, err);
}

int
nt_vo_parse_in(const struct nt_vo_type *const *types, unsigned use, const struct json *json,
               const char *path, struct nt_vo *vo, struct nt_err *err)
{
    const struct nt_vo_type *type;
    unsigned minor;

    if (open_frame(types, json, path, &type, &minor, err) < 0) {
        return -1;
    }
    vo->type = type;
    vo->minor = minor;
    return fill(vo, use, json, path, err);
}

int
nt_vo_parse_new(const struct nt_vo_type *const *types, unsigned use, const struct json *json,
                const char *path, struct nt_vo **out, struct nt_err *err)
{
    const struct nt_vo_type *type;
    unsigned minor;

    if (open_frame(types ? types : nt_vo_types, json, path, &type, &minor, err) < 0) {
        return -1;
    }

    AUTO(nt_vo) vo = nt_vo_new(type);
    vo->minor = minor;
    if (fill(vo, use, json, path, err) < 0) {
        return -1;
    }
    nt_vo_free(*out);
    *out = TAKE(vo);
    return 0;
}

int
nt_vo_parse(const struct nt_vo_type *const *types, const struct json *json, const char *what,
            struct nt_vo **out, struct nt_err *err)
{
    struct nt_vo *vo = NULL;

    if (nt_vo_parse_new(types, NT_IN_RPC, json, what, &vo, err) < 0) {
        return -1;
    }
    *out = vo;
    return 0;
}

struct json *
nt_vo_json(const struct nt_vo *vo)
{
    if (!vo || !vo->type) {
        return json_null_create();
    }

    struct json *json = json_object_create();
    json_object_put_string(json, "versioned_object.name", vo->type->name);
    json_object_put_string(json, "versioned_object.namespace", NAMESPACE);
    json_object_put_format(json, "versioned_object.version", "%u.%u", vo->type->major, vo->minor);
    json_object_put(json, "versioned_object.data", nt_fields_json(vo->type->fields, NT_IN_RPC, vo));
    return json;
}

bool
nt_vo_is_set(const struct nt_vo *vo, const char *field)
{
    return vo && vo->type && nt_field_is_set(vo->type->fields, vo, field);
}
