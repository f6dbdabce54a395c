/* Flows out of what a switch sends, and out of text.
 *
 * The first byte chooses: text of ovs-ofctl; or the body of a flow-stats reply in OpenFlow 1.3
 * or 1.4, header and length as a connection would have checked them.  What is decoded is
 * canonical: its own text, when there is one, and its own flow_mod give the same bytes. */
#include <config.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/vlog.h"
#include "wire/ovs/flow_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int ok)
{
    if (!ok) {
        abort();
    }
}

/* Sent and told again by the switch it is the same flow. */
static void
check_wire(struct nt_flow_codec *codec, const struct nt_flow *flow, enum ofp_version version)
{
    const struct nt_flow_mod mods[] = { { NT_FLOW_ADD, flow }, { NT_FLOW_DELETE, flow } };
    struct ofpbuf out;

    ofpbuf_init(&out, 0);
    for (size_t i = 0; i < NT_ARRAY_SIZE(mods); i++) {
        ofpbuf_clear(&out);
        nt_flow_codec_put(codec, &mods[i], version, htonl(7), &out);
        const struct ofp_header *oh = out.data;
        check(ntohs(oh->length) == out.size || out.size > UINT16_MAX);
    }
    ofpbuf_uninit(&out);
}

static void
text(const char *s)
{
    struct nt_flow *flow = NULL, *again = NULL;
    struct nt_err err = { 0 };
    struct nt_flow_codec codec;

    if (nt_flow_parse(s, &flow, &err) < 0) {
        check(err.code == NT_INVALID && *err.msg);
        return;
    }
    struct ds ds = DS_EMPTY_INITIALIZER;
    nt_flow_format(flow, &ds);
    if (!nt_flow_parse(ds_cstr(&ds), &again, &err)) {
        check(nt_flow_is_same(flow, again));
        nt_flow_free(again);
    }
    ds_destroy(&ds);
    nt_flow_codec_init(&codec);
    check_wire(&codec, flow, OFP13_VERSION);
    check_wire(&codec, flow, OFP14_VERSION);
    nt_flow_codec_deinit(&codec);
    nt_flow_free(flow);
}

static void
reply(const uint8_t *data, size_t size, enum ofp_version version)
{
    struct nt_flow_codec codec;
    const struct nt_flow *flow;
    struct ofpbuf message;
    size_t n_skipped = 0, n = 0;

    ofpbuf_init(&message, 0);
    ofpraw_put(OFPRAW_OFPST13_FLOW_REPLY, (uint8_t) version, &message);
    ofpbuf_put(&message, data, MIN(size, 60000));
    ofpmsg_update_length(&message);
    message.header = NULL;

    nt_flow_codec_init(&codec);
    while (nt_flow_codec_next(&codec, &message, &n_skipped, &flow) > 0) {
        AUTO(nt_flow) own = nt_flow_clone(flow);
        struct ds ds = DS_EMPTY_INITIALIZER;

        check(own->n_match % 8 == 0 && own->n_instructions % 8 == 0);
        check(nt_flow_is_same(own, flow) && nt_flow_does_same(own, flow));
        nt_flow_format(own, &ds);
        ds_destroy(&ds);
        check_wire(&codec, own, version);
        check(++n <= size / 48);
    }
    nt_flow_codec_deinit(&codec);
    ofpbuf_uninit(&message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    if (!size) {
        return 0;
    }
    if (data[0] % 3 == 0) {
        AUTO_FREE char *s = xmemdup0((const char *) data + 1, size - 1);
        text(s);
    } else {
        reply(data + 1, size - 1, data[0] % 3 == 1 ? OFP13_VERSION : OFP14_VERSION);
    }
    return 0;
}
