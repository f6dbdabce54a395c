#include <config.h>

#include "flat/metadata_cache.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/field.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "wire/http/base64.h"

NT_LOG_MODULE(metadata_cache);

#define SUFFIX ".json"

struct instance {
    struct shash pages; /* struct metadata_page, by path. */
    size_t n_bytes;
    bool is_changed;
};

struct metadata_cache {
    char *dir;
    struct shash instances; /* struct instance, by id. */
};

struct metadata_cache *
metadata_cache_new(const char *dir)
{
    struct metadata_cache *cache = xzalloc(sizeof *cache);

    cache->dir = xstrdup(dir);
    shash_init(&cache->instances);
    return cache;
}

static void
page_free(struct metadata_page *page)
{
    if (page) {
        free(page->content_type);
        free(page->body);
        free(page);
    }
}

static void
instance_free(struct instance *instance)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &instance->pages) {
        page_free(node->data);
    }
    shash_destroy(&instance->pages);
    free(instance);
}

void
metadata_cache_free(struct metadata_cache *cache)
{
    struct shash_node *node;

    if (!cache) {
        return;
    }
    SHASH_FOR_EACH (node, &cache->instances) {
        instance_free(node->data);
    }
    shash_destroy(&cache->instances);
    free(cache->dir);
    free(cache);
}

static char *
file_of(const struct metadata_cache *cache, const char *id)
{
    return xasprintf("%s/%s" SUFFIX, cache->dir, id);
}

/* What a page takes of the instance's bytes: a guest may ask for many long paths. */
static size_t
size_of(const char *path, const struct metadata_page *page)
{
    return page ? page->len + strlen(path) + strlen(page->content_type) : 0;
}

/* Takes over '*page'. */
static void
put_page(struct instance *instance, const char *path, struct metadata_page *page)
{
    struct metadata_page *old = shash_find_and_delete(&instance->pages, path);

    instance->n_bytes += size_of(path, page) - size_of(path, old);
    page_free(old);
    shash_add(&instance->pages, path, page);
}

static const char *
text_of(const struct json *object, const char *name)
{
    const struct json *value = shash_find_data(json_object(object), name);

    return value && value->type == JSON_STRING ? json_string(value) : NULL;
}

static void
read_page(struct instance *instance, const struct json *json)
{
    const struct json *status;
    const char *path, *type, *body;
    size_t len;

    if (json->type != JSON_OBJECT || !(path = text_of(json, "path"))
        || !(type = text_of(json, "type")) || !(body = text_of(json, "body"))) {
        return;
    }
    status = shash_find_data(json_object(json), "status");

    char *bytes = NULL;
    if (!status || status->type != JSON_INTEGER || !nt_base64_decode(body, &bytes, &len)) {
        return;
    }

    struct metadata_page *page = xzalloc(sizeof *page);
    *page = (struct metadata_page){ json_integer(status), xstrdup(type), bytes, len };
    put_page(instance, path, page);
}

static void
load(const struct metadata_cache *cache, const char *id, struct instance *instance)
{
    AUTO_FREE char *file = file_of(cache, id);
    AUTO_FREE char *text = NULL;

    if (nt_file_read(file, 4 * METADATA_CACHE_MAX_BYTES, &text, NULL) < 0) {
        return;
    }

    struct json *json = json_from_string(text);
    if (json->type == JSON_ARRAY) {
        for (size_t i = 0; i < json_array(json)->n; i++) {
            read_page(instance, json_array(json)->elems[i]);
        }
    } else {
        nt_warn("metadata of an instance not readable, asked for again", "file", file, NULL);
    }
    json_destroy(json);
}

static struct instance *
instance_of(struct metadata_cache *cache, const char *id)
{
    struct instance *instance = shash_find_data(&cache->instances, id);

    if (!instance) {
        instance = xzalloc(sizeof *instance);
        shash_init(&instance->pages);
        load(cache, id, instance);
        shash_add_once(&cache->instances, id, instance);
    }
    return instance;
}

/* Without the final '/'. */
static char *
key_of(const char *path)
{
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    return xmemdup0(path, len);
}

static bool
is_same(const struct metadata_page *a, const struct metadata_page *b)
{
    return a && a->status == b->status && a->len == b->len && !memcmp(a->body, b->body, a->len)
           && !strcmp(a->content_type, b->content_type);
}

void
metadata_cache_put(struct metadata_cache *cache, const char *id, const char *path,
                   const struct metadata_page *page)
{
    struct instance *instance = instance_of(cache, id);
    AUTO_FREE char *key = key_of(path);
    const struct metadata_page *old = shash_find_data(&instance->pages, key);

    if (is_same(old, page)) {
        return;
    }
    if ((!old && shash_count(&instance->pages) >= METADATA_CACHE_MAX_PAGES)
        || instance->n_bytes - size_of(key, old) + size_of(key, page) > METADATA_CACHE_MAX_BYTES) {
        char shown[128]; /* A guest chooses how long the path is. */

        ovs_strlcpy(shown, path, sizeof shown);
        nt_warn_rl("metadata of an instance is too large to be kept", "instance", id, "path", shown,
                   NULL);
        return;
    }

    struct metadata_page *own = xzalloc(sizeof *own);
    *own = (struct metadata_page){ page->status, xstrdup(page->content_type),
                                   xmemdup0(page->body, page->len), page->len };
    put_page(instance, key, own);
    instance->is_changed = true;
}

const struct metadata_page *
metadata_cache_get(struct metadata_cache *cache, const char *id, const char *path)
{
    AUTO_FREE char *key = key_of(path);

    return shash_find_data(&instance_of(cache, id)->pages, key);
}

void
metadata_cache_forget(struct metadata_cache *cache, const char *id)
{
    AUTO_FREE char *file = file_of(cache, id);
    struct instance *instance = shash_find_and_delete(&cache->instances, id);

    if (instance) {
        instance_free(instance);
    }
    if (unlink(file) && errno != ENOENT) {
        nt_warn_rl("file not removed", "file", file, "why", ovs_strerror(errno), NULL);
    }
}

void
metadata_cache_sweep(struct metadata_cache *cache, bool (*is_known)(void *aux, const char *id),
                     void *aux)
{
    DIR *dir = opendir(cache->dir);
    struct dirent *entry;
    struct shash_node *node;

    SHASH_FOR_EACH_SAFE (node, &cache->instances) {
        AUTO_FREE char *id = xstrdup(node->name);

        if (!is_known(aux, id)) {
            metadata_cache_forget(cache, id);
        }
    }
    while (dir && (entry = readdir(dir))) {
        AUTO_FREE char *id = xstrdup(entry->d_name);
        char *end = strstr(id, SUFFIX);

        if (!end || end[strlen(SUFFIX)]) {
            continue;
        }
        *end = '\0';
        if (nt_is_uuid(id) && !is_known(aux, id)) {
            metadata_cache_forget(cache, id);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

static struct json *
page_json(const char *path, const struct metadata_page *page)
{
    struct json *json = json_object_create();
    AUTO_FREE char *body = nt_base64_encode(page->body, page->len);

    json_object_put_string(json, "path", path);
    json_object_put(json, "status", json_integer_create(page->status));
    json_object_put_string(json, "type", page->content_type);
    json_object_put_string(json, "body", body);
    return json;
}

static void
save(struct metadata_cache *cache, const char *id, struct instance *instance)
{
    AUTO_FREE char *file = file_of(cache, id);
    struct json *pages = json_array_create_empty();
    const struct shash_node *node;
    struct nt_err err = { 0 };

    SHASH_FOR_EACH (node, &instance->pages) {
        json_array_add(pages, page_json(node->name, node->data));
    }

    AUTO_FREE char *text = json_to_string(pages, JSSF_SORT);
    json_destroy(pages);
    if (nt_mkdirs(cache->dir, 0700, &err) < 0
        || nt_file_replace_soft(file, text, strlen(text), 0600, NULL, &err) < 0) {
        nt_warn_rl("metadata of an instance not kept", "file", file, "why", err.msg, NULL);
        return; /* With the next one. */
    }
    instance->is_changed = false;
}

void
metadata_cache_save(struct metadata_cache *cache)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &cache->instances) {
        struct instance *instance = node->data;

        if (instance->is_changed) {
            save(cache, node->name, instance);
        }
    }
}
