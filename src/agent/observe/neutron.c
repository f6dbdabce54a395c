#include <config.h>

#include "agent/observe/neutron.h"

#include <stddef.h>

#include "agent/observe/neutron_listen.h"
#include "agent/observe/neutron_objects.h"
#include "agent/observe/neutron_tunnels.h"
#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(neutron);

/* After a broker came back all agents do: their questions are spread over so long. */
#define SPREAD_MS 2000

struct neutron {
    struct neutron_shared shared;
    struct neutron_objects *ports, *networks, *policies;
    struct neutron_tunnels *tunnels;
    struct neutron_listen *listen;
    bool is_connected;
};

static void
port_put(const struct neutron_watcher *w, const struct nt_vo *vo)
{
    w->port(w->aux, CONTAINER_OF(vo, const struct nt_vo_port, vo));
}

static void
port_gone(const struct neutron_watcher *w, const char *id)
{
    w->port_gone(w->aux, id);
}

static void
network_put(const struct neutron_watcher *w, const struct nt_vo *vo)
{
    w->network(w->aux, CONTAINER_OF(vo, const struct nt_vo_network, vo));
}

static void
network_gone(const struct neutron_watcher *w, const char *id)
{
    w->network_gone(w->aux, id);
}

static void
policy_put(const struct neutron_watcher *w, const struct nt_vo *vo)
{
    w->qos_policy(w->aux, CONTAINER_OF(vo, const struct nt_vo_qos_policy, vo));
}

static void
policy_gone(const struct neutron_watcher *w, const char *id)
{
    w->qos_policy_gone(w->aux, id);
}

static const char *const port_needs[] = { "network_id", "mac_address", NULL };
static const char *const network_needs[] = { "mtu", NULL };
static const char *const policy_needs[] = { "rules", NULL };

#define KIND(type, needs, put, gone)                                                     \
    {                                                                                    \
        &nt_vo_##type##_type, offsetof(struct nt_vo_##type, standard), needs, put, gone, \
    }
const struct neutron_kind neutron_ports = KIND(port, port_needs, port_put, port_gone);
const struct neutron_kind neutron_networks =
    KIND(network, network_needs, network_put, network_gone);
const struct neutron_kind neutron_qos_policies =
    KIND(qos_policy, policy_needs, policy_put, policy_gone);

/* Asks for all that is wanted, and begins to settle. */
static void
ask_all(struct neutron *n, int64_t not_before)
{
    n->shared.is_settling = true;
    neutron_objects_ask_all(n->ports, not_before);
    neutron_objects_ask_all(n->networks, not_before);
    neutron_objects_ask_all(n->policies, not_before);
    neutron_tunnels_ask_all(n->tunnels, not_before);
}

static void
state_changed(void *n_, bool connected)
{
    struct neutron *n = n_;
    int64_t pause = n->shared.connection ? nt_patience_draw_ms(n->shared.o.random, SPREAD_MS) : 0;

    n->is_connected = connected;
    n->shared.is_settling = true;
    if (connected) {
        /* Calls of before may have been lost with their answers: nobody waits for them. */
        n->shared.connection++;
        n->shared.n_calls = 0;
        ask_all(n, nt_mono_ms(n->shared.o.clock) + pause);
    }
}

struct neutron *
neutron_new(const struct neutron_options *o)
{
    struct neutron *n = xzalloc(sizeof *n);

    n->shared.o = *o;
    n->shared.is_settling = true;
    nt_patience_init(&n->shared.patience, o->timeout_ms, o->max_timeout_ms);
    n->ports = neutron_objects_new(&neutron_ports, &n->shared);
    n->networks = neutron_objects_new(&neutron_networks, &n->shared);
    n->policies = neutron_objects_new(&neutron_qos_policies, &n->shared);
    n->tunnels = neutron_tunnels_new(&n->shared);

    struct neutron_listeners to = { &n->shared, n->ports, n->networks,
                                    o->has_qos ? n->policies : NULL, n->tunnels };
    n->listen = neutron_listen_new(&to);
    nt_bus_on_state(o->bus, state_changed, n);
    return n;
}

void
neutron_free(struct neutron *n)
{
    if (n) {
        neutron_listen_free(n->listen);
        neutron_objects_free(n->ports);
        neutron_objects_free(n->networks);
        neutron_objects_free(n->policies);
        neutron_tunnels_free(n->tunnels);
        free(n);
    }
}

static bool
has_settled(const struct neutron *n)
{
    return n->is_connected && n->shared.is_settling && !n->shared.n_owed;
}

void
neutron_run(struct neutron *n)
{
    if (!n->is_connected) {
        return;
    }
    neutron_objects_run(n->ports);
    neutron_objects_run(n->networks);
    neutron_objects_run(n->policies);
    neutron_tunnels_run(n->tunnels);
    if (has_settled(n)) {
        n->shared.is_settling = false;
        nt_debug("all wanted objects are answered", NULL);
        n->shared.o.watcher->settled(n->shared.o.watcher->aux);
    }
}

void
neutron_wait(struct neutron *n)
{
    if (!n->is_connected) {
        return;
    }
    neutron_objects_wait(n->ports);
    neutron_objects_wait(n->networks);
    neutron_objects_wait(n->policies);
    neutron_tunnels_wait(n->tunnels);
    if (has_settled(n)) {
        poll_immediate_wake();
    }
}

void
neutron_want_port(struct neutron *n, const char *id)
{
    neutron_objects_want(n->ports, id);
}

void
neutron_want_network(struct neutron *n, const char *id)
{
    neutron_objects_want(n->networks, id);
}

void
neutron_want_qos_policy(struct neutron *n, const char *id)
{
    neutron_objects_want(n->policies, id);
}

void
neutron_drop_port(struct neutron *n, const char *id)
{
    neutron_objects_drop(n->ports, id);
}

void
neutron_drop_network(struct neutron *n, const char *id)
{
    neutron_objects_drop(n->networks, id);
}

void
neutron_drop_qos_policy(struct neutron *n, const char *id)
{
    neutron_objects_drop(n->policies, id);
}

void
neutron_look_at_port(struct neutron *n, const char *id)
{
    neutron_objects_changed(n->ports, id, 0);
}

const struct nt_vo_port *
neutron_port(const struct neutron *n, const char *id)
{
    const struct nt_vo *vo = neutron_objects_get(n->ports, id);

    return vo ? CONTAINER_OF(vo, const struct nt_vo_port, vo) : NULL;
}

const struct nt_vo_network *
neutron_network(const struct neutron *n, const char *id)
{
    const struct nt_vo *vo = neutron_objects_get(n->networks, id);

    return vo ? CONTAINER_OF(vo, const struct nt_vo_network, vo) : NULL;
}

const struct nt_vo_qos_policy *
neutron_qos_policy(const struct neutron *n, const char *id)
{
    const struct nt_vo *vo = neutron_objects_get(n->policies, id);

    return vo ? CONTAINER_OF(vo, const struct nt_vo_qos_policy, vo) : NULL;
}

void
neutron_resync(struct neutron *n)
{
    nt_info("asking the server for everything again", NULL);
    ask_all(n, 0);
}

void
neutron_sync_tunnels(struct neutron *n, const char *type)
{
    neutron_tunnels_sync(n->tunnels, type);
}

bool
neutron_is_settled(const struct neutron *n)
{
    return !n->shared.is_settling && neutron_objects_is_settled(n->ports)
           && neutron_objects_is_settled(n->networks) && neutron_objects_is_settled(n->policies)
           && neutron_tunnels_is_settled(n->tunnels);
}

const struct neutron_stats *
neutron_stats(const struct neutron *n)
{
    return &n->shared.stats;
}
