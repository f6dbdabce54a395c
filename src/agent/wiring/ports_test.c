/* What each port shall be, from what is seen and told of it. */
#include <config.h>

#include "agent/wiring/wiring_fixture.h"

#define OWNER_0 "port 00000000-aaaa-0000-0000-000000000000"

static void
a_port_is_dead_until_the_server_answers(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    plug(r, 0);
    settle(r);
    assert_int_equal(w->ports[0].tag, 4095);
    assert_non_null(strstr(flows_of(r, OWNER_0), "in_port=10"));
    assert_string_equal(ds_cstr(&r->log), "");

    tell(r, 0, 0, true);
    settle(r);
    assert_in_range(w->ports[0].tag, 1, 4094);
    assert_string_equal(ds_cstr(&r->log), "up 00000000\n");
    assert_non_null(shash_find(&r->flows, "network 11111111-0000-0000-0000-000000000000/100"));

    /* The server still has it down: it is told again. */
    tell(r, 0, 0, true);
    settle(r);
    assert_string_equal(ds_cstr(&r->log), "up 00000000\nup 00000000\n");

    tell(r, 0, 0, false);
    settle(r);
    assert_int_equal(w->ports[0].tag, 4095);
    assert_null(shash_find(&r->flows, "network 11111111-0000-0000-0000-000000000000/100"));

    w->ports[0].is_plugged = false;
    see_vif(r, 0);
    settle(r);
    assert_string_equal(flows_of(r, OWNER_0), "");
}

static void
a_port_from_before_is_left_until_the_server_answers(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    w->ports[0].tag = 7;
    strcpy(w->ports[0].net_uuid, networks[0]);
    strcpy(w->ports[0].segmentation, "100");
    strcpy(w->ports[0].memory_tag, "7");
    plug(r, 0);
    settle(r);
    assert_int_equal(w->ports[0].tag, 7);
    assert_false(wiring_is_complete(r->wiring));

    tell(r, 0, 0, true);
    settle(r);
    assert_int_equal(w->ports[0].tag, 7);
    assert_true(wiring_is_complete(r->wiring));

    /* Once it is gone its tag is free. */
    assert_int_equal(lvlans_n(wiring_model(r->wiring)->lvlans), 1);
    w->ports[0].is_plugged = false;
    see_vif(r, 0);
    settle(r);
    assert_int_equal(lvlans_n(wiring_model(r->wiring)->lvlans), 0);
}

static void
a_port_gets_its_tag_behind_its_guards(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    plug(r, 0);
    tell(r, 0, 0, true);
    wiring_run(r->wiring);
    wiring_open_ready(r->wiring, never, NULL);
    assert_string_not_equal(flows_of(r, OWNER_0), "");
    assert_int_equal(w->ports[0].tag, 0); /* No tag is wished yet. */
    wiring_open_ready(r->wiring, is_in, NULL);
    assert_in_range(w->ports[0].tag, 1, 4094);

    /* Plugged anew it is closed at once, and opened behind its guards. */
    see_vif(r, 0);
    w->ports[0].ofport = 0;
    see_vif(r, 0);
    wiring_run(r->wiring);
    assert_int_equal(w->ports[0].tag, 4095);
}

static void
a_port_that_comes_back_waits_for_its_guards_whatever_tag_is_seen(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    plug(r, 0);
    tell(r, 0, 0, true);
    settle(r);

    /* It is closed and wanted again before the switch has closed it. */
    tell(r, 0, 0, false);
    wiring_run(r->wiring);
    tell(r, 0, 0, true);
    wiring_run(r->wiring);
    wiring_open_ready(r->wiring, never, NULL);
    assert_int_equal(w->ports[0].tag, 4095);
    settle(r);
    assert_in_range(w->ports[0].tag, 1, 4094);

    w->ports[0].ofport = 77; /* The interface was made anew. */
    see_vif(r, 0);
    wiring_run(r->wiring);
    wiring_open_ready(r->wiring, never, NULL);
    assert_int_equal(w->ports[0].tag, 4095);
}

static void
a_port_that_is_plugged_twice_has_one_interface(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    strcpy(w->ports[1].id, w->ports[0].id);
    plug(r, 0);
    tell(r, 0, 0, true);
    settle(r);
    plug(r, 1);
    for (int i = 0; i < 3; i++) {
        settle(r);
        assert_int_equal(w->ports[0].tag, 4095);
        assert_non_null(strstr(flows_of(r, OWNER_0), "in_port=11"));
    }
    assert_in_range(w->ports[1].tag, 1, 4094);
    assert_string_equal(ds_cstr(&r->log), "up 00000000\ndown 00000000\nup 00000000\n");

    w->ports[1].is_plugged = false;
    see_vif(r, 1);
    settle(r);
    assert_in_range(w->ports[0].tag, 1, 4094);
    assert_non_null(strstr(flows_of(r, OWNER_0), "in_port=10"));
}

static void
of_two_interfaces_from_before_the_one_in_use_stays(void **state)
{
    for (int left_over = 0; left_over < 2; left_over++) {
        set_up(state);
        struct recorder *r = *state;
        struct world *w = r->world;
        int used = !left_over;

        strcpy(w->ports[1].id, w->ports[0].id);
        w->ports[left_over].tag = 4095;
        w->ports[used].tag = 7;
        strcpy(w->ports[used].net_uuid, networks[0]);
        strcpy(w->ports[used].segmentation, "100");
        strcpy(w->ports[used].memory_tag, "7");
        plug(r, 0);
        plug(r, 1);
        wiring_all_seen(r->wiring);
        settle(r);
        tell(r, 0, 0, true);
        settle(r);
        assert_int_equal(w->ports[used].tag, 7);
        assert_int_equal(w->ports[left_over].tag, 4095);
        tear_down(state);
    }
}

static void
what_is_no_port_any_more_is_closed_and_left_alone(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    plug(r, 0);
    tell(r, 0, 0, true);
    settle(r);

    see_bare(r, 0);
    assert_int_equal(w->ports[0].tag, 4095);
    assert_int_equal(r->n_forgotten, 0);
    see_bare(r, 0);
    assert_int_equal(r->n_forgotten, 1);

    w->ports[0].tag = 12; /* Its user's. */
    see_bare(r, 0);
    wiring_run(r->wiring);
    assert_int_equal(w->ports[0].tag, 12);
}

static void
a_port_without_a_local_vlan_gets_one_that_comes_free(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;
    struct lvlans *lvlans;
    struct nt_err err;

    lvlans = wiring_model(r->wiring)->lvlans;
    for (int i = LVLAN_FIRST; i <= LVLAN_LAST; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        assert_true(lvlans_hold(lvlans, name, "None", &err) > 0);
    }
    plug(r, 0);
    tell(r, 0, 0, true);
    settle(r);
    assert_int_equal(w->ports[0].tag, 4095);

    lvlans_drop(lvlans, "9", "None");
    settle(r);
    assert_int_equal(w->ports[0].tag, 4095); /* The switch may still have it on a port. */
    wiring_rows_settled(r->wiring);
    settle(r);
    assert_int_equal(w->ports[0].tag, 9);
}

static bool
has_flows_of_10(void *aux, int64_t ofport)
{
    (void) aux;
    return ofport == 10;
}

/* Ports 0 and 1 are guarded, 2 needs no guards, 3 and 4 are another agent's; 0 and 3 have flows. */
static int
set_up_restored(void **state)
{
    static const char *const guards[] = { "flows", "flows", "none", "", "" };

    set_up(state);
    struct recorder *r = *state;
    struct world *w = r->world;

    for (int i = 0; i < 5; i++) {
        w->ports[i].tag = 7;
        w->ports[i].ofport = i == 0 || i == 3 ? 10 : 20 + i;
        strcpy(w->ports[i].net_uuid, networks[0]);
        strcpy(w->ports[i].segmentation, "100");
        strcpy(w->ports[i].memory_tag, "7");
        strcpy(w->ports[i].guards, guards[i]);
        plug(r, i);
    }
    return 0;
}

static void
judge(struct recorder *r, bool is_kept, bool is_odd)
{
    const struct wiring_installed found = { has_flows_of_10, is_kept, is_odd, NULL };

    wiring_judge_restored(r->wiring, &found);
    settle(r);
}

static void
kept(const struct world *w, const char *wanted)
{
    char tags[6] = "";

    for (int i = 0; i < 5; i++) {
        tags[i] = w->ports[i].tag == 7 ? 'y' : w->ports[i].tag == 4095 ? 'n' : '?';
    }
    assert_string_equal(tags, wanted);
}

static void
tell_number(struct recorder *self, int network, int64_t number)
{
    struct nt_vo_network *told = (struct nt_vo_network *) nt_vo_new(&nt_vo_network_type);
    struct nt_vo_segment *segment = xzalloc(sizeof *segment);

    ovs_strlcpy(told->id, networks[network], sizeof told->id);
    ovs_strlcpy(segment->network_type, types[network], sizeof segment->network_type);
    ovs_strlcpy(segment->physical_network, network ? "" : "physnet1",
                sizeof segment->physical_network);
    segment->segmentation_id = number;
    nt_vo_complete(&segment->vo, &nt_vo_segment_type);
    told->segments = segment;
    told->n_segments = 1;
    nt_vo_complete(&told->vo, &nt_vo_network_type);
    nt_vo_free(self->world->network ? &self->world->network->vo : NULL);
    self->world->network = told;
    wiring_network_told(self->wiring, told->id);
}

static void
a_network_with_another_number_keeps_its_local_vlan(void **state)
{
    static const char before[] = "network 11111111-0000-0000-0000-000000000000/100";
    static const char after[] = "network 11111111-0000-0000-0000-000000000000/200";
    struct recorder *r = *state;
    struct world *w = r->world;

    for (int i = 0; i < 2; i++) {
        plug(r, i);
        tell(r, i, 0, true);
    }
    settle(r);
    settle(r);
    int tag = w->ports[0].tag;
    AUTO_FREE char *guards = xstrdup(flows_of(r, OWNER_0));
    assert_non_null(strstr(flows_of(r, before), "100"));

    tell_number(r, 0, 200);
    wiring_run(r->wiring);
    wiring_open_ready(r->wiring, is_in, r);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(w->ports[i].tag, tag);
        assert_string_equal(w->ports[i].segmentation, "200");
    }
    assert_string_equal(flows_of(r, OWNER_0), guards);
    assert_string_equal(flows_of(r, before), "");
    assert_non_null(strstr(flows_of(r, after), "200"));
    assert_null(strstr(flows_of(r, after), "100"));
    assert_string_equal(ds_cstr(&r->log), "up 00000000\nup 00000001\n");

    /* With its last port it goes, under the number of today. */
    for (int i = 0; i < 2; i++) {
        w->ports[i].is_plugged = false;
        see_vif(r, i);
    }
    settle(r);
    assert_string_equal(flows_of(r, after), "");
    assert_int_equal(lvlans_n(wiring_model(r->wiring)->lvlans), 0);
}

static void
a_port_from_before_is_not_trusted_without_flows(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    judge(r, true, false);
    kept(w, "ynyyy");

    /* Flows of a port that is not there: of one that has another number now. */
    judge(r, true, true);
    kept(w, "ynyyn");
    judge(r, false, false);
    kept(w, "nnnnn");
}

static void
a_port_from_before_is_not_trusted_with_another_number(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    judge(r, true, false);
    w->ports[0].ofport = 11;
    w->ports[2].ofport = 12;
    settle(r);
    kept(w, "nnnyy");
    assert_non_null(strstr(flows_of(r, OWNER_0), "in_port=11"));
}

static void
what_a_port_needs_is_remembered(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    for (int i = 0; i < 2; i++) {
        plug(r, i);
        tell(r, i, 0, true);
    }
    ovs_strlcpy(w->told[1]->device_owner, "network:dhcp", sizeof w->told[1]->device_owner);
    settle(r);
    assert_string_equal(w->ports[0].guards, "flows");
    assert_string_equal(w->ports[1].guards, "none");
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define R(name) cmocka_unit_test_setup_teardown(name, set_up_restored, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_port_is_dead_until_the_server_answers),
        T(a_port_from_before_is_left_until_the_server_answers),
        T(a_port_gets_its_tag_behind_its_guards),
        T(a_port_that_comes_back_waits_for_its_guards_whatever_tag_is_seen),
        T(a_port_that_is_plugged_twice_has_one_interface),
        cmocka_unit_test(of_two_interfaces_from_before_the_one_in_use_stays),
        T(what_is_no_port_any_more_is_closed_and_left_alone),
        T(a_port_without_a_local_vlan_gets_one_that_comes_free),
        T(a_network_with_another_number_keeps_its_local_vlan),
        R(a_port_from_before_is_not_trusted_without_flows),
        R(a_port_from_before_is_not_trusted_with_another_number),
        T(what_a_port_needs_is_remembered),
    };

    return cmocka_run_group_tests_name("agent/wiring/ports", tests, NULL, NULL);
}
