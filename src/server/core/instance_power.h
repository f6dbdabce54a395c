/* Stopping, starting and rebooting instances.
 *
 *     active/           -> active/powering-off                    -> stopped/
 *     stopped/          -> stopped/powering-on                    -> active/
 *     active/           -> active/rebooting  (reboot_started)     -> active/
 *     (any that ran)/   -> (same)/rebooting_hard (reboot_started_hard) -> active/
 *
 * The task stands until the compute host reports with the generation of the wish: one that
 * is away finds it when it returns. */
#pragma once

#include "base/err.h"
#include "net/instance.h"
#include "server/core/changes.h"
#include "server/core/env.h"
#include "store/store.h"

enum instance_power {
    INSTANCE_STOP,
    INSTANCE_START,
    INSTANCE_REBOOT,
    INSTANCE_REBOOT_HARD,
};

struct instance_power_wish {
    const char *id;
    const char *project_id; /* Of the reader; NULL: an administrator. */
    const char *user_id;    /* Who asked. */
    enum instance_power power;
};

/* Fails with NT_NOT_FOUND, or NT_CONFLICT in a state or during a task where it is not
 * possible, with the text of the compute API.  Change: INSTANCE_POWER. */
NT_NODISCARD int instance_power(struct store *, const struct core_env *,
                                const struct instance_power_wish *, struct changes *,
                                struct nt_err *);

/* An operator's word, whatever the compute host says: 'vm_state' ("active" or "error") without
 * a task.  Fails with NT_NOT_FOUND.  Change: INSTANCE_UPDATED. */
NT_NODISCARD int instance_reset_state(struct store *, const struct core_env *, const char *id,
                                      const char *vm_state, struct changes *, struct nt_err *);
