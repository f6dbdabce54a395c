#include <config.h>

#include "store/schema.h"

extern const char schema_step_023[];

/* Instances move away from hosts that are lost; such a host may be lost again later. */
const char schema_step_023[] =
    "ALTER TABLE instances ADD COLUMN evacuated_from VARCHAR(255) NOT NULL DEFAULT '';"
    "DROP INDEX lost_guests_host;"
    "ALTER TABLE lost_guests RENAME TO lost_guests_once;"
    "CREATE TABLE lost_guests ("
    " instance_id VARCHAR(36) NOT NULL,"
    " number BIGINT NOT NULL,"
    " host VARCHAR(255) NOT NULL,"
    " created_at BIGINT NOT NULL,"
    " PRIMARY KEY (host, instance_id));"
    "INSERT INTO lost_guests (instance_id, number, host, created_at)"
    " SELECT instance_id, number, host, created_at FROM lost_guests_once;"
    "DROP TABLE lost_guests_once;";
