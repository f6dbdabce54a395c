#include <config.h>

#include "server/core/core_test.h"

#include "openvswitch/json.h"
#include "server/core/security_rules.h"

static int
try_create(struct core_test *t, const char *project_id, const char *name,
           struct security_group *group)
{
    *group = (struct security_group){ .number = 0 };
    strcpy(group->project_id, project_id);
    strcpy(group->name, name);
    return security_group_create(t->store, &t->env, group, &t->err);
}

static struct security_group
create(struct core_test *t, const char *name)
{
    struct security_group group;

    CORE_OK(t, try_create(t, "demo", name, &group));
    return group;
}

static struct nt_security_rule
rule_of(const char *protocol, int min, int max, const char *prefix, const char *source)
{
    struct nt_security_rule rule = { .port_range_min = min, .port_range_max = max };

    snprintf(rule.protocol, sizeof rule.protocol, "%s", protocol);
    snprintf(rule.remote_ip_prefix, sizeof rule.remote_ip_prefix, "%s", prefix);
    snprintf(rule.remote_group_id, sizeof rule.remote_group_id, "%s", source);
    return rule;
}

static int
try_rule(struct core_test *t, const struct security_group *group, struct nt_security_rule rule)
{
    return security_rule_create(t->store, &t->env, group, &rule, &t->changes, &t->err);
}

static struct nt_security_rule
add_rule(struct core_test *t, const struct security_group *group, const char *source)
{
    struct nt_security_rule rule = rule_of("tcp", 22, 22, *source ? "" : "0.0.0.0/0", source);

    CORE_OK(t, security_rule_create(t->store, &t->env, group, &rule, &t->changes, &t->err));
    return rule;
}

/* A cloud of one network and two compute hosts; an instance in the groups given. */
static void
cloud(struct core_test *t)
{
    core_test_network(t, "net", "10.0.0.0/24");
    core_test_report(t, "compute-1", "compute", true);
    core_test_report(t, "compute-2", "compute", true);
}

static void
boot(struct core_test *t, const char *name, const char *host, const char *group, char id[])
{
    char zone[64];
    const char *groups[] = { group };
    struct nt_instance instance;

    snprintf(zone, sizeof zone, "nova:%s", host);

    struct instance_create wish = {
        .name = name,
        .project_id = "demo",
        .user_id = "joe",
        .flavor_id = "1",
        .image_id = t->image_id,
        .availability_zone = zone,
        .security_groups = groups,
        .n_security_groups = 1,
    };
    CORE_OK(t, instance_create(t->store, &t->env, &wish, &instance, &t->changes, &t->err));
    strcpy(id, instance.id);
    nt_instance_clear(&instance);
}

static void
group_is_found_by_id_number_and_name_in_its_project_only(void **state)
{
    struct core_test *t = *state;
    struct security_group web = create(t, "web"), found;
    char number[32];

    snprintf(number, sizeof number, "%d", (int) web.number);
    CORE_OK(t, security_group_find(t->store, "demo", web.id, &found, &t->err));
    CORE_OK(t, security_group_find(t->store, "demo", number, &found, &t->err));
    CORE_OK(t, security_group_find(t->store, "demo", "web", &found, &t->err));
    assert_string_equal(found.id, web.id);
    CORE_OK(t, security_group_find(t->store, NULL, web.id, &found, &t->err));
    CORE_FAILS(t, NT_NOT_FOUND, security_group_find(t->store, "other", web.id, &found, &t->err));
    CORE_FAILS(t, NT_NOT_FOUND, security_group_find(t->store, "other", "web", &found, &t->err));
}

static void
name_is_unique_and_not_blank(void **state)
{
    struct core_test *t = *state;
    struct security_group group;

    create(t, "web");
    CORE_FAILS(t, NT_INVALID, try_create(t, "demo", "web", &group));
    CORE_FAILS(t, NT_INVALID, try_create(t, "demo", "  ", &group));
    CORE_FAILS(t, NT_INVALID, try_create(t, "demo", "default", &group));
    CORE_OK(t, try_create(t, "other", "web", &group));
}

static void
default_group_stays_as_it_is(void **state)
{
    struct core_test *t = *state;
    struct security_group group;

    CORE_OK(t, security_group_default(t->store, &t->env, "demo", &group, &t->err));
    CORE_FAILS(t, NT_INVALID,
               security_group_delete(t->store, "demo", group.id, &t->changes, &t->err));
    CORE_FAILS(t, NT_INVALID, security_group_update(t->store, &group, &t->err));
}

static void
group_with_members_cannot_be_deleted(void **state)
{
    struct core_test *t = *state;
    struct security_group web = create(t, "web");
    char id[NT_UUID_SIZE];

    cloud(t);
    boot(t, "a", "compute-1", "web", id);
    CORE_FAILS(t, NT_INVALID,
               security_group_delete(t->store, "demo", web.id, &t->changes, &t->err));
    CORE_OK(t, instance_end(t->store, &t->env, id, &t->changes, &t->err));
    CORE_OK(t, security_group_delete(t->store, "demo", web.id, &t->changes, &t->err));
}

static void
deleted_source_group_takes_the_rules_that_speak_of_it(void **state)
{
    struct core_test *t = *state;
    struct security_group web = create(t, "web"), clients = create(t, "clients");
    struct rows rules;

    add_rule(t, &web, clients.id);
    changes_clear(&t->changes);
    CORE_OK(t, security_group_delete(t->store, "demo", clients.id, &t->changes, &t->err));
    assert_int_equal(core_test_count(t, CHANGE_SECURITY_RULES), 1);
    assert_string_equal(t->changes.at[0].security_group_id, web.id);
    CORE_OK(t, security_rules_of_group(t->store, web.id, &rules, &t->err));
    assert_int_equal(rules.n, 0);
    rows_clear(&rules);
}

/* OSSA-2012-005. */
static void
quotas_bound_groups_and_rules(void **state)
{
    struct core_test *t = *state;
    struct security_group group, web = create(t, "web");
    int n = 0;

    t->env.quotas[QUOTA_SECURITY_GROUPS] = 2;
    CORE_OK(t, try_create(t, "demo", "b", &group));
    CORE_FAILS(t, NT_EXHAUSTED, try_create(t, "demo", "c", &group));
    CORE_OK(t, try_create(t, "other", "c", &group));
    for (int port = 1; port <= 10000; port++) {
        n += !try_rule(t, &web, rule_of("tcp", port, port, "0.0.0.0/0", ""));
    }
    assert_int_equal(n, 20);
    assert_int_equal(t->err.code, NT_EXHAUSTED);
    t->env.quotas[QUOTA_SECURITY_GROUP_RULES] = -1;
    CORE_OK(t, try_rule(t, &web, rule_of("udp", 1, 1, "0.0.0.0/0", "")));
}

static void
the_same_rule_in_other_words_is_refused(void **state)
{
    struct core_test *t = *state;
    struct security_group web = create(t, "web");

    CORE_OK(t, try_rule(t, &web, rule_of("TCP", 22, 22, "10.0.0.5/24", "")));
    CORE_FAILS(t, NT_INVALID, try_rule(t, &web, rule_of("6", 22, 22, "10.0.0.0/24", "")));
    CORE_FAILS(t, NT_INVALID, try_rule(t, &web, rule_of("gre", -1, -1, "10.0.0.0/24", "")));
    CORE_OK(t, try_rule(t, &web, rule_of("tcp", 22, 23, "10.0.0.0/24", "")));
}

static void
rule_is_deleted_by_its_project_only(void **state)
{
    struct core_test *t = *state;
    struct security_group web = create(t, "web");
    struct nt_security_rule rule = add_rule(t, &web, "");

    CORE_FAILS(t, NT_NOT_FOUND,
               security_rule_delete(t->store, "other", rule.id, &t->changes, &t->err));
    changes_clear(&t->changes);
    CORE_OK(t, security_rule_delete(t->store, "demo", rule.id, &t->changes, &t->err));
    assert_int_equal(core_test_count(t, CHANGE_SECURITY_RULES), 1);
    CORE_FAILS(t, NT_NOT_FOUND,
               security_rule_delete(t->store, "demo", rule.id, &t->changes, &t->err));
}

static void
members_are_a_change_only_for_groups_that_rules_speak_of(void **state)
{
    struct core_test *t = *state;
    struct security_group web = create(t, "web"), clients = create(t, "clients");
    char id[NT_UUID_SIZE];

    cloud(t);
    add_rule(t, &web, clients.id);
    changes_clear(&t->changes);
    boot(t, "a", "compute-1", "web", id);
    assert_int_equal(core_test_count(t, CHANGE_SECURITY_MEMBERS), 0);
    boot(t, "b", "compute-1", "clients", id);
    assert_int_equal(core_test_count(t, CHANGE_SECURITY_MEMBERS), 1);
    CORE_OK(t, instance_fail_boot(t->store, &t->env, id, "no", &t->changes, &t->err));
    assert_int_equal(core_test_count(t, CHANGE_SECURITY_MEMBERS), 2);
    CORE_OK(t, instance_end(t->store, &t->env, id, &t->changes, &t->err));
    assert_int_equal(core_test_count(t, CHANGE_SECURITY_MEMBERS), 3);
}

static void
instance_joins_and_leaves_once(void **state)
{
    struct core_test *t = *state;
    struct security_group web = create(t, "web");
    struct nt_instance instance;
    char id[NT_UUID_SIZE];

    cloud(t);
    boot(t, "a", "compute-1", "default", id);
    CORE_OK(t, instance_get(t->store, NULL, id, &instance, &t->err));
    changes_clear(&t->changes);
    CORE_OK(t, security_group_add(t->store, &t->env, &instance, web.id, &t->changes, &t->err));
    assert_int_equal(core_test_count(t, CHANGE_INSTANCE_GROUPS), 1);
    CORE_FAILS(t, NT_INVALID,
               security_group_add(t->store, &t->env, &instance, "web", &t->changes, &t->err));
    CORE_OK(t, security_group_remove(t->store, &instance, "web", &t->changes, &t->err));
    CORE_FAILS(t, NT_INVALID,
               security_group_remove(t->store, &instance, "web", &t->changes, &t->err));
    CORE_FAILS(t, NT_NOT_FOUND,
               security_group_add(t->store, &t->env, &instance, "none", &t->changes, &t->err));
    nt_instance_clear(&instance);
}

static const struct nt_security_members *
members_of(const struct nt_security_result *result, const char *id)
{
    for (size_t i = 0; i < result->n_members; i++) {
        if (!strcmp(result->members[i].group_id, id)) {
            return &result->members[i];
        }
    }
    return NULL;
}

static void
host_gets_the_groups_of_its_instances_and_their_sources(void **state)
{
    struct core_test *t = *state;
    struct security_group web = create(t, "web"), clients = create(t, "clients");
    struct nt_security_result result = { 0 };
    struct nt_uuid_text asked;
    struct shash hosts = SHASH_INITIALIZER(&hosts);
    char id[NT_UUID_SIZE];

    cloud(t);
    add_rule(t, &web, clients.id);
    boot(t, "a", "compute-1", "web", id);
    boot(t, "b", "compute-2", "clients", id);

    CORE_OK(t, security_of_host(t->store, "compute-1", NULL, 0, &result, &t->err));
    assert_int_equal(result.n_groups, 2); /* The other is the operator's. */

    size_t own = !strcmp(result.groups[0].id, NT_PROVIDER_GROUP);
    assert_string_equal(result.groups[own].id, web.id);
    assert_int_equal(json_array(result.groups[own].rules)->n, 1);
    assert_non_null(members_of(&result, clients.id));
    assert_int_equal(members_of(&result, clients.id)->n_addresses4, 1);
    assert_string_equal(members_of(&result, clients.id)->addresses4[0].text, "10.0.0.3");
    assert_int_equal(
        strncmp(members_of(&result, clients.id)->addresses6[0].text, "fe80::f816:3e", 12), 0);
    security_result_clear(&result);

    /* Asked for the source alone: no rules; a host without need gets nothing. */
    strcpy(asked.text, clients.id);
    CORE_OK(t, security_of_host(t->store, "compute-1", &asked, 1, &result, &t->err));
    assert_int_equal(result.n_groups, 0);
    assert_int_equal(result.n_members, 1);
    security_result_clear(&result);
    strcpy(asked.text, web.id);
    CORE_OK(t, security_of_host(t->store, "compute-2", &asked, 1, &result, &t->err));
    assert_int_equal(result.n_groups + result.n_members, 0);
    security_result_clear(&result);

    CORE_OK(t, security_hosts_using_group(t->store, clients.id, &hosts, &t->err));
    assert_non_null(shash_find(&hosts, "compute-1"));
    assert_int_equal(shash_count(&hosts), 1);
    shash_clear(&hosts);
    CORE_OK(t, security_hosts_in_group(t->store, clients.id, &hosts, &t->err));
    assert_non_null(shash_find(&hosts, "compute-2"));
    assert_int_equal(shash_count(&hosts), 1);
    shash_destroy(&hosts);
}

/* OSSA-2013-020: what a boot changes does not grow with the boots before it. */
static void
each_boot_of_many_in_one_group_is_one_change(void **state)
{
    struct core_test *t = *state;
    struct security_group web = create(t, "web");
    char id[NT_UUID_SIZE];

    cloud(t);
    add_rule(t, &web, web.id);
    t->env.quotas[QUOTA_INSTANCES] = t->env.quotas[QUOTA_CORES] = t->env.quotas[QUOTA_RAM] = -1;
    for (int i = 0; i < 200; i++) {
        char name[16];

        snprintf(name, sizeof name, "n%d", i);
        changes_clear(&t->changes);
        boot(t, name, i % 2 ? "compute-1" : "compute-2", "web", id);
        assert_int_equal(core_test_count(t, CHANGE_SECURITY_MEMBERS), 1);
        assert_int_equal(core_test_count(t, CHANGE_SECURITY_RULES), 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(group_is_found_by_id_number_and_name_in_its_project_only),
        CORE_TEST(name_is_unique_and_not_blank),
        CORE_TEST(default_group_stays_as_it_is),
        CORE_TEST(group_with_members_cannot_be_deleted),
        CORE_TEST(deleted_source_group_takes_the_rules_that_speak_of_it),
        CORE_TEST(quotas_bound_groups_and_rules),
        CORE_TEST(the_same_rule_in_other_words_is_refused),
        CORE_TEST(rule_is_deleted_by_its_project_only),
        CORE_TEST(members_are_a_change_only_for_groups_that_rules_speak_of),
        CORE_TEST(instance_joins_and_leaves_once),
        CORE_TEST(host_gets_the_groups_of_its_instances_and_their_sources),
        CORE_TEST(each_boot_of_many_in_one_group_is_one_change),
    };

    return cmocka_run_group_tests_name("core/security_groups", tests, NULL, NULL);
}
