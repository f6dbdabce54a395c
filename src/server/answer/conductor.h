/* Door 2: what host programs ask (rpc/conductor.h).  A host speaks for itself only:
 * 'host' must be the name the transport proved. */
#pragma once

#include "base/attr.h"
#include "bus/bus.h"
#include "rpc/conductor.h"
#include "server/core/env.h"
#include "server/op.h"
#include "store/store.h"

struct conductor;

/* Everything is borrowed.  Serves from here on. */
struct conductor *conductor_new(struct store *reader, struct op_queue *, struct nt_bus *,
                                const struct core_env *, const char *host);

/* Renders what an instance's config drive holds; '*out' is zeroed, and cleared by the caller
 * also on failure. */
typedef int conductor_config_drive_fn(void *aux, const char *instance_id,
                                      struct nt_config_drive_result *out, struct nt_err *);

/* Until then hosts are told to ask again. */
void conductor_on_config_drive(struct conductor *, conductor_config_drive_fn *, void *aux);

/* After the bus and the operations. */
void conductor_free(struct conductor *);
NT_AUTO(conductor)
