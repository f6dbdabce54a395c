#include <config.h>

#include "server/core/networks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "server/core/hosts.h"
#include "server/core/floating_ips.h"
#include "server/core/ipam.h"
#include "server/core/subnet_v6.h"

/* Smaller than /30 has no room for a guest beside the gateway; larger than /8 is no
 * address plan but a mistake. */
#define LONGEST_PREFIX 30
#define SHORTEST_PREFIX 8

const struct table networks_table = {
    "networks",
    nt_network_fields,
    sizeof(struct nt_network),
    "id",
};

const struct table subnets_table = {
    "subnets",
    nt_subnet_fields,
    sizeof(struct nt_subnet),
    "id",
};

/* The link-local address of the metadata service. */
#define METADATA_IP 0xa9fea9feu

static int
check_range(const char *text, struct nt_cidr *out, struct nt_err *err)
{
    if (!text[0]) {
        return nt_fail(err, NT_INVALID, "network: cidr is missing");
    }
    if (!nt_cidr_parse(text, out)) {
        return nt_fail(err, NT_INVALID, "network: cidr %s is not an IPv4 network", text);
    }
    if (out->len > LONGEST_PREFIX || out->len < SHORTEST_PREFIX) {
        return nt_fail(err, NT_INVALID, "network: cidr %s: the prefix must be %d to %d long", text,
                       SHORTEST_PREFIX, LONGEST_PREFIX);
    }
    out->ip = nt_cidr_network(out);

    uint8_t first = out->ip >> 24;
    if (first == 0 || first == 127 || first >= 224 || nt_cidr_contains(out, METADATA_IP)) {
        return nt_fail(err, NT_INVALID, "network: cidr %s cannot be used for guests", text);
    }
    return 0;
}

static int
check_overlap(struct store *store, const struct nt_cidr *cidr, struct nt_err *err)
{
    struct rows subnets;

    if (row_list(store, &subnets_table, &subnets, err, "", "") < 0) {
        return -1;
    }

    int rc = 0;
    for (size_t i = 0; i < subnets.n && !rc; i++) {
        const struct nt_subnet *other = ROW(const struct nt_subnet, &subnets, i);
        struct nt_cidr used;
        char text[NT_CIDR_SIZE];

        if (nt_cidr_parse(other->cidr, &used) && nt_cidr_overlaps(&used, cidr)) {
            nt_cidr_format(cidr, text);
            rc = nt_fail(err, NT_CONFLICT, "network: cidr %s overlaps %s of network %s", text,
                         other->cidr, other->network_id);
        }
    }
    rows_clear(&subnets);
    return rc;
}

/* 'text', or if empty 'def', as a host address of the network. */
static int
check_host(const char *what, const char *text, uint32_t def, const struct nt_cidr *cidr,
           char out[NT_IP4_SIZE], struct nt_err *err)
{
    uint32_t ip = def;

    if (text[0] && !nt_ip4_parse(text, &ip)) {
        return nt_fail(err, NT_INVALID, "network: %s %s is not an IPv4 address", what, text);
    }
    if (!nt_cidr_contains(cidr, ip) || ip == nt_cidr_network(cidr)
        || ip == nt_cidr_broadcast(cidr)) {
        return nt_fail(err, NT_INVALID, "network: %s %s is no host address of the network", what,
                       text);
    }
    nt_ip4_format(ip, out);
    return 0;
}

static int
check_dns(const char *what, const char *text, struct nt_err *err)
{
    uint32_t ip;

    return !text[0] || nt_ip4_parse(text, &ip)
               ? 0
               : nt_fail(err, NT_INVALID, "network: %s %s is not an IPv4 address", what, text);
}

static int
check_ifname(const char *what, const char *name, struct nt_err *err)
{
    if (!strcmp(name, ".") || !strcmp(name, "..") || strpbrk(name, "/: \t\n%*")) {
        return nt_fail(err, NT_INVALID, "network: %s %s is not an interface name", what, name);
    }
    return 0;
}

static int
check_mtu(int64_t mtu, struct nt_err *err)
{
    return !mtu || (mtu >= 68 && mtu <= 65535)
               ? 0
               : nt_fail(err, NT_INVALID, "network: mtu must be 68 to 65535");
}

static const char *
or_default(const char *text, const char *def)
{
    return text[0] ? text : def ? def : "";
}

static int
fill_subnet(const struct core_env *env, const struct network_create *wish,
            const struct nt_cidr *cidr, struct nt_subnet *subnet, struct nt_err *err)
{
    uint32_t first = cidr->ip + 1;

    if (check_host("gateway_ip", wish->gateway_ip, first, cidr, subnet->gateway_ip, err) < 0
        || check_host("dhcp_server", or_default(wish->dhcp_server, subnet->gateway_ip), first, cidr,
                      subnet->dhcp_server, err)
               < 0
        || check_dns("dns1", wish->dns1, err) < 0 || check_dns("dns2", wish->dns2, err) < 0) {
        return -1;
    }
    nt_cidr_format(cidr, subnet->cidr);

    uint32_t start = first;
    while (ipam_is_reserved(subnet, start)) {
        start++;
    }
    nt_ip4_format(start, subnet->dhcp_start);
    ovs_strlcpy(subnet->dns1, or_default(wish->dns1, env->flat_network_dns), sizeof subnet->dns1);
    ovs_strlcpy(subnet->dns2, wish->dns2, sizeof subnet->dns2);
    subnet->enable_dhcp = !wish->no_dhcp;
    subnet->created_at = subnet->updated_at = core_now(env);
    subnet->revision = 1;
    return 0;
}

static int
fill_network(const struct core_env *env, const struct network_create *wish,
             struct nt_network *network, struct nt_err *err)
{
    if (!wish->name[0]) {
        return nt_fail(err, NT_INVALID, "network: label is missing");
    }
    if (wish->id[0] && !nt_is_uuid(wish->id)) {
        return nt_fail(err, NT_INVALID, "network: id %s is not a UUID", wish->id);
    }
    if (check_mtu(wish->mtu, err) < 0) {
        return -1;
    }
    ovs_strlcpy(network->name, wish->name, sizeof network->name);
    ovs_strlcpy(network->project_id, wish->project_id, sizeof network->project_id);
    ovs_strlcpy(network->network_type, "flat", sizeof network->network_type);
    ovs_strlcpy(network->bridge, or_default(wish->bridge, env->flat_network_bridge),
                sizeof network->bridge);
    ovs_strlcpy(network->bridge_interface, or_default(wish->bridge_interface, env->flat_interface),
                sizeof network->bridge_interface);
    if (!network->bridge[0]) {
        return nt_fail(err, NT_INVALID,
                       "network: bridge is missing (and flat_network_bridge is not set)");
    }
    if (check_ifname("bridge", network->bridge, err) < 0
        || check_ifname("bridge_interface", network->bridge_interface, err) < 0) {
        return -1;
    }
    network->admin_state_up = true;
    network->multi_host = wish->multi_host < 0 ? env->multi_host : wish->multi_host != 0;
    network->mtu = wish->mtu ? wish->mtu : env->network_device_mtu;
    network->created_at = network->updated_at = core_now(env);
    network->revision = 1;
    if (wish->id[0]) {
        ovs_strlcpy(network->id, wish->id, sizeof network->id);
    } else {
        nt_random_uuid(env->random, network->id);
    }
    return 0;
}

static void
add_change(struct changes *changes, enum change_kind kind, const struct nt_network *network)
{
    struct change *c = changes_add(changes, kind);

    c->number = network->number;
    ovs_strlcpy(c->network_id, network->id, sizeof c->network_id);
    ovs_strlcpy(c->host, network->host, sizeof c->host);
}

int
network_create(struct store *store, const struct core_env *env, const struct network_create *wish,
               struct network_row *out, struct changes *changes, struct nt_err *err)
{
    struct network_row row = { 0 };
    struct nt_cidr cidr;
    int64_t taken;

    if (fill_network(env, wish, &row.network, err) < 0 || check_range(wish->cidr, &cidr, err) < 0
        || fill_subnet(env, wish, &cidr, &row.subnet, err) < 0
        || check_overlap(store, &cidr, err) < 0
        || subnet_v6_choose(store, env, wish->cidr_v6, wish->gateway_v6, &row.subnet, err) < 0) {
        return -1;
    }
    nt_random_uuid(env->random, row.subnet.id);
    ovs_strlcpy(row.subnet.network_id, row.network.id, sizeof row.subnet.network_id);

    int rc = store_get_int(store, &taken, err, "SELECT 1 FROM networks WHERE id = ?", "t",
                           row.network.id);
    if (rc > 0) {
        return nt_fail(err, NT_CONFLICT, "network: id %s is in use", row.network.id);
    }
    if (rc < 0 || store_next_number(store, "networks", 1, &row.network.number, err) < 0
        || row_insert(store, &networks_table, &row.network, err) < 0
        || row_insert(store, &subnets_table, &row.subnet, err) < 0) {
        return -1;
    }
    add_change(changes, CHANGE_NETWORK_CREATED, &row.network);
    *out = row;
    return 0;
}

#define MAX_TAIL 128 /* Of those below, with its end. */

static int
prepare_rows(struct store *store, const char *tail, struct stmt **out, struct nt_err *err)
{
    static const char what[] = "networks with subnets ";
    char key[sizeof what + MAX_TAIL] = { 0 };

    ovs_assert(strlen(tail) < MAX_TAIL);
    memcpy(key, what, sizeof what);
    ovs_strlcpy(key + sizeof what - 1, tail, MAX_TAIL);
    *out = store_find(store, key);
    if (*out) {
        return 0;
    }

    AUTO_FREE char *n_cols = row_columns(&networks_table, "n.");
    AUTO_FREE char *s_cols = row_columns(&subnets_table, "s.");
    AUTO_FREE char *sql = xasprintf("SELECT %s, %s FROM networks n JOIN subnets s"
                                    " ON s.network_id = n.id %s ORDER BY n.number",
                                    n_cols, s_cols, tail);
    return store_prepare_as(store, key, sql, out, err);
}

/* Rows of networks with their subnets; 'tail' and 'values' (at most two texts) as in
 * store_query(). */
static int
load_rows2(struct store *store, struct network_list *out, const char *tail, const char *value,
           const char *second, struct nt_err *err)
{
    AUTO(stmt) stmt = NULL;
    int n_first = row_n_columns(&networks_table);
    struct network_list list = { NULL, 0 };
    size_t allocated = 0;

    int rc = prepare_rows(store, tail, &stmt, err);
    if (rc >= 0 && value) {
        stmt_bind_text(stmt, 1, value);
    }
    if (rc >= 0 && second) {
        stmt_bind_text(stmt, 2, second);
    }
    while (rc >= 0 && (rc = stmt_step(stmt, err)) > 0) {
        if (list.n >= allocated) {
            list.at = x2nrealloc(list.at, &allocated, sizeof *list.at);
        }

        struct network_row *row = &list.at[list.n++];
        rc = row_read(stmt, 0, &networks_table, &row->network, err) < 0
                     || row_read(stmt, n_first, &subnets_table, &row->subnet, err) < 0
                 ? -1
                 : 0;
    }
    if (rc < 0) {
        network_list_clear(&list);
        return -1;
    }
    *out = list;
    return 0;
}

static int
load_rows(struct store *store, struct network_list *out, const char *tail, const char *value,
          struct nt_err *err)
{
    return load_rows2(store, out, tail, value, NULL, err);
}

void
network_list_clear(struct network_list *list)
{
    free(list->at);
    list->at = NULL;
    list->n = 0;
}

int
network_list_load(struct store *store, const char *project_id, struct network_list *out,
                  struct nt_err *err)
{
    return load_rows(store, out, project_id ? "WHERE n.project_id = '' OR n.project_id = ?" : "",
                     project_id, err);
}

int
network_get(struct store *store, const char *id, struct network_row *out, struct nt_err *err)
{
    struct network_list list;

    if (load_rows(store, &list, "WHERE n.id = ?", id, err) < 0) {
        return -1;
    }

    int rc = 0;
    if (list.n) {
        *out = list.at[0];
    } else {
        rc = nt_fail(err, NT_NOT_FOUND, "network %s could not be found", id);
    }
    network_list_clear(&list);
    return rc;
}

int
network_find(struct store *store, const char *id_or_name, struct network_row *out,
             struct nt_err *err)
{
    struct network_list list;

    if (nt_is_uuid(id_or_name)) {
        return network_get(store, id_or_name, out, err);
    }
    if (load_rows(store, &list, "WHERE n.name = ?", id_or_name, err) < 0) {
        return -1;
    }

    int rc = 0;
    if (list.n == 1) {
        *out = list.at[0];
    } else {
        rc = list.n ? nt_fail(err, NT_CONFLICT, "several networks are named %s", id_or_name)
                    : nt_fail(err, NT_NOT_FOUND, "network %s could not be found", id_or_name);
    }
    network_list_clear(&list);
    return rc;
}

int
network_delete(struct store *store, const char *id, struct changes *changes, struct nt_err *err)
{
    struct network_row row;
    int64_t n_used = 0;

    if (network_get(store, id, &row, err) < 0
        || store_get_int(store, &n_used, err,
                         "SELECT COUNT(*) FROM fixed_ips WHERE network_id = ? AND allocated = 1",
                         "t", id)
               < 0) {
        return -1;
    }
    if (n_used) {
        return nt_fail(err, NT_CONFLICT, "network %s is in use by %" PRId64 " addresses", id,
                       n_used);
    }
    if (row.network.project_id[0]) {
        return nt_fail(err, NT_CONFLICT, "network %s belongs to project %s: disassociate it first",
                       id, row.network.project_id);
    }
    if (row_delete(store, &networks_table, id, err) < 0) {
        return -1;
    }
    add_change(changes, CHANGE_NETWORK_DELETED, &row.network);
    return 0;
}

static void
set_text(char *out, size_t size, const char *text)
{
    if (text) {
        ovs_strlcpy(out, text, size);
    }
}

static int
check_new_host(struct store *store, const struct nt_network *network, const char *host,
               struct nt_err *err)
{
    struct host known;

    if (!host || !host[0]) {
        return 0;
    }
    if (network->multi_host) {
        return nt_fail(err, NT_INVALID, "network: host: every compute host serves network %s",
                       network->id);
    }
    if (host_get(store, host, "network", &known, err) < 0) {
        if (err && err->code == NT_NOT_FOUND) {
            err->code = NT_INVALID;
        }
        return -1;
    }
    return 0;
}

int
network_modify(struct store *store, const struct core_env *env, const char *id,
               const struct network_modify *wish, struct changes *changes, struct nt_err *err)
{
    struct network_row row;

    if (network_get(store, id, &row, err) < 0) {
        return -1;
    }
    if ((wish->name && !wish->name[0]) || (wish->name && strlen(wish->name) >= NT_NAME_SIZE)) {
        return nt_fail(err, NT_INVALID, "network: label must have 1 to %d bytes", NT_NAME_SIZE - 1);
    }
    if (check_new_host(store, &row.network, wish->host, err) < 0
        || check_dns("dns1", wish->dns1 ? wish->dns1 : "", err) < 0
        || check_dns("dns2", wish->dns2 ? wish->dns2 : "", err) < 0
        || check_mtu(MAX(wish->mtu, 0), err) < 0) {
        return -1;
    }
    set_text(row.network.name, sizeof row.network.name, wish->name);
    set_text(row.network.project_id, sizeof row.network.project_id, wish->project_id);
    set_text(row.network.host, sizeof row.network.host, wish->host);
    set_text(row.subnet.dns1, sizeof row.subnet.dns1, wish->dns1);
    set_text(row.subnet.dns2, sizeof row.subnet.dns2, wish->dns2);
    row.network.mtu = wish->mtu < 0 ? row.network.mtu : wish->mtu;
    row.network.updated_at = row.subnet.updated_at = core_now(env);
    row.network.revision++;
    row.subnet.revision++;
    if (row_update(store, &networks_table, &row.network, err) < 0
        || row_update(store, &subnets_table, &row.subnet, err) < 0) {
        return -1;
    }
    add_change(changes, CHANGE_NETWORK_UPDATED, &row.network);
    return 0;
}

/* A host that serves multi_host networks is their gateway to its own guests. */
static int
claim_addresses(struct store *store, const struct core_env *env, const char *host,
                const char *bridge, struct nt_err *err)
{
    struct network_list list;
    int rc = 0;

    if (load_rows(store, &list, "WHERE n.multi_host = 1 AND n.bridge <> '' AND n.bridge = ?",
                  bridge, err)
        < 0) {
        return -1;
    }
    for (size_t i = 0; i < list.n && rc >= 0; i++) {
        rc = ipam_claim_for_host(store, env, &list.at[i].subnet, host, err);
    }
    network_list_clear(&list);
    return MIN(rc, 0);
}

int
network_claim(struct store *store, const struct core_env *env, const char *host, const char *bridge,
              struct changes *changes, struct nt_err *err)
{
    struct rows free_ones;
    int rc = 0;

    if (row_list(store, &networks_table, &free_ones, err,
                 "WHERE host = '' AND bridge = ? AND bridge <> '' AND multi_host = 0"
                 " ORDER BY number",
                 "t", bridge)
        < 0) {
        return -1;
    }
    for (size_t i = 0; i < free_ones.n && rc >= 0; i++) {
        struct nt_network *network = ROW(struct nt_network, &free_ones, i);

        rc = store_do(store, err,
                      "UPDATE networks SET host = ?, updated_at = ?, revision = revision + 1"
                      " WHERE id = ? AND host = ''",
                      "tit", host, core_now(env), network->id);
        if (rc > 0) {
            ovs_strlcpy(network->host, host, sizeof network->host);
            add_change(changes, CHANGE_NETWORK_CLAIMED, network);
        }
    }
    rows_clear(&free_ones);
    return rc < 0 || env->share_dhcp_address ? MIN(rc, 0)
                                             : claim_addresses(store, env, host, bridge, err);
}

/* 'host' (may be NULL) sees the guests it serves; what it is to them is its own address. */
static int
fill_view(struct store *store, const struct network_row *row, const char *host,
          struct nt_network_view *out, struct nt_err *err)
{
    const struct nt_network *n = &row->network;
    const struct nt_subnet *s = &row->subnet;
    struct nt_network_view view = {
        .number = n->number,
        .mtu = n->mtu,
        .multi_host = n->multi_host,
        .revision = n->revision,
    };

    const char *guests_of = n->multi_host ? host : NULL;
    char own[NT_IP4_SIZE] = "";

    if (ipam_entries(store, n->id, guests_of, &view.entries, &view.n_entries, err) < 0
        || floating_entries(store, n->id, guests_of, &view.floating, &view.n_floating, err) < 0
        || (guests_of && ipam_host_address(store, n->id, host, own, err) < 0)) {
        nt_network_view_clear(&view);
        return -1;
    }
    view.shares_gateway = guests_of && !*own;
    ovs_strlcpy(view.id, n->id, sizeof view.id);
    ovs_strlcpy(view.name, n->name, sizeof view.name);
    ovs_strlcpy(view.bridge, n->bridge, sizeof view.bridge);
    ovs_strlcpy(view.bridge_interface, n->bridge_interface, sizeof view.bridge_interface);
    ovs_strlcpy(view.host, n->host, sizeof view.host);
    ovs_strlcpy(view.cidr, s->cidr, sizeof view.cidr);
    ovs_strlcpy(view.gateway_ip, *own ? own : s->gateway_ip, sizeof view.gateway_ip);
    ovs_strlcpy(view.dhcp_server, *own ? own : s->dhcp_server, sizeof view.dhcp_server);
    ovs_strlcpy(view.dhcp_start, s->dhcp_start, sizeof view.dhcp_start);
    ovs_strlcpy(view.dns1, s->dns1, sizeof view.dns1);
    ovs_strlcpy(view.dns2, s->dns2, sizeof view.dns2);
    ovs_strlcpy(view.cidr_v6, s->cidr_v6, sizeof view.cidr_v6);
    if (!guests_of) {
        /* Several hosts: guests take the link-local address that advertises. */
        ovs_strlcpy(view.gateway_v6, s->gateway_v6, sizeof view.gateway_v6);
    }
    ovs_strlcpy(view.ipv6_backend, s->ipv6_backend, sizeof view.ipv6_backend);
    *out = view;
    return 0;
}

int
network_view_load(struct store *store, const char *id, struct nt_network_view *out,
                  struct nt_err *err)
{
    struct network_row row;

    return network_get(store, id, &row, err) < 0 ? -1 : fill_view(store, &row, NULL, out, err);
}

int
network_views_of_host(struct store *store, const char *host, const char *bridge,
                      struct nt_network_view **out, size_t *n, struct nt_err *err)
{
    struct network_list list;

    if (load_rows2(store, &list,
                   "WHERE n.host = ? OR (n.multi_host = 1 AND n.bridge <> '' AND n.bridge = ?)",
                   host, bridge, err)
        < 0) {
        return -1;
    }

    struct nt_network_view *views = xcalloc(MAX(list.n, 1), sizeof *views);
    size_t done = 0;
    while (done < list.n && fill_view(store, &list.at[done], host, &views[done], err) >= 0) {
        done++;
    }

    int rc = done < list.n ? -1 : 0;
    network_list_clear(&list);
    if (rc < 0) {
        while (done) {
            nt_network_view_clear(&views[--done]);
        }
        free(views);
        return -1;
    }
    *out = views;
    *n = done;
    return 0;
}
