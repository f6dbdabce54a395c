#include <config.h>

#include "server/rest/image/image.h"

#include <string.h>

#include "base/mem.h"
#include "openvswitch/json.h"
#include "server/core/images.h"
#include "server/rest/call.h"

#define MAX_PAGE 1000

static struct json *
versions_json(const struct call *call)
{
    static const struct {
        const char *id, *status;
    } versions[] = { { "v2.9", "CURRENT" }, { "v2.7", "SUPPORTED" }, { "v2.0", "SUPPORTED" } };
    AUTO_FREE char *host = call_host_url(call);
    struct json *list = json_array_create_empty();

    for (size_t i = 0; i < NT_ARRAY_SIZE(versions); i++) {
        struct json *version = json_object_create();
        struct json *link = json_object_create();

        json_object_put_string(link, "rel", "self");
        json_object_put_format(link, "href", "%s/image/v2/", host);
        json_object_put_string(version, "id", versions[i].id);
        json_object_put_string(version, "status", versions[i].status);
        json_object_put(version, "links", json_array_create_1(link));
        json_array_add(list, version);
    }
    return wrap("versions", list);
}

void
image_versions(struct call *call)
{
    call_reply_json(call, 300, versions_json(call));
}

void
image_versions_list(struct call *call)
{
    call_reply_json(call, 200, versions_json(call));
}

static struct json *
image_view(const struct nt_image *image)
{
    struct json *json = json_object_create();

    json_object_put_string(json, "id", image->id);
    json_object_put_string(json, "name", image->name);
    json_object_put_string(json, "status", image->status);
    json_object_put_string(json, "visibility", "public");
    json_object_put_string(json, "disk_format", image->disk_format);
    json_object_put_string(json, "container_format", image->container_format);
    json_object_put(json, "size",
                    image->size ? json_integer_create(image->size) : json_null_create());
    json_object_put(json, "min_ram", json_integer_create(image->min_ram_mb));
    json_object_put(json, "min_disk", json_integer_create(image->min_disk_gb));
    json_object_put(json, "protected", json_boolean_create(false));
    json_object_put(json, "os_hidden", json_boolean_create(false));
    json_object_put(json, "checksum", json_null_create());
    json_object_put(json, "owner", json_null_create());
    json_object_put(json, "tags", json_array_create_empty());
    put_time(json, "created_at", image->created_at);
    put_time(json, "updated_at", image->updated_at);
    json_object_put_format(json, "self", "/v2/images/%s", image->id);
    json_object_put_format(json, "file", "/v2/images/%s/file", image->id);
    json_object_put_string(json, "schema", "/v2/schemas/image");
    return json;
}

/* Adds the page after 'marker'; 'rows' is in a fixed order. */
static void
add_page(struct json *list, const struct rows *rows, const char *marker, size_t limit)
{
    bool is_on = !marker;

    for (size_t i = 0; i < rows->n && json_array(list)->n < limit; i++) {
        const struct nt_image *image = ROW(struct nt_image, rows, i);

        if (is_on) {
            json_array_add(list, image_view(image));
        } else {
            is_on = !strcmp(image->id, marker);
        }
    }
}

void
images_list(struct call *call)
{
    const struct nt_http_request *http = call->http;
    struct json *list = json_array_create_empty();
    struct json *answer = wrap("images", list);
    struct rows rows = { 0 };
    struct nt_err err = { 0 };
    int64_t limit = MAX_PAGE;

    if (call_query_int(call, "limit", 0, INT32_MAX, &limit, &err) < 0
        || image_list(call->rest->options.reader, nt_http_query(http, "name"), &rows, &err) < 0) {
        json_destroy(answer);
        call_fail(call, &err);
        return;
    }
    add_page(list, &rows, nt_http_query(http, "marker"), limit);
    rows_clear(&rows);
    json_object_put_string(answer, "first", "/v2/images");
    json_object_put_string(answer, "schema", "/v2/schemas/images");
    call_reply_json(call, 200, answer);
}

void
images_show(struct call *call)
{
    struct nt_image image = { 0 };
    struct nt_err err = { 0 };

    if (image_get(call->rest->options.reader, call->match.params[0], &image, &err) < 0) {
        call_fail(call, &err);
        return;
    }
    call_reply_json(call, 200, image_view(&image));
}
