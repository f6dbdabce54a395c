#include <config.h>

#include "server/rest/compute/compute.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/json.h"
#include "server/core/hosts.h"
#include "server/core/instances.h"
#include "server/rest/call.h"
#include "server/rest/faults.h"

/* /os-hypervisors and /os-availability-zone: the compute hosts.  A hypervisor's number is its
 * place among them in the order of names. */

static struct json *
services_of(const struct call *call, const struct rows *hosts, const char *host)
{
    const struct core_env *env = call->rest->options.env;
    struct json *services = json_object_create();

    for (size_t i = 0; i < hosts->n; i++) {
        const struct host *h = ROW(const struct host, hosts, i);

        if (!strcmp(h->host, host)) {
            struct json *service = json_object_create();
            char at[NT_TIME_SIZE];

            nt_time_format(h->reported_at, at);
            json_object_put(service, "available", json_boolean_create(host_is_alive(env, h)));
            json_object_put(service, "active", json_boolean_create(true));
            json_object_put_format(service, "updated_at", "%.19s.000000", at);
            json_object_put(services, h->binary, service);
        }
    }
    return services;
}

static struct json *
zone_view(const char *name, struct json *hosts)
{
    struct json *zone = json_object_create();

    json_object_put_string(zone, "zoneName", name);
    json_object_put(zone, "zoneState", wrap("available", json_boolean_create(true)));
    json_object_put(zone, "hosts", hosts);
    return zone;
}

/* Hosts of compute, or (internal) the others. */
static struct json *
zone_hosts(const struct call *call, const struct rows *hosts, bool is_compute)
{
    struct json *json = json_object_create();

    for (size_t i = 0; i < hosts->n; i++) {
        const struct host *h = ROW(const struct host, hosts, i);

        if (!strcmp(h->topic, "compute") == is_compute) {
            json_object_put(json, h->host, services_of(call, hosts, h->host));
        }
    }
    return json;
}

void
zones_list(struct call *call)
{
    const char *name = call->rest->options.env->default_availability_zone;

    call_reply_json(
        call, 200,
        wrap("availabilityZoneInfo", json_array_create_1(zone_view(name, json_null_create()))));
}

void
zones_detail(struct call *call)
{
    const char *name = call->rest->options.env->default_availability_zone;
    struct rows hosts = { 0 };
    struct nt_err err = { 0 };

    if (host_list(call->rest->options.reader, NULL, &hosts, &err) < 0) {
        call_fail(call, &err);
        return;
    }

    struct json *internal = zone_view("internal", zone_hosts(call, &hosts, false));
    struct json *compute = zone_view(name, zone_hosts(call, &hosts, true));
    rows_clear(&hosts);
    call_reply_json(call, 200,
                    wrap("availabilityZoneInfo", json_array_create_2(internal, compute)));
}

static struct json *
brief_view(const struct call *call, const struct host *h, size_t i)
{
    bool alive = host_is_alive(call->rest->options.env, h);
    struct json *json = json_object_create();

    json_object_put(json, "id", json_integer_create(i + 1));
    json_object_put_string(json, "hypervisor_hostname", h->host);
    json_object_put_string(json, "state", alive ? "up" : "down");
    json_object_put_string(json, "status", "enabled");
    return json;
}

/* What it has, and what is placed on it; hosts do not tell of their disks. */
static void
put_numbers(struct json *json, const struct host *h, const struct host_load *load)
{
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {
        { "vcpus", h->vcpus },
        { "vcpus_used", load->vcpus },
        { "memory_mb", h->ram_mb },
        { "memory_mb_used", load->ram_mb },
        { "free_ram_mb", h->ram_mb - load->ram_mb },
        { "local_gb", 0 },
        { "local_gb_used", load->disk_gb },
        { "free_disk_gb", 0 },
        { "disk_available_least", 0 },
        { "running_vms", load->instances },
        { "current_workload", load->tasks },
    };

    for (size_t i = 0; i < NT_ARRAY_SIZE(numbers); i++) {
        const struct json *old = shash_find_data(json_object(json), numbers[i].name);
        int64_t sum = numbers[i].value + (old ? json_integer(old) : 0);

        json_object_put(json, numbers[i].name, json_integer_create(sum));
    }
}

static struct json *
detail_view(const struct call *call, const struct host *h, size_t i, const struct host_load *load)
{
    struct json *json = brief_view(call, h, i);
    struct json *service = json_object_create();

    json_object_put_string(service, "host", h->host);
    json_object_put(service, "id", json_integer_create(i + 1));
    json_object_put(service, "disabled_reason", json_null_create());
    json_object_put(json, "service", service);
    json_object_put_string(json, "hypervisor_type", "neutrino");
    json_object_put(json, "hypervisor_version", json_integer_create(1));
    json_object_put(json, "host_ip", json_null_create());
    json_object_put_string(json, "cpu_info", "");
    put_numbers(json, h, load);
    return json;
}

/* Called for each compute host; -1 ends it. */
typedef int host_fn(struct call *, const struct host *, size_t i, struct json *out,
                    struct nt_err *);

static int
each_host(struct call *call, host_fn *take, struct json *out, struct nt_err *err)
{
    struct rows hosts = { 0 };
    int rc = host_list(call->rest->options.reader, "compute", &hosts, err);

    for (size_t i = 0; !rc && i < hosts.n; i++) {
        rc = take(call, ROW(const struct host, &hosts, i), i, out, err);
    }
    rows_clear(&hosts);
    return rc;
}

/* Replies {"key": out}, which each host added to. */
static void
reply_hosts(struct call *call, const char *key, struct json *out, host_fn *take)
{
    struct nt_err err = { 0 };

    if (each_host(call, take, out, &err) < 0) {
        json_destroy(out);
        call_fail(call, &err);
    } else {
        call_reply_json(call, 200, wrap(key, out));
    }
}

static int
add_brief(struct call *call, const struct host *h, size_t i, struct json *out, struct nt_err *err)
{
    json_array_add(out, brief_view(call, h, i));
    return 0;
}

static int
add_detail(struct call *call, const struct host *h, size_t i, struct json *out, struct nt_err *err)
{
    struct host_load load;

    if (host_get_load(call->rest->options.reader, h->host, &load, err) < 0) {
        return -1;
    }
    json_array_add(out, detail_view(call, h, i, &load));
    return 0;
}

static int
add_numbers(struct call *call, const struct host *h, size_t i, struct json *out, struct nt_err *err)
{
    const struct json *count = shash_find_data(json_object(out), "count");
    struct host_load load;

    if (host_get_load(call->rest->options.reader, h->host, &load, err) < 0) {
        return -1;
    }
    json_object_put(out, "count", json_integer_create(json_integer(count) + 1));
    put_numbers(out, h, &load);
    return 0;
}

void
hypervisors_list(struct call *call)
{
    reply_hosts(call, "hypervisors", json_array_create_empty(), add_brief);
}

void
hypervisors_detail(struct call *call)
{
    reply_hosts(call, "hypervisors", json_array_create_empty(), add_detail);
}

void
hypervisors_statistics(struct call *call)
{
    const struct host none = { .host = "" };
    const struct host_load nothing = { 0 };
    struct json *sum = json_object_create();

    json_object_put(sum, "count", json_integer_create(0));
    put_numbers(sum, &none, &nothing);
    reply_hosts(call, "hypervisor_statistics", sum, add_numbers);
}

static int
add_if_number(struct call *call, const struct host *h, size_t i, struct json *out,
              struct nt_err *err)
{
    return strtoull(call->match.params[0], NULL, 10) == i + 1 ? add_detail(call, h, i, out, err)
                                                              : 0;
}

static void
reply_no_hypervisor(struct call *call)
{
    struct nt_err err = { 0 };

    nt_fail(&err, NT_NOT_FOUND, "Compute host %.64s could not be found.", call->match.params[0]);
    call_fail(call, &err);
}

void
hypervisors_show(struct call *call)
{
    struct json *found = json_array_create_empty();
    struct nt_err err = { 0 };

    if (each_host(call, add_if_number, found, &err) < 0) {
        call_fail(call, &err);
    } else if (!json_array(found)->n) {
        reply_no_hypervisor(call);
    } else {
        call_reply_json(call, 200, wrap("hypervisor", json_clone(json_array(found)->elems[0])));
    }
    json_destroy(found);
}

static int
add_if_named(struct call *call, const struct host *h, size_t i, struct json *out,
             struct nt_err *err)
{
    return strstr(h->host, call->match.params[0]) ? add_brief(call, h, i, out, err) : 0;
}

static int
add_servers(struct call *call, const struct host *h, size_t i, struct json *out, struct nt_err *err)
{
    const struct instance_filter filter = { .host = h->host };
    struct json *servers = json_array_create_empty();
    struct json *json = brief_view(call, h, i);
    struct rows rows = { 0 };

    if (!strstr(h->host, call->match.params[0])) {
        json_destroy(servers);
        json_destroy(json);
        return 0;
    }

    int rc = instance_list(call->rest->options.reader, &filter, &rows, err);
    for (size_t j = 0; !rc && j < rows.n; j++) {
        const struct nt_instance *instance = ROW(const struct nt_instance, &rows, j);
        struct json *server = json_object_create();

        json_object_put_format(server, "name", "instance-%08llx", (long long) instance->number);
        json_object_put_string(server, "uuid", instance->id);
        json_array_add(servers, server);
    }
    rows_clear(&rows);
    json_object_put(json, "servers", servers);
    json_array_add(out, json);
    return rc;
}

/* Clients take no match for an error of theirs to tell. */
static void
reply_matches(struct call *call, host_fn *take)
{
    struct json *found = json_array_create_empty();
    struct nt_err err = { 0 };

    if (each_host(call, take, found, &err) < 0) {
        json_destroy(found);
        call_fail(call, &err);
    } else if (!json_array(found)->n) {
        json_destroy(found);
        reply_no_hypervisor(call);
    } else {
        call_reply_json(call, 200, wrap("hypervisors", found));
    }
}

void
hypervisors_search(struct call *call)
{
    reply_matches(call, add_if_named);
}

void
hypervisors_servers(struct call *call)
{
    reply_matches(call, add_servers);
}

/* Hosts do not tell of it; clients go on after exactly this answer. */
void
hypervisors_uptime(struct call *call)
{
    call_reply_json(
        call, fault_not_implemented.status,
        fault_json(&fault_not_implemented, SERVICE_COMPUTE, "hosts do not tell their uptime"));
}

/* None can be made here; the same of groups of hosts. */
void
aggregates_list(struct call *call)
{
    call_reply_json(call, 200, wrap("aggregates", json_array_create_empty()));
}

void
server_group_sets_list(struct call *call)
{
    call_reply_json(call, 200, wrap("server_groups", json_array_create_empty()));
}
