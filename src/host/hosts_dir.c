#include <config.h>

#include "host/hosts_dir.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "net/addr.h"
#include "openvswitch/shash.h"

#define MAX_LINE 1024

struct nt_hosts_dir {
    char *path;
    bool is_read;
    struct shash lines; /* File name to its text (char *, owned), as far as written. */
};

struct nt_hosts_dir *
nt_hosts_dir_new(const char *path)
{
    struct nt_hosts_dir *dir = xzalloc(sizeof *dir);

    dir->path = xstrdup(path);
    shash_init(&dir->lines);
    return dir;
}

void
nt_hosts_dir_free(struct nt_hosts_dir *dir)
{
    if (dir) {
        shash_destroy_free_data(&dir->lines);
        free(dir->path);
        free(dir);
    }
}

/* What an earlier run left. */
static int
read_folder(struct nt_hosts_dir *dir, struct nt_err *err)
{
    const struct dirent *entry;
    DIR *stream;

    if (nt_mkdirs(dir->path, 0755, err) < 0) {
        return -1;
    }
    stream = opendir(dir->path);
    if (!stream) {
        return nt_fail_errno(err, errno, "cannot read %s", dir->path);
    }
    while ((entry = readdir(stream))) {
        AUTO_FREE char *path = nt_path_join(dir->path, entry->d_name);
        char *text = NULL;

        if (entry->d_name[0] != '.') {
            if (nt_file_read(path, MAX_LINE, &text, NULL) < 0) {
                text = xstrdup("");
            }
            shash_add_nocopy(&dir->lines, xstrdup(entry->d_name), text);
        }
    }
    closedir(stream);
    dir->is_read = true;
    return 0;
}

/* "fa163e2ce8ec" of a line that begins with that MAC. */
static void
name_of(const char *line, char out[NT_MAC_SIZE])
{
    size_t n = 0;

    for (; *line && *line != ',' && n + 1 < NT_MAC_SIZE; line++) {
        if (*line != ':') {
            out[n++] = *line;
        }
    }
    out[n] = '\0';
}

/* Takes over 'line' if the folder does not have it yet. */
static int
put_line(struct nt_hosts_dir *dir, const char *line, size_t len, struct shash *left,
         bool *must_reload, struct nt_err *err)
{
    AUTO_FREE char *text = xasprintf("%.*s\n", (int) len, line);
    char name[NT_MAC_SIZE];

    name_of(text, name);

    char *old = shash_find_data(&dir->lines, name);
    struct shash_node *node = shash_find(left, name);
    if (node) {
        shash_delete(left, node);
    }
    if (old && !strcmp(old, text)) {
        return 0;
    }

    AUTO_FREE char *path = nt_path_join(dir->path, name);
    if (nt_file_replace_soft(path, text, strlen(text), 0644, NULL, err) < 0) {
        return -1;
    }
    *must_reload |= old != NULL;
    free(shash_replace(&dir->lines, name, TAKE(text)));
    return 0;
}

/* Removes the files nobody named; they are in 'left'. */
static void
remove_left(struct nt_hosts_dir *dir, const struct shash *left, bool *must_reload)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, left) {
        AUTO_FREE char *path = nt_path_join(dir->path, node->name);

        if (!unlink(path) || errno == ENOENT) {
            free(shash_find_and_delete(&dir->lines, node->name));
            *must_reload = true;
        }
    }
}

int
nt_hosts_dir_put(struct nt_hosts_dir *dir, const char *text, bool *must_reload, struct nt_err *err)
{
    struct shash left = SHASH_INITIALIZER(&left);
    const struct shash_node *node;
    int rc = 0;

    if (!dir->is_read && read_folder(dir, err) < 0) {
        return -1;
    }
    SHASH_FOR_EACH (node, &dir->lines) {
        shash_add(&left, node->name, NULL);
    }
    while (*text && !rc) {
        size_t len = strcspn(text, "\n");

        rc = put_line(dir, text, len, &left, must_reload, err);
        text += len + (text[len] == '\n');
    }
    if (!rc) {
        remove_left(dir, &left, must_reload);
    }
    shash_destroy(&left);
    return rc;
}
