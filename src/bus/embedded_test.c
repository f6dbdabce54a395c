#include <config.h>

#include "bus/embedded.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "bus/embedded_frame.h"
#include "bus/embedded_listen.h"
#include "bus/envelope.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER_KEY "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define LIMIT_MS 10000

/* A clock that runs, and that a test may push ahead. */
struct test_clock {
    struct nt_clock up;
    int64_t ahead;
};

static int64_t
test_mono_ms(const struct nt_clock *clock)
{
    return nt_mono_ms(nt_clock_system()) + CONTAINER_OF(clock, struct test_clock, up)->ahead;
}

/* A hub and two peers in one loop.  'tcp': over TLS. */
struct world {
    char dir[64], path[96], key_file[96], other_key_file[96], endpoint[128];
    bool tcp;
    struct test_clock clock;
    struct nt_random *random;
    struct nt_bus *hub, *a, *b;
};

/* What a handler or a callback saw last, and how often. */
struct seen {
    int n;
    enum nt_code code;
    char msg[NT_ERR_SIZE], text[64], peer[64];
    struct nt_bus_request *held; /* hold() only. */
};

static struct nt_bus_options
options(struct world *w, const char *name)
{
    return (struct nt_bus_options){ .name = name,
                                    .program = "test",
                                    .clock = &w->clock.up,
                                    .random = w->random,
                                    .key_file = w->key_file };
}

static void
write_key(const char *path, const char *key, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, key, strlen(key)), strlen(key));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void
start_hub(struct world *w, const char *tcp)
{
    struct nt_bus_options opts = options(w, "ctl");
    struct nt_err err = { 0 };

    if (nt_bus_hub_new(&opts, w->tcp ? NULL : w->path, w->tcp ? tcp : NULL, &w->hub, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static struct nt_bus *
new_peer(struct world *w, const char *name)
{
    struct nt_bus_options opts = options(w, name);
    struct nt_bus *bus = NULL;
    struct nt_err err = { 0 };

    if (nt_bus_peer_new(&opts, w->endpoint, &bus, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    return bus;
}

static void
turn(struct world *w)
{
    struct nt_bus *all[] = { w->hub, w->a, w->b };

    for (size_t i = 0; i < NT_ARRAY_SIZE(all); i++) {
        if (all[i]) {
            nt_bus_wait(all[i]);
        }
    }
    poll_timer_wait(20);
    poll_block();
    for (size_t i = 0; i < NT_ARRAY_SIZE(all); i++) {
        if (all[i]) {
            nt_bus_run(all[i]);
        }
    }
}

#define UNTIL(w, condition)                                                     \
    do {                                                                        \
        int64_t end_ = nt_mono_ms(nt_clock_system()) + LIMIT_MS;                \
        while (!(condition)) {                                                  \
            if (nt_mono_ms(nt_clock_system()) > end_) {                         \
                fail_msg("line %d: never came true: %s", __LINE__, #condition); \
            }                                                                   \
            turn(w);                                                            \
        }                                                                       \
    } while (0)

static void
setup(struct world *w, bool tcp)
{
    memset(w, 0, sizeof *w);
    strcpy(w->dir, "/tmp/nt-test-bus-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->path, sizeof w->path, "%s/bus.sock", w->dir);
    snprintf(w->key_file, sizeof w->key_file, "%s/key", w->dir);
    snprintf(w->other_key_file, sizeof w->other_key_file, "%s/other", w->dir);
    write_key(w->key_file, KEY "\n", 0640);
    write_key(w->other_key_file, OTHER_KEY "\n", 0600);
    w->tcp = tcp;
    w->clock.up.mono_ms = test_mono_ms;
    w->clock.up.wall_ms = test_mono_ms;
    w->random = nt_random_system();
    start_hub(w, "127.0.0.1:0");
    if (tcp) {
        snprintf(w->endpoint, sizeof w->endpoint, "tcp:127.0.0.1:%u", nt_bus_hub_port(w->hub));
    } else {
        snprintf(w->endpoint, sizeof w->endpoint, "unix:%s", w->path);
    }
}

static void
setup_peers(struct world *w, bool tcp)
{
    setup(w, tcp);
    w->a = new_peer(w, "a");
    w->b = new_peer(w, "b");
    UNTIL(w, nt_bus_is_connected(w->a) && nt_bus_is_connected(w->b));
}

static void
teardown(struct world *w)
{
    nt_bus_free(w->a);
    nt_bus_free(w->b);
    nt_bus_free(w->hub);
    nt_random_free(w->random);
    unlink(w->key_file);
    unlink(w->other_key_file);
    assert_int_equal(rmdir(w->dir), 0);
}

static void
note(struct seen *seen, struct nt_bus_request *req)
{
    const struct json *args = nt_bus_request_args(req);
    const struct json *text = args ? shash_find_data(json_object(args), "text") : NULL;

    seen->n++;
    ovs_strlcpy(seen->text, text ? json_string(text) : "", sizeof seen->text);
    ovs_strlcpy(seen->peer, nt_bus_request_peer(req), sizeof seen->peer);
}

static void
echo(void *seen, struct nt_bus_request *req)
{
    note(seen, req);
    nt_bus_reply(req, json_clone(nt_bus_request_args(req)));
}

static void
hold(void *seen_, struct nt_bus_request *req)
{
    struct seen *seen = seen_;

    note(seen, req);
    seen->held = req;
}

static void
refuse(void *seen, struct nt_bus_request *req)
{
    struct nt_err err;

    note(seen, req);
    nt_fail(&err, NT_CONFLICT, "not now");
    nt_bus_reply_fail(req, &err);
}

static void
on_reply(void *seen_, const struct json *result, const struct nt_err *err)
{
    struct seen *seen = seen_;

    seen->n++;
    seen->code = err ? err->code : NT_OK;
    ovs_strlcpy(seen->msg, err ? err->msg : "", sizeof seen->msg);
    if (result && result->type == JSON_OBJECT) {
        const struct json *text = shash_find_data(json_object(result), "text");

        ovs_strlcpy(seen->text, text ? json_string(text) : "", sizeof seen->text);
    }
}

static struct json *
text_args(const char *text)
{
    struct json *args = json_object_create();

    json_object_put_string(args, "text", text);
    return args;
}

static void
call(struct nt_bus *bus, const char *topic, const char *host, struct seen *seen)
{
    seen->n = 0;
    nt_bus_call(bus, topic, host, "m", "1.0", text_args("hi"), 60000, on_reply, seen);
    assert_int_equal(seen->n, 0);
}

/* Until the hub can reach 'topic' at 'host'. */
static void
await_served(struct world *w, const char *topic, const char *host)
{
    struct seen reply = { 0 };

    do {
        call(w->hub, topic, host, &reply);
        UNTIL(w, reply.n);
    } while (reply.code == NT_UNAVAILABLE);
}

static void
check_calls(bool tcp)
{
    struct world w;
    struct seen at_hub = { 0 }, at_a = { 0 }, at_b = { 0 }, reply = { 0 };

    setup_peers(&w, tcp);
    nt_bus_serve(w.hub, "conductor", NULL, echo, &at_hub);
    nt_bus_serve(w.a, "compute", "a", echo, &at_a);
    nt_bus_serve(w.b, "compute", "b", refuse, &at_b);

    /* Peer to hub. */
    call(w.a, "conductor", NULL, &reply);
    UNTIL(&w, reply.n);
    assert_int_equal(reply.code, NT_OK);
    assert_string_equal(reply.text, "hi");
    assert_string_equal(at_hub.peer, "a");

    /* Hub to one host. */
    await_served(&w, "compute", "a");
    assert_string_equal(at_a.peer, "ctl");
    assert_int_equal(at_b.n, 0);

    /* Peer to peer; an error keeps code and message. */
    await_served(&w, "compute", "b");
    call(w.a, "compute", "b", &reply);
    UNTIL(&w, reply.n);
    assert_int_equal(reply.code, NT_CONFLICT);
    assert_string_equal(reply.msg, "not now");
    assert_string_equal(at_b.peer, "a");

    /* The hub to itself. */
    call(w.hub, "conductor", NULL, &reply);
    UNTIL(&w, reply.n);
    assert_int_equal(reply.code, NT_OK);
    assert_string_equal(at_hub.peer, "ctl");
    teardown(&w);
}

static void
calls_reach_hub_host_and_other_peers_over_unix(void **state)
{
    check_calls(false);
}

static void
calls_reach_hub_host_and_other_peers_over_tls(void **state)
{
    check_calls(true);
}

static void
fanout_reaches_all_and_casts_take_turns(void **state)
{
    struct world w;
    struct seen at_hub = { 0 }, at_a = { 0 }, at_b = { 0 };

    setup_peers(&w, false);
    nt_bus_serve(w.a, "t", "a", echo, &at_a);
    nt_bus_serve(w.b, "t", "b", echo, &at_b);
    await_served(&w, "t", "a");
    await_served(&w, "t", "b");
    at_a.n = at_b.n = 0;

    nt_bus_cast(w.hub, "t", NULL, "m", "1.0", NULL);
    nt_bus_cast(w.hub, "t", NULL, "m", "1.0", NULL);
    UNTIL(&w, at_a.n + at_b.n == 2);
    assert_int_equal(at_a.n, 1);
    assert_int_equal(at_b.n, 1);

    nt_bus_serve(w.hub, "t", NULL, echo, &at_hub);
    nt_bus_fanout(w.a, "t", "m", "1.0", text_args("all"));
    UNTIL(&w, at_a.n == 2 && at_b.n == 2 && at_hub.n == 1);
    assert_string_equal(at_b.text, "all");
    assert_string_equal(at_b.peer, "a");
    assert_string_equal(at_hub.peer, "a");

    /* The hub's own program comes first. */
    nt_bus_cast(w.b, "t", NULL, "m", "1.0", NULL);
    UNTIL(&w, at_hub.n == 2);
    assert_int_equal(at_a.n + at_b.n, 4);
    teardown(&w);
}

static void
absent_host_is_named_at_once(void **state)
{
    struct world w;
    struct seen reply = { 0 };

    setup_peers(&w, false);
    call(w.hub, "compute", "c9", &reply);
    UNTIL(&w, reply.n);
    assert_int_equal(reply.code, NT_UNAVAILABLE);
    assert_non_null(strstr(reply.msg, "topic compute at host c9"));

    call(w.a, "compute", "c9", &reply);
    UNTIL(&w, reply.n);
    assert_int_equal(reply.code, NT_UNAVAILABLE);
    assert_non_null(strstr(reply.msg, "topic compute at host c9"));
    nt_bus_cast(w.a, "compute", "c9", "m", "1.0", NULL);
    nt_bus_cast(w.hub, "compute", "c9", "m", "1.0", NULL);
    turn(&w);
    teardown(&w);
}

static void
peer_that_dies_fails_the_calls_that_wait_on_it(void **state)
{
    struct world w;
    struct seen at_b = { 0 }, from_hub = { 0 }, from_a = { 0 };

    setup_peers(&w, true);
    nt_bus_serve(w.b, "t", "b", hold, &at_b);
    do {
        call(w.a, "t", "b", &from_a);
        UNTIL(&w, from_a.n || at_b.n);
    } while (!at_b.n);
    call(w.hub, "t", "b", &from_hub);

    struct nt_bus_request *first = at_b.held;
    UNTIL(&w, at_b.n == 2);
    nt_bus_free(TAKE(w.b));
    UNTIL(&w, from_hub.n && from_a.n);
    assert_int_equal(from_hub.code, NT_UNAVAILABLE);
    assert_non_null(strstr(from_hub.msg, "topic t at host b"));
    assert_int_equal(from_a.code, NT_UNAVAILABLE);
    assert_non_null(strstr(from_a.msg, "topic t at host b"));

    /* Requests may be ended though their bus is gone. */
    nt_bus_reply(first, NULL);
    nt_bus_reply(at_b.held, json_integer_create(1));
    teardown(&w);
}

static void
count_state(void *n, bool connected)
{
    ((int *) n)[connected]++;
}

static void
peers_come_back_after_the_hub_was_away(void **state)
{
    struct world w;
    struct seen at_a = { 0 }, at_hub = { 0 }, reply = { 0 };
    int changes[2] = { 0 };

    setup_peers(&w, false);
    nt_bus_on_state(w.a, count_state, changes);
    nt_bus_serve(w.a, "t", "a", echo, &at_a);
    nt_bus_serve(w.hub, "held", NULL, hold, &at_hub);
    await_served(&w, "t", "a");
    assert_int_equal(changes[true], 1);

    /* A call under way ends; one made while the hub is away ends from run(). */
    call(w.a, "held", NULL, &reply);
    UNTIL(&w, at_hub.n);
    nt_bus_free(TAKE(w.hub));
    UNTIL(&w, reply.n && changes[false] == 1);
    assert_int_equal(reply.code, NT_UNAVAILABLE);
    nt_bus_reply(at_hub.held, NULL);
    call(w.a, "held", NULL, &reply);
    UNTIL(&w, reply.n);
    assert_int_equal(reply.code, NT_UNAVAILABLE);
    nt_bus_cast(w.a, "held", NULL, "m", "1.0", NULL);

    start_hub(&w, NULL);
    UNTIL(&w, nt_bus_is_connected(w.a) && nt_bus_is_connected(w.b));
    await_served(&w, "t", "a");
    assert_int_equal(changes[true], 2);
    teardown(&w);
}

static void
newer_connection_of_a_program_replaces_the_older(void **state)
{
    struct world w;
    struct seen old = { 0 }, new = { 0 };

    setup_peers(&w, false);
    nt_bus_serve(w.a, "t", "a", echo, &old);
    await_served(&w, "t", "a");

    struct nt_bus *stale = w.a;
    w.a = new_peer(&w, "a");
    nt_bus_serve(w.a, "t", "a", echo, &new);
    UNTIL(&w, nt_bus_is_connected(w.a));
    await_served(&w, "t", "a");
    assert_int_equal(old.n, 1);
    assert_int_equal(new.n, 1);
    nt_bus_run(stale);
    assert_false(nt_bus_is_connected(stale));
    nt_bus_free(stale);
    teardown(&w);
}

static void
call_ends_with_timeout_when_nobody_answers(void **state)
{
    struct world w;
    struct seen at_hub = { 0 }, reply = { 0 };

    setup_peers(&w, false);
    nt_bus_serve(w.hub, "t", NULL, hold, &at_hub);
    nt_bus_call(w.a, "t", NULL, "slow", "1.0", NULL, 4000, on_reply, &reply);
    UNTIL(&w, at_hub.n);
    turn(&w);
    assert_int_equal(reply.n, 0);
    w.clock.ahead += 4001;
    UNTIL(&w, reply.n);
    assert_int_equal(reply.code, NT_TIMEOUT);
    assert_non_null(strstr(reply.msg, "slow on topic t"));

    /* The late answer is dropped. */
    nt_bus_reply(at_hub.held, NULL);
    call(w.a, "t", NULL, &reply);
    UNTIL(&w, at_hub.n == 2);
    nt_bus_reply(at_hub.held, NULL);
    UNTIL(&w, reply.n);
    assert_int_equal(reply.code, NT_OK);
    teardown(&w);
}

static void
silent_peer_is_dropped_and_a_living_one_is_not(void **state)
{
    struct world w;

    setup_peers(&w, false);
    for (int i = 0; i < 8; i++) {
        w.clock.ahead += 11000;
        turn(&w);
        turn(&w);
        turn(&w);
        assert_true(nt_bus_is_connected(w.a));
    }

    /* The hub alone goes on: its pings are not answered. */
    struct nt_bus *a = TAKE(w.a), *b = TAKE(w.b);
    struct seen at_a = { 0 }, reply = { 0 };
    nt_bus_serve(a, "t", "a", hold, &at_a);
    nt_bus_run(a);
    turn(&w);
    turn(&w);
    call(w.hub, "t", "a", &reply);
    turn(&w);
    assert_int_equal(reply.n, 0);
    for (int i = 0; i < 6; i++) {
        w.clock.ahead += 11000;
        turn(&w);
    }
    UNTIL(&w, reply.n);
    assert_int_equal(reply.code, NT_UNAVAILABLE);
    w.a = a;
    w.b = b;
    UNTIL(&w, nt_bus_is_connected(w.a) && nt_bus_is_connected(w.b));
    teardown(&w);
}

static void
large_result_arrives_whole(void **state)
{
    enum { SIZE = 10 << 20 };
    struct world w;
    struct seen at_a = { 0 }, reply = { 0 };

    setup_peers(&w, true);
    nt_bus_serve(w.a, "t", "a", hold, &at_a);
    do {
        call(w.hub, "t", "a", &reply);
        UNTIL(&w, reply.n || at_a.n);
    } while (!at_a.n);

    struct json *result = json_object_create();
    char *text = xmalloc(SIZE + 1);
    memset(text, 'x', SIZE);
    text[SIZE] = '\0';
    json_object_put(result, "big", json_string_create_nocopy(text));
    json_object_put_string(result, "text", "end");
    nt_bus_reply(at_a.held, result);

    int64_t longest = 0, begin = nt_mono_ms(nt_clock_system()), last = begin;
    while (!reply.n) {
        turn(&w);

        int64_t now = nt_mono_ms(nt_clock_system());
        longest = MAX(longest, now - last);
        last = now;
        assert_true(now - begin < LIMIT_MS);
    }
    assert_int_equal(reply.code, NT_OK);
    assert_string_equal(reply.text, "end");
    print_message("10 MiB reply over TLS: %lld ms, longest turn %lld ms\n",
                  (long long) (last - begin), (long long) longest);
    teardown(&w);
}

static void
too_large_a_result_fails_the_call_alone(void **state)
{
    enum { SIZE = 17 << 20 };
    struct world w;
    struct seen at_a = { 0 }, reply = { 0 };

    setup_peers(&w, false);
    nt_bus_serve(w.a, "t", "a", hold, &at_a);
    do {
        call(w.hub, "t", "a", &reply);
        UNTIL(&w, reply.n || at_a.n);
    } while (!at_a.n);

    char *text = xmalloc(SIZE + 1);
    memset(text, 'x', SIZE);
    text[SIZE] = '\0';
    nt_bus_reply(at_a.held, json_string_create_nocopy(text));
    UNTIL(&w, reply.n);
    assert_int_equal(reply.code, NT_TOO_LARGE);
    assert_true(nt_bus_is_connected(w.a));
    teardown(&w);
}

/* Strangers. */

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
    struct seen reply = { 0 };

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
    call(w.a, "t", NULL, &reply);
    UNTIL(&w, reply.n);
    assert_int_equal(reply.code, NT_UNAVAILABLE);
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

static void
foreign_subscription_and_forged_reply_change_nothing(void **state)
{
    struct world w;
    struct seen at_b = { 0 }, at_evil = { 0 }, reply = { 0 };

    setup_peers(&w, false);
    nt_bus_serve(w.b, "t", "b", hold, &at_b);
    nt_bus_serve(w.a, "t", "b", hold, &at_evil);
    do {
        call(w.hub, "t", "b", &reply);
        UNTIL(&w, reply.n || at_b.n);
    } while (!at_b.n);
    assert_int_equal(at_evil.n, 0);
    nt_bus_reply(at_b.held, NULL);
    UNTIL(&w, reply.n);
    assert_int_equal(reply.code, NT_OK);
    teardown(&w);
}

static void
other_users_are_turned_away(void **state)
{
    struct nt_err err;
    int fds[2];

    if (geteuid()) {
        skip();
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

        ovs_strlcpy(un.sun_path, w.path, sizeof un.sun_path);
        if (setuid(65534) || connect(fd, (struct sockaddr *) &un, sizeof un)) {
            _exit(2);
        }
        raw_send(fd, "{\"hello\":{\"version\":1,\"name\":\"n\",\"program\":\"p\"}}");
        _exit(recv(fd, &c, 1, 0) <= 0 ? 0 : 1);
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

/* Speed, for the record only. */

struct bench {
    struct nt_bus *bus;
    int left, done;
};

static void
bench_reply(void *bench_, const struct json *result, const struct nt_err *err)
{
    struct bench *b = bench_;

    assert_null(err);
    b->done++;
    if (b->left > 0) {
        b->left--;
        nt_bus_call(b->bus, "t", NULL, "m", "1.0", text_args("hi"), 60000, bench_reply, b);
    }
}

static void
measure(bool tcp, int window, int n)
{
    struct world w;
    struct seen at_hub = { 0 };

    setup_peers(&w, tcp);
    nt_bus_serve(w.hub, "t", NULL, echo, &at_hub);

    struct bench b = { .bus = w.a, .left = n - window };
    struct timespec begin, end;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int i = 0; i < window; i++) {
        nt_bus_call(w.a, "t", NULL, "m", "1.0", text_args("hi"), 60000, bench_reply, &b);
    }
    UNTIL(&w, b.done == n);
    clock_gettime(CLOCK_MONOTONIC, &end);

    double s = end.tv_sec - begin.tv_sec + (end.tv_nsec - begin.tv_nsec) / 1e9;
    print_message("%s, window %d: %.0f calls/s\n", tcp ? "TLS" : "unix", window, n / s);
    teardown(&w);
}

static void
calls_per_second_are_printed(void **state)
{
    measure(false, 1, 2000);
    measure(false, 50, 10000);
    measure(true, 1, 2000);
    measure(true, 50, 10000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_reach_hub_host_and_other_peers_over_unix),
        cmocka_unit_test(calls_reach_hub_host_and_other_peers_over_tls),
        cmocka_unit_test(fanout_reaches_all_and_casts_take_turns),
        cmocka_unit_test(absent_host_is_named_at_once),
        cmocka_unit_test(peer_that_dies_fails_the_calls_that_wait_on_it),
        cmocka_unit_test(peers_come_back_after_the_hub_was_away),
        cmocka_unit_test(newer_connection_of_a_program_replaces_the_older),
        cmocka_unit_test(call_ends_with_timeout_when_nobody_answers),
        cmocka_unit_test(silent_peer_is_dropped_and_a_living_one_is_not),
        cmocka_unit_test(large_result_arrives_whole),
        cmocka_unit_test(too_large_a_result_fails_the_call_alone),
        cmocka_unit_test(wrong_key_is_refused),
        cmocka_unit_test(plaintext_is_refused_without_a_word),
        cmocka_unit_test(silent_stranger_is_closed_after_five_seconds),
        cmocka_unit_test(crowd_of_strangers_does_not_keep_peers_out),
        cmocka_unit_test(oversize_and_unknown_beginnings_close_the_connection),
        cmocka_unit_test(duplicates_and_malformed_messages_are_dropped_alone),
        cmocka_unit_test(foreign_subscription_and_forged_reply_change_nothing),
        cmocka_unit_test(other_users_are_turned_away),
        cmocka_unit_test(socket_file_is_private_and_replaced_only_when_dead),
        cmocka_unit_test(bad_keys_and_addresses_are_named),
        cmocka_unit_test(calls_per_second_are_printed),
    };

    /* As nt_loop_handle_signals() does in programs. */
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
