#include <config.h>

#include "wire/http/fetch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "openvswitch/poll-loop.h"
#include "wire/http/server.h"

#define MAX_ANSWER 1000

struct bed {
    struct nt_http_server *server;
    struct nt_http_request *held; /* "/later". */
    struct nt_http_fetch *fetch;
    char base[64];
    char asked[128]; /* Method, path, "X-Test" and body of the last request. */
    int n_asked;

    int n_answers, status;
    enum nt_code code; /* Of the last one. */
    char body[64];
    bool starts_again; /* The callback starts another one. */
};

static void
handle(void *bed_, struct nt_http_request *req)
{
    static const char big[MAX_ANSWER + 1];
    struct bed *bed = bed_;
    const char *header = nt_http_header(req, "X-Test");

    bed->n_asked++;
    snprintf(bed->asked, sizeof bed->asked, "%s %s %s %s", req->method, req->path,
             header ? header : "-", req->body ? req->body : "-");
    if (!strcmp(req->path, "/later")) {
        bed->held = req;
    } else if (!strcmp(req->path, "/big")) {
        nt_http_reply(req, 200, "text/plain", big, sizeof big);
    } else if (!strcmp(req->path, "/moved")) {
        nt_http_answer_header(req, "Location", "/elsewhere");
        nt_http_reply(req, 302, NULL, "", 0);
    } else {
        nt_http_reply(req, strcmp(req->path, "/none") ? 200 : 404, "text/plain", "hello", 5);
    }
}

static int
set_up(void **state)
{
    const struct nt_http_fetch_limits limits = {
        .connect_ms = 20000, .total_ms = 20000, .max_answer = MAX_ANSWER, .max_connections = 2
    };
    struct bed *bed = xzalloc(sizeof *bed);
    const struct nt_http_options options = {
        .address = "127.0.0.1",
        .limits = nt_http_default_limits,
        .clock = nt_clock_system(),
        .handler = handle,
        .aux = bed,
    };
    struct nt_err err = { 0 };

    assert_int_equal(nt_http_server_new(&options, &bed->server, &err), 0);
    snprintf(bed->base, sizeof bed->base, "http://127.0.0.1:%u", nt_http_server_port(bed->server));
    bed->fetch = nt_http_fetch_new(&limits);
    *state = bed;
    return 0;
}

static int
tear_down(void **state)
{
    struct bed *bed = *state;

    nt_http_fetch_free(bed->fetch);
    nt_http_server_free(bed->server);
    free(bed);
    return 0;
}

static void start(struct bed *bed, const char *method, const char *path, const char *body);

static void
on_answer(void *bed_, const struct nt_http_fetched *answer, const struct nt_err *err)
{
    struct bed *bed = bed_;

    assert_true(!answer != !err);
    bed->n_answers++;
    bed->status = answer ? answer->status : 0;
    bed->code = err ? err->code : NT_OK;
    bed->body[0] = '\0';
    if (answer) {
        snprintf(bed->body, sizeof bed->body, "%.*s", (int) answer->body_len, answer->body);
    }
    if (bed->starts_again) {
        bed->starts_again = false;
        start(bed, "GET", "/again", NULL);
    }
}

static void
start(struct bed *bed, const char *method, const char *path, const char *body)
{
    AUTO_FREE char *url = *path == '/' ? xasprintf("%s%s", bed->base, path) : xstrdup(path);
    struct nt_http_pairs headers = { 0 };
    const struct nt_http_fetch_request req = {
        .method = method,
        .url = url,
        .headers = &headers,
        .body = body,
        .body_len = body ? strlen(body) : 0,
    };

    nt_http_pairs_add(&headers, "X-Test", "yes");
    nt_http_fetch_start(bed->fetch, &req, on_answer, bed);
    nt_http_pairs_deinit(&headers);
}

static void
turn(struct bed *bed)
{
    nt_http_server_run(bed->server);
    nt_http_fetch_run(bed->fetch);
    nt_http_server_wait(bed->server);
    nt_http_fetch_wait(bed->fetch);
    poll_timer_wait(20);
    poll_block();
}

/* Until there are so many answers, within a generous time. */
static void
wait_answers(struct bed *bed, int n)
{
    for (int i = 0; i < 3000 && bed->n_answers < n; i++) {
        turn(bed);
    }
    assert_int_equal(bed->n_answers, n);
}

static void
methods_headers_and_bodies_arrive(void **state)
{
    struct bed *bed = *state;

    start(bed, "GET", "/a/../b//c", NULL);
    wait_answers(bed, 1);
    assert_string_equal(bed->asked, "GET /a/../b//c yes -");
    assert_int_equal(bed->status, 200);
    assert_string_equal(bed->body, "hello");

    start(bed, "POST", "/p", "secret");
    wait_answers(bed, 2);
    assert_string_equal(bed->asked, "POST /p yes secret");

    start(bed, "HEAD", "/none", NULL);
    wait_answers(bed, 3);
    assert_string_equal(bed->asked, "HEAD /none yes -");
    assert_int_equal(bed->status, 404);
    assert_string_equal(bed->body, "");
}

static void
redirects_are_not_followed(void **state)
{
    struct bed *bed = *state;

    start(bed, "GET", "/moved", NULL);
    wait_answers(bed, 1);
    assert_int_equal(bed->status, 302);
    assert_int_equal(bed->n_asked, 1);
}

static void
errors_say_what_they_are(void **state)
{
    struct bed *bed = *state;

    start(bed, "GET", "/big", NULL);
    wait_answers(bed, 1);
    assert_int_equal(bed->code, NT_TOO_LARGE);

    start(bed, "GET", "http://127.0.0.1:1x/", NULL);
    wait_answers(bed, 2);
    assert_int_equal(bed->code, NT_INVALID);

    start(bed, "GET", "file:///etc/hostname", NULL);
    wait_answers(bed, 3);
    assert_int_equal(bed->code, NT_INVALID);

    /* Nobody listens any more. */
    nt_http_server_free(bed->server);
    bed->server = NULL;
    start(bed, "GET", "/", NULL);
    for (int i = 0; i < 3000 && bed->n_answers < 4; i++) {
        nt_http_fetch_run(bed->fetch);
        nt_http_fetch_wait(bed->fetch);
        poll_timer_wait(20);
        poll_block();
    }
    assert_int_equal(bed->n_answers, 4);
    assert_int_equal(bed->code, NT_UNAVAILABLE);
}

static void
more_than_there_are_connections_all_end(void **state)
{
    struct bed *bed = *state;

    for (int i = 0; i < 50; i++) {
        start(bed, "GET", "/many", NULL);
    }
    wait_answers(bed, 50);
    assert_int_equal(bed->n_asked, 50);
    assert_int_equal(bed->code, NT_OK);
}

static void
a_callback_may_start_another_one(void **state)
{
    struct bed *bed = *state;

    bed->starts_again = true;
    start(bed, "GET", "/first", NULL);
    wait_answers(bed, 2);
    assert_string_equal(bed->asked, "GET /again yes -");

    bed->starts_again = true;
    start(bed, "GET", "http://127.0.0.1:1x/", NULL);
    wait_answers(bed, 4);
    assert_int_equal(bed->status, 200);
}

static void
the_end_ends_all_and_what_they_start(void **state)
{
    struct bed *bed = *state;

    start(bed, "GET", "/later", NULL);
    for (int i = 0; i < 3000 && !bed->held; i++) {
        turn(bed);
    }
    assert_non_null(bed->held);
    bed->starts_again = true;
    nt_http_fetch_free(bed->fetch); /* Whose callback still starts one. */
    bed->fetch = NULL;
    assert_int_equal(bed->n_answers, 2);
    assert_int_equal(bed->code, NT_UNAVAILABLE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)
        TEST(methods_headers_and_bodies_arrive), TEST(redirects_are_not_followed),
        TEST(errors_say_what_they_are),          TEST(more_than_there_are_connections_all_end),
        TEST(a_callback_may_start_another_one),  TEST(the_end_ends_all_and_what_they_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
