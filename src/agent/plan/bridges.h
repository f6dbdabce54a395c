/* Wanted bridges, patch ports and tunnel ports, from the configuration. */
#pragma once

#include "agent/model/config.h"
#include "wire/ovs/ovsdb.h"

/* Called for each wanted thing; values are borrowed for the call. */
struct plan_bridges_to {
    void (*bridge)(void *aux, const struct nt_ovs_bridge_want *);
    void (*port)(void *aux, const struct nt_ovs_port_want *);
    void *aux;
};

/* br-int, the physical bridges (never created: they must exist) and br-tun, as first wanted:
 * patch ports without their peers, until the flows that drop are in ('peered' false). */
void plan_bridges(const struct agent_config *, bool peered, const struct plan_bridges_to *);

#define PLAN_PORT_NAME_SIZE 16

/* "int-br-phys", "phy-br-phys"; shortened by a hash above 15 characters. */
void plan_patch_name(const char *prefix, const char *bridge, char out[PLAN_PORT_NAME_SIZE]);

/* "vxlan-0a000001"; with IPv6 a hash.  'local_ip' not NULL: the name tells it, too (several
 * agents on one switch). */
void plan_tunnel_name(const char *type, const char *remote_ip, const char *local_ip,
                      char out[PLAN_PORT_NAME_SIZE]);

/* The tunnel port towards 'remote_ip'.  Fails when the addresses' families differ. */
NT_NODISCARD int plan_tunnel(const struct agent_config *, const char *type, const char *remote_ip,
                             const struct plan_bridges_to *, struct nt_err *);
