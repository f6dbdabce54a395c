#include <config.h>

#include "server/rest/compute/compute.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/json.h"
#include "server/core/instances.h"
#include "server/core/keypairs.h"
#include "server/rest/call.h"

/* /os-keypairs, and what goes with keys: the password a guest stored, encrypted with
 * its key. */

struct keypair_body {
    char name[NT_NAME_SIZE];
    char *public_key;
    char type[16];
    char user_id[NT_NAME_SIZE];
};

static const struct nt_field body_fields[] = {
    { "name", NT_F_STR, NT_AT(struct keypair_body, name), NT_IN_CREATE | NT_REQUIRED },
    { "public_key", NT_F_TEXT, NT_AT(struct keypair_body, public_key), NT_IN_CREATE,
      .max = NT_SSH_KEY_MAX },
    { "type", NT_F_STR, NT_AT(struct keypair_body, type), NT_IN_CREATE },
    { "user_id", NT_F_STR, NT_AT(struct keypair_body, user_id), NT_IN_CREATE },
    { 0 },
};

static struct json *
keypair_view(const struct keypair *keypair)
{
    struct json *json = json_object_create();

    json_object_put_string(json, "name", keypair->name);
    json_object_put_string(json, "public_key", keypair->public_key);
    json_object_put_string(json, "fingerprint", keypair->fingerprint);
    json_object_put_string(json, "type", keypair->type);
    return json;
}

/* Whose keys are meant: only administrators may mean another user's. */
static int
choose_user(const struct call *call, const char *wanted, const char **out, struct nt_err *err)
{
    *out = wanted && *wanted ? wanted : call->who.user;
    if (strcmp(*out, call->who.user) && !call->who.is_admin) {
        return nt_fail(err, NT_FORBIDDEN, "key pairs of other users are for administrators");
    }
    return 0;
}

void
keypairs_list(struct call *call)
{
    struct json *list = json_array_create_empty();
    const char *user = NULL;
    struct rows rows = { 0 };
    struct nt_err err = { 0 };

    if (choose_user(call, nt_http_query(call->http, "user_id"), &user, &err) < 0
        || keypair_list(call->rest->options.reader, user, &rows, &err) < 0) {
        json_destroy(list);
        call_fail(call, &err);
        return;
    }
    for (size_t i = 0; i < rows.n; i++) {
        json_array_add(list, wrap("keypair", keypair_view(ROW(const struct keypair, &rows, i))));
    }
    rows_clear(&rows);
    call_reply_json(call, 200, wrap("keypairs", list));
}

void
keypairs_show(struct call *call)
{
    const char *user = NULL;
    struct keypair keypair;
    struct nt_err err = { 0 };
    char at[NT_TIME_SIZE];

    if (choose_user(call, nt_http_query(call->http, "user_id"), &user, &err) < 0
        || keypair_get(call->rest->options.reader, user, call->match.params[0], &keypair, &err)
               < 0) {
        call_fail(call, &err);
        return;
    }

    struct json *json = keypair_view(&keypair);
    nt_time_format(keypair.created_at, at);
    json_object_put(json, "id", json_integer_create(keypair.number));
    json_object_put_string(json, "user_id", keypair.user_id);
    json_object_put_format(json, "created_at", "%.19s.000000", at);
    json_object_put(json, "updated_at", json_null_create());
    json_object_put(json, "deleted", json_boolean_create(false));
    json_object_put(json, "deleted_at", json_null_create());
    keypair_clear(&keypair);
    call_reply_json(call, 200, wrap("keypair", json));
}

/* A creation on its way. */
struct creation {
    struct call *call;
    struct keypair_body body;
    char *private_key; /* NULL: the user has it. */
    struct keypair made;
};

static void
creation_free(struct creation *c)
{
    nt_fields_clear(body_fields, &c->body);
    keypair_clear(&c->made);
    if (c->private_key) {
        explicit_bzero(c->private_key, strlen(c->private_key));
    }
    free(c->private_key);
    free(c);
}

static struct keypair_wish
wish_of(const struct creation *c)
{
    return (struct keypair_wish){
        .user_id = c->body.user_id,
        .name = c->body.name,
        .public_key = c->body.public_key,
        .project_id = c->call->who.project,
    };
}

static int
create_op(struct store *store, void *creation, struct changes *changes, struct nt_err *err)
{
    struct creation *c = creation;
    const struct keypair_wish wish = wish_of(c);

    return keypair_create(store, c->call->rest->options.env, &wish, &c->made, err);
}

static void
create_done(void *creation, const struct nt_err *err)
{
    struct creation *c = creation;

    if (err) {
        call_fail(c->call, err);
    } else {
        struct json *json = keypair_view(&c->made);

        json_object_put_string(json, "user_id", c->made.user_id);
        if (c->private_key) {
            json_object_put_string(json, "private_key", c->private_key);
        }
        call_reply_json(c->call, 200, wrap("keypair", json));
    }
    creation_free(c);
}

/* A new pair is there: the private half goes to the client and nowhere else. */
static void
key_made(void *creation, const struct nt_ssh_pair *pair, const struct nt_err *err)
{
    struct creation *c = creation;

    if (err) {
        call_fail(c->call, err);
        creation_free(c);
        return;
    }
    c->private_key = xstrdup(pair->private_pem);
    c->body.public_key = xstrdup(pair->public_key);
    op_submit(c->call->rest->options.ops, create_op, c, create_done, c);
}

/* A new pair costs time, so that what would be refused anyway is refused before. */
static void
make_pair(struct creation *c)
{
    const struct rest_options *options = &c->call->rest->options;
    const struct keypair_wish wish = wish_of(c);
    struct nt_err err = { 0 };

    if (keypair_check_new(options->reader, options->env, &wish, &err) < 0) {
        call_fail(c->call, &err);
        creation_free(c);
        return;
    }
    options->make_key(options->make_key_aux, key_made, c);
}

static int
read_body(struct creation *c, const struct json *json, struct nt_err *err)
{
    const char *user = NULL;

    if (nt_fields_parse_strict(body_fields, NT_IN_CREATE, json, "keypair", &c->body, err) < 0
        || keypair_check_name(c->body.name, err) < 0
        || choose_user(c->call, c->body.user_id, &user, err) < 0) {
        return -1;
    }
    if (*c->body.type && strcmp(c->body.type, "ssh")) {
        return nt_fail(err, NT_UNSUPPORTED, "keypair.type must be ssh");
    }
    if (!*c->body.user_id) {
        ovs_strlcpy(c->body.user_id, user, sizeof c->body.user_id);
    }
    return 0;
}

void
keypairs_create(struct call *call)
{
    struct creation *c = xzalloc(sizeof *c);
    struct json *body = NULL;
    const struct json *keypair = NULL;
    struct nt_err err = { 0 };

    c->call = call;
    if (call_body_member(call, "keypair", &body, &keypair, &err) < 0
        || read_body(c, keypair, &err) < 0) {
        creation_free(c);
        call_fail(call, &err);
    } else if (c->body.public_key) {
        op_submit(call->rest->options.ops, create_op, c, create_done, c);
    } else {
        make_pair(c);
    }
    json_destroy(body);
}

static int
delete_op(struct store *store, void *call_, struct changes *changes, struct nt_err *err)
{
    const struct call *call = call_;
    const char *user = NULL;

    return choose_user(call, nt_http_query(call->http, "user_id"), &user, err) < 0
               ? -1
               : keypair_delete(store, user, call->match.params[0], err);
}

void
keypairs_delete(struct call *call)
{
    op_submit(call->rest->options.ops, delete_op, call, call_accepted, call);
}

void
server_password_show(struct call *call)
{
    char *password = NULL;
    struct nt_err err = { 0 };

    if (instance_password(call->rest->options.reader, call_project(call), call->match.params[0],
                          &password, &err)
        < 0) {
        call_fail(call, &err);
        return;
    }
    call_reply_json(call, 200, wrap("password", json_string_create(password ? password : "")));
    free(password);
}

static int
clear_op(struct store *store, void *call_, struct changes *changes, struct nt_err *err)
{
    const struct call *call = call_;

    return instance_clear_password(store, call_project(call), call->match.params[0], err);
}

void
server_password_clear(struct call *call)
{
    op_submit(call->rest->options.ops, clear_op, call, call_deleted, call);
}
