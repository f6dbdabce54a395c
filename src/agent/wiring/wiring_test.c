/* Forwarding entries; and what wishes become step by step is what a fresh one wants. */
#include <config.h>

#include "agent/wiring/wiring_fixture.h"

static void
a_mac_that_moves_is_behind_one_tunnel(void **state)
{
    static const char owner[] = "mac 22222222-0000-0000-0000-000000000000/101 fa:16:3e:00:01:00";
    struct recorder *r = *state;

    plug(r, 0);
    tell(r, 0, 1, true);
    settle(r);
    assert_string_equal(ds_cstr(&r->log), "up 00000000 refresh\n");
    tell_entry(r, 0, -1, true);
    tell_entry(r, 0, 0, true);
    settle(r);
    wiring_tables_told(r->wiring);
    settle(r);

    char *before = xstrdup(flows_of(r, owner));
    assert_string_not_equal(before, "");
    tell_entry(r, 1, 0, true);  /* It is there first... */
    tell_entry(r, 0, 0, false); /* ...and then not here any more. */
    settle(r);
    settle(r);
    assert_string_not_equal(flows_of(r, owner), "");
    assert_string_not_equal(flows_of(r, owner), before);
    free(before);
}

/* A vxlan network with a port here and one table: the flood and a MAC behind the first host, a
 * MAC behind the second. */
static int
set_up_table(void **state)
{
    set_up(state);
    struct recorder *r = *state;

    plug(r, 0);
    tell(r, 0, 1, true);
    settle(r);
    tell_entry(r, 0, -1, true);
    tell_entry(r, 0, 0, true);
    tell_entry(r, 1, 1, true);
    end_table(r);
    wiring_ask_again(r->wiring);
    wiring_tables_told(r->wiring);
    settle(r);
    settle(r);
    ds_clear(&r->log);
    return 0;
}

#define MAC_OWNER(i) "mac 22222222-0000-0000-0000-000000000000/101 fa:16:3e:00:01:0" i

static void
after_the_broker_was_away_holes_and_leftovers_are_closed(void **state)
{
    struct recorder *r = *state;

    assert_string_not_equal(flows_of(r, MAC_OWNER("1")), "");
    wiring_doubt(r->wiring);
    settle(r);
    assert_string_equal(ds_cstr(&r->log), "up 00000000 refresh\n");

    /* Without the MAC of the second host, with one more of the first. */
    tell_entry(r, 0, -1, true);
    tell_entry(r, 0, 0, true);
    tell_entry(r, 0, 2, true);
    end_table(r);
    wiring_ask_again(r->wiring);
    wiring_tables_told(r->wiring);
    settle(r);
    assert_string_not_equal(flows_of(r, MAC_OWNER("0")), "");
    assert_string_equal(flows_of(r, MAC_OWNER("1")), "");
    assert_string_not_equal(flows_of(r, MAC_OWNER("2")), "");
    assert_non_null(strstr(ds_cstr(&r->log), "no port vxlan-0a000003"));

    /* Nobody else has the network now: the table is empty, so none is sent. */
    wiring_doubt(r->wiring);
    settle(r);
    end_table(r);
    wiring_tables_told(r->wiring);
    settle(r);
    assert_string_equal(flows_of(r, MAC_OWNER("0")), "");
    assert_string_equal(flows_of(r, MAC_OWNER("2")), "");
}

/* All agents come back at the same time: what the server knows is not told to it again. */
static void
after_the_broker_was_away_one_port_of_a_tunnel_network_is_reported(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    plug(r, 1);
    tell(r, 1, 1, true);
    plug(r, 2);
    tell(r, 2, 0, true);
    settle(r);
    ds_clear(&r->log);
    wiring_doubt(r->wiring);
    settle(r);
    assert_string_equal(ds_cstr(&r->log), "up 00000000 refresh\n");

    /* What it has as down is. */
    ovs_strlcpy(w->told[0]->status, "ACTIVE", sizeof w->told[0]->status);
    ovs_strlcpy(w->told[1]->status, "ACTIVE", sizeof w->told[1]->status);
    ds_clear(&r->log);
    wiring_compare_reports(r->wiring);
    settle(r);
    assert_string_equal(ds_cstr(&r->log), "up 00000002\n");
}

static void
a_table_is_asked_for_again_when_its_report_is_given_up(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    wiring_doubt(r->wiring);
    settle(r);
    for (int i = 0; i < 3; i++) {
        ds_clear(&r->log);
        wiring_no_table(r->wiring, w->ports[0].id);
        settle(r);
        assert_string_equal(ds_cstr(&r->log), i < 2 ? "up 00000000 refresh\n" : "");
    }

    /* Nothing is to be waited for, and nothing counts as told. */
    assert_false(wiring_awaits_tables(r->wiring));
    wiring_tables_told(r->wiring);
    settle(r);
    assert_string_not_equal(flows_of(r, MAC_OWNER("1")), "");
    plug(r, 1);
    tell(r, 1, 1, true);
    settle(r);
    assert_string_equal(ds_cstr(&r->log), "up 00000001 refresh\n");
}

static void
without_a_table_nothing_is_given_up(void **state)
{
    struct recorder *r = *state;

    plug(r, 1);
    tell(r, 1, 1, true);
    settle(r);
    wiring_doubt(r->wiring);
    settle(r);
    ds_clear(&r->log);

    /* Another host's news is no table.  It is asked for again, by another port each time. */
    for (int i = 0; i < 4; i++) {
        tell_entry(r, 0, 3, true);
        wiring_ask_again(r->wiring);
        wiring_tables_told(r->wiring);
        settle(r);
    }
    assert_string_equal(ds_cstr(&r->log), "up 00000001 refresh\nup 00000000 refresh\n");
    assert_string_not_equal(flows_of(r, MAC_OWNER("0")), "");
    assert_string_not_equal(flows_of(r, MAC_OWNER("1")), "");
}

static void
a_table_of_before_does_not_count_after_the_broker_was_away(void **state)
{
    struct recorder *r = *state;

    wiring_doubt(r->wiring);
    settle(r);
    end_table(r);
    wiring_doubt(r->wiring);
    settle(r);
    wiring_ask_again(r->wiring);
    wiring_tables_told(r->wiring);
    settle(r);
    assert_string_not_equal(flows_of(r, MAC_OWNER("0")), "");
    assert_string_not_equal(flows_of(r, MAC_OWNER("1")), "");
}

/* Everything that is so, told to somebody new. */
static void
tell_all(struct recorder *self)
{
    const struct world *w = self->world;

    see_bridges(self);
    for (int i = 0; i < N_PORTS; i++) {
        if (w->ports[i].is_plugged) {
            see_vif(self, i);
        }
        if (w->told[i]) {
            wiring_port_told(self->wiring, w->ports[i].id, ANSWER_KNOWN);
        }
    }
    settle(self);
    for (int i = 0; i < N_HOSTS; i++) {
        if (w->floods[i]) {
            tell_entry(self, i, -1, true);
        }
    }
    for (size_t i = 0; i < NT_ARRAY_SIZE(w->host_of_mac); i++) {
        if (w->host_of_mac[i] >= 0) {
            tell_entry(self, w->host_of_mac[i], (int) i, true);
        }
    }
    settle(self);
    wiring_tables_told(self->wiring);
    settle(self);
}

static bool
has_vxlan(const struct world *w)
{
    for (int i = 0; i < N_PORTS; i++) {
        if (w->ports[i].is_plugged && w->told[i] && w->told[i]->admin_state_up
            && !strcmp(w->told[i]->network_id, networks[1])) {
            return true;
        }
    }
    return false;
}

static void
flip_entry(struct recorder *self, unsigned draw)
{
    struct world *w = self->world;
    int host = draw % N_HOSTS, mac = draw / N_HOSTS % 4;

    if (!has_vxlan(w)) {
        return;
    }
    if (draw & 64) {
        w->floods[host] = !w->floods[host];
        tell_entry(self, host, -1, w->floods[host]);
    } else if (w->host_of_mac[mac] == host) {
        w->host_of_mac[mac] = -1;
        tell_entry(self, host, mac, false);
    } else {
        w->host_of_mac[mac] = host;
        tell_entry(self, host, mac, true);
    }
}

static void
step(struct recorder *self, unsigned draw)
{
    struct world *w = self->world;
    int i = draw / 4 % N_PORTS;

    switch (draw % 4) {
    case 0:
        w->ports[i].is_plugged = !w->ports[i].is_plugged;
        if (!w->ports[i].is_plugged) {
            w->ports[i].tag = 0;
            *w->ports[i].net_uuid = '\0';
        }
        see_vif(self, i);
        break;
    case 1:
        tell(self, i, draw / 64 % 3, draw & 512);
        break;
    default:
        flip_entry(self, draw / 4);
        break;
    }
    settle(self);
    wiring_tables_told(self->wiring);
    settle(self);
    if (!has_vxlan(w)) {
        /* Entries of a network without a port here are not kept. */
        memset(w->floods, 0, sizeof w->floods);
        for (size_t j = 0; j < NT_ARRAY_SIZE(w->host_of_mac); j++) {
            w->host_of_mac[j] = -1;
        }
    }
}

static void
assert_same_flows(const struct recorder *a, const struct recorder *b, unsigned step_no)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &a->flows) {
        if (strcmp(node->data, flows_of(b, node->name))) {
            fail_msg("step %u: %s: incremental\n%s fresh\n%s", step_no, node->name,
                     (char *) node->data, flows_of(b, node->name));
        }
    }
    SHASH_FOR_EACH (node, &b->flows) {
        if (!shash_find(&a->flows, node->name)) {
            fail_msg("step %u: only a fresh one wants %s", step_no, node->name);
        }
    }
}

/* The linear generator of POSIX' rand(): the same steps everywhere. */
static unsigned
next(unsigned *seed)
{
    *seed = *seed * 1103515245 + 12345;
    return *seed >> 16 & 0x7fff;
}

static void
step_by_step_is_what_a_fresh_one_wants(void **state)
{
    unsigned seed = 1;

    for (int round = 0; round < 20; round++) {
        set_up(state);
        struct recorder *r = *state;
        for (unsigned i = 0; i < 40; i++) {
            struct world copy;
            struct recorder fresh;

            step(r, next(&seed));
            copy = *r->world;
            copy.config.mappings = &copy.mapping;
            copy.config.tunnel_types = copy.tunnel_types;
            recorder_init(&fresh, &copy);
            tell_all(&fresh);
            assert_same_flows(r, &fresh, i);
            recorder_deinit(&fresh);
        }
        tear_down(state);
    }
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up_table, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_mac_that_moves_is_behind_one_tunnel, set_up, tear_down),
        T(after_the_broker_was_away_holes_and_leftovers_are_closed),
        T(after_the_broker_was_away_one_port_of_a_tunnel_network_is_reported),
        T(a_table_is_asked_for_again_when_its_report_is_given_up),
        T(without_a_table_nothing_is_given_up),
        T(a_table_of_before_does_not_count_after_the_broker_was_away),
        cmocka_unit_test(step_by_step_is_what_a_fresh_one_wants),
    };

    return cmocka_run_group_tests_name("agent/wiring/wiring", tests, NULL, NULL);
}
