#include <config.h>

#include "agent/model/owner.h"

#include <stdio.h>

void
model_port_owner(const struct model_port *port, char out[MODEL_OWNER_SIZE])
{
    snprintf(out, MODEL_OWNER_SIZE, "port %s", port->id);
}

void
model_queue_owner(const struct model_port *port, char out[MODEL_OWNER_SIZE])
{
    snprintf(out, MODEL_OWNER_SIZE, "queue %s", port->id);
}

void
model_network_owner(const struct model_network *network, char out[MODEL_OWNER_SIZE])
{
    snprintf(out, MODEL_OWNER_SIZE, "network %s/%s", network->network_id, network->segmentation);
}

void
model_tunnel_owner(const struct model_tunnel *tunnel, char out[MODEL_OWNER_SIZE])
{
    snprintf(out, MODEL_OWNER_SIZE, "tunnel %s", tunnel->name);
}

void
model_mac_owner(const struct model_mac *mac, char out[MODEL_OWNER_SIZE])
{
    snprintf(out, MODEL_OWNER_SIZE, "mac %s/%s %s", mac->network->network_id,
             mac->network->segmentation, mac->mac);
}

void
model_ip_owner(const struct model_ip *ip, char out[MODEL_OWNER_SIZE])
{
    snprintf(out, MODEL_OWNER_SIZE, "ip %s/%s %s", ip->mac->network->network_id,
             ip->mac->network->segmentation, ip->ip);
}
