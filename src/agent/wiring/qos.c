/* What QoS policies mean for ports, and which of them are of interest. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/model/owner.h"
#include "agent/plan/br_phys.h"
#include "agent/wiring/wiring_impl.h"
#include "base/mem.h"

struct wiring_policy {
    size_t n_ports;
    bool is_answered; /* The server has told it, or that it has none. */
};

/* --- which policies ------------------------------------------------------------------------- */

/* A network's policy is for guests, and for the ways out of a router. */
static bool
has_network_policy(const char *device_owner)
{
    return (strncmp(device_owner, "network:", strlen("network:"))
            && strncmp(device_owner, "neutron:", strlen("neutron:")))
           || !strncmp(device_owner, "network:router_gateway", strlen("network:router_gateway"))
           || !strncmp(device_owner, "network:floatingip_agent_gateway",
                       strlen("network:floatingip_agent_gateway"));
}

/* The network is right about its policy: what the port says of it was so when the port was told. */
const char *
wiring_policy_of(const struct wiring *self, const struct nt_vo_port *told)
{
    if (!self->config->has_qos) {
        return "";
    }
    if (*told->qos_policy_id) {
        return told->qos_policy_id;
    }
    if (!has_network_policy(told->device_owner)) {
        return "";
    }

    const struct nt_vo_network *network = self->to.vo_network(self->to.aux, told->network_id);
    return network ? network->qos_policy_id : told->qos_network_policy_id;
}

static void
let_go(struct wiring *self, const char *policy_id)
{
    struct wiring_policy *policy = shash_find_data(&self->policies, policy_id);

    if (policy && !--policy->n_ports) {
        self->lost_policies = true;
    }
}

void
wiring_hold_policy(struct wiring *self, struct model_port *port, const char *policy_id)
{
    if (!strcmp(port->policy_id, policy_id)) {
        return;
    }
    let_go(self, port->policy_id);
    ovs_strlcpy(port->policy_id, policy_id, sizeof port->policy_id);
    if (!*policy_id) {
        return;
    }

    struct wiring_policy *policy = shash_find_data(&self->policies, policy_id);
    if (!policy) {
        policy = xzalloc(sizeof *policy);
        policy->is_answered = self->to.vo_policy(self->to.aux, policy_id) != NULL;
        shash_add(&self->policies, policy_id, policy);
        self->to.policy_interest(self->to.aux, policy_id, true);
    }
    policy->n_ports++;
}

/* At the end of a turn, so that one that goes from port to port is not asked for again. */
void
wiring_drop_lost_policies(struct wiring *self)
{
    struct shash_node *node;

    if (!self->lost_policies) {
        return;
    }
    self->lost_policies = false;
    SHASH_FOR_EACH_SAFE (node, &self->policies) {
        struct wiring_policy *policy = node->data;
        if (!policy->n_ports) {
            self->to.policy_interest(self->to.aux, node->name, false);
            free(policy);
            shash_delete(&self->policies, node);
        }
    }
}

bool
wiring_knows_policies(const struct wiring *self)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &self->policies) {
        const struct wiring_policy *policy = node->data;
        if (!policy->is_answered) {
            return false;
        }
    }
    return true;
}

void
wiring_policy_told(struct wiring *self, const char *policy_id)
{
    struct wiring_policy *policy = shash_find_data(&self->policies, policy_id);
    struct model_port *port;

    if (!policy) {
        return;
    }
    policy->is_answered = true;
    HMAP_FOR_EACH (port, node, &self->model->ports) {
        if (!strcmp(port->policy_id, policy_id)) {
            MODEL_DIRTY(self->model, dirty_ports, port);
        }
    }
}

/* --- what they mean ------------------------------------------------------------------------- */

static enum model_way
way_of(const struct nt_vo_qos_rule *rule)
{
    return strcmp(rule->direction, "ingress") ? MODEL_EGRESS : MODEL_INGRESS;
}

static void
add_rate(struct wiring_limits *limits, const struct nt_vo_qos_rule *rule)
{
    enum model_way way = way_of(rule);

    limits->rates[way].pps = (uint32_t) MIN(rule->max_kpps * 1000, UINT32_MAX);
    limits->rates[way].burst = (uint32_t) MIN(rule->max_burst_kpps * 1000, UINT32_MAX);
}

static void
add_rule(struct wiring_limits *limits, const struct nt_vo_qos_rule *rule)
{
    if (rule->vo.type == &nt_vo_qos_dscp_marking_type) {
        limits->dscp = (int) rule->dscp_mark;
    } else if (rule->vo.type == &nt_vo_qos_packet_rate_limit_type) {
        add_rate(limits, rule);
    } else if (rule->vo.type == &nt_vo_qos_minimum_bandwidth_type) {
        /* What comes in is for others to share out. */
        limits->min_kbps = way_of(rule) == MODEL_EGRESS ? rule->min_kbps : limits->min_kbps;
    } else if (rule->vo.type != &nt_vo_qos_bandwidth_limit_type) {
        return;
    } else if (way_of(rule) == MODEL_INGRESS) {
        limits->ingress_kbps = rule->max_kbps;
        limits->ingress_burst_kb = rule->max_burst_kbps;
    } else {
        limits->egress_kbps = rule->max_kbps;
        /* A policing burst that nobody set is 80 % of the rate. */
        limits->egress_burst_kb =
            rule->max_burst_kbps ? rule->max_burst_kbps : rule->max_kbps * 8 / 10;
    }
}

struct wiring_limits
wiring_limits_of(struct wiring *self, const struct nt_vo_port *told)
{
    struct wiring_limits limits = { .are_known = true, .dscp = -1 };
    const char *id = wiring_policy_of(self, told);

    if (!*id) {
        return limits;
    }

    const struct nt_vo_qos_policy *policy = self->to.vo_policy(self->to.aux, id);
    const struct wiring_policy *held = shash_find_data(&self->policies, id);
    limits.are_known = policy || (held && held->is_answered);
    for (size_t i = 0; policy && i < policy->n_rules; i++) {
        add_rule(&limits, &policy->rules[i]);
    }
    return limits;
}

/* --- meters --------------------------------------------------------------------------------- */

void
wiring_meter_key(const char *port_id, enum model_way way, char out[WIRING_METER_KEY_SIZE])
{
    snprintf(out, WIRING_METER_KEY_SIZE, "%s_%s", port_id,
             way == MODEL_INGRESS ? "ingress" : "egress");
}

static bool
take_meter(struct wiring *self, uint32_t id)
{
    char key[16];

    snprintf(key, sizeof key, "%" PRIu32, id);
    return shash_add_once(&self->meters, key, NULL);
}

/* The smallest number: switches have so many meters, from 1 on. */
static uint32_t
take_free_meter(struct wiring *self)
{
    while (!take_meter(self, self->free_meter)) {
        self->free_meter++;
    }
    return self->free_meter++;
}

static void
drop_meter(struct wiring *self, struct model_port *port, enum model_way way)
{
    const struct nt_meter none = { .id = port->meters[way] };
    char key[16];

    if (!none.id) {
        return;
    }
    port->meters[way] = 0;
    snprintf(key, sizeof key, "%" PRIu32, none.id);
    shash_find_and_delete(&self->meters, key);
    self->free_meter = MIN(self->free_meter, none.id);
    self->to.meter(self->to.aux, &none);
}

void
wiring_drop_meters(struct wiring *self, struct model_port *port)
{
    drop_meter(self, port, MODEL_INGRESS);
    drop_meter(self, port, MODEL_EGRESS);
}

void
wiring_adopt_meters(struct wiring *self, struct model_port *port,
                    const struct wiring_memory *memory)
{
    for (int way = 0; memory && self->config->has_qos && way < MODEL_N_WAYS; way++) {
        long long id = memory->meters[way] ? strtoll(memory->meters[way], NULL, 10) : 0;
        if (id > 0 && id < INT32_MAX && take_meter(self, (uint32_t) id)) {
            port->meters[way] = (uint32_t) id;
        }
    }
}

void
wiring_want_meters(struct wiring *self, struct model_port *port, const struct wiring_limits *limits)
{
    for (int way = 0; limits->are_known && way < MODEL_N_WAYS; way++) {
        if (!limits->rates[way].pps || self->has_no_meters) {
            drop_meter(self, port, way);
            continue;
        }
        if (!port->meters[way]) {
            port->meters[way] = take_free_meter(self);
        }
        struct nt_meter want = limits->rates[way];
        want.id = port->meters[way];
        self->to.meter(self->to.aux, &want);
    }
}

void
wiring_no_meters(struct wiring *self)
{
    if (!self->has_no_meters) {
        self->has_no_meters = true;
        wiring_dirty_ports(self);
    }
}

/* --- queues --------------------------------------------------------------------------------- */

/* A port's queue has the port's own number, which no other port of br-int has. */
void
wiring_plan_queue(struct wiring *self, const struct model_port *port, int64_t min_kbps)
{
    bool is_wanted = min_kbps > 0;
    const struct nt_ovs_queue queue = { .number = is_wanted ? port->ofport : 0,
                                        .min_kbps = min_kbps };
    char owner[MODEL_OWNER_SIZE];

    if (!is_wanted && !shash_find(&self->queued, port->id)) {
        return;
    }
    for (size_t i = 0; is_wanted && i < self->model->n_patches; i++) {
        const struct model_patch *patch = &self->model->patches[i];
        if (patch->physical_network && patch->far_ofport > 0) {
            plan_br_phys_queue(&self->plan,
                               &(struct plan_br_phys){ patch->bridge, patch->far_ofport },
                               queue.number);
        }
    }
    model_queue_owner(port, owner);
    wiring_emit(self, owner);
    self->to.queue(self->to.aux, port->id, &queue);
    if (is_wanted) {
        shash_add_once(&self->queued, port->id, NULL);
    } else {
        shash_find_and_delete(&self->queued, port->id);
    }
}

/* A device of the machine, not one that the switch makes. */
void
wiring_uplink_seen(struct wiring *self, const char *name, const struct nt_ovs_port *port)
{
    struct shash_node *known = shash_find(&self->uplinks, name);
    bool is_one = self->config->has_qos && port && !*port->type
                  && agent_config_maps(self->config, port->bridge);

    if (is_one == (known != NULL)) {
        return;
    }
    if (known) {
        shash_delete(&self->uplinks, known);
    } else {
        shash_add(&self->uplinks, name, NULL);
    }
    self->to.uplink(self->to.aux, name, is_one);
}

void
wiring_want_uplinks(struct wiring *self)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &self->uplinks) {
        self->to.uplink(self->to.aux, node->name, true);
    }
}
