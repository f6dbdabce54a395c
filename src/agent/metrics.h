/* The agent's metrics. */
#pragma once

struct agent;
struct ds;
struct nt_bus;

/* Borrows both. */
struct agent_metered {
    const struct agent *agent;
    const struct nt_bus *bus;
};

/* Appends them; 'metered' is a struct agent_metered (nt_metrics_writer). */
void agent_metrics(void *metered, struct ds *out);
