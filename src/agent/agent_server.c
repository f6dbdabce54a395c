/* What the server tells goes to the wiring, and what is told to it is built. */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "agent/agent_impl.h"
#include "base/log.h"

NT_LOG_MODULE(agent_server);

/* The server tells forwarding entries by messages beside its answer: they count as told when
 * none has come for so long. */
#define QUIET_MS 2000

/* --- what the server tells ------------------------------------------------------------------- */

static void
port_told(void *self_, const struct nt_vo_port *port)
{
    struct agent *self = self_;

    wiring_port_told(self->wiring, port->id, ANSWER_KNOWN);
}

static void
port_gone(void *self_, const char *id)
{
    struct agent *self = self_;

    wiring_port_told(self->wiring, id, ANSWER_GONE);
}

static void
network_told(void *self_, const struct nt_vo_network *network)
{
    struct agent *self = self_;

    wiring_network_told(self->wiring, network->id);
}

static void
network_gone(void *self_, const char *id)
{
    struct agent *self = self_;

    wiring_network_told(self->wiring, id);
}

static void
policy_told(void *self_, const struct nt_vo_qos_policy *policy)
{
    struct agent *self = self_;

    wiring_policy_told(self->wiring, policy->id);
}

static void
policy_gone(void *self_, const char *id)
{
    struct agent *self = self_;

    wiring_policy_told(self->wiring, id);
}

/* Entries are still coming in. */
static void
entries_come(struct agent *self)
{
    if (self->tables_told_ms != INT64_MAX) {
        self->tables_told_ms = nt_mono_ms(self->env.clock) + QUIET_MS;
    }
}

static void
fdb_add(void *self_, const struct nt_fdb_network *networks, size_t n)
{
    struct agent *self = self_;

    if (wiring_fdb_add(self->wiring, networks, n)) {
        entries_come(self);
    }
}

static void
fdb_remove(void *self_, const struct nt_fdb_network *networks, size_t n)
{
    struct agent *self = self_;

    wiring_fdb_remove(self->wiring, networks, n);
}

static void
fdb_change(void *self_, const struct nt_fdb_network_change *changes, size_t n)
{
    struct agent *self = self_;

    wiring_fdb_change(self->wiring, changes, n);
}

static void
tunnel_told(void *self_, const char *type, const char *ip, int64_t id)
{
    struct agent *self = self_;

    wiring_tunnel(self->wiring, type, ip, id);
}

static void
tunnel_gone(void *self_, const char *type, const char *ip)
{
    struct agent *self = self_;

    wiring_tunnel_gone(self->wiring, type, ip);
}

/* One may come late, or before the other: what is so is asked. */
static void
binding_noticed(void *self_, const char *port_id, const char *host)
{
    struct agent *self = self_;

    if (!strcmp(host, self->config->host)) {
        neutron_look_at_port(self->neutron, port_id);
    }
}

/* The broker was away, or this is the start: what was told meanwhile is lost. */
static void
settled(void *self_)
{
    struct agent *self = self_;

    nt_debug("objects of the server are known", NULL);
    if (self->must_compare) {
        self->must_compare = false;
        wiring_compare_reports(self->wiring);
    }
    self->next_check_ms = 0;
}

void
agent_sync_tunnels(struct agent *self)
{
    for (size_t i = 0; i < self->config->n_tunnel_types; i++) {
        neutron_sync_tunnels(self->neutron, self->config->tunnel_types[i]);
    }
}

const char *const agent_resync_names[RESYNC_N] = {
    [RESYNC_REVIVED] = "revived",
    [RESYNC_BROKER] = "broker",
    [RESYNC_ASKED] = "asked",
};

void
agent_sync(struct agent *self, enum agent_resync why)
{
    self->n_resyncs[why]++;
    neutron_resync(self->neutron);
    self->must_compare = true;
    agent_sync_tunnels(self);
    wiring_doubt(self->wiring);
    self->next_check_ms = 0;
}

static void
alive(void *self_)
{
    struct agent *self = self_;

    nt_info("server answers", "host", self->config->host, NULL);
}

static void
revived(void *self_)
{
    struct agent *self = self_;

    nt_warn("server had given this agent up: everything is synchronised", "host",
            self->config->host, NULL);
    agent_sync(self, RESYNC_REVIVED);
}

static void
connection_changed(void *self_, bool connected)
{
    struct agent *self = self_;

    if (connected && self->was_connected) {
        nt_info("broker is back: forwarding entries are confirmed", NULL);
        self->n_resyncs[RESYNC_BROKER]++;
        agent_sync_tunnels(self);
        wiring_doubt(self->wiring);
    }
    self->was_connected = self->was_connected || connected;
}

/* A report was given up that would have brought a network's forwarding entries. */
static void
no_table(void *self_, const char *port_id)
{
    struct agent *self = self_;

    wiring_no_table(self->wiring, port_id);
}

/* Forwarding entries, and end points, count as told when all that was asked is answered and
 * nothing more comes. */
void
agent_wait_for_tables(struct agent *self)
{
    int64_t now = nt_mono_ms(self->env.clock);
    bool quiet = devices_is_settled(self->devices)
                 && (self->config->l2_population || neutron_is_settled(self->neutron));

    if (!agent_config_has_tunnels(self->config) || !quiet || !wiring_awaits_tables(self->wiring)) {
        self->tables_told_ms = INT64_MAX;
    } else if (self->tables_told_ms == INT64_MAX) {
        self->tables_told_ms = now + QUIET_MS;
    } else if (now >= self->tables_told_ms) {
        self->tables_told_ms = INT64_MAX;
        wiring_ask_again(self->wiring);
        wiring_tables_told(self->wiring);
    }
}

/* --- building ------------------------------------------------------------------------------- */

struct search {
    const char *id;
    bool is_found;
};

static void
look_for(void *search_, const struct nt_ovs_port *port)
{
    struct search *search = search_;

    search->is_found = search->is_found || !strcmp(port->iface_id, search->id);
}

/* Those that the wiring knows are found at once; others may be on any bridge. */
static bool
is_plugged(void *self_, const char *id)
{
    struct agent *self = self_;
    struct search search = { id, model_port_find(wiring_model(self->wiring), id) != NULL };

    if (!search.is_found) {
        nt_ovsdb_each_port(self->db, NULL, look_for, &search);
    }
    return search.is_found;
}

static void
absent_down(void *self_, const char *id)
{
    struct agent *self = self_;

    devices_down(self->devices, id);
}

void
agent_open_server(struct agent *self)
{
    const struct agent_config *config = self->config;
    const struct neutron_options neutron = {
        .bus = self->env.bus,
        .clock = self->env.clock,
        .random = self->env.random,
        .host = config->host,
        .local_ip = config->local_ip,
        .l2_population = config->l2_population,
        .has_qos = config->has_qos,
        .batch = config->rpc_batch,
        .timeout_ms = config->rpc_response_timeout_ms,
        .max_timeout_ms = config->rpc_response_max_timeout_ms,
        .watcher = &self->watcher,
    };
    const struct devices_options devices = {
        .bus = self->env.bus,
        .clock = self->env.clock,
        .random = self->env.random,
        .host = config->host,
        .batch = config->rpc_batch,
        .timeout_ms = config->rpc_response_timeout_ms,
        .max_timeout_ms = config->rpc_response_max_timeout_ms,
        .no_table = no_table,
        .aux = self,
    };
    const struct absent_options absent = {
        .bus = self->env.bus,
        .clock = self->env.clock,
        .random = self->env.random,
        .host = config->host,
        .timeout_ms = config->rpc_response_timeout_ms,
        .is_plugged = is_plugged,
        .down = absent_down,
        .aux = self,
    };
    const struct heartbeat_options heartbeat = {
        .bus = self->env.bus,
        .clock = self->env.clock,
        .random = self->env.random,
        .config = config,
        .alive = alive,
        .revived = revived,
        .aux = self,
    };

    self->watcher = (struct neutron_watcher){
        .port = port_told,
        .port_gone = port_gone,
        .network = network_told,
        .network_gone = network_gone,
        .qos_policy = policy_told,
        .qos_policy_gone = policy_gone,
        .fdb_add = fdb_add,
        .fdb_remove = fdb_remove,
        .fdb_change = fdb_change,
        .tunnel = tunnel_told,
        .tunnel_gone = tunnel_gone,
        .binding_activated = binding_noticed,
        .binding_deactivated = binding_noticed,
        .settled = settled,
        .aux = self,
    };
    self->neutron = neutron_new(&neutron);
    self->devices = devices_new(&devices);
    self->absent = absent_new(&absent);
    self->heartbeat = heartbeat_new(&heartbeat);
    nt_bus_on_state(self->env.bus, connection_changed, self);
}
