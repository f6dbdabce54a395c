/* Operations: one core function in one savepoint, many of them in one commit.
 *
 * op_submit() runs the function at once, inside the transaction that the first
 * operation of a loop turn opens.  op_queue_run() commits once for all of them, and
 * only then tells: for each operation in order its 'done', then publish() with its
 * changes.  An operation that failed undoes its own savepoint; a failed commit
 * fails all, and nobody hears of any change.
 *
 * Reads that must not see what is not committed use a connection of their own
 * (store_open_reader()).  Loop thread only. */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "server/core/changes.h"
#include "store/store.h"

struct op_queue;

/* Must not touch anything but the database, 'arg' and '*out'. */
typedef int op_fn(struct store *, void *arg, struct changes *out, struct nt_err *);

/* 'err' is NULL on success and borrowed. */
typedef void op_done(void *aux, const struct nt_err *err);

typedef void op_publish(void *aux, const struct changes *);

/* 'store' is borrowed and must not be in a transaction. */
struct op_queue *op_queue_new(struct store *);

/* Commits what is pending and tells; then nothing is left to tell. */
void op_queue_free(struct op_queue *);
NT_AUTO(op_queue)

/* Called for each successful operation that has changes.  May submit. */
void op_queue_on_changes(struct op_queue *, op_publish *, void *aux);

/* 'arg' is used during the call only.  'done' may be NULL; it comes from
 * op_queue_run(), never from inside op_submit(), and may submit (the next commit's).
 * It and publish() run under the request id (base/log.h) of the submitter. */
void op_submit(struct op_queue *, op_fn *, void *arg, op_done *done, void *aux);

void op_queue_run(struct op_queue *);
void op_queue_wait(struct op_queue *);

/* Operations and commits that failed because the database did. */
uint64_t op_queue_n_db_errors(const struct op_queue *);

/* Commits so far, with any number of operations each. */
uint64_t op_queue_n_commits(const struct op_queue *);
