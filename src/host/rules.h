/* Text of single iptables rules, in exactly the form in which iptables prints them
 * after "-A CHAIN ": address masks written out, host bits cleared, one space
 * between words, the match of a protocol named.  Because of that a wanted rule and
 * an installed one are compared as text.
 *
 * Every function that returns 'char *' returns a new string, the caller's to free.
 * Pure; no input or output. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "net/addr.h"

/* Longest comment the kernel keeps, and longest chain name. */
#define NT_RULE_COMMENT_MAX 255
#define NT_CHAIN_NAME_MAX 28

#define NT_RULE_DROP_INVALID "-m state --state INVALID -j DROP"
#define NT_RULE_ACCEPT_ESTABLISHED "-m state --state RELATED,ESTABLISHED -j ACCEPT"

/* What a bridge lets through, and the broadcast with which a guest asks for its
 * first address (it has none yet, so nothing narrower can match it). */
char *nt_rule_from_interface(const char *dev, const char *target);
char *nt_rule_to_interface(const char *dev, const char *target);
#define NT_RULE_DHCP_REQUEST \
    "-s 0.0.0.0/32 -d 255.255.255.255/32 -p udp -m udp --sport 68 --dport 67 -j ACCEPT"

/* "-i DEV -p PROTO -m PROTO --dport PORT -j ACCEPT"; 'proto' is "tcp" or "udp". */
char *nt_rule_service(const char *dev, const char *proto, uint16_t port);

/* A TCP service on address 'host'; on loopback: on any address of the machine. */
char *nt_rule_accept_tcp_to(uint32_t host, uint16_t port);

/* From 'src' (NULL: anywhere) to 'dst' (NULL: anywhere). */
char *nt_rule_accept_between(const struct nt_cidr *src, const struct nt_cidr *dst);
char *nt_rule_accept_from(const struct nt_cidr *src);

/* Traffic inside 'range' that no DNAT redirected keeps its source address. */
char *nt_rule_accept_inside(const struct nt_cidr *range);

/* 'out_dev' NULL: whatever the way out. */
char *nt_rule_snat(const struct nt_cidr *range, uint32_t source, const char *out_dev);

/* 169.254.169.254:80 to the metadata service; to loopback as REDIRECT. */
char *nt_rule_metadata_dnat(uint32_t host, uint16_t port);

/* Fills in the checksum of DHCP answers that leave by 'dev' (mangle): guests with
 * offloading interfaces drop answers whose checksum is only partial. */
char *nt_rule_dhcp_checksum(const char *dev);

/* DHCP answers of 'server'. */
char *nt_rule_accept_dhcp_server(uint32_t server);

/* "-d IP/32 -j CHAIN". */
char *nt_rule_jump_to_ip(uint32_t ip, const char *chain);

/* The same of an IPv6 address, and ICMPv6 of one type. */
char *nt_rule_jump_to_ip6(const char *ip, const char *chain);
#define NT_RULE_ACCEPT_ICMPV6(type) "-p ipv6-icmp -m icmp6 --icmpv6-type " type " -j ACCEPT"

/* One security group or provider rule.  'proto' is NULL (any), "tcp", "udp", "icmp"
 * or "icmpv6" in lower case; for ICMP 'from' is the type and 'to' the code, -1 meaning
 * any; 'from' -1 for tcp and udp: all ports. */
struct nt_rule_match {
    const char *proto;
    int from, to;
    const struct nt_cidr *src; /* NULL: anywhere, or: */
    const char *src6;          /* An IPv6 network in its written form ("2001:db8::/32"). */
    const char *src_set;       /* Members of this ipset. */
};
char *nt_rule_match(const struct nt_rule_match *, const char *target);

/* Rewrites the masks behind -s and -d: a lone address becomes /32, host bits are
 * cleared, 0.0.0.0/0 goes away.  Everything else stays as it is. */
char *nt_rule_canon(const char *text);

/* 'text' with '-m comment --comment "COMMENT"' before its target, quoted as
 * iptables prints it; control characters become spaces, what is too long is cut.
 * 'comment' NULL or empty: just a copy. */
char *nt_rule_with_comment(const char *text, const char *comment);

/* The chain or target behind -j or -g; false when the rule has none or the name
 * does not fit. */
NT_NODISCARD bool nt_rule_target(const char *text, char *out, size_t size);

/* Whether the rule does nothing but jump to 'chain' (a comment does not count). */
NT_NODISCARD bool nt_rule_is_plain_jump(const char *text, const char *chain);
