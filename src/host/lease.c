#include <config.h>

#include "host/lease.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"

NT_LOG_MODULE(nt_lease);

#define MAX_PER_RUN 256

struct nt_lease_server {
    struct nt_lease_server_ops ops;
    void *aux;
    char *socket_path, *spool_dir;
    int fd, inotify_fd;
    bool spool_is_due;
    struct shash latest; /* "NUMBER IP" -> int64_t: when its latest event happened. */
};

/* When the latest event for the address of '*ev' happened. */
static int64_t *
find_latest(struct nt_lease_server *s, const struct nt_lease_event *ev)
{
    AUTO_FREE char *key = xasprintf("%" PRId64 " %s", ev->network_number, ev->ip);
    int64_t *time_ms = shash_find_data(&s->latest, key);

    if (!time_ms) {
        time_ms = xmalloc(sizeof *time_ms);
        *time_ms = INT64_MIN;
        shash_add(&s->latest, key, time_ms);
    }
    return time_ms;
}

static int
open_socket(const char *path, struct nt_err *err)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };

    if (strlen(path) >= sizeof sun.sun_path) {
        return nt_fail(err, NT_FAULT, "name of the lease socket is too long: %s", path);
    }
    strcpy(sun.sun_path, path);

    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return nt_fail_errno(err, errno, "cannot open the lease socket");
    }
    if (!connect(fd, (struct sockaddr *) &sun, sizeof sun)) {
        close(fd);
        return nt_fail(err, NT_CONFLICT, "lease socket %s is served by another process", path);
    }
    unlink(path);

    /* Nobody may send between bind() and chmod(). */
    mode_t mask = umask(0177);
    int rc = bind(fd, (struct sockaddr *) &sun, sizeof sun) < 0 ? errno : 0;
    umask(mask);
    if (rc) {
        close(fd);
        return nt_fail_errno(err, rc, "cannot bind the lease socket %s", path);
    }
    return fd;
}

static int
make_parent(const char *path, struct nt_err *err)
{
    AUTO_FREE char *dir = xstrdup(path);
    char *slash = strrchr(dir, '/');

    if (!slash || slash == dir) {
        return 0;
    }
    *slash = '\0';
    return nt_mkdirs(dir, 0755, err);
}

int
nt_lease_server_new(const struct nt_lease_server_opts *opts, const struct nt_lease_server_ops *ops,
                    void *aux, struct nt_lease_server **out, struct nt_err *err)
{
    if (make_parent(opts->socket_path, err) < 0 || nt_mkdirs(opts->spool_dir, 0700, err) < 0) {
        return -1;
    }

    int inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (inotify_fd < 0 || inotify_add_watch(inotify_fd, opts->spool_dir, IN_MOVED_TO) < 0) {
        nt_fail_errno(err, errno, "cannot watch %s", opts->spool_dir);
        if (inotify_fd >= 0) {
            close(inotify_fd);
        }
        return -1;
    }

    int fd = open_socket(opts->socket_path, err);
    if (fd < 0) {
        close(inotify_fd);
        return -1;
    }

    struct nt_lease_server *s = xzalloc(sizeof *s);

    s->ops = *ops;
    s->aux = aux;
    s->socket_path = xstrdup(opts->socket_path);
    s->spool_dir = xstrdup(opts->spool_dir);
    s->fd = fd;
    s->inotify_fd = inotify_fd;
    s->spool_is_due = true;
    shash_init(&s->latest);
    *out = s;
    return 0;
}

void
nt_lease_server_free(struct nt_lease_server *s)
{
    if (s) {
        shash_destroy_free_data(&s->latest);
        unlink(s->socket_path);
        close(s->fd);
        close(s->inotify_fd);
        free(s->socket_path);
        free(s->spool_dir);
        free(s);
    }
}

static void
report(struct nt_lease_server *s, const struct nt_lease_event *ev, int64_t *latest_ms)
{
    NT_CRASHPOINT("lease-event");
    *latest_ms = ev->time_ms;
    s->ops.on_event(s->aux, ev);
    NT_CRASHPOINT("lease-noted");
}

/* An anonymous file with the leases, so that one datagram answers for any number of
 * them.  Negative errno. */
static int
lease_file(struct nt_lease_server *s, int64_t network_number)
{
    struct ds text = DS_EMPTY_INITIALIZER;
    int fd = memfd_create("leases", MFD_CLOEXEC);
    int rc = fd < 0 ? -errno : 0;

    s->ops.list_leases(s->aux, network_number, &text);
    for (size_t done = 0; !rc && done < text.length;) {
        ssize_t n = write(fd, text.string + done, text.length - done);

        if (n < 0) {
            rc = -errno;
        } else {
            done += n;
        }
    }
    ds_destroy(&text);
    if (rc && fd >= 0) {
        close(fd);
    }
    return rc ? rc : fd;
}

static void
answer(struct nt_lease_server *s, const struct sockaddr_un *peer, socklen_t peer_len,
       const char *text, int attached_fd)
{
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(int))];
    } control = { .space = { 0 } };
    struct iovec iov = { .iov_base = CONST_CAST(char *, text), .iov_len = strlen(text) };
    struct msghdr msg = {
        .msg_name = CONST_CAST(struct sockaddr_un *, peer),
        .msg_namelen = peer_len,
        .msg_iov = &iov,
        .msg_iovlen = 1,
    };

    if (peer_len <= offsetof(struct sockaddr_un, sun_path)) {
        return; /* Without a name: it does not want an answer. */
    }
    if (attached_fd >= 0) {
        msg.msg_control = &control;
        msg.msg_controllen = sizeof control;

        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof attached_fd);
        memcpy(CMSG_DATA(cmsg), &attached_fd, sizeof attached_fd);
    }
    /* A helper that gave up is gone; it has left the event in the spool. */
    if (sendmsg(s->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        nt_debug("lease helper is gone", "why", ovs_strerror(errno), NULL);
    }
}

static void
handle_message(struct nt_lease_server *s, const char *msg, size_t len,
               const struct sockaddr_un *peer, socklen_t peer_len)
{
    struct nt_err err = { .code = NT_OK };
    struct nt_lease_event ev;

    if (nt_lease_decode(msg, len, &ev, &err) < 0) {
        AUTO_FREE char *text = xasprintf("error %s\n", err.msg);

        nt_warn_rl("bad lease message", "why", err.msg, NULL);
        answer(s, peer, peer_len, text, -1);
    } else if (ev.action == NT_LEASE_INIT) {
        int fd = lease_file(s, ev.network_number);

        answer(s, peer, peer_len, fd < 0 ? "error cannot make the list\n" : "ok\n", fd);
        if (fd >= 0) {
            close(fd);
        }
    } else {
        report(s, &ev, find_latest(s, &ev));
        answer(s, peer, peer_len, "ok\n", -1);
    }
}

/* True when nothing is left to receive. */
static bool
run_socket(struct nt_lease_server *s)
{
    for (int i = 0; i < MAX_PER_RUN; i++) {
        /* One byte more than allowed shows what is too long. */
        char buf[NT_LEASE_MSG_MAX + 1];
        struct sockaddr_un peer;
        socklen_t peer_len = sizeof peer;
        ssize_t n = recvfrom(s->fd, buf, sizeof buf, 0, (struct sockaddr *) &peer, &peer_len);

        if (n >= 0) {
            handle_message(s, buf, n, &peer, peer_len);
        } else if (errno != EINTR) {
            return true;
        }
    }
    return false;
}

static void
replay(struct nt_lease_server *s, const char *path)
{
    AUTO_FREE char *text = NULL;
    struct nt_err err = { .code = NT_OK };
    struct nt_lease_event ev;
    size_t len = 0;
    int rc = nt_file_read(path, NT_LEASE_MSG_MAX, &text, &len);

    if (rc) {
        nt_fail_errno(&err, -rc, "cannot read it");
    } else if (!nt_lease_decode(text, len, &ev, &err) && ev.action == NT_LEASE_INIT) {
        nt_fail(&err, NT_INVALID, "not an event");
    }
    if (err.code) {
        nt_warn("spooled lease event dropped", "file", path, "why", err.msg, NULL);
    } else {
        int64_t *latest_ms = find_latest(s, &ev);

        if (ev.time_ms > *latest_ms) {
            nt_info("lease event from the spool", "ip", ev.ip, "mac", ev.mac, NULL);
            report(s, &ev, latest_ms);
        }
    }
    if (unlink(path) < 0 && errno != ENOENT) {
        nt_warn_rl("spooled lease event cannot be removed", "file", path, "why",
                   ovs_strerror(errno), NULL);
    }
}

static int
is_event_file(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

/* File names begin with the time, in a fixed width. */
static void
run_spool(struct nt_lease_server *s)
{
    struct dirent **names = NULL;
    int n = scandir(s->spool_dir, &names, is_event_file, alphasort);

    for (int i = 0; i < n; i++) {
        AUTO_FREE char *path = nt_path_join(s->spool_dir, names[i]->d_name);

        replay(s, path);
        free(names[i]);
    }
    free(names);
}

static void
drain_inotify(struct nt_lease_server *s)
{
    char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

    while (read(s->inotify_fd, buf, sizeof buf) > 0) {
        s->spool_is_due = true;
    }
}

void
nt_lease_server_run(struct nt_lease_server *s)
{
    /* The socket first: what waits in it is not newer than what its sender left in
     * the spool after waiting in vain, and dnsmasq runs one helper at a time. */
    drain_inotify(s);
    if (run_socket(s) && s->spool_is_due) {
        s->spool_is_due = false;
        run_spool(s);
    }
}

void
nt_lease_server_wait(struct nt_lease_server *s)
{
    poll_fd_wait(s->fd, POLLIN);
    poll_fd_wait(s->inotify_fd, POLLIN);
    if (s->spool_is_due) {
        poll_immediate_wake();
    }
}

/* True if the entry can stand in a line; its host name and client id as they go there. */
static bool
line_fields(const struct nt_host_entry *entry, const char **hostname, const char **client_id)
{
    struct nt_mac mac;
    uint32_t ip;

    *hostname = nt_lease_is_hostname(entry->lease_hostname) ? entry->lease_hostname : "*";
    *client_id = nt_lease_is_client_id(entry->client_id) ? entry->client_id : "*";
    return entry->leased && nt_mac_parse(entry->mac, &mac) && nt_ip4_parse(entry->address, &ip);
}

void
nt_lease_list_line(struct ds *out, const struct nt_host_entry *entry, int64_t now_ms,
                   int lease_time_s)
{
    const char *hostname, *client_id;
    int64_t expires = entry->lease_expires / 1000;
    int64_t least = now_ms / 1000 + lease_time_s;

    if (line_fields(entry, &hostname, &client_id)) {
        ds_put_format(out, "%" PRId64 " %s %s %s %s\n", expires > least ? expires : least,
                      entry->mac, entry->address, hostname, client_id);
    }
}

void
nt_lease_snapshot_line(struct ds *out, int64_t network_number, int lease_time_s,
                       const struct nt_host_entry *entry)
{
    const char *hostname, *client_id;

    if (line_fields(entry, &hostname, &client_id)) {
        ds_put_format(out, "%" PRId64 " %d %" PRId64 " %s %s %s %s\n", network_number, lease_time_s,
                      entry->lease_expires / 1000, entry->mac, entry->address, hostname, client_id);
    }
}

int
nt_lease_snapshot_write(const char *path, const char *text, struct nt_err *err)
{
    return nt_file_replace_soft(path, text, strlen(text), 0600, NULL, err);
}
