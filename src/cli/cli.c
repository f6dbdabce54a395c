#include <config.h>

#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/text.h"
#include "openvswitch/dynamic-string.h"
#include "wire/http/client.h"

#define DEFAULT_URL "http://127.0.0.1:8774"
#define MAX_PASSWORD_FILE 4096
#define MAX_COLUMNS 64

void
cli_init(struct cli *cli, const struct nt_clock *clock)
{
    *cli = (struct cli){ .clock = clock, .started_ms = nt_mono_ms(clock) };
    cli_args_init(&cli->args, cli_common_args);
}

void
cli_deinit(struct cli *cli)
{
    cli_args_deinit(&cli->args);
    nt_http_client_free(cli->client);
}

int
cli_usage(struct cli *cli, struct nt_err *err, const char *fmt, ...)
{
    char text[NT_ERR_SIZE];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    cli->is_usage = true;
    return nt_fail(err, NT_INVALID, "%s", text);
}

static int
parse_command(struct cli *cli, char *const argv[], struct nt_err *err)
{
    int used = cli_args_parse_common(&cli->args, argv, err);

    if (used < 0) {
        return -1;
    }
    if (cli_arg_flag(&cli->args, "version")) {
        cli->command = cli_command_find("version");
        return 0;
    }
    if (cli_arg_flag(&cli->args, "help")) {
        cli->command = cli_command_find("help");
        return 0;
    }
    if (!argv[used]) {
        return nt_fail(err, NT_INVALID, "no command was given; 'neutrino help' lists them");
    }
    cli->command = cli_command_find(argv[used]);
    if (!cli->command) {
        return nt_fail(err, NT_INVALID, "there is no command '%s'; 'neutrino help' lists them",
                       argv[used]);
    }
    if (cli_args_parse(&cli->args, cli->command->args, argv + used + 1, err) < 0) {
        return nt_err_context(err, "%s", cli->command->name);
    }
    if (cli_arg_flag(&cli->args, "help")) {
        cli->about = cli->command;
        cli->command = cli_command_find("help");
        return 0;
    }
    if (cli_args_check(&cli->args, cli->command->args, err) < 0) {
        return nt_err_context(err, "%s", cli->command->name);
    }
    return 0;
}

int
cli_parse(struct cli *cli, char *const argv[], struct nt_err *err)
{
    int rc = parse_command(cli, argv[0] ? argv + 1 : argv, err);

    cli->is_usage = rc < 0;
    return rc;
}

char *
cli_base_url(const char *url)
{
    char *base = xstrdup(url);
    char *host = strstr(base, "://");
    char *path = strchr(host ? host + 3 : base, '/');

    for (char *part = path; part; part = strchr(part + 1, '/')) {
        bool is_version = part[1] == 'v' && part[2] >= '1' && part[2] <= '9';

        if (is_version) {
            *part = '\0';
            break;
        }
    }

    size_t len = strlen(base);
    while (len && base[len - 1] == '/') {
        base[--len] = '\0';
    }
    if (path && len >= 8 && !strcmp(base + len - 8, "/compute")) {
        base[len - 8] = '\0';
    }
    return base;
}

/* The option, else the first environment variable that is there and not empty. */
static const char *
setting(const struct cli *cli, const char *option, const char *ours, const char *theirs)
{
    const char *value = option ? cli_arg(&cli->args, option) : NULL;

    if (!value) {
        value = getenv(ours);
    }
    if (!value || !*value) {
        value = getenv(theirs);
    }
    return value && *value ? value : NULL;
}

static int
read_password(const char *path, char **out, struct nt_err *err)
{
    struct stat st;
    size_t len;

    if (stat(path, &st) < 0) {
        return nt_fail_errno(err, errno, "cannot read the password file %s", path);
    }
    if (S_ISREG(st.st_mode) && st.st_mode & S_IRWXO) {
        return nt_fail(err, NT_INVALID, "others may read the password file %s: chmod o= it", path);
    }

    int error = nt_file_read(path, MAX_PASSWORD_FILE, out, &len);
    if (error < 0) {
        return nt_fail_errno(err, -error, "cannot read the password file %s", path);
    }
    (*out)[strcspn(*out, "\r\n")] = '\0';
    return 0;
}

static int
check_url(const char *url, struct nt_err *err)
{
    const char *host = strstr(url, "://");

    if (host && memchr(host + 3, '@', strcspn(host + 3, "/"))) {
        return nt_fail(err, NT_INVALID, "the URL must not hold a user or a password");
    }
    return 0;
}

int
cli_connect(struct cli *cli, struct nt_err *err)
{
    const char *url = setting(cli, "url", "NEUTRINO_URL", "OS_ENDPOINT_OVERRIDE");
    const char *user = setting(cli, "user", "NEUTRINO_USER", "OS_USERNAME");
    const char *password = setting(cli, NULL, "NEUTRINO_PASSWORD", "OS_PASSWORD");
    const char *file = cli_arg(&cli->args, "password-file");
    AUTO_FREE char *base = cli_base_url(url ? url : DEFAULT_URL);
    char *from_file = NULL;

    if (cli->command->flags & CLI_LOCAL) {
        return 0;
    }
    if (check_url(base, err) < 0) {
        return -1;
    }
    if (!user) {
        return nt_fail(err, NT_INVALID, "nobody to ask as: set NEUTRINO_USER or give --user");
    }
    if (file && read_password(file, &from_file, err) < 0) {
        return -1;
    }
    if (!file && !password) {
        return nt_fail(err, NT_INVALID,
                       "no password: set NEUTRINO_PASSWORD or give --password-file");
    }

    int rc = nt_http_client_new(base, user, file ? from_file : password, &cli->client, err);
    if (from_file) {
        explicit_bzero(from_file, strlen(from_file));
        free(from_file);
    }
    return rc;
}

static enum cli_format
chosen_format(const struct cli *cli)
{
    const char *name = cli_arg(&cli->args, "format");

    for (int i = 0; name && i < CLI_N_FORMATS; i++) {
        if (!strcmp(name, cli_formats[i])) {
            return i;
        }
    }
    return CLI_TABLE;
}

int
cli_print(struct cli *cli, struct cli_table *table_, struct nt_err *err)
{
    AUTO(cli_table) table = table_;
    const char *names[MAX_COLUMNS];
    struct ds out = DS_EMPTY_INITIALIZER;
    const char *name;
    size_t n = 0, i = 0;

    while (n < MAX_COLUMNS && (name = cli_arg_next(&cli->args, "column", &i))) {
        names[n++] = name;
    }
    cli_table_sort(table);
    if (n && cli_table_select(table, names, n, err) < 0) {
        cli->is_usage = true;
        return -1;
    }
    cli_table_print(table, chosen_format(cli), &out);
    fwrite(ds_cstr(&out), 1, out.length, stdout);
    ds_destroy(&out);
    return 0;
}

void
cli_complain(const struct nt_err *err)
{
    AUTO_FREE char *text = cli_text_clean(err->msg, "");

    fprintf(stderr, "neutrino: %s\n", text);
}

int
cli_finish(struct cli *cli, int rc, struct nt_err *err)
{
    if (fflush(stdout) || ferror(stdout)) {
        struct nt_err lost = { 0 };

        nt_fail_errno(&lost, errno, "cannot write the output");
        cli_complain(&lost);
        return 1;
    }
    if (rc < 0) {
        cli_complain(err);
        return cli->is_usage ? 2 : 1;
    }
    return 0;
}
