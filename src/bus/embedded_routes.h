/* Who serves which topic, as the hub knows it.  No sockets.
 *
 * A server of topics is a 'struct nt_server' inside something of the caller's; the
 * routes only link it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "openvswitch/list.h"

struct nt_routes;

struct nt_server {
    struct ovs_list entries; /* Private to routes. */
    size_t n_entries;
};

struct nt_routes *nt_routes_new(void);

/* No server may be left in it. */
void nt_routes_free(struct nt_routes *);
NT_AUTO(nt_routes)

void nt_server_init(struct nt_server *);

/* 'server' serves 'topic' and, unless 'host' is NULL, 'topic' at 'host'.  Repeating
 * is harmless. */
void nt_routes_add(struct nt_routes *, struct nt_server *, const char *topic, const char *host);

/* Forgets what 'server' serves. */
void nt_routes_remove(struct nt_routes *, struct nt_server *);

/* One who serves 'topic', in turn, or with 'host' the one there who came last; NULL:
 * nobody. */
struct nt_server *nt_routes_next(struct nt_routes *, const char *topic, const char *host);

/* Whether 'server' itself serves that. */
bool nt_routes_has(struct nt_routes *, const struct nt_server *, const char *topic,
                   const char *host);

/* Calls 'cb' for all who serve 'topic', each once.  'cb' does not change routes. */
void nt_routes_each(struct nt_routes *, const char *topic,
                    void (*cb)(struct nt_server *, void *aux), void *aux);
