/* Bridges and the patches between them. */
#include <config.h>

#include "agent/wiring/wiring_fixture.h"

static void
tell_bridge(struct recorder *self, const char *name, bool is_there)
{
    const struct nt_ovs_bridge bridge = { .name = name, .external_bridge_id = "" };

    wiring_bridge_seen(self->wiring, name, is_there ? &bridge : NULL);
}

static int
set_up_bridges(void **state)
{
    set_up_world(state);
    struct recorder *r = *state;

    tell_bridge(r, "br-int", true);
    tell_bridge(r, "br-phys", true);
    tell_bridge(r, "br-tun", true);
    wiring_run(r->wiring);
    ds_clear(&r->patches);
    return 0;
}

static void
a_bridge_that_takes_no_flows_holds_up_no_other(void **state)
{
    struct recorder *r = *state;

    r->bad_bridge = "br-phys";
    see_bridges(r);
    settle(r);
    assert_string_equal(ds_cstr(&r->patches), "patch-tun to patch-int\npatch-int to patch-tun\n");
    r->bad_bridge = NULL;
    ds_clear(&r->patches);
    settle(r);
    assert_string_equal(ds_cstr(&r->patches),
                        "int-br-phys to phy-br-phys\nphy-br-phys to int-br-phys\n");
}

static void
a_bridge_that_is_gone_takes_its_flows_along(void **state)
{
    struct recorder *r = *state;

    see_bridges(r);
    settle(r);
    assert_string_not_equal(flows_of(r, "bridge br-phys"), "");

    /* Without its patch a bridge goes on serving others. */
    wiring_port_seen(r->wiring, "phy-br-phys", NULL, NULL, false);
    settle(r);
    assert_string_not_equal(flows_of(r, "bridge br-phys"), "");
    tell_bridge(r, "br-phys", false);
    settle(r);
    assert_string_equal(flows_of(r, "bridge br-phys"), "");
    assert_string_not_equal(flows_of(r, "bridge br-tun"), "");

    /* And what is new is joined when its flows are in. */
    r->bad_bridge = "br-phys";
    tell_bridge(r, "br-phys", true);
    ds_clear(&r->patches);
    see(r, "br-phys", "phy-br-phys", 7, "patch");
    settle(r);
    assert_string_not_equal(flows_of(r, "bridge br-phys"), "");
    assert_string_equal(ds_cstr(&r->patches), "");
    r->bad_bridge = NULL;
    settle(r);
    assert_string_equal(ds_cstr(&r->patches),
                        "int-br-phys to phy-br-phys\nphy-br-phys to int-br-phys\n");
}

static void
a_port_that_has_a_patchs_name_becomes_one(void **state)
{
    struct recorder *r = *state;

    see(r, "br-int", "int-br-phys", 1, "patch");
    see(r, "br-phys", "phy-br-phys", 2, "patch");
    see(r, "br-int", "patch-tun", -1, "");
    see(r, "br-tun", "patch-int", 4, "patch");
    wiring_run(r->wiring);
    assert_string_equal(ds_cstr(&r->patches), "patch-tun to nonexistent-peer\n");
    assert_false(wiring_is_set_up(r->wiring));
    see(r, "br-int", "patch-tun", 3, "patch");
    settle(r);
    assert_true(wiring_is_set_up(r->wiring));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up_bridges, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_bridge_that_takes_no_flows_holds_up_no_other),
        T(a_bridge_that_is_gone_takes_its_flows_along),
        cmocka_unit_test_setup_teardown(a_port_that_has_a_patchs_name_becomes_one, set_up_world,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
