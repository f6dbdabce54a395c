#include <config.h>

#include "cleanup/args.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cleanup/options.h"

/* Options of the command line that have a value: "--NAME VALUE" or "--NAME=VALUE". */
static const char *
value_of(const char *name, char ***arg)
{
    size_t n = strlen(name);

    if (strncmp(**arg, name, n) != 0) {
        return NULL;
    }
    if ((**arg)[n] == '=') {
        return **arg + n + 1;
    }
    return !(**arg)[n] && (*arg)[1] ? *++*arg : NULL;
}

static const struct {
    const char *word, *option, *value;
} words[] = {
    { "--ovs_all_ports", "ovs_all_ports", "true" },
    { "--ovs-all-ports", "ovs_all_ports", "true" },
    { "--noovs_all_ports", "ovs_all_ports", "false" },
    { "--noovs-all-ports", "ovs_all_ports", "false" },
    { "--debug", "debug", "true" },
    { "-d", "debug", "true" },
    { "--nodebug", "debug", "false" },
};

static const struct {
    const char *word, *option;
} values[] = {
    { "--log-file", "log_file" },
    { "--log-dir", "log_dir" },
};

/* Files first: the command line holds over them, wherever it stands.  -1, 0, or 1: it was
 * one. */
static int
read_file(struct cleanup_args *a, char ***arg, struct nt_err *err)
{
    const char *path = value_of("--config-file", arg);

    if (path) {
        return nt_config_read(a->config, path, err) < 0 ? -1 : 1;
    }
    path = value_of("--config-dir", arg);
    if (path) {
        return nt_config_read_dir(a->config, path, err) < 0 ? -1 : 1;
    }
    return 0;
}

static int
set_option(struct cleanup_args *a, char ***arg, struct nt_err *err)
{
    for (size_t i = 0; i < NT_ARRAY_SIZE(words); i++) {
        if (!strcmp(**arg, words[i].word)) {
            return nt_config_set(a->config, words[i].option, words[i].value, "command line", err);
        }
    }
    for (size_t i = 0; i < NT_ARRAY_SIZE(values); i++) {
        const char *value = value_of(values[i].word, arg);

        if (value) {
            return nt_config_set(a->config, values[i].option, value, "command line", err);
        }
    }

    const char *equals = strchr(**arg, '=');

    if (strncmp(**arg, "--", 2) != 0 || !equals) {
        return nt_fail(err, NT_INVALID, "'%s' is no option, or lacks its value; see --help", **arg);
    }

    AUTO_FREE char *name = xmemdup0(**arg + 2, (size_t) (equals - **arg) - 2);

    return nt_config_set(a->config, name, equals + 1, "command line", err);
}

/* What is no option of the configuration.  True: it was one of these. */
static bool
take_own(struct cleanup_args *a, char ***arg)
{
    const struct {
        const char *word;
        bool *to;
    } flags[] = {
        { "--dry-run", &a->dry_run }, { "--delete-veths", &a->delete_veths },
        { "--help", &a->help },       { "-h", &a->help },
        { "--version", &a->version },
    };
    const char *format;

    for (size_t i = 0; i < NT_ARRAY_SIZE(flags); i++) {
        if (!strcmp(**arg, flags[i].word)) {
            *flags[i].to = true;
            return true;
        }
    }
    format = value_of("--format", arg);
    if (!format) {
        format = value_of("-f", arg);
    }
    if (format) {
        a->format = format;
    }
    return format != NULL;
}

int
cleanup_args_parse(struct cleanup_args *a, char *argv[], struct nt_err *err)
{
    bool any_file = false;

    *a = (struct cleanup_args){ .config = nt_config_new(cleanup_options) };
    nt_config_be_lenient(a->config);
    for (char **arg = argv + 1; *arg; arg++) {
        int rc = read_file(a, &arg, err);

        if (rc < 0) {
            return -1;
        }
        any_file = any_file || rc > 0;
    }
    if (!any_file && nt_config_read_existing(a->config, cleanup_config_paths, err) < 0) {
        return -1;
    }
    for (char **arg = argv + 1; *arg; arg++) {
        if (value_of("--config-file", &arg) || value_of("--config-dir", &arg)
            || take_own(a, &arg)) {
            continue;
        }
        if (set_option(a, &arg, err) < 0) {
            return -1;
        }
    }
    return nt_config_finish(a->config, err);
}

void
cleanup_args_deinit(struct cleanup_args *a)
{
    nt_config_free(a->config);
}

void
cleanup_args_help(void)
{
    printf("usage: neutrino-cleanup [--config-file PATH]... [--config-dir PATH]...\n"
           "       [--ovs_all_ports] [--delete-veths] [--dry-run]\n"
           "       [-f table|json|yaml|csv|value] [--log-file PATH] [--log-dir PATH] [--debug]\n"
           "       [--NAME=VALUE]...\n"
           "       neutrino-cleanup --version | --help\n\n"
           "Removes ports of guests from the integration bridge, as neutron-ovs-cleanup does;\n"
           "for a machine that starts, before its agent.  It cuts off guests that run.\n\n"
           "  --ovs_all_ports  all ports of all bridges instead\n"
           "  --delete-veths   as Juno's program: their veth devices, and br-ex's ports, as well\n"
           "  --dry-run        say what would be removed, and change nothing\n\n"
           "Options, in a file or as --NAME=VALUE:\n");
    for (const struct nt_option *o = cleanup_options; o->name; o++) {
        printf("  %-20s %s [%s]\n", o->name, o->help, o->def);
    }
}
