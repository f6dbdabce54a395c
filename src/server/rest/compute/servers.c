#include <config.h>

#include "server/rest/compute/compute.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/addr.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "server/core/instance_actions.h"
#include "server/core/instances.h"
#include "server/rest/call.h"

/* Reading and deleting servers. */

#define MAX_PAGE 1000

static bool
is_true(const char *text)
{
    return text && (!strcmp(text, "1") || !strcasecmp(text, "true"));
}

/* 1, 0 when nothing can match, or -1. */
static int
read_filter(const struct call *call, struct instance_filter *filter, struct nt_err *err)
{
    const struct nt_http_request *http = call->http;
    const char *status = nt_http_query(http, "status");
    const char *tenant = nt_http_query(http, "tenant_id");
    bool all = is_true(nt_http_query(http, "all_tenants"));
    int64_t limit = MAX_PAGE;
    uint32_t ip;

    if (all && !call->who.is_admin) {
        return nt_fail(err, NT_FORBIDDEN, "all_tenants is for administrators");
    }
    if (call_query_int(call, "limit", 0, INT32_MAX, &limit, err) < 0) {
        return -1;
    }
    filter->project_id = all ? tenant : call->who.project;
    filter->name = nt_http_query(http, "name");
    filter->host = call->who.is_admin ? nt_http_query(http, "host") : NULL;
    filter->flavor_id = nt_http_query(http, "flavor");
    filter->image_id = nt_http_query(http, "image");
    filter->address = nt_http_query(http, "ip");
    filter->marker = nt_http_query(http, "marker");
    filter->limit = limit > 0 && limit < MAX_PAGE ? limit : MAX_PAGE;
    if (filter->address && !nt_ip4_parse(filter->address, &ip)) {
        return nt_fail(err, NT_INVALID, "query parameter ip: '%s' is not an IPv4 address",
                       filter->address);
    }
    if (filter->marker && !nt_is_uuid(filter->marker)) {
        return nt_fail(err, NT_INVALID, "query parameter marker: not the id of a server");
    }
    if (status) {
        filter->vm_state = vm_state_of_status(status);
    }
    return !(status && !filter->vm_state) && limit > 0;
}

/* Takes 'json'. */
static void
put_json(struct ds *out, struct json *json)
{
    json_to_ds(json, JSSF_SORT, out);
    json_destroy(json);
}

static void
put_next_link(const struct call *call, struct ds *out, const char *marker)
{
    AUTO_FREE char *base = call_base_url(call);
    struct json *link = json_object_create();

    json_object_put_string(link, "rel", "next");
    json_object_put_format(link, "href", "%s/%s?marker=%s", base, call->match.route->pattern,
                           marker);
    ds_put_cstr(out, ",\"servers_links\":");
    put_json(out, json_array_create_1(link));
}

static struct json *
brief_view(const struct call *call, const struct nt_instance *instance)
{
    struct json *server = json_object_create();

    json_object_put_string(server, "id", instance->id);
    json_object_put_string(server, "name", instance->name);
    json_object_put(server, "links", call_links(call, "servers", instance->id));
    return server;
}

static int
put_server(const struct call *call, struct nt_instance *instance, bool detail, struct ds *out,
           struct nt_err *err)
{
    struct instance_info info = { 0 };

    if (!detail) {
        put_json(out, brief_view(call, instance));
        return 0;
    }

    int retval = instance_info_fill(call->rest->options.reader, instance, &info, err);
    if (retval == 0) {
        put_json(out, server_view(call, &info));
    }
    instance_info_clear(&info);
    return retval;
}

static int
put_servers(const struct call *call, bool detail, struct ds *out, struct nt_err *err)
{
    struct instance_filter filter = { 0 };
    struct rows rows = { 0 };
    char last[NT_UUID_SIZE] = "";
    int retval = read_filter(call, &filter, err);

    ds_put_cstr(out, "{\"servers\":[");
    if (retval > 0) {
        retval = instance_list(call->rest->options.reader, &filter, &rows, err);
    }
    for (size_t i = 0; retval == 0 && i < rows.n; i++) {
        struct nt_instance *instance = ROW(struct nt_instance, &rows, i);

        ovs_strlcpy(last, instance->id, sizeof last);
        ds_put_cstr(out, i ? "," : "");
        retval = put_server(call, instance, detail, out, err);
    }
    ds_put_char(out, ']');
    if (retval == 0 && rows.n && rows.n == filter.limit) {
        put_next_link(call, out, last);
    }
    ds_put_char(out, '}');
    rows_clear(&rows);
    return retval;
}

/* The answer is made as text, server by server: as one tree a thousand of them would take
 * ten times the memory, which the heap then keeps. */
static void
list(struct call *call, bool detail)
{
    struct ds body = DS_EMPTY_INITIALIZER;
    struct nt_err err = { 0 };

    if (put_servers(call, detail, &body, &err) < 0) {
        call_fail(call, &err);
    } else {
        call_reply_text(call, 200, ds_cstr(&body));
    }
    ds_destroy(&body);
}

void
servers_list(struct call *call)
{
    list(call, false);
}

void
servers_detail(struct call *call)
{
    list(call, true);
}

void
servers_show(struct call *call)
{
    struct instance_info info = { 0 };
    struct nt_err err = { 0 };

    if (instance_info_load(call->rest->options.reader, call_project(call), call->match.params[0],
                           &info, &err)
        < 0) {
        call_fail(call, &err);
    } else {
        call_reply_json(call, 200, wrap("server", server_view(call, &info)));
    }
    instance_info_clear(&info);
}

static int
delete_op(struct store *store, void *call_, struct changes *changes, struct nt_err *err)
{
    const struct call *call = call_;
    const struct core_env *env = call->rest->options.env;
    const char *id = call->match.params[0];

    return instance_delete(store, env, call_project(call), id, changes, err) < 0
                   || instance_action_start(store, env, id, "delete", call->who.user, err) < 0
               ? -1
               : 0;
}

/* Nothing is kept of a server that is deleted, so there is nothing to force. */
void
server_force_delete(struct call *call, const struct nt_instance *instance, const struct json *arg)
{
    op_submit(call->rest->options.ops, delete_op, call, call_accepted, call);
}

void
servers_delete(struct call *call)
{
    op_submit(call->rest->options.ops, delete_op, call, call_deleted, call);
}
