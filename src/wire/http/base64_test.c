#include <config.h>

#include "wire/http/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void
text_comes_back_unchanged(void **state)
{
    static const char *const rows[][2] = {
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" },
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(rows); i++) {
        AUTO_FREE char *coded = nt_base64_encode(rows[i][0], strlen(rows[i][0]));
        AUTO_FREE char *plain = NULL;
        size_t len;

        assert_string_equal(coded, rows[i][1]);
        assert_true(nt_base64_decode(coded, &plain, &len));
        assert_int_equal(len, strlen(rows[i][0]));
        assert_string_equal(plain, rows[i][0]);
    }
}

static void
line_breaks_are_skipped(void **state)
{
    AUTO_FREE char *plain = NULL;
    size_t len;

    assert_true(nt_base64_decode("Zm9v\r\nYmFy\n", &plain, &len));
    assert_string_equal(plain, "foobar");
}

static void
anything_else_is_refused(void **state)
{
    static const char *const bad[] = { "Z",    "Zg",       "Zg=",   "Zg===", "====",
                                       "Z===", "Zg==Zg==", "Zm 9v", "Zm-_",  "Zm9v\t" };

    for (size_t i = 0; i < NT_ARRAY_SIZE(bad); i++) {
        char *plain = NULL;
        size_t len;

        if (nt_base64_decode(bad[i], &plain, &len)) {
            fail_msg("%s was taken", bad[i]);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_comes_back_unchanged),
        cmocka_unit_test(line_breaks_are_skipped),
        cmocka_unit_test(anything_else_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
