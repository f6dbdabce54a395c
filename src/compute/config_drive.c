#include <config.h>

#include "compute/config_drive.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"
#include "rpc/conductor.h"
#include "wire/http/base64.h"

#define CALL_TIMEOUT_MS 30000
#define RETRY_MS 1000
#define TOOL_LIMIT_MS 60000
#define LABEL "config-2" /* What guests look for. */

enum drive_state { DRIVE_IDLE, DRIVE_ASKING, DRIVE_MAKING, DRIVE_READY, DRIVE_FAILED };

struct drive {
    struct ovs_list node;
    char id[NT_UUID_SIZE];
    enum drive_state state;
    int64_t ask_at; /* Monotonic; not before. */
    struct nt_child *child;
    struct nt_err err;
    char *path, *part, *pages; /* The image, what becomes it, and the folder it is made of. */
};

struct config_drives {
    struct config_drives_env env;
    struct ovs_list drives;
};

/* A question on its way; the drive may be forgotten before the answer. */
struct question {
    struct config_drives *drives;
    char id[NT_UUID_SIZE];
};

struct config_drives *
config_drives_new(const struct config_drives_env *env)
{
    struct config_drives *drives = xzalloc(sizeof *drives);

    drives->env = *env;
    ovs_list_init(&drives->drives);
    return drives;
}

static struct drive *
find(const struct config_drives *drives, const char *id)
{
    struct drive *drive;

    LIST_FOR_EACH (drive, node, &drives->drives) {
        if (!strcmp(drive->id, id)) {
            return drive;
        }
    }
    return NULL;
}

static void
forget(struct drive *drive)
{
    ovs_list_remove(&drive->node);
    if (drive->child) {
        nt_child_forget(drive->child);
        nt_child_kill(drive->child, SIGKILL);
    }
    free(drive->path);
    free(drive->part);
    free(drive->pages);
    free(drive);
}

void
config_drives_free(struct config_drives *drives)
{
    struct drive *drive;

    if (drives) {
        LIST_FOR_EACH_SAFE (drive, node, &drives->drives) {
            forget(drive);
        }
        free(drives);
    }
}

void
config_drives_forget(struct config_drives *drives, const char *instance_id)
{
    struct drive *drive = find(drives, instance_id);

    if (drive) {
        forget(drive);
    }
}

static char *
image_path(const struct guest *guest, const char *instances_path)
{
    return guest_file(instances_path, guest->view.number, "disk.config");
}

char *
config_drive_path(const struct guest *guest, const char *instances_path)
{
    AUTO_FREE char *path = image_path(guest, instances_path);

    return access(path, F_OK) ? NULL : TAKE(path);
}

static struct drive *
new_drive(struct config_drives *drives, const struct guest *guest)
{
    struct drive *drive = xzalloc(sizeof *drive);

    ovs_strlcpy(drive->id, guest->view.id, sizeof drive->id);
    drive->path = image_path(guest, drives->env.instances_path);
    drive->part = xasprintf("%s.part", drive->path);
    drive->pages = xasprintf("%s.pages", drive->path);
    ovs_list_push_back(&drives->drives, &drive->node);
    return drive;
}

/* The server is trusted, and yet it names no file outside the folder. */
static bool
is_inside(const char *path)
{
    return *path && *path != '/' && !strstr(path, "..");
}

static int
write_page(const struct drive *drive, const struct nt_config_file *file, struct nt_err *err)
{
    AUTO_FREE char *path = nt_path_join(drive->pages, file->path);
    AUTO_FREE char *folder = xstrdup(path);
    AUTO_FREE char *content = NULL;
    size_t len;

    if (!is_inside(file->path)
        || !nt_base64_decode(file->content ? file->content : "", &content, &len)) {
        return nt_fail(err, NT_INVALID, "the server's page %.64s is not usable", file->path);
    }
    *strrchr(folder, '/') = '\0';
    return nt_mkdirs(folder, 0700, err) < 0 ? -1
                                            : nt_file_replace(path, content, len, 0600, NULL, err);
}

static void
made(void *drive_, const struct nt_child_result *result)
{
    struct drive *drive = drive_;
    char why[256];

    drive->child = NULL;
    (void) !nt_remove_tree(drive->pages);
    drive->state = DRIVE_FAILED;
    if (!nt_child_ok(result)) {
        nt_child_describe(result, why, sizeof why);
        (void) nt_fail(&drive->err, NT_FAULT, "genisoimage: %s", why);
    } else if (rename(drive->part, drive->path) < 0) {
        (void) nt_fail_errno(&drive->err, errno, "cannot rename %s", drive->part);
    } else {
        drive->state = DRIVE_READY;
    }
}

/* What there is of an earlier try goes.  The image is written into a file that nobody else
 * could read before. */
static int
make(const struct config_drives *drives, struct drive *drive,
     const struct nt_config_drive_result *result, struct nt_err *err)
{
    const char *argv[] = { "genisoimage", "-quiet", "-J",        "-r",         "-V",
                           LABEL,         "-o",     drive->part, drive->pages, NULL };
    const struct nt_child_opts opts = { .argv = argv, .timeout_ms = TOOL_LIMIT_MS };

    (void) !nt_remove_tree(drive->pages);
    (void) unlink(drive->part);
    for (size_t i = 0; i < result->n_files; i++) {
        if (write_page(drive, &result->files[i], err) < 0) {
            return -1;
        }
    }
    return nt_file_replace(drive->part, "", 0, 0600, NULL, err) < 0
               ? -1
               : nt_child_start(drives->env.children, &opts, made, drive, &drive->child, err);
}

static void
answered(void *question_, const void *result, const struct nt_err *err)
{
    struct question *question = question_;
    const struct config_drives *drives = question->drives;
    struct drive *drive = find(drives, question->id);

    if (drive && drive->state == DRIVE_ASKING) {
        if (err && (err->code == NT_UNAVAILABLE || err->code == NT_TIMEOUT)) {
            drive->state = DRIVE_IDLE;
            drive->ask_at = nt_mono_ms(drives->env.clock) + RETRY_MS;
        } else if (err) {
            drive->err = *err;
            drive->state = DRIVE_FAILED;
        } else {
            drive->state =
                make(drives, drive, result, &drive->err) < 0 ? DRIVE_FAILED : DRIVE_MAKING;
        }
    }
    free(question);
}

static void
ask(struct config_drives *drives, struct drive *drive)
{
    struct nt_get_config_drive_args args = { .host = "" };
    struct question *question = xzalloc(sizeof *question);

    question->drives = drives;
    ovs_strlcpy(question->id, drive->id, sizeof question->id);
    ovs_strlcpy(args.id, drive->id, sizeof args.id);
    ovs_strlcpy(args.host, drives->env.host, sizeof args.host);
    drive->state = DRIVE_ASKING;
    nt_rpc_call(drives->env.bus, NT_TO(&nt_conductor, NULL, "get_config_drive"), &args,
                CALL_TIMEOUT_MS, answered, question);
}

int
config_drives_make(struct config_drives *drives, const struct guest *guest, struct nt_err *err)
{
    struct drive *drive = find(drives, guest->view.id);
    AUTO_FREE char *path = drive ? NULL : config_drive_path(guest, drives->env.instances_path);

    if (path) {
        return 0;
    }
    if (!drive) {
        drive = new_drive(drives, guest);
    }
    if (drive->state == DRIVE_IDLE && nt_bus_is_connected(drives->env.bus)
        && nt_mono_ms(drives->env.clock) >= drive->ask_at) {
        ask(drives, drive);
    }
    if (drive->state == DRIVE_FAILED) {
        int rc = nt_fail(err, NT_FAULT, "its config drive cannot be made: %s", drive->err.msg);

        forget(drive);
        return rc;
    }
    if (drive->state == DRIVE_READY) {
        forget(drive);
        return 0;
    }
    return 1;
}

void
config_drives_wait(const struct config_drives *drives)
{
    const struct drive *drive;

    LIST_FOR_EACH (drive, node, &drives->drives) {
        if (drive->state == DRIVE_READY || drive->state == DRIVE_FAILED) {
            poll_immediate_wake();
        } else if (drive->state == DRIVE_IDLE && nt_bus_is_connected(drives->env.bus)) {
            poll_timer_wait_until(drive->ask_at);
        }
    }
}
