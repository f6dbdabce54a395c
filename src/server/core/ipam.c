#include <config.h>

#include "server/core/ipam.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "server/core/networks.h"
#include "server/core/ports.h"

NT_LOG_MODULE(ipam)

const struct table fixed_ips_table = {
    "fixed_ips",
    nt_fixed_ip_fields,
    sizeof(struct nt_fixed_ip),
    "address",
};

bool
ipam_is_reserved(const struct nt_subnet *subnet, uint32_t ip)
{
    const char *const own[] = { subnet->gateway_ip, subnet->dhcp_server };
    struct nt_cidr cidr;

    if (!nt_cidr_parse(subnet->cidr, &cidr) || ip == nt_cidr_network(&cidr)
        || ip == nt_cidr_broadcast(&cidr)) {
        return true;
    }
    for (size_t i = 0; i < NT_ARRAY_SIZE(own); i++) {
        uint32_t used;

        if (own[i][0] && nt_ip4_parse(own[i], &used) && used == ip) {
            return true;
        }
    }
    return false;
}

static int
find_row(struct store *store, const char *subnet_id, uint32_t ip, struct nt_fixed_ip *out,
         struct nt_err *err)
{
    return row_get(store, &fixed_ips_table, out, err, "WHERE subnet_id = ? AND ip = ?", "ti",
                   subnet_id, (int64_t) ip);
}

/* Who is to have an address: a port of an instance, or a host as its gateway. */
struct owner {
    const char *port_id, *instance_id; /* NULL for a host. */
    const char *host;                  /* "" for a port. */
};

/* First use of an address; the primary key refuses a second claim. */
static int
claim_new(struct store *store, const struct core_env *env, const struct nt_subnet *subnet,
          const struct owner *owner, uint32_t ip, struct nt_err *err)
{
    struct nt_fixed_ip row = {
        .ip = ip,
        .allocated = owner->port_id != NULL,
        .generation = 1,
        .updated_at = core_now(env),
    };

    nt_ip4_format(ip, row.address);
    ovs_strlcpy(row.subnet_id, subnet->id, sizeof row.subnet_id);
    ovs_strlcpy(row.network_id, subnet->network_id, sizeof row.network_id);
    if (owner->port_id) {
        ovs_strlcpy(row.port_id, owner->port_id, sizeof row.port_id);
        ovs_strlcpy(row.instance_id, owner->instance_id, sizeof row.instance_id);
    }
    ovs_strlcpy(row.host, owner->host, sizeof row.host);
    return row_insert(store, &fixed_ips_table, &row, err);
}

/* Compare-and-set on "nobody has it".  Returns 1 when it is ours, 0, or -1. */
static int
claim_old(struct store *store, const struct core_env *env, const struct nt_subnet *subnet,
          const struct owner *owner, uint32_t ip, struct nt_err *err)
{
    return store_do(store, err,
                    "UPDATE fixed_ips SET port_id = ?, instance_id = ?, host = ?, allocated = ?,"
                    " generation = generation + 1, updated_at = ?"
                    " WHERE subnet_id = ? AND ip = ? AND instance_id IS NULL AND reserved = 0"
                    " AND leased = 0 AND host = ''",
                    "tttbiti", owner->port_id, owner->instance_id, owner->host,
                    (int) (owner->port_id != NULL), core_now(env), subnet->id, (int64_t) ip);
}

static int
allocate_wanted(struct store *store, const struct core_env *env, const struct nt_subnet *subnet,
                const struct owner *owner, const char *wanted, struct nt_err *err)
{
    struct nt_fixed_ip row;
    struct nt_cidr cidr;
    uint32_t ip;

    if (!nt_ip4_parse(wanted, &ip) || !nt_cidr_parse(subnet->cidr, &cidr)
        || !nt_cidr_contains(&cidr, ip)) {
        return nt_fail(err, NT_INVALID, "address %s is not in network %s (%s)", wanted,
                       subnet->network_id, subnet->cidr);
    }
    if (ipam_is_reserved(subnet, ip)) {
        return nt_fail(err, NT_INVALID, "address %s of network %s is reserved", wanted,
                       subnet->network_id);
    }

    int rc = find_row(store, subnet->id, ip, &row, err);
    if (rc == 0) {
        return claim_new(store, env, subnet, owner, ip, err);
    }
    if (rc > 0) {
        rc = claim_old(store, env, subnet, owner, ip, err);
    }
    return rc ? MIN(rc, 0)
              : nt_fail(err, NT_CONFLICT, "address %s of network %s is in use", wanted,
                        subnet->network_id);
}

/* The lowest address that was never used; '*ip' 0 when there is none.  subnets.next_ip
 * only ever grows, so this is not a search but for addresses taken by wish. */
static int
next_unused(struct store *store, const struct nt_subnet *subnet, uint32_t *ip, struct nt_err *err)
{
    struct nt_cidr cidr;
    int64_t next = 0;

    *ip = 0;
    if (store_get_int(store, &next, err, "SELECT next_ip FROM subnets WHERE id = ?", "t",
                      subnet->id)
        < 0) {
        return -1;
    }
    if (!nt_cidr_parse(subnet->cidr, &cidr)) {
        return nt_fail(err, NT_FAULT, "subnet %s has no usable cidr", subnet->id);
    }

    int64_t last = nt_cidr_broadcast(&cidr);
    for (next = MAX(next, (int64_t) nt_cidr_network(&cidr) + 1); next < last; next++) {
        int64_t one;

        if (ipam_is_reserved(subnet, next)) {
            continue;
        }

        int rc = store_get_int(store, &one, err,
                               "SELECT 1 FROM fixed_ips WHERE subnet_id = ? AND ip = ?", "ti",
                               subnet->id, next);
        if (rc < 0) {
            return -1;
        }
        if (!rc) {
            *ip = next;
            next++;
            break;
        }
    }
    return MIN(store_do(store, err, "UPDATE subnets SET next_ip = ? WHERE id = ? AND next_ip <> ?",
                        "iti", next, subnet->id, next),
               0);
}

static int
reuse_oldest(struct store *store, const struct core_env *env, const struct nt_subnet *subnet,
             const struct owner *owner, uint32_t *out, struct nt_err *err)
{
    int64_t ip;
    int rc = store_get_int(store, &ip, err,
                           "SELECT ip FROM fixed_ips WHERE subnet_id = ? AND instance_id IS NULL"
                           " AND reserved = 0 AND leased = 0 AND host = ''"
                           " ORDER BY updated_at, ip LIMIT 1",
                           "t", subnet->id);

    if (rc > 0) {
        rc = claim_old(store, env, subnet, owner, ip, err);
        *out = ip;
    }
    return rc ? MIN(rc, 0)
              : nt_fail(err, NT_EXHAUSTED, "network %s (%s) has no free address",
                        subnet->network_id, subnet->cidr);
}

static int
allocate_any(struct store *store, const struct core_env *env, const struct nt_subnet *subnet,
             const struct owner *owner, uint32_t *out, struct nt_err *err)
{
    uint32_t ip;

    if (next_unused(store, subnet, &ip, err) < 0) {
        return -1;
    }
    *out = ip;
    return ip ? claim_new(store, env, subnet, owner, ip, err)
              : reuse_oldest(store, env, subnet, owner, out, err);
}

int
ipam_allocate(struct store *store, const struct core_env *env, const struct ipam_wish *wish,
              struct nt_fixed_ip *out, struct nt_err *err)
{
    const struct owner owner = { wish->port->id, wish->port->device_id, "" };
    const char *wanted = wish->address;
    uint32_t ip = 0;

    int rc;
    if (wanted && wanted[0]) {
        rc = allocate_wanted(store, env, wish->subnet, &owner, wanted, err);
        if (!rc && !nt_ip4_parse(wanted, &ip)) {
            rc = -1;
        }
    } else {
        rc = allocate_any(store, env, wish->subnet, &owner, &ip, err);
    }
    if (rc < 0 || find_row(store, wish->subnet->id, ip, out, err) < 0) {
        return -1;
    }
    return 0;
}

int
ipam_host_address(struct store *store, const char *network_id, const char *host,
                  char out[NT_IP4_SIZE], struct nt_err *err)
{
    struct nt_fixed_ip row;
    int rc = row_get(store, &fixed_ips_table, &row, err, "WHERE network_id = ? AND host = ?", "tt",
                     network_id, host);

    if (rc > 0) {
        ovs_strlcpy(out, row.address, NT_IP4_SIZE);
    }
    return rc;
}

int
ipam_claim_for_host(struct store *store, const struct core_env *env, const struct nt_subnet *subnet,
                    const char *host, struct nt_err *err)
{
    const struct owner owner = { .host = host };
    char address[NT_IP4_SIZE];
    uint32_t ip;
    int rc = ipam_host_address(store, subnet->network_id, host, address, err);

    return rc ? MIN(rc, 0) : allocate_any(store, env, subnet, &owner, &ip, err);
}

/* Columns of a host entry, read by read_entry(). */
#define ENTRY_COLUMNS                                                                  \
    "f.address, p.mac_address, COALESCE(i.hostname, f.lease_hostname), f.instance_id," \
    " f.allocated, f.leased, f.lease_expires, f.lease_hostname, f.client_id, p.id,"    \
    " p.position = 0, COALESCE(i.project_id, '')"
#define ENTRY_TABLES                                     \
    " FROM fixed_ips f JOIN ports p ON p.id = f.port_id" \
    " JOIN networks n ON n.id = f.network_id LEFT JOIN instances i ON i.id = f.instance_id "
#define N_ENTRY_COLUMNS 12

static void
read_entry(struct stmt *stmt, struct nt_host_entry *e)
{
    memset(e, 0, sizeof *e);
    stmt_copy(stmt, 0, e->address, sizeof e->address);
    stmt_copy(stmt, 1, e->mac, sizeof e->mac);
    stmt_copy(stmt, 2, e->hostname, sizeof e->hostname);
    stmt_copy(stmt, 3, e->instance_id, sizeof e->instance_id);
    e->allocated = stmt_int(stmt, 4);
    e->leased = stmt_int(stmt, 5);
    e->lease_expires = stmt_int(stmt, 6);
    stmt_copy(stmt, 7, e->lease_hostname, sizeof e->lease_hostname);
    stmt_copy(stmt, 8, e->client_id, sizeof e->client_id);
    stmt_copy(stmt, 9, e->vif, sizeof e->vif);
    e->is_default = stmt_int(stmt, 10);
    stmt_copy(stmt, 11, e->project_id, sizeof e->project_id);
}

int
ipam_entries(struct store *store, const char *network_id, const char *host,
             struct nt_host_entry **out, size_t *n, struct nt_err *err)
{
    AUTO(stmt) stmt = NULL;
    AUTO_FREE struct nt_host_entry *entries = NULL;
    size_t n_entries = 0, allocated = 0;

    int rc = store_query(store, &stmt, err,
                         "SELECT " ENTRY_COLUMNS ENTRY_TABLES
                         "WHERE f.network_id = ? AND (f.allocated = 1 OR f.leased = 1)"
                         " AND (? IS NULL OR p.host = ?) ORDER BY f.ip",
                         "ttt", network_id, host, host);
    while (rc >= 0 && (rc = stmt_step(stmt, err)) > 0) {
        if (n_entries >= allocated) {
            entries = x2nrealloc(entries, &allocated, sizeof *entries);
        }
        read_entry(stmt, &entries[n_entries++]);
    }
    if (rc < 0) {
        return -1;
    }
    *out = TAKE(entries);
    *n = n_entries;
    return 0;
}

/* With multi_host the guest's own host is its network host. */
#define SELECT_CHANGES                                     \
    "SELECT " ENTRY_COLUMNS ", f.network_id, n.number,"    \
    " CASE WHEN n.multi_host = 1 THEN p.host ELSE n.host " \
    "END" ENTRY_TABLES

static int
add_changes(struct store *store, const char *sql, const char *id, enum change_kind kind,
            struct changes *changes, struct nt_err *err)
{
    AUTO(stmt) stmt = NULL;

    if (store_query(store, &stmt, err, sql, "t", id) < 0) {
        return -1;
    }

    int rc;
    while ((rc = stmt_step(stmt, err)) > 0) {
        struct change *c = changes_add(changes, kind);

        read_entry(stmt, &c->entry);
        ovs_strlcpy(c->instance_id, c->entry.instance_id, sizeof c->instance_id);
        ovs_strlcpy(c->port_id, c->entry.vif, sizeof c->port_id);
        stmt_copy(stmt, N_ENTRY_COLUMNS, c->network_id, sizeof c->network_id);
        c->number = stmt_int(stmt, N_ENTRY_COLUMNS + 1);
        stmt_copy(stmt, N_ENTRY_COLUMNS + 2, c->host, sizeof c->host);
    }
    return rc;
}

int
ipam_add_change(struct store *store, const char *port_id, enum change_kind kind,
                struct changes *changes, struct nt_err *err)
{
    return add_changes(store, SELECT_CHANGES "WHERE f.port_id = ? ORDER BY f.ip", port_id, kind,
                       changes, err);
}

int
ipam_add_changes(struct store *store, const char *instance_id, enum change_kind kind,
                 struct changes *changes, struct nt_err *err)
{
    return add_changes(store,
                       SELECT_CHANGES "WHERE p.device_id = ? ORDER BY p.position, p.id, f.ip",
                       instance_id, kind, changes, err);
}

/* The address and its port let go of each other and of the instance. */
static int
free_port(struct store *store, const struct core_env *env, const char *port_id,
          struct changes *changes, struct nt_err *err)
{
    if (ipam_add_change(store, port_id, CHANGE_FIXED_IP_FREED, changes, err) < 0
        || store_do(store, err,
                    "UPDATE fixed_ips SET port_id = NULL, instance_id = NULL, allocated = 0,"
                    " leased = 0, lease_expires = 0, lease_hostname = '', client_id = '',"
                    " updated_at = ? WHERE port_id = ?",
                    "it", core_now(env), port_id)
               < 0) {
        return -1;
    }
    return MIN(store_do(store, err, "DELETE FROM ports WHERE id = ?", "t", port_id), 0);
}

static int
row_of_port(struct store *store, const char *port_id, struct nt_fixed_ip *out, struct nt_err *err)
{
    return row_get(store, &fixed_ips_table, out, err, "WHERE port_id = ?", "t", port_id);
}

int
ipam_unuse(struct store *store, const struct core_env *env, const char *port_id,
           struct changes *changes, struct nt_err *err)
{
    struct nt_fixed_ip row;
    int rc = row_of_port(store, port_id, &row, err);

    if (rc < 0) {
        return -1;
    }
    if (!rc) {
        return free_port(store, env, port_id, changes, err);
    }
    if (!row.allocated) {
        return 0;
    }
    if (store_do(store, err, "UPDATE fixed_ips SET allocated = 0, updated_at = ? WHERE port_id = ?",
                 "it", core_now(env), port_id)
            < 0
        || ipam_add_change(store, port_id, CHANGE_FIXED_IP_UNUSED, changes, err) < 0) {
        return -1;
    }
    return row.leased ? 0 : free_port(store, env, port_id, changes, err);
}

/* Finds the row a lease event speaks of.  Returns 1, 0 when the event is to be
 * ignored (and has been logged), or -1. */
static int
row_of_event(struct store *store, const struct nt_lease_args *args, const char *event,
             struct nt_fixed_ip *row, struct nt_err *err)
{
    struct network_row network;

    if (network_get(store, args->network_id, &network, err) < 0) {
        return -1;
    }
    if (!network.network.multi_host && strcmp(network.network.host, args->host)) {
        return nt_fail(err, NT_FORBIDDEN, "network %s is not served by host %s", args->network_id,
                       args->host);
    }

    int rc = ipam_get(store, args->network_id, args->address, row, err);
    if (rc < 0) {
        return -1;
    }
    if (!rc || !row->port_id[0]) {
        nt_warn_rl("ignoring lease event of an address nobody has", "event", event, "address",
                   args->address, "mac", args->mac, NULL);
        return 0;
    }

    struct nt_port port;
    if (port_get(store, row->port_id, &port, err) < 0) {
        return -1;
    }
    if (network.network.multi_host && strcmp(port.host, args->host)) {
        nt_warn_rl("ignoring lease event of a former host", "event", event, "address",
                   args->address, "host", args->host, NULL);
        return 0;
    }
    if (strcasecmp(port.mac_address, args->mac)) {
        nt_warn_rl("ignoring lease event of a former owner", "event", event, "address",
                   args->address, "mac", args->mac, "owner", port.mac_address, NULL);
        return 0;
    }
    return 1;
}

int
ipam_lease(struct store *store, const struct core_env *env, const struct nt_lease_args *args,
           struct changes *changes, struct nt_err *err)
{
    struct nt_fixed_ip row;
    int rc = row_of_event(store, args, "lease", &row, err);

    if (rc <= 0) {
        return rc;
    }
    if (!row.allocated) {
        nt_warn_rl("address leased that is not in use", "address", args->address, "mac", args->mac,
                   NULL);
    }
    if (store_do(store, err,
                 "UPDATE fixed_ips SET leased = 1, lease_expires = ?, lease_hostname = ?,"
                 " client_id = ?, updated_at = ? WHERE port_id = ?",
                 "ittit", args->lease_expires, args->hostname, args->client_id, core_now(env),
                 row.port_id)
        < 0) {
        return -1;
    }
    return row.leased ? 0
                      : ipam_add_change(store, row.port_id, CHANGE_FIXED_IP_LEASED, changes, err);
}

int
ipam_release(struct store *store, const struct core_env *env, const struct nt_lease_args *args,
             struct changes *changes, struct nt_err *err)
{
    struct nt_fixed_ip row;
    int rc = row_of_event(store, args, "release", &row, err);

    if (rc <= 0) {
        return rc;
    }
    if (!row.allocated) {
        return free_port(store, env, row.port_id, changes, err);
    }
    return MIN(store_do(store, err,
                        "UPDATE fixed_ips SET leased = 0, lease_expires = 0, updated_at = ?"
                        " WHERE port_id = ?",
                        "it", core_now(env), row.port_id),
               0);
}

int
ipam_settle(struct store *store, const struct core_env *env, const char *port_id,
            struct changes *changes, struct nt_err *err)
{
    struct nt_fixed_ip row;
    int rc = row_of_port(store, port_id, &row, err);

    if (rc <= 0 || row.allocated) {
        return MIN(rc, 0);
    }

    bool is_over = row.lease_expires && row.lease_expires < core_now(env);
    return row.leased && !is_over ? 0 : free_port(store, env, port_id, changes, err);
}

int
ipam_unused(struct store *store, struct changes *changes, struct nt_err *err)
{
    struct rows waiting;

    if (row_list(store, &fixed_ips_table, &waiting, err,
                 "WHERE allocated = 0 AND port_id IS NOT NULL ORDER BY ip", "")
        < 0) {
        return -1;
    }

    int rc = 0;
    for (size_t i = 0; i < waiting.n && !rc; i++) {
        rc = ipam_add_change(store, ROW(const struct nt_fixed_ip, &waiting, i)->port_id,
                             CHANGE_FIXED_IP_UNUSED, changes, err);
    }
    rows_clear(&waiting);
    return rc;
}

int
ipam_sweep(struct store *store, const struct core_env *env, size_t *n, struct changes *changes,
           struct nt_err *err)
{
    int64_t now = core_now(env);
    struct rows waiting;

    if (row_list(store, &fixed_ips_table, &waiting, err,
                 "WHERE allocated = 0 AND port_id IS NOT NULL AND (updated_at < ?"
                 " OR (lease_expires > 0 AND lease_expires < ?)) ORDER BY ip",
                 "ii", now - env->fixed_ip_disassociate_timeout_s * 1000, now)
        < 0) {
        return -1;
    }

    int rc = 0;
    for (size_t i = 0; i < waiting.n && !rc; i++) {
        rc = free_port(store, env, ROW(const struct nt_fixed_ip, &waiting, i)->port_id, changes,
                       err);
    }
    if (n) {
        *n = waiting.n;
    }
    rows_clear(&waiting);
    return rc;
}

int
ipam_get(struct store *store, const char *network_id, const char *address, struct nt_fixed_ip *out,
         struct nt_err *err)
{
    uint32_t ip;

    return nt_ip4_parse(address, &ip)
               ? row_get(store, &fixed_ips_table, out, err, "WHERE network_id = ? AND ip = ?", "ti",
                         network_id, (int64_t) ip)
               : 0;
}

int
ipam_list(struct store *store, const char *network_id, struct rows *out, struct nt_err *err)
{
    return network_id ? row_list(store, &fixed_ips_table, out, err,
                                 "WHERE network_id = ? ORDER BY ip", "t", network_id)
                      : row_list(store, &fixed_ips_table, out, err, "ORDER BY ip", "");
}
