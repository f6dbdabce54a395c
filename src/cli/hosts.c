#include <config.h>

#include "cli/cli.h"
#include "cli/list.h"
#include "cli/rest.h"

int
cli_host_list(struct cli *cli, struct nt_err *err)
{
    static const struct cli_column columns[] = {
        { "Host", "host" },
        { "Binary", "binary" },
        { "Zone", "zone" },
        { "Status", "status" },
        { "State", "state" },
        { "Updated_at", "updated_at" },
        { 0 },
    };

    return cli_list(cli, CLI_COMPUTE "/os-services", "services", columns, err);
}
