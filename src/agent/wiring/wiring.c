#include <config.h>

#include <stdio.h>
#include <string.h>

#include "agent/apply/flows.h"
#include "agent/model/owner.h"
#include "agent/model/forwarding.h"
#include "agent/plan/br_int.h"
#include "agent/plan/br_phys.h"
#include "agent/plan/br_tun.h"
#include "agent/plan/bridges.h"
#include "agent/wiring/wiring_impl.h"
#include "base/log.h"
#include "base/mem.h"

NT_LOG_MODULE(wiring);

static void
add_patch(struct model *model, const char *physical_network, const char *bridge,
          const char *int_name, const char *far_name)
{
    struct model_patch *patch = &model->patches[model->n_patches++];

    *patch = (struct model_patch){ .physical_network = physical_network, .bridge = bridge };
    ovs_strlcpy(patch->int_name, int_name, sizeof patch->int_name);
    ovs_strlcpy(patch->far_name, far_name, sizeof patch->far_name);
}

static void
add_patches(struct model *model, const struct agent_config *config)
{
    char int_name[PLAN_PORT_NAME_SIZE], far_name[PLAN_PORT_NAME_SIZE];

    model->patches = xcalloc(config->n_mappings + 1, sizeof *model->patches);
    for (size_t i = 0; i < config->n_mappings; i++) {
        const struct agent_mapping *mapping = &config->mappings[i];
        plan_patch_name("int-", mapping->bridge, int_name);
        plan_patch_name("phy-", mapping->bridge, far_name);
        add_patch(model, mapping->physical_network, mapping->bridge, int_name, far_name);
    }
    if (agent_config_has_tunnels(config)) {
        add_patch(model, NULL, config->tunnel_bridge, config->int_peer_patch_port,
                  config->tun_peer_patch_port);
    }
}

/* --- what leaves the model takes its flows along ------------------------------------------- */

static void
network_gone(void *self_, struct model_network *network)
{
    struct wiring *self = self_;
    char owner[MODEL_OWNER_SIZE];

    model_network_owner(network, owner);
    wiring_emit(self, owner);
    shash_add_once(&self->lost_networks, network->network_id, NULL);
}

static void
mac_gone(void *self_, struct model_mac *mac)
{
    struct wiring *self = self_;
    char owner[MODEL_OWNER_SIZE];

    model_mac_owner(mac, owner);
    wiring_emit(self, owner);
}

static void
ip_gone(void *self_, struct model_ip *ip)
{
    struct wiring *self = self_;
    char owner[MODEL_OWNER_SIZE];

    model_ip_owner(ip, owner);
    wiring_emit(self, owner);
}

struct wiring *
wiring_new(const struct agent_config *config, const struct wiring_to *to)
{
    struct wiring *self = xzalloc(sizeof *self);

    self->config = config;
    self->to = *to;
    self->model = model_new(config);
    self->may_restore = true;
    plan_init(&self->plan);
    shash_init(&self->bridges);
    shash_init(&self->tunnel_ports);
    shash_init(&self->lost_networks);
    shash_init(&self->policies);
    shash_init(&self->meters);
    self->free_meter = 1;
    shash_init(&self->queued);
    shash_init(&self->uplinks);
    shash_init(&self->shadows);
    shash_init(&self->closing);
    shash_init(&self->misnamed);
    self->gone =
        (struct model_gone){ .network = network_gone, .mac = mac_gone, .ip = ip_gone, .aux = self };
    add_patches(self->model, config);
    return self;
}

void
wiring_free(struct wiring *self)
{
    if (!self) {
        return;
    }
    model_free(self->model);
    plan_deinit(&self->plan);
    shash_destroy(&self->bridges);
    shash_destroy(&self->tunnel_ports);
    shash_destroy(&self->lost_networks);
    shash_destroy_free_data(&self->policies);
    shash_destroy(&self->meters);
    shash_destroy(&self->queued);
    shash_destroy(&self->uplinks);
    shash_destroy_free_data(&self->shadows);
    shash_destroy(&self->closing);
    shash_destroy(&self->misnamed);
    free(self->floods);
    free(self);
}

void
wiring_emit(struct wiring *self, const char *owner)
{
    self->to.flows(self->to.aux, owner, &self->plan);
    plan_clear(&self->plan);
}

/* --- bridges -------------------------------------------------------------------------------- */

/* Ports of such a bridge are only reported. */
static bool
is_ancillary(const struct wiring *self, const char *bridge)
{
    const char *kind = shash_find_data(&self->bridges, bridge);

    return kind && !strcmp(kind, "ancillary") && !agent_config_owns(self->config, bridge);
}

bool
wiring_bridge_seen(struct wiring *self, const char *name, const struct nt_ovs_bridge *bridge)
{
    bool was_ancillary = is_ancillary(self, name);

    if (!bridge) {
        self->base_dirty = shash_find_and_delete(&self->bridges, name) || self->base_dirty;
    } else if (!strcmp(bridge->external_bridge_id, name)) {
        shash_replace(&self->bridges, name, (void *) "ancillary");
    } else {
        shash_replace(&self->bridges, name, (void *) "plain");
    }
    return bridge && is_ancillary(self, name) != was_ancillary;
}

static void
want_bridge(void *self_, const struct nt_ovs_bridge_want *want)
{
    struct wiring *self = self_;

    self->to.bridge(self->to.aux, want);
}

/* Whether a patch port has been seen in the switch. */
static bool
patch_is_there(const struct wiring *self, const char *name)
{
    for (size_t i = 0; i < self->model->n_patches; i++) {
        const struct model_patch *patch = &self->model->patches[i];
        if (!strcmp(patch->int_name, name)) {
            return patch->int_ofport != 0;
        }
        if (!strcmp(patch->far_name, name)) {
            return patch->far_ofport != 0;
        }
    }
    return false;
}

/* A patch port that is there stays as it is, traffic and all, until it is wanted joined. */
static void
want_missing_patch(void *self_, const struct nt_ovs_port_want *want)
{
    struct wiring *self = self_;

    if (!patch_is_there(self, want->name)) {
        self->to.port(self->to.aux, want);
    }
}

static void
begin(struct wiring *self)
{
    const struct plan_bridges_to to = { want_bridge, want_missing_patch, self };

    plan_bridges(self->config, false, &to);
    self->has_begun = true;
}

static bool
is_numbered(const struct model_patch *patch)
{
    return patch->int_ofport > 0 && patch->far_ofport > 0;
}

static bool
all_numbered(const struct wiring *self)
{
    for (size_t i = 0; i < self->model->n_patches; i++) {
        if (!is_numbered(&self->model->patches[i])) {
            return false;
        }
    }
    return true;
}

struct joiner {
    struct wiring *wiring;
    const struct model_patch *patch;
};

static void
want_joined(void *joiner_, const struct nt_ovs_port_want *want)
{
    const struct joiner *joiner = joiner_;
    const struct model_patch *patch = joiner->patch;

    if (!strcmp(want->name, patch->int_name) || !strcmp(want->name, patch->far_name)) {
        joiner->wiring->to.port(joiner->wiring->to.aux, want);
    }
}

static void
leave_bridge(void *joiner, const struct nt_ovs_bridge_want *want)
{
    (void) joiner, (void) want;
}

void
wiring_join_ready(struct wiring *self, bool (*is_settled)(void *aux, const char *bridge), void *aux)
{
    if (!self->is_set_up || !is_settled(aux, self->config->integration_bridge)) {
        return;
    }
    for (size_t i = 0; i < self->model->n_patches; i++) {
        struct model_patch *patch = &self->model->patches[i];
        struct joiner joiner = { self, patch };
        const struct plan_bridges_to to = { leave_bridge, want_joined, &joiner };

        if (!patch->is_joined && is_numbered(patch) && is_settled(aux, patch->bridge)) {
            plan_bridges(self->config, true, &to);
            patch->is_joined = true;
        }
    }
}

void
wiring_dirty_networks(struct wiring *self)
{
    struct model_network *network;

    HMAP_FOR_EACH (network, node, &self->model->networks) {
        MODEL_DIRTY(self->model, dirty_networks, network);
    }
}

void
wiring_dirty_ports(struct wiring *self)
{
    struct model_port *port;

    HMAP_FOR_EACH (port, node, &self->model->ports) {
        MODEL_DIRTY(self->model, dirty_ports, port);
    }
}

void
wiring_dirty_all(struct wiring *self)
{
    struct model_network *network;
    struct model_tunnel *tunnel;
    struct model_mac *mac;
    struct model_ip *ip;

    self->base_dirty = true;
    wiring_dirty_ports(self);
    wiring_dirty_networks(self);
    HMAP_FOR_EACH (tunnel, node, &self->model->tunnels) {
        MODEL_DIRTY(self->model, dirty_tunnels, tunnel);
    }
    HMAP_FOR_EACH (network, node, &self->model->networks) {
        HMAP_FOR_EACH (mac, node, &network->macs) {
            MODEL_DIRTY(self->model, dirty_macs, mac);
        }
        HMAP_FOR_EACH (ip, node, &network->ips) {
            MODEL_DIRTY(self->model, dirty_ips, ip);
        }
    }
}

static void
patch_numbered(struct wiring *self, struct model_patch *patch, int64_t *ofport, int64_t now)
{
    if (*ofport == now) {
        return;
    }
    *ofport = now;
    self->base_dirty = true;
    wiring_dirty_networks(self);
    wiring_dirty_ports(self);

    self->is_set_up = self->is_set_up || all_numbered(self);
    if (!now && patch->is_joined) {
        /* It is gone: the new one leads nowhere until what it must drop is dropped. */
        patch->is_joined = false;
        if (self->config->repairs) {
            begin(self);
        }
    }
}

/* True when 'name' is an end of a patch of ours.  A port of another type that has its name becomes
 * one. */
static bool
patch_seen(struct wiring *self, const char *name, const struct nt_ovs_port *port)
{
    int64_t ofport = port && !strcmp(port->type, "patch") ? port->ofport : 0;

    for (size_t i = 0; i < self->model->n_patches; i++) {
        struct model_patch *patch = &self->model->patches[i];
        if (!strcmp(patch->int_name, name)) {
            patch_numbered(self, patch, &patch->int_ofport, ofport);
            return true;
        }
        if (!strcmp(patch->far_name, name)) {
            patch_numbered(self, patch, &patch->far_ofport, ofport);
            return true;
        }
    }
    return false;
}

static int64_t
number(int64_t ofport)
{
    return MAX(ofport, 0);
}

static void
plan_base(struct wiring *self)
{
    const struct agent_config *config = self->config;
    const struct model *model = self->model;
    const struct model_patch *tunnel = model_patch_tunnel(model);
    char owner[MODEL_OWNER_SIZE];
    struct plan_patch *physical = xcalloc(model->n_patches + 1, sizeof *physical);
    struct plan_br_int br_int = {
        .bridge = config->integration_bridge,
        .physical = physical,
        .patch_tun_ofport = tunnel ? number(tunnel->int_ofport) : 0,
        .direct_egress = config->explicitly_egress_direct,
    };

    for (size_t i = 0; i < model->n_patches; i++) {
        const struct model_patch *patch = &model->patches[i];
        if (patch->physical_network && patch->int_ofport > 0) {
            physical[br_int.n_physical++].ofport = patch->int_ofport;
        }
    }
    plan_br_int_base(&self->plan, &br_int);
    snprintf(owner, sizeof owner, "bridge %s", config->integration_bridge);
    wiring_emit(self, owner);
    free(physical);

    for (size_t i = 0; i < model->n_patches; i++) {
        const struct model_patch *patch = &model->patches[i];
        if (patch->far_ofport <= 0 && shash_find(&self->bridges, patch->bridge)) {
            continue; /* What else uses the bridge keeps its flows. */
        }
        if (patch->far_ofport <= 0) {
            /* Nothing can be wanted of a bridge that is gone. */
        } else if (patch->physical_network) {
            plan_br_phys_base(&self->plan,
                              &(struct plan_br_phys){ patch->bridge, patch->far_ofport });
        } else {
            plan_br_tun_base(&self->plan, &(struct plan_br_tun){
                                              .bridge = patch->bridge,
                                              .patch_int_ofport = patch->far_ofport,
                                              .arp_responder = wiring_has_responder(self, false),
                                              .nd_responder = wiring_has_responder(self, true),
                                              .learn_cookie = FLOWS_LEARN_COOKIE,
                                          });
        }
        snprintf(owner, sizeof owner, "bridge %s", patch->bridge);
        wiring_emit(self, owner);
    }
}

/* --- facts ---------------------------------------------------------------------------------- */

/* What was a port of ours is left alone once it is closed. */
static void
closed_seen(struct wiring *self, const char *name, const struct nt_ovs_port *port)
{
    if (!port || (shash_find(&self->closing, name) && port->tag == PLAN_DEAD_VLAN)) {
        shash_find_and_delete(&self->closing, name);
        self->to.forget_port(self->to.aux, name);
    }
}

/* Cut to the length of an id it could be another port's. */
static bool
has_id(struct wiring *self, const struct nt_ovs_port *port)
{
    if (strlen(port->iface_id) >= NT_UUID_SIZE) {
        if (shash_add_once(&self->misnamed, port->name, NULL)) {
            nt_warn("iface-id of an interface is no port's id: it is left alone", "name",
                    port->name, "iface-id", port->iface_id, NULL);
        }
        return false;
    }
    shash_find_and_delete(&self->misnamed, port->name);
    return *port->iface_id != '\0';
}

/* A guest's port on a bridge that matters. */
static bool
is_vif(struct wiring *self, const struct nt_ovs_port *port, bool is_int)
{
    return port && *port->attached_mac && port->n_interfaces == 1
           && (is_int || is_ancillary(self, port->bridge)) && has_id(self, port);
}

void
wiring_port_seen(struct wiring *self, const char *name, const struct nt_ovs_port *port,
                 const struct wiring_memory *memory, bool readded)
{
    struct model_port *known = model_port_by_name(self->model, name);
    const char *br_tun = agent_config_has_tunnels(self->config) ? self->config->tunnel_bridge : "";

    wiring_uplink_seen(self, name, port);
    if (patch_seen(self, name, port)) {
        return;
    }
    if (shash_find(&self->tunnel_ports, name) || (port && !strcmp(port->bridge, br_tun))) {
        /* On another bridge it is another agent's. */
        wiring_tunnel_port_seen(self, name, port && !strcmp(port->bridge, br_tun) ? port : NULL);
        return;
    }

    bool is_int = port && !strcmp(port->bridge, self->config->integration_bridge);
    bool is_plugged = is_vif(self, port, is_int);

    if (!port) {
        shash_find_and_delete(&self->misnamed, name);
    }
    if (wiring_is_shadow(self, name, is_plugged && !readded ? port->iface_id : NULL)) {
        closed_seen(self, name, port);
        return;
    }

    AUTO_FREE char *lost_id = NULL;
    if (known
        && (!is_plugged || strcmp(known->id, port->iface_id) || known->is_ancillary == is_int)) {
        lost_id = xstrdup(known->id);
        wiring_port_gone(self, known, port && is_int);
    }
    if (is_plugged) {
        wiring_vif_seen(self, port, memory, readded, !is_int);
    } else {
        closed_seen(self, name, port);
    }
    if (lost_id) {
        wiring_promote_shadow(self, lost_id);
    }
}

/* --- wishes --------------------------------------------------------------------------------- */

bool
wiring_is_set_up(const struct wiring *self)
{
    return self->is_set_up;
}

bool
wiring_is_complete(const struct wiring *self)
{
    struct model_port *port;

    if (!self->is_set_up) {
        return false;
    }
    HMAP_FOR_EACH (port, node, &self->model->ports) {
        if (port->answer == ANSWER_NONE && !port->is_ancillary) {
            return false;
        }
    }
    return wiring_knows_policies(self);
}

bool
wiring_is_tunnel_complete(const struct wiring *self)
{
    struct model_network *network;

    if (!wiring_is_complete(self) || (!self->config->l2_population && !self->tunnels_are_told)) {
        return false;
    }
    HMAP_FOR_EACH (network, node, &self->model->networks) {
        if (!network->knows_floods) {
            return false;
        }
    }
    return true;
}

bool
wiring_awaits_tables(const struct wiring *self)
{
    struct model_network *network;

    if (!self->config->l2_population) {
        return !self->tunnels_are_told;
    }
    HMAP_FOR_EACH (network, node, &self->model->networks) {
        if (network->has_asked) {
            return true;
        }
    }
    return false;
}

bool
wiring_has_work(const struct wiring *self)
{
    const struct model *model = self->model;

    return self->is_set_up
           && (self->base_dirty || !ovs_list_is_empty(&model->dirty_ports)
               || !ovs_list_is_empty(&model->dirty_networks)
               || !ovs_list_is_empty(&model->dirty_tunnels)
               || !ovs_list_is_empty(&model->dirty_macs) || !ovs_list_is_empty(&model->dirty_ips));
}

/* Whether something from before our start is left as it was, until the server has told. */
static bool
is_restoring(const struct wiring *self)
{
    const struct model_port *port;
    const struct model_network *network;

    if (!self->config->l2_population && !self->tunnels_are_told) {
        return true;
    }
    HMAP_FOR_EACH (port, node, &self->model->ports) {
        if (port->wire == WIRE_LEFT) {
            return true;
        }
    }
    HMAP_FOR_EACH (network, node, &self->model->networks) {
        if (network->is_restored && !network->knows_floods) {
            return true;
        }
    }
    return false;
}

/* Pops each thing off a list of dirty ones and plans it. */
#define PLAN_DIRTY(self, list, type, plan)                                              \
    while (!ovs_list_is_empty(&(self)->model->list)) {                                  \
        struct type *thing_ =                                                           \
            CONTAINER_OF(ovs_list_pop_front(&(self)->model->list), struct type, dirty); \
        ovs_list_init(&thing_->dirty);                                                  \
        plan(self, thing_);                                                             \
    }

static bool
is_on_host(const struct wiring *self, const char *network_id)
{
    struct model_network *network;

    HMAP_FOR_EACH (network, node, &self->model->networks) {
        if (!strcmp(network->network_id, network_id)) {
            return true;
        }
    }
    return false;
}

/* Only now, since what is known of a network is used until its ports have left. */
static void
drop_lost_networks(struct wiring *self)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &self->lost_networks) {
        if (!is_on_host(self, node->name)) {
            self->to.network_interest(self->to.aux, node->name, false);
        }
    }
    shash_clear(&self->lost_networks);
}

void
wiring_run(struct wiring *self)
{
    if (!self->has_begun) {
        begin(self);
    }
    if (!self->is_set_up) {
        return;
    }
    if (self->base_dirty) {
        self->base_dirty = false;
        plan_base(self);
        wiring_want_uplinks(self);
    }
    /* Ports first: they make networks, and those make tunnels' users. */
    PLAN_DIRTY(self, dirty_ports, model_port, wiring_plan_port)
    PLAN_DIRTY(self, dirty_tunnels, model_tunnel, wiring_plan_tunnel)
    PLAN_DIRTY(self, dirty_networks, model_network, wiring_plan_network)
    PLAN_DIRTY(self, dirty_macs, model_mac, wiring_plan_mac)
    PLAN_DIRTY(self, dirty_ips, model_ip, wiring_plan_ip)
    if (self->model->lost_tunnel_use && !is_restoring(self)) {
        self->model->lost_tunnel_use = false;
        wiring_drop_unused_tunnels(self);
    }
    drop_lost_networks(self);
    wiring_drop_lost_policies(self);
}

void
wiring_report_ready(struct wiring *self, const struct wiring_report *report)
{
    struct model_port *port;

    LIST_FOR_EACH_SAFE (port, report, &self->model->to_report) {
        struct model_network *network = port->network;
        bool refresh = false;

        if (!report->is_in(report->aux, port)) {
            continue;
        }
        if (network && network->needs_table && self->config->l2_population) {
            network->needs_table = false;
            network->has_asked = true;
            network->n_asked++;
            refresh = true;
        }
        ovs_list_remove(&port->report);
        ovs_list_init(&port->report);
        port->is_reported_up = true;
        nt_log_swap_request(port->request);
        report->up(report->aux, port, refresh);
        nt_log_swap_request(port->request);
        *port->request = '\0'; /* What comes later has another cause. */
    }
}

const struct model *
wiring_model(const struct wiring *self)
{
    return self->model;
}

const struct wiring_stats *
wiring_stats(const struct wiring *self)
{
    return &self->stats;
}
