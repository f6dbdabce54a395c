#include <config.h>

#include "base/file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

static int
set_up(void **state)
{
    char *dir = xstrdup("/tmp/nt-test-file-XXXXXX");

    assert_non_null(mkdtemp(dir));
    *state = dir;
    return 0;
}

static int
tear_down(void **state)
{
    int rc = nt_remove_tree(*state);

    free(*state);
    return rc;
}

static void
put(const char *path, const char *text)
{
    struct nt_err err = { 0 };

    if (nt_file_replace(path, text, strlen(text), 0644, NULL, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static void
check(const char *path, const char *wanted)
{
    AUTO_FREE char *text = NULL;

    assert_int_equal(nt_file_read(path, 1 << 20, &text, NULL), 0);
    assert_string_equal(text, wanted);
}

static void
replaced_file_has_text_and_mode_and_nothing_lies_beside_it(void **state)
{
    AUTO_FREE char *path = nt_path_join(*state, "file");
    struct stat st;
    bool changed = false;

    assert_int_equal(nt_file_replace(path, "one", 3, 0600, &changed, NULL), 0);
    assert_true(changed);
    check(path, "one");
    assert_int_equal(nt_file_replace(path, "three", 5, 0640, &changed, NULL), 0);
    assert_true(changed);
    check(path, "three");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(*state), 0);
    assert_int_equal(mkdir(*state, 0700), 0);
}

static void
same_text_and_mode_are_not_written_again(void **state)
{
    AUTO_FREE char *path = nt_path_join(*state, "file");
    struct stat before, after;
    bool changed = true;

    put(path, "text");
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(nt_file_replace(path, "text", 4, 0644, &changed, NULL), 0);
    assert_false(changed);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_ino, before.st_ino);

    assert_int_equal(nt_file_replace(path, "text", 4, 0600, &changed, NULL), 0);
    assert_true(changed);
    assert_int_equal(nt_file_replace(path, "", 0, 0600, &changed, NULL), 0);
    assert_true(changed);
    check(path, "");
}

static void
replace_where_no_directory_is_fails_with_the_name(void **state)
{
    AUTO_FREE char *path = nt_path_join(*state, "missing/file");
    struct nt_err err = { 0 };

    assert_int_equal(nt_file_replace(path, "x", 1, 0644, NULL, &err), -1);
    assert_int_equal(err.code, NT_FAULT);
    assert_non_null(strstr(err.msg, path));
}

static void
read_is_bounded_and_ends_with_nul(void **state)
{
    AUTO_FREE char *path = nt_path_join(*state, "file");
    AUTO_FREE char *bytes = xmalloc(100000);
    char *text = NULL;
    size_t len = 0;

    for (size_t i = 0; i < 100000; i++) {
        bytes[i] = i;
    }
    assert_int_equal(nt_file_replace(path, bytes, 100000, 0644, NULL, NULL), 0);
    assert_int_equal(nt_file_read(path, 99999, &text, &len), -EFBIG);
    assert_null(text);
    assert_int_equal(nt_file_read(path, 100000, &text, &len), 0);
    assert_int_equal(len, 100000);
    assert_memory_equal(text, bytes, len);
    assert_int_equal(text[len], 0);
    free(text);
    assert_int_equal(nt_file_read("/nonexistent", 10, &text, &len), -ENOENT);
    assert_int_equal(nt_file_read("/", 10, &text, &len), -EISDIR);
}

static void
sizes_around_the_buffer_are_read_whole(void **state)
{
    AUTO_FREE char *path = nt_path_join(*state, "file");
    AUTO_FREE char *bytes = xmalloc(9000);

    memset(bytes, 'x', 9000);
    for (size_t n = 4090; n < 4100; n++) {
        char *text = NULL;
        size_t len = 0;

        assert_int_equal(nt_file_replace(path, bytes, n, 0644, NULL, NULL), 0);
        assert_int_equal(nt_file_read(path, n, &text, &len), 0);
        assert_int_equal(len, n);
        assert_int_equal(strlen(text), n);
        free(text);
    }
}

static void
proc_files_are_read_although_their_size_is_zero(void **state)
{
    (void) state;
    char *text = NULL;
    size_t len = 0;

    assert_int_equal(nt_file_read("/proc/self/status", 1 << 20, &text, &len), 0);
    assert_true(len > 100);
    free(text);
}

static void
directories_are_made_down_to_the_last(void **state)
{
    AUTO_FREE char *path = nt_path_join(*state, "a/b//c/");
    AUTO_FREE char *file = nt_path_join(*state, "a/b/c/file");
    AUTO_FREE char *below = nt_path_join(file, "d");
    struct nt_err err = { 0 };

    for (int i = 0; i < 2; i++) {
        assert_int_equal(nt_mkdirs(path, 0755, &err), 0);
    }
    put(file, "");
    assert_int_equal(nt_mkdirs(below, 0755, &err), -1);
    assert_int_equal(err.code, NT_FAULT);
    assert_non_null(strstr(err.msg, below));
    assert_int_equal(nt_mkdirs("/", 0755, &err), 0);
    assert_int_equal(nt_mkdirs("", 0755, &err), -1);
}

static void
put_writes_in_place_and_makes_nothing(void **state)
{
    AUTO_FREE char *path = nt_path_join(*state, "file");

    assert_int_equal(nt_file_put(path, "1"), -ENOENT);
    put(path, "0\n");
    assert_int_equal(nt_file_put(path, "1"), 0);
    check(path, "1\n");
}

static void
paths_are_joined_with_one_slash(void **state)
{
    (void) state;
    static const char *const cases[][3] = {
        { "a", "b", "a/b" }, { "a/", "b", "a/b" }, { "a//", "//b", "a/b" },
        { "/", "b", "/b" },  { "", "b", "/b" },    { "/a/b", "c/d", "/a/b/c/d" },
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(cases); i++) {
        AUTO_FREE char *path = nt_path_join(cases[i][0], cases[i][1]);

        assert_string_equal(path, cases[i][2]);
    }
}

static void
tree_is_removed_but_not_what_links_lead_to(void **state)
{
    AUTO_FREE char *tree = nt_path_join(*state, "tree");
    AUTO_FREE char *deep = nt_path_join(tree, "a/b/c");
    AUTO_FREE char *file = nt_path_join(deep, "file");
    AUTO_FREE char *link = nt_path_join(tree, "link");
    AUTO_FREE char *outside = nt_path_join(*state, "outside");
    AUTO_FREE char *kept = nt_path_join(outside, "kept");

    assert_int_equal(nt_mkdirs(deep, 0755, NULL), 0);
    assert_int_equal(nt_mkdirs(outside, 0755, NULL), 0);
    put(file, "x");
    put(kept, "x");
    assert_int_equal(symlink(outside, link), 0);
    assert_int_equal(nt_remove_tree(tree), 0);
    assert_int_equal(access(tree, F_OK), -1);
    check(kept, "x");
    assert_int_equal(nt_remove_tree(kept), 0);
    assert_int_equal(access(kept, F_OK), -1);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(replaced_file_has_text_and_mode_and_nothing_lies_beside_it),
        T(same_text_and_mode_are_not_written_again),
        T(replace_where_no_directory_is_fails_with_the_name),
        T(read_is_bounded_and_ends_with_nul),
        T(sizes_around_the_buffer_are_read_whole),
        cmocka_unit_test(proc_files_are_read_although_their_size_is_zero),
        T(directories_are_made_down_to_the_last),
        T(put_writes_in_place_and_makes_nothing),
        cmocka_unit_test(paths_are_joined_with_one_slash),
        T(tree_is_removed_but_not_what_links_lead_to),
    };

    return cmocka_run_group_tests_name("base/file", tests, NULL, NULL);
}
