/* neutrino-compute: instances on this host. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/child.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/program.h"
#include "bus/open.h"
#include "compute/compute.h"
#include "compute/metrics.h"
#include "wire/http/metrics_door.h"

NT_LOG_MODULE(main);

static const struct nt_program_kind kind = {
    .name = "neutrino-compute",
    .summary = "Runs instances on this host.",
};

static int
start(struct nt_program *program, struct nt_children *children, struct nt_bus **bus,
      struct compute **compute, struct nt_err *err)
{
    const struct nt_bus_options options = {
        .name = program->host,
        .program = program->name,
        .clock = program->clock,
        .random = program->random,
    };

    if (nt_bus_open_host(&options, program->config, bus, err) < 0) {
        return -1;
    }

    const struct compute_env env = {
        .config = program->config,
        .clock = program->clock,
        .children = children,
        .bus = *bus,
        .host = program->host,
    };
    return compute_new(&env, compute, err);
}

/* Prints the rules that the files of this host want; for operators, and to compare. */
static int
print_plan(struct nt_program *program, struct nt_children *children, struct nt_err *err)
{
    const struct compute_env env = {
        .config = program->config,
        .clock = program->clock,
        .children = children,
        .host = program->host,
    };
    char *text = NULL;

    if (compute_plan_text(&env, &text, err) < 0) {
        return -1;
    }
    fputs(text, stdout);
    free(text);
    return 0;
}

int
main(int argc, char *argv[])
{
    bool plan_only = nt_program_take_flag(&argc, argv, "--plan");
    struct nt_program program;
    struct nt_err err = { 0 };
    struct nt_bus *bus = NULL;
    struct compute *compute = NULL;
    struct nt_metrics_door *metrics = NULL;

    nt_program_init(&program, &kind, argv);

    AUTO(nt_loop) loop = nt_loop_new();
    nt_loop_handle_signals(loop, NULL, NULL);

    struct nt_children *children = nt_children_new(program.clock);
    int rc = plan_only ? print_plan(&program, children, &err)
                       : start(&program, children, &bus, &compute, &err);

    if (rc < 0) {
        nt_error("cannot start", "why", err.msg, NULL);
    } else if (!plan_only) {
        NT_LOOP_ADD(loop, nt_children, children);
        NT_LOOP_ADD(loop, nt_bus, bus);
        NT_LOOP_ADD(loop, compute, compute);
        metrics =
            nt_metrics_door_open(&program, "compute_metrics_port", loop, compute_metrics, compute);
        nt_info("ready", "host", program.host, NULL);
        nt_loop_run(loop);
    }
    nt_metrics_door_free(metrics);
    nt_bus_free(bus);
    compute_free(compute);
    nt_children_free(children);
    nt_program_deinit(&program);
    return rc < 0;
}
