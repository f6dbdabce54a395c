/* neutrino: the command line. */
#include <config.h>

#include "cli/cli.h"

int
main(int argc, char *argv[])
{
    struct nt_err err = { 0 };
    struct cli cli;

    cli_init(&cli, nt_clock_system());

    int rc = cli_parse(&cli, argv, &err);
    if (rc == 0) {
        rc = cli_connect(&cli, &err);
    }
    if (rc == 0) {
        rc = cli.command->run(&cli, &err);
    }

    int status = cli_finish(&cli, rc, &err);
    cli_deinit(&cli);
    return status;
}
