/* Text or reply -> match and actions of libopenvswitch -> the bytes of OpenFlow 1.4.
 *
 * A switch keeps what it decoded and encodes it again when it is asked.  Some texts are
 * encoded differently once they have been decoded (mod_vlan_vid comes back as set_field), so
 * what is made of a text is decoded and encoded until that changes nothing. */
#include <config.h>

#include "wire/ovs/flow_wire.h"

#include <errno.h>
#include <string.h>

#include "base/hashing.h"
#include "base/mem.h"
#include "byte-order.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-actions.h"
#include "openvswitch/ofp-errors.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-match.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-port.h"

#define PROTOCOL OFPUTIL_P_OF14_OXM
#define VERSION_OF_BYTES OFP14_VERSION

/* More passes than any flow needs. */
#define MAX_PASSES 4

/* An action's length has 16 bits in memory too, and the library ends the program above. */
#define MAX_TEXT 32768

/* What a flow is besides its bytes. */
struct head {
    uint64_t cookie;
    uint8_t table;
    uint16_t priority, idle_timeout, hard_timeout;
};

void
nt_flow_codec_init(struct nt_flow_codec *codec)
{
    ofpbuf_init(&codec->ofpacts, 512);
    ofpbuf_init(&codec->bytes, 512);
    ofpbuf_init(&codec->flow, 512);
}

void
nt_flow_codec_deinit(struct nt_flow_codec *codec)
{
    ofpbuf_uninit(&codec->ofpacts);
    ofpbuf_uninit(&codec->bytes);
    ofpbuf_uninit(&codec->flow);
}

/* Puts the canonical bytes into codec->bytes; returns how many of them are the match. */
static size_t
encode(struct nt_flow_codec *codec, const struct match *match, const struct ofpact *ofpacts,
       size_t ofpacts_len)
{
    ofpbuf_clear(&codec->bytes);
    ofputil_put_ofp11_match(&codec->bytes, match, PROTOCOL);

    size_t n_match = codec->bytes.size;
    ofpacts_put_openflow_instructions(ofpacts, ofpacts_len, &codec->bytes, VERSION_OF_BYTES);
    return n_match;
}

/* Takes canonical bytes apart: '*match' and codec->ofpacts. */
static enum ofperr
decode(struct nt_flow_codec *codec, const void *bytes, size_t n, struct match *match)
{
    struct ofpbuf b = ofpbuf_const_initializer(bytes, n);
    uint64_t tlv_bitmap = 0;

    enum ofperr error = ofputil_pull_ofp11_match(&b, NULL, NULL, match, NULL);
    if (!error) {
        error = ofpacts_pull_openflow_instructions(&b, b.size, VERSION_OF_BYTES, NULL, &tlv_bitmap,
                                                   &codec->ofpacts);
    }
    return error;
}

/* The flow of codec->bytes, in codec->flow. */
static const struct nt_flow *
finish(struct nt_flow_codec *codec, const struct head *head, size_t n_match)
{
    const struct ofpbuf *b = &codec->bytes;

    ofpbuf_clear(&codec->flow);
    struct nt_flow *flow = ofpbuf_put_zeros(
        &codec->flow, MAX(sizeof *flow, offsetof(struct nt_flow, bytes) + b->size));
    flow->cookie = head->cookie;
    flow->table = head->table;
    flow->priority = head->priority;
    flow->idle_timeout = head->idle_timeout;
    flow->hard_timeout = head->hard_timeout;
    flow->n_match = (uint16_t) n_match;
    flow->n_instructions = (uint16_t) (b->size - n_match);
    memcpy(flow->bytes, b->data, b->size);
    return flow;
}

/* --- from text ----------------------------------------------------------------------------- */

/* Decodes and encodes codec->bytes until they stay as they are.  Returns the match's size, 0
 * with '*error' when they cannot be decoded. */
static size_t
settle(struct nt_flow_codec *codec, size_t n_match, enum ofperr *error)
{
    for (int i = 0; i < MAX_PASSES; i++) {
        AUTO_FREE void *before = xmemdup(codec->bytes.data, codec->bytes.size);
        size_t n_before = codec->bytes.size;
        struct match match;

        *error = decode(codec, before, n_before, &match);
        if (*error) {
            return 0;
        }
        n_match = encode(codec, &match, codec->ofpacts.data, codec->ofpacts.size);
        if (codec->bytes.size == n_before && !memcmp(codec->bytes.data, before, n_before)) {
            return n_match;
        }
    }
    *error = OFPERR_OFPBMC_BAD_MASK;
    return 0;
}

/* What can be said in the language and is not kept by the canonical form is refused rather
 * than dropped; reset_counts matters only to a modification. */
static int
check_mod(const struct ofputil_flow_mod *fm, const struct match *match, struct nt_err *err)
{
    struct match normal = *match;

    if (fm->flags & ~OFPUTIL_FF_RESET_COUNTS || fm->importance) {
        return nt_fail(err, NT_INVALID, "flags and importance of a flow are not supported");
    }
    ofputil_normalize_match_quiet(&normal);
    if (!match_equal(&normal, match)) {
        return nt_fail(err, NT_INVALID,
                       "a field of the match needs a protocol that the match does not name");
    }
    return 0;
}

static int
from_mod(struct nt_flow_codec *codec, struct ofputil_flow_mod *fm, struct nt_flow **out,
         struct nt_err *err)
{
    struct head head = { .cookie = ntohll(fm->new_cookie),
                         /* Not said: the first one, as ovs-ofctl has it. */
                         .table = fm->table_id == OFPTT_ALL ? 0 : fm->table_id,
                         .priority = (uint16_t) fm->priority,
                         .idle_timeout = fm->idle_timeout,
                         .hard_timeout = fm->hard_timeout };
    struct match match;
    enum ofperr error = 0;

    minimatch_expand(&fm->match, &match);
    if (check_mod(fm, &match, err) < 0) {
        return -1;
    }
    size_t n_match = encode(codec, &match, fm->ofpacts, fm->ofpacts_len);
    if (codec->bytes.size - n_match > NT_FLOW_MAX_INSTRUCTIONS) {
        return nt_fail(err, NT_INVALID, "actions of %zu bytes, at most %d are possible",
                       codec->bytes.size - n_match, NT_FLOW_MAX_INSTRUCTIONS);
    }
    n_match = settle(codec, n_match, &error);
    if (!n_match) {
        return nt_fail(err, NT_INVALID, "the switch would not understand it (%s)",
                       ofperr_to_string(error));
    }
    *out = nt_flow_clone(finish(codec, &head, n_match));
    return 0;
}

int
nt_flow_parse(const char *text, struct nt_flow **out, struct nt_err *err)
{
    enum ofputil_protocol usable;
    struct ofputil_flow_mod fm;
    struct nt_flow_codec codec;

    if (strlen(text) > MAX_TEXT) {
        return nt_fail(err, NT_INVALID, "a flow of %zu characters, at most %d are possible",
                       strlen(text), MAX_TEXT);
    }

    AUTO_FREE char *wrong = parse_ofp_str(&fm, OFPFC_ADD, text, NULL, NULL, &usable);
    if (wrong) {
        return nt_fail(err, NT_INVALID, "%s", wrong);
    }

    int retval = -1;
    nt_flow_codec_init(&codec);
    if (!(usable & PROTOCOL)) {
        (void) nt_fail(err, NT_INVALID, "it cannot be said in OpenFlow 1.4");
    } else {
        retval = from_mod(&codec, &fm, out, err);
    }
    nt_flow_codec_deinit(&codec);
    free(fm.ofpacts);
    minimatch_destroy(&fm.match);
    return retval;
}

/* --- values -------------------------------------------------------------------------------- */

static size_t
n_bytes(const struct nt_flow *flow)
{
    return (size_t) flow->n_match + flow->n_instructions;
}

struct nt_flow *
nt_flow_clone(const struct nt_flow *flow)
{
    return xmemdup(flow, MAX(sizeof *flow, offsetof(struct nt_flow, bytes) + n_bytes(flow)));
}

void
nt_flow_free(struct nt_flow *flow)
{
    free(flow);
}

uint32_t
nt_flow_hash(const struct nt_flow *flow)
{
    return hash_bytes(flow->bytes, flow->n_match, (uint32_t) flow->table << 16 | flow->priority);
}

bool
nt_flow_is_same(const struct nt_flow *a, const struct nt_flow *b)
{
    return a->table == b->table && a->priority == b->priority && a->n_match == b->n_match
           && !memcmp(a->bytes, b->bytes, a->n_match);
}

bool
nt_flow_does_same(const struct nt_flow *a, const struct nt_flow *b)
{
    return a->idle_timeout == b->idle_timeout && a->hard_timeout == b->hard_timeout
           && a->n_instructions == b->n_instructions
           && !memcmp(a->bytes + a->n_match, b->bytes + b->n_match, a->n_instructions);
}

uint32_t
nt_flow_in_port(const struct nt_flow *flow)
{
    struct ofpbuf b = ofpbuf_const_initializer(flow->bytes, flow->n_match);
    struct match match;

    if (ofputil_pull_ofp11_match(&b, NULL, NULL, &match, NULL)
        || !match.wc.masks.in_port.ofp_port) {
        return 0;
    }
    return (OVS_FORCE uint32_t) match.flow.in_port.ofp_port;
}

void
nt_flow_format(const struct nt_flow *flow, struct ds *out)
{
    struct nt_flow_codec codec;
    struct match match;

    nt_flow_codec_init(&codec);
    ds_put_format(out, "table=%u, ", flow->table);
    if (flow->idle_timeout) {
        ds_put_format(out, "idle_timeout=%u, ", flow->idle_timeout);
    }
    if (flow->hard_timeout) {
        ds_put_format(out, "hard_timeout=%u, ", flow->hard_timeout);
    }
    if (decode(&codec, flow->bytes, n_bytes(flow), &match)) {
        ds_put_format(out, "priority=%u actions=(not known)", flow->priority);
    } else {
        struct ofpact_format_params params = { .s = out };
        size_t length = out->length;

        match_format(&match, NULL, out, flow->priority);
        if (out->length != length) {
            ds_put_char(out, ' ');
        }
        ds_put_cstr(out, "actions=");
        ofpacts_format(codec.ofpacts.data, codec.ofpacts.size, &params);
    }
    nt_flow_codec_deinit(&codec);
}

/* --- from replies, into changes ------------------------------------------------------------ */

int
nt_flow_codec_next(struct nt_flow_codec *codec, struct ofpbuf *reply, size_t *n_skipped,
                   const struct nt_flow **out)
{
    for (;;) {
        if (!reply->header) {
            enum ofpraw raw;
            if (ofpraw_pull(&raw, reply)) {
                return -EPROTO;
            }
        }
        if (!reply->size) {
            return 0;
        }

        /* Each begins with its length: one that is not understood can be stepped over. */
        const uint8_t *start = reply->data;
        size_t left = reply->size;
        if (left < sizeof(struct ofp11_flow_stats)) {
            return -EPROTO;
        }
        size_t length = (size_t) start[0] << 8 | start[1];
        if (length < sizeof(struct ofp11_flow_stats) || length > left) {
            return -EPROTO;
        }

        struct ofputil_flow_stats fs;
        int error = ofputil_decode_flow_stats_reply(&fs, reply, false, &codec->ofpacts);
        ofpbuf_clear(&codec->bytes);
        if (error || (const uint8_t *) reply->data != start + length) {
            reply->data = (void *) (uintptr_t) (start + length);
            reply->size = (uint32_t) (left - length);
            ++*n_skipped;
            continue;
        }

        struct head head = { .cookie = ntohll(fs.cookie),
                             .table = fs.table_id,
                             .priority = fs.priority,
                             .idle_timeout = fs.idle_timeout,
                             .hard_timeout = fs.hard_timeout };
        size_t n_match = encode(codec, &fs.match, fs.ofpacts, fs.ofpacts_len);
        if (codec->bytes.size > UINT16_MAX) {
            ++*n_skipped;
            continue;
        }
        *out = finish(codec, &head, n_match);
        return 1;
    }
}

void
nt_flow_codec_put(struct nt_flow_codec *codec, const struct nt_flow_mod *mod,
                  enum ofp_version version, ovs_be32 xid, struct ofpbuf *out)
{
    const struct nt_flow *flow = mod->flow;
    bool is_add = mod->command == NT_FLOW_ADD;
    size_t start = out->size;

    ofpraw_put_xid(OFPRAW_OFPT11_FLOW_MOD, (uint8_t) version, xid, out);
    struct ofp11_flow_mod *ofm = ofpbuf_put_zeros(out, sizeof *ofm);
    ofm->cookie = is_add ? htonll(flow->cookie) : 0;
    ofm->table_id = flow->table;
    ofm->command = is_add ? OFPFC_ADD : OFPFC_DELETE_STRICT;
    ofm->idle_timeout = is_add ? htons(flow->idle_timeout) : 0;
    ofm->hard_timeout = is_add ? htons(flow->hard_timeout) : 0;
    ofm->priority = htons(flow->priority);
    ofm->buffer_id = htonl(UINT32_MAX);
    ofm->out_port = ofputil_port_to_ofp11(OFPP_ANY);
    ofm->out_group = htonl(OFPG_ANY);

    struct match match;
    if (version == VERSION_OF_BYTES) {
        ofpbuf_put(out, flow->bytes, is_add ? n_bytes(flow) : flow->n_match);
    } else if (!decode(codec, flow->bytes, n_bytes(flow), &match)) {
        ofputil_put_ofp11_match(out, &match, ofputil_protocol_from_ofp_version(version));
        if (is_add) {
            ofpacts_put_openflow_instructions(codec->ofpacts.data, codec->ofpacts.size, out,
                                              version);
        }
    }

    struct ofp_header *oh = ofpbuf_at_assert(out, start, sizeof *oh);
    oh->length = htons((uint16_t) (out->size - start));
}
