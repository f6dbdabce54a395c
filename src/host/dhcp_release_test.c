#include <config.h>
#include "host/dhcp_release.h"

#include <linux/rtnetlink.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "host/bridge.h"
#include "host/link.h"
#include "wire/netlink/ns_testing.h"

#define GATEWAY 0x0a000001u
#define GUEST 0x0a000002u
#define LIMIT_MS 15000

static const struct nt_mac guest_mac = { { 0xfa, 0x16, 0x3e, 0x2c, 0xe8, 0xec } };

static void
message_has_the_fields_of_rfc_2131_and_nothing_else(void **state)
{
    static const uint8_t head[] = {
        1,    1,    6,    0,                /* op, htype, hlen, hops */
        0xde, 0xad, 0xbe, 0xef,             /* xid */
        0,    0,    0,    0,                /* secs, flags */
        10,   0,    0,    2,                /* ciaddr */
        0,    0,    0,    0,                /* yiaddr */
        0,    0,    0,    0,                /* siaddr */
        0,    0,    0,    0,                /* giaddr */
        0xfa, 0x16, 0x3e, 0x2c, 0xe8, 0xec, /* chaddr */
    };
    static const uint8_t options[] = {
        99,  130, 83, 99,       /* magic cookie */
        53,  1,   7,            /* message type: release */
        54,  4,   10, 0,  0, 1, /* server identifier */
        255,
    };
    struct nt_dhcp_release release = {
        .device = "br100",
        .server = GATEWAY,
        .ip = GUEST,
        .mac = guest_mac,
        .xid = 0xdeadbeef,
    };
    uint8_t want[NT_DHCP_RELEASE_SIZE] = { 0 }, have[NT_DHCP_RELEASE_SIZE];

    memcpy(want, head, sizeof head);
    memcpy(want + 236, options, sizeof options);
    memset(have, 0xaa, sizeof have);
    nt_dhcp_release_build(&release, have);
    assert_memory_equal(have, want, sizeof want);
}

/* A network host with br100 and dnsmasq, and a guest plugged into it. */
struct bed {
    char dir[32];
    int here, guest;
    pid_t dnsmasq, client;
};

static pid_t
spawn(int netns_fd, char *const argv[])
{
    pid_t pid = fork();

    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!setns(netns_fd, CLONE_NEWNET)) {
            execvp(argv[0], argv);
        }
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

static void
write_file(const struct bed *bed, const char *name, mode_t mode, const char *text)
{
    AUTO_FREE char *path = nt_path_join(bed->dir, name);

    assert_int_equal(nt_file_replace(path, text, strlen(text), mode, NULL, NULL), 0);
}

static bool
file_has(const struct bed *bed, const char *name, const char *text)
{
    AUTO_FREE char *path = nt_path_join(bed->dir, name);
    AUTO_FREE char *content = NULL;
    size_t len;

    return !nt_file_read(path, 1 << 20, &content, &len) && strstr(content, text);
}

static void
wait_for(const struct bed *bed, const char *name, const char *text)
{
    int64_t deadline = nt_mono_ms(nt_clock_system()) + LIMIT_MS;

    while (!file_has(bed, name, text)) {
        if (nt_mono_ms(nt_clock_system()) > deadline) {
            AUTO_FREE char *path = nt_path_join(bed->dir, "log");
            AUTO_FREE char *log = NULL;
            size_t len;
            if (!nt_file_read(path, 1 << 20, &log, &len)) {
                print_message("%s", log);
            }
            fail_msg("no '%s' in %s", text, name);
        }
        poll(NULL, 0, 20);
    }
}

static void
start_dnsmasq(struct bed *bed)
{
    AUTO_FREE char *pid = xasprintf("--pid-file=%s/pid", bed->dir);
    AUTO_FREE char *hosts = xasprintf("--dhcp-hostsfile=%s/hosts", bed->dir);
    AUTO_FREE char *script = xasprintf("--dhcp-script=%s/script", bed->dir);
    AUTO_FREE char *log = xasprintf("--log-facility=%s/log", bed->dir);
    AUTO_FREE char *text =
        xasprintf("#!/bin/sh\n[ $1 = init ] || echo $1 $2 $3 >> %s/events\n", bed->dir);
    char *const argv[] = {
        "dnsmasq",
        "--strict-order",
        "--bind-interfaces",
        "--conf-file=",
        "--domain=novalocal",
        pid,
        "--listen-address=10.0.0.1",
        "--except-interface=lo",
        "--dhcp-range=10.0.0.2,static,120s",
        "--dhcp-lease-max=256",
        hosts,
        script,
        "--leasefile-ro",
        log,
        "--keep-in-foreground",
        NULL,
    };

    write_file(bed, "script", 0755, text);
    write_file(bed, "hosts", 0644, "fa:16:3e:2c:e8:ec,cirros.novalocal,10.0.0.2");
    bed->dnsmasq = spawn(bed->here, argv);
    wait_for(bed, "log", "read ");
}

static int
set_up(void **state)
{
    static struct bed bed;
    struct nt_bridge_args bridge = { .bridge = "br100" };
    struct nt_gateway_args gateway = { "br100", "10.0.0.1", "10.0.0.0/24", NULL };
    char name[NT_NL_NAME_SIZE];

    bed = (struct bed){ .dir = "/tmp/nt-test-XXXXXX" };
    assert_non_null(mkdtemp(bed.dir));
    assert_int_equal(chmod(bed.dir, 0755), 0);
    bed.guest = test_enter_fresh_netns();
    bed.here = test_enter_fresh_netns();
    assert_int_equal(nt_link_ensure_up("lo", NULL), 0);
    assert_int_equal(nt_bridge_ensure(&bridge, NULL), 0);
    assert_int_equal(nt_gateway_ensure(&gateway, NULL), 0);
    struct nt_vif_plug_args args = {
        .mac = guest_mac,
        .bridge = "br100",
        .netns_fd = bed.guest,
        .guest_up = true,
    };
    assert_int_equal(nt_vif_plug(&args, name, NULL), 0);
    start_dnsmasq(&bed);
    *state = &bed;
    return 0;
}

static void
end(pid_t pid)
{
    if (pid > 0) {
        kill(pid, SIGTERM);
        waitpid(pid, NULL, 0);
    }
}

static int
tear_down(void **state)
{
    struct bed *bed = *state;

    end(bed->client);
    end(bed->dnsmasq);
    close(bed->here);
    close(bed->guest);
    return nt_remove_tree(bed->dir);
}

static void
release(const char *device, int want)
{
    struct nt_dhcp_release r = {
        .device = device,
        .server = GATEWAY,
        .ip = GUEST,
        .mac = guest_mac,
        .xid = 7,
    };
    struct nt_err err = { 0 };

    assert_int_equal(nt_dhcp_release_send(&r, &err), want ? -1 : 0);
    assert_int_equal(err.code, want);
}

static void
release_of_a_lease_makes_dnsmasq_forget_it(void **state)
{
    struct bed *bed = *state;
    char *const argv[] = {
        "busybox",   "udhcpc", "-f", "-q", "-i", "eth0", "-s",
        "/bin/true", "-t",     "20", "-T", "1",  NULL,
    };

    bed->client = spawn(bed->guest, argv);
    wait_for(bed, "events", "add fa:16:3e:2c:e8:ec 10.0.0.2");
    release("br100", 0);
    wait_for(bed, "events", "del fa:16:3e:2c:e8:ec 10.0.0.2");
    assert_true(file_has(bed, "log", "DHCPRELEASE(br100) 10.0.0.2 fa:16:3e:2c:e8:ec"));
}

static void
release_without_a_lease_is_logged_as_unknown(void **state)
{
    struct bed *bed = *state;

    release("br100", 0);
    wait_for(bed, "log", "DHCPRELEASE(br100) 10.0.0.2 fa:16:3e:2c:e8:ec unknown lease");
}

static void
missing_device_is_told_apart(void **state)
{
    release("br999", NT_NOT_FOUND);
}

int
main(void)
{
    test_needs_root();

    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_has_the_fields_of_rfc_2131_and_nothing_else),
        cmocka_unit_test(missing_device_is_told_apart),
        cmocka_unit_test_setup_teardown(release_of_a_lease_makes_dnsmasq_forget_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(release_without_a_lease_is_logged_as_unknown, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
