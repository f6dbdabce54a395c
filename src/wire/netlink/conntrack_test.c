#include <config.h>

#include "wire/netlink/conntrack.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/child.h"
#include "wire/netlink/ns_testing.h"

#define HERE 0x7f000001u
#define ELSEWHERE 0x7f000002u

/* Tracking begins with the first rule that asks for it. */
static int
set_up(void **state)
{
    const char *const argv[] = { "iptables",  "-A",      "INPUT", "-m",     "conntrack",
                                 "--ctstate", "INVALID", "-j",    "ACCEPT", NULL };
    const struct nt_child_opts opts = { .argv = argv, .timeout_ms = 10000 };
    struct ifreq lo = { .ifr_name = "lo" };

    test_enter_fresh_netns();

    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    lo.ifr_flags = IFF_UP;
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
    close(fd);
    return nt_child_run_blocking(&opts, NULL, NULL);
}

static void
make_connection(uint32_t to)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(9),
        .sin_addr.s_addr = htonl(to),
    };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_int_equal(sendto(fd, "x", 1, 0, (const struct sockaddr *) &address, sizeof address), 1);
    close(fd);
}

static void
connections_of_the_address_go_and_others_stay(void **state)
{
    size_t n = 99;

    make_connection(HERE);
    make_connection(ELSEWHERE);
    assert_int_equal(nt_nl_conntrack_delete(ELSEWHERE, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(nt_nl_conntrack_delete(ELSEWHERE, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(nt_nl_conntrack_delete(HERE, &n), 0);
    assert_int_equal(n, 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(connections_of_the_address_go_and_others_stay, set_up),
    };

    test_needs_root();
    return cmocka_run_group_tests_name("wire/netlink/conntrack", tests, NULL, NULL);
}
