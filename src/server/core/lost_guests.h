/* Guests on hosts that nobody waits for any more: their instance has ended, or runs on
 * another host.  Such a host hears of them when it returns and asks for its instances, and
 * reports each as deleted once it has ended it. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "net/instance.h"
#include "server/core/env.h"
#include "store/store.h"

/* Whether 'host' is unknown, or has been silent for service_down_time. */
NT_NODISCARD int lost_host(struct store *, const struct core_env *, const char *host, bool *out,
                           struct nt_err *);

/* The guest of the instance on its present host. */
NT_NODISCARD int lost_guests_add(struct store *, const struct core_env *,
                                 const struct nt_instance *, struct nt_err *);

/* Whether one is left on 'host', as far as is known: 1, 0, or -1. */
NT_NODISCARD int lost_guests_has(struct store *, const char *instance_id, const char *host,
                                 struct nt_err *);

/* Returns 1 when there was one, 0, or -1. */
NT_NODISCARD int lost_guests_remove(struct store *, const char *instance_id, const char *host,
                                    struct nt_err *);
