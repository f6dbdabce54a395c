#include <config.h>

#include "cli/args.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct cli_arg common[] = {
    { "format", "table|json", CLI_TEXT, CLI_CHOICE, "", .letter = 'f' },
    { "help", NULL, CLI_FLAG, 0, "", .letter = 'h' },
    { 0 },
};

static const struct cli_arg table[] = {
    { "NAME", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "" },
    { "MORE", NULL, CLI_TEXT, CLI_WORD | CLI_MANY, "" },
    { "image", "IMAGE", CLI_TEXT, CLI_REQUIRED, "" },
    { "key-name", "KEY", CLI_TEXT, 0, "" },
    { "meta", "K=V", CLI_TEXT, CLI_MANY, "" },
    { "count", "N", CLI_INT, 0, "" },
    { "wait", NULL, CLI_FLAG, 0, "", .aliases = "poll stay" },
    { 0 },
};

/* Parses a command line that is wrong; its message. */
static void
refused(char *const argv[], const char *wanted)
{
    struct nt_err err = { 0 };
    struct cli_args args;

    cli_args_init(&args, common);
    int rc = cli_args_parse(&args, table, argv, &err);
    if (rc == 0) {
        rc = cli_args_check(&args, table, &err);
    }
    assert_int_equal(rc, -1);
    assert_int_equal(err.code, NT_INVALID);
    assert_string_equal(err.msg, wanted);
    cli_args_deinit(&args);
}

static void
parsed(struct cli_args *args, char *const argv[])
{
    struct nt_err err = { 0 };

    cli_args_init(args, common);
    assert_int_equal(cli_args_parse(args, table, argv, &err), 0);
    assert_int_equal(cli_args_check(args, table, &err), 0);
}

#define ARGV(...) ((char *[]){ __VA_ARGS__, NULL })

static void
options_and_words_may_be_mixed(void **state)
{
    struct cli_args args;

    parsed(&args, ARGV("--image", "i", "a", "-fjson", "b", "--key_name=k=1", "--poll", "c"));
    assert_string_equal(cli_arg(&args, "NAME"), "a");
    assert_string_equal(cli_arg(&args, "image"), "i");
    assert_string_equal(cli_arg(&args, "key-name"), "k=1");
    assert_string_equal(cli_arg(&args, "format"), "json");
    assert_int_equal(cli_arg_count(&args, "MORE"), 2);
    assert_true(cli_arg_flag(&args, "wait"));
    assert_false(cli_arg_flag(&args, "help"));
    assert_int_equal(cli_arg_int(&args, "count", 7), 7);
    cli_args_deinit(&args);
}

static void
repeated_options_come_in_order_and_the_last_counts(void **state)
{
    struct cli_args args;
    size_t i = 0;

    parsed(&args, ARGV("--meta", "a=1", "--image=x", "--meta=b=2", "n", "--image=y"));
    assert_string_equal(cli_arg_next(&args, "meta", &i), "a=1");
    assert_string_equal(cli_arg_next(&args, "meta", &i), "b=2");
    assert_null(cli_arg_next(&args, "meta", &i));
    assert_string_equal(cli_arg(&args, "image"), "y");
    cli_args_deinit(&args);
}

static void
two_dashes_end_the_options(void **state)
{
    struct cli_args args;

    parsed(&args, ARGV("--image=x", "--", "--wait"));
    assert_string_equal(cli_arg(&args, "NAME"), "--wait");
    assert_false(cli_arg_flag(&args, "wait"));
    cli_args_deinit(&args);
}

static void
a_flag_takes_true_and_false_behind_an_equals_sign(void **state)
{
    struct cli_args args;

    parsed(&args, ARGV("--image=x", "--wait=F", "n"));
    assert_false(cli_arg_flag(&args, "wait"));
    assert_non_null(cli_arg(&args, "wait"));
    cli_args_deinit(&args);
    parsed(&args, ARGV("--image=x", "--wait=T", "n"));
    assert_true(cli_arg_flag(&args, "wait"));
    cli_args_deinit(&args);
}

static void
what_is_wrong_is_named(void **state)
{
    refused(ARGV("--image=x"), "NAME is missing");
    refused(ARGV("n"), "--image is missing");
    refused(ARGV("n", "--image"), "--image needs a value");
    refused(ARGV("--frob=1"), "there is no option '--frob'");
    refused(ARGV("-x"), "there is no option '-x'");
    refused(ARGV("--=1"), "there is no option '--'");
    refused(ARGV("--count=-1"), "--count: '-1' is not a number");
    refused(ARGV("--count", ""), "--count: '' is not a number");
    refused(ARGV("--count=99999999999999999999"),
            "--count: '99999999999999999999' is not a number");
    refused(ARGV("--wait=perhaps"), "--wait: 'perhaps' is neither true nor false");
    refused(ARGV("-f", "xml"), "--format: 'xml' is not one of table|json");
    refused(ARGV("-f", ""), "--format: '' is not one of table|json");
}

static void
a_word_too_many_is_refused(void **state)
{
    static const struct cli_arg one[] = {
        { "NAME", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "" },
        { 0 },
    };
    struct nt_err err = { 0 };
    struct cli_args args;

    cli_args_init(&args, common);
    assert_int_equal(cli_args_parse(&args, one, ARGV("a", "b"), &err), -1);
    assert_string_equal(err.msg, "one argument too many: 'b'");
    cli_args_deinit(&args);
}

static void
common_options_end_at_the_command(void **state)
{
    struct nt_err err = { 0 };
    struct cli_args args;

    cli_args_init(&args, common);
    assert_int_equal(cli_args_parse_common(&args, ARGV("-f", "json", "list", "-h"), &err), 2);
    assert_false(cli_arg_flag(&args, "help"));
    cli_args_deinit(&args);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_words_may_be_mixed),
        cmocka_unit_test(repeated_options_come_in_order_and_the_last_counts),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(a_flag_takes_true_and_false_behind_an_equals_sign),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_word_too_many_is_refused),
        cmocka_unit_test(common_options_end_at_the_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
