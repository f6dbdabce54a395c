#include <config.h>

#include "wire/amqp/amqp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "wire/amqp/frame.h"
#include "wire/amqp/login.h"

/* A client, and what a broker would say to it. */
struct both {
    struct nt_amqp *client;
    struct ofpbuf said; /* By the broker; fed with tell(). */
    int n[NT_AMQP_CLOSED + 1];
    struct nt_amqp_event last;
    char text[300], body[64];
    struct nt_err err;
};

static void
on_event(void *b_, const struct nt_amqp_event *event)
{
    struct both *b = b_;

    b->n[event->kind]++;
    b->last = *event;
    ovs_strlcpy(b->text, event->text ? event->text : "", sizeof b->text);
    ovs_strlcpy(b->body, event->body ? event->body : "", sizeof b->body);
    if (event->body && event->size < sizeof b->body) {
        b->body[event->size] = '\0';
    }
}

static void
say(struct both *b, unsigned channel, amqp_method_number_t id, void *method)
{
    nt_amqp_put_method(&b->said, channel, id, method);
}

/* Feeds what the broker said in pieces of 'piece' bytes. */
static int
tell(struct both *b, size_t piece, int64_t now)
{
    int rc = 0;

    for (size_t i = 0; i < b->said.size && !rc; i += piece) {
        rc = nt_amqp_feed(b->client, (char *) b->said.data + i, MIN(piece, b->said.size - i), now,
                          &b->err);
    }
    ofpbuf_clear(&b->said);
    return rc;
}

static void
forget_output(struct both *b)
{
    const void *data;

    nt_amqp_sent(b->client, nt_amqp_output(b->client, &data), 0);
}

/* Up to the open connection with channel 1. */
static void
come_up(struct both *b, size_t piece)
{
    amqp_connection_start_t start = { .version_minor = 9,
                                      .mechanisms = nt_amqp_text("PLAIN AMQPLAIN"),
                                      .locales = nt_amqp_text("en_US") };
    amqp_connection_tune_t tune = { 2047, 131072, 60 };
    amqp_connection_open_ok_t open_ok = { { 0 } };
    amqp_channel_open_ok_t channel_ok = { { 0 } };

    say(b, 0, AMQP_CONNECTION_START_METHOD, &start);
    say(b, 0, AMQP_CONNECTION_TUNE_METHOD, &tune);
    say(b, 0, AMQP_CONNECTION_OPEN_OK_METHOD, &open_ok);
    assert_int_equal(tell(b, piece, 0), 0);
    assert_int_equal(b->n[NT_AMQP_OPENED], 1);
    nt_amqp_channel_open(b->client, 1, 7);
    say(b, 1, AMQP_CHANNEL_OPEN_OK_METHOD, &channel_ok);
    assert_int_equal(tell(b, piece, 0), 0);
    assert_int_equal(b->last.token, 7);
    forget_output(b);
}

static void
deliver(struct both *b, const char *body, uint64_t announced)
{
    amqp_basic_deliver_t m = { .consumer_tag = nt_amqp_text("3"),
                               .delivery_tag = 5,
                               .exchange = nt_amqp_text("neutron"),
                               .routing_key = nt_amqp_text("q") };
    amqp_basic_properties_t p = { 0 };

    say(b, 1, AMQP_BASIC_DELIVER_METHOD, &m);
    nt_amqp_put_header(&b->said, 1, announced, &p);
    nt_amqp_put_body(&b->said, 1, body, strlen(body), NT_AMQP_FRAME_MIN);
}

static int
setup(void **state)
{
    const struct nt_amqp_options options = { "AMQPLAIN", "u", "secret", "/", "t:1:x", 10, 32 };
    struct both *b = xzalloc(sizeof *b);

    ofpbuf_init(&b->said, 0);
    assert_int_equal(nt_amqp_new(&options, 0, on_event, b, &b->client, &b->err), 0);
    *state = b;
    return 0;
}

static int
teardown(void **state)
{
    struct both *b = *state;

    nt_amqp_free(b->client);
    ofpbuf_uninit(&b->said);
    free(b);
    return 0;
}

static void
message_comes_in_any_pieces(void **state)
{
    static const size_t pieces[] = { 1, 2, 7, 8, 9, 100000 };

    for (size_t i = 0; i < NT_ARRAY_SIZE(pieces); i++) {
        struct both *b;

        teardown(state);
        setup(state);
        b = *state;
        come_up(b, pieces[i]);
        deliver(b, "hello", 5);
        assert_int_equal(tell(b, pieces[i], 0), 0);
        assert_int_equal(b->n[NT_AMQP_DELIVERED], 1);
        assert_string_equal(b->body, "hello");
        assert_int_equal(b->last.tag, 5);
    }
}

static void
large_body_is_read_past(void **state)
{
    struct both *b = *state;
    char body[2000];

    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    come_up(b, 4096);
    deliver(b, body, sizeof body - 1);
    deliver(b, "after", 5);
    assert_int_equal(tell(b, 100, 0), 0);
    assert_int_equal(b->n[NT_AMQP_TOO_LARGE], 1);
    assert_int_equal(b->n[NT_AMQP_DELIVERED], 1);
    assert_string_equal(b->body, "after");
}

static void
what_is_out_of_place_ends_the_connection(void **state)
{
    static const struct {
        uint8_t bytes[12];
        const char *why;
    } wrong[] = {
        { { 'A', 'M', 'Q', 'P', 0, 1, 0, 0 }, "0-9-1" },
        { { 9, 0, 0, 0, 0, 0, 0, 0xce }, "unknown type" },
        { { 1, 0, 0, 0xff, 0xff, 0xff, 0xff }, "allowed" },
        { { 8, 0, 0, 0, 0, 0, 0, 0 }, "end" },
        { { 1, 0, 9, 0, 0, 0, 0, 0xce }, "channel 9" },
        { { 1, 0, 1, 0, 0, 0, 0, 0xce }, "method frame" },
        { { 3, 0, 1, 0, 0, 0, 1, 'x', 0xce }, "body" },
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(wrong); i++) {
        struct both *b;

        teardown(state);
        setup(state);
        b = *state;
        come_up(b, 4096);
        assert_int_equal(nt_amqp_feed(b->client, wrong[i].bytes, 12, 0, &b->err), -1);
        assert_non_null(strstr(b->err.msg, wrong[i].why));
        assert_int_equal(nt_amqp_feed(b->client, "x", 1, 0, &b->err), 0);
    }
}

static void
answers_must_be_in_order(void **state)
{
    struct both *b = *state;
    amqp_basic_consume_ok_t ok = { nt_amqp_text("1") };
    const struct nt_amqp_queue queue = { .name = "q" };

    come_up(b, 4096);
    nt_amqp_queue_declare(b->client, 1, &queue, 1);
    nt_amqp_consume(b->client, 1, "q", "1", 2);
    say(b, 1, AMQP_BASIC_CONSUME_OK_METHOD, &ok);
    assert_int_equal(tell(b, 4096, 0), -1);
}

static void
closed_channel_tells_whose_request_it_was(void **state)
{
    struct both *b = *state;
    amqp_channel_close_t close = { 406, nt_amqp_text("PRECONDITION\nFAILED"), 50, 10 };
    const struct nt_amqp_queue queue = { .name = "q" };

    come_up(b, 4096);
    nt_amqp_queue_declare(b->client, 1, &queue, 42);
    say(b, 1, AMQP_CHANNEL_CLOSE_METHOD, &close);
    assert_int_equal(tell(b, 4096, 0), 0);
    assert_int_equal(b->n[NT_AMQP_CHANNEL_CLOSED], 1);
    assert_int_equal(b->last.token, 42);
    assert_int_equal(b->last.code, 406);
    assert_string_equal(b->text, "PRECONDITION?FAILED");
    assert_false(nt_amqp_channel_is_open(b->client, 1));
}

static void
silence_is_noticed_and_ended_by_heartbeats(void **state)
{
    struct both *b = *state;
    const void *data;

    come_up(b, 4096);
    assert_int_equal(nt_amqp_tick(b->client, 4999, &b->err), 0);
    assert_int_equal(nt_amqp_output(b->client, &data), 0);
    assert_int_equal(nt_amqp_tick(b->client, 5000, &b->err), 0);
    assert_int_equal(nt_amqp_output(b->client, &data), NT_AMQP_OVERHEAD);
    assert_int_equal(nt_amqp_feed(b->client, "\x08\0\0\0\0\0\0\xce", 8, 9000, &b->err), 0);
    assert_int_equal(nt_amqp_tick(b->client, 18999, &b->err), 0);
    assert_int_equal(nt_amqp_tick(b->client, 19000, &b->err), -1);
    assert_int_equal(b->err.code, NT_TIMEOUT);
}

static void
body_is_cut_into_frames(void **state)
{
    struct both *b = *state;
    const size_t size = 300000;
    char *body = xzalloc(size);
    const struct nt_amqp_message msg = { "e", "k", false, 60000, body, size };
    const void *data;
    size_t n_frames = 0;

    come_up(b, 4096);
    assert_int_equal(nt_amqp_publish(b->client, 1, &msg), 1);
    assert_int_equal(nt_amqp_publish(b->client, 1, &msg), 2);
    for (size_t i = 0, n = nt_amqp_output(b->client, &data); i < n; n_frames++) {
        const uint8_t *head = (const uint8_t *) data + i;

        i += ((uint32_t) head[3] << 24 | head[4] << 16 | head[5] << 8 | head[6]) + NT_AMQP_OVERHEAD;
    }
    assert_int_equal(n_frames, 2 * (2 + 3));
    free(body);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(message_comes_in_any_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(large_body_is_read_past, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_out_of_place_ends_the_connection, setup, teardown),
        cmocka_unit_test_setup_teardown(answers_must_be_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(closed_channel_tells_whose_request_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(silence_is_noticed_and_ended_by_heartbeats, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(body_is_cut_into_frames, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
