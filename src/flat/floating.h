/* Floating addresses on a network host: rules first, the address last; the other way
 * round when one goes.
 *
 *     put     interface checked, model, rules -> settled -> address, ARP -> answered
 *     delete  model, address off, rules -> settled -> connections ended -> answered
 *
 * What is on an interface is noted in the model before it is put there, so that a
 * program killed half-way knows afterwards what is its own.  Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "flat/model.h"
#include "flat/plan.h"
#include "flat/stats.h"
#include "openvswitch/list.h"
#include "rpc/network.h"

struct flat_floating_env {
    struct flat_model *model; /* Borrowed, as the rest. */
    const struct flat_options *options;
    const struct nt_clock *clock;
    struct flat_stats *stats;
    int n_announcements;     /* Gratuitous ARP; 0: none. */
    void (*plan)(void *aux); /* Chains are to be planned anew. */
    void (*save)(void *aux); /* The snapshot is to be written now. */
    void *aux;
};

struct flat_floating {
    struct flat_floating_env env;
    struct ovs_list requests;      /* Wait for their chains. */
    struct ovs_list announcements; /* Still to be sent. */
    uint64_t bulk_generation;      /* Chains with the last flat_floating_changed(); UINT64_MAX:
                                    * not planned yet. */
    bool is_deployed;              /* Addresses are as those chains want them. */
};

void flat_floating_init(struct flat_floating *, const struct flat_floating_env *);

/* Requests that wait are forgotten. */
void flat_floating_deinit(struct flat_floating *);

/* put_floating_ip and delete_floating_ip.  'network' is that of 'args'. */
void flat_floating_handle_put(struct flat_floating *, struct flat_network *network,
                              const struct nt_floating_ip_args *, struct nt_bus_request *);
void flat_floating_handle_delete(struct flat_floating *, const struct nt_floating_ip_args *,
                                 struct nt_bus_request *);

/* The model changed in other ways: addresses that nobody wants any more go. */
void flat_floating_changed(struct flat_floating *);

/* The present model's chains were given to the engine as 'generation'. */
void flat_floating_planned(struct flat_floating *, uint64_t generation);

/* The engine has dealt with everything up to 'generation'. */
void flat_floating_settled(struct flat_floating *, uint64_t generation, bool ok,
                           const struct nt_err *);

/* Puts back addresses that others took away, and ends what could not be ended. */
void flat_floating_check(struct flat_floating *);

/* Sends 'ip's announcements, if the option says so. */
void flat_floating_announce(struct flat_floating *, const char *interface, uint32_t ip);

void flat_floating_run(struct flat_floating *);
void flat_floating_wait(const struct flat_floating *);
