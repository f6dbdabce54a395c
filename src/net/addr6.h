/* IPv6 addresses as values (RFC 4291).  Text forms are those the kernel's tools
 * print: lower case, the longest run of zeros shortened. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

#include "base/attr.h"
#include "net/addr.h"

#define NT_CIDR6_SIZE 50 /* An address, '/', three digits. */

/* The whole text must be an address; false otherwise, '*out' untouched. */
NT_NODISCARD bool nt_ip6_parse(const char *text, struct in6_addr *out);
void nt_ip6_format(const struct in6_addr *, char out[NT_IP_SIZE]);

/* "2001:db8::/32" with the host bits cleared and the text put right; false when
 * 'text' is none, '*out' untouched.  '*len' (may be NULL) is the prefix length. */
NT_NODISCARD bool nt_cidr6_canon(const char *text, char out[NT_CIDR6_SIZE], unsigned *len);

/* The address that a card gives itself in a network of 64 bits (RFC 4291, appendix
 * A): the network's first half and the MAC. */
void nt_ip6_from_mac(const struct in6_addr *network, const struct nt_mac *, struct in6_addr *out);

/* The same of texts; false, and an empty text, when 'cidr' is no network or 'mac' none. */
bool nt_ip6_of_mac_text(const char *cidr, const char *mac, char out[NT_IP_SIZE]);

/* The address of a guest by its account: the network's first half, a number that stands for
 * the project, 0xff and the last half of the MAC.  False and empty text likewise. */
bool nt_ip6_of_account(const char *cidr, uint32_t project, const char *mac, char out[NT_IP_SIZE]);

/* The same as of texts in fe80::/64. */
void nt_ip6_link_local(const struct nt_mac *, char out[NT_IP_SIZE]);
