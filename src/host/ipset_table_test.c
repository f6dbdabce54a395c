#include <config.h>

#include "host/ipset_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/attr.h"

#define SAVED                                                                        \
    "create nt4-web hash:net family inet hashsize 1024 maxelem 65536 bucketsize 12 " \
    "initval 0xe9f4e24c\n"                                                           \
    "add nt4-web 10.0.0.3\n"                                                         \
    "add nt4-web 10.0.0.4 timeout 0\n"                                               \
    "create theirs hash:ip family inet hashsize 1024 maxelem 65536\n"                \
    "add theirs 10.9.9.9\n"                                                          \
    "create nt6-web hash:net family inet6 hashsize 1024 maxelem 65536\n"             \
    "create nt4-gone hash:net family inet hashsize 1024 maxelem 65536\n"

static void
wanted(struct nt_ipset_table *t)
{
    nt_ipset_table_init(t);
    nt_ipset_table_add(t, "nt4-web", "10.0.0.4");
    nt_ipset_table_add(t, "nt4-web", "10.0.0.5");
    nt_ipset_table_add(t, "nt6-web", "fe80::f816:3eff:fe00:5");
    nt_ipset_table_add(t, "nt4-new", NULL);
}

static void
only_differences_are_written(void **state)
{
    struct nt_ipset_table installed, want;

    nt_ipset_table_parse(SAVED, &installed);
    wanted(&want);

    AUTO_FREE char *diff = nt_ipset_diff(&installed, &want);
    AUTO_FREE char *left = nt_ipset_leftovers(&installed, &want);
    assert_string_equal(diff, "create nt4-new hash:net family inet\n"
                              "del nt4-web 10.0.0.3\n"
                              "add nt4-web 10.0.0.5\n"
                              "add nt6-web fe80::f816:3eff:fe00:5\n");
    assert_string_equal(left, "destroy nt4-gone\n");

    nt_ipset_table_apply(&installed, diff);
    nt_ipset_table_apply(&installed, left);
    assert_null(nt_ipset_diff(&installed, &want));
    assert_null(nt_ipset_leftovers(&installed, &want));
    nt_ipset_table_clear(&installed);
    nt_ipset_table_clear(&want);
}

static void
names_fit_the_kernel(void **state)
{
    char name[NT_IPSET_NAME_SIZE];

    nt_ipset_name("5f2c1a2b-1234-4678-9abc-123456789abc", false, name);
    assert_string_equal(name, "nt4-5f2c1a2b-1234-4678-9abc-123");
    assert_int_equal(strlen(name), 31);
    nt_ipset_name("5f2c1a2b-1234-4678-9abc-123456789abc", true, name);
    assert_string_equal(name, "nt6-5f2c1a2b-1234-4678-9abc-123");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_differences_are_written),
        cmocka_unit_test(names_fit_the_kernel),
    };

    return cmocka_run_group_tests_name("host/ipset_table", tests, NULL, NULL);
}
