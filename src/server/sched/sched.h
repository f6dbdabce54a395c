/* Which compute host an instance goes to: a pure function of what is known.
 *
 * Hosts that do not report are out.  A zone of the form "ZONE:HOST" asks for one
 * host by name.  Otherwise the host with the most free RAM wins, then the one with
 * the fewest instances, then the first by name.  Free RAM only ranks: guests of the
 * netns driver do not use what their flavor says. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/network.h"

struct sched_host {
    char host[NT_HOST_SIZE];
    bool alive;
    int64_t ram_mb;      /* Of the machine; 0: unknown. */
    int64_t ram_used_mb; /* By instances placed there. */
    int64_t instances;   /* Placed there. */
    int64_t silent_s;    /* Seconds since its last report. */
};

struct sched_request {
    const char *availability_zone; /* May be NULL or empty. */
    const char *default_zone;      /* The one zone there is, e.g. "nova". */
};

/* True if the zone asks for one host, so that the hosts need not be weighed. */
NT_NODISCARD bool sched_names_host(const struct sched_request *);

/* '*out' points into 'hosts'.  Fails with NT_UNAVAILABLE: "no valid host was found",
 * with the reason for every host. */
NT_NODISCARD int sched_choose(const struct sched_host *hosts, size_t n,
                              const struct sched_request *, const struct sched_host **out,
                              struct nt_err *);
