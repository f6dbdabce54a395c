#include <config.h>

#include "base/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

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
        { 0 },
    };
    AUTO(nt_config) config = nt_config_new(options);

    load(config, "--notify_x\n--nouse\n");
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
    };

    return cmocka_run_group_tests_name("base/config", tests, NULL, NULL);
}
