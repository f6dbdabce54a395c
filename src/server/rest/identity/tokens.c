#include <config.h>

#include "server/rest/identity/identity.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/json.h"
#include "server/rest/call.h"

/* The user's and the project's name are their ids too; there is one domain. */

struct name_or_id {
    char id[NT_NAME_SIZE], name[NT_NAME_SIZE];
};

struct user_body {
    struct name_or_id user;
    char *password;
};

struct auth_body {
    struct json *methods;
    struct user_body user;
    char token[NT_NAME_SIZE];
    struct name_or_id project;
};

static const struct nt_field user_fields[] = {
    { "id", NT_F_STR, NT_AT(struct user_body, user.id), NT_IN_CREATE },
    { "name", NT_F_STR, NT_AT(struct user_body, user.name), NT_IN_CREATE },
    { "password", NT_F_TEXT, NT_AT(struct user_body, password), NT_IN_CREATE, .max = 1024 },
    { 0 },
};

/* Objects within objects whose members all land in one struct. */
static const struct nt_field password_fields[] = {
    { "user", NT_F_OBJECT, NT_AT(struct auth_body, user), NT_IN_CREATE, .fields = user_fields },
    { 0 },
};

static const struct nt_field token_fields[] = {
    { "id", NT_F_STR, NT_AT(struct auth_body, token), NT_IN_CREATE },
    { 0 },
};

static const struct nt_field identity_fields[] = {
    { "methods", NT_F_JSON, NT_AT(struct auth_body, methods), NT_IN_CREATE | NT_REQUIRED },
    { "password", NT_F_OBJECT, 0, sizeof(struct auth_body), NT_IN_CREATE,
      .fields = password_fields },
    { "token", NT_F_OBJECT, 0, sizeof(struct auth_body), NT_IN_CREATE, .fields = token_fields },
    { 0 },
};

static const struct nt_field project_fields[] = {
    { "id", NT_F_STR, NT_AT(struct name_or_id, id), NT_IN_CREATE },
    { "name", NT_F_STR, NT_AT(struct name_or_id, name), NT_IN_CREATE },
    { 0 },
};

static const struct nt_field scope_fields[] = {
    { "project", NT_F_OBJECT, NT_AT(struct auth_body, project), NT_IN_CREATE,
      .fields = project_fields },
    { 0 },
};

static const struct nt_field auth_fields[] = {
    { "identity", NT_F_OBJECT, 0, sizeof(struct auth_body), NT_IN_CREATE | NT_REQUIRED,
      .fields = identity_fields },
    { "scope", NT_F_OBJECT, 0, sizeof(struct auth_body), NT_IN_CREATE, .fields = scope_fields },
    { 0 },
};

static bool
has_method(const struct json *methods, const char *name)
{
    for (size_t i = 0; methods->type == JSON_ARRAY && i < json_array(methods)->n; i++) {
        const struct json *method = json_array(methods)->elems[i];

        if (method->type == JSON_STRING && !strcmp(json_string(method), name)) {
            return true;
        }
    }
    return false;
}

/* Text with line ends is fine for the field type, but no password has any. */
static int
check_password(const char *password, struct nt_err *err)
{
    for (const char *p = password; p && *p; p++) {
        if ((unsigned char) *p < ' ') {
            return nt_fail(err, NT_INVALID,
                           "auth.identity.password.user.password has a control character");
        }
    }
    return 0;
}

static int
sign_in(const struct call *call, const struct auth_body *body, struct identity *who,
        struct nt_err *err)
{
    const struct name_or_id *user = &body->user.user;
    int retval;

    if (check_password(body->user.password, err) < 0) {
        return -1;
    }
    if (has_method(body->methods, "token")) {
        retval = auth_token(call->rest->auth, body->token, who, err);
    } else if (has_method(body->methods, "password")) {
        retval = auth_password(call->rest->auth, *user->id ? user->id : user->name,
                               body->user.password ? body->user.password : "", who, err);
    } else {
        return nt_fail(err, NT_INVALID, "auth.identity.methods must have password or token");
    }
    if (retval == 0) {
        const char *project = *body->project.id ? body->project.id : body->project.name;

        if (*project && strcmp(project, who->project)) {
            return nt_fail(err, NT_UNAUTHORIZED, "the user has no role in this project");
        }
    }
    return retval;
}

static struct json *
domain_json(void)
{
    struct json *domain = json_object_create();

    json_object_put_string(domain, "id", "default");
    json_object_put_string(domain, "name", "Default");
    return domain;
}

static struct json *
named_json(const char *name)
{
    struct json *json = json_object_create();

    json_object_put_string(json, "id", name);
    json_object_put_string(json, "name", name);
    return json;
}

static struct json *
service_json(const char *host, const char *type, const char *name, const char *path)
{
    static const char *const interfaces[] = { "public", "internal", "admin" };
    struct json *service = json_object_create();
    struct json *endpoints = json_array_create_empty();

    for (size_t i = 0; i < NT_ARRAY_SIZE(interfaces); i++) {
        struct json *endpoint = json_object_create();

        json_object_put_format(endpoint, "id", "%s-%s", type, interfaces[i]);
        json_object_put_string(endpoint, "interface", interfaces[i]);
        json_object_put_string(endpoint, "region", "RegionOne");
        json_object_put_string(endpoint, "region_id", "RegionOne");
        json_object_put_format(endpoint, "url", "%s%s", host, path);
        json_array_add(endpoints, endpoint);
    }
    json_object_put_string(service, "id", type);
    json_object_put_string(service, "type", type);
    json_object_put_string(service, "name", name);
    json_object_put(service, "endpoints", endpoints);
    return service;
}

static struct json *
catalog_json(const struct call *call)
{
    AUTO_FREE char *host = call_host_url(call);
    struct json *catalog = json_array_create_empty();

    json_array_add(catalog, service_json(host, "identity", "keystone", "/identity/v3"));
    json_array_add(catalog, service_json(host, "compute", "nova", "/compute/v2.1"));
    json_array_add(catalog, service_json(host, "image", "glance", "/image"));
    return catalog;
}

/* Clients parse the fraction. */
static void
put_token_time(struct json *json, const char *name, int64_t at)
{
    char text[NT_TIME_SIZE];

    nt_time_format(at, text);
    json_object_put_format(json, name, "%.19s.000000Z", text);
}

static struct json *
token_json(const struct call *call, const struct identity *who, int64_t expires_at)
{
    struct json *token = json_object_create();
    struct json *user = named_json(who->user);
    struct json *project = named_json(who->project);

    json_object_put(user, "domain", domain_json());
    json_object_put(user, "password_expires_at", json_null_create());
    json_object_put(project, "domain", domain_json());
    json_object_put(token, "methods", json_array_create_1(json_string_create("password")));
    put_token_time(token, "issued_at", nt_wall_ms(call->rest->options.env->clock));
    put_token_time(token, "expires_at", expires_at);
    json_object_put(token, "user", user);
    json_object_put(token, "project", project);
    json_object_put(token, "roles",
                    json_array_create_1(named_json(who->is_admin ? "admin" : "member")));
    json_object_put(token, "is_domain", json_boolean_create(false));
    json_object_put(token, "audit_ids", json_array_create_1(json_string_create(call->request_id)));
    json_object_put(token, "catalog", catalog_json(call));
    return wrap("token", token);
}

void
tokens_create(struct call *call)
{
    struct auth_body body = { 0 };
    struct json *json = NULL;
    const struct json *auth = NULL;
    struct nt_err err = { 0 };
    char token[AUTH_TOKEN_SIZE];
    int64_t expires_at = 0;

    if (call_body_member(call, "auth", &json, &auth, &err) < 0
        || nt_fields_parse(auth_fields, NT_IN_CREATE, auth, "auth", &body, &err) < 0
        || sign_in(call, &body, &call->who, &err) < 0) {
        call_fail(call, &err);
    } else {
        auth_issue(call->rest->auth, &call->who, token, &expires_at);
        nt_http_answer_header(call->http, "X-Subject-Token", token);
        call_reply_json(call, 201, token_json(call, &call->who, expires_at));
    }
    nt_fields_clear(auth_fields, &body);
    json_destroy(json);
}

static struct json *
version_json(const struct call *call)
{
    AUTO_FREE char *host = call_host_url(call);
    struct json *version = json_object_create();
    struct json *link = json_object_create();

    json_object_put_string(link, "rel", "self");
    json_object_put_format(link, "href", "%s/identity/v3/", host);
    json_object_put_string(version, "id", "v3.14");
    json_object_put_string(version, "status", "stable");
    json_object_put_string(version, "updated", "2020-04-07T00:00:00Z");
    json_object_put(version, "links", json_array_create_1(link));
    return version;
}

void
identity_versions(struct call *call)
{
    struct json *values = json_array_create_1(version_json(call));

    call_reply_json(call, 300, wrap("versions", wrap("values", values)));
}

void
identity_version_3(struct call *call)
{
    call_reply_json(call, 200, wrap("version", version_json(call)));
}
