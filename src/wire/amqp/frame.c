#include <config.h>

#include "wire/amqp/frame.h"

#include <string.h>

#include "base/mem.h"

#define HEAD 7

void
nt_amqp_cutter_init(struct nt_amqp_cutter *cutter)
{
    ofpbuf_init(&cutter->part, 0);
    cutter->frame_max = NT_AMQP_FRAME_MIN;
}

void
nt_amqp_cutter_deinit(struct nt_amqp_cutter *cutter)
{
    ofpbuf_uninit(&cutter->part);
}

/* Whether a frame may begin like that; '*size' is its whole length. */
static int
check_head(const struct nt_amqp_cutter *cutter, const uint8_t head[HEAD], size_t *size,
           struct nt_err *err)
{
    uint32_t n = (uint32_t) head[3] << 24 | head[4] << 16 | head[5] << 8 | head[6];
    uint32_t max = cutter->frame_max - NT_AMQP_OVERHEAD;

    switch (head[0]) {
    case AMQP_FRAME_METHOD:
    case AMQP_FRAME_HEADER:
        max = MAX(cutter->frame_max, NT_AMQP_MAX_METHOD) - NT_AMQP_OVERHEAD;
        max = MIN(max, NT_AMQP_MAX_METHOD);
        break;
    case AMQP_FRAME_BODY:
        break;
    case AMQP_FRAME_HEARTBEAT:
        max = 0;
        break;
    case 'A':
        return nt_fail(err, NT_FAULT, "the other side does not speak AMQP 0-9-1");
    default:
        return nt_fail(err, NT_FAULT, "frame of unknown type %u", head[0]);
    }
    if (n > max) {
        return nt_fail(err, NT_FAULT, "frame of type %u has %u bytes, allowed are %u", head[0], n,
                       max);
    }
    *size = HEAD + n + 1;
    return 0;
}

static int
parse_frame(const uint8_t *data, size_t size, struct nt_amqp_frame *out, struct nt_err *err)
{
    if (data[size - 1] != AMQP_FRAME_END) {
        return nt_fail(err, NT_FAULT, "frame of type %u does not end where it should", data[0]);
    }
    out->type = data[0];
    out->channel = data[1] << 8 | data[2];
    out->payload = data + HEAD;
    out->size = size - HEAD - 1;
    return 1;
}

/* Adds to the incomplete frame until it has 'size' bytes; true when it has. */
static bool
collect(struct nt_amqp_cutter *cutter, size_t size, const uint8_t **data, size_t *len)
{
    size_t n = MIN(size - cutter->part.size, *len);

    ofpbuf_put(&cutter->part, *data, n);
    *data += n;
    *len -= n;
    return cutter->part.size == size;
}

int
nt_amqp_cutter_take(struct nt_amqp_cutter *cutter, const uint8_t **data, size_t *len,
                    struct nt_amqp_frame *out, struct nt_err *err)
{
    struct ofpbuf *part = &cutter->part;
    size_t size = 0;

    if (part->size >= HEAD) {
        if (check_head(cutter, part->data, &size, err) < 0) {
            return -1;
        }
        if (part->size == size) {
            ofpbuf_clear(part); /* The frame that was returned last. */
        }
    }
    if (!*len) {
        return 0;
    }
    if (!part->size && *len >= HEAD) {
        /* The common case: a whole frame lies there, and is not copied. */
        const uint8_t *whole = *data;

        if (check_head(cutter, whole, &size, err) < 0) {
            return -1;
        }
        if (*len >= size) {
            *data += size;
            *len -= size;
            return parse_frame(whole, size, out, err);
        }
    }
    if (part->size < HEAD && !collect(cutter, HEAD, data, len)) {
        return 0;
    }
    if (check_head(cutter, part->data, &size, err) < 0) {
        return -1;
    }
    return collect(cutter, size, data, len) ? parse_frame(part->data, size, out, err) : 0;
}

static void
put_be32(uint8_t *at, uint32_t n)
{
    at[0] = n >> 24;
    at[1] = n >> 16;
    at[2] = n >> 8;
    at[3] = n;
}

/* Begins a frame; ended by end_frame() with the offset that this returns. */
static size_t
begin_frame(struct ofpbuf *out, uint8_t type, unsigned channel)
{
    size_t offset = out->size;
    uint8_t *head = ofpbuf_put_zeros(out, HEAD);

    head[0] = type;
    head[1] = channel >> 8;
    head[2] = channel;
    return offset;
}

static void
end_frame(struct ofpbuf *out, size_t offset)
{
    uint8_t end = AMQP_FRAME_END;

    put_be32((uint8_t *) out->data + offset + 3, out->size - offset - HEAD);
    ofpbuf_put(out, &end, 1);
}

/* Where librabbitmq may encode to. */
static amqp_bytes_t
room(struct ofpbuf *out)
{
    ofpbuf_prealloc_tailroom(out, NT_AMQP_MAX_METHOD);
    return (amqp_bytes_t){ NT_AMQP_MAX_METHOD, ofpbuf_tail(out) };
}

void
nt_amqp_put_method(struct ofpbuf *out, unsigned channel, amqp_method_number_t id, void *method)
{
    size_t offset = begin_frame(out, AMQP_FRAME_METHOD, channel);
    uint8_t number[4];

    put_be32(number, id);
    ofpbuf_put(out, number, sizeof number);

    int n = amqp_encode_method(id, method, room(out));
    ovs_assert(n >= 0); /* Names are bounded by whoever made them. */
    ofpbuf_put_uninit(out, n);
    end_frame(out, offset);
}

void
nt_amqp_put_header(struct ofpbuf *out, unsigned channel, uint64_t body_size,
                   amqp_basic_properties_t *properties)
{
    size_t offset = begin_frame(out, AMQP_FRAME_HEADER, channel);
    uint8_t head[12] = { AMQP_BASIC_CLASS >> 8, AMQP_BASIC_CLASS & 255 };

    put_be32(head + 4, body_size >> 32);
    put_be32(head + 8, body_size);
    ofpbuf_put(out, head, sizeof head);

    int n = amqp_encode_properties(AMQP_BASIC_CLASS, properties, room(out));
    ovs_assert(n >= 0);
    ofpbuf_put_uninit(out, n);
    end_frame(out, offset);
}

void
nt_amqp_put_body(struct ofpbuf *out, unsigned channel, const char *body, size_t size,
                 uint32_t frame_max)
{
    ofpbuf_prealloc_tailroom(out, size + NT_AMQP_OVERHEAD * (size / frame_max + 2));
    while (size) {
        size_t n = MIN(size, frame_max - NT_AMQP_OVERHEAD);
        size_t offset = begin_frame(out, AMQP_FRAME_BODY, channel);

        ofpbuf_put(out, body, n);
        end_frame(out, offset);
        body += n;
        size -= n;
    }
}

void
nt_amqp_put_heartbeat(struct ofpbuf *out)
{
    end_frame(out, begin_frame(out, AMQP_FRAME_HEARTBEAT, 0));
}
