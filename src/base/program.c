#include <config.h>

#include "base/program.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/file.h"
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
print_help(const struct nt_program_kind *kind)
{
    printf("usage: %s [--config-file PATH]... [--config-dir PATH]... [--log-file PATH]\n"
           "       [--NAME=VALUE]...\n"
           "       %s --version | --help\n\n%s\n\nOptions, in a file or as --NAME=VALUE:\n",
           kind->name, kind->name, kind->summary);
    for (const struct nt_option *o = kind->options ? kind->options : nt_options; o->name; o++) {
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

/* "--name", "--noname", "--no-name" and "--name value", as programs with oslo.config take them: the
 * value, or NULL.  "no" is taken off 'name'. */
static const char *
oslo_value(const struct nt_option *options, char *name, char *argv[], int *i)
{
    const struct nt_option *option = nt_option_find(options, name);

    if (option) {
        return option->type == NT_OPT_BOOL ? "true" : argv[*i + 1] ? argv[++*i] : NULL;
    }
    if (strncmp(name, "no", 2) != 0) {
        return NULL;
    }
    const char *hidden = name + (name[2] == '_' ? 3 : 2);
    option = nt_option_find(options, hidden);
    if (option && option->type == NT_OPT_BOOL) {
        memmove(name, hidden, strlen(hidden) + 1);
        return "false";
    }
    return NULL;
}

static int
set_from_argument(const struct nt_program_kind *kind, struct nt_config *config, char *argv[],
                  int *i, struct nt_err *err)
{
    const char *arg = argv[*i];
    const char *eq = strchr(arg, '=');
    const char *value = eq ? eq + 1 : NULL;

    if (!strncmp(arg, "--", 2)) {
        AUTO_FREE char *name = eq ? xmemdup0(arg + 2, eq - arg - 2) : xstrdup(arg + 2);

        if (kind->options) {
            /* "--log-file" */
            for (char *p = name; *p; p++) {
                *p = *p == '-' ? '_' : *p;
            }
            value = value ? value : oslo_value(kind->options, name, argv, i);
        }
        if (value) {
            return nt_config_set(config, name, value, "command line", err);
        }
    }
    return nt_fail(err, NT_INVALID, "%s is not of the form --NAME=VALUE; see --help", arg);
}

/* Takes in the files that the command line names, or the default ones. */
static int
read_files(const struct nt_program_kind *kind, struct nt_config *config, char *argv[],
           struct nt_err *err)
{
    bool any_file = false;
    const char *value;
    int rc = 0;

    for (int i = 1; argv[i] && !rc; i++) {
        if ((value = option_value("--config-file", argv, &i))) {
            rc = nt_config_read(config, value, err);
            any_file = true;
        } else if ((value = option_value("--config-dir", argv, &i))) {
            rc = nt_config_read_dir(config, value, err);
            any_file = true;
        }
    }
    if (!any_file) {
        rc = kind->options ? nt_config_read_existing(config, kind->paths, err)
                           : nt_config_read_default_files(config, err);
    }
    return rc;
}

/* Files first: the command line wins over them, wherever it stands. */
static int
read_config(const struct nt_program_kind *kind, struct nt_config *config, char *argv[],
            const char **log_file, struct nt_err *err)
{
    if (kind->options) {
        nt_config_be_lenient(config);
    }
    if (read_files(kind, config, argv, err) < 0) {
        return -1;
    }
    for (int i = 1; argv[i]; i++) {
        const char *value;

        if (option_value("--config-file", argv, &i) || option_value("--config-dir", argv, &i)) {
            continue;
        }
        if (!kind->options && (value = option_value("--log-file", argv, &i))) {
            *log_file = value;
        } else if (set_from_argument(kind, config, argv, &i, err) < 0) {
            return -1;
        }
    }
    return kind->options ? nt_config_finish(config, err) : nt_config_finish_host(config, err);
}

static struct nt_config *
new_config(const struct nt_program_kind *kind)
{
    return nt_config_new(kind->options ? kind->options : nt_options);
}

/* log_file in log_dir; a folder alone is given the program's name. */
static char *
log_path(const struct nt_program *p)
{
    const char *file = nt_config_str(p->config, "log_file");
    const char *dir = nt_config_str(p->config, "log_dir");

    if (!*file && !*dir) {
        return NULL;
    }
    AUTO_FREE char *name = *file ? xstrdup(file) : xasprintf("%s.log", p->name);
    return *dir && *name != '/' ? nt_path_join(dir, name) : TAKE(name);
}

static void
start_log(const struct nt_program *p, const char *log_file)
{
    if (p->kind->options) {
        AUTO_FREE char *path = log_path(p);

        nt_log_start(p->name, path);
        nt_log_set(nt_config_bool(p->config, "debug"), nt_config_bool(p->config, "use_syslog"));
    } else {
        nt_log_start(p->name, log_file);
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

const char *
nt_program_take_value(int *argc, char *argv[], const char *flag)
{
    size_t len = strlen(flag);
    const char *found = NULL;
    int n = 0;

    for (int i = 0; i < *argc; i++) {
        if (i && !strncmp(argv[i], flag, len) && argv[i][len] == '=') {
            found = argv[i] + len + 1;
        } else if (i && i + 1 < *argc && !strcmp(argv[i], flag)) {
            found = argv[++i];
        } else {
            argv[n++] = argv[i];
        }
    }
    argv[n] = NULL;
    *argc = n;
    return found;
}

/* What needs no configuration. */
static void
take_words(const struct nt_program_kind *kind, char *argv[])
{
    for (int i = 1; argv[i]; i++) {
        if (!strcmp(argv[i], "--help")) {
            print_help(kind);
        } else if (!strcmp(argv[i], "--version")) {
            printf("%s %s\n", kind->name, nt_version());
        } else if (!strcmp(argv[i], "--failpoints")) {
            nt_failpoint_print();
        } else {
            continue;
        }
        exit(0);
    }
}

void
nt_program_init(struct nt_program *p, const struct nt_program_kind *kind, char *argv[])
{
    struct nt_err err = { 0 };
    const char *log_file = NULL;

    memset(p, 0, sizeof *p);
    p->name = kind->name;
    p->kind = kind;
    p->argv = argv;
    p->clock = nt_clock_system();
    p->config = new_config(kind);
    if (nt_failpoint_start(&err) < 0) {
        die(p->name, "%s", err.msg);
    }
    take_words(kind, argv);
    if (read_config(kind, p->config, argv, &log_file, &err) < 0) {
        die(p->name, "%s", err.msg);
    }
    start_log(p, log_file);
    finish_names(p);
}

int
nt_program_reread(const struct nt_program *p, struct nt_config **out, struct nt_err *err)
{
    AUTO(nt_config) config = new_config(p->kind);
    const char *log_file = NULL;

    if (read_config(p->kind, config, p->argv, &log_file, err) < 0) {
        return -1;
    }
    *out = TAKE(config);
    return 0;
}

void
nt_program_reopen_log(const struct nt_config *config)
{
    vlog_reopen_log_file();
    nt_log_set(nt_config_bool(config, "debug"), nt_config_bool(config, "use_syslog"));
}

int
nt_program_check(const struct nt_program_kind *kind, char *argv[], struct nt_config **out)
{
    AUTO(nt_config) config = new_config(kind);
    const char *log_file = NULL;
    struct nt_err err = { 0 };

    nt_config_collect_errors(config);
    int rc = read_config(kind, config, argv, &log_file, &err);
    for (size_t i = 0; i < nt_config_n_warnings(config); i++) {
        printf("warning: %s\n", nt_config_warning(config, i));
    }
    for (size_t i = 0; i < nt_config_n_errors(config); i++) {
        printf("error: %s\n", nt_config_error(config, i));
    }
    if (rc < 0) {
        printf("error: %s\n", err.msg);
    }
    if (rc < 0 || nt_config_n_errors(config)) {
        return -1;
    }
    *out = TAKE(config);
    return 0;
}

void
nt_program_deinit(struct nt_program *p)
{
    nt_random_free(p->random);
    nt_config_free(p->config);
}
