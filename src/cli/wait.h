/* Waiting for a server: asks twice a second until --timeout, and shows progress on
 * stderr when that is a terminal and it takes longer than two seconds. */
#pragma once

#include "base/attr.h"
#include "base/err.h"

struct cli;
struct json;

enum cli_verdict { CLI_WAIT_MORE, CLI_WAIT_DONE, CLI_WAIT_FAILED };

/* Whether a server in that state is where it shall be: at status 'goal', or not yet,
 * or never (it is in error). */
enum cli_verdict cli_wait_verdict(const struct json *server, const char *goal);

/* Until server 'id' has the status 'goal' (any case); NULL: until it is gone.
 * Fails with NT_TIMEOUT; NT_CONFLICT when it is in error instead, with its fault;
 * NT_NOT_FOUND when it is gone instead. */
NT_NODISCARD int cli_wait(struct cli *, const char *id, const char *goal, struct nt_err *);
