#include <config.h>

#include "server/op.h"

#include "server/core/core_test.h"

struct op_test {
    struct core_test *core;
    struct op_queue *ops;
    char heard[256]; /* What happened, in order. */
    struct nt_err last;
};

static void
on_done(void *t_, const struct nt_err *err)
{
    struct op_test *t = t_;

    strcat(t->heard, err ? "F" : "D");
    if (err) {
        t->last = *err;
    }
}

static void
on_changes(void *t_, const struct changes *changes)
{
    struct op_test *t = t_;
    size_t len = strlen(t->heard);

    snprintf(t->heard + len, sizeof t->heard - len, "%zu", changes->n);
}

static int
setup(void **state)
{
    struct op_test *t = xzalloc(sizeof *t);
    void *core;

    core_test_setup(&core);
    t->core = core;
    assert_int_equal(store_commit(t->core->store, &t->core->err), 0);
    t->ops = op_queue_new(t->core->store);
    op_queue_on_changes(t->ops, on_changes, t);
    *state = t;
    return 0;
}

static int
teardown(void **state)
{
    struct op_test *t = *state;
    void *core = t->core;

    op_queue_free(t->ops);
    core_test_teardown(&core);
    free(t);
    return 0;
}

static int
insert(struct store *store, const char *name, struct nt_err *err)
{
    int n =
        store_do(store, err, "INSERT INTO counters (name, next_value) VALUES (?, 1)", "t", name);

    return n < 0 ? -1 : 0;
}

static int
insert_op(struct store *store, void *name, struct changes *out, struct nt_err *err)
{
    if (insert(store, name, err) < 0) {
        return -1;
    }
    changes_add(out, CHANGE_NETWORK_CREATED);
    return 0;
}

static int
insert_and_fail_op(struct store *store, void *name, struct changes *out, struct nt_err *err)
{
    if (insert_op(store, name, out, err) < 0) {
        return -1;
    }
    return nt_fail(err, NT_INVALID, "no");
}

/* What a full disk does: the transaction is gone under the operation. */
static int
lose_transaction_op(struct store *store, void *arg, struct changes *out, struct nt_err *err)
{
    store_rollback(store);
    return nt_fail(err, NT_FAULT, "the disk is full");
}

static int64_t
count_rows(struct store *store)
{
    struct nt_err err;
    int64_t n = -1;

    assert_int_equal(
        store_get_int(store, &n, &err, "SELECT COUNT(*) FROM counters WHERE name LIKE 'op-%'", ""),
        1);
    return n;
}

static void
fifty_operations_share_one_commit(void **state)
{
    struct op_test *t = *state;
    uint64_t commits = store_n_commits(t->core->store);
    char want[256] = "";

    for (int i = 0; i < 50; i++) {
        char name[16];

        snprintf(name, sizeof name, "op-%d", i);
        op_submit(t->ops, insert_op, name, on_done, t);
        strcat(want, "D1");
    }
    assert_string_equal(t->heard, "");
    assert_int_equal(store_n_commits(t->core->store), commits);
    op_queue_run(t->ops);
    assert_string_equal(t->heard, want);
    assert_int_equal(store_n_commits(t->core->store), commits + 1);
    assert_int_equal(op_queue_n_commits(t->ops), 1);
    op_queue_run(t->ops);
    assert_int_equal(op_queue_n_commits(t->ops), 1);
}

static void
a_failed_operation_undoes_only_itself(void **state)
{
    struct op_test *t = *state;

    op_submit(t->ops, insert_op, "op-a", on_done, t);
    op_submit(t->ops, insert_and_fail_op, "op-b", on_done, t);
    op_submit(t->ops, insert_op, "op-c", on_done, t);
    op_submit(t->ops, insert_op, "op-c", on_done, t);
    op_queue_run(t->ops);
    assert_string_equal(t->heard, "D1FD1F");
    assert_int_equal(t->last.code, NT_CONFLICT);
    assert_int_equal(count_rows(t->core->store), 2);
}

static void
a_reader_sees_nothing_before_the_commit(void **state)
{
    struct op_test *t = *state;
    struct store *reader;

    CORE_OK(t->core, store_open_reader(t->core->url, &reader, &t->core->err));
    op_submit(t->ops, insert_op, "op-a", on_done, t);
    assert_int_equal(count_rows(reader), 0);
    op_queue_run(t->ops);
    assert_int_equal(count_rows(reader), 1);
    CORE_FAILS(t->core, NT_UNAVAILABLE, insert(reader, "op-b", &t->core->err));
    store_free(reader);
}

static void
a_failed_commit_fails_all_and_tells_nobody_of_changes(void **state)
{
    struct op_test *t = *state;

    op_submit(t->ops, insert_op, "op-a", on_done, t);
    op_submit(t->ops, lose_transaction_op, NULL, on_done, t);
    op_submit(t->ops, insert_op, "op-b", on_done, t);
    op_queue_run(t->ops);
    assert_string_equal(t->heard, "FFF");
    assert_int_equal(t->last.code, NT_FAULT);
    assert_int_equal(count_rows(t->core->store), 0);
    op_submit(t->ops, insert_op, "op-a", on_done, t);
    op_queue_run(t->ops);
    assert_string_equal(t->heard, "FFFD1");
}

static void
a_database_that_is_locked_fails_the_batch_with_the_reason(void **state)
{
    struct op_test *t = *state;
    struct store *other;

    CORE_OK(t->core, store_open(t->core->url, &other, &t->core->err));
    CORE_OK(t->core, store_begin(other, &t->core->err));
    op_submit(t->ops, insert_op, "op-a", on_done, t);
    op_submit(t->ops, insert_op, "op-b", on_done, t);
    op_queue_run(t->ops);
    assert_string_equal(t->heard, "FF");
    assert_int_equal(t->last.code, NT_UNAVAILABLE);
    assert_non_null(strstr(t->last.msg, "lock"));
    store_rollback(other);
    store_free(other);
}

static void
submit_next(void *t_, const struct nt_err *err)
{
    struct op_test *t = t_;

    strcat(t->heard, "N");
    op_submit(t->ops, insert_op, "op-next", on_done, t);
}

static void
a_callback_submits_to_the_next_commit(void **state)
{
    struct op_test *t = *state;

    op_submit(t->ops, insert_op, "op-a", submit_next, t);
    op_queue_run(t->ops);
    assert_string_equal(t->heard, "N1");
    op_queue_run(t->ops);
    assert_string_equal(t->heard, "N1D1");
    assert_int_equal(op_queue_n_commits(t->ops), 2);
}

static void
what_was_not_committed_is_gone_after_a_crash(void **state)
{
    struct op_test *t = *state;
    struct store *after;
    char copy[160], url[180];

    op_submit(t->ops, insert_op, "op-a", on_done, t);
    op_queue_run(t->ops);
    op_submit(t->ops, insert_op, "op-b", on_done, t);

    /* The files as a killed process leaves them. */
    static const char *const suffixes[] = { "", "-wal" };
    for (size_t i = 0; i < NT_ARRAY_SIZE(suffixes); i++) {
        AUTO_FREE char *from = xasprintf("%s/db.sqlite%s", t->core->dir, suffixes[i]);
        AUTO_FREE char *data = NULL;
        size_t len;

        snprintf(copy, sizeof copy, "%s/crashed.sqlite%s", t->core->dir, suffixes[i]);
        assert_int_equal(nt_file_read(from, 64 << 20, &data, &len), 0);
        CORE_OK(t->core, nt_file_replace(copy, data, len, 0600, NULL, &t->core->err));
    }
    snprintf(url, sizeof url, "sqlite:///%s/crashed.sqlite", t->core->dir);
    CORE_OK(t->core, store_open(url, &after, &t->core->err));
    assert_int_equal(count_rows(after), 1);
    store_free(after);
}

#define OP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        OP_TEST(fifty_operations_share_one_commit),
        OP_TEST(a_failed_operation_undoes_only_itself),
        OP_TEST(a_reader_sees_nothing_before_the_commit),
        OP_TEST(a_failed_commit_fails_all_and_tells_nobody_of_changes),
        OP_TEST(a_database_that_is_locked_fails_the_batch_with_the_reason),
        OP_TEST(a_callback_submits_to_the_next_commit),
        OP_TEST(what_was_not_committed_is_gone_after_a_crash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
