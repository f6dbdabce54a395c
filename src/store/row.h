/* Rows in and out of structs by their field tables (net/field.h): the fields with
 * NT_IN_DB are the columns, under their own names.
 *
 * An empty UUID, address or network is SQL's NULL; so is a NULL text or JSON.
 * Booleans are 0 and 1, times milliseconds since 1970, JSON is text. */
#pragma once

#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "net/field.h"
#include "store/store.h"

struct table {
    const char *name; /* Of one 'struct table' only: prepared statements are known by it. */
    const struct nt_field *fields;
    size_t size;     /* Of the struct. */
    const char *key; /* Column that row_update() and row_delete() find the row by. */
};

/* An array of structs, owned. */
struct rows {
    const struct table *table;
    void *at;
    size_t n;
};

/* Element 'i' of 'rows' as a 'const type *'. */
#define ROW(type, rows, i) (&((type *) (rows)->at)[i])

void rows_clear(struct rows *);

/* Fails with NT_CONFLICT when the row's key or another unique column is taken. */
NT_NODISCARD int row_insert(struct store *, const struct table *, const void *obj, struct nt_err *);

/* Writes all columns.  Fails with NT_NOT_FOUND, NT_CONFLICT. */
NT_NODISCARD int row_update(struct store *, const struct table *, const void *obj, struct nt_err *);

/* Removing a row that is not there is fine. */
NT_NODISCARD int row_delete(struct store *, const struct table *, const char *key, struct nt_err *);

/* Reads the first row of "SELECT columns FROM table 'tail'" into '*obj' (what it
 * held is not released).  'tail' and 'types' as in store_query(), e.g.
 * "WHERE id = ?", "t".  Returns 1, 0 without a row ('*obj' untouched), or -1. */
NT_NODISCARD int row_get(struct store *, const struct table *, void *obj, struct nt_err *,
                         const char *tail, const char *types, ...);

/* All rows, in the order of 'tail'. */
NT_NODISCARD int row_list(struct store *, const struct table *, struct rows *out, struct nt_err *,
                          const char *tail, const char *types, ...);

/* The column list for joins: "p.a, p.b" for prefix "p.". The caller frees. */
char *row_columns(const struct table *, const char *prefix);

/* How many columns row_columns() gave. */
int row_n_columns(const struct table *);

/* Reads columns 'first'... of the present row into '*obj' (overwritten). */
NT_NODISCARD int row_read(struct stmt *, int first, const struct table *, void *obj,
                          struct nt_err *);
