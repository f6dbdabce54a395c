#include <config.h>

#include "server/rest/compute/compute.h"

#include "openvswitch/json.h"
#include "server/core/flavors.h"
#include "server/rest/call.h"

static struct json *
flavor_view(const struct call *call, const struct nt_flavor *flavor, bool detail)
{
    struct json *json = json_object_create();

    json_object_put_string(json, "id", flavor->id);
    json_object_put_string(json, "name", flavor->name);
    json_object_put(json, "links", call_links(call, "flavors", flavor->id));
    if (!detail) {
        return json;
    }
    json_object_put(json, "ram", json_integer_create(flavor->ram_mb));
    json_object_put(json, "disk", json_integer_create(flavor->disk_gb));
    json_object_put(json, "vcpus", json_integer_create(flavor->vcpus));

    /* No swap is an empty text, not 0: clients of this version print it as it is. */
    json_object_put(json, "swap",
                    flavor->swap_mb ? json_integer_create(flavor->swap_mb)
                                    : json_string_create(""));
    json_object_put(json, "rxtx_factor", json_real_create(1.0));
    json_object_put(json, "OS-FLV-EXT-DATA:ephemeral", json_integer_create(flavor->ephemeral_gb));
    json_object_put(json, "OS-FLV-DISABLED:disabled", json_boolean_create(false));
    json_object_put(json, "os-flavor-access:is_public", json_boolean_create(flavor->is_public));
    return json;
}

static void
list(struct call *call, bool detail)
{
    struct json *flavors = json_array_create_empty();
    struct rows rows = { 0 };
    struct nt_err err = { 0 };

    if (flavor_list(call->rest->options.reader, &rows, &err) < 0) {
        json_destroy(flavors);
        call_fail(call, &err);
        return;
    }
    for (size_t i = 0; i < rows.n; i++) {
        json_array_add(flavors, flavor_view(call, ROW(struct nt_flavor, &rows, i), detail));
    }
    rows_clear(&rows);
    call_reply_json(call, 200, wrap("flavors", flavors));
}

void
flavors_list(struct call *call)
{
    list(call, false);
}

void
flavors_detail(struct call *call)
{
    list(call, true);
}

void
flavors_show(struct call *call)
{
    struct nt_flavor flavor = { 0 };
    struct nt_err err = { 0 };

    if (flavor_get(call->rest->options.reader, call->match.params[0], &flavor, &err) < 0) {
        call_fail(call, &err);
        return;
    }
    call_reply_json(call, 200, wrap("flavor", flavor_view(call, &flavor, true)));
}

void
flavors_extra_specs(struct call *call)
{
    struct nt_flavor flavor = { 0 };
    struct nt_err err = { 0 };

    if (flavor_get(call->rest->options.reader, call->match.params[0], &flavor, &err) < 0) {
        call_fail(call, &err);
        return;
    }
    call_reply_json(call, 200, wrap("extra_specs", json_object_create()));
}
