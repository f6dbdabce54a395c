#include <config.h>

#include "compute/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "net/text.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"

#define MAX_RECORD (1 << 20)

/* What of a guest is in its record, besides the view. */
struct record_vif {
    char ifname[NT_IFNAME_SIZE];
};
struct record {
    struct nt_instance_view instance;
    struct record_vif *devices;
    size_t n_devices;
    char handle[NT_HOST_SIZE];
    int64_t pid, pid_start;
    int64_t generation, reboot;
    bool wants_off, started, launched;
    char fault[NT_ERR_SIZE];
};

static const struct nt_field record_vif_fields[] = {
    { "ifname", NT_F_STR, NT_AT(struct record_vif, ifname), NT_IN_RPC },
    { 0 },
};

static const struct nt_field record_fields[] = {
    { "instance", NT_F_OBJECT, NT_AT(struct record, instance), NT_IN_RPC | NT_REQUIRED,
      .fields = nt_instance_view_fields },
    NT_ARRAY_FIELD("devices", struct record, devices, n_devices, record_vif_fields, NT_IN_RPC),
    { "handle", NT_F_STR, NT_AT(struct record, handle), NT_IN_RPC },
    { "pid", NT_F_INT, NT_AT(struct record, pid), NT_IN_RPC },
    { "pid_start", NT_F_INT, NT_AT(struct record, pid_start), NT_IN_RPC },
    { "generation", NT_F_INT, NT_AT(struct record, generation), NT_IN_RPC },
    { "reboot", NT_F_INT, NT_AT(struct record, reboot), NT_IN_RPC, 0, GUEST_REBOOT_HARD },
    { "wants_off", NT_F_BOOL, NT_AT(struct record, wants_off), NT_IN_RPC },
    { "started", NT_F_BOOL, NT_AT(struct record, started), NT_IN_RPC },
    { "launched", NT_F_BOOL, NT_AT(struct record, launched), NT_IN_RPC },
    { "fault", NT_F_STR, NT_AT(struct record, fault), NT_IN_RPC },
    { 0 },
};

struct guest *
guest_new(const struct nt_instance_view *view)
{
    struct guest *guest = xzalloc(sizeof *guest);

    nt_fields_copy(nt_instance_view_fields, &guest->view, view);
    guest->generation = view->power_generation;
    guest->ifnames = xcalloc(view->n_vifs ? view->n_vifs : 1, sizeof *guest->ifnames);
    return guest;
}

void
guest_free(struct guest *guest)
{
    if (guest) {
        nt_instance_view_clear(&guest->view);
        free(guest->ifnames);
        free(guest);
    }
}

char *
guest_folder(const char *instances_path, int64_t number)
{
    return xasprintf("%s/instance-%08llx", instances_path, (unsigned long long) number);
}

char *
guest_file(const char *instances_path, int64_t number, const char *name)
{
    return xasprintf("%s/instance-%08llx/%s", instances_path, (unsigned long long) number, name);
}

int
guest_save(const struct guest *guest, const char *instances_path, struct nt_err *err)
{
    AUTO_FREE char *path = guest_file(instances_path, guest->view.number, "instance.json");
    struct record record = { .instance = guest->view,
                             .pid = guest->pid,
                             .pid_start = guest->pid_start,
                             .generation = guest->generation,
                             .reboot = guest->reboot,
                             .wants_off = guest->wants_off,
                             .started = guest->started,
                             .launched = guest->launched };

    ovs_strlcpy(record.handle, guest->handle, sizeof record.handle);
    ovs_strlcpy(record.fault, guest->fault, sizeof record.fault);
    record.n_devices = guest->view.n_vifs;
    record.devices = xcalloc(record.n_devices ? record.n_devices : 1, sizeof *record.devices);
    for (size_t i = 0; i < record.n_devices; i++) {
        ovs_strlcpy(record.devices[i].ifname, guest->ifnames[i], NT_IFNAME_SIZE);
    }

    struct json *json = nt_fields_json(record_fields, NT_IN_RPC, &record);
    AUTO_FREE char *text = json_to_string(json, JSSF_PRETTY | JSSF_SORT);
    json_destroy(json);
    free(record.devices);
    return nt_file_replace(path, text, strlen(text), 0600, NULL, err);
}

int
guest_load(const char *folder, struct guest **out, struct nt_err *err)
{
    AUTO_FREE char *path = nt_path_join(folder, "instance.json");
    AUTO_FREE char *text = NULL;
    int rc = nt_file_read(path, MAX_RECORD, &text, NULL);

    if (rc < 0) {
        return nt_fail_errno(err, -rc, "cannot read %s", path);
    }

    struct json *json = json_from_string(text);
    struct record record = { .pid = 0 };
    rc = nt_fields_parse(record_fields, NT_IN_RPC, json, "record", &record, err);
    json_destroy(json);
    if (!rc) {
        struct guest *guest = guest_new(&record.instance);

        for (size_t i = 0; i < record.n_devices && i < guest->view.n_vifs; i++) {
            ovs_strlcpy(guest->ifnames[i], record.devices[i].ifname, NT_IFNAME_SIZE);
        }
        ovs_strlcpy(guest->handle, record.handle, sizeof guest->handle);
        guest->pid = record.pid;
        guest->pid_start = record.pid_start;
        guest->generation = record.generation;
        guest->wants_off = record.wants_off;
        guest->reboot = record.reboot;
        /* A record of before these were in it has the process alone. */
        guest->started = record.started || record.pid;
        guest->launched = record.launched || record.pid;
        ovs_strlcpy(guest->fault, record.fault, sizeof guest->fault);
        *out = guest;
    } else {
        nt_err_context(err, "%s", path);
    }
    nt_fields_clear(record_fields, &record);
    return rc;
}

static char *
clean_text(const char *text, size_t len)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < len;) {
        const unsigned char *p = (const unsigned char *) text + i;
        size_t n = nt_utf8_length(text + i, len - i);
        bool control = *p < ' ' ? *p != '\t' && *p != '\n' && *p != '\r' : *p == 0x7f;

        if (n && !control) {
            ds_put_buffer(&ds, (const char *) p, n);
        }
        i += n ? n : 1;
    }
    return ds_steal_cstr(&ds);
}

/* Where the last 'n_lines' lines begin. */
static size_t
tail_offset(const char *text, size_t len, int64_t n_lines)
{
    size_t i = len;

    if (i && text[i - 1] == '\n') {
        i--;
    }
    while (i > 0) {
        if (text[i - 1] == '\n' && --n_lines == 0) {
            return i;
        }
        i--;
    }
    return 0;
}

char *
guest_console(const char *path, int64_t n_lines, size_t max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0) {
        if (fd >= 0) {
            close(fd);
        }
        return xstrdup("");
    }

    size_t want = (size_t) st.st_size < max ? (size_t) st.st_size : max;
    AUTO_FREE char *text = xmalloc(want + 1);
    ssize_t got = pread(fd, text, want, st.st_size - want);
    close(fd);

    size_t len = got > 0 ? got : 0;
    size_t start = n_lines > 0 ? tail_offset(text, len, n_lines) : 0;
    return clean_text(text + start, len - start);
}

void
guest_console_trim(const char *path, size_t keep)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;

    if (fd < 0) {
        return;
    }
    /* Blocks in use, not the length: what was given back is not given back again. */
    if (!fstat(fd, &st) && st.st_size > (off_t) keep
        && (int64_t) st.st_blocks * 512 > (int64_t) (2 * keep)) {
        (void) !fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, st.st_size - keep);
    }
    close(fd);
}
