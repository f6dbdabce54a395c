#include <config.h>

#include "server/rest/compute/compute.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "openvswitch/json.h"
#include "server/core/instances.h"
#include "server/rest/call.h"

/* A row with a task comes before the one of its state alone. */
static const struct {
    const char *vm_state, *task_state, *status;
} statuses[] = {
    { "active", "rebooting", "REBOOT" },
    { "active", "reboot_started", "REBOOT" },
    { "active", "rebooting_hard", "HARD_REBOOT" },
    { "active", "reboot_started_hard", "HARD_REBOOT" },
    { "active", "resize_verify", "VERIFY_RESIZE" },
    { "active", "updating_password", "PASSWORD" },
    { "active", NULL, "ACTIVE" },
    { "building", NULL, "BUILD" },
    { "rebuilding", NULL, "REBUILD" },
    { "stopped", "reboot_started_hard", "HARD_REBOOT" },
    { "stopped", "rebooting_hard", "HARD_REBOOT" },
    { "stopped", NULL, "SHUTOFF" },
    { "paused", NULL, "PAUSED" },
    { "suspended", NULL, "SUSPENDED" },
    { "rescued", NULL, "RESCUE" },
    { "resizing", NULL, "RESIZE" },
    { "error", NULL, "ERROR" },
    { "deleted", NULL, "DELETED" },
    { "soft-delete", NULL, "DELETED" },
};

const char *
server_status(const char *vm_state, const char *task_state)
{
    for (size_t i = 0; i < NT_ARRAY_SIZE(statuses); i++) {
        if (!strcmp(vm_state, statuses[i].vm_state)
            && (!statuses[i].task_state || !strcmp(task_state, statuses[i].task_state))) {
            return statuses[i].status;
        }
    }
    return "UNKNOWN_STATE";
}

const char *
vm_state_of_status(const char *status)
{
    for (size_t i = 0; i < NT_ARRAY_SIZE(statuses); i++) {
        if (!strcasecmp(status, statuses[i].status)) {
            return statuses[i].vm_state;
        }
    }
    return NULL;
}

/* Tells a project's servers on the same host from those on others, without naming
 * the host. */
static void
put_host_id(struct json *json, const struct nt_instance *instance)
{
    AUTO_FREE char *text = xasprintf("%s%s", instance->project_id, instance->host);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    char hex[2 * EVP_MAX_MD_SIZE + 1] = "";

    if (*instance->host) {
        EVP_Digest(text, strlen(text), digest, &len, EVP_sha224(), NULL);
        for (unsigned int i = 0; i < len; i++) {
            snprintf(hex + 2 * i, 3, "%02x", digest[i]);
        }
    }
    json_object_put_string(json, "hostId", hex);
}

static struct json *
addresses_json(const struct instance_info *info)
{
    struct json *networks = json_object_create();

    for (size_t i = 0; i < info->n_addresses; i++) {
        const struct instance_address *a = &info->addresses[i];
        struct json *list = shash_find_data(json_object(networks), a->network_name);
        struct json *address = json_object_create();

        if (!list) {
            list = json_array_create_empty();
            json_object_put(networks, a->network_name, list);
        }
        json_object_put(address, "version", json_integer_create(a->version));
        json_object_put_string(address, "addr", a->address);
        json_object_put_string(address, "OS-EXT-IPS:type", a->is_floating ? "floating" : "fixed");
        json_object_put_string(address, "OS-EXT-IPS-MAC:mac_addr", a->mac);
        json_array_add(list, address);
    }
    return networks;
}

static struct json *
groups_json(const struct instance_info *info)
{
    struct json *groups = json_array_create_empty();

    for (size_t i = 0; i < info->n_security_groups; i++) {
        json_array_add(groups, wrap("name", json_string_create(info->security_groups[i])));
    }
    return groups;
}

/* {"id": ID, "links": [BOOKMARK]} */
static struct json *
reference(const struct call *call, const char *collection, const char *id)
{
    struct json *links = call_links(call, collection, id);
    struct json *ref = json_object_create();

    json_object_put_string(ref, "id", id);
    json_object_put(ref, "links", json_array_create_1(json_clone(json_array(links)->elems[1])));
    json_destroy(links);
    return ref;
}

static void
put_admin_fields(struct json *server, const struct nt_instance *instance)
{
    AUTO_FREE char *name = xasprintf("instance-%08llx", (long long) instance->number);

    json_object_put(server, "OS-EXT-SRV-ATTR:host", text_or_null(instance->host));
    json_object_put(server, "OS-EXT-SRV-ATTR:hypervisor_hostname", text_or_null(instance->host));
    json_object_put_string(server, "OS-EXT-SRV-ATTR:instance_name", name);
}

static void
put_state(struct json *server, const struct nt_instance *instance)
{
    const char *status = server_status(instance->vm_state, instance->task_state);

    json_object_put_string(server, "status", status);
    json_object_put_string(server, "OS-EXT-STS:vm_state", instance->vm_state);
    json_object_put(server, "OS-EXT-STS:task_state", text_or_null(instance->task_state));
    json_object_put(server, "OS-EXT-STS:power_state", json_integer_create(instance->power_state));
    if (!strcmp(status, "ACTIVE") || !strcmp(status, "BUILD")) {
        json_object_put(server, "progress", json_integer_create(0));
    }
    if (!strcmp(instance->vm_state, "error")) {
        struct json *fault = json_object_create();

        json_object_put(fault, "code", json_integer_create(500));
        json_object_put_string(fault, "message", instance->fault);
        put_time(fault, "created", instance->updated_at);
        json_object_put(server, "fault", fault);
    }
}

static void
put_launched(struct json *server, const struct nt_instance *instance)
{
    char text[NT_TIME_SIZE];

    if (instance->launched_at) {
        nt_time_format(instance->launched_at, text);
        json_object_put_format(server, "OS-SRV-USG:launched_at", "%.19s.000000", text);
    } else {
        json_object_put(server, "OS-SRV-USG:launched_at", json_null_create());
    }
    json_object_put(server, "OS-SRV-USG:terminated_at", json_null_create());
}

struct json *
server_view(const struct call *call, const struct instance_info *info)
{
    const struct nt_instance *instance = &info->instance;
    struct json *server = json_object_create();

    json_object_put_string(server, "id", instance->id);
    json_object_put_string(server, "name", instance->name);
    json_object_put_string(server, "tenant_id", instance->project_id);
    json_object_put_string(server, "user_id", instance->user_id);
    json_object_put(server, "metadata",
                    instance->metadata ? json_clone(instance->metadata) : json_object_create());
    put_host_id(server, instance);
    json_object_put(server, "image", reference(call, "images", instance->image_id));
    json_object_put(server, "flavor", reference(call, "flavors", instance->flavor_id));
    put_time(server, "created", instance->created_at);
    put_time(server, "updated", instance->updated_at);
    json_object_put(server, "addresses", addresses_json(info));
    json_object_put_string(server, "accessIPv4", "");
    json_object_put_string(server, "accessIPv6", "");
    json_object_put(server, "links", call_links(call, "servers", instance->id));
    json_object_put_string(server, "OS-DCF:diskConfig", "MANUAL");
    json_object_put_string(server, "OS-EXT-AZ:availability_zone", instance->availability_zone);
    json_object_put_string(server, "config_drive", instance->config_drive ? "True" : "");
    json_object_put(server, "key_name", text_or_null(instance->key_name));
    put_launched(server, instance);
    json_object_put(server, "security_groups", groups_json(info));
    json_object_put(server, "os-extended-volumes:volumes_attached", json_array_create_empty());
    put_state(server, instance);
    if (call->who.is_admin) {
        put_admin_fields(server, instance);
    }
    return server;
}
