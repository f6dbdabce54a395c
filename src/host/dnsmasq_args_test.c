#include <config.h>

#include "host/dnsmasq_args.h"

#include <stdio.h>
#include <string.h>

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "openvswitch/dynamic-string.h"

static struct nt_dnsmasq_conf
golden_conf(void)
{
    return (struct nt_dnsmasq_conf){
        .essex = true,
        .program = "/usr/sbin/dnsmasq",
        .networks_path = "/var/lib/nova/networks",
        .bridge = "br100",
        .network_number = 1,
        .label = "novanetwork",
        .cidr = "10.0.0.0/24",
        .gateway = "10.0.0.1",
        .dhcp_server = "10.0.0.1",
        .dhcp_start = "10.0.0.2",
        .domain = "novalocal",
        .lease_time_s = 120,
        .script = "/usr/bin/nova-dhcpbridge",
        .flagfile = "/etc/nova/nova.conf",
        .lease_socket = "/var/lib/neutrino/lease.sock",
    };
}

static void
check_line(const struct nt_dnsmasq_conf *conf, const char *wanted)
{
    AUTO(nt_dnsmasq_plan) plan = NULL;
    struct ds line = DS_EMPTY_INITIALIZER;

    assert_int_equal(nt_dnsmasq_plan_new(conf, &plan, NULL), 0);
    for (size_t i = 0; plan->argv[i]; i++) {
        ds_put_format(&line, "%s%s", i ? " " : "", plan->argv[i]);
    }
    assert_string_equal(ds_cstr(&line), wanted);
    ds_destroy(&line);
}

#define GOLDEN_LINE                                                                       \
    "/usr/sbin/dnsmasq --strict-order --bind-interfaces --conf-file= --domain=novalocal " \
    "--pid-file=/var/lib/nova/networks/nova-br100.pid --listen-address=10.0.0.1 "         \
    "--except-interface=lo --dhcp-range=10.0.0.2,static,120s --dhcp-lease-max=256 "       \
    "--dhcp-hostsfile=/var/lib/nova/networks/nova-br100.conf "                            \
    "--dhcp-script=/usr/bin/nova-dhcpbridge --leasefile-ro"

static void
essex_gives_the_golden_line(void **state)
{
    struct nt_dnsmasq_conf conf = golden_conf();

    check_line(&conf, GOLDEN_LINE);
}

static void
essex_adds_the_dns_server(void **state)
{
    struct nt_dnsmasq_conf conf = golden_conf();
    const char *const servers[] = { "8.8.4.4" };

    conf.dns_servers = servers;
    conf.n_dns_servers = 1;
    check_line(&conf, GOLDEN_LINE " -h -R --server=8.8.4.4");
}

static void
essex_names_the_options_file_only_when_it_has_its_own(void **state)
{
    struct nt_dnsmasq_conf conf = golden_conf();

    conf.own_opts = true;
    check_line(&conf, GOLDEN_LINE " --dhcp-optsfile=/var/lib/nova/networks/nova-br100.opts");
}

static void
folder_of_hosts_replaces_the_file(void **state)
{
    struct nt_dnsmasq_conf conf = golden_conf();
    AUTO(nt_dnsmasq_plan) plan = NULL;
    bool has_folder = false;

    conf.essex = false;
    conf.hostsdir = true;
    assert_int_equal(nt_dnsmasq_plan_new(&conf, &plan, NULL), 0);
    for (size_t i = 0; plan->argv[i]; i++) {
        assert_null(strstr(plan->argv[i], "--dhcp-hostsfile"));
        has_folder |=
            !strcmp(plan->argv[i], "--dhcp-hostsdir=/var/lib/nova/networks/nova-br100.hosts.d");
    }
    assert_true(has_folder);
    assert_string_equal(plan->hosts_file, "/var/lib/nova/networks/nova-br100.conf");
}

static void
default_line_has_netmask_tag_and_options_file(void **state)
{
    struct nt_dnsmasq_conf conf = golden_conf();
    const char *const servers[] = { "8.8.4.4", "8.8.8.8" };

    conf.essex = false;
    conf.label = "my net,2";
    conf.cidr = "10.0.0.0/22";
    conf.lease_time_s = 86400;
    conf.dns_servers = servers;
    conf.n_dns_servers = 2;
    check_line(&conf,
               "/usr/sbin/dnsmasq --strict-order --bind-interfaces --conf-file= "
               "--pid-file=/var/lib/nova/networks/nova-br100.pid "
               "--dhcp-optsfile=/var/lib/nova/networks/nova-br100.opts "
               "--listen-address=10.0.0.1 --except-interface=lo "
               "--dhcp-range=set:my_net_2,10.0.0.2,static,255.255.252.0,86400s "
               "--dhcp-lease-max=1024 --dhcp-hostsfile=/var/lib/nova/networks/nova-br100.conf "
               "--dhcp-script=/usr/bin/nova-dhcpbridge --no-hosts --leasefile-ro "
               "--domain=novalocal --no-resolv --server=8.8.4.4 --server=8.8.8.8");
}

static void
options_file_names_the_router_or_none(void **state)
{
    struct nt_dnsmasq_conf conf = golden_conf();
    AUTO(nt_dnsmasq_plan) with = NULL;
    AUTO(nt_dnsmasq_plan) without = NULL;

    conf.essex = false;
    assert_int_equal(nt_dnsmasq_plan_new(&conf, &with, NULL), 0);
    assert_string_equal(with->opts, "3,10.0.0.1");
    conf.gateway = "";
    assert_int_equal(nt_dnsmasq_plan_new(&conf, &without, NULL), 0);
    assert_string_equal(without->opts, "3");
    assert_false(nt_dnsmasq_plan_equal(with, without));
}

static void
values_that_mean_more_to_dnsmasq_are_refused(void **state)
{
    struct nt_dnsmasq_conf cases[8];
    const char *const servers[] = { "8.8.8.8\nport=0" };

    for (size_t i = 0; i < NT_ARRAY_SIZE(cases); i++) {
        cases[i] = golden_conf();
    }
    cases[0].domain = "nova,local";
    cases[1].domain = "nova\nlocal";
    cases[2].script = "/usr/bin/bridge; reboot";
    cases[3].script = "bridge";
    cases[4].networks_path = "/var/lib/nova,x";
    cases[5].dhcp_start = "10.0.0.2,static";
    cases[6].bridge = "br/100";
    cases[7].dns_servers = servers;
    cases[7].n_dns_servers = 1;
    for (size_t i = 0; i < NT_ARRAY_SIZE(cases); i++) {
        struct nt_dnsmasq_plan *plan = NULL;
        struct nt_err err = { 0 };

        assert_int_equal(nt_dnsmasq_plan_new(&cases[i], &plan, &err), -1);
        assert_int_equal(err.code, NT_INVALID);
        assert_null(plan);
    }
}

static void
join(char *const *v, struct ds *out)
{
    for (; *v; v++) {
        ds_put_buffer(out, *v, strlen(*v) + 1);
    }
}

static void
running_process_is_compared_by_arguments_and_environment(void **state)
{
    struct nt_dnsmasq_conf conf = golden_conf(), longer = golden_conf(), other = golden_conf();
    AUTO(nt_dnsmasq_plan) plan = NULL;
    AUTO(nt_dnsmasq_plan) longer_plan = NULL;
    AUTO(nt_dnsmasq_plan) other_plan = NULL;
    struct ds cmdline = DS_EMPTY_INITIALIZER, env = DS_EMPTY_INITIALIZER;

    longer.lease_time_s = 240;
    other.bridge = "br200";
    assert_int_equal(nt_dnsmasq_plan_new(&conf, &plan, NULL), 0);
    assert_int_equal(nt_dnsmasq_plan_new(&longer, &longer_plan, NULL), 0);
    assert_int_equal(nt_dnsmasq_plan_new(&other, &other_plan, NULL), 0);
    join(plan->argv, &cmdline);
    ds_put_buffer(&env, "A=B", 4);
    join(plan->env, &env);

    struct nt_dnsmasq_proc proc = { cmdline.string, cmdline.length, env.string, env.length };
    assert_int_equal(nt_dnsmasq_plan_match(plan, &proc), NT_DNSMASQ_SAME);
    assert_int_equal(nt_dnsmasq_plan_match(longer_plan, &proc), NT_DNSMASQ_CHANGED);
    assert_int_equal(nt_dnsmasq_plan_match(other_plan, &proc), NT_DNSMASQ_OTHER);
    proc.environ_len = 4;
    assert_int_equal(nt_dnsmasq_plan_match(plan, &proc), NT_DNSMASQ_CHANGED);
    proc.environ = NULL;
    assert_int_equal(nt_dnsmasq_plan_match(plan, &proc), NT_DNSMASQ_SAME);
    proc.cmdline_len = 0;
    assert_int_equal(nt_dnsmasq_plan_match(plan, &proc), NT_DNSMASQ_OTHER);
    ds_destroy(&cmdline);
    ds_destroy(&env);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(essex_gives_the_golden_line),
        cmocka_unit_test(essex_adds_the_dns_server),
        cmocka_unit_test(essex_names_the_options_file_only_when_it_has_its_own),
        cmocka_unit_test(folder_of_hosts_replaces_the_file),
        cmocka_unit_test(default_line_has_netmask_tag_and_options_file),
        cmocka_unit_test(options_file_names_the_router_or_none),
        cmocka_unit_test(values_that_mean_more_to_dnsmasq_are_refused),
        cmocka_unit_test(running_process_is_compared_by_arguments_and_environment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
