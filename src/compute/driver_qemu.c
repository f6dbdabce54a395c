#include <config.h>

#include "compute/driver.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "compute/config_drive.h"
#include "compute/disk.h"
#include "compute/machine.h"
#include "compute/process.h"
#include "compute/qemu_argv.h"
#include "openvswitch/json.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"
#include "wire/qmp.h"

NT_LOG_MODULE(driver_qemu);

/* A guest is one process of QEMU in a session of its own, which lives on when this program
 * ends.  start() is asked again until it has gone through
 *
 *     VM_PREPARE  its disk is made, and whether KVM works is found out
 *     VM_LAUNCHED the process runs; its monitor is waited for
 *     VM_UP       it answered: the guest counts as started
 *
 * The process is known again by its pid and start time, and by its arguments: a pid alone
 * may be anybody's by now.
 *
 * To end it the monitor is asked for the power button; QEMU ends when the guest has shut
 * down.  After the limit comes SIGTERM (QEMU writes back what it holds), then SIGKILL. */
#define LAUNCH_LIMIT_MS 60000
#define RECONNECT_MS 500
#define TERM_LIMIT_MS 2000

enum vm_state { VM_PREPARE, VM_LAUNCHED, VM_UP };

struct vm {
    struct ovs_list node;
    char id[NT_UUID_SIZE];
    int64_t number;
    enum vm_state state;
    struct disk *disk;
    struct nt_pidwatch *watch; /* NULL: no process yet. */
    struct nt_qmp *qmp;        /* NULL: not connected. */
    char *monitor;
    int64_t connect_at;   /* Monotonic; not before. */
    int64_t launch_limit; /* Monotonic. */
    int64_t term_at;      /* Monotonic; INT64_MAX: nobody asked it to end. */
    bool termed;
    bool button_pending; /* The power button is to be pressed once the monitor is there. */
};

struct driver_qemu {
    struct driver up;
    struct driver_env env;
    struct machine_kvm kvm;
    struct ovs_list vms;
};

static struct driver_qemu *
cast(const struct driver *driver)
{
    return CONTAINER_OF(driver, struct driver_qemu, up);
}

static struct vm *
find(const struct driver_qemu *d, const struct guest *guest)
{
    struct vm *vm;

    LIST_FOR_EACH (vm, node, &d->vms) {
        if (!strcmp(vm->id, guest->view.id)) {
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
    nt_qmp_free(vm->qmp);
    free(vm->monitor);
    free(vm);
}

static struct vm *
new_vm(struct driver_qemu *d, const struct guest *guest, enum vm_state state)
{
    struct vm *vm = xzalloc(sizeof *vm);

    ovs_strlcpy(vm->id, guest->view.id, sizeof vm->id);
    vm->number = guest->view.number;
    vm->state = state;
    vm->monitor = qemu_monitor_path(guest, d->env.instances_path);
    vm->term_at = INT64_MAX;
    ovs_list_push_back(&d->vms, &vm->node);
    return vm;
}

static bool
process_lives(const struct vm *vm)
{
    return vm->watch && !nt_pidwatch_is_dead(vm->watch);
}

/* Start. */

/* The last line the process wrote, which says why it ended. */
static int
fail_with_last_words(const struct driver_qemu *d, const struct guest *guest, struct nt_err *err)
{
    AUTO_FREE char *path = guest_file(d->env.instances_path, guest->view.number, "qemu.log");
    AUTO_FREE char *text = guest_console(path, 1, 4096);

    text[strcspn(text, "\r\n")] = '\0';
    return nt_fail(err, NT_FAULT, "its machine ended at once: %s",
                   *text ? text : "it said nothing");
}

static int
launch(struct driver_qemu *d, struct vm *vm, struct guest *guest, struct nt_err *err)
{
    const struct nt_config *config = d->env.config;
    AUTO_FREE char *log = guest_file(d->env.instances_path, guest->view.number, "qemu.log");
    AUTO_FREE char *config_drive = config_drive_path(guest, d->env.instances_path);
    const struct qemu_machine machine = {
        .guest = guest,
        .binary = nt_config_str(config, "qemu_binary"),
        .instances_path = d->env.instances_path,
        .run_as = nt_config_str(config, "qemu_run_as"),
        .config_drive = config_drive,
        .kvm = machine_kvm_get(&d->kvm) == NT_KVM_WORKS,
    };
    char **argv = qemu_argv(&machine);
    const struct nt_child_opts opts = { .argv = (const char *const *) argv,
                                        .output_file = log,
                                        .new_session = true };
    struct nt_child *child;

    /* Of an earlier process: nobody listens there any more. */
    (void) unlink(vm->monitor);

    int rc = nt_child_start(d->env.children, &opts, NULL, NULL, &child, err);
    qemu_argv_free(argv);
    if (rc < 0) {
        return -1;
    }
    guest->pid = nt_child_pid(child);
    guest->pid_start = process_start_time(guest->pid);
    if (nt_pidwatch_new(guest->pid, &vm->watch) < 0) {
        nt_child_kill(child, SIGKILL);
        return fail_with_last_words(d, guest, err);
    }
    vm->state = VM_LAUNCHED;
    vm->launch_limit = nt_mono_ms(d->env.clock) + LAUNCH_LIMIT_MS;
    return 0;
}

static bool
is_prepared(const struct driver_qemu *d, const struct vm *vm)
{
    return disk_get_state(vm->disk) != DISK_WORKING && machine_kvm_get(&d->kvm) != NT_KVM_ASKING;
}

/* 0: it may be launched; 1: not yet; -1. */
static int
prepare(struct driver_qemu *d, struct vm *vm, const struct guest *guest, struct nt_err *err)
{
    if (!vm->disk) {
        vm->disk = disk_prepare(d->env.children, guest, d->env.instances_path);
    }
    if (disk_get_state(vm->disk) == DISK_FAILED) {
        return nt_fail(err, NT_FAULT, "%s", disk_why(vm->disk));
    }
    return is_prepared(d, vm) ? 0 : 1;
}

static int
start(struct driver_qemu *d, struct vm *vm, struct guest *guest, struct nt_err *err)
{
    int rc = 0;

    if (vm->state == VM_PREPARE) {
        rc = prepare(d, vm, guest, err);
        if (!rc) {
            rc = launch(d, vm, guest, err);
        }
    }
    if (rc) {
        return rc;
    }
    if (!process_lives(vm)) {
        return fail_with_last_words(d, guest, err);
    }
    if (vm->state == VM_LAUNCHED && nt_mono_ms(d->env.clock) >= vm->launch_limit) {
        nt_pidwatch_signal(vm->watch, SIGKILL);
        return nt_fail(err, NT_TIMEOUT, "its machine did not answer within %d s",
                       LAUNCH_LIMIT_MS / 1000);
    }
    return vm->state == VM_UP ? 0 : 1;
}

static int
qemu_start(struct driver *driver, struct guest *guest, struct nt_err *err)
{
    struct driver_qemu *d = cast(driver);
    struct vm *vm = find(d, guest);

    if (!vm) {
        vm = new_vm(d, guest, VM_PREPARE);
    }

    int rc = start(d, vm, guest, err);
    if (rc < 0) {
        guest->pid = 0;
        if (!process_lives(vm)) {
            forget(vm);
        } else {
            vm->term_at = 0; /* Killed; gone when it has ended. */
        }
    }
    return rc;
}

/* One that was launched and not noted any more, or noted wrongly, is found by its arguments:
 * it must not be launched twice. */
static bool
qemu_adopt(struct driver *driver, struct guest *guest)
{
    struct driver_qemu *d = cast(driver);
    struct nt_pidwatch *watch;

    if (!machine_hold(guest, qemu_argv_is_of, d->env.instances_path, &watch)) {
        return false;
    }
    new_vm(d, guest, VM_UP)->watch = watch;
    return true;
}

/* End. */

static void
press_button(struct vm *vm)
{
    if (vm->qmp && nt_qmp_get_state(vm->qmp) == NT_QMP_READY) {
        vm->button_pending = !nt_qmp_send(vm->qmp, "system_powerdown");
    }
}

static void
qemu_stop(struct driver *driver, struct guest *guest, int64_t limit_ms)
{
    struct driver_qemu *d = cast(driver);
    struct vm *vm = find(d, guest);

    if (!vm) {
        return;
    }
    if (!process_lives(vm)) {
        forget(vm);
        return;
    }
    if (limit_ms > 0 && vm->term_at == INT64_MAX) {
        vm->button_pending = true;
        press_button(vm);
    }
    vm->term_at = MIN(vm->term_at, nt_mono_ms(d->env.clock) + MAX(limit_ms, 0));
}

static bool
qemu_is_running(struct driver *driver, const struct guest *guest)
{
    const struct vm *vm = find(cast(driver), guest);

    return vm && (process_lives(vm) || vm->state == VM_PREPARE);
}

/* The loop. */

static void
on_message(struct vm *vm, const struct nt_qmp_message *m)
{
    if (m->kind == NT_QMP_EVENT && !strcmp(m->name, "SHUTDOWN")) {
        nt_info("machine shuts down", "instance", vm->id, "reason", nt_qmp_text(m->data, "reason"),
                NULL);
    } else if (m->kind == NT_QMP_EVENT && !strcmp(m->name, "STOP")) {
        nt_warn_rl("machine stands still", "instance", vm->id, NULL);
    } else if (m->kind == NT_QMP_EVENT && !strcmp(m->name, "BLOCK_IO_ERROR")) {
        nt_error("disk error", "instance", vm->id, "why", nt_qmp_text(m->data, "reason"), NULL);
    } else if (m->kind == NT_QMP_RETURN && !strcmp(m->name, "query-status")) {
        vm->state = VM_UP;
        nt_debug("machine answers", "instance", vm->id, "status", nt_qmp_text(m->data, "status"),
                 NULL);
    } else if (m->kind == NT_QMP_ERROR) {
        nt_warn_rl("monitor refuses", "instance", vm->id, "command", m->name, "why",
                   nt_qmp_text(m->data, "desc"), NULL);
    }
}

static void
run_monitor(struct driver_qemu *d, struct vm *vm, int64_t now)
{
    struct nt_qmp_message m;

    if (!vm->qmp && now >= vm->connect_at) {
        int error = nt_qmp_connect(vm->monitor, &vm->qmp);

        vm->connect_at = now + (vm->state == VM_LAUNCHED ? RECONNECT_MS / 10 : RECONNECT_MS);
        if (!error) {
            (void) nt_qmp_send(vm->qmp, "query-status");
        } else if (vm->state == VM_UP) {
            nt_warn_rl("monitor not reached", "instance", vm->id, "why", ovs_strerror(-error),
                       NULL);
        }
    }
    if (!vm->qmp) {
        return;
    }
    nt_qmp_run(vm->qmp);
    while (nt_qmp_take(vm->qmp, &m)) {
        on_message(vm, &m);
        json_destroy(m.data);
    }
    if (vm->button_pending) {
        press_button(vm);
    }
    if (nt_qmp_get_state(vm->qmp) == NT_QMP_CLOSED) {
        if (process_lives(vm)) {
            nt_warn_rl("monitor closed", "instance", vm->id, "why", nt_qmp_why(vm->qmp), NULL);
        }
        nt_qmp_free(vm->qmp);
        vm->qmp = NULL;
        vm->connect_at = now + RECONNECT_MS;
    }
}

static void
run_end(struct vm *vm, int64_t now)
{
    if (now < vm->term_at) {
        return;
    }
    nt_warn_rl("machine did not end in time", "instance", vm->id, "signal",
               vm->termed ? "KILL" : "TERM", NULL);
    nt_pidwatch_signal(vm->watch, vm->termed ? SIGKILL : SIGTERM);
    vm->termed = true;
    vm->term_at = now + TERM_LIMIT_MS;
}

static void
qemu_run(struct driver *driver)
{
    struct driver_qemu *d = cast(driver);
    int64_t now = nt_mono_ms(d->env.clock);
    struct vm *vm;

    LIST_FOR_EACH_SAFE (vm, node, &d->vms) {
        if (vm->state == VM_PREPARE) {
            continue;
        }
        run_monitor(d, vm, now);
        if (process_lives(vm)) {
            run_end(vm, now);
        } else if (vm->state == VM_UP || vm->term_at != INT64_MAX) {
            forget(vm);
        }
    }
}

static void
qemu_wait(struct driver *driver)
{
    const struct driver_qemu *d = cast(driver);
    const struct vm *vm;

    LIST_FOR_EACH (vm, node, &d->vms) {
        if (vm->state == VM_PREPARE && vm->disk && is_prepared(d, vm)) {
            poll_immediate_wake();
        }
        if (vm->watch) {
            nt_pidwatch_wait(vm->watch);
        }
        if (vm->qmp) {
            nt_qmp_wait(vm->qmp);
        } else if (vm->watch) {
            poll_timer_wait_until(vm->connect_at);
        }
        if (vm->state == VM_LAUNCHED) {
            poll_timer_wait_until(vm->launch_limit);
        }
        if (vm->term_at != INT64_MAX) {
            poll_timer_wait_until(vm->term_at);
        }
    }
}

static void
qemu_free(struct driver *driver)
{
    struct driver_qemu *d = cast(driver);
    struct vm *vm;

    LIST_FOR_EACH_SAFE (vm, node, &d->vms) {
        forget(vm);
    }
    machine_kvm_deinit(&d->kvm);
    free(d);
}

static const struct driver_class qemu_class = {
    .label = "qemu",
    .has_drives = true,
    .name = machine_name,
    .plug = machine_plug,
    .start = qemu_start,
    .adopt = qemu_adopt,
    .stop = qemu_stop,
    .is_running = qemu_is_running,
    .unplug = machine_unplug,
    .run = qemu_run,
    .wait = qemu_wait,
    .free = qemu_free,
};

struct driver *
driver_qemu_new(const struct driver_env *env)
{
    struct driver_qemu *d = xzalloc(sizeof *d);

    d->up.class = &qemu_class;
    d->env = *env;
    ovs_list_init(&d->vms);
    machine_kvm_init(&d->kvm, env);
    return &d->up;
}
