#include <config.h>

#include "server/rest/compute/compute.h"

#include <string.h>

#include "openvswitch/json.h"
#include "server/core/hosts.h"
#include "server/rest/call.h"

/* /os-services: the host programs and whether they report. */

static struct json *
service_view(const struct call *call, const struct host *host, size_t i)
{
    const struct core_env *env = call->rest->options.env;
    struct json *json = json_object_create();
    char at[NT_TIME_SIZE];

    nt_time_format(host->reported_at, at);
    json_object_put(json, "id", json_integer_create(i + 1));
    json_object_put_string(json, "binary", host->binary);
    json_object_put_string(json, "host", host->host);
    json_object_put_string(
        json, "zone", strcmp(host->topic, "compute") ? "internal" : env->default_availability_zone);
    json_object_put_string(json, "status", "enabled");
    json_object_put_string(json, "state", host_is_alive(env, host) ? "up" : "down");
    json_object_put_format(json, "updated_at", "%.19s.000000", at);
    json_object_put(json, "disabled_reason", json_null_create());
    return json;
}

void
services_list(struct call *call)
{
    const char *binary = nt_http_query(call->http, "binary");
    const char *name = nt_http_query(call->http, "host");
    struct json *services = json_array_create_empty();
    struct rows rows = { 0 };
    struct nt_err err = { 0 };

    if (host_list(call->rest->options.reader, NULL, &rows, &err) < 0) {
        json_destroy(services);
        call_fail(call, &err);
        return;
    }
    for (size_t i = 0; i < rows.n; i++) {
        const struct host *host = ROW(struct host, &rows, i);

        if ((!binary || !strcmp(binary, host->binary)) && (!name || !strcmp(name, host->host))) {
            json_array_add(services, service_view(call, host, i));
        }
    }
    rows_clear(&rows);
    call_reply_json(call, 200, wrap("services", services));
}
