#include <config.h>

#include "cli/servers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cli/boot.h"
#include "cli/cli.h"
#include "cli/find.h"
#include "cli/rest.h"
#include "cli/value.h"
#include "cli/wait.h"
#include "openvswitch/dynamic-string.h"

static int
find(const char *what, struct nt_err *err, char **id)
{
    struct json *list = json_from_string("[{\"id\":\"1\",\"name\":\"one\"},"
                                         "{\"id\":\"2\",\"name\":\"two\"},"
                                         "{\"id\":\"3\",\"name\":\"two\"},"
                                         "{\"id\":\"4\",\"name\":\"1\"},"
                                         "{\"id\":5,\"name\":null}]");
    const struct json *found = NULL;
    int rc = cli_find_in(&cli_server_noun, list, what, &found, err);

    *id = found ? xstrdup(cli_member_text(found, "id")) : NULL;
    json_destroy(list);
    return rc;
}

static void
an_id_comes_before_a_name(void **state)
{
    AUTO_FREE char *by_name = NULL;
    AUTO_FREE char *by_id = NULL;
    struct nt_err err = { 0 };

    assert_int_equal(find("one", &err, &by_name), 0);
    assert_string_equal(by_name, "1");
    assert_int_equal(find("1", &err, &by_id), 0);
    assert_string_equal(by_id, "1");
}

static void
several_matches_and_none_are_told_apart(void **state)
{
    struct nt_err err = { 0 };
    char *id = NULL;

    assert_int_equal(find("two", &err, &id), -1);
    assert_int_equal(err.code, NT_CONFLICT);
    assert_string_equal(err.msg,
                        "Multiple server matches found for 'two', use an ID to be more specific.");
    assert_int_equal(find("three", &err, &id), -1);
    assert_int_equal(err.code, NT_NOT_FOUND);
    assert_string_equal(err.msg, "No server with a name or ID of 'three' exists.");
    assert_int_equal(find("on", &err, &id), -1);
}

static void
networks_are_written_by_label(void **state)
{
    struct json *addresses =
        json_from_string("{\"b\":[{\"addr\":\"10.1.0.2\",\"version\":4}],"
                         "\"a\":[{\"addr\":\"10.0.0.2\"},{\"addr\":\"192.0.2.9\"}]}");
    AUTO_FREE char *text = cli_networks_text(addresses);
    AUTO_FREE char *none = cli_networks_text(NULL);
    struct json *value = cli_networks_json(addresses);
    AUTO_FREE char *json = json_to_string(value, JSSF_SORT);

    assert_string_equal(text, "a=10.0.0.2, 192.0.2.9; b=10.1.0.2");
    assert_string_equal(none, "");
    assert_string_equal(json, "{\"a\":[\"10.0.0.2\",\"192.0.2.9\"],\"b\":[\"10.1.0.2\"]}");
    json_destroy(value);
    json_destroy(addresses);
}

static void
nic_is_a_network_and_perhaps_an_address(void **state)
{
    struct nt_err err = { 0 };
    struct cli_nic nic;

    assert_int_equal(cli_nic_parse("net-id=abc,v4-fixed-ip=10.0.0.9", &nic, &err), 0);
    assert_string_equal(nic.net_id, "abc");
    assert_string_equal(nic.fixed_ip, "10.0.0.9");
    assert_null(nic.mode);
    assert_int_equal(cli_nic_parse("net-name=x", &nic, &err), 0);
    assert_string_equal(nic.net_name, "x");
    assert_int_equal(cli_nic_parse("none", &nic, &err), 0);
    assert_string_equal(nic.mode, "none");
}

static void
a_wrong_nic_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",          "net-id",      "net-id=",      "v4-fixed-ip=10.0.0.9", "net-id=a,net-name=b",
        "port-id=x", "net-id=a,=b", "net-id=a,foo", "net-id=a,net-id=b",
    };
    struct nt_err err = { 0 };
    struct cli_nic nic;

    for (size_t i = 0; i < NT_ARRAY_SIZE(wrong); i++) {
        assert_int_equal(cli_nic_parse(wrong[i], &nic, &err), -1);
        assert_int_equal(err.code, NT_INVALID);
    }
}

static void
servers_made_together_are_known_by_their_number(void **state)
{
    assert_true(cli_is_one_of("web-1", "web", 3));
    assert_true(cli_is_one_of("web-3", "web", 3));
    assert_false(cli_is_one_of("web-4", "web", 3));
    assert_false(cli_is_one_of("web-01", "web", 3));
    assert_false(cli_is_one_of("web-1x", "web", 3));
    assert_false(cli_is_one_of("web", "web", 3));
    assert_false(cli_is_one_of("my-web-1", "web", 3));
}

static enum cli_verdict
verdict(const char *status, const char *goal)
{
    struct json *server = json_object_create();

    json_object_put_string(server, "status", status);
    enum cli_verdict v = cli_wait_verdict(server, goal);
    json_destroy(server);
    return v;
}

static void
waiting_ends_at_the_goal_or_in_error(void **state)
{
    assert_int_equal(verdict("BUILD", "ACTIVE"), CLI_WAIT_MORE);
    assert_int_equal(verdict("ACTIVE", "active"), CLI_WAIT_DONE);
    assert_int_equal(verdict("ERROR", "ACTIVE"), CLI_WAIT_FAILED);
    assert_int_equal(verdict("ERROR", "ERROR"), CLI_WAIT_DONE);
    assert_int_equal(verdict("ERROR", NULL), CLI_WAIT_MORE);
}

static void
check_fault(const char *body, const char *wanted)
{
    AUTO_FREE char *message = cli_fault_message(body);

    if (wanted) {
        assert_non_null(message);
        assert_string_equal(message, wanted);
    } else {
        assert_null(message);
    }
}

static void
the_servers_own_message_is_found(void **state)
{
    check_fault("{\"badRequest\":{\"code\":400,\"message\":\"no\"}}", "no");
    check_fault("{\"message\":\"image\",\"code\":\"404 Not Found\"}", "image");
    check_fault("<html>", NULL);
    check_fault("", NULL);
    check_fault("[1]", NULL);
    check_fault("{\"a\":1,\"message\":{}}", NULL);
}

static void
queries_are_encoded(void **state)
{
    struct ds path = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&path, "/x");
    cli_put_query(&path, "name", "a b&c=/\xc3\xa4-._~9");
    cli_put_query(&path, "marker", "m");
    assert_string_equal(ds_cstr(&path), "/x?name=a%20b%26c%3D%2F%C3%A4-._~9&marker=m");
    ds_destroy(&path);
}

static void
check_base(const char *url, const char *wanted)
{
    AUTO_FREE char *base = cli_base_url(url);

    assert_string_equal(base, wanted);
}

static void
the_servers_url_is_found_in_that_of_a_service(void **state)
{
    check_base("http://h:8774", "http://h:8774");
    check_base("http://h:8774/", "http://h:8774");
    check_base("http://h:8774/compute/v2.1", "http://h:8774");
    check_base("http://h:8774/compute/v2.1/", "http://h:8774");
    check_base("http://h:8774/v2/admin", "http://h:8774");
    check_base("https://v2host/cloud/compute/v2.1", "https://v2host/cloud");
    check_base("http://h/compute", "http://h");
    check_base("nonsense", "nonsense");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_comes_before_a_name),
        cmocka_unit_test(several_matches_and_none_are_told_apart),
        cmocka_unit_test(networks_are_written_by_label),
        cmocka_unit_test(nic_is_a_network_and_perhaps_an_address),
        cmocka_unit_test(a_wrong_nic_is_refused),
        cmocka_unit_test(servers_made_together_are_known_by_their_number),
        cmocka_unit_test(waiting_ends_at_the_goal_or_in_error),
        cmocka_unit_test(the_servers_own_message_is_found),
        cmocka_unit_test(queries_are_encoded),
        cmocka_unit_test(the_servers_url_is_found_in_that_of_a_service),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
