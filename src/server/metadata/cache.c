#include <config.h>

#include "server/metadata/cache.h"

#include <stdlib.h>

#include "base/mem.h"
#include "openvswitch/shash.h"

#define MAX_ENTRIES 1024

struct entry {
    struct instance_info info;
    int64_t expires; /* Monotonic, ms. */
};

struct metadata_cache {
    const struct nt_clock *clock;
    int64_t keep_ms;
    uint64_t n_commits;   /* When the entries were read. */
    struct shash entries; /* struct entry, by instance id. */
};

struct metadata_cache *
metadata_cache_new(const struct nt_clock *clock, int64_t seconds)
{
    struct metadata_cache *cache = xzalloc(sizeof *cache);

    cache->clock = clock;
    cache->keep_ms = seconds * 1000;
    shash_init(&cache->entries);
    return cache;
}

static void
clear(struct metadata_cache *cache)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &cache->entries) {
        struct entry *entry = node->data;

        instance_info_clear(&entry->info);
        free(entry);
    }
    shash_clear(&cache->entries);
}

void
metadata_cache_free(struct metadata_cache *cache)
{
    if (cache) {
        clear(cache);
        shash_destroy(&cache->entries);
        free(cache);
    }
}

const struct instance_info *
metadata_cache_get(struct metadata_cache *cache, const char *id, uint64_t n_commits)
{
    if (cache->n_commits != n_commits || !cache->keep_ms) {
        clear(cache);
        cache->n_commits = n_commits;
    }

    const struct entry *entry = shash_find_data(&cache->entries, id);
    return entry && nt_mono_ms(cache->clock) < entry->expires ? &entry->info : NULL;
}

const struct instance_info *
metadata_cache_put(struct metadata_cache *cache, struct instance_info *info, uint64_t n_commits)
{
    struct entry *entry = xzalloc(sizeof *entry);
    struct entry *old;

    if (cache->n_commits != n_commits || shash_count(&cache->entries) >= MAX_ENTRIES) {
        clear(cache);
    }
    cache->n_commits = n_commits;
    entry->info = *info;
    entry->expires = nt_mono_ms(cache->clock) + cache->keep_ms;
    *info = (struct instance_info){ .n_addresses = 0 };
    old = shash_replace(&cache->entries, entry->info.instance.id, entry);
    if (old) {
        instance_info_clear(&old->info);
        free(old);
    }
    return &entry->info;
}
