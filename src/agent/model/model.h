/* What an agent knows: ports plugged on this host, networks they are on, tunnels, and what
 * is behind them (forwarding.h).
 *
 * Facts only, and which of them are dirty (changed since they were last planned); nothing
 * here decides, plans or sends.  Objects refer to each other, and the model keeps those
 * references right: a port that goes leaves its network, a network that goes takes its
 * forwarding entries along, a tunnel that nobody uses says so.  Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/model/config.h"
#include "agent/model/lvlan.h"
#include "base/attr.h"
#include "base/log.h"
#include "net/addr6.h"
#include "net/network.h"
#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "openvswitch/shash.h"

#define MODEL_PORT_NAME_SIZE 16
#define MODEL_SEGMENTATION_SIZE 24

/* What the server says about a port: nothing yet, that it has it, that it does not know it. */
enum model_answer { ANSWER_NONE, ANSWER_KNOWN, ANSWER_GONE };

/* What a port is wanted to be on this host. */
enum model_wire {
    WIRE_NOTHING, /* The switch has no number for it: not looked at. */
    WIRE_LEFT,    /* Left as it was found, until the server answers. */
    WIRE_DEAD,    /* On the dead VLAN. */
    WIRE_BOUND,   /* On the local VLAN of its network. */
};

/* What its row says of a port's own guards: nothing (another agent's), that they are flows, that
 * it needs none. */
enum model_guards { GUARDS_UNKNOWN, GUARDS_FLOWS, GUARDS_NONE };
enum model_way { MODEL_INGRESS, MODEL_EGRESS, MODEL_N_WAYS }; /* As the guest sees it. */

struct model_port {
    struct hmap_node node;  /* In model.ports, by id. */
    struct ovs_list dirty;  /* In model.dirty_ports, or empty. */
    struct ovs_list member; /* In its network's ports, or empty. */
    struct ovs_list report; /* In model.to_report, or empty. */
    struct ovs_list open;   /* In model.to_open, or empty. */

    /* Seen in the switch. */
    char id[NT_UUID_SIZE];
    char *name, *bridge;
    char mac[NT_MAC_SIZE];
    int64_t ofport;           /* 0: none yet; -1: the switch could not. */
    int tag;                  /* In the switch; 0: none. */
    bool is_ancillary;        /* On a bridge that is not ours: only reported. */
    bool is_restored;         /* Came with a tag that its other_config agrees with. */
    enum model_guards guards; /* While it is restored. */

    /* Decided. */
    enum model_answer answer;
    enum model_wire wire;
    struct model_network *network;    /* WIRE_BOUND. */
    char request[NT_REQUEST_ID_SIZE]; /* Of the message that told of it last; "": none. */
    const char *complaint;            /* Why it is dead, told last; NULL: it is not. */
    char policy_id[NT_UUID_SIZE];     /* Its QoS policy; "": none. */
    uint32_t meters[MODEL_N_WAYS];    /* Numbers of its packet rates' meters; 0: none. */
    bool is_reported_up;
    bool lacks_lvlan; /* Dead because none was left. */
    bool was_active;  /* Its binding on this host, when the server told of it last. */
    bool is_leaving;  /* It is being removed from the switch. */
};

struct model_network {
    struct hmap_node node; /* In model.networks. */
    struct ovs_list dirty;
    char network_id[NT_UUID_SIZE];
    char segmentation[MODEL_SEGMENTATION_SIZE]; /* "100", "None". */
    int64_t segmentation_id;                    /* 0 without. */
    char segment_id[NT_UUID_SIZE];
    char network_type[32];
    char physical_network[65];
    int lvlan;
    struct ovs_list ports; /* struct model_port.member */
    size_t n_ports;
    /* Tunnels. */
    struct ovs_list floods; /* struct model_flood.of_network */
    struct hmap macs, ips;  /* struct model_mac, struct model_ip */
    unsigned generation;    /* Entries of an older one are not confirmed. */
    bool is_restored;       /* Its flood was there before us: kept until we know better. */
    bool knows_floods;      /* The server has told who has the network. */
    bool needs_table;       /* The server is to tell, with the next report of a port. */
    bool has_asked;         /* It was asked to, and may still be telling. */
    bool was_told;          /* It has since. */
    unsigned n_asked;       /* How often, in vain so far. */
};

/* A network is to be flooded to a tunnel. */
struct model_flood {
    struct ovs_list of_network, of_tunnel;
    struct model_network *network;
    struct model_tunnel *tunnel;
    unsigned generation;
};

struct model_mac {
    struct hmap_node node;
    struct ovs_list dirty, of_tunnel;
    struct model_network *network;
    struct model_tunnel *tunnel; /* It is behind. */
    char mac[NT_MAC_SIZE];
    struct ovs_list ips; /* struct model_ip.of_mac */
    unsigned generation;
};

struct model_ip {
    struct hmap_node node;
    struct ovs_list dirty, of_mac;
    struct model_mac *mac; /* Who has it. */
    char ip[NT_IP_SIZE];
    unsigned generation;
};

struct model_tunnel {
    struct hmap_node node;
    struct ovs_list dirty;
    char type[16], remote_ip[NT_IP_SIZE], name[MODEL_PORT_NAME_SIZE];
    int64_t id, ofport; /* The server's number of it, and the switch's. */
    struct ovs_list floods, macs;
    bool is_peer; /* Told by tunnel_sync: wanted whether used or not. */
};

/* The two ends of the patch between br-int and another bridge. */
struct model_patch {
    const char *physical_network; /* NULL: the tunnel bridge. */
    const char *bridge;
    char int_name[MODEL_PORT_NAME_SIZE], far_name[MODEL_PORT_NAME_SIZE];
    int64_t int_ofport, far_ofport;
    bool is_joined; /* Base flows are in: its ends lead to each other. */
};

struct model {
    const struct agent_config *config; /* Borrowed. */
    struct hmap ports, networks, tunnels;
    struct shash port_names;   /* Name -> struct model_port. */
    struct shash tunnel_names; /* Name -> struct model_tunnel that has it. */
    struct lvlans *lvlans;
    struct model_patch *patches;
    size_t n_patches;
    struct ovs_list dirty_ports, dirty_networks, dirty_tunnels, dirty_macs, dirty_ips;
    struct ovs_list to_report, to_open;
    bool lost_tunnel_use; /* Some tunnel may be unused now; for the reader to reset. */
};

struct model *model_new(const struct agent_config *);
void model_free(struct model *);
NT_AUTO(model)

/* Puts a thing on its list of dirty ones, once. */
#define MODEL_DIRTY(model, list, thing)                          \
    do {                                                         \
        if (ovs_list_is_empty(&(thing)->dirty)) {                \
            ovs_list_push_back(&(model)->list, &(thing)->dirty); \
        }                                                        \
    } while (0)

/* --- ports --------------------------------------------------------------------------------- */

struct model_port *model_port_find(const struct model *, const char *id);
struct model_port *model_port_by_name(const struct model *, const char *name);
struct model_port *model_port_add(struct model *, const char *id, const char *name);
void model_port_remove(struct model *, struct model_port *);

/* --- networks ------------------------------------------------------------------------------ */

/* "None" for 0. */
void model_segmentation(int64_t id, bool has_it, char out[MODEL_SEGMENTATION_SIZE]);

struct model_network *model_network_find(const struct model *, const char *network_id,
                                         const char *segmentation);

/* The port's network from now on; the network is made with its first port, and lvlan taken.
 * Fails with NT_EXHAUSTED when no local VLAN is left. */
struct nt_vo_segment;
NT_NODISCARD int model_port_join(struct model *, struct model_port *, const char *network_id,
                                 const struct nt_vo_segment *, struct nt_err *);

/* The last port takes the network with it: 'gone' is called for what goes, before. */
struct model_gone {
    void (*network)(void *aux, struct model_network *);
    void (*mac)(void *aux, struct model_mac *);
    void (*ip)(void *aux, struct model_ip *);
    void *aux;
};
void model_port_leave(struct model *, struct model_port *, const struct model_gone *);

bool model_network_renumber(struct model *, struct model_network *, const struct nt_vo_segment *);
bool model_network_is_tunnel(const struct model_network *);
struct model_patch *model_patch_of(const struct model *, const struct model_network *);
struct model_patch *model_patch_tunnel(const struct model *); /* NULL: no tunnels. */
