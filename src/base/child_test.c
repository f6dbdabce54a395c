#include <config.h>

#include "base/child.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "openvswitch/poll-loop.h"

#define LIMIT_MS 20000

/* What a callback was told. */
struct told {
    int n;
    int status;
    bool timed_out, ok;
    char *out;
    size_t out_len;
    char err_out[256], why[128];
};

static int
set_up(void **state)
{
    *state = nt_children_new(nt_clock_system());
    return 0;
}

static int
tear_down(void **state)
{
    nt_children_free(*state);
    return 0;
}

static void
on_end(void *told_, const struct nt_child_result *result)
{
    struct told *told = told_;

    told->n++;
    told->status = result->status;
    told->timed_out = result->timed_out;
    told->ok = nt_child_ok(result);
    free(told->out);
    told->out = xmemdup0(result->out, result->out_len);
    told->out_len = result->out_len;
    ovs_strlcpy(told->err_out, result->err_out, sizeof told->err_out);
    nt_child_describe(result, told->why, sizeof told->why);
}

static void
turn(struct nt_children *pool)
{
    nt_children_wait(pool);
    poll_timer_wait(100);
    poll_block();
    nt_children_run(pool);
}

#define UNTIL(pool, condition)                                              \
    do {                                                                    \
        int64_t limit_ = nt_mono_ms(nt_clock_system()) + LIMIT_MS;          \
                                                                            \
        while (!(condition)) {                                              \
            if (nt_mono_ms(nt_clock_system()) > limit_) {                   \
                fail_msg("%d ms passed without: %s", LIMIT_MS, #condition); \
            }                                                               \
            turn(pool);                                                     \
        }                                                                   \
    } while (0)

static struct nt_child *
start(struct nt_children *pool, const struct nt_child_opts *opts, struct told *told)
{
    struct nt_child *child = NULL;
    struct nt_err err = { 0 };

    if (nt_child_start(pool, opts, on_end, told, &child, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return child;
}

/* Runs 'opts' to the end; free told->out. */
static void
run(struct nt_children *pool, const struct nt_child_opts *opts, struct told *told)
{
    start(pool, opts, told);
    assert_int_equal(told->n, 0);
    UNTIL(pool, told->n);
    assert_int_equal(told->n, 1);
}

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define SH(script) ARGV("/bin/sh", "-c", script)

static void
output_and_success_are_told(void **state)
{
    struct nt_child_opts opts = { .argv = SH("echo out; echo oops >&2; cat") };
    struct told told = { 0 };

    run(*state, &opts, &told);
    assert_true(told.ok);
    assert_string_equal(told.out, "out\n");
    assert_string_equal(told.err_out, "oops\n");
    free(told.out);
}

static void
exit_status_is_told_with_the_first_line_of_the_complaint(void **state)
{
    struct nt_child_opts opts = { .argv = SH("echo no such thing >&2; echo more >&2; exit 3") };
    struct told told = { 0 };

    run(*state, &opts, &told);
    assert_false(told.ok);
    assert_int_equal(WEXITSTATUS(told.status), 3);
    assert_string_equal(told.why, "exit status 3: no such thing");
    free(told.out);
}

static void
signal_is_told(void **state)
{
    struct nt_child_opts opts = { .argv = SH("kill -TERM $$") };
    struct told told = { 0 };

    run(*state, &opts, &told);
    assert_false(told.ok);
    assert_string_equal(told.why, "killed by signal 15");
    free(told.out);
}

static void
a_megabyte_goes_in_and_comes_back(void **state)
{
    size_t n = 1 << 20;
    AUTO_FREE char *input = xmalloc(n);
    struct nt_child_opts opts = { .argv = ARGV("cat"), .input = input, .input_len = n };
    struct told told = { 0 };

    for (size_t i = 0; i < n; i++) {
        input[i] = i * 7 + i / 4096;
    }
    run(*state, &opts, &told);
    assert_true(told.ok);
    assert_int_equal(told.out_len, n);
    assert_memory_equal(told.out, input, n);
    free(told.out);
}

static void
child_that_does_not_read_its_input_is_fine(void **state)
{
    size_t n = 1 << 20;
    AUTO_FREE char *input = xzalloc(n);
    struct nt_child_opts opts = { .argv = ARGV("true"), .input = input, .input_len = n };
    struct told told = { 0 };

    run(*state, &opts, &told);
    assert_true(told.ok);
    free(told.out);
}

static void
complaint_is_cut_at_4_kib_and_does_not_block(void **state)
{
    struct nt_child_opts opts = { .argv = SH("head -c 300000 /dev/zero | tr '\\0' x >&2") };
    struct told told = { 0 };

    run(*state, &opts, &told);
    assert_true(told.ok);
    assert_int_equal(strlen(told.err_out), sizeof told.err_out - 1);
    free(told.out);
}

static void
child_that_takes_too_long_is_killed(void **state)
{
    struct nt_child_opts opts = { .argv = ARGV("sleep", "1000"), .timeout_ms = 50 };
    struct told told = { 0 };

    run(*state, &opts, &told);
    assert_true(told.timed_out);
    assert_false(told.ok);
    assert_string_equal(told.why, "timed out");
    free(told.out);
}

static void
missing_program_fails_with_its_name(void **state)
{
    struct nt_child_opts opts = { .argv = ARGV("nt-test-no-such-program") };
    struct told told = { 0 };

    run(*state, &opts, &told);
    assert_false(told.ok);
    assert_string_equal(told.why,
                        "exit status 127: nt-test-no-such-program: No such file or directory");
    free(told.out);
}

static void
environment_is_ours_with_additions_over_it(void **state)
{
    struct nt_child_opts opts = {
        .argv = SH("echo $NT_A,$NT_B,$NT_AB; env | grep -c ^NT_A="),
        .env = ARGV("NT_A=theirs", "NT_B=new"),
    };
    struct told told = { 0 };

    setenv("NT_A", "ours", 1);
    setenv("NT_AB", "kept", 1);
    run(*state, &opts, &told);
    unsetenv("NT_A");
    unsetenv("NT_AB");
    assert_string_equal(told.out, "theirs,new,kept\n1\n");
    free(told.out);
}

static void
output_file_gets_both_streams_appended(void **state)
{
    char path[] = "/tmp/nt-test-child-XXXXXX";
    int fd = mkstemp(path);
    struct nt_child_opts opts = { .argv = SH("echo one; echo two >&2"), .output_file = path };
    struct told told = { 0 };
    char *text = NULL;

    assert_int_equal(write(fd, "zero\n", 5), 5);
    close(fd);
    run(*state, &opts, &told);
    assert_true(told.ok);
    assert_string_equal(told.out, "");
    assert_int_equal(nt_file_read(path, 1000, &text, NULL), 0);
    assert_string_equal(text, "zero\none\ntwo\n");
    unlink(path);
    free(text);
    free(told.out);
}

static void
output_file_that_cannot_be_made_is_a_failure_to_start(void **state)
{
    struct nt_child_opts opts = { .argv = ARGV("true"), .output_file = "/nonexistent/file" };
    struct nt_err err = { 0 };

    assert_int_equal(nt_child_start(*state, &opts, NULL, NULL, NULL, &err), -1);
    assert_int_equal(err.code, NT_FAULT);
    assert_string_equal(err.msg, "cannot start true: No such file or directory");
}

static void
descriptors_of_ours_are_not_inherited_nor_left_behind(void **state)
{
    struct nt_child_opts opts = { .argv = SH("ls /proc/self/fd | wc -l"), .input = "" };
    struct told told = { 0 };
    int before = dup(0); /* Without close-on-exec. */

    run(*state, &opts, &told);
    /* 0, 1, 2 and the one with which ls reads the folder. */
    assert_int_equal(atoi(told.out), 4);
    free(told.out);

    int after = dup(0);
    assert_int_equal(after, before + 1);
    close(after);
    close(before);
}

static void
signals_are_at_default_in_the_child(void **state)
{
    struct nt_child_opts opts = { .argv = SH("grep -E 'Sig(Blk|Ign)' /proc/self/status") };
    struct told told = { 0 };
    sigset_t set, old;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, &old);
    signal(SIGHUP, SIG_IGN);
    run(*state, &opts, &told);
    signal(SIGHUP, SIG_DFL);
    sigprocmask(SIG_SETMASK, &old, NULL);
    assert_string_equal(told.out, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    free(told.out);
}

static void
daemon_left_behind_does_not_hold_up_the_end(void **state)
{
    struct nt_child_opts opts = { .argv = SH("sleep 1000 & echo $!") };
    struct told told = { 0 };

    run(*state, &opts, &told);
    assert_true(told.ok);
    assert_int_equal(kill(atoi(told.out), SIGKILL), 0);
    free(told.out);
}

static void
forgotten_child_is_reaped_without_a_word(void **state)
{
    struct nt_children *pool = *state;
    struct nt_child_opts opts = { .argv = ARGV("true") };
    struct told told = { 0 }, other = { 0 };
    struct nt_child *child = start(pool, &opts, &told);
    pid_t pid = nt_child_pid(child);

    nt_child_forget(child);
    UNTIL(pool, kill(pid, 0) < 0);
    run(pool, &opts, &other);
    assert_int_equal(told.n, 0);
    free(other.out);
}

struct chain {
    struct nt_children *pool;
    int n;
};

static void
start_next(void *chain_, const struct nt_child_result *result)
{
    struct chain *chain = chain_;
    struct nt_child_opts opts = { .argv = ARGV("true") };

    assert_true(nt_child_ok(result));
    if (++chain->n < 3) {
        assert_int_equal(nt_child_start(chain->pool, &opts, start_next, chain, NULL, NULL), 0);
    }
}

static void
callback_may_start_another_child(void **state)
{
    struct chain chain = { *state, 0 };
    struct nt_child_opts opts = { .argv = ARGV("true") };

    assert_int_equal(nt_child_start(chain.pool, &opts, start_next, &chain, NULL, NULL), 0);
    UNTIL(chain.pool, chain.n == 3);
}

static void
end_of_the_pool_kills_only_those_of_its_own_session(void **state)
{
    (void) state;
    struct nt_children *pool = nt_children_new(nt_clock_system());
    struct nt_child_opts opts = { .argv = ARGV("sleep", "1000") };
    struct nt_pidwatch *watch = NULL;
    struct told told = { 0 };
    pid_t own = nt_child_pid(start(pool, &opts, &told));

    opts.new_session = true;
    pid_t guest = nt_child_pid(start(pool, &opts, &told));
    UNTIL(pool, getsid(guest) == guest);
    assert_int_equal(nt_pidwatch_new(guest, &watch), 0);

    nt_children_free(pool);
    assert_int_equal(kill(own, 0), -1);
    assert_false(nt_pidwatch_is_dead(watch));

    assert_int_equal(nt_pidwatch_signal(watch, SIGKILL), 0);
    assert_int_equal(waitpid(guest, NULL, 0), guest);
    assert_true(nt_pidwatch_is_dead(watch));
    assert_true(nt_pidwatch_signal(watch, SIGKILL) < 0);
    nt_pidwatch_free(watch);
    assert_true(nt_pidwatch_new(guest, &watch) < 0);
    assert_int_equal(told.n, 0);
}

static void
child_reaped_by_somebody_else_has_not_succeeded(void **state)
{
    struct nt_children *pool = *state;
    struct nt_child_opts opts = { .argv = ARGV("true") };
    struct told told = { 0 };
    pid_t pid = nt_child_pid(start(pool, &opts, &told));

    assert_int_equal(waitpid(pid, NULL, 0), pid);
    UNTIL(pool, told.n);
    assert_false(told.ok);
    free(told.out);
}

static void
blocking_run_gives_output_or_the_reason(void **state)
{
    (void) state;
    struct nt_child_opts good = { .argv = SH("echo yes") };
    struct nt_child_opts bad = { .argv = SH("echo no >&2; false") };
    struct nt_err err = { 0 };
    char *out = NULL;

    assert_int_equal(nt_child_run_blocking(&good, &out, &err), 0);
    assert_string_equal(out, "yes\n");
    free(out);
    assert_int_equal(nt_child_run_blocking(&bad, &out, &err), -1);
    assert_string_equal(err.msg, "/bin/sh failed: exit status 1: no");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(output_and_success_are_told),
        T(exit_status_is_told_with_the_first_line_of_the_complaint),
        T(signal_is_told),
        T(a_megabyte_goes_in_and_comes_back),
        T(child_that_does_not_read_its_input_is_fine),
        T(complaint_is_cut_at_4_kib_and_does_not_block),
        T(child_that_takes_too_long_is_killed),
        T(missing_program_fails_with_its_name),
        T(environment_is_ours_with_additions_over_it),
        T(output_file_gets_both_streams_appended),
        T(output_file_that_cannot_be_made_is_a_failure_to_start),
        T(descriptors_of_ours_are_not_inherited_nor_left_behind),
        T(signals_are_at_default_in_the_child),
        T(daemon_left_behind_does_not_hold_up_the_end),
        T(forgotten_child_is_reaped_without_a_word),
        T(callback_may_start_another_child),
        T(end_of_the_pool_kills_only_those_of_its_own_session),
        T(child_reaped_by_somebody_else_has_not_succeeded),
        cmocka_unit_test(blocking_run_gives_output_or_the_reason),
    };

    /* As the daemons have it. */
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("base/child", tests, NULL, NULL);
}
