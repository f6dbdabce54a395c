/* What is known of the instances that asked for their metadata, kept for a while
 * (metadata_cache_expiration): a guest that starts asks dozens of times within seconds.
 *
 * Kept by instance, never by address, and only until anything in the database changes: the
 * next owner of an address never reads what the last one had, and a new key or group is
 * seen at once. */
#pragma once

#include <stdint.h>

#include "base/attr.h"
#include "base/clock.h"
#include "server/core/instance_info.h"

struct metadata_cache;

/* 'seconds' 0: nothing is kept beyond the call that follows.  The clock is borrowed. */
struct metadata_cache *metadata_cache_new(const struct nt_clock *, int64_t seconds);
void metadata_cache_free(struct metadata_cache *);
NT_AUTO(metadata_cache)

/* What is known of instance 'id', or NULL.  'n_commits' counts the database's commits so far.
 * Borrowed until the next call. */
const struct instance_info *metadata_cache_get(struct metadata_cache *, const char *id,
                                               uint64_t n_commits);

/* Moves '*info' (zeroed) into the cache, as of 'n_commits'.  Borrowed likewise. */
const struct instance_info *metadata_cache_put(struct metadata_cache *, struct instance_info *info,
                                               uint64_t n_commits);
