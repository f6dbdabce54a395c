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

/* The script of 'neutrino completion bash'. */
void cli_completion_bash(struct ds *out);

/* What the table names, by the file it is in.  servers.c: */
extern const struct cli_arg cli_server_list_args[], cli_server_args[], cli_delete_args[],
    cli_console_args[], cli_wait_args[];
int cli_server_list(struct cli *, struct nt_err *);
int cli_server_show(struct cli *, struct nt_err *);
int cli_server_delete(struct cli *, struct nt_err *);
int cli_server_console(struct cli *, struct nt_err *);
int cli_server_wait(struct cli *, struct nt_err *);

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

/* networks.c: */
extern const struct cli_arg cli_network_create_args[], cli_network_args[],
    cli_network_delete_args[];
int cli_network_create(struct cli *, struct nt_err *);
int cli_network_list(struct cli *, struct nt_err *);
int cli_network_show(struct cli *, struct nt_err *);
int cli_network_delete(struct cli *, struct nt_err *);
