/* State reports (topic q-reports-plugin; Juno's agents cast them to q-plugin), and what
 * the servers tell each other about them (topic q-server-resource-versions). */
#pragma once

#include "net/agent_state.h"
#include "rpc/method.h"

extern const struct nt_interface nt_neutron_reports, nt_neutron_juno_reports;
extern const struct nt_interface nt_neutron_resource_versions;

/* report_state.  The answer is empty when the report is older than the server. */
struct nt_agent_report_args {
    struct nt_agent_state state;
    char time[32]; /* UTC, "2026-01-31T12:00:00.123456". */
};
struct nt_agent_report_result {
    char status[16]; /* new, alive, revived. */
};

/* has_alive_neutron_server */
struct nt_alive_result {
    bool alive;
};

/* report_agent_resource_versions (fan-out). */
struct nt_resource_versions_args {
    char agent_type[64];
    char agent_host[NT_HOST_SIZE];
    struct nt_pair *version_map;
    size_t n_version_map;
};
