/* All that an agent hears from neutron-server, to the end of observe/neutron: whatever comes is
 * taken or refused, and nothing else breaks.
 *
 * The input's first line is a method, which goes to all topics that have it and are listened
 * to; or '=', an answer to each question.  The rest is JSON.  Up to four UUIDs in it are
 * wanted, as ports, networks and policies. */
#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/observe/neutron.h"
#include "base/mem.h"
#include "bus/embedded.h"
#include "openvswitch/json.h"
#include "openvswitch/vlog.h"
#include "rpc/neutron/neutron.h"

#define N_WANTED 4
#define N_TURNS 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int ok)
{
    if (!ok) {
        abort();
    }
}

static void
heard_port(void *n, const struct nt_vo_port *port)
{
    check(neutron_port(*(struct neutron **) n, port->id) == port);
}

static void
heard_network(void *n, const struct nt_vo_network *network)
{
    check(neutron_network(*(struct neutron **) n, network->id) == network);
}

static void
heard_policy(void *n, const struct nt_vo_qos_policy *policy)
{
    check(neutron_qos_policy(*(struct neutron **) n, policy->id) == policy);
}

static void
heard_id(void *n OVS_UNUSED, const char *id)
{
    check(*id != 0);
}

static void
heard_fdb(void *n OVS_UNUSED, const struct nt_fdb_network *networks, size_t n_networks)
{
    for (size_t i = 0; i < n_networks; i++) {
        check(nt_is_uuid(networks[i].network_id));
    }
}

static void
heard_fdb_change(void *n OVS_UNUSED, const struct nt_fdb_network_change *networks,
                 size_t n_networks)
{
    for (size_t i = 0; i < n_networks; i++) {
        check(nt_is_uuid(networks[i].network_id));
    }
}

static void
heard_pair(void *n OVS_UNUSED, const char *a, const char *b)
{
    check(*a && *b);
}

static void
heard_tunnel(void *n OVS_UNUSED, const char *type, const char *ip, int64_t id)
{
    check(*type && *ip && id >= 0);
}

static void
heard_groups(void *n OVS_UNUSED, const struct nt_uuid_text *ids, size_t n_ids)
{
    for (size_t i = 0; i < n_ids; i++) {
        check(nt_is_uuid(ids[i].text));
    }
}

static void
heard_settled(void *n OVS_UNUSED)
{
}

static void
answer(void *json, struct nt_bus_request *req)
{
    nt_bus_reply(req, json ? json_deep_clone(json) : NULL);
}

static void
want_what_is_named(struct neutron *n, const char *text)
{
    unsigned n_wanted = 0;

    for (const char *p = text; *p && n_wanted < N_WANTED; p++) {
        AUTO_FREE char *id = xmemdup0(p, strnlen(p, NT_UUID_SIZE - 1));

        if (nt_is_uuid(id)) {
            neutron_want_port(n, id);
            neutron_want_network(n, id);
            neutron_want_qos_policy(n, id);
            n_wanted++;
        }
    }
}

static void
run(struct nt_bus *bus, struct neutron *n)
{
    for (int i = 0; i < N_TURNS; i++) {
        nt_bus_run(bus);
        neutron_run(n);
    }
}

static void
say(struct nt_bus *bus, const char *method, struct json *args)
{
    for (const struct nt_interface *const *i = nt_neutron_interfaces; *i; i++) {
        const struct nt_method *m = nt_method_find(*i, method);

        if (m && strncmp((*i)->topic, "q-plugin", 8)) {
            nt_bus_fanout(bus, NT_BUS_TO((*i)->topic, NULL, method, m->version),
                          json_deep_clone(args));
        }
    }
}

static void
try_input(const char *method, const char *text, struct json *json)
{
    const struct nt_bus_options options = {
        .name = "h1", .program = "fuzz", .clock = nt_clock_system(), .random = nt_random_system()
    };
    struct neutron *n = NULL;
    const struct neutron_watcher watcher = { .port = heard_port,
                                             .port_gone = heard_id,
                                             .network = heard_network,
                                             .network_gone = heard_id,
                                             .qos_policy = heard_policy,
                                             .qos_policy_gone = heard_id,
                                             .fdb_add = heard_fdb,
                                             .fdb_remove = heard_fdb,
                                             .fdb_change = heard_fdb_change,
                                             .tunnel = heard_tunnel,
                                             .tunnel_gone = heard_pair,
                                             .binding_activated = heard_pair,
                                             .binding_deactivated = heard_pair,
                                             .group_rules = heard_groups,
                                             .group_members = heard_groups,
                                             .settled = heard_settled,
                                             .aux = &n };
    bool is_answer = !strcmp(method, "=");
    struct nt_bus *bus;

    check(nt_bus_hub_new(&options, NULL, NULL, &bus, NULL) == 0);
    n = neutron_new(&(struct neutron_options){ .bus = bus,
                                               .clock = options.clock,
                                               .random = options.random,
                                               .host = "h1",
                                               .local_ip = "172.30.0.11",
                                               .l2_population = true,
                                               .has_qos = true,
                                               .batch = N_WANTED,
                                               .timeout_ms = 60000,
                                               .max_timeout_ms = 60000,
                                               .watcher = &watcher });
    nt_bus_serve(bus, "q-plugin", NULL, answer, is_answer ? json : NULL);
    want_what_is_named(n, text);
    neutron_sync_tunnels(n, "vxlan");
    run(bus, n);
    if (!is_answer) {
        say(bus, method, json);
        run(bus, n);
    }
    nt_bus_free(bus);
    neutron_free(n);
    nt_random_free(options.random);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = xmemdup0((const char *) data, size);
    char *line_end = strchr(text, '\n');

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    if (line_end) {
        *line_end = '\0';

        struct json *json = json_from_string(line_end + 1);
        try_input(text, line_end + 1, json);
        json_destroy(json);
    }
    return 0;
}
