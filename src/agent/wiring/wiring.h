/* Decides, for each port on this host, what it shall be: facts go in, wishes come out.
 *
 * Facts are what the switch has (bridges, ports), what the server says (ports, forwarding
 * entries, end points of tunnels), each told as it becomes known, in any order.  wiring_run()
 * then plans what is dirty, and only that, and hands the wishes to 'to': flows by owner,
 * bridges, ports, reports to the server.  Telling everything anew to a fresh one gives the
 * same wishes: a first start, a resync, an OVS restart and one new port are the same code.
 *
 * No input or output of its own; loop thread only. */
#pragma once

#include "agent/model/model.h"
#include "agent/plan/plan.h"
#include "net/fdb.h"
#include "net/vo_network.h"
#include "net/vo_port.h"
#include "net/vo_qos.h"
#include "wire/ovs/openflow.h"
#include "wire/ovs/ovsdb.h"

struct wiring;

/* Where wishes go.  Values are borrowed for the call. */
struct wiring_to {
    void (*flows)(void *aux, const char *owner, const struct plan *); /* Empty: none. */
    void (*bridge)(void *aux, const struct nt_ovs_bridge_want *);
    void (*port)(void *aux, const struct nt_ovs_port_want *);
    void (*no_port)(void *aux, const char *name);
    void (*forget_port)(void *aux, const char *name);
    void (*qos)(void *aux, const char *port, int64_t max_kbps, int64_t burst_kb);
    void (*meter)(void *aux, const struct nt_meter *); /* 'pps' 0: none of that number. */

    /* The queue of a port's minimum bandwidth (its number 0: none), and whether a port of a
     * physical bridge leads out and so has all queues. */
    void (*queue)(void *aux, const char *port_id, const struct nt_ovs_queue *);
    void (*uplink)(void *aux, const char *name, bool is_one);

    /* Objects of the server that are of interest, or not any more. */
    void (*interest)(void *aux, const char *port_id, bool wanted);
    void (*network_interest)(void *aux, const char *network_id, bool wanted);
    void (*policy_interest)(void *aux, const char *policy_id, bool wanted);

    /* What is known of them; NULL: nothing (yet). */
    const struct nt_vo_port *(*vo_port)(void *aux, const char *id);
    const struct nt_vo_network *(*vo_network)(void *aux, const char *id);
    const struct nt_vo_qos_policy *(*vo_policy)(void *aux, const char *id);

    void (*device_down)(void *aux, const char *id);

    /* To be told of a port as it is, by wiring_port_seen(), before this returns. */
    void (*see_port)(void *aux, const char *name);
    void *aux;
};

struct wiring *wiring_new(const struct agent_config *, const struct wiring_to *);
void wiring_free(struct wiring *);
NT_AUTO(wiring)

/* --- facts ---------------------------------------------------------------------------------- */

/* What the port's other_config remembers of the last binding; NULL: nothing. */
struct wiring_memory {
    const char *net_uuid, *segmentation_id, *tag, *guards;
    const char *meters[MODEL_N_WAYS];
};

/* The keys of their numbers in a port's other_config: those of the stock agent. */
#define WIRING_METER_KEY_SIZE (NT_UUID_SIZE + 8)
void wiring_meter_key(const char *port_id, enum model_way, char out[WIRING_METER_KEY_SIZE]);

/* A bridge or port as it is now; NULL: it is gone.  True: the bridge's ports count as something
 * else than before, so that each of them is to be told again. */
bool wiring_bridge_seen(struct wiring *, const char *name, const struct nt_ovs_bridge *);
void wiring_port_seen(struct wiring *, const char *name, const struct nt_ovs_port *,
                      const struct wiring_memory *, bool readded);

void wiring_port_told(struct wiring *, const char *id, enum model_answer);
void wiring_network_told(struct wiring *, const char *id);
void wiring_policy_told(struct wiring *, const char *policy_id); /* Or that it is gone. */

/* True when a network is among them that was asked for. */
bool wiring_fdb_add(struct wiring *, const struct nt_fdb_network *, size_t n);
void wiring_fdb_remove(struct wiring *, const struct nt_fdb_network *, size_t n);
void wiring_fdb_change(struct wiring *, const struct nt_fdb_network_change *, size_t n);
void wiring_tunnel(struct wiring *, const char *type, const char *ip, int64_t id);
void wiring_tunnel_gone(struct wiring *, const char *type, const char *ip);

/* Joins each bridge with the integration bridge as soon as the flows of both are installed. */
void wiring_join_ready(struct wiring *, bool (*is_settled)(void *aux, const char *bridge),
                       void *aux);

/* The switch has all rows of ports as they are wanted: what was on a tag has left it. */
void wiring_rows_settled(struct wiring *);

/* The switch does not take a flow of that owner.  When it is a responder's there is no use in
 * thousands more: that responder ends, once for all. */
void wiring_flow_refused(struct wiring *, const char *owner, const char *why);

/* All that was in the switch at the start has been seen: what comes later is new. */
void wiring_all_seen(struct wiring *);

/* Nothing of what was in the switch at the start is kept. */
void wiring_forget_restored(struct wiring *);

/* The tunnel bridge may have lost its flows: none are kept until the server has told. */
void wiring_forget_floods(struct wiring *);

/* What the integration bridge has.  Ports from before keep their tags without the server's word
 * only if what guarded them is there. */
struct wiring_installed {
    bool (*has_flows)(void *aux, int64_t ofport); /* Of the port alone. */
    bool is_kept; /* It is what an agent has left: the switch has lost nothing. */
    bool is_odd;  /* There are flows of ports that are not there. */
    void *aux;
};
bool wiring_has_restored(const struct wiring *);
void wiring_judge_restored(struct wiring *, const struct wiring_installed *);

/* No more forwarding entries come.  Networks whose table was asked for and did not come are
 * asked for again, some times. */
void wiring_ask_again(struct wiring *);

/* The switch has no meters: packet rates are not limited. */
void wiring_no_meters(struct wiring *);

/* The server has told all forwarding entries that it was asked for (of a network whose table
 * came, those that were not told again since wiring_doubt() are given up), or all end points. */
void wiring_tables_told(struct wiring *);

/* The report of that port, with which a table was asked for, is given up. */
void wiring_no_table(struct wiring *, const char *port_id);

/* Forwarding entries are to be confirmed: of each network with tunnels one port is reported up
 * again. */
void wiring_doubt(struct wiring *);

/* What the server says is as of now: ports that it has as down, and are not, are reported up. */
void wiring_compare_reports(struct wiring *);

/* --- wishes ---------------------------------------------------------------------------------- */

void wiring_run(struct wiring *);

/* All wishes are made again by the next wiring_run(). */
void wiring_dirty_all(struct wiring *);

/* The bridges and patch ports are there, so that ports can be wired. */
bool wiring_is_set_up(const struct wiring *);

/* No known port waits for the server's answer, policy included (nor, on the tunnel bridge, for its
 * table). */
bool wiring_is_complete(const struct wiring *);
bool wiring_is_tunnel_complete(const struct wiring *);

/* Whether tables were asked for (or end points), and not told yet. */
bool wiring_awaits_tables(const struct wiring *);

/* The QoS policy that holds for a port: its own, or that of its network; "": none. */
const char *wiring_policy_of(const struct wiring *, const struct nt_vo_port *);

/* wiring_run() has something to do. */
bool wiring_has_work(const struct wiring *);

/* Ports get their tags once 'is_guarded' says that their flows are installed. */
void wiring_open_ready(struct wiring *, bool (*is_guarded)(void *aux, const struct model_port *),
                       void *aux);

/* Ports that are to be reported up, once what they need is installed: those for which 'is_in'
 * says so are told to 'report' and done. */
struct wiring_report {
    bool (*is_in)(void *aux, const struct model_port *);
    void (*up)(void *aux, const struct model_port *, bool refresh);
    void *aux;
};
void wiring_report_ready(struct wiring *, const struct wiring_report *);

const struct model *wiring_model(const struct wiring *);

/* Per turn and in all. */
struct wiring_stats {
    uint64_t n_added, n_updated, n_removed, n_ancillary;
    uint64_t n_planned, n_dead, n_refused;
    uint64_t n_unbound; /* Ports here that the server has not bound here, or does not know. */
    size_t n_bound;
};
const struct wiring_stats *wiring_stats(const struct wiring *);
