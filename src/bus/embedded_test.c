#include <config.h>

#include "bus/embedded.h"

#include <signal.h>
#include <time.h>

#include "bus/embedded_world.h"

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
    nt_bus_call(bus, NT_BUS_TO(topic, host, "m", "1.0"), text_args("hi"), 60000, on_reply, seen);
    assert_int_equal(seen->n, 0);
}

static void
refuse(void *seen, struct nt_bus_request *req)
{
    struct nt_err err;

    note(seen, req);
    nt_fail(&err, NT_CONFLICT, "not now");
    nt_bus_reply_fail(req, &err);
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

    nt_bus_cast(w.hub, NT_BUS_TO("t", NULL, "m", "1.0"), NULL);
    nt_bus_cast(w.hub, NT_BUS_TO("t", NULL, "m", "1.0"), NULL);
    UNTIL(&w, at_a.n + at_b.n == 2);
    assert_int_equal(at_a.n, 1);
    assert_int_equal(at_b.n, 1);

    nt_bus_serve(w.hub, "t", NULL, echo, &at_hub);
    nt_bus_fanout(w.a, NT_BUS_TO("t", NULL, "m", "1.0"), text_args("all"));
    UNTIL(&w, at_a.n == 2 && at_b.n == 2 && at_hub.n == 1);
    assert_string_equal(at_b.text, "all");
    assert_string_equal(at_b.peer, "a");
    assert_string_equal(at_hub.peer, "a");

    /* The hub's own program comes first. */
    nt_bus_cast(w.b, NT_BUS_TO("t", NULL, "m", "1.0"), NULL);
    UNTIL(&w, at_hub.n == 2);
    assert_int_equal(at_a.n + at_b.n, 4);
    teardown(&w);
}

static void
who_listens_hears_what_is_for_all_and_for_its_host(void **state)
{
    struct world w;
    struct seen at_a = { 0 }, at_hub = { 0 };

    setup_peers(&w, false);
    nt_bus_listen(w.a, "t", "a", echo, &at_a);
    nt_bus_listen(w.hub, "t", NULL, echo, &at_hub);
    await_served(&w, "t", "a");
    at_a.n = 0;

    nt_bus_fanout(w.b, NT_BUS_TO("t", NULL, "m", "1.0"), text_args("all"));
    UNTIL(&w, at_a.n == 1 && at_hub.n == 1);
    nt_bus_cast(w.b, NT_BUS_TO("t", "a", "m", "1.0"), text_args("one"));
    UNTIL(&w, at_a.n == 2);
    assert_string_equal(at_a.text, "one");

    /* What is for anybody who serves the topic is for nobody here. */
    struct seen refused = { 0 };
    nt_bus_call(w.b, NT_BUS_TO("t", NULL, "m", "1.0"), NULL, LIMIT_MS, on_reply, &refused);
    UNTIL(&w, refused.n == 1);
    assert_int_equal(refused.code, NT_UNAVAILABLE);
    assert_int_equal(at_hub.n, 1);
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
    nt_bus_cast(w.a, NT_BUS_TO("compute", "c9", "m", "1.0"), NULL);
    nt_bus_cast(w.hub, NT_BUS_TO("compute", "c9", "m", "1.0"), NULL);
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
    nt_bus_cast(w.a, NT_BUS_TO("held", NULL, "m", "1.0"), NULL);

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
    nt_bus_call(w.a, NT_BUS_TO("t", NULL, "slow", "1.0"), NULL, 4000, on_reply, &reply);
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

static void
subscription_for_another_host_is_refused(void **state)
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
        nt_bus_call(b->bus, NT_BUS_TO("t", NULL, "m", "1.0"), text_args("hi"), 60000, bench_reply,
                    b);
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
        nt_bus_call(w.a, NT_BUS_TO("t", NULL, "m", "1.0"), text_args("hi"), 60000, bench_reply, &b);
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
    measure(false, 50, 2000);
    measure(true, 1, 2000);
    measure(true, 50, 2000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_reach_hub_host_and_other_peers_over_unix),
        cmocka_unit_test(calls_reach_hub_host_and_other_peers_over_tls),
        cmocka_unit_test(fanout_reaches_all_and_casts_take_turns),
        cmocka_unit_test(who_listens_hears_what_is_for_all_and_for_its_host),
        cmocka_unit_test(absent_host_is_named_at_once),
        cmocka_unit_test(peer_that_dies_fails_the_calls_that_wait_on_it),
        cmocka_unit_test(peers_come_back_after_the_hub_was_away),
        cmocka_unit_test(newer_connection_of_a_program_replaces_the_older),
        cmocka_unit_test(call_ends_with_timeout_when_nobody_answers),
        cmocka_unit_test(silent_peer_is_dropped_and_a_living_one_is_not),
        cmocka_unit_test(large_result_arrives_whole),
        cmocka_unit_test(too_large_a_result_fails_the_call_alone),
        cmocka_unit_test(subscription_for_another_host_is_refused),
        cmocka_unit_test(calls_per_second_are_printed),
    };

    /* As nt_loop_handle_signals() does in programs. */
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
