/* DHCP leases of this host's networks, from dnsmasq's word to the server's.
 *
 *     dnsmasq -> lease helper -> datagram -> model -> reports.h -> server
 *     guest gone, or lease of nobody       -> releases.h -> dnsmasq -> its word, as above
 *
 * Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/err.h"
#include "base/random.h"
#include "bus/bus.h"
#include "flat/model.h"
#include "rpc/network.h"

struct leases;

/* Everything is borrowed and must outlive the result. */
struct leases_options {
    struct flat_model *model;
    const struct nt_config *config;
    const struct nt_clock *clock;
    struct nt_random *random;
    struct nt_bus *bus;
    const char *host;
    const char *socket_path, *spool_path; /* Of the lease helper. */

    /* The model changed and is to be saved. */
    void (*changed)(void *aux);

    /* dnsmasq of this network runs. */
    bool (*is_serving)(const struct flat_network *);
    void *aux;
};

/* Fails with NT_FAULT when the helper's socket cannot be made. */
NT_NODISCARD int leases_new(const struct leases_options *, struct leases **out, struct nt_err *);

/* After the bus is freed. */
void leases_free(struct leases *);
NT_AUTO(leases)

/* The guest of an entry is gone, and dnsmasq has been told. */
void leases_release(struct leases *, const struct nt_fixed_ip_args *);

/* Releases what the model holds leases of without a guest: what was to be released
 * when this program ended, or while the server was away.  'is_confirmed': the model is
 * what the server said just now. */
void leases_release_unused(struct leases *, bool is_confirmed);

/* The connection to the server changed. */
void leases_restart(struct leases *);

/* True if the server knows what we know, so that its view of our networks can be
 * taken. */
bool leases_are_settled(const struct leases *);

/* Events from dnsmasq. */
uint64_t leases_n_given(const struct leases *);
uint64_t leases_n_ended(const struct leases *);

/* Leases whose end dnsmasq was asked for and has not confirmed. */
size_t leases_n_releases_waiting(const struct leases *);

/* 'is_saved': the snapshot is what the model is. */
void leases_run(struct leases *, bool is_saved);
void leases_wait(struct leases *, bool is_saved);
