/* What a command prints: a list (one row per thing) or a record (one thing and its
 * properties), in one of five formats.
 *
 * A cell is a JSON value, which json and yaml show, and a text, which the others
 * show.  The table owns its cells. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "openvswitch/json.h"

struct ds;

enum cli_format { CLI_TABLE, CLI_JSON, CLI_YAML, CLI_CSV, CLI_VALUE, CLI_N_FORMATS };

/* Their names on the command line, in that order. */
extern const char *const cli_formats[CLI_N_FORMATS];

struct cli_cell {
    struct json *value;
    char *text;
};

struct cli_table {
    bool is_record; /* Exactly one row; the columns are its properties. */
    char **columns;
    size_t n_columns;
    struct cli_cell *cells; /* Row by row. */
    size_t n_cells, allocated;
};

/* 'columns' ends with NULL. */
struct cli_table *cli_table_list(const char *const *columns);
struct cli_table *cli_table_record(void);
void cli_table_free(struct cli_table *);
NT_AUTO(cli_table)

/* The next cell of a list.  Takes 'value' and 'text'; with text NULL it is made from
 * the value. */
void cli_table_add(struct cli_table *, struct json *value, char *text);

/* A property of a record, at its place in the order (upper case first); a property
 * that is there already is replaced.  Takes 'value' and 'text' as above. */
void cli_table_put(struct cli_table *, const char *name, struct json *value, char *text);

/* Sorts a list by its first column as text. */
void cli_table_sort(struct cli_table *);

/* Keeps only the columns (or properties) 'names', in that order; case does not
 * matter.  Fails with NT_INVALID. */
NT_NODISCARD int cli_table_select(struct cli_table *, const char *const *names, size_t n,
                                  struct nt_err *);

void cli_table_print(const struct cli_table *, enum cli_format, struct ds *out);

/* The same as a grid: frames of +---+, header centred, cells left aligned. */
void cli_table_print_grid(const struct cli_table *, struct ds *out);
