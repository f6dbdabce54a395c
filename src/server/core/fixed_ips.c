#include <config.h>

#include "server/core/fixed_ips.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/core/ipam.h"
#include "server/core/networks.h"

static const char *const state_names[] = {
    [FIXED_IP_FREE] = "free",           [FIXED_IP_RESERVED] = "reserved",
    [FIXED_IP_ALLOCATED] = "allocated", [FIXED_IP_LEASED] = "leased",
    [FIXED_IP_WAITING] = "waiting",
};

const char *
fixed_ip_state_name(enum fixed_ip_state state)
{
    return state_names[state];
}

/* A network's range as numbers, in the order of addresses. */
struct range {
    const struct network_row *row;
    uint32_t own[4]; /* What own_words says; one the network lacks is own[0]. */
};

static const char *const own_words[] = {
    "the network's own address",
    "the gateway",
    "the DHCP server",
    "the broadcast address",
};

#define FIRST 0
#define LAST 3

static bool
make_range(const struct network_row *row, struct range *range)
{
    const char *const texts[] = { NULL, row->subnet.gateway_ip, row->subnet.dhcp_server };
    struct nt_cidr cidr;

    if (!nt_cidr_parse(row->subnet.cidr, &cidr)) {
        return false;
    }
    range->row = row;
    range->own[FIRST] = nt_cidr_network(&cidr);
    range->own[LAST] = nt_cidr_broadcast(&cidr);
    for (size_t i = FIRST + 1; i < LAST; i++) {
        if (!nt_ip4_parse(texts[i], &range->own[i])) {
            range->own[i] = range->own[FIRST];
        }
    }
    return true;
}

/* Why an address is the network's own, or NULL. */
static const char *
own_use(const struct range *range, uint32_t ip)
{
    for (size_t i = 0; i < NT_ARRAY_SIZE(range->own); i++) {
        if (range->own[i] == ip) {
            return own_words[i];
        }
    }
    return NULL;
}

/* The lowest of the network's own addresses from 'ip' on. */
static uint32_t
next_own(const struct range *range, uint32_t ip)
{
    uint32_t next = range->own[LAST];

    for (size_t i = 0; i < NT_ARRAY_SIZE(range->own); i++) {
        if (range->own[i] >= ip) {
            next = MIN(next, range->own[i]);
        }
    }
    return next;
}

static void
start_info(const struct range *range, uint32_t ip, struct fixed_ip_info *info)
{
    const struct network_row *row = range->row;
    const char *own = own_use(range, ip);

    *info = (struct fixed_ip_info){ .state = own ? FIXED_IP_RESERVED : FIXED_IP_FREE,
                                    .is_reserved = own != NULL };
    nt_ip4_format(ip, info->address);
    ovs_strlcpy(info->network_id, row->network.id, sizeof info->network_id);
    ovs_strlcpy(info->network_name, row->network.name, sizeof info->network_name);
    ovs_strlcpy(info->cidr, row->subnet.cidr, sizeof info->cidr);
    ovs_strlcpy(info->reason, own ? own : "", sizeof info->reason);
}

/* Columns of a row, read by add_row(). */
#define ROW_QUERY                                                                         \
    "SELECT f.ip, f.instance_id, f.port_id, f.host, f.reserved, f.allocated, f.leased,"   \
    " f.lease_expires, f.updated_at, i.hostname, i.host FROM fixed_ips f"                 \
    " LEFT JOIN instances i ON i.id = f.instance_id WHERE f.network_id = ? AND f.ip >= ?" \
    " AND f.ip <= ? ORDER BY f.ip"

static void
say_waiting(const struct core_env *env, struct fixed_ip_info *info)
{
    char since[NT_TIME_SIZE], until[NT_TIME_SIZE];
    int64_t given_up = info->updated_at + env->fixed_ip_disassociate_timeout_s * 1000;

    nt_time_format(info->updated_at, since);
    if (info->is_leased && info->lease_expires > core_now(env)) {
        info->state = FIXED_IP_LEASED;
        nt_time_format(MIN(info->lease_expires, given_up), until);
        snprintf(info->reason, sizeof info->reason, "unused since %s, leased until %s", since,
                 until);
    } else {
        info->state = FIXED_IP_WAITING;
        nt_time_format(given_up, until);
        snprintf(info->reason, sizeof info->reason,
                 "waiting for release since %s, at the latest until %s", since, until);
    }
}

/* Fills in what the row at hand says of the address. */
static void
add_row(const struct core_env *env, struct stmt *stmt, struct fixed_ip_info *info)
{
    const char *gateway_of = stmt_text(stmt, 3);
    bool has_port = stmt_text(stmt, 2) != NULL;
    bool is_set_aside = stmt_int(stmt, 4);

    stmt_copy(stmt, 1, info->instance_id, sizeof info->instance_id);
    stmt_copy(stmt, 9, info->hostname, sizeof info->hostname);
    stmt_copy(stmt, 10, info->host, sizeof info->host);
    info->is_leased = stmt_int(stmt, 6);
    info->lease_expires = stmt_int(stmt, 7);
    info->updated_at = stmt_int(stmt, 8);
    info->is_reserved |= is_set_aside;
    if (stmt_int(stmt, 5)) {
        info->state = FIXED_IP_ALLOCATED;
        snprintf(info->reason, sizeof info->reason, "in use by instance %s", info->instance_id);
    } else if (has_port) {
        say_waiting(env, info);
    } else if (gateway_of && *gateway_of) {
        info->state = FIXED_IP_RESERVED;
        snprintf(info->reason, sizeof info->reason, "the gateway of host %.200s", gateway_of);
    } else if (is_set_aside) {
        info->state = FIXED_IP_RESERVED;
        ovs_strlcpy(info->reason, "set aside", sizeof info->reason);
    }
}

struct list {
    const struct fixed_ip_filter *filter; /* What it is to hold. */
    struct fixed_ip_info *at;
    size_t n, allocated;
};

static struct fixed_ip_info *
list_add(struct list *list)
{
    if (list->n >= list->allocated) {
        list->at = x2nrealloc(list->at, &list->allocated, sizeof *list->at);
    }
    return &list->at[list->n++];
}

/* Appends addresses of a range from 'ip' on.  Rows and addresses come in the same
 * order, so that one pass meets both. */
static int
list_range(struct store *store, const struct core_env *env, const struct range *range, uint32_t ip,
           struct list *list, struct nt_err *err)
{
    const struct fixed_ip_filter *filter = list->filter;
    AUTO(stmt) stmt = NULL;
    int rc = store_query(store, &stmt, err, ROW_QUERY, "tii", range->row->network.id, (int64_t) ip,
                         (int64_t) range->own[LAST]);

    if (rc < 0) {
        return -1;
    }
    rc = stmt_step(stmt, err);
    for (int64_t at = ip; rc >= 0 && at <= range->own[LAST] && list->n < filter->limit; at++) {
        struct fixed_ip_info info;

        /* A range may be large and hardly used: free addresses are not gone through. */
        if (!filter->with_free) {
            int64_t own = next_own(range, at);

            at = rc > 0 ? MIN(own, stmt_int(stmt, 0)) : own;
        }

        bool has_row = rc > 0 && stmt_int(stmt, 0) == at;
        start_info(range, at, &info);
        if (has_row) {
            add_row(env, stmt, &info);
            rc = stmt_step(stmt, err);
        }
        if (filter->with_free || info.state != FIXED_IP_FREE) {
            *list_add(list) = info;
        }
    }
    return MIN(rc, 0);
}

static int
compare_ranges(const void *a_, const void *b_)
{
    const struct range *a = a_;
    const struct range *b = b_;

    return a->own[FIRST] < b->own[FIRST] ? -1 : a->own[FIRST] > b->own[FIRST];
}

/* The ranges of all networks; the caller frees both. */
static int
load_ranges(struct store *store, struct network_list *networks, struct range **out, size_t *n,
            struct nt_err *err)
{
    if (network_list_load(store, NULL, networks, err) < 0) {
        return -1;
    }

    struct range *ranges = xcalloc(networks->n + 1, sizeof *ranges);
    *n = 0;
    for (size_t i = 0; i < networks->n; i++) {
        *n += make_range(&networks->at[i], &ranges[*n]);
    }
    qsort(ranges, *n, sizeof *ranges, compare_ranges);
    *out = ranges;
    return 0;
}

int
fixed_ip_list(struct store *store, const struct core_env *env, const struct fixed_ip_filter *filter,
              struct fixed_ip_info **out, size_t *n, struct nt_err *err)
{
    struct network_list networks = { NULL, 0 };
    AUTO_FREE struct range *ranges = NULL;
    struct list list = { filter, NULL, 0, 0 };
    size_t n_ranges = 0;
    uint32_t after = 0;
    int rc = 0;

    if (filter->after && !nt_ip4_parse(filter->after, &after)) {
        return nt_fail(err, NT_INVALID, "marker %s is not an IPv4 address", filter->after);
    }
    if (load_ranges(store, &networks, &ranges, &n_ranges, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n_ranges && rc >= 0 && list.n < filter->limit; i++) {
        const struct range *range = &ranges[i];
        bool is_wanted = !filter->network_id || !strcmp(filter->network_id, range->row->network.id);

        if (is_wanted && (!filter->after || after < range->own[LAST])) {
            uint32_t from = filter->after ? MAX(after + 1, range->own[FIRST]) : range->own[FIRST];

            rc = list_range(store, env, range, from, &list, err);
        }
    }
    network_list_clear(&networks);
    if (rc < 0) {
        free(list.at);
        return -1;
    }
    *out = list.at;
    *n = list.n;
    return 0;
}

/* The network that has the address, and the address as a number. */
static int
find_network(struct store *store, const char *address, struct network_row *row, uint32_t *ip,
             struct nt_err *err)
{
    struct network_list networks = { NULL, 0 };
    AUTO_FREE struct range *ranges = NULL;
    size_t n = 0;
    bool found = false;

    if (!nt_ip4_parse(address, ip)) {
        return nt_fail(err, NT_INVALID, "Fixed IP %.64s is not an IPv4 address", address);
    }
    if (load_ranges(store, &networks, &ranges, &n, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n && !found; i++) {
        found = ranges[i].own[FIRST] <= *ip && *ip <= ranges[i].own[LAST];
        *row = *ranges[i].row;
    }
    network_list_clear(&networks);
    return found ? 0
                 : nt_fail(err, NT_NOT_FOUND, "Fixed IP %s not found: no network has it", address);
}

int
fixed_ip_get(struct store *store, const struct core_env *env, const char *address,
             struct fixed_ip_info *out, struct nt_err *err)
{
    const struct fixed_ip_filter filter = { .limit = 1, .with_free = true };
    struct list list = { &filter, NULL, 0, 0 };
    struct network_row row;
    struct range range;
    uint32_t ip;

    if (find_network(store, address, &row, &ip, err) < 0 || !make_range(&row, &range)) {
        return -1;
    }

    int rc = list_range(store, env, &range, ip, &list, err);
    if (rc >= 0 && list.n) {
        *out = list.at[0];
    }
    free(list.at);
    return rc;
}

/* A row for an address that was never used; it counts as changed long ago. */
static int
insert_row(struct store *store, const struct nt_subnet *subnet, uint32_t ip, struct nt_err *err)
{
    struct nt_fixed_ip row = { .ip = ip, .reserved = true };

    nt_ip4_format(ip, row.address);
    ovs_strlcpy(row.subnet_id, subnet->id, sizeof row.subnet_id);
    ovs_strlcpy(row.network_id, subnet->network_id, sizeof row.network_id);
    return row_insert(store, &fixed_ips_table, &row, err);
}

int
fixed_ip_set_reserved(struct store *store, const char *address, bool reserved, struct nt_err *err)
{
    struct network_row row;
    uint32_t ip;

    if (find_network(store, address, &row, &ip, err) < 0) {
        return -1;
    }
    if (ipam_is_reserved(&row.subnet, ip)) {
        return nt_fail(err, NT_CONFLICT, "Fixed IP %s is always reserved: network %s needs it",
                       address, row.network.id);
    }

    int n = store_do(store, err, "UPDATE fixed_ips SET reserved = ? WHERE subnet_id = ? AND ip = ?",
                     "bti", (int) reserved, row.subnet.id, (int64_t) ip);
    if (n < 0) {
        return -1;
    }
    return n || !reserved ? 0 : insert_row(store, &row.subnet, ip, err);
}
