/* Frames of the embedded bus: bytes to frames and back, without any socket.
 *
 * A frame is a length (4 bytes, big endian, 1 to NT_FRAME_MAX) and one JSON object:
 *
 *   {"hello": {"version": 1, "name": HOST, "program": PROGRAM}}   peer, first of all
 *   {"welcome": {the same keys}}                                  hub, in answer
 *   {"subscribe": {"topic": T, "host": H}}                        peer; "host" may be absent
 *   {"to": {"topic": T, "host": H, "fanout": true},               request; "host" and "fanout"
 *    "from": {"name": HOST, "program": PROGRAM},                  may be absent; the hub sets
 *    "call": {"id": ID, "timeout_ms": N},                         "from"; casts have no "call"
 *    "body": ENVELOPE}
 *   {"reply": {"id": ID}, "body": ENVELOPE}                       to who made the call
 *   {"failed": {"id": ID, "code": CODE, "message": TEXT}}         hub: the call cannot be served
 *   {"ping": {}}, {"pong": {}}                                    either side, when idle
 *
 * Unknown keys are ignored.  ENVELOPE is what envelope.h describes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct json;

#define NT_FRAME_MAX (16u << 20)
#define NT_FRAME_MAX_STRANGER (64u << 10) /* Before the hello. */
#define NT_FRAME_VERSION 1

enum nt_frame_kind {
    NT_FRAME_HELLO,
    NT_FRAME_WELCOME,
    NT_FRAME_SUBSCRIBE,
    NT_FRAME_REQUEST,
    NT_FRAME_REPLY,
    NT_FRAME_FAILED,
    NT_FRAME_PING,
    NT_FRAME_PONG,
};

/* All pointers are borrowed: from the JSON it was parsed from, or from the caller
 * who encodes.  Members that 'kind' does not have are NULL or 0. */
struct nt_frame {
    enum nt_frame_kind kind;
    int64_t version;            /* HELLO, WELCOME. */
    const char *name, *program; /* HELLO, WELCOME; REQUEST: who sent it. */
    const char *topic, *host;   /* SUBSCRIBE, REQUEST; 'host' may be NULL. */
    bool fanout;                /* REQUEST. */
    const char *call;           /* REQUEST (NULL: cast), REPLY, FAILED. */
    int64_t timeout_ms;         /* REQUEST. */
    const char *code, *message; /* FAILED. */
    const struct json *body;    /* REQUEST, REPLY. */
};

/* Names are 1 to 255 bytes without control characters.  Fails with NT_INVALID. */
NT_NODISCARD int nt_frame_parse(const struct json *, struct nt_frame *out, struct nt_err *);

/* An encoded frame, shared by the queues of all who are to get it. */
struct nt_frame_buf {
    unsigned n_refs;
    size_t len;
    char *data; /* Owned. */
};

/* The caller holds the first reference.  Fails with NT_TOO_LARGE. */
NT_NODISCARD int nt_frame_encode(const struct nt_frame *, struct nt_frame_buf **out,
                                 struct nt_err *);
void nt_frame_buf_drop(struct nt_frame_buf *);

/* Incremental decoder.  Parses as bytes come, so that a large frame costs each
 * turn of the loop only its share. */
struct nt_frame_decoder;

enum nt_frame_status {
    NT_FRAME_MORE,    /* All bytes were used; the frame goes on. */
    NT_FRAME_READY,   /* '*out' is an object, the caller's to destroy. */
    NT_FRAME_BAD,     /* One frame was no acceptable JSON; the stream is still in step. */
    NT_FRAME_REFUSED, /* Impossible length: close the connection. */
};

struct nt_frame_decoder *nt_frame_decoder_new(size_t max);
void nt_frame_decoder_free(struct nt_frame_decoder *);
NT_AUTO(nt_frame_decoder)

/* For frames that begin from now on. */
void nt_frame_decoder_set_max(struct nt_frame_decoder *, size_t max);

/* Takes at most one frame from 'data'; '*used' bytes of it are done with. */
NT_NODISCARD enum nt_frame_status nt_frame_decoder_feed(struct nt_frame_decoder *, const char *data,
                                                        size_t len, size_t *used, struct json **out,
                                                        struct nt_err *);
