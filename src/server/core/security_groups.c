#include <config.h>

#include "server/core/security_groups.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/instance.h"
#include "server/core/quotas.h"

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

static bool
is_default(const char *name)
{
    return !strcmp(name, "default");
}

static int
find_by_name(struct store *store, const char *project_id, const char *name,
             struct security_group *out, struct nt_err *err)
{
    return row_get(store, &security_groups_table, out, err, "WHERE project_id = ? AND name = ?",
                   "tt", project_id, name);
}

static int
insert(struct store *store, const struct core_env *env, struct security_group *group,
       struct nt_err *err)
{
    nt_random_uuid(env->random, group->id);
    group->created_at = core_now(env);
    return store_next_number(store, "security_groups", 1, &group->number, err) < 0
                   || row_insert(store, &security_groups_table, group, err) < 0
               ? -1
               : 0;
}

int
security_group_default(struct store *store, const struct core_env *env, const char *project_id,
                       struct security_group *out, struct nt_err *err)
{
    int rc = find_by_name(store, project_id, "default", out, err);

    if (rc) {
        return MIN(rc, 0);
    }
    *out = (struct security_group){ .name = "default", .description = "default" };
    ovs_strlcpy(out->project_id, project_id, sizeof out->project_id);
    return insert(store, env, out, err);
}

/* A name that reaches listings and other people's eyes must be seen there. */
static int
check_name(struct store *store, const char *project_id, const char *name, const char *own_id,
           struct nt_err *err)
{
    struct security_group other;

    if (!name[strspn(name, " ")]) {
        return nt_fail(err, NT_INVALID, "security_group: name is missing");
    }

    int rc = find_by_name(store, project_id, name, &other, err);
    if (rc < 0) {
        return -1;
    }
    if ((rc && strcmp(other.id, own_id)) || (is_default(name) && !rc)) {
        return nt_fail(err, NT_INVALID, "security group %s already exists", name);
    }
    return 0;
}

int
security_group_create(struct store *store, const struct core_env *env, struct security_group *group,
                      struct nt_err *err)
{
    const struct quota_wish quota = { QUOTA_SECURITY_GROUPS, group->project_id, 1, QUOTA_COUNT };

    return check_name(store, group->project_id, group->name, "", err) < 0
                   || quota_check(store, env, &quota, err) < 0 || insert(store, env, group, err) < 0
               ? -1
               : 0;
}

int
security_group_update(struct store *store, const struct security_group *group, struct nt_err *err)
{
    struct security_group old;

    if (security_group_find(store, group->project_id, group->id, &old, err) < 0) {
        return -1;
    }
    if (is_default(old.name)) {
        return nt_fail(err, NT_INVALID, "cannot change security group default");
    }
    return check_name(store, old.project_id, group->name, old.id, err) < 0
                   || row_update(store, &security_groups_table, group, err) < 0
               ? -1
               : 0;
}

static void
add_group_change(struct changes *changes, enum change_kind kind, const char *group_id)
{
    struct change *c = changes_add(changes, kind);

    ovs_strlcpy(c->security_group_id, group_id, sizeof c->security_group_id);
}

/* One change of 'kind' for each group id that the query finds. */
static int
add_changes(struct store *store, enum change_kind kind, struct changes *changes, struct nt_err *err,
            const char *sql, const char *value)
{
    AUTO(stmt) stmt = NULL;
    char id[NT_UUID_SIZE];
    int rc;

    if (store_query(store, &stmt, err, sql, "t", value) < 0) {
        return -1;
    }
    while ((rc = stmt_step(stmt, err)) > 0) {
        stmt_copy(stmt, 0, id, sizeof id);
        add_group_change(changes, kind, id);
    }
    return rc;
}

int
security_group_delete(struct store *store, const char *project_id, const char *what,
                      struct changes *changes, struct nt_err *err)
{
    struct security_group group;
    int64_t n_members = 0;

    if (security_group_find(store, project_id, what, &group, err) < 0) {
        return -1;
    }
    if (is_default(group.name)) {
        return nt_fail(err, NT_INVALID, "cannot delete security group default");
    }
    if (store_get_int(store, &n_members, err,
                      "SELECT COUNT(*) FROM security_group_members WHERE security_group_id = ?",
                      "t", group.id)
        < 0) {
        return -1;
    }
    if (n_members) {
        return nt_fail(err, NT_INVALID, "security group %s is still in use", group.name);
    }
    return add_changes(store, CHANGE_SECURITY_RULES, changes, err,
                       "SELECT DISTINCT security_group_id FROM security_group_rules"
                       " WHERE remote_group_id = ? AND security_group_id <> remote_group_id",
                       group.id)
                       < 0
                   || row_delete(store, &security_groups_table, group.id, err) < 0
               ? -1
               : 0;
}

static bool
is_number(const char *s)
{
    size_t n = strspn(s, "0123456789");

    return n && n < 19 && !s[n];
}

/* 1, 0 when there is none, or -1. */
static int
find(struct store *store, const char *project_id, const char *what, struct security_group *out,
     struct nt_err *err)
{
    int rc = 0;

    if (nt_is_uuid(what)) {
        rc = row_get(store, &security_groups_table, out, err,
                     "WHERE id = ? AND (? IS NULL OR project_id = ?)", "ttt", what, project_id,
                     project_id);
    } else if (is_number(what)) {
        rc = row_get(store, &security_groups_table, out, err,
                     "WHERE number = ? AND (? IS NULL OR project_id = ?)", "itt",
                     (int64_t) atoll(what), project_id, project_id);
    }
    return rc || !project_id ? rc : find_by_name(store, project_id, what, out, err);
}

int
security_group_find(struct store *store, const char *project_id, const char *what,
                    struct security_group *out, struct nt_err *err)
{
    int rc = find(store, project_id, what, out, err);

    return rc ? MIN(rc, 0)
              : nt_fail(err, NT_NOT_FOUND, "security group %s could not be found", what);
}

/* The project's group of that name before one of that number: a boot says names. */
static int
find_for_member(struct store *store, const struct core_env *env, const char *project_id,
                const char *what, struct security_group *out, struct nt_err *err)
{
    if (is_default(what)) {
        return security_group_default(store, env, project_id, out, err);
    }

    int rc = find_by_name(store, project_id, what, out, err);
    return rc ? MIN(rc, 0) : security_group_find(store, project_id, what, out, err);
}

/* 1, 0, or -1. */
static int
is_member(struct store *store, const char *group_id, const char *instance_id, struct nt_err *err)
{
    int64_t one;

    return store_get_int(store, &one, err,
                         "SELECT 1 FROM security_group_members"
                         " WHERE instance_id = ? AND security_group_id = ?",
                         "tt", instance_id, group_id);
}

static int
join(struct store *store, const char *group_id, const char *instance_id, struct nt_err *err)
{
    int rc = store_do(store, err,
                      "INSERT INTO security_group_members (security_group_id, instance_id)"
                      " VALUES (?, ?)",
                      "tt", group_id, instance_id);
    return MIN(rc, 0);
}

int
security_group_join(struct store *store, const struct core_env *env, const char *project_id,
                    const char *what, const char *instance_id, struct nt_err *err)
{
    struct security_group group;

    if (find_for_member(store, env, project_id, what, &group, err) < 0) {
        return -1;
    }

    int rc = is_member(store, group.id, instance_id, err);
    return rc ? MIN(rc, 0) : join(store, group.id, instance_id, err);
}

static void
add_instance_change(struct changes *changes, const struct nt_instance *instance)
{
    struct change *c = changes_add(changes, CHANGE_INSTANCE_GROUPS);

    c->number = instance->number;
    ovs_strlcpy(c->instance_id, instance->id, sizeof c->instance_id);
    ovs_strlcpy(c->host, instance->host, sizeof c->host);
}

/* Some rule speaks of the group's members. */
#define IS_SOURCE(group) \
    " AND EXISTS (SELECT 1 FROM security_group_rules r WHERE r.remote_group_id = " group ")"

/* The instance joined or left 'group_id'. */
static int
add_member_changes(struct store *store, const struct nt_instance *instance, const char *group_id,
                   struct changes *changes, struct nt_err *err)
{
    add_instance_change(changes, instance);
    return add_changes(store, CHANGE_SECURITY_MEMBERS, changes, err,
                       "SELECT g.id FROM security_groups g WHERE g.id = ?" IS_SOURCE("g.id"),
                       group_id);
}

int
security_group_add(struct store *store, const struct core_env *env,
                   const struct nt_instance *instance, const char *what, struct changes *changes,
                   struct nt_err *err)
{
    struct security_group group;

    if (find_for_member(store, env, instance->project_id, what, &group, err) < 0) {
        return -1;
    }

    int rc = is_member(store, group.id, instance->id, err);
    if (rc) {
        return rc < 0 ? -1
                      : nt_fail(err, NT_INVALID, "instance %s is in security group %s already",
                                instance->id, group.name);
    }
    return join(store, group.id, instance->id, err) < 0
                   || add_member_changes(store, instance, group.id, changes, err) < 0
               ? -1
               : 0;
}

int
security_group_remove(struct store *store, const struct nt_instance *instance, const char *what,
                      struct changes *changes, struct nt_err *err)
{
    struct security_group group;
    int n = find_by_name(store, instance->project_id, what, &group, err);

    if (n < 0 || (!n && security_group_find(store, instance->project_id, what, &group, err) < 0)) {
        return -1;
    }
    n = store_do(store, err,
                 "DELETE FROM security_group_members"
                 " WHERE instance_id = ? AND security_group_id = ?",
                 "tt", instance->id, group.id);
    if (n <= 0) {
        return n ? -1
                 : nt_fail(err, NT_INVALID, "instance %s is not in security group %s", instance->id,
                           group.name);
    }
    return add_member_changes(store, instance, group.id, changes, err);
}

int
security_groups_add_changes(struct store *store, const char *instance_id, struct changes *changes,
                            struct nt_err *err)
{
    return add_changes(store, CHANGE_SECURITY_MEMBERS, changes, err,
                       "SELECT m.security_group_id FROM security_group_members m"
                       " WHERE m.instance_id = ?" IS_SOURCE("m.security_group_id"),
                       instance_id);
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
    return row_list(store, &security_groups_table, out, err,
                    "WHERE ? IS NULL OR project_id = ? ORDER BY name, number", "tt", project_id,
                    project_id);
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
