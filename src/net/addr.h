/* Addresses as values: Ethernet (EUI-48) and IPv4 with its networks (RFC 4632).
 * Text forms are the canonical ones: lower case, no leading zeros. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#define NT_MAC_SIZE 18  /* "fa:16:3e:2c:e8:ec" */
#define NT_IP4_SIZE 16  /* "255.255.255.255" */
#define NT_CIDR_SIZE 19 /* "255.255.255.255/32" */
#define NT_IP_SIZE 46   /* Any IP address, IPv6 included. */

struct nt_mac {
    uint8_t b[6];
};

/* Host byte order. */
struct nt_cidr {
    uint32_t ip; /* As written; nt_cidr_network() clears the host bits. */
    uint8_t len; /* 0 to 32. */
};

/* The whole text must be an address; false otherwise, '*out' untouched. */
NT_NODISCARD bool nt_mac_parse(const char *text, struct nt_mac *out);
NT_NODISCARD bool nt_ip4_parse(const char *text, uint32_t *out);

/* "10.0.0.0/24"; without '/' the length is 32. */
NT_NODISCARD bool nt_cidr_parse(const char *text, struct nt_cidr *out);

void nt_mac_format(const struct nt_mac *, char out[NT_MAC_SIZE]);
void nt_ip4_format(uint32_t, char out[NT_IP4_SIZE]);
void nt_cidr_format(const struct nt_cidr *, char out[NT_CIDR_SIZE]);

uint32_t nt_cidr_netmask(const struct nt_cidr *);
uint32_t nt_cidr_network(const struct nt_cidr *);
uint32_t nt_cidr_broadcast(const struct nt_cidr *);
bool nt_cidr_contains(const struct nt_cidr *, uint32_t ip);
bool nt_cidr_overlaps(const struct nt_cidr *, const struct nt_cidr *);

/* The host end of a guest's link: the guest's MAC with first byte fe, so that it
 * is never the lowest on a bridge. */
struct nt_mac nt_mac_host_end(const struct nt_mac *guest);
