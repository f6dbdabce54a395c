#include <config.h>

#include "store/schema.h"

extern const char schema_step_021[];

/* Servers are stopped, started and rebooted; what was asked of each is listed until it is
 * gone itself. */
const char schema_step_021[] =
    "ALTER TABLE instances ADD COLUMN power_generation BIGINT NOT NULL DEFAULT 0;"

    "CREATE TABLE instance_actions ("
    " number BIGINT PRIMARY KEY NOT NULL,"
    " instance_id VARCHAR(36) NOT NULL REFERENCES instances (id) ON DELETE CASCADE,"
    " action VARCHAR(31) NOT NULL,"
    " request_id VARCHAR(63) NOT NULL,"
    " user_id VARCHAR(255) NOT NULL,"
    " project_id VARCHAR(255) NOT NULL,"
    " host VARCHAR(255) NOT NULL,"
    " started_at BIGINT NOT NULL,"
    " finished_at BIGINT NOT NULL,"
    " result VARCHAR(15) NOT NULL,"
    " message VARCHAR(511) NOT NULL);"
    /* Guests whose instance ended while their host was away: to be ended when it returns. */
    "CREATE TABLE lost_guests ("
    " instance_id VARCHAR(36) PRIMARY KEY NOT NULL,"
    " number BIGINT NOT NULL,"
    " host VARCHAR(255) NOT NULL,"
    " created_at BIGINT NOT NULL);"
    "CREATE INDEX lost_guests_host ON lost_guests (host);"
    "CREATE INDEX instance_actions_instance ON instance_actions (instance_id, number);";
