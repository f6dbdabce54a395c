/* Lists and records that are shown as the server has them. */
#pragma once

#include "base/attr.h"
#include "base/err.h"

struct cli;
struct cli_noun;
struct json;

struct cli_column {
    const char *title;
    const char *member; /* Of each thing in the list. */
};

/* Gets the list 'member' from 'path' and prints it.  'columns' ends with { 0 }. */
NT_NODISCARD int cli_list(struct cli *, const char *path, const char *member,
                          const struct cli_column *columns, struct nt_err *);

/* The same for a list of an answer that is there already. */
NT_NODISCARD int cli_print_list(struct cli *, const struct json *answer, const char *member,
                                const struct cli_column *columns, struct nt_err *);

/* Prints the thing that the word 'arg' names. */
NT_NODISCARD int cli_show(struct cli *, const struct cli_noun *, const char *arg, struct nt_err *);

/* Prints all members of an object but its links. */
NT_NODISCARD int cli_print_object(struct cli *, const struct json *, struct nt_err *);
