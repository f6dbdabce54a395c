/* The probe with a real emulator; without KVM, which only some machines have. */
#include <config.h>

#include "host/kvm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "openvswitch/poll-loop.h"

#define LIMIT_MS 50000
#define QEMU "qemu-system-x86_64"

struct bed {
    char dir[64];
    struct nt_children *children;
};

static int
set_up(void **state)
{
    static struct bed bed;

    bed = (struct bed){ .dir = "/tmp/nt-test-kvm-XXXXXX" };
    assert_non_null(mkdtemp(bed.dir));
    bed.children = nt_children_new(nt_clock_system());
    *state = &bed;
    return 0;
}

static int
tear_down(void **state)
{
    struct bed *bed = *state;

    nt_children_free(bed->children);
    return nt_remove_tree(bed->dir);
}

static void
turn(struct bed *bed)
{
    nt_children_wait(bed->children);
    poll_timer_wait(50);
    poll_block();
    nt_children_run(bed->children);
}

static void
note_status(void *status_, const struct nt_child_result *result)
{
    int *status = status_;

    *status = WIFEXITED(result->status) ? WEXITSTATUS(result->status) : -2;
}

static void
the_sector_ends_the_emulator(void **state)
{
    struct bed *bed = *state;
    AUTO_FREE char *sector = nt_path_join(bed->dir, "sector");
    AUTO_FREE char *drive = xasprintf("file=%s,format=raw,if=floppy,readonly=on", sector);
    const char *argv[NT_KVM_PROBE_N_ARGS];
    const struct nt_child_opts opts = { .argv = argv, .timeout_ms = LIMIT_MS };
    int status = -1;

    assert_int_equal(nt_kvm_probe_write_sector(sector), 0);
    nt_kvm_probe_args(QEMU, "tcg", drive, argv);
    assert_int_equal(nt_child_start(bed->children, &opts, note_status, &status, NULL, NULL), 0);
    while (status == -1) {
        turn(bed);
    }
    assert_int_equal(status, NT_KVM_PROBE_STATUS);
}

static void
without_the_device_there_is_no_kvm(void **state)
{
    struct bed *bed = *state;
    AUTO(nt_kvm_probe) probe = nt_kvm_probe_new(bed->children, QEMU, "/nonexistent/kvm", bed->dir);

    assert_int_equal(nt_kvm_probe_get(probe), NT_KVM_FAILS);
    assert_string_equal(nt_kvm_probe_why(probe), "/nonexistent/kvm: No such file or directory");
}

/* A boot that fails is an answer; the next program takes it from the file. */
static void
the_answer_is_kept(void **state)
{
    struct bed *bed = *state;
    AUTO(nt_kvm_probe) probe = nt_kvm_probe_new(bed->children, "false", "/dev/null", bed->dir);

    assert_int_equal(nt_kvm_probe_get(probe), NT_KVM_ASKING);
    while (nt_kvm_probe_get(probe) == NT_KVM_ASKING) {
        turn(bed);
    }
    assert_int_equal(nt_kvm_probe_get(probe), NT_KVM_FAILS);
    assert_non_null(strstr(nt_kvm_probe_why(probe), "exit status 1"));

    AUTO(nt_kvm_probe) again = nt_kvm_probe_new(bed->children, "false", "/dev/null", bed->dir);
    assert_int_equal(nt_kvm_probe_get(again), NT_KVM_FAILS);
    assert_string_equal(nt_kvm_probe_why(again), nt_kvm_probe_why(probe));
}

/* Kept since before the machine was started anew, or damaged: asked again. */
static void
an_old_answer_does_not_count(void **state)
{
    struct bed *bed = *state;
    AUTO_FREE char *kept = nt_path_join(bed->dir, "kvm-probe");
    const char *text = "00000000-0000-0000-0000-000000000000 works a short boot ended\n";

    assert_int_equal(nt_file_replace(kept, text, strlen(text), 0644, NULL, NULL), 0);
    AUTO(nt_kvm_probe) probe = nt_kvm_probe_new(bed->children, "false", "/dev/null", bed->dir);
    assert_int_equal(nt_kvm_probe_get(probe), NT_KVM_ASKING);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_sector_ends_the_emulator, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_the_device_there_is_no_kvm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_answer_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_old_answer_does_not_count, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
