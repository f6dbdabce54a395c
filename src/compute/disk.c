#include <config.h>

#include "compute/disk.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "openvswitch/json.h"

/* On a loaded machine with a slow disk; creating an overlay takes milliseconds. */
#define TOOL_LIMIT_MS 60000
#define GIGABYTE (INT64_C(1) << 30)

struct disk {
    struct nt_children *children;
    struct nt_child *child; /* At work; NULL: none. */
    enum disk_state state;
    struct nt_err err;
    char image[NT_NAME_SIZE], format[16];
    int64_t size_gb; /* 0: the image's own. */
    char *path, *part;
};

bool
disk_is_absent(const struct guest *guest)
{
    return !*guest->view.image_location;
}

char *
disk_path(const struct guest *guest, const char *instances_path)
{
    return guest_file(instances_path, guest->view.number, "disk");
}

enum disk_state
disk_get_state(const struct disk *disk)
{
    return disk->state;
}

const char *
disk_why(const struct disk *disk)
{
    return disk->err.msg;
}

void
disk_free(struct disk *disk)
{
    if (disk) {
        if (disk->child) {
            nt_child_forget(disk->child);
            nt_child_kill(disk->child, SIGKILL);
        }
        free(disk->path);
        free(disk->part);
        free(disk);
    }
}

static void
failed(struct disk *disk)
{
    disk->state = DISK_FAILED;
}

static const struct json *
member(const struct json *json, const char *key)
{
    return json && json->type == JSON_OBJECT ? shash_find_data(json_object(json), key) : NULL;
}

int
disk_check_info(const char *text, int64_t *size, struct nt_err *err)
{
    struct json *json = json_from_string(text);
    const struct json *virtual_size = member(json, "virtual-size");
    const struct json *specific = member(member(json, "format-specific"), "data");
    int rc = 0;

    if (!virtual_size || virtual_size->type != JSON_INTEGER || json_integer(virtual_size) <= 0) {
        rc = nt_fail(err, NT_INVALID, "its size is not known");
    } else if (member(json, "backing-filename") || member(specific, "data-file")) {
        rc = nt_fail(err, NT_INVALID, "it refers to another file");
    } else {
        *size = json_integer(virtual_size);
    }
    json_destroy(json);
    return rc;
}

static bool
child_failed(struct disk *disk, const char *what, const struct nt_child_result *result)
{
    char why[256];

    disk->child = NULL;
    if (nt_child_ok(result)) {
        return false;
    }
    nt_child_describe(result, why, sizeof why);
    (void) nt_fail(&disk->err, NT_FAULT, "%s: %s", what, why);
    failed(disk);
    return true;
}

static void
run_tool(struct disk *disk, const char *const *argv, nt_child_cb *cb)
{
    const struct nt_child_opts opts = { .argv = argv, .timeout_ms = TOOL_LIMIT_MS };

    if (nt_child_start(disk->children, &opts, cb, disk, &disk->child, &disk->err) < 0) {
        failed(disk);
    }
}

static void
created(void *disk_, const struct nt_child_result *result)
{
    struct disk *disk = disk_;

    if (child_failed(disk, "its disk cannot be created", result)) {
        return;
    }
    if (rename(disk->part, disk->path) < 0) {
        (void) nt_fail_errno(&disk->err, errno, "cannot rename %s", disk->part);
        failed(disk);
        return;
    }
    disk->state = DISK_READY;
}

static void
inspected(void *disk_, const struct nt_child_result *result)
{
    struct disk *disk = disk_;
    int64_t size;

    if (child_failed(disk, "its image cannot be read", result)) {
        return;
    }
    if (disk_check_info(result->out, &size, &disk->err) < 0) {
        nt_err_context(&disk->err, "image %s cannot be used", disk->image);
        failed(disk);
        return;
    }
    if (disk->size_gb && size > disk->size_gb * GIGABYTE) {
        (void) nt_fail(&disk->err, NT_INVALID,
                       "image %s has %lld bytes, the flavor's disk only %lld GB", disk->image,
                       (long long) size, (long long) disk->size_gb);
        failed(disk);
        return;
    }

    AUTO_FREE char *bytes =
        xasprintf("%lld", (long long) (disk->size_gb ? disk->size_gb * GIGABYTE : size));
    const char *argv[] = { "qemu-img",   "create", "-q",        "-f",       "qcow2", "-F",
                           disk->format, "-b",     disk->image, disk->part, bytes,   NULL };

    run_tool(disk, argv, created);
}

struct disk *
disk_prepare(struct nt_children *children, const struct guest *guest, const char *instances_path)
{
    const struct nt_instance_view *view = &guest->view;
    struct disk *disk = xzalloc(sizeof *disk);

    disk->children = children;
    disk->size_gb = view->disk_gb;
    disk->path = disk_path(guest, instances_path);
    disk->part = xasprintf("%s.part", disk->path);
    ovs_strlcpy(disk->image, view->image_location, sizeof disk->image);
    ovs_strlcpy(disk->format, view->image_format, sizeof disk->format);
    if (disk_is_absent(guest) || !access(disk->path, F_OK)) {
        disk->state = DISK_READY;
    } else if (*disk->image != '/') {
        (void) nt_fail(&disk->err, NT_INVALID, "the location of image %s is no path: %s",
                       view->image_name, disk->image);
        failed(disk);
    } else if (strcmp(disk->format, "raw") && strcmp(disk->format, "qcow2")) {
        (void) nt_fail(&disk->err, NT_UNSUPPORTED,
                       "image %s has disk format %s; only raw and qcow2 are offered",
                       view->image_name, disk->format);
        failed(disk);
    } else {
        const char *argv[] = { "qemu-img",  "info", "--output=json", "-f", disk->format,
                               disk->image, NULL };

        run_tool(disk, argv, inspected);
    }
    return disk;
}
