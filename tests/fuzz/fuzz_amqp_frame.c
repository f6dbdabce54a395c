/* Fuzzes what a broker can send: frames, methods, content, in any order and in pieces.
 *
 * The first byte chooses the size of the pieces.  The client asks for what the bus over
 * RabbitMQ asks for as soon as the connection is open, so that answers have a request. */
#include <config.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bus/envelope.h"
#include "openvswitch/json.h"
#include "wire/amqp/amqp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
decode_body(const struct nt_amqp_event *event)
{
    struct json_parser *parser = json_parser_create(0);

    json_parser_feed(parser, event->body, event->size);
    struct json *body = json_parser_finish(parser);
    struct json *json = NULL;
    struct nt_payload p;

    if (body->type == JSON_OBJECT && nt_envelope_open(body, &json, NULL) == 0
        && nt_payload_parse(json, &p, NULL) == 0 && p.is_reply && p.failure) {
        struct nt_err err;

        nt_failure_parse(p.failure, &err);
    }
    json_destroy(json);
    json_destroy(body);
}

static void
on_event(void *amqp_, const struct nt_amqp_event *event)
{
    struct nt_amqp *amqp = *(struct nt_amqp **) amqp_;
    const struct nt_amqp_queue queue = { .name = "q", .expires_ms = 1800000 };
    const struct nt_amqp_message msg = { "e", "k", true, 1000, "{}", 2 };

    if (event->kind == NT_AMQP_OPENED) {
        nt_amqp_channel_open(amqp, 1, 1);
        nt_amqp_exchange_declare(amqp, 1, "e", "topic", 0, 2);
        nt_amqp_queue_declare(amqp, 1, &queue, 3);
        nt_amqp_queue_bind(amqp, 1, "q", "e", "k", 4);
        nt_amqp_consume(amqp, 1, "q", "1", 5);
        nt_amqp_channel_open(amqp, 2, 6);
        nt_amqp_confirm_select(amqp, 2, 7);
        nt_amqp_publish(amqp, 2, &msg);
    } else if (event->kind == NT_AMQP_DELIVERED) {
        nt_amqp_ack(amqp, event->channel, event->tag);
        decode_body(event);
    } else if (event->kind == NT_AMQP_CHANNEL_CLOSED) {
        nt_amqp_channel_open(amqp, event->channel, 8);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct nt_amqp_options options = {
        "AMQPLAIN", "u", "p", "/", "fuzz:1:x", 60, 4096,
    };
    struct nt_amqp *amqp = NULL;
    size_t piece = size ? data[0] + 1 : 1;
    const void *out;

    if (nt_amqp_new(&options, 0, on_event, &amqp, &amqp, NULL) < 0) {
        abort();
    }
    for (size_t i = 1; i < size; i += piece) {
        if (nt_amqp_feed(amqp, data + i, MIN(piece, size - i), i, NULL) < 0) {
            break;
        }
        nt_amqp_sent(amqp, nt_amqp_output(amqp, &out), i);
    }
    nt_amqp_free(amqp);
    return 0;
}
