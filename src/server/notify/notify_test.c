#include <config.h>

#include "server/notify/notify.h"

#include "server/core/instance_evacuate.h"
#include "server/notify/notify_test.h"

static void
connect_both(struct hosts_test *t)
{
    hosts_test_connect_network(t);
    hosts_test_connect_compute(t);
    *t->heard = '\0';
}

static void
check_fault(struct hosts_test *t, const char *part)
{
    struct nt_instance instance;

    CORE_OK(t->core, instance_get(t->reader, NULL, t->instance_id, &instance, &t->core->err));
    if (!strstr(instance.fault, part)) {
        fail_msg("fault is %s", instance.fault);
    }
    nt_instance_clear(&instance);
}

static void
boot_is_told_to_the_network_host_before_the_compute_host(void **state)
{
    struct hosts_test *t = *state;

    connect_both(t);
    t->holds = true;
    hosts_test_submit(t, hosts_test_op_boot);
    HOSTS_TEST_UNTIL(t, t->held);
    for (int i = 0; i < 50; i++) {
        hosts_test_turn(t);
    }
    assert_string_equal(t->heard, "put 10.0.0.2;");
    assert_string_equal(hosts_test_state(t), "building networking");

    nt_rpc_reply(&nt_network_host, TAKE(t->held), NULL);
    HOSTS_TEST_UNTIL(t, t->built.n_vifs);
    assert_string_equal(t->heard, "put 10.0.0.2;build;");
    assert_string_equal(hosts_test_state(t), "building spawning");
    assert_string_equal(t->built.id, t->instance_id);
    assert_string_equal(t->built.task_state, "spawning");
    assert_string_equal(t->built.vifs[0].address, "10.0.0.2");
}

static void
two_boots_at_once_do_not_wait_for_each_other(void **state)
{
    struct hosts_test *t = *state;

    connect_both(t);
    hosts_test_submit(t, hosts_test_op_boot);
    hosts_test_submit(t, hosts_test_op_boot);
    HOSTS_TEST_UNTIL(t, strstr(t->heard, "build;")
                            && strstr(strstr(t->heard, "build;") + 1, "build;"));
    assert_non_null(strstr(t->heard, "put 10.0.0.2;"));
    assert_non_null(strstr(t->heard, "put 10.0.0.3;"));
}

static void
boot_fails_with_the_reason_when_the_network_host_stays_away(void **state)
{
    struct hosts_test *t = *state;

    hosts_test_connect_compute(t);
    *t->heard = '\0';
    hosts_test_submit(t, hosts_test_op_boot);
    HOSTS_TEST_UNTIL_STATE(t, "building networking");
    t->core->now += 25000;
    for (int i = 0; i < 100; i++) {
        hosts_test_turn(t);
    }
    assert_string_equal(hosts_test_state(t), "building networking");
    t->core->now += 10000;
    HOSTS_TEST_UNTIL_STATE(t, "error ");
    check_fault(t, "network host " NETWORK_HOST " cannot serve 10.0.0.2");
    assert_string_equal(t->heard, "");
}

static void
boot_goes_on_when_the_network_host_comes_back(void **state)
{
    struct hosts_test *t = *state;

    hosts_test_connect_compute(t);
    hosts_test_submit(t, hosts_test_op_boot);
    HOSTS_TEST_UNTIL_STATE(t, "building networking");
    t->core->now += 5000;
    hosts_test_connect_network(t);
    HOSTS_TEST_UNTIL(t, t->built.n_vifs);
    assert_non_null(strstr(t->heard, "put 10.0.0.2;build;"));
}

static void
host_that_is_not_ready_yet_is_asked_again(void **state)
{
    struct hosts_test *t = *state;

    connect_both(t);
    t->refuses = NT_UNAVAILABLE;
    hosts_test_submit(t, hosts_test_op_boot);
    HOSTS_TEST_UNTIL(t, strstr(t->heard, "put 10.0.0.2;put 10.0.0.2;"));
    t->refuses = NT_OK;
    HOSTS_TEST_UNTIL(t, t->built.n_vifs);
}

static void
refusal_fails_the_boot_at_once_and_gives_the_address_back(void **state)
{
    struct hosts_test *t = *state;

    connect_both(t);
    t->refuses = NT_FAULT;
    hosts_test_submit(t, hosts_test_op_boot);
    HOSTS_TEST_UNTIL_STATE(t, "error ");
    check_fault(t, "told to refuse");
    HOSTS_TEST_UNTIL(t, strstr(t->heard, "delete"));
    assert_string_equal(t->heard, "put 10.0.0.2;delete 10.0.0.2;");
}

static void
instance_deleted_meanwhile_is_not_put_again(void **state)
{
    struct hosts_test *t = *state;

    connect_both(t);
    t->refuses = NT_UNAVAILABLE;
    hosts_test_submit(t, hosts_test_op_boot);
    HOSTS_TEST_UNTIL(t, *t->heard);
    hosts_test_submit(t, hosts_test_op_delete);
    HOSTS_TEST_UNTIL(t, strstr(t->heard, "delete 10.0.0.2;"));
    assert_string_equal(hosts_test_state(t), "gone");

    size_t len = strlen(t->heard);
    for (int i = 0; i < 200; i++) {
        t->core->now += 200;
        hosts_test_turn(t);
    }
    assert_int_equal(strlen(t->heard), len);
}

static void
instance_deleted_while_the_host_is_asked_is_not_built(void **state)
{
    struct hosts_test *t = *state;

    connect_both(t);
    t->holds = true;
    hosts_test_submit(t, hosts_test_op_boot);
    HOSTS_TEST_UNTIL(t, t->held);
    hosts_test_submit(t, hosts_test_op_delete);
    HOSTS_TEST_UNTIL(t, strstr(t->heard, "delete 10.0.0.2;"));
    nt_rpc_reply(&nt_network_host, TAKE(t->held), NULL);
    for (int i = 0; i < 100; i++) {
        hosts_test_turn(t);
    }
    assert_string_equal(t->heard, "put 10.0.0.2;delete 10.0.0.2;");
}

static void
boot_of_an_earlier_process_is_taken_up(void **state)
{
    struct hosts_test *t = *state;
    struct changes changes = CHANGES_INITIALIZER;

    /* Committed, and nobody told. */
    CORE_OK(t->core, store_begin(t->core->store, &t->core->err));
    CORE_OK(t->core, hosts_test_op_boot(t->core->store, t, &changes, &t->core->err));
    CORE_OK(t->core, store_commit(t->core->store, &t->core->err));
    changes_clear(&changes);

    connect_both(t);
    CORE_OK(t->core, notify_resume(t->notify, &t->core->err));
    HOSTS_TEST_UNTIL(t, t->built.n_vifs);
    assert_string_equal(t->heard, "put 10.0.0.2;build;");
    assert_string_equal(hosts_test_state(t), "building spawning");
}

static void
evacuation_of_an_earlier_process_is_taken_up(void **state)
{
    struct hosts_test *t = *state;
    struct store *store = t->core->store;
    struct changes changes = CHANGES_INITIALIZER;
    struct nt_err *err = &t->core->err;

    /* Committed, and nobody told: an instance that ran on a host that is not there. */
    CORE_OK(t->core, store_begin(store, err));
    CORE_OK(t->core, hosts_test_op_boot(store, t, &changes, err));
    CORE_OK(t->core, store_do(store, err,
                              "UPDATE instances SET host = 'lost', vm_state = 'active',"
                              " task_state = ''",
                              ""));
    CORE_OK(t->core, store_do(store, err, "UPDATE ports SET host = 'lost'", ""));

    const struct instance_evacuate_wish wish = { .id = t->instance_id, .user_id = "admin" };
    CORE_OK(t->core, instance_evacuate(store, &t->core->env, &wish, &changes, err));
    CORE_OK(t->core, store_commit(store, err));
    changes_clear(&changes);

    connect_both(t);
    CORE_OK(t->core, notify_resume(t->notify, err));
    HOSTS_TEST_UNTIL(t, t->built.n_vifs && strstr(t->heard, "changed instance_evacuated;"));
    assert_true(!strncmp(t->heard, "put 10.0.0.2;", 13));
    assert_string_equal(t->built.vifs[0].address, "10.0.0.2");
    assert_string_equal(hosts_test_state(t), "building spawning");
}

static void
release_of_an_earlier_process_is_taken_up(void **state)
{
    struct hosts_test *t = *state;
    struct changes changes = CHANGES_INITIALIZER;

    /* Committed, and nobody told; a guest had leased it. */
    CORE_OK(t->core, store_begin(t->core->store, &t->core->err));
    CORE_OK(t->core, hosts_test_op_boot(t->core->store, t, &changes, &t->core->err));
    CORE_OK(t->core, store_do(t->core->store, &t->core->err,
                              "UPDATE fixed_ips SET leased = 1 WHERE allocated = 1", ""));
    CORE_OK(t->core, hosts_test_op_delete(t->core->store, t, &changes, &t->core->err));
    CORE_OK(t->core, store_commit(t->core->store, &t->core->err));
    changes_clear(&changes);

    CORE_OK(t->core, notify_resume(t->notify, &t->core->err));
    connect_both(t);
    HOSTS_TEST_UNTIL(t, *t->heard);
    assert_string_equal(t->heard, "delete 10.0.0.2;");
}

static int
op_network(struct store *store, void *t_, struct changes *out, struct nt_err *err)
{
    struct hosts_test *t = t_;
    const struct network_create wish = { .name = "second", .cidr = "10.1.0.0/24" };
    struct network_row row;

    return network_create(store, &t->core->env, &wish, &row, out, err);
}

static void
new_network_is_announced_to_network_hosts(void **state)
{
    struct hosts_test *t = *state;

    connect_both(t);
    hosts_test_submit(t, op_network);
    HOSTS_TEST_UNTIL(t, *t->heard);
    assert_string_equal(t->heard, "changed network_created;");
}

static void
server_that_stops_in_the_middle_of_a_boot_leaves_it_for_the_next(void **state)
{
    struct hosts_test *t = *state;

    connect_both(t);
    t->holds = true;
    hosts_test_submit(t, hosts_test_op_boot);
    HOSTS_TEST_UNTIL(t, t->held);
    assert_string_equal(hosts_test_state(t), "building networking");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HOSTS_TEST(boot_is_told_to_the_network_host_before_the_compute_host),
        HOSTS_TEST(two_boots_at_once_do_not_wait_for_each_other),
        HOSTS_TEST(boot_fails_with_the_reason_when_the_network_host_stays_away),
        HOSTS_TEST(boot_goes_on_when_the_network_host_comes_back),
        HOSTS_TEST(host_that_is_not_ready_yet_is_asked_again),
        HOSTS_TEST(refusal_fails_the_boot_at_once_and_gives_the_address_back),
        HOSTS_TEST(instance_deleted_meanwhile_is_not_put_again),
        HOSTS_TEST(instance_deleted_while_the_host_is_asked_is_not_built),
        HOSTS_TEST(boot_of_an_earlier_process_is_taken_up),
        HOSTS_TEST(evacuation_of_an_earlier_process_is_taken_up),
        HOSTS_TEST(release_of_an_earlier_process_is_taken_up),
        HOSTS_TEST(new_network_is_announced_to_network_hosts),
        HOSTS_TEST(server_that_stops_in_the_middle_of_a_boot_leaves_it_for_the_next),
    };

    return cmocka_run_group_tests_name("server/notify", tests, NULL, NULL);
}
