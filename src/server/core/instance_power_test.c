#include <config.h>

#include "server/core/instance_power.h"

#include "openvswitch/json.h"
#include "server/core/core_test.h"
#include "server/core/instance_actions.h"

/* A running instance on compute-1, before any change. */
static void
make_instance(struct core_test *t, char id[NT_UUID_SIZE])
{
    core_test_network(t, "novanetwork", "10.0.0.0/24");
    CORE_OK(t, network_claim(t->store, &t->env, "controller-1", "br100", &t->changes, &t->err));
    core_test_report(t, "compute-1", "compute", true);
    core_test_boot(t, "vm", id);
    CORE_OK(t, instance_set_task(t->store, &t->env, id, "spawning", &t->changes, &t->err));
    CORE_OK(t, core_test_tell(t, id, "compute-1", "active"));
    changes_clear(&t->changes);
}

static int
wish(struct core_test *t, const char *id, enum instance_power power)
{
    const struct instance_power_wish w = {
        .id = id, .project_id = "demo", .user_id = "joe", .power = power
    };

    return instance_power(t->store, &t->env, &w, &t->changes, &t->err);
}

/* The compute host's word, which knows of the wishes up to 'generation'. */
static void
tell(struct core_test *t, const char *id, const char *vm_state, const char *task_state,
     int64_t generation)
{
    struct nt_update_instance_args args = { .host = "compute-1", .power_generation = generation };

    strcpy(args.id, id);
    strcpy(args.vm_state, vm_state);
    strcpy(args.task_state, task_state);
    args.power_state = !strcmp(vm_state, "stopped") ? 4 : 1;
    CORE_OK(t, instance_report(t->store, &t->env, &args, &t->changes, &t->err));
}

static void
check_state(struct core_test *t, const char *id, const char *wanted)
{
    struct nt_instance i;
    char text[64];

    CORE_OK(t, instance_get(t->store, NULL, id, &i, &t->err));
    snprintf(text, sizeof text, "%s/%s %d", i.vm_state, i.task_state, (int) i.power_state);
    nt_instance_clear(&i);
    assert_string_equal(text, wanted);
}

static void
each_wish_goes_to_the_host_with_its_number(void **state)
{
    static const struct {
        enum instance_power power;
        const char *during, *report, *after;
    } steps[] = {
        { INSTANCE_STOP, "active/powering-off 1", "stopped", "stopped/ 4" },
        { INSTANCE_START, "stopped/powering-on 4", "active", "active/ 1" },
        { INSTANCE_REBOOT, "active/rebooting 1", "active", "active/ 1" },
        { INSTANCE_REBOOT_HARD, "active/rebooting_hard 1", "active", "active/ 1" },
    };
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];

    make_instance(t, id);
    for (size_t i = 0; i < NT_ARRAY_SIZE(steps); i++) {
        CORE_OK(t, wish(t, id, steps[i].power));
        check_state(t, id, steps[i].during);
        assert_int_equal(t->changes.n, 1);
        assert_int_equal(t->changes.at[0].kind, CHANGE_INSTANCE_POWER);
        assert_string_equal(t->changes.at[0].host, "compute-1");
        assert_int_equal(t->changes.at[0].generation, i + 1);
        tell(t, id, steps[i].report, "", i + 1);
        check_state(t, id, steps[i].after);
        changes_clear(&t->changes);
    }
}

static void
report_of_before_the_wish_leaves_its_task(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];

    make_instance(t, id);
    CORE_OK(t, wish(t, id, INSTANCE_STOP));
    tell(t, id, "active", "", 0);
    check_state(t, id, "active/powering-off 1");
    tell(t, id, "stopped", "", 1);
    check_state(t, id, "stopped/ 4");
}

static void
reboot_under_way_is_told(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];

    make_instance(t, id);
    CORE_OK(t, wish(t, id, INSTANCE_REBOOT));
    tell(t, id, "", "reboot_started", 1);
    check_state(t, id, "active/reboot_started 1");
    CORE_FAILS(t, NT_CONFLICT, wish(t, id, INSTANCE_REBOOT));
    CORE_OK(t, wish(t, id, INSTANCE_REBOOT_HARD));
    check_state(t, id, "active/rebooting_hard 1");
}

static void
check_refusal(struct core_test *t, const char *id, enum instance_power power, const char *text)
{
    CORE_FAILS(t, NT_CONFLICT, wish(t, id, power));
    assert_non_null(strstr(t->err.msg, text));
    assert_int_equal(t->changes.n, 0);
}

static void
what_is_not_possible_is_refused_in_novas_words(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];
    char fresh[NT_UUID_SIZE];

    make_instance(t, id);
    check_refusal(t, id, INSTANCE_START, "while it is in vm_state active");
    CORE_OK(t, wish(t, id, INSTANCE_STOP));
    changes_clear(&t->changes);
    check_refusal(t, id, INSTANCE_STOP, "while it is in task_state powering-off");
    tell(t, id, "stopped", "", 1);
    changes_clear(&t->changes);
    check_refusal(t, id, INSTANCE_REBOOT, "while it is in vm_state stopped");
    CORE_OK(t, wish(t, id, INSTANCE_REBOOT_HARD));

    core_test_boot(t, "fresh", fresh);
    CORE_OK(t, instance_fail_boot(t->store, &t->env, fresh, "no", &t->changes, &t->err));
    changes_clear(&t->changes);
    check_refusal(t, fresh, INSTANCE_REBOOT_HARD,
                  "Cannot 'reboot' an instance which has never been active");
}

static void
other_projects_instance_is_not_found(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];
    struct instance_power_wish w = { .project_id = "other", .power = INSTANCE_STOP };

    make_instance(t, id);
    w.id = id;
    CORE_FAILS(t, NT_NOT_FOUND, instance_power(t->store, &t->env, &w, &t->changes, &t->err));
}

static void
deletion_wins_over_every_task(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];

    make_instance(t, id);
    CORE_OK(t, wish(t, id, INSTANCE_STOP));
    CORE_OK(t, instance_delete(t->store, &t->env, "demo", id, &t->changes, &t->err));
    tell(t, id, "stopped", "", 1);
    check_state(t, id, "stopped/deleting 4");
    CORE_FAILS(t, NT_CONFLICT, wish(t, id, INSTANCE_START));
}

static void
administrators_word_ends_a_task(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];

    make_instance(t, id);
    CORE_OK(t, wish(t, id, INSTANCE_STOP));
    CORE_OK(t, instance_reset_state(t->store, &t->env, id, "error", &t->changes, &t->err));
    check_state(t, id, "error/ 1");
    CORE_OK(t, wish(t, id, INSTANCE_REBOOT_HARD));
}

static void
actions_are_listed_with_their_results(void **state)
{
    struct core_test *t = *state;
    char id[NT_UUID_SIZE];
    struct rows rows;

    make_instance(t, id);
    t->now += 5000;
    CORE_OK(t, wish(t, id, INSTANCE_STOP));
    t->now += 2000;
    tell(t, id, "stopped", "", 1);
    CORE_OK(t, wish(t, id, INSTANCE_START));
    CORE_OK(t, instance_actions_list(t->store, "demo", id, &rows, &t->err));
    assert_int_equal(rows.n, 3);

    const struct instance_action *start = ROW(const struct instance_action, &rows, 0);
    const struct instance_action *stop = ROW(const struct instance_action, &rows, 1);
    const struct instance_action *create = ROW(const struct instance_action, &rows, 2);
    assert_string_equal(start->action, "start");
    assert_int_equal(start->finished_at, 0);
    assert_string_equal(start->result, "");
    assert_string_equal(stop->action, "stop");
    assert_string_equal(stop->user_id, "joe");
    assert_string_equal(stop->project_id, "demo");
    assert_string_equal(stop->host, "compute-1");
    assert_int_equal(stop->finished_at - stop->started_at, 2000);
    assert_string_equal(stop->result, "Success");
    assert_string_equal(create->action, "create");
    assert_string_equal(create->result, "Success");
    rows_clear(&rows);
    CORE_FAILS(t, NT_NOT_FOUND, instance_actions_list(t->store, "other", id, &rows, &t->err));
}

static void
server_of_a_host_that_is_down_goes_at_once(void **state)
{
    struct core_test *t = *state;
    struct nt_instance_view *views;
    char id[NT_UUID_SIZE];
    size_t n;

    make_instance(t, id);
    CORE_OK(t, instance_delete(t->store, &t->env, "demo", id, &t->changes, &t->err));
    check_state(t, id, "active/deleting 1");
    t->now += t->env.service_down_time_s * 1000 + 1;
    CORE_OK(t, instance_delete(t->store, &t->env, "demo", id, &t->changes, &t->err));
    assert_int_equal(core_test_count(t, CHANGE_INSTANCE_DELETED), 1);
    assert_int_equal(core_test_count(t, CHANGE_FIXED_IP_UNUSED), 1);

    /* Its host hears of it when it returns, until it has said that the guest is gone. */
    CORE_OK(t, instance_views_of_host(t->store, "compute-1", &views, &n, &t->err));
    assert_int_equal(n, 1);
    assert_string_equal(views[0].id, id);
    assert_string_equal(views[0].task_state, "deleting");
    nt_instance_view_clear(&views[0]);
    free(views);
    CORE_OK(t, core_test_tell(t, id, "compute-1", "deleted"));
    CORE_OK(t, instance_views_of_host(t->store, "compute-1", &views, &n, &t->err));
    assert_int_equal(n, 0);
    free(views);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(each_wish_goes_to_the_host_with_its_number),
        CORE_TEST(report_of_before_the_wish_leaves_its_task),
        CORE_TEST(reboot_under_way_is_told),
        CORE_TEST(what_is_not_possible_is_refused_in_novas_words),
        CORE_TEST(other_projects_instance_is_not_found),
        CORE_TEST(deletion_wins_over_every_task),
        CORE_TEST(administrators_word_ends_a_task),
        CORE_TEST(actions_are_listed_with_their_results),
        CORE_TEST(server_of_a_host_that_is_down_goes_at_once),
    };

    return cmocka_run_group_tests_name("server/core/instance_power", tests, NULL, NULL);
}
