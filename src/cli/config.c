#include <config.h>

#include "base/config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/options.h"
#include "cli/cli.h"
#include "cli/settings.h"
#include "openvswitch/dynamic-string.h"

/* neutrino config: what the programs of this host would take from their files. */

const struct cli_arg cli_config_args[] = {
    { "ACTION", "show|check|explain|man", CLI_TEXT, CLI_WORD | CLI_REQUIRED | CLI_CHOICE,
      "show: the values in force; check: what is wrong, all of it; explain: one option; "
      "man: the options for the manual" },
    { "OPTION", NULL, CLI_TEXT, CLI_WORD, "the option to explain or to show" },
    { "origin", NULL, CLI_FLAG, 0, "show which file and line each value is from" },
    { "config-file", "FILE", CLI_FILE, CLI_MANY, "read this instead of the usual files" },
    { "config-dir", "FOLDER", CLI_FILE, CLI_MANY, "read each *.conf in there, after the files" },
    { 0 },
};

static const struct nt_option *
find_option(const char *name, struct nt_err *err)
{
    const struct nt_option *option = nt_option_find(nt_options, name);
    const char *nearest = option ? NULL : nt_option_nearest(nt_options, name);

    if (!option && nearest) {
        (void) nt_fail(err, NT_NOT_FOUND, "there is no option %s; did you mean %s?", name, nearest);
    } else if (!option) {
        (void) nt_fail(err, NT_NOT_FOUND,
                       "there is no option %s; 'neutrino config show' lists them", name);
    }
    return option;
}

static void
add_text(struct cli_table *table, char *text)
{
    cli_table_add(table, json_string_create(text), text);
}

static int
show(struct cli *cli, struct nt_err *err)
{
    static const char *const columns[] = { "Option", "Value", "Origin", NULL };
    static const char *const short_columns[] = { "Option", "Value", NULL };
    bool with_origin = cli_arg_flag(&cli->args, "origin");
    const char *name = cli_arg(&cli->args, "OPTION");
    AUTO(nt_config) config = NULL;

    if ((name && !find_option(name, err)) || cli_settings_load(cli, false, &config, err) < 0) {
        return -1;
    }
    cli_settings_warn(config);

    struct cli_table *table = cli_table_list(with_origin ? columns : short_columns);
    for (const struct nt_option *o = nt_options; o->name; o++) {
        if (name ? strcmp(name, o->name) : o->ignored) {
            continue;
        }
        add_text(table, xstrdup(o->name));
        add_text(table, nt_config_shown(config, o));
        if (with_origin) {
            add_text(table, xstrdup(nt_config_origin(config, o->name)));
        }
    }
    return cli_print(cli, table, err);
}

/* "FILE:LINE: text" in two; the whole in the second when it has no such beginning. */
static void
add_problem(struct cli_table *table, const char *level, const char *text)
{
    const char *rest = strstr(text, ": ");

    add_text(table, xstrdup(level));
    add_text(table, rest ? xmemdup0(text, rest - text) : xstrdup(""));
    add_text(table, xstrdup(rest ? rest + 2 : text));
}

static int
check(struct cli *cli, struct nt_err *err)
{
    static const char *const columns[] = { "Level", "Where", "Problem", NULL };
    AUTO(nt_config) config = NULL;

    if (cli_settings_load(cli, true, &config, err) < 0) {
        return -1;
    }

    struct cli_table *table = cli_table_list(columns);
    size_t n_errors = nt_config_n_errors(config), n_warnings = nt_config_n_warnings(config);

    for (size_t i = 0; i < n_errors; i++) {
        add_problem(table, "error", nt_config_error(config, i));
    }
    for (size_t i = 0; i < n_warnings; i++) {
        add_problem(table, "warning", nt_config_warning(config, i));
    }
    if (cli_print(cli, table, err) < 0) {
        return -1;
    }
    return n_errors ? nt_fail(err, NT_INVALID, "the configuration has %" PRIuSIZE " error%s",
                              n_errors, n_errors > 1 ? "s" : "")
                    : 0;
}

static void
put_text(struct cli_table *table, const char *name, char *text)
{
    cli_table_put(table, name, json_string_create(text), text);
}

static char *
range_of(const struct nt_option *o)
{
    if (o->type == NT_OPT_CHOICE || o->type == NT_OPT_CLASS) {
        return xstrdup(o->choices);
    }
    if (o->type == NT_OPT_BOOL) {
        return xstrdup("true, false");
    }
    return o->type == NT_OPT_INT && (o->min || o->max) ? xasprintf("%lld to %lld", o->min, o->max)
                                                       : xstrdup("");
}

static int
explain(struct cli *cli, struct nt_err *err)
{
    const char *name = cli_arg(&cli->args, "OPTION");
    const struct nt_option *o;
    AUTO(nt_config) config = NULL;

    if (!name) {
        return cli_usage(cli, err, "config explain: which option?");
    }
    o = find_option(name, err);
    if (!o || cli_settings_load(cli, true, &config, err) < 0) {
        return -1;
    }

    struct cli_table *table = cli_table_record();
    put_text(table, "name", xstrdup(o->name));
    put_text(table, "type", xstrdup(nt_option_type_name(o)));
    put_text(table, "default", xstrdup(o->is_secret ? "" : o->def));
    put_text(table, "range", range_of(o));
    put_text(table, "help",
             o->ignored ? xstrdup("Known to nova; without effect here.")
                        : xasprintf("%s%s%s", o->help, o->more ? " " : "", o->more ? o->more : ""));
    put_text(table, "value", nt_config_shown(config, o));
    put_text(table, "origin", xstrdup(nt_config_origin(config, o->name)));
    return cli_print(cli, table, err);
}

int
cli_config(struct cli *cli, struct nt_err *err)
{
    const char *action = cli_arg(&cli->args, "ACTION");

    if (!strcmp(action, "show")) {
        return show(cli, err);
    }
    if (!strcmp(action, "check")) {
        return check(cli, err);
    }
    if (!strcmp(action, "explain")) {
        return explain(cli, err);
    }

    struct ds out = DS_EMPTY_INITIALIZER;
    ds_put_cstr(&out, ".SH OPTIONS\n.ad l\n");
    nt_option_manual(nt_options,
                     "These belong to parts of nova that neutrino does not have:", &out);
    fputs(ds_cstr(&out), stdout);
    ds_destroy(&out);
    return 0;
}
