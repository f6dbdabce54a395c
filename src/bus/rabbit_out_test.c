#include <config.h>

#include "bus/rabbit_out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#define MAX_BYTES 1000000
#define PATIENCE_MS 60000

static void
put(struct nt_rabbit_out *out, const char *key, const char *body)
{
    const struct nt_rabbit_message msg = { .exchange = (char *) "",
                                           .routing_key = (char *) key,
                                           .body = xstrdup(body),
                                           .size = strlen(body),
                                           .mandatory = true };
    struct nt_err err;

    assert_int_equal(nt_rabbit_out_put(out, &msg, MAX_BYTES, &err), 0);
}

/* Publishes the next message and gets it back as one that nobody took. */
static void
publish_in_vain(struct nt_rabbit_out *out, const char *key, uint64_t tag, int64_t now)
{
    struct nt_rabbit_message *msg = nt_rabbit_out_next(out, now);

    assert_non_null(msg);
    assert_string_equal(msg->routing_key, key);
    nt_rabbit_out_published(out, msg, tag);
    nt_rabbit_out_returned(out, key, now, PATIENCE_MS);
    nt_rabbit_out_confirmed(out, tag, false, true);
}

static void
returned_reply_is_tried_each_quarter_for_a_minute(void **state)
{
    struct nt_rabbit_out out;
    int64_t now = 5000;
    unsigned n = 0;

    nt_rabbit_out_init(&out);
    put(&out, "reply_1", "a");
    for (;;) {
        if (nt_rabbit_out_next(&out, now)) {
            publish_in_vain(&out, "reply_1", ++n, now);
        }
        if (nt_rabbit_out_deadline(&out) == INT64_MAX) {
            break;
        }
        /* Never earlier, and not before the quarter is over. */
        assert_int_equal(nt_rabbit_out_deadline(&out) - now, 250);
        nt_rabbit_out_retry(&out, now + 249);
        assert_null(nt_rabbit_out_next(&out, now + 249));
        assert_false(nt_rabbit_out_is_dead(&out, "reply_1", now));
        now += 250;
        nt_rabbit_out_retry(&out, now);
    }
    assert_int_equal(now, 5000 + PATIENCE_MS);
    assert_int_equal(n, PATIENCE_MS / 250);
    assert_int_equal(out.bytes, 0);

    assert_true(nt_rabbit_out_is_dead(&out, "reply_1", now));
    assert_true(nt_rabbit_out_is_dead(&out, "reply_1", now + 59999));
    assert_false(nt_rabbit_out_is_dead(&out, "reply_2", now));
    assert_false(nt_rabbit_out_is_dead(&out, "reply_1", now + 60000));
    nt_rabbit_out_deinit(&out);
}

static void
queue_that_comes_back_gets_its_reply(void **state)
{
    struct nt_rabbit_out out;
    struct nt_rabbit_message *msg;

    nt_rabbit_out_init(&out);
    put(&out, "reply_1", "a");
    publish_in_vain(&out, "reply_1", 1, 0);
    nt_rabbit_out_retry(&out, 250);
    msg = nt_rabbit_out_next(&out, 250);
    nt_rabbit_out_published(&out, msg, 2);
    nt_rabbit_out_confirmed(&out, 2, false, true);
    assert_int_equal(out.bytes, 0);
    nt_rabbit_out_retry(&out, 2 * PATIENCE_MS);
    assert_false(nt_rabbit_out_is_dead(&out, "reply_1", 2 * PATIENCE_MS));
    nt_rabbit_out_deinit(&out);
}

static void
call_waits_for_a_queue_while_it_may_take(void **state)
{
    const struct nt_rabbit_message call = { .exchange = (char *) "neutron",
                                            .routing_key = (char *) "q-plugin",
                                            .body = xstrdup("a"),
                                            .size = 1,
                                            .queued_at = 1000,
                                            .timeout_ms = 500,
                                            .mandatory = true,
                                            .is_call = true };
    struct nt_rabbit_out out;
    struct nt_err err;

    nt_rabbit_out_init(&out);
    assert_int_equal(nt_rabbit_out_put(&out, &call, MAX_BYTES, &err), 0);
    publish_in_vain(&out, "q-plugin", 1, 1100);
    nt_rabbit_out_retry(&out, 1350);
    publish_in_vain(&out, "q-plugin", 2, 1350);
    assert_int_equal(nt_rabbit_out_deadline(&out), 1500);
    nt_rabbit_out_retry(&out, 1500);
    assert_int_equal(out.bytes, 0);
    assert_false(nt_rabbit_out_is_dead(&out, "q-plugin", 1500));
    nt_rabbit_out_deinit(&out);
}

/* A cast with the key of a returned call is none. */
static void
only_what_is_mandatory_counts_as_returned(void **state)
{
    const struct nt_rabbit_message cast = { .exchange = (char *) "neutron",
                                            .routing_key = (char *) "q-plugin",
                                            .body = xstrdup("a"),
                                            .size = 1 };
    struct nt_rabbit_out out;
    struct nt_err err;

    nt_rabbit_out_init(&out);
    assert_int_equal(nt_rabbit_out_put(&out, &cast, MAX_BYTES, &err), 0);
    publish_in_vain(&out, "q-plugin", 1, 0);
    assert_int_equal(out.bytes, 0);
    nt_rabbit_out_deinit(&out);
}

static void
few_dead_queues_are_remembered(void **state)
{
    struct nt_rabbit_out out;
    char key[20];

    nt_rabbit_out_init(&out);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "reply_%u", i);
        put(&out, key, "a");
        publish_in_vain(&out, key, i + 1, i);
    }
    nt_rabbit_out_retry(&out, 2 * PATIENCE_MS);
    assert_int_equal(out.bytes, 0);
    assert_in_range(shash_count(&out.dead), 1, 200);
    assert_true(nt_rabbit_out_is_dead(&out, "reply_999", 2 * PATIENCE_MS));
    nt_rabbit_out_deinit(&out);
}

static void
what_was_not_confirmed_is_published_again_in_order(void **state)
{
    struct nt_rabbit_out out;

    nt_rabbit_out_init(&out);
    for (unsigned i = 0; i < 3; i++) {
        static const char *const bodies[] = { "a", "b", "c" };

        put(&out, "t", bodies[i]);
        nt_rabbit_out_published(&out, nt_rabbit_out_next(&out, 0), i + 1);
    }
    nt_rabbit_out_confirmed(&out, 1, true, true);
    put(&out, "t", "d");
    nt_rabbit_out_again(&out);
    for (const char *body = "bcd"; *body; body++) {
        struct nt_rabbit_message *msg = nt_rabbit_out_next(&out, 0);

        assert_int_equal(*msg->body, *body);
        nt_rabbit_out_published(&out, msg, 10 + *body);
    }
    assert_int_equal(out.n_unconfirmed, 3);
    nt_rabbit_out_deinit(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(returned_reply_is_tried_each_quarter_for_a_minute),
        cmocka_unit_test(queue_that_comes_back_gets_its_reply),
        cmocka_unit_test(call_waits_for_a_queue_while_it_may_take),
        cmocka_unit_test(only_what_is_mandatory_counts_as_returned),
        cmocka_unit_test(few_dead_queues_are_remembered),
        cmocka_unit_test(what_was_not_confirmed_is_published_again_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
