#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/list.h"
#include "cli/rest.h"
#include "cli/value.h"
#include "openvswitch/dynamic-string.h"

#define PATH CLI_COMPUTE "/os-quota-sets/"

#define LIMIT(name)                                   \
    {                                                 \
        name, "N", CLI_TEXT, 0, "the limit; -1: none" \
    }
#define PROJECT(flags)                                                                 \
    {                                                                                  \
        "PROJECT", NULL, CLI_TEXT, CLI_WORD | (flags), "the project [OS_PROJECT_NAME]" \
    }

const struct cli_arg cli_quota_args[] = { PROJECT(0), { 0 } };
const struct cli_arg cli_quota_delete_args[] = { PROJECT(CLI_REQUIRED), { 0 } };

/* In REST '_' stands for '-'. */
const struct cli_arg cli_quota_set_args[] = {
    LIMIT("instances"),
    LIMIT("cores"),
    LIMIT("ram"),
    LIMIT("fixed-ips"),
    LIMIT("floating-ips"),
    LIMIT("security-groups"),
    LIMIT("security-group-rules"),
    LIMIT("key-pairs"),
    PROJECT(CLI_REQUIRED),
    { 0 },
};

static int
path_of(struct cli *cli, const char *tail, char **out, struct nt_err *err)
{
    const char *project = cli_arg(&cli->args, "PROJECT");
    struct ds path = DS_EMPTY_INITIALIZER;

    if (!project) {
        project = getenv("OS_PROJECT_NAME");
    }
    if (!project || !*project) {
        return cli_usage(cli, err, "which project?  Name it, or set OS_PROJECT_NAME");
    }
    ds_put_cstr(&path, PATH);
    cli_put_encoded(&path, project);
    ds_put_cstr(&path, tail);
    *out = ds_steal_cstr(&path);
    return 0;
}

/* Quota, limit, and what is in use where the answer says so. */
static int
print_quotas(struct cli *cli, const struct json *answer, struct nt_err *err)
{
    static const char *const columns[] = { "Quota", "In use", "Limit", NULL };
    const struct json *set = cli_member(answer, "quota_set");
    struct shash_node *node;

    if (!set || set->type != JSON_OBJECT) {
        return nt_fail(err, NT_FAULT, "the answer has no quota_set");
    }

    struct cli_table *table = cli_table_list(columns);
    SHASH_FOR_EACH (node, json_object(set)) {
        const struct json *value = node->data;
        bool is_detail = value->type == JSON_OBJECT;

        if (is_detail || value->type == JSON_INTEGER) {
            cli_table_add(table, json_string_create(node->name), NULL);
            cli_table_add(table, is_detail ? cli_member_clone(value, "in_use") : json_null_create(),
                          NULL);
            cli_table_add(table, is_detail ? cli_member_clone(value, "limit") : json_clone(value),
                          NULL);
        }
    }
    return cli_print(cli, table, err);
}

static int
get(struct cli *cli, const char *tail, struct nt_err *err)
{
    AUTO_FREE char *path = NULL;
    struct json *answer = NULL;

    if (path_of(cli, tail, &path, err) < 0 || cli_rest(cli, "GET", path, NULL, &answer, err) < 0) {
        return -1;
    }

    int rc = print_quotas(cli, answer, err);
    json_destroy(answer);
    return rc;
}

int
cli_quota_show(struct cli *cli, struct nt_err *err)
{
    return get(cli, "/detail", err);
}

int
cli_quota_defaults(struct cli *cli, struct nt_err *err)
{
    return get(cli, "/defaults", err);
}

int
cli_quota_delete(struct cli *cli, struct nt_err *err)
{
    AUTO_FREE char *path = NULL;

    return path_of(cli, "", &path, err) < 0 ? -1 : cli_rest(cli, "DELETE", path, NULL, NULL, err);
}

/* The limits that were given; how many. */
static size_t
put_limits(const struct cli *cli, struct json *set)
{
    size_t n = 0;

    for (const struct cli_arg *arg = cli_quota_set_args; arg->name; arg++) {
        const char *value = cli_arg(&cli->args, arg->name);

        if (value && !(arg->flags & CLI_WORD)) {
            AUTO_FREE char *name = xstrdup(arg->name);

            for (char *p = name; *p; p++) {
                *p = *p == '-' ? '_' : *p;
            }
            json_object_put_string(set, name, value);
            n++;
        }
    }
    return n;
}

int
cli_quota_set(struct cli *cli, struct nt_err *err)
{
    struct json *set = json_object_create();
    struct json *body = json_object_create();
    struct json *answer = NULL;
    AUTO_FREE char *path = NULL;
    int rc = -1;

    json_object_put(body, "quota_set", set);
    if (!put_limits(cli, set)) {
        rc = cli_usage(cli, err, "which limit?");
    } else if (path_of(cli, "", &path, err) == 0) {
        rc = cli_rest(cli, "PUT", path, body, &answer, err);
    }
    if (rc == 0) {
        rc = print_quotas(cli, answer, err);
    }
    json_destroy(body);
    json_destroy(answer);
    return rc;
}
