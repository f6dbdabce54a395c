#include <config.h>

#include "base/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/mem.h"

/* A service manager: its socket, and a clock that the test moves. */
struct bed {
    struct nt_clock clock;
    int64_t now;
    int fd;
};

static int64_t
now_of(const struct nt_clock *clock)
{
    return CONTAINER_OF(clock, struct bed, clock)->now;
}

static void
setup(struct bed *bed)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    socklen_t len = offsetof(struct sockaddr_un, sun_path) + 1
                    + snprintf(name.sun_path + 1, 60, "nt-notify-%d", (int) getpid());
    char text[80];

    *bed = (struct bed){ .clock = { .mono_ms = now_of, .wall_ms = now_of }, .now = 5000 };
    bed->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(bed->fd, (struct sockaddr *) &name, len), 0);
    snprintf(text, sizeof text, "@%s", name.sun_path + 1);
    setenv("NOTIFY_SOCKET", text, 1);
}

static void
assert_told(struct bed *bed, const char *text)
{
    char got[200] = "";
    ssize_t n = recv(bed->fd, got, sizeof got - 1, 0);

    got[MAX(n, 0)] = '\0';
    assert_string_equal(got, text);
}

static void
readiness_is_told_once_and_a_status_when_it_is_new(void **state)
{
    struct bed bed;

    setup(&bed);
    AUTO(nt_notify) n = nt_notify_new(&bed.clock);
    assert_null(getenv("NOTIFY_SOCKET"));
    nt_notify_status(n, "starting");
    nt_notify_status(n, "starting");
    nt_notify_ready(n);
    nt_notify_ready(n);
    nt_notify_run(n);
    nt_notify_stopping(n);
    assert_told(&bed, "STATUS=starting");
    assert_told(&bed, "READY=1");
    assert_told(&bed, "STOPPING=1");
    assert_told(&bed, "");
    close(bed.fd);
}

static void
a_turning_loop_is_told_twice_in_the_watchdogs_time(void **state)
{
    struct bed bed;

    setup(&bed);
    setenv("WATCHDOG_USEC", "10000000", 1);
    AUTO(nt_notify) n = nt_notify_new(&bed.clock);
    nt_notify_run(n);
    assert_told(&bed, "WATCHDOG=1");
    bed.now += 4999;
    nt_notify_run(n);
    assert_told(&bed, "");
    bed.now += 1;
    nt_notify_run(n);
    assert_told(&bed, "WATCHDOG=1");
    close(bed.fd);
}

static void
another_programs_watchdog_is_not_ours(void **state)
{
    struct bed bed;

    setup(&bed);
    setenv("WATCHDOG_USEC", "10000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    AUTO(nt_notify) n = nt_notify_new(&bed.clock);
    nt_notify_run(n);
    assert_told(&bed, "");
    close(bed.fd);
}

static void
a_reload_is_told_from_begin_to_end(void **state)
{
    struct bed bed;
    char got[200] = "";

    setup(&bed);
    AUTO(nt_notify) n = nt_notify_new(&bed.clock);
    nt_notify_ready(n);
    assert_told(&bed, "READY=1");
    nt_notify_reloading(n);
    assert_true(recv(bed.fd, got, sizeof got - 1, 0) > 0);
    assert_int_equal(strncmp(got, "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
    nt_notify_reloaded(n);
    assert_told(&bed, "READY=1");
    close(bed.fd);
}

static void
nobody_listening_is_no_trouble(void **state)
{
    struct bed bed;

    setup(&bed);
    setenv("NOTIFY_SOCKET", "nonsense", 1);
    AUTO(nt_notify) n = nt_notify_new(&bed.clock);
    nt_notify_ready(n);
    nt_notify_run(n);
    assert_told(&bed, "");
    close(bed.fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readiness_is_told_once_and_a_status_when_it_is_new),
        cmocka_unit_test(a_turning_loop_is_told_twice_in_the_watchdogs_time),
        cmocka_unit_test(another_programs_watchdog_is_not_ours),
        cmocka_unit_test(a_reload_is_told_from_begin_to_end),
        cmocka_unit_test(nobody_listening_is_no_trouble),
    };

    return cmocka_run_group_tests_name("base/notify", tests, NULL, NULL);
}
