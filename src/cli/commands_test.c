#include <config.h>

#include "cli/commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"

static void
each_command_is_complete(void **state)
{
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        assert_ptr_equal(cli_command_find(c->name), c);
        assert_non_null(c->args);
        assert_non_null(c->run);
        assert_non_null(c->help);
        for (const struct cli_arg *arg = c->args; arg->name; arg++) {
            assert_non_null(arg->help);
            assert_true(arg->value || arg->kind == CLI_FLAG || arg->flags & CLI_WORD);
        }
    }
}

static void
underscores_in_a_command_count_as_dashes(void **state)
{
    assert_ptr_equal(cli_command_find("console_log"), cli_command_find("console-log"));
    assert_null(cli_command_find("console"));
    assert_null(cli_command_find(""));
}

static void
help_lists_each_command(void **state)
{
    struct ds out = DS_EMPTY_INITIALIZER;

    cli_help(&out);
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        AUTO_FREE char *line = xasprintf("\n  %s ", c->name);

        assert_non_null(strstr(ds_cstr(&out), line));
    }
    ds_destroy(&out);
}

static void
help_of_a_command_names_each_argument(void **state)
{
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        struct ds out = DS_EMPTY_INITIALIZER;

        cli_help_command(c, &out);
        for (const struct cli_arg *arg = c->args; arg->name; arg++) {
            assert_non_null(strstr(ds_cstr(&out), arg->name));
            assert_non_null(strstr(ds_cstr(&out), arg->help));
        }
        ds_destroy(&out);
    }
}

static void
completion_lists_each_command_and_its_options(void **state)
{
    struct ds out = DS_EMPTY_INITIALIZER;

    cli_completion_bash(&out);
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        AUTO_FREE char *label = xasprintf("\n    %s) words=", c->name);
        const char *branch = strstr(ds_cstr(&out), label);

        assert_non_null(branch);
        for (const struct cli_arg *arg = c->args; arg->name; arg++) {
            AUTO_FREE char *option = xasprintf(" --%s", arg->name);
            const char *at = strstr(branch, option);

            assert_true(arg->flags & CLI_WORD || (at && at < strchr(branch + 1, '\n')));
        }
    }
    ds_destroy(&out);
}

static void
completion_of_each_shell_knows_each_option(void **state)
{
    static void (*const scripts[])(struct ds *) = { cli_completion_zsh, cli_completion_fish };

    for (size_t i = 0; i < NT_ARRAY_SIZE(scripts); i++) {
        struct ds out = DS_EMPTY_INITIALIZER;

        scripts[i](&out);
        for (const struct cli_command *c = cli_commands; c->name; c++) {
            assert_non_null(strstr(ds_cstr(&out), c->name));
            for (const struct cli_arg *arg = c->args; arg->name; arg++) {
                AUTO_FREE char *option = xasprintf(i ? "-l %s" : "--%s", arg->name);

                assert_true(arg->flags & CLI_WORD || strstr(ds_cstr(&out), option));
            }
        }
        ds_destroy(&out);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_command_is_complete),
        cmocka_unit_test(underscores_in_a_command_count_as_dashes),
        cmocka_unit_test(help_lists_each_command),
        cmocka_unit_test(help_of_a_command_names_each_argument),
        cmocka_unit_test(completion_lists_each_command_and_its_options),
        cmocka_unit_test(completion_of_each_shell_knows_each_option),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
