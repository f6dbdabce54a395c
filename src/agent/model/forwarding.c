#include <config.h>

#include "agent/model/forwarding.h"

#include <string.h>

#include "base/hashing.h"
#include "base/mem.h"

/* Off the list it is on, if any. */
static void
unlink_from(struct ovs_list *node)
{
    ovs_list_remove(node);
    ovs_list_init(node);
}

static void
ip_free(struct model_network *network, struct model_ip *ip, const struct model_gone *gone)
{
    if (gone) {
        gone->ip(gone->aux, ip);
    }
    unlink_from(&ip->dirty);
    ovs_list_remove(&ip->of_mac);
    hmap_remove(&network->ips, &ip->node);
    free(ip);
}

static void
mac_free(struct model *model, struct model_mac *mac, const struct model_gone *gone)
{
    struct model_network *network = mac->network;
    struct model_ip *ip;

    LIST_FOR_EACH_SAFE (ip, of_mac, &mac->ips) {
        ip_free(network, ip, gone);
    }
    if (gone) {
        gone->mac(gone->aux, mac);
    }
    unlink_from(&mac->dirty);
    ovs_list_remove(&mac->of_tunnel);
    hmap_remove(&network->macs, &mac->node);
    free(mac);
    model->lost_tunnel_use = true;
}

static void
flood_free(struct model *model, struct model_flood *flood)
{
    MODEL_DIRTY(model, dirty_networks, flood->network);
    ovs_list_remove(&flood->of_network);
    ovs_list_remove(&flood->of_tunnel);
    free(flood);
    model->lost_tunnel_use = true;
}

void
model_network_clear(struct model *model, struct model_network *network,
                    const struct model_gone *gone)
{
    struct model_mac *mac;
    struct model_flood *flood;

    HMAP_FOR_EACH_SAFE (mac, node, &network->macs) {
        mac_free(model, mac, gone);
    }
    LIST_FOR_EACH_SAFE (flood, of_network, &network->floods) {
        flood_free(model, flood);
    }
}

static uint32_t
tunnel_hash(const char *type, const char *ip)
{
    return hash_string(type, hash_string(ip, 0));
}

struct model_tunnel *
model_tunnel_find(const struct model *model, const char *type, const char *ip)
{
    struct model_tunnel *tunnel;

    HMAP_FOR_EACH_WITH_HASH (tunnel, node, tunnel_hash(type, ip), &model->tunnels) {
        if (!strcmp(tunnel->type, type) && !strcmp(tunnel->remote_ip, ip)) {
            return tunnel;
        }
    }
    return NULL;
}

struct model_tunnel *
model_tunnel_add(struct model *model, const char *type, const char *ip, const char *name)
{
    struct model_tunnel *tunnel = xzalloc(sizeof *tunnel);

    ovs_strlcpy(tunnel->type, type, sizeof tunnel->type);
    ovs_strlcpy(tunnel->remote_ip, ip, sizeof tunnel->remote_ip);
    ovs_strlcpy(tunnel->name, name, sizeof tunnel->name);
    ovs_list_init(&tunnel->dirty);
    ovs_list_init(&tunnel->floods);
    ovs_list_init(&tunnel->macs);
    hmap_insert(&model->tunnels, &tunnel->node, tunnel_hash(type, ip));
    model_tunnel_take_name(model, tunnel);
    MODEL_DIRTY(model, dirty_tunnels, tunnel);
    return tunnel;
}

bool
model_tunnel_take_name(struct model *model, struct model_tunnel *tunnel)
{
    return shash_add_once(&model->tunnel_names, tunnel->name, tunnel)
           || model_tunnel_has_name(model, tunnel);
}

bool
model_tunnel_has_name(const struct model *model, const struct model_tunnel *tunnel)
{
    return shash_find_data(&model->tunnel_names, tunnel->name) == tunnel;
}

static void
give_name_up(struct model *model, struct model_tunnel *tunnel)
{
    if (model_tunnel_has_name(model, tunnel)) {
        shash_find_and_delete(&model->tunnel_names, tunnel->name);
    }
}

void
model_tunnel_rename(struct model *model, struct model_tunnel *tunnel, const char *name)
{
    give_name_up(model, tunnel);
    ovs_strlcpy(tunnel->name, name, sizeof tunnel->name);
    model_tunnel_take_name(model, tunnel);
    MODEL_DIRTY(model, dirty_tunnels, tunnel);
}

bool
model_tunnel_is_used(const struct model_tunnel *tunnel)
{
    return tunnel->is_peer || !ovs_list_is_empty(&tunnel->floods)
           || !ovs_list_is_empty(&tunnel->macs);
}

void
model_tunnel_remove(struct model *model, struct model_tunnel *tunnel)
{
    ovs_assert(ovs_list_is_empty(&tunnel->floods) && ovs_list_is_empty(&tunnel->macs));
    unlink_from(&tunnel->dirty);
    hmap_remove(&model->tunnels, &tunnel->node);
    give_name_up(model, tunnel);
    free(tunnel);
}

static struct model_flood *
flood_find(const struct model_network *network, const struct model_tunnel *tunnel)
{
    struct model_flood *flood;

    LIST_FOR_EACH (flood, of_network, &network->floods) {
        if (flood->tunnel == tunnel) {
            return flood;
        }
    }
    return NULL;
}

void
model_flood_add(struct model *model, struct model_network *network, struct model_tunnel *tunnel)
{
    struct model_flood *flood = flood_find(network, tunnel);

    if (!flood) {
        flood = xzalloc(sizeof *flood);
        flood->network = network;
        flood->tunnel = tunnel;
        ovs_list_push_back(&network->floods, &flood->of_network);
        ovs_list_push_back(&tunnel->floods, &flood->of_tunnel);
        MODEL_DIRTY(model, dirty_networks, network);
    }
    flood->generation = network->generation;
}

void
model_flood_remove(struct model *model, struct model_network *network, struct model_tunnel *tunnel)
{
    struct model_flood *flood = flood_find(network, tunnel);

    if (flood) {
        flood_free(model, flood);
    }
}

static struct model_mac *
mac_find(const struct model_network *network, const char *text)
{
    struct model_mac *mac;

    HMAP_FOR_EACH_WITH_HASH (mac, node, hash_string(text, 0), &network->macs) {
        if (!strcmp(mac->mac, text)) {
            return mac;
        }
    }
    return NULL;
}

static struct model_ip *
ip_find(const struct model_network *network, const char *text)
{
    struct model_ip *ip;

    HMAP_FOR_EACH_WITH_HASH (ip, node, hash_string(text, 0), &network->ips) {
        if (!strcmp(ip->ip, text)) {
            return ip;
        }
    }
    return NULL;
}

/* The MAC behind that tunnel: new, moved, or as it was. */
static struct model_mac *
mac_put(struct model *model, struct model_network *network, struct model_tunnel *tunnel,
        const char *text)
{
    struct model_mac *mac = mac_find(network, text);

    if (!mac) {
        mac = xzalloc(sizeof *mac);
        mac->network = network;
        ovs_strlcpy(mac->mac, text, sizeof mac->mac);
        ovs_list_init(&mac->dirty);
        ovs_list_init(&mac->ips);
        ovs_list_init(&mac->of_tunnel);
        hmap_insert(&network->macs, &mac->node, hash_string(text, 0));
    }
    if (mac->tunnel != tunnel) {
        ovs_list_remove(&mac->of_tunnel);
        ovs_list_push_back(&tunnel->macs, &mac->of_tunnel);
        mac->tunnel = tunnel;
        model->lost_tunnel_use = true;
        MODEL_DIRTY(model, dirty_macs, mac);
    }
    mac->generation = network->generation;
    return mac;
}

void
model_entry_add(struct model *model, struct model_network *network, struct model_tunnel *tunnel,
                const char *mac_text, const char *ip_text)
{
    struct model_mac *mac = mac_put(model, network, tunnel, mac_text);
    struct model_ip *ip = ip_find(network, ip_text);

    if (!ip) {
        ip = xzalloc(sizeof *ip);
        ovs_strlcpy(ip->ip, ip_text, sizeof ip->ip);
        ovs_list_init(&ip->dirty);
        ovs_list_init(&ip->of_mac);
        hmap_insert(&network->ips, &ip->node, hash_string(ip_text, 0));
    }
    if (ip->mac != mac) {
        ovs_list_remove(&ip->of_mac);
        ovs_list_push_back(&mac->ips, &ip->of_mac);
        ip->mac = mac;
        MODEL_DIRTY(model, dirty_ips, ip);
    }
    ip->generation = network->generation;
}

void
model_entry_remove(struct model *model, struct model_network *network, struct model_tunnel *tunnel,
                   const char *mac_text, const char *ip_text, const struct model_gone *gone)
{
    struct model_mac *mac = mac_find(network, mac_text);

    if (!mac || mac->tunnel != tunnel) {
        return;
    }

    struct model_ip *ip = ip_find(network, ip_text);
    if (ip && ip->mac == mac) {
        ip_free(network, ip, gone);
    }
    if (ovs_list_is_empty(&mac->ips)) {
        mac_free(model, mac, gone);
    }
}

void
model_network_doubt(struct model_network *network)
{
    network->generation++;
}

void
model_network_sweep(struct model *model, struct model_network *network,
                    const struct model_gone *gone)
{
    struct model_mac *mac;
    struct model_ip *ip;
    struct model_flood *flood;

    HMAP_FOR_EACH_SAFE (ip, node, &network->ips) {
        if (ip->generation != network->generation) {
            ip_free(network, ip, gone);
        }
    }
    HMAP_FOR_EACH_SAFE (mac, node, &network->macs) {
        if (mac->generation != network->generation) {
            mac_free(model, mac, gone);
        }
    }
    LIST_FOR_EACH_SAFE (flood, of_network, &network->floods) {
        if (flood->generation != network->generation) {
            flood_free(model, flood);
        }
    }
}
