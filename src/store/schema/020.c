#include <config.h>

#include "store/schema.h"

extern const char schema_step_020[];

/* How guests of a network get their IPv6 addresses; and rules of the operator that hold for
 * every guest, whatever its groups say. */
const char schema_step_020[] =
    "ALTER TABLE subnets ADD COLUMN ipv6_backend VARCHAR(23) NOT NULL DEFAULT '';"
    "CREATE TABLE provider_rules ("
    " id VARCHAR(36) PRIMARY KEY NOT NULL,"
    " number BIGINT NOT NULL UNIQUE,"
    " ethertype VARCHAR(7) NOT NULL,"
    " protocol VARCHAR(15) NOT NULL,"
    " port_range_min BIGINT NOT NULL,"
    " port_range_max BIGINT NOT NULL,"
    " remote_ip_prefix VARCHAR(63) NOT NULL,"
    " created_at BIGINT NOT NULL);";
