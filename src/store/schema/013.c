#include <config.h>

#include "store/schema.h"

extern const char schema_step_013[];

/* Each link of a guest under multi_host asks for its host's own address. */
const char schema_step_013[] = "CREATE INDEX fixed_ips_host ON fixed_ips (host, network_id);";
