/* Takes guests' ports off a switch, once: what neutron-ovs-cleanup does.
 *
 * A port goes when its interface has both iface-id and attached-mac and no skip_cleanup, all
 * on the integration bridge (and on the external one, as Juno's program does); or, when asked for,
 * every port of every bridge.  All of them go in one transaction. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "wire/ovs/ovsdb.h"

struct cleanup_port {
    char *bridge, *name, *type, *iface_id, *mac;
    bool is_veth; /* Deleted as well, or would be. */
};

struct cleanup_ports {
    struct cleanup_port *ports; /* Sorted by bridge and name. */
    size_t n;
};

struct cleanup_request {
    struct nt_ovsdb_options ovsdb;
    const char *integration_bridge;
    const char *external_bridge; /* Cleaned as well; NULL: none. */
    const char *run_dir;         /* Of the switch; its db.sock is preferred to TCP. */
    int timeout_s;               /* For all of it. */
    bool all_ports, delete_veths, dry_run;

    /* Every second; 'what' is done since 'elapsed_ms'.  May be NULL. */
    void (*progress)(void *aux, const char *what, int64_t elapsed_ms);
    void *aux;
};

/* Fails with NT_INVALID (the remote), NT_TIMEOUT (no answer) or NT_FAULT (refused). */
NT_NODISCARD int cleanup_ports(const struct cleanup_request *, struct cleanup_ports *out,
                               struct nt_err *);
void cleanup_ports_deinit(struct cleanup_ports *);
