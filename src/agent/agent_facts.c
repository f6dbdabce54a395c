/* Facts out, and wishes computed anew from them by somebody who knows nothing else. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent_impl.h"
#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "rpc/neutron/notify.h"

/* --- the switch's --------------------------------------------------------------------------- */

void
agent_tell_port(struct wiring *wiring, const struct nt_ovsdb *db, const char *name, bool readded)
{
    const struct nt_ovs_port *port = nt_ovsdb_port(db, name);
    char keys[MODEL_N_WAYS][WIRING_METER_KEY_SIZE];

    for (int way = 0; way < MODEL_N_WAYS; way++) {
        wiring_meter_key(port ? port->iface_id : "", way, keys[way]);
    }

    const struct wiring_memory memory = {
        .net_uuid = nt_ovsdb_port_other_config(db, name, "net_uuid"),
        .segmentation_id = nt_ovsdb_port_other_config(db, name, "segmentation_id"),
        .tag = nt_ovsdb_port_other_config(db, name, "tag"),
        .guards = nt_ovsdb_port_other_config(db, name, "neutrino_guards"),
        .meters = { nt_ovsdb_port_other_config(db, name, keys[MODEL_INGRESS]),
                    nt_ovsdb_port_other_config(db, name, keys[MODEL_EGRESS]) },
    };

    wiring_port_seen(wiring, name, port, &memory, readded);
}

struct teller {
    struct wiring *wiring;
    const struct nt_ovsdb *db;
};

static void
tell_again(void *self_, const struct nt_ovs_port *port)
{
    struct teller *self = self_;

    agent_tell_port(self->wiring, self->db, port->name, false);
}

void
agent_tell_bridge(struct wiring *wiring, const struct nt_ovsdb *db, const char *name)
{
    struct teller self = { wiring, db };

    if (wiring_bridge_seen(wiring, name, nt_ovsdb_bridge(db, name))) {
        nt_ovsdb_each_port(db, name, tell_again, &self);
    }
}

/* --- the server's: out ---------------------------------------------------------------------- */

static void
add_entry(struct nt_fdb_host *host, size_t *allocated, const char *mac, const char *ip)
{
    if (host->n_entries >= *allocated) {
        host->entries = x2nrealloc(host->entries, allocated, sizeof *host->entries);
    }
    struct nt_fdb_entry *entry = &host->entries[host->n_entries++];
    memset(entry, 0, sizeof *entry);
    ovs_strlcpy(entry->mac, mac, sizeof entry->mac);
    ovs_strlcpy(entry->ip, ip, sizeof entry->ip);
}

static bool
floods_to(const struct model_network *network, const struct model_tunnel *tunnel)
{
    const struct model_flood *flood;

    LIST_FOR_EACH (flood, of_network, &network->floods) {
        if (flood->tunnel == tunnel) {
            return true;
        }
    }
    return false;
}

/* What is behind one tunnel, of one network. */
static void
fill_host(const struct model_network *network, const struct model_tunnel *tunnel,
          struct nt_fdb_host *host)
{
    const struct model_mac *mac;
    const struct model_ip *ip;
    size_t allocated = 0;

    ovs_strlcpy(host->ip, tunnel->remote_ip, sizeof host->ip);
    if (floods_to(network, tunnel)) {
        add_entry(host, &allocated, NT_FDB_FLOOD_MAC, NT_FDB_FLOOD_IP);
    }
    LIST_FOR_EACH (mac, of_tunnel, &tunnel->macs) {
        if (mac->network != network) {
            continue;
        }
        LIST_FOR_EACH (ip, of_mac, &mac->ips) {
            add_entry(host, &allocated, mac->mac, ip->ip);
        }
    }
}

static struct json *
fdb_of(const struct model *model, const struct model_network *network)
{
    const struct model_tunnel *tunnel;
    struct nt_fdb_network told = { .segment_id = network->segmentation_id };
    const struct nt_fdb_args args = { .networks = &told, .n_networks = 1 };

    ovs_strlcpy(told.network_id, network->network_id, sizeof told.network_id);
    ovs_strlcpy(told.network_type, network->network_type, sizeof told.network_type);
    told.hosts = xcalloc(hmap_count(&model->tunnels) + 1, sizeof *told.hosts);
    HMAP_FOR_EACH (tunnel, node, &model->tunnels) {
        fill_host(network, tunnel, &told.hosts[told.n_hosts]);
        told.n_hosts += told.hosts[told.n_hosts].n_entries > 0;
    }

    struct json *json =
        nt_args_json(nt_method_find(&nt_notify_l2population, "add_fdb_entries"), &args);
    for (size_t i = 0; i < told.n_hosts; i++) {
        free(told.hosts[i].entries);
    }
    free(told.hosts);
    return json;
}

struct json *
agent_facts(const struct agent *self)
{
    const struct model *model = wiring_model(self->wiring);
    const struct model_port *port;
    const struct model_network *network;
    const struct model_tunnel *tunnel;
    struct json *facts = json_object_create();
    struct json *ports = json_array_create_empty();
    struct json *gone = json_array_create_empty();
    struct json *networks = json_array_create_empty();
    struct json *policies = json_array_create_empty();
    struct json *fdb = json_array_create_empty();
    struct json *peers = json_array_create_empty();

    HMAP_FOR_EACH (port, node, &model->ports) {
        const struct nt_vo_port *told = neutron_port(self->neutron, port->id);
        if (port->answer == ANSWER_GONE) {
            json_array_add(gone, json_string_create(port->id));
        } else if (told) {
            json_array_add(ports, nt_vo_json(&told->vo));
            const struct nt_vo_qos_policy *policy =
                neutron_qos_policy(self->neutron, wiring_policy_of(self->wiring, told));
            if (policy) {
                json_array_add(policies, nt_vo_json(&policy->vo));
            }
        }
    }
    HMAP_FOR_EACH (network, node, &model->networks) {
        const struct nt_vo_network *told = neutron_network(self->neutron, network->network_id);
        if (told) {
            json_array_add(networks, nt_vo_json(&told->vo));
        }
        if (model_network_is_tunnel(network)) {
            json_array_add(fdb, fdb_of(model, network));
        }
    }
    HMAP_FOR_EACH (tunnel, node, &model->tunnels) {
        if (tunnel->is_peer) {
            json_array_add(peers, json_array_create_3(json_string_create(tunnel->type),
                                                      json_string_create(tunnel->remote_ip),
                                                      json_integer_create(tunnel->id)));
        }
    }
    json_object_put(facts, "ports", ports);
    json_object_put(facts, "gone", gone);
    json_object_put(facts, "networks", networks);
    json_object_put(facts, "policies", policies);
    json_object_put(facts, "fdb", fdb);
    json_object_put(facts, "peers", peers);
    return facts;
}

/* --- the server's: in ----------------------------------------------------------------------- */

/* Somebody who has only facts, and writes down wishes. */
struct planner {
    const struct agent_env *env;
    struct nt_ovsdb *db;
    struct wiring *wiring;
    struct shash ports, networks, policies; /* Id -> struct nt_vo. */
    char **lines;
    size_t n_lines, lines_allocated;
    struct nt_err err; /* The first wish that cannot be. */
};

static void
add_line(struct planner *self, char *line)
{
    if (self->n_lines >= self->lines_allocated) {
        self->lines = x2nrealloc(self->lines, &self->lines_allocated, sizeof *self->lines);
    }
    self->lines[self->n_lines++] = line;
}

static void
plan_flows(void *self_, const char *owner, const struct plan *plan)
{
    struct planner *self = self_;

    for (size_t i = 0; i < plan->n; i++) {
        AUTO(nt_flow) flow = NULL;
        struct ds line = DS_EMPTY_INITIALIZER;

        if (nt_flow_parse(plan->lines[i].flow, &flow, &self->err) < 0) {
            nt_err_context(&self->err, "%s", owner);
            return;
        }
        ds_put_format(&line, "%s ", plan->lines[i].bridge);
        nt_flow_format(flow, &line);
        add_line(self, ds_steal_cstr(&line));
    }
}

static void
plan_port(void *self_, const struct nt_ovs_port_want *want)
{
    if (want->tag >= 0) {
        add_line(self_, xasprintf("port %s tag=%d", want->name, want->tag));
    }
}

static void
no_bridge(void *self, const struct nt_ovs_bridge_want *want)
{
    (void) self, (void) want;
}

static void
no_name(void *self, const char *name)
{
    (void) self, (void) name;
}

static void
no_interest(void *self, const char *id, bool wanted)
{
    (void) self, (void) id, (void) wanted;
}

static void
no_qos(void *self, const char *port, int64_t max_kbps, int64_t burst_kb)
{
    (void) self, (void) port, (void) max_kbps, (void) burst_kb;
}

static void
no_meter(void *self, const struct nt_meter *meter)
{
    (void) self, (void) meter;
}

static void
plan_queue(void *self_, const char *port_id, const struct nt_ovs_queue *queue)
{
    if (queue->number) {
        add_line(self_, xasprintf("queue %s number=%" PRId64 " min_kbps=%" PRId64, port_id,
                                  queue->number, queue->min_kbps));
    }
}

static void
plan_uplink(void *self_, const char *name, bool is_one)
{
    if (is_one) {
        add_line(self_, xasprintf("uplink %s", name));
    }
}

static const struct nt_vo_port *
fact_port(void *self_, const char *id)
{
    return shash_find_data(&((struct planner *) self_)->ports, id);
}

static const struct nt_vo_network *
fact_network(void *self_, const char *id)
{
    return shash_find_data(&((struct planner *) self_)->networks, id);
}

static const struct nt_vo_qos_policy *
fact_policy(void *self_, const char *id)
{
    return shash_find_data(&((struct planner *) self_)->policies, id);
}

static bool
always(void *self, const struct model_port *port)
{
    (void) self, (void) port;
    return true;
}

static void
no_report(void *self, const struct model_port *port, bool refresh)
{
    (void) self, (void) port, (void) refresh;
}

static const struct json *
member(const struct json *facts, const char *name)
{
    const struct json *list =
        facts->type == JSON_OBJECT ? shash_find_data(json_object(facts), name) : NULL;

    return list && list->type == JSON_ARRAY ? list : NULL;
}

static int
read_objects(const struct json *facts, const char *name, const struct nt_vo_type *type,
             struct shash *out, struct nt_err *err)
{
    const struct json *list = member(facts, name);
    const struct nt_vo_type *const types[] = { type, NULL };

    for (size_t i = 0; list && i < list->array.n; i++) {
        struct nt_vo *vo;
        if (nt_vo_parse(types, list->array.elems[i], name, &vo, err) < 0) {
            return -1;
        }
        /* All of them have their id first. */
        const char *id = !strcmp(name, "ports")      ? ((struct nt_vo_port *) vo)->id
                         : !strcmp(name, "networks") ? ((struct nt_vo_network *) vo)->id
                                                     : ((struct nt_vo_qos_policy *) vo)->id;
        if (!shash_add_once(out, id, vo)) {
            nt_vo_free(vo);
        }
    }
    return 0;
}

static int
tell_fdb(struct planner *self, const struct json *facts, struct nt_err *err)
{
    const struct json *list = member(facts, "fdb");
    const struct nt_method *method = nt_method_find(&nt_notify_l2population, "add_fdb_entries");

    for (size_t i = 0; list && i < list->array.n; i++) {
        void *args_ = NULL;
        int rc = nt_args_decode(&nt_notify_l2population, method, list->array.elems[i], &args_, err);
        if (!rc) {
            const struct nt_fdb_args *args = args_;
            wiring_fdb_add(self->wiring, args->networks, args->n_networks);
        }
        nt_args_free(method, args_);
        if (rc < 0) {
            return -1;
        }
    }
    return 0;
}

static void
tell_peers(struct planner *self, const struct json *facts)
{
    const struct json *list = member(facts, "peers");

    for (size_t i = 0; list && i < list->array.n; i++) {
        const struct json *peer = list->array.elems[i];
        if (peer->type == JSON_ARRAY && peer->array.n == 3
            && peer->array.elems[0]->type == JSON_STRING
            && peer->array.elems[1]->type == JSON_STRING
            && peer->array.elems[2]->type == JSON_INTEGER) {
            wiring_tunnel(self->wiring, json_string(peer->array.elems[0]),
                          json_string(peer->array.elems[1]), json_integer(peer->array.elems[2]));
        }
    }
}

static void
tell_answers(struct planner *self, const struct json *facts)
{
    const struct json *gone = member(facts, "gone");
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &self->ports) {
        wiring_port_told(self->wiring, node->name, ANSWER_KNOWN);
    }
    for (size_t i = 0; gone && i < gone->array.n; i++) {
        if (gone->array.elems[i]->type == JSON_STRING) {
            wiring_port_told(self->wiring, json_string(gone->array.elems[i]), ANSWER_GONE);
        }
    }
}

static void
tell_port(void *self_, const char *name, bool readded)
{
    struct planner *self = self_;

    agent_tell_port(self->wiring, self->db, name, readded);
}

static void
see_port(void *self, const char *name)
{
    tell_port(self, name, false);
}

static void
tell_bridge(void *self_, const char *name)
{
    struct planner *self = self_;

    agent_tell_bridge(self->wiring, self->db, name);
}

static int
wait_ready(struct planner *self, int64_t timeout_ms, struct nt_err *err)
{
    int64_t end = nt_mono_ms(self->env->clock) + timeout_ms;

    for (;;) {
        nt_ovsdb_run(self->db);
        if (nt_ovsdb_is_ready(self->db)) {
            return 0;
        }
        if (nt_mono_ms(self->env->clock) >= end) {
            return nt_fail(err, NT_TIMEOUT, "OVSDB at %s does not answer",
                           self->env->config->ovsdb_connection);
        }
        nt_ovsdb_wait(self->db);
        poll_timer_wait_until(end);
        poll_block();
    }
}

/* Ports make networks, which take forwarding entries; all wishes of the last run count. */
static int
compute(struct planner *self, const struct json *facts, struct nt_err *err)
{
    const struct nt_ovsdb_changes changes = { tell_bridge, tell_port, self };
    const struct wiring_report report = { always, no_report, self };

    nt_ovsdb_changes(self->db, &changes);
    tell_answers(self, facts);
    wiring_all_seen(self->wiring);
    wiring_run(self->wiring);
    wiring_report_ready(self->wiring, &report);
    if (tell_fdb(self, facts, err) < 0) {
        return -1;
    }
    tell_peers(self, facts);
    wiring_run(self->wiring);
    wiring_tables_told(self->wiring);

    for (size_t i = 0; i < self->n_lines; i++) {
        free(self->lines[i]);
    }
    self->n_lines = 0;
    wiring_dirty_all(self->wiring);
    wiring_run(self->wiring);
    wiring_open_ready(self->wiring, always, self);
    if (self->err.code) {
        *err = self->err;
        return -1;
    }
    return 0;
}

static int
compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

static char *
join_lines(struct planner *self)
{
    struct ds out = DS_EMPTY_INITIALIZER;

    if (self->n_lines) {
        qsort(self->lines, self->n_lines, sizeof *self->lines, compare_lines);
    }
    for (size_t i = 0; i < self->n_lines; i++) {
        ds_put_format(&out, "%s\n", self->lines[i]);
    }
    return ds_steal_cstr(&out);
}

static void
free_objects(struct shash *objects)
{
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, objects) {
        nt_vo_free(node->data);
        shash_delete(objects, node);
    }
    shash_destroy(objects);
}

int
agent_plan_text(const struct agent_env *env, const struct json *facts, int64_t timeout_ms,
                char **out, struct nt_err *err)
{
    struct planner self = { .env = env };
    const struct wiring_to to = {
        .flows = plan_flows,
        .bridge = no_bridge,
        .port = plan_port,
        .no_port = no_name,
        .forget_port = no_name,
        .qos = no_qos,
        .meter = no_meter,
        .queue = plan_queue,
        .uplink = plan_uplink,
        .interest = no_interest,
        .network_interest = no_interest,
        .policy_interest = no_interest,
        .vo_port = fact_port,
        .vo_network = fact_network,
        .vo_policy = fact_policy,
        .device_down = no_name,
        .see_port = see_port,
        .aux = &self,
    };
    int rc = -1;

    shash_init(&self.ports);
    shash_init(&self.networks);
    shash_init(&self.policies);
    self.wiring = wiring_new(env->config, &to);
    if (!agent_open_ovsdb(env, &self.db, err) && !wait_ready(&self, timeout_ms, err)
        && !read_objects(facts, "ports", &nt_vo_port_type, &self.ports, err)
        && !read_objects(facts, "networks", &nt_vo_network_type, &self.networks, err)
        && !read_objects(facts, "policies", &nt_vo_qos_policy_type, &self.policies, err)
        && !compute(&self, facts, err)) {
        *out = join_lines(&self);
        rc = 0;
    }
    wiring_free(self.wiring);
    nt_ovsdb_free(self.db);
    free_objects(&self.ports);
    free_objects(&self.networks);
    free_objects(&self.policies);
    for (size_t i = 0; i < self.n_lines; i++) {
        free(self.lines[i]);
    }
    free(self.lines);
    return rc;
}
