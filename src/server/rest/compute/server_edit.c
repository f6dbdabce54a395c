#include <config.h>

#include "server/rest/compute/compute.h"

#include <string.h>

#include "base/mem.h"
#include "openvswitch/json.h"
#include "server/core/instance_edit.h"
#include "server/core/instances.h"
#include "server/rest/call.h"

/* PUT /servers/ID and /servers/ID/metadata: what an owner changes of a server. */

static bool
has_control_character(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char) *text < ' ' || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

int
server_check_metadata(const char *what, const struct json *metadata, struct nt_err *err)
{
    struct shash_node *node;

    if (!metadata || metadata->type == JSON_NULL) {
        return 0;
    }
    if (metadata->type != JSON_OBJECT) {
        return nt_fail(err, NT_INVALID, "%s must be an object", what);
    }
    if (shash_count(json_object(metadata)) > INSTANCE_METADATA_MAX) {
        return nt_fail(err, NT_INVALID, "%s has more than %d items", what, INSTANCE_METADATA_MAX);
    }
    SHASH_FOR_EACH (node, json_object(metadata)) {
        const struct json *value = node->data;

        if (!*node->name || strlen(node->name) > 255 || has_control_character(node->name)) {
            return nt_fail(err, NT_INVALID,
                           "%s: a key must have 1 to 255 bytes and no control characters", what);
        }
        if (value->type != JSON_STRING || strlen(json_string(value)) > 255
            || has_control_character(json_string(value))) {
            return nt_fail(err, NT_INVALID,
                           "%s.%s must be a text of at most 255 bytes without control characters",
                           what, node->name);
        }
    }
    return 0;
}

/* An edit on its way; 'body' keeps what it borrows. */
struct edit {
    struct call *call;
    struct json *body;
    struct instance_edit up;
    void (*answer)(struct call *, struct instance_info *);
};

static int
edit_op(struct store *store, void *edit_, struct changes *changes, struct nt_err *err)
{
    const struct edit *edit = edit_;

    return instance_edit(store, edit->call->rest->options.env, &edit->up, changes, err);
}

static void
edit_done(void *edit_, const struct nt_err *err)
{
    struct edit *edit = edit_;
    struct call *call = edit->call;
    struct instance_info info = { 0 };
    struct nt_err own = { 0 };

    if (!err
        && instance_info_load(call->rest->options.reader, call_project(call), call->match.params[0],
                              &info, &own)
               < 0) {
        err = &own;
    }
    if (err) {
        call_fail(call, err);
    } else {
        edit->answer(call, &info);
    }
    instance_info_clear(&info);
    json_destroy(edit->body);
    free(edit);
}

/* Takes 'body'. */
static void
submit(struct call *call, const struct instance_edit *wish, struct json *body,
       void (*answer)(struct call *, struct instance_info *))
{
    struct edit *edit = xzalloc(sizeof *edit);

    edit->call = call;
    edit->body = body;
    edit->up = *wish;
    edit->up.id = call->match.params[0];
    edit->up.project_id = call_project(call);
    edit->answer = answer;
    op_submit(call->rest->options.ops, edit_op, edit, edit_done, edit);
}

static void
answer_server(struct call *call, struct instance_info *info)
{
    call_reply_json(call, 200, wrap("server", server_view(call, info)));
}

static struct json *
metadata_of(const struct nt_instance *instance)
{
    return instance->metadata ? json_clone(instance->metadata) : json_object_create();
}

static void
answer_metadata(struct call *call, struct instance_info *info)
{
    call_reply_json(call, 200, wrap("metadata", metadata_of(&info->instance)));
}

static struct json *
item_of(const struct nt_instance *instance, const char *key)
{
    const struct json *value =
        instance->metadata ? shash_find_data(json_object(instance->metadata), key) : NULL;

    return value ? wrap("meta", wrap(key, json_clone(value))) : NULL;
}

static void
answer_item(struct call *call, struct instance_info *info)
{
    struct json *item = item_of(&info->instance, call->match.params[1]);

    call_reply_json(call, 200, item ? item : json_object_create());
}

static void
answer_nothing(struct call *call, struct instance_info *info)
{
    call_reply(call, 204);
}

/* The new name of a body, or NULL with '*err' set. */
static const char *
name_of(const struct json *server, struct nt_err *err)
{
    const struct json *name = shash_find_data(json_object(server), "name");

    if (shash_count(json_object(server)) != 1 || !name || name->type != JSON_STRING) {
        nt_fail(err, NT_INVALID, "server: only name can be changed");
        return NULL;
    }

    const char *text = json_string(name);
    if (!text[strspn(text, " ")] || strlen(text) >= NT_NAME_SIZE || has_control_character(text)) {
        nt_fail(err, NT_INVALID,
                "server.name must have 1 to %d bytes, not all blank and no control characters",
                NT_NAME_SIZE - 1);
        return NULL;
    }
    return text;
}

void
servers_update(struct call *call)
{
    struct instance_edit edit = { .name = NULL };
    struct json *body = NULL;
    const struct json *server = NULL;
    struct nt_err err = { 0 };

    if (call_body_member(call, "server", &body, &server, &err) < 0
        || !(edit.name = name_of(server, &err))) {
        json_destroy(body);
        call_fail(call, &err);
    } else {
        submit(call, &edit, body, answer_server);
    }
}

static void
put_metadata(struct call *call, bool replaces)
{
    struct instance_edit edit = { .replaces = replaces };
    struct json *body = NULL;
    struct nt_err err = { 0 };

    if (call_body_member(call, "metadata", &body, &edit.metadata, &err) < 0
        || server_check_metadata("metadata", edit.metadata, &err) < 0) {
        json_destroy(body);
        call_fail(call, &err);
    } else {
        submit(call, &edit, body, answer_metadata);
    }
}

void
server_metadata_add(struct call *call)
{
    put_metadata(call, false);
}

void
server_metadata_replace(struct call *call)
{
    put_metadata(call, true);
}

static void
read_metadata(struct call *call, const char *key)
{
    struct nt_instance instance = { 0 };
    struct nt_err err = { 0 };
    struct json *answer = NULL;

    if (!instance_get(call->rest->options.reader, call_project(call), call->match.params[0],
                      &instance, &err)) {
        answer = key ? item_of(&instance, key) : wrap("metadata", metadata_of(&instance));
        if (!answer) {
            nt_fail(&err, NT_NOT_FOUND, "Metadata item was not found");
        }
    }
    if (answer) {
        call_reply_json(call, 200, answer);
    } else {
        call_fail(call, &err);
    }
    nt_instance_clear(&instance);
}

void
server_metadata_list(struct call *call)
{
    read_metadata(call, NULL);
}

void
server_metadata_show(struct call *call)
{
    read_metadata(call, call->match.params[1]);
}

void
server_metadata_put(struct call *call)
{
    struct instance_edit edit = { .metadata = NULL };
    struct json *body = NULL;
    struct nt_err err = { 0 };
    int rc = call_body_member(call, "meta", &body, &edit.metadata, &err);

    if (!rc
        && (shash_count(json_object(edit.metadata)) != 1
            || !shash_find(json_object(edit.metadata), call->match.params[1]))) {
        rc = nt_fail(&err, NT_INVALID, "meta must have exactly the item of the path");
    }
    if (rc < 0 || server_check_metadata("meta", edit.metadata, &err) < 0) {
        json_destroy(body);
        call_fail(call, &err);
    } else {
        submit(call, &edit, body, answer_item);
    }
}

void
server_metadata_delete(struct call *call)
{
    const struct instance_edit edit = { .forget = call->match.params[1] };

    submit(call, &edit, NULL, answer_nothing);
}
