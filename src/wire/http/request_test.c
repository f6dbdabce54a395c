#include <config.h>

#include "wire/http/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
path_and_query_are_decoded(void **state)
{
    struct nt_http_request req;
    struct nt_err err = { 0 };

    nt_http_request_init(&req);
    assert_int_equal(nt_http_target_parse(&req, "/v2.1//a%20b/c%2Fd/?x=1&y=a+b%26&x=2&z", &err), 0);
    assert_int_equal(req.n_segments, 3);
    assert_string_equal(req.segments[0], "v2.1");
    assert_string_equal(req.segments[1], "a b");
    assert_string_equal(req.segments[2], "c/d");
    assert_true(req.has_trailing_slash);
    assert_int_equal(req.query.n, 4);
    assert_string_equal(nt_http_query(&req, "x"), "1");
    assert_string_equal(req.query.pairs[2].value, "2");
    assert_string_equal(nt_http_query(&req, "y"), "a b&");
    assert_string_equal(nt_http_query(&req, "z"), "");
    assert_null(nt_http_query(&req, "w"));
    nt_http_request_deinit(&req);
}

static void
host_in_the_target_is_dropped(void **state)
{
    struct nt_http_request req;

    nt_http_request_init(&req);
    assert_int_equal(nt_http_target_parse(&req, "http://10.0.0.1:8774/v2.1?a=b", NULL), 0);
    assert_int_equal(req.n_segments, 1);
    assert_string_equal(req.path, "/v2.1");
    assert_int_equal(nt_http_target_parse(&req, "http://10.0.0.1", NULL), 0);
    assert_int_equal(req.n_segments, 0);
    nt_http_request_deinit(&req);
}

static void
dots_are_plain_text(void **state)
{
    struct nt_http_request req;

    nt_http_request_init(&req);
    assert_int_equal(nt_http_target_parse(&req, "/a/../../etc/./passwd", NULL), 0);
    assert_int_equal(req.n_segments, 6);
    assert_string_equal(req.segments[1], "..");
    nt_http_request_deinit(&req);
}

static void
bad_targets_are_refused(void **state)
{
    static const char *const bad[] = {
        "/%",          "/%4",        "/%zz",    "/a%00b",   "/a%0ab",
        "/a%7f",       "/%ff",       "/%c0%80", "/?a=%",    "/?%00",
        "/?a=%0d%0aX", "/%ed%a0%80", "/a\tb",   "/?a=\x01", "/%f4%90%80%80",
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct nt_http_request req;
        struct nt_err err = { 0 };

        nt_http_request_init(&req);
        assert_int_equal(nt_http_target_parse(&req, bad[i], &err), -1);
        assert_int_equal(err.code, NT_INVALID);
        nt_http_request_deinit(&req);
    }
}

static void
too_many_parts_are_refused(void **state)
{
    struct nt_http_request req;
    char target[1024] = "";

    for (int i = 0; i <= NT_HTTP_MAX_SEGMENTS; i++) {
        strcat(target, "/a");
    }
    nt_http_request_init(&req);
    assert_int_equal(nt_http_target_parse(&req, target, NULL), -1);

    strcpy(target, "/?");
    for (int i = 0; i <= NT_HTTP_MAX_QUERY; i++) {
        strcat(target, "a=b&");
    }
    assert_int_equal(nt_http_target_parse(&req, target, NULL), -1);
    nt_http_request_deinit(&req);
}

static void
keep_answer(struct nt_http_request *req, const struct nt_http_answer *answer)
{
    assert_int_equal(answer->status, 200);
    assert_int_equal(answer->headers->n, 1);
    assert_string_equal(answer->headers->pairs[0].value, "good");
}

static void
header_values_cannot_split_the_answer(void **state)
{
    struct nt_http_request req;

    nt_http_request_init(&req);
    req.reply = keep_answer;
    nt_http_answer_header(&req, "a", "bad\r\nSet-Cookie: x");
    nt_http_answer_header(&req, "a", "good");
    nt_http_reply(&req, 200, NULL, NULL, 0);
    assert_true(req.is_replied);
    nt_http_request_deinit(&req);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_and_query_are_decoded),
        cmocka_unit_test(host_in_the_target_is_dropped),
        cmocka_unit_test(dots_are_plain_text),
        cmocka_unit_test(bad_targets_are_refused),
        cmocka_unit_test(too_many_parts_are_refused),
        cmocka_unit_test(header_values_cannot_split_the_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
