/* Networks, tunnels, and what is behind them. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "agent/model/owner.h"
#include "agent/model/forwarding.h"
#include "agent/plan/br_int.h"
#include "agent/plan/br_phys.h"
#include "agent/plan/br_tun.h"
#include "agent/plan/bridges.h"
#include "agent/wiring/wiring_impl.h"
#include "base/log.h"
#include "base/mem.h"

NT_LOG_MODULE(wiring_tunnels);

/* How often a table is asked for that does not come. */
#define MAX_ASKED 3

/* --- planned -------------------------------------------------------------------------------- */

static int
compare_ofports(const void *a_, const void *b_)
{
    const int64_t *a = a_, *b = b_;

    return *a < *b ? -1 : *a > *b;
}

static void
add_flood(struct wiring *self, size_t *n, const struct model_tunnel *tunnel)
{
    if (tunnel->ofport <= 0) {
        return;
    }
    if (*n >= self->floods_allocated) {
        self->floods = x2nrealloc(self->floods, &self->floods_allocated, sizeof *self->floods);
    }
    self->floods[(*n)++] = tunnel->ofport;
}

/* Whom the network is flooded to.  Until the server has told, a network that was flooded before
 * our start keeps the flow it has: none is wanted. */
static size_t
collect_floods(struct wiring *self, const struct model_network *network)
{
    const struct model_flood *flood;
    const struct model_tunnel *tunnel;
    size_t n = 0;

    if (network->is_restored && !network->knows_floods) {
        return 0;
    }
    if (self->config->l2_population) {
        LIST_FOR_EACH (flood, of_network, &network->floods) {
            add_flood(self, &n, flood->tunnel);
        }
    } else {
        HMAP_FOR_EACH (tunnel, node, &self->model->tunnels) {
            if (tunnel->is_peer && !strcmp(tunnel->type, network->network_type)) {
                add_flood(self, &n, tunnel);
            }
        }
    }
    if (n) {
        qsort(self->floods, n, sizeof *self->floods, compare_ofports);
    }
    return n;
}

bool
wiring_network_values(struct wiring *self, const struct model_network *network,
                      struct plan_network *values)
{
    const struct model_patch *patch;

    *values = (struct plan_network){
        .lvlan = network->lvlan,
        .network_type = network->network_type,
        .segmentation_id = network->segmentation_id,
        .br_int = self->config->integration_bridge,
    };
    if (!strcmp(network->network_type, "local")) {
        return false;
    }
    if (model_network_is_tunnel(network)) {
        patch = model_patch_tunnel(self->model);
        if (!patch || patch->far_ofport <= 0) {
            return false;
        }
        values->br_tun = patch->bridge;
        values->patch_int_ofport = patch->far_ofport;
        values->n_flood_ofports = collect_floods(self, network);
        values->flood_ofports = self->floods;
        return true;
    }
    patch = model_patch_of(self->model, network);
    if (!patch || patch->int_ofport <= 0 || patch->far_ofport <= 0) {
        return false;
    }
    values->br_phys = patch->bridge;
    values->int_ofport = patch->int_ofport;
    values->phy_ofport = patch->far_ofport;
    return true;
}

void
wiring_plan_network(struct wiring *self, struct model_network *network)
{
    char owner[MODEL_OWNER_SIZE];
    struct plan_network values;

    if (!wiring_network_values(self, network, &values)) {
        /* A local network needs no flows, others not before their patch has numbers. */
    } else if (model_network_is_tunnel(network)) {
        plan_br_tun_network(&self->plan, &values);
    } else {
        plan_br_int_network(&self->plan, &values);
        plan_br_phys_network(&self->plan, &values);
    }
    model_network_owner(network, owner);
    wiring_emit(self, owner);
}

static void
want_port(void *self_, const struct nt_ovs_port_want *want)
{
    struct wiring *self = self_;

    self->to.port(self->to.aux, want);
}

/* What goes through a tunnel is planned with its number. */
static void
dirty_users(struct wiring *self, const struct model_tunnel *tunnel)
{
    struct model_flood *flood;
    struct model_mac *mac;

    LIST_FOR_EACH (flood, of_tunnel, &tunnel->floods) {
        MODEL_DIRTY(self->model, dirty_networks, flood->network);
    }
    LIST_FOR_EACH (mac, of_tunnel, &tunnel->macs) {
        MODEL_DIRTY(self->model, dirty_macs, mac);
    }
    if (tunnel->is_peer) {
        wiring_dirty_networks(self);
    }
}

/* The number that the switch has given a port of that name. */
static int64_t
ofport_seen(const struct wiring *self, const char *name)
{
    const struct shash_node *seen = shash_find(&self->tunnel_ports, name);

    return seen ? (int64_t) (intptr_t) seen->data : 0;
}

/* False: another tunnel has the name. */
static bool
is_named(struct wiring *self, struct model_tunnel *tunnel)
{
    bool had = model_tunnel_has_name(self->model, tunnel);

    if (!model_tunnel_take_name(self->model, tunnel)) {
        const struct model_tunnel *other =
            shash_find_data(&self->model->tunnel_names, tunnel->name);
        nt_warn_rl("cannot make a tunnel: its port's name, a hash, is another tunnel's (without "
                   "tunnel_names_with_local_ip each has its own)",
                   "type", tunnel->type, "remote_ip", tunnel->remote_ip, "name", tunnel->name,
                   "is_of", other->remote_ip, NULL);
        self->stats.n_refused++;
        return false;
    }
    if (!had) {
        tunnel->ofport = ofport_seen(self, tunnel->name);
        dirty_users(self, tunnel);
    }
    return true;
}

void
wiring_plan_tunnel(struct wiring *self, struct model_tunnel *tunnel)
{
    const struct plan_bridges_to to = { NULL, want_port, self };
    char owner[MODEL_OWNER_SIZE];
    struct nt_err err = { 0 };

    if (!is_named(self, tunnel)) {
        return;
    }
    if (plan_tunnel(self->config, tunnel->type, tunnel->remote_ip, tunnel->name, &to, &err) < 0) {
        nt_warn_rl("cannot make a tunnel", "type", tunnel->type, "remote_ip", tunnel->remote_ip,
                   "why", err.msg, NULL);
        self->stats.n_refused++;
    }
    if (tunnel->ofport > 0) {
        plan_br_tun_tunnel(&self->plan, self->config->tunnel_bridge, tunnel->type, tunnel->ofport);
    }
    model_tunnel_owner(tunnel, owner);
    wiring_emit(self, owner);
}

void
wiring_plan_mac(struct wiring *self, struct model_mac *mac)
{
    char owner[MODEL_OWNER_SIZE];
    struct plan_network values;

    if (mac->tunnel->ofport > 0 && wiring_network_values(self, mac->network, &values)) {
        plan_br_tun_unicast(&self->plan, &values, mac->mac, mac->tunnel->ofport);
    }
    model_mac_owner(mac, owner);
    wiring_emit(self, owner);
}

bool
wiring_has_responder(const struct wiring *self, bool is_v6)
{
    const struct agent_config *config = self->config;

    return config->l2_population
           && (is_v6 ? config->nd_responder && !self->no_nd
                     : config->arp_responder && !self->no_arp);
}

static void
dirty_addresses(struct wiring *self)
{
    struct model_network *network;
    struct model_ip *ip;

    HMAP_FOR_EACH (network, node, &self->model->networks) {
        HMAP_FOR_EACH (ip, node, &network->ips) {
            MODEL_DIRTY(self->model, dirty_ips, ip);
        }
    }
}

void
wiring_flow_refused(struct wiring *self, const char *owner, const char *why)
{
    static const char owned[] = "ip ";
    bool is_v6 = strchr(owner, ':') != NULL;

    /* A switch without room for it may have some later. */
    if (strncmp(owner, owned, strlen(owned)) || strstr(why, "TABLE_FULL")
        || !wiring_has_responder(self, is_v6)) {
        return;
    }
    *(is_v6 ? &self->no_nd : &self->no_arp) = true;
    nt_error(is_v6 ? "switch cannot answer neighbour solicitations: nd_responder is off, they "
                     "are flooded"
                   : "switch cannot answer ARP requests: arp_responder is off, they are flooded",
             "bridge", self->config->tunnel_bridge, "why", why, NULL);
    self->base_dirty = true;
    dirty_addresses(self);
}

void
wiring_plan_ip(struct wiring *self, struct model_ip *ip)
{
    char owner[MODEL_OWNER_SIZE];
    struct plan_network values;
    bool is_v6 = strchr(ip->ip, ':') != NULL;

    if (wiring_network_values(self, ip->mac->network, &values)) {
        if (!is_v6 && wiring_has_responder(self, false)) {
            plan_br_tun_arp(&self->plan, &values, ip->ip, ip->mac->mac);
        } else if (is_v6 && wiring_has_responder(self, true)) {
            plan_br_tun_nd(&self->plan, &values, ip->ip, ip->mac->mac);
        }
    }
    model_ip_owner(ip, owner);
    wiring_emit(self, owner);
}

/* --- tunnels -------------------------------------------------------------------------------- */

static struct model_tunnel *
tunnel_get(struct wiring *self, const char *type, const char *ip)
{
    struct model_tunnel *tunnel = model_tunnel_find(self->model, type, ip);
    char name[PLAN_PORT_NAME_SIZE];

    if (!tunnel) {
        plan_tunnel_name(self->config, type, ip, 0, name);
        tunnel = model_tunnel_add(self->model, type, ip, name);

        if (model_tunnel_has_name(self->model, tunnel)) {
            tunnel->ofport = ofport_seen(self, name);
        }
    }
    return tunnel;
}

static bool
is_tunnel_type(const char *type)
{
    static const char *const types[] = { "vxlan", "gre", "ip6gre", "geneve" };

    for (size_t i = 0; i < NT_ARRAY_SIZE(types); i++) {
        if (!strcmp(types[i], type)) {
            return true;
        }
    }
    return false;
}

void
wiring_tunnel_port_seen(struct wiring *self, const char *name, const struct nt_ovs_port *port)
{
    struct model_tunnel *tunnel = shash_find_data(&self->model->tunnel_names, name);
    int64_t ofport = port ? port->ofport : 0;

    if (!port) {
        shash_find_and_delete(&self->tunnel_ports, name);
    } else if (is_tunnel_type(port->type)) {
        shash_replace(&self->tunnel_ports, name, (void *) (intptr_t) ofport);
        self->model->lost_tunnel_use = self->model->lost_tunnel_use || !tunnel;
    }
    if (tunnel && tunnel->ofport != ofport) {
        tunnel->ofport = ofport;
        MODEL_DIRTY(self->model, dirty_tunnels, tunnel);
        dirty_users(self, tunnel);
    }
}

/* Its port goes; one of that name on another bridge is another agent's, and stays. */
static void
drop_tunnel(struct wiring *self, struct model_tunnel *tunnel)
{
    char owner[MODEL_OWNER_SIZE];

    model_tunnel_owner(tunnel, owner);
    wiring_emit(self, owner);
    if (shash_find(&self->tunnel_ports, tunnel->name)) {
        self->to.no_port(self->to.aux, tunnel->name);
    } else {
        self->to.forget_port(self->to.aux, tunnel->name);
    }
}

/* Names may be free now. */
static void
dirty_nameless(struct wiring *self)
{
    struct model_tunnel *tunnel;

    HMAP_FOR_EACH (tunnel, node, &self->model->tunnels) {
        if (!model_tunnel_has_name(self->model, tunnel)) {
            MODEL_DIRTY(self->model, dirty_tunnels, tunnel);
        }
    }
}

void
wiring_drop_unused_tunnels(struct wiring *self)
{
    struct model_tunnel *tunnel;
    struct shash_node *node;
    size_t n_before = hmap_count(&self->model->tunnels);

    HMAP_FOR_EACH_SAFE (tunnel, node, &self->model->tunnels) {
        if (model_tunnel_is_used(tunnel)) {
            continue;
        }
        if (model_tunnel_has_name(self->model, tunnel)) {
            drop_tunnel(self, tunnel);
        }
        model_tunnel_remove(self->model, tunnel);
    }
    if (hmap_count(&self->model->tunnels) != n_before) {
        dirty_nameless(self);
    }
    SHASH_FOR_EACH (node, &self->tunnel_ports) {
        if (!shash_find(&self->model->tunnel_names, node->name)) {
            self->to.no_port(self->to.aux, node->name);
        }
    }
}

bool
wiring_has_tunnel_type(const struct wiring *self, const char *type)
{
    for (size_t i = 0; i < self->config->n_tunnel_types; i++) {
        if (!strcmp(self->config->tunnel_types[i], type)) {
            return true;
        }
    }
    return false;
}

/* Its port gets the name of the number; the switch takes no two ports to one end, so the old one
 * goes first. */
static void
number_tunnel(struct wiring *self, struct model_tunnel *tunnel, int64_t id)
{
    char name[PLAN_PORT_NAME_SIZE];

    tunnel->id = id;
    plan_tunnel_name(self->config, tunnel->type, tunnel->remote_ip, id, name);
    if (strcmp(name, tunnel->name)) {
        if (model_tunnel_has_name(self->model, tunnel)) {
            drop_tunnel(self, tunnel);
        }
        model_tunnel_rename(self->model, tunnel, name);
        tunnel->ofport = ofport_seen(self, name);
        dirty_users(self, tunnel);
        dirty_nameless(self);
    }
}

void
wiring_tunnel(struct wiring *self, const char *type, const char *ip, int64_t id)
{
    if (self->config->l2_population || !strcmp(ip, self->config->local_ip)
        || !wiring_has_tunnel_type(self, type)) {
        return;
    }

    struct model_tunnel *tunnel = tunnel_get(self, type, ip);
    if (!tunnel->is_peer) {
        tunnel->is_peer = true;
        wiring_dirty_networks(self);
    }
    if (id && id != tunnel->id) {
        number_tunnel(self, tunnel, id);
    }
}

void
wiring_tunnel_gone(struct wiring *self, const char *type, const char *ip)
{
    struct model_tunnel *tunnel = model_tunnel_find(self->model, type, ip);

    if (tunnel && tunnel->is_peer) {
        tunnel->is_peer = false;
        self->model->lost_tunnel_use = true;
        wiring_dirty_networks(self);
    }
}

/* --- forwarding entries ---------------------------------------------------------------------- */

static bool
is_flood(const struct nt_fdb_entry *entry)
{
    return !strcmp(entry->mac, NT_FDB_FLOOD_MAC) && !strcmp(entry->ip, NT_FDB_FLOOD_IP);
}

/* NULL: no port of the network is here, or it is none of a tunnel. */
static struct model_network *
network_of(const struct wiring *self, const struct nt_fdb_network *told)
{
    char segmentation[MODEL_SEGMENTATION_SIZE];

    model_segmentation(told->segment_id, true, segmentation);

    struct model_network *network = model_network_find(self->model, told->network_id, segmentation);
    return network && model_network_is_tunnel(network) ? network : NULL;
}

static void
host_added(struct wiring *self, struct model_network *network, const struct nt_fdb_host *host)
{
    if (!host->n_entries || !strcmp(host->ip, self->config->local_ip)) {
        return;
    }

    struct model_tunnel *tunnel = tunnel_get(self, network->network_type, host->ip);
    for (size_t i = 0; i < host->n_entries; i++) {
        const struct nt_fdb_entry *entry = &host->entries[i];
        if (is_flood(entry)) {
            model_flood_add(self->model, network, tunnel);
        } else {
            model_entry_add(self->model, network, tunnel, entry->mac, entry->ip);
        }
    }
}

static void
host_removed(struct wiring *self, struct model_network *network, const struct nt_fdb_host *host)
{
    struct model_tunnel *tunnel = model_tunnel_find(self->model, network->network_type, host->ip);

    for (size_t i = 0; tunnel && i < host->n_entries; i++) {
        const struct nt_fdb_entry *entry = &host->entries[i];
        if (is_flood(entry)) {
            model_flood_remove(self->model, network, tunnel);
        } else {
            model_entry_remove(self->model, network, tunnel, entry->mac, entry->ip, &self->gone);
        }
    }
}

static void
each_host(struct wiring *self, const struct nt_fdb_network *networks, size_t n,
          void (*each)(struct wiring *, struct model_network *, const struct nt_fdb_host *))
{
    if (!self->config->l2_population) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct model_network *network = network_of(self, &networks[i]);
        for (size_t j = 0; network && j < networks[i].n_hosts; j++) {
            each(self, network, &networks[i].hosts[j]);
        }
    }
}

/* Who asks for a table gets it alone, unless it is empty; then the server tells everybody that
 * the network is to be flooded to who asked.  So that, heard by ourselves, is behind the table;
 * whatever else comes may be about anything. */
static bool
is_behind_table(const struct wiring *self, const struct nt_fdb_network *told)
{
    for (size_t i = 0; i < told->n_hosts; i++) {
        const struct nt_fdb_host *host = &told->hosts[i];

        for (size_t j = 0; !strcmp(host->ip, self->config->local_ip) && j < host->n_entries; j++) {
            if (is_flood(&host->entries[j])) {
                return true;
            }
        }
    }
    return false;
}

static bool
was_asked(struct wiring *self, const struct nt_fdb_network *told)
{
    struct model_network *network = network_of(self, told);

    if (!network || !network->has_asked) {
        return false;
    }
    network->was_told = network->was_told || is_behind_table(self, told);
    return true;
}

bool
wiring_fdb_add(struct wiring *self, const struct nt_fdb_network *networks, size_t n)
{
    bool asked = false;

    each_host(self, networks, n, host_added);
    for (size_t i = 0; i < n; i++) {
        asked = was_asked(self, &networks[i]) || asked;
    }
    return asked;
}

void
wiring_fdb_remove(struct wiring *self, const struct nt_fdb_network *networks, size_t n)
{
    each_host(self, networks, n, host_removed);
}

/* The addresses of a host's ports are other ones: new ones first. */
static void
change_addresses(struct wiring *self, struct model_network *network,
                 const struct nt_fdb_change *change)
{
    struct model_tunnel *tunnel = model_tunnel_find(self->model, network->network_type, change->ip);

    for (size_t i = 0; tunnel && i < change->n_after; i++) {
        model_entry_add(self->model, network, tunnel, change->after[i].mac, change->after[i].ip);
    }
    for (size_t i = 0; tunnel && i < change->n_before; i++) {
        model_entry_remove(self->model, network, tunnel, change->before[i].mac,
                           change->before[i].ip, &self->gone);
    }
}

void
wiring_fdb_change(struct wiring *self, const struct nt_fdb_network_change *changes, size_t n)
{
    struct model_network *network;

    for (size_t i = 0; i < n; i++) {
        HMAP_FOR_EACH (network, node, &self->model->networks) {
            if (strcmp(network->network_id, changes[i].network_id)
                || !model_network_is_tunnel(network)) {
                continue;
            }
            for (size_t j = 0; j < changes[i].n_hosts; j++) {
                change_addresses(self, network, &changes[i].hosts[j]);
            }
        }
    }
}

/* The server tells a table to who reports a port of the network. */
static void
ask(struct wiring *self, struct model_network *network)
{
    struct model_port *port =
        CONTAINER_OF(ovs_list_front(&network->ports), struct model_port, member);

    port->is_reported_up = false;
    MODEL_DIRTY(self->model, dirty_ports, port);
    network->has_asked = network->was_told = false;
    network->needs_table = true;
}

/* With another port each time: when one is reported that was deleted or bound to another host
 * meanwhile, the server says nothing. */
static void
ask_again(struct wiring *self, struct model_network *network)
{
    ovs_list_push_back(&network->ports, ovs_list_pop_front(&network->ports));
    ask(self, network);
}

void
wiring_ask_again(struct wiring *self)
{
    struct model_network *network;

    HMAP_FOR_EACH (network, node, &self->model->networks) {
        if (!self->config->l2_population || !network->has_asked || network->was_told) {
            continue;
        }
        if (network->n_asked < MAX_ASKED) {
            ask_again(self, network);
        } else {
            nt_warn_rl("the server sends no forwarding entries", "network", network->network_id,
                       NULL);
        }
    }
}

void
wiring_tables_told(struct wiring *self)
{
    struct model_network *network;

    self->tunnels_are_told = true;
    HMAP_FOR_EACH (network, node, &self->model->networks) {
        if (!network->has_asked && self->config->l2_population) {
            continue;
        }
        network->has_asked = false;
        if (self->config->l2_population && network->was_told) {
            model_network_sweep(self->model, network, &self->gone);
        }
        network->was_told = false;
        network->n_asked = 0;
        if (!network->knows_floods) {
            network->knows_floods = true;
            MODEL_DIRTY(self->model, dirty_networks, network);
        }
    }
    self->model->lost_tunnel_use = true;
}

void
wiring_no_table(struct wiring *self, const char *port_id)
{
    struct model_port *port = model_port_find(self->model, port_id);
    struct model_network *network = port ? port->network : NULL;

    if (!network || !network->has_asked || network->was_told) {
        return;
    }
    if (network->n_asked < MAX_ASKED) {
        ask_again(self, network);
    } else {
        /* With whatever port is reported next. */
        network->has_asked = false;
        network->needs_table = true;
    }
}

void
wiring_doubt(struct wiring *self)
{
    struct model_network *network;

    HMAP_FOR_EACH (network, node, &self->model->networks) {
        model_network_doubt(network);
        network->n_asked = 0;
        if (self->config->l2_population && model_network_is_tunnel(network)) {
            ask(self, network);
        }
    }
}
