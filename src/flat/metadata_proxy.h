/* The metadata service of a host that is not the server's: under multi_host each host
 * answers its own guests.
 *
 *     guest -> 169.254.169.254:80 -> DNAT -> here: source address -> entry -> instance
 *           -> server's metadata service, with signed headers -> answer, kept
 *
 * While the server does not answer, what it said before is given out again; so that
 * there is something to give, the pages of each new guest are fetched once by
 * ourselves.  A password cannot be stored meanwhile (503).
 *
 * Headers (as neutron's metadata proxy): X-Forwarded-For, X-Instance-ID, X-Tenant-ID
 * and X-Instance-ID-Signature, HMAC-SHA256 of the instance's id with
 * metadata_proxy_shared_secret.  What a guest writes into its own is not passed on.
 * Loop thread only. */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/err.h"
#include "flat/model.h"

struct metadata_proxy;

/* Borrowed, and must outlive the result. */
struct metadata_proxy_options {
    const struct nt_config *config;
    const struct nt_clock *clock;
    const struct flat_model *model;
    uint32_t listen; /* IPv4, host byte order; loopback: all addresses. */
    uint16_t port;
};

/* '*out' is NULL without metadata_server: then there is no proxy.  Fails with NT_INVALID
 * (an option) or NT_FAULT (cannot listen). */
NT_NODISCARD int metadata_proxy_new(const struct metadata_proxy_options *,
                                    struct metadata_proxy **out, struct nt_err *);
void metadata_proxy_free(struct metadata_proxy *);
NT_AUTO(metadata_proxy)

/* Guests came or went. */
void metadata_proxy_look(struct metadata_proxy *);

struct metadata_proxy_stats {
    uint64_t n_asked, n_from_cache, n_refused; /* Of guests' requests. */
};
const struct metadata_proxy_stats *metadata_proxy_stats(const struct metadata_proxy *);

/* NULL is fine for both. */
void metadata_proxy_run(struct metadata_proxy *);
void metadata_proxy_wait(struct metadata_proxy *);
