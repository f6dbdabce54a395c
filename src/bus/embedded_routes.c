#include <config.h>

#include "bus/embedded_routes.h"

#include <string.h>

#include "base/mem.h"
#include "openvswitch/shash.h"

/* Servers of one topic, or of one topic at one host. */
struct route {
    struct shash_node *by_key;
    struct ovs_list entries; /* By 'route_node'; the next in turn comes first. */
};

struct entry {
    struct ovs_list route_node, server_node;
    struct route *route;
    struct nt_server *server;
};

struct nt_routes {
    struct shash routes; /* By "TOPIC" and "TOPIC\nHOST"; names have no line ends. */
};

struct nt_routes *
nt_routes_new(void)
{
    struct nt_routes *routes = xmalloc(sizeof *routes);

    shash_init(&routes->routes);
    return routes;
}

void
nt_routes_free(struct nt_routes *routes)
{
    if (routes) {
        shash_destroy_free_data(&routes->routes);
        free(routes);
    }
}

void
nt_server_init(struct nt_server *server)
{
    ovs_list_init(&server->entries);
    server->n_entries = 0;
}

static struct route *
route_find(struct nt_routes *routes, const char *topic, const char *host)
{
    if (!host) {
        return shash_find_data(&routes->routes, topic);
    }

    AUTO_FREE char *key = xasprintf("%s\n%s", topic, host);
    return shash_find_data(&routes->routes, key);
}

static struct entry *
entry_find(const struct route *route, const struct nt_server *server)
{
    struct entry *entry;

    LIST_FOR_EACH (entry, server_node, &server->entries) {
        if (entry->route == route) {
            return entry;
        }
    }
    return NULL;
}

static void
add(struct nt_routes *routes, struct nt_server *server, const char *key)
{
    struct route *route = shash_find_data(&routes->routes, key);

    if (!route) {
        route = xzalloc(sizeof *route);
        ovs_list_init(&route->entries);
        route->by_key = shash_add(&routes->routes, key, route);
    } else if (entry_find(route, server)) {
        return;
    }

    struct entry *entry = xzalloc(sizeof *entry);

    entry->route = route;
    entry->server = server;
    ovs_list_push_front(&route->entries, &entry->route_node);
    ovs_list_push_back(&server->entries, &entry->server_node);
    server->n_entries++;
}

void
nt_routes_add(struct nt_routes *routes, struct nt_server *server, const char *topic,
              const char *host)
{
    add(routes, server, topic);
    if (host) {
        AUTO_FREE char *key = xasprintf("%s\n%s", topic, host);

        add(routes, server, key);
    }
}

void
nt_routes_remove(struct nt_routes *routes, struct nt_server *server)
{
    struct entry *entry;

    LIST_FOR_EACH_POP (entry, server_node, &server->entries) {
        struct route *route = entry->route;

        ovs_list_remove(&entry->route_node);
        if (ovs_list_is_empty(&route->entries)) {
            shash_delete(&routes->routes, route->by_key);
            free(route);
        }
        free(entry);
    }
    server->n_entries = 0;
}

struct nt_server *
nt_routes_next(struct nt_routes *routes, const char *topic, const char *host)
{
    struct route *route = route_find(routes, topic, host);

    if (!route) {
        return NULL;
    }

    struct entry *entry = CONTAINER_OF(ovs_list_front(&route->entries), struct entry, route_node);
    if (!host) {
        ovs_list_remove(&entry->route_node);
        ovs_list_push_back(&route->entries, &entry->route_node);
    }
    return entry->server;
}

bool
nt_routes_has(struct nt_routes *routes, const struct nt_server *server, const char *topic,
              const char *host)
{
    struct route *route = route_find(routes, topic, host);

    return route && entry_find(route, server);
}

void
nt_routes_each(struct nt_routes *routes, const char *topic,
               void (*cb)(struct nt_server *, void *aux), void *aux)
{
    struct route *route = route_find(routes, topic, NULL);
    struct entry *entry;

    if (route) {
        LIST_FOR_EACH (entry, route_node, &route->entries) {
            cb(entry->server, aux);
        }
    }
}
