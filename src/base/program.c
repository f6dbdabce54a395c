#include <config.h>

#include "base/program.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/options.h"

NT_LOG_MODULE(nt_program);

#ifndef NT_VERSION
#define NT_VERSION "0.1.0"
#endif

const char *
nt_version(void)
{
    return NT_VERSION " (libopenvswitch " VERSION ")";
}

static void __attribute__((noreturn)) NT_PRINTF(2, 3) die(const char *program, const char *fmt, ...)
{
    va_list args;

    fprintf(stderr, "%s: ", program);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

static void
print_help(const char *program, const char *summary)
{
    printf("usage: %s [--config-file PATH]... [--config-dir PATH]... [--log-file PATH]\n"
           "       [--NAME=VALUE]...\n"
           "       %s --version | --help\n\n%s\n\nOptions, in a file or as --NAME=VALUE:\n",
           program, program, summary);
    for (const struct nt_option *o = nt_options; o->name; o++) {
        if (!o->ignored) {
            printf("  %-36s %s [%s]\n", o->name, o->help, o->def);
        }
    }
}

/* "--name=value" or "--name value"; NULL when 'arg' is another option. */
static const char *
option_value(const char *name, char *argv[], int *i)
{
    size_t n = strlen(name);

    if (strncmp(argv[*i], name, n)) {
        return NULL;
    }
    if (argv[*i][n] == '=') {
        return argv[*i] + n + 1;
    }
    return !argv[*i][n] && argv[*i + 1] ? argv[++*i] : NULL;
}

static void
set_from_argument(struct nt_program *p, const char *arg)
{
    struct nt_err err = { 0 };
    const char *eq = strchr(arg, '=');

    if (strncmp(arg, "--", 2) || !eq) {
        die(p->name, "%s is not of the form --NAME=VALUE; see --help", arg);
    }

    AUTO_FREE char *name = xmemdup0(arg + 2, eq - arg - 2);
    if (nt_config_set(p->config, name, eq + 1, "command line", &err) < 0) {
        die(p->name, "%s", err.msg);
    }
}

static void
read_file(struct nt_program *p, const char *path)
{
    struct nt_err err = { 0 };

    if (nt_config_read(p->config, path, &err) < 0) {
        die(p->name, "%s", err.msg);
    }
}

static void
read_folder(struct nt_program *p, const char *path)
{
    struct nt_err err = { 0 };

    if (nt_config_read_dir(p->config, path, &err) < 0) {
        die(p->name, "%s", err.msg);
    }
}

static void
read_default_files(struct nt_program *p)
{
    struct nt_err err = { 0 };

    if (nt_config_read_default_files(p->config, &err) < 0) {
        die(p->name, "%s", err.msg);
    }
}

static void
finish_config(struct nt_program *p)
{
    struct nt_err err = { 0 };

    if (nt_config_finish_host(p->config, &err) < 0) {
        die(p->name, "%s", err.msg);
    }
    for (size_t i = 0; i < nt_config_n_warnings(p->config); i++) {
        nt_warn("configuration", "line", nt_config_warning(p->config, i), NULL);
    }
}

static void
finish_names(struct nt_program *p)
{
    struct nt_err err = { 0 };
    const char *host = nt_config_str(p->config, "host");
    const char *source = nt_config_str(p->config, "random_source");

    if (*host) {
        ovs_strlcpy(p->host, host, sizeof p->host);
    } else if (gethostname(p->host, sizeof p->host - 1) < 0) {
        die(p->name, "the machine has no host name; set option host");
    }
    if (!*source) {
        p->random = nt_random_system();
    } else if (nt_random_file(source, &p->random, &err) < 0) {
        die(p->name, "%s", err.msg);
    }
}

bool
nt_program_take_flag(int *argc, char *argv[], const char *flag)
{
    int n = 0;

    for (int i = 0; i < *argc; i++) {
        if (!i || strcmp(argv[i], flag)) {
            argv[n++] = argv[i];
        }
    }

    bool found = n < *argc;
    argv[n] = NULL;
    *argc = n;
    return found;
}

void
nt_program_init(struct nt_program *p, const char *name, const char *summary, int argc, char *argv[])
{
    struct nt_err err = { 0 };
    const char *log_file = NULL;
    bool any_file = false;

    memset(p, 0, sizeof *p);
    p->name = name;
    p->clock = nt_clock_system();
    p->config = nt_config_new(nt_options);
    if (nt_failpoint_start(&err) < 0) {
        die(name, "%s", err.msg);
    }
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help")) {
            print_help(name, summary);
            exit(0);
        }
        if (!strcmp(argv[i], "--version")) {
            printf("%s %s\n", name, nt_version());
            exit(0);
        }
        if (!strcmp(argv[i], "--failpoints")) {
            nt_failpoint_print();
            exit(0);
        }

        const char *value;
        if ((value = option_value("--config-file", argv, &i))) {
            read_file(p, value);
            any_file = true;
        } else if ((value = option_value("--config-dir", argv, &i))) {
            read_folder(p, value);
            any_file = true;
        } else if ((value = option_value("--log-file", argv, &i))) {
            log_file = value;
        }
    }
    if (!any_file) {
        read_default_files(p);
    }
    /* The command line wins over files, wherever it stands. */
    for (int i = 1; i < argc; i++) {
        if (!option_value("--config-file", argv, &i) && !option_value("--config-dir", argv, &i)
            && !option_value("--log-file", argv, &i)) {
            set_from_argument(p, argv[i]);
        }
    }
    nt_log_start(name, log_file);
    finish_config(p);
    finish_names(p);
}

void
nt_program_deinit(struct nt_program *p)
{
    nt_random_free(p->random);
    nt_config_free(p->config);
}
