/* rtnetlink, as far as one network namespace's links, IPv4 addresses and routes go.
 *
 * A handle is one socket; it belongs to the namespace it was opened in for life,
 * so another namespace is configured without entering it.  Transactions are
 * synchronous: the kernel answers within the call, in microseconds.  One thread
 * per handle.  All functions return 0 or a negative errno; outputs are untouched
 * on failure.  Addresses are in host byte order. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "net/addr.h"

#define NT_NL_NAME_SIZE 16 /* Interface names: 15 bytes. */

struct nt_nl;

/* Opens a handle for the namespace of the descriptor 'netns_fd', or the calling
 * thread's own when it is -1. */
NT_NODISCARD int nt_nl_open(int netns_fd, struct nt_nl **out);
void nt_nl_free(struct nt_nl *);
NT_AUTO(nt_nl)

/* Links. */

struct nt_nl_link {
    int index;
    char name[NT_NL_NAME_SIZE];
    char kind[NT_NL_NAME_SIZE]; /* "bridge", "veth"...; empty for hardware. */
    struct nt_mac mac;          /* Zeros when the link has none of 6 bytes. */
    unsigned flags;             /* IFF_UP and so on. */
    uint32_t mtu;
    int master;        /* Index of the bridge it is a port of, or 0. */
    uint8_t operstate; /* IF_OPER_UP and so on. */
    int peer_index;    /* veth: the other end's index in its own namespace. */
};

/* -ENODEV when there is none. */
NT_NODISCARD int nt_nl_link_get(struct nt_nl *, const char *name, struct nt_nl_link *out);
NT_NODISCARD int nt_nl_link_get_index(struct nt_nl *, int index, struct nt_nl_link *out);

/* All links, or the ports of the bridge 'master' (0: all).  The caller frees '*out'. */
NT_NODISCARD int nt_nl_links(struct nt_nl *, int master, struct nt_nl_link **out, size_t *n);

/* Deletes a link; a veth takes its other end with it. */
NT_NODISCARD int nt_nl_link_delete(struct nt_nl *, int index);
NT_NODISCARD int nt_nl_link_set_up(struct nt_nl *, int index, bool up);
NT_NODISCARD int nt_nl_link_set_mac(struct nt_nl *, int index, const struct nt_mac *);
NT_NODISCARD int nt_nl_link_set_mtu(struct nt_nl *, int index, uint32_t mtu);
NT_NODISCARD int nt_nl_link_set_name(struct nt_nl *, int index, const char *name);
NT_NODISCARD int nt_nl_link_set_netns(struct nt_nl *, int index, int netns_fd);

/* Makes 'index' a port of the bridge 'master'; 0 takes it out. */
NT_NODISCARD int nt_nl_link_set_master(struct nt_nl *, int index, int master);

/* Whether the bridge may send a frame back out of the port it came in by. */
NT_NODISCARD int nt_nl_port_set_hairpin(struct nt_nl *, int index, bool on);

struct nt_nl_veth {
    const char *name;         /* This end. */
    const struct nt_mac *mac; /* NULL: random. */
    const char *peer_name;
    const struct nt_mac *peer_mac;
    int peer_netns_fd; /* Where the other end is born; -1: here. */
    uint32_t mtu;      /* Both ends; 0: the kernel's choice. */
};

/* Both ends are down.  -EEXIST when either name is taken. */
NT_NODISCARD int nt_nl_veth_create(struct nt_nl *, const struct nt_nl_veth *);

/* Bridges.  Times are in hundredths of a second, as the kernel counts them. */

struct nt_nl_bridge {
    bool stp;
    uint32_t forward_delay;
    uint32_t ageing_time; /* 0 would make the bridge a hub. */
};

/* Created down, without STP and with forward delay 0.  -EEXIST. */
NT_NODISCARD int nt_nl_bridge_create(struct nt_nl *, const char *name);

/* -EOPNOTSUPP when the link is no bridge. */
NT_NODISCARD int nt_nl_bridge_get(struct nt_nl *, int index, struct nt_nl_bridge *out);
NT_NODISCARD int nt_nl_bridge_set(struct nt_nl *, int index, const struct nt_nl_bridge *);

/* IPv4 addresses. */

struct nt_nl_addr {
    int index; /* The link. */
    uint32_t local;
    uint32_t peer;      /* Equal to 'local' but on point-to-point links. */
    uint32_t broadcast; /* 0: none. */
    uint8_t len;        /* Prefix length. */
    uint8_t scope;      /* RT_SCOPE_UNIVERSE (global), RT_SCOPE_LINK... */
    uint32_t flags;     /* IFA_F_*. */
    uint32_t metric;    /* Of the prefix route the kernel makes; 0: default. */
    char label[NT_NL_NAME_SIZE];
};

/* Addresses of one link (0: of all) in the kernel's order.  The caller frees '*out'. */
NT_NODISCARD int nt_nl_addrs(struct nt_nl *, int index, struct nt_nl_addr **out, size_t *n);

/* -EEXIST when the link has it.  Of 'flags' only IFA_F_NOPREFIXROUTE is passed on;
 * the address is permanent; an empty label becomes the link's name. */
NT_NODISCARD int nt_nl_addr_add(struct nt_nl *, const struct nt_nl_addr *);

/* -EADDRNOTAVAIL when the link does not have it. */
NT_NODISCARD int nt_nl_addr_del(struct nt_nl *, const struct nt_nl_addr *);

/* IPv4 unicast routes with one next hop, main table. */

struct nt_nl_route {
    int index; /* Outgoing link. */
    uint32_t dst;
    uint32_t gateway; /* 0: none. */
    uint32_t source;  /* Preferred source address; 0: none. */
    uint32_t metric;
    uint32_t mtu; /* 0: the link's. */
    uint8_t len;  /* Prefix length of 'dst'; 0 with 'dst' 0: default route. */
    uint8_t scope, protocol, tos;
    bool onlink; /* The gateway is taken to be on the link. */
};

/* Routes by one link (0: by any).  The caller frees '*out'. */
NT_NODISCARD int nt_nl_routes(struct nt_nl *, int index, struct nt_nl_route **out, size_t *n);

/* Adds beside a route to the same destination by another link.  -EEXIST only when
 * the very same is there; -ENETUNREACH when the gateway cannot be reached. */
NT_NODISCARD int nt_nl_route_add(struct nt_nl *, const struct nt_nl_route *);

/* -ESRCH when there is none like it. */
NT_NODISCARD int nt_nl_route_del(struct nt_nl *, const struct nt_nl_route *);
