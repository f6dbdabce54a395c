/* The bus over RabbitMQ: one connection, made again and again.
 *
 *   pausing --(next_try)--> dialling --> greeting (AMQP) --> setting up --> ready
 *      ^                                                                     |
 *      +---- next host at once, or a pause after each round <--- lost -------+
 *
 * Setting up sends everything that is to exist in one go: requests of a channel are
 * answered in order, so the answer to the last one of each channel says that all are
 * done.  When the broker refuses one, it closes the channel and says why.
 *
 * A channel that is closed later: the publishing one is opened again and what was not
 * confirmed is published again, exchanges declared anew (a fan-out exchange vanishes with
 * its last queue); for the consuming one the connection is made anew. */
#include <config.h>

#include "bus/rabbit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "bus/embedded_frame.h"
#include "bus/json_guard.h"
#include "bus/rabbit_out.h"
#include "bus/rabbit_topology.h"
#include "bus/rabbit_url.h"
#include "bus/transport.h"
#include "openvswitch/json.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/shash.h"
#include "wire/amqp/amqp.h"
#include "wire/dial.h"

NT_LOG_MODULE(nt_bus_rabbit);

#define READ_BUDGET (128u << 10)
#define WRITE_BUDGET (256u << 10)
#define CHUNK (32u << 10)

/* What may be on its way without being confirmed: receivers know repetitions by the last
 * ids they saw (bus/seen.h), so no more may have to be repeated. */
#define MAX_UNCONFIRMED 200
#define MAX_OUTPUT (256u << 10)

#define GREETING_MS 20000
#define MAX_REFUSED 3   /* Closed channels until a message is dropped. */
#define REPLY_MS 600000 /* A reply that could not be sent for so long helps nobody. */
#define CLOSE_MS 1000

enum { CONSUME = 1, PUBLISH = 2 }; /* Channels. */

/* Tokens of the requests that matter by themselves. */
enum { ORDINARY = 0, SET_UP = 1, PUBLISHER_BACK = 2 };

struct rabbit {
    struct nt_bus_transport up;
    const struct nt_clock *clock;
    struct nt_random *random;
    char *program;
    struct nt_rabbit_url url;
    struct nt_rabbit_options o;
    struct nt_dial_tls *tls; /* NULL: plain TCP. */

    size_t next_host, n_failed; /* 'n_failed': hosts in a row. */
    int64_t next_try, pause_ms;
    char where[300]; /* "HOST:PORT" of the connection, or of the last attempt. */

    struct nt_dial *dial;
    struct nt_amqp *amqp;
    int64_t greeting_until; /* While not ready. */
    unsigned n_setting_up;  /* Channels whose last answer is missing. */
    bool ready, publisher_ready, blocked;
    bool over; /* 'lost' says why; the connection is dropped after the callback. */
    struct nt_err lost;
    bool read_more;

    struct nt_rabbit_topology *topology;
    struct nt_rabbit_out out;
    struct shash declared; /* Exchanges, on this publishing channel. */
};

static struct rabbit *
rabbit_cast(const struct nt_bus_transport *up)
{
    return CONTAINER_OF(up, struct rabbit, up);
}

static int64_t
now_ms(const struct rabbit *r)
{
    return nt_mono_ms(r->clock);
}

/* Losing the connection. */

static void NT_PRINTF(2, 3) lose(struct rabbit *r, const char *fmt, ...)
{
    va_list args;
    char why[300];

    if (!r->over) {
        va_start(args, fmt);
        vsnprintf(why, sizeof why, fmt, args);
        va_end(args);
        r->over = true;
        nt_fail(&r->lost, NT_UNAVAILABLE, "%s", why);
    }
}

/* When to try the next host: at once, or after a pause when all have failed. */
static void
schedule(struct rabbit *r)
{
    int64_t now = now_ms(r);
    uint32_t random;

    nt_random_bytes(r->random, "bus", &random, sizeof random);
    r->next_host = (r->next_host + 1) % r->url.n_hosts;
    if (++r->n_failed < r->url.n_hosts) {
        r->next_try = now + random % 100;
        return;
    }
    r->n_failed = 0;
    r->next_try = now + r->pause_ms / 2 + random % (r->pause_ms / 2 + 1);
    r->pause_ms = MIN(r->pause_ms + r->o.retry_backoff_ms, r->o.interval_max_ms);
}

/* Drops the connection, of which 'lost' says why it ended. */
static void
hang_up(struct rabbit *r)
{
    if (r->ready) {
        nt_warn("bus connection lost", "broker", r->where, "reason", r->lost.msg, NULL);
    } else {
        nt_warn_rl("bus not connected", "broker", r->where, "reason", r->lost.msg, NULL);
    }
    nt_amqp_free(r->amqp);
    nt_dial_free(r->dial);
    r->amqp = NULL;
    r->dial = NULL;
    r->over = r->ready = r->publisher_ready = r->blocked = r->read_more = false;
    shash_clear(&r->declared);
    nt_rabbit_out_again(&r->out);
    schedule(r);
}

/* Events of the connection. */

static void
open_publisher(struct rabbit *r, unsigned token)
{
    nt_amqp_channel_open(r->amqp, PUBLISH, ORDINARY);
    nt_amqp_exchange_declare(r->amqp, PUBLISH, r->o.exchange, "topic", nt_rabbit_topic_flags(&r->o),
                             ORDINARY);
    nt_amqp_confirm_select(r->amqp, PUBLISH, token);
}

static void
set_up(struct rabbit *r)
{
    nt_amqp_channel_open(r->amqp, CONSUME, ORDINARY);
    if (r->o.prefetch) {
        nt_amqp_qos(r->amqp, CONSUME, r->o.prefetch, ORDINARY);
    }
    nt_rabbit_topology_begin(r->topology);
    nt_rabbit_topology_declare(r->topology, r->amqp, CONSUME, SET_UP);
    open_publisher(r, SET_UP);
    r->n_setting_up = 2;
}

static void
request_done(struct rabbit *r, unsigned token)
{
    if (token == PUBLISHER_BACK) {
        r->publisher_ready = true;
    } else if (token == SET_UP && --r->n_setting_up == 0) {
        r->ready = r->publisher_ready = true;
        r->n_failed = 0;
        r->pause_ms = r->o.retry_interval_ms;
        nt_dial_set_user_timeout(r->dial, r->o.heartbeat_s * 1000);
        nt_info("bus connected", "broker", r->where, "exchange", r->o.exchange, NULL);
    }
}

/* The message at the head of what is unconfirmed is to blame for the closed channel, or
 * another one whose exchange is named. */
static void
blame(struct rabbit *r, const struct nt_amqp_event *event)
{
    struct nt_rabbit_message *msg, *guilty = NULL;

    LIST_FOR_EACH (msg, node, &r->out.unconfirmed) {
        AUTO_FREE char *name = xasprintf("'%s'", msg->exchange);

        if (!guilty || strstr(event->text, name)) {
            guilty = msg;
            if (strstr(event->text, name)) {
                break;
            }
        }
    }
    if (!guilty) {
        return;
    }
    shash_find_and_delete(&r->declared, guilty->exchange);
    if (++guilty->n_refused >= MAX_REFUSED) {
        nt_warn_rl("message dropped: the broker refuses it", "exchange", guilty->exchange, "key",
                   guilty->routing_key, "reason", event->text, NULL);
        r->out.n_unconfirmed--;
        nt_rabbit_out_drop(&r->out, guilty);
    }
}

static void
channel_closed(struct rabbit *r, const struct nt_amqp_event *event)
{
    if (!r->ready || event->channel != PUBLISH) {
        lose(r, "broker closed the channel: %s", event->text);
        return;
    }
    nt_info_rl("publishing channel opened again", "broker", r->where, "reason", event->text, NULL);
    blame(r, event);
    r->publisher_ready = false;
    shash_clear(&r->declared);
    nt_rabbit_out_again(&r->out);
    open_publisher(r, PUBLISHER_BACK);
}

static void
refuse_body(struct rabbit *r, const struct nt_rabbit_consumer *from, const char *why)
{
    nt_warn_rl("message refused", "queue", from->queue, "broker", r->where, "reason", why, NULL);
    nt_bus_count_refused(r->up.bus);
}

static void
message_came(struct rabbit *r, const struct nt_amqp_event *event)
{
    const struct nt_rabbit_consumer *from =
        nt_rabbit_topology_consumer(r->topology, event->consumer);
    struct nt_json_guard guard = { 0 };

    /* First of all, as oslo.messaging does: what is delivered is delivered once. */
    nt_amqp_ack(r->amqp, CONSUME, event->tag);
    if (!from) {
        return;
    }
    if (event->kind == NT_AMQP_TOO_LARGE) {
        char why[100];

        snprintf(why, sizeof why, "%llu bytes, at most %u are taken",
                 (unsigned long long) event->size, NT_FRAME_MAX);
        refuse_body(r, from, why);
        return;
    }
    if (!nt_json_guard_feed(&guard, event->body, event->size)) {
        refuse_body(r, from, "too many values");
        return;
    }

    struct json_parser *parser = json_parser_create(0);
    json_parser_feed(parser, event->body, event->size);
    struct json *body = json_parser_finish(parser);
    if (body->type == JSON_STRING) {
        refuse_body(r, from,
                    event->size && *(const char *) event->body == '{'
                        ? json_string(body)
                        : "no JSON object; if it is compressed, unset kombu_compression there");
    } else {
        const struct nt_bus_incoming in = { .topic = from->topic,
                                            .host = from->host,
                                            .fanout = from->fanout,
                                            .peer = "",
                                            .program = "",
                                            .body = body };

        nt_bus_receive(r->up.bus, &in);
    }
    json_destroy(body);
}

static void
on_event(void *r_, const struct nt_amqp_event *event)
{
    struct rabbit *r = r_;

    if (r->over) {
        return;
    }
    switch (event->kind) {
    case NT_AMQP_OPENED:
        set_up(r);
        break;
    case NT_AMQP_DONE:
        request_done(r, event->token);
        break;
    case NT_AMQP_DELIVERED:
    case NT_AMQP_TOO_LARGE:
        message_came(r, event);
        break;
    case NT_AMQP_RETURNED:
        nt_rabbit_out_returned(&r->out, event->routing_key, now_ms(r), r->o.missing_consumer_ms);
        break;
    case NT_AMQP_CONFIRMED:
    case NT_AMQP_REJECTED:
        nt_rabbit_out_confirmed(&r->out, event->tag, event->multiple,
                                event->kind == NT_AMQP_CONFIRMED);
        break;
    case NT_AMQP_CANCELLED:
        nt_rabbit_topology_restore(r->topology, r->amqp, CONSUME, event->consumer);
        break;
    case NT_AMQP_CHANNEL_CLOSED:
        channel_closed(r, event);
        break;
    case NT_AMQP_BLOCKED:
        r->blocked = true;
        nt_warn("broker takes no messages", "broker", r->where, "reason", event->text, NULL);
        break;
    case NT_AMQP_UNBLOCKED:
        r->blocked = false;
        nt_info("broker takes messages again", "broker", r->where, NULL);
        break;
    case NT_AMQP_CLOSED:
    default:
        lose(r, "broker closed the connection: %s", event->text ? event->text : "as asked for");
    }
}

/* Coming up. */

static void
begin(struct rabbit *r)
{
    const struct nt_rabbit_host *host = &r->url.hosts[r->next_host];

    snprintf(r->where, sizeof r->where, strchr(host->name, ':') ? "[%s]:%u" : "%s:%u", host->name,
             host->port);
    r->dial = nt_dial_new(host->name, host->port, r->tls, r->clock);
}

static void
greet(struct rabbit *r)
{
    const struct nt_rabbit_host *host = &r->url.hosts[r->next_host];
    char uuid[NT_UUID_SIZE], hex[33];
    struct nt_err err;

    nt_bus_draw_hex(r->random, 16, hex);
    snprintf(uuid, sizeof uuid, "%.8s-%.4s-4%.3s-8%.3s-%.12s", hex, hex + 8, hex + 13, hex + 17,
             hex + 20);
    AUTO_FREE char *name = xasprintf("%s:%d:%s", r->program, (int) getpid(), uuid);
    const struct nt_amqp_options options = {
        .mechanism = r->o.login_method,
        .user = host->user,
        .password = host->password,
        .vhost = r->url.vhost,
        .name = name,
        .heartbeat_s = r->o.heartbeat_s,
        .max_body = NT_FRAME_MAX,
    };

    r->greeting_until = now_ms(r) + GREETING_MS;
    if (nt_amqp_new(&options, now_ms(r), on_event, r, &r->amqp, &err) < 0) {
        lose(r, "%s", err.msg);
    }
}

static void
receive(struct rabbit *r)
{
    char buf[CHUNK];
    size_t total = 0;
    struct nt_err err;

    r->read_more = false;
    while (!r->over) {
        ssize_t n = nt_dial_read(r->dial, buf, sizeof buf, &err);

        if (n < 0 || (n > 0 && nt_amqp_feed(r->amqp, buf, n, now_ms(r), &err) < 0)) {
            lose(r, "%s", err.msg);
        } else if (!n) {
            return;
        } else {
            total += n;
            if (total >= READ_BUDGET) {
                r->read_more = true;
                return;
            }
        }
    }
}

static void
rabbit_run(struct nt_bus_transport *up)
{
    struct rabbit *r = rabbit_cast(up);
    struct nt_err err;

    if (!r->dial) {
        if (now_ms(r) < r->next_try) {
            return;
        }
        begin(r);
    }
    if (!r->amqp) {
        int rc = nt_dial_run(r->dial, &err);

        if (rc < 0) {
            lose(r, "%s", err.msg);
        } else if (rc > 0) {
            greet(r);
        }
    }
    if (r->amqp && !r->over) {
        receive(r);
        if (!r->over && nt_amqp_tick(r->amqp, now_ms(r), &err) < 0) {
            lose(r, "%s", err.msg);
        }
        if (!r->ready && now_ms(r) >= r->greeting_until) {
            lose(r, "no answer in time");
        }
        nt_rabbit_out_retry(&r->out, now_ms(r));
    }
    if (r->over) {
        hang_up(r);
    }
}

/* Sending. */

static void
publish(struct rabbit *r, struct nt_rabbit_message *msg, int64_t now)
{
    int64_t waited = now - msg->queued_at;
    const struct nt_amqp_message out = {
        .exchange = msg->exchange,
        .routing_key = msg->routing_key,
        .mandatory = msg->mandatory,
        /* What is left of the call's time; all of it when it goes out at once. */
        .expiration_ms = !msg->is_call   ? 0
                         : waited < 1000 ? msg->timeout_ms
                                         : msg->timeout_ms - waited,
        .body = msg->body,
        .size = msg->size,
    };

    if (msg->fanout && shash_add_once(&r->declared, msg->exchange, NULL)) {
        nt_amqp_exchange_declare(r->amqp, PUBLISH, msg->exchange, "fanout", NT_AMQP_AUTO_DELETE,
                                 ORDINARY);
    } else if (!msg->fanout && *msg->exchange
               && shash_add_once(&r->declared, msg->exchange, NULL)) {
        /* After a restart of the broker we may be the first. */
        nt_amqp_exchange_declare(r->amqp, PUBLISH, msg->exchange, "topic",
                                 nt_rabbit_topic_flags(&r->o), ORDINARY);
    }
    nt_rabbit_out_published(&r->out, msg, nt_amqp_publish(r->amqp, PUBLISH, &out));
}

static size_t
output(const struct rabbit *r)
{
    const void *data;

    return r->amqp ? nt_amqp_output(r->amqp, &data) : 0;
}

static bool
may_publish(const struct rabbit *r)
{
    return r->ready && r->publisher_ready && !r->blocked && r->out.n_unconfirmed < MAX_UNCONFIRMED
           && output(r) < MAX_OUTPUT;
}

static void
pump(struct rabbit *r)
{
    int64_t now = now_ms(r);

    while (may_publish(r)) {
        struct nt_rabbit_message *msg = nt_rabbit_out_next(&r->out, now);

        if (!msg) {
            return;
        }
        publish(r, msg, now);
    }
}

static void
rabbit_flush(struct nt_bus_transport *up)
{
    struct rabbit *r = rabbit_cast(up);
    size_t total = 0;
    const void *data;
    size_t len;

    pump(r);
    while (r->amqp && !r->over && total < WRITE_BUDGET
           && (len = nt_amqp_output(r->amqp, &data)) > 0) {
        struct nt_err err;
        ssize_t n = nt_dial_write(r->dial, data, MIN(len, CHUNK), &err);

        if (n < 0) {
            lose(r, "%s", err.msg); /* Dropped by the next run. */
        } else if (!n) {
            return;
        } else {
            nt_amqp_sent(r->amqp, n, now_ms(r));
            total += n;
        }
    }
}

static void
wait_until(int64_t when, int64_t now)
{
    if (when != INT64_MAX) {
        poll_timer_wait(MAX(when - now, 0));
    }
}

static void
rabbit_wait(struct nt_bus_transport *up)
{
    struct rabbit *r = rabbit_cast(up);
    int64_t now = now_ms(r);

    if (!r->dial) {
        wait_until(r->next_try, now);
        return;
    }
    /* What was put by those who run after the bus would wait for the next turn. */
    bool has_more = may_publish(r) && !ovs_list_is_empty(&r->out.waiting);
    if (r->over || r->read_more || has_more) {
        poll_immediate_wake();
    }
    nt_dial_wait(r->dial, output(r) > 0);
    if (r->amqp) {
        wait_until(nt_amqp_deadline(r->amqp), now);
        wait_until(r->ready ? INT64_MAX : r->greeting_until, now);
        wait_until(nt_rabbit_out_deadline(&r->out), now);
    }
}

static bool
rabbit_is_connected(const struct nt_bus_transport *up)
{
    return rabbit_cast(up)->ready;
}

/* Takes the envelope's text into the queue. */
static int
put(struct rabbit *r, struct nt_rabbit_message *msg, const struct json *body, struct nt_err *err)
{
    msg->body = json_to_string(body, 0);
    msg->size = strlen(msg->body);
    msg->queued_at = now_ms(r);
    if (msg->size > NT_FRAME_MAX) {
        free(msg->body);
        return nt_fail(err, NT_TOO_LARGE, "message has %zu bytes, at most %u can be sent",
                       msg->size, NT_FRAME_MAX);
    }
    return nt_rabbit_out_put(&r->out, msg, NT_RABBIT_MAX_QUEUE, err);
}

static int
rabbit_send(struct nt_bus_transport *up, const struct nt_bus_message *msg, struct nt_err *err)
{
    struct rabbit *r = rabbit_cast(up);
    char exchange[NT_AMQP_MAX_NAME + 1], key[NT_AMQP_MAX_NAME + 1];
    int n;

    if (msg->msg_id && !r->ready) {
        return nt_fail(err, NT_UNAVAILABLE, "not connected to the broker at %s", r->where);
    }
    n = msg->host ? snprintf(key, sizeof key, "%s.%s", msg->topic, msg->host)
                  : snprintf(key, sizeof key, "%s", msg->topic);
    n = MAX(n, snprintf(exchange, sizeof exchange, "%s_fanout", msg->topic));
    if (n > NT_AMQP_MAX_NAME) {
        return nt_fail(err, NT_TOO_LARGE, "topic %.40s... and host have more than %d bytes",
                       msg->topic, NT_AMQP_MAX_NAME);
    }

    struct nt_rabbit_message out = {
        .exchange = msg->fanout ? exchange : (char *) r->o.exchange,
        .routing_key = msg->fanout ? (char *) "" : key,
        .fanout = msg->fanout,
        /* A broker that restarts has lost the queue of whoever is asked, until that one has
         * made it again: the call waits for it, but only as long as it may take. */
        .mandatory = msg->msg_id != NULL,
        .is_call = msg->msg_id != NULL,
        .timeout_ms = msg->msg_id ? msg->timeout_ms : 0,
    };
    return put(r, &out, msg->body, err);
}

static int
rabbit_reply(struct nt_bus_transport *up, const struct nt_bus_message *msg, struct nt_err *err)
{
    struct rabbit *r = rabbit_cast(up);
    struct nt_rabbit_message out = {
        .exchange = (char *) "",
        .routing_key = (char *) msg->reply_q,
        .mandatory = r->o.mandatory_replies,
        .timeout_ms = REPLY_MS,
    };

    if (nt_rabbit_out_is_dead(&r->out, msg->reply_q, now_ms(r))) {
        return nt_fail(err, NT_UNAVAILABLE, "reply queue %.60s is gone", msg->reply_q);
    }
    return put(r, &out, msg->body, err);
}

static void
rabbit_serve(struct nt_bus_transport *up, const char *topic, const char *host, bool listens)
{
    struct rabbit *r = rabbit_cast(up);
    char hex[33];

    nt_bus_draw_hex(r->random, 16, hex);
    nt_rabbit_topology_serve(r->topology, topic, host, hex, listens);
    if (r->amqp && !r->over && nt_amqp_channel_is_open(r->amqp, CONSUME)) {
        nt_rabbit_topology_declare(r->topology, r->amqp, CONSUME, ORDINARY);
    }
}

/* The end. */

/* Sends what waits and says good-bye: a connection that is just dropped loses what the
 * kernel still holds.  Bounded, since it blocks. */
static void
say_goodbye(struct rabbit *r)
{
    int64_t until = now_ms(r) + CLOSE_MS;
    bool closing = false;
    struct nt_err err;
    char buf[4096];

    while (!r->over && now_ms(r) < until) {
        ssize_t n;

        if (!closing && ovs_list_is_empty(&r->out.waiting) && !r->out.n_unconfirmed) {
            nt_rabbit_topology_delete(r->topology, r->amqp, CONSUME);
            nt_amqp_close(r->amqp);
            closing = true;
        }
        rabbit_flush(&r->up);
        nt_dial_block(r->dial, output(r) > 0, 50);
        while (!r->over && (n = nt_dial_read(r->dial, buf, sizeof buf, &err)) != 0) {
            if (n < 0 || nt_amqp_feed(r->amqp, buf, n, now_ms(r), &err) < 0) {
                lose(r, "%s", err.msg);
            }
        }
    }
}

static void
rabbit_free(struct nt_bus_transport *up)
{
    struct rabbit *r = rabbit_cast(up);

    if (r->ready && !r->over) {
        say_goodbye(r);
    }
    nt_amqp_free(r->amqp);
    nt_dial_free(r->dial);
    nt_dial_tls_free(r->tls);
    nt_rabbit_topology_free(r->topology);
    nt_rabbit_out_deinit(&r->out);
    shash_destroy(&r->declared);
    nt_rabbit_url_clear(&r->url);
    free(r->program);
    free(r);
}

static const struct nt_bus_transport_class rabbit_class = {
    rabbit_send, rabbit_reply, rabbit_serve, rabbit_is_connected,
    rabbit_run,  rabbit_flush, rabbit_wait,  rabbit_free,
};

/* Once: programs that start together do not all go to the first host. */
static void
shuffle(struct rabbit *r)
{
    for (size_t i = r->url.n_hosts; i > 1; i--) {
        struct nt_rabbit_host last = r->url.hosts[i - 1];
        uint32_t random;

        nt_random_bytes(r->random, "bus", &random, sizeof random);
        r->url.hosts[i - 1] = r->url.hosts[random % i];
        r->url.hosts[random % i] = last;
    }
}

int
nt_bus_rabbit_new(const struct nt_bus_options *options, const struct nt_config *config,
                  struct nt_bus **out, struct nt_err *err)
{
    struct nt_rabbit_url url;
    struct nt_rabbit_options o;
    AUTO(nt_dial_tls) tls = NULL;

    if (nt_rabbit_options_read(config, &o, err) < 0
        || nt_rabbit_url_parse(nt_config_str(config, "transport_url"), &url, err) < 0) {
        return -1;
    }
    if ((url.ssl >= 0 ? url.ssl : o.ssl) && nt_dial_tls_new(&o.tls, &tls, err) < 0) {
        nt_rabbit_url_clear(&url);
        return -1;
    }

    struct rabbit *r = xzalloc(sizeof *r);
    r->up.class = &rabbit_class;
    r->clock = options->clock;
    r->random = options->random;
    r->program = xstrdup(options->program);
    r->url = url;
    r->o = o;
    r->tls = TAKE(tls);
    r->pause_ms = o.retry_interval_ms;
    ovs_strlcpy(r->where, "any of its hosts", sizeof r->where);
    nt_rabbit_out_init(&r->out);
    shash_init(&r->declared);
    shuffle(r);
    *out = nt_bus_new(&r->up, options->clock, options->random);
    r->topology = nt_rabbit_topology_new(&r->o, nt_bus_reply_queue(*out));
    return 0;
}

size_t
nt_bus_rabbit_queued(const struct nt_bus *bus)
{
    return rabbit_cast(nt_bus_transport(bus))->out.bytes;
}
