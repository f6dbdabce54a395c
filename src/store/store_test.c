#include <config.h>

#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "net/instance.h"
#include "openvswitch/json.h"
#include "store/row.h"
#include "store/schema.h"

static const struct table instances = {
    "instances",
    nt_instance_fields,
    sizeof(struct nt_instance),
    "id",
};

struct fixture {
    char dir[64];
    char url[128];
    struct store *store;
    struct nt_err err;
};

static int
setup(void **state)
{
    struct fixture *t = xzalloc(sizeof *t);

    strcpy(t->dir, "/tmp/nt-test-store-XXXXXX");
    assert_non_null(mkdtemp(t->dir));
    snprintf(t->url, sizeof t->url, "sqlite:///%s/db", t->dir);
    assert_int_equal(store_open(t->url, &t->store, &t->err), 0);
    *state = t;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *t = *state;

    store_free(t->store);
    assert_int_equal(nt_remove_tree(t->dir), 0);
    free(t);
    return 0;
}

static int64_t
get_int(struct fixture *t, const char *sql)
{
    int64_t value = -1;

    assert_int_equal(store_get_int(t->store, &value, &t->err, sql, ""), 1);
    return value;
}

static void
the_file_is_private_and_commits_are_durable(void **state)
{
    struct fixture *t = *state;
    char path[128];
    struct stat st;
    AUTO(stmt) stmt = NULL;

    snprintf(path, sizeof path, "%s/db", t->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(get_int(t, "PRAGMA synchronous"), 2);
    assert_int_equal(get_int(t, "PRAGMA foreign_keys"), 1);
    assert_int_equal(store_query(t->store, &stmt, &t->err, "PRAGMA journal_mode", ""), 0);
    assert_int_equal(stmt_step(stmt, &t->err), 1);
    assert_string_equal(stmt_text(stmt, 0), "wal");
}

static void
other_databases_and_bad_paths_are_refused(void **state)
{
    struct fixture *t = *state;
    struct store *s;

    assert_int_equal(store_open("mysql://host/db", &s, &t->err), -1);
    assert_int_equal(t->err.code, NT_UNSUPPORTED);
    assert_int_equal(store_open("sqlite:////nonexistent/dir/db", &s, &t->err), -1);
    assert_int_equal(t->err.code, NT_FAULT);
    assert_non_null(strstr(t->err.msg, "/nonexistent/dir/db"));
}

static void
a_file_that_is_no_database_is_refused(void **state)
{
    struct fixture *t = *state;
    char text[2048], path[128], url[160];
    struct store *s;

    memset(text, 'x', sizeof text);
    snprintf(path, sizeof path, "%s/text", t->dir);
    snprintf(url, sizeof url, "sqlite:///%s", path);
    assert_int_equal(nt_file_replace(path, text, sizeof text, 0600, NULL, &t->err), 0);
    assert_int_equal(store_open(url, &s, &t->err), -1);
    assert_int_equal(t->err.code, NT_FAULT);
    assert_non_null(strstr(t->err.msg, "not a database"));
}

static void
a_full_disk_is_named(void **state)
{
    struct fixture *t = *state;
    struct nt_err err = { 0 };

    assert_true(get_int(t, "PRAGMA max_page_count = 1") > 1);
    assert_int_equal(store_begin(t->store, &t->err), 0);

    int n = 0;
    for (int i = 0; i < 100000 && n >= 0; i++) {
        char name[64];

        snprintf(name, sizeof name, "counter-%d-%050d", i, i);
        n = store_do(t->store, &err, "INSERT INTO counters (name, next_value) VALUES (?, 1)", "t",
                     name);
    }
    assert_int_equal(n, -1);
    assert_int_equal(err.code, NT_UNAVAILABLE);
    assert_non_null(strstr(err.msg, "the disk is full"));
    store_rollback(t->store);
}

static void
a_database_from_the_future_is_refused(void **state)
{
    struct fixture *t = *state;
    struct store *s;

    assert_int_equal(
        store_do(t->store, &t->err, "INSERT INTO schema_version (version) VALUES (99)", ""), 1);
    assert_int_equal(store_open(t->url, &s, &t->err), -1);
    assert_int_equal(t->err.code, NT_CONFLICT);
    assert_non_null(strstr(t->err.msg, "version 99, newer than this program's"));
}

static void
an_upgrade_happens_whole_or_not_at_all(void **state)
{
    struct fixture *t = *state;
    const struct schema_step broken[] = {
        { 101, "CREATE TABLE half (a BIGINT)" },
        { 102, "CREATE TABLE oops (" },
        { 0, NULL },
    };
    const struct schema_step good[] = {
        { 101, "CREATE TABLE half (a BIGINT)" },
        { 102, "CREATE TABLE whole (a BIGINT); INSERT INTO whole (a) VALUES (7)" },
        { 0, NULL },
    };
    int64_t before = get_int(t, "SELECT MAX(version) FROM schema_version");

    assert_int_equal(schema_upgrade(t->store, broken, &t->err), -1);
    assert_non_null(strstr(t->err.msg, "schema step 102"));
    assert_int_equal(get_int(t, "SELECT MAX(version) FROM schema_version"), before);
    assert_int_equal(schema_upgrade(t->store, good, &t->err), 0);
    assert_int_equal(get_int(t, "SELECT a FROM whole"), 7);
    assert_int_equal(schema_upgrade(t->store, good, &t->err), 0);
    assert_int_equal(get_int(t, "SELECT COUNT(*) FROM whole"), 1);
}

static void
opening_again_keeps_the_rows(void **state)
{
    struct fixture *t = *state;
    int64_t n;

    assert_int_equal(store_begin(t->store, &t->err), 0);
    assert_int_equal(store_next_number(t->store, "x", 9, &n, &t->err), 0);
    assert_int_equal(n, 9);
    assert_int_equal(store_next_number(t->store, "x", 1, &n, &t->err), 0);
    assert_int_equal(n, 10);
    assert_int_equal(store_commit(t->store, &t->err), 0);
    store_free(t->store);
    assert_int_equal(store_open(t->url, &t->store, &t->err), 0);
    assert_int_equal(get_int(t, "SELECT next_value FROM counters WHERE name = 'x'"), 11);
    assert_int_equal(get_int(t, "SELECT COUNT(*) FROM flavors"), 5);
}

static void
one_text_can_be_in_use_twice(void **state)
{
    struct fixture *t = *state;
    AUTO(stmt) a = NULL;
    AUTO(stmt) b = NULL;
    const char *sql = "SELECT id FROM flavors ORDER BY id";

    assert_int_equal(store_prepare(t->store, sql, &a, &t->err), 0);
    assert_int_equal(stmt_step(a, &t->err), 1);
    assert_int_equal(store_prepare(t->store, sql, &b, &t->err), 0);
    assert_int_equal(stmt_step(b, &t->err), 1);
    assert_int_equal(stmt_step(b, &t->err), 1);
    assert_string_equal(stmt_text(a, 0), "1");
    assert_string_equal(stmt_text(b, 0), "2");
}

static void
a_statement_on_rows_is_kept_whatever_its_ending(void **state)
{
    struct fixture *t = *state;
    struct nt_instance in = { .id = "11111111-1111-4111-8111-111111111111", .number = 7 };
    struct nt_instance out;
    const char *const endings[] = {
        "WHERE number = ?",
        /* Longer than what statements are known by. */
        "WHERE number = ? AND name = '' AND hostname = '' AND project_id = '' AND user_id = ''"
        " AND host = '' AND availability_zone = '' AND vm_state = '' AND task_state = ''",
    };

    assert_int_equal(row_insert(t->store, &instances, &in, &t->err), 0);
    for (size_t i = 0; i < NT_ARRAY_SIZE(endings); i++) {
        for (int64_t number = 7; number < 9; number++) {
            int found = number == 7;

            assert_int_equal(row_get(t->store, &instances, &out, &t->err, endings[i], "i", number),
                             found);
            if (found) {
                assert_int_equal(out.number, 7);
                nt_instance_clear(&out);
            }
        }
    }
}

/* Files of this process that are deleted and have SQLite's names for temporary ones. */
static int
n_temporary_files(void)
{
    int n = 0;

    for (int fd = 0; fd < 256; fd++) {
        char link[64], path[256] = "";

        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        n += readlink(link, path, sizeof path - 1) > 0 && strstr(path, "etilqs_") != NULL;
    }
    return n;
}

static void
what_operations_can_undo_needs_no_file(void **state)
{
    struct fixture *t = *state;

    assert_int_equal(store_begin(t->store, &t->err), 0);
    for (int i = 0; i < 500; i++) {
        struct nt_instance in = { .number = i };

        snprintf(in.id, sizeof in.id, "%08x-1111-4111-8111-111111111111", i * 2654435761u);
        assert_int_equal(store_savepoint(t->store, &t->err), 0);
        assert_int_equal(row_insert(t->store, &instances, &in, &t->err), 0);
        assert_int_equal(store_release(t->store, &t->err), 0);
    }
    assert_int_equal(n_temporary_files(), 0);
    assert_int_equal(store_savepoint(t->store, &t->err), 0);
    assert_int_equal(store_do(t->store, &t->err, "DELETE FROM instances", ""), 500);
    store_rollback_to(t->store);
    assert_int_equal(store_commit(t->store, &t->err), 0);
    assert_int_equal(get_int(t, "SELECT COUNT(*) FROM instances"), 500);
}

static void
constraints_are_conflicts(void **state)
{
    struct fixture *t = *state;

    assert_int_equal(
        store_do(t->store, &t->err, "INSERT INTO counters (name, next_value) VALUES ('a', 1)", ""),
        1);
    assert_int_equal(
        store_do(t->store, &t->err, "INSERT INTO counters (name, next_value) VALUES ('a', 1)", ""),
        -1);
    assert_int_equal(t->err.code, NT_CONFLICT);
    assert_int_equal(store_do(t->store, &t->err,
                              "INSERT INTO security_group_members"
                              " (security_group_id, instance_id) VALUES ('x', 'y')",
                              ""),
                     -1);
    assert_int_equal(t->err.code, NT_CONFLICT);
}

static void
a_row_comes_back_as_it_went_in(void **state)
{
    struct fixture *t = *state;
    struct nt_instance in = {
        .id = "11111111-1111-4111-8111-111111111111",
        .number = 1,
        .name = "it's; -- \xc3\xa9",
        .key_data = xstrdup("line 1\nline 2"),
        .metadata = json_from_string("{\"a\":\"b\"}"),
        .created_at = INT64_C(1700000000123),
    };
    struct nt_instance out;
    struct rows rows;

    assert_int_equal(row_insert(t->store, &instances, &in, &t->err), 0);
    assert_int_equal(row_get(t->store, &instances, &out, &t->err,
                             "WHERE image_id IS NULL AND number = ?", "i", (int64_t) 1),
                     1);
    assert_string_equal(out.name, in.name);
    assert_string_equal(out.key_data, in.key_data);
    assert_null(out.user_data);
    assert_string_equal(out.image_id, "");
    assert_true(json_equal(out.metadata, in.metadata));
    assert_int_equal(out.created_at, in.created_at);
    nt_instance_clear(&out);

    strcpy(in.vm_state, "active");
    assert_int_equal(row_update(t->store, &instances, &in, &t->err), 0);
    assert_int_equal(
        row_list(t->store, &instances, &rows, &t->err, "WHERE vm_state = ?", "t", "active"), 0);
    assert_int_equal(rows.n, 1);
    rows_clear(&rows);
    assert_int_equal(row_insert(t->store, &instances, &in, &t->err), -1);
    assert_int_equal(t->err.code, NT_CONFLICT);
    assert_int_equal(row_delete(t->store, &instances, in.id, &t->err), 0);
    assert_int_equal(row_update(t->store, &instances, &in, &t->err), -1);
    assert_int_equal(t->err.code, NT_NOT_FOUND);
    assert_int_equal(row_get(t->store, &instances, &out, &t->err, "", ""), 0);
    nt_instance_clear(&in);
}

/* Another process: opens the database when told to, writes, and closes it again. */
static pid_t
start_stranger(const char *url, int *start_fd)
{
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        struct store *store = NULL;
        char byte;

        close(fds[1]);
        bool ok = read(fds[0], &byte, 1) == 1 && store_open(url, &store, NULL) == 0
                  && store_do(store, NULL, "INSERT INTO counters VALUES ('theirs', 1)", "") == 1;
        store_free(store);
        _exit(!ok);
    }
    close(fds[0]);
    *start_fd = fds[1];
    return pid;
}

static void
another_process_may_come_and_go(void **state)
{
    struct fixture *t = *state;
    struct store *reader = NULL;
    int64_t found = 0;
    int fd, status = -1;

    /* The child must not inherit an open database. */
    store_free(t->store);
    t->store = NULL;
    pid_t pid = start_stranger(t->url, &fd);
    assert_int_equal(store_open(t->url, &t->store, &t->err), 0);
    assert_int_equal(store_open_reader(t->url, &reader, &t->err), 0);
    assert_int_equal(store_do(t->store, &t->err, "INSERT INTO counters VALUES ('a', 1)", ""), 1);
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);

    for (int i = 0; i < 100; i++) {
        assert_int_equal(
            store_do(t->store, &t->err, "UPDATE counters SET next_value = next_value + 1", ""), 2);
    }
    assert_int_equal(store_get_int(reader, &found, &t->err,
                                   "SELECT SUM(next_value) FROM counters WHERE name <> 'x'", ""),
                     1);
    assert_int_equal(found, 202);
    store_free(reader);
    assert_int_equal(get_int(t, "SELECT COUNT(*) FROM pragma_integrity_check"
                                " WHERE integrity_check = 'ok'"),
                     1);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(the_file_is_private_and_commits_are_durable),
        STORE_TEST(other_databases_and_bad_paths_are_refused),
        STORE_TEST(a_file_that_is_no_database_is_refused),
        STORE_TEST(a_full_disk_is_named),
        STORE_TEST(a_database_from_the_future_is_refused),
        STORE_TEST(an_upgrade_happens_whole_or_not_at_all),
        STORE_TEST(opening_again_keeps_the_rows),
        STORE_TEST(another_process_may_come_and_go),
        STORE_TEST(one_text_can_be_in_use_twice),
        STORE_TEST(a_statement_on_rows_is_kept_whatever_its_ending),
        STORE_TEST(what_operations_can_undo_needs_no_file),
        STORE_TEST(constraints_are_conflicts),
        STORE_TEST(a_row_comes_back_as_it_went_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
