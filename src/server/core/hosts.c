#include <config.h>

#include "server/core/hosts.h"

#include "base/mem.h"

static const struct nt_field host_fields[] = {
    { "host", NT_F_STR, NT_AT(struct host, host), NT_IN_DB },
    { "program", NT_F_STR, NT_AT(struct host, binary), NT_IN_DB },
    { "topic", NT_F_STR, NT_AT(struct host, topic), NT_IN_DB },
    { "instances", NT_F_INT, NT_AT(struct host, instances), NT_IN_DB },
    { "ram_mb", NT_F_INT, NT_AT(struct host, ram_mb), NT_IN_DB },
    { "vcpus", NT_F_INT, NT_AT(struct host, vcpus), NT_IN_DB },
    { "started_at", NT_F_TIME, NT_AT(struct host, started_at), NT_IN_DB },
    { "reported_at", NT_F_TIME, NT_AT(struct host, reported_at), NT_IN_DB },
    { 0 },
};

const struct table hosts_table = { "hosts", host_fields, sizeof(struct host), "host" };

bool
host_is_alive(const struct core_env *env, const struct host *host)
{
    return core_now(env) - host->reported_at <= env->service_down_time_s * 1000;
}

static int
update_host(struct store *store, const struct host *h, struct nt_err *err)
{
    int n = store_do(store, err,
                     "UPDATE hosts SET topic = ?, instances = ?, ram_mb = ?, vcpus = ?,"
                     " started_at = ?, reported_at = ? WHERE host = ? AND program = ?",
                     "tiiiiitt", h->topic, h->instances, h->ram_mb, h->vcpus, h->started_at,
                     h->reported_at, h->host, h->binary);

    return MIN(n, 0);
}

int
host_report_state(struct store *store, const struct core_env *env,
                  const struct nt_report_state_args *args, struct nt_report_state_result *result,
                  struct nt_err *err)
{
    struct host stored = { 0 };
    struct host h = {
        .instances = args->instances,
        .ram_mb = args->ram_mb,
        .vcpus = args->vcpus,
        .started_at = core_now(env),
        .reported_at = core_now(env),
    };
    int known = row_get(store, &hosts_table, &stored, err, "WHERE host = ? AND program = ?", "tt",
                        args->host, args->binary);

    if (known < 0) {
        return -1;
    }
    ovs_strlcpy(h.host, args->host, sizeof h.host);
    ovs_strlcpy(h.binary, args->binary, sizeof h.binary);
    ovs_strlcpy(h.topic, args->topic, sizeof h.topic);

    const char *status = "new";
    if (known) {
        bool is_back = args->start_flag || !host_is_alive(env, &stored);

        status = is_back ? "revived" : "alive";
        h.started_at = args->start_flag ? h.started_at : stored.started_at;
    }
    if ((known ? update_host(store, &h, err) : row_insert(store, &hosts_table, &h, err)) < 0) {
        return -1;
    }
    ovs_strlcpy(result->status, status, sizeof result->status);
    return 0;
}

int
host_list(struct store *store, const char *topic, struct rows *out, struct nt_err *err)
{
    return topic ? row_list(store, &hosts_table, out, err, "WHERE topic = ? ORDER BY host, program",
                            "t", topic)
                 : row_list(store, &hosts_table, out, err, "ORDER BY host, program", "");
}

int
host_get(struct store *store, const char *host, const char *topic, struct host *out,
         struct nt_err *err)
{
    int rc = row_get(store, &hosts_table, out, err,
                     "WHERE host = ? AND topic = ? ORDER BY reported_at DESC", "tt", host, topic);

    return rc ? MIN(rc, 0)
              : nt_fail(err, NT_NOT_FOUND, "host %s never reported as a %s host", host, topic);
}

int
host_get_load(struct store *store, const char *host, struct host_load *out, struct nt_err *err)
{
    AUTO(stmt) stmt = NULL;

    if (store_query(store, &stmt, err,
                    "SELECT COUNT(*), COALESCE(SUM(f.vcpus), 0), COALESCE(SUM(f.ram_mb), 0),"
                    " COALESCE(SUM(f.disk_gb), 0),"
                    " COALESCE(SUM(CASE WHEN i.task_state <> '' THEN 1 ELSE 0 END), 0)"
                    " FROM instances i LEFT JOIN flavors f ON f.id = i.flavor_id WHERE i.host = ?",
                    "t", host)
            < 0
        || stmt_step(stmt, err) < 0) {
        return -1;
    }
    *out = (struct host_load){ .instances = stmt_int(stmt, 0),
                               .vcpus = stmt_int(stmt, 1),
                               .ram_mb = stmt_int(stmt, 2),
                               .disk_gb = stmt_int(stmt, 3),
                               .tasks = stmt_int(stmt, 4) };
    return 0;
}

/* What is placed on the host already, by our own rows: reports lag behind. */
static int
count_placed(struct store *store, struct sched_host *h, struct nt_err *err)
{
    AUTO(stmt) stmt = NULL;

    if (store_query(store, &stmt, err,
                    "SELECT COALESCE(SUM(p.n), 0), COALESCE(SUM(p.n * f.ram_mb), 0) FROM"
                    " (SELECT flavor_id, COUNT(*) AS n FROM instances WHERE host = ?"
                    " GROUP BY flavor_id) p LEFT JOIN flavors f ON f.id = p.flavor_id",
                    "t", h->host)
            < 0
        || stmt_step(stmt, err) < 0) {
        return -1;
    }
    h->instances = stmt_int(stmt, 0);
    h->ram_used_mb = stmt_int(stmt, 1);
    return 0;
}

int
host_candidates(struct store *store, const struct core_env *env, bool weigh,
                struct sched_host **out, size_t *n, struct nt_err *err)
{
    struct rows hosts;

    if (host_list(store, "compute", &hosts, err) < 0) {
        return -1;
    }

    AUTO_FREE struct sched_host *candidates = xcalloc(MAX(hosts.n, 1), sizeof *candidates);
    int rc = 0;
    for (size_t i = 0; i < hosts.n && !rc; i++) {
        const struct host *h = ROW(const struct host, &hosts, i);
        struct sched_host *c = &candidates[i];

        ovs_strlcpy(c->host, h->host, sizeof c->host);
        c->alive = host_is_alive(env, h);
        c->ram_mb = h->ram_mb;
        c->silent_s = (core_now(env) - h->reported_at) / 1000;
        rc = weigh ? count_placed(store, c, err) : 0;
    }
    *n = hosts.n;
    rows_clear(&hosts);
    if (!rc) {
        *out = TAKE(candidates);
    }
    return rc;
}
