/* neutrino-agent: the Open vSwitch agent of neutron. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/control.h"
#include "agent/metrics.h"
#include "agent/model/options.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/notify.h"
#include "base/options.h"
#include "base/pid_file.h"
#include "base/program.h"
#include "bus/open.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "wire/http/metrics_door.h"

NT_LOG_MODULE(main);

#define PLAN_TIMEOUT_MS 10000

struct daemon {
    struct nt_option *options;
    struct nt_program program;
    struct agent_config *config;
    struct nt_bus *bus;
    struct agent *agent;
    struct nt_loop *loop;
    struct nt_notify *notify;
    struct nt_pid_file *pid_file;
    struct agent_metered metered;
    struct agent_control asked;
    struct nt_control *control;
    struct nt_metrics_door *metrics;
};

static struct nt_program_kind kind = {
    .name = "neutrino-agent",
    .summary = "Open vSwitch agent of neutron.",
    .paths = agent_config_paths,
};

/* Options whose change waits for a restart. */
static void
tell_unchanged(const struct daemon *d, const struct nt_config *now)
{
    for (const struct nt_option *o = d->options; o->name; o++) {
        AUTO_FREE char *before = nt_config_shown(d->program.config, o);
        AUTO_FREE char *after = nt_config_shown(now, o);

        if (!o->is_reloadable && !o->ignored && strcmp(before, after)) {
            nt_warn("a changed option waits for a restart", "option", o->name, "now", before,
                    "then", after, NULL);
        }
    }
}

/* SIGHUP. */
static void
reload(void *daemon_)
{
    struct daemon *d = daemon_;
    AUTO(nt_config) now = NULL;
    AUTO(agent_config) config = NULL;
    struct nt_err err = { 0 };

    nt_notify_reloading(d->notify);
    if (nt_program_reread(&d->program, &now, &err) < 0
        || agent_config_reread(now, &config, &err) < 0) {
        nt_program_reopen_log(d->program.config);
        nt_error("configuration is left as it was", "why", err.msg, NULL);
    } else {
        nt_program_reopen_log(now);
        tell_unchanged(d, now);
        nt_info("configuration was read again", "changed",
                agent_config_reload(d->config, config) ? "yes" : "no", NULL);
    }
    nt_notify_reloaded(d->notify);
}

/* Ends the program when something it needs is missing, and tells the service manager how it
 * is. */
static void
watch_run(void *daemon_)
{
    struct daemon *d = daemon_;

    if (agent_failure(d->agent)) {
        nt_loop_stop(d->loop);
    } else if (agent_is_ready(d->agent)) {
        const struct agent_stats stats = agent_stats(d->agent);
        char text[120];

        snprintf(text, sizeof text, "%zu ports in their networks, %llu flows",
                 stats.wiring->n_bound, (unsigned long long) stats.flows->n_wanted);
        nt_notify_ready(d->notify);
        nt_notify_status(d->notify, text);
    } else {
        nt_notify_status(d->notify, "waiting for neutron-server");
    }
}

static int
load(struct daemon *d, struct nt_err *err)
{
    return agent_config_load(d->program.config, &d->config, err) < 0
               ? -1
               : agent_config_check_host(d->config, err);
}

static int
take_pid_file(struct daemon *d, struct nt_err *err)
{
    const char *path = nt_config_str(d->program.config, "pid_file");
    AUTO_FREE char *usual = xasprintf("%s/neutrino-agent.pid", d->config->ovs_run_dir);
    struct nt_err why = { 0 };

    if (!strcmp(path, "none") || !nt_pid_file_take(*path ? path : usual, &d->pid_file, &why)) {
        return 0;
    }
    if (*path || why.code == NT_CONFLICT) {
        return nt_fail(err, why.code, "%s", why.msg);
    }
    /* Where it would usually be is another program's folder. */
    nt_warn("ovs-appctl finds this program by its socket's path alone", "option", "pid_file", "why",
            why.msg, NULL);
    return 0;
}

static int
start(struct daemon *d, struct nt_err *err)
{
    const struct nt_program *program = &d->program;
    const struct nt_bus_options options = {
        .name = program->host,
        .program = program->name,
        .clock = program->clock,
        .random = program->random,
    };

    if (load(d, err) < 0 || take_pid_file(d, err) < 0
        || nt_bus_open_host(&options, program->config, &d->bus, err) < 0) {
        return -1;
    }

    const struct agent_env env = {
        .config = d->config,
        .clock = program->clock,
        .random = program->random,
        .bus = d->bus,
    };
    return agent_new(&env, &d->agent, err);
}

static void
open_doors(struct daemon *d)
{
    const struct nt_config *config = d->program.config;

    d->metered = (struct agent_metered){ d->agent, d->bus, d->program.clock };
    d->asked = (struct agent_control){ d->agent, &d->metered, d->loop };
    d->control = agent_control_open(&d->asked, d->config, nt_config_str(config, "control_socket"));
    if (d->control) {
        NT_LOOP_ADD(d->loop, nt_control, d->control);
    }
    d->metrics = nt_metrics_door_open(&d->program, "agent_metrics_port", d->loop, agent_metrics,
                                      &d->metered);
}

/* Until what the server is told has been said, or quitting_rpc_timeout has passed: flows, ports
 * and tags stay as they are. */
static void
stop(struct daemon *d)
{
    nt_notify_stopping(d->notify);
    agent_stop(d->agent);
}

static int
serve(struct daemon *d)
{
    NT_LOOP_ADD(d->loop, nt_bus, d->bus);
    NT_LOOP_ADD(d->loop, agent, d->agent);
    NT_LOOP_ADD(d->loop, nt_notify, d->notify);
    nt_loop_add(d->loop, "watch", watch_run, NULL, d);
    open_doors(d);
    nt_info("started", "host", d->program.host, "version", nt_version(), NULL);
    nt_loop_run(d->loop);
    stop(d);
    if (agent_failure(d->agent)) {
        nt_error("agent terminated!", "why", agent_failure(d->agent), NULL);
        return -1;
    }
    return 0;
}

/* Prints what a fresh agent would want with the facts of a running one; for operators, and to
 * compare. */
static int
print_plan(struct daemon *d, const char *path, struct nt_err *err)
{
    const struct agent_env env = {
        .config = d->config,
        .clock = d->program.clock,
        .random = d->program.random,
    };
    struct json *facts = json_from_file(path);
    AUTO_FREE char *text = NULL;
    int rc;

    if (facts->type != JSON_OBJECT) {
        rc = nt_fail(err, NT_INVALID,
                     "%s does not have the facts that 'ovs-appctl -t neutrino-agent facts' prints",
                     path);
    } else {
        rc = agent_plan_text(&env, facts, PLAN_TIMEOUT_MS, &text, err);
    }
    json_destroy(facts);
    if (!rc) {
        fputs(text, stdout);
    }
    return rc;
}

/* Says what is wrong with the configuration, for operators and scripts. */
static int
check(char *argv[])
{
    AUTO(nt_config) config = NULL;
    AUTO(agent_config) agent = NULL;
    struct nt_err err = { 0 };

    if (nt_program_check(&kind, argv, &config) < 0) {
        return -1;
    }
    if (agent_config_load(config, &agent, &err) < 0 || agent_config_check_host(agent, &err) < 0) {
        printf("error: %s\n", err.msg);
        return -1;
    }
    return 0;
}

static int
print_manual(void)
{
    struct ds out = DS_EMPTY_INITIALIZER;

    ds_put_cstr(&out, ".SH CONFIGURATION\n.ad l\n"
                      "Names and sections are those of neutron\\-openvswitch\\-agent; sections "
                      "are read in any case of letters.\nOptions of the section "
                      "[oslo_messaging_rabbit], bus_* and "
                      "metrics_listen are in\n.BR neutrino.conf (5).\n");
    nt_option_manual(agent_options, "Options of neutron that said what is done anyway:", &out);
    fputs(ds_cstr(&out), stdout);
    ds_destroy(&out);
    return 0;
}

static void
end(struct daemon *d)
{
    nt_metrics_door_free(d->metrics);
    nt_control_free(d->control);
    nt_bus_free(d->bus);
    agent_free(d->agent);
    nt_pid_file_free(d->pid_file);
    nt_notify_free(d->notify);
    nt_loop_free(d->loop);
    agent_config_free(d->config);
    nt_program_deinit(&d->program);
}

static int
run(struct daemon *d, const char *plan, char *argv[])
{
    struct nt_err err = { 0 };
    int rc;

    nt_program_init(&d->program, &kind, argv);
    d->loop = nt_loop_new();
    d->notify = nt_notify_new(d->program.clock);
    nt_loop_handle_signals(d->loop, reload, d);
    if (plan) {
        rc = load(d, &err) < 0 ? -1 : print_plan(d, plan, &err);
    } else {
        rc = start(d, &err);
    }
    if (rc < 0) {
        nt_error("cannot start", "why", err.msg, NULL);
    } else if (!plan) {
        rc = serve(d);
    }
    end(d);
    return rc;
}

int
main(int argc, char *argv[])
{
    bool only_manual = nt_program_take_flag(&argc, argv, "--manual");
    bool only_check = nt_program_take_flag(&argc, argv, "--check");
    const char *plan = nt_program_take_value(&argc, argv, "--plan");
    struct daemon d = { .options = nt_options_join(agent_options) };

    kind.options = d.options;
    int rc = only_manual ? print_manual() : only_check ? check(argv) : run(&d, plan, argv);
    free(d.options);
    return rc < 0;
}
