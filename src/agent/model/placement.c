#include <config.h>

#include "agent/model/placement.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"

#define BANDWIDTHS "ovs.resource_provider_bandwidths"
#define HYPERVISORS "ovs.resource_provider_hypervisors"
#define WITH_DIRECTION "ovs.resource_provider_packet_processing_with_direction"
#define WITHOUT_DIRECTION "ovs.resource_provider_packet_processing_without_direction"
#define INVENTORY "ovs.resource_provider_inventory_defaults"
#define PACKET_INVENTORY "ovs.resource_provider_packet_processing_inventory_defaults"

static int
wrong(const struct nt_config *config, const char *name, const char *item, const char *why,
      struct nt_err *err)
{
    return nt_fail(err, NT_INVALID, "%s: %s has '%.100s': %s", nt_config_origin(config, name),
                   strchr(name, '.') + 1, item, why);
}

/* "" is null, otherwise a whole number from 0. */
static int
read_rate(const char *text, struct json **out)
{
    char *end;

    if (!*text) {
        *out = json_null_create();
        return 0;
    }
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (errno || *end || n < 0) {
        return -1;
    }
    *out = json_integer_create(n);
    return 0;
}

/* How a list of rates is written. */
struct rates {
    const char *option;
    const char *const *directions; /* NULL-terminated. */
    const char *host;              /* For an empty NAME; NULL: must not be. */
};

/* One "NAME:RATE:RATE", with as many rates as there are directions; missing ones are null. */
static int
read_rates(const struct nt_config *config, const struct rates *how, const char *item,
           struct json *out, struct nt_err *err)
{
    AUTO_FREE char *copy = xstrdup(item);
    struct json *rates = NULL;
    char *rest = copy;
    const char *key = strsep(&rest, ":");

    if (!*key && how->host) {
        key = how->host;
    }
    if (!*key) {
        return wrong(config, how->option, item, "a name must stand before the first ':'", err);
    }
    if (shash_find(json_object(out), key)) {
        return wrong(config, how->option, item, "the same name was there before", err);
    }
    rates = json_object_create();
    for (const char *const *d = how->directions; *d; d++) {
        struct json *rate;
        const char *text = rest ? strsep(&rest, ":") : "";

        if (read_rate(text, &rate) < 0) {
            json_destroy(rates);
            return wrong(config, how->option, item, "rates are whole numbers from 0, or empty",
                         err);
        }
        json_object_put(rates, *d, rate);
    }
    json_object_put(out, key, rates);
    return rest ? wrong(config, how->option, item, "it has too many ':'", err) : 0;
}

static int
read_all_rates(const struct nt_config *config, const struct rates *how, struct json **out,
               struct nt_err *err)
{
    *out = json_object_create();
    for (size_t i = 0; i < nt_config_n(config, how->option); i++) {
        if (read_rates(config, how, nt_config_item(config, how->option, i), *out, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* "allocation_ratio:1.0,min_unit:1" */
static int
read_inventory(const struct nt_config *config, const char *name, struct json **out,
               struct nt_err *err)
{
    static const char *const keys[] = { "allocation_ratio", "min_unit", "max_unit", "step_size",
                                        "reserved" };

    *out = json_object_create();
    for (size_t i = 0; i < nt_config_n(config, name); i++) {
        const char *item = nt_config_item(config, name, i);
        const char *value = strchr(item, ':');
        size_t k = 0;

        while (k < NT_ARRAY_SIZE(keys)
               && (!value || strlen(keys[k]) != (size_t) (value - item)
                   || strncmp(item, keys[k], value - item))) {
            k++;
        }
        if (k == NT_ARRAY_SIZE(keys)) {
            return wrong(config, name, item,
                         "only allocation_ratio, min_unit, max_unit, step_size and reserved are "
                         "known, as NAME:NUMBER",
                         err);
        }

        char *end;
        double number = strtod(value + 1, &end);
        struct json *whole;
        if (!value[1] || *end || !(number >= 0)) {
            return wrong(config, name, item, "it must be a number from 0", err);
        }
        if (!k) {
            json_object_put(*out, keys[k], json_real_create(number));
        } else if (read_rate(value + 1, &whole) < 0) {
            return wrong(config, name, item, "it must be a whole number from 0", err);
        } else {
            json_object_put(*out, keys[k], whole);
        }
    }
    return 0;
}

/* As libvirt, and so nova, calls this host.  The resolver is asked only where it matters. */
static void
put_hypervisor_name(bool is_asked, char name[256])
{
    const struct addrinfo hints = { .ai_flags = AI_CANONNAME };
    struct addrinfo *found = NULL;

    if (gethostname(name, 255) < 0) {
        *name = '\0';
    }
    if (is_asked && !strchr(name, '.') && !getaddrinfo(name, NULL, &hints, &found)) {
        if (found->ai_canonname && strcmp(found->ai_canonname, "localhost")) {
            ovs_strlcpy(name, found->ai_canonname, 256);
        }
        freeaddrinfo(found);
    }
}

/* "BRIDGE:HYPERVISOR" of 'bridge', or NULL. */
static const char *
hypervisor_of(const struct nt_config *config, const char *bridge)
{
    size_t n = strlen(bridge);

    for (size_t i = 0; i < nt_config_n(config, HYPERVISORS); i++) {
        const char *item = nt_config_item(config, HYPERVISORS, i);

        if (!strncmp(item, bridge, n) && item[n] == ':') {
            return item + n + 1;
        }
    }
    return NULL;
}

/* The hypervisor of each mapped bridge. */
static int
read_hypervisors(const struct nt_config *config, const struct agent_config *agent, bool may_ask,
                 struct json **out, struct nt_err *err)
{
    char name[256] = "";

    ovs_strlcpy(name, nt_config_str(config, "ovs.resource_provider_default_hypervisor"),
                sizeof name);
    if (!*name && agent->n_mappings) {
        put_hypervisor_name(may_ask && nt_config_n(config, BANDWIDTHS) > 0, name);
    }
    *out = json_object_create();
    for (size_t i = 0; i < nt_config_n(config, HYPERVISORS); i++) {
        const char *item = nt_config_item(config, HYPERVISORS, i);
        const char *colon = strchr(item, ':');

        if (!colon || colon == item || !colon[1]) {
            return wrong(config, HYPERVISORS, item, "write BRIDGE:HYPERVISOR", err);
        }
    }
    for (size_t i = 0; i < agent->n_mappings; i++) {
        const char *bridge = agent->mappings[i].bridge;
        const char *own = hypervisor_of(config, bridge);

        json_object_put_string(*out, bridge, own ? own : name);
    }
    return 0;
}

int
agent_placement_load(const struct nt_config *config, const struct agent_config *agent, bool may_ask,
                     struct nt_config_placement **out_, struct nt_err *err)
{
    static const char *const both[] = { "egress", "ingress", NULL };
    static const char *const any[] = { "any", NULL };
    const struct rates bandwidths = { BANDWIDTHS, both, NULL };
    const struct rates with_direction = { WITH_DIRECTION, both, agent->host };
    const struct rates without_direction = { WITHOUT_DIRECTION, any, agent->host };
    struct shash_node *node;
    struct nt_config_placement *out = NULL;

    if (nt_config_n(config, WITH_DIRECTION) && nt_config_n(config, WITHOUT_DIRECTION)) {
        return nt_fail(err, NT_INVALID,
                       "%s: resource_provider_packet_processing_with_direction and "
                       "resource_provider_packet_processing_without_direction exclude each "
                       "other; remove one",
                       nt_config_origin(config, WITH_DIRECTION));
    }
    *out_ = out = xzalloc(sizeof *out); /* Freed with the agent's configuration. */
    if (read_all_rates(config, &bandwidths, &out->bandwidths, err) < 0
        || read_all_rates(config, &with_direction, &out->packet_processing_with_direction, err) < 0
        || read_all_rates(config, &without_direction, &out->packet_processing_without_direction,
                          err)
               < 0
        || read_inventory(config, INVENTORY, &out->inventory_defaults, err) < 0
        || read_inventory(config, PACKET_INVENTORY, &out->packet_processing_inventory_defaults, err)
               < 0
        || read_hypervisors(config, agent, may_ask, &out->hypervisors, err) < 0) {
        return -1;
    }
    SHASH_FOR_EACH (node, json_object(out->bandwidths)) {
        if (!agent_config_maps(agent, node->name)) {
            return wrong(config, BANDWIDTHS, node->name,
                         "bridge_mappings does not name this bridge; add it there", err);
        }
    }
    return 0;
}

void
agent_placement_free(struct nt_config_placement *p)
{
    if (!p) {
        return;
    }
    json_destroy(p->bandwidths);
    json_destroy(p->inventory_defaults);
    json_destroy(p->hypervisors);
    json_destroy(p->packet_processing_without_direction);
    json_destroy(p->packet_processing_with_direction);
    json_destroy(p->packet_processing_inventory_defaults);
    free(p);
}
