#include <config.h>

#include "host/kvm.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

NT_LOG_MODULE(host_kvm);

/* Takes a quarter of a second where it works. */
#define LIMIT_MS 5000
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define SECTOR 512

/* 16-bit code at 0x7c00.  The BIOS counts clock interrupts at 0040:006c; after two more
 * the debug-exit device turns 42 into the status 2 * 42 + 1. */
static const unsigned char code[] = {
    0xfb, /*       sti               */
    0xb8, 0x40,
    0x00,       /*       mov  ax, 0x40     */
    0x8e, 0xd8, /*       mov  ds, ax       */
    0xa1, 0x6c,
    0x00, /*       mov  ax, [0x6c]   */
    0x83, 0xc0,
    0x02, /*       add  ax, 2        */
    0xf4, /* wait: hlt               */
    0x39, 0x06,
    0x6c, 0x00,                    /*       cmp  [0x6c], ax   */
    0x78, 0xf9,                    /*       js   wait         */
    0xb0, NT_KVM_PROBE_STATUS / 2, /*       mov  al, 42       */
    0xe6, 0xf4,                    /*       out  0xf4, al     */
    0xf4,                          /* end:  hlt               */
    0xeb, 0xfd,                    /*       jmp  end          */
};

struct nt_kvm_probe {
    struct nt_child *child; /* At work; NULL: none. */
    enum nt_kvm_answer answer;
    char why[160];
    char *sector, *drive, *kept;
};

int
nt_kvm_probe_write_sector(const char *path)
{
    unsigned char sector[SECTOR] = { 0 };
    struct nt_err err;

    memcpy(sector, code, sizeof code);
    sector[SECTOR - 2] = 0x55;
    sector[SECTOR - 1] = 0xaa;
    return nt_file_replace_soft(path, (const char *) sector, sizeof sector, 0644, NULL, &err) < 0
               ? -EIO
               : 0;
}

void
nt_kvm_probe_args(const char *binary, const char *accel, const char *drive,
                  const char *argv[NT_KVM_PROBE_N_ARGS])
{
    const char *const args[NT_KVM_PROBE_N_ARGS] = {
        binary,
        "-accel",
        accel,
        "-machine",
        "pc",
        "-m",
        "16",
        "-display",
        "none",
        "-nodefaults",
        "-no-user-config",
        "-sandbox",
        "on",
        "-drive",
        drive,
        "-device",
        "isa-debug-exit,iobase=0xf4,iosize=0x4",
        "-no-reboot",
        NULL,
    };

    memcpy(argv, args, sizeof args);
}

/* The first line of 'path' without its end, or an empty text. */
static void
first_line(const char *path, char *out, size_t size)
{
    char *text = NULL;

    *out = '\0';
    if (!nt_file_read(path, 4096, &text, NULL)) {
        text[strcspn(text, "\n")] = '\0';
        ovs_strlcpy(out, text, size);
        free(text);
    }
}

static void
answer(struct nt_kvm_probe *probe, enum nt_kvm_answer value, const char *why)
{
    probe->answer = value;
    ovs_strlcpy(probe->why, why, sizeof probe->why);
    nt_info(value == NT_KVM_WORKS ? "guests run with KVM" : "guests run without KVM", "why", why,
            NULL);
}

/* What an earlier program found since the machine was started. */
static bool
recall(struct nt_kvm_probe *probe)
{
    char boot[64], kept[256];
    size_t n;

    first_line(BOOT_ID, boot, sizeof boot);
    first_line(probe->kept, kept, sizeof kept);
    n = strlen(boot);
    if (!n || strncmp(kept, boot, n) || kept[n] != ' ') {
        return false;
    }

    const char *rest = kept + n + 1;
    bool works = !strncmp(rest, "works ", 6);
    if (!works && strncmp(rest, "fails ", 6)) {
        return false;
    }
    answer(probe, works ? NT_KVM_WORKS : NT_KVM_FAILS, rest + 6);
    return true;
}

static void
remember(const struct nt_kvm_probe *probe)
{
    char boot[64];
    struct nt_err err = { 0 };

    first_line(BOOT_ID, boot, sizeof boot);

    AUTO_FREE char *text = xasprintf("%s %s %s\n", boot,
                                     probe->answer == NT_KVM_WORKS ? "works" : "fails", probe->why);
    if (nt_file_replace_soft(probe->kept, text, strlen(text), 0644, NULL, &err) < 0) {
        nt_warn("whether KVM works is not kept", "why", err.msg, NULL);
    }
}

static void
ended(void *probe_, const struct nt_child_result *result)
{
    struct nt_kvm_probe *probe = probe_;
    char what[128];

    probe->child = NULL;
    (void) unlink(probe->sector);
    if (!result->timed_out && WIFEXITED(result->status)
        && WEXITSTATUS(result->status) == NT_KVM_PROBE_STATUS) {
        answer(probe, NT_KVM_WORKS, "a short boot ended");
    } else {
        nt_child_describe(result, what, sizeof what);

        AUTO_FREE char *why = xasprintf("a short boot did not end as it should: %s", what);
        answer(probe, NT_KVM_FAILS, why);
    }
    remember(probe);
}

struct nt_kvm_probe *
nt_kvm_probe_new(struct nt_children *children, const char *binary, const char *device,
                 const char *folder)
{
    struct nt_kvm_probe *probe = xzalloc(sizeof *probe);
    const char *argv[NT_KVM_PROBE_N_ARGS];
    const struct nt_child_opts opts = { .argv = argv, .timeout_ms = LIMIT_MS };
    struct nt_err err = { 0 };

    probe->sector = nt_path_join(folder, "kvm-probe.img");
    probe->drive = xasprintf("file=%s,format=raw,if=floppy,readonly=on", probe->sector);
    probe->kept = nt_path_join(folder, "kvm-probe");
    nt_kvm_probe_args(binary, "kvm", probe->drive, argv);
    if (access(device, R_OK | W_OK) < 0) {
        AUTO_FREE char *why = xasprintf("%s: %s", device, ovs_strerror(errno));

        answer(probe, NT_KVM_FAILS, why);
    } else if (!recall(probe)) {
        int error = nt_kvm_probe_write_sector(probe->sector);

        if (error || nt_child_start(children, &opts, ended, probe, &probe->child, &err) < 0) {
            answer(probe, NT_KVM_FAILS, error ? "no short boot could be made" : err.msg);
        }
    }
    return probe;
}

void
nt_kvm_probe_free(struct nt_kvm_probe *probe)
{
    if (probe) {
        if (probe->child) {
            nt_child_forget(probe->child);
            nt_child_kill(probe->child, SIGKILL);
        }
        free(probe->sector);
        free(probe->drive);
        free(probe->kept);
        free(probe);
    }
}

enum nt_kvm_answer
nt_kvm_probe_get(const struct nt_kvm_probe *probe)
{
    return probe->answer;
}

const char *
nt_kvm_probe_why(const struct nt_kvm_probe *probe)
{
    return probe->why;
}
