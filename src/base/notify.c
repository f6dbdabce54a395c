#include <config.h>

#include "base/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(nt_notify);

struct nt_notify {
    const struct nt_clock *clock;
    int fd; /* -1: nobody listens. */
    struct sockaddr_un to;
    socklen_t to_len;
    int64_t ping_ms; /* 0: no watchdog. */
    int64_t next_ping;
    bool is_ready;
    char *status;
};

/* A path, or '@' and a name without one. */
static bool
set_address(struct nt_notify *n, const char *path)
{
    size_t len = strlen(path);

    if ((*path != '/' && *path != '@') || len < 2 || len >= sizeof n->to.sun_path) {
        return false;
    }
    n->to.sun_family = AF_UNIX;
    memcpy(n->to.sun_path, path, len);
    n->to_len = offsetof(struct sockaddr_un, sun_path) + len;
    if (*path == '@') {
        n->to.sun_path[0] = '\0';
    }
    return true;
}

static int64_t
watchdog_ms(void)
{
    const char *usec = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");

    if (!usec || (pid && strtol(pid, NULL, 10) != getpid())) {
        return 0;
    }
    long long n = strtoll(usec, NULL, 10);
    return n > 0 ? n / 1000 : 0;
}

struct nt_notify *
nt_notify_new(const struct nt_clock *clock)
{
    struct nt_notify *n = xzalloc(sizeof *n);
    const char *path = getenv("NOTIFY_SOCKET");

    n->clock = clock;
    n->fd = -1;
    if (path && set_address(n, path)) {
        n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        n->ping_ms = watchdog_ms() / 2;
    } else if (path) {
        nt_warn("the service manager cannot be told anything", "NOTIFY_SOCKET", path, NULL);
    }
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return n;
}

void
nt_notify_free(struct nt_notify *n)
{
    if (n) {
        if (n->fd >= 0) {
            close(n->fd);
        }
        free(n->status);
        free(n);
    }
}

static void
tell(struct nt_notify *n, const char *text)
{
    if (n->fd >= 0
        && sendto(n->fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *) &n->to,
                  n->to_len)
               < 0) {
        nt_warn_rl("cannot tell the service manager", "what", text, "error", ovs_strerror(errno),
                   NULL);
    }
}

void
nt_notify_run(struct nt_notify *n)
{
    int64_t now = nt_mono_ms(n->clock);

    if (n->ping_ms && now >= n->next_ping) {
        tell(n, "WATCHDOG=1");
        n->next_ping = now + n->ping_ms;
    }
}

void
nt_notify_wait(struct nt_notify *n)
{
    if (n->ping_ms) {
        poll_timer_wait_until(n->next_ping);
    }
}

void
nt_notify_ready(struct nt_notify *n)
{
    if (!n->is_ready) {
        n->is_ready = true;
        tell(n, "READY=1");
    }
}

void
nt_notify_status(struct nt_notify *n, const char *text)
{
    if (!n->status || strcmp(n->status, text)) {
        AUTO_FREE char *line = xasprintf("STATUS=%s", text);

        free(n->status);
        n->status = xstrdup(text);
        tell(n, line);
    }
}

void
nt_notify_reloading(struct nt_notify *n)
{
    struct timespec now;
    char text[80];

    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld",
             now.tv_sec * 1000000LL + now.tv_nsec / 1000);
    tell(n, text);
}

void
nt_notify_reloaded(struct nt_notify *n)
{
    if (n->is_ready) {
        tell(n, "READY=1");
    }
}

void
nt_notify_stopping(struct nt_notify *n)
{
    tell(n, "STOPPING=1");
}
