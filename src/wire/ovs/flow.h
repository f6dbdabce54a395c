/* OpenFlow flows in canonical form: the bytes that go over the wire.
 *
 * Two flows are the same when their bytes are, so a wanted flow (written as ovs-ofctl writes
 * it) is compared with an installed one without either being interpreted: both have gone
 * through the same encoder of libopenvswitch, OpenFlow 1.4.
 *
 * A flow is identified by table, priority and match; its actions and time-outs are what may
 * be modified; its cookie says whose it is and is not compared.
 *
 * Pure functions; no state. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct ds;

struct nt_flow {
    uint64_t cookie;
    uint8_t table;
    uint16_t priority;
    uint16_t idle_timeout, hard_timeout; /* Seconds; 0: none. */
    uint16_t n_match, n_instructions;    /* Bytes; each a multiple of 8. */
    uint8_t bytes[];                     /* ofp_match, then instructions. */
};

/* "table=0,priority=3,in_port=5,dl_vlan=123,actions=..." (ovs-ofctl(8)).  The caller frees
 * with nt_flow_free().  Fails with NT_INVALID. */
NT_NODISCARD int nt_flow_parse(const char *text, struct nt_flow **out, struct nt_err *);
struct nt_flow *nt_flow_clone(const struct nt_flow *);
void nt_flow_free(struct nt_flow *);
NT_AUTO(nt_flow)

uint32_t nt_flow_hash(const struct nt_flow *); /* Of what identifies it. */
bool nt_flow_is_same(const struct nt_flow *, const struct nt_flow *);
bool nt_flow_does_same(const struct nt_flow *, const struct nt_flow *); /* Actions, time-outs. */

/* The port that it matches; 0: any. */
uint32_t nt_flow_in_port(const struct nt_flow *);

/* Appends it as ovs-ofctl shows it, without cookie and counters. */
void nt_flow_format(const struct nt_flow *, struct ds *out);

/* What is sent: add (or replace), or delete exactly this one. */
enum nt_flow_command { NT_FLOW_ADD, NT_FLOW_DELETE };
struct nt_flow_mod {
    enum nt_flow_command command;
    const struct nt_flow *flow; /* Borrowed. */
};

/* Bytes of an action list as the kernel's datapath would get it have a limit; a flow whose
 * instructions are longer than this is to be split by its planner. */
#define NT_FLOW_MAX_INSTRUCTIONS 16384
