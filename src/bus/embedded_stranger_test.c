/* Who may come in, and what those who may not, or who send nonsense, can do. */
#include <config.h>

#include "bus/embedded.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "bus/embedded_listen.h"
#include "bus/embedded_world.h"
#include "openvswitch/dynamic-string.h"

static int
raw_connect(struct world *w)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(w->tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    int rc;

    ovs_strlcpy(un.sun_path, w->path, sizeof un.sun_path);
    if (w->tcp) {
        in.sin_port = htons(nt_bus_hub_port(w->hub));
        rc = connect(fd, (struct sockaddr *) &in, sizeof in);
    } else {
        rc = connect(fd, (struct sockaddr *) &un, sizeof un);
    }
    assert_true(rc == 0 || errno == EINPROGRESS);
    return fd;
}

static void
raw_send(int fd, const char *text)
{
    uint32_t len = htonl(strlen(text));

    assert_int_equal(send(fd, &len, 4, MSG_NOSIGNAL), 4);
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Whether the hub has closed 'fd'; what it sent is dropped. */
static bool
is_closed(int fd)
{
    char buf[4096];
    ssize_t n;

    while ((n = recv(fd, buf, sizeof buf, 0)) > 0) {
    }
    return n == 0 || (errno != EAGAIN && errno != EINTR);
}

static void
wrong_key_is_refused(void **state)
{
    struct world w;
    struct nt_bus_options opts;

    setup(&w, true);
    opts = options(&w, "a");
    opts.key_file = w.other_key_file;
    assert_int_equal(nt_bus_peer_new(&opts, w.endpoint, &w.a, NULL), 0);
    w.b = new_peer(&w, "b");
    UNTIL(&w, nt_bus_is_connected(w.b));
    for (int i = 0; i < 20; i++) {
        turn(&w);
    }
    assert_false(nt_bus_is_connected(w.a));
    teardown(&w);
}

static void
plaintext_is_refused_without_a_word(void **state)
{
    struct world w;
    char buf[4096];
    ssize_t n;

    setup(&w, true);

    int fd = raw_connect(&w);
    turn(&w);
    raw_send(fd, "{\"hello\":{\"version\":1,\"name\":\"evil\",\"program\":\"x\"}}");
    do {
        turn(&w);
        n = recv(fd, buf, sizeof buf, 0);
        /* A TLS alert at most. */
        assert_true(n <= 7);
    } while (n > 0 || (n < 0 && errno == EAGAIN));
    close(fd);
    teardown(&w);
}

static void
silent_stranger_is_closed_after_five_seconds(void **state)
{
    for (int tcp = 0; tcp < 2; tcp++) {
        struct world w;

        setup(&w, tcp);

        int fd = raw_connect(&w);
        for (int i = 0; i < 3; i++) {
            turn(&w);
        }
        assert_false(is_closed(fd));
        w.clock.ahead += 5001;
        UNTIL(&w, is_closed(fd));
        close(fd);
        teardown(&w);
    }
}

static void
crowd_of_strangers_does_not_keep_peers_out(void **state)
{
    struct world w;
    int fds[200];

    setup(&w, true);
    for (size_t i = 0; i < NT_ARRAY_SIZE(fds); i++) {
        fds[i] = raw_connect(&w);
    }
    w.a = new_peer(&w, "a");
    UNTIL(&w, nt_bus_is_connected(w.a));
    for (size_t i = 0; i < NT_ARRAY_SIZE(fds); i++) {
        close(fds[i]);
    }
    teardown(&w);
}

static void
oversize_and_unknown_beginnings_close_the_connection(void **state)
{
    struct world w;
    int fd;

    setup(&w, false);
    fd = raw_connect(&w);
    assert_int_equal(send(fd, "\x7f\xff\xff\xff", 4, MSG_NOSIGNAL), 4);
    UNTIL(&w, is_closed(fd));
    close(fd);

    fd = raw_connect(&w);
    raw_send(fd, "{\"subscribe\":{\"topic\":\"t\"}}");
    UNTIL(&w, is_closed(fd));
    close(fd);

    fd = raw_connect(&w);
    raw_send(fd, "{\"hello\":{\"version\":99,\"name\":\"n\",\"program\":\"p\"}}");
    UNTIL(&w, is_closed(fd));
    close(fd);

    fd = raw_connect(&w);
    raw_send(fd, "{\"hello\":{\"version\":1,\"name\":\"n\",\"program\":\"p\"}}");
    raw_send(fd, "garbage");
    turn(&w);
    turn(&w);
    assert_false(is_closed(fd));
    assert_int_equal(send(fd, "\x01\x00\x00\x01", 4, MSG_NOSIGNAL), 4);
    UNTIL(&w, is_closed(fd));
    close(fd);
    teardown(&w);
}

static void
duplicates_and_malformed_messages_are_dropped_alone(void **state)
{
    static const char cast[] = "{\"to\":{\"topic\":\"t\"},\"body\":{\"method\":\"m\","
                               "\"_unique_id\":\"%d\",\"args\":{}}}";
    struct world w;
    struct seen at_hub = { 0 };
    char text[512];

    setup(&w, false);
    nt_bus_serve(w.hub, "t", NULL, echo, &at_hub);

    int fd = raw_connect(&w);
    raw_send(fd, "{\"hello\":{\"version\":1,\"name\":\"n\",\"program\":\"p\"}}");
    for (int i = 0; i < 3; i++) {
        snprintf(text, sizeof text, cast, 1);
        raw_send(fd, text);
    }
    raw_send(fd, "{\"to\":{\"topic\":\"t\"},\"body\":{\"method\":7}}");
    raw_send(fd, "{\"to\":{\"topic\":\"t\"},\"body\":{\"method\":\"_m\"}}");
    raw_send(fd, "{\"to\":{\"topic\":\"t\"},\"body\":{\"method\":\"m\",\"namespace\":\"x\"}}");
    raw_send(fd, "{\"reply\":{\"id\":\"1\"},\"body\":{}}");
    snprintf(text, sizeof text, cast, 2);
    raw_send(fd, text);
    UNTIL(&w, at_hub.n == 2);
    assert_string_equal(at_hub.peer, "n");
    assert_false(is_closed(fd));
    close(fd);
    teardown(&w);
}

/* Reads what the hub sent to 'fd' until 'text' (kept and extended) has 'part'. */
static bool
has_received(int fd, struct ds *text, const char *part)
{
    char buf[4096];
    ssize_t n = recv(fd, buf, sizeof buf, 0);

    for (ssize_t i = 0; i < n; i++) {
        /* Lengths have NULs. */
        ds_put_char(text, buf[i] ? buf[i] : ' ');
    }
    return strstr(ds_cstr(text), part) != NULL;
}

static void
only_who_was_asked_may_reply(void **state)
{
    struct world w;
    struct seen at_hub = { 0 };
    struct ds got = DS_EMPTY_INITIALIZER;

    setup(&w, false);
    nt_bus_serve(w.hub, "t", NULL, hold, &at_hub);

    int caller = raw_connect(&w), forger = raw_connect(&w);
    raw_send(caller, "{\"hello\":{\"version\":1,\"name\":\"c\",\"program\":\"p\"}}");
    raw_send(forger, "{\"hello\":{\"version\":1,\"name\":\"f\",\"program\":\"p\"}}");
    raw_send(caller, "{\"to\":{\"topic\":\"t\"},\"call\":{\"id\":\"c1\",\"timeout_ms\":60000},"
                     "\"body\":{\"method\":\"m\",\"_msg_id\":\"c1\",\"_reply_q\":\"q\"}}");
    UNTIL(&w, at_hub.n);
    raw_send(forger, "{\"reply\":{\"id\":\"c1\"},\"body\":{\"_msg_id\":\"c1\","
                     "\"result\":\"forged\"}}");
    raw_send(forger, "{\"to\":{\"topic\":\"nobody\"},\"call\":{\"id\":\"f1\",\"timeout_ms\":1},"
                     "\"body\":{}}");
    UNTIL(&w, has_received(forger, &got, "nobody serves topic nobody"));
    ds_clear(&got);
    nt_bus_reply(at_hub.held, json_string_create("true one"));
    UNTIL(&w, has_received(caller, &got, "true one"));
    assert_null(strstr(ds_cstr(&got), "forged"));
    ds_destroy(&got);
    close(caller);
    close(forger);
    teardown(&w);
}

static void
other_users_are_turned_away(void **state)
{
    struct nt_err err;
    int fds[2];

    if (geteuid()) {
        fail_msg("this test needs root");
    }
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(nt_listen_check_peer(fds[0], &err), 0);
    close(fds[0]);
    close(fds[1]);

    struct world w;
    setup(&w, false);
    chmod(w.dir, 0755);
    chmod(w.path, 0666);

    pid_t pid = fork();
    if (!pid) {
        struct sockaddr_un un = { .sun_family = AF_UNIX };
        char c;
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        int rc = 2;

        ovs_strlcpy(un.sun_path, w.path, sizeof un.sun_path);
        if (!setuid(65534) && !connect(fd, (struct sockaddr *) &un, sizeof un)) {
            rc = recv(fd, &c, 1, 0) > 0;
        }
        /* Past the leak checker, which would find the parent's objects. */
        syscall(SYS_exit_group, rc);
    }

    int status = 0;
    UNTIL(&w, waitpid(pid, &status, WNOHANG) == pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    teardown(&w);
}

static void
socket_file_is_private_and_replaced_only_when_dead(void **state)
{
    struct world w;
    struct nt_bus_options opts;
    struct nt_bus *second = NULL;
    struct nt_err err = { 0 };
    struct stat st;

    setup(&w, false);
    assert_int_equal(stat(w.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);

    opts = options(&w, "ctl");
    assert_int_equal(nt_bus_hub_new(&opts, w.path, NULL, &second, &err), -1);
    assert_int_equal(err.code, NT_FAULT);
    assert_non_null(strstr(err.msg, "another program does"));
    assert_int_equal(stat(w.path, &st), 0);
    nt_bus_free(TAKE(w.hub));
    assert_int_equal(stat(w.path, &st), -1);

    /* One that nobody listens on. */
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ovs_strlcpy(un.sun_path, w.path, sizeof un.sun_path);
    assert_int_equal(bind(fd, (struct sockaddr *) &un, sizeof un), 0);
    close(fd);
    start_hub(&w, NULL);
    teardown(&w);
}

static void
bad_keys_and_addresses_are_named(void **state)
{
    static const struct {
        const char *endpoint, *key;
        mode_t mode;
        const char *reason;
    } cases[] = {
        { "tcp:127.0.0.1:1", KEY, 0644, "others may use it" },
        { "tcp:127.0.0.1:1", "0011", 0600, "does not hold 32 to 64 bytes in hex" },
        { "tcp:127.0.0.1:1", KEY "0", 0600, "does not hold" },
        { "tcp:127.0.0.1:1", "no hex", 0600, "does not hold" },
        { "tcp:host.example:1", KEY, 0600, "not a numeric address" },
        { "tcp:127.0.0.1", KEY, 0600, "ADDRESS:PORT" },
        { "amqp:x", KEY, 0600, "neither unix:PATH nor tcp" },
        { "unix:", KEY, 0600, "is empty" },
    };
    struct world w;

    setup(&w, false);
    for (size_t i = 0; i < NT_ARRAY_SIZE(cases); i++) {
        struct nt_bus_options opts = options(&w, "a");
        struct nt_err err = { 0 };

        write_key(w.key_file, cases[i].key, cases[i].mode);
        assert_int_equal(nt_bus_peer_new(&opts, cases[i].endpoint, &w.a, &err), -1);
        assert_int_equal(err.code, NT_INVALID);
        if (!strstr(err.msg, cases[i].reason)) {
            fail_msg("%s: %s", cases[i].endpoint, err.msg);
        }
    }
    teardown(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_key_is_refused),
        cmocka_unit_test(plaintext_is_refused_without_a_word),
        cmocka_unit_test(silent_stranger_is_closed_after_five_seconds),
        cmocka_unit_test(crowd_of_strangers_does_not_keep_peers_out),
        cmocka_unit_test(oversize_and_unknown_beginnings_close_the_connection),
        cmocka_unit_test(duplicates_and_malformed_messages_are_dropped_alone),
        cmocka_unit_test(only_who_was_asked_may_reply),
        cmocka_unit_test(other_users_are_turned_away),
        cmocka_unit_test(socket_file_is_private_and_replaced_only_when_dead),
        cmocka_unit_test(bad_keys_and_addresses_are_named),
    };

    /* As nt_loop_handle_signals() does in programs. */
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
