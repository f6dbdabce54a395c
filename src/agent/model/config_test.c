#include <config.h>

#include "agent/model/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "agent/model/options.h"
#include "base/mem.h"
#include "base/options.h"
#include "openvswitch/json.h"

static const char neutron_conf[] =
    "[DEFAULT]\n"
    "host = h1\n"
    "core_plugin = ml2\n"
    "service_plugins = router,metering,qos\n"
    "auth_strategy = keystone\n"
    "notify_nova_on_port_status_changes = True\n"
    "transport_url = rabbit://openstack:geheim@10.0.0.1:5672/\n"
    "rpc_response_timeout = 30\n"
    "state_path = /srv/neutron\n"
    "[agent]\n"
    "root_helper = sudo neutron-rootwrap /etc/neutron/rootwrap.conf\n"
    "[database]\n"
    "connection = mysql+pymysql://neutron:geheim@db/neutron\n"
    "[oslo_concurrency]\n"
    "lock_path = $state_path/lock\n"
    "[oslo_messaging_rabbit]\n"
    "ssl = true\n"
    "ssl_key_file = /etc/rabbit.key\n";

static const char zed_ini[] = "[ovs]\n"
                              "integration_bridge = br-int\n"
                              "local_ip = 172.30.0.11\n"
                              "bridge_mappings = physnet1:br-phys,\n"
                              "    physnet2 : br-ex\n"
                              "datapath_type = netdev\n"
                              "vhostuser_socket_dir = \"$state_path/vhost\"\n"
                              "ovsdb_connection = unix:/var/run/openvswitch/db.sock\n"
                              "resource_provider_bandwidths = br-phys:10000:,br-ex\n"
                              "resource_provider_default_hypervisor = hv1\n"
                              "[agent]\n"
                              "tunnel_types = vxlan,gre\n"
                              "l2_population = True\n"
                              "arp_responder = yes\n"
                              "report_interval = 7.5\n"
                              "extensions = qos,log\n"
                              "[securitygroup]\n"
                              "firewall_driver = noop\n"
                              "enable_ipset = true\n";

static const char juno_ini[] = "[OVS]\n"
                               "enable_tunneling = True\n"
                               "tenant_network_type = gre\n"
                               "tunnel_id_ranges = 1:1000\n"
                               "ovs_integration_bridge = br-juno\n"
                               "local_ip = 10.0.0.31\n"
                               "use_veth_interconnection = False\n"
                               "[AGENT]\n"
                               "tunnel_types = gre\n"
                               "root_helper = sudo neutron-rootwrap /etc/neutron/rootwrap.conf\n"
                               "[SECURITYGROUP]\n"
                               "firewall_driver = neutron.agent.firewall.NoopFirewallDriver\n";

struct bed {
    struct nt_option *options;
    struct nt_config *raw;
    struct agent_config *config;
    struct nt_err err;
};

static void
setup(struct bed *bed)
{
    memset(bed, 0, sizeof *bed);
    bed->options = nt_options_join(agent_options);
    bed->raw = nt_config_new(bed->options);
    nt_config_be_lenient(bed->raw);
}

static void
teardown(struct bed *bed)
{
    agent_config_free(bed->config);
    nt_config_free(bed->raw);
    free(bed->options);
}

static int
take(struct bed *bed, const char *file, const char *text)
{
    return nt_config_parse(bed->raw, file, text, strlen(text), &bed->err);
}

static int
load(struct bed *bed)
{
    return nt_config_finish(bed->raw, &bed->err) < 0
               ? -1
               : agent_config_load(bed->raw, &bed->config, &bed->err);
}

static void
assert_json(const struct json *json, const char *text)
{
    AUTO_FREE char *found = json_to_string(json, JSSF_SORT);

    assert_string_equal(found, text);
}

static void
files_of_today_are_read_without_a_word_about_others_options(void **state)
{
    struct bed bed;

    setup(&bed);
    assert_int_equal(take(&bed, "neutron.conf", neutron_conf), 0);
    assert_int_equal(take(&bed, "ovs.ini", zed_ini), 0);
    assert_int_equal(load(&bed), 0);

    const struct agent_config *c = bed.config;
    assert_int_equal(nt_config_n_warnings(bed.raw), 0);
    assert_string_equal(c->host, "h1");
    assert_int_equal(c->rpc_response_timeout_ms, 30000);
    assert_int_equal(c->rpc_response_max_timeout_ms, 600000);
    assert_string_equal(c->integration_bridge, "br-int");
    assert_string_equal(c->local_ip, "172.30.0.11");
    assert_int_equal(c->n_mappings, 2);
    assert_string_equal(agent_config_bridge_of(c, "physnet1"), "br-phys");
    assert_string_equal(agent_config_bridge_of(c, "physnet2"), "br-ex");
    assert_null(agent_config_bridge_of(c, "physnet3"));
    assert_string_equal(c->datapath_type, "netdev");
    assert_string_equal(c->vhostuser_socket_dir, "/srv/neutron/vhost");
    assert_int_equal(c->n_tunnel_types, 2);
    assert_string_equal(c->tunnel_types[1], "gre");
    assert_null(c->tunnel_types[2]);
    assert_true(c->arp_responder);
    assert_int_equal(c->report_interval_ms, 7500);
    assert_int_equal(c->n_extensions, 1);
    assert_true(c->has_qos);
    assert_int_equal(c->firewall, FIREWALL_NOOP);
    assert_json(c->placement->bandwidths, "{\"br-ex\":{\"egress\":null,\"ingress\":null},"
                                          "\"br-phys\":{\"egress\":10000,\"ingress\":null}}");
    assert_json(c->placement->hypervisors, "{\"br-ex\":\"hv1\",\"br-phys\":\"hv1\"}");
    assert_json(c->placement->packet_processing_with_direction, "{}");
    teardown(&bed);
}

static void
the_same_name_in_two_sections_is_two_options(void **state)
{
    struct bed bed;

    setup(&bed);
    assert_int_equal(take(&bed, "neutron.conf", neutron_conf), 0);
    assert_int_equal(load(&bed), 0);
    assert_string_equal(bed.config->ssl_key_file, "");
    assert_string_equal(nt_config_str(bed.raw, "oslo_messaging_rabbit.ssl_key_file"),
                        "/etc/rabbit.key");
    assert_string_equal(nt_config_str(bed.raw, "control_exchange"), "neutron");
    teardown(&bed);
}

static void
files_of_2014_are_read_with_a_word_about_what_is_gone(void **state)
{
    struct bed bed;

    setup(&bed);
    assert_int_equal(take(&bed, "ovs.ini", juno_ini), 0);
    assert_int_equal(load(&bed), 0);
    assert_string_equal(bed.config->integration_bridge, "br-juno");
    assert_int_equal(bed.config->n_tunnel_types, 1);
    assert_int_equal(bed.config->firewall, FIREWALL_NOOP);
    assert_int_equal(nt_config_n_warnings(bed.raw), 4);
    assert_string_equal(
        nt_config_warning(bed.raw, 0),
        "ovs.ini:2: option enable_tunneling has no effect here: tunnel_types says it");
    teardown(&bed);
}

static void
defaults_are_neutrons(void **state)
{
    struct bed bed;

    setup(&bed);
    assert_int_equal(load(&bed), 0);

    const struct agent_config *c = bed.config;
    assert_string_equal(c->ovsdb_connection, "tcp:127.0.0.1:6640");
    assert_string_equal(c->of_listen_address, "127.0.0.1");
    assert_int_equal(c->of_listen_port, 6633);
    assert_int_equal(c->vxlan_udp_port, 4789);
    assert_int_equal(c->bridge_mac_table_size, 50000);
    assert_int_equal(c->polling_interval_ms, 2000);
    assert_int_equal(c->report_interval_ms, 30000);
    assert_int_equal(c->quitting_rpc_timeout_ms, 10000);
    assert_int_equal(c->dscp, -1);
    assert_true(c->dont_fragment && c->minimize_polling && !c->tunnel_csum && !c->l2_population);
    assert_false(agent_config_has_tunnels(c));
    assert_true(*c->host);
    assert_json(c->placement->inventory_defaults,
                "{\"allocation_ratio\":1,\"min_unit\":1,\"reserved\":0,\"step_size\":1}");
    teardown(&bed);
}

static void
slips_are_told_and_strangers_are_not(void **state)
{
    struct bed bed;

    setup(&bed);
    assert_int_equal(take(&bed, "f",
                          "[DEFAULT]\napi_workers = 2\nrpc_workers = 3\nbind_host = ::\n"
                          "dhcp_agents_per_network = 2\ntransport_urls = x\n"
                          "[ovs]\nbridge_mapping = a:b\nl2_population = true\n"
                          "[quotas]\nbridge_mapping = 1\n"),
                     0);
    assert_int_equal(nt_config_n_warnings(bed.raw), 3);
    assert_string_equal(nt_config_warning(bed.raw, 0),
                        "f:6: unknown option transport_urls of [DEFAULT] ignored; did you mean "
                        "transport_url of [DEFAULT]?");
    assert_string_equal(nt_config_warning(bed.raw, 1),
                        "f:8: unknown option bridge_mapping of [ovs] ignored; did you mean "
                        "bridge_mappings of [ovs]?");
    assert_string_equal(nt_config_warning(bed.raw, 2),
                        "f:9: option l2_population has no effect in [ovs]; it belongs to [agent]");
    teardown(&bed);
}

static const struct refusal {
    const char *text;
    enum nt_code code;
    const char *says; /* Option, value, remedy. */
} refusals[] = {
    { "[agent]\ntunnel_types = vxlan,stt\n", NT_INVALID,
      "f:2: tunnel_types is 'vxlan,stt': 'stt' is none of gre, vxlan and geneve" },
    { "[agent]\ntunnel_types = vxlan\n", NT_INVALID,
      "default: local_ip is '': tunnel_types asks for tunnels; set local_ip" },
    { "[ovs]\nlocal_ip = eth0\n", NT_INVALID, "f:2: local_ip is 'eth0': it must be an IPv4 or" },
    { "[ovs]\nbridge_mappings = physnet1\n", NT_INVALID,
      "f:2: bridge_mappings is 'physnet1': 'physnet1' is not of the form" },
    { "[ovs]\nbridge_mappings = a:b:c\n", NT_INVALID, "not of the form PHYSICAL_NETWORK:BRIDGE" },
    { "[ovs]\nbridge_mappings = a:\n", NT_INVALID, "'a:' lacks the bridge" },
    { "[ovs]\nbridge_mappings = :b\n", NT_INVALID, "':b' lacks the physical network" },
    { "[ovs]\nbridge_mappings = a:b,a:c\n", NT_INVALID, "'a' is there twice" },
    { "[ovs]\nbridge_mappings = a:b,c:b\n", NT_INVALID, "'b' is there twice" },
    { "[ovs]\nbridge_mappings = a:br-int\n", NT_INVALID, "br-int is this agent's own bridge" },
    { "[ovs]\nintegration_bridge = br-tun\n", NT_INVALID, "must be two bridges" },
    { "[ovs]\ndatapath_type = dpdk\n", NT_INVALID,
      "f:2: datapath_type is 'dpdk', must be system or netdev" },
    { "[ovs]\novsdb_connection = ssl:127.0.0.1:6640\nssl_key_file = /dev/null\n", NT_INVALID,
      "default: ssl_cert_file is '': ovsdb_connection ssl:127.0.0.1:6640 needs ssl_cert_file" },
    { "[ovs]\novsdb_connection = 127.0.0.1:6640\n", NT_INVALID, "write tcp:ADDRESS:PORT" },
    { "[agent]\nenable_distributed_routing = true\n", NT_UNSUPPORTED, "set it to false" },
    { "[agent]\nbaremetal_smartnic = true\n", NT_UNSUPPORTED, "set it to false" },
    { "[agent]\ndscp = 64\n", NT_INVALID, "dscp is '64': it must be 0 to 63" },
    { "[agent]\nl2_population = true\narp_responder = true\nnd_responder = true\n", NT_INVALID,
      "f:4: nd_responder is 'true': only the userspace datapath can do that; set it to false, or "
      "datapath_type = netdev" },
    { "[agent]\nreserved_cookies = 0x12/zz\n", NT_INVALID, "such as 0x12/0xff" },
    { "[agent]\nreport_interval = often\n", NT_INVALID,
      "f:2: report_interval is 'often', must be a number of seconds" },
    { "[securitygroup]\nfirewall_driver = iptables_hybrid\n", NT_UNSUPPORTED,
      "set firewall_driver = noop" },
    { "[SECURITYGROUP]\nfirewall_driver = "
      "neutron.agent.linux.iptables_firewall.OVSHybridIptablesFirewallDriver\n",
      NT_UNSUPPORTED, "set firewall_driver = noop" },
    { "[securitygroup]\nfirewall_driver = openvswitch\n", NT_UNSUPPORTED,
      "firewall_driver = noop" },
    { "[securitygroup]\nfirewall_driver = iptables\n", NT_INVALID, "no driver of that name" },
    { "[ovs]\nresource_provider_bandwidths = br-x:1:1\n", NT_INVALID,
      "resource_provider_bandwidths has 'br-x': bridge_mappings does not name this bridge" },
    { "[ovs]\nbridge_mappings = p:b\nresource_provider_bandwidths = b:1:-1\n", NT_INVALID,
      "rates are whole numbers from 0" },
    { "[ovs]\nbridge_mappings = p:b\nresource_provider_bandwidths = b:1:1,b\n", NT_INVALID,
      "the same name was there before" },
    { "[ovs]\nresource_provider_packet_processing_with_direction = h:1:1\n"
      "resource_provider_packet_processing_without_direction = h:1\n",
      NT_INVALID, "exclude each other; remove one" },
    { "[ovs]\nresource_provider_inventory_defaults = min_units:1\n", NT_INVALID,
      "only allocation_ratio, min_unit" },
    { "[ovs]\nresource_provider_hypervisors = br-x\n", NT_INVALID, "write BRIDGE:HYPERVISOR" },
};

static void
what_cannot_work_is_refused_with_option_value_and_remedy(void **state)
{
    for (size_t i = 0; i < NT_ARRAY_SIZE(refusals); i++) {
        const struct refusal *r = &refusals[i];
        struct bed bed;

        setup(&bed);
        assert_int_equal(take(&bed, "f", r->text), 0);
        assert_int_equal(load(&bed), -1);
        if (bed.err.code != r->code || !strstr(bed.err.msg, r->says)) {
            fail_msg("%s\nsays: %s (%s)", r->text, bed.err.msg, nt_code_name(bed.err.code));
        }
        teardown(&bed);
    }
}

static void
without_security_groups_no_driver_filters(void **state)
{
    struct bed bed;

    setup(&bed);
    assert_int_equal(take(&bed, "f",
                          "[securitygroup]\nfirewall_driver = openvswitch\n"
                          "enable_security_group = False\n"),
                     0);
    assert_int_equal(load(&bed), 0);
    assert_int_equal(bed.config->firewall, FIREWALL_NOOP);
    teardown(&bed);
}

static void
local_ip_must_be_one_of_this_host(void **state)
{
    static const struct {
        const char *ip;
        int rc;
    } cases[] = { { "127.0.0.1", 0 }, { "192.0.2.77", -1 }, { "2001:db8::77", -1 } };

    for (size_t i = 0; i < NT_ARRAY_SIZE(cases); i++) {
        struct bed bed;
        AUTO_FREE char *text =
            xasprintf("[ovs]\nlocal_ip = %s\n[agent]\ntunnel_types=gre\n", cases[i].ip);

        setup(&bed);
        assert_int_equal(take(&bed, "f", text), 0);
        assert_int_equal(load(&bed), 0);
        assert_int_equal(agent_config_check_host(bed.config, &bed.err), cases[i].rc);
        if (cases[i].rc < 0) {
            assert_non_null(strstr(bed.err.msg, cases[i].ip));
        }
        teardown(&bed);
    }
}

static void
a_reload_takes_over_what_may_change_and_nothing_else(void **state)
{
    struct bed before, after;

    setup(&before);
    setup(&after);
    assert_int_equal(load(&before), 0);
    assert_int_equal(
        take(&after, "f", "[agent]\nreport_interval = 5\n[ovs]\ndatapath_type = netdev\n"), 0);
    assert_int_equal(load(&after), 0);
    assert_true(agent_config_reload(before.config, after.config));
    assert_int_equal(before.config->report_interval_ms, 5000);
    assert_string_equal(before.config->datapath_type, "system");
    assert_false(agent_config_reload(before.config, after.config));
    teardown(&before);
    teardown(&after);
}

static void
the_table_is_in_order(void **state)
{
    struct nt_option *options = nt_options_join(agent_options);

    for (const struct nt_option *o = options; o->name; o++) {
        AUTO_FREE char *name = xasprintf("%s.%s", o->section ? o->section : "DEFAULT", o->name);

        assert_ptr_equal(nt_option_find(options, name), o);
        assert_true(o->ignored || *o->help);
        assert_int_equal(o->type == NT_OPT_CHOICE || o->type == NT_OPT_CLASS, o->choices != NULL);
    }
    free(options);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_today_are_read_without_a_word_about_others_options),
        cmocka_unit_test(the_same_name_in_two_sections_is_two_options),
        cmocka_unit_test(files_of_2014_are_read_with_a_word_about_what_is_gone),
        cmocka_unit_test(defaults_are_neutrons),
        cmocka_unit_test(slips_are_told_and_strangers_are_not),
        cmocka_unit_test(what_cannot_work_is_refused_with_option_value_and_remedy),
        cmocka_unit_test(without_security_groups_no_driver_filters),
        cmocka_unit_test(local_ip_must_be_one_of_this_host),
        cmocka_unit_test(a_reload_takes_over_what_may_change_and_nothing_else),
        cmocka_unit_test(the_table_is_in_order),
    };

    return cmocka_run_group_tests_name("agent/model/config", tests, NULL, NULL);
}
