#include <config.h>

#include "server/core/instance_actions.h"

#include "base/mem.h"
#include "server/core/instances.h"

static const struct nt_field fields[] = {
    { "number", NT_F_INT, NT_AT(struct instance_action, number), NT_IN_DB },
    { "instance_id", NT_F_STR, NT_AT(struct instance_action, instance_id), NT_IN_DB },
    { "action", NT_F_STR, NT_AT(struct instance_action, action), NT_IN_DB },
    { "request_id", NT_F_STR, NT_AT(struct instance_action, request_id), NT_IN_DB },
    { "user_id", NT_F_STR, NT_AT(struct instance_action, user_id), NT_IN_DB },
    { "project_id", NT_F_STR, NT_AT(struct instance_action, project_id), NT_IN_DB },
    { "host", NT_F_STR, NT_AT(struct instance_action, host), NT_IN_DB },
    { "started_at", NT_F_TIME, NT_AT(struct instance_action, started_at), NT_IN_DB },
    { "finished_at", NT_F_TIME, NT_AT(struct instance_action, finished_at), NT_IN_DB },
    { "result", NT_F_STR, NT_AT(struct instance_action, result), NT_IN_DB },
    { "message", NT_F_STR, NT_AT(struct instance_action, message), NT_IN_DB },
    { 0 },
};

const struct table instance_actions_table = { "instance_actions", fields,
                                              sizeof(struct instance_action), "number" };

int
instance_action_start(struct store *store, const struct core_env *env, const char *instance_id,
                      const char *action, const char *user_id, struct nt_err *err)
{
    struct instance_action row = { .started_at = core_now(env) };
    struct nt_instance instance;
    int rc = row_get(store, &instances_table, &instance, err, "WHERE id = ?", "t", instance_id);

    if (rc <= 0) {
        return rc;
    }
    ovs_strlcpy(row.instance_id, instance_id, sizeof row.instance_id);
    ovs_strlcpy(row.action, action, sizeof row.action);
    ovs_strlcpy(row.request_id, nt_log_request(), sizeof row.request_id);
    ovs_strlcpy(row.user_id, user_id ? user_id : "", sizeof row.user_id);
    ovs_strlcpy(row.project_id, instance.project_id, sizeof row.project_id);
    ovs_strlcpy(row.host, instance.host, sizeof row.host);
    nt_instance_clear(&instance);
    return store_next_number(store, "instance_actions", 1, &row.number, err) < 0
               ? -1
               : row_insert(store, &instance_actions_table, &row, err);
}

int
instance_actions_finish(struct store *store, const struct core_env *env, const char *instance_id,
                        const char *fault, struct nt_err *err)
{
    int n = store_do(store, err,
                     "UPDATE instance_actions SET finished_at = ?, result = ?, message = ?"
                     " WHERE instance_id = ? AND finished_at = 0 AND action <> 'delete'",
                     "ittt", core_now(env), *fault ? "Error" : "Success", fault, instance_id);

    return MIN(n, 0);
}

static int
must_have(struct store *store, const char *project_id, const char *instance_id, struct nt_err *err)
{
    struct nt_instance instance;

    if (instance_get(store, project_id, instance_id, &instance, err) < 0) {
        return -1;
    }
    nt_instance_clear(&instance);
    return 0;
}

int
instance_actions_list(struct store *store, const char *project_id, const char *instance_id,
                      struct rows *out, struct nt_err *err)
{
    return must_have(store, project_id, instance_id, err) < 0
               ? -1
               : row_list(store, &instance_actions_table, out, err,
                          "WHERE instance_id = ? ORDER BY number DESC", "t", instance_id);
}

int
instance_action_get(struct store *store, const char *project_id, const char *instance_id,
                    const char *request_id, struct instance_action *out, struct nt_err *err)
{
    if (must_have(store, project_id, instance_id, err) < 0) {
        return -1;
    }

    int rc = row_get(store, &instance_actions_table, out, err,
                     "WHERE instance_id = ? AND request_id = ?", "tt", instance_id, request_id);
    return rc ? MIN(rc, 0)
              : nt_fail(err, NT_NOT_FOUND, "Action for request_id %s on instance %s not found",
                        request_id, instance_id);
}
