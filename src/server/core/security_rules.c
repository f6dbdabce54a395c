#include <config.h>

#include "server/core/security_rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "openvswitch/json.h"
#include "server/core/provider_rules.h"
#include "server/core/quotas.h"
#include "server/core/subnet_v6.h"

const struct table security_rules_table = {
    "security_group_rules",
    nt_security_rule_fields,
    sizeof(struct nt_security_rule),
    "id",
};

int
security_rules_of_group(struct store *store, const char *group_id, struct rows *out,
                        struct nt_err *err)
{
    return row_list(store, &security_rules_table, out, err,
                    "WHERE security_group_id = ? ORDER BY number", "t", group_id);
}

static int
check_new(struct store *store, const struct core_env *env, const struct security_group *group,
          const struct nt_security_rule *rule, struct nt_err *err)
{
    struct rows rules;
    int rc = 0;

    if (security_rules_of_group(store, group->id, &rules, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < rules.n && !rc; i++) {
        if (nt_security_rule_equal(ROW(struct nt_security_rule, &rules, i), rule)) {
            rc = nt_fail(err, NT_INVALID, "this rule already exists in security group %s",
                         group->name);
        }
    }
    if (!rc) {
        const struct quota_wish quota = { QUOTA_SECURITY_GROUP_RULES, group->project_id, 1,
                                          (int64_t) rules.n };

        rc = quota_check(store, env, &quota, err);
    }
    rows_clear(&rules);
    return rc;
}

static void
add_change(struct changes *changes, const char *group_id)
{
    struct change *c = changes_add(changes, CHANGE_SECURITY_RULES);

    ovs_strlcpy(c->security_group_id, group_id, sizeof c->security_group_id);
}

int
security_rule_create(struct store *store, const struct core_env *env,
                     const struct security_group *group, struct nt_security_rule *rule,
                     struct changes *changes, struct nt_err *err)
{
    if (nt_security_rule_normalize(rule, err) < 0 || check_new(store, env, group, rule, err) < 0
        || store_next_number(store, "security_group_rules", 1, &rule->number, err) < 0) {
        return -1;
    }
    nt_random_uuid(env->random, rule->id);
    ovs_strlcpy(rule->security_group_id, group->id, sizeof rule->security_group_id);
    rule->created_at = core_now(env);
    if (row_insert(store, &security_rules_table, rule, err) < 0) {
        return -1;
    }
    add_change(changes, group->id);
    return 0;
}

static bool
is_number(const char *s)
{
    size_t n = strspn(s, "0123456789");

    return n && n < 19 && !s[n];
}

int
security_rule_delete(struct store *store, const char *project_id, const char *what,
                     struct changes *changes, struct nt_err *err)
{
    struct nt_security_rule rule;
    bool by_number = is_number(what);
    int rc = row_get(store, &security_rules_table, &rule, err,
                     "WHERE (id = ? OR number = ?) AND (? IS NULL OR security_group_id IN"
                     " (SELECT id FROM security_groups WHERE project_id = ?))",
                     "titt", what, by_number ? (int64_t) atoll(what) : INT64_C(-1), project_id,
                     project_id);

    if (rc <= 0) {
        return rc ? -1
                  : nt_fail(err, NT_NOT_FOUND, "security group rule %s could not be found", what);
    }
    if (row_delete(store, &security_rules_table, rule.id, err) < 0) {
        return -1;
    }
    add_change(changes, rule.security_group_id);
    return 0;
}

/* Ids into a set. */
static int
collect(struct store *store, struct shash *out, struct nt_err *err, const char *sql,
        const char *value)
{
    AUTO(stmt) stmt = NULL;
    int rc;

    if (store_query(store, &stmt, err, sql, "t", value) < 0) {
        return -1;
    }
    while ((rc = stmt_step(stmt, err)) > 0) {
        shash_add_once(out, stmt_text(stmt, 0), NULL);
    }
    return rc;
}

int
security_hosts_in_group(struct store *store, const char *group_id, struct shash *hosts,
                        struct nt_err *err)
{
    if (!strcmp(group_id, NT_PROVIDER_GROUP)) {
        return provider_rule_hosts(store, hosts, err);
    }
    return collect(store, hosts, err,
                   "SELECT DISTINCT i.host FROM security_group_members m"
                   " JOIN instances i ON i.id = m.instance_id"
                   " WHERE m.security_group_id = ? AND i.host <> ''",
                   group_id);
}

int
security_hosts_using_group(struct store *store, const char *group_id, struct shash *hosts,
                           struct nt_err *err)
{
    return collect(store, hosts, err,
                   "SELECT DISTINCT i.host FROM security_group_rules r"
                   " JOIN security_group_members m ON m.security_group_id = r.security_group_id"
                   " JOIN instances i ON i.id = m.instance_id"
                   " WHERE r.remote_group_id = ? AND i.host <> ''",
                   group_id);
}

static int
load_group(struct store *store, const char *id, struct nt_security_group_view *out,
           struct nt_err *err)
{
    struct rows rules;
    int rc = strcmp(id, NT_PROVIDER_GROUP) ? security_rules_of_group(store, id, &rules, err)
                                           : provider_rule_list(store, &rules, err);

    if (rc < 0) {
        return -1;
    }
    ovs_strlcpy(out->id, id, sizeof out->id);
    out->rules = json_array_create_empty();
    for (size_t i = 0; i < rules.n; i++) {
        json_array_add(out->rules, nt_fields_json(nt_security_rule_fields, NT_IN_RPC,
                                                  ROW(struct nt_security_rule, &rules, i)));
    }
    rows_clear(&rules);
    return 0;
}

static void
add_address(struct nt_ip_text **list, size_t *n, const char *text)
{
    /* Grown by doubling: at every power of two. */
    if (!(*n & (*n - 1))) {
        *list = xrealloc(*list, (*n ? *n * 2 : 1) * sizeof **list);
    }
    ovs_strlcpy((*list)[(*n)++].text, text, sizeof(*list)->text);
}

static int
load_members(struct store *store, const char *id, struct nt_security_members *out,
             struct nt_err *err)
{
    AUTO(stmt) stmt = NULL;
    int rc;

    ovs_strlcpy(out->group_id, id, sizeof out->group_id);
    if (store_query(store, &stmt, err,
                    "SELECT f.address, p.mac_address, s.cidr_v6, s.ipv6_backend, i.project_id"
                    " FROM security_group_members m"
                    " JOIN instances i ON i.id = m.instance_id"
                    " JOIN ports p ON p.device_id = m.instance_id"
                    " JOIN subnets s ON s.network_id = p.network_id"
                    " JOIN fixed_ips f ON f.port_id = p.id AND f.allocated = 1"
                    " WHERE m.security_group_id = ? ORDER BY f.ip",
                    "t", id)
        < 0) {
        return -1;
    }
    while ((rc = stmt_step(stmt, err)) > 0) {
        struct nt_mac mac;
        char text[NT_IP_SIZE];

        add_address(&out->addresses4, &out->n_addresses4, stmt_text(stmt, 0));
        if (nt_mac_parse(stmt_text(stmt, 1), &mac)) {
            nt_ip6_link_local(&mac, text);
            add_address(&out->addresses6, &out->n_addresses6, text);
        }
        if (subnet_v6_address(stmt_text(stmt, 2), stmt_text(stmt, 3), stmt_text(stmt, 4),
                              stmt_text(stmt, 1), text)) {
            add_address(&out->addresses6, &out->n_addresses6, text);
        }
    }
    return rc;
}

void
security_result_clear(struct nt_security_result *result)
{
    for (size_t i = 0; i < result->n_groups; i++) {
        nt_fields_clear(nt_security_group_view_fields, &result->groups[i]);
    }
    for (size_t i = 0; i < result->n_members; i++) {
        nt_fields_clear(nt_security_members_fields, &result->members[i]);
    }
    free(result->groups);
    free(result->members);
    *result = (struct nt_security_result){ 0 };
}

static bool
is_asked(const struct nt_uuid_text *ids, size_t n, const char *id)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(ids[i].text, id)) {
            return true;
        }
    }
    return !n;
}

/* What an answer is made of: ids, without data. */
struct needed {
    struct shash groups;  /* Those that instances of the host are in, of those asked for. */
    struct shash sources; /* Those asked for, and those of the groups. */
};

static int
find_needed(struct store *store, const char *host, const struct nt_uuid_text *ids, size_t n,
            struct needed *out, struct nt_err *err)
{
    struct shash all_sources = SHASH_INITIALIZER(&all_sources);
    struct shash_node *node;
    int rc = 0;

    if (collect(store, &out->groups, err,
                "SELECT DISTINCT m.security_group_id FROM instances i"
                " JOIN security_group_members m ON m.instance_id = i.id WHERE i.host = ?",
                host)
        < 0) {
        return -1;
    }
    SHASH_FOR_EACH_SAFE (node, &out->groups) {
        bool asked = is_asked(ids, n, node->name);

        rc = collect(store, asked ? &out->sources : &all_sources, err,
                     "SELECT DISTINCT remote_group_id FROM security_group_rules"
                     " WHERE security_group_id = ? AND remote_group_id IS NOT NULL",
                     node->name);
        if (rc < 0) {
            break;
        }
        if (!asked) {
            shash_delete(&out->groups, node);
        }
    }
    if (is_asked(ids, n, NT_PROVIDER_GROUP)) {
        shash_add_once(&out->groups, NT_PROVIDER_GROUP, NULL);
    }
    for (size_t i = 0; i < n; i++) {
        if (shash_find(&all_sources, ids[i].text)) {
            shash_add_once(&out->sources, ids[i].text, NULL);
        }
    }
    shash_destroy(&all_sources);
    return rc;
}

static int
load_all(struct store *store, const struct needed *needed, struct nt_security_result *out,
         struct nt_err *err)
{
    const struct shash_node *node;

    out->groups = xcalloc(MAX(shash_count(&needed->groups), 1), sizeof *out->groups);
    out->members = xcalloc(MAX(shash_count(&needed->sources), 1), sizeof *out->members);
    SHASH_FOR_EACH (node, &needed->groups) {
        if (load_group(store, node->name, &out->groups[out->n_groups++], err) < 0) {
            return -1;
        }
    }
    SHASH_FOR_EACH (node, &needed->sources) {
        if (load_members(store, node->name, &out->members[out->n_members++], err) < 0) {
            return -1;
        }
    }
    return 0;
}

int
security_of_host(struct store *store, const char *host, const struct nt_uuid_text *ids, size_t n,
                 struct nt_security_result *out, struct nt_err *err)
{
    struct nt_security_result result = { 0 };
    struct needed needed;

    shash_init(&needed.groups);
    shash_init(&needed.sources);

    int rc = find_needed(store, host, ids, n, &needed, err);
    if (!rc) {
        rc = load_all(store, &needed, &result, err);
    }
    shash_destroy(&needed.groups);
    shash_destroy(&needed.sources);
    if (rc < 0) {
        security_result_clear(&result);
    } else {
        *out = result;
    }
    return rc;
}
