/* Forwarding entries: behind which host's tunnel address a MAC of a network is. */
#pragma once

#include "net/addr6.h"
#include "net/field.h"
#include "net/network.h"

/* "Flood to this end point": the first of its list when it is there. */
#define NT_FDB_FLOOD_MAC "00:00:00:00:00:00"
#define NT_FDB_FLOOD_IP "0.0.0.0"

struct nt_fdb_entry {
    char mac[NT_MAC_SIZE];
    char ip[NT_IP_SIZE];
};

struct nt_fdb_host {
    char ip[NT_IP_SIZE]; /* Of the tunnel's end. */
    struct nt_fdb_entry *entries;
    size_t n_entries;
};

/* What a network has; add_fdb_entries and remove_fdb_entries carry a list of them. */
struct nt_fdb_network {
    struct nt_seen seen;
    char network_id[NT_UUID_SIZE];
    char network_type[32];
    int64_t segment_id;
    struct nt_fdb_host *hosts;
    size_t n_hosts;
};
extern const struct nt_field nt_fdb_network_fields[];

/* Addresses of a host's ports that changed; either list may be missing. */
struct nt_fdb_change {
    struct nt_seen seen;
    char ip[NT_IP_SIZE];
    struct nt_fdb_entry *before, *after;
    size_t n_before, n_after;
};
struct nt_fdb_network_change {
    char network_id[NT_UUID_SIZE];
    struct nt_fdb_change *hosts;
    size_t n_hosts;
};
extern const struct nt_field nt_fdb_network_change_fields[];
