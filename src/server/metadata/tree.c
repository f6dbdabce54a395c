#include <config.h>

#include "server/metadata/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "server/metadata/openstack.h"

/* A value as text for the caller to free; NULL: this instance does not have it. */
typedef char *value_fn(const struct tree_source *);

/* Oldest first; an entry's index is its age. */
enum version {
    V1_0,
    V2007_01_19,
    V2007_03_01,
    V2007_08_29,
    V2007_10_10,
    V2007_12_15,
    V2008_02_01,
    V2008_09_01,
    V2009_04_04,
    LATEST,
    N_VERSIONS
};

static const char *const versions[N_VERSIONS] = {
    "1.0",        "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10",
    "2007-12-15", "2008-02-01", "2008-09-01", "2009-04-04", "latest",
};

static char *
ami_id(const struct tree_source *s)
{
    return xasprintf("ami-%08llx", (long long) s->info->image.number);
}

static char *
launch_index(const struct tree_source *s)
{
    return xasprintf("%lld", (long long) s->info->instance.launch_index);
}

static char *
manifest_path(const struct tree_source *s)
{
    return xstrdup("FIXME");
}

static char *
instance_id(const struct tree_source *s)
{
    return xasprintf("i-%08llx", (long long) s->info->instance.number);
}

static char *
local_ipv4(const struct tree_source *s)
{
    return xstrdup(s->info->n_addresses && s->info->addresses[0].version != 6
                       ? s->info->addresses[0].address
                       : "");
}

/* Without a floating address: there, and empty. */
static char *
public_ipv4(const struct tree_source *s)
{
    for (size_t i = 0; i < s->info->n_addresses; i++) {
        if (s->info->addresses[i].is_floating) {
            return xstrdup(s->info->addresses[i].address);
        }
    }
    return xstrdup("");
}

static char *
reservation_id(const struct tree_source *s)
{
    return xstrdup(s->info->instance.reservation_id);
}

static char *
security_groups(const struct tree_source *s)
{
    struct ds text = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < s->info->n_security_groups; i++) {
        ds_put_format(&text, "%s%s", i ? "\n" : "", s->info->security_groups[i]);
    }
    return ds_steal_cstr(&text);
}

static char *
public_key(const struct tree_source *s)
{
    const struct nt_instance *instance = &s->info->instance;

    return *instance->key_name && instance->key_data ? xstrdup(instance->key_data) : NULL;
}

static char *
instance_type(const struct tree_source *s)
{
    return xstrdup(s->info->flavor.name);
}

static char *
zone(const struct tree_source *s)
{
    return xstrdup(s->info->instance.availability_zone);
}

static char *
action(const struct tree_source *s)
{
    return xstrdup("none");
}

/* The classic device names: nothing here has block devices of its own. */
static char *
device_ami(const struct tree_source *s)
{
    return xstrdup("sda1");
}

static char *
device_ephemeral(const struct tree_source *s)
{
    return xstrdup("sda2");
}

static char *
device_root(const struct tree_source *s)
{
    return xstrdup("/dev/sda1");
}

static char *
device_swap(const struct tree_source *s)
{
    return xstrdup("sda3");
}

/* In the order of their paths, so that listings are sorted. */
static const struct key {
    const char *path; /* Below meta-data/. */
    enum version since;
    value_fn *value;
} keys[] = {
    { "ami-id", V1_0, ami_id },
    { "ami-launch-index", V1_0, launch_index },
    { "ami-manifest-path", V1_0, manifest_path },
    { "block-device-mapping/ami", V2007_12_15, device_ami },
    { "block-device-mapping/ephemeral0", V2007_12_15, device_ephemeral },
    { "block-device-mapping/root", V2007_12_15, device_root },
    { "block-device-mapping/swap", V2007_12_15, device_swap },
    { "hostname", V1_0, tree_hostname },
    { "instance-action", V2008_09_01, action },
    { "instance-id", V1_0, instance_id },
    { "instance-type", V2007_08_29, instance_type },
    { "local-hostname", V2007_01_19, tree_hostname },
    { "local-ipv4", V1_0, local_ipv4 },
    { "placement/availability-zone", V2008_02_01, zone },
    { "public-hostname", V2007_01_19, tree_hostname },
    { "public-ipv4", V2007_01_19, public_ipv4 },
    { "public-keys/0/openssh-key", V1_0, public_key },
    { "reservation-id", V1_0, reservation_id },
    { "security-groups", V1_0, security_groups },
};

/* Adds the name of 'key' in the directory whose path (with its '/') is 'len' bytes
 * long, unless it is the one added last. */
static void
add_name(struct ds *list, const struct key *key, size_t len)
{
    const char *name = key->path + len;
    size_t n = strcspn(name, "/");
    AUTO_FREE char *line = xasprintf("%.*s%s", (int) n, name, name[n] ? "/" : "");
    const char *last = list->length ? strrchr(ds_cstr(list), '\n') : NULL;

    if (!list->length || strcmp(last ? last + 1 : ds_cstr(list), line)) {
        ds_put_format(list, "%s%s", list->length ? "\n" : "", line);
    }
}

/* 'path' below meta-data/, without '/' at its end. */
static int
get_key(const struct tree_source *s, enum version version, const char *path,
        struct tree_answer *out, struct nt_err *err)
{
    struct ds list = DS_EMPTY_INITIALIZER;
    size_t len = strlen(path);

    for (size_t i = 0; i < NT_ARRAY_SIZE(keys); i++) {
        const struct key *key = &keys[i];
        bool is_below = !len || (!strncmp(key->path, path, len) && key->path[len] == '/');

        if (key->since > version || (!is_below && strcmp(key->path, path))) {
            continue;
        }

        char *value = key->value(s);
        if (value && !is_below) {
            ds_destroy(&list);
            return tree_answer_text(out, value, TREE_PLAIN);
        }
        if (value) {
            add_name(&list, key, len ? len + 1 : 0);
        }
        free(value);
    }
    if (!list.length) {
        ds_destroy(&list);
        return tree_not_found(err);
    }

    /* Here alone a listing says more than names. */
    if (!strcmp(path, "public-keys")) {
        ds_destroy(&list);
        return tree_answer_text(out, xasprintf("0=%s", s->info->instance.key_name), TREE_PLAIN);
    }
    return tree_answer_text(out, ds_steal_cstr(&list), TREE_PLAIN);
}

static int
list_versions(struct tree_answer *out)
{
    struct ds list = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < N_VERSIONS; i++) {
        ds_put_format(&list, "%s%s", i ? "\n" : "", versions[i]);
    }
    return tree_answer_text(out, ds_steal_cstr(&list), TREE_PLAIN);
}

static int
list_version(const struct tree_source *s, struct tree_answer *out)
{
    const char *names = s->info->instance.user_data ? "meta-data/\nuser-data" : "meta-data/";

    return tree_answer_text(out, xstrdup(names), TREE_PLAIN);
}

static char *
join(char *const parts[], size_t n)
{
    struct ds path = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < n; i++) {
        ds_put_format(&path, "%s%s", i ? "/" : "", parts[i]);
    }
    return ds_steal_cstr(&path);
}

int
tree_get(const struct tree_source *s, char *const parts[], size_t n, struct tree_answer *out,
         struct nt_err *err)
{
    size_t version = 0;

    if (n && !strcmp(parts[0], "openstack")) {
        return openstack_get(s, parts + 1, n - 1, out, err);
    }
    if (n && !strcmp(parts[0], "ec2")) {
        parts++;
        n--;
    }
    if (!n) {
        return list_versions(out);
    }
    while (version < N_VERSIONS && strcmp(parts[0], versions[version])) {
        version++;
    }
    if (version == N_VERSIONS) {
        return tree_not_found(err);
    }
    if (n == 1) {
        return list_version(s, out);
    }
    if (n == 2 && !strcmp(parts[1], "user-data")) {
        return tree_user_data(s, out, err);
    }
    if (strcmp(parts[1], "meta-data")) {
        return tree_not_found(err);
    }

    AUTO_FREE char *path = join(parts + 2, n - 2);
    return get_key(s, version, path, out, err);
}

void
tree_get_json(const struct tree_source *s, struct tree_answer *out)
{
    struct json *json = json_object_create();

    for (size_t i = 0; i < NT_ARRAY_SIZE(keys); i++) {
        AUTO_FREE char *path = xstrdup(keys[i].path);
        char *value = keys[i].value(s);
        struct json *at = json;
        char *save = NULL;
        char *name = strtok_r(path, "/", &save);

        if (!value) {
            continue;
        }
        for (char *next; (next = strtok_r(NULL, "/", &save)); name = next) {
            struct json *below = shash_find_data(json_object(at), name);

            if (!below) {
                below = json_object_create();
                json_object_put(at, name, below);
            }
            at = below;
        }
        json_object_put(at, name, json_string_create_nocopy(value));
    }
    (void) tree_answer_text(out, json_to_string(json, JSSF_SORT), TREE_JSON);
    json_destroy(json);
}

bool
tree_is_password(char *const parts[], size_t n)
{
    return n && !strcmp(parts[0], "openstack") && openstack_is_password(parts + 1, n - 1);
}
