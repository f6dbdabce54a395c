#include <config.h>

#include "agent/model/lvlan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int
hold(struct lvlans *lvlans, const char *network, const char *segmentation)
{
    struct nt_err err;
    int lvid = lvlans_hold(lvlans, network, segmentation, &err);

    assert_true(lvid > 0);
    return lvid;
}

static void
network_has_one_tag_until_its_last_port_goes(void **state)
{
    AUTO(lvlans) lvlans = lvlans_new();

    assert_int_equal(lvlans_find(lvlans, "a", "100"), 0);
    assert_int_equal(hold(lvlans, "a", "100"), 1);
    assert_int_equal(hold(lvlans, "a", "100"), 1);
    assert_int_equal(hold(lvlans, "b", "100"), 2);
    assert_int_equal(hold(lvlans, "a", "101"), 3);
    assert_int_equal(hold(lvlans, "a", "None"), 4);

    lvlans_drop(lvlans, "a", "100");
    assert_int_equal(lvlans_find(lvlans, "a", "100"), 1);
    lvlans_drop(lvlans, "a", "100");
    assert_int_equal(lvlans_find(lvlans, "a", "100"), 0);
    lvlans_drop(lvlans, "a", "100");
    assert_int_equal(lvlans_n(lvlans), 3);
    assert_int_equal(hold(lvlans, "c", "7"), 5);
}

static void
hinted_tag_is_kept_for_its_network(void **state)
{
    AUTO(lvlans) lvlans = lvlans_new();

    assert_true(lvlans_hint(lvlans, "p1", "a", "100", 1));
    assert_int_equal(lvlans_find(lvlans, "a", "100"), 0);
    assert_int_equal(hold(lvlans, "b", "200"), 2);
    assert_int_equal(hold(lvlans, "a", "100"), 1);

    /* The port of the hint is wired, holds, and goes. */
    lvlans_unhint(lvlans, "p1");
    assert_int_equal(lvlans_find(lvlans, "a", "100"), 1);
    lvlans_drop(lvlans, "a", "100");
    assert_true(lvlans_hint(lvlans, "p2", "c", "300", 1)); /* It came with it. */
    assert_int_equal(hold(lvlans, "c", "300"), 1);
}

static void
tag_rests_until_the_switch_has_taken_it_from_ports(void **state)
{
    AUTO(lvlans) lvlans = lvlans_new();
    struct nt_err err;
    char name[32];

    for (int i = 1; i < LVLAN_LAST; i++) {
        snprintf(name, sizeof name, "net-%d", i);
        assert_int_equal(hold(lvlans, name, "None"), i);
    }
    lvlans_drop(lvlans, "net-9", "None");
    lvlans_drop(lvlans, "net-7", "None");
    assert_int_equal(hold(lvlans, "x", "1"), LVLAN_LAST);
    assert_int_equal(lvlans_hold(lvlans, "y", "1", &err), -1);

    assert_true(lvlans_rested(lvlans));
    assert_false(lvlans_rested(lvlans));
    assert_int_equal(hold(lvlans, "y", "1"), 9); /* Given up first. */
    lvlans_drop(lvlans, "y", "1");
    assert_true(lvlans_rested(lvlans));
    assert_int_equal(hold(lvlans, "z", "1"), 7);
}

static void
first_hint_wins(void **state)
{
    AUTO(lvlans) lvlans = lvlans_new();

    assert_true(lvlans_hint(lvlans, "p1", "a", "100", 5));
    assert_true(lvlans_hint(lvlans, "p2", "a", "100", 5));
    assert_false(lvlans_hint(lvlans, "p3", "a", "100", 6));
    assert_false(lvlans_hint(lvlans, "p4", "b", "200", 5));
    assert_int_equal(lvlans_n(lvlans), 1);

    /* It stays as long as one of the ports that have it. */
    lvlans_unhint(lvlans, "p3");
    lvlans_unhint(lvlans, "p1");
    lvlans_unhint(lvlans, "p1");
    assert_int_equal(lvlans_n(lvlans), 1);
    lvlans_unhint(lvlans, "p2");
    assert_int_equal(lvlans_n(lvlans), 0);
    assert_true(lvlans_hint(lvlans, "p4", "b", "200", 5));
}

static void
later_hint_of_a_port_takes_the_place_of_the_first(void **state)
{
    AUTO(lvlans) lvlans = lvlans_new();

    assert_true(lvlans_hint(lvlans, "p1", "a", "100", 5));
    assert_true(lvlans_hint(lvlans, "p1", "a", "100", 6));
    assert_int_equal(lvlans_n(lvlans), 1);
    assert_int_equal(hold(lvlans, "a", "100"), 6);
}

static void
dead_vlan_is_no_hint(void **state)
{
    AUTO(lvlans) lvlans = lvlans_new();

    assert_false(lvlans_hint(lvlans, "p1", "a", "100", 4095));
    assert_false(lvlans_hint(lvlans, "p1", "a", "100", 0));
    assert_false(lvlans_hint(lvlans, "p1", "a", "100", -1));
    assert_int_equal(lvlans_n(lvlans), 0);
}

static void
hint_of_a_held_network_counts(void **state)
{
    AUTO(lvlans) lvlans = lvlans_new();

    assert_int_equal(hold(lvlans, "a", "100"), 1);
    assert_false(lvlans_hint(lvlans, "p2", "b", "200", 1));
    assert_true(lvlans_hint(lvlans, "p1", "a", "100", 1));
    lvlans_drop(lvlans, "a", "100");
    assert_int_equal(lvlans_find(lvlans, "a", "100"), 0);
    assert_int_equal(hold(lvlans, "b", "200"), 2);
    assert_int_equal(hold(lvlans, "a", "100"), 1);
}

static void
all_tags_taken_is_told(void **state)
{
    AUTO(lvlans) lvlans = lvlans_new();
    struct nt_err err = { 0 };
    char name[32];

    for (int i = 1; i < LVLAN_LAST; i++) {
        snprintf(name, sizeof name, "net-%d", i);
        assert_int_equal(hold(lvlans, name, "None"), i);
    }
    assert_true(lvlans_hint(lvlans, "p1", "hinted", "None", LVLAN_LAST));
    assert_int_equal(lvlans_hold(lvlans, "one-more", "12", &err), -1);
    assert_int_equal(err.code, NT_EXHAUSTED);
    assert_string_equal(err.msg, "no local VLAN for network one-more (segmentation id 12): all of "
                                 "1 to 4094 are taken by networks with ports on this host");

    lvlans_drop(lvlans, "net-77", "None");
    assert_true(lvlans_rested(lvlans));
    assert_int_equal(lvlans_hold(lvlans, "one-more", "12", &err), 77);
}

static void
segmentation_id_changes_with_tag_and_ports(void **state)
{
    AUTO(lvlans) lvlans = lvlans_new();

    assert_int_equal(hold(lvlans, "a", "100"), 1);
    assert_int_equal(hold(lvlans, "a", "100"), 1);
    assert_int_equal(lvlans_move(lvlans, "a", "100", "200"), 1);
    assert_int_equal(lvlans_find(lvlans, "a", "100"), 0);
    assert_int_equal(lvlans_find(lvlans, "a", "200"), 1);
    assert_int_equal(lvlans_move(lvlans, "a", "200", "200"), 1);
    assert_int_equal(lvlans_move(lvlans, "a", "100", "300"), 0);

    assert_int_equal(hold(lvlans, "a", "300"), 2);
    assert_int_equal(lvlans_move(lvlans, "a", "200", "300"), 0);
    assert_int_equal(lvlans_find(lvlans, "a", "200"), 1);

    lvlans_drop(lvlans, "a", "200");
    lvlans_drop(lvlans, "a", "200");
    assert_int_equal(lvlans_n(lvlans), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(network_has_one_tag_until_its_last_port_goes),
        cmocka_unit_test(hinted_tag_is_kept_for_its_network),
        cmocka_unit_test(tag_rests_until_the_switch_has_taken_it_from_ports),
        cmocka_unit_test(first_hint_wins),
        cmocka_unit_test(later_hint_of_a_port_takes_the_place_of_the_first),
        cmocka_unit_test(dead_vlan_is_no_hint),
        cmocka_unit_test(hint_of_a_held_network_counts),
        cmocka_unit_test(all_tags_taken_is_told),
        cmocka_unit_test(segmentation_id_changes_with_tag_and_ports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
