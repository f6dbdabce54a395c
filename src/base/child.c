#include <config.h>

#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(nt_child);

#define MAX_OUTPUT (64 << 20)
#define MAX_STDERR 4096

/* One direction of one pipe.  'fd' is -1 once it is done. */
struct channel {
    int fd;
    struct ds data;
    size_t max;
};

struct nt_child {
    struct ovs_list node;
    struct nt_children *pool;
    pid_t pid;
    int pidfd;
    int in_fd;
    char *input;
    size_t input_len, input_done;
    struct channel out, err;
    int64_t deadline; /* Monotonic; INT64_MAX: none. */
    bool timed_out, new_session;
    nt_child_cb *cb;
    void *aux;
};

struct nt_children {
    const struct nt_clock *clock;
    struct ovs_list children;
};

struct nt_children *
nt_children_new(const struct nt_clock *clock)
{
    struct nt_children *pool = xmalloc(sizeof *pool);

    pool->clock = clock;
    ovs_list_init(&pool->children);
    return pool;
}

static void
close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

static void
child_free(struct nt_child *child)
{
    ovs_list_remove(&child->node);
    close_fd(&child->pidfd);
    close_fd(&child->in_fd);
    close_fd(&child->out.fd);
    close_fd(&child->err.fd);
    ds_destroy(&child->out.data);
    ds_destroy(&child->err.data);
    free(child->input);
    free(child);
}

void
nt_children_free(struct nt_children *pool)
{
    if (pool) {
        struct nt_child *child;

        LIST_FOR_EACH_SAFE (child, node, &pool->children) {
            if (!child->new_session) {
                kill(child->pid, SIGKILL);
                waitpid(child->pid, NULL, 0);
            }
            child_free(child);
        }
        free(pool);
    }
}

/* The kernel's own form of SIG_DFL without flags or mask. */
static const struct {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
} kernel_default;

/* In the child, between vfork and exec: its memory is ours, so only calls that are safe in
 * a signal handler and leave nothing behind. */
static void __attribute__((noreturn))
exec_child(const struct nt_child_opts *opts, const int fds[3], char **env)
{
    sigset_t none;

    if (opts->new_session) {
        setsid();
    }
    /* The C library keeps two signals from signal(); what started us may have had them
     * ignored all the same. */
    for (int sig = 1; sig <= 64; sig++) {
        syscall(SYS_rt_sigaction, sig, &kernel_default, NULL, sizeof(uint64_t));
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int i = 0; i < 3; i++) {
        if (dup2(fds[i], i) < 0) {
            _exit(127);
        }
    }
    syscall(SYS_close_range, 3, ~0U, 0);
    execvpe(opts->argv[0], (char *const *) opts->argv, env);

    const char *why = strerror(errno);
    if (write(2, opts->argv[0], strlen(opts->argv[0])) < 0 || write(2, ": ", 2) < 0
        || write(2, why, strlen(why)) < 0) {
        _exit(126);
    }
    _exit(127);
}

/* vfork, because fork copies the page tables of all of our memory and makes us fault on
 * each page afterwards: with a thousand guests more work than starting the program.
 * A handler of ours must not run in the child. */
static pid_t
spawn(const struct nt_child_opts *opts, const int fds[3], char **env)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);

    pid_t pid = vfork();

    if (!pid) {
        exec_child(opts, fds, env);
    }

    int error = errno;

    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return pid;
}

/* Our environment with the additions put over it. */
static char **
merged_env(const char *const *additions)
{
    size_t n = 0, n_add = 0;

    while (environ[n]) {
        n++;
    }
    while (additions && additions[n_add]) {
        n_add++;
    }

    char **env = xcalloc(n + n_add + 1, sizeof *env);
    size_t used = 0;

    for (size_t i = 0; i < n; i++) {
        size_t name_len = strcspn(environ[i], "=") + 1;
        bool overridden = false;

        for (size_t j = 0; j < n_add; j++) {
            overridden |= !strncmp(environ[i], additions[j], name_len);
        }
        if (!overridden) {
            env[used++] = environ[i];
        }
    }
    for (size_t j = 0; j < n_add; j++) {
        env[used++] = CONST_CAST(char *, additions[j]);
    }
    return env;
}

/* Opens what becomes the child's 0, 1, 2 ('fds') and our ends ('ours', -1: none). */
static int
open_channels(const struct nt_child_opts *opts, int fds[3], int ours[3])
{
    int pipes[3][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
    bool ok = true;

    if (opts->input) {
        ok = !pipe2(pipes[0], O_CLOEXEC);
        fds[0] = pipes[0][0];
        ours[0] = pipes[0][1];
    } else {
        fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    if (opts->output_file) {
        fds[1] = open(opts->output_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        fds[2] = fds[1] >= 0 ? fcntl(fds[1], F_DUPFD_CLOEXEC, 3) : -1;
    } else {
        ok = ok && !pipe2(pipes[1], O_CLOEXEC) && !pipe2(pipes[2], O_CLOEXEC);
        for (int i = 1; i < 3; i++) {
            fds[i] = pipes[i][1];
            ours[i] = pipes[i][0];
        }
    }
    ok = ok && fds[0] >= 0 && fds[1] >= 0 && fds[2] >= 0;
    for (int i = 0; i < 3; i++) {
        if (ours[i] >= 0) {
            fcntl(ours[i], F_SETFL, O_NONBLOCK);
        }
        /* dup2() onto itself would leave close-on-exec set. */
        if (fds[i] >= 0 && fds[i] < 3) {
            int high = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);

            close(fds[i]);
            fds[i] = high;
        }
    }
    return ok ? 0 : -errno;
}

static void
channel_init(struct channel *ch, int fd, size_t max)
{
    ch->fd = fd;
    ch->max = max;
    ds_init(&ch->data);
}

int
nt_child_start(struct nt_children *pool, const struct nt_child_opts *opts, nt_child_cb *cb,
               void *aux, struct nt_child **out, struct nt_err *err)
{
    int fds[3] = { -1, -1, -1 }, ours[3] = { -1, -1, -1 };
    int rc = NT_FAILPOINT("child-spawn") ? -EAGAIN : open_channels(opts, fds, ours);
    char **env = merged_env(opts->env);
    pid_t pid = rc ? -1 : spawn(opts, fds, env);

    rc = rc ? rc : pid < 0 ? -errno : 0;
    free(env);
    for (int i = 0; i < 3; i++) {
        close_fd(&fds[i]);
        if (rc) {
            close_fd(&ours[i]);
        }
    }
    if (rc) {
        return nt_fail_errno(err, -rc, "cannot start %s", opts->argv[0]);
    }

    NT_CRASHPOINT("child-spawned");

    struct nt_child *child = xzalloc(sizeof *child);

    child->pool = pool;
    child->pid = pid;
    child->pidfd = syscall(SYS_pidfd_open, pid, 0);
    child->in_fd = ours[0];
    if (opts->input) {
        child->input = xmemdup(opts->input, opts->input_len ? opts->input_len : 1);
        child->input_len = opts->input_len;
    }
    channel_init(&child->out, ours[1], MAX_OUTPUT);
    channel_init(&child->err, ours[2], MAX_STDERR);
    child->deadline = opts->timeout_ms ? nt_mono_ms(pool->clock) + opts->timeout_ms : INT64_MAX;
    child->new_session = opts->new_session;
    child->cb = cb;
    child->aux = aux;
    ovs_list_push_back(&pool->children, &child->node);
    if (out) {
        *out = child;
    }
    return 0;
}

pid_t
nt_child_pid(const struct nt_child *child)
{
    return child->pid;
}

void
nt_child_forget(struct nt_child *child)
{
    child->cb = NULL;
}

void
nt_child_kill(struct nt_child *child, int sig)
{
    kill(child->pid, sig);
}

static void
run_input(struct nt_child *child)
{
    while (child->in_fd >= 0) {
        ssize_t n = 0;

        if (child->input_done < child->input_len) {
            n = write(child->in_fd, child->input + child->input_done,
                      child->input_len - child->input_done);
            if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
                return;
            }
        }
        child->input_done += n > 0 ? n : 0;
        if (n < 0 || child->input_done == child->input_len) {
            close_fd(&child->in_fd);
        }
    }
}

/* Reads what is there; beyond 'max' bytes are read and dropped. */
static void
run_output(struct channel *ch)
{
    char buf[16384];

    while (ch->fd >= 0) {
        ssize_t n = read(ch->fd, buf, sizeof buf);

        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (n <= 0) {
            close_fd(&ch->fd);
        } else if (ch->data.length < ch->max) {
            size_t room = ch->max - ch->data.length;

            ds_put_buffer(&ch->data, buf, (size_t) n < room ? (size_t) n : room);
        }
    }
}

/* True once the child has ended and was reaped.  Pipes are not waited for longer:
 * a daemon the child left behind may keep them open. */
static bool
child_run(struct nt_child *child)
{
    int status;

    if (nt_mono_ms(child->pool->clock) >= child->deadline) {
        child->deadline = INT64_MAX;
        child->timed_out = true;
        kill(child->pid, SIGKILL);
    }
    run_input(child);

    pid_t got = waitpid(child->pid, &status, WNOHANG);
    run_output(&child->out);
    run_output(&child->err);
    if (!got) {
        return false;
    }
    if (child->cb) {
        /* Reaped by somebody else: how it ended is not known, so not well. */
        struct nt_child_result result = {
            .status = got == child->pid ? status : W_EXITCODE(255, 0),
            .timed_out = child->timed_out,
            .out = ds_cstr(&child->out.data),
            .out_len = child->out.data.length,
            .err_out = ds_cstr(&child->err.data),
        };

        child->cb(child->aux, &result);
    }
    return true;
}

void
nt_children_run(struct nt_children *pool)
{
    struct nt_child *child;

    LIST_FOR_EACH_SAFE (child, node, &pool->children) {
        if (child_run(child)) {
            child_free(child);
        }
    }
}

void
nt_children_wait(struct nt_children *pool)
{
    struct nt_child *child;

    LIST_FOR_EACH (child, node, &pool->children) {
        if (child->pidfd >= 0) {
            poll_fd_wait(child->pidfd, POLLIN);
        } else {
            poll_timer_wait(10);
        }
        if (child->in_fd >= 0) {
            poll_fd_wait(child->in_fd, POLLOUT);
        }
        if (child->out.fd >= 0) {
            poll_fd_wait(child->out.fd, POLLIN);
        }
        if (child->err.fd >= 0) {
            poll_fd_wait(child->err.fd, POLLIN);
        }
        if (child->deadline != INT64_MAX) {
            poll_timer_wait_until(child->deadline);
        }
    }
}

bool
nt_child_ok(const struct nt_child_result *result)
{
    return !result->timed_out && WIFEXITED(result->status) && !WEXITSTATUS(result->status);
}

void
nt_child_describe(const struct nt_child_result *result, char *buf, size_t size)
{
    if (result->timed_out) {
        snprintf(buf, size, "timed out");
    } else if (WIFSIGNALED(result->status)) {
        snprintf(buf, size, "killed by signal %d", WTERMSIG(result->status));
    } else {
        const char *text = result->err_out ? result->err_out : "";

        snprintf(buf, size, "exit status %d%s%.*s", WEXITSTATUS(result->status), *text ? ": " : "",
                 (int) strcspn(text, "\n"), text);
    }
}

struct blocking {
    bool done;
    bool ok;
    char *out;
    char why[256];
};

static void
blocking_done(void *aux, const struct nt_child_result *result)
{
    struct blocking *b = aux;

    b->done = true;
    b->ok = nt_child_ok(result);
    b->out = xstrdup(result->out);
    nt_child_describe(result, b->why, sizeof b->why);
}

int
nt_child_run_blocking(const struct nt_child_opts *opts, char **out, struct nt_err *err)
{
    AUTO(nt_children) pool = nt_children_new(nt_clock_system());
    struct blocking b = { .done = false };

    if (nt_child_start(pool, opts, blocking_done, &b, NULL, err) < 0) {
        return -1;
    }
    while (nt_children_run(pool), !b.done) {
        nt_children_wait(pool);
        poll_block();
    }
    if (!b.ok) {
        free(b.out);
        return nt_fail(err, NT_FAULT, "%s failed: %s", opts->argv[0], b.why);
    }
    if (out) {
        *out = b.out;
    } else {
        free(b.out);
    }
    return 0;
}

struct nt_pidwatch {
    int fd;
};

int
nt_pidwatch_new(pid_t pid, struct nt_pidwatch **out)
{
    int fd = syscall(SYS_pidfd_open, pid, 0);

    if (fd < 0) {
        return -errno;
    }
    *out = xmalloc(sizeof **out);
    (*out)->fd = fd;
    return 0;
}

void
nt_pidwatch_free(struct nt_pidwatch *watch)
{
    if (watch) {
        close(watch->fd);
        free(watch);
    }
}

bool
nt_pidwatch_is_dead(const struct nt_pidwatch *watch)
{
    struct pollfd pfd = { .fd = watch->fd, .events = POLLIN };

    return poll(&pfd, 1, 0) > 0;
}

int
nt_pidwatch_signal(const struct nt_pidwatch *watch, int sig)
{
    return syscall(SYS_pidfd_send_signal, watch->fd, sig, NULL, 0) < 0 ? -errno : 0;
}

void
nt_pidwatch_wait(const struct nt_pidwatch *watch)
{
    poll_fd_wait(watch->fd, POLLIN);
}
