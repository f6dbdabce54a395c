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
    char status[16]; /* new; revived: fetch everything again; alive. */
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

/* sync_leases: all leases dnsmasq has of a network, as far as the host knows.  The
 * database follows; leases that are nobody's come back, to be released. */
struct nt_lease {
    char address[NT_IP4_SIZE];
    char mac[NT_MAC_SIZE];
    int64_t lease_expires;
    char hostname[NT_NAME_SIZE];
    char client_id[128];
};
struct nt_sync_leases_args {
    char host[NT_HOST_SIZE];
    char network_id[NT_UUID_SIZE];
    struct nt_lease *leases;
    size_t n_leases;
};
struct nt_lease_name {
    char address[NT_IP4_SIZE];
    char mac[NT_MAC_SIZE];
};
struct nt_sync_leases_result {
    struct nt_lease_name *forget; /* Owned. */
    size_t n_forget;
};

struct nt_host_args {
    char host[NT_HOST_SIZE];
};
struct nt_instances_result {
    struct nt_instance_view *instances;
    size_t n_instances;
};

/* get_security: the rules of security groups that instances of this host are in, and
 * the addresses of groups that such rules have as their source.  Without 'groups' all
 * the host needs; else only what concerns those, and what is missing in the answer
 * of them is not needed any more. */
struct nt_get_security_args {
    char host[NT_HOST_SIZE];
    struct nt_uuid_text *groups;
    size_t n_groups;
};
struct nt_security_result {
    struct nt_security_group_view *groups;
    size_t n_groups;
    struct nt_security_members *members;
    size_t n_members;
};

/* get_config_drive: what an instance of this host reads on its config drive. */
struct nt_config_file {
    char path[NT_NAME_SIZE]; /* "openstack/latest/meta_data.json". */
    char *content;           /* Owned; base64. */
};
struct nt_get_config_drive_args {
    char host[NT_HOST_SIZE];
    char id[NT_UUID_SIZE];
};
struct nt_config_drive_result {
    struct nt_config_file *files; /* Owned. */
    size_t n_files;
};
void nt_config_drive_result_clear(struct nt_config_drive_result *);

/* update_instance: what became of it on its compute host. */
struct nt_update_instance_args {
    char host[NT_HOST_SIZE];
    char id[NT_UUID_SIZE];
    char vm_state[16];   /* Empty: unchanged.  "deleted" ends a termination. */
    char task_state[32]; /* Set as it is, empty included. */
    int64_t power_state;
    int64_t power_generation; /* The last wish it knows of; an older one's report leaves the
                               * task as it is. */
    char fault[512];
};
