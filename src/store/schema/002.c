#include <config.h>

#include "store/schema.h"

extern const char schema_step_002[];

/* What may come in to the members of a security group.  A rule goes with its group,
 * and with the group that is its source. */
const char schema_step_002[] =
    "CREATE TABLE security_group_rules ("
    " id VARCHAR(36) PRIMARY KEY NOT NULL,"
    " number BIGINT NOT NULL UNIQUE,"
    " security_group_id VARCHAR(36) NOT NULL"
    " REFERENCES security_groups (id) ON DELETE CASCADE,"
    " direction VARCHAR(15) NOT NULL,"
    " ethertype VARCHAR(7) NOT NULL,"
    " protocol VARCHAR(15) NOT NULL,"
    " port_range_min BIGINT NOT NULL,"
    " port_range_max BIGINT NOT NULL,"
    " remote_ip_prefix VARCHAR(63) NOT NULL,"
    " remote_group_id VARCHAR(36) REFERENCES security_groups (id) ON DELETE CASCADE,"
    " created_at BIGINT NOT NULL);"
    "CREATE INDEX security_group_rules_group ON security_group_rules (security_group_id, number);"
    "CREATE INDEX security_group_rules_remote ON security_group_rules (remote_group_id);"
    "CREATE INDEX security_group_members_group ON security_group_members (security_group_id);";
