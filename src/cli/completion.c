#include <config.h>

#include "cli/commands.h"

#include <string.h>

#include "openvswitch/dynamic-string.h"

/* Scripts for shells, made from the table: they need no server and no other package.
 * First bash, then zsh, then fish. */

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

/* zsh. */

/* 'text' inside single quotes, what "special" names with a backslash before it. */
static void
put_quoted(struct ds *out, const char *text, const char *special)
{
    for (; *text; text++) {
        if (*text == '\'') {
            ds_put_cstr(out, "'\\''");
            continue;
        }
        if (strchr(special, *text)) {
            ds_put_char(out, '\\');
        }
        ds_put_char(out, *text);
    }
}

/* ":MESSAGE:ACTION" of an argument. */
static void
put_zsh_value(struct ds *out, const struct cli_arg *arg)
{
    ds_put_char(out, ':');
    put_quoted(out, arg->flags & CLI_WORD || !arg->value ? arg->name : arg->value, ":[]");
    ds_put_char(out, ':');
    if (arg->kind == CLI_FILE) {
        ds_put_cstr(out, "_files");
    } else if (arg->flags & CLI_CHOICE) {
        ds_put_char(out, '(');
        put_choices(out, arg->value);
        ds_put_char(out, ')');
    }
}

static void
put_zsh_args(struct ds *out, const struct cli_arg *args, const char *indent)
{
    for (; args->name; args++) {
        ds_put_format(out, "%s'", indent);
        if (args->flags & CLI_WORD) {
            ds_put_cstr(out, args->flags & CLI_MANY ? "*" : "");
            put_zsh_value(out, args);
        } else {
            const char *many = args->flags & CLI_MANY ? "*" : "";

            if (args->letter) {
                ds_put_format(out, "%s-%c[", many, args->letter);
                put_quoted(out, args->help, ":[]");
                ds_put_char(out, ']');
                if (args->kind != CLI_FLAG) {
                    put_zsh_value(out, args);
                }
                ds_put_format(out, "'\n%s'", indent);
            }
            ds_put_format(out, "%s--%s%s[", many, args->name, args->kind == CLI_FLAG ? "" : "=");
            put_quoted(out, args->help, ":[]");
            ds_put_char(out, ']');
            if (args->kind != CLI_FLAG) {
                put_zsh_value(out, args);
            }
        }
        ds_put_cstr(out, "'\n");
    }
}

void
cli_completion_zsh(struct ds *out)
{
    ds_put_cstr(out, "#compdef neutrino\n"
                     "# Completion of neutrino for zsh: eval \"$(neutrino completion zsh)\"\n"
                     "_neutrino()\n{\n"
                     "    local curcontext=$curcontext state line\n"
                     "    local -a commands common own\n\n"
                     "    commands=(\n");
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        ds_put_format(out, "        '%s:", c->name);
        put_quoted(out, c->help, ":");
        ds_put_cstr(out, "'\n");
    }
    ds_put_cstr(out, "    )\n    common=(\n");
    put_zsh_args(out, cli_common_args, "        ");
    ds_put_cstr(out, "    )\n"
                     "    _arguments -C $common '1:command:->command' '*::argument:->argument'\n"
                     "    case $state in\n"
                     "    command) _describe command commands ;;\n"
                     "    argument)\n"
                     "        case $words[1] in\n"
                     "        help) _describe command commands; return ;;\n");
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        ds_put_format(out, "        %s)\n            own=(\n", c->name);
        put_zsh_args(out, c->args, "                ");
        ds_put_cstr(out, "            ) ;;\n");
    }
    ds_put_cstr(out, "        esac\n"
                     "        _arguments $common $own ;;\n"
                     "    esac\n"
                     "}\n"
                     "(( $+functions[compdef] )) && compdef _neutrino neutrino\n");
}

/* fish. */

/* Inside single quotes. */
static void
put_fish_text(struct ds *out, const char *text)
{
    for (; *text; text++) {
        ds_put_cstr(out, *text == '\'' || *text == '\\' ? "\\" : "");
        ds_put_char(out, *text);
    }
}

/* One option, or the choices of a word; 'command' NULL: of every command. */
static void
put_fish_arg(struct ds *out, const char *command, const struct cli_arg *arg)
{
    if (arg->flags & CLI_WORD && !(arg->flags & CLI_CHOICE)) {
        return;
    }
    ds_put_cstr(out, "complete -c neutrino");
    if (command) {
        ds_put_format(out, " -n '__fish_seen_subcommand_from %s'", command);
    }
    if (!(arg->flags & CLI_WORD)) {
        if (arg->letter) {
            ds_put_format(out, " -s %c", arg->letter);
        }
        ds_put_format(out, " -l %s", arg->name);
    }
    if (arg->kind == CLI_FILE) {
        ds_put_cstr(out, " -r -F");
    } else if (arg->kind != CLI_FLAG && !(arg->flags & CLI_WORD)) {
        ds_put_cstr(out, " -x");
    }
    if (arg->flags & CLI_CHOICE) {
        ds_put_cstr(out, " -a '");
        put_choices(out, arg->value);
        ds_put_char(out, '\'');
    }
    if (!(arg->flags & CLI_WORD)) {
        ds_put_cstr(out, " -d '");
        put_fish_text(out, arg->help);
        ds_put_char(out, '\'');
    }
    ds_put_char(out, '\n');
}

void
cli_completion_fish(struct ds *out)
{
    ds_put_cstr(out, "# Completion of neutrino for fish: neutrino completion fish | source\n"
                     "complete -c neutrino -f\n"
                     "set -l neutrino_commands");
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        ds_put_format(out, " %s", c->name);
    }
    ds_put_char(out, '\n');
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        ds_put_format(out,
                      "complete -c neutrino -n \"not __fish_seen_subcommand_from "
                      "$neutrino_commands\" -a %s -d '",
                      c->name);
        put_fish_text(out, c->help);
        ds_put_cstr(out, "'\n");
    }
    for (const struct cli_arg *arg = cli_common_args; arg->name; arg++) {
        put_fish_arg(out, NULL, arg);
    }
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        for (const struct cli_arg *arg = c->args; arg->name; arg++) {
            put_fish_arg(out, c->name, arg);
        }
    }
    ds_put_cstr(out, "complete -c neutrino -n '__fish_seen_subcommand_from help' "
                     "-a \"$neutrino_commands\"\n");
}
