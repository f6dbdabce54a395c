#include <config.h>

#include "server/sched/sched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *
choose(const struct sched_host *hosts, size_t n, const char *zone, struct nt_err *err)
{
    const struct sched_request request = { zone, "nova" };
    const struct sched_host *chosen;

    *err = (struct nt_err){ 0 };
    return sched_choose(hosts, n, &request, &chosen, err) < 0 ? NULL : chosen->host;
}

static void
most_free_ram_wins(void **state)
{
    const struct sched_host hosts[] = {
        { .host = "a", .alive = true, .ram_mb = 4096, .ram_used_mb = 1024 },
        { .host = "b", .alive = true, .ram_mb = 4096, .ram_used_mb = 512 },
        { .host = "c", .alive = false, .ram_mb = 65536 },
    };
    struct nt_err err;

    assert_string_equal(choose(hosts, 3, NULL, &err), "b");
}

static void
ties_go_to_fewer_instances_then_to_the_first_name(void **state)
{
    struct sched_host hosts[] = {
        { .host = "b", .alive = true, .instances = 1 },
        { .host = "c", .alive = true, .instances = 1 },
        { .host = "a", .alive = true, .instances = 2 },
    };
    struct nt_err err;

    assert_string_equal(choose(hosts, 3, "", &err), "b");
    hosts[2].instances = 1;
    assert_string_equal(choose(hosts, 3, "nova", &err), "a");
}

static void
a_host_can_be_asked_for(void **state)
{
    const struct sched_host hosts[] = {
        { .host = "a", .alive = true, .ram_mb = 4096 },
        { .host = "b", .alive = true },
        { .host = "c", .alive = false, .silent_s = 90 },
    };
    struct nt_err err;

    assert_string_equal(choose(hosts, 3, "nova:b", &err), "b");
    assert_string_equal(choose(hosts, 3, ":b", &err), "b");
    assert_null(choose(hosts, 3, "nova:d", &err));
    assert_non_null(strstr(err.msg, "d is not a compute host"));
    assert_null(choose(hosts, 3, "nova:c", &err));
    assert_non_null(strstr(err.msg, "c has not reported for 90 s"));
    assert_null(choose(hosts, 3, "mars", &err));
    assert_non_null(strstr(err.msg, "mars"));
}

static void
no_host_gives_the_reason_for_each(void **state)
{
    const struct sched_host hosts[] = {
        { .host = "a", .silent_s = 80 },
        { .host = "b", .silent_s = 100 },
    };
    struct nt_err err;

    assert_null(choose(hosts, 2, NULL, &err));
    assert_int_equal(err.code, NT_UNAVAILABLE);
    assert_string_equal(err.msg, "no valid host was found: a has not reported for 80 s, b has not"
                                 " reported for 100 s");
    assert_null(choose(hosts, 0, NULL, &err));
    assert_non_null(strstr(err.msg, "no compute host has ever reported"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(most_free_ram_wins),
        cmocka_unit_test(ties_go_to_fewer_instances_then_to_the_first_name),
        cmocka_unit_test(a_host_can_be_asked_for),
        cmocka_unit_test(no_host_gives_the_reason_for_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
