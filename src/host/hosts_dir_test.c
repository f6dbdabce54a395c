#include <config.h>

#include "host/hosts_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"

#define LINE_A "fa:16:3e:00:00:0a,a.novalocal,10.0.0.2"
#define LINE_B "fa:16:3e:00:00:0b,b.novalocal,10.0.0.3"

struct bed {
    char parent[64];
    char *path;
    struct nt_hosts_dir *dir;
};

static int
set_up(void **state)
{
    struct bed *bed = xzalloc(sizeof *bed);

    strcpy(bed->parent, "/tmp/nt-test-hosts-XXXXXX");
    assert_non_null(mkdtemp(bed->parent));
    bed->path = nt_path_join(bed->parent, "hosts.d");
    bed->dir = nt_hosts_dir_new(bed->path);
    *state = bed;
    return 0;
}

static int
tear_down(void **state)
{
    struct bed *bed = *state;

    nt_hosts_dir_free(bed->dir);
    assert_int_equal(nt_remove_tree(bed->parent), 0);
    free(bed->path);
    free(bed);
    return 0;
}

static bool
put(struct bed *bed, const char *text)
{
    bool must_reload = false;
    struct nt_err err = { 0 };

    assert_int_equal(nt_hosts_dir_put(bed->dir, text, &must_reload, &err), 0);
    return must_reload;
}

static void
has(const struct bed *bed, const char *name, const char *wanted)
{
    AUTO_FREE char *path = nt_path_join(bed->path, name);
    AUTO_FREE char *text = NULL;

    if (nt_file_read(path, 1000, &text, NULL) < 0) {
        text = NULL;
    }
    if (wanted) {
        assert_non_null(text);
        assert_string_equal(text, wanted);
    } else {
        assert_null(text);
    }
}

static void
each_guest_gets_a_file_without_a_signal(void **state)
{
    struct bed *bed = *state;

    assert_false(put(bed, ""));
    assert_false(put(bed, LINE_A));
    assert_false(put(bed, LINE_A "\n" LINE_B));
    has(bed, "fa163e00000a", LINE_A "\n");
    has(bed, "fa163e00000b", LINE_B "\n");
}

static void
guest_that_goes_or_changes_takes_a_signal(void **state)
{
    struct bed *bed = *state;

    put(bed, LINE_A "\n" LINE_B);
    assert_true(put(bed, LINE_B));
    has(bed, "fa163e00000a", NULL);
    assert_true(put(bed, "fa:16:3e:00:00:0b,other.novalocal,10.0.0.3"));
    assert_false(put(bed, "fa:16:3e:00:00:0b,other.novalocal,10.0.0.3"));
}

static void
files_of_an_earlier_run_are_compared(void **state)
{
    struct bed *bed = *state;

    put(bed, LINE_A "\n" LINE_B);
    nt_hosts_dir_free(bed->dir);
    bed->dir = nt_hosts_dir_new(bed->path);
    assert_false(put(bed, LINE_A "\n" LINE_B));
    nt_hosts_dir_free(bed->dir);
    bed->dir = nt_hosts_dir_new(bed->path);
    assert_true(put(bed, LINE_A));
    has(bed, "fa163e00000b", NULL);
}

static void
folder_that_cannot_be_made_is_named(void **state)
{
    struct bed *bed = *state;
    AUTO(nt_hosts_dir) dir = nt_hosts_dir_new("/proc/nt-none/hosts.d");
    struct nt_err err = { 0 };
    bool must_reload = false;

    (void) bed;
    assert_int_equal(nt_hosts_dir_put(dir, LINE_A, &must_reload, &err), -1);
    assert_non_null(strstr(err.msg, "/proc/nt-none"));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(each_guest_gets_a_file_without_a_signal),
        T(guest_that_goes_or_changes_takes_a_signal),
        T(files_of_an_earlier_run_are_compared),
        T(folder_that_cannot_be_made_is_named),
    };

    return cmocka_run_group_tests_name("host/hosts_dir", tests, NULL, NULL);
}
