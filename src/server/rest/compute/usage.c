#include <config.h>

#include "server/rest/compute/compute.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "openvswitch/json.h"
#include "server/core/usage.h"
#include "server/rest/call.h"

/* /os-simple-tenant-usage. */

#define HOUR_MS 3600000.0

/* "2026-11-22", or with a time and perhaps a fraction, in UTC. */
static int
read_time(const struct call *call, const char *name, int64_t *out, struct nt_err *err)
{
    static const char *const forms[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d" };
    const char *text = nt_http_query(call->http, name);

    if (!text) {
        return 0;
    }
    for (size_t i = 0; i < NT_ARRAY_SIZE(forms); i++) {
        struct tm tm = { 0 };
        const char *end = strptime(text, forms[i], &tm);

        if (end && (!*end || (*end == '.' && strspn(end + 1, "0123456789") == strlen(end + 1)))) {
            *out = (int64_t) timegm(&tm) * 1000;
            return 0;
        }
    }
    return nt_fail(err, NT_INVALID, "query parameter %s: must be a time like 2026-11-22T08:30:00",
                   name);
}

static int
read_filter(const struct call *call, struct usage_filter *filter, struct nt_err *err)
{
    filter->start = filter->end = nt_wall_ms(call->rest->options.env->clock);
    if (read_time(call, "start", &filter->start, err) < 0
        || read_time(call, "end", &filter->end, err) < 0) {
        return -1;
    }
    return filter->start <= filter->end
               ? 0
               : nt_fail(err, NT_INVALID,
                         "Invalid start time. The start time cannot occur after "
                         "the end time.");
}

static struct json *
server_usage(const struct usage *u, double hours, int64_t now)
{
    struct json *json = json_object_create();

    json_object_put_string(json, "instance_id", u->id);
    json_object_put_string(json, "name", u->name);
    json_object_put_string(json, "tenant_id", u->project_id);
    json_object_put_string(json, "flavor", u->flavor);
    json_object_put_string(json, "state", u->state);
    json_object_put(json, "memory_mb", json_integer_create(u->ram_mb));
    json_object_put(json, "vcpus", json_integer_create(u->vcpus));
    json_object_put(json, "local_gb", json_integer_create(u->disk_gb));
    json_object_put(json, "hours", json_real_create(hours));
    json_object_put(
        json, "uptime",
        json_integer_create(((u->ended_at ? u->ended_at : now) - u->launched_at) / 1000));
    put_time_us(json, "started_at", u->launched_at);
    put_time_us(json, "ended_at", u->ended_at);
    return json;
}

/* Adds up the usages of one project from '*i' on, which moves behind them. */
static struct json *
project_usage(const struct call *call, const struct usage_filter *filter, const struct usage *list,
              size_t n, size_t *i)
{
    int64_t now = nt_wall_ms(call->rest->options.env->clock);
    struct json *servers = json_array_create_empty();
    struct json *json = json_object_create();
    const char *project = list[*i].project_id;
    double hours = 0;
    double vcpus = 0;
    double ram = 0;
    double disk = 0;

    for (; *i < n && !strcmp(list[*i].project_id, project); (*i)++) {
        const struct usage *u = &list[*i];
        double h = usage_ms(u, filter, now) / HOUR_MS;

        hours += h;
        vcpus += h * u->vcpus;
        ram += h * u->ram_mb;
        disk += h * u->disk_gb;
        json_array_add(servers, server_usage(u, h, now));
    }
    json_object_put_string(json, "tenant_id", project);
    json_object_put(json, "total_hours", json_real_create(hours));
    json_object_put(json, "total_vcpus_usage", json_real_create(vcpus));
    json_object_put(json, "total_memory_mb_usage", json_real_create(ram));
    json_object_put(json, "total_local_gb_usage", json_real_create(disk));
    put_time_us(json, "start", filter->start);
    put_time_us(json, "stop", filter->end);
    json_object_put(json, "server_usages", servers);
    return json;
}

void
usage_list_all(struct call *call)
{
    const char *detailed = nt_http_query(call->http, "detailed");
    AUTO_FREE struct usage *list = NULL;
    struct usage_filter filter = { .project_id = NULL };
    struct json *usages = json_array_create_empty();
    struct nt_err err = { 0 };
    size_t n = 0;

    if (read_filter(call, &filter, &err) < 0
        || usage_list(call->rest->options.reader, &filter, &list, &n, &err) < 0) {
        json_destroy(usages);
        call_fail(call, &err);
        return;
    }
    for (size_t i = 0; i < n;) {
        struct json *usage = project_usage(call, &filter, list, n, &i);

        if (!detailed || strcmp(detailed, "1")) {
            json_destroy(shash_find_and_delete(json_object(usage), "server_usages"));
        }
        json_array_add(usages, usage);
    }
    call_reply_json(call, 200, wrap("tenant_usages", usages));
}

void
usage_show(struct call *call)
{
    AUTO_FREE struct usage *list = NULL;
    struct usage_filter filter = { .project_id = call->match.params[0] };
    struct nt_err err = { 0 };
    size_t n = 0;
    size_t i = 0;
    int rc = read_filter(call, &filter, &err);

    if (!rc && !call->who.is_admin && strcmp(filter.project_id, call->who.project)) {
        rc = nt_fail(&err, NT_FORBIDDEN, "usage of other projects is for administrators");
    }
    if (rc < 0 || usage_list(call->rest->options.reader, &filter, &list, &n, &err) < 0) {
        call_fail(call, &err);
        return;
    }
    call_reply_json(
        call, 200,
        wrap("tenant_usage", n ? project_usage(call, &filter, list, n, &i) : json_object_create()));
}
