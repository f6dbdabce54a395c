#include <config.h>

#include "cli/table.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/text.h"
#include "openvswitch/dynamic-string.h"

/* The formats for programs.  Control characters are escaped in these too: their
 * output often ends on a terminal. */

const char *const cli_formats[CLI_N_FORMATS] = { "table", "json", "yaml", "csv", "value" };

static void
put_json(struct ds *out, const struct json *value)
{
    AUTO_FREE char *text = json_to_string(value, JSSF_SORT);
    AUTO_FREE char *clean = cli_text_clean(text, "");

    ds_put_cstr(out, clean);
}

static void
put_json_text(struct ds *out, const char *text)
{
    struct json *value = json_string_create(text);

    put_json(out, value);
    json_destroy(value);
}

/* One object, each line after the first indented by 'indent'. */
static void
put_json_row(const struct cli_table *table, const struct cli_cell *row, int indent, struct ds *out)
{
    ds_put_char(out, '{');
    for (size_t i = 0; i < table->n_columns; i++) {
        ds_put_format(out, "%s\n%*s", i ? "," : "", indent + 2, "");
        put_json_text(out, table->columns[i]);
        ds_put_cstr(out, ": ");
        put_json(out, row[i].value);
    }
    ds_put_format(out, "\n%*s}", indent, "");
}

static size_t
n_rows(const struct cli_table *table)
{
    return table->n_columns ? table->n_cells / table->n_columns : 0;
}

static const struct cli_cell *
row_at(const struct cli_table *table, size_t row)
{
    return &table->cells[row * table->n_columns];
}

static void
print_json(const struct cli_table *table, struct ds *out)
{
    if (!n_rows(table)) {
        ds_put_cstr(out, table->is_record ? "{}\n" : "[]\n");
        return;
    }
    if (table->is_record) {
        put_json_row(table, table->cells, 0, out);
        ds_put_char(out, '\n');
        return;
    }
    for (size_t i = 0; i < n_rows(table); i++) {
        ds_put_cstr(out, i ? ",\n  " : "[\n  ");
        put_json_row(table, row_at(table, i), 2, out);
    }
    ds_put_cstr(out, "\n]\n");
}

/* True for words that no YAML reader takes for anything but a text. */
static bool
is_plain_yaml(const char *text)
{
    static const char *const reserved[] = {
        "true", "false", "yes", "no", "on", "off", "null", "y", "n",
    };

    if (!isalpha((unsigned char) *text)) {
        return false;
    }
    for (const char *p = text; *p; p++) {
        if (!isalnum((unsigned char) *p) && !strchr("_.-", *p)) {
            return false;
        }
    }
    for (size_t i = 0; i < NT_ARRAY_SIZE(reserved); i++) {
        if (!strcasecmp(text, reserved[i])) {
            return false;
        }
    }
    return true;
}

static void
put_yaml_text(struct ds *out, const char *text)
{
    if (is_plain_yaml(text)) {
        ds_put_cstr(out, text);
    } else {
        put_json_text(out, text);
    }
}

/* JSON is YAML too, so anything with a structure is written as JSON. */
static void
print_yaml(const struct cli_table *table, struct ds *out)
{
    if (!n_rows(table)) {
        ds_put_cstr(out, table->is_record ? "{}\n" : "[]\n");
    }
    for (size_t i = 0; i < table->n_cells; i++) {
        const struct json *value = table->cells[i].value;
        size_t column = i % table->n_columns;

        if (!table->is_record) {
            ds_put_cstr(out, column ? "  " : "- ");
        }
        put_yaml_text(out, table->columns[column]);
        ds_put_cstr(out, ": ");
        if (value->type == JSON_STRING) {
            put_yaml_text(out, json_string(value));
        } else {
            put_json(out, value);
        }
        ds_put_char(out, '\n');
    }
}

/* RFC 4180: quotes only where they are needed. */
static void
put_csv(struct ds *out, const char *raw)
{
    AUTO_FREE char *text = cli_text_clean(raw, "\n");

    if (!strpbrk(text, ",\"\n") && *text != ' ') {
        ds_put_cstr(out, text);
        return;
    }
    ds_put_char(out, '"');
    for (const char *p = text; *p; p++) {
        ds_put_format(out, "%s%c", *p == '"' ? "\"" : "", *p);
    }
    ds_put_char(out, '"');
}

static void
print_csv(const struct cli_table *table, struct ds *out)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        ds_put_cstr(out, i ? "," : "");
        put_csv(out, table->columns[i]);
    }
    ds_put_char(out, '\n');
    for (size_t i = 0; i < table->n_cells; i++) {
        const struct cli_cell *cell = &table->cells[i];

        ds_put_cstr(out, i % table->n_columns ? "," : "");
        put_csv(out, cell->value->type == JSON_NULL ? "" : cell->text);
        ds_put_cstr(out, i % table->n_columns == table->n_columns - 1 ? "\n" : "");
    }
}

/* Bare cells: those of a row with blanks between them, those of a record in lines. */
static void
print_value(const struct cli_table *table, struct ds *out)
{
    for (size_t i = 0; i < table->n_cells; i++) {
        AUTO_FREE char *text = cli_text_clean(table->cells[i].text, "");
        bool is_last = table->is_record || i % table->n_columns == table->n_columns - 1;

        ds_put_format(out, "%s%c", text, is_last ? '\n' : ' ');
    }
}

void
cli_table_print(const struct cli_table *table, enum cli_format format, struct ds *out)
{
    static void (*const print[CLI_N_FORMATS])(const struct cli_table *, struct ds *) = {
        [CLI_TABLE] = cli_table_print_grid,
        [CLI_JSON] = print_json,
        [CLI_YAML] = print_yaml,
        [CLI_CSV] = print_csv,
        [CLI_VALUE] = print_value,
    };

    print[format](table, out);
}
