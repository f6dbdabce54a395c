/* What the files of wiring share. */
#pragma once

#include "agent/wiring/wiring.h"
#include "openvswitch/shash.h"

struct wiring {
    const struct agent_config *config; /* Borrowed. */
    struct wiring_to to;
    struct model *model;
    struct plan plan; /* Reused. */
    int64_t *floods;  /* Scratch of wiring_network_values(). */
    size_t floods_allocated;
    struct shash bridges;       /* Those that are there. */
    struct shash tunnel_ports;  /* Names of tunnel ports on the tunnel bridge, and numbers. */
    struct shash lost_networks; /* Ids: not on this host any more. */
    struct shash shadows;       /* Names of interfaces whose port another one has -> its id. */
    struct shash closing;       /* Names that are no ports any more, until they are closed. */
    struct shash misnamed;      /* Ports whose iface-id is none; told once each. */

    struct shash policies; /* Id -> struct wiring_policy, of QoS. */

    bool has_begun; /* Bridges are wanted. */
    bool is_set_up; /* Patch ports have numbers: base flows and ports are planned. */
    bool base_dirty;
    struct shash meters;  /* Numbers that ports have. */
    uint32_t free_meter;  /* No smaller number is free. */
    struct shash queued;  /* Ids of ports that have a queue. */
    struct shash uplinks; /* Names. */

    bool has_no_meters;    /* The switch. */
    bool lost_policies;    /* Some policy may have no port any more. */
    bool lacks_lvlans;     /* So does some port. */
    bool no_arp, no_nd;    /* The switch does not take the responder's flows. */
    bool may_restore;      /* The first look at the switch: tags are those of an earlier run. */
    bool tunnels_are_told; /* Without l2 population: by tunnel_sync. */
    struct model_gone gone;
    struct wiring_stats stats;
};

/* wiring_ports.c */
void wiring_plan_port(struct wiring *, struct model_port *);
/* 'is_there': its row stays, only it is no port of ours any more. */
void wiring_port_gone(struct wiring *, struct model_port *, bool is_there);
void wiring_vif_seen(struct wiring *, const struct nt_ovs_port *, const struct wiring_memory *,
                     bool readded, bool is_ancillary);

/* Whether 'name' is an interface whose port (with that id, NULL: none any more) another has. */
bool wiring_is_shadow(struct wiring *, const char *name, const char *id);
/* The port's interface is gone: another that has its id, if there is one, has it now. */
void wiring_promote_shadow(struct wiring *, const char *id);

/* wiring_qos.c */
/* What a QoS policy means for a port. */
struct wiring_limits {
    bool are_known; /* Otherwise what is in the switch stays. */
    int dscp;       /* -1: none. */
    int64_t egress_kbps, egress_burst_kb;
    int64_t ingress_kbps, ingress_burst_kb;
    int64_t min_kbps;                    /* Egress; 0: none. */
    struct nt_meter rates[MODEL_N_WAYS]; /* Without a number. */
};
struct wiring_limits wiring_limits_of(struct wiring *, const struct nt_vo_port *);
/* The policy is of interest as long as a port holds it; "": none. */
void wiring_hold_policy(struct wiring *, struct model_port *, const char *policy_id);
void wiring_drop_lost_policies(struct wiring *);
/* Meters of before, if the port has them to itself; those it needs now; none. */
void wiring_adopt_meters(struct wiring *, struct model_port *, const struct wiring_memory *);
void wiring_want_meters(struct wiring *, struct model_port *, const struct wiring_limits *);
void wiring_drop_meters(struct wiring *, struct model_port *);
/* The port's queue on physical bridges, and flows into it; 0: none. */
void wiring_plan_queue(struct wiring *, const struct model_port *, int64_t min_kbps);
void wiring_uplink_seen(struct wiring *, const char *name, const struct nt_ovs_port *);
void wiring_want_uplinks(struct wiring *);         /* Once more. */
bool wiring_knows_policies(const struct wiring *); /* The server has answered for each. */

/* wiring_reasons.c */
bool wiring_is_carried(const struct wiring *, const struct model_port *,
                       const struct nt_vo_segment *);
void wiring_complain(struct wiring *, struct model_port *,
                     const char *why); /* Borrowed for ever. */
const char *wiring_why_unbound(const struct nt_vo_binding *);

/* wiring_tunnels.c */
bool wiring_has_responder(const struct wiring *, bool is_v6);
void wiring_plan_network(struct wiring *, struct model_network *);
void wiring_plan_tunnel(struct wiring *, struct model_tunnel *);
void wiring_plan_mac(struct wiring *, struct model_mac *);
void wiring_plan_ip(struct wiring *, struct model_ip *);
bool wiring_has_tunnel_type(const struct wiring *, const char *type); /* Configured. */
void wiring_drop_unused_tunnels(struct wiring *);
void wiring_tunnel_port_seen(struct wiring *, const char *name, const struct nt_ovs_port *);

/* The network as planners take it; false: what carries it is not there yet.  Valid until it is
 * called again. */
bool wiring_network_values(struct wiring *, const struct model_network *, struct plan_network *);

/* Who has the network is planned anew for all networks; after numbers of patches changed. */
void wiring_dirty_networks(struct wiring *);
void wiring_dirty_ports(struct wiring *);

/* Hands over the plan for an owner, and empties it. */
void wiring_emit(struct wiring *, const char *owner);
