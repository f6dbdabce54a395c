/* How a failure looks from outside: one table from our codes to HTTP, and the body
 * each API's clients read. */
#pragma once

#include "base/err.h"
#include "server/rest/router.h"

struct json;

struct fault {
    int status;
    const char *key;   /* Of the compute API's body. */
    const char *title; /* Of the others'. */
};

const struct fault *fault_of(enum nt_code);

/* For statuses that no code stands for. */
extern const struct fault fault_method_not_allowed, fault_not_acceptable, fault_not_implemented;

/* The body for 'service'.  'message' is shown as it is. */
struct json *fault_json(const struct fault *, enum service, const char *message);
