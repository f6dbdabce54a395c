/* What the files of the field tables share: field.c reads, field_out.c writes and
 * copies, vo.c knows the frame of versioned objects. */
#pragma once

#include <string.h>

#include "net/field.h"
#include "openvswitch/util.h"

struct nt_vo;

/* A table of one nameless field: values, not objects. */
static inline bool
nt_field_is_plain(const struct nt_field *fields)
{
    return fields->name && !*fields->name;
}

/* Of the types whose empty text means that there is none. */
static inline bool
nt_field_is_address(const struct nt_field *f)
{
    switch (f->type) {
    case NT_F_UUID:
    case NT_F_MAC:
    case NT_F_IP4:
    case NT_F_CIDR:
    case NT_F_IP:
    case NT_F_NET:
        return true;
    default:
        return false;
    }
}

static inline void *
nt_field_member(const struct nt_field *f, const void *obj)
{
    return (char *) CONST_CAST(void *, obj) + f->offset;
}

/* NULL when the struct does not remember. */
static inline struct nt_seen *
nt_field_seen(const struct nt_field *fields, const void *obj)
{
    return fields->type == NT_F_SEEN ? nt_field_member(fields, obj) : NULL;
}

static inline uint64_t
nt_field_bit(const struct nt_field *fields, const struct nt_field *f)
{
    return UINT64_C(1) << (f - fields);
}

/* Of a map's element: the key, and what follows it. */
static inline const struct nt_field *
nt_map_key(const struct nt_field *fields)
{
    return fields + (fields->type == NT_F_SEEN);
}

/* Of a tuple: its first member. */
static inline const struct nt_field *
nt_tuple_first(const struct nt_field *fields)
{
    return fields + (fields->type == NT_F_SEEN);
}

const char *nt_json_kind(const struct json *);

/* "PATH must be WANTED, not ...". */
int nt_field_wrong_type(const char *path, const char *wanted, const struct json *, struct nt_err *);

bool nt_time_parse(const char *text, int64_t *wall_ms);

/* Field tables of anything, for vo.c. */
NT_NODISCARD int nt_fields_parse_at(const struct nt_field *, unsigned use, const struct json *,
                                    const char *path, void *obj, struct nt_err *);

/* A versioned object in place, zeroed by the caller; and its other ways. */
NT_NODISCARD int nt_vo_parse_in(const struct nt_vo_type *const *types, unsigned use,
                                const struct json *, const char *path, struct nt_vo *,
                                struct nt_err *);
NT_NODISCARD int nt_vo_parse_new(const struct nt_vo_type *const *types, unsigned use,
                                 const struct json *, const char *path, struct nt_vo **out,
                                 struct nt_err *);
void nt_vo_clear_in(struct nt_vo *);
void nt_vo_copy_in(struct nt_vo *dst, const struct nt_vo *src);
