/* What a writer of the core changed, for those who must be told after the commit.
 *
 * A list belongs to one operation; its order is the order in which peers should
 * hear of it.  Every change is complete in itself: rows it speaks of may be gone by
 * the time it is read. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "net/instance.h"
#include "net/network.h"

enum change_kind {
    /* 'network_id', 'host' (empty until claimed). */
    CHANGE_NETWORK_CREATED, /* Network hosts should claim. */
    CHANGE_NETWORK_CLAIMED, /* 'host' has it now. */
    CHANGE_NETWORK_UPDATED, /* 'host' is who has it from now on, if anybody. */
    CHANGE_NETWORK_DELETED, /* 'host' should drop it. */

    /* 'network_id', 'host' (the network host), 'entry', 'instance_id', 'port_id'. */
    CHANGE_FIXED_IP_ALLOCATED, /* Tell dnsmasq before the guest starts. */
    CHANGE_FIXED_IP_UNUSED,    /* Hosts entry goes, the lease is released.  The row may
                                * still be held by its lease (entry.leased). */
    CHANGE_FIXED_IP_LEASED,    /* dnsmasq said so. */
    CHANGE_FIXED_IP_FREED,     /* Row and port let go: the address can be used again. */

    /* 'floating', 'generation', 'network_id', 'port_id', 'instance_id', 'host' (the network
     * host; empty: nobody has it). */
    CHANGE_FLOATING_IP_ASSOCIATED,    /* 'host' should put it into place. */
    CHANGE_FLOATING_IP_DISASSOCIATED, /* 'host' should take it away. */

    /* 'instance_id', 'number', 'host' (the compute host), 'vm_state', 'task_state', 'generation'
     * (power_generation). */
    CHANGE_INSTANCE_CREATED,   /* To be built, once its addresses are served.  Comes
                                * after its CHANGE_FIXED_IP_ALLOCATEDs. */
    CHANGE_INSTANCE_UPDATED,   /* State or fault changed. */
    CHANGE_INSTANCE_POWER,     /* 'host' should do what 'task_state' says. */
    CHANGE_INSTANCE_EVACUATED, /* To be built on 'host', with the addresses it has. */
    CHANGE_INSTANCE_DELETING,  /* 'host' should terminate it. */
    CHANGE_INSTANCE_DELETED,   /* The row is gone.  Comes after its FIXED_IP changes. */
    CHANGE_INSTANCE_GROUPS,    /* It joined or left a security group. */

    /* 'security_group_id'. */
    CHANGE_SECURITY_RULES,   /* Its rules changed. */
    CHANGE_SECURITY_MEMBERS, /* Its members' addresses changed, and rules speak of them. */
};

struct change {
    enum change_kind kind;
    char instance_id[NT_UUID_SIZE];
    int64_t number; /* Of the instance, or of the network in CHANGE_NETWORK_*. */
    char network_id[NT_UUID_SIZE];
    char port_id[NT_UUID_SIZE];
    char security_group_id[NT_UUID_SIZE];
    char host[NT_HOST_SIZE];
    char vm_state[16], task_state[32];
    struct nt_host_entry entry;
    struct nt_floating_entry floating;
    int64_t generation;
    /* FLOATING_IP_ASSOCIATED: what it moves from (empty: it was not tied), or that it is back
     * there because the move failed. */
    char former_instance_id[NT_UUID_SIZE], former_fixed[NT_IP4_SIZE];
    bool is_restored;
};

struct changes {
    struct change *at; /* Owned. */
    size_t n, allocated;
};

#define CHANGES_INITIALIZER \
    {                       \
        NULL, 0, 0          \
    }

/* Appends a zeroed change for the caller to fill in; borrowed until the next one. */
struct change *changes_add(struct changes *, enum change_kind);
void changes_clear(struct changes *);

/* "instance_created" and so on, for the log. */
const char *change_kind_name(enum change_kind);
