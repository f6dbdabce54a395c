#include <config.h>

#include "store/schema.h"

extern const char schema_step_004[];

/* Floating IPs, and the IPv6 side of a subnet.  Ports are no foreign keys here: the
 * end of a port ends the association by a rule, which tells the network host. */
const char schema_step_004[] =
    "CREATE TABLE floating_ips ("
    " address VARCHAR(15) PRIMARY KEY NOT NULL,"
    " ip BIGINT NOT NULL,"
    " number BIGINT NOT NULL UNIQUE,"
    " pool VARCHAR(255) NOT NULL,"
    " interface VARCHAR(15) NOT NULL,"
    " project_id VARCHAR(255) NOT NULL,"
    " port_id VARCHAR(36),"
    " network_id VARCHAR(36),"
    " instance_id VARCHAR(36),"
    " fixed_address VARCHAR(15),"
    " host VARCHAR(255) NOT NULL,"
    " auto_assigned SMALLINT NOT NULL,"
    " generation BIGINT NOT NULL,"
    " created_at BIGINT NOT NULL,"
    " updated_at BIGINT NOT NULL);"
    "CREATE INDEX floating_ips_pool ON floating_ips (pool, project_id, ip);"
    "CREATE INDEX floating_ips_project ON floating_ips (project_id, ip);"
    "CREATE INDEX floating_ips_port ON floating_ips (port_id);"
    "CREATE INDEX floating_ips_network ON floating_ips (network_id, ip);"
    "CREATE INDEX floating_ips_instance ON floating_ips (instance_id);"

    "ALTER TABLE subnets ADD COLUMN cidr_v6 VARCHAR(49) NOT NULL DEFAULT '';"
    "ALTER TABLE subnets ADD COLUMN gateway_v6 VARCHAR(45) NOT NULL DEFAULT '';";
