/* A network host's links, switches, dnsmasq and router advertisements, brought to what
 * the model says, and again whenever somebody else changed them. */
#pragma once

#include "flat/dhcp.h"
#include "flat/floating.h"
#include "flat/model.h"
#include "flat/options.h"
#include "flat/stats.h"
#include "host/ra.h"
#include "host/bridge_rules.h"

/* What runs for a network; hangs on it. */
struct service {
    struct nt_dnsmasq *dnsmasq; /* NULL until the bridge is right. */
    struct nt_ra *ra;           /* NULL: the network has no IPv6. */
    bool hosts_changed;
    bool is_in_place;        /* Its links were right once: what is wrong now others did. */
    char error[NT_ERR_SIZE]; /* Why the network is not served; empty: it is. */
};

struct flat_ending;

struct flat_apply {
    struct flat_dhcp_env dhcp; /* Borrowed, as the rest. */
    const struct flat_settings *settings;
    struct flat_model *model;
    struct flat_floating *floating;
    struct flat_stats *stats;
    struct nt_random *random;
    struct flat_ending *ending;           /* dnsmasq of networks that are gone, until it is too. */
    struct nt_bridge_rules *bridge_rules; /* Owned by flat.c. */
    bool waits_for_rules;                 /* A network is not served before its rules are there. */
    bool host_in_place;
    bool filter_is_off; /* We switched it off. */
};

static inline struct service *
service_of(const struct flat_network *network)
{
    return network->service;
}

/* A network that is new here. */
void flat_service_add(struct flat_network *);

/* This program ends: dnsmasq goes on serving. */
void flat_service_free(struct flat_network *);

/* The network is gone: so is dnsmasq, after some runs; one that is just being started
 * must have come up to be ended. */
void flat_service_end(struct flat_apply *, struct flat_network *);

/* Brings one network to what its view says; tried again later when it fails. */
void flat_apply_network(struct flat_apply *, struct flat_network *);

/* Hands the hosts to dnsmasq, which is there. */
void flat_apply_hosts(struct flat_apply *, struct flat_network *);

/* What frames on the bridges are subject to, as the model is now. */
void flat_apply_bridge_rules(struct flat_apply *);

/* All networks, and what they have in common. */
void flat_apply_all(struct flat_apply *);

/* Forgets what is still ending. */
void flat_apply_deinit(struct flat_apply *);

void flat_apply_run(struct flat_apply *);
void flat_apply_wait(const struct flat_apply *);
