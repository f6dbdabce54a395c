/* neutrino-flat: the network host. */
#include <config.h>

#include "flat/flat.h"
#include "flat/metrics.h"
#include "programs/host/host.h"

static struct flat_env
env_of(const struct host_env *env)
{
    return (struct flat_env){
        .config = env->config,
        .clock = env->clock,
        .random = env->random,
        .children = env->children,
        .bus = env->bus,
        .host = env->host,
    };
}

static int
new_flat(const struct host_env *host_env, void **out, struct nt_err *err)
{
    const struct flat_env env = env_of(host_env);

    return flat_new(&env, (struct flat **) out, err);
}

static int
plan_text(const struct host_env *host_env, char **out, struct nt_err *err)
{
    const struct flat_env env = env_of(host_env);

    return flat_plan_text(&env, out, err);
}

static void
run_flat(void *flat)
{
    flat_run(flat);
}

static void
wait_flat(void *flat)
{
    flat_wait(flat);
}

static void
free_flat(void *flat)
{
    flat_free(flat);
}

static const struct host_role role = {
    .program = { .name = "neutrino-flat", .summary = "Serves flat networks on this host." },
    .name = "flat",
    .metrics_port = "flat_metrics_port",
    .new = new_flat,
    .plan_text = plan_text,
    .run = run_flat,
    .wait = wait_flat,
    .free = free_flat,
    .metrics = flat_metrics,
};

int
main(int argc, char *argv[])
{
    return host_main(&role, argc, argv);
}
