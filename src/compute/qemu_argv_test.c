#include <config.h>

#include "compute/qemu_argv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"

#define ID "99999999-9999-4999-8999-999999999999"

static struct nt_vif vifs[] = {
    { .mac = "fa:16:3e:2c:e8:ec", .bridge = "br100", .mtu = 1450 },
    { .mac = "fa:16:3e:00:00:02", .bridge = "br200" },
};

static const struct nt_instance_view plain = {
    .id = ID, .number = 9, .ram_mb = 512, .vcpus = 2, .vifs = vifs, .n_vifs = 1
};

static struct guest *
new_guest(const struct nt_instance_view *view)
{
    struct guest *guest = guest_new(view);

    for (size_t i = 0; i < view->n_vifs; i++) {
        snprintf(guest->ifnames[i], NT_IFNAME_SIZE, "vnet%zu", i);
    }
    return guest;
}

static char *
text_of(const struct qemu_machine *machine)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    char **argv = qemu_argv(machine);

    for (size_t i = 0; argv[i]; i++) {
        ds_put_format(&s, "%s%s", !i ? "" : *argv[i] == '-' ? "\n" : " ", argv[i]);
    }
    qemu_argv_free(argv);
    return ds_steal_cstr(&s);
}

static void
check_machine(const struct nt_instance_view *view, bool kvm, const char *run_as, const char *wanted)
{
    AUTO(guest) guest = new_guest(view);
    const struct qemu_machine machine = { .guest = guest,
                                          .binary = "qemu-system-x86_64",
                                          .instances_path = "/var/lib/nova/instances",
                                          .run_as = run_as,
                                          .kvm = kvm };
    AUTO_FREE char *text = text_of(&machine);

    assert_string_equal(text, wanted);
}

static void
a_kernel_and_a_ramdisk(void **state)
{
    struct nt_instance_view view = plain;

    (void) state;
    ovs_strlcpy(view.image_kernel, "/images/vmlinuz", sizeof view.image_kernel);
    ovs_strlcpy(view.image_ramdisk, "/images/initramfs.gz", sizeof view.image_ramdisk);
    check_machine(
        &view, false, "",
        "qemu-system-x86_64\n"
        "-name guest=instance-00000009\n"
        "-uuid " ID "\n"
        "-machine pc,accel=tcg,usb=off\n"
        "-cpu max\n"
        "-smp 2\n"
        "-m 512M\n"
        "-nodefaults\n"
        "-no-user-config\n"
        "-display none\n"
        "-rtc base=utc\n"
        "-boot strict=on\n"
        "-msg timestamp=on\n"
        "-object rng-random,id=rng0,filename=/dev/urandom\n"
        "-device virtio-rng-pci,rng=rng0\n"
        "-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny\n"
        "-chardev socket,id=monitor,path=/var/lib/nova/instances/instance-00000009/qmp.sock,"
        "server=on,wait=off\n"
        "-mon chardev=monitor,mode=control\n"
        "-chardev file,id=console,path=/var/lib/nova/instances/instance-00000009/console.log,"
        "append=on\n"
        "-serial chardev:console\n"
        "-netdev tap,id=net0,ifname=vnet0,script=no,downscript=no\n"
        "-device virtio-net-pci,netdev=net0,mac=fa:16:3e:2c:e8:ec,romfile=,host_mtu=1450\n"
        "-kernel /images/vmlinuz\n"
        "-initrd /images/initramfs.gz\n"
        "-append console=ttyS0");
}

static void
a_disk_that_boots_itself(void **state)
{
    struct nt_instance_view view = plain;

    (void) state;
    view.n_vifs = 2;
    ovs_strlcpy(view.image_location, "/images/debian.qcow2", sizeof view.image_location);
    check_machine(
        &view, true, "nobody",
        "qemu-system-x86_64\n"
        "-name guest=instance-00000009\n"
        "-uuid " ID "\n"
        "-machine pc,accel=kvm,usb=off\n"
        "-cpu host\n"
        "-smp 2\n"
        "-m 512M\n"
        "-nodefaults\n"
        "-no-user-config\n"
        "-display none\n"
        "-rtc base=utc\n"
        "-boot strict=on\n"
        "-msg timestamp=on\n"
        "-object rng-random,id=rng0,filename=/dev/urandom\n"
        "-device virtio-rng-pci,rng=rng0\n"
        "-sandbox on,obsolete=deny,elevateprivileges=allow,spawn=deny,resourcecontrol=deny\n"
        "-runas nobody\n"
        "-chardev socket,id=monitor,path=/var/lib/nova/instances/instance-00000009/qmp.sock,"
        "server=on,wait=off\n"
        "-mon chardev=monitor,mode=control\n"
        "-chardev file,id=console,path=/var/lib/nova/instances/instance-00000009/console.log,"
        "append=on\n"
        "-serial chardev:console\n"
        "-drive file=/var/lib/nova/instances/instance-00000009/disk,format=qcow2,if=none,"
        "id=disk0,discard=unmap\n"
        "-device virtio-blk-pci,drive=disk0,bootindex=1\n"
        "-netdev tap,id=net0,ifname=vnet0,script=no,downscript=no\n"
        "-device virtio-net-pci,netdev=net0,mac=fa:16:3e:2c:e8:ec,romfile=,host_mtu=1450\n"
        "-netdev tap,id=net1,ifname=vnet1,script=no,downscript=no\n"
        "-device virtio-net-pci,netdev=net1,mac=fa:16:3e:00:00:02,romfile=");
}

/* argv as /proc shows it; '*n' is its length. */
static char *
cmdline_of(char **argv, size_t *n)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; argv[i]; i++) {
        ds_put_buffer(&s, argv[i], strlen(argv[i]) + 1);
    }
    *n = s.length;
    return ds_steal_cstr(&s);
}

static void
a_machine_is_known_by_its_arguments(void **state)
{
    AUTO(guest) guest = new_guest(&plain);
    AUTO(guest) other = new_guest(&plain);
    const struct qemu_machine machine = {
        .guest = guest, .binary = "qemu", .instances_path = "/a,b", .run_as = ""
    };
    char **argv = qemu_argv(&machine);
    size_t n;
    AUTO_FREE char *cmdline = cmdline_of(argv, &n);

    (void) state;
    qemu_argv_free(argv);
    other->view.id[0] = '8';
    assert_true(qemu_argv_is_of(cmdline, n, guest, "/a,b"));
    assert_false(qemu_argv_is_of(cmdline, n, guest, "/elsewhere"));
    assert_false(qemu_argv_is_of(cmdline, n, other, "/a,b"));
    assert_false(qemu_argv_is_of(cmdline, 0, guest, "/a,b"));
    for (size_t cut = 0; cut < 200; cut++) {
        assert_false(qemu_argv_is_of(cmdline, cut, guest, "/a,b"));
    }
}

/* A path cannot bring options of its own along. */
static void
commas_stay_in_their_value(void **state)
{
    struct nt_instance_view view = plain;

    (void) state;
    ovs_strlcpy(view.image_location, "/images/x", sizeof view.image_location);
    AUTO(guest) guest = new_guest(&view);
    const struct qemu_machine machine = {
        .guest = guest, .binary = "qemu", .instances_path = "/a,snapshot=on", .run_as = ""
    };
    AUTO_FREE char *text = text_of(&machine);

    assert_non_null(strstr(text, "file=/a,,snapshot=on/instance-00000009/disk,format=qcow2"));
    assert_non_null(strstr(text, "path=/a,,snapshot=on/instance-00000009/qmp.sock,server=on"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kernel_and_a_ramdisk),
        cmocka_unit_test(a_disk_that_boots_itself),
        cmocka_unit_test(a_machine_is_known_by_its_arguments),
        cmocka_unit_test(commas_stay_in_their_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
