#include <config.h>

#include "cli/table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "cli/text.h"
#include "cli/value.h"
#include "openvswitch/dynamic-string.h"

struct cli_table *
cli_table_list(const char *const *columns)
{
    struct cli_table *table = xzalloc(sizeof *table);

    while (columns[table->n_columns]) {
        table->n_columns++;
    }
    table->columns = xcalloc(table->n_columns + 1, sizeof *table->columns);
    for (size_t i = 0; i < table->n_columns; i++) {
        table->columns[i] = xstrdup(columns[i]);
    }
    return table;
}

struct cli_table *
cli_table_record(void)
{
    struct cli_table *table = xzalloc(sizeof *table);

    table->is_record = true;
    return table;
}

static void
cell_clear(struct cli_cell *cell)
{
    json_destroy(cell->value);
    free(cell->text);
}

static void
clear(struct cli_table *table)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        free(table->columns[i]);
    }
    for (size_t i = 0; i < table->n_cells; i++) {
        cell_clear(&table->cells[i]);
    }
    free(table->columns);
    free(table->cells);
}

void
cli_table_free(struct cli_table *table)
{
    if (table) {
        clear(table);
        free(table);
    }
}

void
cli_table_add(struct cli_table *table, struct json *value, char *text)
{
    if (table->n_cells == table->allocated) {
        table->cells = x2nrealloc(table->cells, &table->allocated, sizeof *table->cells);
    }
    table->cells[table->n_cells++] = (struct cli_cell){
        .value = value,
        .text = text ? text : cli_value_text(value),
    };
}

void
cli_table_put(struct cli_table *table, const char *name, struct json *value, char *text)
{
    size_t at = 0, n = table->n_columns;

    while (at < n && strcmp(table->columns[at], name) < 0) {
        at++;
    }
    cli_table_add(table, value, text);

    struct cli_cell last = table->cells[n];
    if (at < n && !strcmp(table->columns[at], name)) {
        cell_clear(&table->cells[at]);
        table->cells[at] = last;
        table->n_cells--;
        return;
    }
    table->columns = xrealloc(table->columns, (n + 1) * sizeof *table->columns);
    memmove(table->columns + at + 1, table->columns + at, (n - at) * sizeof *table->columns);
    memmove(table->cells + at + 1, table->cells + at, (n - at) * sizeof *table->cells);
    table->columns[at] = xstrdup(name);
    table->cells[at] = last;
    table->n_columns++;
}

/* Rows of equal text keep their order, which is the order of their addresses. */
static int
compare_rows(const void *a_, const void *b_)
{
    const struct cli_cell *const *a = a_;
    const struct cli_cell *const *b = b_;
    int order = strcmp((*a)->text, (*b)->text);

    return order ? order : (*a > *b) - (*a < *b);
}

void
cli_table_sort(struct cli_table *table)
{
    size_t n_columns = table->n_columns;
    size_t n = table->is_record || !n_columns ? 0 : table->n_cells / n_columns;

    if (n < 2) {
        return;
    }

    struct cli_cell **rows = xcalloc(n, sizeof *rows);
    struct cli_cell *sorted = xcalloc(table->n_cells, sizeof *sorted);

    for (size_t i = 0; i < n; i++) {
        rows[i] = &table->cells[i * n_columns];
    }
    qsort(rows, n, sizeof *rows, compare_rows);
    for (size_t i = 0; i < n; i++) {
        memcpy(&sorted[i * n_columns], rows[i], n_columns * sizeof *sorted);
    }
    free(rows);
    free(table->cells);
    table->cells = sorted;
    table->allocated = table->n_cells;
}

static int
find_column(const struct cli_table *table, const char *name, size_t *out, struct nt_err *err)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        if (!strcasecmp(table->columns[i], name)) {
            *out = i;
            return 0;
        }
    }

    struct ds all = DS_EMPTY_INITIALIZER;
    for (size_t i = 0; i < table->n_columns; i++) {
        ds_put_format(&all, "%s%s", i ? ", " : "", table->columns[i]);
    }
    nt_fail(err, NT_INVALID, "there is no column '%s'; there are: %s", name, ds_cstr(&all));
    ds_destroy(&all);
    return -1;
}

int
cli_table_select(struct cli_table *table, const char *const *names, size_t n, struct nt_err *err)
{
    size_t n_rows = table->n_columns ? table->n_cells / table->n_columns : 0;
    AUTO_FREE size_t *from = xcalloc(n, sizeof *from);

    for (size_t i = 0; i < n; i++) {
        if (find_column(table, names[i], &from[i], err) < 0) {
            return -1;
        }
    }

    struct cli_table chosen = { .is_record = table->is_record, .n_columns = n };
    chosen.columns = xcalloc(n, sizeof *chosen.columns);
    for (size_t i = 0; i < n; i++) {
        chosen.columns[i] = xstrdup(table->columns[from[i]]);
    }
    for (size_t i = 0; i < n_rows * n; i++) {
        const struct cli_cell *cell = &table->cells[i / n * table->n_columns + from[i % n]];

        cli_table_add(&chosen, json_clone(cell->value), xstrdup(cell->text));
    }

    clear(table);
    *table = chosen;
    return 0;
}

/* A rectangle of clean texts; the first row is the header. */
struct grid {
    size_t n_rows, n_columns;
    char **texts;
    size_t *widths;
};

static void
grid_put(struct grid *grid, size_t row, size_t column, const char *raw)
{
    char *text = cli_text_clean(raw, "");
    size_t width = cli_text_width(text);

    grid->texts[row * grid->n_columns + column] = text;
    if (width > grid->widths[column]) {
        grid->widths[column] = width;
    }
}

static void
grid_init(struct grid *grid, const struct cli_table *table)
{
    size_t n = table->n_columns;

    grid->n_columns = table->is_record ? 2 : n;
    grid->n_rows = 1 + (table->is_record ? n : n ? table->n_cells / n : 0);
    grid->texts = xcalloc(grid->n_rows * grid->n_columns + 1, sizeof *grid->texts);
    grid->widths = xcalloc(grid->n_columns + 1, sizeof *grid->widths);
    if (table->is_record) {
        grid_put(grid, 0, 0, "Property");
        grid_put(grid, 0, 1, "Value");
        for (size_t i = 0; i < n; i++) {
            grid_put(grid, i + 1, 0, table->columns[i]);
            grid_put(grid, i + 1, 1, table->cells[i].text);
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        grid_put(grid, 0, i, table->columns[i]);
    }
    for (size_t i = 0; i < table->n_cells; i++) {
        grid_put(grid, i / n + 1, i % n, table->cells[i].text);
    }
}

static void
grid_deinit(struct grid *grid)
{
    for (size_t i = 0; i < grid->n_rows * grid->n_columns; i++) {
        free(grid->texts[i]);
    }
    free(grid->texts);
    free(grid->widths);
}

static void
put_frame(const struct grid *grid, struct ds *out)
{
    for (size_t i = 0; i < grid->n_columns; i++) {
        ds_put_char(out, '+');
        ds_put_char_multiple(out, '-', grid->widths[i] + 2);
    }
    ds_put_cstr(out, "+\n");
}

static void
put_row(const struct grid *grid, size_t row, struct ds *out)
{
    for (size_t i = 0; i < grid->n_columns; i++) {
        const char *text = grid->texts[row * grid->n_columns + i];
        size_t blanks = grid->widths[i] - cli_text_width(text);

        /* Centred; an odd blank goes left when the column's width is odd, else right. */
        size_t left = row ? 0 : blanks / 2 + (blanks & grid->widths[i] & 1);

        ds_put_cstr(out, "| ");
        ds_put_char_multiple(out, ' ', left);
        ds_put_cstr(out, text);
        ds_put_char_multiple(out, ' ', blanks - left + 1);
    }
    ds_put_cstr(out, "|\n");
}

void
cli_table_print_grid(const struct cli_table *table, struct ds *out)
{
    struct grid grid;

    grid_init(&grid, table);
    put_frame(&grid, out);
    put_row(&grid, 0, out);
    put_frame(&grid, out);
    for (size_t i = 1; i < grid.n_rows; i++) {
        put_row(&grid, i, out);
    }
    put_frame(&grid, out);
    grid_deinit(&grid);
}
