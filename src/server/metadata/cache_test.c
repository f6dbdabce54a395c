#include <config.h>

#include "server/metadata/cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

struct fake {
    struct nt_clock clock; /* First: the clock's function gets its address. */
    int64_t now;
};

static int64_t
fake_now(const struct nt_clock *clock)
{
    return ((const struct fake *) (const void *) clock)->now;
}

static struct metadata_cache *
filled(struct fake *fake, int64_t seconds)
{
    struct instance_info info = { .n_addresses = 0 };
    struct metadata_cache *cache;

    *fake = (struct fake){ .clock = { .mono_ms = fake_now, .wall_ms = fake_now }, .now = 1000 };
    cache = metadata_cache_new(&fake->clock, seconds);
    strcpy(info.instance.id, "one");
    strcpy(info.instance.name, "first");
    assert_string_equal(metadata_cache_put(cache, &info, 7)->instance.name, "first");
    return cache;
}

static void
kept_until_it_expires(void **state)
{
    struct fake fake;
    AUTO(metadata_cache) cache = filled(&fake, 15);

    assert_non_null(metadata_cache_get(cache, "one", 7));
    assert_null(metadata_cache_get(cache, "two", 7));
    fake.now += 14999;
    assert_string_equal(metadata_cache_get(cache, "one", 7)->instance.name, "first");
    fake.now += 1;
    assert_null(metadata_cache_get(cache, "one", 7));
}

static void
any_commit_ends_it(void **state)
{
    struct fake fake;
    AUTO(metadata_cache) cache = filled(&fake, 15);

    assert_null(metadata_cache_get(cache, "one", 8));
    assert_null(metadata_cache_get(cache, "one", 7));
}

static void
without_the_option_nothing_is_kept(void **state)
{
    struct fake fake;
    AUTO(metadata_cache) cache = filled(&fake, 0);

    assert_null(metadata_cache_get(cache, "one", 7));
}

static void
newer_replaces_older(void **state)
{
    struct fake fake;
    AUTO(metadata_cache) cache = filled(&fake, 15);
    struct instance_info info = { .n_addresses = 0 };

    strcpy(info.instance.id, "one");
    strcpy(info.instance.name, "second");
    metadata_cache_put(cache, &info, 7);
    assert_string_equal(metadata_cache_get(cache, "one", 7)->instance.name, "second");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_until_it_expires),
        cmocka_unit_test(any_commit_ends_it),
        cmocka_unit_test(without_the_option_nothing_is_kept),
        cmocka_unit_test(newer_replaces_older),
    };

    return cmocka_run_group_tests_name("metadata/cache", tests, NULL, NULL);
}
