#include <config.h>

#include "compute/security.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "openvswitch/json.h"

NT_LOG_MODULE(security);

static const struct nt_field snapshot_fields[] = {
    NT_ARRAY_FIELD("groups", struct nt_security_result, groups, n_groups,
                   nt_security_group_view_fields, NT_IN_RPC),
    NT_ARRAY_FIELD("members", struct nt_security_result, members, n_members,
                   nt_security_members_fields, NT_IN_RPC),
    { 0 },
};

void
security_init(struct security *s)
{
    shash_init(&s->groups);
    shash_init(&s->members);
    s->groups_version = s->members_version = 0;
}

static void
rules_free(struct security_rules *rules)
{
    if (rules) {
        json_destroy(rules->source);
        free(rules->rules);
        free(rules);
    }
}

static void
members_free(struct nt_security_members *members)
{
    if (members) {
        nt_fields_clear(nt_security_members_fields, members);
        free(members);
    }
}

void
security_deinit(struct security *s)
{
    struct shash_node *node;

    SHASH_FOR_EACH (node, &s->groups) {
        rules_free(node->data);
    }
    SHASH_FOR_EACH (node, &s->members) {
        members_free(node->data);
    }
    shash_destroy(&s->groups);
    shash_destroy(&s->members);
}

const struct security_rules *
security_find(const struct security *s, const char *group_id)
{
    return shash_find_data(&s->groups, group_id);
}

const struct nt_security_members *
security_find_members(const struct security *s, const char *group_id)
{
    return shash_find_data(&s->members, group_id);
}

static void
refuse(const char *group_id, const struct json *json, const struct nt_err *why)
{
    const struct json *id =
        json->type == JSON_OBJECT ? shash_find_data(json_object(json), "id") : NULL;

    nt_warn("security group rule refused, the others stand", "rule",
            id && id->type == JSON_STRING ? json_string(id) : "without id", "group", group_id,
            "why", why->msg, NULL);
}

static struct security_rules *
rules_new(const struct nt_security_group_view *view)
{
    struct security_rules *out = xzalloc(sizeof *out);
    size_t n = view->rules && view->rules->type == JSON_ARRAY ? json_array(view->rules)->n : 0;

    out->source = view->rules ? json_deep_clone(view->rules) : json_array_create_empty();
    out->rules = xcalloc(MAX(n, 1), sizeof *out->rules);
    for (size_t i = 0; i < n; i++) {
        const struct json *json = json_array(view->rules)->elems[i];
        struct nt_security_rule rule = { .id = "" };
        struct nt_err err = { 0 };

        if (nt_fields_parse(nt_security_rule_fields, NT_IN_RPC, json, "rule", &rule, &err) < 0
            || nt_security_rule_normalize(&rule, &err) < 0) {
            refuse(view->id, json, &err);
        } else {
            out->rules[out->n++] = rule;
        }
    }
    return out;
}

static bool
put_group(struct security *s, const struct nt_security_group_view *view)
{
    const struct security_rules *old = security_find(s, view->id);

    if (old && view->rules && json_equal(old->source, view->rules)) {
        return false;
    }
    rules_free(shash_replace(&s->groups, view->id, rules_new(view)));
    s->groups_version++;
    return true;
}

/* Addresses reach the command lines of ipset and iptables: only such are kept. */
static void
keep_valid_addresses(struct nt_security_members *m)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n_addresses4; i++) {
        uint32_t ip;

        if (nt_ip4_parse(m->addresses4[i].text, &ip)) {
            nt_ip4_format(ip, m->addresses4[n++].text);
        }
    }
    m->n_addresses4 = n;
    n = 0;
    for (size_t i = 0; i < m->n_addresses6; i++) {
        struct in6_addr ip;

        if (nt_ip6_parse(m->addresses6[i].text, &ip)) {
            nt_ip6_format(&ip, m->addresses6[n++].text);
        }
    }
    m->n_addresses6 = n;
}

static bool
addresses_equal(const struct nt_ip_text *a, size_t n_a, const struct nt_ip_text *b, size_t n_b)
{
    return n_a == n_b && (!n_a || !memcmp(a, b, n_a * sizeof *a));
}

static bool
put_members(struct security *s, const struct nt_security_members *members)
{
    const struct nt_security_members *old = security_find_members(s, members->group_id);
    struct nt_security_members *new = xzalloc(sizeof *new);

    nt_fields_copy(nt_security_members_fields, new, members);
    keep_valid_addresses(new);
    if (old
        && addresses_equal(old->addresses4, old->n_addresses4, new->addresses4, new->n_addresses4)
        && addresses_equal(old->addresses6, old->n_addresses6, new->addresses6,
                           new->n_addresses6)) {
        members_free(new);
        return false;
    }
    members_free(shash_replace(&s->members, members->group_id, new));
    s->members_version++;
    return true;
}

/* A group the server says nothing of has no rules here, and no members. */
static bool
put_absent(struct security *s, const struct nt_security_result *result, const char *id)
{
    struct nt_security_group_view none = { .rules = json_array_create_empty() };
    struct nt_security_members nobody = { .group_id = "" };
    bool changed = false, has_group = false, has_members = false;

    for (size_t i = 0; i < result->n_groups; i++) {
        has_group = has_group || !strcmp(result->groups[i].id, id);
    }
    for (size_t i = 0; i < result->n_members; i++) {
        has_members = has_members || !strcmp(result->members[i].group_id, id);
    }
    ovs_strlcpy(none.id, id, sizeof none.id);
    ovs_strlcpy(nobody.group_id, id, sizeof nobody.group_id);
    if (!has_group) {
        changed = put_group(s, &none) || changed;
    }
    if (!has_members) {
        changed = put_members(s, &nobody) || changed;
    }
    json_destroy(none.rules);
    return changed;
}

static bool
in_groups(const struct nt_security_result *result, const char *id)
{
    for (size_t i = 0; i < result->n_groups; i++) {
        if (!strcmp(result->groups[i].id, id)) {
            return true;
        }
    }
    return false;
}

static bool
drop_unmentioned(struct security *s, const struct nt_security_result *result)
{
    struct shash_node *node;
    bool changed = false;

    SHASH_FOR_EACH_SAFE (node, &s->groups) {
        if (!in_groups(result, node->name)) {
            rules_free(node->data);
            shash_delete(&s->groups, node);
            s->groups_version++;
            changed = true;
        }
    }
    return changed;
}

bool
security_put(struct security *s, const struct nt_security_result *result,
             const struct nt_uuid_text *asked, size_t n_asked)
{
    bool changed = asked ? false : drop_unmentioned(s, result);

    for (size_t i = 0; i < result->n_groups; i++) {
        changed = put_group(s, &result->groups[i]) || changed;
    }
    for (size_t i = 0; i < result->n_members; i++) {
        changed = put_members(s, &result->members[i]) || changed;
    }
    for (size_t i = 0; i < n_asked; i++) {
        changed = put_absent(s, result, asked[i].text) || changed;
    }
    return changed;
}

static bool
is_source(const struct security *s, const char *id)
{
    const struct shash_node *node;

    SHASH_FOR_EACH (node, &s->groups) {
        const struct security_rules *rules = node->data;

        for (size_t i = 0; i < rules->n; i++) {
            if (!strcmp(rules->rules[i].remote_group_id, id)) {
                return true;
            }
        }
    }
    return false;
}

bool
security_prune(struct security *s, const struct shash *used)
{
    struct shash_node *node;
    bool changed = false;

    SHASH_FOR_EACH_SAFE (node, &s->groups) {
        if (!shash_find(used, node->name) && strcmp(node->name, NT_PROVIDER_GROUP)) {
            rules_free(node->data);
            shash_delete(&s->groups, node);
            s->groups_version++;
            changed = true;
        }
    }
    SHASH_FOR_EACH_SAFE (node, &s->members) {
        if (!is_source(s, node->name)) {
            members_free(node->data);
            shash_delete(&s->members, node);
            s->members_version++;
            changed = true;
        }
    }
    return changed;
}

bool
security_is_known(const struct security *s, const char *group_id, struct shash *missing)
{
    const struct security_rules *rules = security_find(s, group_id);
    bool known = true;

    if (!rules) {
        shash_add_once(missing, group_id, NULL);
        return false;
    }
    for (size_t i = 0; i < rules->n; i++) {
        const char *source = rules->rules[i].remote_group_id;

        if (*source && !security_find_members(s, source)) {
            shash_add_once(missing, source, NULL);
            known = false;
        }
    }
    return known;
}

char *
security_to_text(const struct security *s)
{
    struct nt_security_result all = { 0 };
    const struct shash_node *node;

    all.groups = xcalloc(shash_count(&s->groups) + 1, sizeof *all.groups);
    all.members = xcalloc(shash_count(&s->members) + 1, sizeof *all.members);
    SHASH_FOR_EACH (node, &s->groups) {
        struct nt_security_group_view *view = &all.groups[all.n_groups++];

        ovs_strlcpy(view->id, node->name, sizeof view->id);
        view->rules = ((const struct security_rules *) node->data)->source;
    }
    SHASH_FOR_EACH (node, &s->members) {
        all.members[all.n_members++] = *(const struct nt_security_members *) node->data;
    }

    struct json *json = nt_fields_json(snapshot_fields, NT_IN_RPC, &all);
    char *text = json_to_string(json, JSSF_PRETTY | JSSF_SORT);
    json_destroy(json);
    free(all.groups);
    free(all.members);
    return text;
}

int
security_from_text(struct security *s, const char *text, struct nt_err *err)
{
    struct nt_security_result all = { 0 };
    struct json *json = json_from_string(text);
    int rc = nt_fields_parse(snapshot_fields, NT_IN_RPC, json, "snapshot", &all, err);

    if (!rc) {
        security_put(s, &all, NULL, 0);
    }
    nt_fields_clear(snapshot_fields, &all);
    json_destroy(json);
    return rc;
}
