/* Quotas: how much of a thing a project may have.
 *
 * The limit is the project's own (table quotas), else the configured one; -1 is no
 * limit.  A writer that makes such a thing calls quota_check() first, in the same
 * operation, so that no two can pass on the last free place. */
#pragma once

#include "base/err.h"
#include "server/core/env.h"
#include "store/store.h"

/* "instances", "key_pairs": as in the options quota_* and the compute API. */
const char *quota_name(enum quota);

/* The quota of that name, or QUOTA_N. */
enum quota quota_find(const char *name);

struct quota_wish {
    enum quota quota;
    const char *project_id;
    int64_t more; /* How many are to be added. */
    int64_t used; /* How many there are; QUOTA_COUNT: to be counted here. */
};

#define QUOTA_COUNT (-1)

/* Fails with NT_EXHAUSTED, naming the quota, when 'more' do not fit. */
NT_NODISCARD int quota_check(struct store *, const struct core_env *, const struct quota_wish *,
                             struct nt_err *);

NT_NODISCARD int quota_limit(struct store *, const struct core_env *, enum quota,
                             const char *project_id, int64_t *out, struct nt_err *);

/* How many there are; 'owner' is the project, for key pairs the user.  Of rules of
 * groups always 0, since their limit is of one group. */
NT_NODISCARD int quota_used(struct store *, enum quota, const char *owner, int64_t *out,
                            struct nt_err *);

/* The project's own limit; -1: none.  Fails with NT_INVALID below -1. */
NT_NODISCARD int quota_set(struct store *, enum quota, const char *project_id, int64_t limit,
                           struct nt_err *);

/* The configured limits hold again. */
NT_NODISCARD int quota_reset(struct store *, const char *project_id, struct nt_err *);
