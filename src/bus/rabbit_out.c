#include <config.h>

#include "bus/rabbit_out.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"

NT_LOG_MODULE(nt_bus_out);

/* A message has a cost besides its body. */
#define OVERHEAD 256
#define RETRY_MS 250
#define MAX_REFUSED 3
#define DEAD_QUEUES 200
#define DEAD_MS 60000

void
nt_rabbit_out_init(struct nt_rabbit_out *out)
{
    ovs_list_init(&out->waiting);
    ovs_list_init(&out->unconfirmed);
    ovs_list_init(&out->returned);
    shash_init(&out->dead);
    out->n_unconfirmed = 0;
    out->bytes = 0;
}

static void
message_free(struct nt_rabbit_message *msg)
{
    free(msg->exchange);
    free(msg->routing_key);
    free(msg->body);
    free(msg);
}

static void
list_clear(struct ovs_list *list)
{
    struct nt_rabbit_message *msg;

    LIST_FOR_EACH_POP (msg, node, list) {
        message_free(msg);
    }
}

void
nt_rabbit_out_deinit(struct nt_rabbit_out *out)
{
    list_clear(&out->waiting);
    list_clear(&out->unconfirmed);
    list_clear(&out->returned);
    shash_destroy_free_data(&out->dead);
}

int
nt_rabbit_out_put(struct nt_rabbit_out *out, const struct nt_rabbit_message *msg, size_t max,
                  struct nt_err *err)
{
    if (out->bytes + msg->size + OVERHEAD > max) {
        free(msg->body);
        return nt_fail(err, NT_UNAVAILABLE, "%zu bytes wait for the broker already", out->bytes);
    }

    struct nt_rabbit_message *copy = xmemdup(msg, sizeof *msg);
    copy->exchange = xstrdup(msg->exchange);
    copy->routing_key = xstrdup(msg->routing_key);
    out->bytes += copy->size + OVERHEAD;
    ovs_list_push_back(&out->waiting, &copy->node);
    return 0;
}

void
nt_rabbit_out_drop(struct nt_rabbit_out *out, struct nt_rabbit_message *msg)
{
    out->bytes -= msg->size + OVERHEAD;
    ovs_list_remove(&msg->node);
    message_free(msg);
}

struct nt_rabbit_message *
nt_rabbit_out_next(struct nt_rabbit_out *out, int64_t now)
{
    while (!ovs_list_is_empty(&out->waiting)) {
        struct nt_rabbit_message *msg =
            CONTAINER_OF(ovs_list_front(&out->waiting), struct nt_rabbit_message, node);

        if (!msg->timeout_ms || now < msg->queued_at + msg->timeout_ms) {
            return msg;
        }
        nt_rabbit_out_drop(out, msg);
    }
    return NULL;
}

void
nt_rabbit_out_published(struct nt_rabbit_out *out, struct nt_rabbit_message *msg, uint64_t tag)
{
    msg->tag = tag;
    msg->was_returned = false;
    ovs_list_remove(&msg->node);
    ovs_list_push_back(&out->unconfirmed, &msg->node);
    out->n_unconfirmed++;
}

static void
confirm_one(struct nt_rabbit_out *out, struct nt_rabbit_message *msg, bool ok)
{
    out->n_unconfirmed--;
    if (ok && !msg->was_returned) {
        nt_rabbit_out_drop(out, msg);
        return;
    }
    ovs_list_remove(&msg->node);
    if (msg->was_returned) {
        ovs_list_push_back(&out->returned, &msg->node);
        return;
    }
    ovs_list_push_back(&out->waiting, &msg->node);
    if (++msg->n_refused > MAX_REFUSED) {
        nt_rabbit_out_drop(out, msg);
    }
}

void
nt_rabbit_out_confirmed(struct nt_rabbit_out *out, uint64_t tag, bool multiple, bool ok)
{
    struct nt_rabbit_message *msg;

    LIST_FOR_EACH_SAFE (msg, node, &out->unconfirmed) {
        if (msg->tag > tag) {
            break;
        }
        if (multiple || msg->tag == tag) {
            confirm_one(out, msg, ok);
        }
    }
}

void
nt_rabbit_out_returned(struct nt_rabbit_out *out, const char *routing_key, int64_t now,
                       int64_t patience_ms)
{
    struct nt_rabbit_message *msg;

    LIST_FOR_EACH (msg, node, &out->unconfirmed) {
        if (msg->mandatory && !msg->was_returned && !strcmp(msg->routing_key, routing_key)) {
            msg->was_returned = true;
            msg->retry_at = now + RETRY_MS;
            if (!msg->give_up_at) {
                msg->give_up_at =
                    msg->is_call ? msg->queued_at + msg->timeout_ms : now + patience_ms;
            }
            return;
        }
    }
}

void
nt_rabbit_out_again(struct nt_rabbit_out *out)
{
    while (!ovs_list_is_empty(&out->unconfirmed)) {
        /* From the last on, so that their order stays. */
        struct nt_rabbit_message *msg =
            CONTAINER_OF(ovs_list_pop_back(&out->unconfirmed), struct nt_rabbit_message, node);

        ovs_list_push_front(&out->waiting, &msg->node);
    }
    out->n_unconfirmed = 0;
}

static void
bury(struct nt_rabbit_out *out, const char *queue, int64_t now)
{
    int64_t until = now + DEAD_MS;

    nt_warn_rl("reply dropped: its queue is gone", "queue", queue, NULL);
    if (shash_count(&out->dead) >= DEAD_QUEUES) {
        shash_clear_free_data(&out->dead);
    }
    free(shash_replace(&out->dead, queue, xmemdup(&until, sizeof until)));
}

bool
nt_rabbit_out_is_dead(struct nt_rabbit_out *out, const char *queue, int64_t now)
{
    struct shash_node *node = shash_find(&out->dead, queue);

    if (!node || now < *(int64_t *) node->data) {
        return node;
    }
    free(node->data);
    shash_delete(&out->dead, node);
    return false;
}

void
nt_rabbit_out_retry(struct nt_rabbit_out *out, int64_t now)
{
    struct nt_rabbit_message *msg;

    LIST_FOR_EACH_SAFE (msg, node, &out->returned) {
        if (now >= msg->give_up_at) {
            if (!msg->is_call) {
                bury(out, msg->routing_key, now);
            }
            nt_rabbit_out_drop(out, msg);
        } else if (now >= msg->retry_at) {
            msg->retry_at = now + RETRY_MS;
            ovs_list_remove(&msg->node);
            ovs_list_push_back(&out->waiting, &msg->node);
        }
    }
}

int64_t
nt_rabbit_out_deadline(const struct nt_rabbit_out *out)
{
    const struct nt_rabbit_message *msg;
    int64_t next = INT64_MAX;

    LIST_FOR_EACH (msg, node, &out->returned) {
        next = MIN(next, MIN(msg->retry_at, msg->give_up_at));
    }
    return next;
}
