/* Failpoints: named places where a program can be made to die, stand still or fail,
 * so that tests can show that it survives it.
 *
 * They are always compiled in and do nothing unless the environment variable
 *
 *     NEUTRINO_FAILPOINT=NAME[:N][=ACTION]
 *
 * is set when the program starts.  At the N-th passage (counted from 1, the default)
 * of the point NAME, and only then, ACTION happens:
 *
 *     kill    SIGKILL to itself (the default)
 *     stop    SIGSTOP to itself; it goes on after SIGCONT
 *     error   what the point stands for fails; only where the table says so
 *
 * The variable is taken out of the environment, so children do not see it.  Which
 * points there are is one table, printed by --failpoints; each name stands at
 * exactly one place in the source.  Unset, a passage costs one branch that is never
 * taken.  Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

/* A point's passage: true if what stands there is to fail. */
#define NT_FAILPOINT(name) (__builtin_expect(nt_failpoint_is_set, 0) && nt_failpoint_pass(name))

/* The same as a statement, at points that cannot fail. */
#define NT_CRASHPOINT(name)              \
    do {                                 \
        if (NT_FAILPOINT(name)) {        \
            nt_failpoint_no_error(name); \
        }                                \
    } while (0)

struct nt_failpoint {
    const char *name;
    const char *programs; /* Last parts of the names of those that pass it. */
    bool can_fail;        /* Knows the action error. */
    const char *where;
};

/* Ends with an entry without a name. */
extern const struct nt_failpoint nt_failpoints[];

/* Set once, by nt_failpoint_start(). */
extern bool nt_failpoint_is_set;

/* Reads the environment; to be called once, first thing.  Fails with NT_INVALID when
 * the variable names no point or no action: a test must not pass for a typing error. */
NT_NODISCARD int nt_failpoint_start(struct nt_err *);

/* One line per point: name, programs, "error" or "-", where. */
void nt_failpoint_print(void);

/* For the macros. */
bool nt_failpoint_pass(const char *name);
void nt_failpoint_no_error(const char *name) __attribute__((noreturn));
