#include <config.h>

#include "base/failpoint.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* How a child ends that asks for 'value' and passes store-commit 'n' times. */
static int
status_of(const char *value, int n)
{
    pid_t pid = fork();
    int status = 0;

    if (!pid) {
        if (setenv("NEUTRINO_FAILPOINT", value, 1) || nt_failpoint_start(NULL) < 0) {
            _exit(100);
        }
        if (getenv("NEUTRINO_FAILPOINT")) {
            _exit(101);
        }

        int n_failed = 0;
        for (int i = 0; i < n; i++) {
            n_failed += NT_FAILPOINT("store-commit") ? 1 << i : 0;
        }
        _exit(n_failed);
    }
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    if (WIFSTOPPED(status)) {
        int ended;

        kill(pid, SIGCONT);
        assert_int_equal(waitpid(pid, &ended, 0), pid);
        assert_true(WIFEXITED(ended));
        assert_int_equal(WEXITSTATUS(ended), 0);
    }
    return status;
}

static void
without_the_variable_nothing_happens(void **state)
{
    assert_int_equal(nt_failpoint_start(NULL), 0);
    assert_false(NT_FAILPOINT("store-commit"));
    NT_CRASHPOINT("store-committed");
}

static void
passage_asked_for_kills(void **state)
{
    int status = status_of("store-commit:3", 3);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    assert_true(WIFEXITED(status_of("store-commit:3", 2)));
    assert_true(WIFEXITED(status_of("store-committed", 5)));
}

static void
error_happens_once(void **state)
{
    int status = status_of("store-commit:2=error", 5);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1 << 1);
}

static void
stopped_program_goes_on(void **state)
{
    assert_true(WIFSTOPPED(status_of("store-commit=stop", 2)));
}

static void
mistakes_are_named(void **state)
{
    static const char *const bad[] = { "",
                                       "no-such-point",
                                       "store-commit:0",
                                       "store-commit:x",
                                       "store-commit=explode",
                                       "store-committed=error" };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int status = status_of(bad[i], 1);

        if (!WIFEXITED(status) || WEXITSTATUS(status) != 100) {
            fail_msg("'%s' was taken", bad[i]);
        }
    }
}

static void
names_are_unique(void **state)
{
    for (const struct nt_failpoint *p = nt_failpoints; p->name; p++) {
        for (const struct nt_failpoint *q = p + 1; q->name; q++) {
            assert_string_not_equal(p->name, q->name);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_variable_nothing_happens),
        cmocka_unit_test(passage_asked_for_kills),
        cmocka_unit_test(error_happens_once),
        cmocka_unit_test(stopped_program_goes_on),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(names_are_unique),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
