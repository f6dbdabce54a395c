#include <config.h>

#include "server/op.h"

#include <stdbool.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"

NT_LOG_MODULE(op)

struct op {
    struct ovs_list node;
    op_done *done; /* May be NULL. */
    void *aux;
    struct changes changes;
    char request_id[NT_REQUEST_ID_SIZE];
    struct nt_err err; /* NT_OK: succeeded so far. */
};

struct op_queue {
    struct store *store;  /* Borrowed. */
    struct ovs_list ops;  /* Of struct op, this turn's, in order. */
    struct nt_err broken; /* The database gave up the transaction itself. */
    op_publish *publish;  /* May be NULL. */
    void *publish_aux;
    uint64_t n_commits, n_db_errors;
};

struct op_queue *
op_queue_new(struct store *store)
{
    struct op_queue *q = xzalloc(sizeof *q);

    q->store = store;
    ovs_list_init(&q->ops);
    return q;
}

void
op_queue_free(struct op_queue *q)
{
    if (q) {
        /* What a callback submits now is still done, but only a bounded number of
         * rounds: this is the end of the program. */
        for (int i = 0; i < 10 && !ovs_list_is_empty(&q->ops); i++) {
            op_queue_run(q);
        }
        store_rollback(q->store);

        struct op *op;
        LIST_FOR_EACH_POP (op, node, &q->ops) {
            changes_clear(&op->changes);
            free(op);
        }
        free(q);
    }
}

void
op_queue_on_changes(struct op_queue *q, op_publish *publish, void *aux)
{
    q->publish = publish;
    q->publish_aux = aux;
}

/* Disk full and the like end the whole transaction: what ran before in this turn is
 * lost as well. */
static void
note_if_broken(struct op_queue *q, const struct nt_err *why)
{
    if (!q->broken.code && !store_in_transaction(q->store)) {
        q->broken = *why;
        if (why->code != NT_UNAVAILABLE) {
            q->broken.code = NT_FAULT;
        }
    }
}

static int
run_in_savepoint(struct op_queue *q, op_fn *fn, void *arg, struct op *op)
{
    struct store *store = q->store;

    if (store_savepoint(store, &op->err) < 0) {
        return -1;
    }
    if (fn(store, arg, &op->changes, &op->err) < 0 || store_release(store, &op->err) < 0) {
        store_rollback_to(store);
        return -1;
    }
    return 0;
}

void
op_submit(struct op_queue *q, op_fn *fn, void *arg, op_done *done, void *aux)
{
    bool is_first = ovs_list_is_empty(&q->ops);
    struct op *op = xzalloc(sizeof *op);

    op->done = done;
    op->aux = aux;
    ovs_strlcpy(op->request_id, nt_log_request(), sizeof op->request_id);
    ovs_list_push_back(&q->ops, &op->node);
    if (is_first && store_begin(q->store, &op->err) < 0) {
        q->broken = op->err;
    } else if (q->broken.code) {
        op->err = q->broken;
    } else if (run_in_savepoint(q, fn, arg, op) < 0) {
        changes_clear(&op->changes);
        if (!op->err.code) {
            nt_fail(&op->err, NT_FAULT, "an operation failed without a reason");
        }
        note_if_broken(q, &op->err);
    }
}

static void
commit(struct op_queue *q, struct nt_err *err)
{
    if (q->broken.code) {
        *err = q->broken;
    } else if (store_commit(q->store, err) >= 0) {
        q->n_commits++;
    }
    if (err->code) {
        q->n_db_errors++;
        store_rollback(q->store);
        nt_error("cannot commit", "database", store_path(q->store), "reason", err->msg, NULL);
    }
    q->broken = (struct nt_err){ 0 };
}

static void
tell(struct op_queue *q, struct op *op)
{
    nt_log_swap_request(op->request_id);
    if (op->err.code == NT_FAULT) {
        q->n_db_errors++;
    }
    if (op->done) {
        op->done(op->aux, op->err.code ? &op->err : NULL);
    }
    NT_CRASHPOINT("op-answered");
    if (!op->err.code && op->changes.n && q->publish) {
        q->publish(q->publish_aux, &op->changes);
    }
    nt_log_swap_request(op->request_id);
    NT_CRASHPOINT("op-published");
    changes_clear(&op->changes);
    free(op);
}

void
op_queue_run(struct op_queue *q)
{
    if (ovs_list_is_empty(&q->ops)) {
        return;
    }

    /* Callbacks may submit; theirs is the next commit. */
    struct ovs_list batch;
    struct nt_err err = { 0 };
    struct op *op;

    commit(q, &err);
    ovs_list_move(&batch, &q->ops);
    ovs_list_init(&q->ops);
    LIST_FOR_EACH_POP (op, node, &batch) {
        if (err.code && !op->err.code) {
            op->err = err;
        }
        tell(q, op);
    }
}

void
op_queue_wait(struct op_queue *q)
{
    if (!ovs_list_is_empty(&q->ops)) {
        poll_immediate_wake();
    }
}

uint64_t
op_queue_n_db_errors(const struct op_queue *q)
{
    return q->n_db_errors;
}

uint64_t
op_queue_n_commits(const struct op_queue *q)
{
    return q->n_commits;
}
