#include <config.h>

#include "server/core/lease_sync.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/shash.h"
#include "server/core/ipam.h"
#include "server/core/networks.h"

NT_LOG_MODULE(lease_sync)

/* An address that somebody has. */
struct held {
    char address[NT_IP4_SIZE];
    char mac[NT_MAC_SIZE];
    bool allocated, leased;
};

/* With multi_host a host's dnsmasq serves its own guests alone. */
static int
load_held(struct store *store, const struct nt_network *network, const char *host,
          struct held **out, size_t *n, struct nt_err *err)
{
    AUTO(stmt) stmt = NULL;
    AUTO_FREE struct held *held = NULL;
    size_t allocated = 0;
    int rc = store_query(store, &stmt, err,
                         "SELECT f.address, p.mac_address, f.allocated, f.leased"
                         " FROM fixed_ips f JOIN ports p ON p.id = f.port_id"
                         " WHERE f.network_id = ? AND (? = 0 OR p.host = ?) ORDER BY f.ip",
                         "tbt", network->id, (int) network->multi_host, host);

    *n = 0;
    while (rc >= 0 && (rc = stmt_step(stmt, err)) > 0) {
        if (*n >= allocated) {
            held = x2nrealloc(held, &allocated, sizeof *held);
        }

        struct held *h = &held[(*n)++];
        stmt_copy(stmt, 0, h->address, sizeof h->address);
        stmt_copy(stmt, 1, h->mac, sizeof h->mac);
        h->allocated = stmt_int(stmt, 2);
        h->leased = stmt_int(stmt, 3);
    }
    if (rc < 0) {
        return -1;
    }
    *out = TAKE(held);
    return 0;
}

/* Settles one address; 'where' says whether its owner has the lease. */
static int
settle(struct store *store, const struct core_env *env, const struct nt_lease_args *where,
       const struct held *held, struct changes *changes, struct nt_err *err)
{
    bool has_lease = where->lease_expires >= 0;

    if (has_lease == held->leased && (has_lease || held->allocated)) {
        return 0;
    }
    nt_warn("lease settled", "address", held->address, "mac", held->mac, "dnsmasq",
            has_lease ? "has it" : "does not have it", NULL);
    return has_lease ? ipam_lease(store, env, where, changes, err)
                     : ipam_release(store, env, where, changes, err);
}

/* The lease of the row's owner as an event; an expiry of -1: there is none. */
static struct nt_lease_args
event_of(const struct nt_sync_leases_args *args, const struct held *held,
         const struct nt_lease *lease)
{
    struct nt_lease_args event = { .lease_expires = -1 };

    ovs_strlcpy(event.host, args->host, sizeof event.host);
    ovs_strlcpy(event.network_id, args->network_id, sizeof event.network_id);
    ovs_strlcpy(event.address, held->address, sizeof event.address);
    ovs_strlcpy(event.mac, held->mac, sizeof event.mac);
    if (lease) {
        event.lease_expires = MAX(lease->lease_expires, 0);
        ovs_strlcpy(event.hostname, lease->hostname, sizeof event.hostname);
        ovs_strlcpy(event.client_id, lease->client_id, sizeof event.client_id);
    }
    return event;
}

/* The leases that are left belong to nobody. */
static void
list_forgotten(const struct shash *left, struct nt_sync_leases_result *out)
{
    struct shash_node *node;

    out->forget = xcalloc(shash_count(left) + 1, sizeof *out->forget);
    out->n_forget = 0;
    SHASH_FOR_EACH (node, left) {
        const struct nt_lease *lease = node->data;
        struct nt_lease_name *name = &out->forget[out->n_forget++];

        ovs_strlcpy(name->address, lease->address, sizeof name->address);
        ovs_strlcpy(name->mac, lease->mac, sizeof name->mac);
        nt_warn_rl("lease of nobody, to be released", "address", lease->address, "mac", lease->mac,
                   NULL);
    }
}

int
lease_sync(struct store *store, const struct core_env *env, const struct nt_sync_leases_args *args,
           struct nt_sync_leases_result *out, struct changes *changes, struct nt_err *err)
{
    AUTO_FREE struct held *held = NULL;
    struct shash leases = SHASH_INITIALIZER(&leases);
    struct network_row row;
    size_t n = 0;
    int rc = 0;

    if (network_get(store, args->network_id, &row, err) < 0) {
        return -1;
    }
    if (!row.network.multi_host && strcmp(row.network.host, args->host)) {
        return nt_fail(err, NT_FORBIDDEN, "network %s is not served by host %s", args->network_id,
                       args->host);
    }
    if (load_held(store, &row.network, args->host, &held, &n, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < args->n_leases; i++) {
        shash_replace(&leases, args->leases[i].address, &args->leases[i]);
    }
    for (size_t i = 0; i < n && rc >= 0; i++) {
        struct shash_node *node = shash_find(&leases, held[i].address);
        const struct nt_lease *lease = node ? node->data : NULL;
        bool is_owners = lease && !strcasecmp(lease->mac, held[i].mac);
        struct nt_lease_args event = event_of(args, &held[i], is_owners ? lease : NULL);

        rc = settle(store, env, &event, &held[i], changes, err);
        /* That of a guest that is gone is given back too: whoever should have said so to
         * the network host may have been killed before. */
        if (is_owners && held[i].allocated) {
            shash_delete(&leases, node);
        }
    }
    if (rc >= 0) {
        list_forgotten(&leases, out);
    }
    shash_destroy(&leases);
    return rc;
}
