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

/* "vxlan-0a000001"; with IPv6 a hash.  "vxlan-7" when the server numbers the ends of tunnels
 * ('id' not 0) and there is room for it.  With tunnel_names_with_local_ip (several agents on one
 * switch) two hashes, of both ends. */
void plan_tunnel_name(const struct agent_config *, const char *type, const char *remote_ip,
                      int64_t id, char out[PLAN_PORT_NAME_SIZE]);

/* The tunnel port of that name towards 'remote_ip'.  Fails when the addresses' families differ. */
NT_NODISCARD int plan_tunnel(const struct agent_config *, const char *type, const char *remote_ip,
                             const char *name, const struct plan_bridges_to *, struct nt_err *);
