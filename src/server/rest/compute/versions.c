#include <config.h>

#include "server/rest/compute/compute.h"

#include <string.h>

#include "base/mem.h"
#include "openvswitch/json.h"
#include "server/rest/call.h"

/* 'path' below the host; version "2.0" has no microversions. */
static struct json *
version_json(const struct call *call, const char *path, bool is_21)
{
    AUTO_FREE char *host = call_host_url(call);
    struct json *version = json_object_create();
    struct json *link = json_object_create();

    json_object_put_string(link, "rel", "self");
    json_object_put_format(link, "href", "%s%s/", host, path);
    json_object_put_string(version, "id", is_21 ? "v2.1" : "v2.0");
    json_object_put_string(version, "status", is_21 ? "CURRENT" : "SUPPORTED");
    json_object_put_string(version, "version", is_21 ? "2.1" : "");
    json_object_put_string(version, "min_version", is_21 ? "2.1" : "");
    json_object_put_string(version, "updated",
                           is_21 ? "2013-07-23T11:33:21Z" : "2011-01-21T11:33:21Z");
    json_object_put(version, "links", json_array_create_1(link));
    return version;
}

static const char *
prefix_of(const struct call *call)
{
    const struct nt_http_request *http = call->http;

    return http->n_segments && !strcmp(http->segments[0], "compute") ? "/compute" : "";
}

void
compute_root(struct call *call)
{
    AUTO_FREE char *v20 = xasprintf("%s/v2", prefix_of(call));
    AUTO_FREE char *v21 = xasprintf("%s/v2.1", prefix_of(call));

    call_reply_json(call, 200,
                    wrap("versions", json_array_create_2(version_json(call, v20, false),
                                                         version_json(call, v21, true))));
}

static void
one_version(struct call *call, const char *name, bool is_21)
{
    AUTO_FREE char *path = xasprintf("%s/%s", prefix_of(call), name);
    struct json *version = version_json(call, path, is_21);
    struct json *type = json_object_create();

    json_object_put_string(type, "base", "application/json");
    json_object_put_format(type, "type", "application/vnd.openstack.compute+json;version=%s",
                           is_21 ? "2.1" : "2");
    json_object_put(version, "media-types", json_array_create_1(type));
    call_reply_json(call, 200, wrap("version", version));
}

void
compute_version_20(struct call *call)
{
    one_version(call, "v2", false);
}

void
compute_version_21(struct call *call)
{
    one_version(call, "v2.1", true);
}
