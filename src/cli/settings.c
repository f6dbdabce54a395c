#include <config.h>

#include "cli/settings.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/options.h"
#include "cli/cli.h"

static int
read_all(struct cli *cli, struct nt_config *config, struct nt_err *err)
{
    const char *path;
    size_t files = 0, folders = 0;
    bool any = false;

    while ((path = cli_arg_next(&cli->args, "config-file", &files))) {
        any = true;
        if (nt_config_read(config, path, err) < 0) {
            return -1;
        }
    }
    while ((path = cli_arg_next(&cli->args, "config-dir", &folders))) {
        any = true;
        if (nt_config_read_dir(config, path, err) < 0) {
            return -1;
        }
    }
    return any ? 0 : nt_config_read_default_files(config, err);
}

int
cli_settings_load(struct cli *cli, bool collect, struct nt_config **out, struct nt_err *err)
{
    AUTO(nt_config) config = nt_config_new(nt_options);

    if (collect) {
        nt_config_collect_errors(config);
    }
    if (read_all(cli, config, err) < 0 || nt_config_finish_host(config, err) < 0) {
        return -1;
    }
    *out = TAKE(config);
    return 0;
}

void
cli_settings_warn(const struct nt_config *config)
{
    for (size_t i = 0; i < nt_config_n_warnings(config); i++) {
        fprintf(stderr, "neutrino: %s\n", nt_config_warning(config, i));
    }
}
