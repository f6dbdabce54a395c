/* The metrics of what is done to a host, from the counters of those who do it. */
#pragma once

#include "host/dnsmasq.h"
#include "host/drops.h"
#include "host/guard.h"
#include "host/iptables.h"

struct ds;

/* 'v6' may be NULL. */
void nt_iptables_metrics(const struct nt_iptables_stats *v4, const struct nt_iptables_stats *v6,
                         struct ds *out);
void nt_guard_metrics(const struct nt_guard_stats *, struct ds *out);

void nt_drops_metrics(const struct nt_drops_table *, struct ds *out);

/* Of all networks' dnsmasqs together, 'n_running' of 'n' of which run. */
void nt_dnsmasq_metrics(const struct nt_dnsmasq_stats *, size_t n_running, size_t n,
                        struct ds *out);
