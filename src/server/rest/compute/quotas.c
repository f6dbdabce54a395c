#include <config.h>

#include "server/rest/compute/compute.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/json.h"
#include "server/core/quotas.h"
#include "server/rest/call.h"

/* /os-quota-sets, /os-quota-class-sets and /limits. */

#define MAX_QUOTA INT32_MAX

/* Limits that are the same for everybody; clients look for all of them. */
static const struct {
    const char *name;
    int limit;
} fixed[] = {
    { "metadata_items", 128 },
    { "injected_files", 0 },
    { "injected_file_content_bytes", 0 },
    { "injected_file_path_bytes", 0 },
    { "server_groups", 0 },
    { "server_group_members", 0 },
};

static const char *
project_of(const struct call *call)
{
    return call->match.params[0];
}

static int
check_project(const struct call *call, struct nt_err *err)
{
    const char *project = project_of(call);

    if (strlen(project) >= NT_NAME_SIZE) {
        return nt_fail(err, NT_INVALID, "the project's name is too long");
    }
    return call->who.is_admin || !strcmp(project, call->who.project)
               ? 0
               : nt_fail(err, NT_FORBIDDEN, "quotas of other projects are for administrators");
}

static struct json *
detail(int64_t limit, int64_t used)
{
    struct json *json = json_object_create();

    json_object_put(json, "limit", json_integer_create(limit));
    json_object_put(json, "in_use", json_integer_create(used));
    json_object_put(json, "reserved", json_integer_create(0));
    return json;
}

enum kind { LIMITS, DETAIL, DEFAULTS };

/* The quota set of 'project'; NULL with '*err' set when the database fails. */
static struct json *
quota_set_json(const struct call *call, const char *project, enum kind kind, struct nt_err *err)
{
    const struct rest_options *options = &call->rest->options;
    struct json *json = json_object_create();

    for (enum quota q = 0; q < QUOTA_N; q++) {
        const char *owner = q == QUOTA_KEY_PAIRS ? call->who.user : project;
        int64_t limit = options->env->quotas[q];
        int64_t used = 0;

        if ((kind != DEFAULTS
             && quota_limit(options->reader, options->env, q, project, &limit, err) < 0)
            || (kind == DETAIL && quota_used(options->reader, q, owner, &used, err) < 0)) {
            json_destroy(json);
            return NULL;
        }
        json_object_put(json, quota_name(q),
                        kind == DETAIL ? detail(limit, used) : json_integer_create(limit));
    }
    for (size_t i = 0; i < NT_ARRAY_SIZE(fixed); i++) {
        json_object_put(json, fixed[i].name,
                        kind == DETAIL ? detail(fixed[i].limit, 0)
                                       : json_integer_create(fixed[i].limit));
    }
    return json;
}

static void
reply_quotas(struct call *call, enum kind kind)
{
    struct nt_err err = { 0 };
    struct json *json =
        check_project(call, &err) < 0 ? NULL : quota_set_json(call, project_of(call), kind, &err);

    if (!json) {
        call_fail(call, &err);
        return;
    }
    json_object_put_string(json, "id", project_of(call));
    call_reply_json(call, 200, wrap("quota_set", json));
}

void
quotas_show(struct call *call)
{
    reply_quotas(call, LIMITS);
}

void
quotas_detail(struct call *call)
{
    reply_quotas(call, DETAIL);
}

void
quotas_defaults(struct call *call)
{
    reply_quotas(call, DEFAULTS);
}

void
quota_class_show(struct call *call)
{
    struct nt_err err = { 0 };
    struct json *json = quota_set_json(call, "", DEFAULTS, &err);

    if (!json) {
        call_fail(call, &err);
        return;
    }
    json_object_put_string(json, "id", call->match.params[0]);
    call_reply_json(call, 200, wrap("quota_class_set", json));
}

struct update {
    struct call *call;
    bool is_set[QUOTA_N];
    int64_t limits[QUOTA_N];
};

static int
update_op(struct store *store, void *update, struct changes *changes, struct nt_err *err)
{
    const struct update *u = update;

    for (enum quota q = 0; q < QUOTA_N; q++) {
        if (u->is_set[q] && quota_set(store, q, project_of(u->call), u->limits[q], err) < 0) {
            return -1;
        }
    }
    return 0;
}

static void
update_done(void *update, const struct nt_err *err)
{
    struct update *u = update;
    struct call *call = u->call;
    struct nt_err own = err ? *err : (struct nt_err){ 0 };
    struct json *json = err ? NULL : quota_set_json(call, project_of(call), LIMITS, &own);

    free(u);
    if (json) {
        call_reply_json(call, 200, wrap("quota_set", json));
    } else {
        call_fail(call, &own);
    }
}

/* A number, or its text: the stock client sends either. */
static bool
read_number(const struct json *value, int64_t *out)
{
    char *end;

    if (value->type == JSON_INTEGER) {
        *out = json_integer(value);
        return true;
    }
    if (value->type != JSON_STRING || !*json_string(value)
        || strspn(json_string(value), "-0123456789") != strlen(json_string(value))
        || strlen(json_string(value)) > 12) {
        return false;
    }
    *out = strtoll(json_string(value), &end, 10);
    return !*end;
}

static bool
is_fixed(const char *name)
{
    for (size_t i = 0; i < NT_ARRAY_SIZE(fixed); i++) {
        if (!strcmp(name, fixed[i].name)) {
            return true;
        }
    }
    return false;
}

static int
read_update(const struct json *json, struct update *u, struct nt_err *err)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, json_object(json)) {
        const struct json *value = node->data;
        enum quota q = quota_find(node->name);

        /* 'force' lets a limit go below what is used; that is always allowed. */
        if (!strcmp(node->name, "force")
            && (value->type == JSON_TRUE || value->type == JSON_FALSE)) {
            continue;
        }
        if (!strcmp(node->name, "tenant_id") && value->type == JSON_STRING) {
            continue;
        }
        if (is_fixed(node->name)) {
            return nt_fail(err, NT_UNSUPPORTED, "quota_set.%s cannot be changed", node->name);
        }
        if (q == QUOTA_N) {
            return nt_fail(err, NT_INVALID, "quota_set.%.64s: there is no such quota", node->name);
        }
        if (!read_number(value, &u->limits[q]) || u->limits[q] < -1 || u->limits[q] > MAX_QUOTA) {
            return nt_fail(err, NT_INVALID, "quota_set.%s must be a number from -1 to %d",
                           node->name, MAX_QUOTA);
        }
        u->is_set[q] = true;
    }
    return 0;
}

void
quotas_update(struct call *call)
{
    struct update *u = xzalloc(sizeof *u);
    struct json *body = NULL;
    const struct json *set = NULL;
    struct nt_err err = { 0 };

    u->call = call;
    if (check_project(call, &err) < 0 || call_body_member(call, "quota_set", &body, &set, &err) < 0
        || read_update(set, u, &err) < 0) {
        free(u);
        call_fail(call, &err);
    } else {
        op_submit(call->rest->options.ops, update_op, u, update_done, u);
    }
    json_destroy(body);
}

static int
reset_op(struct store *store, void *call, struct changes *changes, struct nt_err *err)
{
    return quota_reset(store, project_of(call), err);
}

void
quotas_delete(struct call *call)
{
    op_submit(call->rest->options.ops, reset_op, call, call_accepted, call);
}

/* Names of /limits. */
static const struct {
    enum quota quota;
    const char *max, *used; /* 'used' may be NULL. */
} limit_names[] = {
    { QUOTA_INSTANCES, "maxTotalInstances", "totalInstancesUsed" },
    { QUOTA_CORES, "maxTotalCores", "totalCoresUsed" },
    { QUOTA_RAM, "maxTotalRAMSize", "totalRAMUsed" },
    { QUOTA_FLOATING_IPS, "maxTotalFloatingIps", "totalFloatingIpsUsed" },
    { QUOTA_SECURITY_GROUPS, "maxSecurityGroups", "totalSecurityGroupsUsed" },
    { QUOTA_SECURITY_GROUP_RULES, "maxSecurityGroupRules", NULL },
    { QUOTA_KEY_PAIRS, "maxTotalKeypairs", NULL },
};

static int
put_limits(const struct call *call, const char *project, struct json *absolute, struct nt_err *err)
{
    const struct rest_options *options = &call->rest->options;

    for (size_t i = 0; i < NT_ARRAY_SIZE(limit_names); i++) {
        enum quota q = limit_names[i].quota;
        int64_t limit, used;

        if (quota_limit(options->reader, options->env, q, project, &limit, err) < 0
            || quota_used(options->reader, q, project, &used, err) < 0) {
            return -1;
        }
        json_object_put(absolute, limit_names[i].max, json_integer_create(limit));
        if (limit_names[i].used) {
            json_object_put(absolute, limit_names[i].used, json_integer_create(used));
        }
    }
    json_object_put(absolute, "maxServerMeta", json_integer_create(128));
    json_object_put(absolute, "maxImageMeta", json_integer_create(128));
    json_object_put(absolute, "maxPersonality", json_integer_create(0));
    json_object_put(absolute, "maxPersonalitySize", json_integer_create(0));
    json_object_put(absolute, "maxServerGroups", json_integer_create(0));
    json_object_put(absolute, "maxServerGroupMembers", json_integer_create(0));
    json_object_put(absolute, "totalServerGroupsUsed", json_integer_create(0));
    return 0;
}

void
limits_show(struct call *call)
{
    const char *wanted = nt_http_query(call->http, "tenant_id");
    const char *project = wanted && call->who.is_admin ? wanted : call->who.project;
    struct json *absolute = json_object_create();
    struct json *limits = json_object_create();
    struct nt_err err = { 0 };

    if (put_limits(call, project, absolute, &err) < 0) {
        json_destroy(absolute);
        json_destroy(limits);
        call_fail(call, &err);
        return;
    }
    json_object_put(limits, "rate", json_array_create_empty());
    json_object_put(limits, "absolute", absolute);
    call_reply_json(call, 200, wrap("limits", limits));
}
