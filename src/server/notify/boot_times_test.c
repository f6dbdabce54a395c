#include <config.h>

#include "server/notify/boot_times.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"

static void
change(struct boot_times *times, enum change_kind kind, const char *id, const char *state,
       int64_t now)
{
    struct change c = { .kind = kind };

    ovs_strlcpy(c.instance_id, id, sizeof c.instance_id);
    ovs_strlcpy(c.vm_state, state, sizeof c.vm_state);
    boot_times_change(times, &c, now);
}

static void
a_boot_ends_active_failed_or_deleted_and_counts_once(void **state)
{
    AUTO(boot_times) times = boot_times_new();
    struct ds out = DS_EMPTY_INITIALIZER;

    change(times, CHANGE_INSTANCE_CREATED, "a", "building", 1000);
    change(times, CHANGE_INSTANCE_CREATED, "b", "building", 1000);
    change(times, CHANGE_INSTANCE_CREATED, "c", "building", 1000);
    change(times, CHANGE_INSTANCE_CREATED, "d", "building", 1000);
    change(times, CHANGE_INSTANCE_UPDATED, "a", "building", 1100);
    change(times, CHANGE_INSTANCE_UPDATED, "a", "active", 1250);
    change(times, CHANGE_INSTANCE_UPDATED, "a", "active", 9000);
    change(times, CHANGE_INSTANCE_UPDATED, "b", "error", 1300);
    change(times, CHANGE_INSTANCE_DELETED, "c", "", 1400);
    boot_times_metrics(times, &out);

    const char *text = ds_cstr(&out);
    assert_non_null(strstr(text, "\nneutrino_boots_total 4\n"));
    assert_non_null(strstr(text, "\nneutrino_boots_failed_total 1\n"));
    assert_non_null(strstr(text, "\nneutrino_boots_pending 1\n"));
    assert_non_null(strstr(text, "\nneutrino_boot_seconds_sum 0.25\n"));
    assert_non_null(strstr(text, "\nneutrino_boot_seconds_count 1\n"));
    ds_destroy(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_boot_ends_active_failed_or_deleted_and_counts_once),
    };

    return cmocka_run_group_tests_name("server/notify/boot_times", tests, NULL, NULL);
}
