#include <config.h>

#include "flat/releases.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"

NT_LOG_MODULE(releases);

#define FIRST_RETRY_MS 1000

/* One lease whose end dnsmasq has not confirmed. */
struct waiting {
    char network_id[NT_UUID_SIZE];
    struct nt_lease_name lease;
    unsigned n_sent;
    int64_t next_ms; /* Monotonic. */
};

struct releases {
    struct releases_options options;
    struct shash waiting; /* struct waiting, by network, address and MAC. */
};

struct releases *
releases_new(const struct releases_options *options)
{
    struct releases *r = xzalloc(sizeof *r);

    r->options = *options;
    shash_init(&r->waiting);
    return r;
}

void
releases_free(struct releases *r)
{
    if (r) {
        shash_destroy_free_data(&r->waiting);
        free(r);
    }
}

static char *
name_of(const char *network_id, const struct nt_lease_name *lease)
{
    return xasprintf("%s %s %s", network_id, lease->address, lease->mac);
}

static void
send_one(struct releases *r, const struct flat_network *network, const struct nt_lease_name *lease)
{
    struct nt_dhcp_release release = { .device = network->view.bridge };
    struct nt_err err = { 0 };

    nt_random_bytes(r->options.random, "xid", &release.xid, sizeof release.xid);
    if (nt_ip4_parse(network->view.dhcp_server, &release.server)
        && nt_ip4_parse(lease->address, &release.ip) && nt_mac_parse(lease->mac, &release.mac)
        && r->options.send(&release, &err) < 0) {
        nt_warn_rl("lease not released", "address", lease->address, "why", err.msg, NULL);
    }
}

void
releases_send(struct releases *r, const char *network_id, const struct nt_lease_name *lease,
              bool is_known)
{
    const struct flat_network *network = flat_model_network(r->options.model, network_id);
    AUTO_FREE char *name = name_of(network_id, lease);

    if (!network || shash_find(&r->waiting, name)) {
        return;
    }
    send_one(r, network, lease);
    if (is_known) {
        struct waiting *w = xzalloc(sizeof *w);

        ovs_strlcpy(w->network_id, network_id, sizeof w->network_id);
        w->lease = *lease;
        w->n_sent = 1;
        w->next_ms = nt_mono_ms(r->options.clock) + FIRST_RETRY_MS;
        shash_add_once(&r->waiting, name, w);
    }
}

void
releases_over(struct releases *r, const char *network_id, const struct nt_lease_name *lease)
{
    AUTO_FREE char *name = name_of(network_id, lease);

    free(shash_find_and_delete(&r->waiting, name));
}

size_t
releases_n_waiting(const struct releases *r)
{
    return shash_count(&r->waiting);
}

/* The guest came back (an evacuation that failed, a host that returns): its lease is used. */
static bool
has_guest(const struct flat_network *network, const struct nt_lease_name *lease)
{
    const struct nt_host_entry *entry = flat_entry(network, lease->address);

    return entry && entry->allocated && !strcmp(entry->mac, lease->mac);
}

/* Returns false when there is nothing to wait for any more. */
static bool
send_again(struct releases *r, struct waiting *w)
{
    const struct flat_network *network = flat_model_network(r->options.model, w->network_id);

    if (!network || has_guest(network, &w->lease)) {
        return false;
    }
    w->next_ms = nt_mono_ms(r->options.clock) + (FIRST_RETRY_MS << MIN(w->n_sent, 4));
    if (!r->options.is_serving(network)) {
        return true;
    }
    if (w->n_sent >= RELEASES_MAX_SENT) {
        nt_warn("dnsmasq does not confirm a release; taken not to have the lease", "address",
                w->lease.address, "mac", w->lease.mac, NULL);
        r->options.given_up(r->options.aux, w->network_id, &w->lease);
        return false;
    }
    send_one(r, network, &w->lease);
    w->n_sent++;
    return true;
}

void
releases_run(struct releases *r)
{
    int64_t now = nt_mono_ms(r->options.clock);
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, &r->waiting) {
        struct waiting *w = node->data;

        if (now >= w->next_ms && !send_again(r, w)) {
            shash_delete(&r->waiting, node);
            free(w);
        }
    }
}

void
releases_wait(const struct releases *r)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &r->waiting) {
        const struct waiting *w = node->data;

        poll_timer_wait_until(w->next_ms);
    }
}
