/* One OpenFlow connection: asks the switch who it is, carries requests out one after the
 * other, and knows when it has to be given up.
 *
 * Used by openflow.c alone.  Callbacks of requests come from nt_conn_run() and from
 * nt_conn_free(), never from the function that takes the request. */
#pragma once

#include "openvswitch/list.h"
#include "wire/ovs/flow_wire.h"
#include "wire/ovs/openflow.h"

struct nt_conn;
struct rconn;
struct vconn;

struct nt_conn_context {
    int probe_interval_s, request_timeout_s;
    const struct nt_clock *clock;
    struct nt_flow_codec codec;
    struct nt_switch_stats stats;
    unsigned last_number; /* Of a connection. */
    void (*edited)(void *aux, const struct nt_conn *, uint64_t cookie);
    void *aux;
};

struct nt_conn {
    struct ovs_list node; /* For the owner's list. */
    struct nt_conn_context *context;
    struct rconn *rconn;
    bool is_ours;    /* We connect, and again when it broke. */
    bool is_doomed;  /* To be freed by its owner. */
    unsigned number; /* 0: the switch did not say yet who it is. */
    uint64_t datapath_id;

    unsigned session; /* Of the rconn, that 'number' is about. */
    int64_t since_ms; /* When the session, or the request under way, last got on. */
    uint32_t next_xid, next_bundle;
    struct ovs_list requests; /* The first one is under way. */
};

struct nt_conn *nt_conn_accepted(struct nt_conn_context *, struct vconn *);
struct nt_conn *nt_conn_to(struct nt_conn_context *, const char *target);

/* Tells what is under way NT_UNAVAILABLE. */
void nt_conn_free(struct nt_conn *);
void nt_conn_run(struct nt_conn *);
void nt_conn_wait(struct nt_conn *);

bool nt_conn_is_dumping(const struct nt_conn *);
void nt_conn_dump(struct nt_conn *, const struct nt_switch_dump *);
void nt_conn_bundle(struct nt_conn *, const struct nt_switch_bundle *);
void nt_conn_meters(struct nt_conn *, const struct nt_switch_meters *);
void nt_conn_meter(struct nt_conn *, const struct nt_meter_mod *);
