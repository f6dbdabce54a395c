/* Evacuation: an instance of a compute host that is lost starts anew on another one, from its
 * image, with its addresses, groups and floating IPs.
 *
 *     (any)/ on a lost host -> building/networking -> building/spawning -> active/
 *
 * When that fails the instance is in error on its former host, keeps its addresses, and can
 * be evacuated again.  The guest it left behind is ended when its host returns
 * (lost_guests.h). */
#pragma once

#include "base/err.h"
#include "net/instance.h"
#include "server/core/changes.h"
#include "server/core/env.h"
#include "store/store.h"

struct instance_evacuate_wish {
    const char *id;
    const char *host;    /* Where to; NULL: the scheduler chooses. */
    const char *user_id; /* Who asked. */
};

/* Fails with NT_NOT_FOUND; NT_CONFLICT in a state where it is not possible; NT_INVALID while
 * its host is alive, or 'host' cannot take it; NT_UNAVAILABLE when no host can.
 * Change: INSTANCE_EVACUATED. */
NT_NODISCARD int instance_evacuate(struct store *, const struct core_env *,
                                   const struct instance_evacuate_wish *, struct changes *,
                                   struct nt_err *);

/* Of a boot that failed, with state and fault set already: back on its former host.
 * Change: INSTANCE_UPDATED. */
NT_NODISCARD int instance_evacuation_failed(struct store *, const struct core_env *,
                                            struct nt_instance *, struct changes *,
                                            struct nt_err *);
