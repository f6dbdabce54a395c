#include <config.h>

#include "host/lease_msg.h"

#include <stdio.h>
#include <string.h>

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* "NAME=VALUE" strings up to NULL. */
static const char *
from_list(void *list, const char *name)
{
    size_t len = strlen(name);

    for (const char *const *p = list; *p; p++) {
        if (!strncmp(*p, name, len) && (*p)[len] == '=') {
            return *p + len + 1;
        }
    }
    return NULL;
}

static int
parse(const char *const *argv, const char **env, struct nt_lease_event *ev, struct nt_err *err)
{
    int argc = 0;

    while (argv[argc]) {
        argc++;
    }
    return nt_lease_parse_call(argc, argv, from_list, env, ev, err);
}

static const char *full_env[] = {
    "NETWORK_ID=7",
    "DNSMASQ_LEASE_EXPIRES=1343696565",
    "DNSMASQ_CLIENT_ID=01:fa:16:3e:2c:e8:ec",
    NULL,
};

static void
add_is_read_with_everything_dnsmasq_says(void **state)
{
    const char *argv[] = { "x", "add", "FA:16:3e:2c:e8:ec", "10.0.0.2", "cirros", NULL };
    struct nt_lease_event ev;

    assert_int_equal(parse(argv, full_env, &ev, NULL), 0);
    assert_int_equal(ev.action, NT_LEASE_ADD);
    assert_int_equal(ev.network_number, 7);
    assert_string_equal(ev.mac, "fa:16:3e:2c:e8:ec");
    assert_string_equal(ev.ip, "10.0.0.2");
    assert_string_equal(ev.hostname, "cirros");
    assert_string_equal(ev.client_id, "01:fa:16:3e:2c:e8:ec");
    assert_int_equal(ev.expires_ms, 1343696565000);
}

static void
actions_without_effect_are_silent_even_without_environment(void **state)
{
    const char *no_env[] = { NULL };
    const char *const names[] = { "old", "tftp", "arp-add", "relay-snoop", "" };

    for (size_t i = 0; i < NT_ARRAY_SIZE(names); i++) {
        const char *argv[] = { "x", names[i], "rubbish", NULL };
        struct nt_lease_event ev;

        assert_int_equal(parse(argv, no_env, &ev, NULL), 0);
        assert_int_equal(ev.action, NT_LEASE_NONE);
    }
}

static void
missing_network_id_is_an_error(void **state)
{
    const char *no_env[] = { NULL };
    const char *argv[] = { "x", "init", NULL };
    struct nt_err err = { 0 };
    struct nt_lease_event ev;

    assert_int_equal(parse(argv, no_env, &ev, &err), -1);
    assert_non_null(strstr(err.msg, "NETWORK_ID"));
}

static void
garbage_is_refused_by_name(void **state)
{
    const char *const cases[][5] = {
        { "x", "add", "fa:16:3e:2c:e8", "10.0.0.2", "MAC" },
        { "x", "add", "06-fa:16:3e:2c:e8:ec", "10.0.0.2", "MAC" },
        { "x", "del", "fa:16:3e:2c:e8:ec", "10.0.0", "IP" },
        { "x", "del", "fa:16:3e:2c:e8:ec", "fd00::1", "IP" },
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(cases); i++) {
        const char *argv[] = { cases[i][0], cases[i][1], cases[i][2], cases[i][3], NULL };
        struct nt_err err = { 0 };
        struct nt_lease_event ev;

        assert_int_equal(parse(argv, full_env, &ev, &err), -1);
        assert_int_equal(err.code, NT_INVALID);
        assert_non_null(strstr(err.msg, cases[i][4]));
    }

    const char *bad_name[] = { "x", "add", "fa:16:3e:2c:e8:ec", "10.0.0.2", "a\nb", NULL };
    struct nt_err err = { 0 };
    struct nt_lease_event ev;

    assert_int_equal(parse(bad_name, full_env, &ev, &err), -1);
    assert_string_equal(err.msg, "bad host name 'a?b'");
}

static void
client_id_too_long_to_keep_is_left_out(void **state)
{
    char id[sizeof "DNSMASQ_CLIENT_ID=" + 3 * 60] = "DNSMASQ_CLIENT_ID=00";
    const char *env[] = { "NETWORK_ID=1", id, NULL };
    const char *argv[] = { "x", "add", "fa:16:3e:2c:e8:ec", "10.0.0.2", NULL };
    struct nt_lease_event ev;

    for (int i = 0; i < 50; i++) {
        strcat(id, ":ff");
    }
    assert_int_equal(parse(argv, env, &ev, NULL), 0);
    assert_string_equal(ev.client_id, "");
}

static void
message_comes_back_as_it_went(void **state)
{
    const char *argv[] = { "x", "add", "fa:16:3e:2c:e8:ec", "10.0.0.2", "cirros", NULL };
    struct nt_lease_event ev, back;
    char msg[NT_LEASE_MSG_MAX];

    assert_int_equal(parse(argv, full_env, &ev, NULL), 0);
    ev.time_ms = 1343696445123;

    size_t len = nt_lease_encode(&ev, msg);
    memset(&back, 0, sizeof back);
    assert_int_equal(nt_lease_decode(msg, len, &back, NULL), 0);
    assert_int_equal(back.action, ev.action);
    assert_int_equal(back.network_number, ev.network_number);
    assert_int_equal(back.expires_ms, ev.expires_ms);
    assert_int_equal(back.time_ms, ev.time_ms);
    assert_string_equal(back.mac, ev.mac);
    assert_string_equal(back.ip, ev.ip);
    assert_string_equal(back.hostname, ev.hostname);
    assert_string_equal(back.client_id, ev.client_id);
}

static void
longest_event_fits_a_message(void **state)
{
    struct nt_lease_event ev = { .action = NT_LEASE_ADD,
                                 .network_number = 999999999999999,
                                 .mac = "fa:16:3e:2c:e8:ec",
                                 .ip = "255.255.255.255",
                                 .expires_ms = INT64_C(999999999999999000),
                                 .time_ms = INT64_C(999999999999999) };
    struct nt_lease_event back;
    char msg[NT_LEASE_MSG_MAX];

    memset(ev.hostname, 'a', sizeof ev.hostname - 1);
    for (size_t i = 0; i < sizeof ev.client_id - 2; i++) {
        ev.client_id[i] = i % 3 == 2 ? ':' : 'f';
    }
    ev.client_id[125] = '\0';

    size_t len = nt_lease_encode(&ev, msg);
    assert_int_equal(nt_lease_decode(msg, len, &back, NULL), 0);
    assert_string_equal(back.hostname, ev.hostname);
    assert_string_equal(back.client_id, ev.client_id);
    assert_int_equal(back.time_ms, ev.time_ms);
}

static void
bad_messages_are_refused(void **state)
{
    const char *const cases[] = {
        "",
        "action=add\n",
        "action=add\nnetwork=1\nmac=fa:16:3e:2c:e8:ec\n",
        "action=add\nnetwork=1\nmac=fa:16:3e:2c:e8:ec\nip=10.0.0.2",
        "action=add\naction=del\nnetwork=1\nmac=fa:16:3e:2c:e8:ec\nip=10.0.0.2\n",
        "action=old\nnetwork=1\n",
        "action=init\nnetwork=-1\n",
        "action=init\nnetwork=1\nrubbish\n",
        "action=init\nnetwork=1\n\n",
        "action=init\nnetwork=9999999999999999\n",
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(cases); i++) {
        struct nt_lease_event ev;

        assert_int_equal(nt_lease_decode(cases[i], strlen(cases[i]), &ev, NULL), -1);
    }
}

static void
unknown_keys_are_skipped(void **state)
{
    const char msg[] = "action=init\nfuture=yes\nnetwork=3\n";
    struct nt_lease_event ev;

    assert_int_equal(nt_lease_decode(msg, sizeof msg - 1, &ev, NULL), 0);
    assert_int_equal(ev.network_number, 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(add_is_read_with_everything_dnsmasq_says),
        cmocka_unit_test(actions_without_effect_are_silent_even_without_environment),
        cmocka_unit_test(missing_network_id_is_an_error),
        cmocka_unit_test(garbage_is_refused_by_name),
        cmocka_unit_test(client_id_too_long_to_keep_is_left_out),
        cmocka_unit_test(message_comes_back_as_it_went),
        cmocka_unit_test(longest_event_fits_a_message),
        cmocka_unit_test(bad_messages_are_refused),
        cmocka_unit_test(unknown_keys_are_skipped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
