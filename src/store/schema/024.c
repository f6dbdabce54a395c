#include <config.h>

#include "store/schema.h"

extern const char schema_step_024[];

/* What a virtual machine boots without a loader of its own. */
const char schema_step_024[] =
    "ALTER TABLE images ADD COLUMN kernel VARCHAR(255) NOT NULL DEFAULT '';"
    "ALTER TABLE images ADD COLUMN ramdisk VARCHAR(255) NOT NULL DEFAULT '';"
    "ALTER TABLE images ADD COLUMN os_command_line VARCHAR(255) NOT NULL DEFAULT '';";
