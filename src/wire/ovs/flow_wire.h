/* Flows as messages, for the connections of openflow.h: out of replies, into changes.
 *
 * A codec is scratch memory that calls share; what it hands out is borrowed until it is used
 * again. */
#pragma once

#include "openvswitch/ofp-protocol.h"
#include "openvswitch/ofpbuf.h"
#include "wire/ovs/flow.h"

struct nt_flow_codec {
    struct ofpbuf ofpacts; /* Actions as libopenvswitch has them. */
    struct ofpbuf bytes;   /* Canonical, being made. */
    struct ofpbuf flow;    /* The flow that was handed out. */
};
void nt_flow_codec_init(struct nt_flow_codec *);
void nt_flow_codec_deinit(struct nt_flow_codec *);

/* The next flow of a flow-stats reply: 1 with '*out', 0 at its end, -EPROTO when it is not
 * what it claims to be.  '*n_skipped' counts flows that use what this library does not know:
 * nobody here can have written them. */
int nt_flow_codec_next(struct nt_flow_codec *, struct ofpbuf *reply, size_t *n_skipped,
                       const struct nt_flow **out);

/* Appends a flow_mod to 'out', its length filled in. */
void nt_flow_codec_put(struct nt_flow_codec *, const struct nt_flow_mod *, enum ofp_version,
                       ovs_be32 xid, struct ofpbuf *out);
