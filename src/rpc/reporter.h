/* State reports of a host program: at start, every report_interval, and each time
 * the server comes back. */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "rpc/conductor.h"

struct nt_reporter;

struct nt_reporter_opts {
    struct nt_bus *bus; /* Borrowed, as is the clock. */
    const struct nt_clock *clock;
    int64_t interval_ms;
    const char *host, *binary, *topic;

    /* Fills in what changes (may be NULL). */
    void (*fill)(void *aux, struct nt_report_state_args *);

    /* The server had forgotten or missed this host: fetch everything again. */
    void (*revived)(void *aux);
    void *aux;
};

struct nt_reporter *nt_reporter_new(const struct nt_reporter_opts *);

/* After the bus. */
void nt_reporter_free(struct nt_reporter *);
NT_AUTO(nt_reporter)

/* Sends a report with the next run: the bus came up. */
void nt_reporter_now(struct nt_reporter *);
void nt_reporter_run(struct nt_reporter *);
void nt_reporter_wait(struct nt_reporter *);
