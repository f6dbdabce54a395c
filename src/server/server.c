#include <config.h>

#include "server/server.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "bus/embedded.h"
#include "bus/open.h"
#include "openvswitch/poll-loop.h"
#include "rpc/compute.h"
#include "server/answer/conductor.h"
#include "server/core/env.h"
#include "server/core/ipam.h"
#include "server/core/quotas.h"
#include "server/images.h"
#include "server/keygen.h"
#include "server/metadata/metadata.h"
#include "server/notify/floating.h"
#include "server/notify/boot_times.h"
#include "server/notify/notify.h"
#include "server/op.h"
#include "server/rest/rest.h"
#include "store/store.h"
#include "wire/http/metrics_door.h"
#include "wire/http/server.h"

NT_LOG_MODULE(server);

#define CONSOLE_TIMEOUT_MS 10000
#define DRAIN_ROUNDS 10

struct server {
    const struct nt_program *program;
    struct core_env env;
    struct store *store;  /* The one writer. */
    struct store *reader; /* Sees committed rows only. */
    struct op_queue *ops;
    struct nt_bus *bus;
    struct notify *notify;
    struct conductor *conductor;
    struct rest *rest;
    struct keygen *keygen;
    struct metadata *metadata;
    struct nt_http_server *rest_http, *metadata_http;
    int64_t next_sweep; /* Monotonic. */
};

/* Console output comes from the instance's compute host. */

struct console_call {
    rest_console_done *done;
    void *done_aux;
};

static void
console_reply(void *call_, const void *result_, const struct nt_err *err)
{
    struct console_call *call = call_;
    const struct nt_console_result *result = result_;

    call->done(call->done_aux, err ? NULL : result->output ? result->output : "", err);
    free(call);
}

static void
fetch_console(void *server_, const struct nt_instance *instance, int64_t length,
              rest_console_done *done, void *done_aux)
{
    struct server *server = server_;
    struct nt_console_args args = { .number = instance->number, .length = length };

    if (!*instance->host) {
        struct nt_err err = { 0 };

        (void) nt_fail(&err, NT_CONFLICT, "instance %s is on no host", instance->id);
        done(done_aux, NULL, &err);
        return;
    }
    ovs_strlcpy(args.id, instance->id, sizeof args.id);

    struct console_call *call = xmalloc(sizeof *call);
    *call = (struct console_call){ done, done_aux };
    nt_rpc_call(server->bus, NT_TO(&nt_compute_host, instance->host, "get_console_output"), &args,
                CONSOLE_TIMEOUT_MS, console_reply, call);
}

static void
wait_floating(void *server_, const char *address, int64_t generation, rest_floating_done *done,
              void *done_aux)
{
    struct server *server = server_;

    notify_floating_wait(notify_get_floating(server->notify), address, generation, done, done_aux);
}

static void
make_key(void *server_, rest_make_key_done *done, void *done_aux)
{
    struct server *server = server_;

    keygen_start(server->keygen, done, done_aux);
}

/* Addresses whose lease was never released are free after a while. */

static int
op_sweep(struct store *store, void *server_, struct changes *out, struct nt_err *err)
{
    struct server *server = server_;

    return ipam_sweep(store, &server->env, NULL, out, err);
}

static void
sweep_done(void *server, const struct nt_err *err)
{
    (void) server;
    if (err) {
        nt_error("addresses not swept", "why", err->msg, NULL);
    }
}

static void
sweep_run(void *server_)
{
    struct server *server = server_;
    int64_t now = nt_mono_ms(server->program->clock);

    if (now >= server->next_sweep) {
        server->next_sweep =
            now + nt_config_int(server->program->config, "periodic_interval") * 1000;
        op_submit(server->ops, op_sweep, server, sweep_done, server);
    }
}

static void
sweep_wait(void *server_)
{
    struct server *server = server_;

    poll_timer_wait_until(server->next_sweep);
}

static void
init_env(struct server *server)
{
    const struct nt_config *config = server->program->config;
    struct core_env *env = &server->env;

    core_env_init(env, server->program->clock, server->program->random);
    env->first_instance_number = nt_config_int(config, "first_instance_number");
    env->service_down_time_s = nt_config_int(config, "service_down_time");
    env->fixed_ip_disassociate_timeout_s = nt_config_int(config, "fixed_ip_disassociate_timeout");
    env->create_unique_mac_address_attempts =
        nt_config_int(config, "create_unique_mac_address_attempts");
    for (enum quota q = 0; q < QUOTA_N; q++) {
        AUTO_FREE char *option = xasprintf("quota_%s", quota_name(q));

        env->quotas[q] = nt_config_int(config, option);
    }
    env->multi_host = nt_config_bool(config, "multi_host");
    env->share_dhcp_address = nt_config_bool(config, "share_dhcp_address");
    env->auto_assign_floating_ip = nt_config_bool(config, "auto_assign_floating_ip");
    env->default_floating_pool = nt_config_str(config, "default_floating_pool");
    env->use_ipv6 = nt_config_bool(config, "use_ipv6");
    env->fixed_range_v6 = nt_config_str(config, "fixed_range_v6");
    env->flat_network_bridge = nt_config_str(config, "flat_network_bridge");
    env->flat_interface = nt_config_str(config, "flat_interface");
    env->flat_network_dns = nt_config_str(config, "flat_network_dns");
    env->fixed_range = nt_config_str(config, "fixed_range");
    env->num_networks = nt_config_int(config, "num_networks");
    env->network_size = nt_config_int(config, "network_size");
    env->network_size_is_set = nt_config_is_set(config, "network_size");
    env->network_device_mtu = nt_config_int(config, "network_device_mtu");
    env->ipv6_backend = nt_config_str(config, "ipv6_backend");
}

static int
open_store(struct server *server, struct nt_err *err)
{
    const char *url = nt_config_str(server->program->config, "sql_connection");

    if (store_open(url, &server->store, err) < 0
        || store_open_reader(url, &server->reader, err) < 0) {
        return -1;
    }
    server->ops = op_queue_new(server->store);
    return 0;
}

static int
open_bus(struct server *server, struct nt_err *err)
{
    const struct nt_program *program = server->program;
    const struct nt_bus_options options = {
        .name = program->host,
        .program = program->name,
        .clock = program->clock,
        .random = program->random,
    };

    return nt_bus_open_server(&options, program->config, &server->bus, err);
}

static int
open_http(struct server *server, const char *door, const struct nt_http_options *base,
          struct nt_http_server **out, struct nt_err *err)
{
    const struct nt_config *config = server->program->config;
    struct nt_http_options options = *base;
    char address[64], port[64];

    snprintf(address, sizeof address, "%s_listen", door);
    snprintf(port, sizeof port, "%s_listen_port", door);
    options.address = nt_config_str(config, address);
    options.port = nt_config_int(config, port);
    options.clock = server->program->clock;
    return nt_http_server_new(&options, out, err);
}

static int
open_doors(struct server *server, struct nt_err *err)
{
    const struct nt_config *config = server->program->config;
    const struct rest_options rest = {
        .ops = server->ops,
        .reader = server->reader,
        .env = &server->env,
        .credentials_file = nt_config_str(config, "api_credentials_file"),
        .console = fetch_console,
        .console_aux = server,
        .make_key = make_key,
        .make_key_aux = server,
        .floating_wait = wait_floating,
        .floating_aux = server,
    };

    const struct metadata_options metadata = {
        .reader = server->reader,
        .ops = server->ops,
        .random = server->env.random,
        .clock = server->program->clock,
        .config = config,
    };

    server->keygen = keygen_new(server->program->clock);
    if (rest_new(&rest, &server->rest, err) < 0) {
        return -1;
    }
    if (metadata_new(&metadata, &server->metadata, err) < 0) {
        return -1;
    }

    const struct nt_http_options rest_http = {
        .limits = nt_http_default_limits,
        .handler = rest_handle,
        .aux = server->rest,
    };
    const struct nt_http_options metadata_http = {
        .limits = metadata_limits,
        .handler = metadata_handle,
        .aux = server->metadata,
    };
    return open_http(server, "osapi_compute", &rest_http, &server->rest_http, err) < 0
                   || open_http(server, "metadata", &metadata_http, &server->metadata_http, err) < 0
               ? -1
               : 0;
}

static int
start(struct server *server, struct nt_err *err)
{
    const struct nt_program *program = server->program;

    init_env(server);
    if (open_store(server, err) < 0
        || images_register(server->ops, &server->env,
                           nt_config_str(program->config, "image_directory"), err)
               < 0
        || open_bus(server, err) < 0) {
        return -1;
    }
    server->notify = notify_new(server->reader, server->ops, server->bus, &server->env);
    server->conductor =
        conductor_new(server->reader, server->ops, server->bus, &server->env, program->host);
    if (open_doors(server, err) < 0) {
        return -1;
    }
    conductor_on_config_drive(server->conductor, metadata_config_drive, server->metadata);
    return notify_resume(server->notify, err);
}

int
server_new(const struct nt_program *program, struct server **out, struct nt_err *err)
{
    struct server *server = xzalloc(sizeof *server);

    server->program = program;
    if (start(server, err) < 0) {
        server_free(server);
        return -1;
    }
    *out = server;
    return 0;
}

void
server_free(struct server *server)
{
    if (server) {
        keygen_free(server->keygen);
        /* What is pending still tells hosts; what the end of the bus submits cannot. */
        for (int i = 0; server->ops && i < DRAIN_ROUNDS; i++) {
            op_queue_run(server->ops);
        }
        nt_bus_free(server->bus);
        if (server->ops) {
            op_queue_on_changes(server->ops, NULL, NULL);
        }
        op_queue_free(server->ops);
        notify_free(server->notify);
        conductor_free(server->conductor);
        rest_free(server->rest);
        metadata_free(server->metadata);
        nt_http_server_free(server->rest_http);
        nt_http_server_free(server->metadata_http);
        store_free(server->reader);
        store_free(server->store);
        free(server);
    }
}

void
server_add_to(struct server *server, struct nt_loop *loop)
{
    NT_LOOP_ADD(loop, nt_bus, server->bus);
    NT_LOOP_ADD(loop, nt_http_server, server->rest_http);
    NT_LOOP_ADD(loop, nt_http_server, server->metadata_http);
    NT_LOOP_ADD(loop, keygen, server->keygen);
    NT_LOOP_ADD(loop, notify, server->notify);
    nt_loop_add(loop, "sweep", sweep_run, sweep_wait, server);
    /* Last: one commit for all that this turn brought. */
    NT_LOOP_ADD(loop, op_queue, server->ops);
}

void
server_metrics(void *server_, struct ds *out)
{
    struct server *server = server_;

    nt_http_server_metrics(server->rest_http, "rest", true, out);
    nt_http_server_metrics(server->metadata_http, "metadata", false, out);
    nt_metric_counter(out, "neutrino_db_commits_total", "Commits, of any number of operations.",
                      op_queue_n_commits(server->ops));
    nt_metric_counter(out, "neutrino_db_errors_total",
                      "Operations and commits that the database failed.",
                      op_queue_n_db_errors(server->ops));
    boot_times_metrics(notify_get_boot_times(server->notify), out);
    if (nt_bus_proves_peers(server->bus)) {
        nt_metric_gauge(out, "neutrino_bus_peers", "Host programs that are connected.",
                        nt_bus_hub_n_peers(server->bus));
    }
    nt_bus_metrics(server->bus, out);
}

void
server_reload(void *server_)
{
    struct server *server = server_;
    struct nt_err err = { 0 };

    if (rest_reload(server->rest, &err) < 0) {
        nt_error("credentials not read again; the old ones stay", "why", err.msg, NULL);
    } else {
        nt_info("credentials read again", NULL);
    }
}
