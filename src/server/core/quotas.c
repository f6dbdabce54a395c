#include <config.h>

#include "server/core/quotas.h"

#include <inttypes.h>
#include <string.h>

#define OF_PROJECT " WHERE i.project_id = ?"

static const struct {
    const char *name;
    const char *count; /* One parameter: the owner.  NULL: not counted. */
} quotas[QUOTA_N] = {
    [QUOTA_INSTANCES] = { "instances", "SELECT COUNT(*) FROM instances i" OF_PROJECT },
    [QUOTA_CORES] = { "cores", "SELECT COALESCE(SUM(f.vcpus), 0) FROM instances i"
                               " JOIN flavors f ON f.id = i.flavor_id" OF_PROJECT },
    [QUOTA_RAM] = { "ram", "SELECT COALESCE(SUM(f.ram_mb), 0) FROM instances i"
                           " JOIN flavors f ON f.id = i.flavor_id" OF_PROJECT },
    [QUOTA_FIXED_IPS] = { "fixed_ips",
                          "SELECT COUNT(*) FROM instances i JOIN ports p ON p.device_id = i.id"
                          " JOIN fixed_ips x ON x.port_id = p.id" OF_PROJECT },
    [QUOTA_FLOATING_IPS] = { "floating_ips", "SELECT COUNT(*) FROM floating_ips i" OF_PROJECT },
    [QUOTA_SECURITY_GROUPS] = { "security_groups",
                                "SELECT COUNT(*) FROM security_groups i" OF_PROJECT },
    [QUOTA_SECURITY_GROUP_RULES] = { "security_group_rules", NULL },
    [QUOTA_KEY_PAIRS] = { "key_pairs", "SELECT COUNT(*) FROM keypairs WHERE user_id = ?" },
};

const char *
quota_name(enum quota quota)
{
    return quotas[quota].name;
}

enum quota
quota_find(const char *name)
{
    for (enum quota q = 0; q < QUOTA_N; q++) {
        if (!strcmp(quotas[q].name, name)) {
            return q;
        }
    }
    return QUOTA_N;
}

int
quota_limit(struct store *store, const struct core_env *env, enum quota quota,
            const char *project_id, int64_t *out, struct nt_err *err)
{
    int64_t limit = env->quotas[quota];

    if (store_get_int(store, &limit, err,
                      "SELECT hard_limit FROM quotas WHERE project_id = ? AND resource = ?", "tt",
                      project_id, quotas[quota].name)
        < 0) {
        return -1;
    }
    *out = limit;
    return 0;
}

int
quota_used(struct store *store, enum quota quota, const char *owner, int64_t *out,
           struct nt_err *err)
{
    *out = 0;
    return quotas[quota].count
                   && store_get_int(store, out, err, quotas[quota].count, "t", owner) < 0
               ? -1
               : 0;
}

int
quota_check(struct store *store, const struct core_env *env, const struct quota_wish *wish,
            struct nt_err *err)
{
    int64_t used = wish->used;
    int64_t limit;

    if (quota_limit(store, env, wish->quota, wish->project_id, &limit, err) < 0) {
        return -1;
    }
    /* Without a limit nothing is counted: a boot must not cost more with every
     * instance there is. */
    if (limit < 0 || wish->more <= 0) {
        return 0;
    }
    if (used == QUOTA_COUNT && quota_used(store, wish->quota, wish->project_id, &used, err) < 0) {
        return -1;
    }
    if (wish->more > limit || used > limit - wish->more) {
        const char *name = quotas[wish->quota].name;

        return nt_fail(err, NT_EXHAUSTED,
                       "Quota exceeded for %s: Requested %" PRId64 ", but already used %" PRId64
                       " of %" PRId64 " %s",
                       name, wish->more, used, limit, name);
    }
    return 0;
}

int
quota_set(struct store *store, enum quota quota, const char *project_id, int64_t limit,
          struct nt_err *err)
{
    const char *name = quotas[quota].name;

    if (limit < -1) {
        return nt_fail(err, NT_INVALID, "quota_set.%s must be -1 or more", name);
    }

    int n = store_do(store, err,
                     "UPDATE quotas SET hard_limit = ? WHERE project_id = ? AND resource = ?",
                     "itt", limit, project_id, name);
    if (!n) {
        n = store_do(store, err,
                     "INSERT INTO quotas (project_id, resource, hard_limit) VALUES (?, ?, ?)",
                     "tti", project_id, name, limit);
    }
    return n < 0 ? -1 : 0;
}

int
quota_reset(struct store *store, const char *project_id, struct nt_err *err)
{
    return store_do(store, err, "DELETE FROM quotas WHERE project_id = ?", "t", project_id) < 0 ? -1
                                                                                                : 0;
}
