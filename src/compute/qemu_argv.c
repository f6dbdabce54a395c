#include <config.h>

#include "compute/qemu_argv.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "compute/disk.h"
#include "openvswitch/dynamic-string.h"

#define DEFAULT_COMMAND_LINE "console=ttyS0"

char *
qemu_monitor_path(const struct guest *guest, const char *instances_path)
{
    return guest_file(instances_path, guest->view.number, "qmp.sock");
}

struct arguments {
    char **values;
    size_t n, allocated;
};

/* Takes 'value'. */
static void
add_owned(struct arguments *argv, char *value)
{
    if (argv->n >= argv->allocated) {
        argv->values = x2nrealloc(argv->values, &argv->allocated, sizeof *argv->values);
    }
    argv->values[argv->n++] = value;
}

static void
add_word(struct arguments *argv, const char *value)
{
    add_owned(argv, xstrdup(value));
}

/* A value inside an option: a comma is written twice. */
static char *
escaped(const char *value)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (; *value; value++) {
        ds_put_char(&s, *value);
        if (*value == ',') {
            ds_put_char(&s, ',');
        }
    }
    return ds_steal_cstr(&s);
}

static void
add(struct arguments *argv, const char *option, const char *value)
{
    add_word(argv, option);
    add_word(argv, value);
}

static void NT_PRINTF(3, 4)
    addf(struct arguments *argv, const char *option, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_word(argv, option);
    add_owned(argv, xvasprintf(format, args));
    va_end(args);
}

static void
add_identity(const struct qemu_machine *m, struct arguments *argv)
{
    const struct nt_instance_view *view = &m->guest->view;

    addf(argv, "-name", "guest=instance-%08llx", (unsigned long long) view->number);
    add(argv, "-uuid", view->id);
}

static void
add_hardware(const struct qemu_machine *m, struct arguments *argv)
{
    const struct nt_instance_view *view = &m->guest->view;

    addf(argv, "-machine", "pc,accel=%s,usb=off", m->kvm ? "kvm" : "tcg");
    add(argv, "-cpu", m->kvm ? "host" : "max");
    addf(argv, "-smp", "%lld", (long long) MAX(view->vcpus, 1));
    addf(argv, "-m", "%lldM", (long long) MAX(view->ram_mb, 1));
    /* Nothing that was not asked for: no floppy, no CD, no screen, no file of defaults. */
    add_word(argv, "-nodefaults");
    add_word(argv, "-no-user-config");
    add(argv, "-display", "none");
    add(argv, "-rtc", "base=utc");
    add(argv, "-boot", "strict=on");
    add(argv, "-msg", "timestamp=on");
    add(argv, "-object", "rng-random,id=rng0,filename=/dev/urandom");
    add(argv, "-device", "virtio-rng-pci,rng=rng0");
}

/* What the machine may ask of the host's kernel once it runs.  Giving up its rights is
 * one of the calls that 'elevateprivileges' would end it for. */
static void
add_confinement(const struct qemu_machine *m, struct arguments *argv)
{
    addf(argv, "-sandbox", "on,obsolete=deny,elevateprivileges=%s,spawn=deny,resourcecontrol=deny",
         *m->run_as ? "allow" : "deny");
    if (*m->run_as) {
        add(argv, "-runas", m->run_as);
    }
}

static void
add_doors(const struct qemu_machine *m, struct arguments *argv)
{
    AUTO_FREE char *monitor = qemu_monitor_path(m->guest, m->instances_path);
    AUTO_FREE char *console = guest_file(m->instances_path, m->guest->view.number, "console.log");
    AUTO_FREE char *monitor_value = escaped(monitor);
    AUTO_FREE char *console_value = escaped(console);

    addf(argv, "-chardev", "socket,id=monitor,path=%s,server=on,wait=off", monitor_value);
    add(argv, "-mon", "chardev=monitor,mode=control");
    addf(argv, "-chardev", "file,id=console,path=%s,append=on", console_value);
    add(argv, "-serial", "chardev:console");
}

static void
add_disks(const struct qemu_machine *m, struct arguments *argv)
{
    if (!disk_is_absent(m->guest)) {
        AUTO_FREE char *path = disk_path(m->guest, m->instances_path);
        AUTO_FREE char *value = escaped(path);

        addf(argv, "-drive", "file=%s,format=qcow2,if=none,id=disk0,discard=unmap", value);
        add(argv, "-device", "virtio-blk-pci,drive=disk0,bootindex=1");
    }
    if (m->config_drive) {
        AUTO_FREE char *value = escaped(m->config_drive);

        addf(argv, "-drive", "file=%s,format=raw,if=none,id=config,readonly=on", value);
        add(argv, "-device", "virtio-blk-pci,drive=config,serial=config-drive");
    }
}

/* The tap is there, in its bridge and guarded; no script runs. */
static void
add_links(const struct qemu_machine *m, struct arguments *argv)
{
    const struct nt_instance_view *view = &m->guest->view;

    for (size_t i = 0; i < view->n_vifs; i++) {
        addf(argv, "-netdev", "tap,id=net%zu,ifname=%s,script=no,downscript=no", i,
             m->guest->ifnames[i]);

        /* Without its boot ROM: nothing boots from a network here. */
        AUTO_FREE char *mtu = view->vifs[i].mtu
                                  ? xasprintf(",host_mtu=%lld", (long long) view->vifs[i].mtu)
                                  : xstrdup("");
        addf(argv, "-device", "virtio-net-pci,netdev=net%zu,mac=%s,romfile=%s", i,
             view->vifs[i].mac, mtu);
    }
}

static void
add_kernel(const struct qemu_machine *m, struct arguments *argv)
{
    const struct nt_instance_view *view = &m->guest->view;

    if (*view->image_kernel) {
        const char *line = view->image_command_line;

        add(argv, "-kernel", view->image_kernel);
        if (*view->image_ramdisk) {
            add(argv, "-initrd", view->image_ramdisk);
        }
        add(argv, "-append", *line ? line : DEFAULT_COMMAND_LINE);
    }
}

char **
qemu_argv(const struct qemu_machine *m)
{
    struct arguments argv = { .n = 0 };

    add_word(&argv, m->binary);
    add_identity(m, &argv);
    add_hardware(m, &argv);
    add_confinement(m, &argv);
    add_doors(m, &argv);
    add_disks(m, &argv);
    add_links(m, &argv);
    add_kernel(m, &argv);
    add_owned(&argv, NULL);
    return argv.values;
}

void
qemu_argv_free(char **argv)
{
    for (size_t i = 0; argv && argv[i]; i++) {
        free(argv[i]);
    }
    free(argv);
}

bool
qemu_argv_is_of(const char *cmdline, size_t n, const struct guest *guest,
                const char *instances_path)
{
    AUTO_FREE char *path = qemu_monitor_path(guest, instances_path);
    AUTO_FREE char *value = escaped(path);
    AUTO_FREE char *monitor = xasprintf("socket,id=monitor,path=%s,server=on,wait=off", value);
    const char *before = "";
    bool has_id = false, has_monitor = false;

    /* The text ends with a NUL, if it was not cut. */
    for (const char *p = cmdline, *end = cmdline + n; p < end && memchr(p, '\0', end - p);
         p += strlen(p) + 1) {
        has_id |= !strcmp(before, "-uuid") && !strcmp(p, guest->view.id);
        has_monitor |= !strcmp(before, "-chardev") && !strcmp(p, monitor);
        before = p;
    }
    return has_id && has_monitor;
}
