#include <config.h>

#include "base/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/loop.h"
#include "openvswitch/dynamic-string.h"

static void
a_counter_is_three_lines(void **state)
{
    struct ds out = DS_EMPTY_INITIALIZER;

    nt_metric_counter(&out, "neutrino_x_total", "Things.", 42);
    assert_string_equal(ds_cstr(&out), "# HELP neutrino_x_total Things.\n"
                                       "# TYPE neutrino_x_total counter\n"
                                       "neutrino_x_total 42\n");
    ds_destroy(&out);
}

static void
labels_are_quoted_and_escaped(void **state)
{
    struct ds out = DS_EMPTY_INITIALIZER;

    nt_metric_value(&out, "m", 0.5, "a", "x", "b", "q\"\\\n", NULL);
    assert_string_equal(ds_cstr(&out), "m{a=\"x\",b=\"q\\\"\\\\\\n\"} 0.5\n");
    ds_destroy(&out);
}

static void
buckets_of_a_histogram_add_up(void **state)
{
    static const double bounds[] = { 0.5, 2 };
    struct nt_histogram h = { .bounds = bounds, .n_bounds = 2 };
    struct ds out = DS_EMPTY_INITIALIZER;

    nt_histogram_add(&h, 0.25);
    nt_histogram_add(&h, 0.5);
    nt_histogram_add(&h, 1);
    nt_histogram_add(&h, 99);
    nt_metric_histogram(&out, "h", "H.", &h);
    assert_string_equal(ds_cstr(&out), "# HELP h H.\n# TYPE h histogram\n"
                                       "h_bucket{le=\"0.5\"} 2\n"
                                       "h_bucket{le=\"2\"} 3\n"
                                       "h_bucket{le=\"+Inf\"} 4\n"
                                       "h_sum 100.75\n"
                                       "h_count 4\n");
    ds_destroy(&out);
}

static void
every_program_tells_its_version_and_its_size(void **state)
{
    AUTO(nt_loop) loop = nt_loop_new();
    struct ds out = DS_EMPTY_INITIALIZER;

    nt_loop_turn(loop, 0);
    nt_metrics_process(&out, "neutrino-flat", loop);
    assert_non_null(
        strstr(ds_cstr(&out), "neutrino_build_info{program=\"neutrino-flat\",version="));
    assert_non_null(strstr(ds_cstr(&out), "\nneutrino_loop_turns_total 1\n"));
    assert_null(strstr(ds_cstr(&out), "neutrino_process_resident_memory_bytes 0\n"));
    ds_destroy(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_counter_is_three_lines),
        cmocka_unit_test(labels_are_quoted_and_escaped),
        cmocka_unit_test(buckets_of_a_histogram_add_up),
        cmocka_unit_test(every_program_tells_its_version_and_its_size),
    };

    return cmocka_run_group_tests_name("base/metrics", tests, NULL, NULL);
}
