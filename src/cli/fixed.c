#include <config.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/find.h"
#include "cli/list.h"
#include "cli/rest.h"
#include "cli/value.h"
#include "openvswitch/dynamic-string.h"

#define PATH CLI_COMPUTE "/os-fixed-ips"

const struct cli_arg cli_fixed_list_args[] = {
    { "network", "NETWORK", CLI_TEXT, 0, "only addresses of this one" },
    { "all", NULL, CLI_FLAG, 0, "free addresses too" },
    { 0 },
};

const struct cli_arg cli_fixed_args[] = {
    { "ADDRESS", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "the address" },
    { 0 },
};

int
cli_fixed_list(struct cli *cli, struct nt_err *err)
{
    static const struct cli_column columns[] = {
        { "Address", "address" },
        { "Network", "network" },
        { "Hostname", "hostname" },
        { "Host", "host" },
        { "State", "state" },
        { "Reason", "reason" },
        { 0 },
    };
    const char *network = cli_arg(&cli->args, "network");
    struct ds path = DS_EMPTY_INITIALIZER;
    AUTO_FREE char *id = NULL;

    if (network && cli_find(cli, &cli_network_noun, network, &id, err) < 0) {
        return -1;
    }
    ds_put_cstr(&path, PATH);
    if (id) {
        cli_put_query(&path, "network_id", id);
    }
    if (cli_arg_flag(&cli->args, "all")) {
        cli_put_query(&path, "all", "true");
    }

    int rc = cli_list(cli, ds_cstr(&path), "fixed_ips", columns, err);
    ds_destroy(&path);
    return rc;
}

static int
act(struct cli *cli, const char *action, struct nt_err *err)
{
    struct json *body = json_object_create();
    struct ds path = DS_EMPTY_INITIALIZER;

    json_object_put(body, action, json_null_create());
    ds_put_cstr(&path, PATH "/");
    cli_put_encoded(&path, cli_arg(&cli->args, "ADDRESS"));
    ds_put_cstr(&path, "/action");

    int rc = cli_rest(cli, "POST", ds_cstr(&path), body, NULL, err);
    ds_destroy(&path);
    json_destroy(body);
    return rc;
}

int
cli_fixed_reserve(struct cli *cli, struct nt_err *err)
{
    return act(cli, "reserve", err);
}

int
cli_fixed_unreserve(struct cli *cli, struct nt_err *err)
{
    return act(cli, "unreserve", err);
}
