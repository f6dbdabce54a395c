#include <config.h>

#include "base/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/options.h"

static void
load(struct nt_config *config, const char *text)
{
    struct nt_err err = { 0 };

    assert_int_equal(nt_config_parse(config, "nova.conf", text, strlen(text), &err), 0);
    assert_int_equal(nt_config_finish(config, &err), 0);
}

static void
refuse(const char *text, const char *message)
{
    AUTO(nt_config) config = nt_config_new(nt_options);
    struct nt_err err = { 0 };
    int rc = nt_config_parse(config, "nova.conf", text, strlen(text), &err);

    if (!rc) {
        rc = nt_config_finish(config, &err);
    }
    assert_int_equal(rc, -1);
    assert_int_equal(err.code, NT_INVALID);
    assert_string_equal(err.msg, message);
}

static void
the_seeds_flagfile_is_read_as_it_stands(void **state)
{
    AUTO(nt_config) config = nt_config_new(nt_options);

    load(config, "--public_interface=eth1\n--fixed_range=10.0.0.0/24\n--flat_interface=eth2\n"
                 "--flat_network_bridge=br100\n"
                 "--network_manager=nova.network.manager.FlatDHCPManager\n");
    assert_string_equal(nt_config_str(config, "public_interface"), "eth1");
    assert_string_equal(nt_config_str(config, "fixed_range"), "10.0.0.0/24");
    assert_string_equal(nt_config_str(config, "flat_interface"), "eth2");
    assert_string_equal(nt_config_str(config, "flat_network_bridge"), "br100");
    assert_string_equal(nt_config_origin(config, "flat_interface"), "nova.conf:3");
    assert_int_equal(nt_config_n_warnings(config), 0);
}

static void
values_of_the_seeds_column_come_out(void **state)
{
    AUTO(nt_config) config = nt_config_new(nt_options);

    load(config, "--my_ip=192.168.56.200\n--dmz_cidr=10.128.0.0/24\n--dhcp_lease_time=120\n");
    assert_string_equal(nt_config_str(config, "routing_source_ip"), "192.168.56.200");
    assert_string_equal(nt_config_str(config, "metadata_host"), "192.168.56.200");
    assert_int_equal(nt_config_int(config, "metadata_port"), 8775);
    assert_int_equal(nt_config_n(config, "dmz_cidr"), 1);
    assert_string_equal(nt_config_item(config, "dmz_cidr", 0), "10.128.0.0/24");
    assert_string_equal(nt_config_str(config, "dhcp_domain"), "novalocal");
    assert_string_equal(nt_config_str(config, "networks_path"), "/var/lib/nova/networks");
    assert_true(nt_config_bool(config, "allow_same_net_traffic"));
}

static void
ini_is_told_from_a_flagfile_by_its_content(void **state)
{
    AUTO(nt_config) config = nt_config_new(nt_options);

    load(config, "# a comment\n[DEFAULT]\nflat_interface = eth2\ndmz_cidr = 10.0.0.0/8,\n"
                 "   10.128.0.0/24\n[other]\nflat_interface = eth7\n");
    assert_string_equal(nt_config_str(config, "flat_interface"), "eth2");
    assert_int_equal(nt_config_n(config, "dmz_cidr"), 2);
}

static void
switches_set_booleans_and_a_known_name_beats_the_no_prefix(void **state)
{
    static const struct nt_option options[] = {
        { "notify_x", NT_OPT_BOOL, "false", "" },
        { "tify_x", NT_OPT_BOOL, "true", "" },
        { "use", NT_OPT_BOOL, "true", "" },
        { "meddle", NT_OPT_BOOL, "true", "" },
        { 0 },
    };
    AUTO(nt_config) config = nt_config_new(options);

    load(config, "--notify_x\n--nouse\n--no_meddle\n");
    assert_false(nt_config_bool(config, "meddle"));
    assert_true(nt_config_bool(config, "notify_x"));
    assert_true(nt_config_bool(config, "tify_x"));
    assert_false(nt_config_bool(config, "use"));
}

static void
a_blank_for_the_equals_sign_is_taken_with_a_warning(void **state)
{
    AUTO(nt_config) config = nt_config_new(nt_options);

    load(config, "--flat_interface eth2\n");
    assert_string_equal(nt_config_str(config, "flat_interface"), "eth2");
    assert_string_equal(nt_config_warning(config, 0),
                        "nova.conf:1: write --flat_interface=VALUE; the blank is taken as '='");
}

static void
an_unknown_name_is_ignored_with_the_nearest_known_one(void **state)
{
    AUTO(nt_config) config = nt_config_new(nt_options);

    load(config, "--flat_interfaces=eth2\n");
    assert_string_equal(
        nt_config_warning(config, 0),
        "nova.conf:1: unknown option flat_interfaces ignored; did you mean flat_interface?");
}

static void
references_are_replaced_and_dollars_escaped(void **state)
{
    AUTO(nt_config) config = nt_config_new(nt_options);

    load(config, "--state_path=/srv/$$x\n--networks_path=${state_path}/n\n");
    assert_string_equal(nt_config_str(config, "networks_path"), "/srv/$x/n");
}

static void
wrong_values_name_file_and_line(void **state)
{
    refuse("--public_interface=eth1\n--metadata_port=http\n",
           "nova.conf:2: metadata_port is 'http', must be a whole number");
    refuse("--metadata_port=70000\n", "nova.conf:1: metadata_port is 70000, must be 1 to 65535");
    refuse("--public_interface=eth1\nflat\n",
           "nova.conf:2: not a flag: lines have the form --name=value");
    refuse("[DEFAULT]\nflat\n", "nova.conf:2: neither a section nor 'name = value'");
    refuse("--state_path=$networks_path\n", "nova.conf:1: options refer to each other without end");
    refuse("--allow_same_net_traffic=maybe\n",
           "nova.conf:1: allow_same_net_traffic is 'maybe', must be true or false");
    refuse("--network_manager=nova.network.manager.VlanManager\n",
           "nova.conf:1: network_manager nova.network.manager.VlanManager is not offered, only "
           "FlatDHCPManager");
    refuse("--compat=diablo\n", "nova.conf:1: compat is 'diablo', must be latest or essex");
    refuse("--dmz_cidr=10.0.0.0/8,10.0.0.1\n",
           "nova.conf:1: dmz_cidr is '10.0.0.1', must be a network such as 10.0.0.0/24");
    refuse("--my_ip=10.0.0\n", "nova.conf:1: my_ip is '10.0.0', must be an IPv4 address");
}

static void
a_blank_is_taken_also_when_the_value_holds_an_equals_sign(void **state)
{
    AUTO(nt_config) config = nt_config_new(nt_options);

    load(config, "--sql_connection sqlite:///x?a=b\n--flat_interface = eth2\n");
    assert_string_equal(nt_config_str(config, "sql_connection"), "sqlite:///x?a=b");
    assert_string_equal(nt_config_str(config, "flat_interface"), "eth2");
    assert_int_equal(nt_config_n_warnings(config), 1);
}

static void
a_true_boolean_that_begins_with_no_is_warned_about(void **state)
{
    static const struct nt_option options[] = { { "notify_x", NT_OPT_BOOL, "false", "" }, { 0 } };
    AUTO(nt_config) config = nt_config_new(options);

    load(config, "--notify_x\n");
    assert_true(nt_config_bool(config, "notify_x"));
    assert_string_equal(nt_config_warning(config, 0),
                        "nova.conf:1: write --notify_x=true; the original takes this for "
                        "'tify_x' being false");
}

static void
each_name_is_warned_about_once(void **state)
{
    AUTO(nt_config) config = nt_config_new(nt_options);

    load(config, "--vpn_ip=1.2.3.4\n--vpn_ip=1.2.3.5\n--zzzzzzz=1\n--zzzzzzz=2\n");
    assert_int_equal(nt_config_n_warnings(config), 2);
    assert_string_equal(nt_config_warning(config, 0),
                        "nova.conf:1: option vpn_ip has no effect here");
    assert_string_equal(nt_config_warning(config, 1),
                        "nova.conf:3: unknown option zzzzzzz ignored");
}

static void
all_errors_are_collected_when_asked_for(void **state)
{
    AUTO(nt_config) config = nt_config_new(nt_options);
    const char *text = "--my_ip=here\neth1\n--metadata_port=0\n--dns_server=$nobody\n";

    nt_config_collect_errors(config);
    assert_int_equal(nt_config_parse(config, "f", text, strlen(text), NULL), 0);
    assert_int_equal(nt_config_finish(config, NULL), 0);
    assert_int_equal(nt_config_n_errors(config), 4);
    assert_string_equal(nt_config_error(config, 0),
                        "f:2: not a flag: lines have the form --name=value");
    assert_string_equal(nt_config_error(config, 1),
                        "f:1: my_ip is 'here', must be an IPv4 address");
    assert_string_equal(nt_config_error(config, 2), "f:3: metadata_port is 0, must be 1 to 65535");
    assert_string_equal(nt_config_error(config, 3), "f:4: $nobody names no option");
}

static void
secrets_and_passwords_are_not_shown(void **state)
{
    static const struct nt_option options[] = {
        { "key", NT_OPT_STRING, "", "", .is_secret = true },
        { "empty", NT_OPT_STRING, "", "", .is_secret = true },
        { "db", NT_OPT_STRING, "", "" },
        { "many", NT_OPT_MULTI, "", "" },
        { 0 },
    };
    static const char *const shown[] = { "***", "", "mysql://nova:***@db/nova", "a, b@c" };
    AUTO(nt_config) config = nt_config_new(options);

    load(config, "--key=1\n--db=mysql://nova:pw@db/nova\n--many=a\n--many=b@c\n");
    for (size_t i = 0; i < NT_ARRAY_SIZE(shown); i++) {
        AUTO_FREE char *text = nt_config_shown(config, &options[i]);

        assert_string_equal(text, shown[i]);
    }
}

static void
no_option_is_there_twice_and_every_default_is_right(void **state)
{
    AUTO(nt_config) config = nt_config_new(nt_options);
    struct nt_err err = { 0 };

    for (const struct nt_option *o = nt_options; o->name; o++) {
        assert_ptr_equal(nt_option_find(nt_options, o->name), o);
        assert_true(o->ignored || *o->help);
        assert_int_equal(o->type == NT_OPT_CHOICE || o->type == NT_OPT_CLASS, o->choices != NULL);
    }
    assert_int_equal(nt_config_finish(config, &err), 0);
}

static void
sections_have_options_of_their_own(void **state)
{
    static const struct nt_option options[] = {
        { "root", NT_OPT_STRING, "/var", "" },
        { "key", NT_OPT_STRING, "", "", .section = "one", .is_apart = true, .alias = "old_key" },
        { "key", NT_OPT_STRING, "", "", .section = "two", .is_apart = true },
        { "path", NT_OPT_STRING, "$root/${key}", "", .section = "two", .is_apart = true },
        { "pause", NT_OPT_SECONDS, "1.5", "", 0, 10 },
        { 0 },
    };
    AUTO(nt_config) config = nt_config_new(options);
    struct nt_err err = { 0 };

    nt_config_be_lenient(config);
    load(config, "[ONE]\nold_key = a\n[two]\nkey = 'b b'\n[DEFAULT]\nkey = c\nother = d\n");
    assert_string_equal(nt_config_str(config, "one.key"), "a");
    assert_string_equal(nt_config_str(config, "TWO.key"), "b b");
    assert_string_equal(nt_config_str(config, "path"), "/var/b b");
    assert_int_equal(nt_config_ms(config, "pause"), 1500);
    assert_int_equal(nt_config_n_warnings(config), 1);
    assert_string_equal(nt_config_warning(config, 0),
                        "nova.conf:6: option key has no effect in [DEFAULT]; it belongs to [one]");
    assert_int_equal(nt_config_set(config, "two.key", "e", "command line", &err), 0);
    assert_int_equal(nt_config_set(config, "pause", "11", "command line", &err), 0);
    assert_int_equal(nt_config_finish(config, &err), -1);
    assert_string_equal(err.msg, "command line: pause is 11, must be 0 to 10");
}

/* Writes 'text' to a file in a new folder, whose name is left in 'dir'. */
static void
put_file(const char *dir, const char *name, const char *text)
{
    AUTO_FREE char *path = nt_path_join(dir, name);
    struct nt_err err = { 0 };

    assert_int_equal(nt_file_replace_soft(path, text, strlen(text), 0600, NULL, &err), 0);
}

static void
a_folder_is_read_in_the_order_of_names_and_includes_come_after_their_file(void **state)
{
    AUTO(nt_config) config = nt_config_new(nt_options);
    char dir[] = "/tmp/nt-config-XXXXXX";
    struct nt_err err = { 0 };

    assert_non_null(mkdtemp(dir));
    AUTO_FREE char *includes = xasprintf("--flagfile=%s/x\n--host=outer\n-flagfile %s/y\n"
                                         "--dns_server=1.1.1.1\n",
                                         dir, dir);
    put_file(dir, "20.conf", includes);
    put_file(dir, "10.conf", "[DEFAULT]\nhost = first\nflat_interface = eth9\n");
    put_file(dir, "30.txt", "[DEFAULT]\nhost = never\n");
    put_file(dir, "x", "--host=inner\n--dns_server=2.2.2.2\n");
    put_file(dir, "y", "--host=last\n");
    assert_int_equal(nt_config_read_dir(config, dir, &err), 0);
    assert_int_equal(nt_config_finish(config, &err), 0);
    assert_string_equal(nt_config_str(config, "host"), "last");
    assert_string_equal(nt_config_str(config, "flat_interface"), "eth9");
    assert_int_equal(nt_config_n(config, "dns_server"), 2);

    AUTO_FREE char *loop = xasprintf("--flagfile=%s/20.conf\n", dir);
    put_file(dir, "x", loop);
    assert_int_equal(nt_config_read_dir(config, dir, &err), -1);
    assert_non_null(strstr(err.msg, "without end"));
    assert_int_equal(nt_remove_tree(dir), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_seeds_flagfile_is_read_as_it_stands),
        cmocka_unit_test(values_of_the_seeds_column_come_out),
        cmocka_unit_test(ini_is_told_from_a_flagfile_by_its_content),
        cmocka_unit_test(switches_set_booleans_and_a_known_name_beats_the_no_prefix),
        cmocka_unit_test(a_blank_for_the_equals_sign_is_taken_with_a_warning),
        cmocka_unit_test(an_unknown_name_is_ignored_with_the_nearest_known_one),
        cmocka_unit_test(references_are_replaced_and_dollars_escaped),
        cmocka_unit_test(wrong_values_name_file_and_line),
        cmocka_unit_test(a_blank_is_taken_also_when_the_value_holds_an_equals_sign),
        cmocka_unit_test(a_true_boolean_that_begins_with_no_is_warned_about),
        cmocka_unit_test(each_name_is_warned_about_once),
        cmocka_unit_test(all_errors_are_collected_when_asked_for),
        cmocka_unit_test(secrets_and_passwords_are_not_shown),
        cmocka_unit_test(sections_have_options_of_their_own),
        cmocka_unit_test(no_option_is_there_twice_and_every_default_is_right),
        cmocka_unit_test(a_folder_is_read_in_the_order_of_names_and_includes_come_after_their_file),
    };

    return cmocka_run_group_tests_name("base/config", tests, NULL, NULL);
}
