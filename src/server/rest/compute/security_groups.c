#include <config.h>

#include "server/rest/compute/compute.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/json.h"
#include "server/core/instances.h"
#include "server/core/security_rules.h"
#include "server/rest/call.h"

/* /os-security-groups and /os-security-group-rules.  Ids are UUIDs in answers; the
 * numbers of old clients are taken too, and a group's name where its id is asked
 * for, as clients look there first. */

struct group_body {
    char name[NT_NAME_SIZE];
    char *description; /* Owned; NULL: not said. */
};

static const struct nt_field group_fields[] = {
    { "name", NT_F_STR, NT_AT(struct group_body, name), NT_IN_CREATE | NT_REQUIRED },
    { "description", NT_F_TEXT, NT_AT(struct group_body, description), NT_IN_CREATE,
      .max = NT_NAME_SIZE - 1 },
    { 0 },
};

/* Numbers may come as texts. */
struct rule_body {
    struct json *parent_group_id, *group_id, *from_port, *to_port; /* Owned. */
    char protocol[16];
    char cidr[64];
};

static const struct nt_field rule_fields[] = {
    { "parent_group_id", NT_F_JSON, NT_AT(struct rule_body, parent_group_id),
      NT_IN_CREATE | NT_REQUIRED },
    { "group_id", NT_F_JSON, NT_AT(struct rule_body, group_id), NT_IN_CREATE },
    { "from_port", NT_F_JSON, NT_AT(struct rule_body, from_port), NT_IN_CREATE },
    { "to_port", NT_F_JSON, NT_AT(struct rule_body, to_port), NT_IN_CREATE },
    { "ip_protocol", NT_F_STR, NT_AT(struct rule_body, protocol), NT_IN_CREATE },
    { "cidr", NT_F_STR, NT_AT(struct rule_body, cidr), NT_IN_CREATE },
    { 0 },
};

/* A group of the caller's own project by id, number or name; an administrator gets
 * everybody's by id. */
static int
find_group(struct store *store, const struct call *call, const char *what,
           struct security_group *out, struct nt_err *err)
{
    int rc = security_group_find(store, call->who.project, what, out, err);

    if (rc < 0 && err->code == NT_NOT_FOUND && call->who.is_admin && nt_is_uuid(what)) {
        rc = security_group_find(store, NULL, what, out, err);
    }
    return rc;
}

static struct json *
port_json(const struct nt_security_rule *rule, int64_t port)
{
    return *rule->protocol ? json_integer_create(port) : json_null_create();
}

static int
source_view(struct store *store, const struct nt_security_rule *rule, struct json *json,
            struct nt_err *err)
{
    struct json *range = json_object_create();
    struct json *group = json_object_create();

    json_object_put(json, "ip_range", range);
    json_object_put(json, "group", group);
    if (*rule->remote_group_id) {
        struct security_group source;

        if (security_group_find(store, NULL, rule->remote_group_id, &source, err) < 0) {
            return -1;
        }
        json_object_put_string(group, "name", source.name);
        json_object_put_string(group, "tenant_id", source.project_id);
    } else {
        const char *anywhere = strcmp(rule->ethertype, "IPv6") ? "0.0.0.0/0" : "::/0";

        json_object_put_string(range, "cidr",
                               *rule->remote_ip_prefix ? rule->remote_ip_prefix : anywhere);
    }
    return 0;
}

static int
rule_view(struct store *store, const struct nt_security_rule *rule, struct json **out,
          struct nt_err *err)
{
    struct json *json = json_object_create();
    const char *protocol = strcmp(rule->protocol, "icmpv6") ? rule->protocol : "icmp";

    json_object_put_string(json, "id", rule->id);
    json_object_put_string(json, "parent_group_id", rule->security_group_id);
    json_object_put(json, "ip_protocol",
                    *protocol ? json_string_create(protocol) : json_null_create());
    json_object_put(json, "from_port", port_json(rule, rule->port_range_min));
    json_object_put(json, "to_port", port_json(rule, rule->port_range_max));
    if (source_view(store, rule, json, err) < 0) {
        json_destroy(json);
        return -1;
    }
    *out = json;
    return 0;
}

static int
group_view(struct store *store, const struct security_group *group, struct json **out,
           struct nt_err *err)
{
    struct json *rules = json_array_create_empty();
    struct json *json = json_object_create();
    struct rows rows = { 0 };
    int rc = security_rules_of_group(store, group->id, &rows, err);

    for (size_t i = 0; i < rows.n && !rc; i++) {
        struct json *rule = NULL;

        rc = rule_view(store, ROW(struct nt_security_rule, &rows, i), &rule, err);
        if (!rc) {
            json_array_add(rules, rule);
        }
    }
    rows_clear(&rows);
    json_object_put_string(json, "id", group->id);
    json_object_put_string(json, "name", group->name);
    json_object_put_string(json, "description", group->description);
    json_object_put_string(json, "tenant_id", group->project_id);
    json_object_put(json, "rules", rules);
    if (rc < 0) {
        json_destroy(json);
        return -1;
    }
    *out = json;
    return 0;
}

static void
reply_group(struct call *call, struct store *store, const struct security_group *group)
{
    struct json *json = NULL;
    struct nt_err err = { 0 };

    if (group_view(store, group, &json, &err) < 0) {
        call_fail(call, &err);
    } else {
        call_reply_json(call, 200, wrap("security_group", json));
    }
}

/* From 'offset' on, at most 'limit'. */
static int
groups_view(struct store *store, const struct rows *rows, int64_t offset, int64_t limit,
            struct json **out, struct nt_err *err)
{
    struct json *groups = json_array_create_empty();
    int rc = 0;

    for (size_t i = (size_t) offset; i < rows->n && limit-- > 0 && !rc; i++) {
        struct json *json = NULL;

        rc = group_view(store, ROW(struct security_group, rows, i), &json, err);
        if (!rc) {
            json_array_add(groups, json);
        }
    }
    if (rc < 0) {
        json_destroy(groups);
        return -1;
    }
    *out = groups;
    return 0;
}

static bool
wants_all_projects(const struct call *call)
{
    const char *all = nt_http_query(call->http, "all_tenants");

    return call->who.is_admin && all && strcmp(all, "0") && strcasecmp(all, "false");
}

static void
reply_list(struct call *call)
{
    struct store *reader = call->rest->options.reader;
    struct rows rows = { 0 };
    struct json *groups = NULL;
    int64_t offset = 0, limit = INT32_MAX;
    struct nt_err err = { 0 };

    if (call_query_int(call, "offset", 0, INT32_MAX, &offset, &err) < 0
        || call_query_int(call, "limit", 0, INT32_MAX, &limit, &err) < 0
        || security_group_list(reader, wants_all_projects(call) ? NULL : call->who.project, &rows,
                               &err)
               < 0
        || groups_view(reader, &rows, offset, limit, &groups, &err) < 0) {
        call_fail(call, &err);
    } else {
        call_reply_json(call, 200, wrap("security_groups", groups));
    }
    rows_clear(&rows);
}

static void
reply_one(struct call *call)
{
    struct store *reader = call->rest->options.reader;
    struct security_group group;
    struct nt_err err = { 0 };

    if (find_group(reader, call, call->match.params[0], &group, &err) < 0) {
        call_fail(call, &err);
    } else {
        reply_group(call, reader, &group);
    }
}

/* A project that signs in has its group "default", whether it was used yet or not.
 * Only projects of the credentials file come here, so nobody can make rows by
 * asking for projects. */
struct viewing {
    struct call *call;
    void (*reply)(struct call *);
};

static int
default_op(struct store *store, void *viewing, struct changes *changes OVS_UNUSED,
           struct nt_err *err)
{
    const struct call *call = ((struct viewing *) viewing)->call;
    struct security_group group;

    return security_group_default(store, call->rest->options.env, call->who.project, &group, err);
}

static void
default_done(void *viewing_, const struct nt_err *err)
{
    struct viewing *viewing = viewing_;

    if (err) {
        call_fail(viewing->call, err);
    } else {
        viewing->reply(viewing->call);
    }
    free(viewing);
}

static void
view(struct call *call, void (*reply)(struct call *))
{
    struct security_group group;
    struct nt_err err = { 0 };

    if (!security_group_find(call->rest->options.reader, call->who.project, "default", &group,
                             &err)) {
        reply(call);
    } else {
        struct viewing *viewing = xzalloc(sizeof *viewing);

        viewing->call = call;
        viewing->reply = reply;
        op_submit(call->rest->options.ops, default_op, viewing, default_done, viewing);
    }
}

void
security_groups_list(struct call *call)
{
    view(call, reply_list);
}

void
security_groups_show(struct call *call)
{
    view(call, reply_one);
}

void
server_groups_list(struct call *call)
{
    struct store *reader = call->rest->options.reader;
    struct nt_instance instance = { 0 };
    struct json *groups = NULL;
    struct rows rows = { 0 };
    struct nt_err err = { 0 };

    if (instance_get(reader, call_project(call), call->match.params[0], &instance, &err) < 0
        || security_groups_of_instance(reader, instance.id, &rows, &err) < 0
        || groups_view(reader, &rows, 0, INT32_MAX, &groups, &err) < 0) {
        call_fail(call, &err);
    } else {
        call_reply_json(call, 200, wrap("security_groups", groups));
    }
    rows_clear(&rows);
    nt_instance_clear(&instance);
}

/* A group that is made or changed. */
struct group_work {
    struct call *call;
    struct group_body body;
    struct security_group group;
};

static void
group_work_free(struct group_work *work)
{
    nt_fields_clear(group_fields, &work->body);
    free(work);
}

static int
create_group_op(struct store *store, void *work_, struct changes *changes OVS_UNUSED,
                struct nt_err *err)
{
    struct group_work *work = work_;
    const struct call *call = work->call;
    struct security_group *group = &work->group;

    ovs_strlcpy(group->project_id, call->who.project, sizeof group->project_id);
    ovs_strlcpy(group->name, work->body.name, sizeof group->name);
    ovs_strlcpy(group->description, work->body.description ? work->body.description : "",
                sizeof group->description);
    return security_group_create(store, call->rest->options.env, group, err);
}

static int
update_group_op(struct store *store, void *work_, struct changes *changes OVS_UNUSED,
                struct nt_err *err)
{
    struct group_work *work = work_;
    struct security_group *group = &work->group;

    if (find_group(store, work->call, work->call->match.params[0], group, err) < 0) {
        return -1;
    }
    ovs_strlcpy(group->name, work->body.name, sizeof group->name);
    if (work->body.description) {
        ovs_strlcpy(group->description, work->body.description, sizeof group->description);
    }
    return security_group_update(store, group, err);
}

static void
group_work_done(void *work_, const struct nt_err *err)
{
    struct group_work *work = work_;

    if (err) {
        call_fail(work->call, err);
    } else {
        reply_group(work->call, work->call->rest->options.reader, &work->group);
    }
    group_work_free(work);
}

/* An update may come with the whole group as it was shown. */
static void
start_group_work(struct call *call, op_fn *fn, bool strict)
{
    struct group_work *work = xzalloc(sizeof *work);
    struct json *json = NULL;
    const struct json *group = NULL;
    struct nt_err err = { 0 };

    work->call = call;
    if (call_body_member(call, "security_group", &json, &group, &err) < 0
        || (strict ? nt_fields_parse_strict : nt_fields_parse)(group_fields, NT_IN_CREATE, group,
                                                               "security_group", &work->body, &err)
               < 0) {
        group_work_free(work);
        call_fail(call, &err);
    } else {
        op_submit(call->rest->options.ops, fn, work, group_work_done, work);
    }
    json_destroy(json);
}

void
security_groups_create(struct call *call)
{
    start_group_work(call, create_group_op, true);
}

void
security_groups_update(struct call *call)
{
    start_group_work(call, update_group_op, false);
}

static int
delete_group_op(struct store *store, void *call_, struct changes *changes, struct nt_err *err)
{
    const struct call *call = call_;
    struct security_group group;

    return find_group(store, call, call->match.params[0], &group, err) < 0
                   || security_group_delete(store, group.project_id, group.id, changes, err) < 0
               ? -1
               : 0;
}

void
security_groups_delete(struct call *call)
{
    op_submit(call->rest->options.ops, delete_group_op, call, call_accepted, call);
}

/* A number or a text, as text. */
static int
read_id(const struct json *json, const char *path, char *out, size_t size, struct nt_err *err)
{
    if (json && json->type == JSON_INTEGER) {
        snprintf(out, size, "%lld", (long long) json_integer(json));
    } else if (json && json->type == JSON_STRING && strlen(json_string(json)) < size) {
        ovs_strlcpy(out, json_string(json), size);
    } else {
        return nt_fail(err, NT_INVALID, "%s must be an id", path);
    }
    return 0;
}

/* '*said' is false for null, absent and an empty text. */
static int
read_port(const struct json *json, const char *path, int64_t *out, bool *said, struct nt_err *err)
{
    *said = json && json->type != JSON_NULL && !(json->type == JSON_STRING && !*json_string(json));
    if (!*said) {
        return 0;
    }
    if (json->type == JSON_INTEGER) {
        *out = json_integer(json);
        return 0;
    }

    char *end = NULL;
    if (json->type == JSON_STRING) {
        const char *text = json_string(json);
        bool negative = *text == '-';

        errno = 0;
        *out = strtoll(text, &end, 10);
        if (!errno && !*end && strspn(text + negative, "0123456789") == strlen(text + negative)) {
            return 0;
        }
    }
    return nt_fail(err, NT_INVALID, "%s must be a whole number", path);
}

static bool
has_ports(const char *protocol)
{
    const char *name = nt_security_protocol(protocol);

    return name && strncmp(name, "icmp", 4);
}

/* What a rule means when parts of it are left out: with a group as its source all
 * of it may be, else nothing but the source. */
static int
fill_ports(const struct rule_body *body, struct nt_security_rule *rule, struct nt_err *err)
{
    bool has_from, has_to;

    rule->port_range_min = rule->port_range_max = -1;
    if (read_port(body->from_port, "security_group_rule.from_port", &rule->port_range_min,
                  &has_from, err)
            < 0
        || read_port(body->to_port, "security_group_rule.to_port", &rule->port_range_max, &has_to,
                     err)
               < 0) {
        return -1;
    }
    if (*body->protocol && has_from && has_to) {
        /* -1 stands for every ICMP type, never for every port. */
        return has_ports(body->protocol) && (rule->port_range_min < 1 || rule->port_range_max < 1)
                   ? nt_fail(err, NT_INVALID, "ports must be 1 to 65535")
                   : 0;
    }
    if (!*rule->remote_group_id || has_from != has_to || (!*body->protocol && has_from)) {
        return nt_fail(err, NT_INVALID,
                       "security_group_rule: ip_protocol, from_port and to_port belong together");
    }
    if (has_ports(body->protocol)) {
        rule->port_range_min = 1;
        rule->port_range_max = 65535;
    }
    return 0;
}

struct rule_work {
    struct call *call;
    struct rule_body body;
    struct nt_security_rule rule;
};

static void
rule_work_free(struct rule_work *work)
{
    nt_fields_clear(rule_fields, &work->body);
    free(work);
}

static int
create_rule_op(struct store *store, void *work_, struct changes *changes, struct nt_err *err)
{
    struct rule_work *work = work_;
    const struct call *call = work->call;
    struct security_group group, source;
    char id[NT_NAME_SIZE], source_id[NT_NAME_SIZE];
    bool has_group = work->body.group_id && work->body.group_id->type != JSON_NULL;

    if (read_id(work->body.parent_group_id, "security_group_rule.parent_group_id", id, sizeof id,
                err)
            < 0
        || find_group(store, call, id, &group, err) < 0) {
        return -1;
    }
    if (has_group) {
        if (read_id(work->body.group_id, "security_group_rule.group_id", source_id,
                    sizeof source_id, err)
                < 0
            || security_group_find(store, group.project_id, source_id, &source, err) < 0) {
            return -1;
        }
        ovs_strlcpy(work->rule.remote_group_id, source.id, sizeof work->rule.remote_group_id);
    } else {
        ovs_strlcpy(work->rule.remote_ip_prefix, *work->body.cidr ? work->body.cidr : "0.0.0.0/0",
                    sizeof work->rule.remote_ip_prefix);
    }
    ovs_strlcpy(work->rule.protocol, work->body.protocol, sizeof work->rule.protocol);
    return fill_ports(&work->body, &work->rule, err) < 0
                   || security_rule_create(store, call->rest->options.env, &group, &work->rule,
                                           changes, err)
                          < 0
               ? -1
               : 0;
}

static void
create_rule_done(void *work_, const struct nt_err *err)
{
    struct rule_work *work = work_;
    struct call *call = work->call;
    struct json *json = NULL;
    struct nt_err own = { 0 };

    if (!err && rule_view(call->rest->options.reader, &work->rule, &json, &own) < 0) {
        err = &own;
    }
    if (err) {
        call_fail(call, err);
    } else {
        call_reply_json(call, 200, wrap("security_group_rule", json));
    }
    rule_work_free(work);
}

void
security_rules_create(struct call *call)
{
    struct rule_work *work = xzalloc(sizeof *work);
    struct json *json = NULL;
    const struct json *rule = NULL;
    struct nt_err err = { 0 };

    work->call = call;
    if (call_body_member(call, "security_group_rule", &json, &rule, &err) < 0
        || nt_fields_parse_strict(rule_fields, NT_IN_CREATE, rule, "security_group_rule",
                                  &work->body, &err)
               < 0) {
        rule_work_free(work);
        call_fail(call, &err);
    } else {
        op_submit(call->rest->options.ops, create_rule_op, work, create_rule_done, work);
    }
    json_destroy(json);
}

static int
delete_rule_op(struct store *store, void *call_, struct changes *changes, struct nt_err *err)
{
    const struct call *call = call_;

    return security_rule_delete(store, call_project(call), call->match.params[0], changes, err);
}

void
security_rules_delete(struct call *call)
{
    op_submit(call->rest->options.ops, delete_rule_op, call, call_accepted, call);
}

/* The actions addSecurityGroup and removeSecurityGroup of a server. */
struct membership {
    struct call *call;
    struct nt_instance instance;
    char group[NT_NAME_SIZE];
    bool add;
};

static int
membership_op(struct store *store, void *m_, struct changes *changes, struct nt_err *err)
{
    struct membership *m = m_;

    return m->add ? security_group_add(store, m->call->rest->options.env, &m->instance, m->group,
                                       changes, err)
                  : security_group_remove(store, &m->instance, m->group, changes, err);
}

static void
membership_done(void *m_, const struct nt_err *err)
{
    struct membership *m = m_;

    call_accepted(m->call, err);
    nt_instance_clear(&m->instance);
    free(m);
}

static void
change_membership(struct call *call, const struct nt_instance *instance, const struct json *arg,
                  bool add)
{
    struct membership *m = xzalloc(sizeof *m);
    const struct json *name =
        arg->type == JSON_OBJECT ? shash_find_data(json_object(arg), "name") : NULL;
    struct nt_err err = { 0 };

    if (read_id(name, add ? "addSecurityGroup.name" : "removeSecurityGroup.name", m->group,
                sizeof m->group, &err)
        < 0) {
        free(m);
        call_fail(call, &err);
        return;
    }
    m->call = call;
    m->add = add;
    nt_fields_copy(nt_instance_fields, &m->instance, instance);
    op_submit(call->rest->options.ops, membership_op, m, membership_done, m);
}

void
server_add_group(struct call *call, const struct nt_instance *instance, const struct json *arg)
{
    change_membership(call, instance, arg, true);
}

void
server_remove_group(struct call *call, const struct nt_instance *instance, const struct json *arg)
{
    change_membership(call, instance, arg, false);
}
