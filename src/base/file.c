#include <config.h>

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/mem.h"

int
nt_file_read(const char *path, size_t max, char **out, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return -errno;
    }

    size_t size = 4096, n = 0;
    char *buf = xmalloc(size);
    int rc = 0;

    for (;;) {
        ssize_t got = read(fd, buf + n, size - n - 1);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            rc = got < 0 ? -errno : 0;
            break;
        }
        n += got;
        if (n > max) {
            rc = -EFBIG;
            break;
        }
        if (size - n < 2) {
            size *= 2;
            buf = xrealloc(buf, size);
        }
    }
    close(fd);
    if (rc) {
        free(buf);
        return rc;
    }
    buf[n] = '\0';
    *out = buf;
    if (len) {
        *len = n;
    }
    return 0;
}

static bool
has_text(const char *path, const char *text, size_t len, mode_t mode)
{
    struct stat st;
    char *old = NULL;
    size_t old_len;
    bool same;

    if (stat(path, &st) < 0 || (st.st_mode & 07777) != mode || (size_t) st.st_size != len
        || nt_file_read(path, len, &old, &old_len) < 0) {
        return false;
    }
    same = old_len == len && !memcmp(old, text, len);
    free(old);
    return same;
}

static int
write_all(int fd, const char *text, size_t len)
{
    while (len) {
        ssize_t n = write(fd, text, len);

        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        if (n > 0) {
            text += n;
            len -= n;
        }
    }
    return 0;
}

/* The rename is durable once the directory is on disk. */
static void
sync_directory_of(const char *path)
{
    char *copy = xstrdup(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(copy);
}

/* Writes 'text' to the new file 'fd' and closes it.  Negative errno. */
static int
fill_and_close(int fd, const char *text, size_t len, mode_t mode, bool durable)
{
    int rc = write_all(fd, text, len);

    if (!rc && (fchmod(fd, mode) < 0 || (durable && fsync(fd) < 0))) {
        rc = -errno;
    }
    if (close(fd) < 0 && !rc) {
        rc = -errno;
    }
    return rc;
}

/* A write, with the path and the ways it can be done. */
struct replacement {
    const char *path, *text;
    size_t len;
    mode_t mode;
    bool durable;
};

/* Always the same name for a file, so that one left by a killed program is used up by
 * the next write; hidden, so that nobody who reads the folder takes it for the file. */
static char *
temporary_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    int n = slash ? (int) (slash + 1 - path) : 0;

    return xasprintf("%.*s.%s.tmp", n, path, path + n);
}

static int
replace(const struct replacement *r)
{
    AUTO_FREE char *tmp = temporary_name(r->path);
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0) {
        return -errno;
    }

    int rc = NT_FAILPOINT("file-write") ? -EIO : 0;
    int filled = fill_and_close(fd, r->text, r->len, r->mode, r->durable);
    rc = rc ? rc : filled;
    if (!rc && NT_FAILPOINT("file-rename")) {
        rc = -EIO;
    }
    if (!rc && rename(tmp, r->path) < 0) {
        rc = -errno;
    }
    if (rc) {
        unlink(tmp);
        return rc;
    }
    NT_CRASHPOINT("file-renamed");
    if (r->durable) {
        sync_directory_of(r->path);
    }
    return rc;
}

static int
replace_if_changed(const struct replacement *r, bool *changed, struct nt_err *err)
{
    bool differs = !has_text(r->path, r->text, r->len, r->mode);
    int rc = differs ? replace(r) : 0;

    if (changed) {
        *changed = differs && !rc;
    }
    return rc ? nt_fail_errno(err, -rc, "cannot write %s", r->path) : 0;
}

int
nt_file_replace(const char *path, const char *text, size_t len, mode_t mode, bool *changed,
                struct nt_err *err)
{
    return replace_if_changed(&(struct replacement){ path, text, len, mode, true }, changed, err);
}

int
nt_file_replace_soft(const char *path, const char *text, size_t len, mode_t mode, bool *changed,
                     struct nt_err *err)
{
    return replace_if_changed(&(struct replacement){ path, text, len, mode, false }, changed, err);
}

int
nt_mkdirs(const char *path, mode_t mode, struct nt_err *err)
{
    AUTO_FREE char *copy = xstrdup(path);

    for (char *p = copy + (*copy != '\0');; p++) {
        if (*p == '/' || !*p) {
            char end = *p;

            *p = '\0';
            if (mkdir(copy, mode) < 0 && errno != EEXIST) {
                return nt_fail_errno(err, errno, "cannot make directory %s", copy);
            }
            if (!end) {
                return 0;
            }
            *p = end;
        }
    }
}

int
nt_file_put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0) {
        return -errno;
    }

    int rc = write_all(fd, text, strlen(text));
    if (close(fd) < 0 && !rc) {
        rc = -errno;
    }
    return rc;
}

char *
nt_path_join(const char *a, const char *b)
{
    size_t n = strlen(a);

    while (n && a[n - 1] == '/') {
        n--;
    }
    while (*b == '/') {
        b++;
    }
    return xasprintf("%.*s/%s", (int) n, a, b);
}

int
nt_remove_tree(const char *path)
{
    char *paths[] = { CONST_CAST(char *, path), NULL };
    FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    FTSENT *e;
    int rc = 0;

    if (!fts) {
        return -errno;
    }
    while ((e = fts_read(fts))) {
        bool is_dir = e->fts_info == FTS_DP;
        bool is_error = e->fts_info == FTS_DNR || e->fts_info == FTS_ERR;

        if (e->fts_info == FTS_D || (e->fts_info == FTS_NS && e->fts_errno == ENOENT)) {
            continue;
        }
        if (is_error || (is_dir ? rmdir(e->fts_accpath) : unlink(e->fts_accpath)) < 0) {
            rc = rc ? rc : -(is_error ? e->fts_errno : errno);
        }
    }
    fts_close(fts);
    return rc;
}
