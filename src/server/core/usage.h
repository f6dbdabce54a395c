/* What projects have used: how long each instance was there, and how large. */
#pragma once

#include "base/err.h"
#include "net/instance.h"
#include "server/core/env.h"
#include "store/store.h"

struct usage {
    char id[NT_UUID_SIZE];
    char name[NT_NAME_SIZE];
    char project_id[NT_NAME_SIZE];
    char flavor[NT_NAME_SIZE];
    char state[16]; /* vm_state; "terminated" when it is gone. */
    int64_t ram_mb, vcpus, disk_gb;
    int64_t launched_at, ended_at; /* The second 0: it is there. */
};

/* Keeps what an instance has used; it is about to go.  Inside an operation. */
NT_NODISCARD int usage_keep(struct store *, const struct core_env *, const struct nt_instance *,
                            struct nt_err *);

struct usage_filter {
    const char *project_id; /* NULL: all. */
    int64_t start, end;     /* Wall clock, ms. */
};

/* Instances that ran in between, in the order of projects and starts.  The caller frees
 * '*out'. */
NT_NODISCARD int usage_list(struct store *, const struct usage_filter *, struct usage **out,
                            size_t *n, struct nt_err *);

/* How many ms of the time between the filter's ends it was there; 'now' for one that is. */
int64_t usage_ms(const struct usage *, const struct usage_filter *, int64_t now);
