/* The table of commands.  Parsing, help and completion all come from it. */
#pragma once

#include "base/err.h"
#include "cli/args.h"

struct cli;
struct ds;

enum cli_command_flag {
    CLI_LOCAL = 1 << 0, /* Does not speak to a server. */
};

struct cli_command {
    const char *name;
    const struct cli_arg *args;
    unsigned flags;
    int (*run)(struct cli *, struct nt_err *); /* 0 or -1. */
    const char *help;                          /* One line. */
};

extern const struct cli_command cli_commands[];
extern const struct cli_arg cli_common_args[];

/* By name, '_' being '-'; NULL: there is none. */
const struct cli_command *cli_command_find(const char *name);

/* The text of 'neutrino help', and of 'neutrino help COMMAND'. */
void cli_help(struct ds *out);
void cli_help_command(const struct cli_command *, struct ds *out);

/* The scripts of 'neutrino completion SHELL'. */
void cli_completion_bash(struct ds *out);
void cli_completion_zsh(struct ds *out);
void cli_completion_fish(struct ds *out);

/* What the table names, by the file it is in.  servers.c: */
extern const struct cli_arg cli_server_list_args[], cli_server_args[], cli_delete_args[],
    cli_console_args[], cli_wait_args[];
int cli_server_list(struct cli *, struct nt_err *);
int cli_server_show(struct cli *, struct nt_err *);
int cli_server_delete(struct cli *, struct nt_err *);
int cli_server_console(struct cli *, struct nt_err *);
int cli_server_wait(struct cli *, struct nt_err *);

/* power.c: */
extern const struct cli_arg cli_power_args[], cli_reboot_args[], cli_reset_args[],
    cli_evacuate_args[], cli_rename_args[], cli_meta_args[];
int cli_server_stop(struct cli *, struct nt_err *);
int cli_server_start(struct cli *, struct nt_err *);
int cli_server_reboot(struct cli *, struct nt_err *);
int cli_server_reset(struct cli *, struct nt_err *);
int cli_server_evacuate(struct cli *, struct nt_err *);
int cli_server_rename(struct cli *, struct nt_err *);
int cli_server_meta(struct cli *, struct nt_err *);

/* history.c, hypervisors.c: */
extern const struct cli_arg cli_action_args[], cli_usage_args[], cli_hypervisor_args[];
int cli_action_list(struct cli *, struct nt_err *);
int cli_action_show(struct cli *, struct nt_err *);
int cli_interface_list(struct cli *, struct nt_err *);
int cli_usage_list(struct cli *, struct nt_err *);
int cli_zone_list(struct cli *, struct nt_err *);
int cli_hypervisor_list(struct cli *, struct nt_err *);
int cli_hypervisor_show(struct cli *, struct nt_err *);
int cli_hypervisor_stats(struct cli *, struct nt_err *);
int cli_limits(struct cli *, struct nt_err *);

/* boot.c: */
extern const struct cli_arg cli_boot_args[];
int cli_boot(struct cli *, struct nt_err *);

/* flavors.c, images.c, hosts.c: */
extern const struct cli_arg cli_flavor_args[], cli_image_args[];
int cli_flavor_list(struct cli *, struct nt_err *);
int cli_flavor_show(struct cli *, struct nt_err *);
int cli_image_list(struct cli *, struct nt_err *);
int cli_image_show(struct cli *, struct nt_err *);
int cli_host_list(struct cli *, struct nt_err *);

/* config.c, doctor.c: */
extern const struct cli_arg cli_doctor_args[];
int cli_doctor(struct cli *, struct nt_err *);
extern const struct cli_arg cli_config_args[];
int cli_config(struct cli *, struct nt_err *);

/* floating.c: */
extern const struct cli_arg cli_floating_create_args[], cli_floating_delete_args[],
    cli_floating_add_args[], cli_floating_remove_args[], cli_floating_bulk_create_args[],
    cli_floating_bulk_delete_args[], cli_floating_bulk_list_args[];
int cli_floating_create(struct cli *, struct nt_err *);
int cli_floating_list(struct cli *, struct nt_err *);
extern const struct cli_arg cli_floating_show_args[];
int cli_floating_show(struct cli *, struct nt_err *);
int cli_floating_delete(struct cli *, struct nt_err *);
int cli_floating_pools(struct cli *, struct nt_err *);
int cli_floating_add(struct cli *, struct nt_err *);
int cli_floating_remove(struct cli *, struct nt_err *);
int cli_floating_bulk_create(struct cli *, struct nt_err *);
int cli_floating_bulk_delete(struct cli *, struct nt_err *);
int cli_floating_bulk_list(struct cli *, struct nt_err *);

/* networks.c: */
extern const struct cli_arg cli_network_create_args[], cli_network_args[],
    cli_network_delete_args[];
int cli_network_create(struct cli *, struct nt_err *);
int cli_network_list(struct cli *, struct nt_err *);
int cli_network_show(struct cli *, struct nt_err *);
int cli_network_delete(struct cli *, struct nt_err *);

extern const struct cli_arg cli_network_modify_args[];
int cli_network_modify(struct cli *, struct nt_err *);

/* fixed.c, keypairs.c, quotas.c: */
extern const struct cli_arg cli_fixed_list_args[], cli_fixed_args[], cli_keypair_add_args[],
    cli_keypair_args[], cli_quota_args[], cli_quota_set_args[];
int cli_fixed_list(struct cli *, struct nt_err *);
int cli_fixed_reserve(struct cli *, struct nt_err *);
int cli_fixed_unreserve(struct cli *, struct nt_err *);
int cli_keypair_add(struct cli *, struct nt_err *);
int cli_keypair_list(struct cli *, struct nt_err *);
int cli_keypair_show(struct cli *, struct nt_err *);
int cli_keypair_delete(struct cli *, struct nt_err *);
int cli_quota_show(struct cli *, struct nt_err *);
int cli_quota_set(struct cli *, struct nt_err *);
int cli_quota_delete(struct cli *, struct nt_err *);
int cli_quota_defaults(struct cli *, struct nt_err *);

/* provider_rules.c: */
extern const struct cli_arg cli_provider_rule_add_args[], cli_provider_rule_args[];
int cli_provider_rule_list(struct cli *, struct nt_err *);
int cli_provider_rule_add(struct cli *, struct nt_err *);
int cli_provider_rule_delete(struct cli *, struct nt_err *);

/* secgroups.c: */
extern const struct cli_arg cli_secgroup_list_args[], cli_secgroup_create_args[],
    cli_secgroup_args[], cli_secgroup_delete_args[], cli_secgroup_rule_args[],
    cli_secgroup_group_rule_args[], cli_server_secgroup_args[], cli_server_secgroups_args[];
int cli_secgroup_list(struct cli *, struct nt_err *);
int cli_secgroup_create(struct cli *, struct nt_err *);
extern const struct cli_arg cli_secgroup_update_args[], cli_quota_delete_args[];
int cli_secgroup_show(struct cli *, struct nt_err *);
int cli_secgroup_update(struct cli *, struct nt_err *);
int cli_secgroup_delete(struct cli *, struct nt_err *);
int cli_secgroup_rules(struct cli *, struct nt_err *);
int cli_secgroup_add_rule(struct cli *, struct nt_err *);
int cli_secgroup_delete_rule(struct cli *, struct nt_err *);
int cli_secgroup_add_group_rule(struct cli *, struct nt_err *);
int cli_secgroup_delete_group_rule(struct cli *, struct nt_err *);
int cli_server_add_secgroup(struct cli *, struct nt_err *);
int cli_server_remove_secgroup(struct cli *, struct nt_err *);
int cli_server_secgroups(struct cli *, struct nt_err *);
