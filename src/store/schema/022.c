#include <config.h>

#include "store/schema.h"

extern const char schema_step_022[];

/* What has run and is gone: usage is told of the past. */
const char schema_step_022[] = "CREATE TABLE ended_instances ("
                               " id VARCHAR(36) PRIMARY KEY NOT NULL,"
                               " name VARCHAR(255) NOT NULL,"
                               " project_id VARCHAR(255) NOT NULL,"
                               " flavor VARCHAR(255) NOT NULL,"
                               " ram_mb BIGINT NOT NULL,"
                               " vcpus BIGINT NOT NULL,"
                               " disk_gb BIGINT NOT NULL,"
                               " launched_at BIGINT NOT NULL,"
                               " ended_at BIGINT NOT NULL);"
                               "CREATE INDEX ended_instances_time ON ended_instances (ended_at);"
                               "CREATE INDEX instances_launched ON instances (launched_at);";
