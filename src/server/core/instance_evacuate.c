#include <config.h>

#include "server/core/instance_evacuate.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/core/hosts.h"
#include "server/core/instance_actions.h"
#include "server/core/instances.h"
#include "server/core/lost_guests.h"
#include "server/sched/sched.h"

static int
check(struct store *store, const struct core_env *env, const struct nt_instance *instance,
      struct nt_err *err)
{
    bool is_lost = false;

    if (!instance->host[0] || !strcmp(instance->vm_state, "building")) {
        return nt_fail(err, NT_CONFLICT, "Cannot 'evacuate' instance %s while it is in vm_state %s",
                       instance->id, instance->vm_state);
    }
    if (!strcmp(instance->task_state, "deleting")) {
        return nt_fail(err, NT_CONFLICT,
                       "Cannot 'evacuate' instance %s while it is in task_state deleting",
                       instance->id);
    }
    if (lost_host(store, env, instance->host, &is_lost, err) < 0) {
        return -1;
    }
    return is_lost
               ? 0
               : nt_fail(err, NT_INVALID, "Compute service of %s is still in use.", instance->host);
}

/* Without the hosts that have yet to end an earlier guest of the instance: they would end the
 * new one in its place. */
static int
leave_out(struct store *store, const char *id, struct sched_host *hosts, size_t *n,
          struct nt_err *err)
{
    size_t kept = 0;
    int rc = 0;

    for (size_t i = 0; i < *n && rc >= 0; i++) {
        rc = lost_guests_has(store, id, hosts[i].host, err);
        if (!rc) {
            hosts[kept++] = hosts[i];
        }
    }
    *n = kept;
    return MIN(rc, 0);
}

/* A host other than the lost one, which is out because it does not report. */
static int
choose(struct store *store, const struct core_env *env, const char *id, const char *wanted,
       char out[NT_HOST_SIZE], struct nt_err *err)
{
    AUTO_FREE struct sched_host *hosts = NULL;
    AUTO_FREE char *zone =
        wanted ? xasprintf("%s:%s", env->default_availability_zone, wanted) : NULL;
    const struct sched_request request = { zone, env->default_availability_zone };
    const struct sched_host *chosen;
    size_t n;

    int left = wanted ? lost_guests_has(store, id, wanted, err) : 0;
    if (left) {
        return left < 0 ? -1
                        : nt_fail(err, NT_CONFLICT,
                                  "host %s has not ended the guest that instance %s left there yet",
                                  wanted, id);
    }
    if (host_candidates(store, env, true, &hosts, &n, err) < 0
        || leave_out(store, id, hosts, &n, err) < 0) {
        return -1;
    }
    if (sched_choose(hosts, n, &request, &chosen, err) < 0) {
        if (wanted && err) {
            err->code = NT_INVALID;
        }
        return -1;
    }
    ovs_strlcpy(out, chosen->host, NT_HOST_SIZE);
    return 0;
}

/* With its ports. */
static int
move(struct store *store, const struct core_env *env, struct nt_instance *instance,
     const char *host, struct nt_err *err)
{
    ovs_strlcpy(instance->host, host, sizeof instance->host);
    instance->updated_at = core_now(env);
    instance->revision++;
    return row_update(store, &instances_table, instance, err) < 0
                   || store_do(store, err,
                               "UPDATE ports SET host = ?, status = 'DOWN', updated_at = ?,"
                               " revision = revision + 1 WHERE device_id = ?",
                               "tit", host, core_now(env), instance->id)
                          < 0
               ? -1
               : 0;
}

static int
evacuate(struct store *store, const struct core_env *env, const struct instance_evacuate_wish *wish,
         struct nt_instance *instance, struct nt_err *err)
{
    char target[NT_HOST_SIZE];

    if (check(store, env, instance, err) < 0
        || choose(store, env, instance->id, wish->host, target, err) < 0
        || lost_guests_add(store, env, instance, err) < 0
        || instance_action_start(store, env, instance->id, "evacuate", wish->user_id, err) < 0) {
        return -1;
    }
    ovs_strlcpy(instance->evacuated_from, instance->host, sizeof instance->evacuated_from);
    strcpy(instance->vm_state, "building");
    strcpy(instance->task_state, "networking");
    instance->fault[0] = '\0';
    instance->power_state = 0;
    instance->power_generation++;
    return move(store, env, instance, target, err);
}

int
instance_evacuate(struct store *store, const struct core_env *env,
                  const struct instance_evacuate_wish *wish, struct changes *changes,
                  struct nt_err *err)
{
    struct nt_instance instance;

    if (instance_get(store, NULL, wish->id, &instance, err) < 0) {
        return -1;
    }

    int rc = evacuate(store, env, wish, &instance, err);
    if (!rc) {
        instance_add_change(changes, CHANGE_INSTANCE_EVACUATED, &instance);
    }
    nt_instance_clear(&instance);
    return rc;
}

int
instance_evacuation_failed(struct store *store, const struct core_env *env,
                           struct nt_instance *instance, struct changes *changes,
                           struct nt_err *err)
{
    char former[NT_HOST_SIZE];

    ovs_strlcpy(former, instance->evacuated_from, sizeof former);
    instance->evacuated_from[0] = '\0';
    /* Its guest there is its own again, should that host return. */
    if (lost_guests_remove(store, instance->id, former, err) < 0
        || move(store, env, instance, former, err) < 0
        || instance_actions_finish(store, env, instance->id, instance->fault, err) < 0) {
        return -1;
    }
    instance_add_change(changes, CHANGE_INSTANCE_UPDATED, instance);
    return 0;
}
