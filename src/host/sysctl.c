#include <config.h>
#include "host/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/child.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

NT_LOG_MODULE(nt_sysctl);

#define BRIDGE_FILTER "net.bridge.bridge-nf-call-iptables"
#define MODPROBE_MS 10000

/* "net.ipv4.ip_forward" -> "/proc/sys/net/ipv4/ip_forward"; the caller frees. */
static char *
path_of(const char *name)
{
    char *path = xasprintf("/proc/sys/%s", name);

    for (char *p = path; *p; p++) {
        if (*p == '.') {
            *p = '/';
        }
    }
    return path;
}

/* Negative errno; 1 when the switch has the value, 0 when it has another one. */
static int
has_value(const char *path, const char *value)
{
    AUTO_FREE char *text = NULL;
    size_t len;
    int error = nt_file_read(path, 4096, &text, &len);

    if (error) {
        return error;
    }
    text[strcspn(text, "\n")] = '\0';
    return !strcmp(text, value);
}

int
nt_sysctl_ensure(const char *name, const char *value, struct nt_err *err)
{
    AUTO_FREE char *path = path_of(name);
    int has = has_value(path, value);

    if (has == -ENOENT) {
        return nt_fail(err, NT_NOT_FOUND, "cannot set %s: this kernel has no such switch", name);
    }
    if (has < 0) {
        return nt_fail_errno(err, -has, "cannot read %s", name);
    }
    if (has) {
        return 0;
    }

    int error = nt_file_put(path, value);
    if (error) {
        return nt_fail_errno(err, -error, "cannot set %s to %s", name, value);
    }
    if (has_value(path, value) != 1) {
        return nt_fail(err, NT_FAULT, "cannot set %s to %s: the kernel kept another value", name,
                       value);
    }
    nt_warn("kernel switch had another value", "switch", name, "now", value, NULL);
    return 0;
}

int
nt_forwarding_ensure(struct nt_err *err)
{
    return nt_sysctl_ensure("net.ipv4.ip_forward", "1", err);
}

int
nt_bridge_filter_ensure(struct nt_err *err)
{
    AUTO_FREE char *path = path_of(BRIDGE_FILTER);

    if (access(path, F_OK)) {
        const char *const argv[] = { "modprobe", "br_netfilter", NULL };
        struct nt_child_opts opts = { .argv = argv, .timeout_ms = MODPROBE_MS };
        struct nt_err reason = { 0 };

        if (nt_child_run_blocking(&opts, NULL, &reason) < 0 || access(path, F_OK)) {
            return nt_fail(err, NT_UNSUPPORTED,
                           "cannot filter bridged packets: no %s, and br_netfilter cannot be "
                           "loaded: %s",
                           BRIDGE_FILTER, reason.msg[0] ? reason.msg : "the kernel lacks it");
        }
    }
    return nt_sysctl_ensure(BRIDGE_FILTER, "1", err);
}

static int
lock_filter(const char *lock_path, int how, int *fd, struct nt_err *err)
{
    AUTO_FREE char *path = nt_path_join(lock_path, "bridge-filter.lock");
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (lock < 0) {
        return nt_fail_errno(err, errno, "cannot open lock %s", path);
    }
    while (flock(lock, how)) {
        int error = errno;

        if (error != EINTR) {
            close(lock);
            *fd = -1;
            return error == EWOULDBLOCK ? 0 : nt_fail_errno(err, error, "cannot lock %s", path);
        }
    }
    *fd = lock;
    return 0;
}

int
nt_bridge_filter_hold(const char *lock_path, int *fd, struct nt_err *err)
{
    return lock_filter(lock_path, LOCK_SH, fd, err);
}

int
nt_bridge_filter_off(const char *lock_path, bool *changed, struct nt_err *err)
{
    AUTO_FREE char *path = path_of(BRIDGE_FILTER);
    int fd;

    *changed = false;
    if (has_value(path, "0")) {
        return 0; /* Off, or there is no such switch. */
    }
    if (lock_filter(lock_path, LOCK_EX | LOCK_NB, &fd, err) < 0) {
        return -1;
    }
    if (fd < 0) {
        return 0;
    }

    int rc = nt_sysctl_ensure(BRIDGE_FILTER, "0", err);
    *changed = !rc;
    close(fd);
    return rc;
}
