#include <config.h>

#include "compute/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static struct nt_vif cirros_vif = {
    .mac = "fa:16:3e:2c:e8:ec",
    .address = "10.0.0.2",
    .cidr = "10.0.0.0/24",
    .dhcp_server = "10.0.0.1",
    .bridge = "br100",
};

static const struct guest cirros = {
    .view = { .id = "99999999-9999-4999-8999-999999999999",
              .number = 9,
              .vifs = &cirros_vif,
              .n_vifs = 1 },
};

static struct nt_vif other_vifs[] = {
    { .address = "10.0.0.3", .cidr = "10.0.0.0/24", .dhcp_server = "10.0.0.1" },
    { .address = "10.1.0.3", .cidr = "10.1.0.0/16", .dhcp_server = "10.1.0.1" },
};

static const struct guest other = {
    .view = { .id = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa",
              .number = 10,
              .vifs = other_vifs,
              .n_vifs = 2 },
};

static void
check(size_t n_guests, size_t n_bridges, const struct plan_options *options, const char *wanted)
{
    const struct guest *const guests[] = { &cirros, &other };
    const char *const bridges[] = { "br100", "br200" };
    AUTO(nt_iptables_want) want = plan_chains(guests, n_guests, bridges, n_bridges, options);
    AUTO_FREE char *text = nt_iptables_want_dump(want);

    assert_string_equal(text, wanted);
}

static void
golden(void **state)
{
    struct plan_options o = { true, true };
    check(1, 1, &o, "");
}
static void
def(void **state)
{
    struct plan_options o = { false, true };
    check(2, 2, &o, "");
}
static void
none(void **state)
{
    struct plan_options o = { false, false };
    check(0, 1, &o, "");
}
static void
nosame(void **state)
{
    struct plan_options o = { true, false };
    check(1, 1, &o, "");
}
int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),
        cmocka_unit_test(def),
        cmocka_unit_test(none),
        cmocka_unit_test(nosame),
    };
    return cmocka_run_group_tests_name("compute/plan", tests, NULL, NULL);
}
