/* Field tables: one list per resource or message that serves the database row,
 * the RPC dictionary and the REST body alike.
 *
 *     const struct nt_field subnet_fields[] = {
 *         { "id", NT_F_UUID, NT_AT(struct nt_subnet, id), NT_IN_DB | NT_IN_RPC },
 *         ...
 *         { 0 },
 *     };
 *
 * Text is checked on the way in: valid UTF-8, no NUL,
 * no control characters, length below the field's size.  What is wrong is named
 * with its path ("server.networks[1].uuid"). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct json;
struct nt_vo_type;

enum nt_field_type {
    NT_F_STR,  /* char[size], at most size - 1 bytes. */
    NT_F_TEXT, /* char *, owned, may be NULL (JSON null); 'max' bytes, line breaks allowed. */
    NT_F_UUID, /* char[37], lower case on the way in. */
    NT_F_MAC,  /* char[18]. */
    NT_F_IP4,  /* char[16]. */
    NT_F_CIDR, /* char[19]. */
    NT_F_INT,  /* int64_t, between 'min' and 'max' (both 0: any). */
    NT_F_BOOL, /* bool; true, false; in RPC and the database also 1 and 0. */
    NT_F_TIME, /* int64_t, ms since 1970; JSON "YYYY-MM-DDThh:mm:ssZ" in REST, number elsewhere. */
    NT_F_OBJECT, /* Struct in place, described by 'fields'. */
    NT_F_ARRAY,  /* Pointer at 'offset' to 'count' (size_t at 'n_offset') structs of 'size' bytes.
                  * When the one field of 'fields' is named "", its elements are plain
                  * values: ["a", "b"]. */
    NT_F_JSON,   /* struct json *, owned, may be NULL: passed through, at most 16 deep. */

    /* What the messages of neutron need besides. */
    NT_F_IP,        /* char[46]: IPv4 or IPv6, as it was written. */
    NT_F_NET,       /* char[50]: an address or a network of either family, as it was written. */
    NT_F_STAMP,     /* int64_t, ms since 1970 (0: null), always text: "YYYY-MM-DDThh:mm:ssZ". */
    NT_F_JSON_TEXT, /* struct json *, owned: an object that travels as JSON inside a text. */
    NT_F_TUPLE,  /* Struct in place, written as a list of 'fields' in their order.  With 'min' 1 a
                  * plain value stands for a list of one (its struct has a NT_F_SEEN). */
    NT_F_MAP,    /* As NT_F_ARRAY, written as an object.  The first of 'fields' (of no use) is
                  * the key.  When the next is named "", it is the whole value. */
    NT_F_VO,     /* Versioned object in place, one of 'types' (net/vo.h). */
    NT_F_VO_ANY, /* struct nt_vo *, owned: one of 'types'. */
    NT_F_SEEN,   /* First of its table: struct nt_seen. */
};

enum nt_field_use {
    NT_IN_DB = 1 << 0,
    NT_IN_RPC = 1 << 1,
    NT_IN_READ = 1 << 2,   /* REST answers. */
    NT_IN_CREATE = 1 << 3, /* REST create bodies. */
    NT_IN_UPDATE = 1 << 4, /* REST update bodies. */
    NT_NULL = 1 << 7,      /* Null is a value of its own; in a table with NT_F_SEEN. */
    NT_ABSENT = 1 << 9,    /* With NT_F_SEEN, while nobody marked: empty is left out. */
    NT_REQUIRED = 1 << 8,  /* In REST create bodies and RPC; an empty text counts as missing. */
};

struct nt_field {
    const char *name;
    enum nt_field_type type;
    size_t offset, size;
    unsigned use;
    long long min, max;
    const struct nt_field *fields;         /* NT_F_OBJECT and NT_F_ARRAY. */
    size_t n_offset;                       /* NT_F_ARRAY and NT_F_MAP. */
    const struct nt_vo_type *const *types; /* NT_F_VO and NT_F_VO_ANY: ends with NULL. */
};

/* Which fields of a struct a message had, by their place in the table (at most 64).
 * With it "absent", "null" and "empty" are told apart both ways: only what is set is
 * written, and null is refused where the field has no NT_NULL.  While 'set' is 0, nobody
 * having marked anything, all is written but NT_ABSENT that is empty; NT_NULL without a
 * text, time, JSON or object as null. */
struct nt_seen {
    uint64_t set, null; /* 'null' lies within 'set'. */
};

#define NT_AT(type, member) offsetof(type, member), sizeof(((type *) 0)->member)
#define NT_AT_AS(type, member) \
    .offset = offsetof(type, member), .size = sizeof(((type *) 0)->member)

/* An array member: elements of 'type_' and the member that counts them. */
#define NT_ARRAY_FIELD(name_, struct_, member, n_member, elem_fields, use_)           \
    {                                                                                 \
        .name = name_, .type = NT_F_ARRAY, .offset = offsetof(struct_, member),       \
        .size = sizeof(*((struct_ *) 0)->member), .use = use_, .fields = elem_fields, \
        .n_offset = offsetof(struct_, n_member)                                       \
    }

/* The same written as an object, and the field that remembers what a message had. */
#define NT_MAP_FIELD(name_, struct_, member, n_member, elem_fields, use_)             \
    {                                                                                 \
        .name = name_, .type = NT_F_MAP, .offset = offsetof(struct_, member),         \
        .size = sizeof(*((struct_ *) 0)->member), .use = use_, .fields = elem_fields, \
        .n_offset = offsetof(struct_, n_member)                                       \
    }
#define NT_SEEN_FIELD(struct_, member)                                 \
    {                                                                  \
        .name = "(seen)", .type = NT_F_SEEN, NT_AT_AS(struct_, member) \
    }

/* A table of one field named "" describes a plain value: '*obj' is what follows from
 * text, list or null instead of an object.
 *
 * Fills those members of '*obj' (zeroed by the caller) whose fields have one of
 * the bits of 'use' and that the JSON object has.  'what' begins the path in
 * messages.  A JSON null leaves the member empty.  On failure '*obj' holds what
 * was read so far: free it as usual.  Fails with NT_INVALID or, for text above its
 * length, NT_INVALID too. */
NT_NODISCARD int nt_fields_parse(const struct nt_field *, unsigned use, const struct json *,
                                 const char *what, void *obj, struct nt_err *);

/* The same, and a key that no field of 'use' has is NT_INVALID. */
NT_NODISCARD int nt_fields_parse_strict(const struct nt_field *, unsigned use, const struct json *,
                                        const char *what, void *obj, struct nt_err *);

/* A JSON object with the fields of 'use'.  An empty UUID, address or time (0) and
 * a NULL text become null. */
struct json *nt_fields_json(const struct nt_field *, unsigned use, const void *obj);

/* Releases owned members (text, arrays, JSON) and zeroes the object. */
void nt_fields_clear(const struct nt_field *, void *obj);

/* Deep copy into '*dst' (its old content is not looked at). */
void nt_fields_copy(const struct nt_field *, void *dst, const void *src);

/* For structs with NT_F_SEEN.  mark() says that field 'name' (asserted) has a value,
 * mark_null() that it is null; mark_all() writes down what would be written while nobody
 * marked anything, so that single fields can be changed from there. */
bool nt_field_is_set(const struct nt_field *, const void *obj, const char *name);
bool nt_field_is_null(const struct nt_field *, const void *obj, const char *name);
void nt_field_mark(const struct nt_field *, void *obj, const char *name);
void nt_field_mark_null(const struct nt_field *, void *obj, const char *name);
void nt_fields_mark_all(const struct nt_field *, void *obj);

const struct nt_field *nt_field_find(const struct nt_field *, const char *name);

/* True for 8-4-4-4-12 hex digits, either case. */
bool nt_is_uuid(const char *);

/* RFC 3339 in UTC, seconds: "2026-11-21T19:13:48Z". */
#define NT_TIME_SIZE 21
void nt_time_format(int64_t wall_ms, char out[NT_TIME_SIZE]);
