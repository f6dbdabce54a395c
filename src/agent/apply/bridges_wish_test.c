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

static bool
want_queue(struct wish *w, const char *port_id, int64_t number, int64_t min_kbps)
{
    return wish_set_queue(w, port_id, &(struct nt_ovs_queue){ number, min_kbps });
}

static void
a_number_is_of_one_port(void **state NT_UNUSED)
{
    AUTO(wish) w = wish_new(WISH_QUEUES, "all");
    const struct shash *queues = &w->queues.queues;

    assert_false(want_queue(w, "a", 0, 0));
    assert_true(want_queue(w, "a", 5, 1000));
    assert_true(want_queue(w, "b", 6, 1000));
    assert_false(want_queue(w, "a", 5, 1000));
    assert_true(want_queue(w, "a", 5, 2000));
    assert_int_equal(((struct nt_ovs_queue *) shash_find_data(queues, "a"))->min_kbps, 2000);

    /* They change places, one after the other. */
    assert_true(want_queue(w, "a", 6, 2000));
    assert_null(shash_find(queues, "b"));
    assert_true(want_queue(w, "b", 5, 1000));
    assert_int_equal(shash_count(queues), 2);
    assert_true(want_queue(w, "a", 0, 0));
    assert_int_equal(shash_count(queues), 1);
}

static void
uplinks_are_wanted_once(void **state NT_UNUSED)
{
    AUTO(wish) w = wish_new(WISH_QUEUES, "all");

    assert_false(wish_set_uplink(w, "eth0", false));
    assert_true(wish_set_uplink(w, "eth0", true));
    assert_false(wish_set_uplink(w, "eth0", true));
    assert_true(wish_set_uplink(w, "eth0", false));
    assert_true(wish_set_whole(w));
    assert_false(wish_set_whole(w));
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
        cmocka_unit_test(a_number_is_of_one_port),
        cmocka_unit_test(uplinks_are_wanted_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
