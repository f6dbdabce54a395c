/* Deleting several things in one go. */
#pragma once

#include "base/attr.h"
#include "base/err.h"

struct cli;
struct cli_noun;

/* Deletes what the words 'arg' name, and with --wait stays until the servers are
 * gone.  One that cannot be deleted does not keep the others; every failure is told,
 * the last one by '*err'. */
NT_NODISCARD int cli_delete_all(struct cli *, const struct cli_noun *, const char *arg,
                                struct nt_err *);
