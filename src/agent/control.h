/* What operators ask the running agent: ovs-appctl -t neutrino-agent COMMAND. */
#pragma once

#include "agent/agent.h"
#include "agent/metrics.h"
#include "base/loop.h"
#include "wire/control.h"

/* Borrows everything. */
struct agent_control {
    struct agent *agent;
    struct agent_metered *metered;
    struct nt_loop *loop; /* Stopped by "exit". */
};

/* Listens on the option control_socket, by default where ovs-appctl looks for a process of
 * this name.  NULL when the option says none or, after a line in the log, when it cannot: the
 * agent works without. */
struct nt_control *agent_control_open(struct agent_control *, const struct agent_config *,
                                      const char *path);
