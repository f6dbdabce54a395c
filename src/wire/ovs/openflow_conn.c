/* Messages of one connection.
 *
 * A bundle goes through these steps; a dump, of flows or meters, is one request and its replies,
 * a change of a meter one message and a barrier:
 *
 *     OPEN    open, and the changes behind it as fast as the switch takes them
 *     CLOSE   all sent; the answer comes behind every complaint about a change
 *     COMMIT  nobody complained: commit and barrier
 *     DISCARD somebody did: what the switch has of it is thrown away
 *
 * A switch that refuses a change while it is added would still commit the others, so the
 * commit waits for the answer to the close.
 *
 * Numbers of messages (xids) of a bundle are consecutive, so a complaint tells which change
 * it is for. */
#include <config.h>

#include "wire/ovs/openflow_conn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "byte-order.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-bundle.h"
#include "openvswitch/ofp-connection.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-meter.h"
#include "openvswitch/ofp-monitor.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-switch.h"
#include "openvswitch/ofp-util.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/rconn.h"
#include "openvswitch/vconn.h"

NT_LOG_MODULE(openflow);

#define VERSIONS ((1u << OFP13_VERSION) | (1u << OFP14_VERSION))

/* In a turn at most so much is taken and given; what is left has its next turn at once. */
#define MAX_RECEIVED 16
#define MAX_SENT 1000

/* Messages that wait in the rconn, which has them one by one in memory. */
#define MAX_QUEUED 200

/* Who connects has so long to say who it is. */
#define HANDSHAKE_MS 10000
#define MAX_BACKOFF_S 2

enum step {
    STEP_QUEUED,
    STEP_DUMP,
    STEP_METERS,
    STEP_METER,
    STEP_OPEN,
    STEP_CLOSE,
    STEP_COMMIT,
    STEP_DISCARD
};

/* Places of messages behind the first number of a bundle with n changes: open, the changes,
 * and these. */
enum { XID_OPEN = 0, XID_CHANGE = 1 };
#define XID_CLOSE(n) ((uint32_t) (n) + 1)
#define XID_COMMIT(n) ((uint32_t) (n) + 2)
#define XID_BARRIER(n) ((uint32_t) (n) + 3)
#define XID_DISCARD(n) ((uint32_t) (n) + 4)
#define N_XIDS(n) ((uint32_t) (n) + 5)

struct request {
    struct ovs_list node;
    enum step step;
    uint32_t xid; /* The first number. */

    /* A dump. */
    struct nt_switch_dump dump; /* 'done' NULL: it is a bundle. */
    size_t n_skipped;

    /* Meters, or a change of one; 'done' NULL: something else. */
    struct nt_switch_meters meters;
    struct nt_meter_mod meter;

    /* A bundle. */
    nt_switch_done *done;
    void *aux;
    size_t n;
    uint32_t bundle_id;
    struct ofpbuf changes; /* Whole messages, one behind the other. */
    size_t sent;           /* Bytes of them. */

    struct nt_err err; /* The first complaint, and the change that it is for. */
    size_t failed;
};

static int64_t
now_ms(const struct nt_conn *conn)
{
    return nt_mono_ms(conn->context->clock);
}

static struct nt_conn *
conn_new(struct nt_conn_context *context)
{
    struct nt_conn *conn = xzalloc(sizeof *conn);

    conn->context = context;
    conn->rconn = rconn_create(context->probe_interval_s, MAX_BACKOFF_S, 0, VERSIONS);
    conn->next_xid = 1;
    conn->next_bundle = 1;
    ovs_list_init(&conn->requests);
    return conn;
}

struct nt_conn *
nt_conn_accepted(struct nt_conn_context *context, struct vconn *vconn)
{
    struct nt_conn *conn = conn_new(context);

    rconn_connect_unreliably(conn->rconn, vconn, NULL);
    return conn;
}

struct nt_conn *
nt_conn_to(struct nt_conn_context *context, const char *target)
{
    struct nt_conn *conn = conn_new(context);

    conn->is_ours = true;
    rconn_connect(conn->rconn, target, NULL);
    return conn;
}

/* Ends a request; its callback may ask for new ones, and may doom the connection. */
static void
finish(struct nt_conn *conn, struct request *r, const struct nt_err *err)
{
    struct nt_switch_stats *stats = &conn->context->stats;

    ovs_list_remove(&r->node);
    conn->since_ms = now_ms(conn);
    if (r->dump.done) {
        stats->n_dumps += !err;
        if (r->n_skipped) {
            char n[24];
            snprintf(n, sizeof n, "%zu", r->n_skipped);
            nt_warn_rl("flows not understood, left alone", "connection",
                       rconn_get_name(conn->rconn), "n", n, NULL);
        }
        r->dump.done(r->dump.aux, err);
    } else if (r->meters.done) {
        r->meters.done(r->meters.aux, err);
    } else if (r->meter.done) {
        r->meter.done(r->meter.aux, err);
    } else {
        stats->n_bundles += !err;
        stats->n_flow_mods += err ? 0 : r->n;
        r->done(r->aux, err, r->failed);
    }
    ofpbuf_uninit(&r->changes);
    free(r);
}

/* What was under way, and what waited, is told; the session is over. */
static void
end_session(struct nt_conn *conn)
{
    struct ovs_list requests;
    struct nt_err err;

    conn->number = 0;
    ovs_list_move(&requests, &conn->requests);
    ovs_list_init(&conn->requests);
    (void) nt_fail(&err, NT_UNAVAILABLE, "the connection to the switch ended");
    while (!ovs_list_is_empty(&requests)) {
        struct request *r = CONTAINER_OF(ovs_list_front(&requests), struct request, node);
        r->failed = r->n;
        finish(conn, r, &err);
    }
}

void
nt_conn_free(struct nt_conn *conn)
{
    if (conn) {
        /* Callbacks find no connection, so they cannot ask for more. */
        end_session(conn);
        rconn_destroy(conn->rconn);
        free(conn);
    }
}

/* Ends the connection: the switch connects again, or we do. */
static void
drop(struct nt_conn *conn, const char *why)
{
    nt_warn_rl("connection to the switch given up", "connection", rconn_get_name(conn->rconn),
               "why", why, NULL);
    if (conn->is_ours) {
        rconn_reconnect(conn->rconn);
    } else {
        rconn_disconnect(conn->rconn);
    }
}

static void
send_message(struct nt_conn *conn, struct ofpbuf *message)
{
    /* Not connected any more: the session ends in its next turn, and all with it. */
    (void) rconn_send(conn->rconn, message, NULL);
}

static enum ofp_version
version_of(const struct nt_conn *conn)
{
    int version = rconn_get_version(conn->rconn);

    return version == OFP13_VERSION ? OFP13_VERSION : OFP14_VERSION;
}

/* --- requests ------------------------------------------------------------------------------ */

static struct request *
request_new(struct nt_conn *conn, uint32_t n_xids)
{
    struct request *r = xzalloc(sizeof *r);

    /* A complaint about another message has none of these numbers: 0 is nobody's. */
    if (conn->next_xid > UINT32_MAX - n_xids) {
        conn->next_xid = 1;
    }
    r->xid = conn->next_xid;
    conn->next_xid += n_xids;
    if (ovs_list_is_empty(&conn->requests)) {
        conn->since_ms = now_ms(conn);
    }
    ovs_list_push_back(&conn->requests, &r->node);
    return r;
}

static void
send_control(struct nt_conn *conn, const struct request *r, enum ofp14_bundle_ctrl_type type,
             uint32_t place)
{
    struct ofputil_bundle_ctrl_msg m = { .bundle_id = r->bundle_id,
                                         .type = type,
                                         .flags = OFPBF_ATOMIC | OFPBF_ORDERED };
    struct ofpbuf *message = ofputil_encode_bundle_ctrl_request(version_of(conn), &m);

    ((struct ofp_header *) message->data)->xid = htonl(r->xid + place);
    send_message(conn, message);
}

static void
send_barrier(struct nt_conn *conn, const struct request *r)
{
    struct ofpbuf *message = ofputil_encode_barrier_request(version_of(conn));

    ((struct ofp_header *) message->data)->xid = htonl(r->xid + XID_BARRIER(r->n));
    send_message(conn, message);
}

static void
send_dump(struct nt_conn *conn, const struct request *r)
{
    struct ofputil_flow_stats_request fsr = { .table_id = OFPTT_ALL,
                                              .out_port = OFPP_ANY,
                                              .out_group = OFPG_ANY };

    match_init_catchall(&fsr.match);
    struct ofpbuf *message = ofputil_encode_flow_stats_request(
        &fsr, ofputil_protocol_from_ofp_version(version_of(conn)));
    ((struct ofp_header *) message->data)->xid = htonl(r->xid);
    send_message(conn, message);
}

static void
send_meters(struct nt_conn *conn, const struct request *r)
{
    struct ofpbuf *message =
        ofputil_encode_meter_request(version_of(conn), OFPUTIL_METER_CONFIG, OFPM13_ALL);

    ((struct ofp_header *) message->data)->xid = htonl(r->xid);
    send_message(conn, message);
}

static void
send_meter(struct nt_conn *conn, const struct request *r)
{
    static const uint16_t commands[] = {
        [NT_METER_ADD] = OFPMC13_ADD,
        [NT_METER_MODIFY] = OFPMC13_MODIFY,
        [NT_METER_DELETE] = OFPMC13_DELETE,
    };
    struct ofputil_meter_band band = {
        .type = OFPMBT13_DROP,
        .rate = r->meter.meter.pps,
        .burst_size = r->meter.meter.burst,
    };
    const struct ofputil_meter_mod mod = {
        .command = commands[r->meter.command],
        .meter = { .meter_id = r->meter.meter.id,
                   .flags = OFPMF13_PKTPS,
                   .n_bands = r->meter.command != NT_METER_DELETE,
                   .bands = &band },
    };
    struct ofpbuf *message = ofputil_encode_meter_mod(version_of(conn), &mod);

    ((struct ofp_header *) message->data)->xid = htonl(r->xid);
    send_message(conn, message);
    message = ofputil_encode_barrier_request(version_of(conn));
    ((struct ofp_header *) message->data)->xid = htonl(r->xid + 1);
    send_message(conn, message);
}

static struct request *
under_way(const struct nt_conn *conn)
{
    return ovs_list_is_empty(&conn->requests)
               ? NULL
               : CONTAINER_OF(ovs_list_front(&conn->requests), struct request, node);
}

static bool
can_feed(const struct nt_conn *conn, const struct request *r)
{
    return r->step == STEP_OPEN && rconn_count_txqlen(conn->rconn) < MAX_QUEUED;
}

/* Sends changes as long as they go; behind the last one the bundle is closed. */
static void
feed(struct nt_conn *conn, struct request *r)
{
    for (int i = 0; i < MAX_SENT && can_feed(conn, r); i++) {
        if (r->sent == r->changes.size) {
            r->step = STEP_CLOSE;
            send_control(conn, r, OFPBCT_CLOSE_REQUEST, XID_CLOSE(r->n));
            break;
        }
        const struct ofp_header *oh = ofpbuf_at_assert(&r->changes, r->sent, sizeof *oh);
        size_t length = ntohs(oh->length);
        send_message(conn, ofpbuf_clone_data(oh, length));
        r->sent += length;
        conn->since_ms = now_ms(conn);
    }
}

static void
run_requests(struct nt_conn *conn)
{
    struct request *r = conn->number && !conn->is_doomed ? under_way(conn) : NULL;

    if (!r) {
        return;
    }
    if (r->step == STEP_QUEUED) {
        conn->since_ms = now_ms(conn);
        if (r->dump.done) {
            r->step = STEP_DUMP;
            send_dump(conn, r);
        } else if (r->meters.done) {
            r->step = STEP_METERS;
            send_meters(conn, r);
        } else if (r->meter.done) {
            r->step = STEP_METER;
            send_meter(conn, r);
        } else {
            r->step = STEP_OPEN;
            send_control(conn, r, OFPBCT_OPEN_REQUEST, XID_OPEN);
        }
    }
    feed(conn, r);
}

bool
nt_conn_is_dumping(const struct nt_conn *conn)
{
    const struct request *r;

    LIST_FOR_EACH (r, node, &conn->requests) {
        if (r->dump.done) {
            return true;
        }
    }
    return false;
}

void
nt_conn_dump(struct nt_conn *conn, const struct nt_switch_dump *dump)
{
    struct request *r = request_new(conn, 1);

    r->dump = *dump;
    ofpbuf_init(&r->changes, 0);
    run_requests(conn);
}

void
nt_conn_meters(struct nt_conn *conn, const struct nt_switch_meters *to)
{
    struct request *r = request_new(conn, 1);

    r->meters = *to;
    ofpbuf_init(&r->changes, 0);
    run_requests(conn);
}

void
nt_conn_meter(struct nt_conn *conn, const struct nt_meter_mod *mod)
{
    struct request *r = request_new(conn, 2);

    r->meter = *mod;
    ofpbuf_init(&r->changes, 0);
    run_requests(conn);
}

void
nt_conn_bundle(struct nt_conn *conn, const struct nt_switch_bundle *bundle)
{
    size_t n = bundle->n;
    struct request *r = request_new(conn, N_XIDS(n));
    enum ofp_version version = version_of(conn);
    enum ofpraw raw = version == OFP13_VERSION ? OFPRAW_ONFT13_BUNDLE_ADD_MESSAGE
                                               : OFPRAW_OFPT14_BUNDLE_ADD_MESSAGE;

    r->done = bundle->done;
    r->aux = bundle->aux;
    r->n = n;
    r->failed = n;
    r->bundle_id = conn->next_bundle++;
    ofpbuf_init(&r->changes, n * 256);
    for (size_t i = 0; i < n; i++) {
        ovs_be32 xid = htonl(r->xid + XID_CHANGE + (uint32_t) i);
        size_t start = r->changes.size;

        ofpraw_put_xid(raw, (uint8_t) version, xid, &r->changes);
        struct ofp14_bundle_ctrl_msg *m = ofpbuf_put_zeros(&r->changes, sizeof *m);
        m->bundle_id = htonl(r->bundle_id);
        m->flags = htons(OFPBF_ATOMIC | OFPBF_ORDERED);
        nt_flow_codec_put(&conn->context->codec, &bundle->mods[i], version, xid, &r->changes);
        struct ofp_header *oh = ofpbuf_at_assert(&r->changes, start, sizeof *oh);
        oh->length = htons((uint16_t) (r->changes.size - start));
    }
    run_requests(conn);
}

/* --- what comes in ------------------------------------------------------------------------- */

/* The bundle is not wanted any more: what the switch has of it goes. */
static void
discard(struct nt_conn *conn, struct request *r)
{
    r->step = STEP_DISCARD;
    send_control(conn, r, OFPBCT_DISCARD_REQUEST, XID_DISCARD(r->n));
}

static void
complain(struct request *r, size_t place, enum ofperr error)
{
    /* The one that names a change counts more than one that does not. */
    if (!r->err.code || (r->failed == r->n && place < r->n)) {
        r->failed = place;
        (void) nt_fail(&r->err, NT_INVALID, "the switch refused it: %s", ofperr_to_string(error));
    }
}

static void
handle_bundle_error(struct nt_conn *conn, struct request *r, uint32_t place, enum ofperr error)
{
    if (place >= XID_CHANGE && place < XID_CHANGE + r->n) {
        complain(r, place - XID_CHANGE, error);
        if (r->step == STEP_OPEN) {
            discard(conn, r);
        }
    } else if (place == XID_OPEN) {
        complain(r, r->n, error);
        if (r->step == STEP_OPEN) {
            discard(conn, r);
        }
    } else if (place == XID_CLOSE(r->n)) {
        complain(r, r->n, error);
        discard(conn, r);
    } else if (place == XID_COMMIT(r->n)) {
        complain(r, r->n, error);
        finish(conn, r, &r->err);
    } else if (place == XID_DISCARD(r->n)) {
        /* There was nothing to discard. */
        complain(r, r->n, error);
        finish(conn, r, &r->err);
    } else if (place == XID_BARRIER(r->n)) {
        finish(conn, r, r->err.code ? &r->err : NULL);
    }
}

static void
handle_error(struct nt_conn *conn, const struct ofp_header *oh)
{
    struct request *r = under_way(conn);
    enum ofperr error = ofperr_decode_msg(oh, NULL);
    uint32_t place = r ? ntohl(oh->xid) - r->xid : 0;

    conn->context->stats.n_errors++;
    if (!error) {
        error = OFPERR_OFPBRC_EPERM;
    }
    if (r && r->step == STEP_DUMP && place == 0) {
        struct nt_err err;
        (void) nt_fail(&err, NT_FAULT, "the switch does not tell its flows: %s",
                       ofperr_to_string(error));
        finish(conn, r, &err);
    } else if (r && r->step == STEP_METERS && place == 0) {
        struct nt_err err;
        (void) nt_fail(&err, NT_UNSUPPORTED, "the switch does not tell its meters: %s",
                       ofperr_to_string(error));
        finish(conn, r, &err);
    } else if (r && r->step == STEP_METER && place == 0) {
        (void) nt_fail(&r->err, NT_INVALID, "the switch refused it: %s", ofperr_to_string(error));
    } else if (r && r->step >= STEP_OPEN && place < N_XIDS(r->n)) {
        conn->since_ms = now_ms(conn);
        handle_bundle_error(conn, r, place, error);
    } else {
        nt_debug("error of the switch", "connection", rconn_get_name(conn->rconn), "error",
                 ofperr_to_string(error), NULL);
    }
}

static void
handle_bundle_control(struct nt_conn *conn, const struct ofp_header *oh)
{
    struct request *r = under_way(conn);
    struct ofputil_bundle_ctrl_msg m;

    if (!r || ofputil_decode_bundle_ctrl(oh, &m) || m.bundle_id != r->bundle_id) {
        return;
    }
    conn->since_ms = now_ms(conn);
    if (r->step == STEP_CLOSE && m.type == OFPBCT_CLOSE_REPLY) {
        if (r->err.code) {
            discard(conn, r);
        } else {
            r->step = STEP_COMMIT;
            send_control(conn, r, OFPBCT_COMMIT_REQUEST, XID_COMMIT(r->n));
            send_barrier(conn, r);
        }
    } else if (r->step == STEP_DISCARD && m.type == OFPBCT_DISCARD_REPLY) {
        finish(conn, r, &r->err);
    }
}

static void
handle_barrier_reply(struct nt_conn *conn, const struct ofp_header *oh)
{
    struct request *r = under_way(conn);

    if (r && r->step == STEP_COMMIT && ntohl(oh->xid) == r->xid + XID_BARRIER(r->n)) {
        finish(conn, r, r->err.code ? &r->err : NULL);
    } else if (r && r->step == STEP_METER && ntohl(oh->xid) == r->xid + 1) {
        finish(conn, r, r->err.code ? &r->err : NULL);
    }
}

static void
handle_meters(struct nt_conn *conn, struct ofpbuf *message)
{
    const struct ofp_header *oh = message->data;
    struct request *r = under_way(conn);
    struct ofputil_meter_config config;
    struct ofpbuf bands;
    int rc;

    if (!r || r->step != STEP_METERS || ntohl(oh->xid) != r->xid) {
        return;
    }
    conn->since_ms = now_ms(conn);
    message->header = NULL;
    ofpbuf_init(&bands, 64);
    while (!(rc = ofputil_decode_meter_config(message, &config, &bands))) {
        bool is_ours = config.flags & OFPMF13_PKTPS && config.n_bands == 1
                       && config.bands[0].type == OFPMBT13_DROP;
        const struct nt_meter meter = {
            .id = config.meter_id,
            .pps = is_ours ? config.bands[0].rate : 0,
            .burst = is_ours ? config.bands[0].burst_size : 0,
        };
        r->meters.meter(r->meters.aux, &meter);
    }
    ofpbuf_uninit(&bands);
    if (rc != EOF) {
        drop(conn, "meters that are none");
    } else if (!ofpmp_more(oh)) {
        finish(conn, r, NULL);
    }
}

static void
handle_flows(struct nt_conn *conn, struct ofpbuf *message)
{
    const struct ofp_header *oh = message->data;
    struct request *r = under_way(conn);
    const struct nt_flow *flow;
    int n;

    if (!r || r->step != STEP_DUMP || ntohl(oh->xid) != r->xid) {
        return;
    }
    conn->since_ms = now_ms(conn);
    message->header = NULL;
    while ((n = nt_flow_codec_next(&conn->context->codec, message, &r->n_skipped, &flow)) > 0) {
        conn->context->stats.n_dumped_flows++;
        r->dump.flow(r->dump.aux, flow);
    }
    if (n < 0) {
        drop(conn, "flows that are none");
    } else if (!ofpmp_more(oh)) {
        finish(conn, r, NULL);
    }
}

/* What others do to flows is told from now on.  A switch that cannot complains, and is looked at
 * now and then. */
static void
watch_flows(struct nt_conn *conn)
{
    struct ofputil_flow_monitor_request request = {
        .command = OFPFMC_ADD,
        .flags = OFPFMF_ADD | OFPFMF_REMOVED | OFPFMF_MODIFY,
        .out_port = OFPP_ANY,
        .out_group = OFPG_ANY,
        .table_id = OFPTT_ALL,
    };
    struct ofpbuf *message = ofpbuf_new(0);

    match_init_catchall(&request.match);
    ofputil_append_flow_monitor_request(&request, message,
                                        ofputil_protocol_from_ofp_version(version_of(conn)));
    ofpmsg_update_length(message);
    ((struct ofp_header *) message->data)->xid = 0;
    send_message(conn, message);
}

/* Own changes are told as numbers of messages.  What has a time-out was learned, or is to go by
 * itself. */
static void
handle_updates(struct nt_conn *conn, struct ofpbuf *message)
{
    struct nt_conn_context *context = conn->context;
    struct ofputil_flow_update update;

    message->header = NULL;
    while (!ofputil_decode_flow_update(&update, message, &context->codec.ofpacts)) {
        if (update.event != OFPFME_ABBREV && !update.idle_timeout && !update.hard_timeout) {
            context->edited(context->aux, conn, ntohll(update.cookie));
        }
    }
}

static void
handle_features(struct nt_conn *conn, struct ofpbuf *message)
{
    struct ofputil_switch_features features;
    struct ofpbuf *off;
    struct ofputil_async_cfg nothing = OFPUTIL_ASYNC_CFG_INIT;

    message->header = NULL;
    if (conn->number || ofputil_pull_switch_features(message, &features)) {
        return;
    }
    conn->datapath_id = features.datapath_id;
    if (!++conn->context->last_number) {
        conn->context->last_number = 1;
    }
    conn->number = conn->context->last_number;
    conn->context->stats.n_connections++;

    /* Nothing is to be told that was not asked for. */
    off = ofputil_encode_set_async_config(
        &nothing, (1u << OAM_PACKET_IN) | (1u << OAM_PORT_STATUS) | (1u << OAM_FLOW_REMOVED),
        version_of(conn));
    ((struct ofp_header *) off->data)->xid = 0;
    send_message(conn, off);
    watch_flows(conn);
}

static void
handle(struct nt_conn *conn, struct ofpbuf *message)
{
    const struct ofp_header *oh = message->data;
    enum ofptype type;

    if (ofptype_decode(&type, oh)) {
        return;
    }
    /* Whatever else it tells is not for us. */
    if (type == OFPTYPE_ECHO_REQUEST) {
        send_message(conn, ofputil_encode_echo_reply(oh));
    } else if (type == OFPTYPE_FEATURES_REPLY) {
        handle_features(conn, message);
    } else if (type == OFPTYPE_ERROR) {
        handle_error(conn, oh);
    } else if (type == OFPTYPE_FLOW_STATS_REPLY) {
        handle_flows(conn, message);
    } else if (type == OFPTYPE_METER_CONFIG_STATS_REPLY) {
        handle_meters(conn, message);
    } else if (type == OFPTYPE_BUNDLE_CONTROL) {
        handle_bundle_control(conn, oh);
    } else if (type == OFPTYPE_BARRIER_REPLY) {
        handle_barrier_reply(conn, oh);
    } else if (type == OFPTYPE_FLOW_MONITOR_STATS_REPLY) {
        handle_updates(conn, message);
    } else if (type == OFPTYPE_FLOW_MONITOR_RESUMED) {
        conn->context->edited(conn->context->aux, conn, 0); /* Not all was told meanwhile. */
    }
}

/* --- the connection itself ------------------------------------------------------------------ */

static void
begin_session(struct nt_conn *conn)
{
    struct ofpbuf *ask =
        ofpraw_alloc_xid(OFPRAW_OFPT_FEATURES_REQUEST, (uint8_t) version_of(conn), 0, 0);

    conn->since_ms = now_ms(conn);
    send_message(conn, ask);
}

static int64_t
deadline_ms(const struct nt_conn *conn)
{
    if (!rconn_is_connected(conn->rconn)) {
        return INT64_MAX;
    }
    if (!conn->number) {
        return conn->since_ms + HANDSHAKE_MS;
    }
    return ovs_list_is_empty(&conn->requests)
               ? INT64_MAX
               : conn->since_ms + (int64_t) conn->context->request_timeout_s * 1000;
}

void
nt_conn_run(struct nt_conn *conn)
{
    rconn_run(conn->rconn);

    unsigned session = rconn_get_connection_seqno(conn->rconn);
    if (session != conn->session || !rconn_is_connected(conn->rconn)) {
        if (conn->number) {
            end_session(conn);
        }
        if (session != conn->session && rconn_is_connected(conn->rconn)) {
            begin_session(conn);
        }
        conn->session = session;
    }

    for (int i = 0; i < MAX_RECEIVED && !conn->is_doomed; i++) {
        struct ofpbuf *message = rconn_recv(conn->rconn);
        if (!message) {
            break;
        }
        handle(conn, message);
        ofpbuf_delete(message);
        run_requests(conn);
    }
    run_requests(conn);
    if (now_ms(conn) >= deadline_ms(conn)) {
        drop(conn,
             conn->number ? "a request was not answered in time" : "it does not say its name");
    }
    if (!conn->is_ours && !rconn_is_alive(conn->rconn)) {
        conn->is_doomed = true;
    }
}

void
nt_conn_wait(struct nt_conn *conn)
{
    const struct request *r = under_way(conn);
    int64_t deadline = deadline_ms(conn);

    if (conn->is_doomed || (conn->number && r && (r->step == STEP_QUEUED || can_feed(conn, r)))) {
        poll_immediate_wake();
    }
    rconn_run_wait(conn->rconn);
    rconn_recv_wait(conn->rconn);
    if (deadline != INT64_MAX) {
        int64_t left = deadline - now_ms(conn);
        poll_timer_wait(left > 0 ? left : 0);
    }
}
