/* What the tests of observe/neutron.h share, first part: objects, and a watcher that writes down
 * what it hears. */
#pragma once

#include <inttypes.h>

#include "agent/observe/neutron.h"
#include "bus/embedded_world.h"
#include "openvswitch/dynamic-string.h"

#define P1 "11111111-1111-4111-8111-111111111111"
#define P2 "22222222-2222-4222-8222-222222222222"
#define P3 "33333333-3333-4333-8333-333333333333"
#define N1 "99999999-9999-4999-8999-999999999999"
#define MAC "fa:16:3e:00:00:01"

#define FRAME(name, version, data)                                               \
    "{\"versioned_object.name\": \"" name "\", \"versioned_object.namespace\": " \
    "\"versionedobjects\", \"versioned_object.version\": \"" version "\", "      \
    "\"versioned_object.data\": " data "}"
#define PORT(id, revision)                                                           \
    FRAME("Port", "1.7",                                                             \
          "{\"id\": \"" id "\", \"network_id\": \"" N1 "\", \"mac_address\": \"" MAC \
          "\", \"revision_number\": " revision ", \"name\": \"r" revision "\"}")
#define NETWORK(id, revision) \
    FRAME("Network", "1.1",   \
          "{\"id\": \"" id "\", \"revision_number\": " revision ", \"mtu\": 1450}")

struct agent {
    struct world w;
    struct neutron *neutron;
    struct ds log; /* What the watcher heard. */
    bool drops;    /* It drops ports as soon as it hears of them. */

    /* The server. */
    const char *objects[8]; /* It answers with all of them that are asked for. */
    const char *answer;     /* Or with this. */
    const char *tunnels;    /* Its answer to tunnel_sync; NULL: ourselves and 10.0.0.2. */
    bool fails, holds;
    struct nt_bus_request *held[8];
    size_t n_held;
    int n_pulls, n_syncs;
    size_t n_ids; /* In the last pull. */
};

/* The watcher. */

static inline void
on_port(void *t_, const struct nt_vo_port *port)
{
    struct agent *t = t_;

    ds_put_format(&t->log, "port %.4s %d\n", port->id, (int) port->standard.revision_number);
    if (t->drops) {
        neutron_drop_port(t->neutron, port->id);
        assert_string_equal(port->mac_address, MAC);
    }
}

static inline void
on_port_gone(void *t_, const char *id)
{
    struct agent *t = t_;

    ds_put_format(&t->log, "port %.4s gone\n", id);
    if (t->drops) {
        neutron_drop_port(t->neutron, id);
    }
}

static inline void
on_network(void *t_, const struct nt_vo_network *network)
{
    struct agent *t = t_;

    ds_put_format(&t->log, "network %.4s mtu %d\n", network->id, (int) network->mtu);
}

static inline void
on_network_gone(void *t_, const char *id)
{
    struct agent *t = t_;

    ds_put_format(&t->log, "network %.4s gone\n", id);
}

static inline void
on_policy(void *t_, const struct nt_vo_qos_policy *policy)
{
    struct agent *t = t_;

    ds_put_format(&t->log, "policy %.4s\n", policy->id);
}

static inline void
on_policy_gone(void *t_, const char *id)
{
    struct agent *t = t_;

    ds_put_format(&t->log, "policy %.4s gone\n", id);
}

static inline void
on_fdb(struct agent *t, const char *what, const struct nt_fdb_network *networks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ds_put_format(&t->log, "%s %.4s", what, networks[i].network_id);
        for (size_t j = 0; j < networks[i].n_hosts; j++) {
            const struct nt_fdb_host *host = &networks[i].hosts[j];

            ds_put_format(&t->log, " %s:%zu", host->ip, host->n_entries);
        }
        ds_put_char(&t->log, '\n');
    }
}

static inline void
on_fdb_add(void *t, const struct nt_fdb_network *networks, size_t n)
{
    on_fdb(t, "add", networks, n);
}

static inline void
on_fdb_remove(void *t, const struct nt_fdb_network *networks, size_t n)
{
    on_fdb(t, "remove", networks, n);
}

static inline void
on_fdb_change(void *t_, const struct nt_fdb_network_change *networks, size_t n)
{
    struct agent *t = t_;

    for (size_t i = 0; i < n; i++) {
        ds_put_format(&t->log, "change %.4s %s %s to %s\n", networks[i].network_id,
                      networks[i].hosts[0].ip, networks[i].hosts[0].before[0].ip,
                      networks[i].hosts[0].after[0].ip);
    }
}

static inline void
on_tunnel(void *t_, const char *type, const char *ip, int64_t id)
{
    struct agent *t = t_;

    ds_put_format(&t->log, "tunnel %s %s", type, ip);
    ds_put_format(&t->log, id ? " number %" PRId64 "\n" : "\n", id);
}

static inline void
on_tunnel_gone(void *t_, const char *type, const char *ip)
{
    struct agent *t = t_;

    ds_put_format(&t->log, "tunnel %s %s gone\n", type, ip);
}

static inline void
on_activated(void *t_, const char *port_id, const char *host)
{
    struct agent *t = t_;

    ds_put_format(&t->log, "port %.4s moves to %s\n", port_id, host);
}

static inline void
on_deactivated(void *t_, const char *port_id, const char *host)
{
    struct agent *t = t_;

    ds_put_format(&t->log, "port %.4s leaves %s\n", port_id, host);
}

static inline void
on_group_rules(void *t_, const struct nt_uuid_text *ids, size_t n)
{
    struct agent *t = t_;

    ds_put_format(&t->log, "rules %.4s %zu\n", n ? ids[0].text : "", n);
}

static inline void
on_group_members(void *t_, const struct nt_uuid_text *ids, size_t n)
{
    struct agent *t = t_;

    ds_put_format(&t->log, "members %.4s %zu\n", n ? ids[0].text : "", n);
}

static inline void
on_settled(void *t_)
{
    struct agent *t = t_;

    ds_put_cstr(&t->log, "settled\n");
}
