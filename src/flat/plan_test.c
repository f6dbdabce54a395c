#include <config.h>

#include "flat/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static const struct nt_network_view novanetwork = {
    .number = 1,
    .name = "novanetwork",
    .bridge = "br100",
    .cidr = "10.0.0.0/24",
    .gateway_ip = "10.0.0.1",
    .dhcp_server = "10.0.0.1",
};

static const struct nt_network_view second = {
    .number = 2,
    .name = "second",
    .bridge = "br200",
    .cidr = "10.1.0.0/16",
    .gateway_ip = "10.1.0.1",
    .dhcp_server = "10.1.0.1",
};

static const struct nt_cidr dmz = { 0x0a800000, 24 };

/* The deployment of the golden listings. */
static const struct flat_options golden = {
    .golden = true,
    .has_fixed_range = true,
    .fixed_range = { 0x0a000000, 24 },
    .routing_source_ip = 0xc0a838c8,
    .metadata_host = 0xc0a838c8,
    .metadata_port = 8775,
    .dmz = &dmz,
    .n_dmz = 1,
};

/* What of the dump of 'want' begins with "*TABLE", up to the next table.  The caller
 * frees. */
static char *
dump(struct nt_iptables_want *want, const char *table)
{
    AUTO_FREE char *text = nt_iptables_want_dump(want);
    AUTO_FREE char *head = xasprintf("*%s\n", table);
    char *start = strstr(text, head);

    assert_non_null(start);
    start += strlen(head);

    char *end = strstr(start, "\n*");
    return xmemdup0(start, end ? (size_t) (end + 1 - start) : strlen(start));
}

static void
check(const struct flat_options *o, size_t n, const char *table, const char *wanted)
{
    const struct nt_network_view *const networks[] = { &novanetwork, &second };
    AUTO(nt_iptables_want) want = flat_plan_chains(networks, n, o);
    AUTO_FREE char *text = dump(want, table);

    assert_string_equal(text, wanted);
}

static void
golden_filter(void **state)
{
    (void) state;
    check(&golden, 1, "filter", "");
}
static void
golden_nat(void **state)
{
    (void) state;
    check(&golden, 1, "nat", "");
}
static void
golden_mangle(void **state)
{
    (void) state;
    check(&golden, 1, "mangle", "");
}
static void
def(void **state)
{
    struct flat_options o = golden;
    o.golden = false;
    o.has_fixed_range = false;
    o.snat_out_interface = "eth1";
    check(&o, 2, *state, "");
}
int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_filter),
        cmocka_unit_test(golden_nat),
        cmocka_unit_test(golden_mangle),
        cmocka_unit_test_prestate(def, "filter"),
        cmocka_unit_test_prestate(def, "nat"),
        cmocka_unit_test_prestate(def, "mangle"),
    };
    return cmocka_run_group_tests_name("flat/plan", tests, NULL, NULL);
}
