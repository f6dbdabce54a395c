#include <config.h>

#include "host/ra.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct nt_mac mac = { { 8, 0, 0x27, 1, 2, 3 } };

static struct nt_ra_args
args_of(uint32_t mtu)
{
    struct nt_ra_args args = { .interface = "br100", .prefix_len = 64, .mtu = mtu };

    assert_int_equal(inet_pton(AF_INET6, "fd00::", &args.prefix), 1);
    return args;
}

static void
advertisement_has_router_prefix_and_mtu(void **state)
{
    static const uint8_t wanted[] = {
        134,  0, 0,    0,    64,   0, 0,    30,
        0,    0, 0,    0,    0,    0, 0,    0,    /* lifetime 30 s, no flags */
        1,    1, 8,    0,    0x27, 1, 2,    3,    /* source link-layer address */
        5,    1, 0,    0,    0,    0, 0x05, 0xdc, /* MTU 1500 */
        3,    4, 64,   0xc0, 0,    1, 0x51, 0x80,
        0,    0, 0x38, 0x40, 0,    0, 0,    0, /* on link, autonomous */
        0xfd, 0, 0,    0,    0,    0, 0,    0,
        0,    0, 0,    0,    0,    0, 0,    0,
    };
    const struct nt_ra_args args = args_of(1500);
    uint8_t out[NT_RA_MAX];

    assert_int_equal(nt_ra_build(&args, &mac, out), sizeof wanted);
    assert_memory_equal(out, wanted, sizeof wanted);
}

static void
unknown_mtu_is_not_told(void **state)
{
    const struct nt_ra_args args = args_of(0);
    uint8_t out[NT_RA_MAX];

    assert_int_equal(nt_ra_build(&args, &mac, out), 56);
    assert_int_equal(out[24], 3);
}

static void
only_well_formed_solicitations_from_the_link_are_answered(void **state)
{
    const uint8_t plain[8] = { 133 };
    const uint8_t with_option[16] = { 133, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7 };
    const uint8_t endless[16] = { 133, 0, 0, 0, 0, 0, 0, 0, 1, 0 };
    const uint8_t too_long[16] = { 133, 0, 0, 0, 0, 0, 0, 0, 1, 9 };
    const uint8_t coded[8] = { 133, 1 };
    const uint8_t advertisement[8] = { 134 };

    assert_true(nt_ra_is_solicitation(plain, sizeof plain, 255));
    assert_true(nt_ra_is_solicitation(with_option, sizeof with_option, 255));
    assert_false(nt_ra_is_solicitation(plain, sizeof plain, 64));
    assert_false(nt_ra_is_solicitation(plain, 7, 255));
    assert_false(nt_ra_is_solicitation(endless, sizeof endless, 255));
    assert_false(nt_ra_is_solicitation(too_long, sizeof too_long, 255));
    assert_false(nt_ra_is_solicitation(with_option, 12, 255));
    assert_false(nt_ra_is_solicitation(coded, sizeof coded, 255));
    assert_false(nt_ra_is_solicitation(advertisement, sizeof advertisement, 255));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(advertisement_has_router_prefix_and_mtu),
        cmocka_unit_test(unknown_mtu_is_not_told),
        cmocka_unit_test(only_well_formed_solicitations_from_the_link_are_answered),
    };

    return cmocka_run_group_tests_name("host/ra", tests, NULL, NULL);
}
