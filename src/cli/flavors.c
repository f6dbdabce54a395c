#include <config.h>

#include "cli/cli.h"
#include "cli/find.h"
#include "cli/list.h"
#include "cli/rest.h"

const struct cli_arg cli_flavor_args[] = {
    { "FLAVOR", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "its id or name" },
    { 0 },
};

int
cli_flavor_list(struct cli *cli, struct nt_err *err)
{
    static const struct cli_column columns[] = {
        { "ID", "id" },
        { "Name", "name" },
        { "Memory_MiB", "ram" },
        { "Disk", "disk" },
        { "Ephemeral", "OS-FLV-EXT-DATA:ephemeral" },
        { "Swap", "swap" },
        { "VCPUs", "vcpus" },
        { "Is_Public", "os-flavor-access:is_public" },
        { 0 },
    };

    return cli_list(cli, CLI_COMPUTE "/flavors/detail", "flavors", columns, err);
}

int
cli_flavor_show(struct cli *cli, struct nt_err *err)
{
    return cli_show(cli, &cli_flavor_noun, "FLAVOR", err);
}
