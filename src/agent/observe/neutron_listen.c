#include <config.h>

#include "agent/observe/neutron_listen.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/json.h"
#include "rpc/neutron/notify.h"
#include "rpc/neutron/pull.h"

#define MAX_SERVICES 16
#define MAX_PUSHES 3

struct push {
    struct neutron_objects *objects;
    struct neutron_shared *shared;
    const struct nt_interface *iface;
};

struct neutron_listen {
    struct neutron_listeners to;
    const struct neutron_watcher *watcher;
    struct nt_rpc_service *services[MAX_SERVICES];
    size_t n_services;
    struct push pushes[MAX_PUSHES];
    size_t n_pushes;
};

/* What is read of port_update and network_update: of all else that they say a push or a
 * pull knows more, and servers of several ages spell it differently. */
struct notice {
    struct nt_seen seen;
    char id[NT_UUID_SIZE];
    int64_t revision_number; /* Since Ocata. */
};

#define NEED (NT_IN_RPC | NT_REQUIRED)
static const struct nt_field notice_fields[] = {
    NT_SEEN_FIELD(struct notice, seen),
    { "id", NT_F_UUID, NT_AT(struct notice, id), NEED },
    { "revision_number", NT_F_INT, NT_AT(struct notice, revision_number),
      NT_IN_RPC | NT_NULL | NT_ABSENT },
    { 0 },
};
#define NOTICE(name)                                                                        \
    static const struct nt_field name##_notice[] = {                                        \
        { #name, NT_F_OBJECT, 0, sizeof(struct notice), NEED, .fields = notice_fields },    \
        { 0 },                                                                              \
    };                                                                                      \
    static const struct nt_method name##_update_methods[] = {                               \
        { #name "_update", "1.4", name##_notice, sizeof(struct notice), NULL, 0 },          \
        { 0 },                                                                              \
    };                                                                                      \
    static const struct nt_interface name##_update = { "q-agent-notifier-" #name "-update", \
                                                       name##_update_methods, "1.7" }

NOTICE(port);
NOTICE(network);

static void
handle_port_update(void *l_, const void *args, struct nt_bus_request *req)
{
    struct neutron_listen *l = l_;
    const struct notice *notice = args;

    neutron_objects_changed(l->to.ports, notice->id, notice->revision_number);
    nt_bus_reply(req, NULL);
}

static void
handle_port_delete(void *l_, const void *args_, struct nt_bus_request *req)
{
    struct neutron_listen *l = l_;
    const struct nt_port_id_args *args = args_;

    neutron_objects_deleted(l->to.ports, args->port_id);
    nt_bus_reply(req, NULL);
}

static void
handle_network_update(void *l_, const void *args, struct nt_bus_request *req)
{
    struct neutron_listen *l = l_;
    const struct notice *notice = args;

    neutron_objects_changed(l->to.networks, notice->id, notice->revision_number);
    nt_bus_reply(req, NULL);
}

static void
handle_network_delete(void *l_, const void *args_, struct nt_bus_request *req)
{
    struct neutron_listen *l = l_;
    const struct nt_network_id_args *args = args_;

    neutron_objects_deleted(l->to.networks, args->network_id);
    nt_bus_reply(req, NULL);
}

static void
handle_tunnel_update(void *l_, const void *args_, struct nt_bus_request *req)
{
    struct neutron_listen *l = l_;
    const struct nt_tunnel_args *args = args_;

    neutron_tunnels_named(l->to.tunnels, args->tunnel_type, args->tunnel_ip, args->tunnel_id);
    nt_bus_reply(req, NULL);
}

static void
handle_tunnel_delete(void *l_, const void *args_, struct nt_bus_request *req)
{
    struct neutron_listen *l = l_;
    const struct nt_tunnel_args *args = args_;

    neutron_tunnels_lost(l->to.tunnels, args->tunnel_type, args->tunnel_ip);
    nt_bus_reply(req, NULL);
}

/* Very old servers sent to all what was for one, and said for whom. */
static bool
is_for_us(const struct neutron_listen *l, const char *host)
{
    return !*host || !strcmp(host, l->to.shared->o.host);
}

static void
handle_fdb_add(void *l_, const void *args_, struct nt_bus_request *req)
{
    struct neutron_listen *l = l_;
    const struct nt_fdb_args *args = args_;

    if (is_for_us(l, args->host)) {
        l->watcher->fdb_add(l->watcher->aux, args->networks, args->n_networks);
    }
    nt_bus_reply(req, NULL);
}

static void
handle_fdb_remove(void *l_, const void *args_, struct nt_bus_request *req)
{
    struct neutron_listen *l = l_;
    const struct nt_fdb_args *args = args_;

    if (is_for_us(l, args->host)) {
        l->watcher->fdb_remove(l->watcher->aux, args->networks, args->n_networks);
    }
    nt_bus_reply(req, NULL);
}

static void
handle_fdb_update(void *l_, const void *args_, struct nt_bus_request *req)
{
    struct neutron_listen *l = l_;
    const struct nt_fdb_update_args *args = args_;

    if (is_for_us(l, args->host)) {
        l->watcher->fdb_change(l->watcher->aux, args->changes.networks, args->changes.n_networks);
    }
    nt_bus_reply(req, NULL);
}

static void
handle_activate(void *l_, const void *args_, struct nt_bus_request *req)
{
    struct neutron_listen *l = l_;
    const struct nt_binding_args *args = args_;

    l->watcher->binding_activated(l->watcher->aux, args->port_id, args->host);
    nt_bus_reply(req, NULL);
}

static void
handle_deactivate(void *l_, const void *args_, struct nt_bus_request *req)
{
    struct neutron_listen *l = l_;
    const struct nt_binding_args *args = args_;

    l->watcher->binding_deactivated(l->watcher->aux, args->port_id, args->host);
    nt_bus_reply(req, NULL);
}

static void
handle_group_rules(void *l_, const void *args_, struct nt_bus_request *req)
{
    struct neutron_listen *l = l_;
    const struct nt_group_ids_args *args = args_;

    l->watcher->group_rules(l->watcher->aux, args->security_groups, args->n_security_groups);
    nt_bus_reply(req, NULL);
}

static void
handle_group_members(void *l_, const void *args_, struct nt_bus_request *req)
{
    struct neutron_listen *l = l_;
    const struct nt_group_ids_args *args = args_;

    l->watcher->group_members(l->watcher->aux, args->security_groups, args->n_security_groups);
    nt_bus_reply(req, NULL);
}

/* Whatever devices it names: it means that everything may have changed. */
static void
handle_group_providers(void *l_, const void *args, struct nt_bus_request *req)
{
    struct neutron_listen *l = l_;

    l->watcher->group_rules(l->watcher->aux, NULL, 0);
    nt_bus_reply(req, NULL);
}

/* Each object is taken or refused by itself; the first that was refused is what the
 * message fails with. */
static int
take_push(const struct push *push, const struct json *args, struct nt_err *err)
{
    const struct json *list;
    bool deleted;
    int rc = 0;

    if (nt_neutron_push_open(args, &list, &deleted, err) < 0) {
        push->shared->stats.n_refused++;
        return -1;
    }
    for (size_t i = 0; i < json_array(list)->n; i++) {
        char what[48];

        snprintf(what, sizeof what, "push.resource_list[%zu]", i);
        if (neutron_objects_push(push->objects, json_array(list)->elems[i], what, deleted,
                                 rc ? NULL : err)
            < 0) {
            push->shared->stats.n_refused++;
            rc = -1;
        }
    }
    return rc;
}

/* Nearly all that is pushed concerns nobody here, so it is not decoded by its table. */
static void
handle_push(void *push_, struct nt_bus_request *req)
{
    const struct push *push = push_;
    const struct nt_method *m = nt_method_find(push->iface, nt_bus_request_method(req));
    struct nt_err err;

    if (!m) {
        nt_bus_reply_no_method(req);
    } else if (!nt_method_serves(push->iface, m, nt_bus_request_version(req))) {
        nt_bus_reply_bad_version(req);
    } else if (take_push(push, nt_bus_request_args(req), &err) < 0) {
        nt_bus_reply_fail(req, &err);
    } else {
        nt_bus_reply(req, NULL);
    }
}

static const struct nt_rpc_handler port_update_handlers[] = {
    { "port_update", handle_port_update },
    { 0 },
};
static const struct nt_rpc_handler port_delete_handlers[] = {
    { "port_delete", handle_port_delete },
    { 0 },
};
static const struct nt_rpc_handler network_update_handlers[] = {
    { "network_update", handle_network_update },
    { 0 },
};
static const struct nt_rpc_handler network_delete_handlers[] = {
    { "network_delete", handle_network_delete },
    { 0 },
};
static const struct nt_rpc_handler tunnel_update_handlers[] = {
    { "tunnel_update", handle_tunnel_update },
    { 0 },
};
static const struct nt_rpc_handler tunnel_delete_handlers[] = {
    { "tunnel_delete", handle_tunnel_delete },
    { 0 },
};
static const struct nt_rpc_handler l2population_handlers[] = {
    { "add_fdb_entries", handle_fdb_add },
    { "remove_fdb_entries", handle_fdb_remove },
    { "update_fdb_entries", handle_fdb_update },
    { 0 },
};
static const struct nt_rpc_handler activate_handlers[] = {
    { "binding_activate", handle_activate },
    { 0 },
};
static const struct nt_rpc_handler deactivate_handlers[] = {
    { "binding_deactivate", handle_deactivate },
    { 0 },
};
static const struct nt_rpc_handler group_handlers[] = {
    { "security_groups_rule_updated", handle_group_rules },
    { "security_groups_member_updated", handle_group_members },
    { "security_groups_provider_updated", handle_group_providers },
    { 0 },
};

static void
listen_to(struct neutron_listen *l, const struct nt_interface *iface, const char *host,
          const struct nt_rpc_handler *handlers)
{
    ovs_assert(l->n_services < MAX_SERVICES);
    l->services[l->n_services++] = nt_rpc_listen(l->to.shared->o.bus, iface, host, handlers, l);
}

static void
listen_to_pushes(struct neutron_listen *l, struct neutron_objects *objects,
                 const struct nt_vo_type *type)
{
    struct push *push = &l->pushes[l->n_pushes++];

    *push = (struct push){ objects, l->to.shared, nt_neutron_push(type) };
    nt_bus_listen(l->to.shared->o.bus, push->iface->topic, NULL, handle_push, push);
}

struct neutron_listen *
neutron_listen_new(const struct neutron_listeners *to)
{
    const struct neutron_options *o = &to->shared->o;
    const struct neutron_watcher *w = o->watcher;
    struct neutron_listen *l = xzalloc(sizeof *l);

    l->to = *to;
    l->watcher = w;
    listen_to_pushes(l, to->ports, &nt_vo_port_type);
    listen_to_pushes(l, to->networks, &nt_vo_network_type);
    if (to->policies) {
        listen_to_pushes(l, to->policies, &nt_vo_qos_policy_type);
    }
    listen_to(l, &port_update, NULL, port_update_handlers);
    listen_to(l, &nt_notify_port_delete, NULL, port_delete_handlers);
    listen_to(l, &network_update, NULL, network_update_handlers);
    listen_to(l, &nt_notify_network_delete, NULL, network_delete_handlers);
    if (*o->local_ip && w->tunnel && w->tunnel_gone) {
        listen_to(l, &nt_notify_tunnel_update, NULL, tunnel_update_handlers);
        listen_to(l, &nt_notify_tunnel_delete, NULL, tunnel_delete_handlers);
    }
    if (*o->local_ip && o->l2_population) {
        listen_to(l, &nt_notify_l2population, o->host, l2population_handlers);
    }
    if (w->binding_activated && w->binding_deactivated) {
        listen_to(l, &nt_notify_binding_activate, NULL, activate_handlers);
        listen_to(l, &nt_notify_binding_deactivate, NULL, deactivate_handlers);
    }
    if (w->group_rules && w->group_members) {
        listen_to(l, &nt_notify_security_group, NULL, group_handlers);
    }
    return l;
}

void
neutron_listen_free(struct neutron_listen *l)
{
    if (l) {
        for (size_t i = 0; i < l->n_services; i++) {
            nt_rpc_service_free(l->services[i]);
        }
        free(l);
    }
}
