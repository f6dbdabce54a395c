/* Text of the rules that tie a floating address to a guest's, and of those that limit
 * what is forwarded; in the form of host/rules.h: the caller frees.  Addresses are in
 * host byte order.  Pure. */
#pragma once

#include <stdint.h>

#include "net/addr.h"

/* "-d FROM/32 -j DNAT --to-destination TO". */
char *nt_rule_dnat(uint32_t from, uint32_t to);

/* The guest 'ip' leaves as 'source': by 'out_dev', or (NULL) whatever the way out. */
char *nt_rule_snat_guest(uint32_t ip, uint32_t source, const char *out_dev);

/* The same for what it sends to itself by its floating address. */
char *nt_rule_snat_hairpin(uint32_t ip, uint32_t source);

/* The same for what it sends to another floating address of this host. */
char *nt_rule_snat_redirected(uint32_t ip, uint32_t source);

/* Guests of 'range' on their way to 'to'. */
char *nt_rule_snat_towards(const struct nt_cidr *range, const struct nt_cidr *to, uint32_t source);

/* "-i IN -o OUT -j TARGET". */
char *nt_rule_between_interfaces(const char *in, const char *out, const char *target);
