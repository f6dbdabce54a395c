#include <config.h>

#include "host/arp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct nt_mac mac = { { 8, 0, 0x27, 1, 2, 3 } };
#define IP 0xc0a838e1u /* 192.168.56.225 */

static void
request_asks_everybody_for_its_own_address(void **state)
{
    static const uint8_t wanted[NT_ARP_FRAME_SIZE] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 8,   0,   0x27, 1,   2, 3, 8, 6, /* Ethernet */
        0,    1,    8,    0,    6,    4,    0,   1,                          /* ARP request */
        8,    0,    0x27, 1,    2,    3,    192, 168, 56,   225,             /* Sender */
        0,    0,    0,    0,    0,    0,    192, 168, 56,   225,             /* Target */
    };
    uint8_t frame[NT_ARP_FRAME_SIZE];

    nt_arp_build(&mac, IP, false, frame);
    assert_memory_equal(frame, wanted, sizeof wanted);
}

static void
reply_tells_everybody(void **state)
{
    uint8_t frame[NT_ARP_FRAME_SIZE];

    nt_arp_build(&mac, IP, true, frame);
    assert_int_equal(frame[21], 2);
    assert_memory_equal(frame + 32, "\xff\xff\xff\xff\xff\xff\xc0\xa8\x38\xe1", 10);
}

static void
missing_interface_is_named(void **state)
{
    struct nt_err err = { 0 };

    assert_int_equal(nt_arp_announce("nt-none7", IP, &err), -1);
    assert_int_equal(err.code, NT_NOT_FOUND);
    assert_non_null(strstr(err.msg, "nt-none7"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_asks_everybody_for_its_own_address),
        cmocka_unit_test(reply_tells_everybody),
        cmocka_unit_test(missing_interface_is_named),
    };

    return cmocka_run_group_tests_name("host/arp", tests, NULL, NULL);
}
