/* How boots end and how long they take, from the request's commit to the word of the
 * compute host; for monitoring only.  Loop thread only. */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "server/core/changes.h"

struct boot_times;
struct ds;

struct boot_times *boot_times_new(void);
void boot_times_free(struct boot_times *);
NT_AUTO(boot_times)

/* Takes note of a change; 'now' is monotonic, in milliseconds. */
void boot_times_change(struct boot_times *, const struct change *, int64_t now);

/* Appends neutrino_boots_total, neutrino_boots_failed_total, neutrino_boots_pending and
 * neutrino_boot_seconds. */
void boot_times_metrics(const struct boot_times *, struct ds *out);
