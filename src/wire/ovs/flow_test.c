#include <config.h>

#include "wire/ovs/flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "wire/ovs/flow_wire.h"

static struct nt_flow *
parsed(const char *text)
{
    struct nt_flow *flow = NULL;
    struct nt_err err = { 0 };

    if (nt_flow_parse(text, &flow, &err) < 0) {
        fail_msg("%s: %s", text, err.msg);
    }
    return flow;
}

static char *
formatted(const struct nt_flow *flow)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    nt_flow_format(flow, &ds);
    return ds_steal_cstr(&ds);
}

static void
refused(const char *text, const char *why)
{
    struct nt_flow *flow = NULL;
    struct nt_err err = { 0 };

    assert_int_equal(nt_flow_parse(text, &flow, &err), -1);
    assert_null(flow);
    assert_int_equal(err.code, NT_INVALID);
    if (!strstr(err.msg, why)) {
        fail_msg("%s: \"%s\" does not say \"%s\"", text, err.msg, why);
    }
}

/* --- the text ------------------------------------------------------------------------------ */

static void
head_of_a_flow_is_kept(void **state)
{
    AUTO(nt_flow)
    flow = parsed("cookie=0x1234,table=20,priority=7,idle_timeout=3,"
                  "hard_timeout=300,in_port=5,actions=drop");

    assert_int_equal(flow->cookie, 0x1234);
    assert_int_equal(flow->table, 20);
    assert_int_equal(flow->priority, 7);
    assert_int_equal(flow->idle_timeout, 3);
    assert_int_equal(flow->hard_timeout, 300);
    assert_int_equal(flow->n_match % 8, 0);
    assert_int_equal(flow->n_instructions, 0);
}

static void
table_is_0_and_priority_32768_when_not_said(void **state)
{
    AUTO(nt_flow) flow = parsed("in_port=5,actions=resubmit(,3)");

    assert_int_equal(flow->table, 0);
    assert_int_equal(flow->priority, 32768);
}

static void
what_cannot_be_kept_is_refused(void **state)
{
    refused("", "action");
    refused("table=0,in_port=5", "action");
    refused("table=0,in_port=patch-tun,actions=drop", "patch-tun");
    refused("table=0,color=red,actions=drop", "unknown keyword");
    refused("table=0,nw_src=10.0.0.1,actions=drop", "protocol");
    refused("table=0,send_flow_rem,actions=drop", "flags");
    refused("table=0,importance=5,actions=drop", "importance");
    refused("table=5,actions=goto_table:5", "invalid");
    refused("table=0,cookie=0x1/0x3,actions=drop", "cookie mask");
    refused("table=0,actions=mod_tp_dst:5", "OpenFlow 1.4");
}

static void
flow_that_is_too_long_is_refused(void **state)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&ds, "table=22,priority=1,actions=output:1");
    for (int i = 0; i < 1100; i++) {
        ds_put_format(&ds, ",output:%d", i + 2);
    }
    refused(ds_cstr(&ds), "at most 16384");
    while (ds.length <= 32768) {
        ds_put_format(&ds, ",output:5");
    }
    refused(ds_cstr(&ds), "characters");
    ds_destroy(&ds);
}

/* --- the canonical form --------------------------------------------------------------------- */

static void
same(const char *a_text, const char *b_text)
{
    AUTO(nt_flow) a = parsed(a_text);
    AUTO(nt_flow) b = parsed(b_text);

    if (!nt_flow_is_same(a, b) || nt_flow_hash(a) != nt_flow_hash(b) || !nt_flow_does_same(a, b)) {
        AUTO_FREE char *a_out = formatted(a);
        AUTO_FREE char *b_out = formatted(b);
        fail_msg("%s is not %s", a_out, b_out);
    }
}

static void
differs(const char *a_text, const char *b_text, bool is_same, bool does_same)
{
    AUTO(nt_flow) a = parsed(a_text);
    AUTO(nt_flow) b = parsed(b_text);

    assert_int_equal(nt_flow_is_same(a, b), is_same);
    assert_int_equal(nt_flow_does_same(a, b), does_same);
}

static void
other_words_for_the_same_give_the_same_bytes(void **state)
{
    same("dl_vlan=5,actions=drop", "vlan_tci=0x1005/0x1fff,actions=drop");
    same("dl_vlan=5,actions=drop", "vlan_vid=0x1005,actions=");
    same("dl_vlan=0xffff,actions=drop", "vlan_tci=0/0x1fff,actions=drop");
    same("dl_type=0x0806,in_port=2,actions=drop", "in_port=2,arp,actions=drop");
    same("ip,nw_src=10.0.0.7/24,actions=drop", "ip,nw_src=10.0.0.0/255.255.255.0,actions=drop");
    same("arp,arp_spa=10.9.0.77/24,actions=1", "arp,arp_spa=10.9.0.0/24,actions=output:1");
    same("arp,arp_spa=0.0.0.0/0,actions=1", "arp,actions=output:1");
    same("icmp6,icmp_type=136,nd_target=fd00::9/64,actions=1",
         "icmp6,icmp_type=136,nd_target=fd00::/64,actions=1");
    same("dl_dst=01:00:5e:00:00:01/01:00:00:00:00:00,actions=1",
         "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,actions=1");
    same("dl_vlan=7,actions=mod_vlan_vid:5,1", "dl_vlan=7,actions=set_field:4101->vlan_vid,1");
    same("dl_vlan=7,actions=strip_vlan,1", "dl_vlan=7,actions=pop_vlan,output:1");
    same("actions=set_tunnel:0x64,1", "actions=set_field:100->tun_id,1");
    same("actions=mod_dl_src:fa:16:3e:00:00:01,1",
         "actions=set_field:fa:16:3e:00:00:01->eth_src,1");
    same("cookie=0x1,actions=normal", "cookie=0x2,actions=NORMAL");
}

static void
what_identifies_and_what_may_be_modified(void **state)
{
    differs("table=1,in_port=2,actions=1", "table=1,in_port=2,actions=2", true, false);
    differs("table=1,in_port=2,actions=1", "table=1,in_port=3,actions=1", false, true);
    differs("table=1,in_port=2,actions=1", "table=2,in_port=2,actions=1", false, true);
    differs("in_port=2,priority=1,actions=1", "in_port=2,priority=2,actions=1", false, true);
    differs("in_port=2,hard_timeout=1,actions=1", "in_port=2,actions=1", true, false);
    differs("in_port=2,idle_timeout=1,actions=1", "in_port=2,actions=1", true, false);
    differs("in_port=2,actions=1,2", "in_port=2,actions=2,1", true, false);
}

/* A shape: what is formatted is read as the same flow again. */
static void
shape(const char *text)
{
    AUTO(nt_flow) flow = parsed(text);
    AUTO_FREE char *once = formatted(flow);
    AUTO(nt_flow) again = parsed(once);
    AUTO_FREE char *twice = formatted(again);
    AUTO(nt_flow) clone = nt_flow_clone(flow);

    assert_string_equal(once, twice);
    assert_true(nt_flow_is_same(flow, again) && nt_flow_does_same(flow, again));
    assert_true(nt_flow_is_same(flow, clone) && nt_flow_does_same(flow, clone));
}

static void
every_shape_survives_its_own_text(void **state)
{
    FILE *f = fopen(NT_SOURCE_DIR "/tests/golden/flows/shapes.flows", "re");
    char line[1024];
    int n = 0;

    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        if (*line && *line != '#') {
            shape(line);
            n++;
        }
    }
    assert_int_equal(fclose(f), 0);
    assert_true(n > 100);
}

static void
port_that_is_matched_is_told(void **state)
{
    static const struct {
        const char *text;
        uint32_t in_port;
    } cases[] = { { "table=0,priority=2,in_port=5,actions=drop", 5 },
                  { "table=24,icmp6,in_port=65000,icmp_type=136,actions=drop", 65000 },
                  { "table=60,priority=3,actions=NORMAL", 0 } };

    (void) state;
    for (size_t i = 0; i < NT_ARRAY_SIZE(cases); i++) {
        AUTO(nt_flow) flow = NULL;
        struct nt_err err = { 0 };

        assert_int_equal(nt_flow_parse(cases[i].text, &flow, &err), 0);
        assert_int_equal(nt_flow_in_port(flow), cases[i].in_port);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port_that_is_matched_is_told),
        cmocka_unit_test(head_of_a_flow_is_kept),
        cmocka_unit_test(table_is_0_and_priority_32768_when_not_said),
        cmocka_unit_test(what_cannot_be_kept_is_refused),
        cmocka_unit_test(flow_that_is_too_long_is_refused),
        cmocka_unit_test(other_words_for_the_same_give_the_same_bytes),
        cmocka_unit_test(what_identifies_and_what_may_be_modified),
        cmocka_unit_test(every_shape_survives_its_own_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
