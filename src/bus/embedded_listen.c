#include <config.h>

#include "bus/embedded_listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus/embedded_address.h"

#define BACKLOG 1024
#define SOCKET_MODE 0660

static int
new_socket(int family)
{
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Removes a socket file that nobody listens on. */
static int
remove_dead(const char *path, const struct nt_address *address, struct nt_err *err)
{
    struct stat st;

    if (lstat(path, &st) < 0) {
        return errno == ENOENT ? 0 : nt_fail_errno(err, errno, "cannot look at %s", path);
    }
    if (!S_ISSOCK(st.st_mode)) {
        return nt_fail(err, NT_INVALID, "cannot listen at %s: it is not a socket", path);
    }

    int fd = new_socket(AF_UNIX);
    int rc = connect(fd, (const struct sockaddr *) &address->addr, address->len);
    int e = errno;

    if (fd >= 0) {
        close(fd);
    }
    if (!rc || e != ECONNREFUSED) {
        return nt_fail(err, NT_FAULT, "cannot listen at %s: %s", path,
                       !rc || e == EAGAIN ? "another program does" : strerror(e));
    }
    return unlink(path) < 0 && errno != ENOENT ? nt_fail_errno(err, errno, "cannot remove %s", path)
                                               : 0;
}

static int
bind_and_listen(int fd, const struct nt_address *address, const char *what, struct nt_err *err)
{
    if (fd < 0 || bind(fd, (const struct sockaddr *) &address->addr, address->len) < 0
        || listen(fd, BACKLOG) < 0) {
        nt_fail_errno(err, errno, "cannot listen at %s", what);
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    return 0;
}

int
nt_listen_unix(const char *path, int *out, struct nt_err *err)
{
    struct nt_address address;

    if (nt_address_unix(path, &address, err) < 0 || remove_dead(path, &address, err) < 0) {
        return -1;
    }

    /* The descriptor's mode, less the umask, becomes that of the file: it is never
     * wider than in the end. */
    int fd = new_socket(AF_UNIX);
    if (fd >= 0 && fchmod(fd, SOCKET_MODE) < 0) {
        close(fd);
        return nt_fail_errno(err, errno, "cannot set the mode of %s", path);
    }
    if (bind_and_listen(fd, &address, path, err) < 0) {
        return -1;
    }
    if (chmod(path, SOCKET_MODE) < 0) {
        nt_fail_errno(err, errno, "cannot set the mode of %s", path);
        close(fd);
        return -1;
    }
    *out = fd;
    return 0;
}

int
nt_listen_tcp(const char *text, int *out, struct nt_err *err)
{
    static const int on = 1;
    struct nt_address address;

    if (nt_address_tcp(text, &address, err) < 0) {
        return -1;
    }

    int fd = new_socket(address.addr.ss_family);
    if (fd >= 0) {
        /* Else a restart would fail while old connections linger. */
        (void) !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    if (bind_and_listen(fd, &address, text, err) < 0) {
        return -1;
    }
    *out = fd;
    return 0;
}

unsigned
nt_listen_port(int fd)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof ss;

    if (getsockname(fd, (struct sockaddr *) &ss, &len) < 0) {
        return 0;
    }
    return ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *) &ss)->sin6_port
                                          : ((struct sockaddr_in *) &ss)->sin_port);
}

void
nt_listen_close_unix(const char *path, int fd)
{
    struct nt_address address;

    /* Closed first: if somebody still answers then, the file is a successor's and
     * stays. */
    close(fd);
    if (nt_address_unix(path, &address, NULL) < 0 || remove_dead(path, &address, NULL) < 0) {
        return;
    }
}

int
nt_listen_check_peer(int fd, struct nt_err *err)
{
    struct ucred cred;
    socklen_t len = sizeof cred;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
        return nt_fail(err, NT_FORBIDDEN, "credentials cannot be read: %s", strerror(errno));
    }
    if (cred.uid && cred.uid != geteuid()) {
        return nt_fail(err, NT_FORBIDDEN, "user %u (process %d) may not use this bus",
                       (unsigned) cred.uid, (int) cred.pid);
    }
    return 0;
}
