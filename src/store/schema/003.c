#include <config.h>

#include "store/schema.h"

extern const char schema_step_003[];

/* Key pairs belong to a user, not to a project. */
const char schema_step_003[] =
    "CREATE TABLE keypairs ("
    " user_id VARCHAR(255) NOT NULL,"
    " name VARCHAR(255) NOT NULL,"
    " number BIGINT NOT NULL UNIQUE,"
    " type VARCHAR(15) NOT NULL,"
    " fingerprint VARCHAR(47) NOT NULL,"
    " public_key TEXT NOT NULL,"
    " created_at BIGINT NOT NULL,"
    " PRIMARY KEY (user_id, name));"

    /* Only where a project's limit is not the configured one; -1: none. */
    "CREATE TABLE quotas ("
    " project_id VARCHAR(255) NOT NULL,"
    " resource VARCHAR(63) NOT NULL,"
    " hard_limit BIGINT NOT NULL,"
    " PRIMARY KEY (project_id, resource));"

    /* What the guest itself stored through the metadata service. */
    "ALTER TABLE instances ADD COLUMN guest_password VARCHAR(1020);";
