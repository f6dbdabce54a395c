/* What the main() of a host program does: command line, parts, loop, and the end in reverse. */
#pragma once

#include "base/child.h"
#include "base/program.h"
#include "bus/bus.h"
#include "wire/http/metrics_door.h"

/* All borrowed. */
struct host_env {
    const struct nt_config *config;
    const struct nt_clock *clock;
    struct nt_random *random;
    struct nt_children *children;
    struct nt_bus *bus; /* NULL for a plan alone. */
    const char *host;
};

/* What the program is for.  Functions are given what new() has made. */
struct host_role {
    struct nt_program_kind program;
    const char *name; /* Its part of the loop, in the log. */
    const char *metrics_port;
    int (*new)(const struct host_env *, void **out, struct nt_err *);
    int (*plan_text)(const struct host_env *, char **out, struct nt_err *); /* --plan */
    void (*run)(void *);
    void (*wait)(void *);
    void (*free)(void *);
    nt_metrics_writer *metrics;
};

/* The exit status. */
int host_main(const struct host_role *, int argc, char *argv[]);
