#include <config.h>

#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/mem.h"
#include "openvswitch/shash.h"
#include "store/schema.h"

/* Another process on the file (a backup, an operator's shell) holds its lock for
 * moments only; the loop must not stand still longer. */
#define BUSY_TIMEOUT_MS 250

#define URL_PREFIX "sqlite:///"

struct store {
    sqlite3 *db;
    char *path;
    struct shash cache; /* Of struct stmt, by SQL text. */
    uint64_t n_commits;
};

struct stmt {
    sqlite3_stmt *s;
    struct store *store; /* Borrowed; outlives its statements. */
    bool in_use;
    bool cached;
};

static const struct trouble {
    int code;          /* Primary result code. */
    enum nt_code kind; /* NT_UNAVAILABLE: an operator can end it, and it is worth another try. */
    const char *why;
} troubles[] = {
    { SQLITE_FULL, NT_UNAVAILABLE, "the disk is full" },
    { SQLITE_READONLY, NT_UNAVAILABLE, "it is read-only" },
    { SQLITE_IOERR, NT_UNAVAILABLE, "input or output failed" },
    { SQLITE_BUSY, NT_UNAVAILABLE, "another program holds its lock" },
    { SQLITE_CANTOPEN, NT_UNAVAILABLE, "it cannot be opened" },
    { SQLITE_PERM, NT_UNAVAILABLE, "access is denied" },
    { SQLITE_CORRUPT, NT_FAULT, "it is damaged" },
    { SQLITE_NOTADB, NT_FAULT, "it is not a database" },
    { 0, NT_OK, NULL },
};

/* Says why the last call on 'store' failed. */
static int
store_fail(const struct store *store, struct nt_err *err)
{
    int code = sqlite3_extended_errcode(store->db) & 0xff;
    const char *detail = sqlite3_errmsg(store->db);

    if (code == SQLITE_CONSTRAINT) {
        return nt_fail(err, NT_CONFLICT, "the database refuses the row: %s", detail);
    }
    for (const struct trouble *t = troubles; t->why; t++) {
        if (t->code == code) {
            /* Without the path: clients of REST see it too. */
            return nt_fail(err, t->kind, "cannot use the database: %s (%s)", t->why, detail);
        }
    }
    return nt_fail(err, NT_FAULT, "database %s failed: %s", store->path, detail);
}

int
store_script(struct store *store, const char *sql, struct nt_err *err)
{
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : store_fail(store, err);
}

static int
count_commit(void *store_)
{
    struct store *store = store_;

    store->n_commits++;
    return 0;
}

/* The file is ours alone from its first moment.  One that exists is not opened here:
 * closing it would drop the locks that SQLite holds on it in this process, and another
 * process would then take itself for the only one and cut the log off under us. */
static int
make_file(const char *path, struct nt_err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0) {
        return errno == EEXIST ? 0 : nt_fail_errno(err, errno, "cannot open database %s", path);
    }
    close(fd);
    return 0;
}

static int
open_file(const char *url, const char *pragmas, struct store **out, struct nt_err *err)
{
    if (strncmp(url, URL_PREFIX, strlen(URL_PREFIX)) || !url[strlen(URL_PREFIX)]) {
        return nt_fail(err, NT_UNSUPPORTED, "sql_connection %s: only %sPATH is supported", url,
                       URL_PREFIX);
    }

    const char *path = url + strlen(URL_PREFIX);
    if (make_file(path, err) < 0) {
        return -1;
    }

    AUTO(store) store = xzalloc(sizeof *store);
    store->path = xstrdup(path);
    shash_init(&store->cache);
    if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL)
        != SQLITE_OK) {
        if (!store->db) {
            return nt_fail(err, NT_FAULT, "cannot open %s", path);
        }
        store_fail(store, err);
        return nt_err_context(err, "%s", path);
    }
    sqlite3_extended_result_codes(store->db, 1);
    sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
    sqlite3_commit_hook(store->db, count_commit, store);
    if (store_script(store, pragmas, err) < 0) {
        return nt_err_context(err, "%s", path);
    }
    *out = TAKE(store);
    return 0;
}

int
store_open(const char *url, struct store **out, struct nt_err *err)
{
    AUTO(store) store = NULL;

    /* temp_store: what a savepoint must be able to undo stays in memory, however many
     * operations share the transaction; else it goes through a file for each. */
    if (open_file(url,
                  "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                  "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;",
                  &store, err)
            < 0
        || schema_upgrade(store, schema_steps, err) < 0) {
        return -1;
    }
    *out = TAKE(store);
    return 0;
}

int
store_open_reader(const char *url, struct store **out, struct nt_err *err)
{
    return open_file(url, "PRAGMA query_only = ON;", out, err);
}

void
store_free(struct store *store)
{
    if (!store) {
        return;
    }

    struct shash_node *node;
    SHASH_FOR_EACH_SAFE (node, &store->cache) {
        struct stmt *stmt = node->data;

        sqlite3_finalize(stmt->s);
        free(stmt);
        shash_delete(&store->cache, node);
    }
    shash_destroy(&store->cache);
    sqlite3_close(store->db);
    free(store->path);
    free(store);
}

const char *
store_path(const struct store *store)
{
    return store->path;
}

struct stmt *
store_find(struct store *store, const char *key)
{
    struct stmt *stmt = shash_find_data(&store->cache, key);

    if (!stmt || stmt->in_use) {
        return NULL;
    }
    stmt->in_use = true;
    return stmt;
}

int
store_prepare_as(struct store *store, const char *key, const char *sql, struct stmt **out,
                 struct nt_err *err)
{
    struct stmt *stmt = shash_find_data(&store->cache, key);
    sqlite3_stmt *s;

    if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) != SQLITE_OK) {
        return store_fail(store, err);
    }

    bool is_second_user = stmt != NULL;
    stmt = xzalloc(sizeof *stmt);
    stmt->s = s;
    stmt->store = store;
    stmt->in_use = true;
    stmt->cached = !is_second_user;
    if (stmt->cached) {
        shash_add(&store->cache, key, stmt);
    }
    *out = stmt;
    return 0;
}

int
store_prepare(struct store *store, const char *sql, struct stmt **out, struct nt_err *err)
{
    *out = store_find(store, sql);
    return *out ? 0 : store_prepare_as(store, sql, sql, out, err);
}

void
stmt_free(struct stmt *stmt)
{
    if (!stmt) {
        return;
    }
    if (stmt->cached) {
        sqlite3_reset(stmt->s);
        sqlite3_clear_bindings(stmt->s);
        stmt->in_use = false;
    } else {
        sqlite3_finalize(stmt->s);
        free(stmt);
    }
}

void
stmt_bind_text(struct stmt *stmt, int i, const char *text)
{
    int rc = text ? sqlite3_bind_text(stmt->s, i, text, -1, SQLITE_TRANSIENT)
                  : sqlite3_bind_null(stmt->s, i);

    ovs_assert(rc == SQLITE_OK);
}

void
stmt_bind_int(struct stmt *stmt, int i, int64_t value)
{
    int rc = sqlite3_bind_int64(stmt->s, i, value);

    ovs_assert(rc == SQLITE_OK);
}

int
stmt_step(struct stmt *stmt, struct nt_err *err)
{
    int rc = sqlite3_step(stmt->s);

    return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : store_fail(stmt->store, err);
}

const char *
stmt_text(struct stmt *stmt, int column)
{
    return (const char *) sqlite3_column_text(stmt->s, column);
}

int64_t
stmt_int(struct stmt *stmt, int column)
{
    return sqlite3_column_int64(stmt->s, column);
}

void
stmt_copy(struct stmt *stmt, int column, char *out, size_t size)
{
    const char *text = stmt_text(stmt, column);

    ovs_strlcpy(out, text ? text : "", size);
}

void
stmt_vbind(struct stmt *stmt, const char *types, va_list args)
{
    for (int i = 1; *types; types++, i++) {
        const char *text;

        switch (*types) {
        case 't':
            stmt_bind_text(stmt, i, va_arg(args, const char *));
            break;
        case 'u':
            text = va_arg(args, const char *);
            stmt_bind_text(stmt, i, text && text[0] ? text : NULL);
            break;
        case 'i':
            stmt_bind_int(stmt, i, va_arg(args, int64_t));
            break;
        case 'b':
            stmt_bind_int(stmt, i, va_arg(args, int) != 0);
            break;
        default:
            OVS_NOT_REACHED();
        }
    }
}

int
store_vquery(struct store *store, struct stmt **out, struct nt_err *err, const char *sql,
             const char *types, va_list args)
{
    if (store_prepare(store, sql, out, err) < 0) {
        return -1;
    }
    stmt_vbind(*out, types, args);
    return 0;
}

int
store_query(struct store *store, struct stmt **out, struct nt_err *err, const char *sql,
            const char *types, ...)
{
    va_list args;

    va_start(args, types);
    int rc = store_vquery(store, out, err, sql, types, args);
    va_end(args);
    return rc;
}

int
store_do(struct store *store, struct nt_err *err, const char *sql, const char *types, ...)
{
    AUTO(stmt) stmt = NULL;
    va_list args;

    va_start(args, types);
    int rc = store_vquery(store, &stmt, err, sql, types, args);
    va_end(args);
    if (rc < 0 || stmt_step(stmt, err) < 0) {
        return -1;
    }
    return sqlite3_changes(store->db);
}

int
store_n_changed(const struct store *store)
{
    return sqlite3_changes(store->db);
}

int
store_get_int(struct store *store, int64_t *out, struct nt_err *err, const char *sql,
              const char *types, ...)
{
    AUTO(stmt) stmt = NULL;
    va_list args;

    va_start(args, types);
    int rc = store_vquery(store, &stmt, err, sql, types, args);
    va_end(args);
    if (rc < 0) {
        return -1;
    }
    rc = stmt_step(stmt, err);
    if (rc > 0) {
        *out = stmt_int(stmt, 0);
    }
    return rc;
}

/* A statement without parameters and rows that comes again and again. */
static int
run_cached(struct store *store, const char *sql, struct nt_err *err)
{
    AUTO(stmt) stmt = NULL;

    return store_prepare(store, sql, &stmt, err) < 0 || stmt_step(stmt, err) < 0 ? -1 : 0;
}

int
store_begin(struct store *store, struct nt_err *err)
{
    return run_cached(store, "BEGIN IMMEDIATE", err);
}

int
store_commit(struct store *store, struct nt_err *err)
{
    if (NT_FAILPOINT("store-commit")) {
        return nt_fail(err, NT_UNAVAILABLE,
                       "cannot use the database: input or output failed (failpoint)");
    }

    int rc = run_cached(store, "COMMIT", err);

    NT_CRASHPOINT("store-committed");
    return rc;
}

void
store_rollback(struct store *store)
{
    if (store_in_transaction(store)) {
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
}

bool
store_in_transaction(const struct store *store)
{
    return !sqlite3_get_autocommit(store->db);
}

int
store_savepoint(struct store *store, struct nt_err *err)
{
    return run_cached(store, "SAVEPOINT op", err);
}

int
store_release(struct store *store, struct nt_err *err)
{
    return run_cached(store, "RELEASE SAVEPOINT op", err);
}

void
store_rollback_to(struct store *store)
{
    if (store_in_transaction(store)) {
        sqlite3_exec(store->db, "ROLLBACK TO SAVEPOINT op; RELEASE SAVEPOINT op", NULL, NULL, NULL);
    }
}

int
store_next_number(struct store *store, const char *name, int64_t first, int64_t *out,
                  struct nt_err *err)
{
    int64_t number = 1;
    int found = store_get_int(store, &number, err, "SELECT next_value FROM counters WHERE name = ?",
                              "t", name);

    if (found < 0) {
        return -1;
    }
    number = MAX(number, first);

    int n = found ? store_do(store, err, "UPDATE counters SET next_value = ? WHERE name = ?", "it",
                             number + 1, name)
                  : store_do(store, err, "INSERT INTO counters (name, next_value) VALUES (?, ?)",
                             "ti", name, number + 1);
    if (n < 0) {
        return -1;
    }
    *out = number;
    return 0;
}

uint64_t
store_n_commits(const struct store *store)
{
    return store->n_commits;
}
