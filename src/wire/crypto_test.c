#include <config.h>

#include "wire/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
signature_is_the_published_one(void **state)
{
    char hex[NT_HMAC_HEX_SIZE];

    /* RFC 4231, test case 2. */
    nt_hmac_sha256_hex("Jefe", "what do ya want for nothing?", hex);
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void
texts_are_equal_only_as_a_whole(void **state)
{
    assert_true(nt_text_equal_ct("", ""));
    assert_true(nt_text_equal_ct("abc", "abc"));
    assert_false(nt_text_equal_ct("abc", "ab"));
    assert_false(nt_text_equal_ct("abc", "abcd"));
    assert_false(nt_text_equal_ct("abc", "abd"));
    assert_false(nt_text_equal_ct("abc", ""));
    assert_false(nt_text_equal_ct("abc", "ABC"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signature_is_the_published_one),
        cmocka_unit_test(texts_are_equal_only_as_a_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
