/* One port: what it shall be, its flows, its row. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/model/owner.h"
#include "agent/plan/br_int.h"
#include "agent/wiring/wiring_impl.h"
#include "base/log.h"
#include "base/mem.h"

NT_LOG_MODULE(wiring_ports);

/* What a port may have at most; the rest is left out. */
#define MAX_ADDRESSES 4096

/* Values of "neutrino_guards" in other_config. */
#define MEMORY_FLOWS "flows"
#define MEMORY_NONE "none"

static void
to_report(struct wiring *self, struct model_port *port)
{
    if (!port->is_reported_up && ovs_list_is_empty(&port->report)) {
        ovs_list_push_back(&self->model->to_report, &port->report);
    }
}

static void
not_to_report(struct model_port *port)
{
    ovs_list_remove(&port->report);
    ovs_list_init(&port->report);
}

/* Its row is wished as soon as its guards are in. */
static void
to_open(struct wiring *self, struct model_port *port)
{
    if (ovs_list_is_empty(&port->open)) {
        ovs_list_push_back(&self->model->to_open, &port->open);
    }
}

static void
not_to_open(struct model_port *port)
{
    ovs_list_remove(&port->open);
    ovs_list_init(&port->open);
}

static void
report_down(struct wiring *self, struct model_port *port)
{
    not_to_report(port);
    port->is_reported_up = false;
    self->to.device_down(self->to.aux, port->id);
}

/* It is no more on its way out of the switch. */
static void
stay(struct wiring *self, struct model_port *port)
{
    if (port->is_leaving) {
        port->is_leaving = false;
        self->to.forget_port(self->to.aux, port->name);
    }
}

/* A guest that went to another host leaves its port behind, which goes when the binding of that
 * host has become the active one.  One that is not active here yet is that of a guest to come. */
static void
note_binding(struct wiring *self, struct model_port *port, const struct nt_vo_port *told)
{
    const struct nt_vo_binding *ours = nt_vo_port_binding(told, self->config->host);

    if (ours && !strcmp(ours->status, "ACTIVE")) {
        stay(self, port);
        if (!port->was_active) {
            port->is_reported_up = false; /* Till now the server did not take it for ours. */
        }
        port->was_active = true;
    } else if (port->was_active && nt_vo_port_has_left(told, self->config->host)) {
        nt_info("binding was deactivated: the port leaves the switch", "port", port->id, "name",
                port->name, NULL);
        port->was_active = false;
        port->is_leaving = true;
        not_to_report(port);
        not_to_open(port);
        self->to.no_port(self->to.aux, port->name);
    }
}

/* --- seen ----------------------------------------------------------------------------------- */

/* The tag of an earlier run is kept for the network it was for. */
static void
remember(struct wiring *self, struct model_port *port, const struct wiring_memory *memory)
{
    if (!self->may_restore || !memory || !memory->net_uuid || !memory->tag || !port->tag
        || port->tag == PLAN_DEAD_VLAN) {
        return;
    }

    const char *segmentation = memory->segmentation_id ? memory->segmentation_id : "None";
    if (atoi(memory->tag) != port->tag) {
        nt_warn("tag of a port is not the one it was given; it is wired anew", "port", port->id,
                "name", port->name, NULL);
        return;
    }
    const char *guards = memory->guards ? memory->guards : "";
    port->guards = !strcmp(guards, MEMORY_FLOWS)  ? GUARDS_FLOWS
                   : !strcmp(guards, MEMORY_NONE) ? GUARDS_NONE
                                                  : GUARDS_UNKNOWN;
    port->is_restored =
        lvlans_hint(self->model->lvlans, port->id, memory->net_uuid, segmentation, port->tag);
    if (!port->is_restored) {
        nt_warn("tag of a port belongs to another network; it is wired anew", "port", port->id,
                "name", port->name, "network", memory->net_uuid, NULL);
    }
}

/* Off the network, whatever it was on.  A port that is none any more loses its limits, too; one
 * that may come back keeps them. */
static void
close_port(struct wiring *self, struct model_port *port, bool is_over)
{
    int64_t policing = is_over && self->config->has_qos ? 0 : -1;
    char keys[MODEL_N_WAYS][WIRING_METER_KEY_SIZE];
    const struct nt_ovs_kv no_meters[] = {
        { keys[MODEL_INGRESS], NULL },
        { keys[MODEL_EGRESS], NULL },
        { NULL, NULL },
    };
    wiring_meter_key(port->id, MODEL_INGRESS, keys[MODEL_INGRESS]);
    wiring_meter_key(port->id, MODEL_EGRESS, keys[MODEL_EGRESS]);

    const struct nt_ovs_port_want want = {
        .bridge = port->bridge,
        .name = port->name,
        .tag = PLAN_DEAD_VLAN,
        .other_config = policing ? NULL : no_meters,
        .policing_kbps = policing,
        .policing_burst_kb = policing,
    };

    not_to_open(port);
    self->to.port(self->to.aux, &want);
    if (!policing) {
        self->to.qos(self->to.aux, port->name, 0, 0);
        wiring_drop_meters(self, port);
    }
}

static void
forget_port(struct wiring *self, struct model_port *port)
{
    port->is_restored = false;
    if (port->wire == WIRE_LEFT) {
        MODEL_DIRTY(self->model, dirty_ports, port);
    }
}

void
wiring_forget_floods(struct wiring *self)
{
    struct model_network *network;

    HMAP_FOR_EACH (network, node, &self->model->networks) {
        network->is_restored = false;
        MODEL_DIRTY(self->model, dirty_networks, network);
    }
}

void
wiring_forget_restored(struct wiring *self)
{
    struct model_port *port;

    self->may_restore = false;
    HMAP_FOR_EACH (port, node, &self->model->ports) {
        forget_port(self, port);
    }
    wiring_forget_floods(self);
}

/* A port that needs flows and has none was made anew while nobody looked, or they are gone.  One
 * of another agent may be one that needs none: then nothing is left over either. */
static bool
is_trusted(const struct model_port *port, const struct wiring_installed *found)
{
    if (!found->is_kept) {
        return false;
    }
    switch (port->guards) {
    case GUARDS_NONE:
        return true;
    case GUARDS_FLOWS:
        return found->has_flows(found->aux, port->ofport);
    case GUARDS_UNKNOWN:
    default:
        return found->has_flows(found->aux, port->ofport) || !found->is_odd;
    }
}

/* Its tag is one from before, and there is nothing better to go by yet. */
static bool
stands_on_memory(const struct model_port *port)
{
    return port->is_restored && port->answer == ANSWER_NONE;
}

bool
wiring_has_restored(const struct wiring *self)
{
    const struct model_port *port;

    HMAP_FOR_EACH (port, node, &self->model->ports) {
        if (stands_on_memory(port)) {
            return true;
        }
    }
    return false;
}

void
wiring_judge_restored(struct wiring *self, const struct wiring_installed *found)
{
    struct model_port *port;

    HMAP_FOR_EACH (port, node, &self->model->ports) {
        if (!stands_on_memory(port) || is_trusted(port, found)) {
            continue;
        }
        nt_warn("flows of a port are not those of before; it is off the network until the server "
                "answers",
                "port", port->id, "name", port->name, NULL);
        forget_port(self, port);
    }
}

void
wiring_rows_settled(struct wiring *self)
{
    struct model_port *port;

    if (!lvlans_rested(self->model->lvlans) || !self->lacks_lvlans) {
        return;
    }
    self->lacks_lvlans = false;
    HMAP_FOR_EACH (port, node, &self->model->ports) {
        if (port->lacks_lvlan) {
            port->lacks_lvlan = false;
            MODEL_DIRTY(self->model, dirty_ports, port);
        }
    }
}

void
wiring_all_seen(struct wiring *self)
{
    self->may_restore = false;
}

/* Of two interfaces with one iface-id, the newer has the port: the one that came later, and
 * at the start, when nobody knows that, the one that no agent has given a tag. */
static int
newness(int tag)
{
    return tag == 0 ? 2 : tag != PLAN_DEAD_VLAN ? 1 : 0;
}

static bool
is_newer(const struct wiring *self, const struct nt_ovs_port *seen, const struct model_port *holder)
{
    return !self->may_restore || newness(seen->tag) > newness(holder->tag);
}

static void
add_shadow(struct wiring *self, const char *name, const char *id)
{
    shash_add(&self->shadows, name, xstrdup(id));
}

static void
drop_shadow(struct wiring *self, struct shash_node *shadow)
{
    free(shadow->data);
    shash_delete(&self->shadows, shadow);
}

bool
wiring_is_shadow(struct wiring *self, const char *name, const char *id)
{
    struct shash_node *shadow = shash_find(&self->shadows, name);

    if (shadow && (!id || strcmp(shadow->data, id))) {
        drop_shadow(self, shadow);
        return false;
    }
    return shadow != NULL;
}

void
wiring_promote_shadow(struct wiring *self, const char *id)
{
    struct shash_node *shadow;

    SHASH_FOR_EACH (shadow, &self->shadows) {
        if (!strcmp(shadow->data, id)) {
            AUTO_FREE char *name = xstrdup(shadow->name);

            drop_shadow(self, shadow);
            self->to.see_port(self->to.aux, name);
            return;
        }
    }
}

/* Makes room for the port's new interface; false: the one that has it keeps it. */
static bool
displace(struct wiring *self, const struct nt_ovs_port *seen)
{
    struct model_port *holder = model_port_find(self->model, seen->iface_id);

    if (!holder) {
        return true;
    }

    bool newer = is_newer(self, seen, holder);
    nt_warn("port is plugged twice: remove the interface that is left over", "port", holder->id,
            "used", newer ? seen->name : holder->name, "left over",
            newer ? holder->name : seen->name, NULL);
    if (newer) {
        add_shadow(self, holder->name, holder->id);
        wiring_port_gone(self, holder, true);
    } else {
        add_shadow(self, seen->name, seen->iface_id);
    }
    return newer;
}

/* NULL: another interface has the port. */
static struct model_port *
vif_added(struct wiring *self, const struct nt_ovs_port *seen, const struct wiring_memory *memory,
          bool is_ancillary)
{
    struct model_port *port;

    if (!displace(self, seen)) {
        return NULL;
    }
    shash_find_and_delete(&self->closing, seen->name);
    port = model_port_add(self->model, seen->iface_id, seen->name);
    port->is_ancillary = is_ancillary;
    port->tag = seen->tag;
    if (is_ancillary) {
        self->stats.n_ancillary++;
        return port;
    }
    self->stats.n_added++;
    remember(self, port, memory);
    wiring_adopt_meters(self, port, memory);
    self->to.interest(self->to.aux, port->id, true);

    const struct nt_vo_port *told = self->to.vo_port(self->to.aux, port->id);
    if (told) {
        port->answer = ANSWER_KNOWN;
        note_binding(self, port, told);
    }
    return port;
}

void
wiring_vif_seen(struct wiring *self, const struct nt_ovs_port *seen,
                const struct wiring_memory *memory, bool readded, bool is_ancillary)
{
    struct model_port *port = model_port_by_name(self->model, seen->name);
    bool is_new = !port;

    if (is_new) {
        port = vif_added(self, seen, memory, is_ancillary);
    }
    if (!port) {
        return;
    }

    bool lost_tag = port->wire == WIRE_BOUND && port->network && port->tag == port->network->lvlan
                    && seen->tag != port->tag;
    if (!is_new && (readded || lost_tag) && port->is_reported_up) {
        /* Somebody plugged it anew: the server shall see it go and come. */
        nt_info("port was plugged anew", "port", port->id, "name", port->name, NULL);
        report_down(self, port);
        self->stats.n_updated++;
    }
    bool is_other =
        readded || (port->ofport > 0 && seen->ofport > 0 && port->ofport != seen->ofport);
    if (readded) {
        stay(self, port); /* What was to go has gone. */
    }
    if (!is_new && is_other && !port->is_ancillary && !port->is_leaving) {
        port->is_restored = false;
        close_port(self, port, false); /* Another port of the switch, without guards yet. */
    }

    bool changed = is_new || readded || port->ofport != seen->ofport || port->tag != seen->tag
                   || strcmp(port->mac, seen->attached_mac) || strcmp(port->bridge, seen->bridge);
    if (!changed) {
        return;
    }
    port->ofport = seen->ofport;
    port->tag = seen->tag;
    ovs_strlcpy(port->mac, seen->attached_mac, sizeof port->mac);
    free(port->bridge);
    port->bridge = xstrdup(seen->bridge);
    if (seen->ofport < 0) {
        nt_warn("switch could not add a port", "port", port->id, "name", port->name, "why",
                seen->error, NULL);
    }
    MODEL_DIRTY(self->model, dirty_ports, port);
}

void
wiring_port_gone(struct wiring *self, struct model_port *port, bool is_there)
{
    char owner[MODEL_OWNER_SIZE];

    model_port_owner(port, owner);
    wiring_emit(self, owner);
    wiring_plan_queue(self, port, 0);
    if (is_there && !port->is_ancillary) {
        close_port(self, port, true); /* Its tag may be another network's soon. */
        shash_add_once(&self->closing, port->name, NULL);
    } else {
        self->to.forget_port(self->to.aux, port->name);
    }
    report_down(self, port);
    if (port->wire == WIRE_BOUND) {
        self->stats.n_bound--;
    }
    if (!port->is_ancillary) {
        self->stats.n_removed++;
        self->to.interest(self->to.aux, port->id, false);
    }
    model_port_leave(self->model, port, &self->gone);
    wiring_hold_policy(self, port, "");
    wiring_drop_meters(self, port);
    model_port_remove(self->model, port);
}

/* --- told ----------------------------------------------------------------------------------- */

/* The server has a port as down that is up here: that is to be said again. */
static bool
doubt_report(struct wiring *self, struct model_port *port)
{
    const struct nt_vo_port *told = self->to.vo_port(self->to.aux, port->id);
    bool is_doubtful =
        port->is_reported_up && port->wire == WIRE_BOUND && told && !strcmp(told->status, "DOWN");

    port->is_reported_up = port->is_reported_up && !is_doubtful;
    return is_doubtful;
}

void
wiring_port_told(struct wiring *self, const char *id, enum model_answer answer)
{
    struct model_port *port = model_port_find(self->model, id);

    if (!port || port->is_ancillary) {
        return;
    }
    port->answer = answer;
    ovs_strlcpy(port->request, nt_log_request(), sizeof port->request);

    const struct nt_vo_port *told = self->to.vo_port(self->to.aux, id);
    (void) doubt_report(self, port);
    if (told) {
        note_binding(self, port, told);
    }
    self->stats.n_updated++;
    MODEL_DIRTY(self->model, dirty_ports, port);
}

void
wiring_compare_reports(struct wiring *self)
{
    struct model_port *port;

    HMAP_FOR_EACH (port, node, &self->model->ports) {
        if (doubt_report(self, port)) {
            MODEL_DIRTY(self->model, dirty_ports, port);
        }
    }
}

/* A segment may have another number now: looked at with each of its ports. */
void
wiring_network_told(struct wiring *self, const char *id)
{
    struct model_port *port;

    HMAP_FOR_EACH (port, node, &self->model->ports) {
        if (port->network && !strcmp(port->network->network_id, id)) {
            MODEL_DIRTY(self->model, dirty_ports, port);
        }
    }
}

/* --- planned -------------------------------------------------------------------------------- */

static void
add_address(struct plan_address *addresses, size_t *n, const char *mac, const char *ip)
{
    if (*n < MAX_ADDRESSES) {
        addresses[(*n)++] = (struct plan_address){ .mac = mac, .ip = ip };
    }
}

static struct plan_address *
addresses_of(const struct nt_vo_port *told, size_t *n)
{
    size_t n_all = told->n_fixed_ips + told->n_allowed_address_pairs;
    struct plan_address *addresses = xcalloc(n_all + 1, sizeof *addresses);

    *n = 0;
    for (size_t i = 0; i < told->n_fixed_ips; i++) {
        add_address(addresses, n, told->mac_address, told->fixed_ips[i].ip_address);
    }
    for (size_t i = 0; i < told->n_allowed_address_pairs; i++) {
        const struct nt_vo_address_pair *pair = &told->allowed_address_pairs[i];
        add_address(addresses, n, *pair->mac_address ? pair->mac_address : told->mac_address,
                    pair->ip_address);
    }
    return addresses;
}

/* Where frames of the port's network leave br-int. */
static int64_t
egress_of(const struct wiring *self, const struct model_network *network)
{
    const struct model_patch *patch = NULL;

    if (model_network_is_tunnel(network)) {
        patch = model_patch_tunnel(self->model);
    } else if (!strcmp(network->network_type, "vlan")) {
        patch = model_patch_of(self->model, network);
    }
    return patch ? MAX(patch->int_ofport, 0) : 0;
}

/* Ports of the network's own services speak for others. */
static bool
is_guarded_port(const struct nt_vo_port *told)
{
    return nt_vo_port_is_guarded(told)
           && strncmp(told->device_owner, "network:", strlen("network:")) != 0;
}

static void
want_bound_row(struct wiring *self, const struct model_port *port, const struct nt_vo_port *told,
               const struct wiring_limits *limits)
{
    const struct model_network *network = port->network;
    char tag[8];
    bool has_segment = strcmp(network->segmentation, "None") != 0;
    bool limit = self->config->has_qos && limits->are_known;
    char keys[MODEL_N_WAYS][WIRING_METER_KEY_SIZE], numbers[MODEL_N_WAYS][16];
    const char *meters[MODEL_N_WAYS];
    snprintf(tag, sizeof tag, "%d", network->lvlan);
    for (int way = 0; way < MODEL_N_WAYS; way++) {
        wiring_meter_key(port->id, way, keys[way]);
        snprintf(numbers[way], sizeof numbers[way], "%" PRIu32, port->meters[way]);
        meters[way] = port->meters[way] ? numbers[way] : NULL;
    }

    const struct nt_ovs_kv other_config[] = {
        { "net_uuid", network->network_id },
        { "network_type", network->network_type },
        { "physical_network", *network->physical_network ? network->physical_network : "None" },
        { "segmentation_id", has_segment ? network->segmentation : NULL },
        { "tag", tag },
        { "neutrino_guards", is_guarded_port(told) ? MEMORY_FLOWS : MEMORY_NONE },
        { limit ? keys[MODEL_INGRESS] : NULL, meters[MODEL_INGRESS] },
        { keys[MODEL_EGRESS], meters[MODEL_EGRESS] },
        { NULL, NULL },
    };
    const struct nt_ovs_port_want want = {
        .bridge = port->bridge,
        .name = port->name,
        .tag = network->lvlan,
        .other_config = other_config,
        .policing_kbps = limit ? limits->egress_kbps : -1,
        .policing_burst_kb = limit ? limits->egress_burst_kb : -1,
    };
    self->to.port(self->to.aux, &want);
    if (limit) {
        self->to.qos(self->to.aux, port->name, limits->ingress_kbps, limits->ingress_burst_kb);
    }
}

static void
bind_port(struct wiring *self, struct model_port *port, const struct nt_vo_port *told)
{
    char owner[MODEL_OWNER_SIZE];
    wiring_hold_policy(self, port, wiring_policy_of(self, told));
    struct wiring_limits limits = wiring_limits_of(self, told);
    bool has_meters = limits.are_known && !self->has_no_meters;
    wiring_want_meters(self, port, &limits);
    size_t n_addresses;
    struct plan_address *addresses = addresses_of(told, &n_addresses);
    const struct plan_port values = {
        .bridge = port->bridge,
        .ofport = port->ofport,
        .lvlan = port->network->lvlan,
        .is_guarded = is_guarded_port(told),
        .mac = told->mac_address,
        .addresses = addresses,
        .n_addresses = n_addresses,
        .direct_egress = self->config->explicitly_egress_direct,
        .egress_ofport = egress_of(self, port->network),
        .dscp = limits.dscp,
        .has_ingress_limit = limits.ingress_kbps > 0,
        .meter_in = has_meters ? port->meters[MODEL_INGRESS] : 0,
        .meter_out = has_meters ? port->meters[MODEL_EGRESS] : 0,
        .queue = limits.min_kbps > 0 ? port->ofport : 0,
    };

    if (port->wire != WIRE_BOUND) {
        self->stats.n_bound++;
    }
    port->wire = WIRE_BOUND;
    port->complaint = NULL;
    plan_br_int_port(&self->plan, &values);
    free(addresses);
    model_port_owner(port, owner);
    wiring_emit(self, owner);
    wiring_plan_queue(self, port, limits.min_kbps);
    to_open(self, port); /* Also with that tag: it may be on its way to another. */
    to_report(self, port);
}

void
wiring_open_ready(struct wiring *self, bool (*is_guarded)(void *aux, const struct model_port *),
                  void *aux)
{
    struct model_port *port;

    LIST_FOR_EACH_SAFE (port, open, &self->model->to_open) {
        const struct nt_vo_port *told = self->to.vo_port(self->to.aux, port->id);
        if (told && is_guarded(aux, port)) {
            struct wiring_limits limits = wiring_limits_of(self, told);
            not_to_open(port);
            want_bound_row(self, port, told, &limits);
        }
    }
}

/* Nothing leaves a dead port, and nothing reaches it. */
static void
kill_port(struct wiring *self, struct model_port *port)
{
    char owner[MODEL_OWNER_SIZE];
    const struct plan_port values = {
        .bridge = port->bridge,
        .ofport = port->ofport,
        .lvlan = PLAN_DEAD_VLAN,
        .is_dead = true,
        .mac = port->mac,
        .dscp = -1,
    };

    not_to_report(port);
    port->is_reported_up = false;
    if (port->wire == WIRE_BOUND) {
        self->stats.n_bound--;
    }
    if (port->wire != WIRE_DEAD) {
        self->stats.n_dead++;
    }
    port->wire = WIRE_DEAD;
    plan_br_int_port(&self->plan, &values);
    model_port_owner(port, owner);
    wiring_emit(self, owner);
    wiring_plan_queue(self, port, 0);
    close_port(self, port, port->answer == ANSWER_GONE);
    model_port_leave(self->model, port, &self->gone);
    wiring_hold_policy(self, port, "");
}

static bool
is_on(const struct model_port *port, const char *network_id, const struct nt_vo_segment *segment)
{
    char segmentation[MODEL_SEGMENTATION_SIZE];

    model_segmentation(segment->segmentation_id, nt_vo_is_set(&segment->vo, "segmentation_id"),
                       segmentation);
    return port->network && !strcmp(port->network->network_id, network_id)
           && !strcmp(port->network->segmentation, segmentation);
}

/* What carries the port here.  A segment that got another number is told with its network
 * only, so that one is right about it. */
static const struct nt_vo_segment *
segment_of(const struct wiring *self, const struct nt_vo_port *told)
{
    const struct nt_vo_segment *segment = nt_vo_port_segment(told, self->config->host);
    const struct nt_vo_network *network = self->to.vo_network(self->to.aux, told->network_id);

    for (size_t i = 0; segment && network && i < network->n_segments; i++) {
        if (!strcmp(network->segments[i].id, segment->id)) {
            return &network->segments[i];
        }
    }
    return segment;
}

/* A VLAN network whose segment got another number keeps its local VLAN, so that nothing changes
 * between ports of this host.  Only the network is asked: what its ports say of the number may
 * be of before or of today, each for itself. */
static bool
is_renumbered(const struct model_port *port, const struct nt_vo_port *told,
              const struct nt_vo_segment *segment, const char *host)
{
    const struct model_network *network = port->network;

    return network && !is_on(port, told->network_id, segment)
           && segment != nt_vo_port_segment(told, host)
           && !strcmp(network->network_id, told->network_id)
           && !strcmp(network->segment_id, segment->id) && !strcmp(segment->network_type, "vlan")
           && !strcmp(network->network_type, segment->network_type)
           && !strcmp(network->physical_network, segment->physical_network);
}

/* Flows of the old number are given up in the same turn in which the new ones are wanted. */
static void
renumber(struct wiring *self, struct model_network *network, const struct nt_vo_segment *segment)
{
    char before[MODEL_OWNER_SIZE];

    model_network_owner(network, before);
    if (model_network_renumber(self->model, network, segment)) {
        nt_info("segment of a network has another number", "network", network->network_id,
                "segmentation_id", network->segmentation, NULL);
        wiring_emit(self, before);
    }
}

static int
join(struct wiring *self, struct model_port *port, const struct nt_vo_port *told,
     const struct nt_vo_segment *segment, struct nt_err *err)
{
    model_port_leave(self->model, port, &self->gone);
    port->is_reported_up = false;
    if (model_port_join(self->model, port, told->network_id, segment, err) < 0) {
        return -1;
    }
    if (port->network->n_ports == 1) {
        self->to.network_interest(self->to.aux, told->network_id, true);
    }
    return 0;
}

static void
plan_known(struct wiring *self, struct model_port *port, const struct nt_vo_port *told)
{
    const struct nt_vo_binding *binding = nt_vo_port_binding_for(told, self->config->host);
    const struct nt_vo_segment *segment = segment_of(self, told);
    struct nt_err err = { 0 };

    if (!binding || !segment) {
        wiring_complain(self, port, wiring_why_unbound(binding));
        kill_port(self, port);
        return;
    }
    if (!told->admin_state_up) {
        bool was_up = port->is_reported_up || strcmp(told->status, "DOWN");
        kill_port(self, port);
        if (was_up) {
            report_down(self, port);
        }
        return;
    }
    if (!wiring_is_carried(self, port, segment)) {
        self->stats.n_refused++;
        kill_port(self, port);
        return;
    }
    if (is_renumbered(port, told, segment, self->config->host)) {
        renumber(self, port->network, segment);
    }
    if (!is_on(port, told->network_id, segment) && join(self, port, told, segment, &err) < 0) {
        nt_warn_rl("cannot wire a port", "port", port->id, "why", err.msg, NULL);
        self->stats.n_refused++;
        port->lacks_lvlan = self->lacks_lvlans = true;
        kill_port(self, port);
        return;
    }
    bind_port(self, port, told);
}

static void
plan_nothing(struct wiring *self, struct model_port *port)
{
    char owner[MODEL_OWNER_SIZE];

    not_to_report(port);
    if (port->wire == WIRE_BOUND) {
        self->stats.n_bound--;
    }
    port->wire = WIRE_NOTHING;
    model_port_owner(port, owner);
    wiring_emit(self, owner);
    wiring_plan_queue(self, port, 0);
    close_port(self, port, false);
}

static void
plan_port(struct wiring *self, struct model_port *port)
{
    const struct nt_vo_port *told = self->to.vo_port(self->to.aux, port->id);

    self->stats.n_planned++;
    if (port->is_leaving) {
        return;
    }
    if (port->is_ancillary && port->ofport > 0) {
        to_report(self, port);
    } else if (port->is_ancillary) {
        not_to_report(port);
    } else if (port->ofport <= 0) {
        plan_nothing(self, port);
    } else if (port->answer == ANSWER_KNOWN && told) {
        plan_known(self, port, told);
    } else if (port->answer == ANSWER_NONE && port->is_restored) {
        port->wire = WIRE_LEFT;
    } else {
        if (port->answer == ANSWER_GONE) {
            wiring_complain(self, port, "the server does not know it");
        }
        kill_port(self, port);
    }
}

void
wiring_plan_port(struct wiring *self, struct model_port *port)
{
    char request[NT_REQUEST_ID_SIZE];

    /* Lines that are logged belong to the message that is the cause. */
    ovs_strlcpy(request, port->request, sizeof request);
    nt_log_swap_request(request);
    plan_port(self, port);
    nt_log_swap_request(request);
}
