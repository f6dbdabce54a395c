#include <config.h>

#include "server/rest/auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "wire/http/base64.h"

struct fixture {
    struct nt_clock clock; /* First: its functions get its address. */
    int64_t now;
    char path[64];
    struct nt_random *random;
    struct auth *auth;
};

static int64_t
fixture_now(const struct nt_clock *clock)
{
    return ((const struct fixture *) (const void *) clock)->now;
}

static void
write_file(struct fixture *fx, const char *text, mode_t mode)
{
    FILE *file = fopen(fx->path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(fx->path, mode), 0);
}

static int
setup(void **state)
{
    struct fixture *fx = xzalloc(sizeof *fx);
    struct nt_err err = { 0 };

    fx->clock.mono_ms = fx->clock.wall_ms = fixture_now;
    fx->now = 1000;
    fx->random = nt_random_system();
    strcpy(fx->path, "/tmp/nt-test-auth-XXXXXX");
    close(mkstemp(fx->path));
    write_file(fx, "# who\n\nadmin s3:cret cloud admin\njoe pw demo member\n", 0600);
    assert_int_equal(auth_new(fx->path, &fx->clock, fx->random, &fx->auth, &err), 0);
    *state = fx;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *fx = *state;

    auth_free(fx->auth);
    nt_random_free(fx->random);
    unlink(fx->path);
    free(fx);
    return 0;
}

/* What auth_request() says to one header. */
static int
ask(struct fixture *fx, const char *name, const char *value, struct identity *who)
{
    struct nt_http_request req;
    struct nt_err err = { 0 };

    nt_http_request_init(&req);
    nt_http_pairs_add(&req.headers, name, value);
    int retval = auth_request(fx->auth, &req, who, &err);
    nt_http_request_deinit(&req);
    assert_true(retval == 0 || err.code == NT_UNAUTHORIZED);
    return retval;
}

static int
ask_basic(struct fixture *fx, const char *plain, struct identity *who)
{
    AUTO_FREE char *coded = nt_base64_encode(plain, strlen(plain));
    AUTO_FREE char *value = xasprintf("Basic %s", coded);

    return ask(fx, "authorization", value, who);
}

static void
right_password_is_let_in(void **state)
{
    struct fixture *fx = *state;
    struct identity who;

    assert_int_equal(ask_basic(fx, "admin:s3:cret", &who), 0);
    assert_string_equal(who.user, "admin");
    assert_string_equal(who.project, "cloud");
    assert_true(who.is_admin);
    assert_int_equal(ask_basic(fx, "joe:pw", &who), 0);
    assert_false(who.is_admin);
}

static void
wrong_credentials_are_refused(void **state)
{
    static const char *const plain[] = {
        "admin:s3", "admin:s3:cretx", "admin:", "admin",     "",
        ":",        "joe:s3:cret",    "#:x",    "nobody:pw", "ADMIN:s3:cret"
    };
    static const char *const headers[][2] = {
        { "authorization", "" },
        { "authorization", "Basic" },
        { "authorization", "Basic !!!" },
        { "authorization", "Bearer x" },
        { "x-auth-token", "notused" },
        { "x-auth-token", "" },
        { "x-auth-token", "am9lOndyb25n" },
        { "x-other", "am9lOnB3" },
    };
    struct fixture *fx = *state;
    struct identity who;

    for (size_t i = 0; i < NT_ARRAY_SIZE(plain); i++) {
        assert_int_equal(ask_basic(fx, plain[i], &who), -1);
    }
    for (size_t i = 0; i < NT_ARRAY_SIZE(headers); i++) {
        assert_int_equal(ask(fx, headers[i][0], headers[i][1], &who), -1);
    }
}

static void
token_header_takes_credentials_too(void **state)
{
    struct fixture *fx = *state;
    struct identity who;

    assert_int_equal(ask(fx, "X-Auth-Token", "am9lOnB3", &who), 0);
    assert_string_equal(who.user, "joe");
}

static void
issued_token_works_until_it_expires(void **state)
{
    struct fixture *fx = *state;
    struct identity who, again;
    char token[AUTH_TOKEN_SIZE];
    int64_t expires_at;

    assert_int_equal(auth_password(fx->auth, "joe", "pw", &who, NULL), 0);
    auth_issue(fx->auth, &who, token, &expires_at);
    assert_int_equal(expires_at, fx->now + AUTH_TOKEN_LIFE_MS);
    fx->now = expires_at - 1;
    assert_int_equal(ask(fx, "X-Auth-Token", token, &again), 0);
    assert_string_equal(again.user, "joe");
    fx->now = expires_at;
    assert_int_equal(ask(fx, "X-Auth-Token", token, &again), -1);
}

static void
token_ends_with_its_user(void **state)
{
    struct fixture *fx = *state;
    struct identity who;
    char token[AUTH_TOKEN_SIZE];
    int64_t expires_at;

    assert_int_equal(auth_password(fx->auth, "joe", "pw", &who, NULL), 0);
    auth_issue(fx->auth, &who, token, &expires_at);
    write_file(fx, "admin s3:cret cloud admin\n", 0600);
    assert_int_equal(auth_reload(fx->auth, NULL), 0);
    assert_int_equal(auth_token(fx->auth, token, &who, NULL), -1);
}

static void
tokens_do_not_pile_up(void **state)
{
    struct fixture *fx = *state;
    struct identity who;
    char first[AUTH_TOKEN_SIZE], token[AUTH_TOKEN_SIZE];
    int64_t expires_at;

    assert_int_equal(auth_password(fx->auth, "joe", "pw", &who, NULL), 0);
    auth_issue(fx->auth, &who, first, &expires_at);
    for (int i = 0; i < 4096; i++) {
        auth_issue(fx->auth, &who, token, &expires_at);
    }
    assert_int_equal(auth_token(fx->auth, first, &who, NULL), -1);
    assert_int_equal(auth_token(fx->auth, token, &who, NULL), 0);
}

static void
bad_file_is_refused_and_the_old_users_stay(void **state)
{
    static const char *const texts[] = {
        "joe pw demo\n",         "joe pw demo member x\n",          "joe pw demo owner\n",
        "jo:e pw demo member\n", "joe a b member\njoe c d admin\n",
    };
    struct fixture *fx = *state;
    struct identity who;
    struct nt_err err = { 0 };

    for (size_t i = 0; i < NT_ARRAY_SIZE(texts); i++) {
        write_file(fx, texts[i], 0600);
        assert_int_equal(auth_reload(fx->auth, &err), -1);
        assert_int_equal(err.code, NT_INVALID);
        assert_non_null(strstr(err.msg, i == 4 ? ":2: " : ":1: "));
        assert_int_equal(ask_basic(fx, "joe:pw", &who), 0);
    }
}

static void
file_that_others_may_read_is_refused(void **state)
{
    struct fixture *fx = *state;
    struct nt_err err = { 0 };

    write_file(fx, "joe pw demo member\n", 0644);
    assert_int_equal(auth_reload(fx->auth, &err), -1);
    assert_non_null(strstr(err.msg, "mode 0640"));
    write_file(fx, "joe pw demo member\n", 0640);
    assert_int_equal(auth_reload(fx->auth, &err), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(right_password_is_let_in),
        TEST(wrong_credentials_are_refused),
        TEST(token_header_takes_credentials_too),
        TEST(issued_token_works_until_it_expires),
        TEST(token_ends_with_its_user),
        TEST(tokens_do_not_pile_up),
        TEST(bad_file_is_refused_and_the_old_users_stay),
        TEST(file_that_others_may_read_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
