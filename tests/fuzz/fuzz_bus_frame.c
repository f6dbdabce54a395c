/* Fuzzes what a peer can send: frame splitting, frame and envelope decoding, and
 * the arguments of every method.
 *
 * The first byte chooses the size of the pieces the decoder gets. */
#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bus/embedded_frame.h"
#include "bus/envelope.h"
#include "openvswitch/json.h"
#include "rpc/compute.h"
#include "rpc/conductor.h"
#include "rpc/network.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
decode_fields(const struct nt_field *fields, size_t size, const struct json *json)
{
    struct nt_err err;

    if (fields) {
        void *obj = xzalloc(size);

        if (nt_fields_parse(fields, NT_IN_RPC, json, "x", obj, &err) == 0) {
            json_destroy(nt_fields_json(fields, NT_IN_RPC, obj));
        }
        nt_fields_clear(fields, obj);
        free(obj);
    }
}

static void
decode_payload(const struct json *body)
{
    static const struct nt_interface *const ifaces[] = { &nt_conductor, &nt_network_host,
                                                         &nt_compute_host };
    struct json *json = NULL;
    struct nt_payload p;
    struct nt_err err;

    if (nt_envelope_open(body, &json, &err) < 0) {
        return;
    }
    if (nt_payload_parse(json, &p, &err) == 0) {
        for (size_t i = 0; i < NT_ARRAY_SIZE(ifaces); i++) {
            for (const struct nt_method *m = ifaces[i]->methods; m->name; m++) {
                if (p.is_reply && p.result) {
                    decode_fields(m->result, m->result_size, p.result);
                } else if (!p.is_reply && p.args && !strcmp(p.method, m->name)) {
                    decode_fields(m->args, m->args_size, p.args);
                }
            }
        }
        if (p.is_reply && p.failure) {
            nt_failure_parse(p.failure, &err);
        }
    }
    json_destroy(json);
}

/* A frame that was accepted must survive being sent on. */
static void
decode_frame(const struct json *json)
{
    struct nt_frame_buf *buf = NULL;
    struct nt_frame frame;
    struct nt_err err;

    if (nt_frame_parse(json, &frame, &err) < 0) {
        return;
    }
    if (nt_frame_encode(&frame, &buf, &err) == 0) {
        nt_frame_buf_drop(buf);
    }
    if (frame.body) {
        decode_payload(frame.body);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(nt_frame_decoder) dec = nt_frame_decoder_new(NT_FRAME_MAX_STRANGER);
    size_t piece = size ? data[0] + 1 : 1;

    for (size_t i = 1; i < size;) {
        struct json *json = NULL;
        struct nt_err err;
        size_t used = 0;
        enum nt_frame_status status = nt_frame_decoder_feed(
            dec, (const char *) data + i, MIN(piece, size - i), &used, &json, &err);

        if (status == NT_FRAME_REFUSED) {
            break;
        }
        if (status == NT_FRAME_READY) {
            decode_frame(json);
            json_destroy(json);
        }
        i += used;
    }
    return 0;
}
