/* What was asked of an instance, by whom, and what became of it: kept until the instance
 * is gone.  Writers run inside an operation (server/op.h). */
#pragma once

#include "base/err.h"
#include "base/log.h"
#include "net/instance.h"
#include "server/core/env.h"
#include "store/row.h"

struct instance_action {
    int64_t number;
    char instance_id[NT_UUID_SIZE];
    char action[32]; /* create, stop, start, reboot, delete. */
    char request_id[NT_REQUEST_ID_SIZE];
    char user_id[NT_NAME_SIZE], project_id[NT_NAME_SIZE];
    char host[NT_HOST_SIZE];
    int64_t started_at, finished_at; /* The second 0: it goes on. */
    char result[16];                 /* Success or Error; empty: it goes on. */
    char message[512];               /* Why it failed. */
};

extern const struct table instance_actions_table; /* struct instance_action */

/* Notes that 'user_id' asked for it, under the request that is being served.  An instance
 * that is gone already is fine. */
NT_NODISCARD int instance_action_start(struct store *, const struct core_env *,
                                       const char *instance_id, const char *action,
                                       const char *user_id, struct nt_err *);

/* Whatever goes on has ended; 'fault' empty: well. */
NT_NODISCARD int instance_actions_finish(struct store *, const struct core_env *,
                                         const char *instance_id, const char *fault,
                                         struct nt_err *);

/* Newest first (struct instance_action).  Fails with NT_NOT_FOUND when the project has no
 * such instance. */
NT_NODISCARD int instance_actions_list(struct store *, const char *project_id,
                                       const char *instance_id, struct rows *out, struct nt_err *);

/* The one of that request.  Fails with NT_NOT_FOUND. */
NT_NODISCARD int instance_action_get(struct store *, const char *project_id,
                                     const char *instance_id, const char *request_id,
                                     struct instance_action *out, struct nt_err *);
