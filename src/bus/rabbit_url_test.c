#include <config.h>

#include "bus/rabbit_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void
several_hosts_with_their_own_users(void **state)
{
    struct nt_rabbit_url url;
    struct nt_err err;

    assert_int_equal(nt_rabbit_url_parse(
                         "rabbit://u:p@h1:5673,v%40w:a%2Fb%25@[fd00::1]:99/my%20host", &url, &err),
                     0);
    assert_int_equal(url.n_hosts, 2);
    assert_string_equal(url.hosts[0].name, "h1");
    assert_int_equal(url.hosts[0].port, 5673);
    assert_string_equal(url.hosts[1].user, "v@w");
    assert_string_equal(url.hosts[1].password, "a/b%");
    assert_string_equal(url.hosts[1].name, "fd00::1");
    assert_int_equal(url.hosts[1].port, 99);
    assert_string_equal(url.vhost, "my host");
    nt_rabbit_url_clear(&url);
}

static void
what_is_left_out_has_its_default(void **state)
{
    struct nt_rabbit_url url;
    struct nt_err err;

    assert_int_equal(nt_rabbit_url_parse("rabbit://broker?ssl=1", &url, &err), 0);
    assert_string_equal(url.hosts[0].user, "guest");
    assert_string_equal(url.hosts[0].password, "guest");
    assert_int_equal(url.hosts[0].port, 5672);
    assert_string_equal(url.vhost, "/");
    assert_int_equal(url.ssl, 1);
    nt_rabbit_url_clear(&url);
}

static void
refusals_name_the_part_and_no_password(void **state)
{
    static const char *const wrong[][2] = {
        { "rabbit://u:geheim%2@h/", "password" }, { "rabbit://u:geheim@h:0/", "port" },
        { "rabbit://u:geheim@h:70000/", "port" }, { "rabbit://u:geheim@/", "host" },
        { "rabbit://u:geheim@[::1/", "IPv6" },    { "rabbit://u:geheim%0a@h/", "control" },
        { "rabbit://u:geheim@h/?x=1", "ssl" },    { "amqp://u:geheim@h/", "rabbit://" },
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(wrong); i++) {
        struct nt_rabbit_url url;
        struct nt_err err = { 0 };

        assert_int_equal(nt_rabbit_url_parse(wrong[i][0], &url, &err), -1);
        assert_int_equal(err.code, NT_INVALID);
        assert_non_null(strstr(err.msg, wrong[i][1]));
        assert_null(strstr(err.msg, "geheim"));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_hosts_with_their_own_users),
        cmocka_unit_test(what_is_left_out_has_its_default),
        cmocka_unit_test(refusals_name_the_part_and_no_password),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
