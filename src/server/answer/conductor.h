/* Door 2: what host programs ask (rpc/conductor.h).  A host speaks for itself only:
 * 'host' must be the name the transport proved. */
#pragma once

#include "base/attr.h"
#include "bus/bus.h"
#include "server/core/env.h"
#include "server/op.h"
#include "store/store.h"

struct conductor;

/* Everything is borrowed.  Serves from here on. */
struct conductor *conductor_new(struct store *reader, struct op_queue *, struct nt_bus *,
                                const struct core_env *, const char *host);

/* After the bus and the operations. */
void conductor_free(struct conductor *);
NT_AUTO(conductor)
