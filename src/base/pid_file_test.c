#include <config.h>

#include "base/pid_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"

/* What another process gets when it takes the file: its error, or NT_OK as 0. */
static int
take_elsewhere(const char *path)
{
    pid_t pid = fork();
    int status;

    if (!pid) {
        struct nt_pid_file *file;
        struct nt_err err = { 0 };
        int rc = nt_pid_file_take(path, &file, &err);

        _exit(rc < 0 ? (int) err.code : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void
one_process_has_it_until_it_gives_it_back(void **state)
{
    char dir[] = "/tmp/nt-pid-XXXXXX";
    struct nt_pid_file *file = NULL;
    struct nt_err err = { 0 };
    AUTO_FREE char *text = NULL;
    char wanted[24];
    size_t len;

    assert_non_null(mkdtemp(dir));
    AUTO_FREE char *path = nt_path_join(dir, "p.pid");
    assert_int_equal(nt_pid_file_take(path, &file, &err), 0);
    assert_int_equal(take_elsewhere(path), NT_CONFLICT);
    /* Closing the file again ends this process's lock. */
    snprintf(wanted, sizeof wanted, "%d\n", (int) getpid());
    assert_int_equal(nt_file_read(path, 100, &text, &len), 0);
    assert_string_equal(text, wanted);
    nt_pid_file_free(file);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(take_elsewhere(path), 0);
    /* What a killed process leaves is no hindrance. */
    assert_int_equal(nt_pid_file_take(path, &file, &err), 0);
    nt_pid_file_free(file);
    assert_int_equal(nt_remove_tree(dir), 0);
}

static void
a_folder_that_is_not_there_is_named(void **state)
{
    struct nt_pid_file *file;
    struct nt_err err = { 0 };

    assert_int_equal(nt_pid_file_take("/nonexistent/p.pid", &file, &err), -1);
    assert_int_equal(err.code, NT_FAULT);
    assert_non_null(strstr(err.msg, "/nonexistent/p.pid"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_process_has_it_until_it_gives_it_back),
        cmocka_unit_test(a_folder_that_is_not_there_is_named),
    };

    return cmocka_run_group_tests_name("base/pid_file", tests, NULL, NULL);
}
