/* What guests of this host were told of themselves, kept for the time when the server
 * cannot be asked.
 *
 * One file per instance (DIR/INSTANCE.json, mode 0600: user data may hold secrets), read
 * when it is first needed.  Each instance has a limit of pages and bytes.  Loop thread
 * only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

#define METADATA_CACHE_MAX_PAGES 512
#define METADATA_CACHE_MAX_BYTES (1 << 20)

struct metadata_cache;

struct metadata_page {
    int status;
    char *content_type; /* Owned, as 'body'; "" for none. */
    char *body;         /* Any bytes, and a NUL behind them. */
    size_t len;
};

struct metadata_cache *metadata_cache_new(const char *dir);
void metadata_cache_free(struct metadata_cache *);
NT_AUTO(metadata_cache)

/* Remembers the answer to 'path'; one that no longer fits is left out. */
void metadata_cache_put(struct metadata_cache *, const char *instance_id, const char *path,
                        const struct metadata_page *);

/* The answer, borrowed until the next change, or NULL.  "/a/b/" and "/a/b" are the
 * same. */
const struct metadata_page *metadata_cache_get(struct metadata_cache *, const char *instance_id,
                                               const char *path);

/* The instance is gone. */
void metadata_cache_forget(struct metadata_cache *, const char *instance_id);

/* Forgets those for which 'is_known' is false, files of earlier runs included. */
void metadata_cache_sweep(struct metadata_cache *, bool (*is_known)(void *aux, const char *id),
                          void *aux);

/* Writes what changed. */
void metadata_cache_save(struct metadata_cache *);
