/* DHCPRELEASE in the name of guests that are gone, until dnsmasq has heard it.
 *
 * A release is one datagram without an answer, and many at once do not all fit into
 * dnsmasq's socket.  So a lease that dnsmasq is known to have is released again, after
 * one second, two, four and eight, until dnsmasq says through its script that it is
 * gone.  After the last one dnsmasq is taken not to have it: 'given_up' is told.
 * While dnsmasq does not run nothing is sent and no attempt counts, and nothing is sent
 * any more once the model has a guest of that address and MAC again.  Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/random.h"
#include "flat/model.h"
#include "host/dhcp_release.h"

#define RELEASES_MAX_SENT 5

struct releases;

/* Everything is borrowed and must outlive the result. */
struct releases_options {
    const struct flat_model *model;
    const struct nt_clock *clock;
    struct nt_random *random;
    int (*send)(const struct nt_dhcp_release *, struct nt_err *); /* nt_dhcp_release_send(). */
    bool (*is_serving)(const struct flat_network *);
    void (*given_up)(void *aux, const char *network_id, const struct nt_lease_name *);
    void *aux;
};

struct releases *releases_new(const struct releases_options *);
void releases_free(struct releases *);
NT_AUTO(releases)

/* Releases a lease now, unless its release is waited for already.  'is_known': dnsmasq
 * has it as far as we know, so its word is waited for. */
void releases_send(struct releases *, const char *network_id, const struct nt_lease_name *,
                   bool is_known);

/* dnsmasq does not have the lease any more.  Not from
 * inside 'given_up'. */
void releases_over(struct releases *, const char *network_id, const struct nt_lease_name *);

/* Those dnsmasq has not confirmed. */
size_t releases_n_waiting(const struct releases *);

void releases_run(struct releases *);
void releases_wait(const struct releases *);
