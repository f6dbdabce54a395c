/* Frames of AMQP 0-9-1: cutting a stream into them, and writing them.
 *
 *   type (1), channel (2), size (4), payload, 0xCE       numbers are big-endian
 *
 * Pure functions over buffers; used by the connection next door. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <amqp.h>
#include <amqp_framing.h>

#include "base/attr.h"
#include "base/err.h"
#include "openvswitch/ofpbuf.h"

#define NT_AMQP_FRAME_MAX 131072
#define NT_AMQP_FRAME_MIN 4096
#define NT_AMQP_OVERHEAD 8            /* Of a frame: head and end. */
#define NT_AMQP_MAX_METHOD (16 << 10) /* Also of header frames. */

struct nt_amqp_frame {
    uint8_t type;
    uint16_t channel;
    const uint8_t *payload;
    uint32_t size;
};

/* Cuts frames from what is fed in pieces; keeps at most one incomplete frame. */
struct nt_amqp_cutter {
    struct ofpbuf part;
    uint32_t frame_max;
};

void nt_amqp_cutter_init(struct nt_amqp_cutter *);
void nt_amqp_cutter_deinit(struct nt_amqp_cutter *);

/* Takes bytes from '*data'.  1: '*out' is a frame, borrowed until the next call; 0: all
 * bytes were taken.  Fails with NT_FAULT: this is no stream of frames. */
NT_NODISCARD int nt_amqp_cutter_take(struct nt_amqp_cutter *, const uint8_t **data, size_t *len,
                                     struct nt_amqp_frame *out, struct nt_err *);

/* Appends frames.  'method' is librabbitmq's struct of the number. */
void nt_amqp_put_method(struct ofpbuf *, unsigned channel, amqp_method_number_t, void *method);
void nt_amqp_put_header(struct ofpbuf *, unsigned channel, uint64_t body_size,
                        amqp_basic_properties_t *);
void nt_amqp_put_body(struct ofpbuf *, unsigned channel, const char *body, size_t size,
                      uint32_t frame_max);
void nt_amqp_put_heartbeat(struct ofpbuf *);

/* Bytes of text as the codec has them. */
static inline amqp_bytes_t
nt_amqp_text(const char *text)
{
    return amqp_cstring_bytes(text ? text : "");
}
