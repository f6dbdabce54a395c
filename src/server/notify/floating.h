/* Floating IPs on their way to the network host.
 *
 *   associated      call put_floating_ip; refused, or the host away: the association
 *                   is undone in the database
 *   disassociated   call delete_floating_ip; a host that is away drops it when it
 *                   fetches its networks again
 *
 * Who must answer a client waits for the end of the change with that address and
 * generation, and has to say so before the change is published: from the operation's
 * 'done'.  Loop thread only. */
#pragma once

#include "base/attr.h"
#include "bus/bus.h"
#include "server/core/changes.h"
#include "server/core/env.h"
#include "server/op.h"

struct notify_floating;

/* 'err' is NULL when the host did it (or, for an end, will); borrowed. */
typedef void notify_floating_cb(void *aux, const struct nt_err *err);

/* Everything is borrowed. */
struct notify_floating *notify_floating_new(struct op_queue *, struct nt_bus *,
                                            const struct core_env *);

/* After the bus and the operations.  Who waits is told that it is over. */
void notify_floating_free(struct notify_floating *);
NT_AUTO(notify_floating)

/* Takes a CHANGE_FLOATING_IP_*. */
void notify_floating_change(struct notify_floating *, const struct change *);

/* Calls 'cb' once, later. */
void notify_floating_wait(struct notify_floating *, const char *address, int64_t generation,
                          notify_floating_cb *cb, void *aux);
