#include <config.h>

#include "host/lease.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "host/lease_client.h"
#include "openvswitch/poll-loop.h"

struct fixture {
    char dir[64];
    char *socket, *spool, *snapshot;
    struct nt_lease_paths paths;
    struct nt_lease_server *server;
    struct nt_lease_event events[8];
    size_t n_events;
    size_t n_leases;
};

static void
record_event(void *f_, const struct nt_lease_event *ev)
{
    struct fixture *f = f_;

    assert_true(f->n_events < NT_ARRAY_SIZE(f->events));
    f->events[f->n_events++] = *ev;
}

static void
list_leases(void *f_, int64_t network_number, struct ds *out)
{
    struct fixture *f = f_;

    for (size_t i = 0; i < f->n_leases; i++) {
        ds_put_format(out, "%d fa:16:3e:00:%02x:%02x 10.%d.%d.%d * *\n", 2000000000, (int) i >> 8,
                      (int) i & 255, (int) network_number, (int) i >> 8, (int) i & 255);
    }
}

static void
start_server(struct fixture *f)
{
    const struct nt_lease_server_opts opts = { .socket_path = f->socket, .spool_dir = f->spool };
    const struct nt_lease_server_ops ops = { record_event, list_leases };
    struct nt_err err = { 0 };

    if (nt_lease_server_new(&opts, &ops, f, &f->server, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static int
setup(void **state)
{
    struct fixture *f = xzalloc(sizeof *f);

    strcpy(f->dir, "/tmp/nt-test-lease-XXXXXX");
    if (!mkdtemp(f->dir)) {
        return -1;
    }
    f->socket = nt_path_join(f->dir, "run/lease.sock");
    f->spool = nt_path_join(f->dir, "spool");
    f->snapshot = nt_path_join(f->dir, "leases");
    f->paths = (struct nt_lease_paths){ f->socket, f->spool, f->snapshot };
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    nt_lease_server_free(f->server);
    free(f->socket);
    free(f->spool);
    free(f->snapshot);
    int rc = nt_remove_tree(f->dir);
    free(f);
    return rc;
}

static struct nt_lease_event
event(enum nt_lease_action action, const char *ip, int64_t time_ms)
{
    struct nt_lease_event ev = { .action = action,
                                 .network_number = 1,
                                 .mac = "fa:16:3e:2c:e8:ec",
                                 .hostname = "cirros",
                                 .time_ms = time_ms };

    snprintf(ev.ip, sizeof ev.ip, "%s", ip);
    return ev;
}

/* Runs one call of the client in a child process while the server turns, as dnsmasq's
 * helper does; what init prints goes to 'list_path'.  Returns the exit status. */
static int
call(struct fixture *f, const struct nt_lease_event *ev, const char *list_path)
{
    pid_t pid = fork();
    int status = 0;

    if (!pid) {
        struct nt_err err = { 0 };
        FILE *out = list_path ? fopen(list_path, "w") : NULL;
        int rc = ev->action == NT_LEASE_INIT ? nt_lease_list(&f->paths, ev, out, &err)
                                             : nt_lease_tell(&f->paths, ev, &err);
        _exit(rc ? 1 : 0);
    }
    while (!waitpid(pid, &status, WNOHANG)) {
        if (f->server) {
            nt_lease_server_run(f->server);
            nt_lease_server_wait(f->server);
        }
        poll_timer_wait(5);
        poll_block();
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
event_reaches_the_daemon_and_is_answered(void **state)
{
    struct fixture *f = *state;
    struct nt_lease_event ev = event(NT_LEASE_ADD, "10.0.0.2", 1000);
    struct stat st;

    start_server(f);
    assert_int_equal(stat(f->socket, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(call(f, &ev, NULL), 0);
    assert_int_equal(f->n_events, 1);
    assert_int_equal(f->events[0].action, NT_LEASE_ADD);
    assert_string_equal(f->events[0].ip, "10.0.0.2");
    assert_string_equal(f->events[0].hostname, "cirros");
    assert_int_equal(rmdir(f->spool), 0);
}

static void
events_of_an_absent_daemon_are_replayed_oldest_first(void **state)
{
    struct fixture *f = *state;
    struct nt_lease_event second = event(NT_LEASE_DEL, "10.0.0.2", 20000);
    struct nt_lease_event first = event(NT_LEASE_ADD, "10.0.0.2", 9000);

    assert_int_equal(call(f, &second, NULL), 0);
    assert_int_equal(call(f, &first, NULL), 0);
    start_server(f);
    nt_lease_server_run(f->server);
    assert_int_equal(f->n_events, 2);
    assert_int_equal(f->events[0].action, NT_LEASE_ADD);
    assert_int_equal(f->events[1].action, NT_LEASE_DEL);
    assert_int_equal(rmdir(f->spool), 0);
}

static void
spooled_event_older_than_a_reported_one_is_dropped(void **state)
{
    struct fixture *f = *state;
    struct nt_lease_event late = event(NT_LEASE_DEL, "10.0.0.2", 5000);
    struct nt_lease_event now = event(NT_LEASE_ADD, "10.0.0.2", 6000);
    struct nt_lease_paths no_socket = f->paths;
    struct nt_err err = { 0 };

    start_server(f);
    assert_int_equal(call(f, &now, NULL), 0);
    no_socket.socket = "";
    assert_int_equal(nt_lease_tell(&no_socket, &late, &err), 0);
    nt_lease_server_run(f->server);
    assert_int_equal(f->n_events, 1);
    assert_int_equal(f->events[0].action, NT_LEASE_ADD);
    assert_int_equal(rmdir(f->spool), 0);
}

static void
daemon_that_does_not_answer_leaves_the_event_in_the_spool(void **state)
{
    struct fixture *f = *state;
    struct nt_lease_event ev = event(NT_LEASE_ADD, "10.0.0.2", 1000);
    struct nt_err err = { 0 };

    start_server(f);
    /* Nobody turns the loop: the same event then waits in both places. */
    assert_int_equal(nt_lease_tell(&f->paths, &ev, &err), 0);
    nt_lease_server_run(f->server);
    assert_int_equal(f->n_events, 1);
    assert_int_equal(rmdir(f->spool), 0);
}

static void
spool_rubbish_is_dropped(void **state)
{
    struct fixture *f = *state;
    struct nt_lease_event good = event(NT_LEASE_ADD, "10.0.0.2", 1000);
    struct nt_err err = { 0 };
    AUTO_FREE char *bad = nt_path_join(f->spool, "000000000000001-0000000001");

    assert_int_equal(call(f, &good, NULL), 0);
    assert_int_equal(nt_file_replace(bad, "rubbish\n", 8, 0600, NULL, &err), 0);
    start_server(f);
    nt_lease_server_run(f->server);
    assert_int_equal(f->n_events, 1);
    assert_int_equal(rmdir(f->spool), 0);
}

static void
init_gets_any_number_of_leases(void **state)
{
    struct fixture *f = *state;
    struct nt_lease_event ev = { .action = NT_LEASE_INIT, .network_number = 5 };
    AUTO_FREE char *path = nt_path_join(f->dir, "list");
    AUTO_FREE char *text = NULL;
    size_t n_lines = 0;

    start_server(f);
    f->n_leases = 20000;
    assert_int_equal(call(f, &ev, path), 0);
    assert_int_equal(nt_file_read(path, 10 << 20, &text, NULL), 0);
    for (const char *p = text; (p = strchr(p, '\n')); p++) {
        n_lines++;
    }
    assert_int_equal(n_lines, 20000);
    assert_true(!strncmp(text, "2000000000 fa:16:3e:00:00:00 10.5.0.0 * *\n", 42));
}

static void
init_falls_back_to_the_snapshot(void **state)
{
    struct fixture *f = *state;
    struct nt_lease_event ev = { .action = NT_LEASE_INIT, .network_number = 1 };
    struct nt_host_entry e = { .address = "10.0.0.2",
                               .mac = "fa:16:3e:2c:e8:ec",
                               .leased = true,
                               .lease_expires = INT64_C(4000000000000),
                               .lease_hostname = "cirros",
                               .client_id = "01:fa" };
    AUTO_FREE char *path = nt_path_join(f->dir, "list");
    AUTO_FREE char *text = NULL;
    struct ds lines = DS_EMPTY_INITIALIZER;
    struct nt_err err = { 0 };

    nt_lease_snapshot_line(&lines, 2, 120, &e);
    nt_lease_snapshot_line(&lines, 1, 120, &e);
    assert_int_equal(nt_lease_snapshot_write(f->snapshot, ds_cstr(&lines), &err), 0);
    ds_destroy(&lines);
    assert_int_equal(call(f, &ev, path), 0);
    assert_int_equal(nt_file_read(path, 4096, &text, NULL), 0);
    assert_string_equal(text, "4000000000 fa:16:3e:2c:e8:ec 10.0.0.2 cirros 01:fa\n");
}

static void
init_without_daemon_and_snapshot_lists_nothing(void **state)
{
    struct fixture *f = *state;
    struct nt_lease_event ev = { .action = NT_LEASE_INIT, .network_number = 1 };
    AUTO_FREE char *path = nt_path_join(f->dir, "list");
    struct stat st;

    assert_int_equal(call(f, &ev, path), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 0);
}

static void
event_that_can_be_left_nowhere_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct nt_lease_event ev = event(NT_LEASE_ADD, "10.0.0.2", 1000);

    f->paths.spool = "/proc/nowhere";
    assert_int_equal(call(f, &ev, NULL), 1);
}

static void
expired_lease_gets_a_new_term_and_a_longer_one_stays(void **state)
{
    struct nt_host_entry e = {
        .address = "10.0.0.2", .mac = "fa:16:3e:2c:e8:ec", .leased = true, .lease_expires = 50000
    };
    struct ds out = DS_EMPTY_INITIALIZER;

    nt_lease_list_line(&out, &e, 1000000, 120);
    e.lease_expires = 5000000;
    nt_lease_list_line(&out, &e, 1000000, 120);
    strcpy(e.lease_hostname, "a b");
    nt_lease_list_line(&out, &e, 1000000, 120);
    e.leased = false;
    nt_lease_list_line(&out, &e, 1000000, 120);
    assert_string_equal(ds_cstr(&out), "1120 fa:16:3e:2c:e8:ec 10.0.0.2 * *\n"
                                       "5000 fa:16:3e:2c:e8:ec 10.0.0.2 * *\n"
                                       "5000 fa:16:3e:2c:e8:ec 10.0.0.2 * *\n");
    ds_destroy(&out);
}

static void
second_daemon_on_the_socket_is_refused_and_a_dead_ones_socket_is_replaced(void **state)
{
    struct fixture *f = *state;
    const struct nt_lease_server_opts opts = { .socket_path = f->socket, .spool_dir = f->spool };
    const struct nt_lease_server_ops ops = { record_event, list_leases };
    struct nt_lease_server *second = NULL;
    struct nt_err err = { 0 };
    AUTO_FREE char *kept = nt_path_join(f->dir, "run/kept");

    start_server(f);
    assert_int_equal(nt_lease_server_new(&opts, &ops, f, &second, &err), -1);
    assert_int_equal(err.code, NT_CONFLICT);

    /* What a killed daemon leaves behind: a name without anybody behind it. */
    assert_int_equal(link(f->socket, kept), 0);
    nt_lease_server_free(TAKE(f->server));
    assert_int_equal(rename(kept, f->socket), 0);
    start_server(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(event_reaches_the_daemon_and_is_answered),
        TEST(events_of_an_absent_daemon_are_replayed_oldest_first),
        TEST(spooled_event_older_than_a_reported_one_is_dropped),
        TEST(daemon_that_does_not_answer_leaves_the_event_in_the_spool),
        TEST(spool_rubbish_is_dropped),
        TEST(init_gets_any_number_of_leases),
        TEST(init_falls_back_to_the_snapshot),
        TEST(init_without_daemon_and_snapshot_lists_nothing),
        TEST(event_that_can_be_left_nowhere_is_an_error),
        TEST(expired_lease_gets_a_new_term_and_a_longer_one_stays),
        TEST(second_daemon_on_the_socket_is_refused_and_a_dead_ones_socket_is_replaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
