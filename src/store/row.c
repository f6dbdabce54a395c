#include <config.h>

#include "store/row.h"

#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"

/* 'f' or the first after it that is a column, NULL at the end of the table. */
static const struct nt_field *
next_column(const struct nt_field *f)
{
    while (f->name && !(f->use & NT_IN_DB)) {
        f++;
    }
    return f->name ? f : NULL;
}

static void
bind_member(struct stmt *stmt, int i, const struct nt_field *f, const void *obj)
{
    const char *at = (const char *) obj + f->offset;

    switch (f->type) {
    case NT_F_STR:
        stmt_bind_text(stmt, i, at);
        break;
    case NT_F_UUID:
    case NT_F_MAC:
    case NT_F_IP4:
    case NT_F_CIDR:
        stmt_bind_text(stmt, i, at[0] ? at : NULL);
        break;
    case NT_F_TEXT:
        stmt_bind_text(stmt, i, *(char *const *) (const void *) at);
        break;
    case NT_F_INT:
    case NT_F_TIME:
        stmt_bind_int(stmt, i, *(const int64_t *) (const void *) at);
        break;
    case NT_F_BOOL:
        stmt_bind_int(stmt, i, *(const bool *) (const void *) at);
        break;
    case NT_F_JSON: {
        const struct json *json = *(struct json *const *) (const void *) at;
        AUTO_FREE char *text = json ? json_to_string(json, 0) : NULL;

        stmt_bind_text(stmt, i, text);
        break;
    }
    case NT_F_OBJECT:
    case NT_F_ARRAY:
    default:
        OVS_NOT_REACHED();
    }
}

static int
read_json(const char *text, struct json **out, const char *column, struct nt_err *err)
{
    struct json *json = json_from_string(text);

    if (json->type == JSON_STRING) {
        nt_fail(err, NT_FAULT, "column %s holds no JSON: %s", column, json_string(json));
        json_destroy(json);
        return -1;
    }
    *out = json;
    return 0;
}

static int
read_member(struct stmt *stmt, int column, const struct nt_field *f, void *obj, struct nt_err *err)
{
    void *at = (char *) obj + f->offset;
    const char *text;

    switch (f->type) {
    case NT_F_STR:
    case NT_F_UUID:
    case NT_F_MAC:
    case NT_F_IP4:
    case NT_F_CIDR:
        stmt_copy(stmt, column, at, f->size);
        return 0;
    case NT_F_TEXT:
        text = stmt_text(stmt, column);
        *(char **) at = nullable_xstrdup(text);
        return 0;
    case NT_F_INT:
    case NT_F_TIME:
        *(int64_t *) at = stmt_int(stmt, column);
        return 0;
    case NT_F_BOOL:
        *(bool *) at = stmt_int(stmt, column) != 0;
        return 0;
    case NT_F_JSON:
        text = stmt_text(stmt, column);
        return text ? read_json(text, at, f->name, err) : 0;
    case NT_F_OBJECT:
    case NT_F_ARRAY:
    default:
        OVS_NOT_REACHED();
    }
}

char *
row_columns(const struct table *table, const char *prefix)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (const struct nt_field *f = next_column(table->fields); f; f = next_column(f + 1)) {
        /* Text is put together for every statement: formatting would cost more than all
         * else here. */
        ds_put_cstr(&s, s.length ? ", " : "");
        ds_put_cstr(&s, prefix);
        ds_put_cstr(&s, f->name);
    }
    return ds_steal_cstr(&s);
}

int
row_n_columns(const struct table *table)
{
    int n = 0;

    for (const struct nt_field *f = next_column(table->fields); f; f = next_column(f + 1)) {
        n++;
    }
    return n;
}

int
row_read(struct stmt *stmt, int first, const struct table *table, void *obj, struct nt_err *err)
{
    int column = first;

    memset(obj, 0, table->size);
    for (const struct nt_field *f = next_column(table->fields); f; f = next_column(f + 1)) {
        if (read_member(stmt, column++, f, obj, err) < 0) {
            nt_fields_clear(table->fields, obj);
            return nt_err_context(err, "table %s", table->name);
        }
    }
    return 0;
}

/* Runs 'stmt' with the members of 'obj' bound from 1 on, but for the column 'but'
 * (may be NULL), which comes last. */
static int
run_with(struct stmt *stmt, const struct table *table, const char *but, const void *obj,
         struct nt_err *err)
{
    int i = 1;

    for (const struct nt_field *f = next_column(table->fields); f; f = next_column(f + 1)) {
        if (!but || strcmp(f->name, but)) {
            bind_member(stmt, i++, f, obj);
        }
    }
    if (but) {
        bind_member(stmt, i, nt_field_find(table->fields, but), obj);
    }
    return stmt_step(stmt, err) < 0 ? nt_err_context(err, "table %s", table->name) : 0;
}

/* The cache knows a statement on a whole row by what it does, to which table, and how it
 * ends: putting its text together would cost as much as running it.  With an ending too
 * long for that 'is_whole' is false, and the text itself is the key. */
struct key {
    char text[160];
    bool is_whole;
};

static struct key
make_key(const char *what, const struct table *table, const char *tail)
{
    const char *const parts[] = { what, table->name, " ", tail };
    struct key key = { .is_whole = true };
    size_t len = 0;

    for (size_t i = 0; i < NT_ARRAY_SIZE(parts) && key.is_whole; i++) {
        size_t n = strlen(parts[i]);

        key.is_whole = len + n < sizeof key.text;
        if (key.is_whole) {
            memcpy(key.text + len, parts[i], n + 1);
            len += n;
        }
    }
    return key;
}

static struct stmt *
find_statement(struct store *store, const struct key *key)
{
    return key->is_whole ? store_find(store, key->text) : NULL;
}

/* Takes 'sql'. */
static int
keep_statement(struct store *store, const struct key *key, char *sql, struct stmt **out,
               struct nt_err *err)
{
    int rc = key->is_whole ? store_prepare_as(store, key->text, sql, out, err)
                           : store_prepare(store, sql, out, err);

    free(sql);
    return rc;
}

static char *
insert_sql(const struct table *table)
{
    AUTO_FREE char *columns = row_columns(table, "");
    struct ds sql = DS_EMPTY_INITIALIZER;

    ds_put_format(&sql, "INSERT INTO %s (%s) VALUES (?", table->name, columns);
    for (int i = row_n_columns(table); i > 1; i--) {
        ds_put_cstr(&sql, ", ?");
    }
    ds_put_char(&sql, ')');
    return ds_steal_cstr(&sql);
}

int
row_insert(struct store *store, const struct table *table, const void *obj, struct nt_err *err)
{
    const struct key key = make_key("insert ", table, "");
    AUTO(stmt) stmt = find_statement(store, &key);

    if (!stmt && keep_statement(store, &key, insert_sql(table), &stmt, err) < 0) {
        return -1;
    }
    return run_with(stmt, table, NULL, obj, err);
}

static char *
update_sql(const struct table *table)
{
    struct ds sql = DS_EMPTY_INITIALIZER;
    const char *comma = "";

    ds_put_format(&sql, "UPDATE %s SET ", table->name);
    for (const struct nt_field *f = next_column(table->fields); f; f = next_column(f + 1)) {
        if (strcmp(f->name, table->key)) {
            ds_put_cstr(&sql, comma);
            ds_put_cstr(&sql, f->name);
            ds_put_cstr(&sql, " = ?");
            comma = ", ";
        }
    }
    ds_put_format(&sql, " WHERE %s = ?", table->key);
    return ds_steal_cstr(&sql);
}

int
row_update(struct store *store, const struct table *table, const void *obj, struct nt_err *err)
{
    const struct key key = make_key("update ", table, "");
    AUTO(stmt) stmt = find_statement(store, &key);

    if ((!stmt && keep_statement(store, &key, update_sql(table), &stmt, err) < 0)
        || run_with(stmt, table, table->key, obj, err) < 0) {
        return -1;
    }
    if (!store_n_changed(store)) {
        const struct nt_field *id = nt_field_find(table->fields, table->key);

        return nt_fail(err, NT_NOT_FOUND, "no row of %s has the %s %s", table->name, table->key,
                       (const char *) obj + id->offset);
    }
    return 0;
}

int
row_delete(struct store *store, const struct table *table, const char *key, struct nt_err *err)
{
    const struct key name = make_key("delete ", table, "");
    AUTO(stmt) stmt = find_statement(store, &name);

    if (!stmt
        && keep_statement(store, &name,
                          xasprintf("DELETE FROM %s WHERE %s = ?", table->name, table->key), &stmt,
                          err)
               < 0) {
        return -1;
    }
    stmt_bind_text(stmt, 1, key);
    return stmt_step(stmt, err) < 0 ? -1 : 0;
}

static int
prepare_select(struct store *store, const struct table *table, const char *tail, struct stmt **out,
               struct nt_err *err)
{
    const struct key key = make_key("select ", table, tail);

    *out = find_statement(store, &key);
    if (*out) {
        return 0;
    }

    AUTO_FREE char *columns = row_columns(table, "");
    return keep_statement(store, &key,
                          xasprintf("SELECT %s FROM %s %s", columns, table->name, tail), out, err);
}

int
row_get(struct store *store, const struct table *table, void *obj, struct nt_err *err,
        const char *tail, const char *types, ...)
{
    AUTO(stmt) stmt = NULL;
    va_list args;

    if (prepare_select(store, table, tail, &stmt, err) < 0) {
        return -1;
    }
    va_start(args, types);
    stmt_vbind(stmt, types, args);
    va_end(args);

    int rc = stmt_step(stmt, err);
    if (rc > 0 && row_read(stmt, 0, table, obj, err) < 0) {
        return -1;
    }
    return rc;
}

int
row_list(struct store *store, const struct table *table, struct rows *out, struct nt_err *err,
         const char *tail, const char *types, ...)
{
    AUTO(stmt) stmt = NULL;
    struct rows rows = { .table = table };
    size_t allocated = 0;
    va_list args;

    if (prepare_select(store, table, tail, &stmt, err) < 0) {
        return -1;
    }
    va_start(args, types);
    stmt_vbind(stmt, types, args);
    va_end(args);

    int rc = 0;
    while (rc >= 0 && (rc = stmt_step(stmt, err)) > 0) {
        if (rows.n >= allocated) {
            rows.at = x2nrealloc(rows.at, &allocated, table->size);
        }
        rc = row_read(stmt, 0, table, (char *) rows.at + rows.n * table->size, err);
        rows.n += rc >= 0;
    }
    if (rc < 0) {
        rows_clear(&rows);
        return -1;
    }
    *out = rows;
    return 0;
}

void
rows_clear(struct rows *rows)
{
    for (size_t i = 0; i < rows->n; i++) {
        nt_fields_clear(rows->table->fields, (char *) rows->at + i * rows->table->size);
    }
    free(rows->at);
    rows->at = NULL;
    rows->n = 0;
}
