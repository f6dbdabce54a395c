#include <config.h>

#include "server/core/lost_guests.h"

#include "base/mem.h"
#include "server/core/hosts.h"

int
lost_host(struct store *store, const struct core_env *env, const char *name, bool *out,
          struct nt_err *err)
{
    struct nt_err ignored = { 0 };
    struct host host;

    if (host_get(store, name, "compute", &host, &ignored) < 0) {
        *out = ignored.code == NT_NOT_FOUND;
        return *out ? 0 : nt_fail(err, ignored.code, "%s", ignored.msg);
    }
    *out = !host_is_alive(env, &host);
    return 0;
}

int
lost_guests_add(struct store *store, const struct core_env *env, const struct nt_instance *instance,
                struct nt_err *err)
{
    /* It may be lost there for the second time. */
    if (lost_guests_remove(store, instance->id, instance->host, err) < 0) {
        return -1;
    }
    return MIN(store_do(store, err,
                        "INSERT INTO lost_guests (instance_id, number, host, created_at)"
                        " VALUES (?, ?, ?, ?)",
                        "titi", instance->id, instance->number, instance->host, core_now(env)),
               0);
}

int
lost_guests_has(struct store *store, const char *instance_id, const char *host, struct nt_err *err)
{
    int64_t one;

    return store_get_int(store, &one, err,
                         "SELECT 1 FROM lost_guests WHERE instance_id = ? AND host = ?", "tt",
                         instance_id, host);
}

int
lost_guests_remove(struct store *store, const char *instance_id, const char *host,
                   struct nt_err *err)
{
    int n = store_do(store, err, "DELETE FROM lost_guests WHERE instance_id = ? AND host = ?", "tt",
                     instance_id, host);

    return n > 0 ? 1 : n;
}
