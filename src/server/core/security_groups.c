#include <config.h>

#include "server/core/security_groups.h"

#include <string.h>

#include "base/mem.h"

static const struct nt_field fields[] = {
    { "id", NT_F_UUID, NT_AT(struct security_group, id), NT_IN_DB },
    { "number", NT_F_INT, NT_AT(struct security_group, number), NT_IN_DB },
    { "project_id", NT_F_STR, NT_AT(struct security_group, project_id), NT_IN_DB },
    { "name", NT_F_STR, NT_AT(struct security_group, name), NT_IN_DB },
    { "description", NT_F_STR, NT_AT(struct security_group, description), NT_IN_DB },
    { "created_at", NT_F_TIME, NT_AT(struct security_group, created_at), NT_IN_DB },
    { 0 },
};

const struct table security_groups_table = {
    "security_groups",
    fields,
    sizeof(struct security_group),
    "id",
};

static int
find_group(struct store *store, const char *project_id, const char *name,
           struct security_group *out, struct nt_err *err)
{
    return row_get(store, &security_groups_table, out, err, "WHERE project_id = ? AND name = ?",
                   "tt", project_id, name);
}

int
security_group_default(struct store *store, const struct core_env *env, const char *project_id,
                       struct security_group *out, struct nt_err *err)
{
    int rc = find_group(store, project_id, "default", out, err);

    if (rc) {
        return MIN(rc, 0);
    }

    struct security_group group = {
        .name = "default",
        .description = "default",
        .created_at = core_now(env),
    };
    nt_random_uuid(env->random, group.id);
    ovs_strlcpy(group.project_id, project_id, sizeof group.project_id);
    if (store_next_number(store, "security_groups", 1, &group.number, err) < 0
        || row_insert(store, &security_groups_table, &group, err) < 0) {
        return -1;
    }
    *out = group;
    return 0;
}

int
security_group_join(struct store *store, const struct core_env *env, const char *project_id,
                    const char *name, const char *instance_id, struct nt_err *err)
{
    struct security_group group;
    int64_t is_member;
    int rc;

    if (!strcmp(name, "default")) {
        rc = security_group_default(store, env, project_id, &group, err);
    } else {
        rc = find_group(store, project_id, name, &group, err);
        if (!rc) {
            return nt_fail(err, NT_NOT_FOUND, "security group %s could not be found", name);
        }
    }
    if (rc < 0) {
        return -1;
    }
    rc = store_get_int(store, &is_member, err,
                       "SELECT 1 FROM security_group_members"
                       " WHERE instance_id = ? AND security_group_id = ?",
                       "tt", instance_id, group.id);
    if (rc) {
        return MIN(rc, 0);
    }
    rc = store_do(store, err,
                  "INSERT INTO security_group_members (security_group_id, instance_id)"
                  " VALUES (?, ?)",
                  "tt", group.id, instance_id);
    return MIN(rc, 0);
}

int
security_groups_leave(struct store *store, const char *instance_id, struct nt_err *err)
{
    int n = store_do(store, err, "DELETE FROM security_group_members WHERE instance_id = ?", "t",
                     instance_id);

    return MIN(n, 0);
}

int
security_group_list(struct store *store, const char *project_id, struct rows *out,
                    struct nt_err *err)
{
    return row_list(store, &security_groups_table, out, err, "WHERE project_id = ? ORDER BY name",
                    "t", project_id);
}

int
security_groups_of_instance(struct store *store, const char *instance_id, struct rows *out,
                            struct nt_err *err)
{
    return row_list(store, &security_groups_table, out, err,
                    "WHERE id IN (SELECT security_group_id FROM security_group_members"
                    " WHERE instance_id = ?) ORDER BY name",
                    "t", instance_id);
}
