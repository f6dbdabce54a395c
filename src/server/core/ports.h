/* Ports: a MAC on a network, owned by an instance.  The row lives until the
 * address it carried is free again, because a lease is released by its MAC. */
#pragma once

#include "base/err.h"
#include "net/instance.h"
#include "server/core/env.h"
#include "store/row.h"

extern const struct table ports_table; /* struct nt_port */

/* A port of 'instance' on 'network_id' with a fresh MAC fa:16:3e:RR:RR:RR, fourth
 * byte 00-7f.  Fails with NT_EXHAUSTED when the configured number of draws all gave
 * MACs that are taken. */
NT_NODISCARD int port_create(struct store *, const struct core_env *, const char *network_id,
                             const struct nt_instance *instance, struct nt_port *out,
                             struct nt_err *);

NT_NODISCARD int port_get(struct store *, const char *id, struct nt_port *out, struct nt_err *);

/* Ports of an instance in the order they were made (struct nt_port). */
NT_NODISCARD int ports_of_instance(struct store *, const char *instance_id, struct rows *out,
                                   struct nt_err *);

/* BUILD, ACTIVE or DOWN, and the compute host, of all ports of an instance. */
NT_NODISCARD int ports_set_status(struct store *, const struct core_env *, const char *instance_id,
                                  const char *status, const char *host, struct nt_err *);
