#include <config.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/model/owner.h"
#include "agent/agent_impl.h"
#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(agent);

/* A start counts as done after so long, also when some port could not be wired. */
#define FIRST_SYNC_MS 60000

/* At the end, reports that are due go out for so long at most. */
#define LAST_WORDS_MS 1000

#define MANAGER_PROBE_FACTOR 1000

/* --- building ------------------------------------------------------------------------------- */

static const char *
or_null(const char *text)
{
    return *text ? text : NULL;
}

int
agent_open_ovsdb(const struct agent_env *env, struct nt_ovsdb **out, struct nt_err *err)
{
    const struct agent_config *config = env->config;
    AUTO_FREE char *why = NULL;
    /* The row of the stock way is made for others. */
    AUTO_FREE char *remote = nt_ovsdb_near(config->ovsdb_connection, config->ovs_run_dir, &why);

    if (why) {
        nt_warn("cannot use the switch's socket, TCP is tried", "why", why, NULL);
    }

    const struct nt_ovsdb_options options = {
        .remote = remote,
        .ssl_key = or_null(config->ssl_key_file),
        .ssl_cert = or_null(config->ssl_cert_file),
        .ssl_ca = or_null(config->ssl_ca_cert_file),
        .probe_interval_s = config->of_inactivity_probe_s,
        .clock = env->clock,
    };
    return nt_ovsdb_new(&options, out, err);
}

static int
open_switch(struct agent *self, struct nt_err *err)
{
    const struct agent_config *config = self->config;
    char listen[80];
    snprintf(listen, sizeof listen,
             strchr(config->of_listen_address, ':') ? "ptcp:%d:[%s]" : "ptcp:%d:%s",
             config->of_listen_port, config->of_listen_address);

    const struct nt_switch_options options = {
        .listen = config->use_mgmt_sockets ? NULL : listen,
        .run_dir = config->ovs_run_dir,
        .probe_interval_s = config->of_inactivity_probe_s,
        .request_timeout_s = config->of_request_timeout_s,
        .clock = self->env.clock,
    };
    return nt_switch_new(&options, &self->sw, err);
}

static void
flow_refused(void *self_, const char *owner, const char *why)
{
    struct agent *self = self_;

    wiring_flow_refused(self->wiring, owner, why);
    if (self->meters && strstr(why, "METER")) {
        meters_doubt(self->meters); /* The one it names is gone. */
    }
}

int
agent_new(const struct agent_env *env, struct agent **out, struct nt_err *err)
{
    struct agent *self = xzalloc(sizeof *self);

    self->env = *env;
    self->config = env->config;
    self->started_ms = nt_mono_ms(env->clock);
    self->tables_told_ms = INT64_MAX;
    self->turns = (struct nt_histogram) NT_SECONDS_HISTOGRAM_INITIALIZER;

    if (agent_open_ovsdb(env, &self->db, err) < 0 || open_switch(self, err) < 0) {
        agent_free(self);
        return -1;
    }

    const struct flows_options flows = {
        .sw = self->sw,
        .clock = env->clock,
        .reserved_cookies = self->config->reserved_cookies,
        .leaves_edits = !self->config->repairs,
        .refused = flow_refused,
        .aux = self,
    };
    if (flows_new(&flows, &self->flows, err) < 0) {
        agent_free(self);
        return -1;
    }
    if (self->config->has_qos) {
        self->meters = meters_new(self->sw, self->config->integration_bridge);
    }
    self->bridges = bridges_new(self->db, env->clock, !self->config->repairs);
    self->unmade = unmade_new(self->db, env->clock);

    const struct wiring_to to = agent_wishes(self);
    self->wiring = wiring_new(self->config, &to);
    agent_open_server(self);
    if (agent_config_has_tunnels(self->config)) {
        agent_sync_tunnels(self);
    }
    *out = self;
    return 0;
}

void
agent_free(struct agent *self)
{
    if (!self) {
        return;
    }
    heartbeat_free(self->heartbeat);
    absent_free(self->absent);
    devices_free(self->devices);
    neutron_free(self->neutron);
    wiring_free(self->wiring);
    flows_free(self->flows);
    meters_free(self->meters);
    unmade_free(self->unmade);
    bridges_free(self->bridges);
    nt_switch_free(self->sw);
    nt_ovsdb_free(self->db);
    free(self);
}

/* --- the turn ------------------------------------------------------------------------------- */

/* Whether an earlier mapping's bridge has that datapath id, too. */
static bool
is_repeated(const struct agent *self, size_t mapping, const char *datapath_id)
{
    for (size_t i = 0; i < mapping; i++) {
        const struct nt_ovs_bridge *other =
            nt_ovsdb_bridge(self->db, self->config->mappings[i].bridge);
        if (other && !strcmp(other->datapath_id, datapath_id)) {
            return true;
        }
    }
    return false;
}

/* Bridges over one bond have its MAC, and so one datapath id, but connections are told apart
 * by it: a repeated one gets the number of its mapping in the upper 16 bits. */
static void
part_datapath_ids(struct agent *self)
{
    for (size_t i = 1; i < self->config->n_mappings; i++) {
        const struct nt_ovs_bridge *bridge =
            nt_ovsdb_bridge(self->db, self->config->mappings[i].bridge);
        if (!bridge || !*bridge->datapath_id || !is_repeated(self, i, bridge->datapath_id)) {
            continue;
        }
        char id[17];
        uint64_t number = strtoull(bridge->datapath_id, NULL, 16) + ((uint64_t) i << 48);
        snprintf(id, sizeof id, "%016" PRIx64, number);
        const struct nt_ovs_kv other_config[] = { { "datapath-id", id }, { NULL, NULL } };
        const struct nt_ovs_bridge_want want = {
            .name = bridge->name,
            .other_config = other_config,
            .mcast_snooping = -1,
        };
        nt_ovsdb_ensure_bridge(self->db, &want);
    }
}

static void
watch_bridge(struct agent *self, const char *name)
{
    const struct nt_ovs_bridge *bridge = nt_ovsdb_bridge(self->db, name);

    nt_switch_want(self->sw, name, bridge ? bridge->datapath_id : "");
}

static void
bridge_changed(void *self_, const char *name)
{
    struct agent *self = self_;

    agent_tell_bridge(self->wiring, self->db, name);
    bridges_bridge_changed(self->bridges, name);
    if (agent_config_owns(self->config, name)) {
        watch_bridge(self, name);
    }
}

static void
port_changed(void *self_, const char *name, bool readded)
{
    struct agent *self = self_;
    const struct nt_ovs_port *port = nt_ovsdb_port(self->db, name);

    agent_tell_port(self->wiring, self->db, name, readded);
    agent_check_patch(self, name);
    unmade_port_seen(self->unmade, name,
                     port && agent_config_owns(self->config, port->bridge) ? port : NULL);
    bridges_port_changed(self->bridges, name);
}

static void
observe_switch(struct agent *self)
{
    const struct nt_ovsdb_changes changes = { bridge_changed, port_changed, self };

    nt_ovsdb_changes(self->db, &changes);
    if (!self->has_seen) {
        self->has_seen = true;
        wiring_all_seen(self->wiring);
        agent_check_mappings(self);
    }
}

static void
scan_port(void *self_, const struct nt_ovs_port *port)
{
    port_changed(self_, port->name, false);
}

/* minimize_polling = false: every port is looked at each polling interval, told or not. */
static void
scan(struct agent *self)
{
    int64_t now = nt_mono_ms(self->env.clock);

    if (!self->config->minimize_polling && now >= self->next_scan_ms) {
        self->next_scan_ms = now + self->config->polling_interval_ms;
        nt_ovsdb_each_port(self->db, NULL, scan_port, self);
    }
}

/* What a turn did to ports, as the stock agent tells it of an iteration. */
static void
tell_turn(struct agent *self, int64_t began_ms)
{
    const struct wiring_stats *now = wiring_stats(self->wiring);
    struct wiring_stats *before = &self->told;

    if (now->n_added == before->n_added && now->n_updated == before->n_updated
        && now->n_removed == before->n_removed && now->n_ancillary == before->n_ancillary) {
        return;
    }

    char added[24], updated[24], removed[24], ancillary[24], elapsed[24];
    snprintf(added, sizeof added, "%" PRIu64, now->n_added - before->n_added);
    snprintf(updated, sizeof updated, "%" PRIu64, now->n_updated - before->n_updated);
    snprintf(removed, sizeof removed, "%" PRIu64, now->n_removed - before->n_removed);
    snprintf(ancillary, sizeof ancillary, "%" PRIu64, now->n_ancillary - before->n_ancillary);
    int64_t elapsed_ms = nt_mono_ms(self->env.clock) - began_ms;
    nt_histogram_add(&self->turns, (double) elapsed_ms / 1e3);
    snprintf(elapsed, sizeof elapsed, "%" PRId64, elapsed_ms);
    nt_debug("ports of this turn", "added", added, "updated", updated, "removed", removed,
             "ancillary", ancillary, "elapsed_ms", elapsed, NULL);
    *before = *now;
}

/* The Manager row, so that tools and the stock agent reach OVSDB where they are told to. */
static void
ensure_manager(struct agent *self)
{
    const char *remote = self->config->ovsdb_connection;
    char target[64], address[64];
    int port;

    if (sscanf(remote, "tcp:%63[0-9.]:%d", address, &port) == 2) {
        snprintf(target, sizeof target, "ptcp:%d:%s", port, address);
        nt_ovsdb_ensure_manager(self->db, target,
                                self->config->of_inactivity_probe_s * MANAGER_PROBE_FACTOR);
    }
}

static void
observe_connections(struct agent *self)
{
    unsigned connection = nt_switch_connection(self->sw, self->config->integration_bridge);

    if (connection && self->br_int && connection != self->br_int) {
        nt_warn("switch was restarted: its flows are put back", "bridge",
                self->config->integration_bridge, NULL);
        self->n_switch_restarts++;
        wiring_forget_floods(self->wiring);
        heartbeat_switch_restarted(self->heartbeat);
    }
    if (connection) {
        self->br_int = connection;
    }

    const struct heartbeat_facts facts = {
        .n_devices = wiring_stats(self->wiring)->n_bound,
        .datapath_types = nt_ovsdb_datapath_types(self->db),
        .iface_types = nt_ovsdb_iface_types(self->db),
        .switch_is_dead = !connection || !nt_ovsdb_is_ready(self->db),
    };
    heartbeat_set(self->heartbeat, &facts);
}

/* The pipeline and the port's own flows are installed. */
static bool
is_guarded(void *self_, const struct model_port *port)
{
    const struct agent *self = self_;
    char owner[MODEL_OWNER_SIZE];

    snprintf(owner, sizeof owner, "bridge %s", self->config->integration_bridge);
    if (!flows_is_settled_for(self->flows, owner)) {
        return false;
    }
    model_port_owner(port, owner);
    return flows_is_settled_for(self->flows, owner);
}

static bool
is_in(void *self_, const struct model_port *port)
{
    const struct agent *self = self_;
    char owner[MODEL_OWNER_SIZE];

    if (port->is_ancillary) {
        return true;
    }
    if (!ovs_list_is_empty(&port->open) || !is_guarded(self_, port)
        || !bridges_is_port_settled(self->bridges, port->name)) {
        return false;
    }
    model_network_owner(port->network, owner);
    return flows_is_settled_for(self->flows, owner);
}

static void
report_up(void *self_, const struct model_port *port, bool refresh)
{
    struct agent *self = self_;

    nt_info("port is wired", "port", port->id, "name", port->name, NULL);
    devices_up(self->devices, port->id, refresh);
}

static void
report(struct agent *self)
{
    const struct wiring_report to = { is_in, report_up, self };

    bool is_late = nt_mono_ms(self->env.clock) - self->started_ms > FIRST_SYNC_MS;

    wiring_open_ready(self->wiring, is_guarded, self);
    wiring_report_ready(self->wiring, &to);
    if (!self->was_first_sync && wiring_is_set_up(self->wiring)
        && (is_late
            || (wiring_is_complete(self->wiring)
                && ovs_list_is_empty(&wiring_model(self->wiring)->to_report)
                && devices_is_settled(self->devices)))) {
        self->was_first_sync = true;
        heartbeat_first_sync_done(self->heartbeat);
        absent_ask(self->absent);
    }
}

void
agent_run(struct agent *self)
{
    int64_t began_ms = nt_mono_ms(self->env.clock);

    nt_ovsdb_run(self->db);
    neutron_run(self->neutron);
    devices_run(self->devices);
    absent_run(self->absent);
    heartbeat_run(self->heartbeat);
    if (nt_ovsdb_is_ready(self->db)) {
        observe_switch(self);
        if (!*self->failure) {
            ensure_manager(self);
            part_datapath_ids(self);
            scan(self);
            wiring_run(self->wiring);
            agent_drop_flows(self);
        }
    }
    agent_check_deadlines(self);

    nt_switch_run(self->sw);
    agent_judge_restored(self);
    agent_run_meters(self);
    flows_run(self->flows);
    bridges_run(self->bridges);
    unmade_run(self->unmade);
    nt_ovsdb_commit(self->db);

    observe_connections(self);
    agent_join_bridges(self);
    if (bridges_are_ports_written(self->bridges)) {
        wiring_rows_settled(self->wiring);
    }
    agent_complete_flows(self);
    report(self);
    agent_wait_for_tables(self);
    agent_check_flows(self);
    tell_turn(self, began_ms);
}

void
agent_wait(struct agent *self)
{
    nt_ovsdb_wait(self->db);
    neutron_wait(self->neutron);
    devices_wait(self->devices);
    absent_wait(self->absent);
    heartbeat_wait(self->heartbeat);
    nt_switch_wait(self->sw);
    if (self->meters) {
        meters_wait(self->meters);
    }
    flows_wait(self->flows);
    bridges_wait(self->bridges);
    unmade_wait(self->unmade);

    if (self->tables_told_ms != INT64_MAX) {
        poll_timer_wait_until(self->tables_told_ms);
    }
    if (self->was_first_sync) {
        poll_timer_wait_until(self->next_check_ms);
    }
    if (!self->config->minimize_polling) {
        poll_timer_wait_until(self->next_scan_ms);
    }
    if (!self->br_int || !self->has_seen) {
        poll_timer_wait(1000);
    }
    agent_wait_for_patches(self);
    if (wiring_has_work(self->wiring) && nt_ovsdb_is_ready(self->db) && !*self->failure) {
        poll_immediate_wake();
    }
}

const char *
agent_failure(const struct agent *self)
{
    return *self->failure ? self->failure : NULL;
}

bool
agent_is_ready(const struct agent *self)
{
    return heartbeat_is_known(self->heartbeat);
}

/* What has happened to ports is told; a server that does not answer holds nobody up. */
static void
say_last(struct agent *self)
{
    const struct wiring_report to = { is_in, report_up, self };
    int64_t end = nt_mono_ms(self->env.clock) + LAST_WORDS_MS;

    wiring_report_ready(self->wiring, &to);
    devices_run(self->devices);
    while (devices_is_due(self->devices) && nt_mono_ms(self->env.clock) < end) {
        nt_bus_wait(self->env.bus);
        poll_timer_wait_until(end);
        poll_block();
        nt_bus_run(self->env.bus);
        devices_run(self->devices);
    }
}

void
agent_stop(struct agent *self)
{
    if (self->config->quitting_rpc_timeout_ms) {
        devices_cap_timeout(self->devices, self->config->quitting_rpc_timeout_ms);
        heartbeat_cap_timeout(self->heartbeat, self->config->quitting_rpc_timeout_ms);
    }
    say_last(self);
}

struct agent_stats
agent_stats(const struct agent *self)
{
    return (struct agent_stats){
        .wiring = wiring_stats(self->wiring),
        .flows = flows_stats(self->flows),
        .bridges = bridges_stats(self->bridges),
        .neutron = neutron_stats(self->neutron),
        .devices = devices_stats(self->devices),
        .heartbeat = heartbeat_stats(self->heartbeat),
        .sw = nt_switch_stats(self->sw),
        .turns = &self->turns,
        .n_resyncs = self->n_resyncs,
        .n_switch_restarts = self->n_switch_restarts,
        .n_unmade = unmade_n_ports(self->unmade),
    };
}
