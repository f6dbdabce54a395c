#include <config.h>

#include "wire/qmp.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "openvswitch/json.h"

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n"
#define NOTHING "{\"return\": {}}\r\n"

static void
say(struct nt_qmp *qmp, const char *text)
{
    nt_qmp_feed(qmp, text, strlen(text));
}

static struct nt_qmp *
ready(void)
{
    struct nt_qmp *qmp = nt_qmp_new();

    say(qmp, GREETING);
    assert_int_equal(nt_qmp_get_state(qmp), NT_QMP_NEGOTIATING);
    say(qmp, NOTHING);
    assert_int_equal(nt_qmp_get_state(qmp), NT_QMP_READY);
    return qmp;
}

static void
closes(const char *text, const char *why)
{
    AUTO(nt_qmp) qmp = ready();

    say(qmp, text);
    assert_int_equal(nt_qmp_get_state(qmp), NT_QMP_CLOSED);
    assert_string_equal(nt_qmp_why(qmp), why);
    assert_false(nt_qmp_send(qmp, "quit"));
}

static void
answers_come_under_their_commands_name(void **state)
{
    AUTO(nt_qmp) qmp = nt_qmp_new();
    struct nt_qmp_message m;

    (void) state;
    assert_true(nt_qmp_send(qmp, "query-status"));
    assert_true(nt_qmp_send(qmp, "system_powerdown"));
    say(qmp, GREETING NOTHING);
    assert_false(nt_qmp_take(qmp, &m));
    say(qmp, "{\"return\": {\"status\": \"running\"}}\r\n");
    say(qmp, "{\"event\": \"SHUTDOWN\", \"data\": {\"reason\": \"guest-shutdown\"}}\n");
    say(qmp, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}\n");

    assert_true(nt_qmp_take(qmp, &m));
    assert_int_equal(m.kind, NT_QMP_RETURN);
    assert_string_equal(m.name, "query-status");
    assert_string_equal(nt_qmp_text(m.data, "status"), "running");
    assert_null(nt_qmp_text(m.data, "nothing"));
    json_destroy(m.data);
    assert_true(nt_qmp_take(qmp, &m));
    assert_int_equal(m.kind, NT_QMP_EVENT);
    assert_string_equal(m.name, "SHUTDOWN");
    json_destroy(m.data);
    assert_true(nt_qmp_take(qmp, &m));
    assert_int_equal(m.kind, NT_QMP_ERROR);
    assert_string_equal(m.name, "system_powerdown");
    assert_string_equal(nt_qmp_text(m.data, "desc"), "no");
    json_destroy(m.data);
    assert_false(nt_qmp_take(qmp, &m));
}

static void
a_line_may_come_in_pieces(void **state)
{
    AUTO(nt_qmp) qmp = nt_qmp_new();
    const char *text = GREETING NOTHING;

    (void) state;
    for (const char *p = text; *p; p++) {
        nt_qmp_feed(qmp, p, 1);
    }
    assert_int_equal(nt_qmp_get_state(qmp), NT_QMP_READY);
}

static void
nonsense_closes_the_connection(void **state)
{
    (void) state;
    closes("hello\n", "a line that is no JSON object");
    closes("[1, 2]\n", "a line that is no JSON object");
    closes("{\"unknown\": 1}\n", "a message of no known kind");
    closes("{\"return\": {}}\n", "an answer to no question");
    closes("{\"event\": 7}\n", "a message of no known kind");
}

static void
without_a_greeting_there_is_no_connection(void **state)
{
    AUTO(nt_qmp) qmp = nt_qmp_new();

    (void) state;
    say(qmp, NOTHING);
    assert_int_equal(nt_qmp_get_state(qmp), NT_QMP_CLOSED);
    assert_string_equal(nt_qmp_why(qmp), "no greeting");
}

static void
refused_capabilities_close_it(void **state)
{
    AUTO(nt_qmp) qmp = nt_qmp_new();

    (void) state;
    say(qmp, GREETING "{\"error\": {}}\n");
    assert_int_equal(nt_qmp_get_state(qmp), NT_QMP_CLOSED);
}

static void
a_line_without_end_is_cut_off(void **state)
{
    AUTO(nt_qmp) qmp = ready();
    char part[1024];

    (void) state;
    memset(part, ' ', sizeof part);
    for (size_t i = 0; i <= NT_QMP_MAX_MESSAGE / sizeof part; i++) {
        nt_qmp_feed(qmp, part, sizeof part);
    }
    assert_string_equal(nt_qmp_why(qmp), "a message that is too long");
}

static void
more_events_than_are_taken_close_it(void **state)
{
    AUTO(nt_qmp) qmp = ready();

    (void) state;
    for (int i = 0; i <= NT_QMP_MAX_QUEUE; i++) {
        say(qmp, "{\"event\": \"RTC_CHANGE\"}\n");
    }
    assert_string_equal(nt_qmp_why(qmp), "too many messages");
}

static void
commands_are_bounded(void **state)
{
    AUTO(nt_qmp) qmp = nt_qmp_new();

    (void) state;
    for (int i = 0; i < NT_QMP_MAX_QUEUE; i++) {
        assert_true(nt_qmp_send(qmp, "query-status"));
    }
    assert_false(nt_qmp_send(qmp, "query-status"));
    say(qmp, GREETING);
    assert_string_equal(nt_qmp_why(qmp), "too many commands");
}

static void
a_socket_is_spoken_to(void **state)
{
    char path[] = "/tmp/nt-test-qmp-XXXXXX";
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    AUTO(nt_qmp) qmp = NULL;
    char buf[256];

    (void) state;
    assert_non_null(mkdtemp(path));
    snprintf(sun.sun_path, sizeof sun.sun_path, "%s/s", path);
    assert_int_equal(nt_qmp_connect(sun.sun_path, &qmp), -ENOENT);

    int server = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(server, (struct sockaddr *) &sun, sizeof sun), 0);
    assert_int_equal(listen(server, 1), 0);
    assert_int_equal(nt_qmp_connect(sun.sun_path, &qmp), 0);
    int peer = accept(server, NULL, NULL);

    assert_int_equal(write(peer, GREETING, strlen(GREETING)), strlen(GREETING));
    nt_qmp_run(qmp);
    ssize_t n = read(peer, buf, sizeof buf - 1);
    assert_true(n > 0);
    buf[n] = '\0';
    assert_string_equal(buf, "{\"execute\": \"qmp_capabilities\"}\r\n");
    close(peer);
    nt_qmp_run(qmp);
    assert_string_equal(nt_qmp_why(qmp), "it hung up");
    close(server);
    unlink(sun.sun_path);
    rmdir(path);
}

static void
a_path_too_long_for_a_socket_is_said(void **state)
{
    char path[200];
    struct nt_qmp *qmp;

    (void) state;
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(nt_qmp_connect(path, &qmp), -ENAMETOOLONG);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_under_their_commands_name),
        cmocka_unit_test(a_line_may_come_in_pieces),
        cmocka_unit_test(nonsense_closes_the_connection),
        cmocka_unit_test(without_a_greeting_there_is_no_connection),
        cmocka_unit_test(refused_capabilities_close_it),
        cmocka_unit_test(a_line_without_end_is_cut_off),
        cmocka_unit_test(more_events_than_are_taken_close_it),
        cmocka_unit_test(commands_are_bounded),
        cmocka_unit_test(a_socket_is_spoken_to),
        cmocka_unit_test(a_path_too_long_for_a_socket_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
