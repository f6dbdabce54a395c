#include <config.h>

#include "cli/cli.h"
#include "cli/find.h"
#include "cli/list.h"
#include "cli/rest.h"

const struct cli_arg cli_image_args[] = {
    { "IMAGE", NULL, CLI_TEXT, CLI_WORD | CLI_REQUIRED, "its id or name" },
    { 0 },
};

int
cli_image_list(struct cli *cli, struct nt_err *err)
{
    static const struct cli_column columns[] = {
        { "ID", "id" },
        { "Name", "name" },
        { "Status", "status" },
        { 0 },
    };

    return cli_list(cli, CLI_IMAGE "/images", "images", columns, err);
}

int
cli_image_show(struct cli *cli, struct nt_err *err)
{
    return cli_show(cli, &cli_image_noun, "IMAGE", err);
}
