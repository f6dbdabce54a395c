/* The database: a narrow shim over SQLite.
 *
 * SQL is kept to what SQLite and MariaDB share.  Prepared statements are cached by
 * their text, so callers write the SQL where it is used and pay for parsing once.
 * Text in SQL is never built from values: values are bound.
 *
 * The file is in WAL mode with synchronous=FULL: what was committed survives a
 * power cut.  store_open() brings the schema up to the program's; a reader opened
 * beside the writer sees committed rows only.  Loop thread only.
 *
 * Failures: NT_CONFLICT when a unique index or a foreign key refuses the row;
 * NT_UNAVAILABLE for what the operator can end and is worth another try (disk full,
 * read-only, locked, input or output failed), said in plain words; NT_FAULT for
 * everything else. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct store;
struct stmt;

/* 'url': "sqlite:///PATH", so an absolute path has four slashes.  Makes the file
 * (mode 0600) and its schema when missing.  Fails with NT_UNSUPPORTED (another
 * kind of database), NT_CONFLICT (the file was made by a newer program) or
 * NT_FAULT. */
NT_NODISCARD int store_open(const char *url, struct store **out, struct nt_err *);

/* A second connection to the same file, for reads only. */
NT_NODISCARD int store_open_reader(const char *url, struct store **out, struct nt_err *);

/* An open transaction is rolled back.  No statement may be in use. */
void store_free(struct store *);
NT_AUTO(store)

/* Borrows the statement for 'sql' from the cache (a second user of the same text
 * at the same time gets one of its own).  Parameters are numbered from 1. */
NT_NODISCARD int store_prepare(struct store *, const char *sql, struct stmt **out, struct nt_err *);

/* For SQL that is put together: 'key', shorter and quicker to make, stands for its text.
 * store_find() gives what is in the cache under it, or NULL; then the text is made and
 * store_prepare_as() keeps it.  A key is no other key and no SQL. */
struct stmt *store_find(struct store *, const char *key);
NT_NODISCARD int store_prepare_as(struct store *, const char *key, const char *sql,
                                  struct stmt **out, struct nt_err *);

/* store_prepare(), and binds one value per letter of 'types': t const char * (NULL is
 * SQL's NULL; copied), u the same, but empty text is NULL too, i int64_t, b int as
 * boolean. */
NT_NODISCARD int store_query(struct store *, struct stmt **out, struct nt_err *, const char *sql,
                             const char *types, ...);

NT_NODISCARD int store_vquery(struct store *, struct stmt **out, struct nt_err *, const char *sql,
                              const char *types, va_list);

/* Runs a statement without rows; returns how many rows it changed, or -1. */
int store_do(struct store *, struct nt_err *, const char *sql, const char *types, ...);

/* Rows the last statement that writes has changed. */
int store_n_changed(const struct store *);

/* The first column of the first row as an integer; returns 1, 0 without a row
 * ('*out' untouched), or -1. */
NT_NODISCARD int store_get_int(struct store *, int64_t *out, struct nt_err *, const char *sql,
                               const char *types, ...);

/* Runs statements separated by semicolons, without parameters: for schema steps. */
NT_NODISCARD int store_script(struct store *, const char *sql, struct nt_err *);

/* Gives the statement back to the cache, reset and unbound. */
void stmt_free(struct stmt *);
NT_AUTO(stmt)

void stmt_bind_text(struct stmt *, int i, const char *text);
void stmt_bind_int(struct stmt *, int i, int64_t value);
void stmt_vbind(struct stmt *, const char *types, va_list); /* As in store_query(). */

/* Returns 1 with a row, 0 at the end, -1 on failure. */
NT_NODISCARD int stmt_step(struct stmt *, struct nt_err *);

/* Columns are numbered from 0.  Text is borrowed until the next step; NULL for
 * SQL's NULL. */
const char *stmt_text(struct stmt *, int column);
int64_t stmt_int(struct stmt *, int column);

/* Copies a column's text, empty for NULL, cut at 'size'. */
void stmt_copy(struct stmt *, int column, char *out, size_t size);

/* One transaction at a time; begin takes the write lock at once. */
NT_NODISCARD int store_begin(struct store *, struct nt_err *);
NT_NODISCARD int store_commit(struct store *, struct nt_err *);
void store_rollback(struct store *);

/* False also when the database itself ended the transaction (disk full). */
bool store_in_transaction(const struct store *);

/* One level of savepoint inside the transaction. */
NT_NODISCARD int store_savepoint(struct store *, struct nt_err *);
NT_NODISCARD int store_release(struct store *, struct nt_err *);
void store_rollback_to(struct store *);

/* Takes the next value, at least 'first', of a counter that never goes back.
 * 'name' is a row of the table counters; it is made when missing.  Needs a
 * transaction. */
NT_NODISCARD int store_next_number(struct store *, const char *name, int64_t first, int64_t *out,
                                   struct nt_err *);

/* The file, for messages. */
const char *store_path(const struct store *);

/* Commits that wrote, since opening. */
uint64_t store_n_commits(const struct store *);
