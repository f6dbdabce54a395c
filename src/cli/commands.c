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
    { "SHELL", "bash|zsh|fish", CLI_TEXT, CLI_WORD | CLI_REQUIRED | CLI_CHOICE,
      "bash, zsh or fish" },
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

    const char *shell = cli_arg(&cli->args, "SHELL");

    if (!strcmp(shell, "zsh")) {
        cli_completion_zsh(&out);
    } else if (!strcmp(shell, "fish")) {
        cli_completion_fish(&out);
    } else {
        cli_completion_bash(&out);
    }
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
    { "stop", cli_power_args, 0, cli_server_stop, "stop servers; they keep what they have" },
    { "start", cli_power_args, 0, cli_server_start, "start servers that were stopped" },
    { "reboot", cli_reboot_args, 0, cli_server_reboot, "reboot servers" },
    { "rename", cli_rename_args, 0, cli_server_rename, "give a server another name" },
    { "meta", cli_meta_args, 0, cli_server_meta, "change a server's metadata" },
    { "reset-state", cli_reset_args, 0, cli_server_reset,
      "set the state of servers whose host does not say it (administrators)" },
    { "evacuate", cli_evacuate_args, 0, cli_server_evacuate,
      "start servers of a lost host on another one (administrators)" },
    { "instance-action-list", cli_server_args, 0, cli_action_list,
      "list what was asked of a server" },
    { "instance-action", cli_action_args, 0, cli_action_show, "show what became of one of these" },
    { "interface-list", cli_server_args, 0, cli_interface_list, "list where a server is plugged" },
    { "console-log", cli_console_args, 0, cli_server_console,
      "print what a server's console said" },
    { "wait", cli_wait_args, 0, cli_server_wait, "wait until a server has a status" },
    { "floating-ip-create", cli_floating_create_args, 0, cli_floating_create,
      "take a floating address from a pool" },
    { "floating-ip-list", no_args, 0, cli_floating_list, "list the project's floating addresses" },
    { "floating-ip-show", cli_floating_show_args, 0, cli_floating_show,
      "show one floating address" },
    { "floating-ip-delete", cli_floating_delete_args, 0, cli_floating_delete,
      "give floating addresses back" },
    { "floating-ip-pool-list", no_args, 0, cli_floating_pools, "list the pools" },
    { "add-floating-ip", cli_floating_add_args, 0, cli_floating_add,
      "tie a floating address to a server" },
    { "remove-floating-ip", cli_floating_remove_args, 0, cli_floating_remove, "untie it" },
    { "floating-ip-bulk-create", cli_floating_bulk_create_args, 0, cli_floating_bulk_create,
      "make the floating addresses of a range (administrators)" },
    { "floating-ip-bulk-delete", cli_floating_bulk_delete_args, 0, cli_floating_bulk_delete,
      "remove those of a range (administrators)" },
    { "floating-ip-bulk-list", cli_floating_bulk_list_args, 0, cli_floating_bulk_list,
      "list all floating addresses (administrators)" },
    { "flavor-list", no_args, 0, cli_flavor_list, "list flavors" },
    { "flavor-show", cli_flavor_args, 0, cli_flavor_show, "show one flavor" },
    { "image-list", no_args, 0, cli_image_list, "list images" },
    { "image-show", cli_image_args, 0, cli_image_show, "show one image" },
    { "network-create", cli_network_create_args, 0, cli_network_create, "create a network" },
    { "network-list", no_args, 0, cli_network_list, "list networks" },
    { "network-show", cli_network_args, 0, cli_network_show, "show one network" },
    { "network-delete", cli_network_delete_args, 0, cli_network_delete, "delete networks" },
    { "network-modify", cli_network_modify_args, 0, cli_network_modify, "change a network" },
    { "fixed-list", cli_fixed_list_args, 0, cli_fixed_list,
      "list addresses and why they are not free" },
    { "fixed-reserve", cli_fixed_args, 0, cli_fixed_reserve, "set an address aside" },
    { "fixed-unreserve", cli_fixed_args, 0, cli_fixed_unreserve, "give it back" },
    { "keypair-add", cli_keypair_add_args, 0, cli_keypair_add, "make or import a key pair" },
    { "keypair-list", no_args, 0, cli_keypair_list, "list key pairs" },
    { "keypair-show", cli_keypair_args, 0, cli_keypair_show, "show one key pair" },
    { "keypair-delete", cli_keypair_args, 0, cli_keypair_delete, "delete a key pair" },
    { "quota-show", cli_quota_args, 0, cli_quota_show, "show a project's limits and their use" },
    { "quota-set", cli_quota_set_args, 0, cli_quota_set, "change a project's limits" },
    { "quota-delete", cli_quota_delete_args, 0, cli_quota_delete,
      "give a project the configured limits again" },
    { "limits", no_args, 0, cli_limits, "show the limits of one's own project" },
    { "quota-defaults", cli_quota_args, 0, cli_quota_defaults, "show the configured limits" },
    { "secgroup-list", cli_secgroup_list_args, 0, cli_secgroup_list, "list security groups" },
    { "secgroup-create", cli_secgroup_create_args, 0, cli_secgroup_create,
      "create a security group" },
    { "secgroup-show", cli_secgroup_args, 0, cli_secgroup_show, "show one security group" },
    { "secgroup-update", cli_secgroup_update_args, 0, cli_secgroup_update,
      "change a security group's name or description" },
    { "secgroup-delete", cli_secgroup_delete_args, 0, cli_secgroup_delete,
      "delete security groups" },
    { "secgroup-list-rules", cli_secgroup_args, 0, cli_secgroup_rules,
      "list what a security group lets in" },
    { "secgroup-add-rule", cli_secgroup_rule_args, 0, cli_secgroup_add_rule, "let a network in" },
    { "secgroup-delete-rule", cli_secgroup_rule_args, 0, cli_secgroup_delete_rule,
      "take that back" },
    { "secgroup-add-group-rule", cli_secgroup_group_rule_args, 0, cli_secgroup_add_group_rule,
      "let the members of a group in" },
    { "secgroup-delete-group-rule", cli_secgroup_group_rule_args, 0, cli_secgroup_delete_group_rule,
      "take that back" },
    { "add-secgroup", cli_server_secgroup_args, 0, cli_server_add_secgroup,
      "put a server into a security group" },
    { "remove-secgroup", cli_server_secgroup_args, 0, cli_server_remove_secgroup, "take it out" },
    { "list-secgroup", cli_server_secgroups_args, 0, cli_server_secgroups,
      "list the security groups of a server" },
    { "provider-rule-list", no_args, 0, cli_provider_rule_list,
      "list what no guest may receive (administrators)" },
    { "provider-rule-add", cli_provider_rule_add_args, 0, cli_provider_rule_add,
      "refuse it to all guests (administrators)" },
    { "provider-rule-delete", cli_provider_rule_args, 0, cli_provider_rule_delete,
      "take that back (administrators)" },
    { "host-list", no_args, 0, cli_host_list, "list host programs and whether they are up" },
    { "availability-zone-list", no_args, 0, cli_zone_list, "list availability zones" },
    { "hypervisor-list", no_args, 0, cli_hypervisor_list,
      "list compute hosts and what is on them (administrators)" },
    { "hypervisor-show", cli_hypervisor_args, 0, cli_hypervisor_show,
      "show one compute host (administrators)" },
    { "hypervisor-stats", no_args, 0, cli_hypervisor_stats,
      "show all compute hosts together (administrators)" },
    { "usage-list", cli_usage_args, 0, cli_usage_list,
      "list what projects have used (administrators)" },
    { "config", cli_config_args, CLI_LOCAL, cli_config,
      "show, check or explain the configuration of this host" },
    { "doctor", cli_doctor_args, CLI_LOCAL, cli_doctor,
      "say what is wrong with this host, and what puts it right" },
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
