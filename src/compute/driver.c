#include <config.h>

#include "compute/driver.h"

#include <string.h>

/* 'try' is of a driver that needs something not every host has. */
static const struct {
    const char *name;
    struct driver *(*create)(const struct driver_env *);
    int (*try)(const struct driver_env *, struct driver **out, struct nt_err *);
} drivers[] = {
    { "netns", driver_netns_new },
    { "qemu", driver_qemu_new },
    { "libvirt", .try = driver_libvirt_new },
    { "null", driver_null_new },
};

int
driver_new(const struct driver_env *env, struct driver **out, struct nt_err *err)
{
    const char *name = nt_config_str(env->config, "compute_driver");

    for (size_t i = 0; i < NT_ARRAY_SIZE(drivers); i++) {
        if (!strcmp(name, drivers[i].name)) {
            if (drivers[i].try) {
                return drivers[i].try(env, out, err);
            }
            *out = drivers[i].create(env);
            return 0;
        }
    }
    return nt_fail(err, NT_UNSUPPORTED,
                   "%s: compute_driver %s is not offered, only netns, qemu, libvirt and null",
                   nt_config_origin(env->config, "compute_driver"), name);
}
