/* What host programs ask of the server (topic "conductor").  The server checks
 * that 'host' is the peer the transport proved. */
#pragma once

#include "net/instance.h"
#include "net/network.h"
#include "rpc/method.h"

extern const struct nt_interface nt_conductor;

/* report_state: every report_interval, and once with start_flag at start. */
struct nt_report_state_args {
    char host[NT_HOST_SIZE];
    char binary[64]; /* "neutrino-flat". */
    char topic[64];  /* "network". */
    bool start_flag;
    int64_t instances;     /* Running here (compute). */
    int64_t ram_mb, vcpus; /* Of the host (compute). */
};
struct nt_report_state_result {
    char status[16]; /* new, alive, revived. */
};

/* claim_networks: takes networks on 'bridge' (or none) that have no host, and
 * answers with all that are this host's. */
struct nt_claim_networks_args {
    char host[NT_HOST_SIZE];
    char bridge[NT_IFNAME_SIZE];
};
struct nt_networks_result {
    struct nt_network_view *networks;
    size_t n_networks;
};

struct nt_lease_args {
    char host[NT_HOST_SIZE];
    char network_id[NT_UUID_SIZE];
    char address[NT_IP4_SIZE];
    char mac[NT_MAC_SIZE];
    int64_t lease_expires; /* lease_fixed_ip only. */
    char hostname[NT_NAME_SIZE];
    char client_id[128];
};

struct nt_host_args {
    char host[NT_HOST_SIZE];
};
struct nt_instances_result {
    struct nt_instance_view *instances;
    size_t n_instances;
};

/* update_instance: what became of it on its compute host. */
struct nt_update_instance_args {
    char host[NT_HOST_SIZE];
    char id[NT_UUID_SIZE];
    char vm_state[16];   /* Empty: unchanged.  "deleted" ends a termination. */
    char task_state[32]; /* Set as it is, empty included. */
    int64_t power_state;
    char fault[512];
};
