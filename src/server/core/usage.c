#include <config.h>

#include "server/core/usage.h"

#include "base/mem.h"

int
usage_keep(struct store *store, const struct core_env *env, const struct nt_instance *instance,
           struct nt_err *err)
{
    if (!instance->launched_at) {
        return 0;
    }

    int n = store_do(store, err,
                     "INSERT INTO ended_instances (id, name, project_id, flavor, ram_mb, vcpus,"
                     " disk_gb, launched_at, ended_at)"
                     " SELECT i.id, i.name, i.project_id, COALESCE(f.name, i.flavor_id),"
                     " COALESCE(f.ram_mb, 0), COALESCE(f.vcpus, 0), COALESCE(f.disk_gb, 0),"
                     " i.launched_at, ? FROM instances i LEFT JOIN flavors f ON f.id = i.flavor_id"
                     " WHERE i.id = ?",
                     "it", core_now(env), instance->id);
    return MIN(n, 0);
}

static void
read_usage(struct stmt *stmt, struct usage *u)
{
    *u = (struct usage){ .ram_mb = stmt_int(stmt, 5),
                         .vcpus = stmt_int(stmt, 6),
                         .disk_gb = stmt_int(stmt, 7),
                         .launched_at = stmt_int(stmt, 8),
                         .ended_at = stmt_int(stmt, 9) };
    stmt_copy(stmt, 0, u->id, sizeof u->id);
    stmt_copy(stmt, 1, u->name, sizeof u->name);
    stmt_copy(stmt, 2, u->project_id, sizeof u->project_id);
    stmt_copy(stmt, 3, u->flavor, sizeof u->flavor);
    stmt_copy(stmt, 4, u->state, sizeof u->state);
}

int
usage_list(struct store *store, const struct usage_filter *filter, struct usage **out, size_t *n,
           struct nt_err *err)
{
    AUTO(stmt) stmt = NULL;
    AUTO_FREE struct usage *list = NULL;
    size_t allocated = 0;
    size_t count = 0;
    int rc;

    if (store_query(store, &stmt, err,
                    "SELECT i.id, i.name, i.project_id AS project, COALESCE(f.name, i.flavor_id),"
                    " i.vm_state, COALESCE(f.ram_mb, 0), COALESCE(f.vcpus, 0),"
                    " COALESCE(f.disk_gb, 0), i.launched_at AS launched, 0"
                    " FROM instances i LEFT JOIN flavors f ON f.id = i.flavor_id"
                    " WHERE i.launched_at > 0 AND i.launched_at < ?"
                    " AND (? IS NULL OR i.project_id = ?)"
                    " UNION ALL"
                    " SELECT e.id, e.name, e.project_id, e.flavor, 'terminated', e.ram_mb,"
                    " e.vcpus, e.disk_gb, e.launched_at, e.ended_at FROM ended_instances e"
                    " WHERE e.launched_at < ? AND e.ended_at > ?"
                    " AND (? IS NULL OR e.project_id = ?)"
                    " ORDER BY project, launched",
                    "ittiitt", filter->end, filter->project_id, filter->project_id, filter->end,
                    filter->start, filter->project_id, filter->project_id)
        < 0) {
        return -1;
    }
    while ((rc = stmt_step(stmt, err)) > 0) {
        if (count >= allocated) {
            list = x2nrealloc(list, &allocated, sizeof *list);
        }
        read_usage(stmt, &list[count++]);
    }
    if (rc < 0) {
        return -1;
    }
    *out = TAKE(list);
    *n = count;
    return 0;
}

int64_t
usage_ms(const struct usage *u, const struct usage_filter *filter, int64_t now)
{
    int64_t ended = u->ended_at ? u->ended_at : now;
    int64_t from = MAX(u->launched_at, filter->start);
    int64_t to = MIN(ended, filter->end);

    return MAX(to - from, 0);
}
