#include <config.h>

#include "server/answer/conductor.h"

#include "server/notify/notify_test.h"

static struct conductor *conductor;

static int
set_up(void **state)
{
    hosts_test_setup(state);

    struct hosts_test *t = *state;
    conductor = conductor_new(t->reader, t->ops, t->hub, &t->core->env, "server");
    return 0;
}

static int
tear_down(void **state)
{
    hosts_test_teardown(state);
    conductor_free(conductor);
    return 0;
}

/* Calls the server from 'bus'; what it says is in t->reply. */
static void
call(struct hosts_test *t, struct nt_bus *bus, const char *method, const void *args,
     nt_rpc_reply_cb *cb)
{
    t->n_replies = 0;
    nt_rpc_call(bus, NT_TO(&nt_conductor, NULL, method), args, 60000, cb ? cb : hosts_test_replied,
                t);
    HOSTS_TEST_UNTIL(t, t->n_replies);
}

static void
connect_both(struct hosts_test *t)
{
    hosts_test_connect_network(t);
    hosts_test_connect_compute(t);
    *t->heard = '\0';
}

static struct nt_lease_args
lease_of(struct hosts_test *t, const char *host)
{
    struct nt_lease_args args = { .address = "10.0.0.2", .lease_expires = 1800000000000 };

    ovs_strlcpy(args.host, host, sizeof args.host);
    strcpy(args.network_id, t->net.network.id);
    strcpy(args.mac, t->built.n_vifs ? t->built.vifs[0].mac : "fa:16:3e:00:00:01");
    strcpy(args.hostname, "guest");
    return args;
}

static void
host_that_speaks_for_another_is_refused(void **state)
{
    struct hosts_test *t = *state;
    const struct nt_report_state_args report = { .host = NETWORK_HOST,
                                                 .binary = "neutrino-flat",
                                                 .topic = "network" };
    const struct nt_claim_networks_args claim = { .host = NETWORK_HOST, .bridge = "br100" };
    const struct nt_lease_args lease = lease_of(t, NETWORK_HOST);
    const struct nt_host_args host = { NETWORK_HOST };
    const struct nt_update_instance_args update = { .host = NETWORK_HOST,
                                                    .id = "99999999-9999-4999-8999-999999999999",
                                                    .vm_state = "active" };
    const struct nt_get_config_drive_args drive = { .host = NETWORK_HOST,
                                                    .id = "99999999-9999-4999-8999-999999999999" };
    const struct {
        const char *method;
        const void *args;
    } calls[] = {
        { "report_state", &report },    { "claim_networks", &claim },
        { "lease_fixed_ip", &lease },   { "release_fixed_ip", &lease },
        { "get_instances", &host },     { "update_instance", &update },
        { "get_config_drive", &drive },
    };

    connect_both(t);
    for (size_t i = 0; i < NT_ARRAY_SIZE(calls); i++) {
        call(t, t->compute.bus, calls[i].method, calls[i].args, NULL);
        assert_int_equal(t->reply.code, NT_FORBIDDEN);
        assert_non_null(
            strstr(t->reply.msg, "host " COMPUTE_HOST " may not speak for host " NETWORK_HOST));
    }
}

static void
on_status(void *t_, const void *result_, const struct nt_err *err)
{
    struct hosts_test *t = t_;
    const struct nt_report_state_result *result = result_;

    hosts_test_hear(t, "status", err ? err->msg : result->status);
    t->n_replies++;
}

static void
report_says_whether_the_host_was_known(void **state)
{
    struct hosts_test *t = *state;
    struct nt_report_state_args args = {
        .host = NETWORK_HOST, .binary = "neutrino-flat", .topic = "network", .start_flag = true
    };

    connect_both(t);
    call(t, t->network.bus, "report_state", &args, on_status);
    args.start_flag = false;
    call(t, t->network.bus, "report_state", &args, on_status);
    args.start_flag = true;
    call(t, t->network.bus, "report_state", &args, on_status);
    assert_string_equal(t->heard, "status new;status alive;status revived;");
}

/* The database knows it, from before the server was started anew; it never said that it
 * started, since behind a broker it has not noticed. */
static void
first_report_to_a_new_server_is_one_of_a_host_revived(void **state)
{
    struct hosts_test *t = *state;
    const struct nt_report_state_args args = { .host = COMPUTE_HOST,
                                               .binary = "neutrino-compute",
                                               .topic = "compute" };

    connect_both(t);
    for (int i = 0; i < 3; i++) {
        call(t, t->compute.bus, "report_state", &args, on_status);
    }
    assert_string_equal(t->heard, "status revived;status alive;status alive;");
}

static void
on_networks(void *t_, const void *result_, const struct nt_err *err)
{
    struct hosts_test *t = t_;
    const struct nt_networks_result *result = result_;

    assert_null(err);
    for (size_t i = 0; i < result->n_networks; i++) {
        const struct nt_network_view *view = &result->networks[i];

        hosts_test_hear(t, view->name, view->host);
        for (size_t j = 0; j < view->n_entries; j++) {
            hosts_test_hear(t, "entry", view->entries[j].address);
        }
    }
    t->n_replies++;
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
claim_takes_what_nobody_has_and_answers_with_all_of_the_host(void **state)
{
    struct hosts_test *t = *state;
    struct nt_claim_networks_args args = { .host = NETWORK_HOST };

    connect_both(t);
    strcpy(args.bridge, t->net.network.bridge);
    hosts_test_submit(t, hosts_test_op_boot);
    HOSTS_TEST_UNTIL(t, t->built.n_vifs);
    hosts_test_submit(t, op_network);
    HOSTS_TEST_UNTIL(t, strstr(t->heard, "changed"));
    *t->heard = '\0';
    call(t, t->network.bus, "claim_networks", &args, on_networks);
    assert_string_equal(t->heard,
                        "novanetwork " NETWORK_HOST ";entry 10.0.0.2;second " NETWORK_HOST ";");
}

static void
lease_and_release_are_written_down(void **state)
{
    struct hosts_test *t = *state;
    struct nt_fixed_ip row;

    connect_both(t);
    hosts_test_submit(t, hosts_test_op_boot);
    HOSTS_TEST_UNTIL(t, t->built.n_vifs);

    struct nt_lease_args args = lease_of(t, NETWORK_HOST);
    call(t, t->network.bus, "lease_fixed_ip", &args, NULL);
    assert_int_equal(t->reply.code, NT_OK);
    CORE_OK(t->core, ipam_get(t->reader, args.network_id, "10.0.0.2", &row, &t->core->err));
    assert_true(row.leased);
    assert_string_equal(row.lease_hostname, "guest");

    call(t, t->network.bus, "release_fixed_ip", &args, NULL);
    assert_int_equal(t->reply.code, NT_OK);
    CORE_OK(t->core, ipam_get(t->reader, args.network_id, "10.0.0.2", &row, &t->core->err));
    assert_false(row.leased);
    assert_true(row.allocated);
}

static void
lease_of_a_network_of_another_host_is_refused(void **state)
{
    struct hosts_test *t = *state;

    connect_both(t);

    const struct nt_lease_args args = lease_of(t, COMPUTE_HOST);
    call(t, t->compute.bus, "lease_fixed_ip", &args, NULL);
    assert_int_equal(t->reply.code, NT_FORBIDDEN);
}

static void
on_instances(void *t_, const void *result_, const struct nt_err *err)
{
    struct hosts_test *t = t_;
    const struct nt_instances_result *result = result_;

    assert_null(err);
    for (size_t i = 0; i < result->n_instances; i++) {
        hosts_test_hear(t, result->instances[i].name, result->instances[i].task_state);
    }
    t->n_replies++;
}

static void
compute_host_gets_its_instances_once_they_are_to_be_built(void **state)
{
    struct hosts_test *t = *state;
    const struct nt_host_args args = { COMPUTE_HOST };

    connect_both(t);
    t->holds = true;
    hosts_test_submit(t, hosts_test_op_boot);
    HOSTS_TEST_UNTIL(t, t->held);
    *t->heard = '\0';
    call(t, t->compute.bus, "get_instances", &args, on_instances);
    assert_string_equal(t->heard, "");

    nt_rpc_reply(&nt_network_host, TAKE(t->held), NULL);
    HOSTS_TEST_UNTIL(t, t->built.n_vifs);
    *t->heard = '\0';
    call(t, t->compute.bus, "get_instances", &args, on_instances);
    assert_string_equal(t->heard, "cirros spawning;");
}

static void
instance_of_another_host_cannot_be_reported(void **state)
{
    struct hosts_test *t = *state;
    struct nt_update_instance_args args = { .host = NETWORK_HOST, .vm_state = "deleted" };

    connect_both(t);
    hosts_test_submit(t, hosts_test_op_boot);
    HOSTS_TEST_UNTIL(t, t->built.n_vifs);
    strcpy(args.id, t->instance_id);
    call(t, t->network.bus, "update_instance", &args, NULL);
    assert_int_equal(t->reply.code, NT_FORBIDDEN);
    assert_string_equal(hosts_test_state(t), "building spawning");

    /* Its own host cannot end it either when nobody asked for that. */
    strcpy(args.host, COMPUTE_HOST);
    call(t, t->compute.bus, "update_instance", &args, NULL);
    assert_int_equal(t->reply.code, NT_CONFLICT);
    assert_string_equal(hosts_test_state(t), "building spawning");
}

static void
update(struct hosts_test *t, const char *vm_state)
{
    struct nt_update_instance_args args = { .host = COMPUTE_HOST };

    strcpy(args.id, t->instance_id);
    strcpy(args.vm_state, vm_state);
    t->n_replies = 0;
    nt_rpc_call(t->compute.bus, NT_TO(&nt_conductor, NULL, "update_instance"), &args, 60000,
                hosts_test_replied, t);
    HOSTS_TEST_UNTIL(t, t->n_replies);
    assert_int_equal(t->reply.code, NT_OK);
}

static int
render_drive(void *n_, const char *instance_id, struct nt_config_drive_result *out,
             struct nt_err *err)
{
    int *n = n_;

    (*n)++;
    out->files = xcalloc(1, sizeof *out->files);
    out->n_files = 1;
    strcpy(out->files[0].path, "a/b");
    out->files[0].content = xstrdup("aGVsbG8=");
    return 0;
}

static void
on_drive(void *t_, const void *result_, const struct nt_err *err)
{
    struct hosts_test *t = t_;
    const struct nt_config_drive_result *result = result_;

    assert_null(err);
    assert_int_equal(result->n_files, 1);
    hosts_test_hear(t, result->files[0].path, result->files[0].content);
    t->n_replies++;
}

/* What an owner gave his instance is for its own host alone. */
static void
config_drive_goes_to_the_instance_s_host(void **state)
{
    struct hosts_test *t = *state;
    struct nt_get_config_drive_args args = { .host = COMPUTE_HOST };
    int n = 0;

    connect_both(t);
    hosts_test_submit(t, hosts_test_op_boot);
    HOSTS_TEST_UNTIL(t, t->built.n_vifs);
    strcpy(args.id, t->instance_id);
    call(t, t->compute.bus, "get_config_drive", &args, NULL);
    assert_int_equal(t->reply.code, NT_UNAVAILABLE);
    conductor_on_config_drive(conductor, render_drive, &n);
    *t->heard = '\0';
    call(t, t->compute.bus, "get_config_drive", &args, on_drive);
    assert_string_equal(t->heard, "a/b aGVsbG8=;");
    strcpy(args.host, NETWORK_HOST);
    call(t, t->network.bus, "get_config_drive", &args, NULL);
    assert_int_equal(t->reply.code, NT_FORBIDDEN);
    strcpy(args.id, "99999999-9999-4999-8999-999999999999");
    call(t, t->network.bus, "get_config_drive", &args, NULL);
    assert_int_equal(t->reply.code, NT_NOT_FOUND);
    assert_int_equal(n, 1);
}

static void
deletion_goes_to_the_guest_first_then_to_its_address(void **state)
{
    struct hosts_test *t = *state;
    struct nt_fixed_ip row;

    connect_both(t);
    hosts_test_submit(t, hosts_test_op_boot);
    HOSTS_TEST_UNTIL(t, t->built.n_vifs);
    update(t, "active");
    assert_string_equal(hosts_test_state(t), "active ");

    hosts_test_submit(t, hosts_test_op_delete);
    HOSTS_TEST_UNTIL(t, strstr(t->heard, "terminate;"));
    assert_string_equal(hosts_test_state(t), "active deleting");
    update(t, "deleted");
    HOSTS_TEST_UNTIL(t, strstr(t->heard, "delete"));
    assert_string_equal(t->heard, "put 10.0.0.2;build;terminate;delete 10.0.0.2;");
    assert_string_equal(hosts_test_state(t), "gone");
    assert_int_equal(ipam_get(t->reader, t->net.network.id, "10.0.0.2", &row, &t->core->err), 1);
    assert_false(row.allocated);
    assert_string_equal(row.port_id, "");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(host_that_speaks_for_another_is_refused),
        T(report_says_whether_the_host_was_known),
        T(first_report_to_a_new_server_is_one_of_a_host_revived),
        T(claim_takes_what_nobody_has_and_answers_with_all_of_the_host),
        T(lease_and_release_are_written_down),
        T(lease_of_a_network_of_another_host_is_refused),
        T(compute_host_gets_its_instances_once_they_are_to_be_built),
        T(instance_of_another_host_cannot_be_reported),
        T(config_drive_goes_to_the_instance_s_host),
        T(deletion_goes_to_the_guest_first_then_to_its_address),
    };

    return cmocka_run_group_tests_name("server/conductor", tests, NULL, NULL);
}
