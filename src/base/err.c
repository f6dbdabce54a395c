#include <config.h>

#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const code_names[NT_N_CODES] = {
    [NT_OK] = "ok",
    [NT_INVALID] = "invalid",
    [NT_UNAUTHORIZED] = "unauthorized",
    [NT_FORBIDDEN] = "forbidden",
    [NT_NOT_FOUND] = "not_found",
    [NT_CONFLICT] = "conflict",
    [NT_EXHAUSTED] = "exhausted",
    [NT_TOO_LARGE] = "too_large",
    [NT_UNSUPPORTED] = "unsupported",
    [NT_TIMEOUT] = "timeout",
    [NT_UNAVAILABLE] = "unavailable",
    [NT_FAULT] = "fault",
};

int
nt_fail(struct nt_err *err, enum nt_code code, const char *fmt, ...)
{
    if (err) {
        va_list args;

        err->code = code;
        va_start(args, fmt);
        vsnprintf(err->msg, sizeof err->msg, fmt, args);
        va_end(args);
    }
    return -1;
}

static void
append_errno(struct nt_err *err, int errnum)
{
    size_t len = strlen(err->msg);

    snprintf(err->msg + len, sizeof err->msg - len, ": %s", strerror(errnum));
}

int
nt_fail_errno(struct nt_err *err, int errnum, const char *fmt, ...)
{
    if (err) {
        va_list args;

        err->code = NT_FAULT;
        va_start(args, fmt);
        vsnprintf(err->msg, sizeof err->msg, fmt, args);
        va_end(args);
        append_errno(err, errnum < 0 ? -errnum : errnum);
    }
    return -1;
}

int
nt_err_context(struct nt_err *err, const char *fmt, ...)
{
    if (err) {
        char old[NT_ERR_SIZE];
        va_list args;

        memcpy(old, err->msg, sizeof old);
        va_start(args, fmt);
        vsnprintf(err->msg, sizeof err->msg, fmt, args);
        va_end(args);

        size_t len = strlen(err->msg);
        snprintf(err->msg + len, sizeof err->msg - len, ": %s", old);
    }
    return -1;
}

const char *
nt_code_name(enum nt_code code)
{
    return code < NT_N_CODES ? code_names[code] : "fault";
}

enum nt_code
nt_code_from_name(const char *name)
{
    for (int i = 0; i < NT_N_CODES; i++) {
        if (!strcmp(code_names[i], name)) {
            return i;
        }
    }
    return NT_FAULT;
}
