#include <config.h>

#include "cli/settings.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/options.h"
#include "cli/cli.h"
#include "openvswitch/dynamic-string.h"

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

/* The manual. */

/* Text for roff; with 'by_sentence' each sentence begins a line. */
static void
put_roff(struct ds *out, const char *text, bool by_sentence)
{
    bool at_start = true;

    for (; *text; text++) {
        if (at_start && *text == '.') {
            ds_put_cstr(out, "\\&");
        }
        at_start = false;
        if (*text == '-') {
            ds_put_cstr(out, "\\-");
        } else if (*text == '\'') {
            ds_put_cstr(out, "\\(aq");
        } else if (*text == '\\') {
            ds_put_cstr(out, "\\e");
        } else if (by_sentence && *text == '.' && text[1] == ' ') {
            ds_put_cstr(out, ".\n");
            text++;
            at_start = true;
        } else {
            ds_put_char(out, *text);
        }
    }
}

static void
put_option(struct ds *out, const struct nt_option *o)
{
    ds_put_format(out, ".TP\n.BR %s \" (", o->name);
    put_roff(out, o->type == NT_OPT_CHOICE ? o->choices : nt_option_type_name(o), false);
    if (o->type == NT_OPT_INT && (o->min || o->max)) {
        AUTO_FREE char *range = xasprintf(" %lld to %lld", o->min, o->max);

        put_roff(out, range, false);
    }
    ds_put_cstr(out, ", default: ");
    put_roff(out, *o->def ? o->def : "none", false);
    ds_put_cstr(out, ")\"\n");
    put_roff(out, o->help, true);
    if (o->more) {
        ds_put_char(out, '\n');
        put_roff(out, o->more, true);
    }
    ds_put_char(out, '\n');
}

void
cli_settings_manual(struct ds *out)
{
    const struct nt_option *last = NULL;

    ds_put_cstr(out, ".SH OPTIONS\n.ad l\n");
    for (const struct nt_option *o = nt_options; o->name; o++) {
        if (o->ignored) {
            last = o;
            continue;
        }
        if (o->group) {
            ds_put_format(out, ".SS %s\n", o->group);
        }
        put_option(out, o);
    }
    ds_put_cstr(out, ".SS Accepted without effect\n"
                     "These belong to parts of nova that neutrino does not have:\n");
    for (const struct nt_option *o = nt_options; o->name; o++) {
        if (o->ignored) {
            ds_put_format(out, ".BR %s %s\n", o->name, o == last ? "." : ",");
        }
    }
}
