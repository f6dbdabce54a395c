/* Ports that the server takes to be up on this host though nobody is plugged here: their
 * interfaces went while no agent looked.  The server is asked once after each start, and they
 * are reported down.
 *
 * Only ports with this host's Open vSwitch binding that are ACTIVE count, and no sub-ports of
 * trunks.  A server that has no such call is not asked again.  Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/random.h"
#include "bus/bus.h"

struct absent;

struct absent_options {
    struct nt_bus *bus;
    const struct nt_clock *clock;
    struct nt_random *random;
    const char *host;
    int64_t timeout_ms;
    bool (*is_plugged)(void *aux, const char *id); /* On any bridge of the switch. */
    void (*down)(void *aux, const char *id);
    void *aux;
};
struct absent *absent_new(const struct absent_options *);
void absent_free(struct absent *); /* After the bus. */
NT_AUTO(absent)
void absent_run(struct absent *);
void absent_wait(struct absent *);

/* The switch has been looked at: the server may be asked. */
void absent_ask(struct absent *);

/* It was asked, and has answered. */
bool absent_is_settled(const struct absent *);
