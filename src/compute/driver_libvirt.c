#include <config.h>

#include "compute/driver.h"

#include <signal.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "compute/config_drive.h"
#include "compute/disk.h"
#include "compute/libvirt_worker.h"
#include "compute/libvirt_xml.h"
#include "compute/machine.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(driver_libvirt);

/* A guest is a transient domain of libvirt: what is to be kept of it is our own record.
 * start() is asked again until it has gone through
 *
 *     VM_PREPARE  its disk is made, and whether KVM works is found out
 *     VM_ASKED    libvirt was asked for it
 *     VM_UP       it runs, and its process is held
 *
 * Its devices are taps of ours, guarded before libvirt hears of the guest. Whether it runs
 * is what its process says, also while libvirtd is away: a guest is taken up without it.
 *
 * To end it libvirt is asked for the power button, after the limit to destroy it; when that
 * does not come about either, its process is killed. */
#define DESTROY_LIMIT_MS 10000

enum vm_state { VM_PREPARE, VM_ASKED, VM_UP };

struct vm {
    struct ovs_list node;
    char id[NT_UUID_SIZE];
    enum vm_state state;
    struct disk *disk;
    struct nt_pidwatch *watch; /* NULL: no process yet. */
    bool answered, failed;     /* What libvirt said to VM_ASKED. */
    char why[256];
    int64_t destroy_at; /* Monotonic; INT64_MAX: nobody asked it to end. */
    bool destroyed;     /* Libvirt was asked for it. */
};

struct driver_libvirt {
    struct driver up;
    struct driver_env env;
    struct libvirt_worker *worker;
    struct machine_kvm kvm;
    struct ovs_list vms;
};

static struct driver_libvirt *
cast(const struct driver *driver)
{
    return CONTAINER_OF(driver, struct driver_libvirt, up);
}

static struct vm *
find(const struct driver_libvirt *d, const char *id)
{
    struct vm *vm;

    LIST_FOR_EACH (vm, node, &d->vms) {
        if (!strcmp(vm->id, id)) {
            return vm;
        }
    }
    return NULL;
}

static void
forget(struct vm *vm)
{
    ovs_list_remove(&vm->node);
    disk_free(vm->disk);
    nt_pidwatch_free(vm->watch);
    free(vm);
}

static struct vm *
new_vm(struct driver_libvirt *d, const struct guest *guest, enum vm_state state)
{
    struct vm *vm = xzalloc(sizeof *vm);

    ovs_strlcpy(vm->id, guest->view.id, sizeof vm->id);
    vm->state = state;
    vm->destroy_at = INT64_MAX;
    ovs_list_push_back(&d->vms, &vm->node);
    return vm;
}

static bool
process_lives(const struct vm *vm)
{
    return vm->watch && !nt_pidwatch_is_dead(vm->watch);
}

static bool
is_prepared(const struct driver_libvirt *d, const struct vm *vm)
{
    return disk_get_state(vm->disk) != DISK_WORKING && machine_kvm_get(&d->kvm) != NT_KVM_ASKING;
}

static int
ask(struct driver_libvirt *d, struct vm *vm, const struct guest *guest, struct nt_err *err)
{
    bool has_kvm = machine_kvm_get(&d->kvm) == NT_KVM_WORKS;

    if (disk_get_state(vm->disk) == DISK_FAILED) {
        return nt_fail(err, NT_FAULT, "%s", disk_why(vm->disk));
    }
    AUTO_FREE char *config_drive = config_drive_path(guest, d->env.instances_path);
    AUTO_FREE char *xml = libvirt_xml(guest, d->env.instances_path, config_drive, has_kvm);
    libvirt_worker_ask(d->worker, LIBVIRT_CREATE, vm->id, xml);
    vm->state = VM_ASKED;
    return 1;
}

static int
answered(struct driver_libvirt *d, struct vm *vm, struct guest *guest, struct nt_err *err)
{
    if (vm->failed) {
        return nt_fail(err, NT_FAULT, "libvirt: %s", vm->why);
    }
    if (!machine_hold(guest, libvirt_is_of, d->env.instances_path, &vm->watch)) {
        return nt_fail(err, NT_FAULT, "its machine ended at once");
    }
    vm->state = VM_UP;
    return 0;
}

static int
libvirt_start(struct driver *driver, struct guest *guest, struct nt_err *err)
{
    struct driver_libvirt *d = cast(driver);
    struct vm *vm = find(d, guest->view.id);
    int rc = 1;

    if (!vm) {
        vm = new_vm(d, guest, VM_PREPARE);
        vm->disk = disk_prepare(d->env.children, guest, d->env.instances_path);
    }
    if (vm->state == VM_PREPARE && is_prepared(d, vm)) {
        rc = ask(d, vm, guest, err);
    } else if (vm->state == VM_ASKED && vm->answered) {
        rc = answered(d, vm, guest, err);
    }
    if (rc < 0) {
        forget(vm);
    }
    return rc;
}

static bool
libvirt_adopt(struct driver *driver, struct guest *guest)
{
    struct driver_libvirt *d = cast(driver);
    struct nt_pidwatch *watch;

    if (!machine_hold(guest, libvirt_is_of, d->env.instances_path, &watch)) {
        return false;
    }
    new_vm(d, guest, VM_UP)->watch = watch;
    return true;
}

static void
libvirt_stop(struct driver *driver, struct guest *guest, int64_t limit_ms)
{
    struct driver_libvirt *d = cast(driver);
    struct vm *vm = find(d, guest->view.id);

    /* One that libvirt was asked for ends when there is an answer. */
    if (!vm || (vm->state != VM_ASKED && !process_lives(vm))) {
        if (vm) {
            forget(vm);
        }
        return;
    }
    if (limit_ms > 0 && vm->destroy_at == INT64_MAX && vm->state == VM_UP) {
        libvirt_worker_ask(d->worker, LIBVIRT_SHUTDOWN, vm->id, NULL);
    }
    vm->destroy_at = MIN(vm->destroy_at, nt_mono_ms(d->env.clock) + MAX(limit_ms, 0));
}

static bool
libvirt_is_running(struct driver *driver, const struct guest *guest)
{
    const struct vm *vm = find(cast(driver), guest->view.id);

    return vm && (process_lives(vm) || vm->state != VM_UP);
}

static void
on_news(struct driver_libvirt *d, const struct libvirt_news *news)
{
    struct vm *vm = find(d, news->id);

    if (!vm) {
        return;
    }
    if (news->act == LIBVIRT_CREATE && vm->state == VM_ASKED) {
        vm->answered = true;
        vm->failed = news->failed;
        ovs_strlcpy(vm->why, news->text, sizeof vm->why);
    } else if (news->act == LIBVIRT_DESTROY && vm->state == VM_ASKED) {
        /* Nobody wanted it any more when it came.  Else this is about the machine before it. */
        if (vm->destroyed) {
            forget(vm);
        }
    } else if (news->act == LIBVIRT_EVENT) {
        nt_info("libvirt tells", "instance", vm->id, "event", news->text, NULL);
    } else if (news->failed && process_lives(vm)) {
        nt_warn("libvirt refuses", "instance", vm->id, "asked",
                news->act == LIBVIRT_DESTROY ? "destroy" : "shutdown", "why", news->text, NULL);
    }
}

static void
run_end(struct driver_libvirt *d, struct vm *vm, int64_t now)
{
    if (now < vm->destroy_at) {
        return;
    }
    if (vm->destroyed && vm->watch) {
        nt_warn("libvirt did not end the guest, killed", "instance", vm->id, NULL);
        nt_pidwatch_signal(vm->watch, SIGKILL);
    }
    libvirt_worker_ask(d->worker, LIBVIRT_DESTROY, vm->id, NULL);
    vm->destroyed = true;
    vm->destroy_at = now + DESTROY_LIMIT_MS;
}

static void
libvirt_run(struct driver *driver)
{
    struct driver_libvirt *d = cast(driver);
    int64_t now = nt_mono_ms(d->env.clock);
    struct libvirt_news news;
    struct vm *vm;

    while (libvirt_worker_take(d->worker, &news)) {
        on_news(d, &news);
    }
    LIST_FOR_EACH_SAFE (vm, node, &d->vms) {
        if (vm->state == VM_UP && !process_lives(vm)) {
            forget(vm);
        } else if (vm->state == VM_UP || vm->answered) {
            run_end(d, vm, now);
        }
    }
}

static void
libvirt_wait(struct driver *driver)
{
    const struct driver_libvirt *d = cast(driver);
    const struct vm *vm;

    libvirt_worker_wait(d->worker);
    LIST_FOR_EACH (vm, node, &d->vms) {
        if (vm->state == VM_PREPARE && is_prepared(d, vm)) {
            poll_immediate_wake();
        }
        if (vm->watch) {
            nt_pidwatch_wait(vm->watch);
        }
        if (vm->destroy_at != INT64_MAX && (vm->state == VM_UP || vm->answered)) {
            poll_timer_wait_until(vm->destroy_at);
        }
    }
}

static void
libvirt_free(struct driver *driver)
{
    struct driver_libvirt *d = cast(driver);
    struct vm *vm;

    libvirt_worker_free(d->worker);
    LIST_FOR_EACH_SAFE (vm, node, &d->vms) {
        forget(vm);
    }
    machine_kvm_deinit(&d->kvm);
    free(d);
}

static const struct driver_class libvirt_class = {
    .label = "libvirt",
    .has_drives = true,
    .name = machine_name,
    .plug = machine_plug,
    .start = libvirt_start,
    .adopt = libvirt_adopt,
    .stop = libvirt_stop,
    .is_running = libvirt_is_running,
    .unplug = machine_unplug,
    .run = libvirt_run,
    .wait = libvirt_wait,
    .free = libvirt_free,
};

int
driver_libvirt_new(const struct driver_env *env, struct driver **out, struct nt_err *err)
{
    struct driver_libvirt *d = xzalloc(sizeof *d);

    if (libvirt_worker_new(nt_config_str(env->config, "libvirt_uri"), &d->worker, err) < 0) {
        free(d);
        return -1;
    }
    d->up.class = &libvirt_class;
    d->env = *env;
    ovs_list_init(&d->vms);
    machine_kvm_init(&d->kvm, env);
    *out = &d->up;
    return 0;
}
