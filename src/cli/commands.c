#include <config.h>

#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

#include "base/program.h"
#include "cli/cli.h"
#include "openvswitch/dynamic-string.h"

const struct cli_arg cli_common_args[] = {
    { "url", "URL", CLI_TEXT, 0, "the server [NEUTRINO_URL, OS_ENDPOINT_OVERRIDE]",
      .aliases = "os-url os-endpoint-override" },
    { "user", "USER", CLI_TEXT, 0, "who asks [NEUTRINO_USER, OS_USERNAME]",
      .aliases = "os-username" },
    { "password-file", "FILE", CLI_FILE, 0,
      "its first line is the password [NEUTRINO_PASSWORD, OS_PASSWORD]" },
    { "timeout", "SECONDS", CLI_INT, 0, "how long to wait where a command waits [300]" },
    { "format", "table|json|yaml|csv|value", CLI_TEXT, CLI_CHOICE, "how to print", .letter = 'f' },
    { "column", "COLUMN", CLI_TEXT, CLI_MANY, "print only this column or property", .letter = 'c' },
    { "help", NULL, CLI_FLAG, 0, "say what there is", .letter = 'h' },
    { "version", NULL, CLI_FLAG, 0, "say which version this is" },
    { 0 },
};

static const struct cli_arg no_args[] = { { 0 } };

static const struct cli_arg help_args[] = {
    { "COMMAND", NULL, CLI_TEXT, CLI_WORD, "the command to explain" },
    { 0 },
};

static const struct cli_arg completion_args[] = {
    { "SHELL", "bash", CLI_TEXT, CLI_WORD | CLI_REQUIRED | CLI_CHOICE, "bash" },
    { 0 },
};

static int
help(struct cli *cli, struct nt_err *err)
{
    const char *name = cli->about ? cli->about->name : cli_arg(&cli->args, "COMMAND");
    const struct cli_command *about = name ? cli_command_find(name) : NULL;
    struct ds out = DS_EMPTY_INITIALIZER;

    if (name && !about) {
        return cli_usage(cli, err, "there is no command '%s'", name);
    }
    if (about) {
        cli_help_command(about, &out);
    } else {
        cli_help(&out);
    }
    fputs(ds_cstr(&out), stdout);
    ds_destroy(&out);
    return 0;
}

static int
completion(struct cli *cli, struct nt_err *err)
{
    struct ds out = DS_EMPTY_INITIALIZER;

    cli_completion_bash(&out);
    fputs(ds_cstr(&out), stdout);
    ds_destroy(&out);
    return 0;
}

static int
version(struct cli *cli, struct nt_err *err)
{
    printf("neutrino %s\n", nt_version());
    return 0;
}

const struct cli_command cli_commands[] = {
    { "boot", cli_boot_args, 0, cli_boot, "create a server" },
    { "list", cli_server_list_args, 0, cli_server_list, "list servers" },
    { "show", cli_server_args, 0, cli_server_show, "show one server" },
    { "delete", cli_delete_args, 0, cli_server_delete, "delete servers" },
    { "console-log", cli_console_args, 0, cli_server_console,
      "print what a server's console said" },
    { "wait", cli_wait_args, 0, cli_server_wait, "wait until a server has a status" },
    { "flavor-list", no_args, 0, cli_flavor_list, "list flavors" },
    { "flavor-show", cli_flavor_args, 0, cli_flavor_show, "show one flavor" },
    { "image-list", no_args, 0, cli_image_list, "list images" },
    { "image-show", cli_image_args, 0, cli_image_show, "show one image" },
    { "network-create", cli_network_create_args, 0, cli_network_create, "create a network" },
    { "network-list", no_args, 0, cli_network_list, "list networks" },
    { "network-show", cli_network_args, 0, cli_network_show, "show one network" },
    { "network-delete", cli_network_delete_args, 0, cli_network_delete, "delete networks" },
    { "host-list", no_args, 0, cli_host_list, "list host programs and whether they are up" },
    { "completion", completion_args, CLI_LOCAL, completion, "print a script for the shell" },
    { "version", no_args, CLI_LOCAL, version, "print the version" },
    { "help", help_args, CLI_LOCAL, help, "list the commands, or explain one" },
    { 0 },
};

const struct cli_command *
cli_command_find(const char *name)
{
    for (const struct cli_command *c = cli_commands; c->name; c++) {
        size_t i = 0;

        while (name[i] && c->name[i] == (name[i] == '_' ? '-' : name[i])) {
            i++;
        }
        if (!name[i] && !c->name[i]) {
            return c;
        }
    }
    return NULL;
}
