#include <config.h>

#include "server/rest/compute/compute.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "server/core/fixed_ips.h"
#include "server/rest/call.h"

/* /os-fixed-ips: one address as nova shows it, and the list of all of them with the
 * reason why each is not free. */

#define MAX_PAGE 1000

static struct json *
time_or_null(int64_t at)
{
    char text[NT_TIME_SIZE];

    if (!at) {
        return json_null_create();
    }
    nt_time_format(at, text);
    return json_string_create(text);
}

static struct json *
fixed_ip_view(const struct fixed_ip_info *info)
{
    struct json *json = json_object_create();

    json_object_put_string(json, "id", info->address);
    json_object_put_string(json, "address", info->address);
    json_object_put_string(json, "cidr", info->cidr);
    json_object_put_string(json, "network_id", info->network_id);
    json_object_put_string(json, "network", info->network_name);
    json_object_put(json, "hostname", text_or_null(info->hostname));
    json_object_put(json, "host", text_or_null(info->host));
    json_object_put(json, "instance_id", text_or_null(info->instance_id));
    json_object_put(json, "reserved", json_boolean_create(info->is_reserved));
    json_object_put(json, "leased", json_boolean_create(info->is_leased));
    json_object_put(json, "lease_expires", time_or_null(info->lease_expires));
    json_object_put(json, "updated_at", time_or_null(info->updated_at));
    json_object_put_string(json, "state", fixed_ip_state_name(info->state));
    json_object_put(json, "reason", text_or_null(info->reason));
    return json;
}

void
fixed_ips_show(struct call *call)
{
    const struct rest_options *options = &call->rest->options;
    struct fixed_ip_info info;
    struct nt_err err = { 0 };

    if (fixed_ip_get(options->reader, options->env, call->match.params[0], &info, &err) < 0) {
        call_fail(call, &err);
        return;
    }
    call_reply_json(call, 200, wrap("fixed_ip", fixed_ip_view(&info)));
}

/* [{"rel": "next", "href": ...}], where the page was full. */
static struct json *
next_links(const struct call *call, const struct fixed_ip_filter *filter, const char *last)
{
    AUTO_FREE char *base = call_base_url(call);
    struct ds href = DS_EMPTY_INITIALIZER;
    struct json *link = json_object_create();

    ds_put_format(&href, "%s/os-fixed-ips?limit=%zu&marker=%s%s", base, filter->limit, last,
                  filter->with_free ? "&all=true" : "");
    if (filter->network_id) {
        AUTO_FREE char *id = nt_http_encode(filter->network_id);

        ds_put_format(&href, "&network_id=%s", id);
    }
    json_object_put_string(link, "rel", "next");
    json_object_put(link, "href", json_string_create_nocopy(ds_steal_cstr(&href)));
    return json_array_create_1(link);
}

void
fixed_ips_list(struct call *call)
{
    const struct rest_options *options = &call->rest->options;
    const char *all = nt_http_query(call->http, "all");
    struct fixed_ip_filter filter = {
        .network_id = nt_http_query(call->http, "network_id"),
        .after = nt_http_query(call->http, "marker"),
        .with_free = all && !strcmp(all, "true"),
    };
    AUTO_FREE struct fixed_ip_info *found = NULL;
    int64_t limit = MAX_PAGE;
    size_t n = 0;
    struct nt_err err = { 0 };

    if (call_query_int(call, "limit", 1, MAX_PAGE, &limit, &err) < 0) {
        call_fail(call, &err);
        return;
    }
    filter.limit = limit;
    if (fixed_ip_list(options->reader, options->env, &filter, &found, &n, &err) < 0) {
        call_fail(call, &err);
        return;
    }

    struct json *list = json_array_create_empty();
    for (size_t i = 0; i < n; i++) {
        json_array_add(list, fixed_ip_view(&found[i]));
    }

    struct json *body = wrap("fixed_ips", list);
    if (n == filter.limit) {
        json_object_put(body, "fixed_ips_links", next_links(call, &filter, found[n - 1].address));
    }
    call_reply_json(call, 200, body);
}

struct action {
    struct call *call;
    bool reserve;
};

static int
reserve_op(struct store *store, void *action, struct changes *changes, struct nt_err *err)
{
    const struct action *a = action;

    return fixed_ip_set_reserved(store, a->call->match.params[0], a->reserve, err);
}

static void
reserve_done(void *action, const struct nt_err *err)
{
    struct action *a = action;

    if (err) {
        call_fail(a->call, err);
    } else {
        call_reply(a->call, 202);
    }
    free(a);
}

void
fixed_ips_action(struct call *call)
{
    struct json *body = NULL;
    struct nt_err err = { 0 };

    if (call_body(call, &body, &err) < 0) {
        call_fail(call, &err);
    } else if (shash_count(json_object(body)) != 1
               || !(shash_find(json_object(body), "reserve")
                    || shash_find(json_object(body), "unreserve"))) {
        nt_fail(&err, NT_INVALID, "the body must have exactly one member: reserve or unreserve");
        call_fail(call, &err);
    } else {
        struct action *a = xmalloc(sizeof *a);

        *a = (struct action){ call, shash_find(json_object(body), "reserve") != NULL };
        op_submit(call->rest->options.ops, reserve_op, a, reserve_done, a);
    }
    json_destroy(body);
}
