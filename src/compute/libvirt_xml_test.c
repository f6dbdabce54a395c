#include <config.h>

#include "compute/libvirt_xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#define ID "99999999-9999-4999-8999-999999999999"

static struct nt_vif vif = { .mac = "fa:16:3e:2c:e8:ec", .bridge = "br100", .mtu = 1450 };

static const struct nt_instance_view view = { .id = ID,
                                              .number = 9,
                                              .ram_mb = 512,
                                              .vcpus = 2,
                                              .image_location = "/images/x",
                                              .image_kernel = "/images/vmlinuz",
                                              .image_ramdisk = "/images/initramfs.gz",
                                              .image_command_line = "a<b & 'c'",
                                              .vifs = &vif,
                                              .n_vifs = 1 };

static void
the_description_of_a_machine(void **state)
{
    AUTO(guest) guest = guest_new(&view);

    (void) state;
    strcpy(guest->ifnames[0], "vnet0");
    AUTO_FREE char *xml = libvirt_xml(guest, "/var/lib/nova/instances", NULL, false);

    assert_string_equal(xml,
                        "<domain type='qemu'>\n"
                        "  <name>instance-00000009</name>\n"
                        "  <uuid>" ID "</uuid>\n"
                        "  <memory unit='MiB'>512</memory>\n"
                        "  <vcpu>2</vcpu>\n"
                        "  <os>\n"
                        "    <type arch='x86_64' machine='pc'>hvm</type>\n"
                        "    <kernel>/images/vmlinuz</kernel>\n"
                        "    <initrd>/images/initramfs.gz</initrd>\n"
                        "    <cmdline>a&lt;b &amp; &apos;c&apos;</cmdline>\n"
                        "  </os>\n"
                        "  <features>\n"
                        "    <acpi/>\n"
                        "    <apic/>\n"
                        "  </features>\n"
                        "  <cpu mode='maximum'/>\n"
                        "  <clock offset='utc'/>\n"
                        "  <on_poweroff>destroy</on_poweroff>\n"
                        "  <on_reboot>restart</on_reboot>\n"
                        "  <on_crash>destroy</on_crash>\n"
                        "  <devices>\n"
                        "    <disk type='file' device='disk'>\n"
                        "      <driver name='qemu' type='qcow2' discard='unmap'/>\n"
                        "      <source file='/var/lib/nova/instances/instance-00000009/disk'/>\n"
                        "      <target dev='vda' bus='virtio'/>\n"
                        "    </disk>\n"
                        "    <interface type='ethernet'>\n"
                        "      <mac address='fa:16:3e:2c:e8:ec'/>\n"
                        "      <target dev='vnet0' managed='no'/>\n"
                        "      <mtu size='1450'/>\n"
                        "      <model type='virtio'/>\n"
                        "      <rom enabled='no'/>\n"
                        "    </interface>\n"
                        "    <serial type='file'>\n"
                        "      <source path='/var/lib/nova/instances/instance-00000009/console.log'"
                        " append='on'/>\n"
                        "      <target port='0'/>\n"
                        "    </serial>\n"
                        "    <rng model='virtio'>\n"
                        "      <backend model='random'>/dev/urandom</backend>\n"
                        "    </rng>\n"
                        "    <memballoon model='none'/>\n"
                        "  </devices>\n"
                        "</domain>\n");
}

static void
kvm_is_a_type_of_its_own(void **state)
{
    AUTO(guest) guest = guest_new(&view);
    AUTO_FREE char *xml = libvirt_xml(guest, "/i", "/i/c&d", true);

    (void) state;
    assert_non_null(strstr(xml, "<domain type='kvm'>"));
    assert_non_null(strstr(xml, "<cpu mode='host-passthrough'/>"));
    assert_non_null(strstr(xml, "<source file='/i/c&amp;d'/>"));
    assert_non_null(strstr(xml, "<readonly/>"));
}

static void
its_process_is_known_by_name_and_uuid(void **state)
{
    static const char theirs[] = "qemu\0-name\0guest=instance-00000009,debug-threads=on\0"
                                 "-uuid\0" ID;
    static const char other[] = "qemu\0-name\0guest=instance-0000000a,debug-threads=on\0"
                                "-uuid\0" ID;
    AUTO(guest) guest = guest_new(&view);

    (void) state;
    assert_true(libvirt_is_of(theirs, sizeof theirs, guest, "/i"));
    assert_false(libvirt_is_of(theirs, sizeof theirs - 1, guest, "/i"));
    assert_false(libvirt_is_of(other, sizeof other, guest, "/i"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_description_of_a_machine),
        cmocka_unit_test(kvm_is_a_type_of_its_own),
        cmocka_unit_test(its_process_is_known_by_name_and_uuid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
