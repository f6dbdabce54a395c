#include <config.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/find.h"
#include "cli/list.h"
#include "cli/rest.h"
#include "cli/value.h"
#include "openvswitch/dynamic-string.h"

/* What was asked of a server, where it is plugged, and what projects have used. */

#define USAGE CLI_COMPUTE "/os-simple-tenant-usage"

const struct cli_arg cli_action_args[] = {
    { "SERVER", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "its id or name" },
    { "REQUEST", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "the request's id" },
    { 0 },
};

const struct cli_arg cli_usage_args[] = {
    { "start", "TIME", CLI_TEXT, 0, "from this day or time on, in UTC [the beginning]" },
    { "end", "TIME", CLI_TEXT, 0, "up to this day or time, in UTC [now]" },
    { 0 },
};

static int
server_path(struct cli *cli, const char *tail, char **out, struct nt_err *err)
{
    AUTO_FREE char *id = NULL;

    if (cli_find(cli, &cli_server_noun, cli_arg(&cli->args, "SERVER"), &id, err) < 0) {
        return -1;
    }

    AUTO_FREE char *path = cli_path(&cli_server_noun, id);
    *out = xasprintf("%s/%s", path, tail);
    return 0;
}

int
cli_action_list(struct cli *cli, struct nt_err *err)
{
    static const struct cli_column columns[] = {
        { "Start_Time", "start_time" }, { "Action", "action" },   { "Request_ID", "request_id" },
        { "User", "user_id" },          { "Message", "message" }, { 0 },
    };
    AUTO_FREE char *path = NULL;

    return server_path(cli, "os-instance-actions", &path, err) < 0
               ? -1
               : cli_list(cli, path, "instanceActions", columns, err);
}

int
cli_action_show(struct cli *cli, struct nt_err *err)
{
    AUTO_FREE char *path = NULL;
    struct json *answer = NULL;

    if (server_path(cli, "os-instance-actions/", &path, err) < 0) {
        return -1;
    }

    struct ds full = DS_EMPTY_INITIALIZER;
    ds_put_cstr(&full, path);
    cli_put_encoded(&full, cli_arg(&cli->args, "REQUEST"));
    int rc = cli_rest(cli, "GET", ds_cstr(&full), NULL, &answer, err);
    ds_destroy(&full);
    if (rc < 0) {
        return -1;
    }

    const struct json *action = cli_member(answer, "instanceAction");
    rc = action && action->type == JSON_OBJECT ? cli_print_object(cli, action, err)
                                               : nt_fail(err, NT_FAULT, "the answer has no action");
    json_destroy(answer);
    return rc;
}

int
cli_interface_list(struct cli *cli, struct nt_err *err)
{
    static const char *const columns[] = { "Port ID",  "Net ID",     "IP addresses",
                                           "MAC Addr", "Port State", NULL };
    AUTO_FREE char *path = NULL;
    struct json *list = NULL;

    if (server_path(cli, "os-interface", &path, err) < 0
        || cli_rest_list(cli, path, "interfaceAttachments", &list, err) < 0) {
        return -1;
    }

    struct cli_table *table = cli_table_list(columns);
    for (size_t i = 0; i < json_array(list)->n; i++) {
        const struct json *row = json_array(list)->elems[i];
        const struct json *fixed = cli_member_list(row, "fixed_ips");

        cli_table_add(table, cli_member_clone(row, "port_id"), NULL);
        cli_table_add(table, cli_member_clone(row, "net_id"), NULL);
        cli_table_add(table, cli_member_clone(row, "fixed_ips"),
                      fixed ? cli_join(fixed, "ip_address") : NULL);
        cli_table_add(table, cli_member_clone(row, "mac_addr"), NULL);
        cli_table_add(table, cli_member_clone(row, "port_state"), NULL);
    }
    json_destroy(list);
    return cli_print(cli, table, err);
}

int
cli_usage_list(struct cli *cli, struct nt_err *err)
{
    static const struct cli_column columns[] = {
        { "Project", "tenant_id" },
        { "Hours", "total_hours" },
        { "RAM MiB-Hours", "total_memory_mb_usage" },
        { "CPU Hours", "total_vcpus_usage" },
        { "Disk GiB-Hours", "total_local_gb_usage" },
        { 0 },
    };
    const char *start = cli_arg(&cli->args, "start");
    const char *end = cli_arg(&cli->args, "end");
    struct ds path = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&path, USAGE);
    cli_put_query(&path, "start", start ? start : "1970-01-01");
    if (end) {
        cli_put_query(&path, "end", end);
    }
    int rc = cli_list(cli, ds_cstr(&path), "tenant_usages", columns, err);
    ds_destroy(&path);
    return rc;
}
