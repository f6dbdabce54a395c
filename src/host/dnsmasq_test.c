/* With the real dnsmasq, in a network namespace of this process: br100 with
 * 10.0.0.1/24 and a guest behind a veth.  Needs root, dnsmasq, ip, nsenter, busybox;
 * without them the tests fail. */
#include <config.h>

#include "host/dnsmasq.h"

#include <dirent.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "host/lease.h"
#include "openvswitch/poll-loop.h"

#define GUEST_MAC "fa:16:3e:2c:e8:ec"
#define GUEST_LINE GUEST_MAC ",cirros.novalocal,10.0.0.2"
#define LIMIT_MS 20000
#define N_OTHER_LEASES 99

struct bed {
    pid_t guest; /* Holds the guest's network namespace. */
    char bridge_program[PATH_MAX + 32];

    char dir[64];
    char *networks, *socket, *spool, *snapshot, *guest_script;
    struct nt_children *children;
    struct nt_lease_server *leases;
    struct nt_dnsmasq *d;
    struct nt_child *udhcpc;
    struct nt_lease_event events[16];
    size_t n_events;
    bool with_other_leases;
    struct nt_host_entry guest_lease;
    size_t n_told;
    struct nt_err told_err;
};

static struct bed bed;

static void
run_command(const char *const *argv)
{
    struct nt_child_opts opts = { .argv = argv };
    struct nt_err err = { 0 };

    if (nt_child_run_blocking(&opts, NULL, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

#define COMMAND(...) run_command((const char *const[]){ __VA_ARGS__, NULL })

static void
make_guest_namespace(void)
{
    int ready[2];
    char byte;

    assert_int_equal(pipe(ready), 0);
    bed.guest = fork();
    if (!bed.guest) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "", 1) != 1) {
            _exit(1);
        }
        for (;;) {
            pause();
        }
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
}

static int
make_bed(void **state)
{
    char pid[24];

    if (access("/usr/sbin/dnsmasq", X_OK) || access("/usr/bin/busybox", X_OK)
        || unshare(CLONE_NEWNET) < 0) {
        fail_msg("this test needs root, dnsmasq and busybox");
    }
    ssize_t n = readlink("/proc/self/exe", bed.bridge_program, PATH_MAX - 1);
    assert_true(n > 0);
    strcpy(strrchr(bed.bridge_program, '/'), "/neutrino-dhcpbridge");
    if (access(bed.bridge_program, X_OK)) {
        fail_msg("%s is missing", bed.bridge_program);
    }

    make_guest_namespace();
    snprintf(pid, sizeof pid, "%d", (int) bed.guest);
    COMMAND("ip", "link", "set", "lo", "up");
    COMMAND("ip", "link", "add", "br100", "type", "bridge", "forward_delay", "0");
    COMMAND("ip", "addr", "add", "10.0.0.1/24", "brd", "10.0.0.255", "dev", "br100");
    COMMAND("ip", "link", "set", "br100", "up");
    COMMAND("ip", "link", "add", "nt-test-h", "type", "veth", "peer", "name", "nt-test-g",
            "address", GUEST_MAC);
    COMMAND("ip", "link", "set", "nt-test-h", "master", "br100", "up");
    COMMAND("ip", "link", "set", "nt-test-g", "netns", pid);
    COMMAND("nsenter", "-t", pid, "-n", "ip", "link", "set", "nt-test-g", "up");
    return 0;
}

static int
remove_bed(void **state)
{
    if (bed.guest > 0) {
        kill(bed.guest, SIGKILL);
        waitpid(bed.guest, NULL, 0);
    }
    return 0;
}

static void
on_event(void *aux, const struct nt_lease_event *ev)
{
    assert_true(bed.n_events < NT_ARRAY_SIZE(bed.events));
    bed.events[bed.n_events++] = *ev;
    if (!strcmp(ev->mac, GUEST_MAC)) {
        bed.guest_lease.leased = ev->action == NT_LEASE_ADD;
        strcpy(bed.guest_lease.mac, ev->mac);
        strcpy(bed.guest_lease.address, ev->ip);
        strcpy(bed.guest_lease.lease_hostname, ev->hostname);
        strcpy(bed.guest_lease.client_id, ev->client_id);
        bed.guest_lease.lease_expires = ev->expires_ms;
    }
}

static void
list_leases(void *aux, int64_t network_number, struct ds *out)
{
    int64_t now_ms = nt_wall_ms(nt_clock_system());

    nt_lease_list_line(out, &bed.guest_lease, now_ms, 120);
    for (int i = 0; bed.with_other_leases && i < N_OTHER_LEASES; i++) {
        struct nt_host_entry e = { .leased = true };

        snprintf(e.address, sizeof e.address, "10.0.0.%d", i + 3);
        snprintf(e.mac, sizeof e.mac, "fa:16:3e:00:00:%02x", i);
        nt_lease_list_line(out, &e, now_ms, 120);
    }
}

static void
start_lease_server(void)
{
    const struct nt_lease_server_opts opts = { bed.socket, bed.spool };
    const struct nt_lease_server_ops ops = { on_event, list_leases };
    struct nt_err err = { 0 };

    if (nt_lease_server_new(&opts, &ops, NULL, &bed.leases, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static struct nt_dnsmasq_conf
conf(void)
{
    return (struct nt_dnsmasq_conf){
        .essex = true,
        .networks_path = bed.networks,
        .bridge = "br100",
        .network_number = 1,
        .label = "novanetwork",
        .cidr = "10.0.0.0/24",
        .gateway = "10.0.0.1",
        .dhcp_server = "10.0.0.1",
        .dhcp_start = "10.0.0.2",
        .domain = "novalocal",
        .lease_time_s = 120,
        .script = bed.bridge_program,
        .flagfile = "/etc/nova/nova.conf",
        .lease_socket = bed.socket,
        .lease_spool = bed.spool,
        .lease_snapshot = bed.snapshot,
    };
}

static void
start_supervisor(const struct nt_dnsmasq_conf *c)
{
    struct nt_err err = { 0 };

    if (nt_dnsmasq_new(bed.children, nt_clock_system(), c, &bed.d, &err) < 0) {
        fail_msg("%s", err.msg);
    }
}

static void
turn(void)
{
    nt_lease_server_run(bed.leases);
    nt_children_run(bed.children);
    if (bed.d) {
        nt_dnsmasq_run(bed.d);
        nt_dnsmasq_wait(bed.d);
    }
    nt_children_wait(bed.children);
    nt_lease_server_wait(bed.leases);
    poll_timer_wait(50);
    poll_block();
}

/* Turns until the condition holds; the failing line names it. */
#define WAIT_FOR(condition)                                      \
    do {                                                         \
        int64_t end_ = nt_mono_ms(nt_clock_system()) + LIMIT_MS; \
        while (!(condition)) {                                   \
            if (nt_mono_ms(nt_clock_system()) > end_) {          \
                fail_msg("never came true: %s", #condition);     \
            }                                                    \
            turn();                                              \
        }                                                        \
    } while (0)

static void
told(void *aux, const struct nt_err *err)
{
    bed.n_told++;
    bed.told_err = err ? *err : (struct nt_err){ .code = NT_OK };
}

static void
udhcpc_ended(void *aux, const struct nt_child_result *result)
{
    bed.udhcpc = NULL;
}

static void
start_udhcpc(void)
{
    char pid[24];
    const char *const argv[] = { "nsenter",   "-t",
                                 pid,         "-n",
                                 "busybox",   "udhcpc",
                                 "-f",        "-i",
                                 "nt-test-g", "-t",
                                 "8",         "-T",
                                 "1",         "-n",
                                 "-x",        "hostname:other",
                                 "-s",        bed.guest_script,
                                 NULL };
    struct nt_child_opts opts = { .argv = argv };
    struct nt_err err = { 0 };

    snprintf(pid, sizeof pid, "%d", (int) bed.guest);
    assert_int_equal(nt_child_start(bed.children, &opts, udhcpc_ended, NULL, &bed.udhcpc, &err), 0);
}

static int
setup(void **state)
{
    static const char script[] = "#!/bin/sh\n"
                                 "[ \"$1\" = bound ] || exit 0\n"
                                 "exec ip addr replace \"$ip/24\" dev \"$interface\"\n";

    strcpy(bed.dir, "/tmp/nt-test-dnsmasq-XXXXXX");
    assert_non_null(mkdtemp(bed.dir));
    assert_int_equal(chmod(bed.dir, 0755), 0);
    bed.networks = nt_path_join(bed.dir, "networks");
    assert_int_equal(mkdir(bed.networks, 0755), 0);
    bed.socket = nt_path_join(bed.dir, "lease.sock");
    bed.spool = nt_path_join(bed.dir, "spool");
    bed.snapshot = nt_path_join(bed.dir, "leases");
    bed.guest_script = nt_path_join(bed.dir, "udhcpc.sh");
    assert_int_equal(nt_file_replace(bed.guest_script, script, sizeof script - 1, 0755, NULL, NULL),
                     0);
    bed.children = nt_children_new(nt_clock_system());
    start_lease_server();
    bed.n_events = 0;
    bed.n_told = 0;
    bed.with_other_leases = false;
    memset(&bed.guest_lease, 0, sizeof bed.guest_lease);
    return 0;
}

static int
teardown(void **state)
{
    if (!bed.d) {
        struct nt_dnsmasq_conf c = conf();

        start_supervisor(&c);
    }
    while (!nt_dnsmasq_stop(bed.d)) {
        turn();
    }
    nt_dnsmasq_free(TAKE(bed.d));
    if (bed.udhcpc) {
        nt_child_kill(bed.udhcpc, SIGKILL);
    }
    nt_children_free(TAKE(bed.children));
    nt_lease_server_free(TAKE(bed.leases));
    bed.udhcpc = NULL;
    free(TAKE(bed.networks));
    free(TAKE(bed.socket));
    free(TAKE(bed.spool));
    free(TAKE(bed.snapshot));
    free(TAKE(bed.guest_script));
    return nt_remove_tree(bed.dir);
}

static void
start_with(const char *hosts)
{
    struct nt_dnsmasq_conf c = conf();

    start_supervisor(&c);
    nt_dnsmasq_set_hosts(bed.d, hosts);
    WAIT_FOR(nt_dnsmasq_is_ready(bed.d));
}

static char *
read_proc(pid_t pid, const char *file, size_t *len)
{
    char path[64];
    char *text = NULL;

    snprintf(path, sizeof path, "/proc/%d/%s", (int) pid, file);
    assert_int_equal(nt_file_read(path, 1 << 20, &text, len), 0);
    return text;
}

static unsigned
uid_of(pid_t pid)
{
    AUTO_FREE char *status = read_proc(pid, "status", NULL);

    return strtoul(strstr(status, "\nUid:") + 5, NULL, 10);
}

/* Whether or not somebody has collected it. */
static bool
has_ended(pid_t pid)
{
    AUTO(nt_pidwatch) watch = NULL;

    return nt_pidwatch_new(pid, &watch) < 0 || nt_pidwatch_is_dead(watch);
}

static void
arguments_are_the_golden_ones_and_two_processes_run(void **state)
{
    start_with("");

    pid_t pid = nt_dnsmasq_pid(bed.d);
    AUTO_FREE char *hosts = nt_path_join(bed.networks, "nova-br100.conf");
    AUTO_FREE char *wanted = xasprintf(
        "/usr/sbin/dnsmasq --strict-order --bind-interfaces --conf-file= --domain=novalocal "
        "--pid-file=%s/nova-br100.pid --listen-address=10.0.0.1 --except-interface=lo "
        "--dhcp-range=10.0.0.2,static,120s --dhcp-lease-max=256 --dhcp-hostsfile=%s "
        "--dhcp-script=%s --leasefile-ro ",
        bed.networks, hosts, bed.bridge_program);
    size_t len;
    AUTO_FREE char *cmdline = read_proc(pid, "cmdline", &len);
    struct stat st;

    for (size_t i = 0; i < len; i++) {
        cmdline[i] = cmdline[i] ? cmdline[i] : ' ';
    }
    assert_string_equal(cmdline, wanted);
    assert_int_equal(uid_of(pid), 65534);

    AUTO_FREE char *children_file = xasprintf("task/%d/children", (int) pid);
    AUTO_FREE char *children = read_proc(pid, children_file, NULL);
    assert_int_equal(uid_of(atoi(children)), 0);

    assert_int_equal(stat(hosts, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(st.st_mode & 0777, 0644);
}

static void
lease_arrives_with_all_that_dnsmasq_knows(void **state)
{
    start_with(GUEST_LINE);
    start_udhcpc();
    WAIT_FOR(bed.n_events == 1);

    const struct nt_lease_event *ev = &bed.events[0];
    int64_t left_ms = ev->expires_ms - nt_wall_ms(nt_clock_system());

    assert_int_equal(ev->action, NT_LEASE_ADD);
    assert_int_equal(ev->network_number, 1);
    assert_string_equal(ev->mac, GUEST_MAC);
    assert_string_equal(ev->ip, "10.0.0.2");
    assert_string_equal(ev->hostname, "cirros");
    assert_string_equal(ev->client_id, "01:" GUEST_MAC);
    assert_in_range(left_ms, 110000, 121000);
}

static void
default_form_serves_leases_too(void **state)
{
    struct nt_dnsmasq_conf c = conf();

    c.essex = false;
    start_supervisor(&c);
    nt_dnsmasq_set_hosts(bed.d, GUEST_LINE);
    WAIT_FOR(nt_dnsmasq_is_ready(bed.d));
    start_udhcpc();
    WAIT_FOR(bed.n_events == 1);
    assert_string_equal(bed.events[0].ip, "10.0.0.2");
}

static void
burst_of_changes_costs_few_reloads_and_the_last_one_counts(void **state)
{
    struct nt_dnsmasq_stats stats;

    start_with("");

    int64_t before = nt_mono_ms(nt_clock_system());
    for (int i = 0; i < 50; i++) {
        AUTO_FREE char *text =
            xasprintf("fa:16:3e:00:00:%02x,g%d.novalocal,10.0.0.%d", i, i, i + 3);

        nt_dnsmasq_set_hosts(bed.d, text);
        turn();
    }
    nt_dnsmasq_set_hosts(bed.d, GUEST_LINE);
    nt_dnsmasq_when_told(bed.d, told, NULL);
    WAIT_FOR(bed.n_told == 1);
    assert_int_equal(bed.told_err.code, NT_OK);
    nt_dnsmasq_get_stats(bed.d, &stats);
    assert_in_range(stats.n_reloads, 1, (nt_mono_ms(nt_clock_system()) - before) / 100 + 1);
    start_udhcpc();
    WAIT_FOR(bed.n_events == 1);
    assert_string_equal(bed.events[0].ip, "10.0.0.2");
}

static void
changes_of_one_turn_cost_one_reload(void **state)
{
    struct nt_dnsmasq_stats stats;

    start_with("");
    for (int i = 0; i < 50; i++) {
        AUTO_FREE char *text =
            xasprintf("fa:16:3e:00:00:%02x,g%d.novalocal,10.0.0.%d", i, i, i + 3);

        nt_dnsmasq_set_hosts(bed.d, text);
        nt_dnsmasq_when_told(bed.d, told, NULL);
    }
    WAIT_FOR(bed.n_told == 50);
    nt_dnsmasq_get_stats(bed.d, &stats);
    assert_int_equal(stats.n_reloads, 1);
}

static void
running_dnsmasq_is_adopted_after_our_restart(void **state)
{
    struct nt_dnsmasq_conf c;
    struct nt_dnsmasq_stats stats;

    start_with(GUEST_LINE);

    pid_t pid = nt_dnsmasq_pid(bed.d);
    c = conf();
    nt_dnsmasq_free(TAKE(bed.d));
    start_supervisor(&c);
    nt_dnsmasq_set_hosts(bed.d, GUEST_LINE);
    WAIT_FOR(nt_dnsmasq_is_ready(bed.d));
    nt_dnsmasq_get_stats(bed.d, &stats);
    assert_int_equal(nt_dnsmasq_pid(bed.d), pid);
    assert_int_equal(stats.n_adopted, 1);
    assert_int_equal(stats.n_starts, 0);
}

static void
dnsmasq_started_otherwise_is_replaced(void **state)
{
    struct nt_dnsmasq_conf c;

    start_with("");

    pid_t pid = nt_dnsmasq_pid(bed.d);
    c = conf();
    c.lease_time_s = 240;
    nt_dnsmasq_free(TAKE(bed.d));
    start_supervisor(&c);
    nt_dnsmasq_set_hosts(bed.d, "");
    WAIT_FOR(nt_dnsmasq_is_ready(bed.d));

    pid_t second = nt_dnsmasq_pid(bed.d);
    assert_int_not_equal(second, pid);
    assert_true(has_ended(pid));

    c.network_number = 2; /* Only the environment tells. */
    assert_int_equal(nt_dnsmasq_set_conf(bed.d, &c, NULL), 0);
    WAIT_FOR(nt_dnsmasq_is_ready(bed.d));
    assert_int_not_equal(nt_dnsmasq_pid(bed.d), second);
}

/* As the daemon does: read when it does not answer within a second. */
static void
keep_snapshot(void)
{
    struct nt_dnsmasq_conf c = conf();
    struct ds text = DS_EMPTY_INITIALIZER;
    struct nt_err err = { 0 };

    nt_lease_snapshot_line(&text, c.network_number, c.lease_time_s, &bed.guest_lease);
    assert_int_equal(nt_lease_snapshot_write(bed.snapshot, ds_cstr(&text), &err), 0);
    ds_destroy(&text);
}

static void
killed_dnsmasq_is_back_with_all_leases(void **state)
{
    bed.with_other_leases = true;
    start_with(GUEST_LINE);
    start_udhcpc();
    WAIT_FOR(bed.n_events == 1);
    WAIT_FOR(bed.guest_lease.leased);
    keep_snapshot();

    pid_t pid = nt_dnsmasq_pid(bed.d);
    kill(pid, SIGKILL);
    WAIT_FOR(nt_dnsmasq_is_ready(bed.d) && nt_dnsmasq_pid(bed.d) != pid);

    /* Of a lease it does not know dnsmasq reports no release. */
    nt_child_kill(bed.udhcpc, SIGUSR2);
    WAIT_FOR(bed.n_events == 2);
    assert_int_equal(bed.events[1].action, NT_LEASE_DEL);
    assert_string_equal(bed.events[1].ip, "10.0.0.2");
    assert_string_equal(bed.events[1].mac, GUEST_MAC);
}

static void
reason_of_a_failed_start_reaches_who_waits_and_the_next_try_succeeds(void **state)
{
    struct nt_dnsmasq_conf c;

    c = conf();
    c.dhcp_server = "10.0.0.77";
    start_supervisor(&c);
    nt_dnsmasq_set_hosts(bed.d, "");
    nt_dnsmasq_when_told(bed.d, told, NULL);
    WAIT_FOR(bed.n_told == 1);
    assert_int_equal(bed.told_err.code, NT_FAULT);
    assert_non_null(strstr(bed.told_err.msg, "10.0.0.77"));
    assert_false(nt_dnsmasq_is_ready(bed.d));

    COMMAND("ip", "addr", "add", "10.0.0.77/24", "dev", "br100");
    WAIT_FOR(nt_dnsmasq_is_ready(bed.d));
    COMMAND("ip", "addr", "del", "10.0.0.77/24", "dev", "br100");
}

/* The machine's clock, some of whose time the test leaves out. */
static int64_t skipped_ms;

static int64_t
skipping_mono_ms(const struct nt_clock *clock)
{
    return nt_mono_ms(nt_clock_system()) + skipped_ms;
}

static int64_t
skipping_wall_ms(const struct nt_clock *clock)
{
    return nt_wall_ms(nt_clock_system()) + skipped_ms;
}

static const struct nt_clock skipping_clock = { skipping_mono_ms, skipping_wall_ms };

/* Starts that fail until the pause between them is far longer than LIMIT_MS. */
static void
start_in_vain(void)
{
    struct nt_dnsmasq_conf c = conf();
    struct nt_err err = { 0 };

    c.dhcp_server = "10.0.0.77";
    assert_int_equal(nt_dnsmasq_new(bed.children, &skipping_clock, &c, &bed.d, &err), 0);
    nt_dnsmasq_set_hosts(bed.d, "");
    for (size_t i = 1; i <= 9; i++) {
        nt_dnsmasq_when_told(bed.d, told, NULL);
        WAIT_FOR(bed.n_told == i);
        skipped_ms += i < 9 ? 60000 : 0;
    }
    COMMAND("ip", "addr", "add", "10.0.0.77/24", "dev", "br100");
}

static void
what_was_missing_is_there_and_it_starts_at_once(void **state)
{
    start_in_vain();
    nt_dnsmasq_retry(bed.d);
    WAIT_FOR(nt_dnsmasq_is_ready(bed.d));
    COMMAND("ip", "addr", "del", "10.0.0.77/24", "dev", "br100");
}

static void
death_after_many_failed_starts_is_made_up_for_at_once(void **state)
{
    start_in_vain();
    skipped_ms += 60000;
    WAIT_FOR(nt_dnsmasq_is_ready(bed.d));

    pid_t pid = nt_dnsmasq_pid(bed.d);
    kill(pid, SIGKILL);
    WAIT_FOR(nt_dnsmasq_is_ready(bed.d) && nt_dnsmasq_pid(bed.d) != pid);
    COMMAND("ip", "addr", "del", "10.0.0.77/24", "dev", "br100");
}

static void
lease_events_survive_our_absence(void **state)
{
    start_with(GUEST_LINE);
    nt_lease_server_free(TAKE(bed.leases));
    start_udhcpc();

    int64_t end = nt_mono_ms(nt_clock_system()) + LIMIT_MS;
    /* A directory is removed only when it is empty. */
    while (!rmdir(bed.spool) || access(bed.spool, F_OK)) {
        assert_true(nt_mono_ms(nt_clock_system()) < end);
        nt_children_run(bed.children);
        nt_children_wait(bed.children);
        poll_timer_wait(20);
        poll_block();
    }
    start_lease_server();
    WAIT_FOR(bed.n_events == 1);
    assert_string_equal(bed.events[0].ip, "10.0.0.2");
}

static void
stop_ends_it_and_answers_who_waits(void **state)
{
    start_with("");

    pid_t pid = nt_dnsmasq_pid(bed.d);
    nt_dnsmasq_set_hosts(bed.d, GUEST_LINE);
    nt_dnsmasq_when_told(bed.d, told, NULL);
    WAIT_FOR(nt_dnsmasq_stop(bed.d));
    assert_int_equal(bed.n_told, 1);
    assert_int_equal(bed.told_err.code, NT_UNAVAILABLE);
    assert_true(has_ended(pid));
}

/* Processes that were started with something of this test's folder. */
static size_t
n_of_folder(void)
{
    DIR *dir = opendir("/proc");
    size_t n = 0;

    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        AUTO_FREE char *path = xasprintf("/proc/%s/cmdline", e->d_name);
        AUTO_FREE char *text = NULL;
        size_t len;

        if (atoi(e->d_name) > 1 && !nt_file_read(path, 1 << 20, &text, &len)
            && !has_ended(atoi(e->d_name))) {
            n += memmem(text, len, bed.dir, strlen(bed.dir)) != NULL;
        }
    }
    closedir(dir);
    return n;
}

/* Not before it runs is there a process to end. */
static void
stop_while_it_starts_ends_it_too(void **state)
{
    struct nt_dnsmasq_conf c = conf();
    struct nt_dnsmasq_stats stats;

    start_supervisor(&c);
    nt_dnsmasq_set_hosts(bed.d, "");
    nt_dnsmasq_run(bed.d);
    nt_dnsmasq_get_stats(bed.d, &stats);
    assert_int_equal(stats.n_starts, 1);
    assert_int_equal(nt_dnsmasq_pid(bed.d), 0);
    assert_false(nt_dnsmasq_stop(bed.d));
    WAIT_FOR(nt_dnsmasq_stop(bed.d));
    WAIT_FOR(n_of_folder() == 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(arguments_are_the_golden_ones_and_two_processes_run),
        TEST(lease_arrives_with_all_that_dnsmasq_knows),
        TEST(default_form_serves_leases_too),
        TEST(burst_of_changes_costs_few_reloads_and_the_last_one_counts),
        TEST(changes_of_one_turn_cost_one_reload),
        TEST(running_dnsmasq_is_adopted_after_our_restart),
        TEST(dnsmasq_started_otherwise_is_replaced),
        TEST(killed_dnsmasq_is_back_with_all_leases),
        TEST(reason_of_a_failed_start_reaches_who_waits_and_the_next_try_succeeds),
        TEST(what_was_missing_is_there_and_it_starts_at_once),
        TEST(death_after_many_failed_starts_is_made_up_for_at_once),
        TEST(lease_events_survive_our_absence),
        TEST(stop_ends_it_and_answers_who_waits),
        TEST(stop_while_it_starts_ends_it_too),
    };

    return cmocka_run_group_tests(tests, make_bed, remove_bed);
}
