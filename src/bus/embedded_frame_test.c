#include <config.h>

#include "bus/embedded_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"

static void
put_frame(struct ds *ds, const char *text)
{
    uint32_t len = strlen(text);
    char head[4] = { len >> 24, len >> 16, len >> 8, len };

    ds_put_buffer(ds, head, sizeof head);
    ds_put_cstr(ds, text);
}

static enum nt_frame_status
feed_text(struct nt_frame_decoder *dec, const char *text, struct json **out)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct nt_err err;
    size_t used;

    put_frame(&ds, text);

    enum nt_frame_status status =
        nt_frame_decoder_feed(dec, ds.string, ds.length, &used, out, &err);
    assert_int_equal(used, ds.length);
    ds_destroy(&ds);
    return status;
}

static void
request_survives_the_wire(void **state)
{
    AUTO(nt_frame_decoder) dec = nt_frame_decoder_new(NT_FRAME_MAX);
    struct json *body = json_object_create();
    struct nt_frame sent = { .kind = NT_FRAME_REQUEST,
                             .topic = "network",
                             .host = "c\"1",
                             .name = "ctl",
                             .program = "neutrino-server",
                             .call = "0123",
                             .timeout_ms = 1500,
                             .body = body };
    struct nt_frame got;
    struct nt_frame_buf *buf = NULL;
    struct json *json = NULL;
    struct nt_err err;
    size_t used;

    json_object_put_string(body, "k", "v");
    assert_int_equal(nt_frame_encode(&sent, &buf, &err), 0);
    assert_int_equal(nt_frame_decoder_feed(dec, buf->data, buf->len, &used, &json, &err),
                     NT_FRAME_READY);
    assert_int_equal(used, buf->len);
    assert_int_equal(nt_frame_parse(json, &got, &err), 0);
    assert_int_equal(got.kind, NT_FRAME_REQUEST);
    assert_string_equal(got.topic, "network");
    assert_string_equal(got.host, "c\"1");
    assert_string_equal(got.name, "ctl");
    assert_string_equal(got.program, "neutrino-server");
    assert_string_equal(got.call, "0123");
    assert_int_equal(got.timeout_ms, 1500);
    assert_false(got.fanout);
    assert_true(json_equal(got.body, body));
    json_destroy(json);
    json_destroy(body);
    nt_frame_buf_drop(buf);
}

static void
frames_are_found_whatever_the_pieces(void **state)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    put_frame(&ds, "{\"ping\":{}}");
    put_frame(&ds, "{\"pong\":{}}");
    put_frame(&ds, "{\"subscribe\":{\"topic\":\"t\"}}");
    for (size_t piece = 1; piece <= ds.length; piece++) {
        AUTO(nt_frame_decoder) dec = nt_frame_decoder_new(NT_FRAME_MAX);
        int n_frames = 0;

        for (size_t i = 0; i < ds.length;) {
            struct json *json = NULL;
            size_t used;
            size_t len = MIN(piece, ds.length - i);

            if (nt_frame_decoder_feed(dec, ds.string + i, len, &used, &json, NULL)
                == NT_FRAME_READY) {
                n_frames++;
            }
            json_destroy(json);
            i += used;
        }
        assert_int_equal(n_frames, 3);
    }
    ds_destroy(&ds);
}

static void
impossible_lengths_are_refused_at_once(void **state)
{
    static const struct {
        const char *head;
        size_t max;
    } cases[] = {
        { "\x01\x00\x00\x01", NT_FRAME_MAX },
        { "\xff\xff\xff\xff", NT_FRAME_MAX },
        { "\x00\x00\x00\x00", NT_FRAME_MAX },
        { "\x00\x01\x00\x01", NT_FRAME_MAX_STRANGER },
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(cases); i++) {
        AUTO(nt_frame_decoder) dec = nt_frame_decoder_new(cases[i].max);
        struct json *json = NULL;
        struct nt_err err;
        size_t used;

        assert_int_equal(nt_frame_decoder_feed(dec, cases[i].head, 4, &used, &json, &err),
                         NT_FRAME_REFUSED);
        assert_int_equal(err.code, NT_TOO_LARGE);
    }
}

static void
one_spoilt_frame_does_not_spoil_the_stream(void **state)
{
    static const char *const bad[] = { "{\"a\":",     "[1,2]",         "12",
                                       "{} {}",       "{\"a\":1e999}", "{\"a\":\"\\u0000\"}",
                                       "{\"a\":NaN}", "\xff\xfe" };
    AUTO(nt_frame_decoder) dec = nt_frame_decoder_new(NT_FRAME_MAX);

    for (size_t i = 0; i < NT_ARRAY_SIZE(bad); i++) {
        struct json *json = NULL;

        assert_int_equal(feed_text(dec, bad[i], &json), NT_FRAME_BAD);
        assert_null(json);
        assert_int_equal(feed_text(dec, "{\"ping\":{}}", &json), NT_FRAME_READY);
        json_destroy(json);
    }
}

static void
deep_nesting_and_too_many_values_are_bad(void **state)
{
    AUTO(nt_frame_decoder) dec = nt_frame_decoder_new(NT_FRAME_MAX);
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct json *json = NULL;

    ds_put_cstr(&ds, "{\"a\":");
    ds_put_char_multiple(&ds, '[', 100000);
    assert_int_equal(feed_text(dec, ds_cstr(&ds), &json), NT_FRAME_BAD);

    ds_clear(&ds);
    ds_put_cstr(&ds, "{\"a\":[0");
    for (int i = 0; i < 1100000; i++) {
        ds_put_cstr(&ds, ",0");
    }
    ds_put_cstr(&ds, "]}");
    assert_int_equal(feed_text(dec, ds_cstr(&ds), &json), NT_FRAME_BAD);
    ds_destroy(&ds);
}

static void
malformed_frames_are_refused(void **state)
{
    static const char call_to_all[] = "{\"to\":{\"topic\":\"t\",\"fanout\":true},"
                                      "\"call\":{\"id\":\"1\",\"timeout_ms\":1},\"body\":{}}";
    const char *const bad[] = {
        "{}",
        "{\"hello\":1}",
        "{\"hello\":{\"version\":1,\"name\":\"\",\"program\":\"p\"}}",
        "{\"hello\":{\"version\":\"1\",\"name\":\"n\",\"program\":\"p\"}}",
        "{\"hello\":{\"version\":1,\"name\":\"a\\nb\",\"program\":\"p\"}}",
        "{\"to\":{},\"body\":{}}",
        "{\"to\":{\"topic\":\"t\"}}",
        "{\"to\":{\"topic\":\"t\"},\"body\":[]}",
        "{\"to\":{\"topic\":7},\"body\":{}}",
        "{\"to\":{\"topic\":\"t\",\"fanout\":true},\"call\":{\"id\":\"1\",\"timeout_ms\":1}}",
        call_to_all,
        "{\"to\":{\"topic\":\"t\"},\"call\":{\"id\":\"1\"},\"body\":{}}",
        "{\"reply\":{},\"body\":{}}",
        "{\"failed\":{\"id\":\"1\"}}",
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(bad); i++) {
        struct json *json = json_from_string(bad[i]);
        struct nt_frame frame;
        struct nt_err err;

        assert_int_equal(json->type, JSON_OBJECT);
        if (nt_frame_parse(json, &frame, &err) != -1) {
            fail_msg("accepted: %s", bad[i]);
        }
        assert_int_equal(err.code, NT_INVALID);
        json_destroy(json);
    }
}

static void
too_large_a_frame_is_not_sent(void **state)
{
    struct json *body = json_object_create();
    char *text = xmalloc(NT_FRAME_MAX + 1);
    struct nt_frame frame = { .kind = NT_FRAME_REPLY, .call = "1", .body = body };
    struct nt_frame_buf *buf = NULL;
    struct nt_err err;

    memset(text, 'x', NT_FRAME_MAX);
    text[NT_FRAME_MAX] = '\0';
    json_object_put(body, "k", json_string_create_nocopy(text));
    assert_int_equal(nt_frame_encode(&frame, &buf, &err), -1);
    assert_int_equal(err.code, NT_TOO_LARGE);
    json_destroy(body);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_survives_the_wire),
        cmocka_unit_test(frames_are_found_whatever_the_pieces),
        cmocka_unit_test(impossible_lengths_are_refused_at_once),
        cmocka_unit_test(one_spoilt_frame_does_not_spoil_the_stream),
        cmocka_unit_test(deep_nesting_and_too_many_values_are_bad),
        cmocka_unit_test(malformed_frames_are_refused),
        cmocka_unit_test(too_large_a_frame_is_not_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
