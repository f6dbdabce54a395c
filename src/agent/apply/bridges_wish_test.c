#include <config.h>

#include "agent/apply/bridges_wish.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

static const struct nt_ovs_kv pairs[] = { { "a", "1" }, { "b", NULL }, { NULL, NULL } };
static const struct nt_ovs_kv other_pairs[] = { { "a", "1" }, { "b", "2" }, { NULL, NULL } };
static const struct nt_ovs_kv no_pairs[] = { { NULL, NULL } };
static const char *const protocols[] = { "OpenFlow13", NULL };

static struct nt_ovs_port_want
some_port(void)
{
    return (struct nt_ovs_port_want){
        .bridge = "br-int",
        .name = "tap0",
        .type = "internal",
        .tag = 5,
        .options = pairs,
        .policing_kbps = -1,
        .policing_burst_kb = -1,
    };
}

static void
a_wish_owns_what_it_was_told(void **state NT_UNUSED)
{
    AUTO(wish) w = wish_new(WISH_PORT, "tap0");
    struct nt_ovs_port_want want = some_port();
    char bridge[] = "br-int";

    want.bridge = bridge;
    assert_true(wish_set_port(w, &want));
    memset(bridge, 'x', 3);
    assert_string_equal(w->port.bridge, "br-int");
    assert_string_equal(w->port.name, "tap0");
    assert_null(w->port.options[1].value);
    assert_null(w->port.options[2].key);
}

static void
the_same_again_is_no_news(void **state NT_UNUSED)
{
    AUTO(wish) w = wish_new(WISH_PORT, "tap0");
    struct nt_ovs_port_want want = some_port();

    assert_true(wish_set_port(w, &want));
    assert_false(wish_set_port(w, &want));
    want.options = other_pairs;
    assert_true(wish_set_port(w, &want));
    want.options = no_pairs;
    assert_true(wish_set_port(w, &want));
    want.options = NULL;
    assert_true(wish_set_port(w, &want));
    want.tag = 6;
    assert_true(wish_set_port(w, &want));
    want.type = NULL;
    assert_true(wish_set_port(w, &want));
    assert_false(wish_set_port(w, &want));
}

static void
a_port_that_shall_go_may_be_wanted_again(void **state NT_UNUSED)
{
    AUTO(wish) w = wish_new(WISH_PORT, "tap0");
    struct nt_ovs_port_want want = some_port();

    wish_set_port(w, &want);
    assert_true(wish_set_no_port(w));
    assert_false(wish_set_no_port(w));
    assert_true(w->is_once);
    assert_true(wish_set_port(w, &want));
    assert_false(w->is_once);
}

static void
bridges_are_compared_whole(void **state NT_UNUSED)
{
    AUTO(wish) w = wish_new(WISH_BRIDGE, "br-int");
    struct nt_ovs_bridge_want want = { .name = "br-int", .protocols = protocols };

    assert_true(wish_set_bridge(w, &want));
    assert_false(wish_set_bridge(w, &want));
    want.controller = "tcp:127.0.0.1:6633";
    assert_true(wish_set_bridge(w, &want));
    want.protocols = NULL;
    assert_true(wish_set_bridge(w, &want));
    assert_false(wish_set_bridge(w, &want));
}

static void
no_limit_is_wanted_once(void **state NT_UNUSED)
{
    AUTO(wish) w = wish_new(WISH_QOS, "tap0");

    assert_true(wish_set_qos(w, 0, 0));
    assert_true(w->is_once);
    assert_false(wish_set_qos(w, 0, 0));
    assert_true(wish_set_qos(w, 1000, 800));
    assert_false(w->is_once);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wish_owns_what_it_was_told),
        cmocka_unit_test(the_same_again_is_no_news),
        cmocka_unit_test(a_port_that_shall_go_may_be_wanted_again),
        cmocka_unit_test(bridges_are_compared_whole),
        cmocka_unit_test(no_limit_is_wanted_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
