#include <config.h>

#include "server/rest/compute/compute.h"

#include "base/mem.h"
#include "openvswitch/json.h"
#include "server/core/instance_actions.h"
#include "server/core/instances.h"
#include "server/rest/call.h"

/* /servers/ID/os-instance-actions and /servers/ID/os-interface. */

static struct json *
action_view(const struct instance_action *action)
{
    struct json *json = json_object_create();

    json_object_put_string(json, "action", action->action);
    json_object_put_string(json, "instance_uuid", action->instance_id);
    json_object_put_string(json, "request_id", action->request_id);
    json_object_put_string(json, "user_id", action->user_id);
    json_object_put_string(json, "project_id", action->project_id);
    json_object_put(json, "message", text_or_null(action->message));
    put_time_us(json, "start_time", action->started_at);
    return json;
}

/* What the host did about it. */
static struct json *
event_view(const struct instance_action *action)
{
    struct json *json = json_object_create();

    json_object_put_format(json, "event", "compute_%s_instance", action->action);
    put_time_us(json, "start_time", action->started_at);
    put_time_us(json, "finish_time", action->finished_at);
    json_object_put(json, "result", text_or_null(action->result));
    json_object_put(json, "traceback", json_null_create());
    return json;
}

void
server_actions_list(struct call *call)
{
    struct json *list = json_array_create_empty();
    struct rows rows = { 0 };
    struct nt_err err = { 0 };

    if (instance_actions_list(call->rest->options.reader, call_project(call), call->match.params[0],
                              &rows, &err)
        < 0) {
        json_destroy(list);
        call_fail(call, &err);
        return;
    }
    for (size_t i = 0; i < rows.n; i++) {
        json_array_add(list, action_view(ROW(const struct instance_action, &rows, i)));
    }
    rows_clear(&rows);
    call_reply_json(call, 200, wrap("instanceActions", list));
}

void
server_actions_show(struct call *call)
{
    struct instance_action action;
    struct nt_err err = { 0 };

    if (instance_action_get(call->rest->options.reader, call_project(call), call->match.params[0],
                            call->match.params[1], &action, &err)
        < 0) {
        call_fail(call, &err);
        return;
    }

    struct json *json = action_view(&action);
    json_object_put(json, "events", json_array_create_1(event_view(&action)));
    call_reply_json(call, 200, wrap("instanceAction", json));
}

static struct json *
interface_view(const struct instance_interface *i)
{
    struct json *json = json_object_create();
    struct json *fixed = json_object_create();

    json_object_put_string(fixed, "ip_address", i->address);
    json_object_put_string(fixed, "subnet_id", i->subnet_id);
    json_object_put_string(json, "port_id", i->port_id);
    json_object_put_string(json, "net_id", i->network_id);
    json_object_put_string(json, "mac_addr", i->mac);
    json_object_put_string(json, "port_state", i->status);
    json_object_put(json, "fixed_ips", json_array_create_1(fixed));
    return json;
}

void
server_interfaces_list(struct call *call)
{
    AUTO_FREE struct instance_interface *list = NULL;
    struct json *json = json_array_create_empty();
    struct nt_err err = { 0 };
    size_t n = 0;

    if (instance_interfaces(call->rest->options.reader, call_project(call), call->match.params[0],
                            &list, &n, &err)
        < 0) {
        json_destroy(json);
        call_fail(call, &err);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        json_array_add(json, interface_view(&list[i]));
    }
    call_reply_json(call, 200, wrap("interfaceAttachments", json));
}
