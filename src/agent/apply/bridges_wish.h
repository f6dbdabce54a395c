/* One wish of apply/bridges: what a bridge, a port or a port's limit shall be, copied; and, one for
 * the switch, which queues there shall be.
 *
 *   DIRTY --it is so--> SETTLED --something changed--> DIRTY
 *     \---what it is about is not there--> WAITING --it came--> DIRTY */
#pragma once

#include "base/attr.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "wire/ovs/ovsdb.h"

/* In the order in which they are looked at: a port is made on a bridge of the same turn. */
enum wish_group { WISH_BRIDGE, WISH_PORT, WISH_QOS, WISH_QUEUES, WISH_N_GROUPS };
enum wish_state { WISH_DIRTY, WISH_WAITING, WISH_SETTLED };

struct wish {
    struct hmap_node node; /* By name and group. */
    struct ovs_list dirty; /* Only while DIRTY. */
    char *name;
    enum wish_group group;
    enum wish_state state;

    struct nt_ovs_bridge_want bridge;
    struct nt_ovs_port_want port;
    int64_t max_kbps, burst_kb;
    struct nt_ovs_queues queues; /* Of 'uplinks' the data: that somebody else's row was told. */
    bool is_once; /* Done with as soon as it is so: a port or a limit that shall go. */

    bool differs;      /* Somebody changed it, and it is left so. */
    bool was_settled;  /* So what differs now is somebody else's doing. */
    bool is_sent;      /* In the transaction under way. */
    int n_sent;        /* Since it was settled last. */
    int64_t retry_at;  /* 0: now. */
    int64_t pause_ms;  /* Of the last failure. */
    int64_t repair_at; /* Of the last repair... */
    int n_repairs;     /* ...and how many came soon after each other. */
    char *problem;     /* Told last; NULL: none. */
};

struct wish *wish_new(enum wish_group, const char *name);
void wish_free(struct wish *);
NT_AUTO(wish)

/* Copies; false when it says the same already. */
bool wish_set_bridge(struct wish *, const struct nt_ovs_bridge_want *);
bool wish_set_port(struct wish *, const struct nt_ovs_port_want *);
bool wish_set_no_port(struct wish *);
bool wish_set_qos(struct wish *, int64_t max_kbps, int64_t burst_kb);
bool wish_set_queue(struct wish *, const char *port_id, const struct nt_ovs_queue *);
bool wish_set_uplink(struct wish *, const char *name, bool is_one);
bool wish_set_whole(struct wish *);
