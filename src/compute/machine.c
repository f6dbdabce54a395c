#include <config.h>

#include "compute/machine.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "compute/process.h"
#include "host/link.h"
#include "host/tap.h"

#define MAX_CMDLINE 65536

void
machine_name(struct driver *driver NT_UNUSED, struct guest *guest)
{
    snprintf(guest->handle, sizeof guest->handle, "instance-%08llx",
             (unsigned long long) guest->view.number);
}

int
machine_unplug(struct driver *driver NT_UNUSED, struct guest *guest, struct nt_err *err)
{
    int rc = 0;

    for (size_t i = 0; i < guest->view.n_vifs; i++) {
        if (*guest->ifnames[i] && nt_link_delete(guest->ifnames[i], err) < 0) {
            rc = -1;
        } else {
            guest->ifnames[i][0] = '\0';
        }
    }
    return rc;
}

int
machine_plug(struct driver *driver, struct guest *guest, struct nt_err *err)
{
    struct nt_err ignored;
    int rc = 0;

    if (!*guest->handle) {
        machine_name(driver, guest);
    }
    for (size_t i = 0; i < guest->view.n_vifs && !rc; i++) {
        const struct nt_vif *vif = &guest->view.vifs[i];
        struct nt_tap_plug_args args = { .bridge = vif->bridge, .mtu = vif->mtu };

        if (!nt_mac_parse(vif->mac, &args.mac)) {
            rc = nt_fail(err, NT_INVALID, "port %s has no MAC address", vif->port_id);
        } else {
            rc = nt_tap_plug(&args, guest->ifnames[i], err);
        }
    }
    if (rc) {
        (void) !machine_unplug(driver, guest, &ignored);
    }
    return rc;
}

void
machine_kvm_init(struct machine_kvm *kvm, const struct driver_env *env)
{
    const char *type = nt_config_str(env->config, "libvirt_type");

    *kvm = (struct machine_kvm){ .said = strcmp(type, "kvm") ? NT_KVM_FAILS : NT_KVM_WORKS };
    if (!strcmp(type, "auto")) {
        kvm->probe =
            nt_kvm_probe_new(env->children, nt_config_str(env->config, "qemu_binary"), "/dev/kvm",
                             nt_config_str(env->config, "neutrino_state_path"));
    }
}

void
machine_kvm_deinit(struct machine_kvm *kvm)
{
    nt_kvm_probe_free(kvm->probe);
}

enum nt_kvm_answer
machine_kvm_get(const struct machine_kvm *kvm)
{
    return kvm->probe ? nt_kvm_probe_get(kvm->probe) : kvm->said;
}

static bool
is_machine_of(pid_t pid, machine_test *test, const struct guest *guest, const char *instances_path)
{
    AUTO_FREE char *path = xasprintf("/proc/%d/cmdline", (int) pid);
    AUTO_FREE char *text = NULL;
    size_t n = 0;

    return process_is_in_our_net(pid) && !nt_file_read(path, MAX_CMDLINE, &text, &n)
           && test(text, n, guest, instances_path);
}

static pid_t
find_machine(machine_test *test, const struct guest *guest, const char *instances_path)
{
    DIR *dir = opendir("/proc");
    pid_t found = 0;

    for (struct dirent *e; dir && !found && (e = readdir(dir));) {
        pid_t pid = isdigit((unsigned char) *e->d_name) ? atoi(e->d_name) : 0;

        if (pid > 0 && is_machine_of(pid, test, guest, instances_path)) {
            found = pid;
        }
    }
    if (dir) {
        closedir(dir);
    }
    return found;
}

/* Looked at after it is held: the number cannot change hands any more. */
static bool
hold_if_it_is(const struct guest *guest, machine_test *test, const char *instances_path,
              struct nt_pidwatch **out)
{
    struct nt_pidwatch *watch;

    if (guest->pid <= 0 || guest->pid_start < 0 || nt_pidwatch_new(guest->pid, &watch) < 0) {
        return false;
    }
    if (process_start_time(guest->pid) != guest->pid_start
        || !is_machine_of(guest->pid, test, guest, instances_path) || nt_pidwatch_is_dead(watch)) {
        nt_pidwatch_free(watch);
        return false;
    }
    *out = watch;
    return true;
}

bool
machine_hold(struct guest *guest, machine_test *test, const char *instances_path,
             struct nt_pidwatch **out)
{
    pid_t pid = guest->pid;
    int64_t start_time = guest->pid_start;

    if (hold_if_it_is(guest, test, instances_path, out)) {
        return true;
    }
    guest->pid = find_machine(test, guest, instances_path);
    guest->pid_start = guest->pid ? process_start_time(guest->pid) : -1;
    if (hold_if_it_is(guest, test, instances_path, out)) {
        return true;
    }
    guest->pid = pid;
    guest->pid_start = start_time;
    return false;
}
