/* What becomes of a port as its binding moves between hosts. */
#include <config.h>

#include "agent/wiring/wiring_fixture.h"
#include "openvswitch/json.h"

/* The port, bound on h1 and h2 so far as there is a status ("": no binding). */
static void
tell_bindings(struct recorder *self, const char *status_h1, const char *status_h2,
              const char *migrating_to)
{
    struct world *w = self->world;
    const char *const hosts[] = { "h1", "h2" }, *const statuses[] = { status_h1, status_h2 };
    struct nt_vo_port *port = vo_port_new(w->ports[0].id, 0, true);

    ovs_strlcpy(port->device_owner, "compute:nova", sizeof port->device_owner);
    nt_vo_free(w->told[0] ? &w->told[0]->vo : NULL);
    w->told[0] = port;
    free(port->bindings);
    port->bindings = xcalloc(2, sizeof *port->bindings);
    port->n_bindings = 0;
    for (int i = 0; i < 2; i++) {
        if (*statuses[i]) {
            struct nt_vo_binding *b = &port->bindings[port->n_bindings++];
            ovs_strlcpy(b->host, hosts[i], sizeof b->host);
            ovs_strlcpy(b->status, statuses[i], sizeof b->status);
            b->profile = json_object_create();
            if (migrating_to && !strcmp(statuses[i], "ACTIVE")) {
                json_object_put_string(b->profile, "migrating_to", migrating_to);
            }
            nt_vo_complete(&b->vo, &nt_vo_binding_type);
        }
    }
    ovs_strlcpy(port->status, "BUILD", sizeof port->status);
    wiring_port_told(self->wiring, port->id, ANSWER_KNOWN);
    settle(self);
}

static int
set_up_port(void **state)
{
    set_up(state);
    plug(*state, 0);
    return 0;
}

static void
make_tap_anew(struct recorder *self)
{
    const struct world *w = self->world;
    const struct nt_ovs_port port = { .bridge = "br-int",
                                      .name = w->ports[0].name,
                                      .type = "internal",
                                      .ofport = w->ports[0].ofport,
                                      .iface_id = w->ports[0].id,
                                      .attached_mac = "fa:16:3e:00:00:01",
                                      .n_interfaces = 1,
                                      .error = "" };

    wiring_port_seen(self->wiring, port.name, &port, NULL, true);
    settle(self);
}

static void
a_guest_that_comes_is_wired_and_reported_before_and_after_it_is_active(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    tell_bindings(r, "INACTIVE", "ACTIVE", NULL);
    assert_int_equal(w->ports[0].tag, 4095);
    assert_string_equal(ds_cstr(&r->log), "");

    tell_bindings(r, "INACTIVE", "ACTIVE", "h1");
    assert_in_range(w->ports[0].tag, 1, 4094);
    assert_string_equal(ds_cstr(&r->log), "up 00000000\n");

    /* Only now the server takes it for ours, whatever it was told before. */
    tell_bindings(r, "ACTIVE", "INACTIVE", NULL);
    assert_in_range(w->ports[0].tag, 1, 4094);
    assert_string_equal(ds_cstr(&r->log), "up 00000000\nup 00000000\n");
    tell_bindings(r, "ACTIVE", "", NULL);
    assert_string_equal(ds_cstr(&r->log), "up 00000000\nup 00000000\n");
}

static void
a_guest_that_does_not_come_leaves_its_port_dead(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    tell_bindings(r, "INACTIVE", "ACTIVE", "h1");
    tell_bindings(r, "", "ACTIVE", NULL);
    assert_int_equal(w->ports[0].tag, 4095);
    assert_string_equal(ds_cstr(&r->log), "up 00000000\n");
}

static void
a_guest_that_goes_takes_its_port_off_the_switch_once(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    tell_bindings(r, "ACTIVE", "", NULL);
    tell_bindings(r, "ACTIVE", "INACTIVE", "h2");
    assert_in_range(w->ports[0].tag, 1, 4094);
    ds_clear(&r->log);

    tell_bindings(r, "INACTIVE", "ACTIVE", NULL);
    tell_bindings(r, "", "ACTIVE", NULL);
    settle(r);
    assert_string_equal(ds_cstr(&r->log), "no port tap0\n");
    w->ports[0].is_plugged = false;
    see_vif(r, 0);
    settle(r);
    assert_string_equal(ds_cstr(&r->log), "no port tap0\ndown 00000000\n");

    /* It comes back: another guest to come. */
    ds_clear(&r->log);
    w->ports[0].tag = 0;
    plug(r, 0);
    tell_bindings(r, "INACTIVE", "ACTIVE", NULL);
    assert_int_equal(w->ports[0].tag, 4095);
    assert_string_equal(ds_cstr(&r->log), "");
}

static void
a_port_that_is_active_again_stays(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    tell_bindings(r, "ACTIVE", "INACTIVE", NULL);
    tell_bindings(r, "INACTIVE", "ACTIVE", NULL);
    assert_string_equal(ds_cstr(&r->log), "up 00000000\nno port tap0\n");
    assert_int_equal(r->n_forgotten, 0);
    tell_bindings(r, "ACTIVE", "INACTIVE", NULL);
    assert_int_equal(r->n_forgotten, 1); /* The wish that it go. */
    assert_in_range(w->ports[0].tag, 1, 4094);
    assert_string_equal(ds_cstr(&r->log), "up 00000000\nno port tap0\nup 00000000\n");
}

static void
a_tap_that_is_made_anew_before_the_old_one_was_seen_to_go_is_a_port_again(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    tell_bindings(r, "ACTIVE", "INACTIVE", NULL);
    tell_bindings(r, "INACTIVE", "ACTIVE", NULL);
    ds_clear(&r->log);
    make_tap_anew(r);
    assert_int_equal(r->n_forgotten, 1);
    assert_int_equal(w->ports[0].tag, 4095);
    assert_string_equal(ds_cstr(&r->log), "down 00000000\n");
    ds_clear(&r->log);
    tell_bindings(r, "INACTIVE", "ACTIVE", "h1");
    assert_in_range(w->ports[0].tag, 1, 4094);
    assert_string_equal(ds_cstr(&r->log), "up 00000000\n");
}

static void
a_port_that_leaves_gets_no_other_wish(void **state)
{
    struct recorder *r = *state;
    struct world *w = r->world;

    tell_bindings(r, "ACTIVE", "INACTIVE", NULL);

    /* It waits for its guards when it is to go, and has another number then. */
    wiring_dirty_all(r->wiring);
    wiring_run(r->wiring);
    ds_clear(&r->log);
    r->n_port_wishes = 0;
    tell_bindings(r, "INACTIVE", "ACTIVE", NULL);
    w->ports[0].ofport = 77;
    see_vif(r, 0);
    wiring_doubt(r->wiring);
    wiring_dirty_all(r->wiring);
    settle(r);
    assert_int_equal(r->n_port_wishes, 0);
    assert_string_equal(ds_cstr(&r->log), "no port tap0\n");
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up_port, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_guest_that_comes_is_wired_and_reported_before_and_after_it_is_active),
        T(a_guest_that_does_not_come_leaves_its_port_dead),
        T(a_guest_that_goes_takes_its_port_off_the_switch_once),
        T(a_port_that_is_active_again_stays),
        T(a_tap_that_is_made_anew_before_the_old_one_was_seen_to_go_is_a_port_again),
        T(a_port_that_leaves_gets_no_other_wish),
    };

    return cmocka_run_group_tests_name("agent/wiring/bindings", tests, NULL, NULL);
}
