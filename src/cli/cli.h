/* One run of the command line: what was asked for, whom to ask, how to print. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "cli/args.h"
#include "cli/commands.h"
#include "cli/table.h"

struct nt_http_client;

struct cli {
    struct cli_args args;
    const struct cli_command *command;
    const struct cli_command *about; /* COMMAND --help. */
    const struct nt_clock *clock;
    struct nt_http_client *client; /* Owned; NULL for a local command. */
    int64_t started_ms;
    bool is_usage; /* What failed is the command line itself. */
};

void cli_init(struct cli *, const struct nt_clock *);
void cli_deinit(struct cli *);

/* Reads the command line; argv ends with NULL. */
NT_NODISCARD int cli_parse(struct cli *, char *const argv[], struct nt_err *);

/* Takes the server and the credentials from the options and the environment.
 * Nothing is sent. */
NT_NODISCARD int cli_connect(struct cli *, struct nt_err *);

/* Prints as the options say, sorted.  Takes the table. */
NT_NODISCARD int cli_print(struct cli *, struct cli_table *, struct nt_err *);

/* Marks the failure as one of the command line (exit status 2).  Returns -1. */
int cli_usage(struct cli *, struct nt_err *, const char *fmt, ...) NT_PRINTF(3, 4);

/* Says on stderr what went wrong, in one line without control characters. */
void cli_complain(const struct nt_err *);

/* The exit status of a run that ended with 'rc', after saying why if it failed. */
int cli_finish(struct cli *, int rc, struct nt_err *);

/* The part of a service's URL that all our services have in common: without a
 * version and what follows, and without the service's name.  The caller frees. */
char *cli_base_url(const char *url);
