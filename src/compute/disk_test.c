#include <config.h>

#include "compute/disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "openvswitch/poll-loop.h"

#define LIMIT_MS 30000

struct bed {
    char dir[64];
    struct nt_children *children;
    struct guest *guest;
};

static int
set_up(void **state)
{
    static struct bed bed;
    struct nt_instance_view view = { .id = "99999999-9999-4999-8999-999999999999",
                                     .number = 9,
                                     .image_name = "base",
                                     .image_format = "raw" };

    bed = (struct bed){ .dir = "/tmp/nt-test-disk-XXXXXX" };
    assert_non_null(mkdtemp(bed.dir));
    bed.children = nt_children_new(nt_clock_system());

    AUTO_FREE char *folder = guest_folder(bed.dir, 9);
    AUTO_FREE char *base = nt_path_join(bed.dir, "base");
    assert_int_equal(nt_mkdirs(folder, 0755, NULL), 0);
    assert_int_equal(nt_file_replace(base, "0123456789abcdef", 16, 0644, NULL, NULL), 0);
    assert_int_equal(truncate(base, 4 << 20), 0);
    ovs_strlcpy(view.image_location, base, sizeof view.image_location);
    bed.guest = guest_new(&view);
    *state = &bed;
    return 0;
}

static int
tear_down(void **state)
{
    struct bed *bed = *state;

    guest_free(bed->guest);
    nt_children_free(bed->children);
    return nt_remove_tree(bed->dir);
}

static enum disk_state
end_of(struct bed *bed, const struct disk *disk)
{
    int64_t limit = nt_mono_ms(nt_clock_system()) + LIMIT_MS;

    while (disk_get_state(disk) == DISK_WORKING) {
        assert_true(nt_mono_ms(nt_clock_system()) < limit);
        nt_children_wait(bed->children);
        poll_timer_wait(50);
        poll_block();
        nt_children_run(bed->children);
    }
    return disk_get_state(disk);
}

static void
fails(struct bed *bed, const char *why)
{
    AUTO(disk) disk = disk_prepare(bed->children, bed->guest, bed->dir);
    AUTO_FREE char *path = disk_path(bed->guest, bed->dir);

    assert_int_equal(end_of(bed, disk), DISK_FAILED);
    if (!strstr(disk_why(disk), why)) {
        fail_msg("'%s' is not in '%s'", why, disk_why(disk));
    }
    assert_int_equal(access(path, F_OK), -1);
}

static void
an_overlay_is_made_once(void **state)
{
    struct bed *bed = *state;
    AUTO(disk) disk = disk_prepare(bed->children, bed->guest, bed->dir);
    AUTO_FREE char *path = disk_path(bed->guest, bed->dir);
    char magic[4] = "";

    assert_int_equal(end_of(bed, disk), DISK_READY);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(magic, 1, 4, file), 4);
    fclose(file);
    assert_memory_equal(magic, "QFI\xfb", 4);

    AUTO(disk) again = disk_prepare(bed->children, bed->guest, bed->dir);
    assert_int_equal(disk_get_state(again), DISK_READY);
}

static void
an_image_without_disk_needs_none(void **state)
{
    struct bed *bed = *state;

    *bed->guest->view.image_location = '\0';
    AUTO(disk) disk = disk_prepare(bed->children, bed->guest, bed->dir);
    assert_int_equal(disk_get_state(disk), DISK_READY);
    assert_true(disk_is_absent(bed->guest));
}

static void
what_cannot_be_used_is_said(void **state)
{
    struct bed *bed = *state;
    struct nt_instance_view *view = &bed->guest->view;

    ovs_strlcpy(view->image_format, "vmdk", sizeof view->image_format);
    fails(bed, "disk format vmdk");
    ovs_strlcpy(view->image_format, "qcow2", sizeof view->image_format);
    fails(bed, "its image cannot be read");
    ovs_strlcpy(view->image_format, "raw", sizeof view->image_format);
    assert_int_equal(truncate(view->image_location, (INT64_C(1) << 30) + 512), 0);
    view->disk_gb = 1;
    fails(bed, "the flavor's disk only 1 GB");
    ovs_strlcpy(view->image_location, "relative", sizeof view->image_location);
    fails(bed, "is no path");
    ovs_strlcpy(view->image_location, "/nonexistent/image", sizeof view->image_location);
    fails(bed, "its image cannot be read");
}

static void
other_files_are_not_reached(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"virtual-size\": \"1\"}",
        "{\"virtual-size\": 0}",
        "{\"virtual-size\": 512, \"backing-filename\": \"/etc/shadow\"}",
        "{\"virtual-size\": 512, \"format-specific\": {\"data\": {\"data-file\": \"/etc/p\"}}}",
    };
    int64_t size = 7;

    (void) state;
    for (size_t i = 0; i < NT_ARRAY_SIZE(bad); i++) {
        struct nt_err err = { 0 };

        assert_int_equal(disk_check_info(bad[i], &size, &err), -1);
        assert_int_equal(err.code, NT_INVALID);
        assert_int_equal(size, 7);
    }
    assert_int_equal(disk_check_info("{\"virtual-size\": 512, \"format-specific\":"
                                     " {\"type\": \"qcow2\", \"data\": {\"compat\": \"1.1\"}}}",
                                     &size, NULL),
                     0);
    assert_int_equal(size, 512);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_overlay_is_made_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_image_without_disk_needs_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_used_is_said, set_up, tear_down),
        cmocka_unit_test(other_files_are_not_reached),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
