#include <config.h>

#include "bus/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"

static void
call_has_what_oslo_messaging_wants(void **state)
{
    struct json *args = json_object_create();
    struct nt_request_out req = { "report_state", "1.0", args, "m1", "reply_q1", "u1", "req-1" };
    struct json *payload = NULL;
    struct nt_payload p;
    struct nt_err err;

    json_object_put_string(args, "host", "c1");

    struct json *body = nt_envelope_request(&req);
    assert_string_equal(json_string(shash_find_data(json_object(body), "oslo.version")), "2.0");
    assert_int_equal(nt_envelope_open(body, &payload, &err), 0);
    assert_int_equal(nt_payload_parse(payload, &p, &err), 0);
    assert_false(p.is_reply);
    assert_string_equal(p.method, "report_state");
    assert_string_equal(p.version, "1.0");
    assert_null(p.namespace);
    assert_string_equal(p.msg_id, "m1");
    assert_string_equal(p.reply_q, "reply_q1");
    assert_string_equal(p.unique_id, "u1");
    assert_string_equal(p.request_id, "req-1");
    assert_true(json_equal(p.args, args));
    assert_false(shash_find(json_object(payload), "namespace"));
    assert_true(shash_find(json_object(payload), "_timeout"));
    assert_true(json_boolean(shash_find_data(json_object(payload), "_context_is_admin")));
    json_destroy(payload);
    json_destroy(body);
    json_destroy(args);
}

static void
cast_has_no_call_keys(void **state)
{
    struct nt_request_out req = { "m", "1.0", NULL, NULL, NULL, "u1", "req-1" };
    struct json *body = nt_envelope_request(&req);
    struct json *payload = NULL;
    struct nt_payload p;

    assert_int_equal(nt_envelope_open(body, &payload, NULL), 0);
    assert_int_equal(nt_payload_parse(payload, &p, NULL), 0);
    assert_null(p.msg_id);
    assert_null(p.reply_q);
    assert_false(shash_find(json_object(payload), "_timeout"));
    assert_int_equal(p.args->type, JSON_OBJECT);
    json_destroy(payload);
    json_destroy(body);
}

static void
code_and_message_survive_a_failure(void **state)
{
    for (int code = NT_INVALID; code < NT_N_CODES; code++) {
        struct nt_err sent, got;

        nt_fail(&sent, code, "cannot \"do\" it");

        char *text = nt_failure_text(&sent);
        struct json *body = nt_envelope_reply(NULL, text, "m1", "u1");
        struct json *payload = NULL;
        struct nt_payload p;

        assert_int_equal(nt_envelope_open(body, &payload, NULL), 0);
        assert_int_equal(nt_payload_parse(payload, &p, NULL), 0);
        assert_true(p.is_reply);
        assert_true(p.ending);
        assert_null(p.result);
        nt_failure_parse(p.failure, &got);
        assert_int_equal(got.code, code);
        assert_string_equal(got.msg, sent.msg);
        json_destroy(payload);
        json_destroy(body);
        free(text);
    }
}

static void
our_failures_look_like_python_exceptions(void **state)
{
    struct nt_err err;

    nt_fail(&err, NT_NOT_FOUND, "port 7");

    char *text = nt_failure_text(&err);
    assert_string_equal(text, "{\"class\":\"NotFound\",\"module\":\"neutrino\","
                              "\"message\":\"port 7\",\"tb\":[],\"args\":[\"port 7\"],"
                              "\"kwargs\":{\"code\":\"not_found\"}}");
    free(text);
}

static void
failures_of_the_dispatcher_are_unsupported(void **state)
{
    struct nt_err err;
    char *text = nt_failure_bad_version("2.0", "frob");

    assert_non_null(strstr(text, "\"class\":\"UnsupportedVersion\""));
    assert_non_null(strstr(text, "\"module\":\"oslo_messaging.rpc.dispatcher\""));
    nt_failure_parse(text, &err);
    assert_int_equal(err.code, NT_UNSUPPORTED);
    assert_string_equal(err.msg,
                        "Endpoint does not support RPC version 2.0. Attempted method: frob");
    free(text);

    text = nt_failure_no_method("frob");
    nt_failure_parse(text, &err);
    assert_int_equal(err.code, NT_UNSUPPORTED);
    assert_string_equal(err.msg, "Endpoint does not support RPC method frob");
    free(text);
}

static void
foreign_failures_are_faults_on_one_line(void **state)
{
    struct nt_err err;

    nt_failure_parse("{\"class\":\"ValueError\",\"module\":\"builtins\",\"message\":\"a\\nb\"}",
                     &err);
    assert_int_equal(err.code, NT_FAULT);
    assert_string_equal(err.msg, "ValueError: a b");

    nt_failure_parse("{\"class\":\"X\",\"kwargs\":{\"code\":\"forbidden\"}}", &err);
    assert_int_equal(err.code, NT_FAULT);

    nt_failure_parse("not json", &err);
    assert_int_equal(err.code, NT_FAULT);
    assert_string_equal(err.msg, "not json");
}

static void
body_without_envelope_is_the_payload(void **state)
{
    struct json *body = json_from_string("{\"method\":\"m\"}");
    struct json *payload = NULL;
    struct nt_payload p;

    assert_int_equal(nt_envelope_open(body, &payload, NULL), 0);
    assert_int_equal(nt_payload_parse(payload, &p, NULL), 0);
    assert_string_equal(p.method, "m");
    assert_string_equal(p.version, "1.0");
    assert_string_equal(p.request_id, "-");
    json_destroy(payload);
    json_destroy(body);
}

static void
malformed_messages_are_refused(void **state)
{
    static const struct {
        const char *body;
        enum nt_code code;
    } cases[] = {
        { "{\"oslo.version\":\"3.0\",\"oslo.message\":\"{}\"}", NT_UNSUPPORTED },
        { "{\"oslo.version\":2,\"oslo.message\":\"{}\"}", NT_INVALID },
        { "{\"oslo.version\":\"2.0\",\"oslo.message\":{}}", NT_INVALID },
        { "{\"oslo.version\":\"2.0\",\"oslo.message\":\"[]\"}", NT_INVALID },
        { "{\"oslo.version\":\"2.0\",\"oslo.message\":\"{\"}", NT_INVALID },
        { "{}", NT_INVALID },
        { "{\"method\":7}", NT_INVALID },
        { "{\"method\":\"\"}", NT_INVALID },
        { "{\"method\":\"a\\u001bb\"}", NT_INVALID },
        { "{\"method\":\"m\",\"args\":[]}", NT_INVALID },
        { "{\"method\":\"m\",\"_msg_id\":\"1\"}", NT_INVALID },
        { "{\"method\":\"m\",\"_unique_id\":{}}", NT_INVALID },
        { "{\"_msg_id\":\"1\",\"failure\":{}}", NT_INVALID },
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(cases); i++) {
        struct json *body = json_from_string(cases[i].body);
        struct json *payload = NULL;
        struct nt_payload p;
        struct nt_err err = { 0 };

        if (nt_envelope_open(body, &payload, &err) == 0
            && nt_payload_parse(payload, &p, &err) == 0) {
            fail_msg("accepted: %s", cases[i].body);
        }
        assert_int_equal(err.code, cases[i].code);
        json_destroy(payload);
        json_destroy(body);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(call_has_what_oslo_messaging_wants),
        cmocka_unit_test(cast_has_no_call_keys),
        cmocka_unit_test(code_and_message_survive_a_failure),
        cmocka_unit_test(our_failures_look_like_python_exceptions),
        cmocka_unit_test(failures_of_the_dispatcher_are_unsupported),
        cmocka_unit_test(foreign_failures_are_faults_on_one_line),
        cmocka_unit_test(body_without_envelope_is_the_payload),
        cmocka_unit_test(malformed_messages_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
