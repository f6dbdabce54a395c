#include <config.h>

#include "bus/rabbit_topology.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

NT_LOG_MODULE(nt_bus_topology);

struct service {
    char *topic, *host;
};

struct nt_rabbit_topology {
    const struct nt_rabbit_options *o;
    struct service **services; /* Their texts are borrowed by the consumers. */
    size_t n_services;
    struct nt_rabbit_consumer *consumers; /* The first is that of replies. */
    size_t n_consumers;
    size_t n_declared; /* Consumers that were declared on this connection. */
    unsigned n_tags;   /* Given on it. */
};

int
nt_rabbit_options_read(const struct nt_config *config, struct nt_rabbit_options *out,
                       struct nt_err *err)
{
    *out = (struct nt_rabbit_options){
        .exchange = nt_config_str(config, "control_exchange"),
        .login_method = nt_config_str(config, "rabbit_login_method"),
        .ssl = nt_config_bool(config, "ssl"),
        .tls = { .authority_file = nt_config_str(config, "ssl_ca_file"),
                 .certificate_file = nt_config_str(config, "oslo_messaging_rabbit.ssl_cert_file"),
                 .key_file = nt_config_str(config, "oslo_messaging_rabbit.ssl_key_file"),
                 .verify = nt_config_bool(config, "ssl_verify") },
        .retry_interval_ms = nt_config_int(config, "rabbit_retry_interval") * 1000,
        .retry_backoff_ms = nt_config_int(config, "rabbit_retry_backoff") * 1000,
        .interval_max_ms = nt_config_int(config, "rabbit_interval_max") * 1000,
        .missing_consumer_ms = nt_config_int(config, "kombu_missing_consumer_retry_timeout") * 1000,
        .heartbeat_s = nt_config_int(config, "heartbeat_timeout_threshold"),
        .prefetch = nt_config_int(config, "rabbit_qos_prefetch_count"),
        .transient_ttl_ms = nt_config_int(config, "rabbit_transient_queues_ttl") * 1000,
        .durable = nt_config_bool(config, "amqp_durable_queues"),
        .auto_delete = nt_config_bool(config, "amqp_auto_delete"),
        .mirrored = nt_config_bool(config, "rabbit_ha_queues"),
        .quorum = nt_config_bool(config, "rabbit_quorum_queue"),
        .mandatory_replies = nt_config_bool(config, "direct_mandatory_flag"),
        .delivery_limit = nt_config_int(config, "rabbit_quorum_delivery_limit"),
        .max_memory_length = nt_config_int(config, "rabbit_quroum_max_memory_length"),
        .max_memory_bytes = nt_config_int(config, "rabbit_quroum_max_memory_bytes"),
    };
    if (out->mirrored && out->quorum) {
        return nt_fail(err, NT_INVALID,
                       "rabbit_ha_queues and rabbit_quorum_queue exclude each other: unset one");
    }
    if (!*out->exchange) {
        return nt_fail(err, NT_INVALID, "control_exchange is empty: messages would reach nobody");
    }
    return 0;
}

unsigned
nt_rabbit_topic_flags(const struct nt_rabbit_options *o)
{
    return (o->durable || o->quorum ? NT_AMQP_DURABLE : 0)
           | (o->auto_delete ? NT_AMQP_AUTO_DELETE : 0);
}

/* Takes 'queue'. */
static void
add_consumer(struct nt_rabbit_topology *t, const char *topic, const char *host, bool fanout,
             char *queue)
{
    t->consumers = xrealloc(t->consumers, (t->n_consumers + 1) * sizeof *t->consumers);
    t->consumers[t->n_consumers++] = (struct nt_rabbit_consumer){
        .topic = topic, .host = host, .fanout = fanout, .queue = queue
    };
}

struct nt_rabbit_topology *
nt_rabbit_topology_new(const struct nt_rabbit_options *o, const char *reply_queue)
{
    struct nt_rabbit_topology *t = xzalloc(sizeof *t);

    t->o = o;
    add_consumer(t, NULL, NULL, false, xstrdup(reply_queue));
    return t;
}

void
nt_rabbit_topology_free(struct nt_rabbit_topology *t)
{
    if (t) {
        for (size_t i = 0; i < t->n_consumers; i++) {
            free(t->consumers[i].queue);
        }
        for (size_t i = 0; i < t->n_services; i++) {
            free(t->services[i]->topic);
            free(t->services[i]->host);
            free(t->services[i]);
        }
        free(t->consumers);
        free(t->services);
        free(t);
    }
}

void
nt_rabbit_topology_serve(struct nt_rabbit_topology *t, const char *topic, const char *host,
                         const char *unique, bool listens)
{
    for (size_t i = 0; i < t->n_services; i++) {
        if (!strcmp(t->services[i]->topic, topic)
            && nullable_string_is_equal(t->services[i]->host, host)) {
            return; /* For another namespace. */
        }
    }

    struct service *s = xzalloc(sizeof *s);
    s->topic = xstrdup(topic);
    s->host = nullable_xstrdup(host);
    t->services = xrealloc(t->services, (t->n_services + 1) * sizeof *t->services);
    t->services[t->n_services++] = s;
    if (!listens) {
        add_consumer(t, s->topic, NULL, false, xstrdup(topic));
    }
    if (host) {
        add_consumer(t, s->topic, s->host, false, xasprintf("%s.%s", topic, host));
    }
    add_consumer(t, s->topic, NULL, true, xasprintf("%s_fanout_%s", topic, unique));
}

static void
declare_queue(const struct nt_rabbit_topology *t, struct nt_amqp *amqp, unsigned channel,
              const struct nt_rabbit_consumer *c)
{
    const struct nt_rabbit_options *o = t->o;
    bool is_transient = !c->topic || c->fanout;
    const struct nt_amqp_queue queue = {
        .name = c->queue,
        .durable = !is_transient && (o->durable || o->quorum),
        .auto_delete = !is_transient && o->auto_delete,
        .quorum = !is_transient && o->quorum,
        .mirrored = o->mirrored,
        .expires_ms = is_transient ? o->transient_ttl_ms : 0,
        .delivery_limit = o->delivery_limit,
        .max_memory_length = o->max_memory_length,
        .max_memory_bytes = o->max_memory_bytes,
    };

    if (c->fanout) {
        AUTO_FREE char *exchange = xasprintf("%s_fanout", c->topic);

        nt_amqp_exchange_declare(amqp, channel, exchange, "fanout", NT_AMQP_AUTO_DELETE, 0);
        nt_amqp_queue_declare(amqp, channel, &queue, 0);
        nt_amqp_queue_bind(amqp, channel, c->queue, exchange, c->topic, 0);
    } else if (c->topic) {
        nt_amqp_exchange_declare(amqp, channel, o->exchange, "topic", nt_rabbit_topic_flags(o), 0);
        nt_amqp_queue_declare(amqp, channel, &queue, 0);
        nt_amqp_queue_bind(amqp, channel, c->queue, o->exchange, c->queue, 0);
    } else {
        nt_amqp_queue_declare(amqp, channel, &queue, 0);
    }
}

static void
consume(struct nt_rabbit_topology *t, struct nt_amqp *amqp, unsigned channel,
        struct nt_rabbit_consumer *c, unsigned token)
{
    snprintf(c->tag, sizeof c->tag, "%u", ++t->n_tags);
    nt_amqp_consume(amqp, channel, c->queue, c->tag, token);
}

void
nt_rabbit_topology_begin(struct nt_rabbit_topology *t)
{
    t->n_tags = 0;
    t->n_declared = 0;
}

void
nt_rabbit_topology_declare(struct nt_rabbit_topology *t, struct nt_amqp *amqp, unsigned channel,
                           unsigned token)
{
    for (size_t i = t->n_declared; i < t->n_consumers; i++) {
        declare_queue(t, amqp, channel, &t->consumers[i]);
    }
    for (size_t i = t->n_declared; i < t->n_consumers; i++) {
        consume(t, amqp, channel, &t->consumers[i], i + 1 == t->n_consumers ? token : 0);
    }
    t->n_declared = t->n_consumers;
}

static struct nt_rabbit_consumer *
find(const struct nt_rabbit_topology *t, const char *tag)
{
    for (size_t i = 0; i < t->n_consumers; i++) {
        if (!strcmp(t->consumers[i].tag, tag)) {
            return &t->consumers[i];
        }
    }
    return NULL;
}

void
nt_rabbit_topology_restore(struct nt_rabbit_topology *t, struct nt_amqp *amqp, unsigned channel,
                           const char *tag)
{
    struct nt_rabbit_consumer *c = find(t, tag);

    if (c) {
        nt_warn_rl("queue was deleted: declared again", "queue", c->queue, NULL);
        declare_queue(t, amqp, channel, c);
        consume(t, amqp, channel, c, 0);
    }
}

void
nt_rabbit_topology_delete(struct nt_rabbit_topology *t, struct nt_amqp *amqp, unsigned channel)
{
    for (size_t i = 0; i < t->n_consumers; i++) {
        if (t->consumers[i].fanout) {
            nt_amqp_queue_delete(amqp, channel, t->consumers[i].queue, 0);
        }
    }
}

const struct nt_rabbit_consumer *
nt_rabbit_topology_consumer(const struct nt_rabbit_topology *t, const char *tag)
{
    return find(t, tag);
}
