/* Fixed IPs as an administrator sees them: each address of a network, why it is not
 * free, and addresses set aside.  Addresses are told apart by themselves: ranges of
 * networks do not overlap. */
#pragma once

#include "base/err.h"
#include "net/network.h"
#include "server/core/env.h"
#include "store/store.h"

enum fixed_ip_state {
    FIXED_IP_FREE,
    FIXED_IP_RESERVED,  /* The network's own, a host's, or set aside. */
    FIXED_IP_ALLOCATED, /* An instance uses it. */
    FIXED_IP_LEASED,    /* Nobody uses it; its lease runs. */
    FIXED_IP_WAITING,   /* Nobody uses it; its release is waited for. */
};

struct fixed_ip_info {
    char address[NT_IP4_SIZE];
    char network_id[NT_UUID_SIZE];
    char network_name[NT_NAME_SIZE];
    char cidr[NT_CIDR_SIZE];
    enum fixed_ip_state state;
    bool is_reserved; /* Also while an instance still uses it. */
    bool is_leased;
    char instance_id[NT_UUID_SIZE]; /* Empty: none. */
    char hostname[64];              /* Of the instance; empty when it is gone. */
    char host[NT_HOST_SIZE];        /* The instance's compute host. */
    int64_t lease_expires;          /* 0: not known. */
    int64_t updated_at;             /* 0: never used. */
    char reason[256];               /* In words; empty when free. */
};

/* "free", "reserved", "allocated", "leased", "waiting". */
const char *fixed_ip_state_name(enum fixed_ip_state);

/* Fails with NT_NOT_FOUND when no network has the address, NT_INVALID when it is
 * none. */
NT_NODISCARD int fixed_ip_get(struct store *, const struct core_env *, const char *address,
                              struct fixed_ip_info *out, struct nt_err *);

struct fixed_ip_filter {
    const char *network_id; /* NULL: all. */
    const char *after;      /* Address of the last one of the page before, or NULL. */
    size_t limit;
    bool with_free;
};

/* Ascending addresses; the caller frees '*out'.  Fails with NT_INVALID (after). */
NT_NODISCARD int fixed_ip_list(struct store *, const struct core_env *,
                               const struct fixed_ip_filter *, struct fixed_ip_info **out,
                               size_t *n, struct nt_err *);

/* Sets an address aside, or gives it back.  One in use stays with its instance and is
 * not given out again after it.  Again is fine.  Fails with NT_NOT_FOUND, or
 * NT_CONFLICT when it is the network's own. */
NT_NODISCARD int fixed_ip_set_reserved(struct store *, const char *address, bool reserved,
                                       struct nt_err *);
