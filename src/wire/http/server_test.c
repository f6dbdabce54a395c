#include <config.h>

#include "wire/http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "openvswitch/poll-loop.h"

struct fixture {
    struct nt_http_server *server;
    struct nt_http_request *held; /* Handler kept it when the path begins with /later. */
    struct nt_clock clock;
    int64_t skew_ms;
    int n_handled;
    size_t body_len;
    uint32_t peer;
};

static int64_t
skewed_mono_ms(const struct nt_clock *clock)
{
    const struct fixture *fx =
        (const void *) ((const char *) clock - offsetof(struct fixture, clock));

    return nt_mono_ms(nt_clock_system()) + fx->skew_ms;
}

static void
handle(void *aux, struct nt_http_request *req)
{
    struct fixture *fx = aux;

    fx->n_handled++;
    fx->body_len = req->body_len;
    fx->peer = req->peer;
    if (req->n_segments && !strcmp(req->segments[0], "later")) {
        fx->held = req;
        return;
    }
    nt_http_answer_header(req, "X-Test", "yes");
    nt_http_reply(req, 200, "text/plain", "hello", 5);
}

static int
setup(void **state)
{
    struct fixture *fx = xzalloc(sizeof *fx);
    struct nt_err err = { 0 };

    fx->clock.mono_ms = skewed_mono_ms;
    struct nt_http_options options = {
        .address = "127.0.0.1",
        .limits = nt_http_default_limits,
        .clock = &fx->clock,
        .handler = handle,
        .aux = fx,
    };
    options.limits.max_body = 1000;
    assert_int_equal(nt_http_server_new(&options, &fx->server, &err), 0);
    *state = fx;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *fx = *state;

    nt_http_server_free(fx->server);
    free(fx);
    return 0;
}

static int
dial(struct fixture *fx)
{
    struct sockaddr_in sin = {
        .sin_family = AF_INET,
        .sin_port = htons(nt_http_server_port(fx->server)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *) &sin, sizeof sin), 0);
    return fd;
}

static void
turn(struct fixture *fx)
{
    nt_http_server_run(fx->server);
    nt_http_server_wait(fx->server);
    poll_timer_wait(10);
    poll_block();
}

/* Everything the server says until it closes, within 5 s. */
static char *
read_all(struct fixture *fx, int fd)
{
    static char buf[65536];
    size_t n = 0;

    for (int i = 0; i < 500; i++) {
        turn(fx);
        ssize_t got = recv(fd, buf + n, sizeof buf - 1 - n, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            break;
        }
        n += got > 0 ? got : 0;
    }
    buf[n] = '\0';
    close(fd);
    return buf;
}

static char *
exchange(struct fixture *fx, const char *raw, size_t len)
{
    int fd = dial(fx);

    assert_int_equal(send(fd, raw, len, MSG_NOSIGNAL), (ssize_t) len);
    return read_all(fx, fd);
}

static void
expect_status(struct fixture *fx, const char *raw, int status)
{
    char want[32];
    char *got = exchange(fx, raw, strlen(raw));

    snprintf(want, sizeof want, "HTTP/1.1 %d ", status);
    if (strncmp(got, want, strlen(want))) {
        print_error("request:\n%s\nanswer:\n%s\n", raw, got);
    }
    assert_int_equal(strncmp(got, want, strlen(want)), 0);
}

#define CLOSE "Host: x\r\nConnection: close\r\n"

static void
answer_arrives_with_its_headers(void **state)
{
    struct fixture *fx = *state;
    const char *raw = "GET /now HTTP/1.1\r\n" CLOSE "\r\n";
    char *got = exchange(fx, raw, strlen(raw));

    assert_int_equal(strncmp(got, "HTTP/1.1 200 OK\r\n", 17), 0);
    assert_non_null(strstr(got, "X-Test: yes\r\n"));
    assert_non_null(strstr(got, "\r\n\r\nhello"));
    assert_int_equal(fx->peer, INADDR_LOOPBACK);
}

static void
answer_may_come_later(void **state)
{
    struct fixture *fx = *state;
    const char *raw = "GET /later HTTP/1.1\r\n" CLOSE "\r\n";
    int fd = dial(fx);

    assert_int_equal(send(fd, raw, strlen(raw), 0), (ssize_t) strlen(raw));
    for (int i = 0; i < 200 && !fx->held; i++) {
        turn(fx);
    }
    assert_non_null(fx->held);
    assert_int_equal(nt_http_server_n_waiting(fx->server), 1);
    turn(fx);
    nt_http_reply(fx->held, 202, "text/plain", "done", 4);

    char *got = read_all(fx, fd);
    assert_int_equal(strncmp(got, "HTTP/1.1 202 ", 13), 0);
    assert_non_null(strstr(got, "\r\n\r\ndone"));
    assert_int_equal(nt_http_server_n_waiting(fx->server), 0);
}

static void
server_may_end_with_a_request_waiting(void **state)
{
    struct fixture *fx = *state;
    const char *raw = "GET /later HTTP/1.1\r\n" CLOSE "\r\n";
    int fd = dial(fx);

    assert_int_equal(send(fd, raw, strlen(raw), 0), (ssize_t) strlen(raw));
    for (int i = 0; i < 200 && !fx->held; i++) {
        turn(fx);
    }
    assert_non_null(fx->held);
    close(fd);
}

static void
client_that_leaves_early_does_no_harm(void **state)
{
    struct fixture *fx = *state;
    const char *raw = "GET /later HTTP/1.1\r\n" CLOSE "\r\n";
    int fd = dial(fx);

    assert_int_equal(send(fd, raw, strlen(raw), 0), (ssize_t) strlen(raw));
    for (int i = 0; i < 200 && !fx->held; i++) {
        turn(fx);
    }
    close(fd);
    for (int i = 0; i < 5; i++) {
        turn(fx);
    }
    nt_http_reply(fx->held, 200, NULL, NULL, 0);
    for (int i = 0; i < 5; i++) {
        turn(fx);
    }
    assert_int_equal(nt_http_server_n_waiting(fx->server), 0);
}

static void
body_is_collected_up_to_its_limit(void **state)
{
    struct fixture *fx = *state;
    char raw[4096];

    int n = snprintf(raw, sizeof raw, "POST / HTTP/1.1\r\n" CLOSE "Content-Length: 1000\r\n\r\n");
    memset(raw + n, 'x', 1000);
    char *got = exchange(fx, raw, n + 1000);
    assert_int_equal(strncmp(got, "HTTP/1.1 200 ", 13), 0);
    assert_int_equal(fx->body_len, 1000);

    expect_status(fx, "POST / HTTP/1.1\r\n" CLOSE "Content-Length: 1001\r\n\r\n", 413);
    assert_int_equal(fx->n_handled, 1);
}

static void
chunked_body_has_the_same_limit(void **state)
{
    struct fixture *fx = *state;
    char raw[4096];

    expect_status(fx,
                  "POST / HTTP/1.1\r\n" CLOSE "Transfer-Encoding: chunked\r\n\r\n"
                  "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
                  200);
    assert_int_equal(fx->body_len, 5);

    int n = snprintf(raw, sizeof raw,
                     "POST / HTTP/1.1\r\n" CLOSE "Transfer-Encoding: chunked\r\n\r\n7d0\r\n");
    memset(raw + n, 'x', 2000);
    memcpy(raw + n + 2000, "\r\n0\r\n\r\n", 7);
    char *got = exchange(fx, raw, n + 2007);
    assert_int_equal(strncmp(got, "HTTP/1.1 413 ", 13), 0);
    assert_int_equal(fx->n_handled, 1);
}

static void
ambiguous_framing_is_refused(void **state)
{
    struct fixture *fx = *state;

    expect_status(fx,
                  "POST / HTTP/1.1\r\n" CLOSE "Content-Length: 3\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                  400);
    expect_status(fx,
                  "POST / HTTP/1.1\r\n" CLOSE "Content-Length: 3\r\n"
                  "Content-Length: 4\r\n\r\nabcd",
                  400);
    expect_status(fx, "POST / HTTP/1.1\r\n" CLOSE "Transfer-Encoding: gzip\r\n\r\n", 400);
    assert_int_equal(fx->n_handled, 0);
}

static void
bad_targets_never_reach_the_handler(void **state)
{
    struct fixture *fx = *state;

    expect_status(fx, "GET /a%00b HTTP/1.1\r\n" CLOSE "\r\n", 400);
    expect_status(fx, "GET /a%0ab HTTP/1.1\r\n" CLOSE "\r\n", 400);
    expect_status(fx, "GET /%zz HTTP/1.1\r\n" CLOSE "\r\n", 400);
    expect_status(fx, "GET /?a=%ff HTTP/1.1\r\n" CLOSE "\r\n", 400);
    assert_int_equal(fx->n_handled, 0);
    expect_status(fx, "GET /../../etc//passwd HTTP/1.1\r\n" CLOSE "\r\n", 200);
}

static void
slow_client_is_cut_off(void **state)
{
    struct fixture *fx = *state;
    int fd = dial(fx);

    assert_int_equal(send(fd, "GET / HT", 8, 0), 8);
    turn(fx);
    turn(fx);
    fx->skew_ms = 11000;

    char *got = read_all(fx, fd);
    assert_string_equal(got, "");
    assert_int_equal(fx->n_handled, 0);
}

static void
address_that_is_taken_is_a_clear_error(void **state)
{
    struct fixture *fx = *state;
    struct nt_http_server *second = NULL;
    struct nt_err err = { 0 };
    struct nt_http_options options = {
        .address = "127.0.0.1",
        .port = nt_http_server_port(fx->server),
        .limits = nt_http_default_limits,
        .clock = nt_clock_system(),
        .handler = handle,
    };

    assert_int_equal(nt_http_server_new(&options, &second, &err), -1);
    assert_int_equal(err.code, NT_FAULT);
    assert_non_null(strstr(err.msg, "cannot listen on 127.0.0.1:"));
    options.address = "::1";
    assert_int_equal(nt_http_server_new(&options, &second, &err), -1);
    assert_int_equal(err.code, NT_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answer_arrives_with_its_headers),
        TEST(answer_may_come_later),
        TEST(server_may_end_with_a_request_waiting),
        TEST(client_that_leaves_early_does_no_harm),
        TEST(body_is_collected_up_to_its_limit),
        TEST(chunked_body_has_the_same_limit),
        TEST(ambiguous_framing_is_refused),
        TEST(bad_targets_never_reach_the_handler),
        TEST(slow_client_is_cut_off),
        TEST(address_that_is_taken_is_a_clear_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
