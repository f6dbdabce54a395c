#include <config.h>

#include "host/lease_client.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int64_t
mono_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

/* Waits until 'fd' is ready for 'events' or the deadline; true if it is. */
static bool
wait_for(int fd, short events, int64_t deadline)
{
    for (;;) {
        struct pollfd pfd = { .fd = fd, .events = events };
        int64_t left = deadline - mono_ms();
        int n = left > 0 ? poll(&pfd, 1, (int) left) : 0;

        if (n >= 0 || errno != EINTR) {
            return n > 0;
        }
    }
}

/* A socket with a name of its own (the kernel chooses an abstract one), connected,
 * so that nobody but the daemon can send to it.  Negative errno. */
static int
open_socket(const char *path)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };

    if (!path || !*path || strlen(path) >= sizeof sun.sun_path) {
        return -ENOENT;
    }

    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -errno;
    }
    if (!bind(fd, (struct sockaddr *) &sun, sizeof(sa_family_t))) {
        strcpy(sun.sun_path, path);
        if (!connect(fd, (struct sockaddr *) &sun, sizeof sun)) {
            return fd;
        }
    }

    int rc = -errno;
    close(fd);
    return rc;
}

/* Receives the answer; '*lease_fd' gets the descriptor that came with it, or -1. */
static ssize_t
receive(int fd, char *buf, size_t size, int *lease_fd)
{
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = { .iov_base = buf, .iov_len = size - 1 };
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);

    *lease_fd = -1;
    if (n < 0) {
        return -errno;
    }
    buf[n] = '\0';

    struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
    if (cmsg && cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS) {
        memcpy(lease_fd, CMSG_DATA(cmsg), sizeof *lease_fd);
    }
    return n;
}

/* One message, one answer.  Negative errno if the daemon did not answer in time. */
static int
exchange(const char *path, const struct nt_lease_event *ev, char *answer, size_t size,
         int *lease_fd)
{
    int64_t deadline = mono_ms() + NT_LEASE_WAIT_MS;
    char msg[NT_LEASE_MSG_MAX];
    size_t len = nt_lease_encode(ev, msg);
    int fd = open_socket(path);

    if (fd < 0) {
        return fd;
    }

    int rc;
    do {
        rc = send(fd, msg, len, MSG_NOSIGNAL) < 0 ? -errno : 0;
    } while (rc == -EAGAIN && wait_for(fd, POLLOUT, deadline));
    if (!rc) {
        rc =
            wait_for(fd, POLLIN, deadline) ? (int) receive(fd, answer, size, lease_fd) : -ETIMEDOUT;
    }
    close(fd);
    return rc < 0 ? rc : 0;
}

static int
write_all(int fd, const char *text, size_t len)
{
    while (len) {
        ssize_t n = write(fd, text, len);

        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        text += n > 0 ? n : 0;
        len -= n > 0 ? (size_t) n : 0;
    }
    return 0;
}

/* One file per event; names sort by time.  A name that begins with a dot is not
 * finished and is not read by the daemon. */
static int
spool(const char *dir, const struct nt_lease_event *ev, struct nt_err *err)
{
    char msg[NT_LEASE_MSG_MAX], tmp[4096], path[4096];
    size_t len = nt_lease_encode(ev, msg);

    if (!dir || !*dir) {
        return nt_fail(err, NT_FAULT, "cannot keep the lease event: no spool directory is set");
    }
    if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
        return nt_fail_errno(err, errno, "cannot make spool directory %s", dir);
    }

    int n =
        snprintf(path, sizeof path, "%s/%015" PRId64 "-%010d", dir, ev->time_ms, (int) getpid());
    if (n < 0 || (size_t) n >= sizeof path) {
        return nt_fail(err, NT_FAULT, "spool directory's name is too long");
    }
    snprintf(tmp, sizeof tmp, "%s/.%s", dir, path + strlen(dir) + 1);

    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    int rc = fd < 0 ? -errno : write_all(fd, msg, len);
    if (!rc && fsync(fd) < 0) {
        rc = -errno;
    }
    if (fd >= 0 && close(fd) < 0 && !rc) {
        rc = -errno;
    }
    if (!rc && rename(tmp, path) < 0) {
        rc = -errno;
    }
    if (rc) {
        unlink(tmp);
        return nt_fail_errno(err, -rc, "cannot write %s", path);
    }
    return 0;
}

int
nt_lease_tell(const struct nt_lease_paths *paths, const struct nt_lease_event *ev,
              struct nt_err *err)
{
    char answer[512];
    int lease_fd = -1;
    int rc = exchange(paths->socket, ev, answer, sizeof answer, &lease_fd);

    if (lease_fd >= 0) {
        close(lease_fd);
    }
    if (rc < 0) {
        return spool(paths->spool, ev, err);
    }
    if (strncmp(answer, "ok\n", 3)) {
        return nt_fail(err, NT_INVALID, "the daemon refused the event: %.*s",
                       (int) strcspn(answer, "\n"), answer);
    }
    return 0;
}

static int
copy_list(int fd, FILE *out)
{
    char buf[16384];
    ssize_t n;
    off_t at = 0;

    while ((n = pread(fd, buf, sizeof buf, at)) > 0) {
        if (fwrite(buf, 1, (size_t) n, out) != (size_t) n) {
            return -EIO;
        }
        at += n;
    }
    return n < 0 ? -errno : 0;
}

/* The file may be older than the latest renewals, which nobody reports: a lease in it
 * is given at least a whole new term, since dropping a living one is the worse error. */
static int
list_snapshot(const char *path, int64_t network, FILE *out, struct nt_err *err)
{
    FILE *in = path && *path ? fopen(path, "re") : NULL;
    int64_t now = time(NULL);
    char line[NT_LEASE_MSG_MAX];

    if (!in) {
        if (path && *path && errno == ENOENT) {
            return 0;
        }
        return nt_fail(err, NT_FAULT, "cannot read lease snapshot %s", path ? path : "(not set)");
    }
    while (fgets(line, sizeof line, in)) {
        int64_t number, lease_time, expires;
        int rest = 0;

        if (sscanf(line, "%" SCNd64 " %" SCNd64 " %" SCNd64 " %n", &number, &lease_time, &expires,
                   &rest)
                == 3
            && rest && number == network) {
            int64_t least = now + lease_time;

            fprintf(out, "%" PRId64 " %s", expires > least ? expires : least, line + rest);
        }
    }
    fclose(in);
    return 0;
}

int
nt_lease_list(const struct nt_lease_paths *paths, const struct nt_lease_event *ev, FILE *out,
              struct nt_err *err)
{
    char answer[512];
    int lease_fd = -1;
    int rc = exchange(paths->socket, ev, answer, sizeof answer, &lease_fd);
    bool answered = !rc && lease_fd >= 0 && !strncmp(answer, "ok\n", 3);

    if (answered) {
        rc = copy_list(lease_fd, out);
    }
    if (lease_fd >= 0) {
        close(lease_fd);
    }
    if (!answered) {
        rc = 0;
        if (list_snapshot(paths->snapshot, ev->network_number, out, err) < 0) {
            return -1;
        }
    }
    if (rc || fflush(out) == EOF) {
        return nt_fail(err, NT_FAULT, "cannot write the list of leases");
    }
    return 0;
}
