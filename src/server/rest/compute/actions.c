#include <config.h>

#include "server/rest/compute/compute.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/json.h"
#include "net/text.h"
#include "server/core/instance_evacuate.h"
#include "server/core/instance_power.h"
#include "server/core/instances.h"
#include "server/rest/call.h"

/* POST /servers/ID/action: a body with one member, whose name is the action. */

struct action {
    const char *name;
    void (*run)(struct call *, const struct nt_instance *, const struct json *arg);
};

static void
console_done(void *call_, const char *output, const struct nt_err *err)
{
    struct call *call = call_;

    if (err) {
        call_fail(call, err);
        return;
    }

    bool ok = nt_is_utf8(output, strlen(output));
    call_reply_json(call, 200, wrap("output", json_string_create(ok ? output : "")));
}

/* null or absent: all; a number, or a text of digits. */
static int
console_length(const struct json *arg, int64_t *out, struct nt_err *err)
{
    const struct json *length =
        arg->type == JSON_OBJECT ? shash_find_data(json_object(arg), "length") : NULL;
    char *end = NULL;
    long long value = 0;

    if (!length || length->type == JSON_NULL) {
        *out = 0;
        return 0;
    }
    if (length->type == JSON_INTEGER) {
        value = json_integer(length);
    } else if (length->type == JSON_STRING && isdigit((unsigned char) *json_string(length))) {
        errno = 0;
        value = strtoll(json_string(length), &end, 10);
    } else {
        value = -2;
    }

    /* -1 has always meant: all. */
    if (value < -1 || value > INT32_MAX || (end && *end)) {
        return nt_fail(err, NT_INVALID,
                       "os-getConsoleOutput.length must be a number of lines, not negative");
    }
    *out = value < 0 ? 0 : value;
    return 0;
}

static void
get_console_output(struct call *call, const struct nt_instance *instance, const struct json *arg)
{
    const struct rest_options *o = &call->rest->options;
    struct nt_err err = { 0 };
    int64_t length = 0;

    if (arg->type != JSON_OBJECT && arg->type != JSON_NULL) {
        nt_fail(&err, NT_INVALID, "os-getConsoleOutput must be an object");
        call_fail(call, &err);
    } else if (console_length(arg, &length, &err) < 0) {
        call_fail(call, &err);
    } else if (!*instance->host) {
        nt_fail(&err, NT_CONFLICT, "server %s has no console: it is on no host", instance->id);
        call_fail(call, &err);
    } else {
        o->console(o->console_aux, instance, length, console_done, call);
    }
}

/* What asks for a change of power, until its commit. */
struct power_call {
    struct call *call;
    struct instance_power_wish wish;
};

static int
power_op(struct store *store, void *wish, struct changes *changes, struct nt_err *err)
{
    const struct power_call *power = wish;

    return instance_power(store, power->call->rest->options.env, &power->wish, changes, err);
}

static void
change_power(struct call *call, const struct nt_instance *instance, enum instance_power power)
{
    struct power_call args = {
        .call = call,
        .wish = { .id = instance->id,
                  .project_id = call_project(call),
                  .user_id = call->who.user,
                  .power = power },
    };

    op_submit(call->rest->options.ops, power_op, &args, call_accepted, call);
}

static void
stop(struct call *call, const struct nt_instance *instance, const struct json *arg)
{
    change_power(call, instance, INSTANCE_STOP);
}

static void
start(struct call *call, const struct nt_instance *instance, const struct json *arg)
{
    change_power(call, instance, INSTANCE_START);
}

/* The text member 'name' of an action's argument, or NULL. */
static const char *
text_of(const struct json *arg, const char *name)
{
    const struct json *member =
        arg->type == JSON_OBJECT ? shash_find_data(json_object(arg), name) : NULL;

    return member && member->type == JSON_STRING ? json_string(member) : NULL;
}

static void
reboot(struct call *call, const struct nt_instance *instance, const struct json *arg)
{
    const char *type = text_of(arg, "type");
    bool soft = type && !strcasecmp(type, "soft");
    struct nt_err err = { 0 };

    if (!soft && (!type || strcasecmp(type, "hard"))) {
        nt_fail(&err, NT_INVALID, "reboot.type must be SOFT or HARD");
        call_fail(call, &err);
        return;
    }
    change_power(call, instance, soft ? INSTANCE_REBOOT : INSTANCE_REBOOT_HARD);
}

struct reset_call {
    const struct call *call;
    const char *id, *vm_state;
};

static int
reset_op(struct store *store, void *reset_, struct changes *changes, struct nt_err *err)
{
    const struct reset_call *reset = reset_;

    return instance_reset_state(store, reset->call->rest->options.env, reset->id, reset->vm_state,
                                changes, err);
}

static void
reset_state(struct call *call, const struct nt_instance *instance, const struct json *arg)
{
    const char *state = text_of(arg, "state");
    struct reset_call reset = { call, instance->id, state };
    struct nt_err err = { 0 };

    if (!call->who.is_admin) {
        nt_fail(&err, NT_FORBIDDEN, "os-resetState is for administrators");
        call_fail(call, &err);
    } else if (!state || (strcmp(state, "active") && strcmp(state, "error"))) {
        nt_fail(&err, NT_INVALID, "os-resetState.state must be active or error");
        call_fail(call, &err);
    } else {
        op_submit(call->rest->options.ops, reset_op, &reset, call_accepted, call);
    }
}

struct evacuate_call {
    const struct call *call;
    struct instance_evacuate_wish wish;
};

static int
evacuate_op(struct store *store, void *evacuate_, struct changes *changes, struct nt_err *err)
{
    const struct evacuate_call *evacuate = evacuate_;

    return instance_evacuate(store, evacuate->call->rest->options.env, &evacuate->wish, changes,
                             err);
}

/* Clients print the password they are given; the guest gets none from us. */
static void
evacuated(void *call_, const struct nt_err *err)
{
    struct call *call = call_;

    if (err) {
        call_fail(call, err);
    } else {
        call_reply_json(call, 200, wrap("adminPass", json_string_create("")));
    }
}

static void
evacuate(struct call *call, const struct nt_instance *instance, const struct json *arg)
{
    const struct json *host =
        arg->type == JSON_OBJECT ? shash_find_data(json_object(arg), "host") : NULL;
    struct evacuate_call args = {
        .call = call,
        .wish = { .id = instance->id, .host = text_of(arg, "host"), .user_id = call->who.user },
    };
    struct nt_err err = { 0 };

    if (!call->who.is_admin) {
        nt_fail(&err, NT_FORBIDDEN, "evacuate is for administrators");
        call_fail(call, &err);
    } else if (arg->type != JSON_OBJECT
               || (host && host->type != JSON_NULL
                   && (!args.wish.host || !*args.wish.host
                       || strlen(args.wish.host) >= NT_HOST_SIZE))) {
        nt_fail(&err, NT_INVALID, "evacuate.host must be the name of a compute host, or null");
        call_fail(call, &err);
    } else {
        op_submit(call->rest->options.ops, evacuate_op, &args, evacuated, call);
    }
}

/* Known to the compute API, without a function here. */
static void
not_offered(struct call *call, const struct nt_instance *instance, const struct json *arg)
{
    struct nt_err err = { 0 };

    nt_fail(&err, NT_UNSUPPORTED, "this action is not offered here");
    call_fail(call, &err);
}

static const struct action actions[] = {
    { "os-getConsoleOutput", get_console_output },
    { "reboot", reboot },
    { "os-stop", stop },
    { "os-start", start },
    { "os-resetState", reset_state },
    { "evacuate", evacuate },
    { "forceDelete", server_force_delete },
    { "pause", not_offered },
    { "unpause", not_offered },
    { "suspend", not_offered },
    { "resume", not_offered },
    { "rebuild", not_offered },
    { "resize", not_offered },
    { "addFloatingIp", server_add_floating },
    { "removeFloatingIp", server_remove_floating },
    { "addSecurityGroup", server_add_group },
    { "removeSecurityGroup", server_remove_group },
};

static const struct action *
find_action(const struct json *body, const struct json **arg, struct nt_err *err)
{
    struct shash_node *node = shash_first(json_object(body));

    if (shash_count(json_object(body)) != 1) {
        nt_fail(err, NT_INVALID, "the body must have exactly one member: the action");
        return NULL;
    }
    for (size_t i = 0; i < NT_ARRAY_SIZE(actions); i++) {
        if (!strcmp(actions[i].name, node->name)) {
            *arg = node->data;
            return &actions[i];
        }
    }
    nt_fail(err, NT_INVALID, "there is no such action: %s", node->name);
    return NULL;
}

void
servers_action(struct call *call)
{
    struct nt_instance instance = { 0 };
    const struct action *action = NULL;
    const struct json *arg = NULL;
    struct json *body = NULL;
    struct nt_err err = { 0 };

    if (instance_get(call->rest->options.reader, call_project(call), call->match.params[0],
                     &instance, &err)
            < 0
        || call_body(call, &body, &err) < 0 || !(action = find_action(body, &arg, &err))) {
        call_fail(call, &err);
    } else {
        action->run(call, &instance, arg);
    }
    json_destroy(body);
    nt_instance_clear(&instance);
}
