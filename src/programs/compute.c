/* neutrino-compute: instances on this host. */
#include <config.h>

#include "compute/compute.h"
#include "compute/metrics.h"
#include "programs/host/host.h"

static struct compute_env
env_of(const struct host_env *env)
{
    return (struct compute_env){
        .config = env->config,
        .clock = env->clock,
        .children = env->children,
        .bus = env->bus,
        .host = env->host,
    };
}

static int
new_compute(const struct host_env *host_env, void **out, struct nt_err *err)
{
    const struct compute_env env = env_of(host_env);

    return compute_new(&env, (struct compute **) out, err);
}

static int
plan_text(const struct host_env *host_env, char **out, struct nt_err *err)
{
    const struct compute_env env = env_of(host_env);

    return compute_plan_text(&env, out, err);
}

static void
run_compute(void *compute)
{
    compute_run(compute);
}

static void
wait_compute(void *compute)
{
    compute_wait(compute);
}

static void
free_compute(void *compute)
{
    compute_free(compute);
}

static const struct host_role role = {
    .program = { .name = "neutrino-compute", .summary = "Runs instances on this host." },
    .name = "compute",
    .metrics_port = "compute_metrics_port",
    .new = new_compute,
    .plan_text = plan_text,
    .run = run_compute,
    .wait = wait_compute,
    .free = free_compute,
    .metrics = compute_metrics,
};

int
main(int argc, char *argv[])
{
    return host_main(&role, argc, argv);
}
