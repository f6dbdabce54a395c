/* neutrino-dhcpbridge: the lease script of dnsmasq.
 *
 *     neutrino-dhcpbridge ACTION [MAC IP [HOSTNAME]]
 *
 * init prints the leases of the network NETWORK_ID; add and del are handed to the
 * network host's daemon; old and anything else ends at once, because dnsmasq says it
 * for every lease after every reload.  Exit status 1: an error, named on stderr. */
#include <config.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "host/lease_client.h"

static const char *
from_environment(void *aux, const char *name)
{
    return getenv(name);
}

int
main(int argc, char *argv[])
{
    struct nt_lease_event ev;
    struct nt_err err = { 0 };

    signal(SIGPIPE, SIG_IGN);

    int rc =
        nt_lease_parse_call(argc, (const char *const *) argv, from_environment, NULL, &ev, &err);
    if (!rc && ev.action != NT_LEASE_NONE) {
        struct nt_lease_paths paths = {
            .socket = getenv("NEUTRINO_LEASE_SOCKET"),
            .spool = getenv("NEUTRINO_LEASE_SPOOL"),
            .snapshot = getenv("NEUTRINO_LEASE_SNAPSHOT"),
        };
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        ev.time_ms = now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
        rc = ev.action == NT_LEASE_INIT ? nt_lease_list(&paths, &ev, stdout, &err)
                                        : nt_lease_tell(&paths, &ev, &err);
    }
    if (rc) {
        fprintf(stderr, "neutrino-dhcpbridge: %s\n", err.msg);
        return 1;
    }
    return 0;
}
