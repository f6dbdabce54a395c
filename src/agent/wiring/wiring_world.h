/* A switch and a server as the wiring sees them, for its tests; wiring_recorder.h records what
 * it wishes, wiring_facts.h tells it facts, wiring_fixture.h begins and ends tests. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/wiring/wiring.h"
#include "base/mem.h"
#include "openvswitch/dynamic-string.h"

#define N_PORTS 6
#define N_HOSTS 3

static const char *const networks[] = { "11111111-0000-0000-0000-000000000000",
                                        "22222222-0000-0000-0000-000000000000",
                                        "33333333-0000-0000-0000-000000000000" };
static const char *const types[] = { "vlan", "vxlan", "local" };

/* A switch and a server, so far as the wiring sees them. */
struct world {
    struct agent_config config;
    struct agent_mapping mapping;
    char *tunnel_types[2];

    struct {
        char name[16], id[NT_UUID_SIZE];
        bool is_plugged;
        int64_t ofport;
        int tag;
        char net_uuid[NT_UUID_SIZE], segmentation[24], memory_tag[8], guards[8];
        int64_t policing, policing_burst, limit; /* -1: nothing was ever wished. */
        struct nt_ovs_queue queue;
    } ports[N_PORTS];
    struct nt_vo_port *told[N_PORTS];
    struct nt_vo_network *network;              /* The only one that is told; NULL: none is. */
    const struct nt_vo_qos_policy *policies[2]; /* Borrowed. */

    /* Whose MACs are behind which host, by network. */
    bool floods[N_HOSTS];
    int host_of_mac[4]; /* -1: nobody's. */
};

static inline void
world_init(struct world *w)
{
    memset(w, 0, sizeof *w);
    w->mapping = (struct agent_mapping){ (char *) "physnet1", (char *) "br-phys" };
    w->tunnel_types[0] = (char *) "vxlan";
    w->config = (struct agent_config){
        .host = (char *) "h1",
        .integration_bridge = (char *) "br-int",
        .tunnel_bridge = (char *) "br-tun",
        .int_peer_patch_port = (char *) "patch-tun",
        .tun_peer_patch_port = (char *) "patch-int",
        .local_ip = (char *) "10.0.0.1",
        .mappings = &w->mapping,
        .n_mappings = 1,
        .datapath_type = (char *) "system",
        .of_listen_address = (char *) "127.0.0.1",
        .of_listen_port = 6633,
        .tunnel_types = w->tunnel_types,
        .n_tunnel_types = 1,
        .vxlan_udp_port = 4789,
        .dscp = -1,
        .dont_fragment = true,
        .l2_population = true,
        .arp_responder = true,
        .repairs = true,
    };
    for (int i = 0; i < N_PORTS; i++) {
        snprintf(w->ports[i].name, sizeof w->ports[i].name, "tap%d", i);
        snprintf(w->ports[i].id, sizeof w->ports[i].id, "%08d-aaaa-0000-0000-000000000000", i);
        w->ports[i].ofport = 10 + i;
        w->ports[i].policing = w->ports[i].policing_burst = w->ports[i].limit = -1;
        w->ports[i].queue.number = -1;
    }
    for (size_t i = 0; i < NT_ARRAY_SIZE(w->host_of_mac); i++) {
        w->host_of_mac[i] = -1;
    }
}

static inline struct nt_vo_port *
vo_port_new(const char *id, int network, bool admin_up)
{
    struct nt_vo_port *port = (struct nt_vo_port *) nt_vo_new(&nt_vo_port_type);
    struct nt_vo_segment segment = { .segmentation_id = 100 + network };
    struct nt_vo_binding *binding = xzalloc(sizeof *binding);
    struct nt_vo_binding_level *level = xzalloc(sizeof *level);

    ovs_strlcpy(port->id, id, sizeof port->id);
    ovs_strlcpy(port->network_id, networks[network], sizeof port->network_id);
    ovs_strlcpy(port->mac_address, "fa:16:3e:00:00:01", sizeof port->mac_address);
    ovs_strlcpy(port->status, "DOWN", sizeof port->status);
    port->admin_state_up = admin_up;

    ovs_strlcpy(binding->host, "h1", sizeof binding->host);
    ovs_strlcpy(binding->status, "ACTIVE", sizeof binding->status);
    nt_vo_complete(&binding->vo, &nt_vo_binding_type);
    port->bindings = binding;
    port->n_bindings = 1;

    ovs_strlcpy(segment.network_type, types[network], sizeof segment.network_type);
    ovs_strlcpy(segment.physical_network, network ? "" : "physnet1",
                sizeof segment.physical_network);
    nt_vo_complete(&segment.vo, &nt_vo_segment_type);
    ovs_strlcpy(level->host, "h1", sizeof level->host);
    level->segment = segment;
    nt_vo_complete(&level->vo, &nt_vo_binding_level_type);
    port->binding_levels = level;
    port->n_binding_levels = 1;

    port->fixed_ips = xzalloc(sizeof *port->fixed_ips);
    port->n_fixed_ips = 1;
    ovs_strlcpy(port->fixed_ips->ip_address, "10.1.0.3", sizeof port->fixed_ips->ip_address);
    nt_vo_complete(&port->fixed_ips->vo, &nt_vo_allocation_type);
    nt_vo_complete(&port->vo, &nt_vo_port_type);
    return port;
}

/* The port's index; -1: there is none. */
static inline int
world_port(const struct world *w, const char *id)
{
    for (int i = 0; i < N_PORTS; i++) {
        if (!strcmp(w->ports[i].id, id)) {
            return i;
        }
    }
    return -1;
}

static inline const struct nt_vo_qos_policy *
world_policy(const struct world *w, const char *id)
{
    for (size_t i = 0; i < NT_ARRAY_SIZE(w->policies); i++) {
        if (w->policies[i] && !strcmp(w->policies[i]->id, id)) {
            return w->policies[i];
        }
    }
    return NULL;
}

static inline void
world_deinit(struct world *w)
{
    for (int i = 0; i < N_PORTS; i++) {
        nt_vo_free(w->told[i] ? &w->told[i]->vo : NULL);
    }
    nt_vo_free(w->network ? &w->network->vo : NULL);
}

/* --- wishes that nobody looks at ---------------------------------------------------------- */

static inline void
record_bridge(void *self, const struct nt_ovs_bridge_want *want)
{
    (void) self, (void) want;
}

static inline void
ignore_name(void *self, const char *name)
{
    (void) self, (void) name;
}

static inline void
ignore_interest(void *self, const char *id, bool wanted)
{
    (void) self, (void) id, (void) wanted;
}
