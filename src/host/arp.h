/* Gratuitous ARP (RFC 5227, section 2.3): tells the neighbours whose address it is
 * now, when it has moved here from another host. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "net/addr.h"

#define NT_ARP_FRAME_SIZE 42

/* An announcement of 'ip' (host byte order) at 'mac', to everybody.  Some stacks heed
 * only requests, others only replies: 'is_reply' chooses the form.  Pure. */
void nt_arp_build(const struct nt_mac *mac, uint32_t ip, bool is_reply,
                  uint8_t out[NT_ARP_FRAME_SIZE]);

/* Sends both forms out of the interface.  Fails with NT_NOT_FOUND (no such interface)
 * or NT_FAULT. */
NT_NODISCARD int nt_arp_announce(const char *interface, uint32_t ip, struct nt_err *);
