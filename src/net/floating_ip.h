/* Floating IPs: addresses of the outside that a project takes from a pool and ties to
 * one of its fixed IPs.  What a network host needs of one is struct
 * nt_floating_entry (net/network.h). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "net/network.h"

struct nt_floating_ip {
    char address[NT_IP4_SIZE];
    int64_t ip;     /* The address in host byte order: their order. */
    int64_t number; /* Nova's integer id. */
    char pool[NT_NAME_SIZE];
    char interface[NT_IFNAME_SIZE]; /* Empty: the network host's public interface. */
    char project_id[NT_NAME_SIZE];  /* Empty: nobody's. */
    char port_id[NT_UUID_SIZE];     /* Of the fixed IP it is tied to; empty: none. */
    char network_id[NT_UUID_SIZE];
    char instance_id[NT_UUID_SIZE];
    char fixed_address[NT_IP4_SIZE];
    char host[NT_HOST_SIZE]; /* Network host that has it; empty: none. */
    bool auto_assigned;      /* Goes back to the pool with its instance. */
    int64_t generation;      /* Grows with every association and its end. */
    int64_t created_at, updated_at;
};

extern const struct nt_field nt_floating_ip_fields[];
