#include <config.h>
#include "host/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "wire/netlink/rtnl.h"

#define OWN_NETNS "/proc/thread-self/ns/net"
#define LO_INDEX 1 /* In every namespace. */

bool
nt_netns_name_is_valid(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= NT_NETNS_NAME_MAX && strcmp(name, ".") && strcmp(name, "..")
           && name[strspn(name,
                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")]
                  == '\0';
}

/* The caller frees '*path'. */
static int
path_of(const char *name, char **path, struct nt_err *err)
{
    if (!nt_netns_name_is_valid(name)) {
        return nt_fail(err, NT_INVALID, "'%s' is not a namespace name", name);
    }
    *path = nt_path_join(NT_NETNS_DIR, name);
    return 0;
}

/* A leftover file, without a namespace mounted on it, is of proc's or tmpfs's type. */
static bool
is_namespace(const char *path)
{
    struct statfs st;

    return !statfs(path, &st) && st.f_type == NSFS_MAGIC;
}

/* Makes the directory a shared mount, so that namespaces made here are seen, and
 * their removal too, in mount namespaces that exist already. */
static int
prepare_dir(struct nt_err *err)
{
    if (nt_mkdirs(NT_NETNS_DIR, 0755, err) < 0) {
        return -1;
    }
    if (!mount("", NT_NETNS_DIR, "none", MS_SHARED | MS_REC, NULL)) {
        return 0;
    }
    /* EINVAL: not a mount point yet. */
    if (errno != EINVAL || mount(NT_NETNS_DIR, NT_NETNS_DIR, "none", MS_BIND | MS_REC, NULL)
        || mount("", NT_NETNS_DIR, "none", MS_SHARED | MS_REC, NULL)) {
        return nt_fail_errno(err, errno, "cannot share " NT_NETNS_DIR);
    }
    return 0;
}

/* Mounts a fresh namespace on the file 'path'.  Negative errno. */
static int
mount_fresh(const char *path)
{
    int home = open(OWN_NETNS, O_RDONLY | O_CLOEXEC);
    if (home < 0) {
        return -errno;
    }

    int error = 0;
    if (unshare(CLONE_NEWNET)) {
        error = -errno;
    } else {
        if (mount(OWN_NETNS, path, "none", MS_BIND, NULL)) {
            error = -errno;
        }
        if (setns(home, CLONE_NEWNET)) {
            /* Going on in an empty network would look like a host without links. */
            abort();
        }
    }
    close(home);
    return error;
}

static int
bring_lo_up(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }

    AUTO(nt_nl) nl = NULL;
    int error = nt_nl_open(fd, &nl);
    if (!error) {
        error = nt_nl_link_set_up(nl, LO_INDEX, true);
    }
    close(fd);
    return error;
}

static int
make_namespace(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_CREAT, 0);
    if (fd < 0) {
        return -errno;
    }
    close(fd);

    int error = mount_fresh(path);
    if (!error) {
        error = bring_lo_up(path);
        if (error) {
            (void) umount2(path, MNT_DETACH);
        }
    }
    if (error) {
        (void) unlink(path);
    }
    return error;
}

/* Keeps `ip netns` and other programs from preparing the directory or making the
 * same name at the same time. */
static int
lock_dir(void)
{
    int fd = open(NT_NETNS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    while (fd >= 0 && flock(fd, LOCK_EX) && errno == EINTR) {
        continue;
    }
    return fd;
}

int
nt_netns_add(const char *name, struct nt_err *err)
{
    AUTO_FREE char *path = NULL;

    if (path_of(name, &path, err) < 0 || nt_mkdirs(NT_NETNS_DIR, 0755, err) < 0) {
        return -1;
    }
    int lock = lock_dir();
    if (lock < 0) {
        return nt_fail_errno(err, errno, "cannot open " NT_NETNS_DIR);
    }

    int result = prepare_dir(err);
    if (!result && !is_namespace(path)) {
        int error = make_namespace(path);
        if (error) {
            result = nt_fail_errno(err, -error, "cannot make network namespace %s", name);
        }
    }
    close(lock);
    return result;
}

int
nt_netns_delete(const char *name, struct nt_err *err)
{
    AUTO_FREE char *path = NULL;

    if (path_of(name, &path, err) < 0) {
        return -1;
    }
    /* EINVAL: nothing mounted on it. */
    if (umount2(path, MNT_DETACH) && errno != EINVAL && errno != ENOENT) {
        return nt_fail_errno(err, errno, "cannot unmount network namespace %s", name);
    }
    if (unlink(path) && errno != ENOENT) {
        return nt_fail_errno(err, errno, "cannot remove network namespace %s", name);
    }
    return 0;
}

bool
nt_netns_exists(const char *name)
{
    AUTO_FREE char *path = NULL;

    return path_of(name, &path, NULL) == 0 && is_namespace(path);
}

int
nt_netns_open(const char *name, int *fd, struct nt_err *err)
{
    AUTO_FREE char *path = NULL;

    if (path_of(name, &path, err) < 0) {
        return -1;
    }
    int new_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (new_fd < 0 ? errno == ENOENT : !is_namespace(path)) {
        if (new_fd >= 0) {
            close(new_fd);
        }
        return nt_fail(err, NT_NOT_FOUND, "no network namespace %s", name);
    }
    if (new_fd < 0) {
        return nt_fail_errno(err, errno, "cannot open network namespace %s", name);
    }
    *fd = new_fd;
    return 0;
}
