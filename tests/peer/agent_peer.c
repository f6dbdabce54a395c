/* The side of an agent that speaks with neutron-server, without a switch: driven by JSON lines
 * on standard input, telling what it hears as JSON lines on standard output.
 * tests/lib/agentpeer.py speaks them.
 *
 *   agent_peer --host=NAME --transport_url=URL
 *
 *   {"op": "start", "local_ip": IP, "interval_ms": N}      once
 *   {"op": "want", "kind": K, "id": ID}                    "drop" likewise; port, network, policy
 *   {"op": "up", "id": ID, "refresh": B}, {"op": "down", "id": ID}
 *   {"op": "sync_tunnels", "type": T}
 *   {"op": "first_sync_done"}, {"op": "stats"}, {"op": "quit"} */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/observe/neutron.h"
#include "agent/report/devices.h"
#include "agent/report/heartbeat.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/program.h"
#include "bus/open.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"
#include "talk.h"

NT_LOG_MODULE(agent_peer);

#define TIMEOUT_MS 60000
#define TICK_MS 20

struct peer {
    struct nt_program program;
    struct nt_bus *bus;
    struct nt_loop *loop;
    struct talk talk;

    struct agent_config config;
    struct neutron_watcher watcher;
    struct neutron *neutron; /* NULL: not started. */
    struct devices *devices;
    struct heartbeat *heartbeat;
};

static void
print_id(const char *name, const char *id)
{
    struct json *json = talk_event(name);

    json_object_put_string(json, "id", id);
    talk_tell(json);
}

/* What is heard. */

static void
on_port(void *peer_, const struct nt_vo_port *port)
{
    struct peer *peer = peer_;
    const struct nt_vo_segment *segment = nt_vo_port_segment(port, peer->config.host);
    struct json *json = talk_event("port");

    json_object_put_string(json, "id", port->id);
    json_object_put(json, "revision", json_integer_create(port->standard.revision_number));
    json_object_put_string(json, "name", port->name ? port->name : "");
    json_object_put_string(json, "status", port->status);
    json_object_put_string(json, "network_type", segment ? segment->network_type : "");
    json_object_put(json, "segmentation_id",
                    json_integer_create(segment ? segment->segmentation_id : 0));
    talk_tell(json);
}

static void
on_port_gone(void *peer OVS_UNUSED, const char *id)
{
    print_id("port_gone", id);
}

static void
on_network(void *peer OVS_UNUSED, const struct nt_vo_network *network)
{
    struct json *json = talk_event("network");

    json_object_put_string(json, "id", network->id);
    json_object_put(json, "mtu", json_integer_create(network->mtu));
    json_object_put_string(json, "qos_policy_id", network->qos_policy_id);
    talk_tell(json);
}

static void
on_network_gone(void *peer OVS_UNUSED, const char *id)
{
    print_id("network_gone", id);
}

static void
on_policy(void *peer OVS_UNUSED, const struct nt_vo_qos_policy *policy)
{
    struct json *json = talk_event("policy");

    json_object_put_string(json, "id", policy->id);
    json_object_put(json, "max_kbps",
                    json_integer_create(policy->n_rules ? policy->rules[0].max_kbps : 0));
    talk_tell(json);
}

static void
on_policy_gone(void *peer OVS_UNUSED, const char *id)
{
    print_id("policy_gone", id);
}

static void
print_fdb(const char *name, const struct nt_fdb_network *networks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < networks[i].n_hosts; j++) {
            const struct nt_fdb_host *host = &networks[i].hosts[j];

            for (size_t k = 0; k < host->n_entries; k++) {
                struct json *json = talk_event(name);

                json_object_put_string(json, "network_id", networks[i].network_id);
                json_object_put_string(json, "behind", host->ip);
                json_object_put_string(json, "mac", host->entries[k].mac);
                json_object_put_string(json, "ip", host->entries[k].ip);
                talk_tell(json);
            }
        }
    }
}

static void
on_fdb_add(void *peer OVS_UNUSED, const struct nt_fdb_network *networks, size_t n)
{
    print_fdb("fdb_add", networks, n);
}

static void
on_fdb_remove(void *peer OVS_UNUSED, const struct nt_fdb_network *networks, size_t n)
{
    print_fdb("fdb_remove", networks, n);
}

static void
on_fdb_change(void *peer OVS_UNUSED, const struct nt_fdb_network_change *networks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        print_id("fdb_change", networks[i].network_id);
    }
}

static void
print_tunnel(const char *name, const char *type, const char *ip)
{
    struct json *json = talk_event(name);

    json_object_put_string(json, "type", type);
    json_object_put_string(json, "ip", ip);
    talk_tell(json);
}

static void
on_tunnel(void *peer OVS_UNUSED, const char *type, const char *ip, int64_t id OVS_UNUSED)
{
    print_tunnel("tunnel", type, ip);
}

static void
on_tunnel_gone(void *peer OVS_UNUSED, const char *type, const char *ip)
{
    print_tunnel("tunnel_gone", type, ip);
}

static void
print_binding(const char *name, const char *id, const char *host)
{
    struct json *json = talk_event(name);

    json_object_put_string(json, "id", id);
    json_object_put_string(json, "host", host);
    talk_tell(json);
}

static void
on_activated(void *peer OVS_UNUSED, const char *id, const char *host)
{
    print_binding("activated", id, host);
}

static void
on_deactivated(void *peer OVS_UNUSED, const char *id, const char *host)
{
    print_binding("deactivated", id, host);
}

static void
on_settled(void *peer OVS_UNUSED)
{
    talk_tell(talk_event("settled"));
}

static void
on_alive(void *peer OVS_UNUSED)
{
    talk_tell(talk_event("alive"));
}

static void
on_revived(void *peer)
{
    talk_tell(talk_event("revived"));
    neutron_resync(((struct peer *) peer)->neutron);
}

/* What is done. */

static const char *
text_of(const struct json *command, const char *key)
{
    return talk_text(command, key, "");
}

static void
fill_config(struct peer *peer, const struct json *command)
{
    static char *tunnel_types[] = { (char *) "vxlan", (char *) "gre", NULL };
    static char *extensions[] = { (char *) "qos", NULL };
    static struct agent_mapping mappings[] = { { (char *) "physnet1", (char *) "br-phys" } };

    peer->config = (struct agent_config){ .host = peer->program.host,
                                          .integration_bridge = (char *) "br-int",
                                          .local_ip = xstrdup(text_of(command, "local_ip")),
                                          .mappings = mappings,
                                          .n_mappings = 1,
                                          .datapath_type = (char *) "netdev",
                                          .vhostuser_socket_dir = (char *) "/run/openvswitch",
                                          .tunnel_types = tunnel_types,
                                          .n_tunnel_types = 2,
                                          .l2_population = true,
                                          .arp_responder = true,
                                          .extensions = extensions,
                                          .has_qos = true,
                                          .firewall = FIREWALL_OPENVSWITCH,
                                          .report_interval_ms = talk_number(command, "interval_ms", 0) };
}

static void
start(struct peer *peer, const struct json *command)
{
    const struct nt_clock *clock = peer->program.clock;
    struct nt_random *random = peer->program.random;

    fill_config(peer, command);
    peer->watcher = (struct neutron_watcher){ .port = on_port,
                                              .port_gone = on_port_gone,
                                              .network = on_network,
                                              .network_gone = on_network_gone,
                                              .qos_policy = on_policy,
                                              .qos_policy_gone = on_policy_gone,
                                              .fdb_add = on_fdb_add,
                                              .fdb_remove = on_fdb_remove,
                                              .fdb_change = on_fdb_change,
                                              .tunnel = on_tunnel,
                                              .tunnel_gone = on_tunnel_gone,
                                              .binding_activated = on_activated,
                                              .binding_deactivated = on_deactivated,
                                              .settled = on_settled,
                                              .aux = peer };
    peer->neutron = neutron_new(&(struct neutron_options){ .bus = peer->bus,
                                                           .clock = clock,
                                                           .random = random,
                                                           .host = peer->config.host,
                                                           .local_ip = peer->config.local_ip,
                                                           .l2_population = true,
                                                           .has_qos = true,
                                                           .batch = 50,
                                                           .timeout_ms = TIMEOUT_MS,
                                                           .max_timeout_ms = TIMEOUT_MS,
                                                           .watcher = &peer->watcher });
    peer->devices = devices_new(&(struct devices_options){ .bus = peer->bus,
                                                           .clock = clock,
                                                           .random = random,
                                                           .host = peer->config.host,
                                                           .batch = 20,
                                                           .timeout_ms = TIMEOUT_MS,
                                                           .max_timeout_ms = TIMEOUT_MS });
    peer->heartbeat = heartbeat_new(&(struct heartbeat_options){ .bus = peer->bus,
                                                                 .clock = clock,
                                                                 .random = random,
                                                                 .config = &peer->config,
                                                                 .alive = on_alive,
                                                                 .revived = on_revived,
                                                                 .aux = peer });
}

static void
take_interest(struct peer *peer, const char *op, const char *kind, const char *id)
{
    static const struct {
        const char *kind;
        void (*want)(struct neutron *, const char *id);
        void (*drop)(struct neutron *, const char *id);
    } kinds[] = {
        { "port", neutron_want_port, neutron_drop_port },
        { "network", neutron_want_network, neutron_drop_network },
        { "policy", neutron_want_qos_policy, neutron_drop_qos_policy },
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(kinds); i++) {
        if (!strcmp(kinds[i].kind, kind)) {
            (strcmp(op, "want") ? kinds[i].drop : kinds[i].want)(peer->neutron, id);
        }
    }
}

static void
put_number(struct json *json, const char *key, uint64_t value)
{
    json_object_put(json, key, json_integer_create(value));
}

static void
print_stats(const struct peer *peer)
{
    const struct neutron_stats *n = neutron_stats(peer->neutron);
    const struct devices_stats *d = devices_stats(peer->devices);
    struct json *json = talk_event("stats");

    put_number(json, "pulls", n->n_pulls);
    put_number(json, "pulled", n->n_pulled);
    put_number(json, "pushes", n->n_pushes);
    put_number(json, "ignored", n->n_pushed_ignored);
    put_number(json, "refused", n->n_refused);
    put_number(json, "failures", n->n_failures);
    put_number(json, "up", d->n_up);
    put_number(json, "down", d->n_down);
    put_number(json, "requests_failed", nt_bus_stats(peer->bus)->n_requests_failed);
    json_object_put(json, "settled", json_boolean_create(neutron_is_settled(peer->neutron)));
    json_object_put(json, "reported", json_boolean_create(devices_is_settled(peer->devices)));
    json_object_put(json, "known", json_boolean_create(heartbeat_is_known(peer->heartbeat)));
    talk_tell(json);
}

static void
do_command(struct peer *peer, const char *line)
{
    struct json *command = json_from_string(line);
    const char *op = text_of(command, "op"), *id = text_of(command, "id");

    if (!strcmp(op, "start")) {
        start(peer, command);
    } else if (!strcmp(op, "want") || !strcmp(op, "drop")) {
        take_interest(peer, op, text_of(command, "kind"), id);
    } else if (!strcmp(op, "up")) {
        devices_up(peer->devices, id, talk_truth(command, "refresh"));
    } else if (!strcmp(op, "down")) {
        devices_down(peer->devices, id);
    } else if (!strcmp(op, "sync_tunnels")) {
        neutron_sync_tunnels(peer->neutron, text_of(command, "type"));
    } else if (!strcmp(op, "first_sync_done")) {
        heartbeat_first_sync_done(peer->heartbeat);
    } else if (!strcmp(op, "stats")) {
        print_stats(peer);
    } else {
        nt_loop_stop(peer->loop);
    }
    json_destroy(command);
}

static void
input_run(void *peer_)
{
    struct peer *peer = peer_;

    talk_read(&peer->talk);
    for (char *line; (line = talk_next(&peer->talk));) {
        do_command(peer, line);
        free(line);
    }
    if (peer->talk.at_end) {
        nt_loop_stop(peer->loop);
    }
}

static void
input_wait(void *peer_)
{
    struct peer *peer = peer_;

    talk_wait(&peer->talk);
    poll_timer_wait(TICK_MS);
}

static void
agent_run(void *peer_)
{
    struct peer *peer = peer_;

    if (peer->neutron) {
        neutron_run(peer->neutron);
        devices_run(peer->devices);
        heartbeat_run(peer->heartbeat);
    }
}

static void
agent_wait(void *peer_)
{
    struct peer *peer = peer_;

    if (peer->neutron) {
        neutron_wait(peer->neutron);
        devices_wait(peer->devices);
        heartbeat_wait(peer->heartbeat);
    }
}

static void
on_state(void *peer OVS_UNUSED, bool connected)
{
    struct json *json = talk_event("state");

    json_object_put(json, "connected", json_boolean_create(connected));
    talk_tell(json);
}

static const struct nt_program_kind kind = {
    .name = "agent_peer",
    .summary = "An agent without a switch, for tests.",
};

int
main(int argc, char *argv[])
{
    struct peer peer = { 0 };
    struct nt_err err;

    nt_program_init(&peer.program, &kind, argv);

    AUTO(nt_loop) loop = nt_loop_new();
    nt_loop_handle_signals(loop, NULL, NULL);
    peer.loop = loop;

    const struct nt_bus_options options = { .name = peer.program.host,
                                            .program = peer.program.name,
                                            .clock = peer.program.clock,
                                            .random = peer.program.random };
    int rc = nt_bus_open_host(&options, peer.program.config, &peer.bus, &err);
    if (rc < 0) {
        nt_error("cannot start", "why", err.msg, NULL);
    } else if ((rc = talk_init(&peer.talk)) < 0) {
        nt_error("cannot read commands", "why", strerror(-rc), NULL);
    } else {
        nt_bus_on_state(peer.bus, on_state, &peer);
        nt_loop_add(loop, "input", input_run, input_wait, &peer);
        NT_LOOP_ADD(loop, nt_bus, peer.bus);
        nt_loop_add(loop, "agent", agent_run, agent_wait, &peer);
        nt_loop_run(loop);
    }
    nt_bus_free(peer.bus);
    neutron_free(peer.neutron);
    devices_free(peer.devices);
    heartbeat_free(peer.heartbeat);
    free(peer.config.local_ip);
    talk_deinit(&peer.talk);
    nt_program_deinit(&peer.program);
    return rc < 0;
}
