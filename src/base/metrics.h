/* Numbers for monitoring, as text in Prometheus' exposition format.
 *
 * Nothing is registered: whoever serves /metrics calls one function that writes all of
 * a program's metrics, in an order of its own.  Values come from counters that the
 * parts keep anyway.  Names begin with "neutrino_", counters end with "_total". */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct ds;
struct nt_loop;

/* The two comment lines that go before a metric's values.  'type' is "counter", "gauge"
 * or "histogram". */
void nt_metric(struct ds *, const char *name, const char *type, const char *help);

/* One value; labels are pairs of name and value, ended by NULL. */
void nt_metric_value(struct ds *, const char *name, double value, ...) NT_SENTINEL;

/* A metric with one value and no labels. */
void nt_metric_counter(struct ds *, const char *name, const char *help, uint64_t value);
void nt_metric_gauge(struct ds *, const char *name, const char *help, double value);

/* How often values fell below each bound. */
#define NT_HISTOGRAM_MAX 16

struct nt_histogram {
    const double *bounds; /* Borrowed; ascending. */
    size_t n_bounds;
    uint64_t counts[NT_HISTOGRAM_MAX + 1]; /* The last: above all bounds. */
    double sum;
};

/* Bounds in seconds, from 0.05 to 30. */
extern const double nt_seconds_bounds[];
#define NT_SECONDS_HISTOGRAM_INITIALIZER           \
    {                                              \
        .bounds = nt_seconds_bounds, .n_bounds = 9 \
    }

void nt_histogram_add(struct nt_histogram *, double value);
void nt_metric_histogram(struct ds *, const char *name, const char *help,
                         const struct nt_histogram *);

/* What every program has: version, memory, descriptors, processor time, slow turns. */
void nt_metrics_process(struct ds *, const char *program, const struct nt_loop *);
