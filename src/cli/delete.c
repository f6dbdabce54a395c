#include <config.h>

#include "cli/delete.h"

#include <stdlib.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/find.h"
#include "cli/rest.h"
#include "cli/wait.h"

static int
delete_one(struct cli *cli, const struct cli_noun *noun, const char *what, char **id,
           struct nt_err *err)
{
    if (cli_find(cli, noun, what, id, err) < 0) {
        return -1;
    }

    AUTO_FREE char *path = cli_path(noun, *id);
    return cli_rest(cli, "DELETE", path, NULL, NULL, err);
}

/* Keeps the newest failure for the end and tells the one before. */
static void
note(struct nt_err *err, const struct nt_err *failure)
{
    if (err->code) {
        cli_complain(err);
    }
    *err = *failure;
}

int
cli_delete_all(struct cli *cli, const struct cli_noun *noun, const char *arg, struct nt_err *err)
{
    char **ids = xcalloc(cli->args.n + 1, sizeof *ids);
    size_t n = 0, i = 0;
    const char *what;

    *err = (struct nt_err){ 0 };
    while ((what = cli_arg_next(&cli->args, arg, &i))) {
        struct nt_err failure = { 0 };

        if (delete_one(cli, noun, what, &ids[n], &failure) < 0) {
            free(ids[n]);
            ids[n] = NULL;
            note(err, &failure);
        } else {
            n++;
        }
    }
    for (size_t j = 0; j < n; j++) {
        struct nt_err failure = { 0 };

        if (cli_arg_flag(&cli->args, "wait") && cli_wait(cli, ids[j], NULL, &failure) < 0) {
            note(err, &failure);
        }
        free(ids[j]);
    }
    free(ids);
    return err->code ? -1 : 0;
}
