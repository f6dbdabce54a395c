/* Versioned objects: how neutron's server and agents hand each other ports, networks
 * and the rest.  The structs are in vo_port.h, vo_network.h, vo_security.h, vo_qos.h and
 * vo_trunk.h.
 *
 * They are values "as another program sees them", with their addresses, bindings and
 * segments inside, and serve as they are as the model of an agent.  What the database
 * holds of the same things (net/network.h, net/security_group.h) are rows without.
 *
 * Each begins with struct nt_vo, which says what it is and which fields it has: a
 * field may be absent, null, or have a value.  A reader who does not care finds an empty
 * text, 0, NULL or no elements in all that is not there.
 *
 * On the wire: {"versioned_object.name": ..., "versioned_object.namespace":
 * "versionedobjects", "versioned_object.version": "1.7", "versioned_object.data": {...}}.
 * Name, namespace and major version must fit; a newer minor version is read as ours, and
 * fields nobody here knows are left out.  "versioned_object.changes" is not looked at.
 *
 * Loop thread or not: no state, no input or output. */
#pragma once

#include "net/field.h"
#include "net/network.h"

struct nt_vo_type {
    const char *name;              /* "Port". */
    unsigned major, minor;         /* The version our fields are of. */
    const struct nt_field *fields; /* Begin with NT_VO_HEAD. */
    size_t size;
};

struct nt_vo {
    const struct nt_vo_type *type; /* NULL: no object here. */
    unsigned minor;                /* It was read with, or shall be written with. */
    struct nt_seen seen;
};

/* First line of an object's field table. */
#define NT_VO_HEAD(struct_) NT_SEEN_FIELD(struct_, vo.seen)

/* The attributes all of neutron's resources have. */
struct nt_vo_standard {
    int64_t revision_number;
    char *description; /* Owned, as are all texts behind pointers. */
    int64_t created_at, updated_at;
};
#define NT_VO_STANDARD_FIELDS(struct_)                                                          \
    { "revision_number", NT_F_INT, NT_AT(struct_, standard.revision_number), NT_IN_RPC },       \
        { "description",       NT_F_TEXT, NT_AT(struct_, standard.description),                 \
          NT_IN_RPC | NT_NULL, 1,         4096 },                                               \
        { "created_at", NT_F_STAMP, NT_AT(struct_, standard.created_at), NT_IN_RPC | NT_NULL }, \
    {                                                                                           \
        "updated_at", NT_F_STAMP, NT_AT(struct_, standard.updated_at), NT_IN_RPC | NT_NULL      \
    }

/* A list of objects of one type, within another object. */
#define NT_VO_ELEMENTS(name_, struct_, types_)                           \
    static const struct nt_field name_[] = {                             \
        { "", NT_F_VO, 0, sizeof(struct_), NT_IN_RPC, .types = types_ }, \
        { 0 },                                                           \
    }

/* Lists of texts and UUIDs. */
struct nt_text {
    char *text;
};
extern const struct nt_field nt_text_fields[]; /* A plain value. */

/* All types that travel by themselves; ends with NULL.  The ones inside others are
 * found through these. */
extern const struct nt_vo_type *const nt_vo_types[];

/* NULL when there is none of that name. */
const struct nt_vo_type *nt_vo_type_find(const char *name);

/* "1.7"; and the topic its changes are pushed to, "neutron-vo-Port-1.7". */
#define NT_VO_TOPIC_SIZE 96
void nt_vo_topic(const struct nt_vo_type *, char out[NT_VO_TOPIC_SIZE]);

/* An object of 'type' that has no field yet. */
struct nt_vo *nt_vo_new(const struct nt_vo_type *);
void nt_vo_free(struct nt_vo *);
NT_AUTO(nt_vo)
struct nt_vo *nt_vo_clone(const struct nt_vo *);

/* Makes an object inside another one (zeroed) an object of 'type', with all fields set
 * that it has after the caller filled it: call it last. */
void nt_vo_complete(struct nt_vo *, const struct nt_vo_type *);

/* Reads a primitive of one of 'types' (NULL: nt_vo_types).  'what' begins the path in
 * messages.  Fails with NT_INVALID, and with NT_UNSUPPORTED for another major version. */
NT_NODISCARD int nt_vo_parse(const struct nt_vo_type *const *types, const struct json *,
                             const char *what, struct nt_vo **out, struct nt_err *);

/* The primitive; null for NULL and for no object.  The caller destroys. */
struct json *nt_vo_json(const struct nt_vo *);

bool nt_vo_is_set(const struct nt_vo *, const char *field);
