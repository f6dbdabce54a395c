#include <config.h>

#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/delete.h"
#include "cli/find.h"
#include "cli/list.h"
#include "cli/rest.h"
#include "cli/value.h"

#define RULES CLI_COMPUTE "/os-security-group-rules"

#define GROUP_WORD                                                                 \
    {                                                                              \
        "GROUP", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "the group's id or name" \
    }
#define SERVER_WORD                                                         \
    {                                                                       \
        "SERVER", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "its id or name" \
    }

const struct cli_arg cli_secgroup_list_args[] = {
    { "all-tenants", NULL, CLI_FLAG, 0, "those of all projects (administrators)",
      .aliases = "all-projects" },
    { 0 },
};

const struct cli_arg cli_secgroup_create_args[] = {
    { "NAME", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "its name" },
    { "DESCRIPTION", NULL, CLI_TEXT, CLI_WORD, "what it is for" },
    { 0 },
};

const struct cli_arg cli_secgroup_args[] = { GROUP_WORD, { 0 } };

const struct cli_arg cli_secgroup_update_args[] = {
    GROUP_WORD,
    { "name", "NAME", CLI_TEXT, 0, "its new name" },
    { "description", "TEXT", CLI_TEXT, 0, "its new description" },
    { 0 },
};

const struct cli_arg cli_secgroup_delete_args[] = {
    { "GROUP", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED | CLI_MANY, "ids or names" },
    { 0 },
};

const struct cli_arg cli_secgroup_rule_args[] = {
    GROUP_WORD,
    { "PROTOCOL", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "tcp, udp or icmp" },
    { "FROM", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "first port; ICMP type, -1 for all" },
    { "TO", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "last port; ICMP code, -1 for all" },
    { "CIDR", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "the network it is for" },
    { 0 },
};

const struct cli_arg cli_secgroup_group_rule_args[] = {
    GROUP_WORD,
    { "SOURCE", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "the group whose members it is for" },
    { "ip-proto", "PROTOCOL", CLI_TEXT, 0, "only this protocol" },
    { "from-port", "PORT", CLI_TEXT, 0, "first port; ICMP type" },
    { "to-port", "PORT", CLI_TEXT, 0, "last port; ICMP code" },
    { 0 },
};

const struct cli_arg cli_server_secgroup_args[] = { SERVER_WORD, GROUP_WORD, { 0 } };
const struct cli_arg cli_server_secgroups_args[] = { SERVER_WORD, { 0 } };

static const struct cli_column columns[] = {
    { "Id", "id" },
    { "Name", "name" },
    { "Description", "description" },
    { 0 },
};

int
cli_secgroup_list(struct cli *cli, struct nt_err *err)
{
    AUTO_FREE char *path =
        xasprintf("%s%s", cli_secgroup_noun.path,
                  cli_arg_flag(&cli->args, "all-tenants") ? "?all_tenants=1" : "");

    return cli_list(cli, path, cli_secgroup_noun.member, columns, err);
}

int
cli_secgroup_create(struct cli *cli, struct nt_err *err)
{
    const char *description = cli_arg(&cli->args, "DESCRIPTION");
    struct json *group = json_object_create();
    struct json *body = json_object_create();
    struct json *answer = NULL;

    json_object_put_string(group, "name", cli_arg(&cli->args, "NAME"));
    json_object_put_string(group, "description", description ? description : "");
    json_object_put(body, "security_group", group);

    int rc = cli_rest(cli, "POST", cli_secgroup_noun.path, body, &answer, err);
    if (!rc) {
        const struct json *made = cli_member(answer, "security_group");

        rc = made && made->type == JSON_OBJECT
                 ? cli_print_object(cli, made, err)
                 : nt_fail(err, NT_FAULT, "the answer has no security group");
    }
    json_destroy(body);
    json_destroy(answer);
    return rc;
}

int
cli_secgroup_show(struct cli *cli, struct nt_err *err)
{
    return cli_show(cli, &cli_secgroup_noun, "GROUP", err);
}

/* The API wants both; what was not given stays. */
int
cli_secgroup_update(struct cli *cli, struct nt_err *err)
{
    static const char *const members[] = { "name", "description" };
    struct json *body = json_object_create();
    struct json *group = json_object_create();
    struct json *now = NULL;
    size_t n = 0;
    int rc = cli_load(cli, &cli_secgroup_noun, cli_arg(&cli->args, "GROUP"), &now, err);

    json_object_put(body, "security_group", group);
    for (size_t i = 0; !rc && i < NT_ARRAY_SIZE(members); i++) {
        const char *wanted = cli_arg(&cli->args, members[i]);

        n += wanted != NULL;
        json_object_put_string(group, members[i],
                               wanted ? wanted : cli_member_text(now, members[i]));
    }
    if (!rc && !n) {
        rc = cli_usage(cli, err, "which of --name and --description?");
    }
    if (!rc) {
        AUTO_FREE char *path = cli_path(&cli_secgroup_noun, cli_member_text(now, "id"));

        rc = cli_rest(cli, "PUT", path, body, NULL, err);
    }
    json_destroy(now);
    json_destroy(body);
    return rc;
}

int
cli_secgroup_delete(struct cli *cli, struct nt_err *err)
{
    return cli_delete_all(cli, &cli_secgroup_noun, "GROUP", err);
}

/* Name of the source group, or the network: what is not there is empty. */
static struct json *
part(const struct json *rule, const char *outer, const char *inner)
{
    return json_string_create(cli_member_text(cli_member(rule, outer), inner));
}

int
cli_secgroup_rules(struct cli *cli, struct nt_err *err)
{
    static const char *const titles[] = { "IP Protocol", "From Port",    "To Port",
                                          "IP Range",    "Source Group", NULL };
    struct json *group = NULL;

    if (cli_load(cli, &cli_secgroup_noun, cli_arg(&cli->args, "GROUP"), &group, err) < 0) {
        return -1;
    }

    const struct json *rules = cli_member_list(group, "rules");
    struct cli_table *table = cli_table_list(titles);
    for (size_t i = 0; rules && i < json_array(rules)->n; i++) {
        const struct json *rule = json_array(rules)->elems[i];

        cli_table_add(table, cli_member_clone(rule, "ip_protocol"), NULL);
        cli_table_add(table, cli_member_clone(rule, "from_port"), NULL);
        cli_table_add(table, cli_member_clone(rule, "to_port"), NULL);
        cli_table_add(table, part(rule, "ip_range", "cidr"), NULL);
        cli_table_add(table, part(rule, "group", "name"), NULL);
    }
    json_destroy(group);
    return cli_print(cli, table, err);
}

static void
put_if_given(struct json *rule, const char *member, const char *value)
{
    if (value) {
        json_object_put_string(rule, member, value);
    }
}

/* Adds the rule: takes 'rule'. */
static int
post_rule(struct cli *cli, struct json *rule, struct nt_err *err)
{
    struct json *body = json_object_create();

    json_object_put(body, "security_group_rule", rule);

    int rc = cli_rest(cli, "POST", RULES, body, NULL, err);
    json_destroy(body);
    return rc;
}

static struct json *
rule_in(const char *group_id)
{
    struct json *rule = json_object_create();

    json_object_put_string(rule, "parent_group_id", group_id);
    return rule;
}

int
cli_secgroup_add_rule(struct cli *cli, struct nt_err *err)
{
    AUTO_FREE char *id = NULL;

    if (cli_find(cli, &cli_secgroup_noun, cli_arg(&cli->args, "GROUP"), &id, err) < 0) {
        return -1;
    }

    struct json *rule = rule_in(id);
    json_object_put_string(rule, "ip_protocol", cli_arg(&cli->args, "PROTOCOL"));
    json_object_put_string(rule, "from_port", cli_arg(&cli->args, "FROM"));
    json_object_put_string(rule, "to_port", cli_arg(&cli->args, "TO"));
    json_object_put_string(rule, "cidr", cli_arg(&cli->args, "CIDR"));
    return post_rule(cli, rule, err);
}

int
cli_secgroup_add_group_rule(struct cli *cli, struct nt_err *err)
{
    AUTO_FREE char *id = NULL, *source = NULL;

    if (cli_find(cli, &cli_secgroup_noun, cli_arg(&cli->args, "GROUP"), &id, err) < 0
        || cli_find(cli, &cli_secgroup_noun, cli_arg(&cli->args, "SOURCE"), &source, err) < 0) {
        return -1;
    }

    struct json *rule = rule_in(id);
    json_object_put_string(rule, "group_id", source);
    put_if_given(rule, "ip_protocol", cli_arg(&cli->args, "ip-proto"));
    put_if_given(rule, "from_port", cli_arg(&cli->args, "from-port"));
    put_if_given(rule, "to_port", cli_arg(&cli->args, "to-port"));
    return post_rule(cli, rule, err);
}

/* What a rule must be to be the one that is meant; NULL: whatever it has. */
struct wanted_rule {
    const char *protocol, *from, *to, *cidr, *source;
};

static bool
is_equal(const char *wanted, const struct json *value)
{
    AUTO_FREE char *text = value ? cli_value_text(value) : xstrdup("");

    return !wanted || !strcasecmp(wanted, text);
}

static bool
is_wanted(const struct wanted_rule *w, const struct json *rule)
{
    return is_equal(w->protocol, cli_member(rule, "ip_protocol"))
           && is_equal(w->from, cli_member(rule, "from_port"))
           && is_equal(w->to, cli_member(rule, "to_port"))
           && is_equal(w->cidr, cli_member(cli_member(rule, "ip_range"), "cidr"))
           && is_equal(w->source, cli_member(cli_member(rule, "group"), "name"));
}

static int
delete_rule(struct cli *cli, const struct wanted_rule *wanted, struct nt_err *err)
{
    struct json *group = NULL;
    AUTO_FREE char *path = NULL;

    if (cli_load(cli, &cli_secgroup_noun, cli_arg(&cli->args, "GROUP"), &group, err) < 0) {
        return -1;
    }

    const struct json *rules = cli_member_list(group, "rules");
    for (size_t i = 0; !path && rules && i < json_array(rules)->n; i++) {
        const struct json *rule = json_array(rules)->elems[i];

        if (is_wanted(wanted, rule)) {
            path = xasprintf("%s/%s", RULES, cli_member_text(rule, "id"));
        }
    }
    json_destroy(group);
    return path ? cli_rest(cli, "DELETE", path, NULL, NULL, err)
                : nt_fail(err, NT_NOT_FOUND, "the group has no such rule");
}

int
cli_secgroup_delete_rule(struct cli *cli, struct nt_err *err)
{
    const struct wanted_rule wanted = {
        .protocol = cli_arg(&cli->args, "PROTOCOL"),
        .from = cli_arg(&cli->args, "FROM"),
        .to = cli_arg(&cli->args, "TO"),
        .cidr = cli_arg(&cli->args, "CIDR"),
    };

    return delete_rule(cli, &wanted, err);
}

int
cli_secgroup_delete_group_rule(struct cli *cli, struct nt_err *err)
{
    struct json *source = NULL;

    if (cli_load(cli, &cli_secgroup_noun, cli_arg(&cli->args, "SOURCE"), &source, err) < 0) {
        return -1;
    }

    const struct wanted_rule wanted = {
        .protocol = cli_arg(&cli->args, "ip-proto"),
        .from = cli_arg(&cli->args, "from-port"),
        .to = cli_arg(&cli->args, "to-port"),
        .source = cli_member_text(source, "name"),
    };
    int rc = delete_rule(cli, &wanted, err);
    json_destroy(source);
    return rc;
}

static int
server_path(struct cli *cli, const char *rest, char **out, struct nt_err *err)
{
    AUTO_FREE char *id = NULL;

    if (cli_find(cli, &cli_server_noun, cli_arg(&cli->args, "SERVER"), &id, err) < 0) {
        return -1;
    }

    AUTO_FREE char *path = cli_path(&cli_server_noun, id);
    *out = xasprintf("%s/%s", path, rest);
    return 0;
}

static int
change_membership(struct cli *cli, const char *action, struct nt_err *err)
{
    AUTO_FREE char *path = NULL, *group = NULL;

    if (server_path(cli, "action", &path, err) < 0
        || cli_find(cli, &cli_secgroup_noun, cli_arg(&cli->args, "GROUP"), &group, err) < 0) {
        return -1;
    }

    struct json *arg = json_object_create();
    struct json *body = json_object_create();
    json_object_put_string(arg, "name", group);
    json_object_put(body, action, arg);

    int rc = cli_rest(cli, "POST", path, body, NULL, err);
    json_destroy(body);
    return rc;
}

int
cli_server_add_secgroup(struct cli *cli, struct nt_err *err)
{
    return change_membership(cli, "addSecurityGroup", err);
}

int
cli_server_remove_secgroup(struct cli *cli, struct nt_err *err)
{
    return change_membership(cli, "removeSecurityGroup", err);
}

int
cli_server_secgroups(struct cli *cli, struct nt_err *err)
{
    AUTO_FREE char *path = NULL;

    return server_path(cli, "os-security-groups", &path, err) < 0
               ? -1
               : cli_list(cli, path, cli_secgroup_noun.member, columns, err);
}
