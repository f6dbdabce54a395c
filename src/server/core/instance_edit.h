/* What an owner changes of an instance: its name and its metadata.  Writers run inside an
 * operation (server/op.h) and fail with NT_NOT_FOUND when the project (NULL: anybody's) has
 * no such instance.  Change: INSTANCE_UPDATED. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "server/core/changes.h"
#include "server/core/env.h"
#include "store/store.h"

struct json;

#define INSTANCE_METADATA_MAX 128

struct instance_edit {
    const char *id;
    const char *project_id;      /* Of who asks. */
    const char *name;            /* NULL: as it is.  The host name stays in any case. */
    const struct json *metadata; /* Object of texts to add, or NULL. */
    bool replaces;               /* What is not in 'metadata' goes. */
    const char *forget;          /* A key of the metadata that goes, or NULL. */
};

/* Fails with NT_NOT_FOUND too when 'forget' is not there, and with NT_EXHAUSTED when it
 * would have more than INSTANCE_METADATA_MAX items. */
NT_NODISCARD int instance_edit(struct store *, const struct core_env *,
                               const struct instance_edit *, struct changes *, struct nt_err *);
