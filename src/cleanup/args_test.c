#include <config.h>

#include "cleanup/args.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char file_name[] = "/tmp/nt-cleanup-args-XXXXXX";

static int
write_file(void **state NT_UNUSED)
{
    int fd = mkstemp(file_name);
    FILE *file = fdopen(fd, "w");

    fputs("[DEFAULT]\nstate_path = /srv\nlog_dir = $state_path/log\ncore_plugin = ml2\n"
          "[ovs]\nintegration_bridge = br-own\nbridge_mappings = a:b\n"
          "[agent]\ntunnel_types = vxlan\n",
          file);
    fclose(file);
    return 0;
}

static int
remove_file(void **state NT_UNUSED)
{
    return unlink(file_name);
}

static void
defaults_are_the_stock_programs(void **state NT_UNUSED)
{
    char *argv[] = { "x", "--config-file", "/dev/null", NULL };
    struct nt_err err = { 0 };
    struct cleanup_args a;

    assert_int_equal(cleanup_args_parse(&a, argv, &err), 0);
    assert_string_equal(nt_config_str(a.config, "integration_bridge"), "br-int");
    assert_string_equal(nt_config_str(a.config, "ovsdb_connection"), "tcp:127.0.0.1:6640");
    assert_int_equal(nt_config_int(a.config, "ovsdb_timeout"), 600);
    assert_false(nt_config_bool(a.config, "ovs_all_ports"));
    assert_false(a.dry_run || a.delete_veths || a.help || a.version);
    assert_null(a.format);
    cleanup_args_deinit(&a);
}

/* Neutron's files have much that is nobody's business here. */
static void
the_command_line_holds_over_files(void **state NT_UNUSED)
{
    char *argv[] = { "x",
                     "--ovsdb_timeout=7",
                     "--ovs_all_ports",
                     "--config-file",
                     file_name,
                     "-f",
                     "json",
                     "--dry-run",
                     "--delete-veths",
                     NULL };
    struct nt_err err = { 0 };
    struct cleanup_args a;

    assert_int_equal(cleanup_args_parse(&a, argv, &err), 0);
    assert_string_equal(nt_config_str(a.config, "integration_bridge"), "br-own");
    assert_string_equal(nt_config_str(a.config, "log_dir"), "/srv/log");
    assert_int_equal(nt_config_int(a.config, "ovsdb_timeout"), 7);
    assert_true(nt_config_bool(a.config, "ovs_all_ports"));
    assert_true(a.dry_run && a.delete_veths);
    assert_string_equal(a.format, "json");
    cleanup_args_deinit(&a);
}

static void
what_is_wrong_is_named(void **state NT_UNUSED)
{
    static char *const wrong[] = { "br-int", "--log-file", "--ovsdb_timeout=soon",
                                   "--config-file=/nonexistent" };

    for (size_t i = 0; i < NT_ARRAY_SIZE(wrong); i++) {
        char *argv[] = { "x", "--config-file", "/dev/null", wrong[i], NULL };
        struct nt_err err = { 0 };
        struct cleanup_args a;

        assert_int_equal(cleanup_args_parse(&a, argv, &err), -1);
        assert_true(*err.msg != '\0');
        cleanup_args_deinit(&a);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_stock_programs),
        cmocka_unit_test(the_command_line_holds_over_files),
        cmocka_unit_test(what_is_wrong_is_named),
    };

    return cmocka_run_group_tests(tests, write_file, remove_file);
}
