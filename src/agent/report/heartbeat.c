#include <config.h>

#include "agent/report/heartbeat.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "rpc/neutron/reports.h"
#include "rpc/patience.h"

NT_LOG_MODULE(heartbeat);

/* Without reports the server is only asked whether it is there. */
#define ALIVE_TIMEOUT_MS 30000

/* After a broker came back all agents do: their reports are spread over so long. */
#define SPREAD_MS 2000

struct heartbeat {
    struct heartbeat_options o;
    char **datapath_types, **iface_types; /* NULL-terminated, or NULL. */
    size_t n_devices;
    bool switch_is_dead;

    bool is_connected, was_connected;
    uint64_t call;      /* Number of the call in flight; 0: none. */
    uint64_t last_call; /* Numbers them. */
    int64_t next;       /* The next call, monotonic. */
    int64_t max_timeout_ms;
    unsigned n_failed; /* In a row. */

    bool is_alive, is_known;
    bool first_sync_done;
    bool start_flag;
    bool sent_first_sync_done; /* With the call in flight. */
    bool is_restart;           /* Of the switch, since the call was sent. */
    struct heartbeat_stats stats;
};

struct call {
    struct heartbeat *h;
    uint64_t number;
};

/* Our side of rpc.md's list: what a Zed agent says that it can read. */
static const struct {
    const char *type, *version;
} resource_versions[] = {
    { "AddressGroup", "1.2" },
    { "Agent", "1.1" },
    { "ConntrackHelper", "1.0" },
    { "LocalIPAssociation", "1.0" },
    { "Log", "1.0" },
    { "NDPProxy", "1.0" },
    { "Network", "1.1" },
    { "Port", "1.7" },
    { "PortForwarding", "1.3" },
    { "QosPolicy", "1.10" },
    { "SecurityGroup", "1.5" },
    { "SecurityGroupRule", "1.2" },
    { "SubPort", "1.0" },
    { "Subnet", "1.1" },
    { "Trunk", "1.1" },
};

static void
state_changed(void *h_, bool connected)
{
    struct heartbeat *h = h_;

    h->is_connected = connected;
    if (!connected) {
        return;
    }
    if (h->was_connected) {
        int64_t soon = nt_mono_ms(h->o.clock) + nt_patience_draw_ms(h->o.random, SPREAD_MS);

        /* What was said may be lost; the server shall not wait for a whole interval. */
        h->next = h->call || h->n_failed ? soon : MAX(h->next, soon);
        h->call = 0;
    }
    h->was_connected = true;
}

struct heartbeat *
heartbeat_new(const struct heartbeat_options *o)
{
    struct heartbeat *h = xzalloc(sizeof *h);

    h->o = *o;
    h->start_flag = true;
    h->max_timeout_ms = INT64_MAX;
    nt_bus_on_state(o->bus, state_changed, h);
    return h;
}

static void
free_list(char **list)
{
    for (char **p = list; p && *p; p++) {
        free(*p);
    }
    free(list);
}

void
heartbeat_free(struct heartbeat *h)
{
    if (h) {
        free_list(h->datapath_types);
        free_list(h->iface_types);
        free(h);
    }
}

static size_t
count(char *const *list)
{
    size_t n = 0;

    while (list && list[n]) {
        n++;
    }
    return n;
}

static char **
copy_list(const char *const *list)
{
    size_t n = count((char *const *) list);
    char **copy = xcalloc(n + 1, sizeof *copy);

    for (size_t i = 0; i < n; i++) {
        copy[i] = xstrdup(list[i]);
    }
    return copy;
}

void
heartbeat_set(struct heartbeat *h, const struct heartbeat_facts *facts)
{
    h->n_devices = facts->n_devices;
    h->switch_is_dead = facts->switch_is_dead;
    free_list(h->datapath_types);
    free_list(h->iface_types);
    h->datapath_types = copy_list(facts->datapath_types);
    h->iface_types = copy_list(facts->iface_types);
}

void
heartbeat_first_sync_done(struct heartbeat *h)
{
    h->first_sync_done = true;
}

void
heartbeat_switch_restarted(struct heartbeat *h)
{
    h->start_flag = true;
    h->is_restart = true;
    h->next = 0;
}

const struct heartbeat_stats *
heartbeat_stats(const struct heartbeat *h)
{
    return &h->stats;
}

bool
heartbeat_is_known(const struct heartbeat *h)
{
    return h->is_known;
}

void
heartbeat_cap_timeout(struct heartbeat *h, int64_t timeout_ms)
{
    h->max_timeout_ms = timeout_ms;
}

/* What is reported. */

/* Borrows the texts. */
static struct nt_text *
texts(char *const *list, size_t *n)
{
    struct nt_text *out;

    *n = count(list);
    out = xcalloc(*n + 1, sizeof *out);
    for (size_t i = 0; i < *n; i++) {
        out[i].text = list[i];
    }
    return out;
}

static struct json *
inventory_defaults(void)
{
    struct json *json = json_object_create();

    json_object_put(json, "allocation_ratio", json_real_create(1.0));
    json_object_put(json, "min_unit", json_integer_create(1));
    json_object_put(json, "step_size", json_integer_create(1));
    json_object_put(json, "reserved", json_integer_create(0));
    return json;
}

/* A value of its own, which the caller destroys. */
static struct json *
object_or(const struct json *json, struct json *(*otherwise)(void) )
{
    return json ? json_deep_clone(json) : otherwise();
}

static void
fill_placement(const struct agent_config *config, struct nt_ovs_configurations *c)
{
    static const struct nt_config_placement nothing = { 0 };
    const struct nt_config_placement *p = config->placement ? config->placement : &nothing;

    c->bandwidths = object_or(p->bandwidths, json_object_create);
    c->inventory_defaults = object_or(p->inventory_defaults, inventory_defaults);
    c->packet_processing_without_direction =
        object_or(p->packet_processing_without_direction, json_object_create);
    c->packet_processing_with_direction =
        object_or(p->packet_processing_with_direction, json_object_create);
    c->packet_processing_inventory_defaults =
        object_or(p->packet_processing_inventory_defaults, inventory_defaults);
    c->hypervisors = object_or(p->hypervisors, json_object_create);
}

static struct json *
configurations(const struct heartbeat *h)
{
    const struct agent_config *config = h->o.config;
    struct nt_ovs_configurations c = {
        .l2_population = config->l2_population,
        .arp_responder_enabled = config->arp_responder,
        .log_agent_heartbeats = config->log_agent_heartbeats,
        .ovs_hybrid_plug = config->firewall == FIREWALL_IPTABLES_HYBRID,
        .devices = h->n_devices,
        .vhostuser_socket_dir = config->vhostuser_socket_dir,
        .n_bridge_mappings = config->n_mappings,
    };
    AUTO_FREE struct nt_pair *mappings = xcalloc(config->n_mappings + 1, sizeof *mappings);
    AUTO_FREE struct nt_text *types = texts(config->tunnel_types, &c.n_tunnel_types);
    AUTO_FREE struct nt_text *extensions = texts(config->extensions, &c.n_extensions);
    AUTO_FREE struct nt_text *datapaths = texts(h->datapath_types, &c.n_datapath_types);
    AUTO_FREE struct nt_text *ifaces = texts(h->iface_types, &c.n_iface_types);

    for (size_t i = 0; i < config->n_mappings; i++) {
        ovs_strlcpy(mappings[i].key, config->mappings[i].physical_network, sizeof mappings[i].key);
        mappings[i].value = config->mappings[i].bridge;
    }
    c.bridge_mappings = mappings;
    c.tunnel_types = types;
    c.extensions = extensions;
    c.datapath_types = datapaths;
    c.iface_types = ifaces;
    ovs_strlcpy(c.integration_bridge, config->integration_bridge, sizeof c.integration_bridge);
    ovs_strlcpy(c.tunneling_ip, config->local_ip, sizeof c.tunneling_ip);
    ovs_strlcpy(c.datapath_type, config->datapath_type, sizeof c.datapath_type);
    fill_placement(config, &c);

    struct json *json = nt_fields_json(nt_ovs_configurations_fields, NT_IN_RPC, &c);
    json_destroy(c.bandwidths);
    json_destroy(c.inventory_defaults);
    json_destroy(c.packet_processing_without_direction);
    json_destroy(c.packet_processing_with_direction);
    json_destroy(c.packet_processing_inventory_defaults);
    json_destroy(c.hypervisors);
    return json;
}

/* "2026-01-31T12:00:00.123456", UTC. */
static void
format_time(int64_t wall_ms, char *out, size_t size)
{
    time_t s = wall_ms / 1000;
    struct tm tm;
    size_t n = strftime(out, size, "%Y-%m-%dT%H:%M:%S", gmtime_r(&s, &tm));

    snprintf(out + n, size - n, ".%03d000", (int) (wall_ms % 1000));
}

/* The caller frees 'versions' and the configurations. */
static void
fill_report(const struct heartbeat *h, struct nt_pair *versions, struct nt_agent_report_args *args)
{
    struct nt_agent_state *state = &args->state;

    ovs_strlcpy(state->binary, "neutron-openvswitch-agent", sizeof state->binary);
    ovs_strlcpy(state->host, h->o.config->host, sizeof state->host);
    ovs_strlcpy(state->topic, "N/A", sizeof state->topic);
    ovs_strlcpy(state->agent_type, "Open vSwitch agent", sizeof state->agent_type);
    state->start_flag = h->start_flag;
    nt_random_uuid(h->o.random, state->uuid);
    if (!h->is_known) {
        for (size_t i = 0; i < NT_ARRAY_SIZE(resource_versions); i++) {
            ovs_strlcpy(versions[i].key, resource_versions[i].type, sizeof versions[i].key);
            versions[i].value = CONST_CAST(char *, resource_versions[i].version);
        }
        state->resource_versions = versions;
        state->n_resource_versions = NT_ARRAY_SIZE(resource_versions);
    }
    state->configurations = configurations(h);
    format_time(nt_wall_ms(h->o.clock), args->time, sizeof args->time);
}

/* Calls. */

static int64_t
interval_ms(const struct heartbeat *h)
{
    return h->o.config->report_interval_ms;
}

/* Begins a call; it may take as long as the interval is. */
static struct call *
begin(struct heartbeat *h, int64_t *timeout_ms)
{
    struct call *call = xmalloc(sizeof *call);

    *call = (struct call){ h, ++h->last_call };
    h->call = call->number;
    *timeout_ms = MIN(interval_ms(h) ? interval_ms(h) : ALIVE_TIMEOUT_MS, h->max_timeout_ms);
    return call;
}

/* False: nobody waits for it any more. */
static bool
end(struct call *call)
{
    struct heartbeat *h = call->h;
    bool is_awaited = h->call == call->number;

    if (is_awaited) {
        h->call = 0;
    }
    free(call);
    return is_awaited;
}

static void
alive_ended(void *call_, const void *result_, const struct nt_err *err)
{
    struct call *call = call_;
    struct heartbeat *h = call->h;
    const struct nt_alive_result *result = result_;

    if (!end(call) || h->is_alive) {
        return;
    }
    if (err || !result->alive) {
        h->n_failed++;
        h->next = nt_mono_ms(h->o.clock) + nt_patience_pause_ms(h->o.random, h->n_failed);
        nt_warn("neutron-server does not answer; asked again until it does", "why",
                err ? err->msg : "it says that it is not alive", NULL);
        return;
    }
    h->is_alive = true;
    h->n_failed = 0;
    h->next = 0;
    nt_info("neutron-server answers", NULL);
    if (h->o.alive) {
        h->o.alive(h->o.aux);
    }
}

static void
report_succeeded(struct heartbeat *h, const char *status)
{
    h->n_failed = 0;
    h->is_known = true;
    h->stats.n_reports++;
    h->stats.last_ms = nt_mono_ms(h->o.clock);
    if (h->sent_first_sync_done && !h->is_restart) {
        h->start_flag = false;
    }
    if (!strcmp(status, "revived")) {
        nt_info("the server had given this agent up; everything is synchronised", NULL);
        if (h->o.revived) {
            h->o.revived(h->o.aux);
        }
    }
}

static void
report_ended(void *call_, const void *result_, const struct nt_err *err)
{
    struct call *call = call_;
    struct heartbeat *h = call->h;
    const struct nt_agent_report_result *result = result_;

    if (!end(call)) {
        return;
    }
    if (err) {
        h->n_failed++;
        h->stats.n_failed++;
        nt_warn_rl("state report failed", "why", err->msg, NULL);
    } else {
        report_succeeded(h, result->status);
    }
}

static void
ask_alive(struct heartbeat *h)
{
    int64_t timeout_ms;
    struct call *call = begin(h, &timeout_ms);

    nt_rpc_call(h->o.bus, NT_TO(&nt_neutron_reports, NULL, "has_alive_neutron_server"), NULL,
                timeout_ms, alive_ended, call);
}

static void
report(struct heartbeat *h, int64_t now)
{
    struct nt_pair versions[NT_ARRAY_SIZE(resource_versions)];
    struct nt_agent_report_args args = { 0 };
    int64_t timeout_ms;
    struct call *call = begin(h, &timeout_ms);

    memset(versions, 0, sizeof versions);
    fill_report(h, versions, &args);
    h->next = now + interval_ms(h);
    h->sent_first_sync_done = h->first_sync_done;
    h->is_restart = false;
    nt_rpc_call(h->o.bus, NT_TO(&nt_neutron_reports, NULL, "report_state"), &args, timeout_ms,
                report_ended, call);
    json_destroy(args.state.configurations);
    if (h->o.config->log_agent_heartbeats) {
        nt_info("state reported", "uuid", args.state.uuid, NULL);
    }
}

static bool
has_question(const struct heartbeat *h)
{
    return h->is_connected && !h->call && (!h->is_alive || (interval_ms(h) && !h->switch_is_dead));
}

void
heartbeat_run(struct heartbeat *h)
{
    int64_t now = nt_mono_ms(h->o.clock);

    if (!has_question(h) || now < h->next) {
        return;
    }
    if (!h->is_alive) {
        ask_alive(h);
    } else {
        report(h, now);
    }
}

void
heartbeat_wait(struct heartbeat *h)
{
    if (has_question(h)) {
        poll_timer_wait_until(h->next);
    }
}
