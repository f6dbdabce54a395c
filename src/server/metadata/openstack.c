#include <config.h>

#include "server/metadata/openstack.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "wire/http/base64.h"

#define SEED_BYTES 512

/* Oldest first; an entry's index is its age. */
enum version {
    V2012_08_10,
    V2013_04_04,
    V2013_10_17,
    V2015_10_15,
    V2016_06_30,
    V2016_10_06,
    V2017_02_22,
    V2018_08_27,
    LATEST,
    N_VERSIONS
};

static const char *const versions[N_VERSIONS] = {
    "2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30",
    "2016-10-06", "2017-02-22", "2018-08-27", "latest",
};

static int
answer_json(struct tree_answer *out, struct json *json)
{
    char *text = json_to_string(json, JSSF_SORT);

    json_destroy(json);
    return tree_answer_text(out, text, TREE_JSON);
}

static void
put_key(struct json *json, const struct nt_instance *instance)
{
    struct json *named = json_object_create();
    struct json *key = json_object_create();

    json_object_put_string(named, instance->key_name, instance->key_data);
    json_object_put(json, "public_keys", named);
    json_object_put_string(key, "name", instance->key_name);
    json_object_put_string(key, "type", "ssh");
    json_object_put_string(key, "data", instance->key_data);
    json_object_put(json, "keys", json_array_create_1(key));
}

/* A fresh seed for every asking: nobody can have seen it before. */
static void
put_seed(struct json *json, struct nt_random *random)
{
    unsigned char bytes[SEED_BYTES];

    nt_random_bytes(random, "seed", bytes, sizeof bytes);
    json_object_put(json, "random_seed",
                    json_string_create_nocopy(nt_base64_encode(bytes, sizeof bytes)));
    explicit_bzero(bytes, sizeof bytes);
}

static int
meta_data(const struct tree_source *s, enum version version, struct tree_answer *out,
          struct nt_err *err)
{
    const struct nt_instance *instance = &s->info->instance;
    const struct json *meta = instance->metadata;
    struct json *json = json_object_create();

    json_object_put_string(json, "uuid", instance->id);
    json_object_put_string(json, "name", instance->name);
    json_object_put(json, "hostname", json_string_create_nocopy(tree_hostname(s)));
    json_object_put(json, "launch_index", json_integer_create(instance->launch_index));
    json_object_put_string(json, "availability_zone", instance->availability_zone);
    if (meta && meta->type == JSON_OBJECT && shash_count(json_object(meta))) {
        json_object_put(json, "meta", json_clone(meta));
    }
    if (*instance->key_name && instance->key_data) {
        put_key(json, instance);
    }
    if (version >= V2013_04_04) {
        put_seed(json, s->random);
    }
    if (version >= V2015_10_15) {
        json_object_put_string(json, "project_id", instance->project_id);
    }
    if (version >= V2016_06_30) {
        json_object_put(json, "devices", json_array_create_empty());
    }
    return answer_json(out, json);
}

static int
user_data(const struct tree_source *s, enum version version, struct tree_answer *out,
          struct nt_err *err)
{
    return tree_user_data(s, out, err);
}

static int
password(const struct tree_source *s, enum version version, struct tree_answer *out,
         struct nt_err *err)
{
    return tree_answer_text(out, xstrdup(s->password ? s->password : ""), TREE_PLAIN);
}

static int
vendor_data(const struct tree_source *s, enum version version, struct tree_answer *out,
            struct nt_err *err)
{
    return answer_json(out, json_object_create());
}

/* "tap" and the first 11 characters of the port's id: what clients know a link by. */
static char *
link_id(const struct nt_vif *vif)
{
    return xasprintf("tap%.11s", vif->port_id);
}

static struct json *
link_json(const struct nt_vif *vif)
{
    struct json *json = json_object_create();

    json_object_put(json, "id", json_string_create_nocopy(link_id(vif)));
    json_object_put_string(json, "vif_id", vif->port_id);
    json_object_put_string(json, "type", "bridge");
    json_object_put(json, "mtu", vif->mtu ? json_integer_create(vif->mtu) : json_null_create());
    json_object_put_string(json, "ethernet_mac_address", vif->mac);
    return json;
}

static struct json *
service_json(const char *address)
{
    struct json *json = json_object_create();

    json_object_put_string(json, "type", "dns");
    json_object_put_string(json, "address", address);
    return json;
}

static void
add_services(const struct tree_link *link, struct json *services)
{
    if (*link->dns1) {
        json_array_add(services, service_json(link->dns1));
    }
    if (*link->dns2) {
        json_array_add(services, service_json(link->dns2));
    }
}

static struct json *
routes_json(const struct nt_vif *vif)
{
    struct json *routes = json_array_create_empty();

    if (*vif->gateway_ip) {
        struct json *route = json_object_create();

        json_object_put_string(route, "network", "0.0.0.0");
        json_object_put_string(route, "netmask", "0.0.0.0");
        json_object_put_string(route, "gateway", vif->gateway_ip);
        json_array_add(routes, route);
    }
    return routes;
}

/* With DHCP the guest is told to use it, and nothing that DHCP says. */
static struct json *
network_json(const struct tree_link *link, size_t i)
{
    const struct nt_vif *vif = link->vif;
    struct json *json = json_object_create();
    struct json *services = json_array_create_empty();
    struct nt_cidr cidr;
    char netmask[NT_IP4_SIZE] = "";

    json_object_put_format(json, "id", "network%zu", i);
    json_object_put_string(json, "type", link->has_dhcp ? "ipv4_dhcp" : "ipv4");
    json_object_put(json, "link", json_string_create_nocopy(link_id(vif)));
    json_object_put_string(json, "network_id", vif->network_id);
    if (!link->has_dhcp) {
        if (nt_cidr_parse(vif->cidr, &cidr)) {
            nt_ip4_format(nt_cidr_netmask(&cidr), netmask);
        }
        json_object_put_string(json, "ip_address", vif->address);
        json_object_put_string(json, "netmask", netmask);
        json_object_put(json, "routes", routes_json(vif));
    }
    add_services(link, services);
    json_object_put(json, "services", services);
    return json;
}

/* The address of a guest that makes none of its own; NULL: it makes one, or has none. */
static struct json *
network6_json(const struct nt_vif *vif, size_t i)
{
    char own[NT_IP_SIZE];

    if (!*vif->address_v6
        || (nt_ip6_of_mac_text(vif->cidr_v6, vif->mac, own) && !strcmp(own, vif->address_v6))) {
        return NULL;
    }

    struct json *json = json_object_create();
    json_object_put_format(json, "id", "network%zu", i);
    json_object_put_string(json, "type", "ipv6");
    json_object_put(json, "link", json_string_create_nocopy(link_id(vif)));
    json_object_put_string(json, "network_id", vif->network_id);
    json_object_put_string(json, "ip_address", vif->address_v6);
    json_object_put_string(json, "netmask", "ffff:ffff:ffff:ffff::");
    /* The way out comes by router advertisement, as for all. */
    json_object_put(json, "routes", json_array_create_empty());
    json_object_put(json, "services", json_array_create_empty());
    return json;
}

static int
network_data(const struct tree_source *s, enum version version, struct tree_answer *out,
             struct nt_err *err)
{
    struct json *json = json_object_create();
    struct json *links = json_array_create_empty();
    struct json *networks = json_array_create_empty();
    struct json *services = json_array_create_empty();

    for (size_t i = 0; i < s->n_links; i++) {
        struct json *network6 = network6_json(s->links[i].vif, s->n_links + i);

        json_array_add(links, link_json(s->links[i].vif));
        json_array_add(networks, network_json(&s->links[i], i));
        if (network6) {
            json_array_add(networks, network6);
        }
        add_services(&s->links[i], services);
    }
    json_object_put(json, "links", links);
    json_object_put(json, "networks", networks);
    json_object_put(json, "services", services);
    return answer_json(out, json);
}

typedef int file_fn(const struct tree_source *, enum version, struct tree_answer *,
                    struct nt_err *);

/* In the order of the listing. */
static const struct file {
    const char *name;
    enum version since;
    file_fn *get;
} files[] = {
    { "meta_data.json", V2012_08_10, meta_data },
    { "user_data", V2012_08_10, user_data },
    { "password", V2013_04_04, password },
    { "vendor_data.json", V2013_10_17, vendor_data },
    { "network_data.json", V2015_10_15, network_data },
    { "vendor_data2.json", V2016_10_06, vendor_data },
};

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
list_files(const struct tree_source *s, enum version version, struct tree_answer *out)
{
    struct ds list = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < NT_ARRAY_SIZE(files); i++) {
        bool is_there = files[i].get != user_data || s->info->instance.user_data;

        if (is_there && files[i].since <= version) {
            ds_put_format(&list, "%s%s", list.length ? "\n" : "", files[i].name);
        }
    }
    return tree_answer_text(out, ds_steal_cstr(&list), TREE_PLAIN);
}

static enum version
find_version(const char *text)
{
    size_t version = 0;

    while (version < N_VERSIONS && strcmp(text, versions[version])) {
        version++;
    }
    return version;
}

static const struct file *
find_file(enum version version, const char *name)
{
    for (size_t i = 0; i < NT_ARRAY_SIZE(files) && version < N_VERSIONS; i++) {
        if (!strcmp(name, files[i].name) && files[i].since <= version) {
            return &files[i];
        }
    }
    return NULL;
}

int
openstack_get(const struct tree_source *s, char *const parts[], size_t n, struct tree_answer *out,
              struct nt_err *err)
{
    if (!n) {
        return list_versions(out);
    }

    enum version version = find_version(parts[0]);
    const struct file *file = n == 2 ? find_file(version, parts[1]) : NULL;

    if (n == 1 && version < N_VERSIONS) {
        return list_files(s, version, out);
    }
    return file ? file->get(s, version, out, err) : tree_not_found(err);
}

bool
openstack_is_password(char *const parts[], size_t n)
{
    const struct file *file = n == 2 ? find_file(find_version(parts[0]), parts[1]) : NULL;

    return file && file->get == password;
}
