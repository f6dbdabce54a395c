/* The arguments of a command, read by a table.
 *
 * Options are --NAME VALUE, --NAME=VALUE or a letter; '_' in a name counts as '-'.
 * Options and words may be mixed; '--' ends the options.  Values are borrowed from
 * argv.  What is wrong is NT_INVALID. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

enum cli_arg_kind {
    CLI_TEXT,
    CLI_FILE, /* A text that names a file. */
    CLI_INT,  /* 0 or more. */
    CLI_FLAG, /* No value; --NAME=true and =false are accepted. */
};

enum cli_arg_flag {
    CLI_REQUIRED = 1 << 0,
    CLI_MANY = 1 << 1,   /* May be given again; a word: takes all that follow. */
    CLI_WORD = 1 << 2,   /* Not an option: the next word, in the order of the table. */
    CLI_CHOICE = 1 << 3, /* 'value' lists the values allowed: "a|b|c". */
};

struct cli_arg {
    const char *name;  /* "image"; of a word "SERVER". */
    const char *value; /* In help: "IMAGE". */
    enum cli_arg_kind kind;
    unsigned flags;
    const char *help;
    const char *aliases; /* More names, separated by blanks, or NULL. */
    char letter;         /* Or 0. */
};

struct cli_given {
    const struct cli_arg *arg;
    const char *value;
};

struct cli_args {
    const struct cli_arg *common; /* Options of every command. */
    struct cli_given *given;      /* In the order given. */
    size_t n, allocated;
};

void cli_args_init(struct cli_args *, const struct cli_arg *common);
void cli_args_deinit(struct cli_args *);

/* Reads common options up to the first word; how many of 'argv' they are, or -1. */
NT_NODISCARD int cli_args_parse_common(struct cli_args *, char *const argv[], struct nt_err *);

/* Reads all of 'argv' by 'table' and the common options. */
NT_NODISCARD int cli_args_parse(struct cli_args *, const struct cli_arg *table, char *const argv[],
                                struct nt_err *);

/* Refuses when something required was not given. */
NT_NODISCARD int cli_args_check(const struct cli_args *, const struct cli_arg *table,
                                struct nt_err *);

/* The last value given, or NULL. */
const char *cli_arg(const struct cli_args *, const char *name);

/* The values one after the other: '*i' begins with 0.  NULL: no more. */
const char *cli_arg_next(const struct cli_args *, const char *name, size_t *i);

size_t cli_arg_count(const struct cli_args *, const char *name);

bool cli_arg_flag(const struct cli_args *, const char *name);
long cli_arg_int(const struct cli_args *, const char *name, long absent);
