#include <config.h>

#include "store/schema.h"

extern const char schema_step_010[];

/* Each boot counts what is on a host and looks for its own host name: from indexes
 * alone, so that it does not read every instance there is. */
const char schema_step_010[] = "CREATE INDEX instances_host_flavor ON instances (host, flavor_id);"
                               "DROP INDEX instances_host;"
                               "CREATE INDEX instances_hostname ON instances (hostname);";
