#include <config.h>

#include "rpc/patience.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

static void
time_grows_with_timeouts_and_shrinks_again(void **state)
{
    const struct nt_err timeout = { .code = NT_TIMEOUT }, fault = { .code = NT_FAULT };
    struct nt_patience p;

    nt_patience_init(&p, 60000, 200000);
    assert_int_equal(p.timeout_ms, 60000);
    nt_patience_note(&p, &fault);
    assert_int_equal(p.timeout_ms, 60000);
    nt_patience_note(&p, &timeout);
    assert_int_equal(p.timeout_ms, 120000);
    nt_patience_note(&p, &timeout);
    assert_int_equal(p.timeout_ms, 200000);
    nt_patience_note(&p, NULL);
    assert_int_equal(p.timeout_ms, 100000);
    nt_patience_note(&p, NULL);
    assert_int_equal(p.timeout_ms, 60000);
    nt_patience_cap(&p, 10000);
    nt_patience_note(&p, &timeout);
    assert_int_equal(p.timeout_ms, 10000);
}

static void
pauses_double_up_to_a_limit_and_differ(void **state)
{
    static const int64_t whole[] = { 1000, 1000, 2000, 4000, 8000, 16000, 32000, 32000 };
    AUTO(nt_random) random = nt_random_system();
    bool differ = false;

    for (unsigned n = 0; n < NT_ARRAY_SIZE(whole); n++) {
        int64_t first = nt_patience_pause_ms(random, n);

        for (unsigned i = 0; i < 20; i++) {
            int64_t pause = nt_patience_pause_ms(random, n);

            assert_in_range(pause, whole[n] / 2, whole[n]);
            differ |= pause != first;
        }
    }
    assert_true(differ);
    assert_int_equal(nt_patience_draw_ms(random, 0), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_grows_with_timeouts_and_shrinks_again),
        cmocka_unit_test(pauses_double_up_to_a_limit_and_differ),
    };

    return cmocka_run_group_tests_name("rpc/patience", tests, NULL, NULL);
}
