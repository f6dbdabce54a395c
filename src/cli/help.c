#include <config.h>

#include "cli/commands.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/mem.h"
#include "openvswitch/dynamic-string.h"

#define NAME_WIDTH 26
#define OPTION_WIDTH 30
#define USAGE_WIDTH 78

/* "-f, --format table|json|..." */
static char *
option_text(const struct cli_arg *arg)
{
    AUTO_FREE char *letter = arg->letter ? xasprintf("-%c, ", arg->letter) : xstrdup("");

    return xasprintf("%s--%s%s%s", letter, arg->name, arg->value ? " " : "",
                     arg->value ? arg->value : "");
}

static void
put_line(struct ds *out, const char *left, int width, const char *right)
{
    if ((int) strlen(left) > width) {
        ds_put_format(out, "  %s\n  %*s  %s\n", left, width, "", right);
    } else {
        ds_put_format(out, "  %-*s  %s\n", width, left, right);
    }
}

static void
put_options(struct ds *out, const char *title, const struct cli_arg *args)
{
    const char *head = title;

    for (; args->name; args++) {
        if (!(args->flags & CLI_WORD)) {
            AUTO_FREE char *left = option_text(args);

            ds_put_cstr(out, head);
            put_line(out, left, OPTION_WIDTH, args->help);
            head = "";
        }
    }
}

void
cli_help(struct ds *out)
{
    ds_put_cstr(out, "usage: neutrino [OPTION]... COMMAND [ARGUMENT]...\n\nCommands:\n");
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        put_line(out, c->name, NAME_WIDTH, c->help);
    }
    put_options(out, "\nOptions of every command:\n", cli_common_args);
    ds_put_cstr(out,
                "\n'neutrino help COMMAND' explains one command.  Servers, images, flavors and\n"
                "networks are named by id or by name.\n");
}

/* Appends to the usage line, '*column' wide so far, or begins the next one. */
static void
put_usage(struct ds *out, const struct cli_arg *arg, int indent, int *column)
{
    bool is_word = arg->flags & CLI_WORD;
    const char *value = !is_word && arg->value ? arg->value : "";
    AUTO_FREE char *plain =
        xasprintf("%s%s%s%s", is_word ? "" : "--", arg->name, *value ? " " : "", value);
    AUTO_FREE char *text = xasprintf(arg->flags & CLI_REQUIRED ? "%s%s" : "[%s]%s", plain,
                                     arg->flags & CLI_MANY ? "..." : "");

    if (*column + 1 + (int) strlen(text) > USAGE_WIDTH) {
        ds_put_format(out, "\n%*s", indent, "");
        *column = indent;
    }
    ds_put_format(out, " %s", text);
    *column += 1 + strlen(text);
}

void
cli_help_command(const struct cli_command *command, struct ds *out)
{
    const char *head = "\nArguments:\n";
    int indent = strlen("usage: neutrino ") + strlen(command->name), column = indent;

    ds_put_format(out, "usage: neutrino %s", command->name);
    for (const struct cli_arg *arg = command->args; arg->name; arg++) {
        put_usage(out, arg, indent, &column);
    }
    ds_put_format(out, "\n\n%s\n", command->help);
    for (const struct cli_arg *arg = command->args; arg->name; arg++) {
        if (arg->flags & CLI_WORD) {
            ds_put_cstr(out, head);
            put_line(out, arg->name, OPTION_WIDTH, arg->help);
            head = "";
        }
    }
    put_options(out, "\nOptions:\n", command->args);
    put_options(out, "\nOptions of every command:\n", cli_common_args);
}
