/* Security groups: named per project; every instance is a member of at least one. */
#pragma once

#include "base/err.h"
#include "net/network.h"
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

/* Makes the instance a member of the group of that name ("default" is made when
 * missing).  Fails with NT_NOT_FOUND. */
NT_NODISCARD int security_group_join(struct store *, const struct core_env *,
                                     const char *project_id, const char *name,
                                     const char *instance_id, struct nt_err *);

/* The instance leaves all its groups. */
NT_NODISCARD int security_groups_leave(struct store *, const char *instance_id, struct nt_err *);

/* Groups of a project (struct security_group), by name. */
NT_NODISCARD int security_group_list(struct store *, const char *project_id, struct rows *out,
                                     struct nt_err *);

/* Groups of an instance (struct security_group), by name. */
NT_NODISCARD int security_groups_of_instance(struct store *, const char *instance_id,
                                             struct rows *out, struct nt_err *);
