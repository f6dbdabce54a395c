/* Tells the server which devices are up and down (update_device_list), in batches.
 *
 * Each device's last wish counts, and a down that it was wished before; one report per wish,
 * repeated only after a failure: with a pause that grows, and never in a way that holds up other
 * devices.  After a new connection what was not answered is said again, within some seconds. */
#pragma once

#include "base/clock.h"
#include "base/random.h"
#include "bus/bus.h"

struct devices;

struct devices_options {
    struct nt_bus *bus;
    const struct nt_clock *clock;
    struct nt_random *random;
    const char *host;
    int batch; /* At most so many in one message. */
    int64_t timeout_ms, max_timeout_ms;
    void (*no_table)(void *aux, const char *id); /* An up with refresh is given up; or NULL. */
    void *aux;
};
struct devices *devices_new(const struct devices_options *);
void devices_free(struct devices *); /* After the bus. */
NT_AUTO(devices)
void devices_run(struct devices *);
void devices_wait(struct devices *);

/* 'refresh': the server shall send the forwarding table of the device's network again. */
void devices_up(struct devices *, const char *id, bool refresh);
void devices_down(struct devices *, const char *id);

bool devices_is_settled(const struct devices *);
size_t devices_n_waiting(const struct devices *); /* For the server to know. */

/* A report is to be sent now, and was not yet. */
bool devices_is_due(const struct devices *);

/* After SIGTERM: no call takes longer. */
void devices_cap_timeout(struct devices *, int64_t timeout_ms);

struct devices_stats {
    uint64_t n_up, n_down, n_calls, n_failed;
};
const struct devices_stats *devices_stats(const struct devices *);
