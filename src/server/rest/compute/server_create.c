#include <config.h>

#include "server/rest/compute/compute.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/json.h"
#include "server/core/instances.h"
#include "server/rest/call.h"
#include "wire/http/base64.h"

/* POST /servers: the body by its tables, what the tables cannot say by hand, then
 * one operation for all instances asked for: all of them or none. */

#define MAX_INSTANCES 100
#define MAX_NETWORKS 16
#define MAX_GROUPS 16

struct wanted_network {
    char uuid[NT_UUID_SIZE];
    char fixed_ip[NT_IP4_SIZE];
    char port[NT_UUID_SIZE];
};

struct wanted_group {
    char name[NT_NAME_SIZE];
};

struct server_body {
    char name[NT_NAME_SIZE];
    char image_ref[NT_NAME_SIZE];
    char flavor_ref[64];
    char key_name[NT_NAME_SIZE];
    char *user_data;
    char availability_zone[NT_NAME_SIZE];
    char admin_pass[NT_NAME_SIZE];
    char disk_config[16];
    bool config_drive, return_reservation_id;
    int64_t min_count, max_count;
    struct json *metadata;
    struct json *networks;
    struct wanted_group *groups;
    size_t n_groups;
};

static const struct nt_field group_fields[] = {
    { "name", NT_F_STR, NT_AT(struct wanted_group, name), NT_IN_CREATE | NT_REQUIRED },
    { 0 },
};

static const struct nt_field network_fields[] = {
    { "uuid", NT_F_UUID, NT_AT(struct wanted_network, uuid), NT_IN_CREATE },
    { "fixed_ip", NT_F_IP4, NT_AT(struct wanted_network, fixed_ip), NT_IN_CREATE },
    { "port", NT_F_UUID, NT_AT(struct wanted_network, port), NT_IN_CREATE },
    { 0 },
};

static const struct nt_field body_fields[] = {
    { "name", NT_F_STR, NT_AT(struct server_body, name), NT_IN_CREATE | NT_REQUIRED },
    { "imageRef", NT_F_STR, NT_AT(struct server_body, image_ref), NT_IN_CREATE | NT_REQUIRED },
    { "flavorRef", NT_F_STR, NT_AT(struct server_body, flavor_ref), NT_IN_CREATE | NT_REQUIRED },
    { "key_name", NT_F_STR, NT_AT(struct server_body, key_name), NT_IN_CREATE },
    { "user_data", NT_F_TEXT, NT_AT(struct server_body, user_data), NT_IN_CREATE, .max = 65535 },
    { "availability_zone", NT_F_STR, NT_AT(struct server_body, availability_zone), NT_IN_CREATE },
    { "adminPass", NT_F_STR, NT_AT(struct server_body, admin_pass), NT_IN_CREATE },
    { "OS-DCF:diskConfig", NT_F_STR, NT_AT(struct server_body, disk_config), NT_IN_CREATE },
    { "config_drive", NT_F_BOOL, NT_AT(struct server_body, config_drive), NT_IN_CREATE },
    { "return_reservation_id", NT_F_BOOL, NT_AT(struct server_body, return_reservation_id),
      NT_IN_CREATE },
    { "min_count", NT_F_INT, NT_AT(struct server_body, min_count), NT_IN_CREATE, 1, MAX_INSTANCES },
    { "max_count", NT_F_INT, NT_AT(struct server_body, max_count), NT_IN_CREATE, 1, MAX_INSTANCES },
    { "metadata", NT_F_JSON, NT_AT(struct server_body, metadata), NT_IN_CREATE },
    { "networks", NT_F_JSON, NT_AT(struct server_body, networks), NT_IN_CREATE },
    NT_ARRAY_FIELD("security_groups", struct server_body, groups, n_groups, group_fields,
                   NT_IN_CREATE),
    { 0 },
};

/* A creation on its way: what the body asked for, and the first instance made. */
struct creation {
    struct call *call;
    struct server_body body;
    struct instance_network networks[MAX_NETWORKS];
    size_t n_networks;
    bool no_networks;
    char id[NT_UUID_SIZE];
    char reservation_id[16];
};

static void
creation_free(struct creation *c)
{
    nt_fields_clear(body_fields, &c->body);
    free(c);
}

static int
add_network(struct creation *c, const struct json *json, struct nt_err *err)
{
    AUTO_FREE char *path = xasprintf("server.networks[%zu]", c->n_networks);
    struct wanted_network wanted = { 0 };
    struct instance_network *network = &c->networks[c->n_networks];

    if (nt_fields_parse_strict(network_fields, NT_IN_CREATE, json, path, &wanted, err) < 0) {
        return -1;
    }
    if (*wanted.port) {
        return nt_fail(err, NT_UNSUPPORTED, "%s.port is not offered: name a network by uuid", path);
    }
    if (!*wanted.uuid) {
        return nt_fail(err, NT_INVALID, "%s.uuid is missing", path);
    }
    ovs_strlcpy(network->network_id, wanted.uuid, sizeof network->network_id);
    ovs_strlcpy(network->address, wanted.fixed_ip, sizeof network->address);
    c->n_networks++;
    return 0;
}

static int
check_networks(struct creation *c, struct nt_err *err)
{
    const struct json *networks = c->body.networks;

    if (!networks || networks->type == JSON_NULL) {
        return 0;
    }
    if (networks->type == JSON_STRING) {
        c->no_networks = !strcmp(json_string(networks), "none");
        return c->no_networks || !strcmp(json_string(networks), "auto")
                   ? 0
                   : nt_fail(err, NT_INVALID, "server.networks must be a list, auto or none");
    }
    if (networks->type != JSON_ARRAY) {
        return nt_fail(err, NT_INVALID, "server.networks must be a list");
    }
    if (json_array(networks)->n > MAX_NETWORKS) {
        return nt_fail(err, NT_INVALID, "server.networks has more than %d items", MAX_NETWORKS);
    }
    for (size_t i = 0; i < json_array(networks)->n; i++) {
        if (add_network(c, json_array(networks)->elems[i], err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int
check_user_data(const char *user_data, struct nt_err *err)
{
    AUTO_FREE char *plain = NULL;
    size_t len;

    if (user_data && !nt_base64_decode(user_data, &plain, &len)) {
        return nt_fail(err, NT_INVALID, "server.user_data is not base64");
    }
    return 0;
}

/* What the tables cannot say. */
static int
check_body(struct creation *c, struct nt_err *err)
{
    struct server_body *body = &c->body;

    body->min_count = body->min_count ? body->min_count : 1;
    body->max_count = body->max_count ? body->max_count : body->min_count;
    if (body->max_count < body->min_count) {
        return nt_fail(err, NT_INVALID, "server.max_count is below server.min_count");
    }
    if (body->name[strspn(body->name, " ")] == '\0') {
        return nt_fail(err, NT_INVALID, "server.name is blank");
    }
    if (*body->disk_config && strcmp(body->disk_config, "AUTO")
        && strcmp(body->disk_config, "MANUAL")) {
        return nt_fail(err, NT_INVALID, "server.OS-DCF:diskConfig must be AUTO or MANUAL");
    }
    if (body->n_groups > MAX_GROUPS) {
        return nt_fail(err, NT_INVALID, "server.security_groups has more than %d items",
                       MAX_GROUPS);
    }
    if (check_user_data(body->user_data, err) < 0
        || server_check_metadata("server.metadata", body->metadata, err) < 0
        || check_networks(c, err) < 0) {
        return -1;
    }

    /* A reference may be a whole URL, of which the last part counts. */
    const char *slash = strrchr(body->image_ref, '/');
    if (slash) {
        memmove(body->image_ref, slash + 1, strlen(slash + 1) + 1);
    }
    if (!nt_is_uuid(body->image_ref)) {
        return nt_fail(err, NT_INVALID, "server.imageRef is not the id of an image");
    }
    slash = strrchr(body->flavor_ref, '/');
    if (slash) {
        memmove(body->flavor_ref, slash + 1, strlen(slash + 1) + 1);
    }
    return 0;
}

static int
create_op(struct store *store, void *creation, struct changes *changes, struct nt_err *err)
{
    struct creation *c = creation;
    const struct server_body *body = &c->body;
    const char *groups[MAX_GROUPS] = { NULL };
    struct instance_create wish = {
        .project_id = c->call->who.project,
        .user_id = c->call->who.user,
        .flavor_id = body->flavor_ref,
        .image_id = body->image_ref,
        .availability_zone = *body->availability_zone ? body->availability_zone : NULL,
        .key_name = *body->key_name ? body->key_name : NULL,
        .user_data = body->user_data,
        .metadata = body->metadata && body->metadata->type == JSON_OBJECT ? body->metadata : NULL,
        .config_drive = body->config_drive,
        .networks = c->networks,
        .n_networks = c->n_networks,
        .no_networks = c->no_networks,
        .security_groups = groups,
        .n_security_groups = body->n_groups,
    };

    for (size_t i = 0; i < body->n_groups; i++) {
        groups[i] = body->groups[i].name;
    }
    for (int64_t i = 0; i < body->max_count; i++) {
        struct nt_instance instance = { 0 };
        AUTO_FREE char *name = body->max_count > 1
                                   ? xasprintf("%.245s-%lld", body->name, (long long) i + 1)
                                   : xstrdup(body->name);

        wish.name = name;
        wish.launch_index = i;
        wish.reservation_id = i ? c->reservation_id : NULL;
        if (instance_create(store, c->call->rest->options.env, &wish, &instance, changes, err)
            < 0) {
            return -1;
        }
        if (!i) {
            ovs_strlcpy(c->id, instance.id, sizeof c->id);
            ovs_strlcpy(c->reservation_id, instance.reservation_id, sizeof c->reservation_id);
        }
        nt_instance_clear(&instance);
    }
    return 0;
}

static struct json *
created_json(const struct creation *c)
{
    struct json *server = json_object_create();
    struct json *groups = json_array_create_empty();

    for (size_t i = 0; i < c->body.n_groups; i++) {
        json_array_add(groups, wrap("name", json_string_create(c->body.groups[i].name)));
    }
    if (!c->body.n_groups) {
        json_array_add(groups, wrap("name", json_string_create("default")));
    }
    json_object_put_string(server, "id", c->id);
    json_object_put_string(server, "adminPass", c->body.admin_pass);
    json_object_put_string(server, "OS-DCF:diskConfig",
                           *c->body.disk_config ? c->body.disk_config : "MANUAL");
    json_object_put(server, "security_groups", groups);
    json_object_put(server, "links", call_links(c->call, "servers", c->id));
    return server;
}

static void
create_done(void *creation, const struct nt_err *err)
{
    struct creation *c = creation;
    AUTO_FREE char *base = call_base_url(c->call);
    AUTO_FREE char *location = xasprintf("%s/servers/%s", base, c->id);

    if (err) {
        call_fail(c->call, err);
    } else if (c->body.return_reservation_id) {
        call_reply_json(c->call, 202,
                        wrap("reservation_id", json_string_create(c->reservation_id)));
    } else {
        nt_http_answer_header(c->call->http, "Location", location);
        call_reply_json(c->call, 202, wrap("server", created_json(c)));
    }
    creation_free(c);
}

void
servers_create(struct call *call)
{
    struct creation *c = xzalloc(sizeof *c);
    struct json *body = NULL;
    const struct json *server = NULL;
    struct nt_err err = { 0 };

    c->call = call;
    if (call_body_member(call, "server", &body, &server, &err) < 0
        || nt_fields_parse_strict(body_fields, NT_IN_CREATE, server, "server", &c->body, &err) < 0
        || check_body(c, &err) < 0) {
        json_destroy(body);
        creation_free(c);
        call_fail(call, &err);
        return;
    }
    json_destroy(body);
    if (!*c->body.admin_pass) {
        nt_random_hex(call->rest->options.env->random, "password", 6, c->body.admin_pass);
    }
    op_submit(call->rest->options.ops, create_op, c, create_done, c);
}
