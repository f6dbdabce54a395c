#include <config.h>

#include "store/schema.h"

extern const char schema_step_025[];

/* Instances that asked for a config drive. */
const char schema_step_025[] =
    "ALTER TABLE instances ADD COLUMN config_drive INTEGER NOT NULL DEFAULT 0;";
