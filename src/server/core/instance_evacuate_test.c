#include <config.h>

#include "server/core/core_test.h"
#include "server/core/instance_evacuate.h"
#include "server/core/lost_guests.h"

#define OLD "compute-1"
#define NEW "compute-2"

/* An active instance on OLD, which has been silent for too long; NEW reports. */
static void
lose_host(struct core_test *t, char id[NT_UUID_SIZE])
{
    core_test_network(t, "novanetwork", "10.0.0.0/24");
    CORE_OK(t, network_claim(t->store, &t->env, "controller-1", "br100", &t->changes, &t->err));
    core_test_report(t, OLD, "compute", true);
    core_test_boot(t, "web", id);
    CORE_OK(t, instance_set_task(t->store, &t->env, id, "spawning", &t->changes, &t->err));
    CORE_OK(t, core_test_tell(t, id, OLD, "active"));
    t->now += (t->env.service_down_time_s + 1) * 1000;
    core_test_report(t, NEW, "compute", true);
    changes_clear(&t->changes);
}

static int
evacuate(struct core_test *t, const char *id, const char *host)
{
    const struct instance_evacuate_wish wish = { .id = id, .host = host, .user_id = "admin" };

    return instance_evacuate(t->store, &t->env, &wish, &t->changes, &t->err);
}

/* Release with nt_instance_clear(). */
static struct nt_instance
get(struct core_test *t, const char *id)
{
    struct nt_instance instance;

    CORE_OK(t, instance_get(t->store, NULL, id, &instance, &t->err));
    return instance;
}

static void
assert_is(struct core_test *t, const char *id, const char *host, const char *vm_state,
          const char *address)
{
    struct nt_instance instance = get(t, id);
    struct nt_instance_view view;

    assert_string_equal(instance.host, host);
    assert_string_equal(instance.vm_state, vm_state);
    nt_instance_clear(&instance);
    CORE_OK(t, instance_view_load(t->store, id, &view, &t->err));
    assert_int_equal(view.n_vifs, 1);
    assert_string_equal(view.vifs[0].address, address);
    nt_instance_view_clear(&view);
}

static void
it_is_built_elsewhere_with_the_same_address(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];

    lose_host(t, id);
    CORE_OK(t, evacuate(t, id, NULL));
    assert_int_equal(core_test_count(t, CHANGE_INSTANCE_EVACUATED), 1);
    assert_string_equal(t->changes.at[0].host, NEW);
    assert_is(t, id, NEW, "building", "10.0.0.2");
    CORE_OK(t, instance_set_task(t->store, &t->env, id, "spawning", &t->changes, &t->err));
    CORE_OK(t, core_test_tell(t, id, NEW, "active"));
    assert_is(t, id, NEW, "active", "10.0.0.2");
}

static void
a_host_that_reports_keeps_its_instances(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];

    lose_host(t, id);
    core_test_report(t, OLD, "compute", true);
    CORE_FAILS(t, NT_INVALID, evacuate(t, id, NULL));
    assert_string_equal(t->err.msg, "Compute service of compute-1 is still in use.");
    assert_is(t, id, OLD, "active", "10.0.0.2");
}

static void
hosts_that_cannot_take_it_are_refused(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];

    lose_host(t, id);
    CORE_FAILS(t, NT_INVALID, evacuate(t, id, "nowhere"));
    CORE_FAILS(t, NT_INVALID, evacuate(t, id, OLD));
    CORE_FAILS(t, NT_NOT_FOUND, evacuate(t, "none", NULL));
    t->now += (t->env.service_down_time_s + 1) * 1000;
    CORE_FAILS(t, NT_UNAVAILABLE, evacuate(t, id, NULL));
    assert_is(t, id, OLD, "active", "10.0.0.2");
}

static void
an_instance_under_way_is_not_evacuated_twice(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];

    lose_host(t, id);
    CORE_OK(t, evacuate(t, id, NULL));
    CORE_FAILS(t, NT_CONFLICT, evacuate(t, id, NULL));
}

static void
a_failed_one_keeps_its_address_and_can_be_tried_again(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];

    lose_host(t, id);
    CORE_OK(t, evacuate(t, id, NULL));
    CORE_OK(t, instance_fail_boot(t->store, &t->env, id, "no room", &t->changes, &t->err));
    assert_is(t, id, OLD, "error", "10.0.0.2");
    assert_int_equal(lost_guests_remove(t->store, id, OLD, &t->err), 0);
    CORE_OK(t, evacuate(t, id, NEW));
    assert_is(t, id, NEW, "building", "10.0.0.2");
}

static void
the_guest_left_behind_is_ended_by_its_host(void **state)
{
    struct core_test *t = *state;
    struct nt_instance_view *views;
    char id[NT_UUID_SIZE];
    size_t n;

    lose_host(t, id);
    CORE_OK(t, evacuate(t, id, NULL));
    CORE_OK(t, instance_views_of_host(t->store, OLD, &views, &n, &t->err));
    assert_int_equal(n, 1);
    assert_string_equal(views[0].id, id);
    assert_string_equal(views[0].task_state, "deleting");
    nt_instance_view_clear(&views[0]);
    free(views);

    CORE_OK(t, core_test_tell(t, id, OLD, "deleted"));
    CORE_OK(t, instance_views_of_host(t->store, OLD, &views, &n, &t->err));
    assert_int_equal(n, 0);
    free(views);
    assert_is(t, id, NEW, "building", "10.0.0.2");
    /* Nobody left a guest there any more. */
    CORE_FAILS(t, NT_FORBIDDEN, core_test_tell(t, id, OLD, "deleted"));
}

static void
no_host_gets_it_back_before_it_has_ended_its_former_guest(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];

    lose_host(t, id);
    CORE_OK(t, evacuate(t, id, NULL));
    CORE_OK(t, instance_set_task(t->store, &t->env, id, "spawning", &t->changes, &t->err));
    CORE_OK(t, core_test_tell(t, id, NEW, "active"));
    t->now += (t->env.service_down_time_s + 1) * 1000;
    core_test_report(t, OLD, "compute", true);
    CORE_FAILS(t, NT_UNAVAILABLE, evacuate(t, id, NULL));
    CORE_FAILS(t, NT_CONFLICT, evacuate(t, id, OLD));
    assert_is(t, id, NEW, "active", "10.0.0.2");

    CORE_OK(t, core_test_tell(t, id, OLD, "deleted"));
    CORE_OK(t, evacuate(t, id, NULL));
    assert_is(t, id, OLD, "building", "10.0.0.2");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(it_is_built_elsewhere_with_the_same_address),
        CORE_TEST(a_host_that_reports_keeps_its_instances),
        CORE_TEST(hosts_that_cannot_take_it_are_refused),
        CORE_TEST(an_instance_under_way_is_not_evacuated_twice),
        CORE_TEST(a_failed_one_keeps_its_address_and_can_be_tried_again),
        CORE_TEST(the_guest_left_behind_is_ended_by_its_host),
        CORE_TEST(no_host_gets_it_back_before_it_has_ended_its_former_guest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
