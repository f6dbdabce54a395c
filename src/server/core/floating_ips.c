#include <config.h>

#include "server/core/floating_ips.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "server/core/quotas.h"

#define MAX_RANGE 65536 /* Addresses made at once. */

const struct table floating_ips_table = {
    "floating_ips",
    nt_floating_ip_fields,
    sizeof(struct nt_floating_ip),
    "address",
};

struct range {
    uint32_t first, last;
};

/* The host addresses of a network, or the one address. */
static int
parse_range(const char *text, struct range *out, struct nt_err *err)
{
    struct nt_cidr cidr;

    if (!nt_cidr_parse(text, &cidr)) {
        return nt_fail(err, NT_INVALID, "ip_range %.100s is not an IPv4 address or network", text);
    }
    if (cidr.len < 16) {
        return nt_fail(err, NT_INVALID, "ip_range %s has more than %d addresses", text, MAX_RANGE);
    }

    uint8_t top = cidr.ip >> 24;
    if (top == 0 || top == 127 || top >= 224) {
        return nt_fail(err, NT_INVALID, "ip_range %s cannot be used by hosts", text);
    }
    out->first = nt_cidr_network(&cidr);
    out->last = nt_cidr_broadcast(&cidr);
    if (cidr.len < 31) {
        out->first++;
        out->last--;
    }
    return 0;
}

/* The name becomes a word of a rule. */
static int
check_interface(const char *name, struct nt_err *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-";

    if (name[strspn(name, allowed)] || name[0] == '-' || !strcmp(name, ".")
        || !strcmp(name, "..")) {
        return nt_fail(err, NT_INVALID, "interface %.100s is not the name of an interface", name);
    }
    return 0;
}

int
floating_ips_create(struct store *store, const struct core_env *env,
                    const struct nt_floating_ip *wish, const char *text, size_t *n,
                    struct nt_err *err)
{
    struct nt_floating_ip row = { .created_at = core_now(env), .updated_at = core_now(env) };
    struct range range;
    int64_t taken;

    if (parse_range(text, &range, err) < 0 || check_interface(wish->interface, err) < 0) {
        return -1;
    }

    int rc = store_get_int(store, &taken, err,
                           "SELECT ip FROM floating_ips WHERE ip BETWEEN ? AND ? ORDER BY ip", "ii",
                           (int64_t) range.first, (int64_t) range.last);
    if (rc) {
        nt_ip4_format((uint32_t) taken, row.address);
        return rc < 0 ? -1
                      : nt_fail(err, NT_CONFLICT, "floating ip %s is there already", row.address);
    }
    ovs_strlcpy(row.pool, *wish->pool ? wish->pool : env->default_floating_pool, sizeof row.pool);
    ovs_strlcpy(row.interface, wish->interface, sizeof row.interface);
    for (uint32_t ip = range.first; ip <= range.last && rc >= 0; ip++) {
        row.ip = ip;
        nt_ip4_format(ip, row.address);
        rc = store_next_number(store, "floating_ips", 1, &row.number, err) < 0
                     || row_insert(store, &floating_ips_table, &row, err) < 0
                 ? -1
                 : 0;
    }
    *n = range.last - range.first + 1;
    return rc;
}

int
floating_ips_delete(struct store *store, const char *text, size_t *n, struct nt_err *err)
{
    struct range range;
    struct rows rows;

    if (parse_range(text, &range, err) < 0
        || row_list(store, &floating_ips_table, &rows, err, "WHERE ip BETWEEN ? AND ? ORDER BY ip",
                    "ii", (int64_t) range.first, (int64_t) range.last)
               < 0) {
        return -1;
    }

    int rc = rows.n ? 0 : nt_fail(err, NT_NOT_FOUND, "there is no floating ip in %s", text);
    for (size_t i = 0; i < rows.n && !rc; i++) {
        const struct nt_floating_ip *row = ROW(const struct nt_floating_ip, &rows, i);

        rc = *row->project_id ? nt_fail(err, NT_CONFLICT, "floating ip %s belongs to project %s",
                                        row->address, row->project_id)
                              : row_delete(store, &floating_ips_table, row->address, err);
    }
    *n = rows.n;
    rows_clear(&rows);
    return rc;
}

int
floating_ip_list(struct store *store, const struct floating_filter *f, struct rows *out,
                 struct nt_err *err)
{
    return row_list(store, &floating_ips_table, out, err,
                    "WHERE (? IS NULL OR project_id = ?) AND (? IS NULL OR host = ?)"
                    " AND (? IS NULL OR instance_id = ?) ORDER BY ip",
                    "tttttt", f->project_id, f->project_id, f->host, f->host, f->instance_id,
                    f->instance_id);
}

int
floating_ip_pools(struct store *store, char ***out, size_t *n, struct nt_err *err)
{
    AUTO(stmt) stmt = NULL;
    char **names = NULL;
    size_t n_names = 0, allocated = 0;

    int rc =
        store_query(store, &stmt, err, "SELECT DISTINCT pool FROM floating_ips ORDER BY pool", "");
    while (rc >= 0 && (rc = stmt_step(stmt, err)) > 0) {
        if (n_names >= allocated) {
            names = x2nrealloc(names, &allocated, sizeof *names);
        }
        names[n_names++] = xstrdup(stmt_text(stmt, 0));
    }
    if (rc < 0) {
        while (n_names) {
            free(names[--n_names]);
        }
        free(names);
        return -1;
    }
    *out = names;
    *n = n_names;
    return 0;
}

int
floating_ip_get(struct store *store, const char *project_id, int64_t number,
                struct nt_floating_ip *out, struct nt_err *err)
{
    int rc = row_get(store, &floating_ips_table, out, err,
                     "WHERE number = ? AND (? IS NULL OR project_id = ?)", "itt", number,
                     project_id, project_id);

    return rc ? MIN(rc, 0)
              : nt_fail(err, NT_NOT_FOUND, "floating ip not found for id %" PRId64, number);
}

/* The row of an address that 'project_id' may work with. */
static int
get_owned(struct store *store, const char *project_id, const char *address,
          struct nt_floating_ip *out, struct nt_err *err)
{
    int rc = row_get(store, &floating_ips_table, out, err, "WHERE address = ?", "t", address);

    if (rc <= 0) {
        return rc ? -1 : nt_fail(err, NT_NOT_FOUND, "floating ip %.40s not found", address);
    }
    if (!*out->project_id) {
        return nt_fail(err, NT_FORBIDDEN, "floating ip %s is not allocated", address);
    }
    if (project_id && strcmp(out->project_id, project_id)) {
        return nt_fail(err, NT_FORBIDDEN, "floating ip %s is not allocated to this project",
                       address);
    }
    return 0;
}

static int
save(struct store *store, const struct core_env *env, struct nt_floating_ip *row,
     struct nt_err *err)
{
    row->updated_at = core_now(env);
    return row_update(store, &floating_ips_table, row, err);
}

static int
take_free(struct store *store, const struct core_env *env, const char *project_id, const char *pool,
          struct nt_floating_ip *row, struct nt_err *err)
{
    int rc = row_get(store, &floating_ips_table, row, err,
                     "WHERE pool = ? AND project_id = '' AND port_id IS NULL ORDER BY ip LIMIT 1",
                     "t", pool);

    if (rc <= 0) {
        return rc ? -1 : nt_fail(err, NT_NOT_FOUND, "No more floating ips in pool %s.", pool);
    }
    ovs_strlcpy(row->project_id, project_id, sizeof row->project_id);
    row->auto_assigned = false;
    return save(store, env, row, err);
}

int
floating_ip_allocate(struct store *store, const struct core_env *env, const char *project_id,
                     const char *pool, struct nt_floating_ip *out, struct nt_err *err)
{
    const struct quota_wish wish = {
        .quota = QUOTA_FLOATING_IPS,
        .project_id = project_id,
        .more = 1,
        .used = QUOTA_COUNT,
    };
    struct nt_floating_ip row;

    if (quota_check(store, env, &wish, err) < 0
        || take_free(store, env, project_id, pool && *pool ? pool : env->default_floating_pool,
                     &row, err)
               < 0) {
        return -1;
    }
    *out = row;
    return 0;
}

static struct change *
add_change(struct changes *changes, enum change_kind kind, const struct nt_floating_ip *row)
{
    struct change *c = changes_add(changes, kind);

    ovs_strlcpy(c->floating.address, row->address, sizeof c->floating.address);
    ovs_strlcpy(c->floating.fixed_address, row->fixed_address, sizeof c->floating.fixed_address);
    ovs_strlcpy(c->floating.interface, row->interface, sizeof c->floating.interface);
    ovs_strlcpy(c->network_id, row->network_id, sizeof c->network_id);
    ovs_strlcpy(c->port_id, row->port_id, sizeof c->port_id);
    ovs_strlcpy(c->instance_id, row->instance_id, sizeof c->instance_id);
    ovs_strlcpy(c->host, row->host, sizeof c->host);
    c->generation = row->generation;
    return c;
}

/* Ends the association; the row is not written yet. */
static void
untie(struct nt_floating_ip *row, struct changes *changes)
{
    if (*row->port_id) {
        row->generation++;
        add_change(changes, CHANGE_FLOATING_IP_DISASSOCIATED, row);
    }
    row->port_id[0] = row->network_id[0] = row->instance_id[0] = '\0';
    row->fixed_address[0] = row->host[0] = '\0';
}

static void
give_back(struct nt_floating_ip *row)
{
    row->project_id[0] = '\0';
    row->auto_assigned = false;
}

int
floating_ip_deallocate(struct store *store, const struct core_env *env, const char *project_id,
                       struct nt_floating_ip *row, struct changes *changes, struct nt_err *err)
{
    if (floating_ip_get(store, project_id, row->number, row, err) < 0) {
        return -1;
    }
    untie(row, changes);
    give_back(row);
    return save(store, env, row, err);
}

/* Fills what 'row' is tied to: the instance's address 'fixed', or its first one. */
static int
find_fixed(struct store *store, const char *instance_id, const char *fixed,
           struct nt_floating_ip *row, struct nt_err *err)
{
    AUTO(stmt) stmt = NULL;
    const char *wanted = fixed && *fixed ? fixed : NULL;

    /* With multi_host the guest's own host is its network host. */
    if (store_query(store, &stmt, err,
                    "SELECT p.id, n.id, f.address,"
                    " CASE WHEN n.multi_host = 1 THEN p.host ELSE n.host END"
                    " FROM ports p JOIN networks n ON n.id = p.network_id"
                    " JOIN fixed_ips f ON f.port_id = p.id AND f.allocated = 1"
                    " WHERE p.device_id = ? AND (? IS NULL OR f.address = ?)"
                    " ORDER BY p.position, f.ip LIMIT 1",
                    "ttt", instance_id, wanted, wanted)
        < 0) {
        return -1;
    }

    int rc = stmt_step(stmt, err);
    if (rc <= 0) {
        return rc ? -1
                  : nt_fail(err, NT_INVALID,
                            wanted ? "instance %s does not have the fixed address %s"
                                   : "instance %s has no fixed address%s",
                            instance_id, wanted ? wanted : "");
    }
    stmt_copy(stmt, 0, row->port_id, sizeof row->port_id);
    stmt_copy(stmt, 1, row->network_id, sizeof row->network_id);
    stmt_copy(stmt, 2, row->fixed_address, sizeof row->fixed_address);
    stmt_copy(stmt, 3, row->host, sizeof row->host);
    ovs_strlcpy(row->instance_id, instance_id, sizeof row->instance_id);
    return 0;
}

/* Ties a row; it moves if it was tied. */
static int
tie(struct store *store, const struct core_env *env, const struct floating_associate *a,
    struct nt_floating_ip *row, struct changes *changes, struct nt_err *err)
{
    const struct nt_floating_ip old = *row;
    struct nt_floating_ip new = *row;

    if (find_fixed(store, a->instance_id, a->fixed, &new, err) < 0) {
        return -1;
    }
    untie(row, changes);
    new.generation = row->generation + 1;
    if (save(store, env, &new, err) < 0) {
        return -1;
    }

    struct change *c = add_change(changes, CHANGE_FLOATING_IP_ASSOCIATED, &new);

    ovs_strlcpy(c->former_instance_id, old.instance_id, sizeof c->former_instance_id);
    ovs_strlcpy(c->former_fixed, old.fixed_address, sizeof c->former_fixed);
    *row = new;
    return 0;
}

int
floating_ip_associate(struct store *store, const struct core_env *env,
                      const struct floating_associate *a, struct nt_floating_ip *out,
                      struct changes *changes, struct nt_err *err)
{
    struct nt_floating_ip row;

    if (get_owned(store, a->project_id, a->address, &row, err) < 0
        || tie(store, env, a, &row, changes, err) < 0) {
        return -1;
    }
    *out = row;
    return 0;
}

int
floating_ip_disassociate(struct store *store, const struct core_env *env,
                         const struct floating_associate *a, struct nt_floating_ip *out,
                         struct changes *changes, struct nt_err *err)
{
    struct nt_floating_ip row;

    if (get_owned(store, a->project_id, a->address, &row, err) < 0) {
        return -1;
    }
    if (!*row.port_id || (a->instance_id && strcmp(a->instance_id, row.instance_id))) {
        return nt_fail(err, NT_CONFLICT, "floating ip %s is not associated with instance %s",
                       row.address, a->instance_id ? a->instance_id : "any");
    }
    untie(&row, changes);
    if (row.auto_assigned) {
        give_back(&row);
    }
    if (save(store, env, &row, err) < 0) {
        return -1;
    }
    *out = row;
    return 0;
}

/* Back to where it moved from.  Returns 1; 0 when that is gone; or -1. */
static int
restore(struct store *store, const struct core_env *env, const struct floating_undo *undo,
        struct nt_floating_ip *row, struct changes *changes, struct nt_err *err)
{
    const struct floating_associate former = { .instance_id = undo->former_instance_id,
                                               .fixed = undo->former_fixed };
    struct nt_err why = { 0 };

    if (!*undo->former_instance_id) {
        return 0;
    }
    if (tie(store, env, &former, row, changes, &why) < 0) {
        if (why.code == NT_INVALID) {
            return 0;
        }
        *err = why;
        return -1;
    }

    struct change *c = &changes->at[changes->n - 1];

    c->former_instance_id[0] = c->former_fixed[0] = '\0';
    c->is_restored = true;
    return 1;
}

int
floating_ip_undo(struct store *store, const struct core_env *env, const struct floating_undo *undo,
                 struct changes *changes, struct nt_err *err)
{
    struct nt_floating_ip row;
    int rc = row_get(store, &floating_ips_table, &row, err, "WHERE address = ? AND generation = ?",
                     "ti", undo->address, undo->generation);

    if (rc <= 0) {
        return rc;
    }
    rc = restore(store, env, undo, &row, changes, err);
    if (rc) {
        return MIN(rc, 0);
    }
    untie(&row, changes);
    if (row.auto_assigned) {
        give_back(&row);
    }
    return save(store, env, &row, err);
}

int
floating_ips_leave_port(struct store *store, const struct core_env *env, const char *port_id,
                        struct changes *changes, struct nt_err *err)
{
    struct rows rows;

    if (row_list(store, &floating_ips_table, &rows, err, "WHERE port_id = ? ORDER BY ip", "t",
                 port_id)
        < 0) {
        return -1;
    }

    int rc = 0;
    for (size_t i = 0; i < rows.n && !rc; i++) {
        struct nt_floating_ip *row = ROW(struct nt_floating_ip, &rows, i);

        untie(row, changes);
        if (row->auto_assigned) {
            give_back(row);
        }
        rc = save(store, env, row, err);
    }
    rows_clear(&rows);
    return rc;
}

int
floating_ip_auto_assign(struct store *store, const struct core_env *env,
                        const struct nt_instance *instance, struct changes *changes,
                        struct nt_err *err)
{
    const struct floating_associate a = { .instance_id = instance->id };
    struct nt_floating_ip row;
    int64_t one;

    if (!env->auto_assign_floating_ip) {
        return 0;
    }

    int rc = store_get_int(store, &one, err,
                           "SELECT 1 FROM ports p JOIN fixed_ips f ON f.port_id = p.id"
                           " WHERE p.device_id = ? AND f.allocated = 1",
                           "t", instance->id);
    if (rc <= 0) {
        return rc;
    }
    if (floating_ip_allocate(store, env, instance->project_id, NULL, &row, err) < 0) {
        return -1;
    }
    row.auto_assigned = true;
    return tie(store, env, &a, &row, changes, err);
}

int
floating_entries(struct store *store, const char *network_id, const char *host,
                 struct nt_floating_entry **out, size_t *n, struct nt_err *err)
{
    AUTO(stmt) stmt = NULL;
    AUTO_FREE struct nt_floating_entry *entries = NULL;
    size_t n_entries = 0, allocated = 0;

    int rc = store_query(store, &stmt, err,
                         "SELECT a.address, a.fixed_address, a.interface FROM floating_ips a"
                         " JOIN ports p ON p.id = a.port_id"
                         " WHERE a.network_id = ? AND (? IS NULL OR p.host = ?) ORDER BY a.ip",
                         "ttt", network_id, host, host);
    while (rc >= 0 && (rc = stmt_step(stmt, err)) > 0) {
        if (n_entries >= allocated) {
            entries = x2nrealloc(entries, &allocated, sizeof *entries);
        }

        struct nt_floating_entry *e = &entries[n_entries++];
        stmt_copy(stmt, 0, e->address, sizeof e->address);
        stmt_copy(stmt, 1, e->fixed_address, sizeof e->fixed_address);
        stmt_copy(stmt, 2, e->interface, sizeof e->interface);
    }
    if (rc < 0) {
        return -1;
    }
    *out = TAKE(entries);
    *n = n_entries;
    return 0;
}
