#include <config.h>

#include "base/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

struct nt_pid_file {
    char *path;
    int fd; /* Its lock ends with it, or with any other of this process for the file. */
};

/* Whether 'fd' is still what 'path' names: its owner before us may have removed it between
 * our open() and our lock. */
static bool
is_current(int fd, const char *path)
{
    struct stat ours, now;

    return !fstat(fd, &ours) && !stat(path, &now) && ours.st_ino == now.st_ino
           && ours.st_dev == now.st_dev;
}

/* Opens and locks it; -1 with 'errno', and in '*holder' who has it. */
static int
open_locked(const char *path, pid_t *holder)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

    *holder = 0;
    if (fd >= 0 && fcntl(fd, F_SETLK, &lock) < 0) {
        int error = errno;

        if ((error == EACCES || error == EAGAIN) && !fcntl(fd, F_GETLK, &lock)
            && lock.l_type != F_UNLCK) {
            *holder = lock.l_pid;
        }
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

int
nt_pid_file_take(const char *path, struct nt_pid_file **out, struct nt_err *err)
{
    char text[24];
    pid_t holder;
    int fd;

    for (int tries = 0; (fd = open_locked(path, &holder)) >= 0 && !is_current(fd, path); tries++) {
        close(fd);
        if (tries == 10) {
            return nt_fail(err, NT_FAULT, "pid file %s does not stay", path);
        }
    }
    if (fd < 0 && (holder || errno == EAGAIN)) {
        return nt_fail(err, NT_CONFLICT,
                       "pid file %s is process %d's; one program of a kind may run", path,
                       (int) holder);
    }
    if (fd < 0) {
        return nt_fail_errno(err, errno, "cannot make the pid file %s", path);
    }

    int len = snprintf(text, sizeof text, "%ld\n", (long) getpid());
    if (ftruncate(fd, 0) < 0 || write(fd, text, len) != len) {
        int error = errno;

        close(fd);
        return nt_fail_errno(err, error, "cannot write the pid file %s", path);
    }
    *out = xzalloc(sizeof **out);
    (*out)->path = xstrdup(path);
    (*out)->fd = fd;
    return 0;
}

void
nt_pid_file_free(struct nt_pid_file *file)
{
    if (file) {
        unlink(file->path);
        close(file->fd);
        free(file->path);
        free(file);
    }
}
