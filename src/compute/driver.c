#include <config.h>

#include "compute/driver.h"

#include <string.h>

static const struct {
    const char *name;
    struct driver *(*create)(const struct driver_env *);
} drivers[] = {
    { "netns", driver_netns_new },
    { "null", driver_null_new },
};

int
driver_new(const struct driver_env *env, struct driver **out, struct nt_err *err)
{
    const char *name = nt_config_str(env->config, "compute_driver");

    for (size_t i = 0; i < NT_ARRAY_SIZE(drivers); i++) {
        if (!strcmp(name, drivers[i].name)) {
            *out = drivers[i].create(env);
            return 0;
        }
    }
    return nt_fail(err, NT_UNSUPPORTED, "%s: compute_driver %s is not offered, only netns and null",
                   nt_config_origin(env->config, "compute_driver"), name);
}
