#include <config.h>

#include "cli/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/attr.h"

static void
check(const char *raw, const char *keep, const char *wanted)
{
    AUTO_FREE char *clean = cli_text_clean(raw, keep);

    assert_string_equal(clean, wanted);
}

static void
ordinary_text_stays(void **state)
{
    check("abc \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "",
          "abc \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
}

static void
control_and_direction_characters_are_spelled_out(void **state)
{
    check("a\nb\tc\rd", "", "a\\nb\\tc\\rd");
    check("\x1b]0;x\x07\x7f", "", "\\u001b]0;x\\u0007\\u007f");
    check("\xc2\x9b[m", "", "\\u009b[m");
    check("\xe2\x80\xaegpj.exe", "", "\\u202egpj.exe");
}

static void
kept_characters_stay(void **state)
{
    check("a\nb\tc", "\n", "a\nb\\tc");
}

static void
what_is_not_utf8_is_shown_as_bytes(void **state)
{
    check("\xff"
          "a\xc3",
          "", "\\xffa\\xc3");
    check("\xc0\x80", "", "\\xc0\\x80");
    check("\xed\xa0\x80", "", "\\xed\\xa0\\x80");
    check("\xf4\x90\x80\x80", "", "\\xf4\\x90\\x80\\x80");
}

static void
width_is_in_columns(void **state)
{
    assert_int_equal(cli_text_width(""), 0);
    assert_int_equal(cli_text_width("abc"), 3);
    assert_int_equal(cli_text_width("\xc3\xa4"), 1);
    assert_int_equal(cli_text_width("a\xcc\x88"), 1);
    assert_int_equal(cli_text_width("\xe6\x97\xa5"), 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_text_stays),
        cmocka_unit_test(control_and_direction_characters_are_spelled_out),
        cmocka_unit_test(kept_characters_stay),
        cmocka_unit_test(what_is_not_utf8_is_shown_as_bytes),
        cmocka_unit_test(width_is_in_columns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
