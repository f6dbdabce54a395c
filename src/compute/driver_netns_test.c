/* The driver with real processes, under a /run of the test's own.  Needs root, nsenter
 * and unshare. */
#include <config.h>

#include "compute/driver.h"

#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/options.h"
#include "host/netns.h"
#include "openvswitch/poll-loop.h"
#include "wire/netlink/ns_testing.h"

#define LIMIT_MS 20000

struct bed {
    char dir[64];
    struct nt_config *config;
    struct nt_children *children;
    struct driver *driver;
    struct guest *guest;
};

static struct driver *
new_driver(struct bed *bed)
{
    const struct driver_env env = { bed->config, nt_clock_system(), bed->children, bed->dir };
    struct driver *driver = NULL;

    assert_int_equal(driver_new(&env, &driver, NULL), 0);
    return driver;
}

static int
set_up(void **state)
{
    static const char init[] = "#!/bin/sh\ntrap 'echo bye; exit 0' TERM\necho up\n"
                               "while :; do sleep 0.05; done\n";
    static struct bed bed;
    struct nt_instance_view view = { .id = "99999999-9999-4999-8999-999999999999",
                                     .number = 9,
                                     .name = "nt test!",
                                     .hostname = "nt-test" };
    struct nt_err err = { 0 };

    bed = (struct bed){ .dir = "/tmp/nt-test-driver-XXXXXX" };
    assert_non_null(mkdtemp(bed.dir));
    bed.config = nt_config_new(nt_options);
    assert_int_equal(nt_config_finish(bed.config, &err), 0);
    bed.children = nt_children_new(nt_clock_system());
    bed.driver = new_driver(&bed);

    AUTO_FREE char *path = nt_path_join(bed.dir, "init");
    AUTO_FREE char *folder = guest_folder(bed.dir, 9);
    assert_int_equal(nt_file_replace(path, init, strlen(init), 0755, NULL, NULL), 0);
    assert_int_equal(nt_mkdirs(folder, 0755, NULL), 0);
    ovs_strlcpy(view.image_location, bed.dir, sizeof view.image_location);
    bed.guest = guest_new(&view);
    assert_int_equal(bed.driver->class->plug(bed.driver, bed.guest, &err), 0);
    *state = &bed;
    return 0;
}

#define UNTIL(bed, condition)                                               \
    do {                                                                    \
        int64_t limit_ = nt_mono_ms(nt_clock_system()) + LIMIT_MS;          \
                                                                            \
        while (!(condition)) {                                              \
            if (nt_mono_ms(nt_clock_system()) > limit_) {                   \
                fail_msg("%d ms passed without: %s", LIMIT_MS, #condition); \
            }                                                               \
            (bed)->driver->class->wait((bed)->driver);                      \
            nt_children_wait((bed)->children);                              \
            poll_timer_wait(20);                                            \
            poll_block();                                                   \
            nt_children_run((bed)->children);                               \
            (bed)->driver->class->run((bed)->driver);                       \
        }                                                                   \
    } while (0)

static bool
is_running(struct bed *bed)
{
    return bed->driver->class->is_running(bed->driver, bed->guest);
}

static void
stop(struct bed *bed, int64_t limit_ms)
{
    bed->driver->class->stop(bed->driver, bed->guest, limit_ms);
    UNTIL(bed, !is_running(bed));
}

static int
tear_down(void **state)
{
    struct bed *bed = *state;

    stop(bed, 0);
    assert_int_equal(bed->driver->class->unplug(bed->driver, bed->guest, NULL), 0);
    assert_false(nt_netns_exists(bed->guest->handle));
    bed->driver->class->free(bed->driver);
    guest_free(bed->guest);
    nt_children_free(bed->children);
    nt_config_free(bed->config);
    return nt_remove_tree(bed->dir);
}

static bool
console_has(struct bed *bed, const char *wanted)
{
    AUTO_FREE char *path = guest_file(bed->dir, 9, "console.log");
    AUTO_FREE char *text = guest_console(path, 0, 1000);

    return strstr(text, wanted) != NULL;
}

static void
start_only(struct bed *bed)
{
    struct nt_err err = { 0 };

    if (bed->driver->class->start(bed->driver, bed->guest, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static void
start(struct bed *bed)
{
    start_only(bed);
    UNTIL(bed, console_has(bed, "up\n"));
    assert_true(is_running(bed));
}

/* What a new process of the program does. */
static bool
adopt_anew(struct bed *bed)
{
    bed->driver->class->free(bed->driver);
    bed->driver = new_driver(bed);
    return bed->driver->class->adopt(bed->driver, bed->guest);
}

static void
guest_runs_in_a_namespace_named_after_it(void **state)
{
    struct bed *bed = *state;

    assert_string_equal(bed->guest->handle, "vm-nttest");
    assert_true(nt_netns_exists("vm-nttest"));
    start(bed);
}

static void
noted_guest_is_adopted(void **state)
{
    struct bed *bed = *state;

    start(bed);
    assert_true(adopt_anew(bed));
    assert_true(is_running(bed));
}

static void
process_with_a_number_used_again_is_not_adopted(void **state)
{
    struct bed *bed = *state;

    start(bed);
    bed->guest->pid_start++;
    assert_false(adopt_anew(bed));
    bed->guest->pid_start--;
    assert_true(bed->driver->class->adopt(bed->driver, bed->guest));
}

static void
guest_that_was_started_but_not_noted_is_found_again(void **state)
{
    struct bed *bed = *state;

    start(bed);

    pid_t pid = bed->guest->pid;
    bed->guest->pid = bed->guest->pid_start = 0;
    assert_true(adopt_anew(bed));
    assert_int_equal(bed->guest->pid, pid);
}

static void
guest_that_was_never_started_is_not_found(void **state)
{
    struct bed *bed = *state;

    assert_false(adopt_anew(bed));
    assert_int_equal(bed->guest->pid, 0);
}

static void
stopped_guest_starts_again_in_its_namespace(void **state)
{
    struct bed *bed = *state;
    struct nt_err err = { 0 };

    start(bed);
    stop(bed, LIMIT_MS);
    assert_true(console_has(bed, "bye\n"));
    assert_true(nt_netns_exists("vm-nttest"));
    bed->guest->pid = bed->guest->pid_start = 0;
    assert_int_equal(bed->driver->class->plug(bed->driver, bed->guest, &err), 0);
    start_only(bed);
    assert_true(is_running(bed));
    UNTIL(bed, console_has(bed, "up\nbye\nup\n"));
    assert_true(is_running(bed));
}

static void
guest_that_was_noted_as_stopped_is_not_adopted(void **state)
{
    struct bed *bed = *state;

    start(bed);
    stop(bed, LIMIT_MS);
    assert_false(adopt_anew(bed));
}

static void
without_a_limit_it_is_not_asked(void **state)
{
    struct bed *bed = *state;

    start(bed);
    stop(bed, 0);
    assert_false(console_has(bed, "bye"));
}

static void
guest_that_does_not_listen_is_ended_at_the_limit(void **state)
{
    static const char deaf[] = "#!/bin/sh\ntrap '' TERM\necho up\n"
                               "while :; do sleep 0.05; done\n";
    struct bed *bed = *state;
    AUTO_FREE char *path = nt_path_join(bed->dir, "init");

    assert_int_equal(nt_file_replace(path, deaf, strlen(deaf), 0755, NULL, NULL), 0);
    start(bed);
    /* Asked again with less time, it gets less. */
    bed->driver->class->stop(bed->driver, bed->guest, INT64_C(1000) * LIMIT_MS);
    assert_true(is_running(bed));
    stop(bed, 200);
}

static void
image_without_init_is_named(void **state)
{
    struct bed *bed = *state;
    struct nt_err err = { 0 };

    strcpy(bed->guest->view.image_location, "/nonexistent");
    assert_int_equal(bed->driver->class->start(bed->driver, bed->guest, &err), -1);
    assert_int_equal(err.code, NT_NOT_FOUND);
    assert_non_null(strstr(err.msg, "/nonexistent/init"));
}

int
main(void)
{
    test_needs_root();
    test_hide_run();

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(guest_runs_in_a_namespace_named_after_it),
        T(noted_guest_is_adopted),
        T(process_with_a_number_used_again_is_not_adopted),
        T(guest_that_was_started_but_not_noted_is_found_again),
        T(guest_that_was_never_started_is_not_found),
        T(stopped_guest_starts_again_in_its_namespace),
        T(guest_that_was_noted_as_stopped_is_not_adopted),
        T(without_a_limit_it_is_not_asked),
        T(guest_that_does_not_listen_is_ended_at_the_limit),
        T(image_without_init_is_named),
    };

    return cmocka_run_group_tests_name("compute/driver_netns", tests, NULL, NULL);
}
