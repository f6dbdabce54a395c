#include <config.h>

#include "bus/bus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "bus/embedded_routes.h"
#include "bus/envelope.h"
#include "bus/seen.h"
#include "bus/transport.h"
#include "openvswitch/json.h"

/* A transport that keeps what was sent last. */
struct fake {
    struct nt_bus_transport up;
    struct nt_clock clock;
    int64_t now;
    struct nt_random *random;
    struct nt_bus *bus;
    bool connected, refuses;
    int n_sent, n_replies;
    struct json *sent; /* The body. */
    char msg_id[64];
    struct nt_err failure; /* Of the last reply; code NT_OK: a result. */
    char failure_class[64];
};

static int64_t
fake_now(const struct nt_clock *clock)
{
    return CONTAINER_OF(clock, struct fake, clock)->now;
}

static struct fake *
fake_cast(const struct nt_bus_transport *up)
{
    return CONTAINER_OF(up, struct fake, up);
}

static int
fake_send(struct nt_bus_transport *up, const struct nt_bus_message *msg, struct nt_err *err)
{
    struct fake *f = fake_cast(up);

    if (f->refuses) {
        return nt_fail(err, NT_UNAVAILABLE, "nobody serves topic %s", msg->topic);
    }
    f->n_sent++;
    json_destroy(f->sent);
    f->sent = json_clone(msg->body);
    ovs_strlcpy(f->msg_id, msg->msg_id ? msg->msg_id : "", sizeof f->msg_id);
    return 0;
}

static int
fake_reply(struct nt_bus_transport *up, const struct nt_bus_message *msg, struct nt_err *err)
{
    struct fake *f = fake_cast(up);
    struct json *json = NULL;
    struct nt_payload p;

    f->n_replies++;
    f->failure.code = NT_OK;
    f->failure_class[0] = '\0';
    assert_int_equal(nt_envelope_open(msg->body, &json, NULL), 0);
    assert_int_equal(nt_payload_parse(json, &p, NULL), 0);
    if (p.failure) {
        nt_failure_parse(p.failure, &f->failure);
        sscanf(p.failure, "{\"class\":\"%63[A-Za-z]", f->failure_class);
    }
    json_destroy(json);
    return 0;
}

static void
fake_serve(struct nt_bus_transport *up, const char *topic, const char *host, bool listens)
{
}

static bool
fake_is_connected(const struct nt_bus_transport *up)
{
    return fake_cast(up)->connected;
}

static void
fake_nothing(struct nt_bus_transport *up)
{
}

static const struct nt_bus_transport_class fake_class = {
    fake_send,    fake_reply,   fake_serve,   fake_is_connected,
    fake_nothing, fake_nothing, fake_nothing, fake_nothing,
};

static int
setup(void **state)
{
    struct fake *f = xzalloc(sizeof *f);

    f->up.class = &fake_class;
    f->clock.mono_ms = f->clock.wall_ms = fake_now;
    f->now = 1000;
    f->connected = true;
    f->random = nt_random_system();
    f->bus = nt_bus_new(&f->up, &f->clock, f->random);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fake *f = *state;

    nt_bus_free(f->bus);
    nt_random_free(f->random);
    json_destroy(f->sent);
    free(f);
    return 0;
}

struct outcome {
    int n;
    enum nt_code code;
    int64_t value;
    char msg[NT_ERR_SIZE];
};

static void
on_reply(void *outcome_, const struct json *result, const struct nt_err *err)
{
    struct outcome *o = outcome_;

    assert_true(!result != !err);
    o->n++;
    o->code = err ? err->code : NT_OK;
    o->value = result && result->type == JSON_INTEGER ? json_integer(result) : -1;
    ovs_strlcpy(o->msg, err ? err->msg : "", sizeof o->msg);
}

/* Gives the bus 'text' as a body from 'peer'; 'topic' NULL: as a reply. */
static void
receive(struct fake *f, const char *peer, const char *topic, const char *text)
{
    struct json *body = json_from_string(text);
    struct nt_bus_incoming in = { .topic = topic, .peer = peer, .program = "p", .body = body };

    nt_bus_receive(f->bus, &in);
    json_destroy(body);
    if (topic) {
        nt_bus_run(f->bus);
    }
}

static void
receive_reply(struct fake *f, const char *members)
{
    char text[512];

    snprintf(text, sizeof text, "{\"_msg_id\":\"%s\",\"_unique_id\":\"u\",%s}", f->msg_id, members);
    receive(f, "x", NULL, text);
}

static void
reply_ends_its_call_from_run(void **state)
{
    struct fake *f = *state;
    struct outcome o = { 0 };

    nt_bus_call(f->bus, NT_BUS_TO("t", NULL, "m", "1.0"), NULL, 1000, on_reply, &o);
    receive_reply(f, "\"result\":7,\"failure\":null,\"ending\":true");
    assert_int_equal(o.n, 0);
    nt_bus_run(f->bus);
    assert_int_equal(o.n, 1);
    assert_int_equal(o.code, NT_OK);
    assert_int_equal(o.value, 7);

    /* Once only. */
    receive_reply(f, "\"result\":8");
    nt_bus_run(f->bus);
    assert_int_equal(o.n, 1);
}

static void
keep_alive_does_not_end_a_call(void **state)
{
    struct fake *f = *state;
    struct outcome o = { 0 };

    nt_bus_call(f->bus, NT_BUS_TO("t", NULL, "m", "1.0"), NULL, 1000, on_reply, &o);
    receive_reply(f, "\"result\":null,\"failure\":null,\"ending\":false");
    nt_bus_run(f->bus);
    assert_int_equal(o.n, 0);
    receive_reply(f, "\"result\":null,\"failure\":null,\"ending\":true");
    nt_bus_run(f->bus);
    assert_int_equal(o.n, 1);
    assert_int_equal(o.code, NT_OK);
}

static void
each_call_ends_at_its_own_deadline(void **state)
{
    struct fake *f = *state;
    struct outcome slow = { 0 }, fast = { 0 };

    nt_bus_call(f->bus, NT_BUS_TO("t", "h1", "slow", "1.0"), NULL, 5000, on_reply, &slow);
    nt_bus_call(f->bus, NT_BUS_TO("t", NULL, "fast", "1.0"), NULL, 1000, on_reply, &fast);
    f->now += 999;
    nt_bus_run(f->bus);
    assert_int_equal(fast.n, 0);
    f->now += 1;
    nt_bus_run(f->bus);
    assert_int_equal(fast.code, NT_TIMEOUT);
    assert_int_equal(slow.n, 0);
    f->now += 4000;
    nt_bus_run(f->bus);
    assert_int_equal(slow.code, NT_TIMEOUT);
    assert_string_equal(slow.msg, "no answer in time: slow on topic t at host h1");
}

static void
call_that_cannot_be_sent_fails_from_run(void **state)
{
    struct fake *f = *state;
    struct outcome o = { 0 };

    f->refuses = true;
    nt_bus_call(f->bus, NT_BUS_TO("t", NULL, "m", "1.0"), NULL, 1000, on_reply, &o);
    nt_bus_cast(f->bus, NT_BUS_TO("t", NULL, "m", "1.0"), json_object_create());
    assert_int_equal(o.n, 0);
    nt_bus_run(f->bus);
    assert_int_equal(o.n, 1);
    assert_int_equal(o.code, NT_UNAVAILABLE);
    assert_string_equal(o.msg, "cannot call m: nobody serves topic t");
}

static void
free_ends_calls_with_unavailable(void **state)
{
    struct fake *f = *state;
    struct outcome o = { 0 };

    nt_bus_call(f->bus, NT_BUS_TO("t", NULL, "m", "1.0"), NULL, 1000, on_reply, &o);
    nt_bus_free(TAKE(f->bus));
    assert_int_equal(o.n, 1);
    assert_int_equal(o.code, NT_UNAVAILABLE);
}

static void
count_request(void *n, struct nt_bus_request *req)
{
    ++*(int *) n;
    nt_bus_reply(req, NULL);
}

static void
note_reply(void *text, const struct json *result OVS_UNUSED, const struct nt_err *err OVS_UNUSED)
{
    strcat(text, "reply ");
}

static void
note_request(void *text, struct nt_bus_request *req)
{
    strcat(text, "request ");
    nt_bus_reply(req, NULL);
}

static void
request_does_not_overtake_the_reply_before_it(void **state)
{
    struct fake *f = *state;
    char order[64] = "";

    nt_bus_serve(f->bus, "t", NULL, note_request, order);
    nt_bus_call(f->bus, NT_BUS_TO("t", "h1", "m", "1.0"), NULL, 1000, note_reply, order);
    receive_reply(f, "\"result\":1,\"failure\":null,\"ending\":true");
    receive(f, "a", "t", "{\"method\":\"m\"}");
    assert_string_equal(order, "reply request ");
}

static void
note_request_id(void *id, struct nt_bus_request *req)
{
    ovs_strlcpy(id, nt_log_request(), NT_REQUEST_ID_SIZE);
    nt_bus_reply(req, NULL);
}

static void
note_reply_id(void *id, const struct json *result OVS_UNUSED, const struct nt_err *err OVS_UNUSED)
{
    ovs_strlcpy(id, nt_log_request(), NT_REQUEST_ID_SIZE);
}

static void
request_id_goes_with_a_call_and_comes_back_with_its_answer(void **state)
{
    struct fake *f = *state;
    char current[NT_REQUEST_ID_SIZE] = "req-1", handled[NT_REQUEST_ID_SIZE] = "";
    char answered[NT_REQUEST_ID_SIZE] = "";

    nt_log_swap_request(current);
    nt_bus_call(f->bus, NT_BUS_TO("t", NULL, "m", "1.0"), NULL, 1000, note_reply_id, answered);
    nt_log_swap_request(current);
    assert_string_equal(nt_log_request(), "");

    AUTO_FREE char *sent = json_to_string(f->sent, 0);
    assert_non_null(strstr(sent, "_context_request_id\\\":\\\"req-1\\\""));
    receive_reply(f, "\"result\":1,\"failure\":null,\"ending\":true");
    nt_bus_run(f->bus);
    assert_string_equal(answered, "req-1");

    nt_bus_serve(f->bus, "t", NULL, note_request_id, handled);
    receive(f, "a", "t", "{\"method\":\"m\",\"_context_request_id\":\"req-2\"}");
    assert_string_equal(handled, "req-2");
    assert_string_equal(nt_log_request(), "");
}

static void
repeated_id_is_dropped_per_sender(void **state)
{
    static const char one[] = "{\"method\":\"m\",\"_unique_id\":\"1\"}";
    struct fake *f = *state;
    int n = 0;

    nt_bus_serve(f->bus, "t", NULL, count_request, &n);
    receive(f, "a", "t", one);
    receive(f, "a", "t", one);
    assert_int_equal(n, 1);
    receive(f, "b", "t", one);
    assert_int_equal(n, 2);
    receive(f, "a", "t", "{\"method\":\"m\",\"_unique_id\":\"2\"}");
    assert_int_equal(n, 3);

    /* Without an id nothing can be told. */
    receive(f, "a", "t", "{\"method\":\"m\"}");
    receive(f, "a", "t", "{\"method\":\"m\"}");
    assert_int_equal(n, 5);
}

static void
sixteen_ids_are_remembered_and_memory_is_bounded(void **state)
{
    AUTO(nt_seen) seen = nt_seen_new();
    char id[32];

    for (int i = 0; i < 16; i++) {
        snprintf(id, sizeof id, "%d", i);
        assert_false(nt_seen_repeated(seen, "s", id));
    }
    for (int i = 0; i < 16; i++) {
        snprintf(id, sizeof id, "%d", i);
        assert_true(nt_seen_repeated(seen, "s", id));
    }
    for (int i = 0; i < 2 * NT_SEEN_SENDERS; i++) {
        char sender[32];

        snprintf(sender, sizeof sender, "%d", i);
        assert_false(nt_seen_repeated(seen, sender, "1"));
    }
    assert_false(nt_seen_repeated(seen, "s", "1"));
}

static void
requests_nobody_may_make_are_refused(void **state)
{
    static const struct {
        const char *members, *topic, *class;
        enum nt_code code;
    } cases[] = {
        { "\"method\":\"_m\"", "t", "NoSuchMethod", NT_UNSUPPORTED },
        { "\"method\":\"m\",\"namespace\":\"x\"", "t", "UnsupportedVersion", NT_UNSUPPORTED },
        { "\"method\":\"m\"", "elsewhere", "Unavailable", NT_UNAVAILABLE },
    };
    struct fake *f = *state;
    int n = 0;

    nt_bus_serve(f->bus, "t", NULL, count_request, &n);
    for (size_t i = 0; i < NT_ARRAY_SIZE(cases); i++) {
        char text[256];

        snprintf(text, sizeof text, "{%s,\"_msg_id\":\"1\",\"_reply_q\":\"q\"}", cases[i].members);
        receive(f, "a", cases[i].topic, text);
        assert_int_equal(f->n_replies, i + 1);
        assert_int_equal(f->failure.code, cases[i].code);
        assert_string_equal(f->failure_class, cases[i].class);
    }
    assert_int_equal(n, 0);
}

static void
note_state(void *log, bool connected)
{
    strcat(log, connected ? "+" : "-");
}

static void
state_is_told_from_run_and_only_when_it_changes(void **state)
{
    struct fake *f = *state;
    char first[16] = "", second[16] = "";

    nt_bus_on_state(f->bus, note_state, first);
    assert_string_equal(first, "");
    nt_bus_run(f->bus);
    nt_bus_run(f->bus);
    assert_string_equal(first, "+");
    f->connected = false;
    nt_bus_on_state(f->bus, note_state, second);
    nt_bus_run(f->bus);
    f->connected = true;
    nt_bus_run(f->bus);
    assert_string_equal(first, "+-+");
    assert_string_equal(second, "+");
}

static void
routes_take_turns_and_prefer_the_newest_of_a_host(void **state)
{
    AUTO(nt_routes) routes = nt_routes_new();
    struct nt_server a, b;

    nt_server_init(&a);
    nt_server_init(&b);
    assert_null(nt_routes_next(routes, "t", NULL));
    nt_routes_add(routes, &a, "t", "h");
    nt_routes_add(routes, &a, "t", "h");
    nt_routes_add(routes, &b, "t", "h");
    assert_int_equal(a.n_entries, 2);
    assert_ptr_not_equal(nt_routes_next(routes, "t", NULL), nt_routes_next(routes, "t", NULL));
    assert_ptr_equal(nt_routes_next(routes, "t", "h"), &b);
    assert_ptr_equal(nt_routes_next(routes, "t", "h"), &b);
    assert_null(nt_routes_next(routes, "t", "other"));
    nt_routes_remove(routes, &b);
    assert_ptr_equal(nt_routes_next(routes, "t", "h"), &a);
    nt_routes_remove(routes, &a);
    assert_null(nt_routes_next(routes, "t", "h"));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(reply_ends_its_call_from_run),
        TEST(keep_alive_does_not_end_a_call),
        TEST(each_call_ends_at_its_own_deadline),
        TEST(call_that_cannot_be_sent_fails_from_run),
        TEST(free_ends_calls_with_unavailable),
        TEST(request_does_not_overtake_the_reply_before_it),
        TEST(request_id_goes_with_a_call_and_comes_back_with_its_answer),
        TEST(repeated_id_is_dropped_per_sender),
        cmocka_unit_test(sixteen_ids_are_remembered_and_memory_is_bounded),
        TEST(requests_nobody_may_make_are_refused),
        TEST(state_is_told_from_run_and_only_when_it_changes),
        cmocka_unit_test(routes_take_turns_and_prefer_the_newest_of_a_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
