/* The last part: tells facts, and lets wishes settle. */
#pragma once

#include "agent/wiring/wiring_recorder.h"

static inline void
see(struct recorder *self, const char *bridge, const char *name, int64_t ofport, const char *type)
{
    const struct nt_ovs_port port = { .bridge = bridge,
                                      .name = name,
                                      .type = type,
                                      .ofport = ofport,
                                      .iface_id = "",
                                      .attached_mac = "",
                                      .n_interfaces = 1,
                                      .error = "" };

    wiring_port_seen(self->wiring, name, &port, NULL, false);
}

static inline void
see_bridges(struct recorder *self)
{
    see(self, "br-int", "int-br-phys", 1, "patch");
    see(self, "br-phys", "phy-br-phys", 2, "patch");
    see(self, "br-int", "patch-tun", 3, "patch");
    see(self, "br-tun", "patch-int", 4, "patch");
}

static inline void
see_vif(struct recorder *self, int i)
{
    const struct world *w = self->world;
    const struct nt_ovs_port port = { .bridge = "br-int",
                                      .name = w->ports[i].name,
                                      .type = "internal",
                                      .ofport = w->ports[i].ofport,
                                      .tag = w->ports[i].tag,
                                      .iface_id = w->ports[i].id,
                                      .attached_mac = "fa:16:3e:00:00:01",
                                      .n_interfaces = 1,
                                      .error = "" };
    bool has_memory = *w->ports[i].net_uuid;
    const struct wiring_memory memory = {
        has_memory ? w->ports[i].net_uuid : NULL,
        strcmp(w->ports[i].segmentation, "None") ? w->ports[i].segmentation : NULL,
        has_memory ? w->ports[i].memory_tag : NULL,
        has_memory ? w->ports[i].guards : NULL,
    };

    wiring_port_seen(self->wiring, port.name, w->ports[i].is_plugged ? &port : NULL, &memory,
                     false);
}

/* The row of a port that has no iface-id. */
static inline void
see_bare(struct recorder *self, int i)
{
    const struct nt_ovs_port port = { .bridge = "br-int",
                                      .name = self->world->ports[i].name,
                                      .type = "internal",
                                      .ofport = self->world->ports[i].ofport,
                                      .tag = self->world->ports[i].tag,
                                      .iface_id = "",
                                      .attached_mac = "",
                                      .n_interfaces = 1,
                                      .error = "" };

    wiring_port_seen(self->wiring, port.name, &port, NULL, false);
}

static inline void
see_named(void *self_, const char *name)
{
    struct recorder *self = self_;

    for (int i = 0; i < N_PORTS; i++) {
        if (!strcmp(self->world->ports[i].name, name)) {
            see_vif(self, i);
        }
    }
}

static inline const char *
mac_text(int i)
{
    static const char *const macs[] = { "fa:16:3e:00:01:00", "fa:16:3e:00:01:01",
                                        "fa:16:3e:00:01:02", "fa:16:3e:00:01:03" };

    return macs[i];
}

/* One entry of the vxlan network behind a host: a MAC, or the flood (mac < 0). */
static inline void
tell_entry(struct recorder *self, int host, int mac, bool add)
{
    char ip[NT_IP_SIZE];
    struct nt_fdb_entry entry = { .ip = "10.1.0.9" };
    struct nt_fdb_host at = { .entries = &entry, .n_entries = 1 };
    struct nt_fdb_network network = { .segment_id = 101, .hosts = &at, .n_hosts = 1 };

    snprintf(ip, sizeof ip, "10.0.0.%d", host + 2);
    ovs_strlcpy(at.ip, ip, sizeof at.ip);
    ovs_strlcpy(network.network_id, networks[1], sizeof network.network_id);
    ovs_strlcpy(network.network_type, "vxlan", sizeof network.network_type);
    ovs_strlcpy(entry.mac, mac < 0 ? NT_FDB_FLOOD_MAC : mac_text(mac), sizeof entry.mac);
    snprintf(entry.ip, sizeof entry.ip, mac < 0 ? NT_FDB_FLOOD_IP : "10.1.0.%d", 50 + mac);
    if (add) {
        wiring_fdb_add(self->wiring, &network, 1);
    } else {
        wiring_fdb_remove(self->wiring, &network, 1);
    }
}

/* What the server tells everybody once it has sent us a table. */
static inline void
end_table(struct recorder *self)
{
    tell_entry(self, -1, -1, true);
}

/* The switch gives tunnel ports their numbers. */
static inline void
see_tunnels(struct recorder *self)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &self->tunnels) {
        see(self, "br-tun", node->name, 20 + node->name[strlen(node->name) - 1] % 16, "vxlan");
    }
}

static inline bool
is_in(void *aux, const struct model_port *port)
{
    (void) aux, (void) port;
    return true;
}

static inline void
up(void *self_, const struct model_port *port, bool refresh)
{
    struct recorder *self = self_;

    ds_put_format(&self->log, "up %.8s%s\n", port->id, refresh ? " refresh" : "");
}

static inline void
settle(struct recorder *self)
{
    const struct wiring_report report = { is_in, up, self };

    wiring_run(self->wiring);
    wiring_open_ready(self->wiring, is_in, self);
    see_tunnels(self);
    for (int i = 0; i < N_PORTS; i++) {
        if (self->world->ports[i].is_plugged) {
            see_vif(self, i);
        }
    }
    wiring_run(self->wiring);
    wiring_join_ready(self->wiring, is_bridge_in, self);
    wiring_report_ready(self->wiring, &report);
}

static inline const char *
flows_of(const struct recorder *self, const char *owner)
{
    const char *text = shash_find_data(&self->flows, owner);

    return text ? text : "";
}

static inline void
plug(struct recorder *self, int i)
{
    self->world->ports[i].is_plugged = true;
    see_vif(self, i);
}

static inline void
tell(struct recorder *self, int i, int network, bool admin_up)
{
    struct world *w = self->world;

    nt_vo_free(w->told[i] ? &w->told[i]->vo : NULL);
    w->told[i] = vo_port_new(w->ports[i].id, network, admin_up);
    wiring_port_told(self->wiring, w->ports[i].id, ANSWER_KNOWN);
}

static inline bool
never(void *aux, const struct model_port *port)
{
    (void) aux, (void) port;
    return false;
}
