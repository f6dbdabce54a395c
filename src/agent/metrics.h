/* The agent's metrics. */
#pragma once

struct agent;
struct ds;
struct nt_bus;
struct nt_clock;

/* Borrows all. */
struct agent_metered {
    const struct agent *agent;
    const struct nt_bus *bus;
    const struct nt_clock *clock;
};

/* Appends them; 'metered' is a struct agent_metered (nt_metrics_writer). */
void agent_metrics(void *metered, struct ds *out);
