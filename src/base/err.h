/* The one way to say that a rule was broken or something is missing.
 *
 * A function that can fail that way takes 'struct nt_err *' last and returns -1
 * through nt_fail(), at the place where the reason is known.  Nobody logs and
 * returns; the edge (request handler, loop, main) reports once.
 * Low layers that merely could not do something return a negative errno. */
#pragma once

#include "base/attr.h"

enum nt_code {
    NT_OK = 0,
    NT_INVALID,      /* The request itself is wrong. */
    NT_UNAUTHORIZED, /* Nobody said who asks, or not convincingly. */
    NT_FORBIDDEN,    /* Known, but not allowed. */
    NT_NOT_FOUND,
    NT_CONFLICT,  /* True state does not allow it now. */
    NT_EXHAUSTED, /* A pool has nothing left. */
    NT_TOO_LARGE,
    NT_UNSUPPORTED, /* Understood, not offered here. */
    NT_TIMEOUT,     /* A peer did not answer in time. */
    NT_UNAVAILABLE, /* A peer is not connected. */
    NT_FAULT,       /* Our own trouble: database, disk, a bug. */
    NT_N_CODES
};

#define NT_ERR_SIZE 512

struct nt_err {
    enum nt_code code;
    char msg[NT_ERR_SIZE]; /* Lower case, no full stop: what, the name, why. */
};

/* Sets '*err' (which may be NULL) and returns -1. */
int nt_fail(struct nt_err *err, enum nt_code code, const char *fmt, ...) NT_PRINTF(3, 4);

/* Like nt_fail() with NT_FAULT, ": " and strerror('errnum') appended. */
int nt_fail_errno(struct nt_err *err, int errnum, const char *fmt, ...) NT_PRINTF(3, 4);

/* Puts 'fmt...: ' in front of the message that is there.  Returns -1. */
int nt_err_context(struct nt_err *err, const char *fmt, ...) NT_PRINTF(2, 3);

/* "not_found" and so on: the code's name in RPC failures and logs. */
const char *nt_code_name(enum nt_code);

/* The code with that name, or NT_FAULT. */
enum nt_code nt_code_from_name(const char *name);
