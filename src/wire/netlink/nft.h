/* The generation of this network namespace's nftables rules. */
#pragma once

#include <stdint.h>

/* A number that every change of any rule, chain, set or table of nftables makes
 * another, those of iptables' nft variant included and those of its legacy variant not:
 * while it stays, so does what was read.  0 when the kernel does not tell, which is no
 * generation's number.  Microseconds. */
uint32_t nt_nl_nft_generation(void);
