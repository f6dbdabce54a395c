/* Router advertisements (RFC 4861, section 4.2) of one link: what gives guests their
 * IPv6 addresses and default route.
 *
 * Sent every 3 to 10 seconds, at once when a guest asks (a router solicitation, but at
 * most every half second), and with a router lifetime of 0 never: a host program that is
 * restarted must not take the guests' route away.  Loop thread only. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "net/addr.h"

#define NT_RA_MAX 64 /* With all options we send. */

struct nt_ra_args {
    const char *interface; /* Borrowed for the call only. */
    struct in6_addr prefix;
    uint8_t prefix_len;
    uint32_t mtu;  /* 0: not told. */
    bool not_auto; /* Guests are given their addresses: they make none of the prefix. */
};

/* The ICMPv6 message, with checksum 0 (the kernel fills it in); its length.  Pure. */
size_t nt_ra_build(const struct nt_ra_args *, const struct nt_mac *router, uint8_t out[NT_RA_MAX]);

/* Whether a message received is a router solicitation to be answered: well formed, hop
 * limit 255.  Pure. */
bool nt_ra_is_solicitation(const uint8_t *message, size_t len, int hop_limit);

struct nt_ra;

/* Clock and random are borrowed.  Fails with NT_NOT_FOUND (no such interface) or
 * NT_FAULT. */
NT_NODISCARD int nt_ra_new(const struct nt_ra_args *, const struct nt_clock *, struct nt_random *,
                           struct nt_ra **out, struct nt_err *);
void nt_ra_free(struct nt_ra *);
NT_AUTO(nt_ra)

/* Whether that is what it sends, on the interface that has the name now. */
bool nt_ra_serves(const struct nt_ra *, const struct nt_ra_args *);

void nt_ra_run(struct nt_ra *);
void nt_ra_wait(struct nt_ra *);
