#include <config.h>

#include "server/rest/compute/compute.h"

#include <string.h>

#include "base/mem.h"
#include "openvswitch/json.h"
#include "server/core/provider_rules.h"
#include "server/rest/call.h"

/* /os-provider-rules, for administrators: what no guest may receive.  Said in the words of
 * security group rules. */

struct rule_body {
    char protocol[16];
    char cidr[64];
    int64_t from_port, to_port;
};

static const struct nt_field body_fields[] = {
    { "ip_protocol", NT_F_STR, NT_AT(struct rule_body, protocol), NT_IN_CREATE | NT_REQUIRED },
    { "from_port", NT_F_INT, NT_AT(struct rule_body, from_port), NT_IN_CREATE, -1, 65535 },
    { "to_port", NT_F_INT, NT_AT(struct rule_body, to_port), NT_IN_CREATE, -1, 65535 },
    { "cidr", NT_F_STR, NT_AT(struct rule_body, cidr), NT_IN_CREATE | NT_REQUIRED },
    { 0 },
};

static struct json *
rule_view(const struct nt_security_rule *rule)
{
    struct json *json = json_object_create();
    bool is_icmp = !strncmp(rule->protocol, "icmp", 4);

    json_object_put_string(json, "id", rule->id);
    json_object_put_string(json, "ip_protocol", is_icmp ? "icmp" : rule->protocol);
    json_object_put(json, "from_port", json_integer_create(rule->port_range_min));
    json_object_put(json, "to_port", json_integer_create(rule->port_range_max));
    json_object_put_string(json, "cidr", rule->remote_ip_prefix);
    return json;
}

void
provider_rules_list(struct call *call)
{
    struct json *list = json_array_create_empty();
    struct rows rows = { 0 };
    struct nt_err err = { 0 };

    if (provider_rule_list(call->rest->options.reader, &rows, &err) < 0) {
        json_destroy(list);
        call_fail(call, &err);
        return;
    }
    for (size_t i = 0; i < rows.n; i++) {
        json_array_add(list, rule_view(ROW(struct nt_security_rule, &rows, i)));
    }
    rows_clear(&rows);
    call_reply_json(call, 200, wrap("provider_rules", list));
}

struct creation {
    struct call *call;
    struct nt_security_rule rule;
};

static int
create_op(struct store *store, void *creation, struct changes *changes, struct nt_err *err)
{
    struct creation *c = creation;

    return provider_rule_create(store, c->call->rest->options.env, &c->rule, changes, err);
}

static void
create_done(void *creation, const struct nt_err *err)
{
    struct creation *c = creation;

    if (err) {
        call_fail(c->call, err);
    } else {
        call_reply_json(c->call, 200, wrap("provider_rule", rule_view(&c->rule)));
    }
    free(c);
}

void
provider_rules_create(struct call *call)
{
    struct rule_body body = { .from_port = -1, .to_port = -1 };
    struct json *json = NULL;
    const struct json *rule = NULL;
    struct nt_err err = { 0 };

    if (call_body_member(call, "provider_rule", &json, &rule, &err) < 0
        || nt_fields_parse_strict(body_fields, NT_IN_CREATE, rule, "provider_rule", &body, &err)
               < 0) {
        call_fail(call, &err);
    } else {
        struct creation *c = xzalloc(sizeof *c);

        c->call = call;
        c->rule.port_range_min = body.from_port;
        c->rule.port_range_max = body.to_port;
        ovs_strlcpy(c->rule.protocol, body.protocol, sizeof c->rule.protocol);
        ovs_strlcpy(c->rule.remote_ip_prefix, body.cidr, sizeof c->rule.remote_ip_prefix);
        op_submit(call->rest->options.ops, create_op, c, create_done, c);
    }
    json_destroy(json);
}

static int
delete_op(struct store *store, void *call_, struct changes *changes, struct nt_err *err)
{
    const struct call *call = call_;

    return provider_rule_delete(store, call->match.params[0], changes, err);
}

void
provider_rules_delete(struct call *call)
{
    op_submit(call->rest->options.ops, delete_op, call, call_accepted, call);
}
