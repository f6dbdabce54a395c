/* neutrino-cleanup: takes guests' ports off a switch before its agent starts. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/program.h"
#include "cleanup/args.h"
#include "cleanup/ports.h"
#include "cli/table.h"
#include "openvswitch/dynamic-string.h"

NT_LOG_MODULE(main);

#define PROGRAM "neutrino-cleanup"
#define QUIET_MS 2000 /* So long nobody wonders. */

static int
parse_format(const char *name, enum cli_format *out, struct nt_err *err)
{
    for (size_t i = 0; i < CLI_N_FORMATS; i++) {
        if (!name || !strcmp(cli_formats[i], name)) {
            *out = (enum cli_format) i;
            return 0;
        }
    }
    return nt_fail(err, NT_INVALID, "'%s' is no format: table, json, yaml, csv, value", name);
}

/* One line that is written over; to a terminal alone. */
static void
show_progress(void *aux, const char *what, int64_t elapsed_ms)
{
    bool *shown = aux;

    if (elapsed_ms >= QUIET_MS) {
        fprintf(stderr, "\r%s, %lld s ", what, (long long) elapsed_ms / 1000);
        *shown = true;
    }
}

static void
print_ports(const struct cleanup_ports *ports, bool dry_run, enum cli_format format)
{
    static const char *const columns[] = { "Bridge", "Port", "Type", "Interface ID",
                                           "MAC",    "Done", NULL };
    AUTO(cli_table) table = cli_table_list(columns);
    struct ds out = DS_EMPTY_INITIALIZER;

    for (size_t i = 0; i < ports->n; i++) {
        const struct cleanup_port *p = &ports->ports[i];
        const char *done = dry_run
                               ? p->is_veth ? "would be removed, with its veth" : "would be removed"
                           : p->is_veth ? "removed, with its veth"
                                        : "removed";
        const char *const cells[] = { p->bridge, p->name, p->type, p->iface_id, p->mac, done };

        for (size_t k = 0; k < NT_ARRAY_SIZE(cells); k++) {
            cli_table_add(table, json_string_create(cells[k]), NULL);
        }
    }
    if (ports->n || format != CLI_TABLE) {
        cli_table_print(table, format, &out);
        fputs(ds_cstr(&out), stdout);
    }
    ds_destroy(&out);
}

static void
start_log(const struct nt_config *config)
{
    const char *dir = nt_config_str(config, "log_dir");
    const char *file = nt_config_str(config, "log_file");
    AUTO_FREE char *path = NULL;

    if (*file) {
        path = *dir && *file != '/' ? xasprintf("%s/%s", dir, file) : xstrdup(file);
    } else if (*dir) {
        path = xasprintf("%s/" PROGRAM ".log", dir);
    }
    nt_log_start(PROGRAM, path);
    if (nt_config_bool(config, "debug")) {
        vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_DBG);
    }
    for (size_t i = 0; i < nt_config_n_warnings(config); i++) {
        nt_warn("configuration", "line", nt_config_warning(config, i), NULL);
    }
}

static int
clean(const struct cleanup_args *args, enum cli_format format, struct nt_err *err)
{
    const struct nt_config *config = args->config;
    const char *external = nt_config_str(config, "external_network_bridge");
    bool asks_environment = !nt_config_is_set(config, "ovs_run_dir") && getenv("OVS_RUNDIR");
    bool shown = false;
    struct cleanup_ports ports;
    const struct cleanup_request request = {
        .ovsdb = {
            .remote = nt_config_str(config, "ovsdb_connection"),
            .ssl_key = nt_config_str(config, "ssl_key_file"),
            .ssl_cert = nt_config_str(config, "ssl_cert_file"),
            .ssl_ca = nt_config_str(config, "ssl_ca_cert_file"),
            /* The whole has a limit; a database that is busy with it answers no probe. */
            .probe_interval_s = 0,
            .clock = nt_clock_system(),
        },
        .integration_bridge = nt_config_str(config, "integration_bridge"),
        .external_bridge = args->delete_veths && *external ? external : NULL,
        .run_dir = asks_environment ? getenv("OVS_RUNDIR") : nt_config_str(config, "ovs_run_dir"),
        .timeout_s = (int) nt_config_int(config, "ovsdb_timeout"),
        .all_ports = nt_config_bool(config, "ovs_all_ports"),
        .delete_veths = args->delete_veths,
        .dry_run = args->dry_run,
        .progress = isatty(STDERR_FILENO) ? show_progress : NULL,
        .aux = &shown,
    };
    int rc = cleanup_ports(&request, &ports, err);

    if (shown) {
        fputc('\n', stderr);
    }
    if (rc < 0) {
        return -1;
    }
    print_ports(&ports, args->dry_run, format);
    if (!args->dry_run) {
        AUTO_FREE char *count = xasprintf("%zu", ports.n);

        nt_info("OVS cleanup completed successfully", "removed", count, NULL);
    }
    cleanup_ports_deinit(&ports);
    return 0;
}

int
main(int argc, char *argv[])
{
    enum cli_format format = CLI_TABLE;
    struct cleanup_args args;
    struct nt_err err = { 0 };
    int rc = cleanup_args_parse(&args, argv, &err);

    if (rc == 0 && args.help) {
        cleanup_args_help();
    } else if (rc == 0 && args.version) {
        printf(PROGRAM " %s\n", nt_version());
    } else if (rc == 0) {
        rc = parse_format(args.format, &format, &err);
        if (rc == 0) {
            start_log(args.config);
            rc = clean(&args, format, &err);
        }
    }
    if (rc < 0) {
        fprintf(stderr, PROGRAM ": %s\n", err.msg);
    }
    cleanup_args_deinit(&args);
    return rc < 0;
}
