#include <config.h>

#include "server/core/provider_rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/core/hosts.h"

static const struct nt_field fields[] = {
    { "id", NT_F_UUID, NT_AT(struct nt_security_rule, id), NT_IN_DB },
    { "number", NT_F_INT, NT_AT(struct nt_security_rule, number), NT_IN_DB },
    { "ethertype", NT_F_STR, NT_AT(struct nt_security_rule, ethertype), NT_IN_DB },
    { "protocol", NT_F_STR, NT_AT(struct nt_security_rule, protocol), NT_IN_DB },
    { "port_range_min", NT_F_INT, NT_AT(struct nt_security_rule, port_range_min), NT_IN_DB },
    { "port_range_max", NT_F_INT, NT_AT(struct nt_security_rule, port_range_max), NT_IN_DB },
    { "remote_ip_prefix", NT_F_STR, NT_AT(struct nt_security_rule, remote_ip_prefix), NT_IN_DB },
    { "created_at", NT_F_TIME, NT_AT(struct nt_security_rule, created_at), NT_IN_DB },
    { 0 },
};

static const struct table table = {
    "provider_rules",
    fields,
    sizeof(struct nt_security_rule),
    "id",
};

int
provider_rule_list(struct store *store, struct rows *out, struct nt_err *err)
{
    if (row_list(store, &table, out, err, "ORDER BY number", "") < 0) {
        return -1;
    }
    for (size_t i = 0; i < out->n; i++) {
        struct nt_security_rule *rule = ROW(struct nt_security_rule, out, i);

        strcpy(rule->direction, "ingress");
        strcpy(rule->security_group_id, NT_PROVIDER_GROUP);
    }
    return 0;
}

static int
check_new(struct store *store, const struct nt_security_rule *rule, struct nt_err *err)
{
    struct rows rules;

    if (!*rule->protocol || !*rule->remote_ip_prefix) {
        return nt_fail(err, NT_INVALID, "a provider rule needs a protocol and a network");
    }
    if (provider_rule_list(store, &rules, err) < 0) {
        return -1;
    }

    int rc = rules.n < PROVIDER_RULES_MAX
                 ? 0
                 : nt_fail(err, NT_EXHAUSTED, "there are %d provider rules", PROVIDER_RULES_MAX);
    for (size_t i = 0; i < rules.n && !rc; i++) {
        if (nt_security_rule_equal(ROW(struct nt_security_rule, &rules, i), rule)) {
            rc = nt_fail(err, NT_CONFLICT, "this provider rule already exists");
        }
    }
    rows_clear(&rules);
    return rc;
}

static void
add_change(struct changes *changes)
{
    struct change *c = changes_add(changes, CHANGE_SECURITY_RULES);

    strcpy(c->security_group_id, NT_PROVIDER_GROUP);
}

int
provider_rule_create(struct store *store, const struct core_env *env, struct nt_security_rule *rule,
                     struct changes *changes, struct nt_err *err)
{
    if (nt_security_rule_normalize(rule, err) < 0) {
        return -1;
    }
    strcpy(rule->security_group_id, NT_PROVIDER_GROUP);
    if (check_new(store, rule, err) < 0
        || store_next_number(store, "provider_rules", 1, &rule->number, err) < 0) {
        return -1;
    }
    nt_random_uuid(env->random, rule->id);
    rule->created_at = core_now(env);
    if (row_insert(store, &table, rule, err) < 0) {
        return -1;
    }
    add_change(changes);
    return 0;
}

int
provider_rule_delete(struct store *store, const char *what, struct changes *changes,
                     struct nt_err *err)
{
    struct nt_security_rule rule;
    bool is_number = *what && strlen(what) < 19 && !what[strspn(what, "0123456789")];
    int rc = row_get(store, &table, &rule, err, "WHERE id = ? OR number = ?", "ti", what,
                     is_number ? (int64_t) atoll(what) : INT64_C(-1));

    if (rc <= 0) {
        return rc ? -1 : nt_fail(err, NT_NOT_FOUND, "provider rule %s could not be found", what);
    }
    if (row_delete(store, &table, rule.id, err) < 0) {
        return -1;
    }
    add_change(changes);
    return 0;
}

int
provider_rule_hosts(struct store *store, struct shash *hosts, struct nt_err *err)
{
    struct rows rows;

    if (host_list(store, "compute", &rows, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < rows.n; i++) {
        shash_add_once(hosts, ROW(struct host, &rows, i)->host, NULL);
    }
    rows_clear(&rows);
    return 0;
}
