/* Child processes: always by argument list, never through a shell, never waited
 * for with the loop standing still.
 *
 * A pool owns its children.  The callback comes from nt_children_run() with what
 * the child wrote and how it ended.  Standard input is 'input' (or empty);
 * descriptors of the parent are not inherited; signals are back at default. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"

struct nt_children;
struct nt_child;

struct nt_child_result {
    int status;     /* As from waitpid(2). */
    bool timed_out; /* Killed because 'timeout_ms' passed. */
    char *out;      /* NUL-terminated; valid during the callback. */
    size_t out_len;
    char *err_out; /* Standard error, at most 4 KiB of it. */
};

typedef void nt_child_cb(void *aux, const struct nt_child_result *);

struct nt_child_opts {
    const char *const *argv; /* NULL-terminated; argv[0] is searched in PATH. */
    const char *const *env;  /* "NAME=VALUE"s added to our environment, or NULL. */
    const char *input;       /* Copied.  NULL: /dev/null. */
    size_t input_len;
    const char *output_file; /* stdout and stderr appended here instead of collected. */
    int64_t timeout_ms;      /* 0: none.  Then SIGKILL to the child. */
    bool new_session;        /* Own session: survives us and our terminal. */
};

struct nt_children *nt_children_new(const struct nt_clock *);

/* Kills children that are not of a new session. */
void nt_children_free(struct nt_children *);
NT_AUTO(nt_children)

/* Starts a child.  'cb' may be NULL.  The returned handle is owned by the pool and
 * valid until the callback; it may be NULL-checked only. Fails with NT_FAULT. */
NT_NODISCARD int nt_child_start(struct nt_children *, const struct nt_child_opts *, nt_child_cb *cb,
                                void *aux, struct nt_child **out, struct nt_err *);
pid_t nt_child_pid(const struct nt_child *);

/* Forgets the callback; the child goes on and is reaped silently. */
void nt_child_forget(struct nt_child *);
void nt_child_kill(struct nt_child *, int sig);

void nt_children_run(struct nt_children *);
void nt_children_wait(struct nt_children *);

/* "exit status 1", "killed by signal 9", "timed out"; for messages. */
void nt_child_describe(const struct nt_child_result *, char *buf, size_t size);
bool nt_child_ok(const struct nt_child_result *);

/* Runs to the end, blocking: for start-up and tools, never inside a loop.
 * '*out' (may be NULL) is the caller's to free.  Fails with NT_FAULT. */
NT_NODISCARD int nt_child_run_blocking(const struct nt_child_opts *, char **out, struct nt_err *);

/* Another program's process (not our child), by pid: told when it ends. */
struct nt_pidwatch;
NT_NODISCARD int nt_pidwatch_new(pid_t, struct nt_pidwatch **out); /* Negative errno. */
void nt_pidwatch_free(struct nt_pidwatch *);
NT_AUTO(nt_pidwatch)
bool nt_pidwatch_is_dead(const struct nt_pidwatch *);
int nt_pidwatch_signal(const struct nt_pidwatch *, int sig); /* Negative errno. */
void nt_pidwatch_wait(const struct nt_pidwatch *);
