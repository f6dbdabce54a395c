/* wire/ovs/ovsdb and agent/apply/bridges for tests: wishes as JSON lines on standard input, an
 * answer as one JSON line to each.  tests/lib/switch.py speaks it.
 *
 *   ovsdb_peer REMOTE [KEY CERTIFICATE CA] [leave-edits]
 *
 *   {"do": "bridge", "name": N, "datapath_type": T, "protocols": [P], "fail_mode": M,
 *    "controller": C, "no_controller": C, "probe": MS, "other_config": {}, "snooping": 0|1,
 *    "create": true}
 *   {"do": "port", "name": N, "bridge": B, "type": T, "tag": V, "options": {},
 *    "other_config": {}, "external_ids": {}, "kbps": R, "burst": B}
 *   {"do": "qos", "name": N, "kbps": R, "burst": B}
 *   {"do": "queue", "name": PORT-ID, "number": N, "kbps": R}
 *   {"do": "uplink" | "no_uplink", "name": N}
 *   {"do": "no_port" | "forget", "name": N}
 *   {"do": "no_bridge" | "manager", ...}      ensured each turn until "settle" has answered
 *   {"do": "complete"}                        lost limits go
 *   {"do": "hold"}                            nothing is sent before "go" or "settle"
 *   {"do": "go"}
 *   {"do": "settle"}                          answered when all of it is so
 *   {"do": "settled", "name": N}              of a port
 *   {"do": "look_port" | "look_bridge", "name": N}, {"do": "ports", "bridge": B}
 *   {"do": "changes"}                         [["port", NAME, readded], ...] since the last one
 *   {"do": "state"}                           connection, busy, counters, switch
 *
 * A missing member is NULL or "left alone"; a null value of a map: the key shall not be there. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/apply/bridges.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"
#include "talk.h"
#include "wire/ovs/ovsdb.h"

#define MAX_PAIRS 32

struct peer {
    struct nt_ovsdb *db;
    struct bridges *bridges;
    struct talk talk;
    struct json *changes;
    bool settling, holding;
    char *no_bridge, *manager;
    int manager_probe;
};

/* --- what a command says ---------------------------------------------------------------- */

static const char *
text(const struct json *command, const char *key)
{
    return talk_text(command, key, NULL);
}

/* Returns 'pairs', filled, or NULL when the member is missing. */
static const struct nt_ovs_kv *
pairs(const struct json *command, const char *key, struct nt_ovs_kv pairs[MAX_PAIRS])
{
    const struct json *value = shash_find_data(json_object(command), key);
    struct shash_node *node;
    size_t n = 0;

    if (!value) {
        return NULL;
    }
    SHASH_FOR_EACH (node, json_object(value)) {
        const struct json *item = node->data;

        if (n < MAX_PAIRS - 1) {
            pairs[n].key = node->name;
            pairs[n++].value = item->type == JSON_STRING ? json_string(item) : NULL;
        }
    }
    pairs[n].key = NULL;
    return pairs;
}

/* --- answers ---------------------------------------------------------------------------- */

static void
put_text(struct json *json, const char *key, const char *value)
{
    json_object_put(json, key, value ? json_string_create(value) : json_null_create());
}

static struct json *
port_json(const struct nt_ovs_port *p)
{
    if (!p) {
        return json_null_create();
    }

    struct json *json = json_object_create();

    put_text(json, "bridge", p->bridge);
    put_text(json, "name", p->name);
    put_text(json, "type", p->type);
    put_text(json, "iface_id", p->iface_id);
    put_text(json, "attached_mac", p->attached_mac);
    put_text(json, "error", p->error);
    json_object_put(json, "ofport", json_integer_create(p->ofport));
    json_object_put(json, "tag", json_integer_create(p->tag));
    json_object_put(json, "n_interfaces", json_integer_create((long long) p->n_interfaces));
    json_object_put(json, "skip_cleanup", json_boolean_create(p->skip_cleanup));
    return json;
}

static struct json *
bridge_json(const struct nt_ovs_bridge *b)
{
    if (!b) {
        return json_null_create();
    }

    struct json *json = json_object_create();

    put_text(json, "name", b->name);
    put_text(json, "datapath_id", b->datapath_id);
    put_text(json, "datapath_type", b->datapath_type);
    put_text(json, "fail_mode", b->fail_mode);
    put_text(json, "bridge_id", b->external_bridge_id);
    return json;
}

static struct json *
texts_json(const char *const *texts)
{
    struct json *json = json_array_create_empty();

    for (size_t i = 0; texts[i]; i++) {
        json_array_add(json, json_string_create(texts[i]));
    }
    return json;
}

static struct json *
state_json(const struct peer *peer)
{
    const struct bridges_stats *stats = bridges_stats(peer->bridges);
    struct json *json = json_object_create();

    json_object_put(json, "ready", json_boolean_create(nt_ovsdb_is_ready(peer->db)));
    json_object_put(json, "connection", json_integer_create(nt_ovsdb_connection(peer->db)));
    json_object_put(json, "committed",
                    json_integer_create((long long) nt_ovsdb_n_committed(peer->db)));
    json_object_put(json, "failed", json_integer_create((long long) stats->n_failed));
    json_object_put(json, "differing", json_integer_create((long long) stats->n_differing));
    json_object_put(json, "repaired", json_integer_create((long long) stats->n_repaired));
    json_object_put(json, "settled", json_boolean_create(bridges_is_settled(peer->bridges)));
    json_object_put(json, "iface_types", texts_json(nt_ovsdb_iface_types(peer->db)));
    json_object_put(json, "datapath_types", texts_json(nt_ovsdb_datapath_types(peer->db)));
    put_text(json, "version", nt_ovsdb_switch_version(peer->db));
    put_text(json, "error", nt_ovsdb_last_error(peer->db));
    return json;
}

static void
add_port(void *json, const struct nt_ovs_port *p)
{
    json_array_add(json, port_json(p));
}

/* --- commands --------------------------------------------------------------------------- */

static struct json *
want_bridge(struct peer *peer, const struct json *command)
{
    const struct json *protocols = shash_find_data(json_object(command), "protocols");
    const char *names[MAX_PAIRS] = { NULL };
    struct nt_ovs_kv config[MAX_PAIRS];

    for (size_t i = 0; protocols && i < json_array(protocols)->n && i < MAX_PAIRS - 1; i++) {
        names[i] = json_string(json_array(protocols)->elems[i]);
    }

    struct nt_ovs_bridge_want want = {
        .name = text(command, "name"),
        .datapath_type = text(command, "datapath_type"),
        .protocols = protocols ? names : NULL,
        .fail_mode = text(command, "fail_mode"),
        .controller = text(command, "controller"),
        .no_controller = text(command, "no_controller"),
        .inactivity_probe_ms = (int) talk_number(command, "probe", 0),
        .other_config = pairs(command, "other_config", config),
        .mcast_snooping = (int) talk_number(command, "snooping", -1),
        .may_create = talk_truth(command, "create"),
    };

    bridges_want_bridge(peer->bridges, &want);
    return json_boolean_create(true);
}

static struct json *
want_port(struct peer *peer, const struct json *command)
{
    struct nt_ovs_kv options[MAX_PAIRS], config[MAX_PAIRS], ids[MAX_PAIRS];
    struct nt_ovs_port_want want = {
        .bridge = text(command, "bridge"),
        .name = text(command, "name"),
        .type = text(command, "type"),
        .tag = (int) talk_number(command, "tag", -1),
        .options = pairs(command, "options", options),
        .other_config = pairs(command, "other_config", config),
        .external_ids = pairs(command, "external_ids", ids),
        .policing_kbps = talk_number(command, "kbps", -1),
        .policing_burst_kb = talk_number(command, "burst", -1),
    };

    bridges_want_port(peer->bridges, &want);
    return json_boolean_create(true);
}

static struct json *
want_qos(struct peer *peer, const struct json *command)
{
    bridges_want_qos(peer->bridges, text(command, "name"), talk_number(command, "kbps", 0),
                     talk_number(command, "burst", 0));
    return json_boolean_create(true);
}

static struct json *
want_queue(struct peer *peer, const struct json *command)
{
    const struct nt_ovs_queue queue = { talk_number(command, "number", 0),
                                        talk_number(command, "kbps", 0) };

    bridges_want_queue(peer->bridges, text(command, "name"), &queue);
    return json_boolean_create(true);
}

static struct json *
want_uplink(struct peer *peer, const struct json *command)
{
    bridges_want_uplink(peer->bridges, text(command, "name"),
                        !strcmp(text(command, "do"), "uplink"));
    return json_boolean_create(true);
}

static struct json *
want_no_port(struct peer *peer, const struct json *command)
{
    bridges_want_no_port(peer->bridges, text(command, "name"));
    return json_boolean_create(true);
}

static struct json *
forget(struct peer *peer, const struct json *command)
{
    bridges_forget_port(peer->bridges, text(command, "name"));
    return json_boolean_create(true);
}

static struct json *
want_no_bridge(struct peer *peer, const struct json *command)
{
    free(peer->no_bridge);
    peer->no_bridge = xstrdup(text(command, "name"));
    return json_boolean_create(true);
}

static struct json *
want_manager(struct peer *peer, const struct json *command)
{
    free(peer->manager);
    peer->manager = xstrdup(text(command, "name"));
    peer->manager_probe = (int) talk_number(command, "probe", 0);
    return json_boolean_create(true);
}

static struct json *
complete(struct peer *peer, const struct json *command NT_UNUSED)
{
    bridges_complete(peer->bridges);
    return json_boolean_create(true);
}

static struct json *
hold(struct peer *peer, const struct json *command NT_UNUSED)
{
    peer->holding = true;
    return json_boolean_create(true);
}

static struct json *
go(struct peer *peer, const struct json *command NT_UNUSED)
{
    peer->holding = false;
    return json_boolean_create(true);
}

/* Answered later. */
static struct json *
settle(struct peer *peer, const struct json *command NT_UNUSED)
{
    peer->settling = true;
    peer->holding = false;
    return NULL;
}

static struct json *
is_settled(struct peer *peer, const struct json *command)
{
    return json_boolean_create(bridges_is_port_settled(peer->bridges, text(command, "name")));
}

static struct json *
look_port(struct peer *peer, const struct json *command)
{
    return port_json(nt_ovsdb_port(peer->db, text(command, "name")));
}

static struct json *
look_bridge(struct peer *peer, const struct json *command)
{
    return bridge_json(nt_ovsdb_bridge(peer->db, text(command, "name")));
}

static struct json *
list_ports(struct peer *peer, const struct json *command)
{
    struct json *json = json_array_create_empty();

    nt_ovsdb_each_port(peer->db, text(command, "bridge"), add_port, json);
    return json;
}

static struct json *
take_changes(struct peer *peer, const struct json *command NT_UNUSED)
{
    struct json *changes = peer->changes;

    peer->changes = json_array_create_empty();
    return changes;
}

static struct json *
tell_state(struct peer *peer, const struct json *command NT_UNUSED)
{
    return state_json(peer);
}

static const struct {
    const char *name;
    struct json *(*handle)(struct peer *, const struct json *);
} commands[] = {
    { "bridge", want_bridge },     { "port", want_port },
    { "qos", want_qos },           { "no_port", want_no_port },
    { "queue", want_queue },       { "uplink", want_uplink },
    { "no_uplink", want_uplink },
    { "forget", forget },          { "no_bridge", want_no_bridge },
    { "manager", want_manager },   { "settle", settle },  { "hold", hold }, { "go", go },
    { "settled", is_settled },     { "look_port", look_port },
    { "look_bridge", look_bridge }, { "ports", list_ports },
    { "changes", take_changes },   { "state", tell_state }, { "complete", complete },
};

static void
obey(struct peer *peer, const char *line)
{
    struct json *command = json_from_string(line);
    const char *name = command->type == JSON_OBJECT ? text(command, "do") : NULL;

    for (size_t i = 0; i < NT_ARRAY_SIZE(commands); i++) {
        if (name && !strcmp(commands[i].name, name)) {
            struct json *json = commands[i].handle(peer, command);

            if (json) {
                talk_tell(json);
            }
            json_destroy(command);
            return;
        }
    }
    ovs_fatal(0, "no such command: %s", line);
}

/* --- the loop --------------------------------------------------------------------------- */

/* Commands after "settle" wait for it. */
static void
run_commands(struct peer *peer)
{
    char *line;

    talk_read(&peer->talk);
    while (!peer->settling && (line = talk_next(&peer->talk))) {
        obey(peer, line);
        free(line);
    }
}

static void
add_change(struct peer *peer, const char *kind, const char *name, bool readded)
{
    json_array_add(peer->changes,
                   json_array_create_3(json_string_create(kind), json_string_create(name),
                                       json_boolean_create(readded)));
}

static void
port_changed(void *peer_, const char *name, bool readded)
{
    struct peer *peer = peer_;

    add_change(peer, "port", name, readded);
    bridges_port_changed(peer->bridges, name);
}

static void
bridge_changed(void *peer_, const char *name)
{
    struct peer *peer = peer_;

    add_change(peer, "bridge", name, false);
    bridges_bridge_changed(peer->bridges, name);
}

static bool
ensure_rest(struct peer *peer)
{
    bool bridge = !peer->no_bridge || nt_ovsdb_ensure_no_bridge(peer->db, peer->no_bridge);
    bool manager = !peer->manager
                   || nt_ovsdb_ensure_manager(peer->db, peer->manager, peer->manager_probe);

    return bridge && manager && nt_ovsdb_is_ready(peer->db);
}

static void
turn(struct peer *peer)
{
    const struct nt_ovsdb_changes to = { bridge_changed, port_changed, peer };

    nt_ovsdb_run(peer->db);
    nt_ovsdb_changes(peer->db, &to);
    run_commands(peer);

    bool is_rest_so = ensure_rest(peer);

    if (!peer->holding) {
        bridges_run(peer->bridges);
    }
    if (peer->settling && is_rest_so && bridges_is_settled(peer->bridges)) {
        peer->settling = false;
        talk_tell(state_json(peer));
        poll_immediate_wake();
    }
    nt_ovsdb_wait(peer->db);
    if (!peer->holding) {
        bridges_wait(peer->bridges);
    }
    talk_wait(&peer->talk);
    poll_block();
}

int
main(int argc, char *argv[])
{
    const struct nt_clock *clock = nt_clock_system();
    struct peer peer = { 0 };
    struct nt_err err = { 0 };

    bool leaves_edits = argc > 2 && !strcmp(argv[argc - 1], "leave-edits");
    argc -= leaves_edits;
    if (argc != 2 && argc != 5) {
        ovs_fatal(0, "usage: ovsdb_peer REMOTE [KEY CERTIFICATE CA] [leave-edits]");
    }
    nt_log_start("ovsdb_peer", NULL);
    int error = talk_init(&peer.talk);
    if (error) {
        ovs_fatal(-error, "cannot read commands");
    }
    const struct nt_ovsdb_options options = {
        .remote = argv[1],
        .ssl_key = argc > 2 ? argv[2] : NULL,
        .ssl_cert = argc > 2 ? argv[3] : NULL,
        .ssl_ca = argc > 2 ? argv[4] : NULL,
        .probe_interval_s = 5,
        .clock = clock,
    };

    if (nt_ovsdb_new(&options, &peer.db, &err) < 0) {
        ovs_fatal(0, "%s", err.msg);
    }
    peer.bridges = bridges_new(peer.db, clock, leaves_edits);
    peer.changes = json_array_create_empty();
    while (!peer.talk.at_end) {
        turn(&peer);
    }

    bridges_free(peer.bridges);
    nt_ovsdb_free(peer.db);
    json_destroy(peer.changes);
    talk_deinit(&peer.talk);
    free(peer.no_bridge);
    free(peer.manager);
    return 0;
}
