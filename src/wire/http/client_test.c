#include <config.h>

#include "wire/http/client.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "openvswitch/poll-loop.h"
#include "wire/http/server.h"

struct fixture {
    pid_t pid; /* The server is a child: the client blocks. */
    char *url;
};

/* Answers with what it got. */
static void
echo(void *aux, struct nt_http_request *req)
{
    const char *who = nt_http_header(req, "authorization");
    AUTO_FREE char *body = xasprintf("%s %s %s %s", req->method, req->path, who ? who : "nobody",
                                     req->body ? req->body : "-");

    if (req->n_segments && !strcmp(req->segments[0], "away")) {
        nt_http_answer_header(req, "Location", "http://127.0.0.1:1/elsewhere");
        nt_http_reply(req, 302, NULL, NULL, 0);
        return;
    }
    nt_http_reply(req, 404, "text/plain", body, strlen(body));
}

static void
serve(struct nt_http_server *server)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        nt_http_server_run(server);
        nt_http_server_wait(server);
        poll_block();
    }
}

static int
setup(void **state)
{
    struct fixture *fx = xzalloc(sizeof *fx);
    struct nt_http_server *server = NULL;
    struct nt_err err = { 0 };
    struct nt_http_options options = {
        .address = "127.0.0.1",
        .limits = nt_http_default_limits,
        .clock = nt_clock_system(),
        .handler = echo,
    };

    assert_int_equal(nt_http_server_new(&options, &server, &err), 0);
    fx->url = xasprintf("http://127.0.0.1:%u/", nt_http_server_port(server));
    fx->pid = fork();
    assert_true(fx->pid >= 0);
    if (!fx->pid) {
        serve(server);
    }
    nt_http_server_free(server);
    *state = fx;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *fx = *state;

    kill(fx->pid, SIGKILL);
    waitpid(fx->pid, NULL, 0);
    free(fx->url);
    free(fx);
    return 0;
}

static void
expect(struct fixture *fx, const char *user, const char *method, const char *json, const char *want)
{
    AUTO(nt_http_client) client = NULL;
    struct nt_http_result result = { 0 };
    struct nt_err err = { 0 };

    assert_int_equal(nt_http_client_new(fx->url, user, "pw", &client, &err), 0);
    if (nt_http_client_request(client, method, "/a?b=c", json, &result, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(result.status, 404);
    assert_string_equal(result.body, want);
    nt_http_result_clear(&result);
}

static void
request_arrives_with_credentials_and_body(void **state)
{
    struct fixture *fx = *state;

    expect(fx, NULL, "GET", NULL, "GET /a nobody -");
    expect(fx, "joe", "POST", "{}", "POST /a Basic am9lOnB3 {}");
    expect(fx, "joe", "DELETE", NULL, "DELETE /a Basic am9lOnB3 -");
}

static void
redirects_are_not_followed(void **state)
{
    struct fixture *fx = *state;
    AUTO(nt_http_client) client = NULL;
    struct nt_http_result result = { 0 };

    assert_int_equal(nt_http_client_new(fx->url, "joe", "pw", &client, NULL), 0);
    assert_int_equal(nt_http_client_request(client, "GET", "/away", NULL, &result, NULL), 0);
    assert_int_equal(result.status, 302);
    nt_http_result_clear(&result);
}

static void
unreachable_server_is_named(void **state)
{
    AUTO(nt_http_client) client = NULL;
    struct nt_http_result result = { 0 };
    struct nt_err err = { 0 };

    assert_int_equal(nt_http_client_new("http://127.0.0.1:1", NULL, NULL, &client, &err), 0);
    assert_int_equal(nt_http_client_request(client, "GET", "/x", NULL, &result, &err), -1);
    assert_int_equal(err.code, NT_UNAVAILABLE);
    assert_non_null(strstr(err.msg, "http://127.0.0.1:1/x"));
}

static void
other_kinds_of_url_are_refused(void **state)
{
    AUTO(nt_http_client) client = NULL;
    struct nt_err err = { 0 };

    assert_int_equal(nt_http_client_new("file:///etc/passwd", NULL, NULL, &client, &err), -1);
    assert_int_equal(err.code, NT_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(request_arrives_with_credentials_and_body),
        TEST(redirects_are_not_followed),
        cmocka_unit_test(unreachable_server_is_named),
        cmocka_unit_test(other_kinds_of_url_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
