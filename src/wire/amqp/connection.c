#include <config.h>

#include "wire/amqp/amqp.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/list.h"
#include "wire/amqp/frame.h"
#include "wire/amqp/login.h"

#define CHANNEL_MAX 2047

enum state {
    WAIT_START,
    WAIT_TUNE,
    WAIT_OPEN,
    OPEN,
    CLOSING,
    OVER,
};

/* A request that was sent and has no answer yet. */
struct request {
    struct ovs_list node;
    amqp_method_number_t answer;
    unsigned token;
};

enum channel_state {
    CH_UNUSED,
    CH_OPEN, /* Or about to be: what is sent meanwhile is in order. */
};

struct channel {
    enum channel_state state;
    struct ovs_list requests;
    uint64_t n_published;

    /* The message that is coming: its method, then its header, then its body. */
    amqp_method_number_t content; /* 0: none. */
    bool has_header;
    uint64_t size, got, tag;
    unsigned code;
    char consumer[NT_AMQP_MAX_NAME + 1], exchange[NT_AMQP_MAX_NAME + 1];
    char routing_key[NT_AMQP_MAX_NAME + 1], text[NT_AMQP_MAX_NAME + 1];
    struct ofpbuf body;
};

struct nt_amqp {
    enum state state;
    char *mechanism, *user, *password, *vhost, *name;
    unsigned heartbeat_s; /* Wanted, then agreed. */
    size_t max_body;
    nt_amqp_event_cb *cb;
    void *aux;
    struct nt_amqp_cutter cutter;
    amqp_pool_t pool; /* What the frame at hand decodes to. */
    struct ofpbuf out;
    int64_t last_rx, last_tx;
    struct channel channels[NT_AMQP_N_CHANNELS];
};

static bool
name_fits(const char *name)
{
    return strlen(name) <= NT_AMQP_MAX_NAME;
}

int
nt_amqp_new(const struct nt_amqp_options *options, int64_t now, nt_amqp_event_cb *cb, void *aux,
            struct nt_amqp **out, struct nt_err *err)
{
    static const uint8_t header[] = { 'A', 'M', 'Q', 'P', 0, 0, 9, 1 };

    if (strcmp(options->mechanism, "AMQPLAIN") && strcmp(options->mechanism, "PLAIN")
        && strcmp(options->mechanism, "EXTERNAL")) {
        return nt_fail(err, NT_INVALID, "login method \"%s\" is none of AMQPLAIN, PLAIN, EXTERNAL",
                       options->mechanism);
    }
    if (!name_fits(options->user) || !name_fits(options->password) || !name_fits(options->vhost)
        || !name_fits(options->name)) {
        return nt_fail(err, NT_INVALID, "user, password or virtual host has more than %d bytes",
                       NT_AMQP_MAX_NAME);
    }

    struct nt_amqp *a = xzalloc(sizeof *a);
    a->mechanism = xstrdup(options->mechanism);
    a->user = xstrdup(options->user);
    a->password = xstrdup(options->password);
    a->vhost = xstrdup(options->vhost);
    a->name = xstrdup(options->name);
    a->heartbeat_s = options->heartbeat_s;
    a->max_body = options->max_body;
    a->cb = cb;
    a->aux = aux;
    a->last_rx = a->last_tx = now;
    nt_amqp_cutter_init(&a->cutter);
    init_amqp_pool(&a->pool, 4096);
    ofpbuf_init(&a->out, 0);
    for (size_t i = 0; i < NT_AMQP_N_CHANNELS; i++) {
        ovs_list_init(&a->channels[i].requests);
        ofpbuf_init(&a->channels[i].body, 0);
    }
    ofpbuf_put(&a->out, header, sizeof header);
    *out = a;
    return 0;
}

static void
requests_clear(struct channel *ch)
{
    struct request *req;

    LIST_FOR_EACH_POP (req, node, &ch->requests) {
        free(req);
    }
}

void
nt_amqp_free(struct nt_amqp *a)
{
    if (a) {
        for (size_t i = 0; i < NT_AMQP_N_CHANNELS; i++) {
            requests_clear(&a->channels[i]);
            ofpbuf_uninit(&a->channels[i].body);
        }
        nt_amqp_cutter_deinit(&a->cutter);
        empty_amqp_pool(&a->pool);
        ofpbuf_uninit(&a->out);
        memset(a->password, 0, strlen(a->password));
        free(a->mechanism);
        free(a->user);
        free(a->password);
        free(a->vhost);
        free(a->name);
        free(a);
    }
}

/* Events. */

/* A text of the other side, cut and without control characters. */
static const char *
text_of(amqp_bytes_t bytes, char out[NT_AMQP_MAX_NAME + 1])
{
    size_t n = MIN(bytes.len, NT_AMQP_MAX_NAME);

    for (size_t i = 0; i < n; i++) {
        char c = ((const char *) bytes.bytes)[i];

        out[i] = iscntrl((unsigned char) c) ? '?' : c;
    }
    out[n] = '\0';
    return out;
}

static void
tell(struct nt_amqp *a, enum nt_amqp_kind kind, unsigned channel, unsigned token)
{
    const struct nt_amqp_event event = { .kind = kind, .channel = channel, .token = token };

    a->cb(a->aux, &event);
}

static void
tell_content(struct nt_amqp *a, unsigned channel)
{
    struct channel *ch = &a->channels[channel];
    const char *body = ch->body.size ? ch->body.data : "";
    bool is_return = ch->content == AMQP_BASIC_RETURN_METHOD;
    bool is_large = ch->size > a->max_body;
    const struct nt_amqp_event event = {
        .kind = is_return  ? NT_AMQP_RETURNED
                : is_large ? NT_AMQP_TOO_LARGE
                           : NT_AMQP_DELIVERED,
        .channel = channel,
        .code = ch->code,
        .tag = ch->tag,
        .consumer = ch->consumer,
        .exchange = ch->exchange,
        .routing_key = ch->routing_key,
        .text = ch->text,
        .body = is_return || is_large ? NULL : body,
        .size = ch->size,
    };

    ch->content = 0;
    a->cb(a->aux, &event);

    /* A large message leaves no large buffer behind. */
    if (ofpbuf_headroom(&ch->body) + ch->body.size + ofpbuf_tailroom(&ch->body) > (256 << 10)) {
        ofpbuf_uninit(&ch->body);
        ofpbuf_init(&ch->body, 0);
    } else {
        ofpbuf_clear(&ch->body);
    }
}

/* Requests. */

static void
send_method(struct nt_amqp *a, unsigned channel, amqp_method_number_t id, void *method)
{
    nt_amqp_put_method(&a->out, channel, id, method);
}

static struct channel *
open_channel(struct nt_amqp *a, unsigned channel)
{
    ovs_assert(channel > 0 && channel < NT_AMQP_N_CHANNELS);
    return a->state == OPEN && a->channels[channel].state == CH_OPEN ? &a->channels[channel] : NULL;
}

/* In this protocol the number of an answer is that of its request and one. */
static void
request(struct nt_amqp *a, unsigned channel, amqp_method_number_t id, void *method, unsigned token)
{
    struct channel *ch = open_channel(a, channel);

    if (ch) {
        struct request *req = xzalloc(sizeof *req);

        req->answer = id + 1;
        req->token = token;
        ovs_list_push_back(&ch->requests, &req->node);
        send_method(a, channel, id, method);
    }
}

void
nt_amqp_channel_open(struct nt_amqp *a, unsigned channel, unsigned token)
{
    struct channel *ch = &a->channels[channel];
    amqp_channel_open_t m = { nt_amqp_text("") };

    ovs_assert(channel > 0 && channel < NT_AMQP_N_CHANNELS);
    if (a->state == OPEN && ch->state == CH_UNUSED) {
        ch->state = CH_OPEN;
        ch->n_published = 0;
        request(a, channel, AMQP_CHANNEL_OPEN_METHOD, &m, token);
    }
}

bool
nt_amqp_channel_is_open(const struct nt_amqp *a, unsigned channel)
{
    return a->state == OPEN && a->channels[channel].state == CH_OPEN;
}

void
nt_amqp_exchange_declare(struct nt_amqp *a, unsigned channel, const char *name, const char *type,
                         unsigned flags, unsigned token)
{
    amqp_exchange_declare_t m = {
        .exchange = nt_amqp_text(name),
        .type = nt_amqp_text(type),
        .durable = flags & NT_AMQP_DURABLE ? 1 : 0,
        .auto_delete = flags & NT_AMQP_AUTO_DELETE ? 1 : 0,
    };

    request(a, channel, AMQP_EXCHANGE_DECLARE_METHOD, &m, token);
}

void
nt_amqp_queue_declare(struct nt_amqp *a, unsigned channel, const struct nt_amqp_queue *queue,
                      unsigned token)
{
    amqp_table_entry_t entries[6];
    amqp_queue_declare_t m = {
        .queue = nt_amqp_text(queue->name),
        .durable = queue->durable,
        .auto_delete = queue->auto_delete,
        .arguments = { 0, entries },
    };

    nt_amqp_add_number(&m.arguments, "x-expires", queue->expires_ms);
    if (queue->quorum) {
        nt_amqp_add_text(&m.arguments, "x-queue-type", "quorum");
        nt_amqp_add_number(&m.arguments, "x-delivery-limit", queue->delivery_limit);
        nt_amqp_add_number(&m.arguments, "x-max-in-memory-length", queue->max_memory_length);
        nt_amqp_add_number(&m.arguments, "x-max-in-memory-bytes", queue->max_memory_bytes);
    } else if (queue->mirrored) {
        nt_amqp_add_text(&m.arguments, "x-ha-policy", "all");
    }
    request(a, channel, AMQP_QUEUE_DECLARE_METHOD, &m, token);
}

void
nt_amqp_queue_bind(struct nt_amqp *a, unsigned channel, const char *queue, const char *exchange,
                   const char *routing_key, unsigned token)
{
    amqp_queue_bind_t m = {
        .queue = nt_amqp_text(queue),
        .exchange = nt_amqp_text(exchange),
        .routing_key = nt_amqp_text(routing_key),
    };

    request(a, channel, AMQP_QUEUE_BIND_METHOD, &m, token);
}

void
nt_amqp_queue_delete(struct nt_amqp *a, unsigned channel, const char *queue, unsigned token)
{
    amqp_queue_delete_t m = { .queue = nt_amqp_text(queue) };

    request(a, channel, AMQP_QUEUE_DELETE_METHOD, &m, token);
}

void
nt_amqp_consume(struct nt_amqp *a, unsigned channel, const char *queue, const char *tag,
                unsigned token)
{
    amqp_basic_consume_t m = { .queue = nt_amqp_text(queue), .consumer_tag = nt_amqp_text(tag) };

    request(a, channel, AMQP_BASIC_CONSUME_METHOD, &m, token);
}

void
nt_amqp_qos(struct nt_amqp *a, unsigned channel, unsigned prefetch, unsigned token)
{
    amqp_basic_qos_t m = { .prefetch_count = prefetch };

    request(a, channel, AMQP_BASIC_QOS_METHOD, &m, token);
}

void
nt_amqp_confirm_select(struct nt_amqp *a, unsigned channel, unsigned token)
{
    amqp_confirm_select_t m = { 0 };

    request(a, channel, AMQP_CONFIRM_SELECT_METHOD, &m, token);
}

void
nt_amqp_ack(struct nt_amqp *a, unsigned channel, uint64_t tag)
{
    amqp_basic_ack_t m = { .delivery_tag = tag };

    if (open_channel(a, channel)) {
        send_method(a, channel, AMQP_BASIC_ACK_METHOD, &m);
    }
}

uint64_t
nt_amqp_publish(struct nt_amqp *a, unsigned channel, const struct nt_amqp_message *msg)
{
    struct channel *ch = open_channel(a, channel);
    amqp_basic_publish_t m = {
        .exchange = nt_amqp_text(msg->exchange),
        .routing_key = nt_amqp_text(msg->routing_key),
        .mandatory = msg->mandatory,
    };
    amqp_basic_properties_t p = {
        ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_CONTENT_ENCODING_FLAG
                  | AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG
                  | AMQP_BASIC_PRIORITY_FLAG,
        .content_type = nt_amqp_text("application/json"),
        .content_encoding = nt_amqp_text("utf-8"),
        .delivery_mode = 2,
    };
    char expiration[24];

    if (!ch) {
        return 0;
    }
    if (msg->expiration_ms > 0) {
        snprintf(expiration, sizeof expiration, "%lld", (long long) msg->expiration_ms);
        p._flags |= AMQP_BASIC_EXPIRATION_FLAG;
        p.expiration = nt_amqp_text(expiration);
    }
    send_method(a, channel, AMQP_BASIC_PUBLISH_METHOD, &m);
    nt_amqp_put_header(&a->out, channel, msg->size, &p);
    nt_amqp_put_body(&a->out, channel, msg->body, msg->size, a->cutter.frame_max);
    return ++ch->n_published;
}

void
nt_amqp_close(struct nt_amqp *a)
{
    amqp_connection_close_t m = { .reply_code = 200, .reply_text = nt_amqp_text("bye") };

    if (a->state == OPEN) {
        a->state = CLOSING;
        send_method(a, 0, AMQP_CONNECTION_CLOSE_METHOD, &m);
    }
}

bool
nt_amqp_is_open(const struct nt_amqp *a)
{
    return a->state == OPEN;
}

/* The beginning: start, tune, open. */

static int
take_start(struct nt_amqp *a, const amqp_connection_start_t *start, struct nt_err *err)
{
    const struct nt_amqp_login login = { a->mechanism, a->user, a->password, a->name };
    char text[NT_AMQP_MAX_NAME + 1];

    if (start->version_major != 0 || start->version_minor != 9) {
        return nt_fail(err, NT_FAULT, "broker speaks AMQP %u-%u, not 0-9-1", start->version_major,
                       start->version_minor);
    }
    if (!nt_amqp_has_word(start->mechanisms, a->mechanism)) {
        return nt_fail(err, NT_FAULT, "broker does not offer login method %s, only %.100s",
                       a->mechanism, text_of(start->mechanisms, text));
    }
    nt_amqp_put_start_ok(&a->out, &login);
    a->state = WAIT_TUNE;
    return 0;
}

static int
take_tune(struct nt_amqp *a, const amqp_connection_tune_t *tune, struct nt_err *err)
{
    uint32_t frame_max =
        tune->frame_max ? MIN(tune->frame_max, NT_AMQP_FRAME_MAX) : NT_AMQP_FRAME_MAX;
    unsigned channel_max = tune->channel_max ? MIN(tune->channel_max, CHANNEL_MAX) : CHANNEL_MAX;

    if (frame_max < NT_AMQP_FRAME_MIN || channel_max < NT_AMQP_N_CHANNELS) {
        return nt_fail(err, NT_FAULT, "broker allows frames of %u bytes and %u channels only",
                       frame_max, channel_max);
    }
    if (tune->heartbeat && a->heartbeat_s) {
        a->heartbeat_s = MIN(tune->heartbeat, a->heartbeat_s);
    } else {
        a->heartbeat_s = MAX(tune->heartbeat, a->heartbeat_s);
    }

    amqp_connection_tune_ok_t ok = { channel_max, frame_max, a->heartbeat_s };
    amqp_connection_open_t m = { .virtual_host = nt_amqp_text(a->vhost) };
    a->cutter.frame_max = frame_max;
    send_method(a, 0, AMQP_CONNECTION_TUNE_OK_METHOD, &ok);
    send_method(a, 0, AMQP_CONNECTION_OPEN_METHOD, &m);
    a->state = WAIT_OPEN;
    return 0;
}

/* Methods. */

static int
out_of_place(amqp_method_number_t id, struct nt_err *err)
{
    return nt_fail(err, NT_FAULT, "broker sent method %u.%u where none is due", id >> 16,
                   id & 0xffff);
}

static void
take_close(struct nt_amqp *a, const amqp_connection_close_t *close)
{
    char text[NT_AMQP_MAX_NAME + 1];
    amqp_connection_close_ok_t m = { 0 };
    const struct nt_amqp_event event = {
        .kind = NT_AMQP_CLOSED,
        .code = close->reply_code ? close->reply_code : 1,
        .text = text_of(close->reply_text, text),
    };

    a->state = OVER;
    send_method(a, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &m);
    a->cb(a->aux, &event);
}

/* Channel 0 belongs to the connection itself. */
static int
take_connection_method(struct nt_amqp *a, amqp_method_number_t id, const void *method,
                       struct nt_err *err)
{
    char text[NT_AMQP_MAX_NAME + 1];

    if (id == AMQP_CONNECTION_CLOSE_METHOD) {
        take_close(a, method);
        return 0;
    }
    switch (a->state) {
    case WAIT_START:
        return id == AMQP_CONNECTION_START_METHOD ? take_start(a, method, err)
                                                  : out_of_place(id, err);
    case WAIT_TUNE:
        return id == AMQP_CONNECTION_TUNE_METHOD ? take_tune(a, method, err)
                                                 : out_of_place(id, err);
    case WAIT_OPEN:
        if (id != AMQP_CONNECTION_OPEN_OK_METHOD) {
            return out_of_place(id, err);
        }
        a->state = OPEN;
        tell(a, NT_AMQP_OPENED, 0, 0);
        return 0;
    case CLOSING:
        if (id == AMQP_CONNECTION_CLOSE_OK_METHOD) {
            a->state = OVER;
            tell(a, NT_AMQP_CLOSED, 0, 0);
        }
        return 0;
    case OPEN:
        if (id == AMQP_CONNECTION_BLOCKED_METHOD) {
            const amqp_connection_blocked_t *blocked = method;
            const struct nt_amqp_event event = { .kind = NT_AMQP_BLOCKED,
                                                 .text = text_of(blocked->reason, text) };

            a->cb(a->aux, &event);
            return 0;
        }
        if (id == AMQP_CONNECTION_UNBLOCKED_METHOD) {
            tell(a, NT_AMQP_UNBLOCKED, 0, 0);
            return 0;
        }
        return out_of_place(id, err);
    case OVER:
    default:
        return 0;
    }
}

static void
take_channel_close(struct nt_amqp *a, unsigned channel, const amqp_channel_close_t *close)
{
    struct channel *ch = &a->channels[channel];
    char text[NT_AMQP_MAX_NAME + 1];
    amqp_channel_close_ok_t ok = { 0 };
    struct nt_amqp_event event = {
        .kind = NT_AMQP_CHANNEL_CLOSED,
        .channel = channel,
        .code = close->reply_code,
        .text = text_of(close->reply_text, text),
    };

    if (!ovs_list_is_empty(&ch->requests)) {
        event.token = CONTAINER_OF(ovs_list_front(&ch->requests), struct request, node)->token;
    }
    requests_clear(ch);
    ch->state = CH_UNUSED;
    ch->content = 0;
    ofpbuf_clear(&ch->body);
    send_method(a, channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
    a->cb(a->aux, &event);
}

static void
begin_content(struct channel *ch, amqp_method_number_t id)
{
    ch->content = id;
    ch->has_header = false;
    ch->size = ch->got = ch->tag = 0;
    ch->code = 0;
    *ch->consumer = *ch->text = '\0';
}

static void
take_deliver(struct channel *ch, const amqp_basic_deliver_t *m)
{
    begin_content(ch, AMQP_BASIC_DELIVER_METHOD);
    ch->tag = m->delivery_tag;
    text_of(m->consumer_tag, ch->consumer);
    text_of(m->exchange, ch->exchange);
    text_of(m->routing_key, ch->routing_key);
}

static void
take_return(struct channel *ch, const amqp_basic_return_t *m)
{
    begin_content(ch, AMQP_BASIC_RETURN_METHOD);
    ch->code = m->reply_code;
    text_of(m->reply_text, ch->text);
    text_of(m->exchange, ch->exchange);
    text_of(m->routing_key, ch->routing_key);
}

static void
take_confirm(struct nt_amqp *a, unsigned channel, enum nt_amqp_kind kind, uint64_t tag,
             bool multiple)
{
    const struct nt_amqp_event event = {
        .kind = kind, .channel = channel, .tag = tag, .multiple = multiple
    };

    a->cb(a->aux, &event);
}

static void
take_cancel(struct nt_amqp *a, unsigned channel, const amqp_basic_cancel_t *m)
{
    char consumer[NT_AMQP_MAX_NAME + 1];
    const struct nt_amqp_event event = { .kind = NT_AMQP_CANCELLED,
                                         .channel = channel,
                                         .consumer = text_of(m->consumer_tag, consumer) };

    a->cb(a->aux, &event);
}

static int
take_answer(struct nt_amqp *a, unsigned channel, amqp_method_number_t id, struct nt_err *err)
{
    struct channel *ch = &a->channels[channel];

    if (ovs_list_is_empty(&ch->requests)) {
        return out_of_place(id, err);
    }

    struct request *req = CONTAINER_OF(ovs_list_front(&ch->requests), struct request, node);
    if (req->answer != id) {
        return out_of_place(id, err);
    }

    unsigned token = req->token;
    ovs_list_remove(&req->node);
    free(req);
    tell(a, NT_AMQP_DONE, channel, token);
    return 0;
}

static int
take_channel_method(struct nt_amqp *a, unsigned channel, amqp_method_number_t id,
                    const void *method, struct nt_err *err)
{
    struct channel *ch = &a->channels[channel];

    if (ch->content) {
        return out_of_place(id, err);
    }
    switch (id) {
    case AMQP_CHANNEL_CLOSE_METHOD:
        take_channel_close(a, channel, method);
        return 0;
    case AMQP_BASIC_DELIVER_METHOD:
        take_deliver(ch, method);
        return 0;
    case AMQP_BASIC_RETURN_METHOD:
        take_return(ch, method);
        return 0;
    case AMQP_BASIC_ACK_METHOD: {
        const amqp_basic_ack_t *ack = method;

        take_confirm(a, channel, NT_AMQP_CONFIRMED, ack->delivery_tag, ack->multiple);
        return 0;
    }
    case AMQP_BASIC_NACK_METHOD: {
        const amqp_basic_nack_t *nack = method;

        take_confirm(a, channel, NT_AMQP_REJECTED, nack->delivery_tag, nack->multiple);
        return 0;
    }
    case AMQP_BASIC_CANCEL_METHOD:
        take_cancel(a, channel, method);
        return 0;
    default:
        return take_answer(a, channel, id, err);
    }
}

/* Frames. */

static int
take_method(struct nt_amqp *a, const struct nt_amqp_frame *frame, struct nt_err *err)
{
    const uint8_t *p = frame->payload;
    void *method;

    if (frame->size < 4) {
        return nt_fail(err, NT_FAULT, "method frame of %u bytes", frame->size);
    }

    amqp_method_number_t id = (uint32_t) p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
    amqp_bytes_t bytes = { frame->size - 4, (void *) (p + 4) };
    int rc = amqp_decode_method(id, &a->pool, bytes, &method);
    if (rc < 0) {
        return nt_fail(err, NT_FAULT, "cannot decode method %u.%u: %s", id >> 16, id & 0xffff,
                       amqp_error_string2(rc));
    }
    return frame->channel ? take_channel_method(a, frame->channel, id, method, err)
                          : take_connection_method(a, id, method, err);
}

/* A message is whole: told with its header when it has no body. */
static void
content_advance(struct nt_amqp *a, unsigned channel)
{
    if (a->channels[channel].got == a->channels[channel].size) {
        tell_content(a, channel);
    }
}

static int
take_header(struct nt_amqp *a, const struct nt_amqp_frame *frame, struct nt_err *err)
{
    struct channel *ch = &a->channels[frame->channel];
    const uint8_t *p = frame->payload;

    if (!ch->content || ch->has_header || frame->size < 14) {
        return nt_fail(err, NT_FAULT, "header frame where none is due");
    }
    /* The properties say nothing that decides here: the body is what it is. */
    for (int i = 4; i < 12; i++) {
        ch->size = ch->size << 8 | p[i];
    }
    ch->has_header = true;
    ofpbuf_clear(&ch->body);
    content_advance(a, frame->channel);
    return 0;
}

static int
take_body(struct nt_amqp *a, const struct nt_amqp_frame *frame, struct nt_err *err)
{
    struct channel *ch = &a->channels[frame->channel];

    if (!ch->content || !ch->has_header || frame->size > ch->size - ch->got) {
        return nt_fail(err, NT_FAULT, "body frame where none is due");
    }
    ch->got += frame->size;
    if (ch->size <= a->max_body && ch->content == AMQP_BASIC_DELIVER_METHOD) {
        ofpbuf_put(&ch->body, frame->payload, frame->size);
    }
    content_advance(a, frame->channel);
    return 0;
}

static int
take_frame(struct nt_amqp *a, const struct nt_amqp_frame *frame, struct nt_err *err)
{
    if (frame->type == AMQP_FRAME_HEARTBEAT) {
        return 0;
    }
    if (frame->channel >= NT_AMQP_N_CHANNELS) {
        return nt_fail(err, NT_FAULT, "frame on channel %u, which was never opened",
                       frame->channel);
    }
    if (frame->channel && a->channels[frame->channel].state == CH_UNUSED) {
        /* Sent before the broker saw that the channel is closed. */
        return a->state >= OPEN ? 0 : nt_fail(err, NT_FAULT, "frame on a channel too early");
    }
    if (a->state == CLOSING && frame->channel) {
        return 0;
    }
    switch (frame->type) {
    case AMQP_FRAME_METHOD:
        return take_method(a, frame, err);
    case AMQP_FRAME_HEADER:
        return take_header(a, frame, err);
    case AMQP_FRAME_BODY:
    default:
        return take_body(a, frame, err);
    }
}

int
nt_amqp_feed(struct nt_amqp *a, const void *data, size_t len, int64_t now, struct nt_err *err)
{
    const uint8_t *at = data;
    struct nt_amqp_frame frame;

    a->last_rx = now;
    while (a->state != OVER) {
        int rc = nt_amqp_cutter_take(&a->cutter, &at, &len, &frame, err);

        if (rc > 0) {
            rc = take_frame(a, &frame, err) < 0 ? -1 : 1;
            recycle_amqp_pool(&a->pool);
        }
        if (rc < 0) {
            a->state = OVER;
            return -1;
        }
        if (!rc) {
            return 0;
        }
    }
    return 0;
}

/* Bytes out, and time. */

size_t
nt_amqp_output(const struct nt_amqp *a, const void **data)
{
    *data = a->out.data;
    return a->out.size;
}

void
nt_amqp_sent(struct nt_amqp *a, size_t n, int64_t now)
{
    ofpbuf_pull(&a->out, n);
    a->last_tx = now;
    if (!a->out.size) {
        ofpbuf_clear(&a->out);
        if (ofpbuf_tailroom(&a->out) > (256 << 10)) {
            ofpbuf_uninit(&a->out);
            ofpbuf_init(&a->out, 0);
        }
    }
}

int
nt_amqp_tick(struct nt_amqp *a, int64_t now, struct nt_err *err)
{
    int64_t limit = a->heartbeat_s * 1000LL;

    if (a->state != OPEN || !limit) {
        return 0;
    }
    if (now - a->last_rx >= limit) {
        return nt_fail(err, NT_TIMEOUT, "nothing came from the broker for %u s", a->heartbeat_s);
    }
    if (now - a->last_tx >= limit / 2 && !a->out.size) {
        nt_amqp_put_heartbeat(&a->out);
        a->last_tx = now;
    }
    return 0;
}

int64_t
nt_amqp_deadline(const struct nt_amqp *a)
{
    int64_t limit = a->heartbeat_s * 1000LL;

    if (a->state != OPEN || !limit) {
        return INT64_MAX;
    }

    int64_t silence = a->last_rx + limit;
    return a->out.size ? silence : MIN(silence, a->last_tx + limit / 2);
}
