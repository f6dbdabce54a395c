/* The network host's metrics. */
#pragma once

struct ds;

/* Appends them; 'flat' is a struct flat (nt_metrics_writer). */
void flat_metrics(void *flat, struct ds *out);
