#include <config.h>

#include "rpc/method.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"
#include "bus/embedded.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"

/* An interface of our own; the hub serves it and calls itself. */

struct add_args {
    char name[32];
    int64_t a, b;
    char *note;
};
struct add_result {
    int64_t sum;
    char *note;
};

#define NEED (NT_IN_RPC | NT_REQUIRED)

static const struct nt_field add_args[] = {
    { "name", NT_F_STR, NT_AT(struct add_args, name), NEED },
    { "a", NT_F_INT, NT_AT(struct add_args, a), NEED, 0, 100 },
    { "b", NT_F_INT, NT_AT(struct add_args, b), NT_IN_RPC },
    { "note", NT_F_TEXT, NT_AT(struct add_args, note), NT_IN_RPC },
    { 0 },
};
static const struct nt_field add_result[] = {
    { "sum", NT_F_INT, NT_AT(struct add_result, sum), NEED },
    { "note", NT_F_TEXT, NT_AT(struct add_result, note), NT_IN_RPC },
    { 0 },
};
static const struct nt_method methods[] = {
    { "add", "1.3", add_args, sizeof(struct add_args), add_result, sizeof(struct add_result) },
    { "nop", "1.0", NULL, 0, NULL, 0 },
    { "unhandled", "1.0", NULL, 0, NULL, 0 },
    { 0 },
};
static const struct nt_interface calc = { "calc", methods };

struct world {
    struct nt_random *random;
    struct nt_bus *bus;
    struct nt_rpc_service *service;
    int n_handled;
    bool lies; /* Answers with something else than the table says. */

    int n_replies;
    enum nt_code code;
    char msg[NT_ERR_SIZE], note[32];
    int64_t sum;
};

static void
handle_add(void *w_, const void *args_, struct nt_bus_request *req)
{
    struct world *w = w_;
    const struct add_args *args = args_;
    struct add_result result = { args->a + args->b, args->note };

    w->n_handled++;
    if (w->lies) {
        nt_bus_reply(req, json_string_create("five"));
    } else {
        nt_rpc_reply(&calc, req, &result);
    }
}

static void
handle_nop(void *w_, const void *args, struct nt_bus_request *req)
{
    struct world *w = w_;

    w->n_handled++;
    nt_rpc_reply(&calc, req, NULL);
}

static const struct nt_rpc_handler handlers[] = {
    { "add", handle_add },
    { "nop", handle_nop },
    { 0 },
};

static int
setup(void **state)
{
    struct world *w = xzalloc(sizeof *w);
    struct nt_bus_options opts = { .name = "ctl", .program = "test", .clock = nt_clock_system() };

    opts.random = w->random = nt_random_system();
    assert_int_equal(nt_bus_hub_new(&opts, NULL, NULL, &w->bus, NULL), 0);
    w->service = nt_rpc_serve(w->bus, &calc, NULL, handlers, w);
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;

    nt_bus_free(w->bus);
    nt_rpc_service_free(w->service);
    nt_random_free(w->random);
    free(w);
    return 0;
}

static void
note_err(struct world *w, const struct nt_err *err)
{
    w->n_replies++;
    w->code = err ? err->code : NT_OK;
    ovs_strlcpy(w->msg, err ? err->msg : "", sizeof w->msg);
}

static void
on_sum(void *w_, const void *result_, const struct nt_err *err)
{
    struct world *w = w_;
    const struct add_result *result = result_;

    assert_true(!result != !err);
    note_err(w, err);
    if (result) {
        w->sum = result->sum;
        ovs_strlcpy(w->note, result->note ? result->note : "", sizeof w->note);
    }
}

static void
on_nop(void *w, const void *result, const struct nt_err *err)
{
    assert_null(result);
    note_err(w, err);
}

static void
on_json(void *w, const struct json *result, const struct nt_err *err)
{
    note_err(w, err);
}

static void
until_replied(struct world *w)
{
    for (int i = 0; !w->n_replies; i++) {
        assert_true(i < 100);
        nt_bus_run(w->bus);
    }
}

/* A call whose arguments no table has seen. */
static void
raw_call(struct world *w, const char *method, const char *version, const char *args)
{
    w->n_replies = 0;
    nt_bus_call(w->bus, NT_BUS_TO("calc", NULL, method, version),
                args ? json_from_string(args) : NULL, 1000, on_json, w);
    until_replied(w);
}

static void
structs_go_there_and_back(void **state)
{
    struct world *w = *state;
    struct add_args args = { "x", 2, 3, CONST_CAST(char *, "two\nlines") };

    nt_rpc_call(w->bus, NT_TO(&calc, NULL, "add"), &args, 1000, on_sum, w);
    until_replied(w);
    assert_int_equal(w->code, NT_OK);
    assert_int_equal(w->sum, 5);
    assert_string_equal(w->note, "two\nlines");
}

static void
method_without_arguments_and_result_works(void **state)
{
    struct world *w = *state;

    nt_rpc_call(w->bus, NT_TO(&calc, NULL, "nop"), NULL, 1000, on_nop, w);
    until_replied(w);
    assert_int_equal(w->code, NT_OK);
    nt_rpc_cast(w->bus, NT_TO(&calc, NULL, "nop"), NULL);
    nt_bus_run(w->bus);
    assert_int_equal(w->n_handled, 2);
}

static void
malformed_arguments_are_refused_with_their_path(void **state)
{
    static const struct {
        const char *args, *msg;
    } cases[] = {
        { "{\"name\":\"x\",\"a\":\"2\"}", "add.a must be a whole number, not a text" },
        { "{\"name\":\"x\",\"a\":101}", "add.a is 101, must be 0 to 100" },
        { "{\"name\":\"x\"}", "add.a is missing" },
        { "{\"name\":[],\"a\":1}", "add.name must be a text, not a list" },
        { NULL, "add.name is missing" },
    };
    struct world *w = *state;

    for (size_t i = 0; i < NT_ARRAY_SIZE(cases); i++) {
        raw_call(w, "add", "1.0", cases[i].args);
        assert_int_equal(w->code, NT_INVALID);
        assert_string_equal(w->msg, cases[i].msg);
    }
    assert_int_equal(w->n_handled, 0);

    /* Keys of a newer version are ignored. */
    raw_call(w, "add", "1.0", "{\"name\":\"x\",\"a\":1,\"new\":{}}");
    assert_int_equal(w->code, NT_OK);
}

static void
version_is_served_up_to_our_minor_of_our_major(void **state)
{
    static const struct {
        const char *version;
        enum nt_code code;
    } cases[] = {
        { "1.0", NT_OK },          { "1.3", NT_OK },           { "1.4", NT_UNSUPPORTED },
        { "2.0", NT_UNSUPPORTED }, { "0.3", NT_UNSUPPORTED },  { "1", NT_UNSUPPORTED },
        { "", NT_UNSUPPORTED },    { "1.3x", NT_UNSUPPORTED },
    };
    struct world *w = *state;

    for (size_t i = 0; i < NT_ARRAY_SIZE(cases); i++) {
        raw_call(w, "add", cases[i].version, "{\"name\":\"x\",\"a\":1}");
        assert_int_equal(w->code, cases[i].code);
    }
    raw_call(w, "add", "2.7", "{}");
    assert_string_equal(w->msg, "Endpoint does not support RPC version 2.7. Attempted method: add");
}

static void
methods_unknown_or_unhandled_are_refused(void **state)
{
    static const char *const names[] = { "frob", "unhandled", "_add" };
    struct world *w = *state;

    for (size_t i = 0; i < NT_ARRAY_SIZE(names); i++) {
        char msg[128];

        raw_call(w, names[i], "1.0", NULL);
        snprintf(msg, sizeof msg, "Endpoint does not support RPC method %s", names[i]);
        assert_int_equal(w->code, NT_UNSUPPORTED);
        assert_string_equal(w->msg, msg);
    }
}

static void
malformed_answer_is_a_fault_that_names_the_method(void **state)
{
    struct world *w = *state;
    struct add_args args = { "x", 2, 3, NULL };

    w->lies = true;
    nt_rpc_call(w->bus, NT_TO(&calc, NULL, "add"), &args, 1000, on_sum, w);
    until_replied(w);
    assert_int_equal(w->code, NT_FAULT);
    assert_string_equal(w->msg,
                        "malformed answer of calc.add: result must be an object, not a text");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(structs_go_there_and_back),
        TEST(method_without_arguments_and_result_works),
        TEST(malformed_arguments_are_refused_with_their_path),
        TEST(version_is_served_up_to_our_minor_of_our_major),
        TEST(methods_unknown_or_unhandled_are_refused),
        TEST(malformed_answer_is_a_fault_that_names_the_method),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
