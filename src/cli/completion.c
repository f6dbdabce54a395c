#include <config.h>

#include "cli/commands.h"

#include <string.h>

#include "openvswitch/dynamic-string.h"

/* A bash function made from the table: it needs no server and no other package. */

static void
put_options(struct ds *out, const struct cli_arg *args)
{
    for (; args->name; args++) {
        if (!(args->flags & CLI_WORD)) {
            ds_put_format(out, " --%s", args->name);
        }
    }
}

/* "a|b|c" as "a b c". */
static void
put_choices(struct ds *out, const char *choices)
{
    for (; *choices; choices++) {
        ds_put_char(out, *choices == '|' ? ' ' : *choices);
    }
}

/* What follows an option: a file, one of its choices, or nothing we know. */
static void
put_values(struct ds *out, const struct cli_arg *args)
{
    for (; args->name; args++) {
        if (args->flags & CLI_WORD || args->kind == CLI_FLAG) {
            continue;
        }
        ds_put_cstr(out, "    ");
        if (args->letter) {
            ds_put_format(out, "-%c|", args->letter);
        }
        ds_put_format(out, "--%s) ", args->name);
        if (args->kind == CLI_FILE) {
            ds_put_cstr(out, "COMPREPLY=($(compgen -f -- \"$cur\"))");
        } else if (args->flags & CLI_CHOICE) {
            ds_put_cstr(out, "COMPREPLY=($(compgen -W '");
            put_choices(out, args->value);
            ds_put_cstr(out, "' -- \"$cur\"))");
        } else {
            ds_put_cstr(out, "COMPREPLY=()");
        }
        ds_put_cstr(out, "; return ;;\n");
    }
}

static void
put_command(struct ds *out, const struct cli_command *command)
{
    ds_put_format(out, "    %s) words=\"$options", command->name);
    put_options(out, command->args);
    for (const struct cli_arg *arg = command->args; arg->name; arg++) {
        if (arg->flags & CLI_WORD && arg->flags & CLI_CHOICE) {
            ds_put_char(out, ' ');
            put_choices(out, arg->value);
        }
    }
    ds_put_cstr(out, "\" ;;\n");
}

void
cli_completion_bash(struct ds *out)
{
    ds_put_cstr(out, "# Completion of neutrino for bash: eval \"$(neutrino completion bash)\"\n"
                     "_neutrino()\n{\n"
                     "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                     "    local commands='");
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        ds_put_format(out, "%s%s", c == cli_commands ? "" : " ", c->name);
    }
    ds_put_cstr(out, "'\n    local options='");
    put_options(out, cli_common_args);
    ds_put_cstr(out, "'\n    local command='' word words\n\n    case $prev in\n");
    put_values(out, cli_common_args);
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        put_values(out, c->args);
    }
    ds_put_cstr(out, "    esac\n"
                     "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
                     "        if [[ \" $commands \" == *\" $word \"* ]]; then\n"
                     "            command=$word\n"
                     "            break\n"
                     "        fi\n"
                     "    done\n"
                     "    case $command in\n"
                     "    help) words=$commands ;;\n");
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        put_command(out, c);
    }
    ds_put_cstr(out, "    *) words=\"$commands $options\" ;;\n"
                     "    esac\n"
                     "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                     "}\n"
                     "complete -F _neutrino neutrino\n");
}
