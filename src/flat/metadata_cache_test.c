#include <config.h>

#include "flat/metadata_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"

#define ONE "11111111-1111-4111-8111-111111111111"
#define TWO "22222222-2222-4222-8222-222222222222"

struct bed {
    char dir[64];
    struct metadata_cache *cache;
};

static int
set_up(void **state)
{
    struct bed *bed = xzalloc(sizeof *bed);

    strcpy(bed->dir, "/tmp/nt-test-metadata-XXXXXX");
    assert_non_null(mkdtemp(bed->dir));
    bed->cache = metadata_cache_new(bed->dir);
    *state = bed;
    return 0;
}

static int
tear_down(void **state)
{
    struct bed *bed = *state;

    metadata_cache_free(bed->cache);
    assert_int_equal(nt_remove_tree(bed->dir), 0);
    free(bed);
    return 0;
}

static void
put(struct bed *bed, const char *id, const char *path, const char *text, size_t len)
{
    char type[] = "text/plain";
    const struct metadata_page page = { 200, type, CONST_CAST(char *, text), len };

    metadata_cache_put(bed->cache, id, path, &page);
}

static void
restart(struct bed *bed)
{
    metadata_cache_save(bed->cache);
    metadata_cache_free(bed->cache);
    bed->cache = metadata_cache_new(bed->dir);
}

static bool
is_one(void *aux, const char *id)
{
    (void) aux;
    return !strcmp(id, ONE);
}

static void
pages_survive_a_restart_byte_for_byte(void **state)
{
    struct bed *bed = *state;
    const struct metadata_page *page;

    put(bed, ONE, "/latest/user-data", "a\0b\377", 4);
    restart(bed);
    page = metadata_cache_get(bed->cache, ONE, "/latest/user-data");
    assert_non_null(page);
    assert_int_equal(page->status, 200);
    assert_string_equal(page->content_type, "text/plain");
    assert_int_equal(page->len, 4);
    assert_memory_equal(page->body, "a\0b\377", 4);
}

static void
file_is_for_root_alone(void **state)
{
    struct bed *bed = *state;
    AUTO_FREE char *file = xasprintf("%s/" ONE ".json", bed->dir);
    struct stat st;

    put(bed, ONE, "/a", "x", 1);
    metadata_cache_save(bed->cache);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void
final_slash_makes_no_difference(void **state)
{
    struct bed *bed = *state;

    put(bed, ONE, "/latest/meta-data/", "x", 1);
    assert_non_null(metadata_cache_get(bed->cache, ONE, "/latest/meta-data"));
    assert_null(metadata_cache_get(bed->cache, TWO, "/latest/meta-data"));
}

static void
instance_that_is_gone_leaves_nothing(void **state)
{
    struct bed *bed = *state;
    AUTO_FREE char *file = xasprintf("%s/" TWO ".json", bed->dir);
    struct stat st;

    put(bed, ONE, "/a", "x", 1);
    put(bed, TWO, "/a", "x", 1);
    restart(bed); /* Nothing is in memory: the file is found. */
    metadata_cache_sweep(bed->cache, is_one, NULL);
    assert_int_equal(stat(file, &st), -1);
    assert_null(metadata_cache_get(bed->cache, TWO, "/a"));
    assert_non_null(metadata_cache_get(bed->cache, ONE, "/a"));
}

static void
one_instance_does_not_fill_the_memory(void **state)
{
    struct bed *bed = *state;
    AUTO_FREE char *large = xzalloc(METADATA_CACHE_MAX_BYTES + 1);
    char path[32];

    put(bed, ONE, "/large", large, METADATA_CACHE_MAX_BYTES + 1);
    assert_null(metadata_cache_get(bed->cache, ONE, "/large"));
    for (int i = 0; i <= METADATA_CACHE_MAX_PAGES; i++) {
        snprintf(path, sizeof path, "/%d", i);
        put(bed, ONE, path, "x", 1);
    }
    assert_non_null(metadata_cache_get(bed->cache, ONE, "/0"));
    assert_null(metadata_cache_get(bed->cache, ONE, path));
    put(bed, ONE, "/0", "y", 1); /* A page that is there is still replaced. */
    assert_string_equal(metadata_cache_get(bed->cache, ONE, "/0")->body, "y");
}

static void
long_paths_count_too(void **state)
{
    struct bed *bed = *state;
    AUTO_FREE char *path = xzalloc(METADATA_CACHE_MAX_BYTES / 8 + 1);

    memset(path, 'a', METADATA_CACHE_MAX_BYTES / 8);
    for (char c = 'a'; c <= 'h'; c++) {
        path[1] = c;
        put(bed, ONE, path, "x", 1);
    }
    path[1] = 'g';
    assert_non_null(metadata_cache_get(bed->cache, ONE, path));
    path[1] = 'h';
    assert_null(metadata_cache_get(bed->cache, ONE, path));
}

static void
damaged_file_is_as_none(void **state)
{
    struct bed *bed = *state;
    AUTO_FREE char *file = xasprintf("%s/" ONE ".json", bed->dir);
    struct nt_err err;

    assert_int_equal(nt_file_replace(file, "[{\"path\": 1}, ", 14, 0600, NULL, &err), 0);
    assert_null(metadata_cache_get(bed->cache, ONE, "/a"));
    put(bed, ONE, "/a", "x", 1);
    restart(bed);
    assert_non_null(metadata_cache_get(bed->cache, ONE, "/a"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)
        TEST(pages_survive_a_restart_byte_for_byte),
        TEST(file_is_for_root_alone),
        TEST(final_slash_makes_no_difference),
        TEST(instance_that_is_gone_leaves_nothing),
        TEST(one_instance_does_not_fill_the_memory),
        TEST(long_paths_count_too),
        TEST(damaged_file_is_as_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
