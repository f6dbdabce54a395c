#include <config.h>

#include "programs/host/host.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/loop.h"
#include "bus/open.h"

NT_LOG_MODULE(main);

static int
start(const struct host_role *role, const struct nt_program *program, struct host_env *env,
      void **part, struct nt_err *err)
{
    const struct nt_bus_options options = {
        .name = program->host,
        .program = program->name,
        .clock = program->clock,
        .random = program->random,
    };

    return nt_bus_open_host(&options, program->config, &env->bus, err) < 0
               ? -1
               : role->new (env, part, err);
}

/* Prints the rules that the files of this host want; for operators, and to compare. */
static int
print_plan(const struct host_role *role, const struct host_env *env, struct nt_err *err)
{
    char *text = NULL;

    if (role->plan_text(env, &text, err) < 0) {
        return -1;
    }
    fputs(text, stdout);
    free(text);
    return 0;
}

static void
serve(const struct host_role *role, const struct nt_program *program, const struct host_env *env,
      void *part, struct nt_loop *loop)
{
    struct nt_metrics_door *metrics = NULL;

    NT_LOOP_ADD(loop, nt_children, env->children);
    NT_LOOP_ADD(loop, nt_bus, env->bus);
    nt_loop_add(loop, role->name, role->run, role->wait, part);
    metrics = nt_metrics_door_open(program, role->metrics_port, loop, role->metrics, part);
    nt_info("ready", "host", program->host, NULL);
    nt_loop_run(loop);
    nt_metrics_door_free(metrics);
}

int
host_main(const struct host_role *role, int argc, char *argv[])
{
    bool plan_only = nt_program_take_flag(&argc, argv, "--plan");
    struct nt_program program;
    struct nt_err err = { 0 };
    void *part = NULL;

    nt_program_init(&program, &role->program, argv);

    AUTO(nt_loop) loop = nt_loop_new();
    nt_loop_handle_signals(loop, NULL, NULL);

    struct host_env env = {
        .config = program.config,
        .clock = program.clock,
        .random = program.random,
        .children = nt_children_new(program.clock),
        .host = program.host,
    };
    int rc = plan_only ? print_plan(role, &env, &err) : start(role, &program, &env, &part, &err);
    if (rc < 0) {
        nt_error("cannot start", "why", err.msg, NULL);
    } else if (!plan_only) {
        serve(role, &program, &env, part, loop);
    }
    nt_bus_free(env.bus);
    role->free(part);
    nt_children_free(env.children);
    nt_program_deinit(&program);
    return rc < 0;
}
