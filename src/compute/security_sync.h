/* Keeps this host's view of security groups: asks the server for what is missing or
 * was said to have changed, and keeps a file of it, so that a program that starts
 * without the server puts the same rules into place.
 *
 * One question at a time; what becomes stale meanwhile is the next one. */
#pragma once

#include "base/attr.h"
#include "base/clock.h"
#include "bus/bus.h"
#include "compute/guest.h"
#include "compute/security.h"

struct security_sync;

/* Everything is borrowed.  Reads the file 'path', if it is there and sound. */
struct security_sync *security_sync_new(struct nt_bus *, const struct nt_clock *, const char *host,
                                        const char *path);
void security_sync_free(struct security_sync *);
NT_AUTO(security_sync)

const struct security *security_sync_view(const struct security_sync *);

/* The server is there (again): everything is asked for. */
void security_sync_all(struct security_sync *);

/* These groups changed. */
void security_sync_refresh(struct security_sync *, const struct nt_uuid_text *ids, size_t n);

/* Whether all that the guest's rules need is known.  What is not is asked for; while
 * the server is away or does not answer there is nothing to wait for, and unknown
 * groups let nothing in. */
bool security_sync_has(struct security_sync *, const struct guest *);

/* Forgets what no guest needs. */
void security_sync_prune(struct security_sync *, const struct guest *const *, size_t n);

/* True once after the view changed. */
bool security_sync_take_changed(struct security_sync *);

void security_sync_run(struct security_sync *);
void security_sync_wait(struct security_sync *);
