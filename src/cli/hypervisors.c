#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/list.h"
#include "cli/rest.h"
#include "cli/value.h"

/* Compute hosts and the zones they are in. */

#define HYPERVISORS CLI_COMPUTE "/os-hypervisors"

const struct cli_arg cli_hypervisor_args[] = {
    { "HOST", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "its name or number" },
    { 0 },
};

int
cli_zone_list(struct cli *cli, struct nt_err *err)
{
    static const char *const columns[] = { "Name", "Status", NULL };
    struct json *list = NULL;

    if (cli_rest_list(cli, CLI_COMPUTE "/os-availability-zone", "availabilityZoneInfo", &list, err)
        < 0) {
        return -1;
    }

    struct cli_table *table = cli_table_list(columns);
    for (size_t i = 0; i < json_array(list)->n; i++) {
        const struct json *zone = json_array(list)->elems[i];
        const struct json *state = cli_member(cli_member(zone, "zoneState"), "available");
        bool is_there = state && state->type == JSON_TRUE;

        cli_table_add(table, cli_member_clone(zone, "zoneName"), NULL);
        cli_table_add(table, json_string_create(is_there ? "available" : "not available"), NULL);
    }
    json_destroy(list);
    return cli_print(cli, table, err);
}

int
cli_hypervisor_list(struct cli *cli, struct nt_err *err)
{
    static const struct cli_column columns[] = {
        { "ID", "id" },
        { "Hypervisor hostname", "hypervisor_hostname" },
        { "State", "state" },
        { "Servers", "running_vms" },
        { "vCPUs used", "vcpus_used" },
        { "vCPUs", "vcpus" },
        { "Memory MiB used", "memory_mb_used" },
        { "Memory MiB", "memory_mb" },
        { 0 },
    };

    return cli_list(cli, HYPERVISORS "/detail", "hypervisors", columns, err);
}

static bool
is_it(const struct json *host, const char *what)
{
    const struct json *id = cli_member(host, "id");

    return !strcmp(cli_member_text(host, "hypervisor_hostname"), what)
           || (id && id->type == JSON_INTEGER && what[strspn(what, "0123456789")] == '\0'
               && json_integer(id) == atoll(what));
}

int
cli_hypervisor_show(struct cli *cli, struct nt_err *err)
{
    const char *what = cli_arg(&cli->args, "HOST");
    struct json *list = NULL;

    if (cli_rest_list(cli, HYPERVISORS "/detail", "hypervisors", &list, err) < 0) {
        return -1;
    }

    int rc = 1;
    for (size_t i = 0; rc > 0 && i < json_array(list)->n; i++) {
        if (is_it(json_array(list)->elems[i], what)) {
            rc = cli_print_object(cli, json_array(list)->elems[i], err);
        }
    }
    json_destroy(list);
    return rc > 0
               ? nt_fail(err, NT_NOT_FOUND, "No hypervisor with a name or ID of '%s' exists.", what)
               : rc;
}

/* Prints the object 'member' that is at 'path'. */
static int
print_member(struct cli *cli, const char *path, const char *outer, const char *member,
             struct nt_err *err)
{
    struct json *answer = NULL;

    if (cli_rest(cli, "GET", path, NULL, &answer, err) < 0) {
        return -1;
    }

    const struct json *found = outer ? cli_member(answer, outer) : answer;
    found = cli_member(found, member);
    int rc = found && found->type == JSON_OBJECT
                 ? cli_print_object(cli, found, err)
                 : nt_fail(err, NT_FAULT, "the answer has no %s", member);
    json_destroy(answer);
    return rc;
}

int
cli_hypervisor_stats(struct cli *cli, struct nt_err *err)
{
    return print_member(cli, HYPERVISORS "/statistics", NULL, "hypervisor_statistics", err);
}

int
cli_limits(struct cli *cli, struct nt_err *err)
{
    return print_member(cli, CLI_COMPUTE "/limits", "limits", "absolute", err);
}
