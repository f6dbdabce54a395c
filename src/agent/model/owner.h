/* Owners of flows, as operators see them: "port ID", "queue ID" (that of a port, on physical
 * bridges), "network ID/SEGMENT", "tunnel NAME", "mac ID/SEGMENT MAC", "ip ID/SEGMENT IP", and
 * "bridge NAME". */
#pragma once

#include "agent/model/model.h"

#define MODEL_OWNER_SIZE 128
void model_port_owner(const struct model_port *, char out[MODEL_OWNER_SIZE]);
void model_queue_owner(const struct model_port *, char out[MODEL_OWNER_SIZE]);
void model_network_owner(const struct model_network *, char out[MODEL_OWNER_SIZE]);
void model_tunnel_owner(const struct model_tunnel *, char out[MODEL_OWNER_SIZE]);
void model_mac_owner(const struct model_mac *, char out[MODEL_OWNER_SIZE]);
void model_ip_owner(const struct model_ip *, char out[MODEL_OWNER_SIZE]);
