/* The network host role: bridge and gateway, NAT and filter chains, dnsmasq, leases.
 *
 *     bus (networks, addresses) and lease events -> model -> plan (chains, hosts text)
 *       -> apply (links, iptables, dnsmasq) -> report (leases)
 *
 * At start it works from its snapshot, before it has spoken to the server; what is
 * right already is not touched.  When the bus comes up, lease events the server has
 * not seen go out first, then the networks are fetched.  A network that the server no
 * longer names is dropped only when it says so twice. */
#pragma once

#include "base/child.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/err.h"
#include "base/random.h"
#include "bus/bus.h"
#include "flat/metadata_proxy.h"
#include "flat/model.h"
#include "flat/stats.h"
#include "host/dnsmasq.h"
#include "host/iptables.h"

struct flat;

struct flat_env {
    const struct nt_config *config; /* All borrowed. */
    const struct nt_clock *clock;
    struct nt_random *random;
    struct nt_children *children;
    struct nt_bus *bus;
    const char *host;
};

/* Fails with NT_INVALID, NT_UNSUPPORTED or NT_FAULT. */
NT_NODISCARD int flat_new(const struct flat_env *, struct flat **out, struct nt_err *);

/* What the snapshot and the configuration want in the kernel, as input for
 * iptables-restore; touches nothing.  The caller frees '*out'.  Fails as flat_new(). */
NT_NODISCARD int flat_plan_text(const struct flat_env *, char **out, struct nt_err *);

/* What there is to count, for flat/metrics.c; borrowed. */
struct flat_facts {
    const struct flat_model *model;
    const struct nt_iptables_stats *iptables;
    const struct nt_bus *bus;
    struct nt_dnsmasq_stats dnsmasq; /* Of all networks. */
    size_t n_dnsmasq_ready;
    uint64_t n_leases, n_releases; /* Events from dnsmasq. */
    size_t n_releases_waiting;     /* Of dnsmasq's word. */
    const struct flat_stats *stats;
    const struct metadata_proxy_stats *metadata; /* NULL without a proxy. */
};
void flat_get_facts(const struct flat *, struct flat_facts *out);

/* Leaves bridge, rules and dnsmasq as they are: they go on serving. */
void flat_free(struct flat *);
NT_AUTO(flat)

void flat_run(struct flat *);
void flat_wait(struct flat *);
