/* Host programs that report, and whether they are there. */
#pragma once

#include "base/err.h"
#include "net/network.h"
#include "rpc/conductor.h"
#include "server/core/env.h"
#include "server/sched/sched.h"
#include "store/row.h"

struct host {
    char host[NT_HOST_SIZE];
    char binary[64]; /* "neutrino-flat". */
    char topic[64];  /* "network", "compute". */
    int64_t instances, ram_mb, vcpus;
    int64_t started_at, reported_at;
};

extern const struct table hosts_table; /* struct host; key unused. */

/* Notes a heartbeat.  'status' becomes "new" (never seen), "revived" (it was away, or
 * has just started) or "alive". */
NT_NODISCARD int host_report_state(struct store *, const struct core_env *,
                                   const struct nt_report_state_args *,
                                   struct nt_report_state_result *, struct nt_err *);

bool host_is_alive(const struct core_env *, const struct host *);

/* By topic (NULL: all), ascending names (struct host). */
NT_NODISCARD int host_list(struct store *, const char *topic, struct rows *out, struct nt_err *);

/* Fails with NT_NOT_FOUND when 'host' never reported for 'topic'. */
NT_NODISCARD int host_get(struct store *, const char *host, const char *topic, struct host *out,
                          struct nt_err *);

/* What is placed on a compute host. */
struct host_load {
    int64_t instances, vcpus, ram_mb, disk_gb;
    int64_t tasks; /* Instances with a task under way. */
};
NT_NODISCARD int host_get_load(struct store *, const char *host, struct host_load *out,
                               struct nt_err *);

/* The compute hosts as the scheduler wants them; the caller frees the array.  What is
 * placed on them is counted only to 'weigh' them. */
NT_NODISCARD int host_candidates(struct store *, const struct core_env *, bool weigh,
                                 struct sched_host **out, size_t *n, struct nt_err *);
