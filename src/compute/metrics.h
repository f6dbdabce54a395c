/* The compute host's metrics. */
#pragma once

struct ds;

/* Appends them; 'compute' is a struct compute (nt_metrics_writer). */
void compute_metrics(void *compute, struct ds *out);
