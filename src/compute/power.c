#include <config.h>

#include "compute/power.h"

#include <string.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"

NT_LOG_MODULE(compute_power);

enum wish {
    WISH_STOP,
    WISH_START,
    WISH_REBOOT,
    WISH_REBOOT_HARD,
    N_WISHES,
};

static const char *const tasks[N_WISHES] = {
    [WISH_STOP] = "powering-off",
    [WISH_START] = "powering-on",
    [WISH_REBOOT] = "rebooting",
    [WISH_REBOOT_HARD] = "rebooting_hard",
};

static int64_t
limit_ms(const struct compute *c, const struct guest *guest)
{
    return guest->reboot == GUEST_REBOOT_HARD ? 0
           : guest->wants_off
               ? nt_config_int(c->env.config, "shutdown_timeout") * 1000
               : nt_config_int(c->env.config, "libvirt_wait_soft_reboot_seconds") * 1000;
}

static void
end(struct compute *c, struct guest *guest)
{
    NT_CRASHPOINT("guest-power");
    c->driver->class->stop(c->driver, guest, limit_ms(c, guest));
    model_set_phase(guest, GUEST_ENDING);
}

/* What is left of an earlier start is forgotten before the next: a program that ends
 * right after it looks for what it may have started. */
static void
forget_start(struct guest *guest)
{
    guest->reboot = GUEST_REBOOT_NONE;
    guest->started = false;
    guest->pid = 0;
    guest->pid_start = 0;
}

static void
start_anew(struct compute *c, struct guest *guest)
{
    forget_start(guest);
    model_save(c, guest);
    model_set_phase(guest, GUEST_PLUG);
}

/* A guest that does not run has nothing to end. */
static void
carry_out(struct compute *c, struct guest *guest)
{
    switch (guest->phase) {
    case GUEST_RUNNING:
    case GUEST_ENDING:
        if (guest->wants_off || guest->reboot != GUEST_REBOOT_NONE) {
            end(c, guest);
        }
        break;
    case GUEST_DOWN:
        if (!guest->wants_off) {
            start_anew(c, guest);
        }
        break;
    case GUEST_PLUG:
    case GUEST_GUARD:
    case GUEST_START:
        if (guest->wants_off) {
            config_drives_forget(c->drives, guest->view.id);
            model_set_phase(guest, GUEST_DOWN);
        }
        break;
    case GUEST_STOP:
    case GUEST_STOPPING:
    case GUEST_GONE:
    default:
        break;
    }
}

/* One that is started while it ends has to end first as well. */
static enum guest_reboot
reboot_of(const struct guest *guest, enum wish wish)
{
    bool ends = guest->phase == GUEST_ENDING;

    if (!ends && guest->phase != GUEST_RUNNING) {
        return GUEST_REBOOT_NONE;
    }
    return wish == WISH_REBOOT_HARD                              ? GUEST_REBOOT_HARD
           : wish == WISH_REBOOT || (wish == WISH_START && ends) ? GUEST_REBOOT_SOFT
                                                                 : GUEST_REBOOT_NONE;
}

void
power_wish(struct compute *c, struct guest *guest, const char *task_state, int64_t generation)
{
    guest->reported = false;
    if (generation <= guest->generation || guest->phase >= GUEST_STOP) {
        return;
    }
    guest->generation = generation;
    for (int wish = 0; wish < N_WISHES; wish++) {
        if (!strcmp(task_state, tasks[wish])) {
            nt_info("guest's power to be changed", "instance", guest->view.id, "task", task_state,
                    NULL);
            ovs_strlcpy(guest->request_id, nt_log_request(), sizeof guest->request_id);
            guest->wants_off = wish == WISH_STOP;
            guest->reboot = reboot_of(guest, wish);
            *guest->fault = '\0';
            if (guest->phase == GUEST_DOWN && !guest->wants_off) {
                forget_start(guest);
            }
            model_save(c, guest);
            carry_out(c, guest);
            return;
        }
    }
    model_save(c, guest);
}

void
power_resume(struct compute *c, struct guest *guest)
{
    carry_out(c, guest);
}

const char *
power_task(const struct guest *guest)
{
    if (guest->phase != GUEST_ENDING) {
        return NULL;
    }
    return guest->reboot == GUEST_REBOOT_SOFT   ? "reboot_started"
           : guest->reboot == GUEST_REBOOT_HARD ? "reboot_started_hard"
                                                : NULL;
}

void
power_ending(struct compute *c, struct guest *guest)
{
    if (c->driver->class->is_running(c->driver, guest)) {
        return;
    }
    NT_CRASHPOINT("guest-ended");
    if (guest->wants_off) {
        nt_info("guest stopped", "instance", guest->view.id, NULL);
        model_set_phase(guest, GUEST_DOWN);
    } else {
        start_anew(c, guest);
    }
}
