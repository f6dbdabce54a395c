#include <config.h>

#include "agent/model/model.h"

#include <stdio.h>
#include <string.h>

#include "agent/model/forwarding.h"
#include "base/hashing.h"
#include "base/mem.h"
#include "net/vo_port.h"

struct model *
model_new(const struct agent_config *config)
{
    struct model *model = xzalloc(sizeof *model);

    model->config = config;
    hmap_init(&model->ports);
    hmap_init(&model->networks);
    hmap_init(&model->tunnels);
    shash_init(&model->port_names);
    shash_init(&model->tunnel_names);
    model->lvlans = lvlans_new();
    ovs_list_init(&model->dirty_ports);
    ovs_list_init(&model->dirty_networks);
    ovs_list_init(&model->dirty_tunnels);
    ovs_list_init(&model->dirty_macs);
    ovs_list_init(&model->dirty_ips);
    ovs_list_init(&model->to_report);
    ovs_list_init(&model->to_open);
    return model;
}

/* Off the list it is on, if any. */
static void
unlink_from(struct ovs_list *node)
{
    ovs_list_remove(node);
    ovs_list_init(node);
}

void
model_free(struct model *model)
{
    struct model_port *port;
    struct model_tunnel *tunnel;

    if (!model) {
        return;
    }
    HMAP_FOR_EACH_SAFE (port, node, &model->ports) {
        model_port_leave(model, port, NULL);
        model_port_remove(model, port);
    }
    HMAP_FOR_EACH_SAFE (tunnel, node, &model->tunnels) {
        model_tunnel_remove(model, tunnel);
    }
    hmap_destroy(&model->ports);
    hmap_destroy(&model->networks);
    hmap_destroy(&model->tunnels);
    shash_destroy(&model->port_names);
    shash_destroy(&model->tunnel_names);
    lvlans_free(model->lvlans);
    free(model->patches);
    free(model);
}

/* --- ports --------------------------------------------------------------------------------- */

struct model_port *
model_port_find(const struct model *model, const char *id)
{
    struct model_port *port;

    HMAP_FOR_EACH_WITH_HASH (port, node, hash_string(id, 0), &model->ports) {
        if (!strcmp(port->id, id)) {
            return port;
        }
    }
    return NULL;
}

struct model_port *
model_port_by_name(const struct model *model, const char *name)
{
    return shash_find_data(&model->port_names, name);
}

struct model_port *
model_port_add(struct model *model, const char *id, const char *name)
{
    struct model_port *port = xzalloc(sizeof *port);

    ovs_strlcpy(port->id, id, sizeof port->id);
    port->name = xstrdup(name);
    port->bridge = xstrdup("");
    ovs_list_init(&port->dirty);
    ovs_list_init(&port->member);
    ovs_list_init(&port->report);
    ovs_list_init(&port->open);
    hmap_insert(&model->ports, &port->node, hash_string(port->id, 0));
    shash_add(&model->port_names, name, port);
    return port;
}

void
model_port_remove(struct model *model, struct model_port *port)
{
    ovs_assert(!port->network);
    lvlans_unhint(model->lvlans, port->id);
    unlink_from(&port->dirty);
    unlink_from(&port->report);
    unlink_from(&port->open);
    hmap_remove(&model->ports, &port->node);
    shash_find_and_delete(&model->port_names, port->name);
    free(port->name);
    free(port->bridge);
    free(port);
}

/* --- networks ------------------------------------------------------------------------------ */

static uint32_t
network_hash(const char *network_id, const char *segmentation)
{
    return hash_string(segmentation, hash_string(network_id, 0));
}

void
model_segmentation(int64_t id, bool has_it, char out[MODEL_SEGMENTATION_SIZE])
{
    if (has_it) {
        snprintf(out, MODEL_SEGMENTATION_SIZE, "%lld", (long long) id);
    } else {
        ovs_strlcpy(out, "None", MODEL_SEGMENTATION_SIZE);
    }
}

struct model_network *
model_network_find(const struct model *model, const char *network_id, const char *segmentation)
{
    struct model_network *network;

    HMAP_FOR_EACH_WITH_HASH (network, node, network_hash(network_id, segmentation),
                             &model->networks) {
        if (!strcmp(network->network_id, network_id)
            && !strcmp(network->segmentation, segmentation)) {
            return network;
        }
    }
    return NULL;
}

static struct model_network *
network_add(struct model *model, const char *network_id, const char *segmentation,
            const struct nt_vo_segment *segment, int lvlan)
{
    struct model_network *network = xzalloc(sizeof *network);

    ovs_strlcpy(network->network_id, network_id, sizeof network->network_id);
    ovs_strlcpy(network->segmentation, segmentation, sizeof network->segmentation);
    ovs_strlcpy(network->network_type, segment->network_type, sizeof network->network_type);
    ovs_strlcpy(network->physical_network, segment->physical_network,
                sizeof network->physical_network);
    ovs_strlcpy(network->segment_id, segment->id, sizeof network->segment_id);
    network->segmentation_id = segment->segmentation_id;
    network->lvlan = lvlan;
    ovs_list_init(&network->dirty);
    ovs_list_init(&network->ports);
    ovs_list_init(&network->floods);
    hmap_init(&network->macs);
    hmap_init(&network->ips);
    hmap_insert(&model->networks, &network->node, network_hash(network_id, segmentation));
    return network;
}

int
model_port_join(struct model *model, struct model_port *port, const char *network_id,
                const struct nt_vo_segment *segment, struct nt_err *err)
{
    char segmentation[MODEL_SEGMENTATION_SIZE];
    model_segmentation(segment->segmentation_id, nt_vo_is_set(&segment->vo, "segmentation_id"),
                       segmentation);

    int lvlan = lvlans_hold(model->lvlans, network_id, segmentation, err);
    if (lvlan < 0) {
        return -1;
    }
    lvlans_unhint(model->lvlans, port->id);

    struct model_network *network = model_network_find(model, network_id, segmentation);
    if (!network) {
        network = network_add(model, network_id, segmentation, segment, lvlan);
        network->is_restored = port->is_restored && port->tag == lvlan;
        network->needs_table = model_network_is_tunnel(network);
        network->knows_floods = !network->needs_table;
        MODEL_DIRTY(model, dirty_networks, network);
    }
    port->network = network;
    network->n_ports++;
    ovs_list_push_back(&network->ports, &port->member);
    return 0;
}

static void
network_free(struct model *model, struct model_network *network, const struct model_gone *gone)
{
    model_network_clear(model, network, gone);
    if (gone) {
        gone->network(gone->aux, network);
    }
    unlink_from(&network->dirty);
    hmap_destroy(&network->macs);
    hmap_destroy(&network->ips);
    hmap_remove(&model->networks, &network->node);
    free(network);
}

void
model_port_leave(struct model *model, struct model_port *port, const struct model_gone *gone)
{
    struct model_network *network = TAKE(port->network);

    if (!network) {
        return;
    }
    unlink_from(&port->member);
    lvlans_drop(model->lvlans, network->network_id, network->segmentation);
    if (!--network->n_ports) {
        network_free(model, network, gone);
    }
}

/* Its segment has another number; ports and local VLAN stay.  False: that one is taken. */
bool
model_network_renumber(struct model *model, struct model_network *network,
                       const struct nt_vo_segment *segment)
{
    char segmentation[MODEL_SEGMENTATION_SIZE];
    struct model_port *port;

    model_segmentation(segment->segmentation_id, nt_vo_is_set(&segment->vo, "segmentation_id"),
                       segmentation);
    if (!lvlans_move(model->lvlans, network->network_id, network->segmentation, segmentation)) {
        return false;
    }
    hmap_remove(&model->networks, &network->node);
    ovs_strlcpy(network->segmentation, segmentation, sizeof network->segmentation);
    network->segmentation_id = segment->segmentation_id;
    hmap_insert(&model->networks, &network->node,
                network_hash(network->network_id, network->segmentation));
    MODEL_DIRTY(model, dirty_networks, network);
    LIST_FOR_EACH (port, member, &network->ports) {
        MODEL_DIRTY(model, dirty_ports, port);
    }
    return true;
}

bool
model_network_is_tunnel(const struct model_network *network)
{
    static const char *const tunnels[] = { "vxlan", "gre", "geneve" };

    for (size_t i = 0; i < NT_ARRAY_SIZE(tunnels); i++) {
        if (!strcmp(network->network_type, tunnels[i])) {
            return true;
        }
    }
    return false;
}

struct model_patch *
model_patch_of(const struct model *model, const struct model_network *network)
{
    for (size_t i = 0; i < model->n_patches; i++) {
        struct model_patch *patch = &model->patches[i];
        if (patch->physical_network
            && !strcmp(patch->physical_network, network->physical_network)) {
            return patch;
        }
    }
    return NULL;
}

struct model_patch *
model_patch_tunnel(const struct model *model)
{
    for (size_t i = 0; i < model->n_patches; i++) {
        if (!model->patches[i].physical_network) {
            return &model->patches[i];
        }
    }
    return NULL;
}
