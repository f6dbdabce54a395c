/* Wishes follow facts; and what they become step by step is what a fresh one wants. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/wiring.h"
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
        char net_uuid[NT_UUID_SIZE], segmentation[24], memory_tag[8];
    } ports[N_PORTS];
    struct nt_vo_port *told[N_PORTS];

    /* Whose MACs are behind which host, by network. */
    bool floods[N_HOSTS];
    int host_of_mac[4]; /* -1: nobody's. */
};

/* Who records the wishes. */
struct recorder {
    struct world *world;
    struct wiring *wiring;
    struct shash flows; /* Owner -> text. */
    struct shash tunnels;
    struct ds log;
};

static void
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
    };
    for (int i = 0; i < N_PORTS; i++) {
        snprintf(w->ports[i].name, sizeof w->ports[i].name, "tap%d", i);
        snprintf(w->ports[i].id, sizeof w->ports[i].id, "%08d-aaaa-0000-0000-000000000000", i);
        w->ports[i].ofport = 10 + i;
    }
    for (size_t i = 0; i < NT_ARRAY_SIZE(w->host_of_mac); i++) {
        w->host_of_mac[i] = -1;
    }
}

static struct nt_vo_port *
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

/* --- the recorder --------------------------------------------------------------------------- */

static void
record_flows(void *self_, const char *owner, const struct plan *plan)
{
    struct recorder *self = self_;
    struct ds text = DS_EMPTY_INITIALIZER;

    free(shash_find_and_delete(&self->flows, owner));
    for (size_t i = 0; i < plan->n; i++) {
        ds_put_format(&text, "%s %s\n", plan->lines[i].bridge, plan->lines[i].flow);
    }
    if (plan->n) {
        shash_add(&self->flows, owner, ds_steal_cstr(&text));
    }
    ds_destroy(&text);
}

static void
record_port(void *self_, const struct nt_ovs_port_want *want)
{
    struct recorder *self = self_;

    for (int i = 0; i < N_PORTS; i++) {
        if (strcmp(self->world->ports[i].name, want->name)) {
            continue;
        }
        self->world->ports[i].tag = want->tag;
        for (const struct nt_ovs_kv *kv = want->other_config; kv && kv->key; kv++) {
            char *to = !strcmp(kv->key, "net_uuid")          ? self->world->ports[i].net_uuid
                       : !strcmp(kv->key, "segmentation_id") ? self->world->ports[i].segmentation
                       : !strcmp(kv->key, "tag")             ? self->world->ports[i].memory_tag
                                                             : NULL;
            if (to) {
                strcpy(to, kv->value ? kv->value : "None");
            }
        }
        return;
    }
    if (want->type && strcmp(want->type, "patch")) {
        shash_add_once(&self->tunnels, want->name, NULL);
    }
}

static void
record_no_port(void *self_, const char *name)
{
    struct recorder *self = self_;

    shash_find_and_delete(&self->tunnels, name);
    ds_put_format(&self->log, "no port %s\n", name);
}

static void
record_bridge(void *self, const struct nt_ovs_bridge_want *want)
{
    (void) self, (void) want;
}

static void
ignore_name(void *self, const char *name)
{
    (void) self, (void) name;
}

static void
record_down(void *self_, const char *id)
{
    struct recorder *self = self_;

    ds_put_format(&self->log, "down %.8s\n", id);
}

static void
ignore_qos(void *self, const char *port, int64_t kbps, int64_t burst)
{
    (void) self, (void) port, (void) kbps, (void) burst;
}

static void
ignore_interest(void *self, const char *id, bool wanted)
{
    (void) self, (void) id, (void) wanted;
}

static const struct nt_vo_port *
known_port(void *self_, const char *id)
{
    struct recorder *self = self_;

    for (int i = 0; i < N_PORTS; i++) {
        if (!strcmp(self->world->ports[i].id, id)) {
            return self->world->told[i];
        }
    }
    return NULL;
}

static const struct nt_vo_network *
no_network(void *self, const char *id)
{
    (void) self, (void) id;
    return NULL;
}

static const struct nt_vo_qos_policy *
no_policy(void *self, const char *id)
{
    (void) self, (void) id;
    return NULL;
}

static void
recorder_init(struct recorder *self, struct world *world)
{
    const struct wiring_to to = {
        .flows = record_flows,
        .bridge = record_bridge,
        .port = record_port,
        .no_port = record_no_port,
        .forget_port = ignore_name,
        .qos = ignore_qos,
        .interest = ignore_interest,
        .network_interest = ignore_interest,
        .policy_interest = ignore_name,
        .vo_port = known_port,
        .vo_network = no_network,
        .vo_policy = no_policy,
        .device_down = record_down,
        .aux = self,
    };

    memset(self, 0, sizeof *self);
    self->world = world;
    shash_init(&self->flows);
    shash_init(&self->tunnels);
    self->wiring = wiring_new(&world->config, &to);
}

static void
recorder_deinit(struct recorder *self)
{
    wiring_free(self->wiring);
    shash_destroy_free_data(&self->flows);
    shash_destroy(&self->tunnels);
    ds_destroy(&self->log);
}

/* --- facts ---------------------------------------------------------------------------------- */

static void
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

static void
see_bridges(struct recorder *self)
{
    see(self, "br-int", "int-br-phys", 1, "patch");
    see(self, "br-phys", "phy-br-phys", 2, "patch");
    see(self, "br-int", "patch-tun", 3, "patch");
    see(self, "br-tun", "patch-int", 4, "patch");
}

static void
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
    };

    wiring_port_seen(self->wiring, port.name, w->ports[i].is_plugged ? &port : NULL, &memory,
                     false);
}

static const char *
mac_text(int i)
{
    static const char *const macs[] = { "fa:16:3e:00:01:00", "fa:16:3e:00:01:01",
                                        "fa:16:3e:00:01:02", "fa:16:3e:00:01:03" };

    return macs[i];
}

/* One entry of the vxlan network behind a host: a MAC, or the flood (mac < 0). */
static void
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
static void
end_table(struct recorder *self)
{
    tell_entry(self, -1, -1, true);
}

/* The switch gives tunnel ports their numbers. */
static void
see_tunnels(struct recorder *self)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &self->tunnels) {
        see(self, "br-tun", node->name, 20 + node->name[strlen(node->name) - 1] % 16, "vxlan");
    }
}

static bool
is_in(void *aux, const struct model_port *port)
{
    (void) aux, (void) port;
    return true;
}

static void
up(void *self_, const struct model_port *port, bool refresh)
{
    struct recorder *self = self_;

    ds_put_format(&self->log, "up %.8s%s\n", port->id, refresh ? " refresh" : "");
}

static void
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
    wiring_base_installed(self->wiring);
    wiring_report_ready(self->wiring, &report);
}

static const char *
flows_of(const struct recorder *self, const char *owner)
{
    const char *text = shash_find_data(&self->flows, owner);

    return text ? text : "";
}

/* --- tests ---------------------------------------------------------------------------------- */

static void
plug(struct recorder *self, int i)
{
    self->world->ports[i].is_plugged = true;
    see_vif(self, i);
}

static void
tell(struct recorder *self, int i, int network, bool admin_up)
{
    struct world *w = self->world;

    nt_vo_free(w->told[i] ? &w->told[i]->vo : NULL);
    w->told[i] = vo_port_new(w->ports[i].id, network, admin_up);
    wiring_port_told(self->wiring, w->ports[i].id, ANSWER_KNOWN);
}

static void
world_deinit(struct world *w)
{
    for (int i = 0; i < N_PORTS; i++) {
        nt_vo_free(w->told[i] ? &w->told[i]->vo : NULL);
    }
}

#define OWNER_0 "port 00000000-aaaa-0000-0000-000000000000"

static void
a_port_is_dead_until_the_server_answers(void **state)
{
    struct world w;
    struct recorder r;

    (void) state;
    world_init(&w);
    recorder_init(&r, &w);
    see_bridges(&r);
    plug(&r, 0);
    settle(&r);
    assert_int_equal(w.ports[0].tag, 4095);
    assert_non_null(strstr(flows_of(&r, OWNER_0), "in_port=10"));
    assert_string_equal(ds_cstr(&r.log), "");

    tell(&r, 0, 0, true);
    settle(&r);
    assert_in_range(w.ports[0].tag, 1, 4094);
    assert_string_equal(ds_cstr(&r.log), "up 00000000\n");
    assert_non_null(shash_find(&r.flows, "network 11111111-0000-0000-0000-000000000000/100"));

    /* The server still has it down: it is told again. */
    tell(&r, 0, 0, true);
    settle(&r);
    assert_string_equal(ds_cstr(&r.log), "up 00000000\nup 00000000\n");

    tell(&r, 0, 0, false);
    settle(&r);
    assert_int_equal(w.ports[0].tag, 4095);
    assert_null(shash_find(&r.flows, "network 11111111-0000-0000-0000-000000000000/100"));

    w.ports[0].is_plugged = false;
    see_vif(&r, 0);
    settle(&r);
    assert_string_equal(flows_of(&r, OWNER_0), "");
    recorder_deinit(&r);
    world_deinit(&w);
}

static void
a_port_from_before_is_left_until_the_server_answers(void **state)
{
    struct world w;
    struct recorder r;

    (void) state;
    world_init(&w);
    recorder_init(&r, &w);
    w.ports[0].tag = 7;
    strcpy(w.ports[0].net_uuid, networks[0]);
    strcpy(w.ports[0].segmentation, "100");
    strcpy(w.ports[0].memory_tag, "7");
    see_bridges(&r);
    plug(&r, 0);
    settle(&r);
    assert_int_equal(w.ports[0].tag, 7);
    assert_false(wiring_is_complete(r.wiring));

    tell(&r, 0, 0, true);
    settle(&r);
    assert_int_equal(w.ports[0].tag, 7);
    assert_true(wiring_is_complete(r.wiring));

    /* Once it is gone its tag is free. */
    assert_int_equal(lvlans_n(wiring_model(r.wiring)->lvlans), 1);
    w.ports[0].is_plugged = false;
    see_vif(&r, 0);
    settle(&r);
    assert_int_equal(lvlans_n(wiring_model(r.wiring)->lvlans), 0);
    recorder_deinit(&r);
    world_deinit(&w);
}

static bool
never(void *aux, const struct model_port *port)
{
    (void) aux, (void) port;
    return false;
}

static void
a_port_gets_its_tag_behind_its_guards(void **state)
{
    struct world w;
    struct recorder r;

    (void) state;
    world_init(&w);
    recorder_init(&r, &w);
    see_bridges(&r);
    plug(&r, 0);
    tell(&r, 0, 0, true);
    wiring_run(r.wiring);
    wiring_open_ready(r.wiring, never, NULL);
    assert_string_not_equal(flows_of(&r, OWNER_0), "");
    assert_int_equal(w.ports[0].tag, 0); /* No tag is wished yet. */
    wiring_open_ready(r.wiring, is_in, NULL);
    assert_in_range(w.ports[0].tag, 1, 4094);

    /* Plugged anew it is closed at once, and opened behind its guards. */
    see_vif(&r, 0);
    w.ports[0].ofport = 0;
    see_vif(&r, 0);
    wiring_run(r.wiring);
    assert_int_equal(w.ports[0].tag, 4095);
    recorder_deinit(&r);
    world_deinit(&w);
}

static void
a_port_from_before_is_not_trusted_without_flows(void **state)
{
    struct world w;
    struct recorder r;

    (void) state;
    world_init(&w);
    recorder_init(&r, &w);
    w.ports[0].tag = 7;
    strcpy(w.ports[0].net_uuid, networks[0]);
    strcpy(w.ports[0].segmentation, "100");
    strcpy(w.ports[0].memory_tag, "7");
    see_bridges(&r);
    plug(&r, 0);
    settle(&r);
    wiring_forget_restored(r.wiring);
    settle(&r);
    assert_int_equal(w.ports[0].tag, 4095);
    recorder_deinit(&r);
    world_deinit(&w);
}

static void
a_mac_that_moves_is_behind_one_tunnel(void **state)
{
    static const char owner[] = "mac 22222222-0000-0000-0000-000000000000/101 fa:16:3e:00:01:00";
    struct world w;
    struct recorder r;

    (void) state;
    world_init(&w);
    recorder_init(&r, &w);
    see_bridges(&r);
    plug(&r, 0);
    tell(&r, 0, 1, true);
    settle(&r);
    assert_string_equal(ds_cstr(&r.log), "up 00000000 refresh\n");
    tell_entry(&r, 0, -1, true);
    tell_entry(&r, 0, 0, true);
    settle(&r);
    wiring_tables_told(r.wiring);
    settle(&r);

    char *before = xstrdup(flows_of(&r, owner));
    assert_string_not_equal(before, "");
    tell_entry(&r, 1, 0, true);  /* It is there first... */
    tell_entry(&r, 0, 0, false); /* ...and then not here any more. */
    settle(&r);
    settle(&r);
    assert_string_not_equal(flows_of(&r, owner), "");
    assert_string_not_equal(flows_of(&r, owner), before);
    free(before);

    recorder_deinit(&r);
    world_deinit(&w);
}

/* A vxlan network with a port here and one table: the flood and a MAC behind the first host, a
 * MAC behind the second. */
static void
begin_with_table(struct recorder *r, struct world *w)
{
    world_init(w);
    recorder_init(r, w);
    see_bridges(r);
    plug(r, 0);
    tell(r, 0, 1, true);
    settle(r);
    tell_entry(r, 0, -1, true);
    tell_entry(r, 0, 0, true);
    tell_entry(r, 1, 1, true);
    end_table(r);
    wiring_ask_again(r->wiring);
    wiring_tables_told(r->wiring);
    settle(r);
    settle(r);
    ds_clear(&r->log);
}

#define MAC_OWNER(i) "mac 22222222-0000-0000-0000-000000000000/101 fa:16:3e:00:01:0" i

static void
after_the_broker_was_away_holes_and_leftovers_are_closed(void **state)
{
    struct world w;
    struct recorder r;

    (void) state;
    begin_with_table(&r, &w);
    assert_string_not_equal(flows_of(&r, MAC_OWNER("1")), "");
    wiring_doubt(r.wiring);
    settle(&r);
    assert_string_equal(ds_cstr(&r.log), "up 00000000 refresh\n");

    /* Without the MAC of the second host, with one more of the first. */
    tell_entry(&r, 0, -1, true);
    tell_entry(&r, 0, 0, true);
    tell_entry(&r, 0, 2, true);
    end_table(&r);
    wiring_ask_again(r.wiring);
    wiring_tables_told(r.wiring);
    settle(&r);
    assert_string_not_equal(flows_of(&r, MAC_OWNER("0")), "");
    assert_string_equal(flows_of(&r, MAC_OWNER("1")), "");
    assert_string_not_equal(flows_of(&r, MAC_OWNER("2")), "");
    assert_non_null(strstr(ds_cstr(&r.log), "no port vxlan-0a000003"));

    /* Nobody else has the network now: the table is empty, so none is sent. */
    wiring_doubt(r.wiring);
    settle(&r);
    end_table(&r);
    wiring_tables_told(r.wiring);
    settle(&r);
    assert_string_equal(flows_of(&r, MAC_OWNER("0")), "");
    assert_string_equal(flows_of(&r, MAC_OWNER("2")), "");
    recorder_deinit(&r);
    world_deinit(&w);
}

static void
without_a_table_nothing_is_given_up(void **state)
{
    struct world w;
    struct recorder r;

    (void) state;
    begin_with_table(&r, &w);
    plug(&r, 1);
    tell(&r, 1, 1, true);
    settle(&r);
    wiring_doubt(r.wiring);
    settle(&r);
    ds_clear(&r.log);

    /* Another host's news is no table.  It is asked for again, by another port each time. */
    for (int i = 0; i < 4; i++) {
        tell_entry(&r, 0, 3, true);
        wiring_ask_again(r.wiring);
        wiring_tables_told(r.wiring);
        settle(&r);
    }
    assert_string_equal(ds_cstr(&r.log), "up 00000001 refresh\nup 00000000 refresh\n");
    assert_string_not_equal(flows_of(&r, MAC_OWNER("0")), "");
    assert_string_not_equal(flows_of(&r, MAC_OWNER("1")), "");
    recorder_deinit(&r);
    world_deinit(&w);
}

static void
a_table_of_before_does_not_count_after_the_broker_was_away(void **state)
{
    struct world w;
    struct recorder r;

    (void) state;
    begin_with_table(&r, &w);
    wiring_doubt(r.wiring);
    settle(&r);
    end_table(&r);
    wiring_doubt(r.wiring);
    settle(&r);
    wiring_ask_again(r.wiring);
    wiring_tables_told(r.wiring);
    settle(&r);
    assert_string_not_equal(flows_of(&r, MAC_OWNER("0")), "");
    assert_string_not_equal(flows_of(&r, MAC_OWNER("1")), "");
    recorder_deinit(&r);
    world_deinit(&w);
}

/* Everything that is so, told to somebody new. */
static void
tell_all(struct recorder *self)
{
    const struct world *w = self->world;

    see_bridges(self);
    for (int i = 0; i < N_PORTS; i++) {
        if (w->ports[i].is_plugged) {
            see_vif(self, i);
        }
        if (w->told[i]) {
            wiring_port_told(self->wiring, w->ports[i].id, ANSWER_KNOWN);
        }
    }
    settle(self);
    for (int i = 0; i < N_HOSTS; i++) {
        if (w->floods[i]) {
            tell_entry(self, i, -1, true);
        }
    }
    for (size_t i = 0; i < NT_ARRAY_SIZE(w->host_of_mac); i++) {
        if (w->host_of_mac[i] >= 0) {
            tell_entry(self, w->host_of_mac[i], (int) i, true);
        }
    }
    settle(self);
    wiring_tables_told(self->wiring);
    settle(self);
}

static bool
has_vxlan(const struct world *w)
{
    for (int i = 0; i < N_PORTS; i++) {
        if (w->ports[i].is_plugged && w->told[i] && w->told[i]->admin_state_up
            && !strcmp(w->told[i]->network_id, networks[1])) {
            return true;
        }
    }
    return false;
}

static void
flip_entry(struct recorder *self, unsigned draw)
{
    struct world *w = self->world;
    int host = draw % N_HOSTS, mac = draw / N_HOSTS % 4;

    if (!has_vxlan(w)) {
        return;
    }
    if (draw & 64) {
        w->floods[host] = !w->floods[host];
        tell_entry(self, host, -1, w->floods[host]);
    } else if (w->host_of_mac[mac] == host) {
        w->host_of_mac[mac] = -1;
        tell_entry(self, host, mac, false);
    } else {
        w->host_of_mac[mac] = host;
        tell_entry(self, host, mac, true);
    }
}

static void
step(struct recorder *self, unsigned draw)
{
    struct world *w = self->world;
    int i = draw / 4 % N_PORTS;

    switch (draw % 4) {
    case 0:
        w->ports[i].is_plugged = !w->ports[i].is_plugged;
        if (!w->ports[i].is_plugged) {
            w->ports[i].tag = 0;
            *w->ports[i].net_uuid = '\0';
        }
        see_vif(self, i);
        break;
    case 1:
        tell(self, i, draw / 64 % 3, draw & 512);
        break;
    default:
        flip_entry(self, draw / 4);
        break;
    }
    settle(self);
    wiring_tables_told(self->wiring);
    settle(self);
    if (!has_vxlan(w)) {
        /* Entries of a network without a port here are not kept. */
        memset(w->floods, 0, sizeof w->floods);
        for (size_t j = 0; j < NT_ARRAY_SIZE(w->host_of_mac); j++) {
            w->host_of_mac[j] = -1;
        }
    }
}

static void
assert_same_flows(const struct recorder *a, const struct recorder *b, unsigned step_no)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &a->flows) {
        if (strcmp(node->data, flows_of(b, node->name))) {
            fail_msg("step %u: %s: incremental\n%s fresh\n%s", step_no, node->name,
                     (char *) node->data, flows_of(b, node->name));
        }
    }
    SHASH_FOR_EACH (node, &b->flows) {
        if (!shash_find(&a->flows, node->name)) {
            fail_msg("step %u: only a fresh one wants %s", step_no, node->name);
        }
    }
}

/* The linear generator of POSIX' rand(): the same steps everywhere. */
static unsigned
next(unsigned *seed)
{
    *seed = *seed * 1103515245 + 12345;
    return *seed >> 16 & 0x7fff;
}

static void
step_by_step_is_what_a_fresh_one_wants(void **state)
{
    unsigned seed = 1;

    (void) state;
    for (int round = 0; round < 20; round++) {
        struct world w;
        struct recorder r;

        world_init(&w);
        recorder_init(&r, &w);
        see_bridges(&r);
        for (unsigned i = 0; i < 40; i++) {
            struct world copy;
            struct recorder fresh;

            step(&r, next(&seed));
            copy = w;
            copy.config.mappings = &copy.mapping;
            copy.config.tunnel_types = copy.tunnel_types;
            recorder_init(&fresh, &copy);
            tell_all(&fresh);
            assert_same_flows(&r, &fresh, i);
            recorder_deinit(&fresh);
        }
        recorder_deinit(&r);
        world_deinit(&w);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_is_dead_until_the_server_answers),
        cmocka_unit_test(a_port_from_before_is_left_until_the_server_answers),
        cmocka_unit_test(a_port_gets_its_tag_behind_its_guards),
        cmocka_unit_test(a_port_from_before_is_not_trusted_without_flows),
        cmocka_unit_test(a_mac_that_moves_is_behind_one_tunnel),
        cmocka_unit_test(after_the_broker_was_away_holes_and_leftovers_are_closed),
        cmocka_unit_test(without_a_table_nothing_is_given_up),
        cmocka_unit_test(a_table_of_before_does_not_count_after_the_broker_was_away),
        cmocka_unit_test(step_by_step_is_what_a_fresh_one_wants),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
