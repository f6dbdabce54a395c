#include <config.h>

#include "compute/libvirt_xml.h"

#include <string.h>

#include "base/mem.h"
#include "compute/disk.h"
#include "openvswitch/dynamic-string.h"

#define DEFAULT_COMMAND_LINE "console=ttyS0"

static void
put_escaped(struct ds *s, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            ds_put_cstr(s, "&amp;");
            break;
        case '<':
            ds_put_cstr(s, "&lt;");
            break;
        case '>':
            ds_put_cstr(s, "&gt;");
            break;
        case '\'':
            ds_put_cstr(s, "&apos;");
            break;
        case '"':
            ds_put_cstr(s, "&quot;");
            break;
        default:
            ds_put_char(s, *text);
        }
    }
}

/* "<NAME>TEXT</NAME>" */
static void
put_element(struct ds *s, const char *name, const char *text)
{
    ds_put_format(s, "    <%s>", name);
    put_escaped(s, text);
    ds_put_format(s, "</%s>\n", name);
}

static void
put_os(struct ds *s, const struct nt_instance_view *view)
{
    ds_put_cstr(s, "  <os>\n    <type arch='x86_64' machine='pc'>hvm</type>\n");
    if (*view->image_kernel) {
        const char *line = view->image_command_line;

        put_element(s, "kernel", view->image_kernel);
        if (*view->image_ramdisk) {
            put_element(s, "initrd", view->image_ramdisk);
        }
        put_element(s, "cmdline", *line ? line : DEFAULT_COMMAND_LINE);
    }
    ds_put_cstr(s, "  </os>\n");
}

static void
put_disk(struct ds *s, const struct guest *guest, const char *instances_path)
{
    AUTO_FREE char *path = disk_path(guest, instances_path);

    if (!disk_is_absent(guest)) {
        ds_put_cstr(s, "    <disk type='file' device='disk'>\n"
                       "      <driver name='qemu' type='qcow2' discard='unmap'/>\n"
                       "      <source file='");
        put_escaped(s, path);
        ds_put_cstr(s, "'/>\n      <target dev='vda' bus='virtio'/>\n    </disk>\n");
    }
}

/* Behind the disk, if there is one. */
static void
put_config_drive(struct ds *s, const struct guest *guest, const char *path)
{
    if (path) {
        ds_put_cstr(s, "    <disk type='file' device='disk'>\n"
                       "      <driver name='qemu' type='raw'/>\n      <source file='");
        put_escaped(s, path);
        ds_put_format(s,
                      "'/>\n      <target dev='%s' bus='virtio'/>\n      <readonly/>\n"
                      "      <serial>config-drive</serial>\n    </disk>\n",
                      disk_is_absent(guest) ? "vda" : "vdb");
    }
}

static void
put_links(struct ds *s, const struct guest *guest)
{
    for (size_t i = 0; i < guest->view.n_vifs; i++) {
        const struct nt_vif *vif = &guest->view.vifs[i];

        ds_put_format(s, "    <interface type='ethernet'>\n      <mac address='%s'/>\n", vif->mac);
        ds_put_format(s, "      <target dev='%s' managed='no'/>\n", guest->ifnames[i]);
        if (vif->mtu) {
            ds_put_format(s, "      <mtu size='%lld'/>\n", (long long) vif->mtu);
        }
        ds_put_cstr(s, "      <model type='virtio'/>\n      <rom enabled='no'/>\n"
                       "    </interface>\n");
    }
}

static void
put_console(struct ds *s, const struct guest *guest, const char *instances_path)
{
    AUTO_FREE char *path = guest_file(instances_path, guest->view.number, "console.log");

    ds_put_cstr(s, "    <serial type='file'>\n      <source path='");
    put_escaped(s, path);
    ds_put_cstr(s, "' append='on'/>\n      <target port='0'/>\n    </serial>\n");
}

char *
libvirt_xml(const struct guest *guest, const char *instances_path, const char *config_drive,
            bool kvm)
{
    const struct nt_instance_view *view = &guest->view;
    struct ds s = DS_EMPTY_INITIALIZER;

    ds_put_format(&s, "<domain type='%s'>\n", kvm ? "kvm" : "qemu");
    ds_put_format(&s, "  <name>instance-%08llx</name>\n  <uuid>%s</uuid>\n",
                  (unsigned long long) view->number, view->id);
    ds_put_format(&s, "  <memory unit='MiB'>%lld</memory>\n  <vcpu>%lld</vcpu>\n",
                  (long long) MAX(view->ram_mb, 1), (long long) MAX(view->vcpus, 1));
    put_os(&s, view);
    ds_put_cstr(&s, "  <features>\n    <acpi/>\n    <apic/>\n  </features>\n");
    ds_put_format(&s, "  <cpu mode='%s'/>\n", kvm ? "host-passthrough" : "maximum");
    ds_put_cstr(&s, "  <clock offset='utc'/>\n  <on_poweroff>destroy</on_poweroff>\n"
                    "  <on_reboot>restart</on_reboot>\n  <on_crash>destroy</on_crash>\n"
                    "  <devices>\n");
    put_disk(&s, guest, instances_path);
    put_config_drive(&s, guest, config_drive);
    put_links(&s, guest);
    put_console(&s, guest, instances_path);
    ds_put_cstr(&s, "    <rng model='virtio'>\n"
                    "      <backend model='random'>/dev/urandom</backend>\n    </rng>\n"
                    "    <memballoon model='none'/>\n  </devices>\n</domain>\n");
    return ds_steal_cstr(&s);
}

bool
libvirt_is_of(const char *cmdline, size_t n, const struct guest *guest, const char *instances_path)
{
    AUTO_FREE char *name =
        xasprintf("guest=instance-%08llx,", (unsigned long long) guest->view.number);
    const char *before = "";
    bool has_id = false, has_name = false;

    (void) instances_path;
    for (const char *p = cmdline, *end = cmdline + n; p < end && memchr(p, '\0', end - p);
         p += strlen(p) + 1) {
        has_id |= !strcmp(before, "-uuid") && !strcmp(p, guest->view.id);
        has_name |= !strcmp(before, "-name") && !strncmp(p, name, strlen(name));
        before = p;
    }
    return has_id && has_name;
}
