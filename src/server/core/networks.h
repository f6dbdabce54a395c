/* Networks: created by an administrator, claimed by a network host, and the view
 * their host works from.  A network has one IPv4 subnet.
 *
 * Writers run inside an operation (server/op.h).  Addresses the network keeps for
 * itself (network, gateway, DHCP server, broadcast) are reserved by value; there is
 * no row for an address before its first use. */
#pragma once

#include "base/err.h"
#include "net/network.h"
#include "server/core/changes.h"
#include "server/core/env.h"
#include "store/row.h"

extern const struct table networks_table; /* struct nt_network */
extern const struct table subnets_table;  /* struct nt_subnet */

/* Wishes for a new network.  Empty text: the default. */
struct network_create {
    char id[NT_UUID_SIZE];
    char name[NT_NAME_SIZE];       /* The label: required. */
    char cidr[NT_CIDR_SIZE];       /* Required; host bits are cleared. */
    char gateway_ip[NT_IP4_SIZE];  /* Default: the first host. */
    char dhcp_server[NT_IP4_SIZE]; /* Default: the gateway. */
    char dns1[NT_IP4_SIZE], dns2[NT_IP4_SIZE];
    char cidr_v6[NT_CIDR6_SIZE], gateway_v6[NT_IP_SIZE]; /* Defaults: subnet_v6.h. */
    char bridge[NT_IFNAME_SIZE];
    char bridge_interface[NT_IFNAME_SIZE];
    char project_id[NT_NAME_SIZE]; /* Empty: shared. */
    int multi_host;                /* 1, 0, or -1 for the default. */
    bool no_dhcp;
    int64_t mtu; /* 0: network_device_mtu. */
};

/* A network with its subnet, as REST shows it. */
struct network_row {
    struct nt_network network;
    struct nt_subnet subnet;
};

struct network_list {
    struct network_row *at; /* Owned; ascending numbers. */
    size_t n;
};

void network_list_clear(struct network_list *);

/* Fails with NT_INVALID (a field is missing or wrong) or NT_CONFLICT (the range
 * overlaps another network's, or the id is taken).
 * Change: NETWORK_CREATED. */
NT_NODISCARD int network_create(struct store *, const struct core_env *,
                                const struct network_create *, struct network_row *out,
                                struct changes *, struct nt_err *);

/* Fails with NT_NOT_FOUND. */
NT_NODISCARD int network_get(struct store *, const char *id, struct network_row *out,
                             struct nt_err *);

/* By id, else by label; a label several have is NT_CONFLICT. */
NT_NODISCARD int network_find(struct store *, const char *id_or_name, struct network_row *out,
                              struct nt_err *);

/* 'project_id': with the shared ones, those of this project; NULL: all. */
NT_NODISCARD int network_list_load(struct store *, const char *project_id, struct network_list *out,
                                   struct nt_err *);

/* Fails with NT_NOT_FOUND, or NT_CONFLICT while an address is in use or the network
 * belongs to a project.  Change: NETWORK_DELETED. */
NT_NODISCARD int network_delete(struct store *, const char *id, struct changes *, struct nt_err *);

/* What is to change; NULL: stays as it is, empty: none from now on.  Borrowed. */
struct network_modify {
    const char *name;
    const char *project_id;
    const char *host; /* Without one the next host that asks may have it. */
    const char *dns1, *dns2;
    int64_t mtu; /* -1: stays as it is; 0: leave the devices alone. */
};

/* Fails with NT_NOT_FOUND, or NT_INVALID (a value is wrong, or no network host of that
 * name ever reported).  Change: NETWORK_UPDATED. */
NT_NODISCARD int network_modify(struct store *, const struct core_env *, const char *id,
                                const struct network_modify *, struct changes *, struct nt_err *);

/* Gives 'host' every single-host network on 'bridge' that nobody has, and an address
 * of its own in every multi_host one there (but not with share_dhcp_address); an empty
 * bridge claims none.  Fails with NT_EXHAUSTED.  Change: NETWORK_CLAIMED for each. */
NT_NODISCARD int network_claim(struct store *, const struct core_env *, const char *host,
                               const char *bridge, struct changes *, struct nt_err *);

/* The network as its host sees it: addresses that are allocated or still leased, in
 * ascending order.  Release with nt_network_view_clear().
 * Fails with NT_NOT_FOUND. */
NT_NODISCARD int network_view_load(struct store *, const char *id, struct nt_network_view *out,
                                   struct nt_err *);

/* The networks 'host' serves: its own, and the multi_host ones on 'bridge', those with
 * the guests of this host alone and the host's own address as gateway and DHCP server.
 * Release each view, then the array. */
NT_NODISCARD int network_views_of_host(struct store *, const char *host, const char *bridge,
                                       struct nt_network_view **out, size_t *n, struct nt_err *);
