#include <config.h>

#include "server/core/instance_power.h"

#include <string.h>

#include "base/mem.h"
#include "server/core/instance_actions.h"
#include "server/core/instances.h"

#define MAX_STATES 4

/* What is possible when, as the compute API of nova has it.  Texts end with NULL. */
static const struct rule {
    const char *action; /* In the listing of actions. */
    const char *asked;  /* In refusals. */
    const char *task_state;
    const char *vm_states[MAX_STATES];
    const char *tasks[MAX_STATES]; /* Besides none. */
} rules[] = {
    [INSTANCE_STOP] = { "stop", "stop", "powering-off", { "active", "error" }, { NULL } },
    [INSTANCE_START] = { "start", "start", "powering-on", { "stopped" }, { NULL } },
    [INSTANCE_REBOOT] = { "reboot", "reboot", "rebooting", { "active" }, { NULL } },
    [INSTANCE_REBOOT_HARD] = { "reboot",
                               "reboot",
                               "rebooting_hard",
                               { "active", "stopped", "error" },
                               { "rebooting", "reboot_started", "rebooting_hard" } },
};

static bool
is_one_of(const char *const texts[MAX_STATES], const char *text)
{
    for (size_t i = 0; i < MAX_STATES && texts[i]; i++) {
        if (!strcmp(texts[i], text)) {
            return true;
        }
    }
    return false;
}

static int
check(const struct rule *rule, const struct nt_instance *instance, struct nt_err *err)
{
    const char *task = instance->task_state;

    if (!is_one_of(rule->vm_states, instance->vm_state)) {
        return nt_fail(err, NT_CONFLICT, "Cannot '%s' instance %s while it is in vm_state %s",
                       rule->asked, instance->id, instance->vm_state);
    }
    if (*task && !is_one_of(rule->tasks, task)) {
        return nt_fail(err, NT_CONFLICT, "Cannot '%s' instance %s while it is in task_state %s",
                       rule->asked, instance->id, task);
    }
    if (!instance->launched_at) {
        return nt_fail(err, NT_CONFLICT, "Cannot '%s' an instance which has never been active",
                       rule->asked);
    }
    return 0;
}

static int
save(struct store *store, const struct core_env *env, struct nt_instance *instance,
     struct nt_err *err)
{
    instance->updated_at = core_now(env);
    instance->revision++;
    return row_update(store, &instances_table, instance, err);
}

static int
apply(struct store *store, const struct core_env *env, const struct instance_power_wish *wish,
      struct nt_instance *instance, struct nt_err *err)
{
    const struct rule *rule = &rules[wish->power];

    if (check(rule, instance, err) < 0) {
        return -1;
    }
    ovs_strlcpy(instance->task_state, rule->task_state, sizeof instance->task_state);
    instance->power_generation++;
    return save(store, env, instance, err) < 0
                   || instance_action_start(store, env, instance->id, rule->action, wish->user_id,
                                            err)
                          < 0
               ? -1
               : 0;
}

int
instance_power(struct store *store, const struct core_env *env,
               const struct instance_power_wish *wish, struct changes *changes, struct nt_err *err)
{
    struct nt_instance instance;

    if (instance_get(store, wish->project_id, wish->id, &instance, err) < 0) {
        return -1;
    }

    int rc = apply(store, env, wish, &instance, err);
    if (!rc) {
        instance_add_change(changes, CHANGE_INSTANCE_POWER, &instance);
    }
    nt_instance_clear(&instance);
    return rc;
}

int
instance_reset_state(struct store *store, const struct core_env *env, const char *id,
                     const char *vm_state, struct changes *changes, struct nt_err *err)
{
    struct nt_instance instance;

    if (instance_get(store, NULL, id, &instance, err) < 0) {
        return -1;
    }

    bool is_error = !strcmp(vm_state, "error");
    ovs_strlcpy(instance.vm_state, vm_state, sizeof instance.vm_state);
    ovs_strlcpy(instance.fault, is_error ? "set by an administrator" : "", sizeof instance.fault);
    instance.task_state[0] = '\0';

    int rc =
        save(store, env, &instance, err) < 0
                || instance_actions_finish(store, env, id, "given up by an administrator", err) < 0
            ? -1
            : 0;
    if (!rc) {
        instance_add_change(changes, CHANGE_INSTANCE_UPDATED, &instance);
    }
    nt_instance_clear(&instance);
    return rc;
}
