/* Security groups: named per project; every instance is a member of at least one
 * when it is made.  What they allow is in security_rules.h.
 *
 * 'project_id' NULL is an administrator, who finds everybody's groups by id. */
#pragma once

#include "base/err.h"
#include "net/network.h"
#include "server/core/changes.h"
#include "server/core/env.h"
#include "store/row.h"

struct security_group {
    char id[NT_UUID_SIZE];
    int64_t number;
    char project_id[NT_NAME_SIZE];
    char name[NT_NAME_SIZE];
    char description[NT_NAME_SIZE];
    int64_t created_at;
};

extern const struct table security_groups_table; /* struct security_group */

/* The project's group "default", made on first use. */
NT_NODISCARD int security_group_default(struct store *, const struct core_env *,
                                        const char *project_id, struct security_group *out,
                                        struct nt_err *);

/* Makes a group of 'group's project, name and description; fills in the rest.  Fails
 * with NT_INVALID (no name, or the name is taken) or NT_EXHAUSTED (quota). */
NT_NODISCARD int security_group_create(struct store *, const struct core_env *,
                                       struct security_group *group, struct nt_err *);

/* Gives the group with 'group's id its name and description.  Fails with NT_NOT_FOUND
 * or NT_INVALID (name taken or empty, the group "default"). */
NT_NODISCARD int security_group_update(struct store *, const struct security_group *group,
                                       struct nt_err *);

/* Rules of other groups that have it as their source go with it.  Fails with
 * NT_NOT_FOUND, or NT_INVALID for the group "default" and a group with members.
 * Changes: SECURITY_RULES of those other groups. */
NT_NODISCARD int security_group_delete(struct store *, const char *project_id, const char *what,
                                       struct changes *, struct nt_err *);

/* By id, else by number, else by name among the project's own.  Fails with
 * NT_NOT_FOUND. */
NT_NODISCARD int security_group_find(struct store *, const char *project_id, const char *what,
                                     struct security_group *out, struct nt_err *);

/* Groups of a project (NULL: all), by name (struct security_group). */
NT_NODISCARD int security_group_list(struct store *, const char *project_id, struct rows *out,
                                     struct nt_err *);

/* Makes the instance a member of its project's group of that name, number or id
 * ("default" is made when missing); again is fine.  Fails with NT_NOT_FOUND. */
NT_NODISCARD int security_group_join(struct store *, const struct core_env *,
                                     const char *project_id, const char *what,
                                     const char *instance_id, struct nt_err *);

struct nt_instance;

/* The same for an instance that is there.  Fails with NT_NOT_FOUND (group), or
 * NT_INVALID when it is a member already (add), or is not (remove).
 * Changes: INSTANCE_GROUPS, then SECURITY_MEMBERS. */
NT_NODISCARD int security_group_add(struct store *, const struct core_env *,
                                    const struct nt_instance *, const char *what, struct changes *,
                                    struct nt_err *);
NT_NODISCARD int security_group_remove(struct store *, const struct nt_instance *, const char *what,
                                       struct changes *, struct nt_err *);

/* Appends SECURITY_MEMBERS for each group of the instance that rules speak of. */
NT_NODISCARD int security_groups_add_changes(struct store *, const char *instance_id,
                                             struct changes *, struct nt_err *);

/* The instance leaves all its groups. */
NT_NODISCARD int security_groups_leave(struct store *, const char *instance_id, struct nt_err *);

/* Groups of an instance (struct security_group), by name. */
NT_NODISCARD int security_groups_of_instance(struct store *, const char *instance_id,
                                             struct rows *out, struct nt_err *);
