#include <config.h>

#include "agent/plan/bridges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"

/* --- wishes as text ------------------------------------------------------------------------- */

static void
put_map(struct ds *out, const char *name, const struct nt_ovs_kv *map)
{
    for (; map && map->key; map++) {
        ds_put_format(out, " %s:%s=%s", name, map->key, map->value);
    }
}

static void
put_bridge(void *out_, const struct nt_ovs_bridge_want *want)
{
    struct ds *out = out_;

    ds_put_format(out, "bridge %s datapath_type=%s protocols=", want->name, want->datapath_type);
    for (size_t i = 0; want->protocols[i]; i++) {
        ds_put_format(out, "%s%s", i ? "," : "", want->protocols[i]);
    }
    ds_put_format(out, " fail_mode=%s controller=%s no_controller=%s probe=%d", want->fail_mode,
                  want->controller ? want->controller : "-",
                  want->no_controller ? want->no_controller : "-", want->inactivity_probe_ms);
    put_map(out, "other_config", want->other_config);
    ds_put_format(out, " snooping=%d may_create=%d\n", want->mcast_snooping, want->may_create);
}

static void
put_port(void *out_, const struct nt_ovs_port_want *want)
{
    struct ds *out = out_;

    ds_put_format(out, "port %s/%s type=%s tag=%d", want->bridge, want->name, want->type,
                  want->tag);
    put_map(out, "options", want->options);
    put_map(out, "other_config", want->other_config);
    put_map(out, "external_ids", want->external_ids);
    ds_put_format(out, " policing=%d/%d\n", (int) want->policing_kbps,
                  (int) want->policing_burst_kb);
}

static struct agent_mapping mapping = { (char *) "physnet1", (char *) "br-phys" };
static char *types[] = { (char *) "vxlan", (char *) "gre", NULL };

static const struct agent_config base = {
    .integration_bridge = (char *) "br-int",
    .tunnel_bridge = (char *) "br-tun",
    .int_peer_patch_port = (char *) "patch-tun",
    .tun_peer_patch_port = (char *) "patch-int",
    .local_ip = (char *) "192.168.1.1",
    .mappings = &mapping,
    .n_mappings = 1,
    .datapath_type = (char *) "system",
    .of_listen_address = (char *) "127.0.0.1",
    .of_listen_port = 6633,
    .of_inactivity_probe_s = 10,
    .bridge_mac_table_size = 50000,
    .tunnel_types = types,
    .n_tunnel_types = 2,
    .vxlan_udp_port = 4789,
    .dont_fragment = true,
    .dscp = -1,
};

static void
check_bridges(const struct agent_config *config, bool peered, const char *wanted)
{
    struct ds found = DS_EMPTY_INITIALIZER;

    plan_bridges(config, peered, &(struct plan_bridges_to){ put_bridge, put_port, &found });
    assert_string_equal(ds_cstr(&found), wanted);
    ds_destroy(&found);
}

#define BRIDGE "fail_mode=secure controller=tcp:127.0.0.1:6633 no_controller=- probe=10000 "
#define PROTOCOLS "protocols=OpenFlow10,OpenFlow13,OpenFlow14 "
#define FLOOD(VALUE)                                                                  \
    " other_config:mcast-snooping-flood=" VALUE " other_config:mcast-snooping-flood-" \
    "reports=" VALUE

static void
bridges_are_those_of_the_stock_agent(void **state)
{
    check_bridges(
        &base, true,
        "bridge br-int datapath_type=system " PROTOCOLS BRIDGE "other_config:mac-table-size=50000 "
        "other_config:mcast-snooping-disable-flood-unregistered=false "
        "snooping=0 may_create=1\n"
        "bridge br-phys datapath_type=system " PROTOCOLS BRIDGE
        "other_config:mac-table-size=50000 snooping=-1 may_create=0\n"
        "port br-int/int-br-phys type=patch tag=-1 options:peer=phy-br-phys" FLOOD(
            "False") " policing=-1/-1\n"
                     "port br-phys/phy-br-phys type=patch tag=-1 options:peer=int-br-phys "
                     "policing=-1/-1\n"
                     "bridge br-tun datapath_type=system " PROTOCOLS BRIDGE
                     "other_config:mac-table-size=50000 snooping=-1 may_create=1\n"
                     "port br-int/patch-tun type=patch tag=-1 options:peer=patch-int" FLOOD(
                         "False") " policing=-1/-1\n"
                                  "port br-tun/patch-int type=patch tag=-1 options:peer=patch-tun "
                                  "policing=-1/-1\n");
}

static void
patches_lead_nowhere_at_first(void **state)
{
    struct agent_config config = base;

    config.n_tunnel_types = 0;
    config.igmp_snooping = true;
    config.use_mgmt_sockets = true;
    check_bridges(
        &config, false,
        "bridge br-int datapath_type=system " PROTOCOLS
        "fail_mode=secure controller=- no_controller=tcp:127.0.0.1:6633 probe=10000 "
        "other_config:mac-table-size=50000 "
        "other_config:mcast-snooping-disable-flood-unregistered=false "
        "snooping=1 may_create=1\n"
        "bridge br-phys datapath_type=system " PROTOCOLS
        "fail_mode=secure controller=- no_controller=tcp:127.0.0.1:6633 probe=10000 "
        "other_config:mac-table-size=50000 snooping=-1 may_create=0\n"
        "port br-int/int-br-phys type=patch tag=-1 options:peer=nonexistent-peer" FLOOD(
            "True") " policing=-1/-1\n"
                    "port br-phys/phy-br-phys type=patch tag=-1 options:peer=nonexistent-peer "
                    "policing=-1/-1\n");
}

static void
controller_of_ipv6_has_brackets(void **state)
{
    struct ds found = DS_EMPTY_INITIALIZER;
    struct agent_config config = base;

    config.of_listen_address = (char *) "::1";
    plan_bridges(&config, true, &(struct plan_bridges_to){ put_bridge, put_port, &found });
    assert_non_null(strstr(ds_cstr(&found), "controller=tcp:[::1]:6633 "));
    ds_destroy(&found);
}

/* --- names ---------------------------------------------------------------------------------- */

static void
check_patch_name(const char *bridge, const char *wanted)
{
    char name[PLAN_PORT_NAME_SIZE];

    plan_patch_name("int-", bridge, name);
    assert_string_equal(name, wanted);
}

static void
patch_names_are_shortened_as_upstream(void **state)
{
    char name[PLAN_PORT_NAME_SIZE];

    check_patch_name("br-phys", "int-br-phys");
    check_patch_name("br-12345678", "int-br-12345678");
    check_patch_name("br-provider-1", "int-br-pr53399e");
    plan_patch_name("phy-", "br-provider-1", name);
    assert_string_equal(name, "phy-br-pr53399e");
}

static void
check_tunnel_name(const char *type, const char *remote, const char *local, int64_t id,
                  const char *wanted)
{
    struct agent_config config = base;
    char name[PLAN_PORT_NAME_SIZE];

    if (local) {
        config.tunnel_names_with_local_ip = true;
        config.local_ip = (char *) local;
    }
    plan_tunnel_name(&config, type, remote, id, name);
    assert_string_equal(name, wanted);
}

static void
tunnel_names_tell_the_other_end(void **state)
{
    check_tunnel_name("vxlan", "192.168.1.10", NULL, 0, "vxlan-c0a8010a");
    check_tunnel_name("gre", "10.0.0.1", NULL, 0, "gre-0a000001");
    check_tunnel_name("geneve", "10.0.0.2", NULL, 0, "geneve-0a000002");
    check_tunnel_name("vxlan", "2001:db8::10", NULL, 0, "vxlan-q7dh5kyel");
    check_tunnel_name("geneve", "2001:db8::10", NULL, 0, "geneve-q7dh5kye");
    check_tunnel_name("gre", "2001:db8::10", NULL, 0, "gre-q7dh5kyelf2");
    check_tunnel_name("vxlan", "192.168.1.10", "192.168.1.1", 0, "vxl-7bbf6-93fbf");
    check_tunnel_name("geneve", "2001:db8::10", "2001:db8::1", 0, "gen-c6f1c-b8574");
}

static void
tunnel_names_tell_the_number_a_server_gives(void **state)
{
    check_tunnel_name("vxlan", "192.168.1.10", NULL, 7, "vxlan-7");
    check_tunnel_name("gre", "2001:db8::10", NULL, 4294967295, "gre-4294967295");
    /* No room for it. */
    check_tunnel_name("geneve", "10.0.0.2", NULL, 123456789, "geneve-0a000002");
    check_tunnel_name("vxlan", "192.168.1.10", "192.168.1.1", 7, "vxl-7bbf6-93fbf");
}

/* --- tunnels -------------------------------------------------------------------------------- */

static void
check_tunnel(const struct agent_config *config, const char *type, const char *remote,
             const char *wanted)
{
    struct ds found = DS_EMPTY_INITIALIZER;
    char name[PLAN_PORT_NAME_SIZE];
    struct nt_err err;

    plan_tunnel_name(config, type, remote, 0, name);
    assert_int_equal(plan_tunnel(config, type, remote, name,
                                 &(struct plan_bridges_to){ put_bridge, put_port, &found }, &err),
                     0);
    assert_string_equal(ds_cstr(&found), wanted);
    ds_destroy(&found);
}

static void
tunnel_has_the_options_of_the_stock_agent(void **state)
{
    struct agent_config config = base;

    check_tunnel(&config, "vxlan", "192.168.1.10",
                 "port br-tun/vxlan-c0a8010a type=vxlan tag=-1 options:df_default=true "
                 "options:remote_ip=192.168.1.10 options:local_ip=192.168.1.1 "
                 "options:in_key=flow options:out_key=flow options:egress_pkt_mark=0 "
                 "policing=-1/-1\n");

    config.vxlan_udp_port = 8472;
    config.dont_fragment = false;
    config.tunnel_csum = true;
    config.dscp = 46;
    check_tunnel(&config, "vxlan", "192.168.1.10",
                 "port br-tun/vxlan-c0a8010a type=vxlan tag=-1 options:df_default=false "
                 "options:remote_ip=192.168.1.10 options:local_ip=192.168.1.1 "
                 "options:in_key=flow options:out_key=flow options:egress_pkt_mark=0 "
                 "options:dst_port=8472 options:csum=true options:tos=184 policing=-1/-1\n");

    config.dscp_inherit = true;
    check_tunnel(&config, "gre", "192.168.1.10",
                 "port br-tun/gre-c0a8010a type=gre tag=-1 options:df_default=false "
                 "options:remote_ip=192.168.1.10 options:local_ip=192.168.1.1 "
                 "options:in_key=flow options:out_key=flow options:egress_pkt_mark=0 "
                 "options:csum=true options:tos=inherit policing=-1/-1\n");
}

static void
gre_over_ipv6_carries_frames(void **state)
{
    struct agent_config config = base;

    config.local_ip = (char *) "2001:db8::1";
    check_tunnel(&config, "gre", "2001:db8::10",
                 "port br-tun/gre-q7dh5kyelf2 type=ip6gre tag=-1 options:df_default=true "
                 "options:remote_ip=2001:db8::10 options:local_ip=2001:db8::1 "
                 "options:in_key=flow options:out_key=flow options:egress_pkt_mark=0 "
                 "options:packet_type=legacy_l2 policing=-1/-1\n");
}

static void
ends_of_a_tunnel_are_of_one_family(void **state)
{
    struct nt_err err;

    assert_int_equal(plan_tunnel(&base, "vxlan", "2001:db8::10", "vxlan-7", NULL, &err), -1);
    assert_int_equal(err.code, NT_INVALID);
    assert_string_equal(err.msg, "no vxlan tunnel to 2001:db8::10: it is not of the family of "
                                 "local_ip '192.168.1.1'");
    assert_int_equal(plan_tunnel(&base, "vxlan", "peer", "vxlan-7", NULL, &err), -1);
    assert_string_equal(err.msg, "no vxlan tunnel to 'peer': this is no IP address");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bridges_are_those_of_the_stock_agent),
        cmocka_unit_test(patches_lead_nowhere_at_first),
        cmocka_unit_test(controller_of_ipv6_has_brackets),
        cmocka_unit_test(patch_names_are_shortened_as_upstream),
        cmocka_unit_test(tunnel_names_tell_the_other_end),
        cmocka_unit_test(tunnel_names_tell_the_number_a_server_gives),
        cmocka_unit_test(tunnel_has_the_options_of_the_stock_agent),
        cmocka_unit_test(gre_over_ipv6_carries_frames),
        cmocka_unit_test(ends_of_a_tunnel_are_of_one_family),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
