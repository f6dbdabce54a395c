/* resource_provider_*: read for the state report, where neutron-server takes them for nova's
 * placement. */
#pragma once

#include "agent/model/config.h"

/* 'may_ask': the resolver for this host's full name, which may take seconds.  Fails with
 * NT_INVALID. */
NT_NODISCARD int agent_placement_load(const struct nt_config *, const struct agent_config *,
                                      bool may_ask, struct nt_config_placement **, struct nt_err *);
void agent_placement_free(struct nt_config_placement *);
