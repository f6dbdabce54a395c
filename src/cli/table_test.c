#include <config.h>

#include "cli/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"

static void
check(const struct cli_table *table, enum cli_format format, const char *wanted)
{
    struct ds out = DS_EMPTY_INITIALIZER;

    cli_table_print(table, format, &out);
    assert_string_equal(ds_cstr(&out), wanted);
    ds_destroy(&out);
}

static void
add(struct cli_table *table, const char *text)
{
    cli_table_add(table, json_string_create(text), NULL);
}

static void
the_server_list_is_the_golden_table(void **state)
{
    static const char *const columns[] = { "ID", "Name", "Status", "Networks", NULL };
    AUTO(cli_table) table = cli_table_list(columns);

    add(table, "5357143d-66f5-446c-a82f-86648ebb3842");
    add(table, "cirros");
    add(table, "BUILD");
    cli_table_add(table, json_from_string("{\"novanetwork\":[\"10.0.0.2\"]}"),
                  xstrdup("novanetwork=10.0.0.2"));
    check(table, CLI_TABLE,
          "+--------------------------------------+--------+--------+----------------------+\n"
          "|                  ID                  |  Name  | Status |       Networks       |\n"
          "+--------------------------------------+--------+--------+----------------------+\n"
          "| 5357143d-66f5-446c-a82f-86648ebb3842 | cirros | BUILD  | novanetwork=10.0.0.2 |\n"
          "+--------------------------------------+--------+--------+----------------------+\n");
}

static void
an_odd_blank_goes_left_in_odd_columns_and_right_in_even_ones(void **state)
{
    static const char *const columns[] = { "ab", "abc", "abcd", NULL };
    AUTO(cli_table) table = cli_table_list(columns);

    add(table, "12345");
    add(table, "123456");
    add(table, "12345678");
    check(table, CLI_TABLE,
          "+-------+--------+----------+\n"
          "|   ab  |  abc   |   abcd   |\n"
          "+-------+--------+----------+\n"
          "| 12345 | 123456 | 12345678 |\n"
          "+-------+--------+----------+\n");
}

static void
an_empty_list_has_its_header(void **state)
{
    static const char *const columns[] = { "ID", NULL };
    AUTO(cli_table) table = cli_table_list(columns);

    cli_table_sort(table);
    check(table, CLI_TABLE, "+----+\n| ID |\n+----+\n+----+\n");
    check(table, CLI_JSON, "[]\n");
    check(table, CLI_YAML, "[]\n");
    check(table, CLI_CSV, "ID\n");
    check(table, CLI_VALUE, "");
}

static void
rows_are_sorted_by_the_first_column_as_text(void **state)
{
    static const char *const columns[] = { "A", "B", NULL };
    static const char *const cells[] = { "9", "x", "10", "y", "b", "1", "b", "2", "B", "z" };
    AUTO(cli_table) table = cli_table_list(columns);

    for (size_t i = 0; i < NT_ARRAY_SIZE(cells); i++) {
        add(table, cells[i]);
    }
    cli_table_sort(table);
    check(table, CLI_VALUE, "10 y\n9 x\nB z\nb 1\nb 2\n");
}

static struct cli_table *
record(void)
{
    struct cli_table *table = cli_table_record();

    cli_table_put(table, "name", json_string_create("cirros"), NULL);
    cli_table_put(table, "OS-EXT:x", json_null_create(), NULL);
    cli_table_put(table, "name", json_string_create("other"), NULL);
    cli_table_put(table, "is_on", json_boolean_create(true), NULL);
    cli_table_put(table, "meta", json_from_string("{\"k\":[1]}"), NULL);
    return table;
}

static void
a_record_is_sorted_with_upper_case_first(void **state)
{
    AUTO(cli_table) table = record();

    check(table, CLI_TABLE,
          "+----------+-----------+\n"
          "| Property |   Value   |\n"
          "+----------+-----------+\n"
          "| OS-EXT:x | None      |\n"
          "| is_on    | True      |\n"
          "| meta     | {\"k\":[1]} |\n"
          "| name     | other     |\n"
          "+----------+-----------+\n");
    check(table, CLI_VALUE, "None\nTrue\n{\"k\":[1]}\nother\n");
}

static void
a_record_in_json_and_yaml_keeps_its_types(void **state)
{
    AUTO(cli_table) table = record();

    check(table, CLI_JSON,
          "{\n  \"OS-EXT:x\": null,\n  \"is_on\": true,\n  \"meta\": {\"k\":[1]},\n"
          "  \"name\": \"other\"\n}\n");
    check(table, CLI_YAML, "\"OS-EXT:x\": null\nis_on: true\nmeta: {\"k\":[1]}\nname: other\n");
}

static void
json_of_a_list_keeps_the_order_of_columns_and_escapes(void **state)
{
    static const char *const columns[] = { "Name", "ID", NULL };
    AUTO(cli_table) table = cli_table_list(columns);

    add(table, "a\"b\\c\n\x1b[2J\xc2\x9b");
    add(table, "1");
    check(
        table, CLI_JSON,
        "[\n  {\n    \"Name\": \"a\\\"b\\\\c\\n\\u001b[2J\\u009b\",\n    \"ID\": \"1\"\n  }\n]\n");
}

static void
yaml_quotes_what_a_reader_could_take_for_something_else(void **state)
{
    static const char *const columns[] = { "V", NULL };
    static const char *const cells[] = { "plain-1.x", "yes", "Null", "12", "1e3",
                                         "a: b",      "",    "#x",   "-",  "x\ny" };
    AUTO(cli_table) table = cli_table_list(columns);

    for (size_t i = 0; i < NT_ARRAY_SIZE(cells); i++) {
        add(table, cells[i]);
    }
    check(table, CLI_YAML,
          "- V: plain-1.x\n- V: \"yes\"\n- V: \"Null\"\n- V: \"12\"\n"
          "- V: \"1e3\"\n- V: \"a: b\"\n- V: \"\"\n- V: \"#x\"\n- V: \"-\"\n"
          "- V: \"x\\ny\"\n");
}

static void
csv_quotes_commas_quotes_and_line_breaks(void **state)
{
    static const char *const columns[] = { "A", "B,C", NULL };
    AUTO(cli_table) table = cli_table_list(columns);

    add(table, "say \"hi\"");
    add(table, "x,y");
    add(table, "two\nlines\x1b");
    cli_table_add(table, json_null_create(), NULL);
    check(table, CLI_CSV, "A,\"B,C\"\n\"say \"\"hi\"\"\",\"x,y\"\n\"two\nlines\\u001b\",\n");
}

static void
no_control_character_reaches_a_table(void **state)
{
    static const char *const columns[] = { "A", NULL };
    AUTO(cli_table) table = cli_table_list(columns);

    add(table, "a\n\t\x1b[31m");
    check(table, CLI_TABLE,
          "+-----------------+\n|        A        |\n+-----------------+\n"
          "| a\\n\\t\\u001b[31m |\n+-----------------+\n");
}

static void
width_counts_columns_of_the_terminal(void **state)
{
    static const char *const columns[] = { "Name", NULL };
    AUTO(cli_table) table = cli_table_list(columns);

    add(table, "\xe6\x97\xa5\xe6\x9c\xac");
    add(table, "\xc3\xa9t\xc3\xa9!!");
    check(table, CLI_TABLE,
          "+-------+\n|  Name |\n+-------+\n| \xe6\x97\xa5\xe6\x9c\xac  |\n"
          "| \xc3\xa9t\xc3\xa9!! |\n+-------+\n");
}

static void
chosen_columns_come_in_the_order_asked_for(void **state)
{
    static const char *const columns[] = { "ID", "Name", "Status", NULL };
    static const char *const chosen[] = { "status", "ID" };
    static const char *const wrong[] = { "ID", "Nope" };
    AUTO(cli_table) table = cli_table_list(columns);
    struct nt_err err = { 0 };

    for (int i = 1; i <= 6; i++) {
        cli_table_add(table, json_integer_create(i), NULL);
    }
    assert_int_equal(cli_table_select(table, wrong, 2, &err), -1);
    assert_string_equal(err.msg, "there is no column 'Nope'; there are: ID, Name, Status");
    assert_int_equal(cli_table_select(table, chosen, 2, &err), 0);
    check(table, CLI_CSV, "Status,ID\n3,1\n6,4\n");
}

static void
chosen_properties_of_a_record(void **state)
{
    static const char *const chosen[] = { "name" };
    AUTO(cli_table) table = record();
    struct nt_err err = { 0 };

    assert_int_equal(cli_table_select(table, chosen, 1, &err), 0);
    check(table, CLI_VALUE, "other\n");
    check(table, CLI_JSON, "{\n  \"name\": \"other\"\n}\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_list_is_the_golden_table),
        cmocka_unit_test(an_odd_blank_goes_left_in_odd_columns_and_right_in_even_ones),
        cmocka_unit_test(an_empty_list_has_its_header),
        cmocka_unit_test(rows_are_sorted_by_the_first_column_as_text),
        cmocka_unit_test(a_record_is_sorted_with_upper_case_first),
        cmocka_unit_test(a_record_in_json_and_yaml_keeps_its_types),
        cmocka_unit_test(json_of_a_list_keeps_the_order_of_columns_and_escapes),
        cmocka_unit_test(yaml_quotes_what_a_reader_could_take_for_something_else),
        cmocka_unit_test(csv_quotes_commas_quotes_and_line_breaks),
        cmocka_unit_test(no_control_character_reaches_a_table),
        cmocka_unit_test(width_counts_columns_of_the_terminal),
        cmocka_unit_test(chosen_columns_come_in_the_order_asked_for),
        cmocka_unit_test(chosen_properties_of_a_record),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
