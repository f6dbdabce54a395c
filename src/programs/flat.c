/* neutrino-flat: the network host. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/child.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/program.h"
#include "bus/open.h"
#include "flat/flat.h"
#include "flat/metrics.h"
#include "wire/http/metrics_door.h"

NT_LOG_MODULE(main);

static const struct nt_program_kind kind = {
    .name = "neutrino-flat",
    .summary = "Serves flat networks on this host.",
};

static int
start(struct nt_program *program, struct nt_children *children, struct nt_bus **bus,
      struct flat **flat, struct nt_err *err)
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

    const struct flat_env env = {
        .config = program->config,
        .clock = program->clock,
        .random = program->random,
        .children = children,
        .bus = *bus,
        .host = program->host,
    };
    return flat_new(&env, flat, err);
}

/* Prints the rules that the files of this host want; for operators, and to compare. */
static int
print_plan(struct nt_program *program, struct nt_children *children, struct nt_err *err)
{
    const struct flat_env env = {
        .config = program->config,
        .clock = program->clock,
        .random = program->random,
        .children = children,
        .host = program->host,
    };
    char *text = NULL;

    if (flat_plan_text(&env, &text, err) < 0) {
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
    struct flat *flat = NULL;
    struct nt_metrics_door *metrics = NULL;

    nt_program_init(&program, &kind, argv);

    AUTO(nt_loop) loop = nt_loop_new();
    nt_loop_handle_signals(loop, NULL, NULL);

    struct nt_children *children = nt_children_new(program.clock);
    int rc = plan_only ? print_plan(&program, children, &err)
                       : start(&program, children, &bus, &flat, &err);

    if (rc < 0) {
        nt_error("cannot start", "why", err.msg, NULL);
    } else if (!plan_only) {
        NT_LOOP_ADD(loop, nt_children, children);
        NT_LOOP_ADD(loop, nt_bus, bus);
        NT_LOOP_ADD(loop, flat, flat);
        metrics = nt_metrics_door_open(&program, "flat_metrics_port", loop, flat_metrics, flat);
        nt_info("ready", "host", program.host, NULL);
        nt_loop_run(loop);
    }
    nt_metrics_door_free(metrics);
    nt_bus_free(bus);
    flat_free(flat);
    nt_children_free(children);
    nt_program_deinit(&program);
    return rc < 0;
}
